/**
 * @file test/unit/base/test_clk.c  The clocks, and how a test turns them
 */
#include <time.h>

#include "shared/base/clk.h"
#include "test/support/t.h"


static int64_t ask_us(clockid_t id)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(id, &ts), 0);

	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


static void each_clock_is_the_kernels_of_its_kind(void **state)
{
	static const struct {
		clockid_t id;
		int64_t (*h)(void);
	} clocks[] = {
		{ CLOCK_MONOTONIC, clk_mono_us },
		{ CLOCK_BOOTTIME, clk_boot_us },
		{ CLOCK_REALTIME, clk_wall_us },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		const int64_t before = ask_us(clocks[i].id);
		const int64_t now = clocks[i].h();

		assert_true(before <= now);
		assert_true(now <= ask_us(clocks[i].id));
	}
}


static void frozen_clocks_stand_until_they_are_turned(void **state)
{
	(void)state;

	clk_freeze(1000, 5000);
	assert_int_equal(clk_mono_us(), 1000);
	assert_int_equal(clk_boot_us(), 1000);
	assert_int_equal(clk_wall_us(), 5000);

	clk_turn(7);
	assert_int_equal(clk_mono_us(), 1007);
	assert_int_equal(clk_boot_us(), 1007);
	assert_int_equal(clk_wall_us(), 5007);

	/* An administrator sets the time: intervals do not notice. */
	clk_step_wall(-4000);
	assert_int_equal(clk_mono_us(), 1007);
	assert_int_equal(clk_wall_us(), 1007);
	clk_thaw();
}


static void thawed_clocks_are_the_kernels_again(void **state)
{
	(void)state;

	clk_freeze(0, 0);
	clk_thaw();
	assert_true(clk_mono_us() > 0);
	assert_true(clk_wall_us() > 1600000000000000);
}


static void shifted_wall_time_leaves_the_others_alone(void **state)
{
	const int64_t before = clk_wall_us();

	(void)state;

	clk_freeze(1000, 5000);
	clk_shift_wall(-3000);
	assert_int_equal(clk_wall_us(), 2000);
	assert_int_equal(clk_stamp_us(), 5000);
	assert_int_equal(clk_mono_us(), 1000);
	assert_int_equal(clk_boot_us(), 1000);
	clk_shift_wall(0);
	assert_int_equal(clk_wall_us(), 5000);
	clk_thaw();

	clk_shift_wall(3600000000);
	assert_true(clk_wall_us() >= before + 3600000000);
	clk_shift_wall(0);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_clock_is_the_kernels_of_its_kind),
		cmocka_unit_test(frozen_clocks_stand_until_they_are_turned),
		cmocka_unit_test(thawed_clocks_are_the_kernels_again),
		cmocka_unit_test(shifted_wall_time_leaves_the_others_alone),
	};

	return T_MAIN_ONLY(tests);
}
