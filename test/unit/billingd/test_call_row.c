/**
 * @file test/unit/billingd/test_call_row.c  Records as PostgreSQL takes them
 */
#include "billingd/call_row.h"
#include "billingd/lost.h"
#include "shared/base/util.h"
#include "shared/catalog/end_reason.h"
#include "test/support/t.h"

struct fixture {
	Tandem__CallEnded call;
	Tandem__Record record;
	Tandem__Charge charge;
	Tandem__Attempt attempt;
	Tandem__Attempt *attempts[1];
	char *names[1];
	struct row_text out;
};


static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	tandem__call_ended__init(&f.call);
	tandem__record__init(&f.record);
	tandem__charge__init(&f.charge);
	tandem__attempt__init(&f.attempt);
	f.call.record = &f.record;
	f.call.charge = &f.charge;
	f.record.cdr_id = unconst("01M7");
	f.record.start_us = 1700000000123456;
	f.record.end_reason = END_NORMAL_RELEASE;
	f.record.end_side = END_SIDE_CALLER;
	f.attempts[0] = &f.attempt;
	f.names[0] = unconst("gw");
	*state = &f;

	return 0;
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->out.p);

	return 0;
}


static size_t count(const char *p, char c)
{
	size_t n = 0;

	for (; *p; p++)
		n += *p == c;

	return n;
}


/* The row as a text; its newline is checked. */
static const char *row(struct fixture *f)
{
	f->out.l = 0;
	assert_int_equal(call_row(&f->out, &f->call), 0);
	assert_int_equal(f->out.p[f->out.l - 1], '\n');
	f->out.p[f->out.l - 1] = '\0';

	return f->out.p;
}


/* --- tests ---------------------------------------------------------------- */

static void there_are_as_many_values_as_columns(void **state)
{
	const char *text = row(*state);

	assert_int_equal(count(text, '\t'), count(call_row_columns, ','));
	assert_true(strncmp(text, "01M7\t\\N\t2023-11-14T22:13:20.123Z\t",
			    33) == 0);
	assert_non_null(strstr(text, "\tNormalRelease\t"));
}


static void entries_are_what_is_paid_and_earned(void **state)
{
	struct fixture *f = *state;
	uint64_t n = 4;

	assert_int_equal(call_row_entries(&f->out, &f->call, &n), 0);
	assert_int_equal(f->out.l, 0);
	f->charge.account = 7;
	f->charge.agent = 8;
	f->charge.clearing = 9;
	f->charge.fee = 300;
	f->charge.commission = 30;
	f->charge.vendor_cost = 200;
	assert_int_equal(call_row_entries(&f->out, &f->call, &n), 0);
	assert_memory_equal(f->out.p,
			    "5\t7\t-300\tcall\t01M7\n"
			    "6\t8\t30\tcommission\t01M7\n"
			    "7\t9\t-200\tcall\t01M7\n",
			    f->out.l);
	assert_int_equal(n, 7);

	/* Who sells to himself has one entry. */
	f->charge.clearing = 7;
	f->charge.agent = 0;
	f->out.l = 0;
	assert_int_equal(call_row_entries(&f->out, &f->call, &n), 0);
	assert_memory_equal(f->out.p, "8\t7\t-500\tcall\t01M7\n", f->out.l);
}


static void attempts_are_rows_too(void **state)
{
	struct fixture *f = *state;

	f->record.attempts = f->attempts;
	f->record.n_attempts = 1;
	f->attempt.token = unconst("down");
	assert_int_equal(call_row_attempts(&f->out, &f->call), 0);
	assert_memory_equal(f->out.p,
			    "01M7\t2023-11-14T22:13:20.123Z\t1\t\t\\N\t\\N"
			    "\t\\N\t\\N\t\\N\tdown\n",
			    f->out.l);
}


