/**
 * @file billingd/account_write.h  Accounts and holds into the journal
 *
 * Each notes the number of what it wrote, for who carries it over.
 * @return as journal_put()
 */
#ifndef TANDEM_BILLINGD_ACCOUNT_WRITE_H
#define TANDEM_BILLINGD_ACCOUNT_WRITE_H

#include "billingd/account.h"
#include "billingd/journal.h"

int hold_write(struct journal *journal, struct hold *hold,
	       journal_durable_h *h, void *arg);
/** Its record so far: hold_open() was before */
int open_write(struct journal *journal, struct hold *hold,
	       journal_durable_h *h, void *arg);
int lease_write(struct journal *journal, struct account *account);
int spent_write(struct journal *journal, struct account *account);

#endif
