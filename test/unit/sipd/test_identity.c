/**
 * @file test/unit/sipd/test_identity.c  What the callee is told, row by row
 *
 * The rows are those of identity.md 3, 4, 5 and 8, and what hostile or odd
 * callers make of them.
 */
#include "sipd/identity.h"
#include "test/support/t.h"
#include "test/unit/sipd/route_rig.h"

#define OFFICE "8801711000000"
#define SHOWN  "\"Office 7\" <sip:" OFFICE "@198.51.100.1>"
#define HIDDEN "\"Anonymous\" <sip:anonymous@anonymous.invalid>"

enum {
	GW1 = 21,
	PHONE = 51,
	PARAMS_MAX = 3
};

/* NULL: as it is by default */
struct row {
	const char *fields; /* of the gateway; "phone": it goes to a phone */
	struct route_param params[PARAMS_MAX];
	const char *caller, *display, *privacy;
	const char *pai_sip, *pai_tel, *ppi_sip, *ppi_tel, *rpid, *diversion;
	const char *contact; /* of the registration */
	/* what comes of it */
	const char *from, *to, *uri, *heads, *user;
};


static struct text or_else(const char *s, const char *by_default)
{
	return text_of(s ? s : by_default);
}


static struct identity_in in_of(const struct row *row)
{
	struct identity_in in = {
		.display = or_else(row->display, "Office 7"),
		.privacy = text_of(row->privacy),
		.pai_sip = text_of(row->pai_sip),
		.pai_tel = text_of(row->pai_tel),
		.ppi_sip = text_of(row->ppi_sip),
		.ppi_tel = text_of(row->ppi_tel),
		.rpid = text_of(row->rpid),
		.diversion = text_of(row->diversion),
	};

	number_clean(&in.caller, or_else(row->caller, OFFICE));
	number_clean(&in.called_original, text_of("0044201"));
	in.called = in.called_original;

	return in;
}


static size_t params_of(const struct row *row)
{
	size_t n = 0;

	while (n < PARAMS_MAX && row->params[n].value)
		n++;

	return n;
}


static bool is_same(const char *row, const char *what, struct text is,
		    struct text want)
{
	if (is.l == want.l && (is.l == 0 || memcmp(is.p, want.p, is.l) == 0))
		return true;
	fprintf(stderr, "%s: %s is\n%.*s\nnot\n%.*s\n", row, what, (int)is.l,
		is.p, (int)want.l, want.p);

	return false;
}


static void check(const struct row *row, const char *name)
{
	const bool is_phone = row->fields && strcmp(row->fields, "phone") == 0;
	const bool is_hidden = row->from && strcmp(row->from, HIDDEN) == 0;
	struct identity_to to = {
		.local_host = text_of("198.51.100.1"),
		.target_host = text_of("203.0.113.11"),
		.contact_user = row->contact,
	};
	char fields[512];
	const struct route_row rows[] = { { RECORD_ROUTING, GW1, fields } };
	const struct identity_in in = in_of(row);
	struct identity_out out;
	struct route_rig rr;
	bool is_good;

	snprintf(fields, sizeof(fields),
		 "name=GW1|addresses=203.0.113.11|prefixes=00|"
		 "callee_rules=00*=*%s%s",
		 row->fields && !is_phone ? "|" : "",
		 row->fields && !is_phone ? row->fields : "");
	assert_int_equal(route_rig_open(&rr, "identity", rows, 1, row->params,
					params_of(row)),
			 0);
	if (!is_phone)
		to.gateway = catalog_by_id(rr.c, RECORD_ROUTING, GW1);

	assert_int_equal(identity_make(&out, rr.c, &in, &to), 0);
	assert_int_equal(out.is_hidden, is_hidden);
	is_good = is_same(name, "From", out.from, or_else(row->from, SHOWN));
	is_good &= is_same(name, "To", out.to,
			   or_else(row->to, "<sip:44201@203.0.113.11>"));
	is_good &= is_same(name, "Request-URI", out.uri,
			   or_else(row->uri, "sip:44201@203.0.113.11"));
	is_good &= is_same(name, "headers", out.heads,
			   or_else(row->heads, ""));
	is_good &= is_same(name, "Contact", out.contact_user,
			   or_else(row->user,
				   is_hidden ? "anonymous" : OFFICE));
	route_rig_close(&rr);
	assert_true(is_good);
}

