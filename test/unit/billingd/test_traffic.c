/**
 * @file test/unit/billingd/test_traffic.c  Sums of calls
 */
#include "billingd/traffic.h"
#include "shared/base/util.h"
#include "shared/catalog/end_reason.h"
#include "test/support/t.h"

struct fixture {
	Tandem__CallEnded call;
	Tandem__Record record;
	Tandem__Charge charge;
	Tandem__Attempt attempt[3];
	Tandem__Attempt *attempts[3];
	char *names[3];
	struct traffic *traffic;
	struct row_text out;
};


static void call_of(struct fixture *f)
{
	tandem__call_ended__init(&f->call);
	tandem__record__init(&f->record);
	tandem__charge__init(&f->charge);
	f->call.record = &f->record;
	f->call.charge = &f->charge;
	f->call.attempt_name = f->names;
	f->call.n_attempt_name = COUNT_OF(f->names);
	f->record.attempts = f->attempts;
	for (size_t i = 0; i < COUNT_OF(f->attempt); i++) {
		tandem__attempt__init(&f->attempt[i]);
		f->attempts[i] = &f->attempt[i];
		f->names[i] = unconst(i == 0 ? "gw1" : "gw2");
	}
	f->record.cdr_id = unconst("01M7");
	f->record.start_us = 1700000000123456;
	f->record.end_reason = END_NORMAL_RELEASE;
	f->record.sip_code = 200;
	f->charge.account_name = unconst("c");
	f->charge.rate_prefix = unconst("44");
}


static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	call_of(&f);
	*state = &f;

	return traffic_alloc(&f.traffic);
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	traffic_free(f->traffic);
	free(f->out.p);

	return 0;
}


static const char *rows(struct fixture *f)
{
	f->out.l = 0;
	assert_int_equal(traffic_rows(f->traffic, &f->out), 0);
	row_bytes(&f->out, "", 1);

	return f->out.p;
}


/* --- tests ---------------------------------------------------------------- */

static void a_call_that_reached_nobody_counts_once(void **state)
{
	struct fixture *f = *state;

	f->record.end_reason = END_NO_RATE;
	f->record.sip_code = 403;
	f->record.n_attempts = 1;
	f->attempt[0].token = unconst("locked");
	assert_int_equal(traffic_add(f->traffic, &f->call), 0);
	assert_string_equal(rows(f),
			    "2023-11-14T22:00:00.000Z\t\tc\t44\tNoRate"
			    "\t403\t1\t0\t0\t0\t0\t0\t0\t0\t"
			    "2023-11-14T22:13:20.123Z\t"
			    "2023-11-14T22:13:20.123Z\n");
}


static void talk_and_money_are_with_the_last_attempt(void **state)
{
	struct fixture *f = *state;
	const char *text;

	f->record.n_attempts = 3;
	f->attempt[0].sip_code = 503;
	f->attempt[0].reason = END_ALL_GATEWAY_BUSY;
	f->attempt[1].sip_code = 200;
	f->attempt[2].token = unconst("down");
	f->record.answer_us = f->record.start_us + 2000000;
	f->charge.duration_ms = 60400;
	f->charge.fee = 30;
	f->charge.vendor_cost = 20;
	f->charge.margin = 10;
	assert_int_equal(traffic_add(f->traffic, &f->call), 0);
	f->record.start_us -= 1000000;
	assert_int_equal(traffic_add(f->traffic, &f->call), 0);
	text = rows(f);
	assert_non_null(strstr(text,
			       "\tgw1\tc\t44\tAllGatewayBusy\t503\t2\t0\t"
			       "0\t0\t0\t0\t0\t0\t2023"));
	assert_non_null(strstr(text, "\tgw2\tc\t44\tNormalRelease\t200\t2\t2\t"
				     "120800\t5000\t2\t60\t40\t20\t"
				     "2023-11-14T22:13:19.123Z\t"
				     "2023-11-14T22:13:20.123Z\n"));
}


static void what_is_emptied_is_gone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(traffic_add(f->traffic, &f->call), 0);
	traffic_empty(f->traffic);
	assert_string_equal(rows(f), "");
}


/* --- each allocation fails once ------------------------------------------- */

static int calls_are_counted(void)
{
	struct fixture f = { .out = { NULL, 0, 0, false } };
	int err;

	call_of(&f);
	err = traffic_alloc(&f.traffic);
	if (!err)
		err = traffic_add(f.traffic, &f.call);
	if (!err)
		err = traffic_rows(f.traffic, &f.out);
	traffic_free(f.traffic);
	free(f.out.p);

	return err;
}


#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_that_reached_nobody_counts_once),
		TEST(talk_and_money_are_with_the_last_attempt),
		TEST(what_is_emptied_is_gone),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(calls_are_counted),
	};

	return T_MAIN(tests, scenarios);
}
