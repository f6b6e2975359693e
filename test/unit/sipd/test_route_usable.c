/**
 * @file test/unit/sipd/test_route_usable.c  Why a gateway is skipped
 *
 * call-setup 4.3, 4.4 and 4.6, and tests 16, 17, 20 and 21 of section 13.
 */
#include <time.h>

#include "test/support/t.h"
#include "test/unit/sipd/route_rig.h"

enum {
	VENDOR = 1,
	LOCKED_VENDOR,
	CUST = 21,
	REG = 41,
	REG_OFF,
	REG_BACK
};

enum {
	PLAIN = 1,
	FULL, /* Everything that can be wrong with it is */
	LOCKED,
	OF_LOCKED_VENDOR,
	LIMITED,
	DYNAMIC,
	TIED,
	TIED_OFF,
	TIED_BACK,
	NARROW, /* PCMA alone */
	FREE    /* Without clearing account */
};

static const struct route_row rows_in[] = {
	{ RECORD_ACCOUNT, VENDOR, "name=v|kind=clearing" },
	{ RECORD_ACCOUNT, LOCKED_VENDOR,
	  "name=w|kind=clearing|status=locked" },
	{ RECORD_GROUP, 1, "name=g|line_limit=1" },
	{ RECORD_MAPPING, CUST, "name=CUST|account=1" },
	{ RECORD_ROUTING, PLAIN, "name=plain|account=1|prefixes=1" },
	{ RECORD_ROUTING, FULL,
	  "name=full|account=2|lock=all|type=dynamic|username=u|line_limit=1"
	  "|cps_limit=5|group=1|codecs=PCMA|registration=41" },
	{ RECORD_ROUTING, LOCKED,
	  "name=locked|account=1|lock=all|prefixes=1" },
	{ RECORD_ROUTING, OF_LOCKED_VENDOR, "name=vendor|account=2" },
	{ RECORD_ROUTING, LIMITED,
	  "name=limited|account=1|line_limit=2|cps_limit=5" },
	{ RECORD_ROUTING, DYNAMIC, "name=dynamic|type=dynamic|username=d" },
	{ RECORD_ROUTING, TIED, "name=tied|registration=41" },
	{ RECORD_ROUTING, TIED_OFF, "name=tied_off|registration=42" },
	{ RECORD_ROUTING, TIED_BACK, "name=tied_back" },
	{ RECORD_ROUTING, NARROW, "name=narrow|codecs=PCMA,G729" },
	{ RECORD_ROUTING, FREE, "name=free" },
	{ RECORD_REGISTRATION, REG, "name=reg|sip_proxy=p.example" },
	{ RECORD_REGISTRATION, REG_OFF,
	  "name=reg_off|sip_proxy=p.example|enabled=Off" },
	{ RECORD_REGISTRATION, REG_BACK,
	  "name=reg_back|sip_proxy=p.example|gateway=9" },
};

static const struct route_param limit_10[] = {
	{ SERVER_VERIFY_CLEARING_CUSTOMER_REMAIN_MONEY_LIMIT, "10" },
};

static const struct sdp pcmu_offer = {
	.mediac = 1,
	.media = { { .kind = SDP_AUDIO,
		     .is_rtp = true,
		     .remote = { .family = AF_INET, .port = 4000 },
		     .payloadc = 1,
		     .payloads = { { .number = 0,
				     .name = "PCMU",
				     .rate = 8000 } } } },
};
static const struct sdp_codecs any_codec;


static void open_rig(struct route_rig *rr, const char *what, bool has_limit)
{
	assert_int_equal(route_rig_open(rr, what, rows_in, COUNT_OF(rows_in),
					limit_10, has_limit ? 1 : 0),
			 0);
}


static const char *token_of(struct route_rig *rr, uint32_t gateway,
			    const struct sdp *offer)
{
	return route_tokens[route_usable(&rr->v, gateway, offer, &any_codec)];
}