#define CHECK(rows)                                                    \
	do {                                                           \
		for (size_t i_ = 0; i_ < COUNT_OF(rows); i_++) {       \
			char name_[64];                                \
			snprintf(name_, sizeof(name_), "row %zu", i_); \
			check(&(rows)[i_], name_);                     \
		}                                                      \
	} while (0)


static void privacy_follows_the_gateway_then_the_parameter(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		/* inherit */
		{ .privacy = "id" },
		{ .params = { { SS_SIP_USER_AGENT_PRIVACY, "id" } }, .privacy = "none",
		  .from = HIDDEN, .heads = "Privacy: id\r\n" },
		{ .params = { { SS_SIP_USER_AGENT_PRIVACY, "none" } }, .privacy = "id",
		  .heads = "Privacy: none\r\n" },
		/* none */
		{ .fields = "privacy=none", .params = { { SS_SIP_USER_AGENT_PRIVACY, "id" } }, .privacy = "id" },
		{ .fields = "privacy=none", .params = { { SS_SIP_USER_AGENT_PRIVACY, "none" } } },
		/* passthrough */
		{ .fields = "privacy=passthrough", .params = { { SS_SIP_USER_AGENT_PRIVACY, "id" } } },
		{ .fields = "privacy=passthrough", .privacy = "id", .from = HIDDEN, .heads = "Privacy: id\r\n" },
		{ .fields = "privacy=passthrough", .privacy = "user", .from = HIDDEN, .heads = "Privacy: user\r\n" },
		{ .fields = "privacy=passthrough", .privacy = "header", .from = HIDDEN,
		  .heads = "Privacy: header\r\n" },
		{ .fields = "privacy=passthrough", .privacy = "none", .heads = "Privacy: none\r\n" },
		{ .fields = "privacy=passthrough", .privacy = "session;critical",
		  .heads = "Privacy: session;critical\r\n" },
		{ .fields = "privacy=passthrough", .privacy = "session; ID ;critical", .from = HIDDEN,
		  .heads = "Privacy: session; ID ;critical\r\n" },
		{ .fields = "privacy=passthrough", .privacy = "critical,user", .from = HIDDEN,
		  .heads = "Privacy: critical,user\r\n" },
		{ .fields = "privacy=passthrough", .privacy = "idle;users", .heads = "Privacy: idle;users\r\n" },
		/* id */
		{ .fields = "privacy=id", .params = { { SS_SIP_USER_AGENT_PRIVACY, "none" } }, .privacy = "none",
		  .from = HIDDEN, .heads = "Privacy: id\r\n" },
		/* a phone */
		{ .fields = "phone", .params = { { SS_SIP_USER_AGENT_PRIVACY, "id" } },
		  .to = "<sip:0044201@203.0.113.11>", .uri = "" },
		{ .fields = "phone", .privacy = "id", .from = HIDDEN, .heads = "Privacy: id\r\n",
		  .to = "<sip:0044201@203.0.113.11>", .uri = "" },
		/* clang-format on */
	};
	(void)state;

	CHECK(rows);
}


#define PAI "P-Asserted-Identity: "
#define PPI "P-Preferred-Identity: "
#define RPI "Remote-Party-ID: "

