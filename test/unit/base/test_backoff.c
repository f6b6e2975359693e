/**
 * @file test/unit/base/test_backoff.c  Waits double, jitter, and end growing
 */
#include "shared/base/backoff.h"
#include "shared/base/util.h"
#include "test/support/t.h"

static const uint64_t randoms[] = { 0, 1, 12345, 0x8000000000000000u,
				    UINT64_MAX };


static void each_wait_is_twice_the_one_before_up_to_the_most(void **state)
{
	static const uint32_t expected[] = { 100, 200, 400, 800, 1000, 1000 };
	(void)state;

	for (size_t r = 0; r < COUNT_OF(randoms); r++) {
		struct backoff backoff = { .first_ms = 100, .most_ms = 1000 };

		for (size_t i = 0; i < COUNT_OF(expected); i++)
			assert_in_range(backoff_next_ms(&backoff, randoms[r]),
					expected[i] * 3 / 4,
					expected[i] * 5 / 4);
	}
}


static void the_whole_range_of_jitter_is_used(void **state)
{
	uint32_t least = UINT32_MAX, most = 0;
	(void)state;

	for (uint64_t random = 0; random < 1000; random++) {
		struct backoff backoff = { .first_ms = 100, .most_ms = 100 };
		const uint32_t ms = backoff_next_ms(&backoff, random);

		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	assert_int_equal(least, 75);
	assert_int_equal(most, 125);
}


static void after_a_reset_it_begins_again(void **state)
{
	struct backoff backoff = { .first_ms = 100, .most_ms = 60000 };
	(void)state;

	for (int i = 0; i < 8; i++)
		(void)backoff_next_ms(&backoff, 0);
	assert_int_equal(backoff_next_ms(&backoff, 0), 25600 * 3 / 4);
	backoff_reset(&backoff);
	assert_int_equal(backoff_next_ms(&backoff, 0), 75);
}


/* It never gives up: a wait after years is still the most, not an overflow. */
static void it_can_be_asked_for_ever(void **state)
{
	struct backoff backoff = { .first_ms = 1, .most_ms = 3600000 };
	(void)state;

	for (int i = 0; i < 100000; i++)
		(void)backoff_next_ms(&backoff, 7);
	assert_int_equal(backoff_next_ms(&backoff, 0), 3600000 / 4 * 3);
}


static void the_longest_wait_does_not_wrap_to_a_short_one(void **state)
{
	struct backoff backoff = { .first_ms = UINT32_MAX,
				   .most_ms = UINT32_MAX };
	(void)state;

	for (size_t r = 0; r < COUNT_OF(randoms); r++)
		assert_true(backoff_next_ms(&backoff, randoms[r]) >=
			    UINT32_MAX / 4 * 3);
	for (uint64_t random = UINT32_MAX / 4; random < UINT32_MAX / 2;
	     random += 99999999)
		assert_true(backoff_next_ms(&backoff, random) >=
			    UINT32_MAX / 4 * 3);
}


static void one_that_is_all_zero_waits_not_at_all(void **state)
{
	struct backoff backoff = { .first_ms = 0 };
	(void)state;

	assert_int_equal(backoff_next_ms(&backoff, UINT64_MAX), 0);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			each_wait_is_twice_the_one_before_up_to_the_most),
		cmocka_unit_test(the_whole_range_of_jitter_is_used),
		cmocka_unit_test(after_a_reset_it_begins_again),
		cmocka_unit_test(it_can_be_asked_for_ever),
		cmocka_unit_test(
			the_longest_wait_does_not_wrap_to_a_short_one),
		cmocka_unit_test(one_that_is_all_zero_waits_not_at_all),
	};

	return T_MAIN_ONLY(tests);
}
