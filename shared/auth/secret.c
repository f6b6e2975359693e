/**
 * @file shared/auth/secret.c  Passwords, and the key that seals them
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "shared/auth/secret.h"
#include "shared/base/secret.h"
#include "shared/base/text.h"

enum {
	NONCE = 12,
	TAG = 16,
	MD5_SIZE = 16,
	SHA256_SIZE = 32,
	/* realm, two digests in hex, two tabs, a newline */
	LINE_SIZE = 256 + 2 * MD5_SIZE + 2 * SHA256_SIZE + 4,
};


static int digest(uint8_t *dst, const EVP_MD *md, const char *const *parts,
		  size_t partc)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, md, NULL) == 1;

	for (size_t i = 0; i < partc && ok; i++)
		ok = EVP_DigestUpdate(ctx, parts[i], strlen(parts[i])) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, dst, NULL) == 1;
	EVP_MD_CTX_free(ctx);

	return ok ? 0 : EIO;
}


/* A1 of RFC 7616 3.4.2: user ":" realm ":" password */
static int ha1_line(char line[LINE_SIZE], const char *user,
		    const char *password, const char *realm)
{
	const char *const parts[] = { user, ":", realm, ":", password };
	char md5_hex[2 * MD5_SIZE + 1], sha_hex[2 * SHA256_SIZE + 1];
	uint8_t md5[EVP_MAX_MD_SIZE], sha[EVP_MAX_MD_SIZE];
	int err;

	err = digest(md5, EVP_md5(), parts, 5);
	if (!err)
		err = digest(sha, EVP_sha256(), parts, 5);
	if (err)
		return err;

	text_hex(md5_hex, md5, MD5_SIZE);
	text_hex(sha_hex, sha, SHA256_SIZE);

	return text_print(line, LINE_SIZE, "%s\t%s\t%s\n", realm, md5_hex,
			  sha_hex);
}


/* Lines and tabs part the text; a colon in the user name parts A1. */
static bool is_plain(const char *s, const char *without)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f ||
		    strchr(without, *s))
			return false;

	return true;
}


int secret_ha1(char **textp, const char *user, const char *password,
	       const char *const *realms, size_t realmc)
{
	char *text;
	size_t l = 0;

	if (!is_plain(user, ":") || !is_plain(password, "") ||
	    strlen(password) > SECRET_PASSWORD_MAX || realmc == 0)
		return EINVAL;

	text = malloc(realmc * LINE_SIZE + 1);
	if (!text)
		return ENOMEM;

	for (size_t i = 0; i < realmc; i++) {
		const int err = is_plain(realms[i], "")
					? ha1_line(text + l, user, password,
						   realms[i])
					: EINVAL;

		if (err) {
			free(text);
			return err == EOVERFLOW ? EINVAL : err;
		}
		l += strlen(text + l);
	}
	text[l - 1] = '\0'; /* no line behind the last newline */
	*textp = text;

	return 0;
}


int secret_key_read(uint8_t key[SECRET_KEY_SIZE], const char *path)
{
	char line[2 * SECRET_KEY_SIZE + 8] = "";
	FILE *f = fopen(path, "re");
	size_t l = 0;
	int err;

	if (!f)
		return errno;

	err = fgets(line, sizeof(line), f)
		      ? text_unhex(key, SECRET_KEY_SIZE, &l,
				   text_trim(text_of(line)))
		      : EBADMSG;
	(void)fclose(f);
	secret_wipe(line, sizeof(line));

	return err || l != SECRET_KEY_SIZE ? EBADMSG : 0;
}


int secret_derive(uint8_t out[SECRET_KEY_SIZE], const char *key_file,
		  const char *purpose)
{
	uint8_t key[SECRET_KEY_SIZE];
	int err = secret_key_read(key, key_file);

	if (err)
		return err;
	if (!HMAC(EVP_sha256(), key, sizeof(key), (const uint8_t *)purpose,
		  strlen(purpose), out, NULL))
		err = EIO;
	secret_wipe(key, sizeof(key));

	return err;
}


static int encrypt(uint8_t *dst, const uint8_t *key, const uint8_t *nonce,
		   const char *text, int len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, rest = 0;
	bool ok = ctx &&
		  EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key,
				     nonce) == 1 &&
		  EVP_EncryptUpdate(ctx, dst, &n, (const uint8_t *)text,
				    len) == 1 &&
		  EVP_EncryptFinal_ex(ctx, dst + n, &rest) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG,
				      dst + n) == 1;

	EVP_CIPHER_CTX_free(ctx);

	return ok ? 0 : EIO;
}


int secret_seal(char sealed[SECRET_SEALED_MAX],
		const uint8_t key[SECRET_KEY_SIZE], const char *password)
{
	uint8_t bytes[NONCE + SECRET_PASSWORD_MAX + TAG];
	const size_t len = strlen(password);

	if (len > SECRET_PASSWORD_MAX)
		return EINVAL;
	if (RAND_bytes(bytes, NONCE) != 1 ||
	    encrypt(bytes + NONCE, key, bytes, password, (int)len))
		return EIO;

	(void)EVP_EncodeBlock((uint8_t *)sealed, bytes,
			      (int)(NONCE + len + TAG));

	return 0;
}


int secret_open(char password[SECRET_PASSWORD_MAX + 1],
		const uint8_t key[SECRET_KEY_SIZE], const uint8_t *sealed,
		size_t len)
{
	uint8_t tag[TAG];
	EVP_CIPHER_CTX *ctx;
	int n = 0, rest = 0;
	bool ok;

	if (len < NONCE + TAG || len > NONCE + TAG + SECRET_PASSWORD_MAX)
		return EBADMSG;

	memcpy(tag, sealed + len - TAG, TAG);
	ctx = EVP_CIPHER_CTX_new();
	ok = ctx &&
	     EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, sealed) ==
		     1 &&
	     EVP_DecryptUpdate(ctx, (uint8_t *)password, &n, sealed + NONCE,
			       (int)(len - NONCE - TAG)) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1 &&
	     EVP_DecryptFinal_ex(ctx, (uint8_t *)password + n, &rest) == 1;
	EVP_CIPHER_CTX_free(ctx);
	password[ok ? n : 0] = '\0';
	if (!ok)
		secret_wipe(password, SECRET_PASSWORD_MAX + 1);

	return ok ? 0 : EBADMSG;
}
