/**
 * @file test/unit/sipd/test_route_test.c  What `route test` answers
 */
#include "sipd/identify.h"
#include "sipd/route_test.h"
#include "test/support/t.h"
#include "test/unit/sipd/route_rig.h"

enum {
	CUST = 21,
	FULL = 2,
	GOOD = 1
};

/* The example of operations 2, and what it does not show */
static const struct route_row rows_in[] = {
	{ RECORD_RATE_TABLE, 1, "name=gold" },
	{ RECORD_RATE_TABLE, 2, "name=cost" },
	{ RECORD_RATE_TABLE, 3, "name=empty" },
	{ RECORD_RATE, 1, "table=1|prefix=44|rate=0.02" },
	{ RECORD_RATE, 2, "table=2|prefix=44|rate=0.011" },
	{ RECORD_RATE, 3,
	  "table=1|prefix=44|rate=0.03|valid_from=2027-01-01T00:00:00Z" },
	{ RECORD_RATE, 4, "table=2|prefix=9|rate=1.000001" },
	{ RECORD_ACCOUNT, 1, "name=cust|rate_table=1" },
	{ RECORD_ACCOUNT, 2, "name=vendor|kind=clearing|rate_table=2" },
	{ RECORD_ACCOUNT, 3, "name=poor|rate_table=3" },
	{ RECORD_ACCOUNT, 4, "name=barred|rate_table=1|status=locked" },
	{ RECORD_MAPPING, CUST,
	  "name=CUST1|account=1|route_prefix_digits=2"
	  "|caller_rules=0*=880*|cause_map=503=480" },
	{ RECORD_MAPPING, 22, "name=CUST2|account=4|route_prefix_digits=2" },
	{ RECORD_ROUTING, FULL,
	  "name=GW2|prefixes=0044|priority=1|line_limit=30" },
	{ RECORD_ROUTING, GOOD,
	  "name=GW1|account=2|prefixes=00,09|priority=5"
	  "|callee_rules=00*=*|caller_rules=880*=00880*" },
	{ RECORD_ROUTING, 3,
	  "name=GW3|prefixes=00|lock=all|protect=On"
	  "|prefix_mode=expiration" },
	{ RECORD_ROUTING, 4, "name=GW4|prefixes=0044|mapping_mode=allow" },
	{ RECORD_ROUTING, 5, "name=GW5|prefixes=77" },
	{ RECORD_PHONE, 51, "number=1001|account=3" },
	{ RECORD_LIST, 1, "entry=0044666|list=callee_black" },
};

static const struct route_param values_in[] = {
	{ SERVER_BILLING_FREE_E164S, "7700*" },
};


static void open_rig(struct route_rig *rr, const char *what)
{
	assert_int_equal(route_rig_open(rr, what, rows_in, COUNT_OF(rows_in),
					values_in, COUNT_OF(values_in)),
			 0);
	route_set_put(&rr->used, LINES_ROUTING, FULL, 30);
	route_set_put(&rr->used, LINES_ROUTING, GOOD, 2);
}


/* The whole answer as one text, keys as they were put */
static char *ask(const struct route_rig *rr, const char *args_text)
{
	struct admin_answer answer = { 0 };
	json_t *args, *whole;
	char *text;
	int err;

	args = json_loads(args_text, 0, NULL);
	assert_non_null(args);
	err = route_test(&rr->v, args, &answer);
	json_decref(args);
	if (answer.code) {
		assert_null(answer.rows);
		whole = json_pack("{s:s,s:s}", "code", answer.code, "error",
				  answer.error);
	}
	else {
		assert_int_equal(err, 0);
		whole = json_pack("{s:o}", "rows", answer.rows);
		assert_int_equal(json_object_update(whole, answer.more), 0);
		json_decref(answer.more);
	}
	text = json_dumps(whole, JSON_COMPACT);
	json_decref(whole);
	assert_non_null(text);

	return text;
}


static void check(const struct route_rig *rr, const char *args,
		  const char *want)
{
	char *text = ask(rr, args);

	assert_string_equal(text, want);
	free(text);
}


static void check_has(const struct route_rig *rr, const char *args,
		      const char *want)
{
	char *text = ask(rr, args);

	if (!strstr(text, want))
		fail_msg("%s is not in %s", want, text);
	free(text);
}


