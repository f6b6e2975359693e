/**
 * @file shared/auth/digest.h  Digest (RFC 7616, 8760) and its nonces
 *
 * Pure but for random salt: MD5 and SHA-256, qop=auth and none. Comparisons
 * take constant time.
 */
#ifndef TANDEM_AUTH_DIGEST_H
#define TANDEM_AUTH_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/sha.h>

#include "shared/base/addr.h"
#include "shared/base/text.h"

enum digest_algorithm {
	DIGEST_NONE,
	DIGEST_MD5,
	DIGEST_SHA256
};

enum {
	DIGEST_HEX_SIZE = 65,
	DIGEST_HA1_MAX = 32,
	NONCE_SIZE = 64,
	NONCE_KEY_SIZE = 32,
};

/** "MD5", "SHA-256"; empty is MD5; NONE: another */
enum digest_algorithm digest_algorithm_find(struct text name);
const char *digest_algorithm_name(enum digest_algorithm a);
size_t digest_size(enum digest_algorithm a); /**< Bytes of HA1 */

void digest_ha1(uint8_t ha1[DIGEST_HA1_MAX], enum digest_algorithm a,
		struct text user, struct text realm, struct text password);

/** qop empty: RFC 2617's old form, and nc and cnonce are not used */
void digest_response(char hex[DIGEST_HEX_SIZE], enum digest_algorithm a,
		     const uint8_t *ha1, struct text nonce, struct text nc,
		     struct text cnonce, struct text qop, struct text method,
		     struct text uri);

/** Of hex text, letter case aside; constant time in what it compares */
bool digest_equal(struct text given, const char *hex);

enum nonce_verdict {
	NONCE_GOOD,
	NONCE_EXPIRED, /**< Ours, too old, or of an earlier boot */
	NONCE_FOREIGN, /**< Not ours, or of another source IP */
};
/** A clock that nobody sets, and that processes agree on */
struct nonce_time {
	uint32_t boot;  /**< Which boot; its lower 24 bits count */
	int64_t boot_s; /**< Seconds of clk_boot_us() */
};
/** A key as far as it can be worked into any nonce: as secret as it is */
struct nonce_key {
	SHA256_CTX inner, outer;
};
void nonce_key_set(struct nonce_key *key, const uint8_t bytes[NONCE_KEY_SIZE]);

/** Time of issue, salt, and an HMAC over both and the source IP */
void nonce_make(char nonce[NONCE_SIZE], const struct nonce_key *key,
		const struct addr *source, struct nonce_time now);
enum nonce_verdict nonce_check(struct text nonce, const struct nonce_key *key,
			       const struct addr *source,
			       struct nonce_time now, uint32_t expire_s);

#endif
