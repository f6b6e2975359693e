/**
 * @file test/unit/billingd/test_record_line.c  What a record says, and if it
 * is one
 */
#include "billingd/record_line.h"
#include "shared/catalog/end_reason.h"
#include "test/support/t.h"
#include "test/unit/catalog/lines.h"

struct fixture {
	struct rig rig;
	const struct catalog *c;
};


static int setup(void **state)
{
	static struct fixture f;

	f.c = open_lines(&f.rig, "record_line");
	*state = &f;

	return 0;
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	close_lines(&f->rig, f->c);

	return 0;
}


static void assert_line(const struct fixture *f, const Tandem__Record *r,
			const char *expected)
{
	char *line = NULL;

	assert_int_equal(record_line(&line, f->c, r), 0);
	assert_string_equal(line, expected);
	free(line);
}


static Tandem__Record record_of(char *id)
{
	Tandem__Record r;

	tandem__record__init(&r);
	r.cdr_id = id;
	r.start_us = 1750000000123456;

	return r;
}


static void a_full_record_has_every_field_by_its_name(void **state)
{
	Tandem__Attempt skipped, tried;
	Tandem__Attempt *attempts[] = { &skipped, &tried };
	Tandem__MediaSide a = TANDEM__MEDIA_SIDE__INIT;
	Tandem__Record r = record_of((char[]){ "01JX" });

	tandem__attempt__init(&skipped);
	tandem__attempt__init(&tried);
	skipped.gateway = WAY2;
	skipped.token = (char[]){ "line_limit" };
	tried.gateway = WAY1;
	tried.address = (char[]){ "203.0.113.1:5060" };
	tried.start_us = r.start_us + 1000;
	tried.ms = 3100;
	tried.sip_code = 200;
	r.parent_cdr_id = (char[]){ "01JW" };
	r.progress_us = r.start_us + 1500000;
	r.answer_us = r.start_us + 3000000;
	r.end_us = r.answer_us + 60051000;
	r.duration_us = 60051000;
	r.caller_original = (char[]){ "+441" };
	r.caller = (char[]){ "441" };
	r.caller_sent = (char[]){ "0441" };
	r.called_original = (char[]){ "1212" };
	r.called = (char[]){ "1212" };
	r.called_sent = (char[]){ "1212#" };
	r.mapping_gateway = GW1;
	r.source = (char[]){ "192.0.2.1:5062" };
	r.transport = 2;
	r.routing_gateway = WAY1;
	r.dest = (char[]){ "203.0.113.1:5060" };
	r.n_attempts = COUNT_OF(attempts);
	r.attempts = attempts;
	r.account = CARRIER;
	r.end_reason = END_NORMAL_RELEASE;
	r.end_side = END_SIDE_CALLER;
	r.sip_code = 200;
	r.sip_code_b = 200;
	r.q850 = 16;
	r.is_timer = true;
	r.media = 2;
	r.codec = (char[]){ "PCMA" };
	a.packets = 3000;
	a.lost = 10;
	a.jitter_us = 12340;
	a.mos = 437;
	r.media_a = &a;
	r.silent_tail_us = 5000000;
	r.call_id_a = (char[]){ "a@x" };
	r.call_id_b = (char[]){ "b@y" };
	r.config_version = 7;

	assert_line(*state, &r,
		    "{\"cdr_id\":\"01JX\",\"parent_cdr_id\":\"01JW\","
		    "\"start_time\":\"2025-06-15T15:06:40.123Z\","
		    "\"progress_time\":\"2025-06-15T15:06:41.623Z\","
		    "\"answer_time\":\"2025-06-15T15:06:43.123Z\","
		    "\"end_time\":\"2025-06-15T15:07:43.174Z\","
		    "\"setup_ms\":1500,\"ring_ms\":1500,"
		    "\"duration_ms\":60051,\"duration\":61,"
		    "\"silent_tail\":5000,"
		    "\"caller_original\":\"+441\",\"caller\":\"441\","
		    "\"caller_sent\":\"0441\",\"called_original\":\"1212\","
		    "\"called\":\"1212\",\"called_sent\":\"1212#\","
		    "\"mapping_gateway\":\"gw1\","
		    "\"source_port\":5062,\"source_ip\":\"192.0.2.1\","
		    "\"transport\":\"tcp\",\"routing_gateway\":\"way1\","
		    "\"dest_ip\":\"203.0.113.1\","
		    "\"attempts\":[{\"gateway\":\"way2\","
		    "\"skipped\":\"line_limit\"},"
		    "{\"gateway\":\"way1\",\"address\":\"203.0.113.1:5060\","
		    "\"start\":\"2025-06-15T15:06:40.124Z\",\"ms\":3100,"
		    "\"sip_code\":200}],"
		    "\"account\":\"carrier\",\"billing_mode\":\"rated\","
		    "\"end_reason\":\"NormalRelease\","
		    "\"end_side\":\"caller\",\"sip_code\":200,"
		    "\"sip_code_b\":200,\"q850\":16,\"regime\":\"timer\","
		    "\"media\":\"relay\",\"codec\":\"PCMA\","
		    "\"a_packets\":3000,\"a_lost\":10,\"a_loss_pct\":0.33,"
		    "\"a_jitter_ms\":12.34,\"a_mos\":4.37,"
		    "\"call_id_a\":\"a@x\",\"call_id_b\":\"b@y\","
		    "\"config_version\":7}\n");
}


