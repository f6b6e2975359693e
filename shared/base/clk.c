/**
 * @file shared/base/clk.c  The only place that asks what time it is
 *
 * The frozen clock is writable state outside of any object (rule zero): a test
 * turns the time of everything under it at once. So is the shift of the wall
 * clock, which threads read too.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "shared/base/clk.h"

static struct {
	bool on;
	int64_t mono_us;
	int64_t wall_us;
} frozen;

static _Atomic int64_t wall_shift_us;


static int64_t ask(clockid_t id)
{
	struct timespec ts;

	/* Cannot fail for the clocks of this file. */
	(void)clock_gettime(id, &ts);

	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


int64_t clk_mono_us(void)
{
	return frozen.on ? frozen.mono_us : ask(CLOCK_MONOTONIC);
}


int64_t clk_boot_us(void)
{
	return frozen.on ? frozen.mono_us : ask(CLOCK_BOOTTIME);
}


int64_t clk_stamp_us(void)
{
	return frozen.on ? frozen.wall_us : ask(CLOCK_REALTIME);
}


int64_t clk_wall_us(void)
{
	return clk_stamp_us() +
	       atomic_load_explicit(&wall_shift_us, memory_order_relaxed);
}


void clk_freeze(int64_t mono_us, int64_t wall_us)
{
	frozen.on = true;
	frozen.mono_us = mono_us;
	frozen.wall_us = wall_us;
}


void clk_turn(int64_t by_us)
{
	frozen.mono_us += by_us;
	frozen.wall_us += by_us;
}


void clk_step_wall(int64_t by_us)
{
	frozen.wall_us += by_us;
}


void clk_shift_wall(int64_t us)
{
	atomic_store(&wall_shift_us, us);
}


void clk_thaw(void)
{
	frozen.on = false;
}