/* What is wrong is put right one by one: the next token shows */
static void the_first_token_of_the_table_is_named(void **state)
{
	struct route_rig rr;
	struct route_row rows[COUNT_OF(rows_in)];
	/* clang-format off */
	static const struct {
		const char *token;
		const char *fields;
	} steps[] = {
		{ "locked", "name=full|account=2|lock=all|type=dynamic|username=u|line_limit=1"
		  "|cps_limit=5|group=1|codecs=PCMA" },
		{ "offline", "name=full|account=2|type=dynamic|username=u|line_limit=1"
		  "|cps_limit=5|group=1|codecs=PCMA" },
	};
	/* clang-format on */
	(void)state;

	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		memcpy(rows, rows_in, sizeof(rows));
		for (size_t k = 0; k < COUNT_OF(rows); k++) {
			if (rows[k].kind == RECORD_ROUTING &&
			    rows[k].id == FULL)
				rows[k].fields = steps[i].fields;
		}
		assert_int_equal(route_rig_open(&rr, "first", rows,
						COUNT_OF(rows), limit_10, 1),
				 0);
		route_set_put(&rr.offline, 0, FULL, 1);
		route_set_put(&rr.unbound, 0, FULL, 1);
		route_set_put(&rr.shorts, 0, VENDOR, 1);
		route_set_put(&rr.shorts, 0, LOCKED_VENDOR, 1);
		route_set_put(&rr.used, LINES_ROUTING, FULL, 1);
		route_set_put(&rr.no_rate, LINES_ROUTING, FULL, 6);
		assert_string_equal(token_of(&rr, FULL, &pcmu_offer),
				    steps[i].token);
		if (i == 0) {
			route_rig_close(&rr);
			continue;
		}

		route_set_clear(&rr.offline);
		assert_string_equal(token_of(&rr, FULL, &pcmu_offer),
				    "unregistered");
		route_set_clear(&rr.unbound);
		assert_string_equal(token_of(&rr, FULL, &pcmu_offer),
				    "vendor_locked");
		route_rig_close(&rr);
	}
}


static void behind_the_vendor_come_money_lines_rates_codecs(void **state)
{
	struct route_rig rr;
	struct route_row rows[COUNT_OF(rows_in)];
	(void)state;

	memcpy(rows, rows_in, sizeof(rows));
	for (size_t k = 0; k < COUNT_OF(rows); k++) {
		if (rows[k].kind == RECORD_ROUTING && rows[k].id == FULL)
			rows[k].fields = "name=full|account=1|line_limit=2"
					 "|cps_limit=5|group=1|codecs=PCMA";
	}
	assert_int_equal(route_rig_open(&rr, "behind", rows, COUNT_OF(rows),
					limit_10, 1),
			 0);
	route_set_put(&rr.shorts, 0, VENDOR, 1);
	route_set_put(&rr.used, LINES_ROUTING, FULL, 2);
	route_set_put(&rr.no_rate, LINES_ROUTING, FULL, 6);

	assert_string_equal(token_of(&rr, FULL, &pcmu_offer),
			    "vendor_balance");
	route_set_clear(&rr.shorts);
	assert_string_equal(token_of(&rr, FULL, &pcmu_offer), "lines_full");
	route_set_put(&rr.used, LINES_ROUTING, FULL, 1);
	assert_string_equal(token_of(&rr, FULL, &pcmu_offer), "group_full");
	route_set_clear(&rr.used);
	assert_string_equal(token_of(&rr, FULL, &pcmu_offer), "cps_full");
	route_set_clear(&rr.no_rate);
	assert_string_equal(token_of(&rr, FULL, &pcmu_offer), "codec");
	assert_string_equal(token_of(&rr, FULL, NULL), "usable");
	route_rig_close(&rr);
}


static void each_token_has_its_cause(void **state)
{
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "cause", true);
	assert_string_equal(token_of(&rr, PLAIN, &pcmu_offer), "usable");
	assert_string_equal(token_of(&rr, LOCKED, NULL), "locked");
	assert_string_equal(token_of(&rr, OF_LOCKED_VENDOR, NULL),
			    "vendor_locked");
	assert_string_equal(token_of(&rr, NARROW, &pcmu_offer), "codec");
	assert_string_equal(token_of(&rr, 999, NULL), "locked");

	route_set_put(&rr.offline, 0, PLAIN, 1);
	assert_string_equal(token_of(&rr, PLAIN, NULL), "offline");

	assert_string_equal(token_of(&rr, DYNAMIC, NULL), "usable");
	route_set_put(&rr.unbound, 0, DYNAMIC, 1);
	route_set_put(&rr.unbound, 0, FREE, 1);
	assert_string_equal(token_of(&rr, DYNAMIC, NULL), "unregistered");
	assert_string_equal(token_of(&rr, FREE, NULL), "usable");
	route_rig_close(&rr);
}


