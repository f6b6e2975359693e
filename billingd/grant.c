/**
 * @file billingd/grant.c  Talk time for calls
 *
 * One request for money is under way per account; what is asked meanwhile goes
 * with the next one. Each asks for what all that wait need, and for as much
 * ahead as AHEAD slices: so few requests do for many calls. When half of that
 * is used the next request leaves, before anybody must wait for it; and an
 * account that needs it sooner than five minutes after the last one has
 * twice as much ahead from then on. So calls go on for that long when
 * PostgreSQL does not answer, as far as the account has money.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/account_write.h"
#include "billingd/grant.h"
#include "shared/base/clk.h"
#include "shared/ev/ev.h"

enum {
	AHEAD = 64,
	PATIENCE_MS = 1000, /**< sipd waits for 2 s (call-setup 3) */
	KEEP = 4, /**< So many times what is asked ahead may lie idle */
	AGAIN_US = 1000000, /**< Nobody waits: no sooner than that */
};

/* PostgreSQL may be away for a minute as a matter of routine. */
static const int64_t away_us = INT64_C(300) * 1000000;

static const int64_t most_money = INT64_MAX / 4;

struct ask {
	struct ask *next;   /* In the account's queue, or the pool */
	struct ask *others; /* All there are, wherever they wait */
	struct grants *grants;
	Tandem__Header hdr;
	struct hold *hold; /* NULL: the call ended meanwhile */
	struct account *account;
	uint32_t talked_s;
	bool is_sent; /* Its need is in the request that is under way */
	struct grant_answer answer;
};

/** A request for money of one account */
struct raise {
	struct grants *grants;
	struct account *account;
	int64_t wanted;
	struct ev_timer patience;
};

struct grants {
	struct grants_args args;
	struct ask *unused, *all;
};


/* --- questions ------------------------------------------------------------ */

static struct ask *ask_take(struct grants *grants, const Tandem__Header *hdr,
			    struct hold *hold, uint32_t talked_s)
{
	struct ask *ask = grants->unused;

	if (ask) {
		grants->unused = ask->next;
	}
	else {
		ask = calloc(1, sizeof(*ask));
		if (!ask)
			return NULL;
		ask->others = grants->all;
		grants->all = ask;
	}

	*ask = (struct ask){
		.grants = grants,
		.others = ask->others,
		.hdr = *hdr,
		.hold = hold,
		.account = hold->account,
		.talked_s = talked_s,
	};
	/* Of the message only the numbers stay. */
	ask->hdr.base.n_unknown_fields = 0;
	ask->hdr.base.unknown_fields = NULL;
	hold->ask = ask;

	return ask;
}


static void ask_give(struct ask *ask)
{
	struct grants *grants = ask->grants;

	if (ask->hold)
		ask->hold->ask = NULL;
	ask->next = grants->unused;
	grants->unused = ask;
}


static void refuse(const struct grants *grants, const Tandem__Header *hdr,
		   Tandem__CreditWhy why)
{
	const struct grant_answer answer = { .why = why };

	grants->args.answerh(hdr, &answer, grants->args.arg);
}


static void ask_refuse(struct ask *ask, Tandem__CreditWhy why)
{
	refuse(ask->grants, &ask->hdr, why);
	ask_give(ask);
}


/* --- the journal ---------------------------------------------------------- */

static void on_durable(uint64_t seq, void *arg)
{
	struct ask *ask = arg;

	(void)seq;
	ask->grants->args.answerh(&ask->hdr, &ask->answer,
				  ask->grants->args.arg);
	ask_give(ask);
}


/* --- decisions ------------------------------------------------------------ */

static void drop_new(struct ask *ask, Tandem__CreditWhy why)
{
	struct hold *hold = ask->hold;

	ask_refuse(ask, why);
	(void)hold_settle(ask->grants->args.accounts, hold, 0);
}


