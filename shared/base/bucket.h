/**
 * @file shared/base/bucket.h  Token bucket: so many per second, with a burst
 */
#ifndef TANDEM_BASE_BUCKET_H
#define TANDEM_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/** Fit for shared memory; all zero: full at first use */
struct bucket {
	int64_t full_ns; /**< When it will be full again */
};

/** Take n tokens if they are there. A clock that went back fills nothing.
 *  @param rate  Tokens per second, at least 1
 *  @param burst Most tokens it holds: with less than n, n are never there */
bool bucket_take(struct bucket *bucket, int64_t now_us, uint32_t rate,
		 uint32_t burst, uint32_t n);

/** Microseconds until n tokens are there; 0 if they are */
int64_t bucket_wait_us(const struct bucket *bucket, int64_t now_us,
		       uint32_t rate, uint32_t burst, uint32_t n);

#endif