static void calls_that_a_report_names_are_odd(void **state)
{
	struct fixture *f = *state;

	f->charge.silent_tail_ms = 5000;
	f->charge.duration_s = 59;
	assert_false(call_is_odd(&f->call));
	f->charge.duration_s = 60;
	assert_true(call_is_odd(&f->call));
	assert_int_equal(call_row_odd(&f->out, &f->call, 3), 0);
	f->out.p[f->out.l - 1] = '\0';
	assert_int_equal(count(f->out.p, '\t'),
			 count(call_row_columns, ',') +
				 count(call_own_columns, ','));
	assert_memory_equal(f->out.p, "3\t0\t0\t0\t0\t\\N\t01M7\t", 18);
}


static void what_a_peer_sends_stays_in_its_column(void **state)
{
	struct fixture *f = *state;

	f->record.caller = unconst("a\tb\nc\\d\x01\xff");
	f->record.called = unconst("\xc3\xa4");
	assert_non_null(strstr(row(f), "\ta_b_c\\\\d__\t"));
	assert_non_null(strstr(row(f), "\t\xc3\xa4\t"));
	assert_int_equal(count(row(f), '\t'), count(call_row_columns, ','));
}


static void a_long_text_is_cut_to_128_characters(void **state)
{
	struct fixture *f = *state;
	char longer[300], kept[131];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	memset(kept, 'x', sizeof(kept) - 1);
	kept[0] = kept[129] = '\t';
	kept[130] = '\0';
	f->record.end_detail = longer;
	assert_non_null(strstr(row(f), kept));
}


static void attempts_are_json_within_the_column(void **state)
{
	struct fixture *f = *state;

	f->record.attempts = f->attempts;
	f->record.n_attempts = 1;
	f->call.attempt_name = f->names;
	f->call.n_attempt_name = 1;
	f->names[0] = unconst("g\"w\\");
	f->attempt.sip_code = 503;
	f->attempt.ms = 12;
	assert_non_null(strstr(row(f), "\t[{\"gateway\":\"g\\\\\"w\\\\\\\\\","
				       "\"ms\":12,\"sip_code\":503}]\t"));
}


static void numbers_out_of_range_are_left_out(void **state)
{
	struct fixture *f = *state;

	f->record.sip_code = 99999;
	f->record.q850 = 128;
	f->record.end_reason = UINT32_MAX;
	f->record.end_side = UINT32_MAX;
	f->record.media = UINT32_MAX;
	f->record.transport = UINT32_MAX;
	f->charge.mode = UINT32_MAX;
	assert_null(strstr(row(f), "99999"));
	assert_non_null(strstr(row(f), "\tInternalError\t"));
}


static void a_lost_call_ends_at_its_last_sign_of_life(void **state)
{
	struct fixture *f = *state;

	f->record.answer_us = 1000;
	lost_end(&f->record, 5001000);
	assert_int_equal(f->record.duration_us, 5000000);
	assert_int_equal(f->record.end_us, 5001000);
	assert_int_equal(f->record.end_reason, END_SYSTEM_RECOVERY);
	assert_int_equal(f->record.end_side, END_SIDE_SERVER);
	assert_int_equal(f->record.q850, 41);

	/* Its clock was set back: it was not shorter than nothing. */
	lost_end(&f->record, 500);
	assert_int_equal(f->record.duration_us, 0);
}


/* --- each allocation fails once ------------------------------------------- */

static int a_row_is_written(void)
{
	void *state;
	struct fixture *f;
	int err;

	(void)setup(&state);
	f = state;
	err = call_row(&f->out, &f->call);
	if (err)
		assert_int_equal(f->out.l, 0);
	free(f->out.p);

	return err;
}


#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(there_are_as_many_values_as_columns),
		TEST(entries_are_what_is_paid_and_earned),
		TEST(attempts_are_rows_too),
		TEST(calls_that_a_report_names_are_odd),
		TEST(what_a_peer_sends_stays_in_its_column),
		TEST(a_long_text_is_cut_to_128_characters),
		TEST(attempts_are_json_within_the_column),
		TEST(numbers_out_of_range_are_left_out),
		TEST(a_lost_call_ends_at_its_last_sign_of_life),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_row_is_written),
	};

	return T_MAIN(tests, scenarios);
}
