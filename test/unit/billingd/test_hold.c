/**
 * @file test/unit/billingd/test_hold.c  Slices, and money that is never spent
 * twice
 *
 * The second half plays a node, its journal and a database against each other
 * at random: calls begin, are renewed and end, replies come late, the process
 * dies with what its disk has not got yet. TANDEM_HOLD_STEPS says how long.
 */
#include <stdlib.h>
#include <string.h>

#include "billingd/account.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	ACCOUNT = 7,
};

static const int64_t cent = 10000, whole = 1000000;


static struct tariff tariff_of_rate(int64_t rate, uint32_t first,
				    uint32_t next)
{
	struct tariff t;

	memset(&t, 0, sizeof(t));
	t.account = ACCOUNT;
	t.mode = BILLING_RATED;
	t.flags = TARIFF_HAS_RATE;
	t.terms = (struct rate_terms){
		.rate = rate, .first = first, .next = next, .step = cent
	};
	t.unit = cent;
	t.reserve_first_s = 60;
	t.reserve_max_s = 600;

	return t;
}


static struct hold *begin(struct accounts *accounts, int64_t money,
			  const struct tariff *tariff)
{
	struct hold *hold;

	assert_int_equal(hold_begin(&hold, accounts, "call", tariff), 0);
	account_granted(hold->account, money);

	return hold;
}


static void assert_grant(const struct hold *hold, uint32_t granted_s,
			 int64_t amount, uint32_t asks_at_s)
{
	assert_int_equal(hold->grant.granted_s, granted_s);
	assert_int_equal(hold->grant.amount, amount);
	assert_int_equal(granted_s - hold->grant.renew_s, asks_at_s);
}


/* billing 8: balance 5.00, rate 0.60, 1/1 */
static void slices_double_and_the_last_is_a_part(void **state)
{
	const struct tariff tariff = tariff_of_rate(600000, 1, 1);
	struct accounts *accounts;
	struct hold *hold;
	(void)state;

	assert_int_equal(accounts_alloc(&accounts), 0);
	hold = begin(accounts, 5 * whole, &tariff);

	assert_int_equal(hold_extend(hold, 0), 0);
	assert_grant(hold, 60, 600000, 45);
	assert_int_equal(hold_extend(hold, 45), 0);
	assert_grant(hold, 180, 1800000, 150);
	assert_int_equal(hold_extend(hold, 150), 0);
	assert_grant(hold, 420, 4200000, 360);
	assert_int_equal(hold_extend(hold, 360), 0);
	assert_grant(hold, 500, 5 * whole, 480);
	assert_int_equal(account_free(hold->account), 0);
	assert_int_equal(hold_extend(hold, 480), 0);
	assert_grant(hold, 500, 5 * whole, 483);
	assert_int_equal(hold_extend(hold, 498), 0);
	assert_int_equal(hold->grant.renew_s, 0);

	/* A payment: the slice that was due is tried again. */
	account_granted(hold->account, 6 * whole);
	assert_int_equal(hold_extend(hold, 498), 0);
	assert_grant(hold, 600, 6 * whole, 575);

	/* Hung up at 200 s: fee 2.00, the rest is free again. */
	assert_int_equal(hold_settle(accounts, hold, 2 * whole), 2 * whole);
	assert_int_equal(account_free(account_find(accounts, ACCOUNT)),
			 4 * whole);
	accounts_free(accounts);
}


static void the_second_minute_is_not_covered(void **state)
{
	const struct tariff tariff = tariff_of_rate(600000, 60, 60);
	struct accounts *accounts;
	struct hold *hold;
	(void)state;

	assert_int_equal(accounts_alloc(&accounts), 0);
	hold = begin(accounts, whole, &tariff);
	assert_int_equal(hold_extend(hold, 0), 0);
	assert_grant(hold, 60, 600000, 45);
	assert_int_equal(hold_extend(hold, 45), 0);
	assert_grant(hold, 60, 600000, 48);
	accounts_free(accounts);
}


static void slices_grow_to_the_largest(void **state)
{
	static const uint32_t ends[] = { 60, 180, 420, 900, 1500, 2100 };
	const struct tariff tariff = tariff_of_rate(600000, 1, 1);
	struct accounts *accounts;
	struct hold *hold;
	(void)state;

	assert_int_equal(accounts_alloc(&accounts), 0);
	hold = begin(accounts, 100 * whole, &tariff);
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		assert_int_equal(hold_extend(hold, 0), 0);
		assert_int_equal(hold->grant.granted_s, ends[i]);
	}
	accounts_free(accounts);
}