static void a_tied_registration_must_be_registered(void **state)
{
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "tied", false);
	assert_string_equal(token_of(&rr, TIED, NULL), "usable");
	route_set_put(&rr.unregistered, 0, REG, 1);
	route_set_put(&rr.unregistered, 0, REG_OFF, 1);
	route_set_put(&rr.unregistered, 0, REG_BACK, 1);
	assert_string_equal(token_of(&rr, TIED, NULL), "unregistered");
	/* One that is off asks for nothing. */
	assert_string_equal(token_of(&rr, TIED_OFF, NULL), "usable");
	/* It may be the registration that names the gateway. */
	assert_string_equal(token_of(&rr, TIED_BACK, NULL), "unregistered");
	assert_string_equal(token_of(&rr, PLAIN, NULL), "usable");
	route_rig_close(&rr);
}


/* Section 13, test 16 */
static void limits_hold_at_their_number(void **state)
{
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "limits", false);
	route_set_put(&rr.used, LINES_ROUTING, LIMITED, 1);
	/* Lines of somebody else with that id */
	route_set_put(&rr.used, LINES_MAPPING, LIMITED, 9);
	assert_string_equal(token_of(&rr, LIMITED, NULL), "usable");
	route_set_put(&rr.used, LINES_ROUTING, LIMITED, 2);
	assert_string_equal(token_of(&rr, LIMITED, NULL), "lines_full");

	route_set_clear(&rr.used);
	route_set_put(&rr.no_rate, LINES_ROUTING, LIMITED, 5);
	assert_string_equal(token_of(&rr, LIMITED, NULL), "usable");
	route_set_put(&rr.no_rate, LINES_ROUTING, LIMITED, 6);
	assert_string_equal(token_of(&rr, LIMITED, NULL), "cps_full");
	/* Without a limit nobody is asked. */
	route_set_put(&rr.used, LINES_ROUTING, PLAIN, 1000000);
	route_set_put(&rr.no_rate, LINES_ROUTING, PLAIN, 1000000);
	assert_string_equal(token_of(&rr, PLAIN, NULL), "usable");
	route_rig_close(&rr);
}


/* Section 13, test 20 */
static void money_counts_only_with_the_parameter(void **state)
{
	(void)state;

	for (int has_limit = 0; has_limit < 2; has_limit++) {
		struct route_rig rr;

		open_rig(&rr, "money", has_limit);
		route_set_put(&rr.shorts, 0, VENDOR, 1);
		route_set_put(&rr.shorts, 0, 0, 1);
		assert_string_equal(token_of(&rr, PLAIN, NULL),
				    has_limit ? "vendor_balance" : "usable");
		assert_string_equal(token_of(&rr, FREE, NULL), "usable");
		route_rig_close(&rr);
	}
}


/* --- groups --------------------------------------------------------------- */

enum {
	A = 1, /* 3 reserved */
	B,     /* none */
	C,     /* a mapping gateway, 2 reserved */
	GROUP = 7
};

