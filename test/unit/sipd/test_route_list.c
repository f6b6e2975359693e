/**
 * @file test/unit/sipd/test_route_list.c  Who may be tried, in which order
 *
 * The example of call-setup 4.2 and its variations, and the tests of section
 * 13 that are about order.
 */
#include "test/support/t.h"
#include "test/unit/sipd/route_rig.h"

#define NUMBER "12125550100"

enum {
	CUST = 21,
	OTHER,
	PHONE = 51,
	MANY = 300
};

static const struct route_caller cust = { RECORD_MAPPING, CUST };
static const struct route_caller other = { RECORD_MAPPING, OTHER };
static const struct route_caller phone = { RECORD_PHONE, PHONE };

#define CALLERS                                                    \
	{ RECORD_ACCOUNT, 1, "name=a" },                           \
		{ RECORD_MAPPING, CUST, "name=CUST|account=1" },   \
		{ RECORD_MAPPING, OTHER, "name=OTHER|account=1" }, \
	{                                                          \
		RECORD_PHONE, PHONE, "number=1001|account=1"       \
	}


static void check_list(struct route_rig *rr, const struct route_caller *caller,
		       const char *called, const char *want)
{
	struct route_list list, all;
	size_t allowed = 0;
	char dst[256];

	route_list_make(&list, &rr->v, caller, text_of(called));
	assert_string_equal(route_rig_names(rr, &list, dst), want);

	/* Route analysis begins with the same. */
	route_list_all(&all, &allowed, &rr->v, caller, text_of(called));
	assert_int_equal(allowed, list.count);
	for (size_t i = 0; i < allowed; i++) {
		assert_int_equal(all.rows[i].gateway, list.rows[i].gateway);
		assert_int_equal(all.rows[i].length, list.rows[i].length);
		assert_int_equal(all.rows[i].protect, list.rows[i].protect);
	}
}


static void the_example_has_its_order_in_every_variation(void **state)
{
	static const struct {
		const char *g2; /* What G2 has beside */
		const char *want;
	} rows[] = {
		{ "", "G2,G1,G3,G5,G4" },
		{ "|prefix_mode=expiration", "G2,G1,G4" },
		{ "|prefix_mode=expiration|mapping_mode=forbid"
		  "|mapping_names=21",
		  "G1,G3,G5,G4" },
		{ "|prefix_mode=expiration|mapping_mode=allow"
		  "|mapping_names=22",
		  "G1,G3,G5,G4" },
		{ "|prefix_mode=expiration|mapping_mode=allow"
		  "|mapping_names=22,21",
		  "G2,G1,G4" },
		/* Locked, it still ends the list, and is in it. */
		{ "|prefix_mode=expiration|lock=all", "G2,G1,G4" },
		{ "|prefix_mode=expiration|protect=On", "G1,G4,G2" },
		{ "|priority=20", "G1,G2,G3,G5,G4" },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char g2[256];
		const struct route_row rows_in[] = {
			CALLERS,
			{ RECORD_ROUTING, 1,
			  "name=G1|prefixes=1212|priority=20" },
			{ RECORD_ROUTING, 2, g2 },
			{ RECORD_ROUTING, 3, "name=G3|prefixes=1|priority=1" },
			{ RECORD_ROUTING, 4,
			  "name=G4|prefixes=1212|priority=1|protect=On" },
			{ RECORD_ROUTING, 5, "name=G5|prefixes=|priority=1" },
		};
		struct route_rig rr;

		/* A field that is given twice counts the second time. */
		(void)snprintf(g2, sizeof(g2),
			       "name=G2|prefixes=1212|priority=10%s",
			       rows[i].g2);
		assert_int_equal(route_rig_open(&rr, "example", rows_in,
						COUNT_OF(rows_in), NULL, 0),
				 0);
		check_list(&rr, &cust, NUMBER, rows[i].want);
		check_list(&rr, &cust, "999", "G5");
		route_rig_close(&rr);
	}
}


static void an_expired_length_ends_the_list_even_in_the_middle(void **state)
{
	static const struct route_row rows_in[] = {
		CALLERS,
		{ RECORD_ROUTING, 1, "name=A|prefixes=1212" },
		{ RECORD_ROUTING, 2,
		  "name=B|prefixes=12|prefix_mode=expiration" },
		{ RECORD_ROUTING, 3, "name=C|prefixes=12,1" },
		{ RECORD_ROUTING, 4, "name=D|prefixes=1" },
		{ RECORD_ROUTING, 5, "name=E|prefixes=1,|protect=On" },
	};
	struct route_rig rr;
	(void)state;

	assert_int_equal(route_rig_open(&rr, "middle", rows_in,
					COUNT_OF(rows_in), NULL, 0),
			 0);
	check_list(&rr, &cust, NUMBER, "A,B,C");
	check_list(&rr, &cust, "13", "C,D,E");
	check_list(&rr, &cust, "2", "E");
	check_list(&rr, &cust, "", "E");
	route_rig_close(&rr);
}