static void who_cannot_pay_the_first_second_does_not_begin(void **state)
{
	struct tariff tariff = tariff_of_rate(600000, 1, 1);
	struct accounts *accounts;
	struct hold *hold;
	(void)state;

	assert_int_equal(accounts_alloc(&accounts), 0);
	tariff.terms.free_s = 600;
	hold = begin(accounts, cent - 1, &tariff);
	assert_int_equal(hold_least(hold), cent);
	assert_int_equal(hold_need(hold), cent);
	assert_int_equal(hold_extend(hold, 0), EDQUOT);
	assert_int_equal(hold->grant.amount, 0);
	account_granted(hold->account, cent);
	assert_int_equal(hold_extend(hold, 0), 0);
	assert_grant(hold, 60, 0, 45);
	accounts_free(accounts);
}


static void short_parts_are_renewed_within_their_bounds(void **state)
{
	/* Money for a part of so many seconds, and what is left then */
	static const uint32_t rows[][2] = { { 1, 1 },  { 2, 1 },  { 3, 2 },
					    { 5, 3 },  { 6, 3 },  { 8, 3 },
					    { 12, 3 }, { 16, 4 }, { 20, 5 } };
	const struct tariff tariff = tariff_of_rate(600000, 1, 1);
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct accounts *accounts;
		struct hold *hold;

		assert_int_equal(accounts_alloc(&accounts), 0);
		hold = begin(accounts, rows[i][0] * cent, &tariff);
		assert_int_equal(hold_extend(hold, 0), 0);
		assert_int_equal(hold->grant.granted_s, rows[i][0]);
		assert_int_equal(hold->grant.renew_s, rows[i][1]);
		accounts_free(accounts);
	}
}


static void what_has_no_limit_holds_nothing(void **state)
{
	struct tariff tariff = tariff_of_rate(600000, 1, 1);
	struct accounts *accounts;
	struct hold *hold;
	(void)state;

	assert_int_equal(accounts_alloc(&accounts), 0);
	tariff.flags |= TARIFF_IS_UNLIMITED;
	hold = begin(accounts, 0, &tariff);
	assert_int_equal(hold_need(hold), 0);
	assert_int_equal(hold_extend(hold, 0), 0);
	assert_grant(hold, 0, 0, 0);
	assert_int_equal(hold_settle(accounts, hold, 5 * whole), 0);

	tariff = tariff_of_rate(0, 1, 1);
	tariff.mode = BILLING_FREE;
	hold = begin(accounts, 0, &tariff);
	assert_int_equal(hold_extend(hold, 0), 0);
	assert_grant(hold, 0, 0, 0);
	accounts_free(accounts);
}


static void an_id_is_held_once_and_has_a_length(void **state)
{
	const struct tariff tariff = tariff_of_rate(600000, 1, 1);
	char longest[HOLD_ID_SIZE + 1];
	struct accounts *accounts;
	struct hold *hold;
	(void)state;

	assert_int_equal(accounts_alloc(&accounts), 0);
	hold = begin(accounts, 0, &tariff);
	assert_ptr_equal(hold_find(accounts, "call"), hold);
	assert_int_equal(hold_begin(&hold, accounts, "call", &tariff), EEXIST);
	memset(longest, 'x', HOLD_ID_SIZE);
	longest[HOLD_ID_SIZE] = '\0';
	assert_int_equal(hold_begin(&hold, accounts, longest, &tariff),
			 EMSGSIZE);
	assert_int_equal(hold_begin(&hold, accounts, "", &tariff), EMSGSIZE);
	assert_int_equal(hold_count(accounts), 1);
	accounts_free(accounts);
}