/* 4.4 with T = 8: five lines are reserved, three are common */
static void reserved_lines_can_refuse_another_member(void **state)
{
	static const struct route_row group[] = {
		{ RECORD_ACCOUNT, 1, "name=a" },
		{ RECORD_GROUP, GROUP, "name=g|line_limit=8" },
		{ RECORD_ROUTING, A, "name=A|group=7|reserved_lines=3" },
		{ RECORD_ROUTING, B, "name=B|group=7" },
		{ RECORD_ROUTING, 4, "name=D" },
		{ RECORD_MAPPING, C,
		  "name=C|account=1|group=7|reserved_lines=2" },
	};
	static const struct {
		uint32_t a, b, c;
		const char *may; /* A, B, C */
	} rows[] = {
		{ 0, 0, 0, "yyy" }, { 0, 2, 0, "yyy" }, { 0, 3, 0, "yny" },
		{ 2, 3, 1, "yny" }, { 3, 3, 1, "nny" }, { 3, 3, 2, "nnn" },
		{ 5, 0, 0, "yyy" }, { 6, 0, 0, "nny" }, { 3, 0, 5, "nnn" },
		{ 3, 1, 3, "yyy" }, { 0, 9, 0, "yny" },
	};
	struct route_rig rr;
	(void)state;

	assert_int_equal(route_rig_open(&rr, "group", group, COUNT_OF(group),
					NULL, 0),
			 0);
	route_set_put(&rr.used, LINES_ROUTING, 4, 1000);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		route_set_put(&rr.used, LINES_ROUTING, A, rows[i].a);
		route_set_put(&rr.used, LINES_ROUTING, B, rows[i].b);
		route_set_put(&rr.used, LINES_MAPPING, C, rows[i].c);
		assert_int_equal(route_group_has_line(&rr.v, GROUP,
						      LINES_ROUTING, A),
				 rows[i].may[0] == 'y');
		assert_int_equal(route_group_has_line(&rr.v, GROUP,
						      LINES_ROUTING, B),
				 rows[i].may[1] == 'y');
		assert_int_equal(route_group_has_line(&rr.v, GROUP,
						      LINES_MAPPING, C),
				 rows[i].may[2] == 'y');
	}
	assert_true(route_group_has_line(&rr.v, 99, LINES_ROUTING, A));
	route_rig_close(&rr);
}


/* More is reserved than there is: what is not reserved is nobody's. */
static void a_group_may_reserve_more_than_it_has(void **state)
{
	static const struct route_row group[] = {
		{ RECORD_GROUP, GROUP, "name=g|line_limit=4" },
		{ RECORD_ROUTING, A, "name=A|group=7|reserved_lines=5" },
		{ RECORD_ROUTING, B, "name=B|group=7" },
	};
	struct route_rig rr;
	(void)state;

	assert_int_equal(route_rig_open(&rr, "more", group, COUNT_OF(group),
					NULL, 0),
			 0);
	assert_false(route_group_has_line(&rr.v, GROUP, LINES_ROUTING, B));
	route_set_put(&rr.used, LINES_ROUTING, A, 4);
	assert_true(route_group_has_line(&rr.v, GROUP, LINES_ROUTING, A));
	route_set_put(&rr.used, LINES_ROUTING, A, 5);
	assert_false(route_group_has_line(&rr.v, GROUP, LINES_ROUTING, A));
	route_rig_close(&rr);
}


static int64_t local_us(int year, int month, int day, int hour, int minute,
			int second)
{
	struct tm tm = {
		.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_sec = second,
		.tm_isdst = -1,
	};

	return (int64_t)mktime(&tm) * 1000000;
}


static void a_calendar_is_read_in_the_system_s_time_zone(void **state)
{
	static const struct route_row group[] = {
		{ RECORD_GROUP, GROUP,
		  "name=g|line_limit=1|calendar=mon-fri 08:00-20:00 2,"
		  "mon-sun 20:00-24:00 0,mon 00:00-24:00 3" },
		{ RECORD_ROUTING, A, "name=A|group=7" },
	};
	/* 2026-03-02 is a Monday; New York is behind by 5 hours, then by 4 */
	static const struct {
		int month, day, hour, minute, second;
		uint32_t total; /* 0: none */
	} rows[] = {
		{ 3, 2, 8, 0, 0, 2 },    { 3, 2, 7, 59, 59, 3 },
		{ 3, 2, 19, 59, 59, 2 }, { 3, 2, 20, 0, 0, 0 },
		{ 3, 1, 23, 59, 59, 0 }, { 3, 1, 12, 0, 0, 1 },
		{ 3, 3, 7, 59, 0, 1 },   { 3, 6, 12, 0, 0, 2 },
		{ 3, 7, 12, 0, 0, 1 },   { 3, 9, 8, 0, 0, 2 },
		{ 3, 9, 7, 59, 0, 3 },
	};
	struct route_rig rr;
	(void)state;

	assert_int_equal(setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1), 0);
	tzset();
	assert_int_equal(route_rig_open(&rr, "calendar", group,
					COUNT_OF(group), NULL, 0),
			 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const uint32_t total = rows[i].total;

		rr.v.wall_us = local_us(2026, rows[i].month, rows[i].day,
					rows[i].hour, rows[i].minute,
					rows[i].second);
		route_set_put(&rr.used, LINES_ROUTING, A,
			      total ? total - 1 : 1000);
		if (!route_group_has_line(&rr.v, GROUP, LINES_ROUTING, A))
			fail_msg("row %zu is full too early", i);
		route_set_put(&rr.used, LINES_ROUTING, A, total);
		if (total &&
		    route_group_has_line(&rr.v, GROUP, LINES_ROUTING, A))
			fail_msg("row %zu is not full", i);
	}
	route_rig_close(&rr);
}


