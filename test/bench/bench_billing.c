/**
 * @file test/bench/bench_billing.c  The journal, and records into PostgreSQL
 *
 *     bench_billing journal DIR SECONDS       durable records/s, one producer
 *     bench_billing store DIR SECONDS CONNINFO [ACCOUNTS]
 *                                             records/s into PostgreSQL
 *
 * Records are made for so many seconds, as fast as they are stored: BACKLOG are
 * in the journal at most. All that were made are stored and counted.
 * The store is the one of billingd; its records are as long as those of real
 * calls with two attempts, and cost something. Ids of accounts are 1 to
 * ACCOUNTS, of a clearing account ACCOUNTS + 1.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "billingd/journal.h"
#include "billingd/store.h"
#include "proto/billing.pb-c.h"
#include "shared/base/clk.h"
#include "shared/base/log.h"
#include "shared/base/util.h"
#include "shared/catalog/end_reason.h"
#include "shared/ev/ev.h"

enum {
	PAYLOAD_MAX = 4096,
	IN_FLIGHT = 256,
	PUT_IN_A_TURN = 1000,
	TICK_MS = 10,
	BACKLOG = 100000,
};

struct bench {
	struct ev *ev;
	struct journal *journal;
	struct store *store;
	struct ev_timer timer;
	uint8_t payload[PAYLOAD_MAX];
	size_t len;
	uint64_t told, flying, put;
	int64_t for_us;
	uint32_t accounts;
	uint64_t salt;
	int64_t begin_us, end_us;
	int err;
};


static char *str(const char *s)
{
	return unconst(s);
}


/* --- one record ----------------------------------------------------------- */

static void fill_attempt(Tandem__Attempt *a, uint32_t code, int64_t start_us)
{
	tandem__attempt__init(a);
	a->gateway = 1;
	a->address = str("192.0.2.17:5060");
	a->start_us = start_us;
	a->ms = 812;
	a->sip_code = code;
	a->reason = code == 200 ? END_NORMAL_RELEASE : END_ALL_GATEWAY_BUSY;
}


static void fill_record(Tandem__Record *r, Tandem__Attempt *both[2],
			int64_t start_us)
{
	tandem__record__init(r);
	r->start_us = start_us;
	r->progress_us = start_us + 1300000;
	r->answer_us = start_us + 5000000;
	r->end_us = start_us + 65400000;
	r->duration_us = 60400000;
	r->caller_original = r->caller = r->caller_sent = str("8801711000000");
	r->called_original = r->called = str("00442071838750");
	r->called_sent = str("442071838750");
	r->source = str("198.51.100.23:5060");
	r->dest = str("192.0.2.17:5060");
	r->transport = 1;
	r->attempts = both;
	r->n_attempts = 2;
	r->end_reason = END_NORMAL_RELEASE;
	r->end_side = END_SIDE_CALLER;
	r->sip_code = 200;
	r->sip_code_b = 200;
	r->q850 = 16;
	r->is_timer = true;
	r->media = 1;
	r->codec = str("PCMA");
	r->call_id_a = str("3848276298220188511@198.51.100.23");
	r->call_id_b = str("b2-01KAJ6Y4W9Z0000000000000@192.0.2.1");
	r->config_version = 12;
}


static void fill_charge(Tandem__Charge *c, const struct bench *b, uint64_t n)
{
	tandem__charge__init(c);
	c->duration_ms = 60400;
	c->duration_s = 61;
	c->charged_s = 61;
	c->billed_duration = 66;
	c->fee = 22000;
	c->vendor_cost = 12100;
	c->margin = 9900;
	c->account = (uint32_t)(n % b->accounts) + 1;
	c->clearing = b->accounts + 1;
	c->account_name = str("customer");
	c->clearing_name = str("vendor");
	c->called_rated = str("442071838750");
	c->called_rated_vendor = str("442071838750");
	c->has_rate = true;
	c->rate_table = str("retail");
	c->rate_prefix = str("4420");
	c->rate = 20000;
	c->first_increment = 60;
	c->next_increment = 6;
	c->has_vendor_rate = true;
	c->vendor_rate_prefix = str("44");
	c->vendor_rate = 11000;
}


static void make_payload(struct bench *b, uint64_t n)
{
	const int64_t start_us = clk_wall_us() - 66000000;
	Tandem__CallEnded call;
	Tandem__Attempt first, second;
	Tandem__Attempt *both[] = { &first, &second };
	char *names[] = { str("GW1"), str("GW2") };
	Tandem__Charge charge;
	Tandem__Record record;
	char id[40];

	tandem__call_ended__init(&call);
	fill_attempt(&first, 503, start_us);
	fill_attempt(&second, 200, start_us + 900000);
	fill_record(&record, both, start_us);
	fill_charge(&charge, b, n);
	(void)snprintf(id, sizeof(id), "%08" PRIX64 "%08" PRIX64, b->salt, n);
	record.cdr_id = id;
	call.record = &record;
	call.charge = &charge;
	call.mapping_name = str("CUST1");
	call.gateway_name = str("GW2");
	call.attempt_name = names;
	call.n_attempt_name = COUNT_OF(names);
	b->len = tandem__call_ended__get_packed_size(&call);
	if (b->len > sizeof(b->payload))
		abort();
	(void)tandem__call_ended__pack(&call, b->payload);
}


