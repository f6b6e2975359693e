/**
 * @file test/unit/sipd/test_numbers.c  call-setup 2
 */
#include "sipd/identify.h"
#include "test/support/t.h"
#include "test/unit/sipd/invite.h"
#include "test/unit/sipd/route_rig.h"

enum {
	PLAIN = 1, /* To, From */
	LINE,      /* Request-URI */
	RPID,
	DISPLAY,
	PAI,
	RULES,
	PHONE = 51
};

static const struct route_row rows_in[] = {
	{ RECORD_ACCOUNT, 1, "name=a" },
	{ RECORD_MAPPING, PLAIN, "name=plain|account=1" },
	{ RECORD_MAPPING, LINE,
	  "name=line|account=1|callee_source=request_line" },
	{ RECORD_MAPPING, RPID, "name=rpid|account=1|caller_source=rpid" },
	{ RECORD_MAPPING, DISPLAY,
	  "name=display|account=1|caller_source=display" },
	{ RECORD_MAPPING, PAI, "name=pai|account=1|caller_source=pai" },
	{ RECORD_MAPPING, RULES,
	  "name=rules|account=1|callee_rules=00*=*,0*=44*,911=1911,"
	  "7*=+7*,_________=1234,8*=1234567890123456789012345678901234567890*"
	  "|caller_rules=*=555*" },
	{ RECORD_PHONE, PHONE, "number=1001|account=1" },
	{ RECORD_ROUTING, 1,
	  "name=out|callee_rules=44*=+44*|caller_rules=1001=2" },
};


/* @return what numbers_take() does */
static int check_numbers(const struct route_rig *rr, uint32_t id,
			 const char *uri, const char *from, const char *to,
			 const char *more, const char *caller,
			 const char *called)
{
	const enum record_kind kind = id == PHONE ? RECORD_PHONE
						  : RECORD_MAPPING;
	char data[INVITE_MAX];
	struct numbers n;
	struct message m;
	int err;

	invite_make(&m, data, uri, from, to, more);
	err = numbers_take(&n, rr->c, &m, kind, id);
	assert_string_equal(n.caller.text, caller);
	assert_int_equal(n.caller.len, strlen(caller));
	assert_string_equal(n.called.text, called);
	assert_int_equal(n.called.len, strlen(called));
	assert_int_equal(err, n.called.is_valid ? 0 : EBADMSG);

	return err;
}


static void open_rig(struct route_rig *rr, const char *what)
{
	assert_int_equal(route_rig_open(rr, what, rows_in, COUNT_OF(rows_in),
					NULL, 0),
			 0);
}


static void sources_are_those_of_the_gateway(void **state)
{
	/* clang-format off */
	static const struct {
		uint32_t id;
		const char *from, *more;
		const char *caller, *called;
	} rows[] = {
		{ PLAIN, NULL, NULL, "77", "99" },
		{ LINE, NULL, NULL, "77", "1212" },
		{ 0, NULL, NULL, "77", "99" },
		{ 999, NULL, NULL, "77", "99" },

		{ RPID, NULL, NULL, "77", "99" },
		{ RPID, NULL, "Remote-Party-ID: <sip:5@x>;screen=yes\r\n", "5", "99" },
		{ RPID, NULL, "Remote-Party-ID: <sip:5@x>;party=called\r\n", "77", "99" },
		{ RPID, NULL, "Remote-Party-ID: <sip:5@x>;party=called\r\n"
			      "Remote-Party-ID: <sip:6@x>;party=CALLING\r\n", "6", "99" },
		{ RPID, NULL, "Remote-Party-ID: <sip:5@x>;party=called, "
			      "\"A, B\" <sip:7@x>\r\n", "7", "99" },
		{ RPID, NULL, "Remote-Party-ID: <<<\r\n", "77", "99" },
		{ RPID, NULL, "P-Asserted-Identity: <sip:5@x>\r\n", "77", "99" },

		{ DISPLAY, "\"+1 (212) 5\" <sip:77@x>", NULL, "12125", "99" },
		{ DISPLAY, "<sip:77@x>", NULL, "77", "99" },
		{ DISPLAY, "\"\" <sip:77@x>", NULL, "77", "99" },
		{ DISPLAY, "Bob <sip:77@x>", NULL, "Bob", "99" },

		{ PAI, NULL, NULL, "77", "99" },
		{ PAI, NULL, "P-Asserted-Identity: <sip:5@x>\r\n", "5", "99" },
		{ PAI, NULL, "P-Asserted-Identity: <tel:+1-6>\r\n", "16", "99" },
		{ PAI, NULL, "P-Asserted-Identity: <tel:+16>\r\n"
			     "P-Asserted-Identity: <sip:5@x>\r\n", "5", "99" },
		{ PAI, NULL, "P-Asserted-Identity: <tel:+16>, <sips:5@x>\r\n", "5", "99" },
		{ PAI, NULL, "P-Asserted-Identity: <sip:x>, <tel:6>\r\n", "6", "99" },
		{ PAI, NULL, "P-Asserted-Identity: <tel:6>, <tel:7>\r\n", "6", "99" },
		{ PAI, NULL, "P-Asserted-Identity: <sip:x>\r\n", "77", "99" },
		{ PAI, NULL, "Remote-Party-ID: <sip:5@x>\r\n", "77", "99" },

		{ PHONE, NULL, "P-Asserted-Identity: <sip:5@x>\r\n", "1001", "1212" },
	};
	/* clang-format on */
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "nsources");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(check_numbers(&rr, rows[i].id, NULL,
					       rows[i].from, NULL,
					       rows[i].more, rows[i].caller,
					       rows[i].called),
				 0);
	route_rig_close(&rr);
}