static void money_is_given_back_as_far_as_it_is_free(void **state)
{
	const struct tariff tariff = tariff_of_rate(600000, 1, 1);
	struct accounts *accounts;
	struct hold *hold;
	(void)state;

	assert_int_equal(accounts_alloc(&accounts), 0);
	hold = begin(accounts, whole, &tariff);
	assert_int_equal(hold_extend(hold, 0), 0);
	assert_int_equal(account_give(hold->account, whole), 400000);
	assert_int_equal(account_free(hold->account), 0);
	assert_int_equal(account_give(hold->account, whole), 0);
	/* A call nobody knows: as far as there is money */
	assert_int_equal(account_charge(accounts, ACCOUNT, whole), 400000);
	assert_int_equal(account_charge(accounts, 99, whole), 0);
	accounts_free(accounts);
}


/* --- against a journal and a database ------------------------------------- */

enum {
	STEPS = 20000,
	LOG_MAX = 4096,
	CALLS = 40,
	IDS = 1000000,
	PAYLOAD = 512,
};

struct line {
	int type; /* 'h' 'l' 'e' */
	size_t len;
	uint8_t payload[PAYLOAD];
	int64_t fee, settled;
};

struct world {
	uint64_t seed;
	struct accounts *accounts;
	struct line log[LOG_MAX];
	size_t lines, durable, shipped;

	/* the database */
	int64_t balance, overdraft, granted, settled;
	int64_t charged; /* By all calls that ended */
	unsigned next_id;
};


static uint64_t draw(struct world *w, uint64_t n)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;

	return (w->seed >> 16) % n;
}


/* What is shipped and of no live hold may be dropped; the test just keeps
 * room: all live state is written anew, as carryh does. */
static struct line *next_line(struct world *w, int type)
{
	struct line *line = &w->log[w->lines++];

