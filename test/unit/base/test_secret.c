/**
 * @file test/unit/base/test_secret.c  Compared whole, wiped whole
 */
#include "shared/base/secret.h"
#include "test/support/t.h"


static void a_difference_in_any_bit_is_seen(void **state)
{
	uint8_t a[33], b[33];
	(void)state;

	memset(a, 0x5a, sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_true(secret_equal(a, b, sizeof(a)));

	for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(secret_equal(a, b, sizeof(a)));
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}


static void what_lies_behind_is_not_compared(void **state)
{
	(void)state;
	assert_true(secret_equal("abcX", "abcY", 3));
	assert_true(secret_equal(NULL, NULL, 0));
}


static void a_wiped_secret_is_zero_and_its_neighbour_is_not(void **state)
{
	static const uint8_t zeros[16];
	uint8_t secret[17];
	(void)state;

	memset(secret, 0xaa, sizeof(secret));
	secret_wipe(secret, 16);
	assert_memory_equal(secret, zeros, 16);
	assert_int_equal(secret[16], 0xaa);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_difference_in_any_bit_is_seen),
		cmocka_unit_test(what_lies_behind_is_not_compared),
		cmocka_unit_test(
			a_wiped_secret_is_zero_and_its_neighbour_is_not),
	};

	return T_MAIN_ONLY(tests);
}