static void promise(struct ask *ask)
{
	struct hold *hold = ask->hold;
	const bool is_new = hold->seq == 0;

	ask->answer = (struct grant_answer){
		.granted_s = hold->grant.granted_s,
		.renew_s = hold->grant.renew_s,
		.is_part = hold->is_part,
		.mode = hold->tariff.mode,
	};
	if (hold_write(ask->grants->args.journal, hold, on_durable, ask) == 0)
		return;
	if (is_new)
		drop_new(ask, TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR);
	else
		ask_refuse(ask, TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR);
}


/* is_known: PostgreSQL has just said that there is no more. */
static void decide(struct ask *ask, bool is_known)
{
	struct hold *hold = ask->hold;

	if (!hold) {
		ask_refuse(ask, TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR);
		return;
	}
	if (hold_extend(hold, ask->talked_s) == 0) {
		promise(ask);
		return;
	}
	drop_new(ask, is_known || hold_is_over_cap(hold)
			      ? TANDEM__CREDIT_WHY__CREDIT_WHY_BALANCE
			      : TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR);
}


/* --- more money ----------------------------------------------------------- */

static void raise_start(struct grants *grants, struct account *account);


static int64_t sum_of(int64_t a, int64_t b)
{
	return a > most_money - b ? most_money : a + b;
}


/* AHEAD times what one needs */
static void ahead_least(struct account *account, int64_t need)
{
	const int64_t least = need > most_money / AHEAD ? most_money
							: need * AHEAD;

	if (account->ahead < least)
		account->ahead = least;
}


/* How long did what was asked for last? The first time after a start nobody
 * knows. What has not all come would come no sooner for asking for more. */
static void ahead_learn(struct account *account, bool is_dry)
{
	const int64_t now_us = clk_mono_us();
	const int64_t lasted_us = now_us - account->raised_us;

	if (account->raised_us && !is_dry && lasted_us < away_us)
		account->ahead = sum_of(account->ahead, account->ahead);
	else if (account->raised_us && lasted_us > KEEP * away_us)
		account->ahead /= 2;
	account->is_dry = is_dry;
	account->raised_us = now_us;
}


/* Half of it is used. What a predecessor leased, it had reason to. */
static void keep_ahead(struct grants *grants, struct account *account,
		       int64_t need)
{
	const int64_t idle = account_free(account);

	if (!account->ahead && idle / AHEAD > need)
		account->ahead = idle;
	if (!account->ahead || idle >= account->ahead / 2 ||
	    account->is_raising || account->is_dry ||
	    clk_mono_us() - account->asked_us < AGAIN_US)
		return;
	raise_start(grants, account);
}


/* Who waits, in its order; those that the request did not ask for stay,
 * unless it is late. */
static void decide_sent(struct account *account, bool is_known)
{
	struct ask *ask = account->first_ask;
	struct ask *rest = NULL, **restp = &rest;

	account->first_ask = NULL;
	account->last_askp = &account->first_ask;
	while (ask) {
		struct ask *next = ask->next;

		if (ask->is_sent || account->is_late) {
			decide(ask, is_known);
		}
		else {
			ask->next = NULL;
			*restp = ask;
			restp = &ask->next;
		}
		ask = next;
	}
	if (!rest)
		return;
	account->first_ask = rest;
	account->last_askp = restp;
}


static void on_raised(int err, int64_t granted, int64_t settled, void *arg)
{
	struct raise *raise = arg;
	struct grants *grants = raise->grants;
	struct account *account = raise->account;
	const int64_t wanted = raise->wanted;

	ev_timer_stop(&raise->patience);
	free(raise);
	account->is_raising = account->is_late = false;
	if (!err)
		ahead_learn(account, granted < wanted);
	if (!err &&
	    (granted > account->granted || settled > account->settled)) {
		account_leased(account, granted, settled);
		err = lease_write(grants->args.journal, account);
	}
	decide_sent(account, !err);
	if (account->first_ask)
		raise_start(grants, account);
}


static void on_impatient(void *arg)
{
	struct raise *raise = arg;

	raise->account->is_late = true;
	decide_sent(raise->account, false);
}


