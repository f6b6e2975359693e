/**
 * @file test/unit/catalog/test_record_values.c  What each type takes, refuses
 */
#include "shared/base/util.h"
#include "test/support/t.h"
#include "test/unit/catalog/record_rig.h"

static char why[RECORD_WHY_MAX];


static int put(struct made *made, const struct record_field *field,
	       const char *text)
{
	return made_put(made, field, text, why);
}


/* clang-format off */
static const struct {
	enum record_kind kind;
	const char *field, *typed, *canon;
} taken[] = {
	{ RECORD_ACCOUNT, "name", "acme", "acme" },
	{ RECORD_ACCOUNT, "name", "  two words\t", "two words" },
	{ RECORD_ACCOUNT, "name", "Stra\xc3\x9f" "e \xe2\x82\xac", "Stra\xc3\x9f" "e \xe2\x82\xac" },
	{ RECORD_ACCOUNT, "name", A64, A64 },
	{ RECORD_ACCOUNT, "name", "inherit", "inherit" },

	{ RECORD_PHONE, "number", "1000", "1000" },
	{ RECORD_PHONE, "number", "alice_2*#", "alice_2*#" },
	{ RECORD_PHONE, "number", "0123456789012345678901234567890123456789", "0123456789012345678901234567890123456789" },
	{ RECORD_PHONE, "forward_no_answer", "", "none" },
	{ RECORD_PHONE, "forward_no_answer", "None", "none" },
	{ RECORD_PHONE, "forward_no_answer", "2000", "2000" },

	{ RECORD_MAPPING, "username", "", "" },
	{ RECORD_MAPPING, "username", "a,b;c=\"d\"", "a,b;c=\"d\"" },

	{ RECORD_REGISTRATION, "sip_proxy", "sip.example.net", "sip.example.net" },
	{ RECORD_REGISTRATION, "sip_proxy", "192.0.2.1", "192.0.2.1" },
	{ RECORD_REGISTRATION, "sip_proxy", "2001:DB8:0::1", "2001:db8::1" },
	{ RECORD_REGISTRATION, "sip_proxy", "[2001:db8::1]", "2001:db8::1" },
	{ RECORD_REGISTRATION, "sip_proxy", "::ffff:192.0.2.1", "192.0.2.1" },
	{ RECORD_REGISTRATION, "sip_proxy", "my_host-1", "my_host-1" },
	{ RECORD_REGISTRATION, "sip_proxy", "3com.example", "3com.example" },
	{ RECORD_REGISTRATION, "domain", "", "" },
	{ RECORD_MAPPING, "local_ip", "AUTO", "auto" },
	{ RECORD_MAPPING, "local_ip", "192.0.2.9", "192.0.2.9" },

	{ RECORD_ROUTING, "priority", "0", "0" },
	{ RECORD_ROUTING, "priority", "0099", "99" },
	{ RECORD_ROUTING, "trying_timeout", "600", "600" },
	{ RECORD_ROUTING, "trying_timeout", "Inherit", "inherit" },
	{ RECORD_REGISTRATION, "register_period", "auto", "auto" },
	{ RECORD_REGISTRATION, "register_period", "20", "20" },
	{ RECORD_REGISTRATION, "register_period", "inherit", "inherit" },

	{ RECORD_ROUTING, "protect", "on", "On" },
	{ RECORD_ROUTING, "protect", "TRUE", "On" },
	{ RECORD_ROUTING, "protect", "1", "On" },
	{ RECORD_ROUTING, "protect", "0", "Off" },
	{ RECORD_ROUTING, "protect", "false", "Off" },
	{ RECORD_ROUTING, "protect", "Off", "Off" },
	{ RECORD_ROUTING, "stop_after_sdp", "inherit", "inherit" },

	{ RECORD_ROUTING, "switch", "inherit", "inherit" },
	{ RECORD_ROUTING, "switch", "off", "off" },
	{ RECORD_ROUTING, "switch", "ON", "on" },
	{ RECORD_ROUTING, "ring_back", "180_sdp", "180_sdp" },

	{ RECORD_ACCOUNT, "daily_cap", "unlimited", "unlimited" },
	{ RECORD_ACCOUNT, "daily_cap", "250.00", "250" },
	{ RECORD_ACCOUNT, "line_limit", "1000000", "1000000" },
	{ RECORD_ACCOUNT, "overdraft", "unlimited", "unlimited" },
	{ RECORD_ACCOUNT, "overdraft", "12.50", "12.5" },
	{ RECORD_ACCOUNT, "overdraft", "0.000001", "0.000001" },
	{ RECORD_ACCOUNT, "overdraft", "-0", "0" },
	{ RECORD_ACCOUNT, "overdraft", "1000000000000", "1000000000000" },
	{ RECORD_RATE, "rate", "0.0045", "0.0045" },
	{ RECORD_ACCOUNT, "commission_percent", "12.5000", "12.5" },
	{ RECORD_ACCOUNT, "commission_percent", "100", "100" },

	{ RECORD_ACCOUNT, "rate_table", "", "none" },
	{ RECORD_ACCOUNT, "rate_table", "NONE", "none" },
	{ RECORD_ACCOUNT, "rate_table", "alpha", "alpha" },
	{ RECORD_ROUTING, "mapping_names", "", "" },
	{ RECORD_ROUTING, "mapping_names", "none", "" },
	{ RECORD_ROUTING, "mapping_names", "gamma , alpha", "gamma,alpha" },

	{ RECORD_RATE, "prefix", "", "" },
	{ RECORD_RATE, "prefix", "012345678901234567890123", "012345678901234567890123" },
	{ RECORD_ROUTING, "prefixes", "", "" },
	{ RECORD_ROUTING, "prefixes", "1212, 44 ,+49", "1212,44,+49" },
	{ RECORD_ROUTING, "prefixes", "44,", "44," },
	{ RECORD_ROUTING, "prefixes", ",", "," },

	{ RECORD_PHONE, "codecs", "", "" },
	{ RECORD_PHONE, "codecs", "PCMU, opus,G729", "PCMU,opus,G729" },
	{ RECORD_ROUTING, "stop_codes", "404,0486, 699", "404,486,699" },
	{ RECORD_MAPPING, "cause_map", "486=480, 503 = 300", "486=480,503=300" },

	{ RECORD_ROUTING, "callee_rules", "00*=*,0*=44*,911=1911", "00*=*,0*=44*,911=1911" },
	{ RECORD_ROUTING, "callee_rules", "44* = +44*", "44*=+44*" },
	{ RECORD_ROUTING, "callee_rules", "*=9*9", "*=9*9" },
	{ RECORD_ROUTING, "callee_rules", "0__*=", "0__*=" },
	{ RECORD_ROUTING, "callee_rules", "0*=1", "0*=1" },
	{ RECORD_ROUTING, "callee_rules", "0*=0123456789012345678901234567890123456789*", "0*=0123456789012345678901234567890123456789*" },

	{ RECORD_MAPPING, "addresses", "192.0.2.1,192.0.2.77/24, 2001:db8::5/32", "192.0.2.1,192.0.2.0/24,2001:db8::/32" },
	{ RECORD_MAPPING, "addresses", "192.0.2.1:5060,[2001:db8::1]:5061", "192.0.2.1:5060,[2001:db8::1]:5061" },
	{ RECORD_MAPPING, "addresses", "192.0.2.1/32,0.0.0.0/0,::/0", "192.0.2.1,0.0.0.0/0,::/0" },
	{ RECORD_MAPPING, "addresses", "::ffff:192.0.2.1", "192.0.2.1" },

	{ RECORD_ROUTING, "addresses", "gw.example.net", "gw.example.net" },
	{ RECORD_ROUTING, "addresses", "gw.example.net;udp", "gw.example.net" },
	{ RECORD_ROUTING, "addresses", "gw.example.net:5061;TLS, 192.0.2.1:5060", "gw.example.net:5061;tls,192.0.2.1:5060" },
	{ RECORD_ROUTING, "addresses", "[2001:db8::1]:5060;tcp,2001:DB8::2", "[2001:db8::1]:5060;tcp,[2001:db8::2]" },

	{ RECORD_GROUP, "calendar", "mon-fri 08:00-20:00 400", "mon-fri 08:00-20:00 400" },
	{ RECORD_GROUP, "calendar", "SAT  8:00-24:00   0 , sat-mon 00:00-00:01 1", "sat 08:00-24:00 0,sat-mon 00:00-00:01 1" },
	{ RECORD_GROUP, "calendar", "wed-tue 00:00-24:00 7", "mon-sun 00:00-24:00 7" },
	{ RECORD_GROUP, "calendar", "sun-sat 00:00-24:00 7", "mon-sun 00:00-24:00 7" },
	{ RECORD_GROUP, "calendar", "sun-fri 00:00-24:00 7", "sun-fri 00:00-24:00 7" },

	{ RECORD_RATE, "valid_from", "2026-01-01", "2026-01-01T00:00:00Z" },
	{ RECORD_RATE, "valid_from", "2024-02-29t23:59:59z", "2024-02-29T23:59:59Z" },
	{ RECORD_RATE, "valid_from", "2000-02-29 12:00:00+00:00", "2000-02-29T12:00:00Z" },
	{ RECORD_RATE, "valid_from", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z" },
	{ RECORD_RATE, "valid_from", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z" },
	{ RECORD_RATE, "valid_to", "none", "none" },
	{ RECORD_RATE, "valid_to", "2100-03-01", "2100-03-01T00:00:00Z" },

	{ RECORD_LIST, "entry", "123*", "123*" },
	{ RECORD_LIST, "entry", "*", "*" },
	{ RECORD_LIST, "entry", "0044", "0044" },
	{ RECORD_LIST, "entry", "192.0.2.5/24", "192.0.2.0/24" },
	{ RECORD_LIST, "entry", "2001:DB8::1", "2001:db8::1" },
	{ RECORD_LIST, "list", "source_white", "source_white" },

	{ RECORD_PHONE, "ha1", "", "" },
	{ RECORD_PHONE, "ha1", "none", "" },
	{ RECORD_PHONE, "ha1", "example.net\t" A32 "\t" A64, "example.net\t" A32 "\t" A64 },
	{ RECORD_PHONE, "ha1", "a b\t0123456789ABCDEF0123456789ABCDEF\t" A64 "\nc,d\t" A32 "\t" A64 "\n",
	  "a b\t" A32 "\t" A64 "\nc,d\t" A32 "\t" A64 },
	{ RECORD_ROUTING, "sealed", "", "" },
	{ RECORD_ROUTING, "sealed", "none", "" },
	{ RECORD_ROUTING, "sealed", "AA==", "AA==" },
	{ RECORD_ROUTING, "sealed", "+/9zZWNyZXQ=", "+/9zZWNyZXQ=" },
};

static const struct {
	enum record_kind kind;
	const char *field, *typed;
} refused[] = {
	{ RECORD_ACCOUNT, "name", "" },
	{ RECORD_ACCOUNT, "name", " \t" },
	{ RECORD_ACCOUNT, "name", "a,b" },
	{ RECORD_ACCOUNT, "name", "None" },
	{ RECORD_ACCOUNT, "name", A64 "x" },
	{ RECORD_ACCOUNT, "name", "a\nb" },
	{ RECORD_ACCOUNT, "name", "a\x1b[2Jb" },
	{ RECORD_ACCOUNT, "name", "a\x7f" "b" },
	{ RECORD_ACCOUNT, "name", "\xc0\xaf" },
	{ RECORD_ACCOUNT, "name", "\xed\xa0\x80" },
	{ RECORD_ACCOUNT, "name", "\xff" },
	{ RECORD_PHONE, "number", "" },
	{ RECORD_PHONE, "number", "none" },
	{ RECORD_PHONE, "number", "+441" },
	{ RECORD_PHONE, "number", "1 2" },
	{ RECORD_PHONE, "number", "01234567890123456789012345678901234567890" },
	{ RECORD_MAPPING, "username", A64 A64 "x" },
	{ RECORD_MAPPING, "username", "a\x01z" },
	{ RECORD_REGISTRATION, "sip_proxy", "" },
	{ RECORD_REGISTRATION, "sip_proxy", "192.0.2.300" },
	{ RECORD_REGISTRATION, "sip_proxy", "192.0.2.1:5060" },
	{ RECORD_REGISTRATION, "sip_proxy", "host:5060" },
	{ RECORD_REGISTRATION, "sip_proxy", "-a.example" },
	{ RECORD_REGISTRATION, "sip_proxy", "a..example" },
	{ RECORD_REGISTRATION, "sip_proxy", "a.example." },
	{ RECORD_REGISTRATION, "sip_proxy", "a b" },
	{ RECORD_REGISTRATION, "sip_proxy", "fe80::1%lo" },
	{ RECORD_REGISTRATION, "sip_proxy", A64 ".example" },
	{ RECORD_MAPPING, "local_ip", "" },
	{ RECORD_MAPPING, "local_ip", "gw.example.net" },
	{ RECORD_MAPPING, "local_ip", "192.0.2.1:5060" },
	{ RECORD_ROUTING, "priority", "" },
	{ RECORD_ROUTING, "priority", "-1" },
	{ RECORD_ROUTING, "priority", "10000" },
	{ RECORD_ROUTING, "priority", "inherit" },
	{ RECORD_ROUTING, "priority", "99999999999999999999" },
	{ RECORD_ROUTING, "priority", "1e2" },
	{ RECORD_ROUTING, "trying_timeout", "0" },
	{ RECORD_ROUTING, "trying_timeout", "601" },
	{ RECORD_REGISTRATION, "register_period", "0" },
	{ RECORD_REGISTRATION, "register_period", "19" },
	{ RECORD_REGISTRATION, "register_period", "7201" },
	{ RECORD_ROUTING, "protect", "" },
	{ RECORD_ROUTING, "protect", "2" },
	{ RECORD_ROUTING, "protect", "inherit" },
	{ RECORD_ROUTING, "ring_back", "" },
	{ RECORD_ROUTING, "ring_back", "passthrough 183_sdp" },
	{ RECORD_ROUTING, "ring_back", "0" },
	{ RECORD_ACCOUNT, "daily_cap", "-0.01" },
	{ RECORD_ACCOUNT, "daily_cap", "none" },
	{ RECORD_ACCOUNT, "line_limit", "unlimited" },
	{ RECORD_ACCOUNT, "line_limit", "1000001" },
	{ RECORD_ACCOUNT, "overdraft", "" },
	{ RECORD_ACCOUNT, "overdraft", "-0.01" },
	{ RECORD_ACCOUNT, "overdraft", "1000000000000.000001" },
	{ RECORD_ACCOUNT, "overdraft", "0.0000001" },
	{ RECORD_ACCOUNT, "overdraft", "1,5" },
	{ RECORD_ACCOUNT, "overdraft", "99999999999999999999" },
	{ RECORD_RATE, "rate", "unlimited" },
	{ RECORD_ACCOUNT, "commission_percent", "100.0001" },
	{ RECORD_ACCOUNT, "commission_percent", "0.00001" },
	{ RECORD_MAPPING, "account", "none" },
	{ RECORD_MAPPING, "account", "" },
	{ RECORD_PHONE, "account", "a,b" },
	{ RECORD_ROUTING, "mapping_names", "alpha,,beta" },
	{ RECORD_ROUTING, "mapping_names", "alpha,none" },
	{ RECORD_RATE, "prefix", "0123456789012345678901234" },
	{ RECORD_RATE, "prefix", "1.2" },
	{ RECORD_ROUTING, "prefixes", "1,2;3" },
	{ RECORD_PHONE, "codecs", "PCMU,,PCMA" },
	{ RECORD_PHONE, "codecs", "PC MU" },
	{ RECORD_PHONE, "codecs", A64 },
	{ RECORD_ROUTING, "stop_codes", "299" },
	{ RECORD_ROUTING, "stop_codes", "700" },
	{ RECORD_ROUTING, "stop_codes", "404," },
	{ RECORD_MAPPING, "cause_map", "486" },
	{ RECORD_MAPPING, "cause_map", "486=200" },
	{ RECORD_MAPPING, "cause_map", "486=480=404" },
	{ RECORD_ROUTING, "callee_rules", "00*" },
	{ RECORD_ROUTING, "callee_rules", "=1" },
	{ RECORD_ROUTING, "callee_rules", "0*0=1" },
	{ RECORD_ROUTING, "callee_rules", "**=1" },
	{ RECORD_ROUTING, "callee_rules", "0*=**" },
	{ RECORD_ROUTING, "callee_rules", "0=1*" },
	{ RECORD_ROUTING, "callee_rules", "0=1=2" },
	{ RECORD_ROUTING, "callee_rules", "0=@" },
	{ RECORD_ROUTING, "callee_rules", "0*=0123456789012345678901234567890123456789*0" },
	{ RECORD_MAPPING, "addresses", "192.0.2.1," },
	{ RECORD_MAPPING, "addresses", "192.0.2.0/33" },
	{ RECORD_MAPPING, "addresses", "192.0.2.0/24:5060" },
	{ RECORD_MAPPING, "addresses", "192.0.2.1:0" },
	{ RECORD_MAPPING, "addresses", "192.0.2.1:65536" },
	{ RECORD_MAPPING, "addresses", "fe80::1%1" },
	{ RECORD_MAPPING, "addresses", "fe80::%1/64" },
	{ RECORD_MAPPING, "addresses", "gw.example.net" },
	{ RECORD_ROUTING, "addresses", "gw.example.net:0" },
	{ RECORD_ROUTING, "addresses", "gw.example.net:65536" },
	{ RECORD_ROUTING, "addresses", "gw.example.net;sctp" },
	{ RECORD_ROUTING, "addresses", "gw.example.net;" },
	{ RECORD_ROUTING, "addresses", "192.0.2.300:5060" },
	{ RECORD_ROUTING, "addresses", "2001:db8::1:99999" },
	{ RECORD_ROUTING, "addresses", ":5060" },
	{ RECORD_GROUP, "calendar", "mon-fri 08:00-20:00" },
	{ RECORD_GROUP, "calendar", "mon-fri 20:00-08:00 1" },
	{ RECORD_GROUP, "calendar", "mon-fri 08:00-08:00 1" },
	{ RECORD_GROUP, "calendar", "mon-fri 08:00-24:01 1" },
	{ RECORD_GROUP, "calendar", "mon-fri 08:60-20:00 1" },
	{ RECORD_GROUP, "calendar", "mon-fri 08:00-20:00 1000001" },
	{ RECORD_GROUP, "calendar", "mon-fri 08:00-20:00 1 2" },
	{ RECORD_GROUP, "calendar", "mon-fry 08:00-20:00 1" },
	{ RECORD_GROUP, "calendar", "- 08:00-20:00 1" },
	{ RECORD_RATE, "valid_from", "" },
	{ RECORD_RATE, "valid_from", "none" },
	{ RECORD_RATE, "valid_from", "2026-02-29" },
	{ RECORD_RATE, "valid_from", "2100-02-29" },
	{ RECORD_RATE, "valid_from", "2026-04-31" },
	{ RECORD_RATE, "valid_from", "2026-13-01" },
	{ RECORD_RATE, "valid_from", "2026-00-01" },
	{ RECORD_RATE, "valid_from", "2026-01-00" },
	{ RECORD_RATE, "valid_from", "1969-12-31T23:59:59Z" },
	{ RECORD_RATE, "valid_from", "2026-01-01T24:00:00Z" },
	{ RECORD_RATE, "valid_from", "2026-01-01T00:00:60Z" },
	{ RECORD_RATE, "valid_from", "2026-01-01T00:00:00" },
	{ RECORD_RATE, "valid_from", "2026-01-01T00:00:00+01:00" },
	{ RECORD_RATE, "valid_from", "2026-01-01T00:00:00.5Z" },
	{ RECORD_RATE, "valid_from", "26-01-01" },
	{ RECORD_LIST, "entry", "" },
	{ RECORD_LIST, "entry", "12*3" },
	{ RECORD_LIST, "entry", "1,2" },
	{ RECORD_LIST, "entry", "192.0.2.1:5060" },
	{ RECORD_LIST, "entry", "fe80::1%1" },
	{ RECORD_LIST, "list", "black" },
	{ RECORD_PHONE, "ha1", "set" },
	{ RECORD_PHONE, "ha1", "realm" },
	{ RECORD_PHONE, "ha1", "realm\t" A32 },
	{ RECORD_PHONE, "ha1", "\t" A32 "\t" A64 },
	{ RECORD_PHONE, "ha1", "realm\t" A32 "\t" A64 "0" },
	{ RECORD_PHONE, "ha1", "realm\t" A64 "\t" A32 },
	{ RECORD_PHONE, "ha1", "realm\t" A32 "\t" A64 "\tx" },
	{ RECORD_ROUTING, "sealed", "A" },
	{ RECORD_ROUTING, "sealed", "AAA" },
	{ RECORD_ROUTING, "sealed", "AB==" },
	{ RECORD_ROUTING, "sealed", "====" },
	{ RECORD_ROUTING, "sealed", "A===" },
	{ RECORD_ROUTING, "sealed", "AA=A" },
	{ RECORD_ROUTING, "sealed", "AAAA AAAA" },
	{ RECORD_ROUTING, "sealed", "AA-_" },
};
/* clang-format on */


static bool is_secret(const struct record_field *field)
{
	return field->type == RECORD_HA1 || field->type == RECORD_SEALED;
}


static void what_is_checked_put_and_printed_is_the_canonical_text(void **state)
{
	struct made *made = *state;

	for (size_t i = 0; i < COUNT_OF(taken); i++) {
		const struct record_field *field = field_of(taken[i].kind,
							    taken[i].field);
		const char *shown = taken[i].canon;
		char *canon, *text;

		if (record_check(field, text_of(taken[i].typed), &canon, why))
			fail_msg("%s", why);
		assert_string_equal(canon, taken[i].canon);
		free(canon);
		assert_int_equal(record_check(field, text_of(shown), NULL,
					      why),
				 0);

		assert_int_equal(put(made, field, taken[i].typed), 0);
		assert_int_equal(made_print(made, field, &text), 0);
		if (is_secret(field))
			shown = shown[0] ? "set" : "none";
		assert_string_equal(text, shown);
		free(text);
	}
}


static void every_type_has_values_that_are_taken(void **state)
{
	bool seen[RECORD_TYPEC] = { false };
	(void)state;

	for (size_t i = 0; i < COUNT_OF(taken); i++)
		seen[field_of(taken[i].kind, taken[i].field)->type] = true;
	for (size_t i = 0; i < RECORD_TYPEC; i++)
		if (!seen[i])
			fail_msg("%s", record_type_names[i]);
}


/* "... is not allowed (inherit, 1-600)", or the range alone */
static bool ends_with_allowed(const char *message, const char *allowed)
{
	static const char words[] = " is not allowed (";
	const char *at = strstr(message, words);
	size_t len;

	if (!at)
		return false;
	at += sizeof(words) - 1;
	len = strlen(at) - 1;

	return len > 0 && at[len] == ')' && len <= strlen(allowed) &&
	       memcmp(allowed + strlen(allowed) - len, at, len) == 0;
}


static void what_is_refused_names_field_and_what_is_allowed(void **state)
{
	struct made *made = *state;

	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		const struct record_field *field = field_of(refused[i].kind,
							    refused[i].field);
		char allowed[RECORD_ALLOWED_MAX];
		char *canon = NULL;

		why[0] = '\0';
		if (record_check(field, text_of(refused[i].typed), &canon,
				 why) != EINVAL)
			fail_msg("%s: %s is taken", field->name,
				 refused[i].typed);
		assert_null(canon);
		record_allowed(field, allowed);
		if (strncmp(why, field->name, strlen(field->name)) != 0 ||
		    !ends_with_allowed(why, allowed) ||
		    !text_is_printable(text_of(why)))
			fail_msg("%s", why);

		why[0] = '\0';
		assert_int_equal(put(made, field, refused[i].typed), EINVAL);
		assert_true(why[0]);
	}
}


static void refusals_read_like_this(void **state)
{
	static const struct {
		enum record_kind kind;
		const char *field, *typed, *why;
	} rows[] = {
		/* clang-format off */
		{ RECORD_ROUTING, "trying_timeout", "601", "trying_timeout: 601 is not allowed (1-600)" },
		{ RECORD_ROUTING, "trying_timeout", "long", "trying_timeout: long is not allowed (inherit, 1-600)" },
		{ RECORD_ROUTING, "priority", "", "priority: an empty value is not allowed (0-9999)" },
		{ RECORD_ROUTING, "switch", "maybe", "switch: maybe is not allowed (inherit, off, on)" },
		{ RECORD_MAPPING, "account", "none", "account: none is not allowed (name of an account)" },
		{ RECORD_MAPPING, "addresses", "192.0.2.1,10.0.0.256", "addresses: 10.0.0.256 is not allowed (address, network or address:port)" },
		{ RECORD_ACCOUNT, "overdraft", "-1", "overdraft: -1 is not allowed (0-1000000000000 with up to 6 decimals)" },
		{ RECORD_ACCOUNT, "name", "a\x1b[2J\xff\xc3\xa9,", "name: a?[2J?\xc3\xa9, is not allowed (1-64 bytes without commas, not none)" },
		{ RECORD_ACCOUNT, "name", A64 "tail", "name: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab... is not allowed (1-64 bytes without commas, not none)" },
		{ RECORD_ROUTING, "sealed", "hunter2", "sealed: this value is not allowed (base64, or none)" },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(
			record_check(field_of(rows[i].kind, rows[i].field),
				     text_of(rows[i].typed), NULL, why),
			EINVAL);
		assert_string_equal(why, rows[i].why);
	}
}


static void a_nul_is_not_the_end_of_a_value(void **state)
{
	static const struct {
		enum record_kind kind;
		const char *field;
		struct text typed;
	} rows[] = {
		{ RECORD_ACCOUNT, "name", { "a\0b", 3 } },
		{ RECORD_ACCOUNT, "name", { "a\0", 2 } },
		{ RECORD_PHONE, "number", { "1\0", 2 } },
		{ RECORD_ROUTING, "priority", { "1\0", 2 } },
		{ RECORD_ROUTING, "protect", { "on\0", 3 } },
		{ RECORD_ROUTING, "callee_rules", { "0=1\0", 4 } },
		{ RECORD_ROUTING, "callee_rules", { "\0=1", 3 } },
		{ RECORD_ROUTING, "prefixes", { "1\0", 2 } },
		{ RECORD_ROUTING, "addresses", { "a\0", 2 } },
		{ RECORD_ROUTING, "sealed", { "AAA\0", 4 } },
		{ RECORD_MAPPING, "addresses", { "192.0.2.1\0", 10 } },
		{ RECORD_PHONE, "codecs", { "PCMU\0", 5 } },
		{ RECORD_RATE, "valid_from", { "2026-01-01\0", 11 } },
		{ RECORD_LIST, "entry", { "1\0", 2 } },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (record_check(field_of(rows[i].kind, rows[i].field),
				 rows[i].typed, NULL, why) != EINVAL)
			fail_msg("%s", rows[i].field);
}


static void lists_and_values_have_an_end(void **state)
{
	const struct record_field *field = field_of(RECORD_MAPPING,
						    "callee_rules");
	const struct text rule = text_of("0=1,");
	char *text = malloc(RECORD_VALUE_MAX + 1);
	(void)state;

	assert_non_null(text);
	for (size_t i = 0; i < RECORD_VALUE_MAX + 1; i++)
		text[i] = rule.p[i % rule.l];

	assert_int_equal(record_check(field,
				      (struct text){ text, 4 * 1000 - 1 },
				      NULL, why),
			 0);
	assert_int_equal(record_check(field,
				      (struct text){ text, 4 * 1001 - 1 },
				      NULL, why),
			 EINVAL);
	assert_string_equal(
		why, "callee_rules: more than 1000 elements are not allowed");
	assert_int_equal(record_check(field,
				      (struct text){ text,
						     RECORD_VALUE_MAX + 1 },
				      NULL, why),
			 EINVAL);
	assert_string_equal(
		why, "callee_rules: more than 1048576 bytes are not allowed");

	memset(text, 'A', 4100);
	field = field_of(RECORD_ROUTING, "sealed");
	assert_int_equal(record_check(field, (struct text){ text, 4096 }, NULL,
				      why),
			 0);
	assert_int_equal(record_check(field, (struct text){ text, 4100 }, NULL,
				      why),
			 EINVAL);
	free(text);
}


/* --- allocations ---------------------------------------------------------- */

static int a_gateway_is_put_and_printed(void)
{
	struct made made = { .heap = NULL };
	int err;

	err = heap_alloc(&made.heap);
	for (size_t i = 0; i < COUNT_OF(taken) && !err; i++) {
		const struct record_field *field = field_of(taken[i].kind,
							    taken[i].field);
		char *text = NULL;

		/* One of each type will do, and the lists again. */
		if (i > 0 && i % 3 != 0 && field->type < RECORD_REFS)
			continue;
		err = record_check(field, text_of(taken[i].typed), &text, why);
		if (err)
			break;
		free(text);
		err = put(&made, field, taken[i].typed);
		if (!err)
			err = made_print(&made, field, &text);
		if (!err)
			free(text);
	}
	heap_free(made.heap);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, made_setup, made_teardown)
		T(what_is_checked_put_and_printed_is_the_canonical_text),
		T(every_type_has_values_that_are_taken),
		T(what_is_refused_names_field_and_what_is_allowed),
		T(refusals_read_like_this),
		T(a_nul_is_not_the_end_of_a_value),
		T(lists_and_values_have_an_end),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_gateway_is_put_and_printed),
	};

	return T_MAIN(tests, scenarios);
}