static void asserted_identity_follows_its_fields(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{ .pai_sip = "<sip:1@a>", .ppi_sip = "<sip:1@a>", .rpid = "<sip:1@a>" },
		{ .fields = "pai=passthrough|ppi=passthrough|rpid=passthrough" },
		{ .fields = "pai=passthrough", .pai_sip = "\"X\" <sip:1@a>", .ppi_sip = "<sip:2@a>",
		  .heads = PAI "\"X\" <sip:1@a>\r\n" },
		{ .fields = "pai=passthrough", .pai_sip = "<sip:1@a>", .pai_tel = "<tel:+1>",
		  .heads = PAI "<sip:1@a>, <tel:+1>\r\n" },
		{ .fields = "pai=passthrough", .pai_tel = "<tel:+1>", .heads = PAI "<tel:+1>\r\n" },
		{ .fields = "ppi=passthrough", .ppi_sip = "<sip:2@a>", .pai_sip = "<sip:1@a>",
		  .heads = PPI "<sip:2@a>\r\n" },
		{ .fields = "ppi=passthrough", .ppi_tel = "<tel:+1>", .heads = PPI "<tel:+1>\r\n" },
		{ .fields = "rpid=passthrough", .rpid = "<sip:3@a>;party=calling",
		  .heads = RPI "<sip:3@a>;party=calling\r\n" },
		{ .fields = "pai=caller", .pai_sip = "<sip:1@a>", .heads = PAI "<sip:" OFFICE "@198.51.100.1>\r\n" },
		{ .fields = "ppi=caller|pai_rules=880*=0*", .heads = PPI "<sip:" OFFICE "@198.51.100.1>\r\n" },
		{ .fields = "rpid=caller|pai_rules=880*=0*",
		  .heads = RPI "<sip:" OFFICE "@198.51.100.1>;party=calling;screen=yes;privacy=off\r\n" },
		/* the rules of the caller come first */
		{ .fields = "pai=caller|ppi=caller|caller_rules=880*=+880*|pai_rules=+880*=0*",
		  .from = "\"Office 7\" <sip:+" OFFICE "@198.51.100.1>", .user = "+" OFFICE,
		  .heads = PAI "<sip:01711000000@198.51.100.1>\r\n" PPI "<sip:+" OFFICE "@198.51.100.1>\r\n" },
		/* hidden: the number travels in these alone, all at once */
		{ .fields = "privacy=id|pai=caller|ppi=caller|rpid=caller", .from = HIDDEN,
		  .heads = "Privacy: id\r\n" PAI "<sip:" OFFICE "@198.51.100.1>\r\n"
			   PPI "<sip:" OFFICE "@198.51.100.1>\r\n"
			   RPI "<sip:" OFFICE "@198.51.100.1>;party=calling;screen=yes;privacy=full\r\n" },
		{ .fields = "privacy=id|pai=passthrough", .from = HIDDEN, .pai_sip = "<sip:1@a>",
		  .heads = "Privacy: id\r\n" PAI "<sip:1@a>\r\n" },
		/* the host is that of From */
		{ .fields = "pai=caller|local_domain=On", .params = { { SS_LOCAL_IP_DOMAIN, "sip.example.com" } },
		  .from = "\"Office 7\" <sip:" OFFICE "@sip.example.com>",
		  .heads = PAI "<sip:" OFFICE "@sip.example.com>\r\n" },
		/* no usable number */
		{ .fields = "pai=caller|ppi=caller|rpid=caller", .caller = "Anonymous",
		  .from = "\"Office 7\" <sip:Anonymous@198.51.100.1>", .user = "Anonymous" },
		{ .fields = "pai=caller|ppi=caller|rpid=caller", .caller = "",
		  .from = "\"Office 7\" <sip:198.51.100.1>", .user = "" },
		{ .fields = "pai=caller|ppi=caller|rpid=caller", .caller = "al@b",
		  .from = "\"Office 7\" <sip:al%40b@198.51.100.1>", .user = "al@b" },
		{ .fields = "pai=caller|ppi=caller|pai_rules=anonymous=1", .caller = "anonymous",
		  .from = "\"Office 7\" <sip:anonymous@198.51.100.1>", .user = "anonymous" },
		{ .fields = "pai=caller|ppi=caller|pai_rules=880*=anonymous",
		  .heads = PPI "<sip:" OFFICE "@198.51.100.1>\r\n" },
		/* a value cannot make another header */
		{ .fields = "pai=passthrough", .pai_sip = "<sip:1@a>\r\nX: y", .heads = PAI "<sip:1@a>X: y\r\n" },
		/* to a phone none is sent */
		{ .fields = "phone", .pai_sip = "<sip:1@a>", .rpid = "<sip:1@a>", .ppi_tel = "<tel:1>",
		  .to = "<sip:0044201@203.0.113.11>", .uri = "" },
		/* clang-format on */
	};
	(void)state;

	CHECK(rows);
}


static void to_follows_use_contact(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{ .params = { { SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT, "Off" } } },
		{ .params = { { SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT, "On" } },
		  .to = "<sip:0044201@203.0.113.11>" },
		{ .fields = "callee_rules=0*=+*", .params = { { SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT, "On" } },
		  .uri = "sip:+044201@203.0.113.11", .to = "<sip:0044201@203.0.113.11>" },
		{ .fields = "callee_rules=0*=*#1", .uri = "sip:044201%231@203.0.113.11",
		  .to = "<sip:044201%231@203.0.113.11>" },
		/* clang-format on */
	};
	(void)state;

	CHECK(rows);
}


