/**
 * @file test/unit/catalog/test_param_warn.c  What is stored with a warning
 *
 * Each case sets a few parameters, all others have their defaults, and names
 * what is said of one of them.
 */
#include "shared/base/util.h"
#include "shared/catalog/param.h"
#include "test/support/t.h"

enum {
	SAID_MAX = 16,
	SETS_MAX = 4
};

struct said {
	struct {
		enum param_level level;
		enum param param;
		char message[256];
	} rows[SAID_MAX];
	size_t count;
};

static struct param_value *values[PARAMC];
static const struct param_facts no_facts;


static void set(enum param param, const char *text)
{
	char why[PARAM_WHY_MAX];

	free(values[param]);
	values[param] = NULL;
	if (param_parse(&values[param], param, text_of(text), why))
		fail_msg("%s", why);
}


static int defaults(void **state)
{
	(void)state;

	for (int p = 0; p < PARAMC; p++)
		set((enum param)p, params[p].def);

	return 0;
}


static int forget(void **state)
{
	(void)state;

	for (int p = 0; p < PARAMC; p++) {
		free(values[p]);
		values[p] = NULL;
	}

	return 0;
}


static void on_warning(enum param_level level, enum param param,
		       const char *message, void *arg)
{
	struct said *said = arg;

	assert_true(said->count < SAID_MAX);
	said->rows[said->count].level = level;
	said->rows[said->count].param = param;
	assert_int_equal(text_copy(said->rows[said->count].message,
				   sizeof(said->rows[0].message),
				   text_of(message)),
			 0);
	said->count++;
}


static struct said ask(const struct param_facts *facts, enum param changed)
{
	const struct param_value *all[PARAMC];
	struct said said = { .count = 0 };

	for (int p = 0; p < PARAMC; p++)
		all[p] = values[p];
	param_warn(all, facts, changed, on_warning, &said);

	return said;
}


static void the_defaults_say_one_thing(void **state)
{
	const struct said said = ask(&no_facts, PARAMC);
	(void)state;

	assert_int_equal(said.count, 1);
	assert_int_equal(said.rows[0].level, PARAM_INFO);
	assert_int_equal(said.rows[0].param, SS_SIP_AUTHENTICATION_TIMEOUT);
	assert_string_equal(said.rows[0].message,
			    "10 is below 3 x SS_SIP_AUTHENTICATION_RETRY (18)");
}


