/**
 * @file test/unit/sipd/test_route_admit.c  call-setup 3, rows 1 to 6
 */
#include "test/support/t.h"
#include "test/unit/sipd/route_rig.h"

enum {
	CUST = 21, /* Everything that can be wrong with it is */
	GOOD,
	IN_GROUP,
	MAPPING_OF_FEW,
	PHONE = 51,
	DISABLED,
	LIMITED,
	OF_FEW
};

static const struct route_row rows_in[] = {
	{ RECORD_ACCOUNT, 1, "name=a" },
	{ RECORD_ACCOUNT, 2, "name=locked|status=locked" },
	{ RECORD_ACCOUNT, 3, "name=few|line_limit=2" },
	{ RECORD_GROUP, 7, "name=g|line_limit=1" },
	{ RECORD_MAPPING, CUST,
	  "name=CUST|account=2|lock=all|line_limit=2|cps_limit=5|group=7" },
	{ RECORD_MAPPING, GOOD,
	  "name=GOOD|account=1|line_limit=2|cps_limit=5" },
	{ RECORD_MAPPING, IN_GROUP, "name=IN_GROUP|account=1|group=7" },
	{ RECORD_PHONE, PHONE, "number=1001|account=1" },
	{ RECORD_PHONE, DISABLED, "number=1002|account=2|enabled=Off" },
	{ RECORD_PHONE, LIMITED, "number=1003|account=2|line_limit=1" },
	{ RECORD_PHONE, OF_FEW, "number=1004|account=3" },
	{ RECORD_MAPPING, MAPPING_OF_FEW, "name=FEW|account=3|line_limit=5" },
	{ RECORD_LIST, 1, "entry=900*|list=callee_black" },
	{ RECORD_LIST, 2, "entry=666|list=caller_black" },
};

static const struct route_param limits[] = {
	{ SS_MAX_CALLS, "10" },
	{ SS_MAX_CPS, "20" },
};


static struct number number_of(const char *text)
{
	struct number number;

	number_clean(&number, text_of(text));

	return number;
}


static const char *admit(const struct route_rig *rr, enum record_kind kind,
			 uint32_t id, const char *caller, const char *called)
{
	const struct route_caller from = { kind, id };
	const struct number a = number_of(caller), b = number_of(called);

	return end_defs[route_admit(&rr->v, &from, &a, &b, false)].token;
}


static void open_rig(struct route_rig *rr, const char *what)
{
	assert_int_equal(route_rig_open(rr, what, rows_in, COUNT_OF(rows_in),
					limits, COUNT_OF(limits)),
			 0);
}


/* All is wrong; put right row by row, the next row's reason shows */
static void the_first_row_that_fails_decides(void **state)
{
	static const struct {
		const char *fields;
		const char *caller, *called;
		uint32_t all, lines;
		const char *reason;
	} rows[] = {
		/* clang-format off */
		{ "lock=all|account=2|line_limit=2", "666", "", 10, 2, "NumberInvalid" },
		{ "lock=all|account=2|line_limit=2", "666", "900", 10, 2, "CapacityLimit" },
		{ "lock=all|account=2|line_limit=2", "666", "900", 9, 2, "AccountLocked" },
		{ "account=2|line_limit=2", "666", "900", 9, 2, "CapacityLimit" },
		{ "account=2|line_limit=2", "666", "900", 9, 1, "Blacklisted" },
		{ "account=2|line_limit=2", "666", "800", 9, 1, "Blacklisted" },
		{ "account=2|line_limit=2", "600", "900", 9, 1, "Blacklisted" },
		{ "account=2|line_limit=2", "600", "800", 9, 1, "AccountLocked" },
		{ "account=1|line_limit=2", "600", "800", 9, 1, "" },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct route_row records_in[COUNT_OF(rows_in)];
		struct route_rig rr;
		char fields[128];

		memcpy(records_in, rows_in, sizeof(records_in));
		(void)snprintf(fields, sizeof(fields), "name=CUST|%s",
			       rows[i].fields);
		records_in[4].fields = fields;
		assert_int_equal(route_rig_open(&rr, "order", records_in,
						COUNT_OF(records_in), limits,
						COUNT_OF(limits)),
				 0);
		route_set_put(&rr.used, LINES_ALL, 1, rows[i].all);
		route_set_put(&rr.used, LINES_MAPPING, CUST, rows[i].lines);
		assert_string_equal(admit(&rr, RECORD_MAPPING, CUST,
					  rows[i].caller, rows[i].called),
				    rows[i].reason);
		route_rig_close(&rr);
	}
}


static void limits_of_the_switch_count_from_their_number(void **state)
{
	const struct route_caller from = { RECORD_MAPPING, GOOD };
	const struct number n = number_of("1");
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "switch");
	assert_string_equal(admit(&rr, RECORD_MAPPING, GOOD, "1", "1"), "");
	assert_int_equal(route_retry_after_s(&rr.v, false), 1);
	assert_int_equal(route_admit(&rr.v, &from, &n, &n, true),
			 END_CAPACITY_LIMIT);
	assert_int_equal(route_retry_after_s(&rr.v, true), 5);

	route_set_put(&rr.used, LINES_ALL, 1, 10);
	assert_string_equal(admit(&rr, RECORD_MAPPING, GOOD, "1", "1"),
			    "CapacityLimit");
	assert_int_equal(route_retry_after_s(&rr.v, false), 5);
	route_set_put(&rr.used, LINES_ALL, 1, 9);

	route_set_put(&rr.no_rate, LINES_ALL, 1, 20);
	assert_string_equal(admit(&rr, RECORD_MAPPING, GOOD, "1", "1"), "");
	route_set_put(&rr.no_rate, LINES_ALL, 1, 21);
	assert_string_equal(admit(&rr, RECORD_MAPPING, GOOD, "1", "1"),
			    "CapacityLimit");
	assert_int_equal(route_retry_after_s(&rr.v, false), 5);
	route_rig_close(&rr);
}