static void the_example_is_answered_as_it_is_written(void **state)
{
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "rtexample");
	check(&rr,
	      "{\"from\":\"CUST1\",\"called\":\"0044201\","
	      "\"caller\":\"01711\"}",
	      "{\"rows\":["
	      "{\"order\":1,\"gateway\":\"GW2\",\"prefix\":\"0044\","
	      "\"mode\":\"extension\",\"priority\":1,\"protect\":false,"
	      "\"lines_used\":30,\"line_limit\":30,\"usable\":false,"
	      "\"token\":\"lines_full\"},"
	      "{\"order\":2,\"gateway\":\"GW1\",\"prefix\":\"00\","
	      "\"mode\":\"extension\",\"priority\":5,\"protect\":false,"
	      "\"lines_used\":2,\"line_limit\":0,\"usable\":true,"
	      "\"called_sent\":\"44201\",\"caller_sent\":\"008801711\","
	      "\"rate\":\"0.0200\",\"vendor_rate\":\"0.0110\","
	      "\"margin\":\"0.0090\"},"
	      "{\"order\":3,\"gateway\":\"GW3\",\"prefix\":\"00\","
	      "\"mode\":\"expiration\",\"priority\":10,\"protect\":true,"
	      "\"lines_used\":0,\"line_limit\":0,\"usable\":false,"
	      "\"token\":\"locked\"},"
	      "{\"order\":4,\"gateway\":\"GW4\",\"prefix\":\"0044\","
	      "\"mode\":\"extension\",\"priority\":10,\"protect\":false,"
	      "\"lines_used\":0,\"line_limit\":0,\"usable\":false,"
	      "\"token\":\"forbidden\"}],"
	      "\"steps\":["
	      "{\"step\":\"identify\",\"result\":\"CUST1\"},"
	      "{\"step\":\"numbers\",\"called\":\"0044201\","
	      "\"caller\":\"8801711\"},"
	      "{\"step\":\"admission\",\"result\":\"ok\"}],"
	      "\"final\":null}");
	route_rig_close(&rr);
}


static struct text local_host(const struct cat_routing *gw, void *arg)
{
	(void)arg;

	return text_of(gw->gw.row.id == GOOD ? "198.51.100.9" : "elsewhere");
}


static void from_is_shown_where_the_listener_is_known(void **state)
{
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "rtfrom");
	rr.v.local_host = local_host;
	check_has(&rr,
		  "{\"from\":\"CUST1\",\"called\":\"0044201\","
		  "\"caller\":\"01711\"}",
		  "\"caller_sent\":\"008801711\","
		  "\"from_header\":\"<sip:008801711@198.51.100.9>\","
		  "\"rate\"");
	route_rig_close(&rr);
}


static void what_the_caller_would_get_is_said(void **state)
{
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "rtfinal");
	/* No gateway; cause_map makes 480 of 503 */
	check(&rr, "{\"from\":\"CUST1\",\"called\":\"5544\"}",
	      "{\"rows\":[],\"steps\":["
	      "{\"step\":\"identify\",\"result\":\"CUST1\"},"
	      "{\"step\":\"numbers\",\"called\":\"5544\"},"
	      "{\"step\":\"admission\",\"result\":\"ok\"}],"
	      "\"final\":{\"code\":480,"
	      "\"end_reason\":\"NoAvailableRouter\"}}");
	/* All skipped */
	route_set_put(&rr.offline, 0, GOOD, 1);
	check_has(&rr, "{\"from\":\"CUST1\",\"called\":\"0044201\"}",
		  "\"final\":{\"code\":480,"
		  "\"end_reason\":\"AllGatewayBusy\"}");
	route_set_clear(&rr.offline);

	check_has(&rr, "{\"from\":\"CUST1\",\"called\":\"0044666\"}",
		  "{\"step\":\"admission\",\"result\":\"Blacklisted\"}],"
		  "\"final\":{\"code\":403,\"end_reason\":\"Blacklisted\"}");
	check_has(&rr, "{\"from\":\"CUST1\",\"called\":\"00$\"}",
		  "\"final\":{\"code\":484,\"end_reason\":\"NumberInvalid\"}");
	check_has(&rr, "{\"from\":\"CUST1\",\"called\":\"0033\"}",
		  "\"final\":{\"code\":403,\"end_reason\":\"NoRate\"}");
	check_has(&rr, "{\"from\":\"CUST2\",\"called\":\"0044201\"}",
		  "\"final\":{\"code\":403,\"end_reason\":\"AccountLocked\"}");
	route_rig_close(&rr);
}