/* --- the journal ---------------------------------------------------------- */

static void on_durable(uint64_t seq, void *arg);


static void put_one(struct bench *b)
{
	const int err = journal_put(b->journal, JOURNAL_ENDED, b->payload,
				    b->len, on_durable, b);

	if (err) {
		b->err = err;
		ev_stop(b->ev, 0);
		return;
	}
	b->flying++;
}


static void on_durable(uint64_t seq, void *arg)
{
	struct bench *b = arg;

	b->told++;
	b->flying--;
	journal_applied(b->journal, seq);
	while (b->flying < IN_FLIGHT && !b->err)
		put_one(b);
}


static void on_time(void *arg)
{
	struct bench *b = arg;

	b->end_us = clk_mono_us();
	ev_stop(b->ev, 0);
}


static int bench_journal(struct bench *b, unsigned seconds)
{
	struct journal_stats stats;

	make_payload(b, 1);
	b->begin_us = clk_mono_us();
	ev_timer_start(&b->timer, b->ev, seconds * 1000, on_time, b);
	while (b->flying < IN_FLIGHT && !b->err)
		put_one(b);
	(void)ev_run(b->ev);
	stats = journal_stats(b->journal);
	(void)printf("journal: %.0f durable records/s of %zu bytes, one "
		     "producer with %d in flight; %.0f commits/s\n",
		     (double)b->told * 1e6 / (double)(b->end_us - b->begin_us),
		     b->len, IN_FLIGHT,
		     (double)stats.commits * 1e6 /
			     (double)(b->end_us - b->begin_us));

	return b->err;
}


/* --- the store ------------------------------------------------------------ */

static void fill(struct bench *b)
{
	for (unsigned i = 0; i < PUT_IN_A_TURN; i++) {
		make_payload(b, b->put++);
		b->err = journal_put(b->journal, JOURNAL_ENDED, b->payload,
				     b->len, NULL, NULL);
		if (b->err)
			return;
	}
}


static bool is_over(const struct bench *b)
{
	return b->begin_us && clk_mono_us() - b->begin_us >= b->for_us;
}


static void on_tick(void *arg)
{
	struct bench *b = arg;
	const struct store_stats stats = store_stats(b->store);
	const uint64_t done = stats.written + stats.quarantined;
	const bool is_full = b->put - done >= BACKLOG;

	if (b->begin_us == 0 && stats.written > 0)
		b->begin_us = clk_mono_us();
	if (!is_over(b) && !is_full)
		fill(b);
	if (b->err || (is_over(b) && done >= b->put)) {
		on_time(b);
		return;
	}
	ev_timer_start(&b->timer, b->ev, is_full || is_over(b) ? TICK_MS : 0,
		       on_tick, b);
}


static int bench_store(struct bench *b, unsigned seconds, const char *conninfo)
{
	static const struct log log = { .level = LOG_LEVEL_INHERIT };
	const struct store_args args = {
		.ev = b->ev,
		.conninfo = conninfo,
		.node = "bench",
		.quarantine = "quarantine",
		.journal = b->journal,
		.log = &log,
	};
	int err;

	b->for_us = seconds * INT64_C(1000000);
	err = store_alloc(&b->store, &args);
	if (err)
		return err;
	on_tick(b);
	(void)ev_run(b->ev);
	(void)printf("store: %" PRIu64 " records, %" PRIu64
		     " quarantined, %.0f records/s into PostgreSQL for %.1f "
		     "s\n",
		     store_stats(b->store).written,
		     store_stats(b->store).quarantined,
		     (double)store_stats(b->store).written * 1e6 /
			     (double)(b->end_us - b->begin_us),
		     (double)(b->end_us - b->begin_us) / 1e6);
	b->store = store_free(b->store);

	return b->err;
}


int main(int argc, char *argv[])
{
	static const struct log log = { .level = LOG_LEVEL_INHERIT };
	static struct bench b;
	struct journal_args args = { .log = &log };
	int err;

	if (argc < 4 || (strcmp(argv[1], "store") == 0 && argc < 5)) {
		(void)fprintf(stderr, "see the head of %s\n", __FILE__);
		return 2;
	}
	b.accounts = argc > 5 ? (uint32_t)strtoul(argv[5], NULL, 10) : 100;
	b.salt = (uint64_t)clk_wall_us() & 0xffffffff;
	err = ev_alloc(&b.ev);
	args.ev = b.ev;
	args.dir = argv[2];
	if (!err)
		err = journal_alloc(&b.journal, &args);
	if (!err && strcmp(argv[1], "store") == 0)
		err = bench_store(&b, (unsigned)strtoul(argv[3], NULL, 10),
				  argv[4]);
	else if (!err)
		err = bench_journal(&b, (unsigned)strtoul(argv[3], NULL, 10));
	if (err)
		(void)fprintf(stderr, "%s\n", strerror(err));
	journal_free(b.journal);
	ev_free(b.ev);

	return err ? 1 : 0;
}
