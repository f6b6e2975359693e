/**
 * @file billingd/rate_round.c  Rates as they are stored
 */
#include <assert.h>

#include "billingd/rate_round.h"

enum {
	DECIMALS = 6 /**< Of a micro-unit */
};


int64_t rate_round(int64_t rate, unsigned decimals)
{
	int64_t step = 1, rounded;

	assert(rate >= 0 && decimals <= DECIMALS);
	for (unsigned i = decimals; i < DECIMALS; i++)
		step *= 10;

	rounded = rate / step * step;
	if (rate - rounded >= step - step / 2)
		rounded += step;

	return rate > 0 && rounded == 0 ? step : rounded;
}