static void the_display_name_follows_its_parameter(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{ .display = "", .from = "<sip:" OFFICE "@198.51.100.1>" },
		{ .params = { { SS_SIP_E164_DISPLAY_FROM, "number" } },
		  .from = "\"" OFFICE "\" <sip:" OFFICE "@198.51.100.1>" },
		{ .params = { { SS_SIP_E164_DISPLAY_FROM, "e164" } }, .display = "",
		  .from = "\"+" OFFICE "\" <sip:" OFFICE "@198.51.100.1>" },
		{ .fields = "caller_rules=880*=+44*", .params = { { SS_SIP_E164_DISPLAY_FROM, "number" } },
		  .from = "\"441711000000\" <sip:+441711000000@198.51.100.1>", .user = "+441711000000" },
		{ .fields = "caller_rules=880*=+44*", .params = { { SS_SIP_E164_DISPLAY_FROM, "e164" } },
		  .from = "\"+441711000000\" <sip:+441711000000@198.51.100.1>", .user = "+441711000000" },
		/* not all digits: as ignore */
		{ .params = { { SS_SIP_E164_DISPLAY_FROM, "e164" } }, .caller = "88017a",
		  .from = "\"Office 7\" <sip:88017a@198.51.100.1>", .user = "88017a" },
		{ .params = { { SS_SIP_E164_DISPLAY_FROM, "e164" } }, .caller = "", .display = "",
		  .from = "<sip:198.51.100.1>", .user = "" },
		{ .fields = "phone", .params = { { SS_SIP_E164_DISPLAY_FROM, "e164" } },
		  .from = "\"+" OFFICE "\" <sip:" OFFICE "@198.51.100.1>",
		  .to = "<sip:0044201@203.0.113.11>", .uri = "" },
		/* hidden beats all */
		{ .fields = "privacy=id|local_domain=On", .params = { { SS_SIP_E164_DISPLAY_FROM, "e164" },
		  { SS_LOCAL_IP_DOMAIN, "sip.example.com" } }, .from = HIDDEN, .heads = "Privacy: id\r\n" },
		/* escapes stay as they came; a quote that has none gets one */
		{ .display = "a \\\"b\\\" c", .from = "\"a \\\"b\\\" c\" <sip:" OFFICE "@198.51.100.1>" },
		{ .display = "a \" b", .from = "\"a \\\" b\" <sip:" OFFICE "@198.51.100.1>" },
		{ .display = "ab\\", .from = "\"ab\" <sip:" OFFICE "@198.51.100.1>" },
		{ .display = "a\r\nX: y", .from = "\"aX: y\" <sip:" OFFICE "@198.51.100.1>" },
		/* clang-format on */
	};
	(void)state;

	CHECK(rows);
}


#define DOMAIN                                        \
	{                                             \
		SS_LOCAL_IP_DOMAIN, "sip.example.com" \
	}

static void the_examples_of_the_specification(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{ .params = { DOMAIN } },
		{ .params = { DOMAIN, { SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT, "On" } },
		  .to = "<sip:0044201@203.0.113.11>" },
		{ .fields = "local_domain=On", .params = { DOMAIN, { SS_SIP_E164_DISPLAY_FROM, "e164" } },
		  .from = "\"+8801711000000\" <sip:8801711000000@sip.example.com>" },
		{ .fields = "privacy=id|pai=caller|pai_rules=880*=0*", .params = { DOMAIN }, .from = HIDDEN,
		  .heads = "Privacy: id\r\nP-Asserted-Identity: <sip:01711000000@198.51.100.1>\r\n" },
		{ .fields = "privacy=passthrough", .params = { DOMAIN }, .privacy = "id", .from = HIDDEN,
		  .heads = "Privacy: id\r\n" },
		{ .fields = "privacy=none", .params = { DOMAIN }, .privacy = "id" },
		/* local_domain without a domain */
		{ .fields = "local_domain=On" },
		/* clang-format on */
	};
	(void)state;

	CHECK(rows);
}


static void contact_and_diversion_do_not_give_away_who_hides(void **state)
{
	static const struct row rows[] = {
		/* clang-format off */
		{ .contact = "trunk7", .user = "trunk7" },
		{ .contact = "", .user = OFFICE },
		{ .fields = "privacy=id", .contact = "trunk7", .user = "trunk7", .from = HIDDEN,
		  .heads = "Privacy: id\r\n" },
		{ .diversion = "1001", .heads = "Diversion: <sip:1001@198.51.100.1>;reason=no-answer\r\n" },
		{ .fields = "privacy=id", .diversion = "1001", .from = HIDDEN, .heads = "Privacy: id\r\n" },
		{ .fields = "phone", .diversion = "1001", .to = "<sip:0044201@203.0.113.11>", .uri = "",
		  .heads = "Diversion: <sip:1001@198.51.100.1>;reason=no-answer\r\n" },
		/* clang-format on */
	};
	(void)state;

	CHECK(rows);
}


