/**
 * @file test/unit/billingd/test_grant.c  Talk time: asked, leased, durable,
 * granted
 */
#include "billingd/grant.h"
#include "shared/base/log.h"
#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "test/support/t.h"

enum {
	ACCOUNT = 7,
	ANSWERS = 64,
};

static const int64_t cent = 10000, whole = 1000000;

static const int64_t now_us = 1750000000000000;

struct fixture {
	struct ev *ev;
	struct accounts *accounts;
	struct journal *journal;
	struct grants *grants;
	struct ev_timer timer;
	char dir[256];

	/* who is asked for money */
	unsigned asked;
	int64_t wanted;
	lease_h *leaseh;
	void *leased;
	int raise_err;

	size_t answerc;
	uint64_t ids[ANSWERS];
	struct grant_answer answers[ANSWERS];
};


static int on_raise(uint32_t account, int64_t wanted, lease_h *h, void *leased,
		    void *arg)
{
	struct fixture *f = arg;

	assert_int_equal(account, ACCOUNT);
	f->asked++;
	f->wanted = wanted;
	if (f->raise_err)
		return f->raise_err;
	assert_null(f->leaseh);
	f->leaseh = h;
	f->leased = leased;

	return 0;
}


static void raised(struct fixture *f, int err, int64_t granted)
{
	lease_h *h = f->leaseh;

	assert_non_null(h);
	f->leaseh = NULL;
	if (h)
		h(err, granted, 0, f->leased);
}


static void on_answer(const Tandem__Header *hdr,
		      const struct grant_answer *answer, void *arg)
{
	struct fixture *f = arg;

	assert_true(f->answerc < ANSWERS);
	f->ids[f->answerc] = hdr->id;
	f->answers[f->answerc++] = *answer;
}


static int on_replay(const struct journal_record *r, void *arg)
{
	struct fixture *f = arg;

	if (r->type == JOURNAL_HOLD)
		return accounts_replay_hold(f->accounts, r->payload, r->len,
					    r->seq);
	if (r->type == JOURNAL_LEASE)
		return accounts_replay_lease(f->accounts, r->payload, r->len,
					     r->seq);
	if (r->type == JOURNAL_SPENT)
		return accounts_replay_spent(f->accounts, r->payload, r->len,
					     r->seq);
	if (r->type == JOURNAL_OPEN)
		return accounts_replay_open(f->accounts, r->payload, r->len,
					    r->seq);

	return 0;
}


static void up(struct fixture *f)
{
	static const struct log log = { .level = LOG_LEVEL_ERROR };
	const struct journal_args journal = { .ev = f->ev,
					      .dir = f->dir,
					      .log = &log,
					      .replayh = on_replay,
					      .arg = f };
	struct grants_args grants = {
		.ev = f->ev, .raiseh = on_raise, .answerh = on_answer, .arg = f
	};

	assert_int_equal(accounts_alloc(&f->accounts), 0);
	assert_int_equal(journal_alloc(&f->journal, &journal), 0);
	grants.accounts = f->accounts;
	grants.journal = f->journal;
	assert_int_equal(grants_alloc(&f->grants, &grants), 0);
}


static void down(struct fixture *f)
{
	if (f->leaseh)
		raised(f, ECANCELED, 0);
	f->journal = journal_free(f->journal);
	f->grants = grants_free(f->grants);
	f->accounts = accounts_free(f->accounts);
}


static int setup(void **state)
{
	static struct fixture f;
	static unsigned n;

	memset(&f, 0, sizeof(f));
	(void)text_print(f.dir, sizeof(f.dir), "%s/journal%u", t_dir(), n++);
	assert_int_equal(ev_alloc(&f.ev), 0);
	up(&f);
	*state = &f;

	return 0;
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	down(f);
	ev_free(f->ev);

	return 0;
}


static void on_look(void *arg)
{
	struct fixture *f = arg;

	ev_stop(f->ev, 0);
}


/* The loop turns until so many were answered. */
static void answered(struct fixture *f, size_t count)
{
	const int64_t end_ms = t_now_ms() + 10000;

	while (f->answerc < count) {
		assert_true(t_now_ms() < end_ms);
		ev_timer_start(&f->timer, f->ev, 5, on_look, f);
		(void)ev_run(f->ev);
	}
	assert_int_equal(f->answerc, count);
}


static struct tariff tariff_of_cents(void)
{
	struct tariff t;

	memset(&t, 0, sizeof(t));
	t.account = ACCOUNT;
	t.mode = BILLING_RATED;
	t.flags = TARIFF_HAS_RATE;
	/* A cent a second */
	t.terms = (struct rate_terms){
		.rate = 600000, .first = 1, .next = 1, .step = cent
	};
	t.unit = cent;
	t.reserve_first_s = 60;
	t.reserve_max_s = 600;