/* All that wait, and what is to be free besides */
static int64_t wanted_of(struct account *account)
{
	int64_t wanted = sum_of(account->settled, account->held), most = 0;

	for (struct ask *ask = account->first_ask; ask; ask = ask->next) {
		const int64_t need = ask->hold ? hold_need(ask->hold) : 0;

		ask->is_sent = true;
		wanted = sum_of(wanted, need < most_money ? need : most_money);
		if (need > most)
			most = need;
	}
	ahead_least(account, most);

	return sum_of(wanted, account->ahead);
}


static void raise_start(struct grants *grants, struct account *account)
{
	const int64_t wanted = wanted_of(account);
	struct raise *raise = calloc(1, sizeof(*raise));
	int err = raise ? 0 : ENOMEM;

	account->asked_us = clk_mono_us();
	if (!err) {
		raise->grants = grants;
		raise->account = account;
		raise->wanted = wanted;
		err = grants->args.raiseh(account->id, wanted, on_raised,
					  raise, grants->args.arg);
	}
	if (err) {
		free(raise);
		account->is_late = true; /* For all of them */
		decide_sent(account, false);
		account->is_late = false;
		return;
	}
	account->is_raising = true;
	ev_timer_start(&raise->patience, grants->args.ev, PATIENCE_MS,
		       on_impatient, raise);
}


static void ask_money(struct ask *ask)
{
	struct grants *grants = ask->grants;
	struct account *account = ask->account;
	const int64_t need = hold_need(ask->hold);

	if (hold_is_over_cap(ask->hold)) {
		drop_new(ask, TANDEM__CREDIT_WHY__CREDIT_WHY_BALANCE);
		return;
	}
	/* Nobody gets in before those who wait. */
	if (!account->first_ask && need <= account_free(account)) {
		decide(ask, true);
		keep_ahead(grants, account, need);
		return;
	}
	if (account->is_late) {
		decide(ask, false);
		return;
	}
	*account->last_askp = ask;
	account->last_askp = &ask->next;
	if (!account->is_raising)
		raise_start(grants, account);
}


/* --- what comes ----------------------------------------------------------- */

void grants_begin(struct grants *grants, const Tandem__Header *hdr,
		  const char *cdr_id, const struct tariff *tariff,
		  int64_t now_us)
{
	struct hold *hold = hold_find(grants->args.accounts, cdr_id);
	const bool is_new = !hold;
	struct ask *ask;

	if ((is_new &&
	     (journal_is_full(grants->args.journal) ||
	      hold_begin(&hold, grants->args.accounts, cdr_id, tariff))) ||
	    hold->ask) {
		refuse(grants, hdr, TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR);
		return;
	}

	hold->at_us = now_us;
	ask = ask_take(grants, hdr, hold, 0);
	if (!ask) {
		refuse(grants, hdr, TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR);
		if (is_new)
			(void)hold_settle(grants->args.accounts, hold, 0);
	}
	else if (is_new) {
		ask_money(ask);
	}
	else { /* Asked again: our predecessor's answer was not heard */
		promise(ask);
	}
}


/* Is it time for more? Who asks early did not hear what it has. */
static bool is_due(const struct hold *hold, const Tandem__Renew *renew)
{
	const struct hold_grant *grant = &hold->grant;

	return renew->granted_s >= grant->granted_s &&
	       (uint64_t)renew->talked_s + grant->renew_s + 1 >=
		       grant->granted_s;
}


void grants_renew(struct grants *grants, const Tandem__Header *hdr,
		  const Tandem__Renew *renew, int64_t now_us)
{
	struct hold *hold = hold_find(grants->args.accounts, renew->cdr_id);
	struct ask *ask = NULL;

	if (hold && !hold->ask)
		ask = ask_take(grants, hdr, hold, renew->talked_s);
	if (!ask) {
		refuse(grants, hdr, TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR);
		return;
	}

	hold->at_us = now_us;
	hold->is_answered = true;
	if (hold->grant.granted_s > 0 && is_due(hold, renew))
		ask_money(ask);
	else
		promise(ask);
}


