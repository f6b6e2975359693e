/**
 * @file billingd/rate_round.h  Rates as they are stored
 *
 * A rate is stored with as many decimals as SERVER_BILLING_FEE_PRECISTION says
 * when it is entered: nearest, half up, and a positive rate is never below one
 * step of the last decimal. A later change of the parameter does not touch
 * rates already stored. Pure.
 */
#ifndef TANDEM_BILLINGD_RATE_ROUND_H
#define TANDEM_BILLINGD_RATE_ROUND_H

#include <stdint.h>

/** Micro-units, not negative; decimals: 0-6 */
int64_t rate_round(int64_t rate, unsigned decimals);

#endif
