/**
 * @file test/unit/auth/test_digest.c  Answers to challenges
 */
#include "shared/auth/digest.h"
#include "test/support/t.h"

static const struct {
	const char *realm, *password, *nonce, *cnonce, *qop;
	enum digest_algorithm a;
	const char *response;
} answers[] = {
	/* RFC 7616 3.9.1 */
	{ "http-auth@example.org", "Circle of Life",
	  "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
	  "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "auth", DIGEST_MD5,
	  "8ca523f5e9506fed4657c9700eebdbec" },
	{ "http-auth@example.org", "Circle of Life",
	  "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
	  "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "auth",
	  DIGEST_SHA256,
	  "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
	/* RFC 2617 3.5 */
	{ "testrealm@host.com", "Circle Of Life",
	  "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b", "auth", DIGEST_MD5,
	  "6629fae49393a05397450978507c4ef1" },
	/* The same in the old form, RFC 2617 3.2.2.1 */
	{ "testrealm@host.com", "Circle Of Life",
	  "dcd98b7102dd2f0e8b11d0f600bfb0c093", "", "", DIGEST_MD5,
	  "670fd8c2df070c60b045671b8b24ff02" },
};


static void answers_are_those_of_the_standards(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		uint8_t ha1[DIGEST_HA1_MAX];
		char hex[DIGEST_HEX_SIZE];

		digest_ha1(ha1, answers[i].a, text_of("Mufasa"),
			   text_of(answers[i].realm),
			   text_of(answers[i].password));
		digest_response(hex, answers[i].a, ha1,
				text_of(answers[i].nonce), text_of("00000001"),
				text_of(answers[i].cnonce),
				text_of(answers[i].qop), text_of("GET"),
				text_of("/dir/index.html"));
		assert_string_equal(hex, answers[i].response);
		assert_true(digest_equal(text_of(answers[i].response), hex));
	}
}


static void algorithms_have_names_and_md5_needs_none(void **state)
{
	(void)state;

	assert_int_equal(digest_algorithm_find(text_of("")), DIGEST_MD5);
	assert_int_equal(digest_algorithm_find(text_of("md5")), DIGEST_MD5);
	assert_int_equal(digest_algorithm_find(text_of("SHA-256")),
			 DIGEST_SHA256);
	assert_int_equal(digest_algorithm_find(text_of("SHA-256-sess")),
			 DIGEST_NONE);
	assert_int_equal(digest_algorithm_find(text_of("MD")), DIGEST_NONE);
	assert_string_equal(digest_algorithm_name(DIGEST_SHA256), "SHA-256");
	assert_int_equal(digest_size(DIGEST_MD5), 16);
	assert_int_equal(digest_size(DIGEST_SHA256), 32);
}


static void hex_is_compared_whole_and_without_case(void **state)
{
	static const char hex[] = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
	char other[sizeof(hex)];
	(void)state;

	assert_true(digest_equal(text_of("0A1B2C3D4E5F60718293A4B5C6D7E8F9"),
				 hex));
	for (size_t i = 0; i < sizeof(hex) - 1; i++) {
		memcpy(other, hex, sizeof(hex));
		other[i] = other[i] == '0' ? '1' : '0';
		assert_false(digest_equal(text_of(other), hex));
		/* A control character is no digit with a bit missing. */
		memcpy(other, hex, sizeof(hex));
		other[i] = (char)(other[i] & ~0x20);
		if (hex[i] < 'a')
			assert_false(digest_equal(
				(struct text){ other, sizeof(hex) - 1 }, hex));
	}
	assert_false(digest_equal((struct text){ hex, 31 }, hex));
	assert_false(digest_equal((struct text){ hex, 33 }, hex));
}


static void what_could_not_be_computed_equals_nothing(void **state)
{
	(void)state;

	assert_false(digest_equal(text_of(""), ""));
	assert_false(digest_equal((struct text){ NULL, 0 }, ""));
	assert_false(digest_equal(text_of("00"), "00"));
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_those_of_the_standards),
		cmocka_unit_test(algorithms_have_names_and_md5_needs_none),
		cmocka_unit_test(hex_is_compared_whole_and_without_case),
		cmocka_unit_test(what_could_not_be_computed_equals_nothing),
	};

	return T_MAIN_ONLY(tests);
}
