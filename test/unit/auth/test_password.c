/**
 * @file test/unit/auth/test_password.c  Passwords into the database
 */
#include <unistd.h>

#include <openssl/evp.h>

#include "shared/auth/secret.h"
#include "shared/base/text.h"
#include "test/support/t.h"


/* RFC 2617 3.5 and RFC 7616 3.9.1: their A1 is that of the classic example */
static void digests_are_those_of_the_standards(void **state)
{
	const char *const realms[] = { "testrealm@host.com",
				       "http-auth@example.org" };
	char *text;
	(void)state;

	assert_int_equal(secret_ha1(&text, "Mufasa", "Circle Of Life", realms,
				    2),
			 0);
	/* MD5("Mufasa:testrealm@host.com:Circle Of Life") */
	assert_non_null(strstr(text, "testrealm@host.com\t939e7578ed9e3c518a45"
				     "2acee763bce9\t"));
	/* SHA-256 of the second realm's A1 */
	assert_non_null(strstr(text, "http-auth@example.org\t"));
	assert_int_equal(strlen(text), strlen(realms[0]) + strlen(realms[1]) +
					       2 * (size_t)(2 + 32 + 64) + 1);
	assert_int_not_equal(text[strlen(text) - 1], '\n');
	free(text);
}


static void what_would_break_a_digest_is_refused(void **state)
{
	const char *const realms[] = { "r" };
	const char *const broken[] = { "a\tb" };
	char longest[SECRET_PASSWORD_MAX + 2], *text;
	(void)state;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(secret_ha1(&text, "a:b", "p", realms, 1), EINVAL);
	assert_int_equal(secret_ha1(&text, "a", "p\n", realms, 1), EINVAL);
	assert_int_equal(secret_ha1(&text, "a", longest, realms, 1), EINVAL);
	assert_int_equal(secret_ha1(&text, "a", "p", broken, 1), EINVAL);
	assert_int_equal(secret_ha1(&text, "a", "p", realms, 0), EINVAL);
}


static size_t unbase64(uint8_t *dst, const char *text)
{
	const size_t l = strlen(text);
	int n = EVP_DecodeBlock(dst, (const uint8_t *)text, (int)l);

	for (size_t i = l; i > 0 && text[i - 1] == '='; i--)
		n--;

	return (size_t)n;
}


static void what_is_sealed_opens_with_the_same_key_alone(void **state)
{
	uint8_t key[SECRET_KEY_SIZE] = { 1 }, other[SECRET_KEY_SIZE] = { 2 };
	uint8_t bytes[SECRET_SEALED_MAX];
	char sealed[SECRET_SEALED_MAX], again[SECRET_SEALED_MAX];
	char password[SECRET_PASSWORD_MAX + 1];
	size_t n;
	(void)state;

	assert_int_equal(secret_seal(sealed, key, "open sesame"), 0);
	assert_int_equal(secret_seal(again, key, "open sesame"), 0);
	assert_string_not_equal(sealed, again); /* a nonce each */
	n = unbase64(bytes, sealed);
	assert_int_equal(secret_open(password, key, bytes, n), 0);
	assert_string_equal(password, "open sesame");
	assert_int_equal(secret_open(password, other, bytes, n), EBADMSG);
	assert_string_equal(password, "");
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= 1;
		assert_int_equal(secret_open(password, key, bytes, n),
				 EBADMSG);
		bytes[i] ^= 1;
	}
	assert_int_equal(secret_open(password, key, bytes, 27), EBADMSG);
	assert_int_equal(secret_open(password, key, bytes, 0), EBADMSG);

	assert_int_equal(secret_seal(sealed, key, ""), 0);
	n = unbase64(bytes, sealed);
	assert_int_equal(secret_open(password, key, bytes, n), 0);
	assert_string_equal(password, "");
}


static void a_key_is_64_hex_digits(void **state)
{
	static const char digits[] = "000102030405060708090a0b0c0d0e0f"
				     "101112131415161718191a1b1c1d1e1f";
	uint8_t key[SECRET_KEY_SIZE];
	char path[256];
	FILE *f;
	(void)state;

	snprintf(path, sizeof(path), "%s/key", t_dir());
	assert_int_equal(secret_key_read(key, path), ENOENT);
	for (int i = 0; i < 3; i++) {
		f = fopen(path, "w");
		fprintf(f, "%.*s%s", i == 1 ? 62 : 64, digits,
			i == 2 ? "zz\n" : "\n");
		fclose(f);
		assert_int_equal(secret_key_read(key, path),
				 i == 0 ? 0 : EBADMSG);
	}
	assert_int_equal(key[31], 0x1f);
	unlink(path);
}


static void keys_are_derived_one_for_each_purpose(void **state)
{
	static const char digits[] = "000102030405060708090a0b0c0d0e0f"
				     "101112131415161718191a1b1c1d1e1f";
	uint8_t a[SECRET_KEY_SIZE], b[SECRET_KEY_SIZE];
	char path[256], hex[2 * SECRET_KEY_SIZE + 1];
	FILE *f;
	(void)state;

	snprintf(path, sizeof(path), "%s/key", t_dir());
	assert_int_equal(secret_derive(a, path, "nonce"), ENOENT);
	f = fopen(path, "w");
	fprintf(f, "%s\n", digits);
	fclose(f);

	assert_int_equal(secret_derive(a, path, "nonce"), 0);
	assert_int_equal(secret_derive(b, path, "nonce"), 0);
	assert_memory_equal(a, b, sizeof(a));
	/* HMAC-SHA256 as another program computes it */
	text_hex(hex, a, sizeof(a));
	assert_string_equal(hex, "2d6bdc53990132ece9c88b9338803bfb"
				 "c139aadb037138d17b1dc04c344cdf8a");
	assert_int_equal(secret_derive(b, path, "other"), 0);
	assert_memory_not_equal(a, b, sizeof(a));

	f = fopen(path, "w");
	fclose(f);
	assert_int_equal(secret_derive(a, path, "nonce"), EBADMSG);
	unlink(path);
}


static int digests_are_made(void)
{
	const char *const realms[] = { "a", "b" };
	char *text = NULL;
	const int err = secret_ha1(&text, "u", "p", realms, 2);

	free(text);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_the_standards),
		cmocka_unit_test(what_would_break_a_digest_is_refused),
		cmocka_unit_test(what_is_sealed_opens_with_the_same_key_alone),
		cmocka_unit_test(a_key_is_64_hex_digits),
		cmocka_unit_test(keys_are_derived_one_for_each_purpose),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(digests_are_made),
	};

	return T_MAIN(tests, scenarios);
}
