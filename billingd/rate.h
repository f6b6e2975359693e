/**
 * @file billingd/rate.h  What seconds cost
 *
 * billing.md 4 and 5: whole seconds, increments, connection fee, and one
 * rounding of the exact fraction. Integers only; the products are of 128 bits,
 * so nothing overflows within the bounds below. Pure.
 */
#ifndef TANDEM_BILLINGD_RATE_H
#define TANDEM_BILLINGD_RATE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	/** Ten years: at the highest rate its fee still fits an int64_t */
	RATE_SECONDS_MAX = 315360000,
	RATE_EXACT_SIZE = 64,
};

struct rate_terms {
	int64_t rate;         /**< Per minute, micro-units; not negative */
	int64_t connect_fee;  /**< Not negative */
	int64_t step;         /**< Fees are multiples of it; positive */
	uint32_t first, next; /**< Increments in seconds; positive */
	uint32_t free_s;      /**< Seconds at the start that cost nothing */
};

/** Talk time in whole seconds: a rest of 50 ms or less is dropped */
int64_t rate_seconds(int64_t duration_us);

/** The step of fees: SERVER_BILLING_FEE_UNIT, or the last of the decimals of
 *  SERVER_BILLING_FEE_PRECISTION if that is larger */
int64_t rate_step(int64_t unit, unsigned decimals);

/** What is left of the seconds behind the free ones */
int64_t rate_charged(const struct rate_terms *terms, int64_t seconds);

/** Charged time in whole increments; none: none */
int64_t rate_billed(const struct rate_terms *terms, int64_t charged);

/** Fee of a call of so many seconds (0 to RATE_SECONDS_MAX, more is taken for
 *  that), free ones and all */
int64_t rate_fee(const struct rate_terms *terms, int64_t seconds);

/** The largest time from..to whose fee is covered; from - 1: not even that.
 *  Fees do not fall with time. */
int64_t rate_afford(const struct rate_terms *terms, int64_t money,
		    int64_t from, int64_t to);

/** The nearest multiple of step, half up, of amount * parts / whole. Neither
 *  is negative, whole is not 0. */
int64_t rate_part(int64_t amount, int64_t parts, int64_t whole, int64_t step);

/** The exact fee before rounding, in words: "0.04", or "0.020333..." if it
 *  does not end */
const char *rate_exact(char text[RATE_EXACT_SIZE],
		       const struct rate_terms *terms, int64_t seconds);

#endif
