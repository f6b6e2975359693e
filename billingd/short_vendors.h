/**
 * @file billingd/short_vendors.h  Clearing accounts that are out of money
 *
 * With SERVER_VERIFY_CLEARING_CUSTOMER_REMAIN_MONEY_LIMIT set, the database is
 * asked once a second which of them have less (balance and overdraft): their
 * gateways are not to be used. While it does not answer, the last set holds.
 */
#ifndef TANDEM_BILLINGD_SHORT_VENDORS_H
#define TANDEM_BILLINGD_SHORT_VENDORS_H

#include <stddef.h>
#include <stdint.h>

struct billingd;
struct short_vendors;

enum {
	/** More are cut off: an answer has to fit a message */
	SHORT_VENDORS_MAX = 4096
};

int short_vendors_alloc(struct short_vendors **vp, struct billingd *b);
/** After the database's connection: its answers come here */
struct short_vendors *short_vendors_free(struct short_vendors *v);

/** Ids of accounts, rising; they stay until the loop turns */
uint32_t *short_vendors(struct short_vendors *v, size_t *countp);

#endif