/* What is set, and what is said of the first of them, or NULL */
static const struct {
	struct param_set sets[SETS_MAX];
	enum param_level level;
	const char *begins;
} cases[] = {
	/* clang-format off */
	{ { { SS_SIP_NO_TIMER_REINVITE_INTERVAL, "1799" } },
	  PARAM_WARNING, "1799 is below 3 x SS_SIP_SESSION_TTL (1800)" },
	{ { { SS_SIP_NO_TIMER_REINVITE_INTERVAL, "1800" } }, 0, NULL },
	{ { { SS_SIP_NO_TIMER_REINVITE_INTERVAL, "900" },
	    { SS_SIP_SESSION_TTL, "300" } }, 0, NULL },
	{ { { SS_SIP_NO_TIMER_REINVITE_INTERVAL, "0" } },
	  PARAM_WARNING, "0: a call without session timer" },
	{ { { SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP, "30" } },
	  PARAM_WARNING, "30 is 30 or more" },
	{ { { SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP, "29" } }, 0, NULL },
	{ { { SS_SIP_AUTHENTICATION_RETRY, "11" } },
	  PARAM_WARNING, "11 is above 10" },
	{ { { SS_SIP_AUTHENTICATION_RETRY, "10" } }, 0, NULL },
	{ { { SS_SIP_AUTHENTICATION_TIMEOUT, "17" } },
	  PARAM_INFO, "17 is below 3 x SS_SIP_AUTHENTICATION_RETRY (18)" },
	{ { { SS_SIP_AUTHENTICATION_TIMEOUT, "18" } }, 0, NULL },
	{ { { SS_SIP_SESSION_TTL, "89" } },
	  PARAM_INFO, "89 is below SS_SESSION_TIMER_MIN_SE (90)" },
	{ { { SS_SIP_SESSION_TTL, "90" } }, 0, NULL },
	{ { { SS_SIP_RESEND_INTERVAL, "4,4,4" } },
	  PARAM_WARNING, "4,4,4: equal waits" },
	{ { { SS_SIP_RESEND_INTERVAL, "4,4" } }, 0, NULL },
	{ { { SS_SIP_RESEND_INTERVAL, "4,4,4,5" } }, 0, NULL },
	{ { { SS_SIP_NAT_KEEP_ALIVE_PERIOD, "61" } },
	  PARAM_WARNING, "61 is above SS_ENDPOINT_NAT_EXPIRE / 5 (60)" },
	{ { { SS_SIP_NAT_KEEP_ALIVE_PERIOD, "60" } }, 0, NULL },
	{ { { SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL, "99" } },
	  PARAM_INFO, "99 is below 100" },
	{ { { SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL, "100" } }, 0, NULL },
	{ { { SERVER_BILLING_FREE_TIME, "10" } },
	  PARAM_WARNING, "10 is 10 or more" },
	{ { { SERVER_BILLING_FREE_TIME, "9" } }, 0, NULL },
	{ { { SERVER_BILLING_FEE_UNIT, "0.001" } },
	  PARAM_WARNING, "0.001 is finer than the decimals of "
			 "SERVER_BILLING_FEE_PRECISTION (2)" },
	{ { { SERVER_BILLING_FEE_UNIT, "0.001" },
	    { SERVER_BILLING_FEE_PRECISTION, "3" } }, 0, NULL },
	{ { { SERVER_BILLING_FEE_UNIT, "1.015" } },
	  PARAM_WARNING, "1.015 is finer" },
	{ { { SERVER_BILLING_FEE_UNIT, "0.05" } }, 0, NULL },
	{ { { SERVER_BILLING_FEE_UNIT, "0.5" },
	    { SERVER_BILLING_FEE_PRECISTION, "0" } },
	  PARAM_WARNING, "0.5 is finer" },
	{ { { SERVER_BILLING_NO_CDR_E164S, "1234*,44*" } },
	  PARAM_WARNING, "44* has fewer than 3 digits" },
	{ { { SERVER_BILLING_NO_CDR_E164S, "*" } },
	  PARAM_WARNING, "* has fewer than 3 digits" },
	{ { { SERVER_BILLING_NO_CDR_E164S, "44,112,441*" } }, 0, NULL },
	{ { { SERVER_BILLING_NO_CDR_E164S, "5001*" },
	    { SERVER_BILLING_FREE_E164S, "6*,50*" } },
	  PARAM_WARNING, "5001* and 50* of" },
	{ { { SERVER_BILLING_NO_CDR_E164S, "500*" },
	    { SERVER_BILLING_FREE_E164S, "5001" } },
	  PARAM_WARNING, "500* and 5001 of" },
	{ { { SERVER_BILLING_NO_CDR_E164S, "500*" },
	    { SERVER_BILLING_FREE_E164S, "500" } },
	  PARAM_WARNING, "500* and 500 of" },
	{ { { SERVER_BILLING_NO_CDR_E164S, "500" },
	    { SERVER_BILLING_FREE_E164S, "500" } },
	  PARAM_WARNING, "500 and 500 of" },
	{ { { SERVER_BILLING_NO_CDR_E164S, "500,501*" },
	    { SERVER_BILLING_FREE_E164S, "5001*,50,502*" } }, 0, NULL },
	{ { { SERVER_BILLING_RECORD_SERVER_HANG_UP, "0" } },
	  PARAM_WARNING, "0: answered calls" },
	{ { { SERVER_BILLING_RECORD_ZERO_HOLD_TIME, "0" } },
	  PARAM_INFO, "0: calls without talk time" },
	{ { { SERVER_BILLING_RECORD_ILLEGAL_CALL, "0" } },
	  PARAM_INFO, "0: calls of sources" },
	{ { { SS_NOMEDIAHANGUPTIME, "1" } },
	  PARAM_WARNING, "1 is below 30" },
	{ { { SS_NOMEDIAHANGUPTIME, "29" } },
	  PARAM_WARNING, "29 is below 30" },
	{ { { SS_NOMEDIAHANGUPTIME, "30" } }, 0, NULL },
	{ { { SS_RTP_PORT_RANGE, "10000/10399" },
	    { SS_MAX_CALLS, "101" } },
	  PARAM_WARNING, "10000/10399 has 400 ports, below 4 x "
			 "SS_MAX_CALLS (404)" },
	{ { { SS_RTP_PORT_RANGE, "10000/10399" },
	    { SS_MAX_CALLS, "100" } }, 0, NULL },
	{ { { SS_GATEWAY_SWITCH_UNTIL_CONNECT, "On" } },
	  PARAM_INFO, "On: the caller may hear" },
	/* clang-format on */
};


