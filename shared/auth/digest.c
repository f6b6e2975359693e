/**
 * @file shared/auth/digest.c  Digest (RFC 7616, RFC 8760)
 *
 * The library's plain functions: they need no memory, so they cannot fail,
 * and cost half of what EVP does for texts as short as these.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* there are no others without memory */
#include <assert.h>
#include <string.h>

#include <openssl/md5.h>
#include <openssl/sha.h>

#include "shared/auth/digest.h"
#include "shared/base/secret.h"
#include "shared/base/util.h"

enum {
	MD5_SIZE = 16,
	SHA256_SIZE = 32,
	RESPONSE_PARTS = 11,
	JOINED_MAX = 384, /**< Most requests' are half as long */
};
BUILD_ASSERT((int)DIGEST_HA1_MAX >= (int)SHA256_SIZE);
BUILD_ASSERT((int)DIGEST_HEX_SIZE >= 2 * SHA256_SIZE + 1);

static const struct {
	const char *name;
	size_t size;
} algorithms[] = {
	[DIGEST_MD5] = { "MD5", MD5_SIZE },
	[DIGEST_SHA256] = { "SHA-256", SHA256_SIZE },
};

static const struct text colon = { ":", 1 };


enum digest_algorithm digest_algorithm_find(struct text name)
{
	if (name.l == 0)
		return DIGEST_MD5; /* RFC 7616 3.4 */

	for (size_t i = DIGEST_MD5; i < COUNT_OF(algorithms); i++)
		if (text_is_nocase(name, algorithms[i].name))
			return (enum digest_algorithm)i;

	return DIGEST_NONE;
}


const char *digest_algorithm_name(enum digest_algorithm a)
{
	assert(a == DIGEST_MD5 || a == DIGEST_SHA256);

	return algorithms[a].name;
}


size_t digest_size(enum digest_algorithm a)
{
	assert(a == DIGEST_MD5 || a == DIGEST_SHA256);

	return algorithms[a].size;
}


static void md5(uint8_t *dst, const struct text *parts, size_t partc)
{
	MD5_CTX ctx;

	(void)MD5_Init(&ctx);
	for (size_t i = 0; i < partc; i++)
		if (parts[i].l > 0)
			(void)MD5_Update(&ctx, parts[i].p, parts[i].l);
	(void)MD5_Final(dst, &ctx);
	secret_wipe(&ctx, sizeof(ctx));
}


static void sha256(uint8_t *dst, const struct text *parts, size_t partc)
{
	SHA256_CTX ctx;

	(void)SHA256_Init(&ctx);
	for (size_t i = 0; i < partc; i++)
		if (parts[i].l > 0)
			(void)SHA256_Update(&ctx, parts[i].p, parts[i].l);
	(void)SHA256_Final(dst, &ctx);
	secret_wipe(&ctx, sizeof(ctx));
}


/* All parts in one piece. @return its length; 0: there is no room for it */
static size_t join(char dst[JOINED_MAX], const struct text *parts,
		   size_t partc)
{
	size_t l = 0;

	for (size_t i = 0; i < partc; i++) {
		if (parts[i].l > JOINED_MAX - l)
			return 0;
		if (parts[i].l > 0)
			memcpy(dst + l, parts[i].p, parts[i].l);
		l += parts[i].l;
	}

	return l;
}


/* The library takes one piece in a third of the time of many small ones. */
static void compute(uint8_t *dst, enum digest_algorithm a,
		    const struct text *parts, size_t partc)
{
	char joined[JOINED_MAX];
	const size_t l = join(joined, parts, partc);
	const struct text whole = { joined, l };

	assert(a == DIGEST_MD5 || a == DIGEST_SHA256);
	if (a == DIGEST_MD5)
		md5(dst, l ? &whole : parts, l ? 1 : partc);
	else
		sha256(dst, l ? &whole : parts, l ? 1 : partc);
	secret_wipe(joined, l);
}


void digest_ha1(uint8_t ha1[DIGEST_HA1_MAX], enum digest_algorithm a,
		struct text user, struct text realm, struct text password)
{
	const struct text parts[] = { user, colon, realm, colon, password };

	memset(ha1, 0, DIGEST_HA1_MAX);
	compute(ha1, a, parts, COUNT_OF(parts));
}


/* A2 = method ":" uri; with qop: H(A1):nonce:nc:cnonce:qop:H(A2), without:
 * H(A1):nonce:H(A2) (RFC 7616 3.4.1, RFC 2617 3.2.2.1) */
void digest_response(char hex[DIGEST_HEX_SIZE], enum digest_algorithm a,
		     const uint8_t *ha1, struct text nonce, struct text nc,
		     struct text cnonce, struct text qop, struct text method,
		     struct text uri)
{
	const struct text a2[] = { method, colon, uri };
	char ha1_hex[DIGEST_HEX_SIZE], ha2_hex[DIGEST_HEX_SIZE];
	uint8_t bytes[DIGEST_HA1_MAX] = { 0 };
	struct text parts[RESPONSE_PARTS];
	const size_t size = digest_size(a);
	size_t n = 0;

	compute(bytes, a, a2, COUNT_OF(a2));
	text_hex(ha1_hex, ha1, size);
	text_hex(ha2_hex, bytes, size);

	parts[n++] = text_of(ha1_hex);
	parts[n++] = colon;
	parts[n++] = nonce;
	parts[n++] = colon;
	if (qop.l > 0) {
		parts[n++] = nc;
		parts[n++] = colon;
		parts[n++] = cnonce;
		parts[n++] = colon;
		parts[n++] = qop;
		parts[n++] = colon;
	}
	parts[n++] = text_of(ha2_hex);

	compute(bytes, a, parts, n);
	secret_wipe(ha1_hex, sizeof(ha1_hex));
	text_hex(hex, bytes, size);
}


/* Only of the letters A to F; no branch on the digit */
static uint8_t to_lower(uint8_t c)
{
	return (uint8_t)(c | ((uint8_t)(c >= 'A' && c <= 'F') << 5));
}


bool digest_equal(struct text given, const char *hex)
{
	const size_t l = strlen(hex);
	uint8_t lower[DIGEST_HEX_SIZE];

	if ((l != 2 * (size_t)MD5_SIZE && l != 2 * (size_t)SHA256_SIZE) ||
	    given.l != l)
		return false;

	for (size_t i = 0; i < l; i++)
		lower[i] = to_lower((uint8_t)given.p[i]);

	return secret_equal(lower, hex, l);
}