static void limits_of_the_caller_count_from_their_number(void **state)
{
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "caller");
	/* Those of a routing gateway with its id are not its own. */
	route_set_put(&rr.used, LINES_ROUTING, GOOD, 99);
	route_set_put(&rr.used, LINES_MAPPING, GOOD, 1);
	assert_string_equal(admit(&rr, RECORD_MAPPING, GOOD, "1", "1"), "");
	route_set_put(&rr.used, LINES_MAPPING, GOOD, 2);
	assert_string_equal(admit(&rr, RECORD_MAPPING, GOOD, "1", "1"),
			    "CapacityLimit");
	route_set_clear(&rr.used);

	route_set_put(&rr.no_rate, LINES_MAPPING, GOOD, 5);
	assert_string_equal(admit(&rr, RECORD_MAPPING, GOOD, "1", "1"), "");
	route_set_put(&rr.no_rate, LINES_MAPPING, GOOD, 6);
	assert_string_equal(admit(&rr, RECORD_MAPPING, GOOD, "1", "1"),
			    "CapacityLimit");
	assert_int_equal(route_retry_after_s(&rr.v, false), 1);

	assert_string_equal(admit(&rr, RECORD_MAPPING, IN_GROUP, "1", "1"),
			    "");
	route_set_put(&rr.used, LINES_MAPPING, CUST, 1);
	assert_string_equal(admit(&rr, RECORD_MAPPING, IN_GROUP, "1", "1"),
			    "CapacityLimit");
	route_rig_close(&rr);
}


static void phones_have_rows_of_their_own(void **state)
{
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "phone");
	assert_string_equal(admit(&rr, RECORD_PHONE, PHONE, "1001", "1"), "");
	route_set_put(&rr.used, LINES_PHONE, PHONE, 1000);
	assert_string_equal(admit(&rr, RECORD_PHONE, PHONE, "1001", "1"), "");
	/* Disabled comes before the lock of its account: the same to see */
	assert_string_equal(admit(&rr, RECORD_PHONE, DISABLED, "1", "900"),
			    "AccountLocked");
	route_set_put(&rr.used, LINES_PHONE, LIMITED, 1);
	assert_string_equal(admit(&rr, RECORD_PHONE, LIMITED, "1", "900"),
			    "CapacityLimit");
	route_set_put(&rr.used, LINES_PHONE, LIMITED, 0);
	assert_string_equal(admit(&rr, RECORD_PHONE, LIMITED, "1", "900"),
			    "Blacklisted");
	assert_string_equal(admit(&rr, RECORD_PHONE, LIMITED, "1", "1"),
			    "AccountLocked");
	route_rig_close(&rr);
}


/* Whatever its calls come from */
static void lines_of_an_account_are_counted_together(void **state)
{
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "account");
	route_set_put(&rr.used, LINES_ACCOUNT, 3, 1);
	assert_string_equal(admit(&rr, RECORD_PHONE, OF_FEW, "1", "1"), "");
	assert_string_equal(admit(&rr, RECORD_MAPPING, MAPPING_OF_FEW, "1",
				  "1"),
			    "");
	route_set_put(&rr.used, LINES_ACCOUNT, 3, 2);
	/* Not what comes later */
	assert_string_equal(admit(&rr, RECORD_PHONE, OF_FEW, "666", "900"),
			    "CapacityLimit");
	assert_string_equal(admit(&rr, RECORD_MAPPING, MAPPING_OF_FEW, "1",
				  "1"),
			    "CapacityLimit");
	assert_int_equal(route_retry_after_s(&rr.v, false), 1);
	/* Those of another one, which has no limit */
	route_set_put(&rr.used, LINES_ACCOUNT, 1, 1000);
	assert_string_equal(admit(&rr, RECORD_PHONE, PHONE, "1", "1"), "");
	route_rig_close(&rr);
}


static void who_is_not_there_may_not_call(void **state)
{
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "nobody");
	assert_string_equal(admit(&rr, RECORD_MAPPING, 999, "1", "1"),
			    "UnauthorizedSource");
	assert_string_equal(admit(&rr, RECORD_PHONE, 999, "1", "1"),
			    "UnauthorizedSource");
	assert_string_equal(admit(&rr, RECORD_ROUTING, GOOD, "1", "1"),
			    "UnauthorizedSource");
	route_rig_close(&rr);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_row_that_fails_decides),
		cmocka_unit_test(limits_of_the_switch_count_from_their_number),
		cmocka_unit_test(limits_of_the_caller_count_from_their_number),
		cmocka_unit_test(phones_have_rows_of_their_own),
		cmocka_unit_test(lines_of_an_account_are_counted_together),
		cmocka_unit_test(who_is_not_there_may_not_call),
	};

	return T_MAIN_ONLY(tests);
}