/* What is said of this one: at most once */
static const char *said_of(const struct said *said, enum param param,
			   enum param_level *levelp)
{
	const char *message = NULL;

	for (size_t i = 0; i < said->count; i++) {
		if (said->rows[i].param != param)
			continue;
		assert_null(message);
		message = said->rows[i].message;
		*levelp = said->rows[i].level;
	}

	return message;
}


static void each_warning_begins_where_it_should(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct param_set *sets = cases[i].sets;
		const char *begins = cases[i].begins, *message;
		enum param_level level = PARAM_INFO;
		struct said said;

		(void)defaults(state);
		for (size_t j = 0; sets[j].value; j++)
			set(sets[j].param, sets[j].value);
		said = ask(&no_facts, PARAMC);
		message = said_of(&said, sets[0].param, &level);

		if (!begins && message)
			fail_msg("%s: %s", params[sets[0].param].name,
				 message);
		if (begins && (!message || level != cases[i].level ||
			       strncmp(message, begins, strlen(begins)) != 0))
			fail_msg("%s, not %s", message ? message : "nothing",
				 begins);
	}
}


static void a_change_says_only_what_looks_at_it(void **state)
{
	struct said said;
	(void)state;

	set(SS_SIP_NO_TIMER_REINVITE_INTERVAL, "1800");
	set(SERVER_BILLING_FREE_TIME, "10");
	set(SS_SIP_SESSION_TTL, "900");

	/* said of another that now lies too low */
	said = ask(&no_facts, SS_SIP_SESSION_TTL);
	assert_int_equal(said.count, 1);
	assert_int_equal(said.rows[0].param,
			 SS_SIP_NO_TIMER_REINVITE_INTERVAL);
	said = ask(&no_facts, SERVER_BILLING_FREE_TIME);
	assert_int_equal(said.count, 1);
	assert_int_equal(said.rows[0].param, SERVER_BILLING_FREE_TIME);
	said = ask(&no_facts, SS_MAX_CALLS);
	assert_int_equal(said.count, 0);
	said = ask(&no_facts, PARAMC);
	assert_int_equal(said.count, 3);
}


static void keep_alives_must_reach_every_device(void **state)
{
	struct param_facts facts = { .nat_devices = 180000 };
	struct said said;
	(void)state;

	/* 3000 x 30 s / 0.5 s */
	said = ask(&facts, SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME);
	assert_int_equal(said.count, 0);
	facts.nat_devices++;
	said = ask(&facts, SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME);
	assert_int_equal(said.count, 1);
	assert_int_equal(said.rows[0].level, PARAM_WARNING);
	assert_string_equal(said.rows[0].message,
			    "3000 reaches 180000 devices in "
			    "SS_SIP_NAT_KEEP_ALIVE_PERIOD, and 180001 are "
			    "behind NAT");
	assert_int_equal(ask(&facts, SS_SIP_NAT_KEEP_ALIVE_PERIOD).count, 1);
	assert_int_equal(
		ask(&facts, SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL).count, 1);

	/* the most that can be set does not overflow */
	facts.nat_devices = UINT32_MAX;
	set(SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME, "100000");
	set(SS_SIP_NAT_KEEP_ALIVE_PERIOD, "86400");
	set(SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL, "10");
	assert_int_equal(
		ask(&facts, SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME).count, 0);
}


static void silence_without_relay_is_told(void **state)
{
	const struct param_facts facts = { .gateway_without_proxy = true };
	struct said said;
	(void)state;

	assert_int_equal(ask(&facts, SS_NOMEDIAHANGUPTIME).count, 0);
	set(SS_NOMEDIAHANGUPTIME, "60");
	assert_int_equal(ask(&no_facts, SS_NOMEDIAHANGUPTIME).count, 0);
	said = ask(&facts, SS_NOMEDIAHANGUPTIME);
	assert_int_equal(said.count, 1);
	assert_int_equal(said.rows[0].level, PARAM_INFO);
}


#define WITH_DEFAULTS(test) \
	cmocka_unit_test_setup_teardown(test, defaults, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DEFAULTS(the_defaults_say_one_thing),
		WITH_DEFAULTS(each_warning_begins_where_it_should),
		WITH_DEFAULTS(a_change_says_only_what_looks_at_it),
		WITH_DEFAULTS(keep_alives_must_reach_every_device),
		WITH_DEFAULTS(silence_without_relay_is_told),
	};

	return T_MAIN_ONLY(tests);
}
