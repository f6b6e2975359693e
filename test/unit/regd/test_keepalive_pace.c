/**
 * @file test/unit/regd/test_keepalive_pace.c  When how many are sent
 */
#include "regd/keepalive.h"
#include "test/support/t.h"

static const struct keepalive_params params_ = {
	.period_ms = 30000,
	.interval_ms = 500,
	.burst = 3000,
};

static const int64_t ms_us = 1000;


static struct keepalive_turn at(struct keepalive_pace *pace, int64_t ms)
{
	return keepalive_turn(pace, &params_, ms * ms_us);
}


static void a_cycle_begins_at_each_multiple_of_the_period(void **state)
{
	struct keepalive_pace pace = { 0 };
	struct keepalive_turn turn = at(&pace, 100000);

	(void)state;
	assert_false(turn.begins);
	assert_int_equal(turn.burst, 0);
	assert_int_equal(turn.wait_us, 20000 * ms_us);
	turn = at(&pace, 120000);
	assert_true(turn.begins);
	assert_false(turn.cut);
	assert_int_equal(turn.burst, 3000);
	keepalive_finished(&pace);
	turn = at(&pace, 121000);
	assert_false(turn.begins);
	assert_int_equal(turn.burst, 0);
	assert_int_equal(turn.wait_us, 29000 * ms_us);
	turn = at(&pace, 150001);
	assert_true(turn.begins);
	assert_false(turn.cut);
	assert_int_equal(turn.wait_us, 500 * ms_us);
}


static void another_period_begins_no_cycle_out_of_turn(void **state)
{
	struct keepalive_params shorter = params_;
	struct keepalive_pace pace = { 0 };
	struct keepalive_turn turn;

	(void)state;
	(void)at(&pace, 121000);
	shorter.period_ms = 10000;
	turn = keepalive_turn(&pace, &shorter, 137000 * ms_us);
	assert_false(turn.begins);
	assert_int_equal(turn.wait_us, 3000 * ms_us);
	assert_true(keepalive_turn(&pace, &shorter, 140000 * ms_us).begins);
}


static void bursts_are_so_far_apart(void **state)
{
	struct keepalive_pace pace = { 0 };
	struct keepalive_turn turn;

	(void)state;
	(void)at(&pace, 100000);
	assert_int_equal(at(&pace, 120000).burst, 3000);
	turn = at(&pace, 120100);
	assert_int_equal(turn.burst, 0);
	assert_int_equal(turn.wait_us, 400 * ms_us);
	turn = at(&pace, 120500);
	assert_int_equal(turn.burst, 3000);
	assert_false(turn.begins);
	assert_int_equal(turn.wait_us, 500 * ms_us);
}


static void a_cycle_that_is_not_finished_is_cut(void **state)
{
	struct keepalive_pace pace = { 0 };
	struct keepalive_turn turn;

	(void)state;
	(void)at(&pace, 100000);
	for (int64_t ms = 120000; ms < 150000; ms += 500)
		assert_int_equal(at(&pace, ms).burst, 3000);
	turn = at(&pace, 150000);
	assert_true(turn.begins);
	assert_true(turn.cut);
	assert_int_equal(turn.burst, 3000);
}


static void a_restart_moves_no_cycle(void **state)
{
	struct keepalive_pace pace = { 0 }, again = { 0 };

	(void)state;
	(void)at(&pace, 119000);
	(void)at(&again, 119500);
	assert_int_equal(at(&pace, 119600).wait_us,
			 at(&again, 119600).wait_us);
	assert_true(at(&again, 120000).begins);
}


static void a_shorter_period_is_taken_up(void **state)
{
	struct keepalive_params brief = params_;
	struct keepalive_pace pace = { 0 };

	(void)state;
	brief.period_ms = 10000;
	(void)at(&pace, 100000);
	(void)at(&pace, 120000);
	keepalive_finished(&pace);
	assert_false(keepalive_turn(&pace, &brief, 129000 * ms_us).begins);
	assert_true(keepalive_turn(&pace, &brief, 130000 * ms_us).begins);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_cycle_begins_at_each_multiple_of_the_period),
		cmocka_unit_test(another_period_begins_no_cycle_out_of_turn),
		cmocka_unit_test(bursts_are_so_far_apart),
		cmocka_unit_test(a_cycle_that_is_not_finished_is_cut),
		cmocka_unit_test(a_restart_moves_no_cycle),
		cmocka_unit_test(a_shorter_period_is_taken_up),
	};

	return T_MAIN_ONLY(tests);
}