static void what_does_not_apply_is_left_out(void **state)
{
	Tandem__Record r = record_of((char[]){ "01JX" });

	assert_line(*state, &r,
		    "{\"cdr_id\":\"01JX\","
		    "\"start_time\":\"2025-06-15T15:06:40.123Z\","
		    "\"duration_ms\":0,\"duration\":0,\"attempts\":[],"
		    "\"billing_mode\":\"zero\",\"regime\":\"no_timer\","
		    "\"media\":\"none\"}\n");
}


static void numbers_that_stand_for_nothing_harm_nobody(void **state)
{
	Tandem__Record r = record_of((char[]){ "01JX" });

	r.mapping_gateway = 999;
	r.transport = 99;
	r.end_reason = UINT32_MAX;
	r.end_side = UINT32_MAX;
	r.media = UINT32_MAX;
	r.billing_mode = UINT32_MAX;
	r.duration_us = 1000000;
	r.source = (char[]){ "nowhere" };
	assert_line(*state, &r,
		    "{\"cdr_id\":\"01JX\","
		    "\"start_time\":\"2025-06-15T15:06:40.123Z\","
		    "\"duration_ms\":1000,\"duration\":1,"
		    "\"mapping_gateway\":\"#999\",\"attempts\":[],"
		    "\"billing_mode\":\"rated\",\"regime\":\"no_timer\"}\n");
}


static void bytes_of_peers_make_no_other_line(void **state)
{
	Tandem__Record r = record_of((char[]){ "01JX" });
	const struct fixture *f = *state;
	char *line = NULL;

	r.caller = (char[]){ "a\"\n\xff\xc3(z" };
	assert_int_equal(record_line(&line, f->c, &r), 0);
	assert_non_null(strstr(line, "\"caller\":\"a\\\"\\n?"
				     "?(z\""));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	free(line);

	r.caller = calloc(1, 5000);
	assert_non_null(r.caller);
	memset(r.caller, 'x', 4999);
	assert_int_equal(record_line(&line, f->c, &r), 0);
	assert_true(strlen(line) < 1500);
	free(line);
	free(r.caller);
}


static void half_a_tenth_of_a_second_is_dropped(void **state)
{
	(void)state;
	assert_int_equal(record_seconds(0), 0);
	assert_int_equal(record_seconds(-1), 0);
	assert_int_equal(record_seconds(50000), 0);
	assert_int_equal(record_seconds(51000), 1);
	assert_int_equal(record_seconds(60050999), 60);
	assert_int_equal(record_seconds(60051000), 61);
	assert_int_equal(record_seconds(61000000), 61);
}


