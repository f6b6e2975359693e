/**
 * @file billingd/hold.c  What running calls hold back (billing 8)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/account_int.h"
#include "billingd/unpack.h"
#include "shared/base/text.h"
#include "shared/base/util.h"

enum {
	RENEW_LEAST_S = 3, /* billing 8.4 */
	RENEW_PART = 4,
};


static struct hold *hold_of(struct map_link *link)
{
	return (struct hold *)((char *)link - offsetof(struct hold, link));
}


/* Of calls that cost: is money of the lease held back, is talk time counted? */
static bool is_leased(const struct hold *hold)
{
	return hold->tariff.mode == BILLING_RATED &&
	       !(hold->tariff.flags & TARIFF_IS_UNLIMITED);
}


static bool is_limited(const struct hold *hold)
{
	return is_leased(hold) || (hold->tariff.mode == BILLING_RATED &&
				   hold->tariff.flags & TARIFF_IS_CAPPED);
}


static void hold_amount(struct hold *hold, int64_t amount)
{
	const int64_t more = amount - hold->grant.amount;

	hold->account->promised += more;
	if (is_leased(hold))
		hold->account->held += more;
	hold->grant.amount = amount;
}


/* --- their life ----------------------------------------------------------- */

struct hold *hold_find(const struct accounts *accounts, const char *cdr_id)
{
	struct map_link *link = map_find(accounts->holds, cdr_id,
					 strlen(cdr_id));

	return link ? hold_of(link) : NULL;
}


void hold_lived(const struct accounts *accounts, const char *cdr_id,
		int64_t at_us, int64_t seen_us)
{
	struct hold *hold = hold_find(accounts, cdr_id);

	if (!hold)
		return;
	if (at_us > hold->at_us)
		hold->at_us = at_us;
	hold->seen_us = seen_us;
}


static struct hold *unused_take(struct accounts *accounts)
{
	struct hold *hold = accounts->unused;

	if (!hold)
		return calloc(1, sizeof(*hold));
	accounts->unused = hold->open;
	memset(hold, 0, sizeof(*hold));

	return hold;
}


static void unused_give(struct accounts *accounts, struct hold *hold)
{
	hold->open = accounts->unused;
	accounts->unused = hold;
}


int hold_begin(struct hold **holdp, struct accounts *accounts,
	       const char *cdr_id, const struct tariff *tariff)
{
	const size_t l = strlen(cdr_id);
	struct account *account;
	struct hold *hold;
	int err;

	if (l == 0 || l >= HOLD_ID_SIZE)
		return EMSGSIZE;
	err = account_get(&account, accounts, tariff->account);
	if (err)
		return err;
	hold = unused_take(accounts);
	if (!hold)
		return ENOMEM;

	memcpy(hold->cdr_id, cdr_id, l + 1);
	hold->account = account;
	hold->tariff = *tariff;
	hold->grant.slice_s = tariff->reserve_first_s;
	err = map_add(accounts->holds, &hold->link, hold->cdr_id, l);
	if (err) {
		unused_give(accounts, hold);
		return err;
	}
	account->holdc++;
	*holdp = hold;

	return 0;
}


void hold_forget(struct accounts *accounts, struct hold *hold)
{
	map_remove(accounts->holds, &hold->link);
	hold_amount(hold, 0);
	hold->account->holdc--;
	free(hold->open);
	unused_give(accounts, hold);
}


size_t hold_count(const struct accounts *accounts)
{
	return map_count(accounts->holds);
}


struct walk {
	hold_h *h;
	void *arg;
};


static int on_hold(struct map_link *link, void *arg)
{
	const struct walk *walk = arg;

	return walk->h(hold_of(link), walk->arg);
}


int holds_walk(struct accounts *accounts, hold_h *h, void *arg)
{
	struct walk walk = { h, arg };

	return map_walk(accounts->holds, on_hold, &walk);
}


/* --- slices --------------------------------------------------------------- */

/* Where the next slice ends. */
static int64_t slice_end(const struct hold *hold)
{
	const int64_t end = (int64_t)hold->grant.granted_s +
			    hold->grant.slice_s;

	return end < RATE_SECONDS_MAX ? end : RATE_SECONDS_MAX;
}


int64_t hold_least(const struct hold *hold)
{
	if (!is_limited(hold))
		return 0;

	return rate_fee(&hold->tariff.terms,
			(int64_t)hold->tariff.terms.free_s + 1);
}


