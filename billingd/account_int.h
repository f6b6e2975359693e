/**
 * @file billingd/account_int.h  What account.c and hold.c share
 */
#ifndef TANDEM_BILLINGD_ACCOUNT_INT_H
#define TANDEM_BILLINGD_ACCOUNT_INT_H

#include "billingd/account.h"

struct accounts {
	struct map *by_id;
	struct map *holds;   /* By cdr_id */
	struct hold *unused; /* A list, by open */
};

/** Out of the map and of its account's sums; its memory is used again */
void hold_forget(struct accounts *accounts, struct hold *hold);

#endif