	return t;
}


static void ask(struct fixture *f, uint64_t id, const char *cdr_id)
{
	const struct tariff tariff = tariff_of_cents();
	Tandem__Header hdr;

	tandem__header__init(&hdr);
	hdr.id = id;
	grants_begin(f->grants, &hdr, cdr_id, &tariff, now_us);
}


static void renew(struct fixture *f, uint64_t id, uint32_t talked_s,
		  uint32_t granted_s)
{
	Tandem__Header hdr;
	Tandem__Renew message;

	tandem__header__init(&hdr);
	tandem__renew__init(&message);
	hdr.id = id;
	message.cdr_id = unconst("a");
	message.talked_s = talked_s;
	message.granted_s = granted_s;
	grants_renew(f->grants, &hdr, &message, now_us);
}


static void fund(struct fixture *f, int64_t money)
{
	grants_seen(ACCOUNT, money, 0, 0, f->grants);
}


static void assert_answer(const struct fixture *f, size_t at, uint64_t id,
			  Tandem__CreditWhy why, uint32_t granted_s)
{
	assert_int_equal(f->ids[at], id);
	assert_int_equal(f->answers[at].why, why);
	assert_int_equal(f->answers[at].granted_s, granted_s);
}

#define NONE    TANDEM__CREDIT_WHY__CREDIT_WHY_NONE
#define BALANCE TANDEM__CREDIT_WHY__CREDIT_WHY_BALANCE
#define ERROR   TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR


static void what_is_leased_is_granted_when_it_is_durable(void **state)
{
	struct fixture *f = *state;

	fund(f, whole);
	ask(f, 1, "a");
	assert_int_equal(f->answerc, 0);
	answered(f, 1);
	assert_answer(f, 0, 1, NONE, 60);
	assert_int_equal(f->answers[0].renew_s, 15);
	assert_int_equal(f->asked, 0);

	/* And it is there after a crash: asked again, answered the same. */
	down(f);
	up(f);
	ask(f, 2, "a");
	answered(f, 2);
	assert_answer(f, 1, 2, NONE, 60);
	assert_int_equal(account_find(f->accounts, ACCOUNT)->held, 600000);
	assert_int_equal(hold_count(f->accounts), 1);
}


static void more_is_asked_for_by_its_total(void **state)
{
	struct fixture *f = *state;

	fund(f, 100000);
	ask(f, 1, "a");
	assert_int_equal(f->asked, 1);
	assert_int_equal(f->wanted, 600000 + 64 * 600000);

	/* Who comes meanwhile waits for the next one. */
	ask(f, 2, "b");
	ask(f, 3, "c");
	assert_int_equal(f->asked, 1);
	raised(f, 0, 700000);
	assert_int_equal(f->asked, 2);
	assert_int_equal(f->wanted, 600000 + 2 * 600000 + 64 * 600000);
	raised(f, 0, 700000);
	answered(f, 3);
	/* The rest of 0.10 is a part for the first of them. */
	assert_answer(f, 0, 3, BALANCE, 0);
	assert_answer(f, 1, 1, NONE, 60);
	assert_answer(f, 2, 2, NONE, 10);
	assert_int_equal(account_free(account_find(f->accounts, ACCOUNT)), 0);
}


/* Each holds 0.60: the 33rd is more than a half of 64. */
static void half_is_used_and_more_is_asked_before_anybody_waits(void **state)
{
	struct fixture *f = *state;
	struct account *account;
	char name[8];

	ask(f, 1, "a");
	raised(f, 0, 65 * 600000);
	answered(f, 1);
	account = account_find(f->accounts, ACCOUNT);
	account->asked_us -= 2000000;
	for (uint64_t n = 2; n <= 33; n++) {
		assert_int_equal(f->asked, 1);
		(void)text_print(name, sizeof(name), "n%u", (unsigned)n);
		ask(f, n, name);
		answered(f, n);
		assert_answer(f, n - 1, n, NONE, 60);
	}
	ask(f, 34, "b");
	answered(f, 34);
	assert_answer(f, 33, 34, NONE, 60);
	assert_int_equal(f->asked, 2);
	assert_int_equal(f->wanted, (34 + 64) * 600000);

	/* All of it came, and so soon: from now on it is twice as much. */
	raised(f, 0, f->wanted);
	assert_int_equal(account->ahead, 2 * 64 * 600000);
	/* PostgreSQL goes away, and there is enough for the next 64. */
	f->raise_err = ENOTCONN;
	account->asked_us -= 2000000;
	ask(f, 35, "c");
	answered(f, 35);
	assert_answer(f, 34, 35, NONE, 60);
	assert_int_equal(f->asked, 3);
	assert_false(account->is_raising);
	account->asked_us = clk_mono_us() + 3600 * INT64_C(1000000);
	ask(f, 36, "d"); /* who is away is not asked all the time */
	answered(f, 36);
	assert_int_equal(f->asked, 3);
}