static void rates_are_those_of_account_and_time(void **state)
{
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "rtrates");
	check_has(&rr,
		  "{\"from\":\"CUST1\",\"called\":\"0044201\","
		  "\"at\":\"2027-06-01T00:00:00Z\"}",
		  "\"rate\":\"0.0300\",\"vendor_rate\":\"0.0110\","
		  "\"margin\":\"0.0190\"");
	check_has(&rr,
		  "{\"from\":\"CUST1\",\"called\":\"0044201\","
		  "\"account\":\"poor\"}",
		  "\"rate\":null,\"vendor_rate\":\"0.0110\",\"margin\":null");
	check_has(&rr,
		  "{\"from\":\"CUST1\",\"called\":\"0044201\","
		  "\"account\":\"poor\"}",
		  "\"end_reason\":\"NoRate\"");
	check_has(&rr,
		  "{\"from\":\"CUST1\",\"called\":\"0044201\","
		  "\"account\":\"barred\"}",
		  "\"end_reason\":\"AccountLocked\"");
	/* More decimals, a margin below zero, a vendor without a rate */
	check_has(&rr, "{\"from\":\"CUST1\",\"called\":\"0944\"}",
		  "\"rate\":\"0.0200\",\"vendor_rate\":null,"
		  "\"margin\":null");
	check_has(&rr, "{\"from\":\"CUST1\",\"called\":\"00944\"}",
		  "\"vendor_rate\":\"1.000001\",\"margin\":null");
	/* A free number needs no rate. */
	check_has(&rr, "{\"from\":\"CUST1\",\"called\":\"7700\"}",
		  "\"rate\":\"0.0000\",\"vendor_rate\":null");
	check_has(&rr, "{\"from\":\"CUST1\",\"called\":\"7700\"}",
		  "\"final\":null");
	route_rig_close(&rr);
}


static void a_number_of_a_phone_goes_to_no_gateway(void **state)
{
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "rtlocal");
	check(&rr, "{\"from\":\"1001\",\"called\":\"1001\"}",
	      "{\"rows\":[],\"steps\":["
	      "{\"step\":\"identify\",\"result\":\"1001\"},"
	      "{\"step\":\"numbers\",\"called\":\"1001\"},"
	      "{\"step\":\"admission\",\"result\":\"NoRate\"},"
	      "{\"step\":\"routing\",\"result\":\"phone\","
	      "\"phone\":\"1001\"}],"
	      "\"final\":{\"code\":403,\"end_reason\":\"NoRate\"}}");
	check_has(&rr,
		  "{\"from\":\"1001\",\"called\":\"1001\","
		  "\"account\":\"cust\",\"caller\":\"9\"}",
		  "\"caller\":\"1001\"");
	route_rig_close(&rr);
}


static void bad_arguments_are_named(void **state)
{
	static const struct {
		const char *args;
		const char *want;
	} rows[] = {
		{ "{}", "{\"code\":\"invalid_value\",\"error\":"
			"\"called: a number is needed\"}" },
		{ "{\"called\":\"1\"}",
		  "{\"code\":\"not_found\",\"error\":"
		  "\"from: no mapping gateway or phone \"}" },
		{ "{\"called\":\"1\",\"from\":\"GW1\"}",
		  "{\"code\":\"not_found\",\"error\":"
		  "\"from: no mapping gateway or phone GW1\"}" },
		{ "{\"called\":\"1\",\"from\":\"CUST1\",\"at\":\"noon\"}",
		  "{\"code\":\"invalid_value\",\"error\":"
		  "\"at: noon is not a time (2026-01-31T08:00:00Z)\"}" },
		{ "{\"called\":\"1\",\"from\":\"CUST1\",\"account\":\"x\"}",
		  "{\"code\":\"not_found\",\"error\":"
		  "\"account: there is no x\"}" },
	};
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "rtbad");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check(&rr, rows[i].args, rows[i].want);
	route_rig_close(&rr);
}


static int a_route_is_tested(void)
{
	struct admin_answer answer = { 0 };
	struct route_rig rr;
	json_t *args;
	int err;

	err = route_rig_open(&rr, "rtnomem", rows_in, COUNT_OF(rows_in), NULL,
			     0);
	if (err)
		return err;
	args = json_pack("{s:s,s:s,s:s}", "from", "CUST1", "called", "0044201",
			 "at", "2026-03-01");
	err = route_test(&rr.v, args, &answer);
	if (!err && answer.code)
		err = EPROTO;
	json_decref(args);
	json_decref(answer.rows);
	json_decref(answer.more);
	route_rig_close(&rr);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_is_answered_as_it_is_written),
		cmocka_unit_test(from_is_shown_where_the_listener_is_known),
		cmocka_unit_test(what_the_caller_would_get_is_said),
		cmocka_unit_test(rates_are_those_of_account_and_time),
		cmocka_unit_test(a_number_of_a_phone_goes_to_no_gateway),
		cmocka_unit_test(bad_arguments_are_named),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_route_is_tested),
	};

	return T_MAIN(tests, scenarios);
}
