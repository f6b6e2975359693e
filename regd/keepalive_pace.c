/**
 * @file regd/keepalive_pace.c  When how many keep-alive datagrams are sent
 */
#include "regd/keepalive.h"

static const int64_t ms_us = 1000;


struct keepalive_turn keepalive_turn(struct keepalive_pace *pace,
				     const struct keepalive_params *params,
				     int64_t now_boot_us)
{
	const int64_t period_us = params->period_ms * ms_us;
	const int64_t due_us = now_boot_us / period_us * period_us;
	struct keepalive_turn turn = { .begins = false };

	if (pace->cycle_us == 0 || pace->period_ms != params->period_ms) {
		/* A restart, or another period: the next cycle is not far. */
		pace->cycle_us = due_us;
		pace->period_ms = params->period_ms;
	}
	else if (due_us > pace->cycle_us) {
		turn.begins = true;
		turn.cut = pace->is_busy;
		pace->cycle_us = due_us;
		pace->burst_us = now_boot_us;
		pace->is_busy = true;
	}

	if (pace->is_busy && now_boot_us >= pace->burst_us) {
		turn.burst = params->burst;
		pace->burst_us = now_boot_us + params->interval_ms * ms_us;
	}
	turn.wait_us = due_us + period_us - now_boot_us;
	if (pace->is_busy && pace->burst_us - now_boot_us < turn.wait_us)
		turn.wait_us = pace->burst_us - now_boot_us;

	return turn;
}


void keepalive_finished(struct keepalive_pace *pace)
{
	pace->is_busy = false;
}