int64_t hold_need(const struct hold *hold)
{
	int64_t fee, left;

	if (!is_leased(hold))
		return 0;

	/* Free time may be longer than a slice. */
	fee = rate_fee(&hold->tariff.terms, slice_end(hold));
	if (!hold->is_granted && fee < hold_least(hold))
		fee = hold_least(hold);
	fee -= hold->grant.amount;
	left = account_cap_left(hold->account);

	return fee < left ? fee : left;
}


bool hold_is_over_cap(const struct hold *hold)
{
	return !hold->is_granted &&
	       account_cap_left(hold->account) < hold_least(hold);
}


/* What it holds, and what it may hold beside that */
static int64_t money_of(const struct hold *hold)
{
	const int64_t left = account_cap_left(hold->account);
	const int64_t more = is_leased(hold) ? account_free(hold->account)
					     : left;

	return hold->grant.amount + (more < left ? more : left);
}


/* A quarter, 3 s at least, half of it at most. */
static uint32_t renew_of(uint32_t slice_s)
{
	const uint32_t half = (slice_s + 1) / 2;
	uint32_t renew = slice_s / RENEW_PART;

	if (renew < RENEW_LEAST_S)
		renew = RENEW_LEAST_S;

	return renew < half ? renew : half;
}


/* Nothing more was granted: every 3 s, while there is time. */
static uint32_t again_of(uint32_t granted_s, uint32_t talked_s)
{
	const uint32_t left = granted_s > talked_s ? granted_s - talked_s : 0;

	return left > RENEW_LEAST_S ? left - RENEW_LEAST_S : 0;
}


static void double_slice(struct hold *hold)
{
	const uint32_t most = hold->tariff.reserve_max_s;
	struct hold_grant *grant = &hold->grant;

	if (grant->slice_s < most)
		grant->slice_s = grant->slice_s < most / 2 ? 2 * grant->slice_s
							   : most;
}


static void extend_to(struct hold *hold, uint32_t end_s, uint32_t talked_s)
{
	struct hold_grant *grant = &hold->grant;
	const int64_t amount = rate_fee(&hold->tariff.terms, end_s);
	const uint32_t more = end_s - grant->granted_s;
	const bool is_whole = more == grant->slice_s;

	hold_amount(hold, amount);
	grant->granted_s = end_s;
	grant->renew_s = more ? renew_of(more) : again_of(end_s, talked_s);
	if (is_whole)
		double_slice(hold);
}


int hold_extend(struct hold *hold, uint32_t talked_s)
{
	int64_t money, end;

	if (!is_limited(hold)) {
		hold->is_granted = true;
		return 0;
	}

	money = money_of(hold);
	if (!hold->is_granted && money < hold_least(hold))
		return EDQUOT;

	end = rate_afford(&hold->tariff.terms, money,
			  (int64_t)hold->grant.granted_s + 1, slice_end(hold));
	hold->is_granted = true;
	hold->is_part = end < slice_end(hold);
	extend_to(hold, (uint32_t)end, talked_s);

	return 0;
}


/* --- the end -------------------------------------------------------------- */

/* A fee is not more than what was held for it: charge_of(). What a record says
 * that cannot be does not touch the money of other calls. */
int64_t hold_settled(const struct hold *hold, int64_t fee)
{
	const int64_t most = hold->grant.amount;

	return is_leased(hold)
		       ? hold->account->settled + (fee < most ? fee : most)
		       : 0;
}


int64_t hold_settle(struct accounts *accounts, struct hold *hold, int64_t fee)
{
	struct account *account = hold->account;
	const int64_t settled = hold_settled(hold, fee);

	hold_forget(accounts, hold);
	if (settled > 0)
		account->settled = settled;

	return settled;
}


int64_t account_charge(struct accounts *accounts, uint32_t id, int64_t fee)
{
	struct account *account = account_find(accounts, id);

	if (!account || account->granted == 0 || fee <= 0)
		return 0;
	(void)account_give(account, fee);

	return account->settled;
}


/* --- the journal ---------------------------------------------------------- */

