/**
 * @file shared/auth/nonce.c  Nonces that need no memory
 *
 * Hex of: seconds since the machine booted, 32 bits; which boot, 24 bits;
 * salt, 48 bits; the first 128 bits of HMAC-SHA256 over these and the source
 * IP. Who has the key knows whether a nonce is ours, whom it was given to, and
 * when. Wall time would not do: when it is set back, nonces would be older
 * than what was forgotten, and when it is set forward too old.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* see digest.c */
#include <string.h>

#include <openssl/sha.h>

#include "shared/auth/digest.h"
#include "shared/base/id.h"
#include "shared/base/secret.h"
#include "shared/base/util.h"

enum {
	TIME_SIZE = 4,
	BOOT_SIZE = 3,
	SALT_SIZE = 6,
	MAC_SIZE = 16,
	OPEN_SIZE = TIME_SIZE + BOOT_SIZE + SALT_SIZE,
	ALL_SIZE = OPEN_SIZE + MAC_SIZE,
	SHA256_SIZE = 32,
	SHA256_BLOCK = 64,
	INNER = 0x36,
	OUTER = 0x5c,
};
BUILD_ASSERT(2 * ALL_SIZE + 1 <= (int)NONCE_SIZE);
BUILD_ASSERT((int)NONCE_KEY_SIZE <= (int)SHA256_BLOCK);


/* One of the two rounds of an HMAC (RFC 2104) begins with the key under its
 * mask, a block of its own. */
static void begin(SHA256_CTX *ctx, uint8_t mask,
		  const uint8_t key[NONCE_KEY_SIZE])
{
	uint8_t block[SHA256_BLOCK];

	memset(block, mask, sizeof(block));
	for (size_t i = 0; i < NONCE_KEY_SIZE; i++)
		block[i] ^= key[i];
	(void)SHA256_Init(ctx);
	(void)SHA256_Update(ctx, block, sizeof(block));
	secret_wipe(block, sizeof(block));
}


void nonce_key_set(struct nonce_key *key, const uint8_t bytes[NONCE_KEY_SIZE])
{
	begin(&key->inner, INNER, bytes);
	begin(&key->outer, OUTER, bytes);
}


static void end(uint8_t dst[SHA256_SIZE], const SHA256_CTX *begun,
		const uint8_t *data, size_t len)
{
	SHA256_CTX ctx = *begun;

	(void)SHA256_Update(&ctx, data, len);
	(void)SHA256_Final(dst, &ctx);
	secret_wipe(&ctx, sizeof(ctx));
}


static void mac(uint8_t dst[MAC_SIZE], const struct nonce_key *key,
		const uint8_t open[OPEN_SIZE], const struct addr *source)
{
	uint8_t data[OPEN_SIZE + 1 + sizeof(source->ip)];
	uint8_t inner[SHA256_SIZE], full[SHA256_SIZE];

	memcpy(data, open, OPEN_SIZE);
	data[OPEN_SIZE] = source->family;
	memcpy(data + OPEN_SIZE + 1, source->ip, sizeof(source->ip));
	end(inner, &key->inner, data, sizeof(data));
	end(full, &key->outer, inner, sizeof(inner));
	memcpy(dst, full, MAC_SIZE);
}


static void put(uint8_t *dst, uint64_t value, int size)
{
	for (int i = 0; i < size; i++)
		dst[i] = (uint8_t)(value >> 8 * (size - 1 - i));
}


static uint32_t get(const uint8_t *p, int size)
{
	uint32_t value = 0;

	for (int i = 0; i < size; i++)
		value = value << 8 | p[i];

	return value;
}


void nonce_make(char nonce[NONCE_SIZE], const struct nonce_key *key,
		const struct addr *source, struct nonce_time now)
{
	uint8_t bytes[ALL_SIZE];

	put(bytes, (uint64_t)now.boot_s, TIME_SIZE);
	put(bytes + TIME_SIZE, now.boot, BOOT_SIZE);
	id_random(bytes + TIME_SIZE + BOOT_SIZE, SALT_SIZE);
	mac(bytes + OPEN_SIZE, key, bytes, source);
	text_hex(nonce, bytes, sizeof(bytes));
}


/* Of what a hex digit says; 16: of none, nor of one that is not ours */
static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');

	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}


/* One nonce has one spelling: it is a key to what is remembered. */
static bool take_bytes(uint8_t bytes[ALL_SIZE], struct text nonce)
{
	unsigned all = 0;

	if (nonce.l != 2 * (size_t)ALL_SIZE)
		return false;
	for (size_t i = 0; i < ALL_SIZE; i++) {
		const unsigned high = digit_of(nonce.p[2 * i]);
		const unsigned low = digit_of(nonce.p[2 * i + 1]);

		bytes[i] = (uint8_t)(high << 4 | low);
		all |= high | low;
	}

	return all < 16;
}


enum nonce_verdict nonce_check(struct text nonce, const struct nonce_key *key,
			       const struct addr *source,
			       struct nonce_time now, uint32_t expire_s)
{
	const uint32_t boot_max = (1u << 8 * BOOT_SIZE) - 1;
	uint8_t bytes[ALL_SIZE], want[MAC_SIZE];
	int64_t issued_s;

	if (!take_bytes(bytes, nonce))
		return NONCE_FOREIGN;
	mac(want, key, bytes, source);
	if (!secret_equal(want, bytes + OPEN_SIZE, MAC_SIZE))
		return NONCE_FOREIGN;

	issued_s = get(bytes, TIME_SIZE);

	return get(bytes + TIME_SIZE, BOOT_SIZE) != (now.boot & boot_max) ||
			       now.boot_s - issued_s > (int64_t)expire_s ||
			       issued_s > now.boot_s
		       ? NONCE_EXPIRED
		       : NONCE_GOOD;
}