static void numbers_are_cleaned_up_before_rules(void **state)
{
	struct route_rig rr;
	char data[INVITE_MAX];
	struct message m;
	struct numbers n;
	(void)state;

	open_rig(&rr, "nclean");
	check_numbers(&rr, PLAIN, NULL, NULL, "<sip:%2B1-212.55;x=1@x>", NULL,
		      "77", "121255");
	assert_int_equal(check_numbers(&rr, LINE, "tel:+1-212-555", NULL, NULL,
				       NULL, "77", "1212555"),
			 0);
	assert_int_equal(check_numbers(&rr, RULES, NULL, NULL,
				       "<sip:+0044201@x>", NULL, "55577",
				       "44201"),
			 0);

	invite_make(&m, data, NULL, "\"Bob \\\"B\\\"\" <sip:+77@x>",
		    "<sip:0201@x>", NULL);
	assert_int_equal(numbers_take(&n, rr.c, &m, RECORD_MAPPING, RULES), 0);
	assert_string_equal(n.called_original.text, "0201");
	assert_string_equal(n.called.text, "44201");
	assert_string_equal(n.caller_original.text, "77");
	assert_string_equal(n.caller.text, "55577");
	assert_true(text_is(n.display, "Bob \\\"B\\\""));
	assert_ptr_equal(n.display.p, strstr(data, "Bob"));
	route_rig_close(&rr);
}


static void a_bad_callee_is_refused_and_kept(void **state)
{
	static const struct {
		uint32_t id;
		const char *to;
		const char *called;
	} rows[] = {
		{ PLAIN, "<sip:x>", "" },
		{ PLAIN, "<sip:a%24b@x>", "a$b" },
		{ PLAIN, "<sip:12345678901234567890123456789012345678901@x>",
		  "1234567890123456789012345678901234567890" },
		/* What a rule makes of it does not make it good */
		{ RULES, "<sip:00%24@x>", "$" },
		{ RULES, "<sip:a%24bcdefgh@x>", "1234" },
		/* Nor may a rule make it too long */
		{ RULES, "<sip:81@x>", "81" },
	};
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "nbad");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(check_numbers(&rr, rows[i].id, NULL, NULL,
					       rows[i].to, NULL,
					       rows[i].id == RULES ? "55577"
								   : "77",
					       rows[i].called),
				 EBADMSG);
	/* A rule may put a plus before it, and forty are not too many. */
	assert_int_equal(check_numbers(&rr, RULES, NULL, NULL, "<sip:71@x>",
				       NULL, "55577", "+71"),
			 0);
	assert_int_equal(
		check_numbers(&rr, RULES, NULL, NULL, "<sip:8@x>", NULL,
			      "55577",
			      "1234567890123456789012345678901234567890"),
		0);
	route_rig_close(&rr);
}


static void a_bad_caller_is_kept_and_no_error(void **state)
{
	char data[INVITE_MAX];
	struct route_rig rr;
	struct numbers n;
	struct message m;
	(void)state;

	open_rig(&rr, "ncaller");
	invite_make(&m, data, NULL, "<sip:a%24b@x>", NULL, NULL);
	assert_int_equal(numbers_take(&n, rr.c, &m, RECORD_MAPPING, PLAIN), 0);
	assert_string_equal(n.caller.text, "a$b");
	assert_false(n.caller.is_valid);
	assert_true(n.called.is_valid);

	invite_make(&m, data, NULL, "<sip:x>", NULL, NULL);
	assert_int_equal(numbers_take(&n, rr.c, &m, RECORD_MAPPING, PLAIN), 0);
	assert_string_equal(n.caller.text, "");
	assert_false(n.caller.is_valid);
	route_rig_close(&rr);
}


static void egress_rules_make_what_is_sent(void **state)
{
	const struct cat_routing *gw;
	struct number in, out;
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "negress");
	gw = catalog_by_id(rr.c, RECORD_ROUTING, 1);
	number_clean(&in, text_of("44201"));
	numbers_rewrite(&out, rr.c, RECORD_ROUTING, gw->gw.callee_rules, &in);
	assert_string_equal(out.text, "+44201");
	assert_int_equal(out.len, 6);
	assert_true(out.is_valid);

	number_clean(&in, text_of("4434567890123456789012345678901234567890"));
	assert_true(in.is_valid);
	numbers_rewrite(&out, rr.c, RECORD_ROUTING, gw->gw.callee_rules, &in);
	assert_string_equal(out.text, in.text);
	assert_false(out.is_valid);

	numbers_rewrite(&out, rr.c, RECORD_ROUTING, gw->pai_rules, &in);
	assert_string_equal(out.text, in.text);
	assert_true(out.is_valid);

	number_clean(&in, text_of(""));
	numbers_rewrite(&out, rr.c, RECORD_ROUTING, gw->gw.caller_rules, &in);
	assert_int_equal(out.len, 0);
	assert_false(out.is_valid);
	route_rig_close(&rr);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_are_those_of_the_gateway),
		cmocka_unit_test(numbers_are_cleaned_up_before_rules),
		cmocka_unit_test(a_bad_callee_is_refused_and_kept),
		cmocka_unit_test(a_bad_caller_is_kept_and_no_error),
		cmocka_unit_test(egress_rules_make_what_is_sent),
	};

	return T_MAIN_ONLY(tests);
}
