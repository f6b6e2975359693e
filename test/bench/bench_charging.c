/**
 * @file test/bench/bench_charging.c  Rates looked up, calls settled
 *
 *     bench_charging rates RATES
 *         look-ups, tariffs and fees per second of a core
 *     bench_charging pairs DIR SECONDS [ACCOUNTS]
 *         authorise+settle pairs per second
 *
 * A pair is a question, its grant in the journal in DIR and on disk, the
 * charge of the call, in the journal and on disk; IN_FLIGHT are under way at
 * once. Rates are of one table, called numbers in no order.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "billingd/charge.h"
#include "billingd/grant.h"
#include "billingd/journal.h"
#include "shared/base/clk.h"
#include "shared/base/log.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/catalog/build.h"
#include "shared/ev/ev.h"
#include "test/unit/catalog/rig.h"

enum {
	IN_FLIGHT = 512,
	LOOKUPS = 2000000,
	NUMBERS = 65536,
	PAYLOAD_MAX = 8192,
	ACCOUNT_1 = 1,
	TABLE_1 = 1,
};

static const int64_t summer_us = 1750000000000000;


static void die(const char *what, int err)
{
	(void)fprintf(stderr, "bench_charging: %s: %s\n", what, strerror(err));
	exit(1);
}


static uint32_t draw(uint32_t below)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;

	return (uint32_t)((state >> 32) % below);
}


static double cpu_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}


/* --- rates ---------------------------------------------------------------- */

static void put_rates(struct rig *rig, struct build *b, uint32_t rates)
{
	char prefix[16];
	int err;

	err = rig_row(rig, b, RECORD_RATE_TABLE, TABLE_1, "name", "all", NULL);
	err |= rig_row(rig, b, RECORD_ACCOUNT, ACCOUNT_1, "name", "buyer",
		       "rate_table", "1", NULL);
	for (uint32_t i = 0; i < rates && !err; i++) {
		(void)text_print(prefix, sizeof(prefix), "%u", 1000000 + i);
		err = rig_row(rig, b, RECORD_RATE, 1 + i, "table", "1",
			      "prefix", prefix, "rate", "0.0123", NULL);
	}
	if (err || rig_publish(rig, b, 1))
		die(rig->why, err);
}


static void look_up(const struct catalog *c, uint32_t rates)
{
	static char numbers[NUMBERS][16];
	struct tariff_call call = { ACCOUNT_1, 0, { NULL, 0 }, summer_us };
	struct tariff tariff;
	int64_t sum = 0;
	double begin_s;

	for (size_t i = 0; i < NUMBERS; i++)
		(void)text_print(numbers[i], sizeof(numbers[i]), "%u%05u",
				 1000000 + draw(rates), draw(100000));
	begin_s = cpu_s();
	for (size_t i = 0; i < LOOKUPS; i++)
		sum += catalog_rate(c, TABLE_1, text_of(numbers[i % NUMBERS]),
				    summer_us / 1000000)
			       ->rate;
	(void)printf("rates_looked_up_per_core_s %.0f\n",
		     LOOKUPS / (cpu_s() - begin_s));

	begin_s = cpu_s();
	for (size_t i = 0; i < LOOKUPS; i++) {
		call.called = text_of(numbers[i % NUMBERS]);
		tariff_of(&tariff, c, &call);
		sum += rate_fee(&tariff.terms, (int64_t)(i % 600));
	}
	(void)printf("calls_rated_per_core_s %.0f (%" PRId64 ")\n",
		     LOOKUPS / (cpu_s() - begin_s), sum);
}


static int bench_rates(uint32_t rates)
{
	const struct catalog *c;
	struct build *b;
	struct rig rig;
	int err;

	memset(&rig, 0, sizeof(rig));
	if (rig_open(&rig, "bench"))
		die("rig", EIO);
	err = build_alloc(&b, NULL);
	if (err)
		die("build", err);
	put_rates(&rig, b, rates);
	c = catalog_pin(rig.reader);
	look_up(c, rates);
	catalog_unpin(rig.reader, c);
	rig_close(&rig);

	return 0;
}


/* --- pairs ---------------------------------------------------------------- */

struct bench {
	struct ev *ev;
	struct accounts *accounts;
	struct journal *journal;
	struct grants *grants;
	struct ev_timer timer;
	struct tariff tariff;
	uint32_t accountc;
	uint64_t begun, ended;
	bool is_over;
	char ids[IN_FLIGHT][32];
	size_t freec;
	size_t free[IN_FLIGHT];
};

static void begin(struct bench *b)
{
	const size_t at = b->free[--b->freec];
	Tandem__Header hdr;

	(void)text_print(b->ids[at], sizeof(b->ids[at]), "01BENCH%019" PRIu64,
			 b->begun++);
	tandem__header__init(&hdr);
	hdr.id = at + 1;
	b->tariff.account = 1 + (uint32_t)(b->begun % b->accountc);
	grants_begin(b->grants, &hdr, b->ids[at], &b->tariff, summer_us);
}


static void on_ended(uint64_t seq, void *arg)
{
	struct bench *b = arg;

	(void)seq;
	b->ended++;
	while (b->freec > 0 && !b->is_over)
		begin(b);
}