/* --- the rest ------------------------------------------------------------- */

static void what_none_is_depends_on_all_tokens(void **state)
{
	static const struct {
		enum route_token tokens[3];
		size_t count;
		enum end_reason reason;
		uint16_t code;
	} rows[] = {
		/* clang-format off */
		{ { 0 }, 0, END_NO_AVAILABLE_ROUTER, 503 },
		{ { ROUTE_FORBIDDEN }, 1, END_NO_AVAILABLE_ROUTER, 503 },
		{ { ROUTE_VENDOR_LOCKED }, 1, END_VENDOR_BALANCE_NOT_ENOUGH, 503 },
		{ { ROUTE_VENDOR_BALANCE, ROUTE_VENDOR_LOCKED }, 2,
		  END_VENDOR_BALANCE_NOT_ENOUGH, 503 },
		{ { ROUTE_VENDOR_BALANCE, ROUTE_LOCKED }, 2, END_ALL_GATEWAY_BUSY, 503 },
		{ { ROUTE_CODEC, ROUTE_CODEC }, 2, END_MEDIA_FAILURE, 488 },
		{ { ROUTE_CODEC, ROUTE_FORBIDDEN }, 2, END_MEDIA_FAILURE, 488 },
		{ { ROUTE_CODEC, ROUTE_VENDOR_LOCKED }, 2, END_ALL_GATEWAY_BUSY, 503 },
		{ { ROUTE_LOCKED }, 1, END_ALL_GATEWAY_BUSY, 503 },
		{ { ROUTE_OFFLINE, ROUTE_LINES_FULL, ROUTE_CPS_FULL }, 3,
		  END_ALL_GATEWAY_BUSY, 503 },
		{ { ROUTE_GROUP_FULL, ROUTE_UNREGISTERED, ROUTE_UNRESOLVED }, 3,
		  END_ALL_GATEWAY_BUSY, 503 },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const enum end_reason reason = route_none(rows[i].tokens,
							  rows[i].count);

		assert_int_equal(reason, rows[i].reason);
		assert_int_equal(end_defs[reason].code, rows[i].code);
	}
}


static void codecs_are_those_of_the_record(void **state)
{
	const struct cat_routing *gw;
	struct sdp_codecs codecs;
	const char *names[2];
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "codecs", false);
	gw = catalog_by_id(rr.c, RECORD_ROUTING, NARROW);
	route_codecs(&codecs, names, 2, rr.c, RECORD_ROUTING, gw->gw.codecs);
	assert_int_equal(codecs.namec, 2);
	assert_string_equal(codecs.names[0], "PCMA");
	assert_string_equal(codecs.names[1], "G729");
	route_codecs(&codecs, names, 1, rr.c, RECORD_ROUTING, gw->gw.codecs);
	assert_int_equal(codecs.namec, 1);
	gw = catalog_by_id(rr.c, RECORD_ROUTING, PLAIN);
	route_codecs(&codecs, names, 2, rr.c, RECORD_ROUTING, gw->gw.codecs);
	assert_int_equal(codecs.namec, 0);
	route_rig_close(&rr);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_token_of_the_table_is_named),
		cmocka_unit_test(
			behind_the_vendor_come_money_lines_rates_codecs),
		cmocka_unit_test(each_token_has_its_cause),
		cmocka_unit_test(a_tied_registration_must_be_registered),
		cmocka_unit_test(limits_hold_at_their_number),
		cmocka_unit_test(money_counts_only_with_the_parameter),
		cmocka_unit_test(reserved_lines_can_refuse_another_member),
		cmocka_unit_test(a_group_may_reserve_more_than_it_has),
		cmocka_unit_test(a_calendar_is_read_in_the_system_s_time_zone),
		cmocka_unit_test(what_none_is_depends_on_all_tokens),
		cmocka_unit_test(codecs_are_those_of_the_record),
	};

	return T_MAIN_ONLY(tests);
}