void grants_forget(struct grants *grants, struct hold *hold)
{
	(void)grants;
	if (hold->ask)
		hold->ask->hold = NULL;
	hold->ask = NULL;
}


void grants_seen(uint32_t id, int64_t granted, int64_t settled,
		 int64_t available, void *arg)
{
	struct grants *grants = arg;
	struct account *account;
	bool is_new;

	if (account_get(&account, grants->args.accounts, id))
		return;
	is_new = granted > account->granted || settled > account->settled;
	account_leased(account, granted, settled);
	if (available < 0 && account_give(account, -available) > 0)
		is_new = true;
	if (is_new)
		(void)lease_write(grants->args.journal, account);
}


void grants_spent(uint32_t id, int64_t amount, uint32_t day, void *arg)
{
	struct grants *grants = arg;
	struct account *account;

	if (account_get(&account, grants->args.accounts, id) == 0 &&
	    account_spent(account, amount, day))
		(void)spent_write(grants->args.journal, account);
}


void grants_trim(struct grants *grants, struct account *account)
{
	const int64_t idle = account_free(account);

	if (account->ahead == 0 || idle / KEEP <= account->ahead)
		return;
	if (account_give(account, idle - account->ahead) > 0)
		(void)lease_write(grants->args.journal, account);
}


/* --- the journal's segments ----------------------------------------------- */

struct carry {
	struct grants *grants;
	uint64_t below;
	uint32_t today;
};


/* What was spent on a day that is over is of no use. */
static int carry_account(struct account *account, void *arg)
{
	const struct carry *carry = arg;
	struct journal *journal = carry->grants->args.journal;
	int err = 0;

	if (account->lease_seq && account->lease_seq < carry->below)
		err = lease_write(journal, account);
	if (!err && account->spent_seq && account->spent_seq < carry->below &&
	    account->day >= carry->today)
		err = spent_write(journal, account);

	return err;
}


static int carry_hold(struct hold *hold, void *arg)
{
	const struct carry *carry = arg;
	struct journal *journal = carry->grants->args.journal;
	int err = 0;

	if (hold->seq && hold->seq < carry->below)
		err = hold_write(journal, hold, NULL, NULL);
	if (!err && hold->open_seq && hold->open_seq < carry->below)
		err = open_write(journal, hold, NULL, NULL);

	return err;
}


/* Money first: a hold lives by it. */
int grants_carry(struct grants *grants, uint64_t below)
{
	struct carry carry = { grants, below, spend_day(clk_wall_us()) };
	int err;

	err = accounts_walk(grants->args.accounts, carry_account, &carry);
	if (!err)
		err = holds_walk(grants->args.accounts, carry_hold, &carry);

	return err;
}


/* Said again after a restart of either side: it is there already. */
int grants_answered(struct grants *grants, const Tandem__Record *record,
		    journal_durable_h *h, void *arg)
{
	struct hold *hold = hold_find(grants->args.accounts, record->cdr_id);
	const size_t len = tandem__record__get_packed_size(record);
	uint8_t *payload;
	int err;

	if (!hold)
		return ENOENT;
	if (hold->open_seq)
		return h ? journal_wait(grants->args.journal, h, arg) : 0;
	if (len > JOURNAL_PAYLOAD_MAX)
		return EMSGSIZE;
	payload = malloc(len ? len : 1);
	if (!payload)
		return ENOMEM;
	(void)tandem__record__pack(record, payload);
	err = hold_open(hold, payload, len);
	if (!err)
		err = open_write(grants->args.journal, hold, h, arg);
	free(payload);

	return err;
}


/* --- its life ------------------------------------------------------------- */

int grants_alloc(struct grants **grantsp, const struct grants_args *args)
{
	struct grants *grants = calloc(1, sizeof(*grants));

	if (!grants)
		return ENOMEM;
	grants->args = *args;
	*grantsp = grants;

	return 0;
}


struct grants *grants_free(struct grants *grants)
{
	if (!grants)
		return NULL;

	while (grants->all) {
		struct ask *ask = grants->all;

		grants->all = ask->others;
		free(ask);
	}
	free(grants);

	return NULL;
}
