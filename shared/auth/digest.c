/**
 * @file shared/auth/digest.c  Digest (RFC 7616, RFC 8760)
 *
 * What cannot be computed, for want of memory in the library, becomes a
 * digest that nothing is equal to.
 */
#include <assert.h>
#include <string.h>

#include <openssl/evp.h>

#include "shared/auth/digest.h"
#include "shared/base/id.h"
#include "shared/base/secret.h"
#include "shared/base/util.h"

enum {
	MD5_SIZE = 16,
	SHA256_SIZE = 32,
	RESPONSE_PARTS = 11,
};
BUILD_ASSERT((int)DIGEST_HA1_MAX >= (int)SHA256_SIZE);
BUILD_ASSERT((int)DIGEST_HEX_SIZE >= 2 * SHA256_SIZE + 1);

static const struct {
	const char *name;
	const EVP_MD *(*md)(void);
	size_t size;
} algorithms[] = {
	[DIGEST_MD5] = { "MD5", EVP_md5, MD5_SIZE },
	[DIGEST_SHA256] = { "SHA-256", EVP_sha256, SHA256_SIZE },
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


static bool compute(uint8_t *dst, enum digest_algorithm a,
		    const struct text *parts, size_t partc)
{
	EVP_MD_CTX *ctx;
	bool ok;

	assert(a == DIGEST_MD5 || a == DIGEST_SHA256);
	ctx = EVP_MD_CTX_new();
	ok = ctx && EVP_DigestInit_ex(ctx, algorithms[a].md(), NULL) == 1;
	for (size_t i = 0; i < partc && ok; i++)
		ok = parts[i].l == 0 ||
		     EVP_DigestUpdate(ctx, parts[i].p, parts[i].l) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, dst, NULL) == 1;
	EVP_MD_CTX_free(ctx);

	return ok;
}


void digest_ha1(uint8_t ha1[DIGEST_HA1_MAX], enum digest_algorithm a,
		struct text user, struct text realm, struct text password)
{
	const struct text parts[] = { user, colon, realm, colon, password };

	memset(ha1, 0, DIGEST_HA1_MAX);
	if (!compute(ha1, a, parts, COUNT_OF(parts)))
		id_random(ha1, DIGEST_HA1_MAX);
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
	bool ok;

	ok = compute(bytes, a, a2, COUNT_OF(a2));
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

	ok = ok && compute(bytes, a, parts, n);
	secret_wipe(ha1_hex, sizeof(ha1_hex));
	hex[0] = '\0';
	if (ok)
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

	/* "" is what could not be computed. */
	if ((l != 2 * (size_t)MD5_SIZE && l != 2 * (size_t)SHA256_SIZE) ||
	    given.l != l)
		return false;

	for (size_t i = 0; i < l; i++)
		lower[i] = to_lower((uint8_t)given.p[i]);

	return secret_equal(lower, hex, l);
}
