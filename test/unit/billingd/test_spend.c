/**
 * @file test/unit/billingd/test_spend.c  What calls may cost an account a day
 *
 * The last test plays calls, midnights and crashes at random against a
 * journal: what the records of a day cost is never more than the cap.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "billingd/account.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	ACCOUNT = 7,
	TODAY = 20261121,
	PAYLOAD = 512,
};

static const int64_t cent = 10000, whole = 1000000;
static const int64_t hour_us = INT64_C(3600) * 1000000;
static const int64_t day_us = INT64_C(86400) * 1000000;
/* 2026-11-21 12:00:00 UTC */
static const int64_t noon = INT64_C(1795262400) * 1000000;


/* 0.60 a minute: a cent a second */
static struct tariff terms_with(uint32_t flags)
{
	struct tariff t;

	memset(&t, 0, sizeof(t));
	t.account = ACCOUNT;
	t.mode = BILLING_RATED;
	t.flags = TARIFF_HAS_RATE | flags;
	t.terms = (struct rate_terms){
		.rate = 600000, .first = 1, .next = 1, .step = cent
	};
	t.unit = cent;
	t.reserve_first_s = 60;
	t.reserve_max_s = 600;

	return t;
}


static struct account *open_account(struct accounts **accounts, int64_t cap)
{
	struct account *account;

	assert_int_equal(accounts_alloc(accounts), 0);
	assert_int_equal(account_get(&account, *accounts, ACCOUNT), 0);
	account_cap(account, cap, TODAY);

	return account;
}


static struct hold *begin(struct accounts *accounts, const char *id,
			  uint32_t flags)
{
	const struct tariff tariff = terms_with(flags);
	struct hold *hold;

	assert_int_equal(hold_begin(&hold, accounts, id, &tariff), 0);

	return hold;
}


static struct hold *postpaid(struct accounts *accounts, const char *id)
{
	return begin(accounts, id, TARIFF_IS_UNLIMITED | TARIFF_IS_CAPPED);
}


/* --- days ----------------------------------------------------------------- */

static void zone(const char *name)
{
	assert_int_equal(setenv("TZ", name, 1), 0);
	tzset();
}


static void a_day_is_one_of_the_systems_time_zone(void **state)
{
	/* It has summer time: the day of 2026-03-29 has 23 hours. */
	static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";
	const int64_t midnight = noon + 12 * hour_us;
	const int64_t march = INT64_C(1774738800) * 1000000;
	(void)state;

	zone("UTC0");
	assert_int_equal(spend_day(noon), TODAY);
	assert_int_equal(spend_day(midnight - 1), TODAY);
	assert_int_equal(spend_day(midnight), TODAY + 1);
	assert_int_equal(spend_day_begins(noon), midnight - day_us);
	assert_int_equal(spend_day_begins(midnight), midnight);
	assert_int_equal(spend_day(0), 0);
	assert_int_equal(spend_day_begins(-1), 0);

	zone(berlin);
	assert_int_equal(spend_day(midnight - hour_us - 1), TODAY);
	assert_int_equal(spend_day(midnight - hour_us), TODAY + 1);
	assert_int_equal(spend_day(march - 1), 20260328);
	assert_int_equal(spend_day(march), 20260329);
	assert_int_equal(spend_day(march + 23 * hour_us - 1), 20260329);
	assert_int_equal(spend_day(march + 23 * hour_us), 20260330);
	assert_int_equal(spend_day_begins(march + 22 * hour_us), march);
	zone("UTC0");
}


static void a_day_that_is_over_counts_no_more(void **state)
{
	struct accounts *accounts;
	struct account *account = open_account(&accounts, whole);
	(void)state;

	account_spend(account, 40 * cent, TODAY, 5);
	account_spend(account, 10 * cent, TODAY, 6);
	assert_int_equal(account_cap_left(account), 50 * cent);
	assert_int_equal(account->spent_seq, 5);
	/* It ended before midnight, and was told after it. */
	account_spend(account, 10 * cent, TODAY - 1, 7);
	assert_int_equal(account_cap_left(account), 50 * cent);

	account_cap(account, whole, TODAY + 1);
	assert_int_equal(account_cap_left(account), whole);
	assert_int_equal(account->spent_seq, 0);
	account_spend(account, 30 * cent, TODAY + 1, 8);
	/* The clock stepped back: no money comes from that. */
	account_cap(account, whole, TODAY);
	assert_int_equal(account_cap_left(account), 70 * cent);
	accounts_free(accounts);
}


