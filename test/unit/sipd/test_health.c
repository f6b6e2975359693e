/**
 * @file test/unit/sipd/test_health.c  Which addresses of gateways answer
 */
#include "sipd/health.h"
#include "sipd/sipd.h"
#include "test/support/t.h"
#include "test/unit/sipd/call_play.h"

#define OTHER "192.0.2.13:5070"

static const struct route_row gateways[] = {
	{ RECORD_ACCOUNT, 1, "name=a" },
	{ RECORD_ROUTING, 11,
	  "name=one|options_check=on|addresses=" CALL_RIG_B1 },
	{ RECORD_ROUTING, 12,
	  "name=two|options_check=on|addresses=" CALL_RIG_B2 "," OTHER },
	{ RECORD_ROUTING, 13, "name=three|addresses=192.0.2.14" },
};

static const struct route_param values[] = {
	{ SS_SIP_OPTIONS_CHECK_PERIOD, "10" },
	{ SS_SIP_OPTIONS_CHECK_FAILURES, "2" },
	{ SS_SIP_RESEND_INTERVAL, "0.5,1" },
};


static struct play *open_play(void)
{
	static struct play p;

	memset(&p, 0, sizeof(p));
	if (route_rig_open(&p.catalog, "health", gateways,
			   sizeof(gateways) / sizeof(gateways[0]), values,
			   sizeof(values) / sizeof(values[0])) ||
	    call_rig_open(&p.rig, p.catalog.rig.reader))
		abort();
	health_reload(p.rig.sipd->health);

	return &p;
}


/* A period; both of the second's have been asked by its end. */
static void period(struct play *p)
{
	play_clear(p);
	call_rig_run(&p->rig, 10000, 100);
}


static enum health_state state_of(const struct play *p, uint32_t gateway)
{
	return health_gateway(p->rig.sipd->health, gateway);
}


static void each_address_is_asked_once_a_period(void **state)
{
	struct play *p = open_play();
	const struct call_sent *sent;
	(void)state;

	play_clear(p);
	/* the first tick, and all but one hundredth of the period */
	call_rig_run(&p->rig, 9800, 100);
	sent = play_sent(p, CALL_RIG_B1,
			 "OPTIONS sip:192.0.2.11:5060 SIP/2.0\r\n");
	assert_non_null(sent);
	assert_string_equal(play_head(sent->data, "CSeq"), "1 OPTIONS");
	assert_int_equal(play_count(p, OTHER,
				    "OPTIONS sip:192.0.2.13:5070 SIP/2.0\r\n"),
			 3); /* with its copies */
	assert_int_equal(play_count(p, "192.0.2.14:5060", "OPTIONS"), 0);
	assert_int_equal(state_of(p, 13), HEALTH_UNCHECKED);
	play_close(p);
}


/* What is asked of B1 is answered so, until a period is over. */
static void answered(struct play *p, unsigned code)
{
	play_clear(p);
	for (int i = 0; i < 100; i++) {
		const struct call_sent *sent;

		call_rig_run(&p->rig, 100, 100);
		sent = play_sent(p, CALL_RIG_B1, "OPTIONS");
		if (!sent || !code)
			continue;
		play_reply(p, CALL_RIG_B1, "OPTIONS", code, "", "");
		play_clear(p);
	}
}


static void an_answer_says_that_it_lives_whatever_the_code(void **state)
{
	static const struct {
		unsigned code;
		enum health_state wanted;
	} rows[] = {
		{ 200, HEALTH_ONLINE },    { 404, HEALTH_ONLINE },
		{ 483, HEALTH_ONLINE },    { 503, HEALTH_UNCHECKED },
		{ 408, HEALTH_UNCHECKED },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct play *p = open_play();

		assert_int_equal(health_checked_us(p->rig.sipd->health, 11, 0),
				 0);
		answered(p, rows[i].code);
		assert_int_equal(state_of(p, 11), rows[i].wanted);
		assert_true(health_checked_us(p->rig.sipd->health, 11, 0) > 0);
		play_close(p);
	}
}


static void so_many_failures_in_a_row_are_offline(void **state)
{
	struct play *p = open_play();
	(void)state;

	answered(p, 200);
	answered(p, 503);
	assert_int_equal(state_of(p, 11), HEALTH_ONLINE);
	answered(p, 200);
	answered(p, 0);
	assert_int_equal(state_of(p, 11), HEALTH_ONLINE);
	answered(p, 503);
	answered(p, 0);
	assert_int_equal(state_of(p, 11), HEALTH_OFFLINE);
	answered(p, 200);
	assert_int_equal(state_of(p, 11), HEALTH_ONLINE);
	play_close(p);
}


static void a_gateway_is_offline_when_all_its_addresses_are(void **state)
{
	struct play *p = open_play();
	const struct health *health = p->rig.sipd->health;
	(void)state;

	for (int i = 0; i < 4; i++)
		period(p);
	assert_int_equal(health_of(health, 12, 0), HEALTH_OFFLINE);
	assert_int_equal(health_of(health, 12, 1), HEALTH_OFFLINE);
	assert_int_equal(state_of(p, 12), HEALTH_OFFLINE);

	play_clear(p);
	while (!play_sent(p, OTHER, "OPTIONS"))
		call_rig_run(&p->rig, 100, 100);
	play_reply(p, OTHER, "OPTIONS", 200, "", "");
	assert_int_equal(health_of(health, 12, 0), HEALTH_OFFLINE);
	assert_int_equal(health_of(health, 12, 1), HEALTH_ONLINE);
	assert_int_equal(state_of(p, 12), HEALTH_ONLINE);
	play_close(p);
}


static void what_is_known_stays_known_after_a_reload(void **state)
{
	struct play *p = open_play();
	(void)state;

	answered(p, 200);
	health_reload(p->rig.sipd->health);
	assert_int_equal(state_of(p, 11), HEALTH_ONLINE);
	assert_int_equal(health_of(p->rig.sipd->health, 11, 7),
			 HEALTH_UNCHECKED);
	play_close(p);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_address_is_asked_once_a_period),
		cmocka_unit_test(
			an_answer_says_that_it_lives_whatever_the_code),
		cmocka_unit_test(so_many_failures_in_a_row_are_offline),
		cmocka_unit_test(
			a_gateway_is_offline_when_all_its_addresses_are),
		cmocka_unit_test(what_is_known_stays_known_after_a_reload),
	};

	return T_MAIN_ONLY(tests);
}