static void ports_and_ipv6_hosts_are_written(void **state)
{
	static const struct route_row rows[] = {
		{ RECORD_ROUTING, GW1, "name=GW1|addresses=203.0.113.11" }
	};
	const struct row none = { .heads = "" };
	const struct identity_in in = in_of(&none);
	struct identity_to to = {
		.local_host = text_of("2001:db8::1"),
		.target_host = text_of("[2001:db8::b]"),
		.target_port = 5070,
	};
	struct identity_out out;
	struct route_rig rr;
	(void)state;

	assert_int_equal(route_rig_open(&rr, "identity", rows, COUNT_OF(rows),
					NULL, 0),
			 0);
	to.gateway = catalog_by_id(rr.c, RECORD_ROUTING, GW1);
	assert_int_equal(identity_make(&out, rr.c, &in, &to), 0);
	assert_true(is_same("IPv6", "From", out.from,
			    text_of("\"Office 7\" <sip:" OFFICE
				    "@[2001:db8::1]>")));
	assert_true(is_same("IPv6", "To", out.to,
			    text_of("<sip:0044201@[2001:db8::b]:5070>")));
	assert_true(is_same("IPv6", "Request-URI", out.uri,
			    text_of("sip:0044201@[2001:db8::b]:5070")));
	assert_string_equal(out.caller_sent.text, OFFICE);
	assert_string_equal(out.called_sent.text, "0044201");
	route_rig_close(&rr);
}


static void what_is_too_long_is_not_sent(void **state)
{
	static const struct route_row rows[] = {
		{ RECORD_ROUTING, GW1, "name=GW1|addresses=203.0.113.11" }
	};
	const struct row none = { .heads = "" };
	struct identity_in in = in_of(&none);
	struct identity_to to = { .local_host = text_of("h"),
				  .target_host = text_of("h") };
	static char display[2048];
	struct identity_out out;
	struct route_rig rr;
	(void)state;

	assert_int_equal(route_rig_open(&rr, "identity", rows, COUNT_OF(rows),
					NULL, 0),
			 0);
	to.gateway = catalog_by_id(rr.c, RECORD_ROUTING, GW1);
	memset(display, 'x', sizeof(display));
	in.display = (struct text){ display, 1800 };
	assert_int_equal(identity_make(&out, rr.c, &in, &to), 0);
	in.display.l = sizeof(display);
	assert_int_equal(identity_make(&out, rr.c, &in, &to), EMSGSIZE);
	route_rig_close(&rr);
}


/* --- what is taken -------------------------------------------------------- */

#define INVITE                                                  \
	"INVITE sip:0044201@198.51.100.1 SIP/2.0\r\n"           \
	"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa1\r\n" \
	"Max-Forwards: 70\r\n"                                  \
	"From: \"Office 7\" <sip:1@192.0.2.10>;tag=a1\r\n"      \
	"To: <sip:0044201@198.51.100.1>\r\n"                    \
	"Call-ID: office@192.0.2.10\r\nCSeq: 7 INVITE\r\n"

static const char *const heads = INVITE
	"Privacy: critical\r\nPrivacy: id;session\r\n"
	"P-Asserted-Identity: <tel:+1>, \"A, B\" <sip:2@a>\r\n"
	"P-Asserted-Identity: <sip:3@a>, <tel:+4>\r\n"
	"P-Preferred-Identity: <sips:5@a>\r\n"
	"Remote-Party-ID: <sip:6@a>;party=called\r\n"
	"Remote-Party-ID: <sip:7@a>;party=calling;privacy=off\r\n"
	"Content-Length: 0\r\n\r\n";


