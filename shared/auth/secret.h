/**
 * @file shared/auth/secret.h  Passwords, and the key that seals them
 *
 * What only checks is kept as digests, one per realm (RFC 7616, RFC 8760);
 * what has to be known in clear, to answer a carrier's challenge, is sealed
 * with the node's key. Neither can be read back through anything we print.
 * Other keys are derived from the node's, one for each purpose.
 */
#ifndef TANDEM_AUTH_SECRET_H
#define TANDEM_AUTH_SECRET_H

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

/** HMAC-SHA256 of the purpose with the key in that file: the same in every
 *  process of the node and after every restart
 *  @return 0, EIO, or what secret_key_read() says */
int secret_derive(uint8_t out[SECRET_KEY_SIZE], const char *key_file,
		  const char *purpose);

/** AES-256-GCM, nonce first, as base64. @return 0, EINVAL (too long), EIO */
int secret_seal(char sealed[SECRET_SEALED_MAX],
		const uint8_t key[SECRET_KEY_SIZE], const char *password);

/** @return 0, EBADMSG if it is damaged, or sealed with another key */
int secret_open(char password[SECRET_PASSWORD_MAX + 1],
		const uint8_t key[SECRET_KEY_SIZE], const uint8_t *sealed,
		size_t len);

#endif
