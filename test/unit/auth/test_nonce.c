/**
 * @file test/unit/auth/test_nonce.c  Nonces that need no memory
 */
#include "shared/auth/digest.h"
#include "test/support/t.h"

enum {
	NOW = 1790000000,
	LIFE = 300,
};

static const uint8_t key[NONCE_KEY_SIZE] = { 1, 2, 3 };


static struct addr addr_of(const char *s)
{
	struct addr addr;

	assert_int_equal(addr_parse(&addr, text_of(s)), 0);

	return addr;
}


static enum nonce_verdict check_at(const char *nonce, const char *source,
				   int64_t now)
{
	const struct addr addr = addr_of(source);

	return nonce_check(text_of(nonce), key, &addr, now, LIFE);
}


static void a_nonce_is_good_until_it_is_too_old(void **state)
{
	const struct addr source = addr_of("192.0.2.7:5060");
	char nonce[NONCE_SIZE];
	(void)state;

	nonce_make(nonce, key, &source, NOW);
	assert_int_equal(check_at(nonce, "192.0.2.7:5060", NOW), NONCE_GOOD);
	assert_int_equal(check_at(nonce, "192.0.2.7", NOW + LIFE), NONCE_GOOD);
	assert_int_equal(check_at(nonce, "192.0.2.7", NOW + LIFE + 1),
			 NONCE_EXPIRED);
	/* The clock was set back: a little is forgiven. */
	assert_int_equal(check_at(nonce, "192.0.2.7", NOW - 60), NONCE_GOOD);
	assert_int_equal(check_at(nonce, "192.0.2.7", NOW - 61),
			 NONCE_EXPIRED);
}


static void a_nonce_belongs_to_the_address_it_was_given_to(void **state)
{
	const struct addr four = addr_of("192.0.2.7:5060");
	const struct addr six = addr_of("[2001:db8::7]:5060");
	char nonce[NONCE_SIZE];
	(void)state;

	nonce_make(nonce, key, &four, NOW);
	assert_int_equal(check_at(nonce, "192.0.2.7:9", NOW), NONCE_GOOD);
	assert_int_equal(check_at(nonce, "192.0.2.8", NOW), NONCE_FOREIGN);
	assert_int_equal(check_at(nonce, "c000:207::", NOW), NONCE_FOREIGN);
	nonce_make(nonce, key, &six, NOW);
	assert_int_equal(check_at(nonce, "2001:db8::7", NOW), NONCE_GOOD);
	assert_int_equal(check_at(nonce, "2001:db8::8", NOW), NONCE_FOREIGN);
}


static void a_changed_nonce_is_not_ours(void **state)
{
	const struct addr source = addr_of("192.0.2.7");
	const uint8_t other[NONCE_KEY_SIZE] = { 1, 2, 4 };
	char nonce[NONCE_SIZE];
	size_t l;
	(void)state;

	nonce_make(nonce, key, &source, NOW);
	l = strlen(nonce);
	assert_int_equal(nonce_check(text_of(nonce), other, &source, NOW,
				     LIFE),
			 NONCE_FOREIGN);
	for (size_t i = 0; i < l; i++) {
		const char was = nonce[i];

		nonce[i] = was == '0' ? '1' : '0';
		assert_int_equal(check_at(nonce, "192.0.2.7", NOW),
				 NONCE_FOREIGN);
		nonce[i] = was;
		if (was >= 'a') { /* one spelling only */
			nonce[i] = (char)(was - 'a' + 'A');
			assert_int_equal(check_at(nonce, "192.0.2.7", NOW),
					 NONCE_FOREIGN);
			nonce[i] = was;
		}
	}
	assert_int_equal(nonce_check((struct text){ nonce, l - 2 }, key,
				     &source, NOW, LIFE),
			 NONCE_FOREIGN);
	assert_int_equal(check_at("", "192.0.2.7", NOW), NONCE_FOREIGN);
	assert_int_equal(check_at(nonce, "192.0.2.7", NOW), NONCE_GOOD);
}


static void no_two_nonces_are_alike(void **state)
{
	const struct addr source = addr_of("192.0.2.7");
	char a[NONCE_SIZE], b[NONCE_SIZE];
	(void)state;

	nonce_make(a, key, &source, NOW);
	nonce_make(b, key, &source, NOW);
	assert_string_not_equal(a, b);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_nonce_is_good_until_it_is_too_old),
		cmocka_unit_test(
			a_nonce_belongs_to_the_address_it_was_given_to),
		cmocka_unit_test(a_changed_nonce_is_not_ours),
		cmocka_unit_test(no_two_nonces_are_alike),
	};

	return T_MAIN_ONLY(tests);
}