static void what_did_not_all_come_is_not_asked_for_ahead(void **state)
{
	struct fixture *f = *state;
	const struct account *account;

	ask(f, 1, "a");
	raised(f, 0, 2 * 600000);
	answered(f, 1);
	account = account_find(f->accounts, ACCOUNT);
	assert_true(account->is_dry);
	ask(f, 2, "b");
	answered(f, 2);
	assert_int_equal(f->asked, 1);
	ask(f, 3, "c");
	assert_int_equal(f->asked, 2);
	raised(f, 0, 2 * 600000);
	answered(f, 3);
	assert_answer(f, 2, 3, BALANCE, 0);
	assert_int_equal(account->ahead, 64 * 600000);
}


static void a_successor_goes_on_with_what_was_leased(void **state)
{
	struct fixture *f = *state;
	struct account *account;

	fund(f, 1000 * whole);
	ask(f, 1, "a");
	answered(f, 1);
	account = account_find(f->accounts, ACCOUNT);
	assert_true(account->ahead > 999 * whole);
	grants_trim(f->grants, account);
	assert_int_equal(account->settled, 0);
	assert_int_equal(f->asked, 0);
}


static void without_money_it_is_the_balance_and_else_an_error(void **state)
{
	struct fixture *f = *state;

	ask(f, 1, "a");
	raised(f, 0, 0);
	answered(f, 1);
	assert_answer(f, 0, 1, BALANCE, 0);

	ask(f, 2, "b");
	raised(f, ENOTCONN, 0);
	answered(f, 2);
	assert_answer(f, 1, 2, ERROR, 0);

	f->raise_err = ENOTCONN;
	ask(f, 3, "c");
	answered(f, 3);
	assert_answer(f, 2, 3, ERROR, 0);
	assert_int_equal(hold_count(f->accounts), 0);
}


static void a_database_that_is_silent_is_not_waited_for(void **state)
{
	struct fixture *f = *state;

	fund(f, 100000);
	ask(f, 1, "a");
	ask(f, 2, "b");
	answered(f, 2);
	assert_answer(f, 0, 2, ERROR, 0);
	assert_answer(f, 1, 1, NONE, 10);

	/* Nor by those who come then; its late answer counts. */
	ask(f, 3, "c");
	answered(f, 3);
	assert_answer(f, 2, 3, ERROR, 0);
	raised(f, 0, 5 * whole);
	ask(f, 4, "d");
	answered(f, 4);
	assert_answer(f, 3, 4, NONE, 60);
}


static void a_call_that_ended_meanwhile_gets_nothing(void **state)
{
	struct fixture *f = *state;
	struct hold *hold;

	ask(f, 1, "a");
	hold = hold_find(f->accounts, "a");
	grants_forget(f->grants, hold);
	(void)hold_settle(f->accounts, hold, 0);
	raised(f, 0, whole);
	answered(f, 1);
	assert_answer(f, 0, 1, ERROR, 0);
	assert_int_equal(account_free(account_find(f->accounts, ACCOUNT)),
			 whole);
}


static void slices_are_renewed_when_they_are_due(void **state)
{
	struct fixture *f = *state;

	renew(f, 1, 0, 60);
	answered(f, 1);
	assert_answer(f, 0, 1, ERROR, 0); /* A call nobody knows */

	fund(f, 5 * whole);
	ask(f, 2, "a");
	answered(f, 2);
	renew(f, 3, 10, 60); /* A successor asks what it has */
	answered(f, 3);
	assert_answer(f, 2, 3, NONE, 60);
	renew(f, 4, 45, 60);
	answered(f, 4);
	assert_answer(f, 3, 4, NONE, 180);
	renew(f, 5, 46, 60); /* It did not hear that */
	answered(f, 5);
	assert_answer(f, 4, 5, NONE, 180);
	assert_true(hold_find(f->accounts, "a")->is_answered);
	assert_int_equal(hold_find(f->accounts, "a")->grant.amount, 1800000);
}


static void idle_money_goes_back(void **state)
{
	struct fixture *f = *state;
	struct account *account;

	/* The account owes: all that is free is given back. */
	grants_seen(ACCOUNT, 3 * whole, whole, -whole, f->grants);
	account = account_find(f->accounts, ACCOUNT);
	assert_int_equal(account->settled, 2 * whole);
	assert_true(account->lease_seq > 0);

	/* More than four times what is asked ahead: down to that. */
	ask(f, 1, "a");
	assert_int_equal(account_free(account), whole - 600000);
	grants_trim(f->grants, account);
	assert_int_equal(account->settled, 2 * whole);
	ask(f, 2, "b");
	raised(f, 0, 1000 * whole);
	answered(f, 2);
	grants_trim(f->grants, account);
	assert_int_equal(account_free(account), 64 * 600000);
}