static void what_is_known_elsewhere_counts_if_it_is_more(void **state)
{
	struct accounts *accounts;
	struct account *account = open_account(&accounts, whole);
	(void)state;

	account_spend(account, 40 * cent, TODAY, 1);
	assert_false(account_spent(account, 40 * cent, TODAY));
	assert_false(account_spent(account, 90 * cent, TODAY - 1));
	assert_int_equal(account_cap_left(account), 60 * cent);
	assert_true(account_spent(account, 90 * cent, TODAY));
	assert_int_equal(account_cap_left(account), 10 * cent);
	assert_true(account_spent(account, INT64_MAX, TODAY));
	account_spend(account, INT64_MAX, TODAY, 2);
	assert_int_equal(account_cap_left(account), 0);
	accounts_free(accounts);
}


/* --- grants --------------------------------------------------------------- */

static void postpaid_calls_are_cut_at_the_cap(void **state)
{
	struct accounts *accounts;
	struct account *account = open_account(&accounts, whole);
	struct hold *a, *b;
	(void)state;

	a = postpaid(accounts, "a");
	assert_int_equal(hold_need(a), 0); /* No lease is asked for it. */
	assert_int_equal(hold_extend(a, 0), 0);
	assert_int_equal(a->grant.granted_s, 60);
	assert_int_equal(account->held, 0);
	assert_int_equal(account->promised, 60 * cent);

	b = postpaid(accounts, "b");
	assert_false(hold_is_over_cap(b));
	assert_int_equal(hold_extend(b, 0), 0);
	assert_int_equal(b->grant.granted_s, 40);
	assert_true(b->is_part);
	assert_int_equal(hold_extend(a, 45), 0);
	assert_int_equal(a->grant.granted_s, 60);
	assert_false(hold_is_over_cap(a)); /* It has begun. */

	a = postpaid(accounts, "c");
	assert_true(hold_is_over_cap(a));
	assert_int_equal(hold_extend(a, 0), EDQUOT);
	hold_settle(accounts, a, 0);

	/* The first ends early: the rest of what it had is free again. */
	assert_int_equal(hold_settle(accounts, hold_find(accounts, "a"),
				     10 * cent),
			 0);
	account_spend(account, 10 * cent, TODAY, 1);
	assert_int_equal(hold_extend(b, 30), 0);
	assert_int_equal(b->grant.granted_s, 90);
	assert_int_equal(account_cap_left(account), 0);
	accounts_free(accounts);
}


static void money_and_cap_both_hold(void **state)
{
	struct accounts *accounts;
	struct account *account = open_account(&accounts, 30 * cent);
	struct hold *hold;
	(void)state;

	hold = begin(accounts, "a", TARIFF_IS_CAPPED);
	assert_int_equal(hold_need(hold), 30 * cent);
	account_granted(account, 20 * cent);
	assert_int_equal(hold_extend(hold, 0), 0);
	assert_int_equal(hold->grant.granted_s, 20);
	account_granted(account, 5 * whole);
	assert_int_equal(hold_need(hold), 10 * cent);
	assert_int_equal(hold_extend(hold, 17), 0);
	assert_int_equal(hold->grant.granted_s, 30);
	assert_int_equal(account->held, 30 * cent);
	assert_int_equal(hold_need(hold), 0);

	/* What is in force now counts. */
	account_cap(account, CAT_NEVER, TODAY);
	assert_int_equal(hold_extend(hold, 27), 0);
	assert_int_equal(hold->grant.granted_s, 90);
	account_cap(account, cent, TODAY);
	assert_int_equal(hold_extend(hold, 80), 0);
	assert_int_equal(hold->grant.granted_s, 90);
	assert_int_equal(hold_settle(accounts, hold, 90 * cent), 90 * cent);
	assert_int_equal(account->promised, 0);
	accounts_free(accounts);
}


