/**
 * @file test/unit/catalog/test_param.c  The table of parameters and its checks
 *
 * test/golden/catalog/params.txt is the table as operators rely on it: a
 * change there is a change for them.
 */
#include "shared/base/util.h"
#include "shared/catalog/param.h"
#include "test/support/t.h"

static char why[PARAM_WHY_MAX];


/* Canonical text, "" if it is refused; why says why */
static const char *canon(enum param param, const char *text)
{
	static char copy[PARAM_TEXT_MAX + 1];
	struct param_value *value = NULL;
	int err;

	why[0] = '\0';
	err = param_parse(&value, param, text_of(text), why);
	if (err) {
		assert_int_equal(err, EINVAL);
		assert_null(value);
		assert_true(why[0]);
		return "";
	}
	assert_int_equal(text_copy(copy, sizeof(copy), text_of(value->text)),
			 0);
	free(value);

	return copy;
}


static struct param_value *parsed(enum param param, const char *text)
{
	struct param_value *value = NULL;

	if (param_parse(&value, param, text_of(text), why))
		fail_msg("%s", why);

	return value;
}


static void refused(enum param param, const char *text)
{
	char start[PARAM_WHY_MAX];

	if (canon(param, text)[0])
		fail_msg("%s: %s is taken", params[param].name, text);
	/* The message names the parameter and what is allowed. */
	assert_int_equal(text_print(start, sizeof(start),
				    "%s: ", params[param].name),
			 0);
	assert_memory_equal(why, start, strlen(start));
	assert_non_null(strstr(why, params[param].allowed));
}


static void taken(enum param param, const char *text, const char *shown)
{
	const char *is = canon(param, text);

	if (why[0] || strcmp(is, shown) != 0)
		fail_msg("%s: %s is \"%s\" %s", params[param].name, text, is,
			 why);
}


/* --- the table ------------------------------------------------------------ */

static char *table_print(void)
{
	static const char *const types[] = {
		[PARAM_INT] = "int",           [PARAM_SWITCH] = "switch",
		[PARAM_SWITCH01] = "switch01", [PARAM_ENUM] = "enum",
		[PARAM_DECIMAL] = "decimal",   [PARAM_MONEY] = "money",
		[PARAM_TEXT] = "text",         [PARAM_HOST] = "host",
		[PARAM_PAIR] = "pair",         [PARAM_SECONDS] = "seconds",
		[PARAM_PATTERNS] = "patterns", [PARAM_TEXTS] = "texts",
	};
	static const char *const since[] = {
		[PARAM_FROM_CALLS] = "C",
		[PARAM_FROM_SESSIONS] = "A",
		[PARAM_FROM_REGISTRATIONS] = "B",
		[PARAM_FROM_CALLS_AND_REGISTRATIONS] = "C, B",
		[PARAM_FROM_NOW] = "N",
	};
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	for (int p = 0; p < PARAMC; p++) {
		const struct param_def *def = &params[p];

		(void)fprintf(f, "%s | %s | %s | %s | %s | %s%s%s | %s\n",
			      def->name, types[def->type], def->def, def->unit,
			      def->allowed, def->scope,
			      def->override ? " " : "",
			      def->override ? def->override : "",
			      since[def->from]);
	}
	(void)fclose(f);

	return text;
}


static void the_table_is_what_operators_rely_on(void **state)
{
	char golden[32768], *is = table_print();
	FILE *f = fopen(GOLDEN_DIR "/params.txt", "r");
	size_t l;
	(void)state;

	assert_non_null(f);
	l = fread(golden, 1, sizeof(golden) - 1, f);
	golden[l] = '\0';
	(void)fclose(f);
	assert_string_equal(is, golden);
	free(is);
}


static void every_default_is_allowed_and_canonical(void **state)
{
	(void)state;

	for (int p = 0; p < PARAMC; p++)
		taken((enum param)p, params[p].def, params[p].def);
}


static void every_row_is_complete(void **state)
{
	(void)state;

	for (int p = 0; p < PARAMC; p++) {
		const struct param_def *def = &params[p];

		assert_true(def->help[0]);
		assert_true(def->help[strlen(def->help) - 1] != '.');
		assert_true(def->unit != NULL && def->allowed[0]);
		assert_true(param_from_text[def->from] != NULL);
		assert_true(def->min <= def->max);
		/* A field of its own, or the switch alone */
		assert_true((def->override != NULL) ==
			    (strcmp(def->scope, "S") != 0));
		assert_true(def->list_max <= PARAM_LIST_MAX);
	}
}


