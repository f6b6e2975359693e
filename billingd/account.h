/**
 * @file billingd/account.h  Money that this node may spend, and what calls hold
 *
 * Of each account PostgreSQL has leased this node a total; a part of it is
 * settled (spent by calls that ended, or given back), a part is held by calls
 * that run, the rest is free for the next ones:
 *
 *     free = granted - settled - held, never below 0
 *
 * and as what was leased is never more than balance + overdraft, no number of
 * calls at once spends more than that. Beside it each account may have a cap
 * on what its calls cost a day (spend.c), be there money or not: what a call
 * is granted is also promised, and
 *
 *     left = cap - spent by calls that ended today - promised to those that run
 *
 * Pure: no clock, no disk, no database. The same records in the same order
 * make the same state again (replay).
 */
#ifndef TANDEM_BILLINGD_ACCOUNT_H
#define TANDEM_BILLINGD_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "billingd/charge.h"
#include "shared/base/map.h"

struct accounts;
struct ask;

enum {
	HOLD_ID_SIZE = 40, /**< More than an id of ours has, and a NUL */
};

struct account {
	struct map_link link;
	uint32_t id;
	int64_t granted, settled; /**< Totals of the lease; they only grow */
	int64_t held;
	size_t holdc;
	uint64_t lease_seq; /**< Newest JOURNAL_LEASE; 0: none */

	int64_t cap;        /**< Of a day; CAT_NEVER: none */
	int64_t promised;   /**< To calls that run, held or not */
	int64_t spent;      /**< By calls that ended on that day */
	uint32_t day;       /**< spend_day(); only grows */
	uint64_t spent_seq; /**< Oldest record that makes it up; 0: none */

	/* of who asks for more (grant.c) */
	struct ask *first_ask, **last_askp;
	int64_t ahead;     /**< So much is to be free; 0: nobody asked yet */
	int64_t raised_us; /**< When money came last; 0: never */
	int64_t asked_us;  /**< When it was asked for last */
	bool is_raising, is_late;
	bool is_dry; /**< PostgreSQL has not given all that was wanted */
};

/** What a call was granted */
struct hold_grant {
	uint32_t granted_s; /**< Talk time in all; 0: no limit */
	uint32_t slice_s;   /**< The next one */
	uint32_t renew_s;   /**< Ask when so much is left; 0: never */
	int64_t amount;     /**< Held back */
};

struct hold {
	struct map_link link;
	char cdr_id[HOLD_ID_SIZE];
	struct account *account;
	struct tariff tariff;
	struct hold_grant grant;
	int64_t at_us;   /**< Wall clock of the newest sign of life */
	int64_t seen_us; /**< Our own clock at it; 0: before we began */
	bool is_granted;
	bool is_part; /**< The newest slice is not as long as it was to be */
	bool is_answered;
	uint64_t seq;      /**< Newest JOURNAL_HOLD; 0: none yet */
	uint64_t open_seq; /**< Newest JOURNAL_OPEN; 0: none */
	void *open;        /**< Its payload, malloc()ed; NULL: none */
	size_t open_len;
	struct ask *ask; /**< That waits for an answer (grant.c) */
};

int accounts_alloc(struct accounts **accountsp);
struct accounts *accounts_free(struct accounts *accounts);

/** NULL: none of its money was ever asked for */
struct account *account_find(const struct accounts *accounts, uint32_t id);
/** Made if it is not there. @return 0, ENOMEM */
int account_get(struct account **accountp, struct accounts *accounts,
		uint32_t id);
int64_t account_free(const struct account *account);

/* What PostgreSQL says of a lease goes to the journal before any hold that
 * lives by it (JOURNAL_LEASE): or a replay has the hold and not the money. */

/** It has granted so much in all: what it said before may come late */
void account_granted(struct account *account, int64_t total);
/** What PostgreSQL knows of it, after a start: nothing falls */
void account_leased(struct account *account, int64_t granted, int64_t settled);
/** Give free money back. @return how much it was, 0 to amount */
int64_t account_give(struct account *account, int64_t amount);

typedef int(account_h)(struct account *account, void *arg);
int accounts_walk(struct accounts *accounts, account_h *h, void *arg);