static void a_new_day_is_free_but_for_what_is_promised(void **state)
{
	struct accounts *accounts;
	struct account *account = open_account(&accounts, whole);
	struct hold *hold;
	(void)state;

	account_spend(account, 70 * cent, TODAY, 1);
	hold = postpaid(accounts, "a");
	assert_int_equal(hold_extend(hold, 0), 0);
	assert_int_equal(hold->grant.granted_s, 30);
	assert_true(hold_is_over_cap(postpaid(accounts, "b")));

	account_cap(account, whole, TODAY + 1);
	assert_int_equal(account_cap_left(account), 70 * cent);
	assert_false(hold_is_over_cap(hold_find(accounts, "b")));
	assert_int_equal(hold_extend(hold, 27), 0);
	assert_int_equal(hold->grant.granted_s, 90);
	assert_int_equal(account_cap_left(account), 10 * cent);
	accounts_free(accounts);
}


static void what_costs_nothing_has_no_cap(void **state)
{
	struct accounts *accounts;
	struct tariff tariff = terms_with(TARIFF_IS_UNLIMITED |
					  TARIFF_IS_CAPPED);
	struct hold *hold;
	(void)state;

	(void)open_account(&accounts, 0);
	assert_true(hold_is_over_cap(postpaid(accounts, "a")));
	tariff.mode = BILLING_FREE;
	assert_int_equal(hold_begin(&hold, accounts, "free", &tariff), 0);
	assert_false(hold_is_over_cap(hold));
	assert_int_equal(hold_extend(hold, 0), 0);
	assert_int_equal(hold->grant.granted_s, 0);
	tariff.mode = BILLING_RATED;
	tariff.terms.rate = 0;
	assert_int_equal(hold_begin(&hold, accounts, "zero", &tariff), 0);
	assert_false(hold_is_over_cap(hold));
	assert_int_equal(hold_extend(hold, 0), 0);
	assert_int_equal(hold->grant.granted_s, 60);
	/* It began before there was a cap: it has no end. */
	hold = begin(accounts, "old", TARIFF_IS_UNLIMITED);
	assert_int_equal(hold_extend(hold, 0), 0);
	assert_int_equal(hold->grant.granted_s, 0);
	accounts_free(accounts);
}


/* --- against a journal ---------------------------------------------------- */

enum {
	STEPS = 20000,
	LOG_MAX = 512,
	CALLS = 12,
	DAYS_MAX = 1000,
};

struct line {
	int type; /* 'h' 's' 'e' */
	size_t len;
	uint8_t payload[PAYLOAD];
	int64_t fee;
	unsigned day;
};

struct world {
	uint64_t seed;
	struct accounts *accounts;
	struct line log[LOG_MAX];
	size_t lines, carried; /* Durable before the rest is removed */
	uint64_t begins; /* Sequence number of the first of them, less 1 */
	unsigned day, next_id, refused, crashes;
	int64_t booked[DAYS_MAX];
};

static const int64_t world_cap = INT64_C(3) * 1000000;


static uint64_t draw(struct world *w, uint64_t n)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;

	return (w->seed >> 16) % n;
}


static int64_t now_us(const struct world *w)
{
	return noon + w->day * day_us;
}


static struct line *next_line(struct world *w, int type)
{
	struct line *line = &w->log[w->lines++];

	assert_true(w->lines < LOG_MAX);
	memset(line, 0, sizeof(*line));
	line->type = type;
	line->day = w->day;

	return line;
}


static void log_hold(struct world *w, const struct hold *hold)
{
	struct line *line = next_line(w, 'h');
	Tandem__Tariff tariff;
	Tandem__Hold message;

	hold_put(&message, &tariff, hold);
	line->len = tandem__hold__pack(&message, line->payload);
	assert_true(line->len <= PAYLOAD);
}