static void what_a_fresh_switch_has_are_the_known_defaults(void **state)
{
	static const struct {
		enum param param;
		int64_t number;
	} rows[] = {
		{ SS_SIP_SESSION_TTL, 600 },
		{ SS_SIP_SESSION_UPDATE_SEGMENT, 2 },
		{ SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP, 0 },
		{ SS_SIP_NO_TIMER_REINVITE_INTERVAL, 7200 },
		{ SS_NOMEDIAHANGUPTIME, 0 },
		{ SERVER_BILLING_FEE_PRECISTION, 2 },
		{ SS_SIP_TIMEOUT_INVITE, 10 },
		{ SS_SIP_TIMEOUT_TRYING, 20 },
		{ SS_SIP_TIMEOUT_SESSION_PROGRESS, 20 },
		{ SS_SIP_TIMEOUT_SESSION_PROGRESS_SDP, 120 },
		{ SS_SIP_TIMEOUT_RINGING, 120 },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct param_value *value = parsed(rows[i].param,
						   params[rows[i].param].def);

		assert_int_equal(value->number, rows[i].number);
		assert_true(value->is_set);
		free(value);
	}
}


static void names_are_matched_exactly(void **state)
{
	static const char *const none[] = {
		"",
		"ss_sip_session_ttl",
		"SS_SIP_SESSION_TT",
		"SS_SIP_SESSION_TTLS",
		" SS_SIP_SESSION_TTL",
		"SERVER_BILLING_FEE_PRECISION", /* correct English */
	};
	(void)state;

	for (int p = 0; p < PARAMC; p++) {
		enum param found = PARAMC;

		assert_int_equal(param_find(&found, text_of(params[p].name)),
				 0);
		assert_int_equal(found, p);
	}
	for (size_t i = 0; i < COUNT_OF(none); i++) {
		enum param found = PARAMC;

		assert_int_equal(param_find(&found, text_of(none[i])), ENOENT);
		assert_int_equal(found, PARAMC);
	}
}


/* --- numbers and words ---------------------------------------------------- */

static void a_refusal_names_parameter_value_and_range(void **state)
{
	(void)state;

	refused(SS_SIP_SESSION_UPDATE_SEGMENT, "1");
	refused(SS_SIP_SESSION_UPDATE_SEGMENT, "11");
	assert_string_equal(
		why,
		"SS_SIP_SESSION_UPDATE_SEGMENT: 11 is not allowed (2-10)");
	taken(SS_SIP_SESSION_UPDATE_SEGMENT, "2", "2");
	taken(SS_SIP_SESSION_UPDATE_SEGMENT, "10", "10");
}


static void the_ends_of_a_range_are_in_it(void **state)
{
	int rows = 0;
	(void)state;

	for (int p = 0; p < PARAMC; p++) {
		const struct param_def *def = &params[p];
		char text[32];

		if (def->type != PARAM_INT)
			continue;
		rows++;
		for (int end = 0; end < 2; end++) {
			const int64_t v = end ? def->max : def->min;
			const int64_t beyond = end ? v + 1 : v - 1;

			assert_int_equal(text_print_fixed(text, sizeof(text),
							  v, 0),
					 0);
			taken((enum param)p, text, text);
			assert_int_equal(text_print_fixed(text, sizeof(text),
							  beyond, 0),
					 0);
			/* 0 beside 1-n is often a word. */
			if (beyond != 0)
				refused((enum param)p, text);
		}
	}
	assert_true(rows > 30);
}


