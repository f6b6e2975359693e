/**
 * @file billingd/account_write.c  Accounts and holds into the journal
 */
#include <errno.h>

#include "billingd/account_write.h"

enum {
	SHORT_PAYLOAD = 1024,
};


/* Holds are a few hundred bytes: the stack does. */
int hold_write(struct journal *journal, struct hold *hold,
	       journal_durable_h *h, void *arg)
{
	uint8_t payload[SHORT_PAYLOAD];
	Tandem__Tariff tariff;
	Tandem__Hold message;
	size_t len;
	int err;

	hold_put(&message, &tariff, hold);
	len = tandem__hold__get_packed_size(&message);
	if (len > sizeof(payload))
		return EMSGSIZE;
	(void)tandem__hold__pack(&message, payload);

	err = journal_put(journal, JOURNAL_HOLD, payload, len, h, arg);
	if (!err)
		hold->seq = journal_last(journal);

	return err;
}


/* A sum of an account; what counts is the newest. */
static int put_sum(struct journal *journal, enum journal_type type,
		   const uint8_t *payload, size_t len, uint64_t *seq)
{
	const int err = journal_put(journal, type, payload, len, NULL, NULL);

	if (!err)
		*seq = journal_last(journal);

	return err;
}


int lease_write(struct journal *journal, struct account *account)
{
	uint8_t payload[SHORT_PAYLOAD];
	Tandem__Lease message;

	lease_put(&message, account);

	return put_sum(journal, JOURNAL_LEASE, payload,
		       tandem__lease__pack(&message, payload),
		       &account->lease_seq);
}


int spent_write(struct journal *journal, struct account *account)
{
	uint8_t payload[SHORT_PAYLOAD];
	Tandem__Spent message;

	spent_put(&message, account);

	return put_sum(journal, JOURNAL_SPENT, payload,
		       tandem__spent__pack(&message, payload),
		       &account->spent_seq);
}


int open_write(struct journal *journal, struct hold *hold,
	       journal_durable_h *h, void *arg)
{
	const int err = journal_put(journal, JOURNAL_OPEN, hold->open,
				    hold->open_len, h, arg);

	if (!err)
		hold->open_seq = journal_last(journal);

	return err;
}