/* A version with these four parameters. */
static const struct catalog *catalog_with(struct rig *rig, const char *no_cdr,
					  const char *illegal,
					  const char *zero, const char *server)
{
	struct build *b;

	assert_int_equal(rig_open(rig, "record_rule"), 0);
	assert_int_equal(build_alloc(&b, NULL), 0);
	assert_int_equal(build_param(b, SERVER_BILLING_NO_CDR_E164S, no_cdr,
				     rig->why),
			 0);
	assert_int_equal(build_param(b, SERVER_BILLING_RECORD_ILLEGAL_CALL,
				     illegal, rig->why),
			 0);
	assert_int_equal(build_param(b, SERVER_BILLING_RECORD_ZERO_HOLD_TIME,
				     zero, rig->why),
			 0);
	assert_int_equal(build_param(b, SERVER_BILLING_RECORD_SERVER_HANG_UP,
				     server, rig->why),
			 0);
	assert_int_equal(rig_publish(rig, b, 1), 0);

	return catalog_pin(rig->reader);
}


static void the_first_rule_that_fits_decides(void **state)
{
	/* clang-format off */
	static const struct {
		const char *no_cdr, *illegal, *zero, *server;
		bool is_illegal;
		int64_t duration_us;
		uint32_t side;
		enum record_rule rule;
	} rows[] = {
		{ "",    "On",  "On",  "On",  false, 9000000, END_SIDE_CALLER, RECORD_IS_KEPT },
		{ "112", "On",  "On",  "On",  false, 9000000, END_SIDE_CALLER, RECORD_NO_CDR },
		{ "112", "Off", "On",  "On",  true,  0,       END_SIDE_SERVER, RECORD_NO_CDR },
		{ "",    "Off", "On",  "On",  true,  0,       END_SIDE_SERVER, RECORD_ILLEGAL },
		{ "",    "On",  "Off", "Off", true,  0,       END_SIDE_SERVER, RECORD_IS_KEPT },
		{ "",    "On",  "Off", "On",  false, 50000,   END_SIDE_CALLER, RECORD_ZERO_HOLD_TIME },
		{ "",    "On",  "On",  "Off", false, 0,       END_SIDE_SERVER, RECORD_IS_KEPT },
		{ "",    "On",  "On",  "Off", false, 9000000, END_SIDE_SERVER, RECORD_SERVER_HANG_UP },
		{ "",    "On",  "Off", "Off", false, 9000000, END_SIDE_CALLEE, RECORD_IS_KEPT },
		{ "",    "On",  "On",  "On",  false, 9000000, END_SIDE_SERVER, RECORD_IS_KEPT },
	};
	/* clang-format on */
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rig rig;
		const struct catalog *c = catalog_with(&rig, rows[i].no_cdr,
						       rows[i].illegal,
						       rows[i].zero,
						       rows[i].server);
		Tandem__Record r;

		tandem__record__init(&r);
		r.called = (char[]){ "112" };
		r.is_illegal = rows[i].is_illegal;
		r.duration_us = rows[i].duration_us;
		r.end_side = rows[i].side;
		if (record_rule(c, &r) != rows[i].rule)
			fail_msg("row %zu", i);
		catalog_unpin(rig.reader, c);
		rig_close(&rig);
	}
}


#define TEST(h) cmocka_unit_test_setup_teardown(h, setup, teardown)


int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_full_record_has_every_field_by_its_name),
		TEST(what_does_not_apply_is_left_out),
		TEST(numbers_that_stand_for_nothing_harm_nobody),
		TEST(bytes_of_peers_make_no_other_line),
		cmocka_unit_test(half_a_tenth_of_a_second_is_dropped),
		cmocka_unit_test(the_first_rule_that_fits_decides),
	};

	return T_MAIN_ONLY(tests);
}