static size_t pack_ended(struct bench *b, size_t at, struct hold *hold,
			 uint8_t payload[PAYLOAD_MAX])
{
	Tandem__CallEnded call;
	Tandem__Record record;
	Tandem__Charge message;
	struct charge charge;

	tandem__call_ended__init(&call);
	tandem__record__init(&record);
	record.cdr_id = b->ids[at];
	record.called = record.called_sent = unconst("442071234567");
	record.start_us = summer_us;
	record.answer_us = summer_us;
	record.duration_us = 30 * INT64_C(1000000);
	charge_of(&charge, &hold->tariff, NULL, &record,
		  hold->grant.granted_s);
	charge.settled = hold_settled(hold, charge.fee);
	charge_put(&message, &charge);
	call.record = &record;
	call.charge = &message;
	(void)hold_settle(b->accounts, hold, charge.fee);

	return tandem__call_ended__pack(&call, payload);
}


static void on_answer(const Tandem__Header *hdr,
		      const struct grant_answer *answer, void *arg)
{
	struct bench *b = arg;
	const size_t at = hdr->id - 1;
	struct hold *hold = hold_find(b->accounts, b->ids[at]);
	uint8_t payload[PAYLOAD_MAX];
	int err;

	if (answer->why || !hold)
		die("a call was refused", EDQUOT);
	grants_forget(b->grants, hold);
	err = journal_put(b->journal, JOURNAL_ENDED, payload,
			  pack_ended(b, at, hold, payload), on_ended, b);
	if (err)
		die("journal", err);
	b->free[b->freec++] = at;
	journal_applied(b->journal, journal_last(b->journal) / 2);
}


/* Money is there from the start: the database is measured elsewhere. */
static int on_raise(uint32_t account, int64_t wanted, lease_h *h, void *leased,
		    void *arg)
{
	(void)account;
	(void)wanted;
	(void)h;
	(void)leased;
	(void)arg;

	return ENOTCONN;
}


static void fund(struct bench *b)
{
	for (uint32_t i = 1; i <= b->accountc; i++) {
		struct account *account;
		const int err = account_get(&account, b->accounts, i);

		if (err)
			die("account", err);
		account_granted(account, INT64_MAX / 4);
	}
}


static int on_carry(uint64_t below, void *arg)
{
	struct bench *b = arg;

	return b->grants ? grants_carry(b->grants, below) : 0;
}


static void on_over(void *arg)
{
	struct bench *b = arg;

	b->is_over = true;
	ev_stop(b->ev, 0);
}


static void open_pairs(struct bench *b, const char *dir, const struct log *log)
{
	const struct journal_args journal = { .ev = b->ev,
					      .dir = dir,
					      .log = log,
					      .carryh = on_carry,
					      .arg = b };
	struct grants_args grants = {
		.ev = b->ev, .raiseh = on_raise, .answerh = on_answer, .arg = b
	};
	int err = accounts_alloc(&b->accounts);

	if (!err)
		err = journal_alloc(&b->journal, &journal);
	grants.accounts = b->accounts;
	grants.journal = b->journal;
	if (!err)
		err = grants_alloc(&b->grants, &grants);
	if (err)
		die("open", err);
	fund(b);
}


static void fill_tariff(struct tariff *t)
{
	memset(t, 0, sizeof(*t));
	t->mode = BILLING_RATED;
	t->flags = TARIFF_HAS_RATE;
	t->terms = (struct rate_terms){
		.rate = 12300, .first = 60, .next = 60, .step = 10000
	};
	t->unit = 10000;
	t->reserve_first_s = 60;
	t->reserve_max_s = 600;
	(void)text_print(t->account_name, sizeof(t->account_name), "buyer");
	(void)text_print(t->rate_table, sizeof(t->rate_table), "retail");
	(void)text_print(t->called_rated, sizeof(t->called_rated),
			 "442071234567");
}


static int bench_pairs(const char *dir, unsigned seconds, uint32_t accounts)
{
	static struct bench b;
	static const struct log log = { .level = LOG_LEVEL_INHERIT };
	int64_t begin_us;
	double cpu, took;
	int err = ev_alloc(&b.ev);

	if (err)
		die("loop", err);
	b.accountc = accounts;
	fill_tariff(&b.tariff);
	open_pairs(&b, dir, &log);
	for (size_t i = 0; i < IN_FLIGHT; i++)
		b.free[b.freec++] = i;
	ev_timer_start(&b.timer, b.ev, seconds * 1000, on_over, &b);
	begin_us = clk_mono_us();
	cpu = cpu_s();
	while (b.freec > 0)
		begin(&b);
	(void)ev_run(b.ev);
	took = (double)(clk_mono_us() - begin_us) / 1e6;
	cpu = cpu_s() - cpu;
	(void)printf("pairs_per_s %.0f\npairs_per_core_s %.0f\n",
		     (double)b.ended / took, (double)b.ended / cpu);
	b.journal = journal_free(b.journal);
	grants_free(b.grants);
	accounts_free(b.accounts);
	ev_free(b.ev);

	return 0;
}


int main(int argc, char *argv[])
{
	uint32_t n = 1000000, accounts = 1000;

	if (argc == 3 && strcmp(argv[1], "rates") == 0 &&
	    text_u32(&n, text_of(argv[2]), 1, 8000000) == 0)
		return bench_rates(n);
	if (argc >= 4 && strcmp(argv[1], "pairs") == 0 &&
	    text_u32(&n, text_of(argv[3]), 1, 3600) == 0 &&
	    (argc == 4 ||
	     text_u32(&accounts, text_of(argv[4]), 1, 1000000) == 0))
		return bench_pairs(argv[2], n, accounts);

	(void)fprintf(stderr, "usage: bench_charging rates RATES\n"
			      "       bench_charging pairs DIR SECONDS "
			      "[ACCOUNTS]\n");

	return 2;
}