static void mapping_mode_hides_gateways_from_callers(void **state)
{
	static const struct route_row rows_in[] = {
		CALLERS,
		{ RECORD_ROUTING, 1, "name=ALL|prefixes=1|mapping_names=22" },
		{ RECORD_ROUTING, 2,
		  "name=ALLOW|prefixes=1|mapping_mode=allow"
		  "|mapping_names=21" },
		{ RECORD_ROUTING, 3,
		  "name=FORBID|prefixes=1|mapping_mode=forbid"
		  "|mapping_names=21" },
		{ RECORD_ROUTING, 4,
		  "name=NOBODY|prefixes=1|mapping_mode=allow" },
	};
	struct route_list list;
	struct route_rig rr;
	size_t allowed;
	char dst[256];
	(void)state;

	assert_int_equal(route_rig_open(&rr, "mode", rows_in,
					COUNT_OF(rows_in), NULL, 0),
			 0);
	check_list(&rr, &cust, "1", "ALL,ALLOW");
	check_list(&rr, &other, "1", "ALL,FORBID");
	check_list(&rr, &phone, "1", "ALL,FORBID");

	route_list_all(&list, &allowed, &rr.v, &cust, text_of("1"));
	assert_int_equal(allowed, 2);
	assert_string_equal(route_rig_names(&rr, &list, dst),
			    "ALL,ALLOW,FORBID,NOBODY");
	route_rig_close(&rr);
}


/* 4.2.3: shares 1/4 and 2/8 are equal, names decide; without limit calls */
static void equal_priority_goes_by_lines_in_use(void **state)
{
	static const struct route_row rows_in[] = {
		CALLERS,
		{ RECORD_ROUTING, 1, "name=A|prefixes=1|line_limit=4" },
		{ RECORD_ROUTING, 2, "name=B|prefixes=1|line_limit=8" },
		{ RECORD_ROUTING, 3, "name=C|prefixes=1" },
		{ RECORD_ROUTING, 4, "name=D|prefixes=1" },
	};
	static const struct {
		uint32_t used[4];
		const char *want;
	} rows[] = {
		{ { 0, 0, 0, 0 }, "A,B,C,D" },
		{ { 1, 2, 0, 0 }, "C,D,A,B" },
		{ { 2, 2, 0, 0 }, "C,D,B,A" },
		{ { 1, 3, 0, 0 }, "C,D,A,B" },
		{ { 1, 1, 9, 8 }, "D,C,B,A" },
		{ { 0, 1, 1, 0 }, "A,D,C,B" },
		{ { 4, 8, 4000000000u, 4000000000u }, "C,D,A,B" },
		{ { 4000000000u, 4000000000u, 0, 1 }, "C,D,B,A" },
	};
	struct route_rig rr;
	(void)state;

	assert_int_equal(route_rig_open(&rr, "share", rows_in,
					COUNT_OF(rows_in), NULL, 0),
			 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (uint32_t k = 0; k < 4; k++)
			route_set_put(&rr.used, LINES_ROUTING, k + 1,
				      rows[i].used[k]);
		check_list(&rr, &cust, NUMBER, rows[i].want);
	}
	route_rig_close(&rr);
}


/* Section 13, test 18 and 19 */
static void prefixes_and_priorities_follow_the_tests(void **state)
{
	static const struct route_row extension[] = {
		CALLERS,
		{ RECORD_ROUTING, 1, "name=GW1|prefixes=1212" },
		{ RECORD_ROUTING, 2, "name=GW2|prefixes=1" },
	};
	static const struct route_row expiration[] = {
		CALLERS,
		{ RECORD_ROUTING, 1,
		  "name=GW1|prefixes=1212|prefix_mode=expiration" },
		{ RECORD_ROUTING, 2, "name=GW2|prefixes=1" },
	};
	static const struct route_row priority[] = {
		CALLERS,
		{ RECORD_ROUTING, 1, "name=GW1|prefixes=1|priority=2" },
		{ RECORD_ROUTING, 2, "name=GW2|prefixes=1|priority=1" },
		{ RECORD_ROUTING, 3,
		  "name=GW3|prefixes=1212|priority=1|protect=On" },
	};
	static const struct {
		const struct route_row *rows_in;
		size_t count;
		const char *want;
	} rows[] = {
		{ extension, COUNT_OF(extension), "GW1,GW2" },
		{ expiration, COUNT_OF(expiration), "GW1" },
		{ priority, COUNT_OF(priority), "GW2,GW1,GW3" },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct route_rig rr;

		assert_int_equal(route_rig_open(&rr, "tests", rows[i].rows_in,
						rows[i].count, NULL, 0),
				 0);
		check_list(&rr, &cust, NUMBER, rows[i].want);
		route_rig_close(&rr);
	}
}


