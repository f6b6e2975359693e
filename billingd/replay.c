/**
 * @file billingd/replay.c  What the journal has, read again at the start
 *
 * Diagnostics: error journal_not_understood.
 */
#include <errno.h>
#include <inttypes.h>

#include "billingd/account.h"
#include "billingd/ended.h"
#include "billingd/journal.h"
#include "billingd/replay.h"
#include "billingd/unpack.h"
#include "proto/billing.pb-c.h"
#include "shared/base/log.h"


static int replay_ended(const struct replay *replay,
			const struct journal_record *record)
{
	Tandem__CallEnded *call;
	int err;

	err = accounts_replay_ended(replay->accounts, record->payload,
				    record->len, record->seq);
	if (err)
		return err;
	call = unpack(&tandem__call_ended__descriptor, record->payload,
		      record->len, &err);
	if (!call)
		return err;
	err = ended_add(replay->ended, call->record->cdr_id);
	tandem__call_ended__free_unpacked(call, NULL);

	return err == EMSGSIZE ? 0 : err;
}


static int replay_hold(const struct replay *replay,
		       const struct journal_record *r)
{
	return accounts_replay_hold(replay->accounts, r->payload, r->len,
				    r->seq);
}


static int replay_open(const struct replay *replay,
		       const struct journal_record *r)
{
	return accounts_replay_open(replay->accounts, r->payload, r->len,
				    r->seq);
}


static int replay_lease(const struct replay *replay,
			const struct journal_record *r)
{
	return accounts_replay_lease(replay->accounts, r->payload, r->len,
				     r->seq);
}


static int replay_spent(const struct replay *replay,
			const struct journal_record *r)
{
	return accounts_replay_spent(replay->accounts, r->payload, r->len,
				     r->seq);
}


static int replay_alive(const struct replay *replay,
			const struct journal_record *r)
{
	Tandem__Checkpoint *alive;
	int err;

	alive = unpack(&tandem__checkpoint__descriptor, r->payload, r->len,
		       &err);
	if (!alive)
		return err;
	for (size_t i = 0; i < alive->n_cdr_id; i++)
		hold_lived(replay->accounts, alive->cdr_id[i], alive->at_us,
			   0);
	tandem__checkpoint__free_unpacked(alive, NULL);

	return 0;
}


static int (*const replays[JOURNAL_TYPEC])(const struct replay *,
					   const struct journal_record *) = {
	[JOURNAL_HOLD] = replay_hold,    [JOURNAL_OPEN] = replay_open,
	[JOURNAL_LEASE] = replay_lease,  [JOURNAL_ENDED] = replay_ended,
	[JOURNAL_CLOSED] = replay_ended, [JOURNAL_ALIVE] = replay_alive,
	[JOURNAL_SPENT] = replay_spent,
};


/* What cannot be understood is told, and the rest goes on: its checksum was
 * right, so another release wrote it. */
int replay_record(const struct replay *replay,
		  const struct journal_record *record)
{
	const size_t type = (size_t)record->type;
	int err = 0;

	if (type < JOURNAL_TYPEC && replays[type])
		err = replays[type](replay, record);
	if (err != EBADMSG)
		return err;
	log_error(replay->log,
		  "journal_not_understood seq=%" PRIu64 " type=%d",
		  record->seq, (int)record->type);

	return 0;
}
