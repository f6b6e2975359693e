/**
 * @file shared/base/backoff.h  Waits that double, with jitter and a bound
 */
#ifndef TANDEM_BASE_BACKOFF_H
#define TANDEM_BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
	uint32_t first_ms;
	uint32_t most_ms;
	uint32_t step; /**< How often it has doubled */
};

/** The next wait: first_ms doubled step times, at most most_ms, and of that
 *  75-125 % so that many do not come back together (random: any number) */
uint32_t backoff_next_ms(struct backoff *backoff, uint64_t random);

void backoff_reset(struct backoff *backoff);

#endif