static void values_next_to_the_allowed_are_refused(void **state)
{
	static const struct {
		enum param param;
		const char *text;
	} rows[] = {
		/* clang-format off */
		{ SS_SIP_NAT_KEEP_ALIVE_PERIOD,     "9" },
		{ SS_SIP_NAT_KEEP_ALIVE_PERIOD,     "86401" },
		{ SS_AUTHENTICATION_FAILED_SUSPEND, "59" },
		{ SS_AUTHENTICATION_FAILED_SUSPEND, "3601" },
		{ SS_AUTHENTICATION_MAX_RETRY,      "1000" },
		{ SS_SIP_USER_AGENT_RETRY_DELAY,    "29" },
		{ SS_SIP_USER_AGENT_RETRY_DELAY,    "601" },
		{ SS_SIP_USER_AGENT_EXPIRE,         "19" },
		{ SS_SIP_USER_AGENT_EXPIRE,         "7201" },
		{ SS_SIP_USER_AGENT_EXPIRE,         "0" },
		{ SS_SIP_USER_AGENT_EXPIRE,         "None" },
		{ SERVER_BILLING_FEE_PRECISTION,    "5" },
		{ SERVER_BILLING_FEE_PRECISTION,    "-1" },
		{ SS_SESSION_TIMER,                 "9" },
		{ SS_SESSION_TIMER,                 "86401" },
		{ SS_MAX_CALL_DURATION,             "-1" },
		{ SS_SIP_SESSION_TTL,               "" },
		{ SS_SIP_SESSION_TTL,               "None" },
		{ SS_SIP_SESSION_TTL,               "0" },
		{ SS_SIP_SESSION_TTL,               "600.0" },
		{ SS_SIP_SESSION_TTL,               "600s" },
		{ SS_SIP_SESSION_TTL,               "6 00" },
		{ SS_SIP_SESSION_TTL,               "0x258" },
		{ SS_SIP_SESSION_TTL,               "18446744073709552216" },
		{ SS_SIP_SEND_RETRY,                "11" },
		{ SS_SIP_SEND_RETRY,                "Non" },
		{ SS_SIP_SEND_RETRY,                "None " "0" },
		{ SS_MEDIA_PROXY,                   "1" },
		{ SS_MEDIA_PROXY,                   "" },
		{ SS_MEDIA_PROXY,                   "on off" },
		{ SS_SESSION_TIMER_REFRESHER,       "2" },
		{ SS_SESSION_TIMER_REFRESHER,       "0|uac" },
		{ SS_AUTHCHALLENGEMODE,             "0" },
		{ SS_AUTHCHALLENGEMODE,             "4" },
		{ SS_REPLY_UNAUTHORIZED,            "2" },
		{ SS_REPLY_UNAUTHORIZED,            "yes" },
		{ SS_REPLY_UNAUTHORIZED,            "" },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		refused(rows[i].param, rows[i].text);
}


static void words_are_taken_in_any_case_and_shown_in_one(void **state)
{
	static const struct {
		enum param param;
		const char *text, *shown;
		bool is_set;
		int64_t number;
	} rows[] = {
		/* clang-format off */
		{ SS_SIP_SEND_RETRY,                "none",    "None", false, 0 },
		{ SS_SIP_SEND_RETRY,                "0",       "0",    true, 0 },
		{ SS_SIP_USER_AGENT_EXPIRE,         "AUTO",    "auto", false, 0 },
		{ SS_SIP_USER_AGENT_EXPIRE,         "0120",    "120",  true, 120 },
		{ SS_SESSION_TIMER,                 "None",    "None", false, 0 },
		{ SS_SESSION_TIMER,                 "0",       "0",    true, 0 },
		{ SS_SESSION_TIMER,                 "00",      "0",    true, 0 },
		{ SS_SESSION_TIMER,                 "900",     "900",  true, 900 },
		{ SS_MAX_CALL_DURATION,             "0",       "None", false, 0 },
		{ SS_MAX_CALL_DURATION,             "1",       "1",    true, 1 },
		{ SS_SIP_NO_TIMER_REINVITE_INTERVAL, " 0 ",    "0",    true, 0 },
		{ SS_SIP_TIMEOUT_INVITE,            "\t007\n", "7",    true, 7 },
		{ SS_MEDIA_PROXY,                   "Auto",    "auto", true, 2 },
		{ SS_SIP_AUTHENTICATION_ALGORITHM,  "sha-256", "SHA-256", true, 2 },
		{ SS_SESSION_TIMER_REFRESHER,       "UAS",     "1",    true, 1 },
		{ SS_SESSION_TIMER_REFRESHER,       "1",       "1",    true, 1 },
		{ SS_AUTHCHALLENGEMODE,             "3",       "3",    true, 2 },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct param_value *value = parsed(rows[i].param,
						   rows[i].text);

		assert_string_equal(value->text, rows[i].shown);
		assert_int_equal(value->is_set, rows[i].is_set);
		assert_int_equal(value->number, rows[i].number);
		free(value);
	}
}


static void a_switch_is_taken_in_six_forms(void **state)
{
	static const char *const forms[2][6] = {
		{ "off", "Off", "OFF", "0", "false", "False" },
		{ "on", "On", "oN", "1", "true", "TRUE" },
	};
	(void)state;

	for (int on = 0; on < 2; on++) {
		for (size_t i = 0; i < COUNT_OF(forms[0]); i++) {
			struct param_value *value =
				parsed(SS_REPLY_UNAUTHORIZED, forms[on][i]);

			assert_int_equal(value->number, on);
			assert_string_equal(value->text, on ? "On" : "Off");
			free(value);
			taken(SERVER_BILLING_RECORD_ILLEGAL_CALL, forms[on][i],
			      on ? "1" : "0");
		}
	}
}


static void money_is_exact_and_of_any_sign(void **state)
{
	static const struct {
		const char *text, *shown;
		int64_t number;
	} rows[] = {
		/* clang-format off */
		{ "None",          "None",      0 },
		{ "0",             "0",         0 },
		{ "-0",            "0",         0 },
		{ "-12.50",        "-12.5",     -12500000 },
		{ "0.000001",      "0.000001",  1 },
		{ "1000000000000", "1000000000000", 1000000000000000000 },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct param_value *value = parsed(
			SERVER_VERIFY_CLEARING_CUSTOMER_REMAIN_MONEY_LIMIT,
			rows[i].text);

		assert_string_equal(value->text, rows[i].shown);
		assert_int_equal(value->number, rows[i].number);
		assert_int_equal(value->is_set, i != 0);
		free(value);
	}
	refused(SERVER_VERIFY_CLEARING_CUSTOMER_REMAIN_MONEY_LIMIT,
		"0.0000001");
	refused(SERVER_VERIFY_CLEARING_CUSTOMER_REMAIN_MONEY_LIMIT,
		"1000000000000.000001");
	refused(SERVER_VERIFY_CLEARING_CUSTOMER_REMAIN_MONEY_LIMIT, "1e3");
}


static void a_decimal_has_so_many_decimals_and_no_more(void **state)
{
	struct param_value *value = parsed(SERVER_BILLING_FEE_UNIT, "0.0001");
	(void)state;

	assert_int_equal(value->number, 100);
	free(value);
	taken(SERVER_BILLING_FEE_UNIT, "0.0100", "0.01");
	taken(SERVER_BILLING_FEE_UNIT, "100", "100");
	refused(SERVER_BILLING_FEE_UNIT, "0");
	refused(SERVER_BILLING_FEE_UNIT, "0.00005");
	refused(SERVER_BILLING_FEE_UNIT, "0.00010");
	refused(SERVER_BILLING_FEE_UNIT, "100.0001");
	refused(SERVER_BILLING_FEE_UNIT, "-0.01");
	refused(SERVER_BILLING_FEE_UNIT, "0,01");
	refused(SERVER_BILLING_FEE_UNIT, ".01");
	refused(SERVER_BILLING_FEE_UNIT, "99999999999999.9999");
}


/* --- pairs, texts, lists -------------------------------------------------- */

static void a_pair_ascends_and_is_wide_enough(void **state)
{
	struct param_value *value = parsed(SS_ENDPOINT_EXPIRE, " 60 / 060 ");
	(void)state;

	assert_string_equal(value->text, "60/60");
	assert_int_equal(value->number, 60);
	assert_int_equal(value->second, 60);
	free(value);

	refused(SS_ENDPOINT_EXPIRE, "600/300");
	refused(SS_ENDPOINT_EXPIRE, "9/300");
	refused(SS_ENDPOINT_EXPIRE, "300/86401");
	refused(SS_ENDPOINT_EXPIRE, "300");
	refused(SS_ENDPOINT_EXPIRE, "300/");
	refused(SS_ENDPOINT_EXPIRE, "300/400/500");
	taken(SS_RTP_PORT_RANGE, "1024/65535", "1024/65535");
	taken(SS_RTP_PORT_RANGE, "10000/10099", "10000/10099");
	refused(SS_RTP_PORT_RANGE, "10000/10098");
	refused(SS_RTP_PORT_RANGE, "1023/2000");
	refused(SS_RTP_PORT_RANGE, "60000/65536");
}


static void a_text_is_kept_as_it_is(void **state)
{
	char longest[257];
	(void)state;

	memset(longest, 'a', sizeof(longest) - 1);
	longest[256] = '\0';
	refused(SS_SIP_REALM, longest);
	longest[255] = '\0';
	taken(SS_SIP_REALM, longest, longest);

	taken(SS_SIP_NAT_KEEP_ALIVE_MESSAGE, " None ", " None ");
	taken(SS_SIP_REALM, "B\xc3\xbcro", "B\xc3\xbcro");
	refused(SS_SIP_REALM, "a\tb");
	refused(SS_SIP_REALM, "a\x1b[31mb");
	assert_null(strchr(why, '\x1b'));
	refused(SS_SIP_REALM, "\xff");
}


static void a_host_is_a_name_or_an_address(void **state)
{
	char longest[257];
	(void)state;

	taken(SS_LOCAL_IP_DOMAIN, " sip.example.com ", "sip.example.com");
	taken(SS_LOCAL_IP_DOMAIN, "localhost", "localhost");
	taken(SS_LOCAL_IP_DOMAIN, "1und1.example", "1und1.example");
	taken(SS_LOCAL_IP_DOMAIN, "192.0.2.1", "192.0.2.1");
	taken(SS_LOCAL_IP_DOMAIN, "2001:DB8:0::1", "2001:db8::1");
	refused(SS_LOCAL_IP_DOMAIN, "192.0.2.256");
	refused(SS_LOCAL_IP_DOMAIN, "192.0.2.1:5060");
	refused(SS_LOCAL_IP_DOMAIN, "fe80::1%lo");
	refused(SS_LOCAL_IP_DOMAIN, "sip..example.com");
	refused(SS_LOCAL_IP_DOMAIN, "example.com.");
	refused(SS_LOCAL_IP_DOMAIN, "-a.example.com");
	refused(SS_LOCAL_IP_DOMAIN, "a-.example.com");
	refused(SS_LOCAL_IP_DOMAIN, "sip example");
	refused(SS_LOCAL_IP_DOMAIN, "sip:example");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[256] = '\0';
	refused(SS_LOCAL_IP_DOMAIN, longest); /* one label */
	for (size_t i = 63; i < 256; i += 64)
		longest[i] = '.';
	longest[255] = '\0';
	taken(SS_LOCAL_IP_DOMAIN, longest, longest);
}


static void waits_are_a_list_of_one_to_ten(void **state)
{
	struct param_value *value = parsed(SS_SIP_RESEND_INTERVAL,
					   "0.50, 1 ,2.125");
	(void)state;

	assert_string_equal(value->text, "0.5,1,2.125");
	assert_int_equal(value->count, 3);
	assert_int_equal(value->numbers[0], 500);
	assert_int_equal(value->numbers[1], 1000);
	assert_int_equal(value->numbers[2], 2125);
	assert_null(value->texts);
	free(value);

	taken(SS_SIP_RESEND_INTERVAL, "0.1,60,1,1,1,1,1,1,1,1",
	      "0.1,60,1,1,1,1,1,1,1,1");
	refused(SS_SIP_RESEND_INTERVAL, "1,1,1,1,1,1,1,1,1,1,1");
	refused(SS_SIP_RESEND_INTERVAL, "");
	refused(SS_SIP_RESEND_INTERVAL, "1,,2");
	refused(SS_SIP_RESEND_INTERVAL, "1,");
	refused(SS_SIP_RESEND_INTERVAL, "0.09");
	refused(SS_SIP_RESEND_INTERVAL, "60.001");
	refused(SS_SIP_RESEND_INTERVAL, "0.5001");
	refused(SS_SIP_RESEND_INTERVAL, "1,-1");
	refused(SS_SIP_RESEND_INTERVAL, "0.5,abc,4");
	assert_string_equal(why, "SS_SIP_RESEND_INTERVAL: abc is not allowed "
				 "(1-10 numbers, each 0.1-60, up to 3 "
				 "decimals)");
}


static void patterns_are_digits_and_a_star_at_the_end(void **state)
{
	char longest[43];
	struct param_value *value = parsed(SERVER_BILLING_FREE_E164S,
					   " 5000* ,7000");
	(void)state;

	assert_string_equal(value->text, "5000*,7000");
	assert_int_equal(value->count, 2);
	assert_string_equal(value->texts[0], "5000*");
	assert_string_equal(value->texts[1], "7000");
	assert_null(value->numbers);
	free(value);

	value = parsed(SERVER_BILLING_NO_CDR_E164S, " ");
	assert_int_equal(value->count, 0);
	assert_string_equal(value->text, "");
	free(value);

	refused(SERVER_BILLING_FREE_E164S, "50*0");
	refused(SERVER_BILLING_FREE_E164S, "*50");
	refused(SERVER_BILLING_FREE_E164S, "50**");
	refused(SERVER_BILLING_FREE_E164S, "+44*");
	refused(SERVER_BILLING_FREE_E164S, "5 0");
	refused(SERVER_BILLING_FREE_E164S, "5000*,,7000");
	assert_non_null(strstr(why, "5000*,,7000 is not"));
	refused(SERVER_BILLING_FREE_E164S, ",");

	memset(longest, '5', sizeof(longest) - 1);
	longest[42] = '\0';
	longest[41] = '*';
	refused(SERVER_BILLING_FREE_E164S, longest);
	longest[41] = '\0';
	longest[40] = '*';
	taken(SERVER_BILLING_FREE_E164S, longest, longest);
}


static void a_list_of_texts_is_bounded(void **state)
{
	char many[PARAM_TEXT_MAX + 2];
	(void)state;

	taken(SS_SECURITY_SCANNER_AGENTS, "a b , c", "a b,c");
	taken(SS_SECURITY_SCANNER_AGENTS, "", "");
	refused(SS_SECURITY_SCANNER_AGENTS, "a,,b");

	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = i % 2 ? ',' : 'x';
	many[2 * PARAM_LIST_MAX - 1] = '\0';
	taken(SS_SECURITY_SCANNER_AGENTS, many, many);
	many[2 * PARAM_LIST_MAX - 1] = ',';
	many[2 * PARAM_LIST_MAX + 1] = '\0';
	refused(SS_SECURITY_SCANNER_AGENTS, many);

	memset(many, 'x', sizeof(many) - 1);
	for (size_t i = 200; i < sizeof(many); i += 200)
		many[i] = ',';
	many[PARAM_TEXT_MAX + 1] = '\0';
	refused(SS_SECURITY_SCANNER_AGENTS, many);
	many[PARAM_TEXT_MAX] = '\0';
	taken(SS_SECURITY_SCANNER_AGENTS, many, many);
}


static void a_refused_value_is_shown_safely_and_cut(void **state)
{
	char most[4096];
	struct param_value *value = NULL;
	(void)state;

	memset(most, 'z', sizeof(most) - 1);
	most[sizeof(most) - 1] = '\0';
	for (int p = 0; p < PARAMC; p++) {
		refused((enum param)p, most);
		assert_non_null(strstr(why, "zzz... is not allowed ("));
		assert_true(strlen(why) < PARAM_WHY_MAX - 1);
	}
	assert_int_equal(param_parse(&value, SS_SIP_SESSION_TTL,
				     (struct text){ "6\0\n", 3 }, why),
			 EINVAL);
	assert_string_equal(
		why, "SS_SIP_SESSION_TTL: 6? is not allowed (10-86400)");
	refused(SS_SIP_SESSION_TTL, "");
	assert_string_equal(why, "SS_SIP_SESSION_TTL: an empty value is not "
				 "allowed (10-86400)");
}


static void what_was_shown_can_be_typed_again(void **state)
{
	static const char *const texts[] = {
		"0",       "00",       "1",         "2",      "90",
		"120",     "0300",     "None",      "auto",   "on",
		"FALSE",   "both",     "any",       "uas",    "407",
		"md5",     "10/86400", "1100/9999", "0.50,1", "5000*,7000",
		"0.10",    "-5.00",    "a, b",      "::1",    "192.0.2.1",
		"example", "ignore",   "id",        "number", "",
	};
	unsigned good = 0;
	(void)state;

	for (int p = 0; p < PARAMC; p++) {
		for (size_t i = 0; i < COUNT_OF(texts); i++) {
			struct param_value *value = NULL;

			if (param_parse(&value, (enum param)p,
					text_of(texts[i]), why))
				continue;
			good++;
			taken((enum param)p, value->text, value->text);
			free(value);
		}
	}
	assert_true(good > 200);
}


/* --- together ------------------------------------------------------------- */

static void the_largest_slice_is_not_below_the_first(void **state)
{
	const struct param_value *values[PARAMC] = { NULL };
	struct param_value *first, *max;
	(void)state;

	first = parsed(SERVER_BILLING_RESERVE_FIRST, "600");
	max = parsed(SERVER_BILLING_RESERVE_MAX, "600");
	values[SERVER_BILLING_RESERVE_FIRST] = first;
	values[SERVER_BILLING_RESERVE_MAX] = max;
	assert_int_equal(param_agree(values, why), 0);

	free(first);
	first = parsed(SERVER_BILLING_RESERVE_FIRST, "601");
	values[SERVER_BILLING_RESERVE_FIRST] = first;
	assert_int_equal(param_agree(values, why), EINVAL);
	assert_string_equal(why,
			    "SERVER_BILLING_RESERVE_MAX: 600 is not allowed "
			    "(not below SERVER_BILLING_RESERVE_FIRST, 601)");
	free(first);
	free(max);
}


static void session_timer_and_ttl_are_one_number(void **state)
{
	static const struct {
		const char *timer; /* until now */
		enum param param;
		const char *text;
		size_t count;
		enum param second;
	} rows[] = {
		/* clang-format off */
		{ "None", SS_SESSION_TIMER,   "900",  2, SS_SIP_SESSION_TTL },
		{ "0",    SS_SESSION_TIMER,   " 900", 2, SS_SIP_SESSION_TTL },
		{ "900",  SS_SESSION_TIMER,   "0",    1, PARAMC },
		{ "900",  SS_SESSION_TIMER,   "none", 1, PARAMC },
		{ "900",  SS_SESSION_TIMER,   NULL,   1, PARAMC },
		{ "900",  SS_SESSION_TIMER,   "abc",  1, PARAMC },
		{ "900",  SS_SIP_SESSION_TTL, "600",  2, SS_SESSION_TIMER },
		{ "900",  SS_SIP_SESSION_TTL, NULL,   2, SS_SESSION_TIMER },
		{ "0",    SS_SIP_SESSION_TTL, "600",  1, PARAMC },
		{ "None", SS_SIP_SESSION_TTL, "600",  1, PARAMC },
		{ "900",  SS_MAX_CPS,         "600",  1, PARAMC },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct param_value *timer = parsed(SS_SESSION_TIMER,
						   rows[i].timer);
		enum param stores[2] = { PARAMC, PARAMC };

		assert_int_equal(param_stores(stores, rows[i].param,
					      rows[i].text, timer),
				 rows[i].count);
		assert_int_equal(stores[0], rows[i].param);
		assert_int_equal(stores[1], rows[i].second);
		free(timer);
	}
}


static int values_of_every_type_are_parsed(void)
{
	for (int p = 0; p < PARAMC; p++) {
		struct param_value *value = NULL;
		const int err = param_parse(&value, (enum param)p,
					    text_of(params[p].def), why);

		if (err)
			return err;
		free(value);
	}

	return 0;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_what_operators_rely_on),
		cmocka_unit_test(every_default_is_allowed_and_canonical),
		cmocka_unit_test(every_row_is_complete),
		cmocka_unit_test(
			what_a_fresh_switch_has_are_the_known_defaults),
		cmocka_unit_test(names_are_matched_exactly),
		cmocka_unit_test(a_refusal_names_parameter_value_and_range),
		cmocka_unit_test(the_ends_of_a_range_are_in_it),
		cmocka_unit_test(values_next_to_the_allowed_are_refused),
		cmocka_unit_test(words_are_taken_in_any_case_and_shown_in_one),
		cmocka_unit_test(a_switch_is_taken_in_six_forms),
		cmocka_unit_test(money_is_exact_and_of_any_sign),
		cmocka_unit_test(a_decimal_has_so_many_decimals_and_no_more),
		cmocka_unit_test(a_pair_ascends_and_is_wide_enough),
		cmocka_unit_test(a_text_is_kept_as_it_is),
		cmocka_unit_test(a_host_is_a_name_or_an_address),
		cmocka_unit_test(waits_are_a_list_of_one_to_ten),
		cmocka_unit_test(patterns_are_digits_and_a_star_at_the_end),
		cmocka_unit_test(a_list_of_texts_is_bounded),
		cmocka_unit_test(a_refused_value_is_shown_safely_and_cut),
		cmocka_unit_test(what_was_shown_can_be_typed_again),
		cmocka_unit_test(the_largest_slice_is_not_below_the_first),
		cmocka_unit_test(session_timer_and_ttl_are_one_number),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(values_of_every_type_are_parsed),
	};

	return T_MAIN(tests, scenarios);
}