	assert_true(w->lines < LOG_MAX);
	memset(line, 0, sizeof(*line));
	line->type = type;

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


static void log_lease(struct world *w, const struct account *account)
{
	struct line *line = next_line(w, 'l');
	Tandem__Lease message;

	lease_put(&message, account);
	line->len = tandem__lease__pack(&message, line->payload);
	line->settled = account->settled;
}


static void log_ended(struct world *w, const char *id, int64_t fee,
		      int64_t settled)
{
	struct line *line = next_line(w, 'e');
	Tandem__CallEnded call;
	Tandem__Record record;
	Tandem__Charge charge;

	tandem__call_ended__init(&call);
	tandem__record__init(&record);
	tandem__charge__init(&charge);
	record.cdr_id = unconst(id);
	charge.account = ACCOUNT;
	charge.fee = fee;
	charge.settled = settled;
	call.record = &record;
	call.charge = &charge;
	line->len = tandem__call_ended__pack(&call, line->payload);
	line->fee = fee;
	line->settled = settled;
}


static void world_raise(struct world *w, struct account *account,
			int64_t wanted, bool is_heard)
{
	const int64_t available = w->balance + w->overdraft -
				  (w->granted - w->settled);
	const int64_t most = w->granted + (available > 0 ? available : 0);
	const int64_t total = wanted < most ? wanted : most;

	if (total > w->granted)
		w->granted = total;
	if (!is_heard)
		return;
	account_granted(account, w->granted);
	log_lease(w, account);
}


static void world_begin(struct world *w)
{
	static const uint32_t increments[] = { 1, 6, 60 };
	struct tariff tariff = tariff_of_rate((int64_t)draw(w, 900000),
					      increments[draw(w, 3)],
					      increments[draw(w, 3)]);
	struct hold *hold;
	char id[32];

	if (hold_count(w->accounts) >= CALLS)
		return;
	tariff.terms.connect_fee = (int64_t)draw(w, 3) * cent;
	tariff.terms.free_s = draw(w, 3) ? 0 : (uint32_t)draw(w, 90);
	(void)text_print(id, sizeof(id), "%u", w->next_id++ % IDS);
	assert_int_equal(hold_begin(&hold, w->accounts, id, &tariff), 0);
	if (hold_need(hold) > account_free(hold->account))
		world_raise(w, hold->account,
			    hold->account->granted +
				    hold_need(hold) *
					    (1 + (int64_t)draw(w, 4)),
			    draw(w, 5) != 0);
	if (hold_extend(hold, 0))
		(void)hold_settle(w->accounts, hold, 0);
	else
		log_hold(w, hold);
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
	if (hold_need(hold) > account_free(hold->account) && draw(w, 2))
		world_raise(w, hold->account,
			    hold->account->granted + hold_need(hold),
			    draw(w, 5) != 0);
	assert_int_equal(hold_extend(hold, 0), 0);
	log_hold(w, hold);
}


static void world_end(struct world *w)
{
	struct hold *hold = any_hold(w);
	int64_t fee, settled;
	char id[HOLD_ID_SIZE];

	if (!hold)
		return;
	fee = rate_fee(&hold->tariff.terms,
		       (int64_t)draw(w, (uint64_t)hold->grant.granted_s + 1));
	memcpy(id, hold->cdr_id, sizeof(id));
	settled = hold_settle(w->accounts, hold, fee);
	log_ended(w, id, fee, settled);
}


/* In the order of the journal, and only what is durable: one transaction. */
static void world_ship(struct world *w)
{
	size_t most = w->durable - w->shipped;

	for (size_t n = most ? draw(w, most + 1) : 0; n > 0; n--) {
		const struct line *line = &w->log[w->shipped++];

		w->balance -= line->fee;
		w->charged += line->fee;
		if (line->settled > w->settled)
			w->settled = line->settled;
	}
	assert_true(w->settled <= w->granted);
	assert_true(w->balance >= -w->overdraft);
}


static void replay(struct world *w)
{
	for (size_t i = 0; i < w->lines; i++) {
		const struct line *l = &w->log[i];
		int err = EBADMSG;

		if (l->type == 'h')
			err = accounts_replay_hold(w->accounts, l->payload,
						   l->len, i + 1);
		if (l->type == 'l')
			err = accounts_replay_lease(w->accounts, l->payload,
						    l->len, i + 1);
		if (l->type == 'e')
			err = accounts_replay_ended(w->accounts, l->payload,
						    l->len, i + 1);
		assert_int_equal(err, 0);
	}
}


/* What was not durable may be there or not; from some place on it is not. */
static void world_crash(struct world *w)
{
	w->lines = w->durable + draw(w, w->lines - w->durable + 1);
	w->durable = w->lines;
	w->accounts = accounts_free(w->accounts);
	assert_int_equal(accounts_alloc(&w->accounts), 0);
	replay(w);
	if (draw(w, 2)) { /* else the database is away */
		struct account *account;

		assert_int_equal(account_get(&account, w->accounts, ACCOUNT),
				 0);
		account_leased(account, w->granted, w->settled);
		log_lease(w, account);
	}
}


static int carry_hold(struct hold *hold, void *arg)
{
	log_hold(arg, hold);

	return 0;
}


/* All is durable and shipped: what lives is written anew, the rest goes. */
static void world_trim(struct world *w)
{
	struct account *account = account_find(w->accounts, ACCOUNT);

	w->durable = w->lines;
	while (w->shipped < w->durable)
		world_ship(w);
	w->lines = 0;
	if (account)
		log_lease(w, account);
	(void)holds_walk(w->accounts, carry_hold, w);
	w->durable = w->shipped = w->lines;
}


static void world_check(const struct world *w)
{
	const struct account *a = account_find(w->accounts, ACCOUNT);

	if (!a)
		return;
	assert_true(a->granted <= w->granted);
	assert_true(a->settled + a->held <= a->granted);
	assert_true(a->held >= 0);
}


static void world_step(struct world *w)
{
	switch (draw(w, 12)) {
	case 0:
	case 1:
	case 2:
		world_begin(w);
		break;
	case 3:
	case 4:
		world_renew(w);
		break;
	case 5:
	case 6:
		world_end(w);
		break;
	case 7:
		w->durable += draw(w, w->lines - w->durable + 1);
		break;
	case 8:
		world_ship(w);
		break;
	case 9:
		if (draw(w, 10) == 0)
			world_crash(w);
		break;
	case 10:
		if (draw(w, 40) == 0)
			w->balance += (int64_t)draw(w, 3 * whole);
		break;
	default:
		if (account_find(w->accounts, ACCOUNT) &&
		    account_give(account_find(w->accounts, ACCOUNT),
				 (int64_t)draw(w, whole)) > 0)
			log_lease(w, account_find(w->accounts, ACCOUNT));
		break;
	}
	world_check(w);
	if (w->lines > LOG_MAX / 2)
		world_trim(w);
}


static void no_crash_and_no_order_spends_more_than_there_is(void **state)
{
	const char *asked = getenv("TANDEM_HOLD_STEPS");
	const long steps = asked ? strtol(asked, NULL, 10) : STEPS;
	static struct world w;
	int64_t paid;
	(void)state;

	memset(&w, 0, sizeof(w));
	w.seed = 4711;
	w.balance = 20 * whole;
	w.overdraft = whole;
	assert_int_equal(accounts_alloc(&w.accounts), 0);
	for (long i = 0; i < steps; i++)
		world_step(&w);

	/* All ends: what is left is what was paid less what was charged. */
	while (hold_count(w.accounts) > 0) {
		world_end(&w);
		if (w.lines > LOG_MAX / 2)
			world_trim(&w);
	}
	world_trim(&w);
	paid = w.balance + w.charged;
	assert_true(w.charged > 10 * whole && paid >= 20 * whole);
	assert_true(w.balance >= -w.overdraft);
	assert_int_equal(account_find(w.accounts, ACCOUNT)->held, 0);
	accounts_free(w.accounts);
}


static void what_is_not_ours_is_refused(void **state)
{
	static const uint8_t junk[] = { 0xff, 0xff, 0xff };
	struct accounts *accounts;
	(void)state;

	assert_int_equal(accounts_alloc(&accounts), 0);
	assert_int_equal(accounts_replay_hold(accounts, junk, 3, 1), EBADMSG);
	assert_int_equal(accounts_replay_open(accounts, junk, 3, 1), EBADMSG);
	assert_int_equal(accounts_replay_lease(accounts, junk, 3, 1), EBADMSG);
	assert_int_equal(accounts_replay_ended(accounts, junk, 3, 1), EBADMSG);
	assert_int_equal(accounts_replay_hold(accounts, "", 0, 1), EBADMSG);
	assert_int_equal(accounts_replay_lease(accounts, "", 0, 1), EBADMSG);
	assert_int_equal(accounts_replay_ended(accounts, "", 0, 1), EBADMSG);
	accounts_free(accounts);
}


/* --- out of memory -------------------------------------------------------- */

static int replay_all(struct accounts *accounts, const struct hold *hold)
{
	Tandem__Record record;
	Tandem__Tariff tariff;
	Tandem__Hold message;
	uint8_t payload[PAYLOAD];
	size_t len;
	int err;

	tandem__record__init(&record);
	hold_put(&message, &tariff, hold);
	message.cdr_id = record.cdr_id = unconst("other");
	len = tandem__hold__pack(&message, payload);
	err = accounts_replay_hold(accounts, payload, len, 1);
	if (err)
		return err;
	len = tandem__record__pack(&record, payload);

	return accounts_replay_open(accounts, payload, len, 2);
}


/* The library that unpacks does not tell why it could not. */
static int calls_are_held_opened_and_settled(void)
{
	const struct tariff tariff = tariff_of_rate(600000, 1, 1);
	struct accounts *accounts = NULL;
	struct hold *hold;
	int err;

	err = accounts_alloc(&accounts);
	if (err)
		return err;
	err = hold_begin(&hold, accounts, "call", &tariff);
	if (!err) {
		account_granted(hold->account, whole);
		err = hold_extend(hold, 0);
	}
	if (!err)
		err = hold_open(hold, "open", 4);
	if (!err)
		err = replay_all(accounts, hold);
	if (!err && hold_settle(accounts, hold, cent) != cent)
		err = EINVAL;
	accounts_free(accounts);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_double_and_the_last_is_a_part),
		cmocka_unit_test(the_second_minute_is_not_covered),
		cmocka_unit_test(slices_grow_to_the_largest),
		cmocka_unit_test(
			who_cannot_pay_the_first_second_does_not_begin),
		cmocka_unit_test(short_parts_are_renewed_within_their_bounds),
		cmocka_unit_test(what_has_no_limit_holds_nothing),
		cmocka_unit_test(an_id_is_held_once_and_has_a_length),
		cmocka_unit_test(money_is_given_back_as_far_as_it_is_free),
		cmocka_unit_test(
			no_crash_and_no_order_spends_more_than_there_is),
		cmocka_unit_test(what_is_not_ours_is_refused),
	};

	const struct t_scenario scenarios[] = {
		T_SCENARIO(calls_are_held_opened_and_settled),
	};

	return T_MAIN(tests, scenarios);
}