static void take(struct identity_in *in, char *buf, size_t size,
		 const char *from, enum record_kind kind, uint32_t id)
{
	static const struct route_row rows[] = {
		{ RECORD_ACCOUNT, 1, "name=a" },
		{ RECORD_MAPPING, 1, "name=M1|account=1|addresses=192.0.2.1" },
		{ RECORD_MAPPING, 2,
		  "name=M2|account=1|addresses=192.0.2.2|support_privacy=Off" },
		{ RECORD_PHONE, PHONE, "number=1001|account=1" },
		{ RECORD_ROUTING, GW1, "name=GW1|type=dynamic|username=d" },
	};
	static struct message m;
	struct route_rig rr;

	assert_int_equal(text_copy(buf, size, text_of(from)), 0);
	assert_int_equal(message_parse(&m, buf, strlen(from), false),
			 MESSAGE_OK);
	assert_int_equal(route_rig_open(&rr, "identity", rows, COUNT_OF(rows),
					NULL, 0),
			 0);
	identity_take(in, rr.c, &m, kind, id);
	route_rig_close(&rr);
}


static void everything_is_taken_from_a_mapping_gateway(void **state)
{
	struct identity_in in;
	char buf[2048];
	(void)state;

	take(&in, buf, sizeof(buf), heads, RECORD_MAPPING, 1);
	assert_true(text_is(in.display, "Office 7"));
	assert_true(text_is(in.privacy, "id;session"));
	assert_true(text_is(in.pai_sip, "\"A, B\" <sip:2@a>"));
	assert_true(text_is(in.pai_tel, "<tel:+1>"));
	assert_true(text_is(in.ppi_sip, "<sips:5@a>"));
	assert_int_equal(in.ppi_tel.l, 0);
	assert_true(text_is(in.rpid, "<sip:7@a>;party=calling;privacy=off"));
	assert_int_equal(in.diversion.l, 0);
	assert_int_equal(in.caller.len, 0);
}


static void privacy_does_not_exist_where_it_is_not_supported(void **state)
{
	struct identity_in in;
	char buf[2048];
	(void)state;

	take(&in, buf, sizeof(buf), heads, RECORD_MAPPING, 2);
	assert_int_equal(in.privacy.l, 0);
	assert_true(text_is(in.pai_tel, "<tel:+1>"));
	take(&in, buf, sizeof(buf), heads, RECORD_ROUTING, GW1);
	assert_true(text_is(in.privacy, "id;session"));
}


static void a_phone_asserts_nothing(void **state)
{
	struct identity_in in;
	char buf[2048];
	(void)state;

	take(&in, buf, sizeof(buf), heads, RECORD_PHONE, PHONE);
	assert_true(text_is(in.privacy, "id;session"));
	assert_true(text_is(in.display, "Office 7"));
	assert_int_equal(in.pai_sip.l + in.pai_tel.l, 0);
	assert_int_equal(in.ppi_sip.l + in.ppi_tel.l, 0);
	assert_int_equal(in.rpid.l, 0);
}


static void what_is_not_there_is_empty(void **state)
{
	struct identity_in in;
	char buf[2048];
	(void)state;

	memset(&in, 0x55, sizeof(in));
	take(&in, buf, sizeof(buf),
	     INVITE "Remote-Party-ID: <sip:6@a>;party=called\r\n"
		    "P-Asserted-Identity: <mailto:a@b>, <<>\r\n"
		    "Privacy: critical\r\nPrivacy: none\r\n"
		    "Content-Length: 0\r\n\r\n",
	     RECORD_MAPPING, 1);
	assert_int_equal(in.pai_sip.l + in.pai_tel.l, 0);
	assert_int_equal(in.ppi_sip.l + in.ppi_tel.l, 0);
	assert_true(text_is(in.privacy, "critical"));
	assert_true(text_is(in.rpid, "<sip:6@a>;party=called"));
	assert_int_equal(in.caller.len + in.called.len, 0);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			privacy_follows_the_gateway_then_the_parameter),
		cmocka_unit_test(asserted_identity_follows_its_fields),
		cmocka_unit_test(to_follows_use_contact),
		cmocka_unit_test(the_display_name_follows_its_parameter),
		cmocka_unit_test(the_examples_of_the_specification),
		cmocka_unit_test(
			contact_and_diversion_do_not_give_away_who_hides),
		cmocka_unit_test(ports_and_ipv6_hosts_are_written),
		cmocka_unit_test(what_is_too_long_is_not_sent),
		cmocka_unit_test(everything_is_taken_from_a_mapping_gateway),
		cmocka_unit_test(
			privacy_does_not_exist_where_it_is_not_supported),
		cmocka_unit_test(a_phone_asserts_nothing),
		cmocka_unit_test(what_is_not_there_is_empty),
	};

	return T_MAIN_ONLY(tests);
}