static void log_spent(struct world *w, struct account *account)
{
	struct line *line = next_line(w, 's');
	Tandem__Spent message;

	spent_put(&message, account);
	line->len = tandem__spent__pack(&message, line->payload);
	account->spent_seq = w->begins + w->lines;
}


static void log_ended(struct world *w, const char *id, int64_t fee)
{
	struct line *line = next_line(w, 'e');
	Tandem__CallEnded call;
	Tandem__Record record;
	Tandem__Charge charge;

	tandem__call_ended__init(&call);
	tandem__record__init(&record);
	tandem__charge__init(&charge);
	record.cdr_id = unconst(id);
	record.end_us = now_us(w);
	charge.account = ACCOUNT;
	charge.fee = fee;
	call.record = &record;
	call.charge = &charge;
	line->len = tandem__call_ended__pack(&call, line->payload);
	line->fee = fee;
}


static struct account *capped(struct world *w)
{
	struct account *account;

	assert_int_equal(account_get(&account, w->accounts, ACCOUNT), 0);
	account_cap(account, world_cap, spend_day(now_us(w)));

	return account;
}


static void world_begin(struct world *w)
{
	struct hold *hold;
	char id[32];

	(void)capped(w);
	if (hold_count(w->accounts) >= CALLS)
		return;
	(void)text_print(id, sizeof(id), "%u", w->next_id++);
	hold = postpaid(w->accounts, id);
	if (hold_extend(hold, 0)) {
		w->refused++;
		(void)hold_settle(w->accounts, hold, 0);
	}
	else {
		log_hold(w, hold);
	}
}


struct pick {
	size_t n;
	struct hold *hold;
};


static int on_pick(struct hold *hold, void *arg)
{
	struct pick *pick = arg;

	pick->hold = hold;

	return pick->n-- == 0;
}


static struct hold *any_hold(struct world *w)
{
	struct pick pick = { 0, NULL };

	if (hold_count(w->accounts) == 0)
		return NULL;
	pick.n = draw(w, hold_count(w->accounts));
	(void)holds_walk(w->accounts, on_pick, &pick);

	return pick.hold;
}


static void world_renew(struct world *w)
{
	struct hold *hold = any_hold(w);

	if (!hold)
		return;
	(void)capped(w);
	assert_int_equal(hold_extend(hold, 0), 0);
	log_hold(w, hold);
}


static void world_end(struct world *w)
{
	struct hold *hold = any_hold(w);
	char id[HOLD_ID_SIZE];
	int64_t fee;

	if (!hold)
		return;
	fee = rate_fee(&hold->tariff.terms,
		       (int64_t)draw(w, (uint64_t)hold->grant.granted_s + 1));
	memcpy(id, hold->cdr_id, sizeof(id));
	log_ended(w, id, fee);
	(void)hold_settle(w->accounts, hold, fee);
	account_spend(capped(w), fee, spend_day(now_us(w)),
		      w->begins + w->lines);
}


static void replay(struct world *w)
{
	for (size_t i = 0; i < w->lines; i++) {
		const struct line *l = &w->log[i];
		const uint64_t seq = w->begins + i + 1;
		int err = EBADMSG;

		if (l->type == 'h')
			err = accounts_replay_hold(w->accounts, l->payload,
						   l->len, seq);
		if (l->type == 's')
			err = accounts_replay_spent(w->accounts, l->payload,
						    l->len, seq);
		if (l->type == 'e')
			err = accounts_replay_ended(w->accounts, l->payload,
						    l->len, seq);
		assert_int_equal(err, 0);
	}
}


/* The newest line may not have reached the disk: nobody was told of it. */
static void world_crash(struct world *w)
{
	if (w->lines > w->carried && draw(w, 2))
		w->lines--;
	w->crashes++;
	w->accounts = accounts_free(w->accounts);
	assert_int_equal(accounts_alloc(&w->accounts), 0);
	replay(w);
}


static int carry_hold(struct hold *hold, void *arg)
{
	log_hold(arg, hold);

	return 0;
}


