/**
 * @file test/unit/sipd/test_params.c  Parameters and fields, as a call uses
 * them
 */
#include "shared/base/util.h"
#include "sipd/params.h"
#include "test/support/t.h"
#include "test/unit/sipd/route_rig.h"

static const struct route_row gateways[] = {
	{ RECORD_ROUTING, 1, "name=inherits" },
	{ RECORD_ROUTING, 2, "name=off|switch=off" },
	{ RECORD_ROUTING, 3,
	  "name=on|switch=on|stop_codes=486,600|stop_after_sdp=Off"
	  "|stop_after_invite_timeout=On|invite_timeout=7|trying_timeout=8"
	  "|progress_timeout=9|progress_sdp_timeout=11|ringing_timeout=12" },
};

static const struct route_param values[] = {
	{ SS_GATEWAY_SWITCH_LIMIT, "2" },
	{ SS_GATEWAY_SWITCH_UNTIL_CONNECT, "On" },
	{ SS_GATEWAY_SWITCH_STOP_AFTER_RTP_START, "Off" },
	{ SS_GATEWAY_SWITCH_STOP_AFTER_USER_BUSY, "Off" },
	{ SS_SIP_TIMEOUT_INVITE, "5" },
	{ SS_SIP_TIMEOUT_TRYING, "15" },
	{ SS_SIP_TIMEOUT_SESSION_PROGRESS, "25" },
	{ SS_SIP_TIMEOUT_SESSION_PROGRESS_SDP, "35" },
	{ SS_SIP_TIMEOUT_RINGING, "45" },
	{ SS_SIP_RESEND_INTERVAL, "0.25,0.5,1" },
	{ SS_SIP_SEND_RETRY, "2" },
};


static void rig(struct route_rig *rr, bool is_set)
{
	assert_int_equal(route_rig_open(rr, "params", gateways,
					COUNT_OF(gateways), values,
					is_set ? COUNT_OF(values) : 0),
			 0);
}


static struct gateway_params of(const struct route_rig *rr, uint32_t id)
{
	struct gateway_params g;
	struct call_params p;

	params_take(&p, rr->c);
	params_gateway(&g, &p, rr->c,
		       catalog_by_id(rr->c, RECORD_ROUTING, id));

	return g;
}


static void switch_rules_are_the_field_s_or_the_parameter_s(void **state)
{
	(void)state;

	for (int is_set = 0; is_set < 2; is_set++) {
		struct switch_rules r;
		struct route_rig rr;

		rig(&rr, is_set);
		r = of(&rr, 1).rules;
		assert_false(r.is_off);
		assert_int_equal(r.until_connect, is_set);
		assert_true(r.stop_after_sdp);
		assert_false(r.stop_after_invite_timeout);
		assert_int_equal(r.stop_after_rtp, !is_set);
		assert_int_equal(r.stop_after_busy, !is_set);
		assert_int_equal(r.limit, is_set ? 2 : -1);
		assert_int_equal(r.stop_codec, 0);

		r = of(&rr, 2).rules;
		assert_true(r.is_off);
		assert_false(r.until_connect);

		r = of(&rr, 3).rules;
		assert_false(r.is_off);
		assert_true(r.until_connect);
		assert_false(r.stop_after_sdp);
		assert_true(r.stop_after_invite_timeout);
		assert_int_equal(r.stop_codec, 2);
		assert_int_equal(r.stop_codes[1], 600);
		route_rig_close(&rr);
	}
}


static void timers_are_the_field_s_or_the_parameter_s(void **state)
{
	struct gateway_params g;
	struct route_rig rr;
	(void)state;

	rig(&rr, true);
	g = of(&rr, 1);
	assert_int_equal(g.t1_s, 5);
	assert_int_equal(g.t2_s, 15);
	assert_int_equal(g.t3a_s, 25);
	assert_int_equal(g.t3b_s, 35);
	assert_int_equal(g.t4_s, 45);
	g = of(&rr, 3);
	assert_int_equal(g.t1_s, 7);
	assert_int_equal(g.t2_s, 8);
	assert_int_equal(g.t3a_s, 9);
	assert_int_equal(g.t3b_s, 11);
	assert_int_equal(g.t4_s, 12);
	route_rig_close(&rr);
}


static void copies_are_those_of_the_list_or_fewer(void **state)
{
	struct txn_resend resend;
	struct route_rig rr;
	(void)state;

	rig(&rr, true);
	params_resend(&resend, rr.c);
	assert_int_equal(resend.count, 2);
	assert_int_equal(resend.waits_ms[0], 250);
	assert_int_equal(resend.waits_ms[1], 500);
	route_rig_close(&rr);

	rig(&rr, false);
	params_resend(&resend, rr.c);
	assert_int_equal(resend.count, TXN_WAITS_MAX);
	assert_int_equal(resend.waits_ms[0], 500);
	assert_int_equal(resend.waits_ms[TXN_WAITS_MAX - 1], 4000);
	route_rig_close(&rr);
}


static void a_call_keeps_what_it_began_with(void **state)
{
	struct route_rig before, after;
	struct gateway_params g;
	struct call_params p;
	(void)state;

	rig(&before, true);
	params_take(&p, before.c);
	route_rig_close(&before);
	rig(&after, false);
	params_gateway(&g, &p, after.c,
		       catalog_by_id(after.c, RECORD_ROUTING, 1));
	assert_int_equal(g.t1_s, 5);
	assert_int_equal(g.rules.limit, 2);
	assert_true(g.rules.until_connect);
	route_rig_close(&after);
}


static void a_target_names_its_transport(void **state)
{
	static const struct {
		uint8_t transport;
		enum transport wanted;
	} rows[] = {
		{ CAT_UDP, TRANSPORT_UDP },
		{ CAT_TCP, TRANSPORT_TCP },
		{ CAT_TLS, TRANSPORT_TLS },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct cat_target target = {
			.transport = rows[i].transport
		};

		assert_int_equal(params_transport(&target), rows[i].wanted);
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			switch_rules_are_the_field_s_or_the_parameter_s),
		cmocka_unit_test(timers_are_the_field_s_or_the_parameter_s),
		cmocka_unit_test(copies_are_those_of_the_list_or_fewer),
		cmocka_unit_test(a_call_keeps_what_it_began_with),
		cmocka_unit_test(a_target_names_its_transport),
	};

	return T_MAIN_ONLY(tests);
}
