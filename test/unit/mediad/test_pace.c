/**
 * @file test/unit/mediad/test_pace.c  The time between two looks
 */
#include "mediad/pace.h"
#include "test/support/t.h"

#define NOW ((int64_t)100000000)


/* Looks of their own pace while so many streams talk both ways, for a second
 * @return the pace that they end at */
static int64_t run(struct pace *pace, int64_t *nowp, unsigned streams)
{
	const int64_t end_us = *nowp + 1000000;
	int64_t left = 0;

	while (*nowp < end_us) {
		left += pace->us * streams;
		*nowp += pace->us;
		pace_count(pace, *nowp, (unsigned)(left / 10000));
		left %= 10000;
	}

	return pace->us;
}


static void a_pace_keeps_to_the_packets_there_are(void **state)
{
	struct pace pace;
	int64_t now = NOW;

	(void)state;
	pace_begin(&pace, now);
	assert_int_equal(run(&pace, &now, 1), 2000);
	assert_int_equal(run(&pace, &now, 100), 2000);
	assert_int_equal(run(&pace, &now, 500), 700);
	assert_int_equal(run(&pace, &now, 1000), 1100);
	assert_int_equal(run(&pace, &now, 500), 700);
	assert_int_equal(run(&pace, &now, 100), 2000);
}


static void a_look_that_comes_late_does_not_make_the_next_late(void **state)
{
	struct pace pace;
	int64_t now = NOW;

	(void)state;
	pace_begin(&pace, now);
	assert_int_equal(run(&pace, &now, 500), 700);
	now += 100000; /* the machine stood still; all of it lies there */
	pace_count(&pace, now, 50 * 100);
	assert_int_equal(pace.us, 700);
	assert_int_equal(run(&pace, &now, 500), 700);
}


static void a_burst_within_the_time_is_spread_over_it(void **state)
{
	struct pace pace;

	(void)state;
	pace_begin(&pace, NOW);
	pace_count(&pace, NOW + 1000, 200);
	assert_int_equal(pace.us, 2000);
	pace_count(&pace, NOW + PACE_OVER_US, 0);
	assert_int_equal(pace.us, 2000);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pace_keeps_to_the_packets_there_are),
		cmocka_unit_test(
			a_look_that_comes_late_does_not_make_the_next_late),
		cmocka_unit_test(a_burst_within_the_time_is_spread_over_it),
	};

	return T_MAIN_ONLY(tests);
}
