/**
 * @file billingd/secret.h  Passwords on their way into the database
 *
 * What only checks is kept as digests, one per realm (RFC 7616, RFC 8760);
 * what has to be known in clear, to answer a carrier's challenge, is sealed
 * with the node's key. Neither can be read back through anything we print.
 */
#ifndef TANDEM_BILLINGD_SECRET_H
#define TANDEM_BILLINGD_SECRET_H

#include <stddef.h>
#include <stdint.h>

enum {
	SECRET_KEY_SIZE = 32,
	SECRET_PASSWORD_MAX = 128,
	SECRET_SEALED_MAX = 256, /**< Base64 and a NUL */
};

/** One line "realm TAB md5 TAB sha256" per realm, malloc()ed
 *  @return 0, EINVAL if a part holds what no digest may, ENOMEM */
int secret_ha1(char **textp, const char *user, const char *password,
	       const char *const *realms, size_t realmc);

/** The node's key: 64 hex digits on the first line
 *  @return 0, EBADMSG if it is none, else what open(2) says */
int secret_key_read(uint8_t key[SECRET_KEY_SIZE], const char *path);

/** AES-256-GCM, nonce first, as base64. @return 0, EINVAL (too long), EIO */
int secret_seal(char sealed[SECRET_SEALED_MAX],
		const uint8_t key[SECRET_KEY_SIZE], const char *password);

/** @return 0, EBADMSG if it is damaged, or sealed with another key */
int secret_open(char password[SECRET_PASSWORD_MAX + 1],
		const uint8_t key[SECRET_KEY_SIZE], const uint8_t *sealed,
		size_t len);

#endif
