/**
 * @file shared/base/bucket.c  Token bucket: so many per second, with a burst
 *
 * One number says all: the moment at which the bucket will be full again. A
 * token taken moves it 1/rate later; it may lie at most burst/rate ahead. The
 * division is rounded up, so that never more than rate tokens leave a second.
 */
#include "shared/base/bucket.h"


static int64_t cost_us(uint32_t rate, uint32_t n)
{
	return ((int64_t)n * 1000000 + rate - 1) / rate;
}


/* How far ahead full_us lies; a clock that went back must not add to it. */
static int64_t debt_us(const struct bucket *bucket, int64_t now_us,
		       uint32_t rate, uint32_t burst)
{
	const int64_t most = cost_us(rate, burst);
	const int64_t debt = bucket->full_us - now_us;

	if (debt < 0)
		return 0;

	return debt > most ? most : debt;
}


bool bucket_take(struct bucket *bucket, int64_t now_us, uint32_t rate,
		 uint32_t burst, uint32_t n)
{
	const int64_t debt = debt_us(bucket, now_us, rate, burst);

	if (debt + cost_us(rate, n) > cost_us(rate, burst))
		return false;

	bucket->full_us = now_us + debt + cost_us(rate, n);

	return true;
}


int64_t bucket_wait_us(const struct bucket *bucket, int64_t now_us,
		       uint32_t rate, uint32_t burst, uint32_t n)
{
	const int64_t wait = debt_us(bucket, now_us, rate, burst) +
			     cost_us(rate, n) - cost_us(rate, burst);

	return wait > 0 ? wait : 0;
}