static void a_row_says_length_and_protect(void **state)
{
	static const struct route_row rows_in[] = {
		CALLERS,
		{ RECORD_ROUTING, 1, "name=A|prefixes=1,1212,12" },
		{ RECORD_ROUTING, 2, "name=B|prefixes=|protect=On" },
	};
	struct route_list list;
	struct route_rig rr;
	(void)state;

	assert_int_equal(route_rig_open(&rr, "row", rows_in, COUNT_OF(rows_in),
					NULL, 0),
			 0);
	route_list_make(&list, &rr.v, &cust, text_of(NUMBER));
	assert_int_equal(list.count, 2);
	assert_int_equal(list.rows[0].gateway, 1);
	assert_int_equal(list.rows[0].length, 4);
	assert_false(list.rows[0].protect);
	assert_int_equal(list.rows[1].gateway, 2);
	assert_int_equal(list.rows[1].length, 0);
	assert_true(list.rows[1].protect);

	assert_int_equal(route_local(rr.c, text_of("1001")), PHONE);
	assert_int_equal(route_local(rr.c, text_of("1002")), 0);
	route_rig_close(&rr);
}


/* Rows whose names run against their priorities, so that the best come last */
static int open_many(struct route_rig *rr, const char *what)
{
	static const struct route_row callers[] = { CALLERS };
	static char fields[MANY][96];
	static struct route_row rows_in[MANY + COUNT_OF(callers)];

	memcpy(rows_in, callers, sizeof(callers));
	for (size_t i = 0; i < MANY; i++) {
		(void)snprintf(fields[i], sizeof(fields[i]),
			       "name=G%03zu|prefixes=%s|priority=%zu", i,
			       i == 0 ? "1" : "1212", MANY - i);
		rows_in[COUNT_OF(callers) + i] = (struct route_row){
			RECORD_ROUTING, (uint32_t)i + 1, fields[i]
		};
	}

	return route_rig_open(rr, what, rows_in, COUNT_OF(rows_in), NULL, 0);
}


static void of_many_the_best_are_kept(void **state)
{
	struct route_list list;
	struct route_rig rr;
	(void)state;

	assert_int_equal(open_many(&rr, "many"), 0);
	route_list_make(&list, &rr.v, &cust, text_of(NUMBER));
	assert_int_equal(list.count, ROUTE_CANDIDATES_MAX);
	for (size_t i = 0; i < list.count; i++)
		assert_int_equal(list.rows[i].gateway, MANY - i);
	/* One look at each, no more */
	assert_int_equal(rr.asked, MANY);
	route_rig_close(&rr);
}


/* Without memory for all, what there is room for is routed by */
static int a_list_is_made_without_memory(void)
{
	struct route_list list = { 0 };
	struct route_rig rr;
	int err;

	err = open_many(&rr, "nomem");
	if (err)
		return err;
	route_list_make(&list, &rr.v, &cust, text_of(NUMBER));
	err = list.count == ROUTE_CANDIDATES_MAX ? 0 : EPROTO;
	if (!err && list.rows[0].gateway != MANY)
		err = ENOMEM;
	route_rig_close(&rr);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_has_its_order_in_every_variation),
		cmocka_unit_test(
			an_expired_length_ends_the_list_even_in_the_middle),
		cmocka_unit_test(mapping_mode_hides_gateways_from_callers),
		cmocka_unit_test(equal_priority_goes_by_lines_in_use),
		cmocka_unit_test(prefixes_and_priorities_follow_the_tests),
		cmocka_unit_test(a_row_says_length_and_protect),
		cmocka_unit_test(of_many_the_best_are_kept),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_list_is_made_without_memory),
	};

	return T_MAIN(tests, scenarios);
}
