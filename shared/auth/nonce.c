/**
 * @file shared/auth/nonce.c  Nonces that need no memory
 *
 * Hex of: seconds since 1970, 40 bits; salt, 64 bits; the first 128 bits of
 * HMAC-SHA256 over both and the source IP. Who has the key knows whether a
 * nonce is ours, whom it was given to, and when.
 */
#include <assert.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "shared/auth/digest.h"
#include "shared/base/id.h"
#include "shared/base/secret.h"
#include "shared/base/util.h"

enum {
	TIME_SIZE = 5,
	SALT_SIZE = 8,
	MAC_SIZE = 16,
	OPEN_SIZE = TIME_SIZE + SALT_SIZE,
	ALL_SIZE = OPEN_SIZE + MAC_SIZE,
	SHA256_SIZE = 32,
	/* A clock may be set back a little between issue and use. */
	AHEAD_MAX_S = 60,
};
BUILD_ASSERT(2 * ALL_SIZE + 1 <= (int)NONCE_SIZE);


static bool mac(uint8_t dst[MAC_SIZE], const uint8_t *key,
		const uint8_t open[OPEN_SIZE], const struct addr *source)
{
	uint8_t data[OPEN_SIZE + 1 + sizeof(source->ip)];
	uint8_t full[SHA256_SIZE];

	memcpy(data, open, OPEN_SIZE);
	data[OPEN_SIZE] = source->family;
	memcpy(data + OPEN_SIZE + 1, source->ip, sizeof(source->ip));
	if (!HMAC(EVP_sha256(), key, NONCE_KEY_SIZE, data, sizeof(data), full,
		  NULL))
		return false;
	memcpy(dst, full, MAC_SIZE);

	return true;
}


void nonce_make(char nonce[NONCE_SIZE], const uint8_t key[NONCE_KEY_SIZE],
		const struct addr *source, int64_t wall_s)
{
	uint8_t bytes[ALL_SIZE];

	for (int i = 0; i < TIME_SIZE; i++)
		bytes[i] = (uint8_t)((uint64_t)wall_s >>
				     8 * (TIME_SIZE - 1 - i));
	id_random(bytes + TIME_SIZE, SALT_SIZE);
	if (!mac(bytes + OPEN_SIZE, key, bytes, source))
		id_random(bytes + OPEN_SIZE, MAC_SIZE); /* nobody's, then */
	text_hex(nonce, bytes, sizeof(bytes));
}


static bool is_lower_hex(struct text t)
{
	for (size_t i = 0; i < t.l; i++)
		if (!(t.p[i] >= '0' && t.p[i] <= '9') &&
		    !(t.p[i] >= 'a' && t.p[i] <= 'f'))
			return false;

	return true;
}


enum nonce_verdict nonce_check(struct text nonce,
			       const uint8_t key[NONCE_KEY_SIZE],
			       const struct addr *source, int64_t wall_s,
			       uint32_t expire_s)
{
	uint8_t bytes[ALL_SIZE], want[MAC_SIZE];
	int64_t issued = 0;
	size_t l;

	/* One nonce has one spelling: it is a key to what is remembered. */
	if (nonce.l != 2 * (size_t)ALL_SIZE || !is_lower_hex(nonce) ||
	    text_unhex(bytes, sizeof(bytes), &l, nonce) || l != ALL_SIZE)
		return NONCE_FOREIGN;
	if (!mac(want, key, bytes, source) ||
	    !secret_equal(want, bytes + OPEN_SIZE, MAC_SIZE))
		return NONCE_FOREIGN;

	for (int i = 0; i < TIME_SIZE; i++)
		issued = issued << 8 | bytes[i];

	return wall_s - issued > (int64_t)expire_s ||
			       issued - wall_s > AHEAD_MAX_S
		       ? NONCE_EXPIRED
		       : NONCE_GOOD;
}