static void book(struct world *w)
{
	for (size_t i = 0; i < w->lines; i++)
		if (w->log[i].type == 'e')
			w->booked[w->log[i].day] += w->log[i].fee;
}


/* Everything is in PostgreSQL: what lives is written anew, the rest goes. */
static void world_trim(struct world *w)
{
	struct account *account = capped(w);

	book(w);
	w->begins += w->lines;
	w->lines = 0;
	if (account->spent_seq)
		log_spent(w, account);
	(void)holds_walk(w->accounts, carry_hold, w);
	w->carried = w->lines;
}


static void world_step(struct world *w)
{
	const uint64_t what = draw(w, 100);

	if (what < 35)
		world_begin(w);
	else if (what < 60)
		world_renew(w);
	else if (what < 95)
		world_end(w);
	else if (what < 98)
		world_crash(w);
	else if (draw(w, 4) == 0 && w->day + 1 < DAYS_MAX)
		w->day++;
	if (w->lines > LOG_MAX / 2)
		world_trim(w);
}


static void no_crash_and_no_order_spends_more_than_the_cap(void **state)
{
	static struct world w;
	int64_t all = 0, most = 0;
	(void)state;

	memset(&w, 0, sizeof(w));
	w.seed = 20261121;
	assert_int_equal(accounts_alloc(&w.accounts), 0);
	for (long i = 0; i < STEPS; i++)
		world_step(&w);
	while (hold_count(w.accounts) > 0) {
		world_end(&w);
		if (w.lines > LOG_MAX / 2)
			world_trim(&w);
	}
	book(&w);

	for (size_t i = 0; i < DAYS_MAX; i++) {
		assert_true(w.booked[i] <= world_cap);
		all += w.booked[i];
		most = w.booked[i] > most ? w.booked[i] : most;
	}
	/* It was tight, and it was much. */
	assert_int_equal(most, world_cap);
	assert_true(w.day > 20 && w.refused > 100 && w.crashes > 100);
	assert_true(all > 20 * whole);
	assert_int_equal(capped(&w)->promised, 0);
	accounts_free(w.accounts);
}


static void what_is_not_ours_is_refused(void **state)
{
	static const uint8_t junk[] = { 0xff, 0xff, 0xff };
	struct accounts *accounts;
	(void)state;

	assert_int_equal(accounts_alloc(&accounts), 0);
	assert_int_equal(accounts_replay_spent(accounts, junk, 3, 1), EBADMSG);
	assert_int_equal(accounts_replay_spent(accounts, "", 0, 1), EBADMSG);
	accounts_free(accounts);
}


/* --- out of memory -------------------------------------------------------- */

static int what_was_spent_is_replayed(void)
{
	struct accounts *accounts = NULL;
	uint8_t payload[PAYLOAD];
	Tandem__Spent message;
	size_t len;
	int err;

	tandem__spent__init(&message);
	message.account = ACCOUNT;
	message.day = TODAY;
	message.amount = whole;
	len = tandem__spent__pack(&message, payload);
	err = accounts_alloc(&accounts);
	if (err)
		return err;
	err = accounts_replay_spent(accounts, payload, len, 1);
	if (!err && account_find(accounts, ACCOUNT)->spent != whole)
		err = EINVAL;
	accounts_free(accounts);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_is_one_of_the_systems_time_zone),
		cmocka_unit_test(a_day_that_is_over_counts_no_more),
		cmocka_unit_test(what_is_known_elsewhere_counts_if_it_is_more),
		cmocka_unit_test(postpaid_calls_are_cut_at_the_cap),
		cmocka_unit_test(money_and_cap_both_hold),
		cmocka_unit_test(a_new_day_is_free_but_for_what_is_promised),
		cmocka_unit_test(what_costs_nothing_has_no_cap),
		cmocka_unit_test(
			no_crash_and_no_order_spends_more_than_the_cap),
		cmocka_unit_test(what_is_not_ours_is_refused),
	};

	const struct t_scenario scenarios[] = {
		T_SCENARIO(what_was_spent_is_replayed),
	};

	return T_MAIN(tests, scenarios);
}