void hold_put(Tandem__Hold *to, Tandem__Tariff *tariff,
	      const struct hold *hold)
{
	tandem__hold__init(to);
	tariff_put(tariff, &hold->tariff);
	to->cdr_id = unconst(hold->cdr_id);
	to->tariff = tariff;
	to->granted_s = hold->grant.granted_s;
	to->slice_s = hold->grant.slice_s;
	to->renew_s = hold->grant.renew_s;
	to->amount = hold->grant.amount;
	to->at_us = hold->at_us;
	to->is_answered = hold->is_answered;
}


/* What is held follows from the rest: a fee is never more than it. */
static void replay_grant(struct hold *hold, const Tandem__Hold *from)
{
	const int64_t amount = is_limited(hold) ? rate_fee(&hold->tariff.terms,
							   from->granted_s)
						: 0;

	hold_amount(hold, amount);
	hold->grant = (struct hold_grant){
		.granted_s = from->granted_s,
		.slice_s = from->slice_s,
		.renew_s = from->renew_s,
		.amount = amount,
	};
}


static int replay_hold(struct accounts *accounts, const Tandem__Hold *from,
		       uint64_t seq)
{
	struct hold *hold = hold_find(accounts, from->cdr_id);
	struct tariff tariff;
	int err = 0;

	if (!from->tariff || from->slice_s == 0 ||
	    from->granted_s > RATE_SECONDS_MAX ||
	    tariff_take(&tariff, from->tariff))
		return EBADMSG;
	if (!hold)
		err = hold_begin(&hold, accounts, from->cdr_id, &tariff);
	if (err)
		return err == ENOMEM ? err : EBADMSG;

	replay_grant(hold, from);
	hold->at_us = from->at_us;
	hold->is_answered |= from->is_answered;
	hold->is_granted = true;
	hold->seq = seq;

	/* The map has it. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	return 0;
}


int accounts_replay_hold(struct accounts *accounts, const void *payload,
			 size_t len, uint64_t seq)
{
	Tandem__Hold *hold;
	int err;

	hold = unpack(&tandem__hold__descriptor, payload, len, &err);
	if (!hold)
		return err;
	err = replay_hold(accounts, hold, seq);
	tandem__hold__free_unpacked(hold, NULL);

	return err;
}


int hold_open(struct hold *hold, const void *payload, size_t len)
{
	void *copy = malloc(len ? len : 1);

	if (!copy)
		return ENOMEM;
	memcpy(copy, payload, len);
	free(hold->open);
	hold->open = copy;
	hold->open_len = len;
	hold->is_answered = true;

	return 0;
}


/* Without its hold it is of nobody: the call was let in without charge. */
int accounts_replay_open(struct accounts *accounts, const void *payload,
			 size_t len, uint64_t seq)
{
	Tandem__Record *record;
	struct hold *hold;
	int err = 0;

	record = unpack(&tandem__record__descriptor, payload, len, &err);
	if (!record)
		return err;
	hold = hold_find(accounts, record->cdr_id);
	if (hold)
		err = hold_open(hold, payload, len);
	if (hold && !err)
		hold->open_seq = seq;
	tandem__record__free_unpacked(record, NULL);

	return err;
}


static int replay_charge(struct accounts *accounts,
			 const Tandem__CallEnded *call, uint64_t seq)
{
	const Tandem__Charge *charge = call->charge;
	struct account *account;

	if (charge->settled == 0 && (charge->fee <= 0 || !charge->account))
		return 0;
	if (account_get(&account, accounts, charge->account))
		return ENOMEM;
	account_leased(account, charge->settled, charge->settled);
	account_spend(account, charge->fee, spend_day(call->record->end_us),
		      seq);

	return 0;
}


static int replay_ended(struct accounts *accounts,
			const Tandem__CallEnded *call, uint64_t seq)
{
	struct hold *hold;

	if (!call->record || !call->charge || call->charge->settled < 0)
		return EBADMSG;

	hold = hold_find(accounts, call->record->cdr_id);
	if (hold)
		hold_forget(accounts, hold);

	return replay_charge(accounts, call, seq);
}


int accounts_replay_ended(struct accounts *accounts, const void *payload,
			  size_t len, uint64_t seq)
{
	Tandem__CallEnded *call;
	int err;

	call = unpack(&tandem__call_ended__descriptor, payload, len, &err);
	if (!call)
		return err;
	err = replay_ended(accounts, call, seq);
	tandem__call_ended__free_unpacked(call, NULL);

	return err;
}