/* --- what a day may cost (spend.c) ---------------------------------------- */

/** The calendar day in the system's time zone: 20261121 */
uint32_t spend_day(int64_t wall_us);
/** Its first microsecond */
int64_t spend_day_begins(int64_t wall_us);
/** It is that day, and so much may be spent on one */
void account_cap(struct account *account, int64_t cap, uint32_t day);
/** What may still be promised; without a cap, more than any call costs */
int64_t account_cap_left(const struct account *account);
/** A call ended on that day, by the record of that number: what ends on a day
 *  that is over does not count. */
void account_spend(struct account *account, int64_t fee, uint32_t day,
		   uint64_t seq);
/** At least so much was spent that day. @return it is news */
bool account_spent(struct account *account, int64_t amount, uint32_t day);

/* --- holds ---------------------------------------------------------------- */

struct hold *hold_find(const struct accounts *accounts, const char *cdr_id);
/** It was alive then, by the wall clock of who says so, and seen_us is our own
 *  (hold.seen_us), if there is such a hold */
void hold_lived(const struct accounts *accounts, const char *cdr_id,
		int64_t at_us, int64_t seen_us);
/** A call that holds nothing yet
 *  @return 0, EEXIST, EMSGSIZE if the id is too long, ENOMEM */
int hold_begin(struct hold **holdp, struct accounts *accounts,
	       const char *cdr_id, const struct tariff *tariff);
size_t hold_count(const struct accounts *accounts);

typedef int(hold_h)(struct hold *hold, void *arg);
int holds_walk(struct accounts *accounts, hold_h *h, void *arg);

/** Money that the call's next slice costs more than it holds, as far as the
 *  day's cap lets it: what has to be free for it. 0 if nothing is held back */
int64_t hold_need(const struct hold *hold);
/** Money without which the call cannot begin (billing 8.1) */
int64_t hold_least(const struct hold *hold);

/** It cannot begin, whatever money there is: the day's cap is used up */
bool hold_is_over_cap(const struct hold *hold);

/** Grant the next slice, or as much of it as free money and the day's cap
 *  cover. Before the answer talked_s is 0.
 *  @return 0, or EDQUOT: not even the first second, nothing changes */
int hold_extend(struct hold *hold, uint32_t talked_s);

/** The call ended and costs so much: what it held is free again, what it cost
 *  is settled, and it is no more.
 *  @return Charge.settled: total of the lease; 0: it is not of one */
int64_t hold_settle(struct accounts *accounts, struct hold *hold, int64_t fee);

/** It was answered: what its record was then, copied. @return 0, ENOMEM */
int hold_open(struct hold *hold, const void *payload, size_t len);

/** Charge.settled as hold_settle() would return it */
int64_t hold_settled(const struct hold *hold, int64_t fee);

/** What a call costs that nobody knows: settled as far as there is free
 *  money. @return as hold_settle() */
int64_t account_charge(struct accounts *accounts, uint32_t account,
		       int64_t fee);

/* --- the journal ---------------------------------------------------------- */

/* Payloads of JOURNAL_HOLD, JOURNAL_OPEN, JOURNAL_LEASE, JOURNAL_SPENT,
 * JOURNAL_ENDED and JOURNAL_CLOSED, in their order.
 * @return 0, EBADMSG, ENOMEM */
int accounts_replay_hold(struct accounts *accounts, const void *payload,
			 size_t len, uint64_t seq);
int accounts_replay_open(struct accounts *accounts, const void *payload,
			 size_t len, uint64_t seq);
int accounts_replay_lease(struct accounts *accounts, const void *payload,
			  size_t len, uint64_t seq);
int accounts_replay_ended(struct accounts *accounts, const void *payload,
			  size_t len, uint64_t seq);
int accounts_replay_spent(struct accounts *accounts, const void *payload,
			  size_t len, uint64_t seq);

/** Messages that point into what they are filled from */
void hold_put(Tandem__Hold *to, Tandem__Tariff *tariff,
	      const struct hold *hold);
void lease_put(Tandem__Lease *to, const struct account *account);
void spent_put(Tandem__Spent *to, const struct account *account);

#endif
