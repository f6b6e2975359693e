/**
 * @file shared/base/backoff.c  Waits that double, with jitter and a bound
 */
#include "shared/base/backoff.h"


uint32_t backoff_next_ms(struct backoff *backoff, uint64_t random)
{
	uint64_t ms = backoff->first_ms;

	for (uint32_t i = 0; i < backoff->step && ms < backoff->most_ms; i++)
		ms *= 2;

	if (ms >= backoff->most_ms)
		ms = backoff->most_ms;
	else
		backoff->step++;

	/* 75 to 125 %: many that failed together do not come back together */
	ms = ms * 3 / 4 + random % (ms / 2 + 1);

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}


void backoff_reset(struct backoff *backoff)
{
	backoff->step = 0;
}