static void what_lives_is_carried_over_and_comes_back(void **state)
{
	struct fixture *f = *state;
	Tandem__Record record;
	uint64_t below;

	tandem__record__init(&record);
	fund(f, whole);
	ask(f, 1, "a");
	answered(f, 1);
	record.cdr_id = unconst("a");
	assert_int_equal(grants_answered(f->grants, &record, NULL, NULL), 0);
	/* Said again it is not written again. */
	below = journal_last(f->journal);
	assert_int_equal(grants_answered(f->grants, &record, NULL, NULL), 0);
	assert_int_equal(journal_last(f->journal), below);
	record.cdr_id = unconst("nobody");
	assert_int_equal(grants_answered(f->grants, &record, NULL, NULL),
			 ENOENT);
	below = journal_last(f->journal) + 1;
	assert_int_equal(grants_carry(f->grants, below), 0);
	assert_int_equal(journal_last(f->journal), below + 2);
	assert_int_equal(grants_carry(f->grants, below), 0);
	assert_int_equal(journal_last(f->journal), below + 2);

	down(f);
	up(f);
	assert_true(hold_find(f->accounts, "a")->is_answered);
	assert_int_equal(hold_find(f->accounts, "a")->open_seq, below + 2);
	assert_int_equal(account_find(f->accounts, ACCOUNT)->held, 600000);
	assert_int_equal(account_find(f->accounts, ACCOUNT)->granted, whole);
}


/* Nobody is asked for money that may not be spent. */
static void over_the_cap_of_a_day_it_is_the_balance(void **state)
{
	struct fixture *f = *state;
	struct account *account;

	fund(f, whole);
	account = account_find(f->accounts, ACCOUNT);
	account_cap(account, 70 * cent, spend_day(now_us));
	ask(f, 1, "a");
	ask(f, 2, "b");
	answered(f, 2);
	assert_answer(f, 0, 1, NONE, 60);
	assert_answer(f, 1, 2, NONE, 10);
	ask(f, 3, "c");
	assert_answer(f, 2, 3, BALANCE, 0);

	/* It was used up while money was waited for. */
	account_cap(account, 2 * whole, spend_day(now_us));
	ask(f, 4, "d");
	account_cap(account, 70 * cent, spend_day(now_us));
	raised(f, ENOTCONN, 0);
	answered(f, 4);
	assert_answer(f, 3, 4, BALANCE, 0);
	assert_int_equal(f->asked, 1);
	assert_int_equal(hold_count(f->accounts), 2);
}


static void what_today_cost_is_carried_over_and_comes_back(void **state)
{
	const uint32_t today = spend_day(clk_wall_us());
	struct fixture *f = *state;
	struct account *other;
	uint64_t below;

	grants_spent(ACCOUNT, whole, today, f->grants);
	below = journal_last(f->journal) + 1;
	assert_int_equal(below, 2);
	grants_spent(ACCOUNT, cent, today, f->grants); /* Known */
	assert_int_equal(account_get(&other, f->accounts, ACCOUNT + 1), 0);
	account_spend(other, cent, today - 1, 1);
	account_spend(account_find(f->accounts, ACCOUNT), cent, today, 1);
	assert_int_equal(grants_carry(f->grants, below), 0);
	assert_int_equal(journal_last(f->journal), below);
	assert_int_equal(grants_carry(f->grants, below), 0);
	assert_int_equal(journal_last(f->journal), below);

	down(f);
	up(f);
	assert_int_equal(account_find(f->accounts, ACCOUNT)->spent,
			 whole + cent);
	assert_int_equal(account_find(f->accounts, ACCOUNT)->spent_seq, below);
}


int main(void)
{
#define TEST(h) cmocka_unit_test_setup_teardown(h, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_leased_is_granted_when_it_is_durable),
		TEST(more_is_asked_for_by_its_total),
		TEST(half_is_used_and_more_is_asked_before_anybody_waits),
		TEST(what_did_not_all_come_is_not_asked_for_ahead),
		TEST(a_successor_goes_on_with_what_was_leased),
		TEST(without_money_it_is_the_balance_and_else_an_error),
		TEST(a_database_that_is_silent_is_not_waited_for),
		TEST(a_call_that_ended_meanwhile_gets_nothing),
		TEST(slices_are_renewed_when_they_are_due),
		TEST(idle_money_goes_back),
		TEST(what_lives_is_carried_over_and_comes_back),
		TEST(over_the_cap_of_a_day_it_is_the_balance),
		TEST(what_today_cost_is_carried_over_and_comes_back),
	};
#undef TEST

	return T_MAIN_ONLY(tests);
}
