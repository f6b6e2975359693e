/**
 * @file shared/base/bucket.c  Token bucket: so many per second, with a burst
 *
 * One number says all: the moment at which the bucket will be full again. A
 * token taken moves it 1/rate later; it may lie at most burst/rate ahead. What
 * a token costs is rounded up to the nanosecond, so that never more than rate
 * tokens leave a second, and burst tokens cost burst times that, so that a
 * full bucket holds all of them.
 */
#include "shared/base/bucket.h"


/* 2^32 tokens of a second each still fit. */
static int64_t cost_ns(uint32_t rate, uint32_t n)
{
	return n * (int64_t)((1000000000ull + rate - 1) / rate);
}


/* How far ahead full_ns lies; a clock that went back must not add to it, nor
 * may a number that was never written by us. */
static int64_t debt_ns(const struct bucket *bucket, int64_t now_us,
		       uint32_t rate, uint32_t burst)
{
	const int64_t most = cost_ns(rate, burst);
	const int64_t now_ns = now_us * 1000;

	if (bucket->full_ns <= now_ns)
		return 0;
	if (bucket->full_ns - now_ns > most)
		return most;

	return bucket->full_ns - now_ns;
}


bool bucket_take(struct bucket *bucket, int64_t now_us, uint32_t rate,
		 uint32_t burst, uint32_t n)
{
	int64_t debt = debt_ns(bucket, now_us, rate, burst);
	const bool taken = debt + cost_ns(rate, n) <= cost_ns(rate, burst);

	if (taken)
		debt += cost_ns(rate, n);

	/* Also when refused: a clock that went back by an hour shall not have
	 * us wait for an hour. */
	bucket->full_ns = now_us * 1000 + debt;

	return taken;
}


int64_t bucket_wait_us(const struct bucket *bucket, int64_t now_us,
		       uint32_t rate, uint32_t burst, uint32_t n)
{
	const int64_t wait = debt_ns(bucket, now_us, rate, burst) +
			     cost_ns(rate, n) - cost_ns(rate, burst);

	return wait > 0 ? (wait + 999) / 1000 : 0;
}
