/**
 * @file test/unit/sipd/test_head.c  Values of SIP headers
 */
#include "sipd/head.h"
#include "test/support/t.h"

#define ASSERT_TEXT(t, s) assert_true(text_is(t, s))


/* --- URIs ----------------------------------------------------------------- */

static const struct {
	const char *text;
	enum scheme scheme;
	const char *user, *password, *host;
	uint16_t port;
	const char *params, *heads;
} uris[] = {
	{ "sip:a@b.example", SCHEME_SIP, "a", "", "b.example", 0, "", "" },
	{ "SIPS:a:pw@192.0.2.1:5061;transport=tls?Subject=x", SCHEME_SIPS, "a",
	  "pw", "192.0.2.1", 5061, "transport=tls", "Subject=x" },
	{ "sip:192.0.2.1", SCHEME_SIP, "", "", "192.0.2.1", 0, "", "" },
	{ "sip:@192.0.2.1", SCHEME_SIP, "", "", "192.0.2.1", 0, "", "" },
	{ "sip:a@[2001:db8::1]:5070;lr", SCHEME_SIP, "a", "", "2001:db8::1",
	  5070, "lr", "" },
	{ "tel:+1-201-555;phone-context=x", SCHEME_TEL, "+1-201-555", "", "",
	  0, "phone-context=x", "" },
	{ "mailto:x@example.org", SCHEME_OTHER, "", "", "", 0, "", "" },
	{ "sip:+1;npdi;rn=1@h;user=phone", SCHEME_SIP, "+1;npdi;rn=1", "", "h",
	  0, "user=phone", "" },
	{ "sip:a?b@h?c", SCHEME_SIP, "a?b", "", "h", 0, "", "c" },
	{ "sip:%61%20b@h", SCHEME_SIP, "%61%20b", "", "h", 0, "", "" },
};


static void a_uri_is_taken_apart(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		struct head_uri u;

		assert_int_equal(head_uri_parse(&u, text_of(uris[i].text)), 0);
		assert_int_equal(u.scheme, uris[i].scheme);
		ASSERT_TEXT(u.user, uris[i].user);
		ASSERT_TEXT(u.password, uris[i].password);
		ASSERT_TEXT(u.host, uris[i].host);
		assert_int_equal(u.port, uris[i].port);
		ASSERT_TEXT(u.params, uris[i].params);
		ASSERT_TEXT(u.heads, uris[i].heads);
	}
}


static void what_is_no_uri_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"sip",
		"sip:",
		":a@b",
		"1sip:a@b",
		"sip:a@",
		"sip:a@b:",
		"sip:a@b:0",
		"sip:a@b:x",
		"sip:a@b:65536",
		"sip::p@b",
		"sip:a b@c",
		"<sip:a@b>",
		"sip:a@b>",
		"sip:\"a\"@b",
		"sip:a@[::1",
		"sip:a@::1",
		"sip:a@[]",
		"sip:a@b c",
		"sip:a@b/c",
		"sip:a@[b]",
		"sip:a@[::1;x",
		"tel:",
		"tel:;x=y",
		"sip:a@b@c",
		"sip:@b;c@d",
		"sip:a@b?c@d",
		"sip:a@b\tc",
		"sip:a\x01@b",
		"sip:a@b:50601234567890123",
	};
	struct head_uri u = { .port = 7 };

	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(head_uri_parse(&u, text_of(bad[i])), EBADMSG);
	assert_int_equal(u.port, 7);
}


static void only_a_host_that_is_an_address_is_one(void **state)
{
	static const char *const bad[] = { "",      "example.org", "1.2.3",
					   "[::1]", "1.2.3.4:5",   "::g" };
	struct addr addr;
	char text[ADDR_TEXT_MAX];

	(void)state;

	assert_int_equal(head_host_addr(&addr, text_of("192.0.2.1"), 5060), 0);
	assert_string_equal(addr_print(&addr, text), "192.0.2.1:5060");
	assert_int_equal(head_host_addr(&addr, text_of("2001:db8::1"), 0), 0);
	assert_string_equal(addr_print(&addr, text), "2001:db8::1");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(head_host_addr(&addr, text_of(bad[i]), 1),
				 EBADMSG);
}


/* --- addresses ------------------------------------------------------------ */

static const struct {
	const char *text;
	const char *display, *uri, *user, *params;
} addrs[] = {
	{ "<sip:a@b>;tag=1", "", "sip:a@b", "a", "tag=1" },
	{ "sip:a@b;tag=1", "", "sip:a@b", "a", "tag=1" },
	{ "  sip:a@b  ;  tag  =  1 ", "", "sip:a@b", "a", "tag  =  1" },
	{ "\"A, <B>; \\\"C\\\"\" <sip:a@b>", "A, <B>; \\\"C\\\"", "sip:a@b",
	  "a", "" },
	{ "\"A\"<sip:a@b;lr>;q=0.5;x", "A", "sip:a@b;lr", "a", "q=0.5;x" },
	{ "Alice in W. <sip:a@b>", "Alice in W.", "sip:a@b", "a", "" },
	{ "Alice<sip:a@b?x=y>", "Alice", "sip:a@b?x=y", "a", "" },
	{ "\"\" <tel:123>;tag=\"q;\\\"\"", "", "tel:123", "123",
	  "tag=\"q;\\\"\"" },
	{ "<sip:a@b>;", "", "sip:a@b", "a", "" },
	{ "<sip:a@b> ; tag=1 ;", "", "sip:a@b", "a", "tag=1 ;" },
};


static void an_address_is_taken_apart(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		struct head_addr a;

		assert_int_equal(head_addr_parse(&a, text_of(addrs[i].text)),
				 0);
		ASSERT_TEXT(a.display, addrs[i].display);
		ASSERT_TEXT(a.uri_text, addrs[i].uri);
		ASSERT_TEXT(a.uri.user, addrs[i].user);
		ASSERT_TEXT(a.params, addrs[i].params);
		assert_false(a.is_star);
	}
}


static void a_star_is_an_address_of_its_own(void **state)
{
	struct head_addr a;

	(void)state;

	assert_int_equal(head_addr_parse(&a, text_of(" * ")), 0);
	assert_true(a.is_star);
	assert_int_equal(head_addr_parse(&a, text_of("*;q=1")), EBADMSG);
}


static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"   ",
		"\"A <sip:a@b>",
		"\"A\" sip:a@b",
		"\"A\" sip:a@b>",
		"\"A\"",
		"<sip:a@b",
		"< sip:a@b>",
		"<sip:a@b >",
		"A, B <sip:a@b>",
		"<sip:a@b>, <sip:c@d>",
		"<sip:a@b> x",
		"<sip:a@b>;;tag=1",
		"<sip:a@b>;tag=1 2",
		"<sip:a@b>;tag=<1>",
		"<sip:a@b>;=1",
		"<sip:a@b>;x=\"1",
		"<sip:a@b>;x=\"1\"2",
		"<sip:a@b>;x=1,2",
		"<>",
		";tag=1",
		"\"A\\\" <sip:a@b>",
		"A > <sip:a@b>",
	};
	struct head_addr a;

	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (head_addr_parse(&a, text_of(bad[i])) != EBADMSG)
			fail_msg("%s", bad[i]);
}


/* --- Via ------------------------------------------------------------------ */

static const struct {
	const char *text;
	enum transport transport;
	const char *host;
	uint16_t port;
	const char *branch;
	bool has_rport;
} vias[] = {
	{ "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport", TRANSPORT_UDP,
	  "192.0.2.1", 5060, "z9hG4bK1", true },
	{ "sip/2.0/udp h", TRANSPORT_UDP, "h", 0, "", false },
	{ "SIP / 2.0 / TCP   h : 5070 ; branch = z1 ;rport = 5", TRANSPORT_TCP,
	  "h", 5070, "z1", true },
	{ "SIP/2.0/TLS [2001:db8::1]:5061;received=[::1];branch=x",
	  TRANSPORT_TLS, "2001:db8::1", 5061, "x", false },
	{ "SIP/2.0/WSS df7.invalid;branch=x", TRANSPORT_NONE, "df7.invalid", 0,
	  "x", false },
	{ "SIP/7.0/UDP h;received=2001:db8::9", TRANSPORT_UDP, "h", 0, "",
	  false },
};


static void a_via_is_taken_apart(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(vias) / sizeof(vias[0]); i++) {
		struct head_via v;

		assert_int_equal(head_via_parse(&v, text_of(vias[i].text)), 0);
		assert_int_equal(v.transport, vias[i].transport);
		ASSERT_TEXT(v.host, vias[i].host);
		assert_int_equal(v.port, vias[i].port);
		ASSERT_TEXT(v.branch, vias[i].branch);
		assert_int_equal(v.has_rport, vias[i].has_rport);
	}
}


static void what_is_no_via_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"SIP/2.0/UDP",
		"SIP/2.0/UDP ",
		"SIP/2.0 h",
		"HTTP/2.0/UDP h",
		"SIP/2.0/UDP h:",
		"SIP/2.0/UDP h:99999",
		"SIP/2.0/UDP h x",
		"SIP/2.0/UDP [::1",
		"SIP/2.0/UDP [::1;branch=x",
		"SIP/2.0/UDP h;;branch=x",
		"SIP/2.0/UDP h;branch=x y",
		"SIP/2.0/UDP h, SIP/2.0/UDP i",
	};
	struct head_via v;

	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (head_via_parse(&v, text_of(bad[i])) != EBADMSG)
			fail_msg("%s", bad[i]);
}


static void a_transport_has_two_spellings(void **state)
{
	(void)state;

	for (unsigned i = TRANSPORT_UDP; i < TRANSPORTC; i++) {
		const char *via = transport_via((enum transport)i);
		const char *uri = transport_uri((enum transport)i);

		assert_int_equal(transport_find(text_of(via)), i);
		assert_int_equal(transport_find(text_of(uri)), i);
	}
	assert_int_equal(transport_find(text_of("")), TRANSPORT_NONE);
	assert_int_equal(transport_find(text_of("sctp")), TRANSPORT_NONE);
}


/* --- numbers, lists, parameters ------------------------------------------- */

static void a_cseq_has_31_bits(void **state)
{
	struct text method;
	uint32_t number;

	(void)state;

	assert_int_equal(head_cseq_parse(&number, &method,
					 text_of(" 0009   INVITE ")),
			 0);
	assert_int_equal(number, 9);
	ASSERT_TEXT(method, "INVITE");
	assert_int_equal(head_cseq_parse(&number, &method,
					 text_of("2147483647 X")),
			 0);
	assert_int_equal(number, 2147483647);
	assert_int_equal(head_cseq_parse(&number, &method,
					 text_of("2147483648 X")),
			 ERANGE);
	assert_int_equal(head_cseq_parse(&number, &method,
					 text_of("36893488147419103232 X")),
			 ERANGE);
	assert_int_equal(number, 2147483647);
}


static void what_is_no_cseq_is_refused(void **state)
{
	static const char *const bad[] = { "",        "1",    "INVITE",
					   "1INVITE", "-1 X", "1 X Y",
					   "1 <X>",   "1 " };
	struct text method;
	uint32_t number;

	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(head_cseq_parse(&number, &method,
						 text_of(bad[i])),
				 EBADMSG);
}


static void a_rack_names_both_numbers_and_the_method(void **state)
{
	static const char *const bad[] = { "",
					   "1",
					   "1 2",
					   "1 INVITE",
					   "1 2 3 X",
					   "1 2147483648 X",
					   "4294967296 1 X" };
	struct text method;
	uint32_t rseq, cseq;

	(void)state;

	assert_int_equal(head_rack_parse(&rseq, &cseq, &method,
					 text_of("776656 1  INVITE")),
			 0);
	assert_int_equal(rseq, 776656);
	assert_int_equal(cseq, 1);
	ASSERT_TEXT(method, "INVITE");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(head_rack_parse(&rseq, &cseq, &method,
						 text_of(bad[i])),
				 EBADMSG);
	assert_int_equal(rseq, 776656);
}


static void commas_in_quotes_and_angles_cut_no_list(void **state)
{
	struct text rest = text_of(
		" , \"a, \\\"b\" <sip:x,y@h>;p , ,<sip:\"c>,\"unended, d");
	struct text element;

	(void)state;

	assert_true(head_list_next(&rest, &element));
	ASSERT_TEXT(element, "\"a, \\\"b\" <sip:x,y@h>;p");
	assert_true(head_list_next(&rest, &element));
	ASSERT_TEXT(element, "<sip:\"c>");
	assert_true(head_list_next(&rest, &element));
	ASSERT_TEXT(element, "\"unended, d");
	assert_false(head_list_next(&rest, &element));
}


static void a_parameter_is_found_by_its_whole_name(void **state)
{
	const struct text params = text_of(
		"xtag=0;TAG = 1 ;q=\"a;lr=\\\"b\";lr;e=");
	struct text value;

	(void)state;

	assert_true(head_param(params, "tag", &value));
	ASSERT_TEXT(value, "1");
	assert_true(head_param(params, "q", &value));
	ASSERT_TEXT(value, "a;lr=\\\"b");
	assert_true(head_param(params, "lr", &value));
	ASSERT_TEXT(value, "");
	assert_true(head_param(params, "e", &value));
	ASSERT_TEXT(value, "");
	assert_true(head_param(params, "lr", NULL));
	assert_false(head_param(params, "ta", &value));
	assert_false(head_param((struct text){ 0 }, "tag", &value));
}


/* --- digest --------------------------------------------------------------- */

static void a_digest_is_taken_apart(void **state)
{
	struct head_digest d;

	(void)state;

	assert_int_equal(
		head_digest_parse(
			&d,
			text_of("DIGEST username=\"a\\\"b, c\", realm = \"r\" ,,"
				"Nonce=\"n\",uri=\"sip:h;x=y\",response=\"0f\","
				"cnonce=\"\", nc=00000001, qop=auth,"
				"algorithm=MD5,opaque=\"o\",unknown=1")),
		0);
	assert_true(d.is_digest);
	ASSERT_TEXT(d.username, "a\\\"b, c");
	ASSERT_TEXT(d.realm, "r");
	ASSERT_TEXT(d.nonce, "n");
	ASSERT_TEXT(d.uri, "sip:h;x=y");
	ASSERT_TEXT(d.response, "0f");
	ASSERT_TEXT(d.cnonce, "");
	ASSERT_TEXT(d.nc, "00000001");
	ASSERT_TEXT(d.qop, "auth");
	ASSERT_TEXT(d.algorithm, "MD5");
	ASSERT_TEXT(d.opaque, "o");
	assert_false(d.stale);

	assert_int_equal(head_digest_parse(
				 &d, text_of("Digest realm=\"r\",stale=TRUE")),
			 0);
	assert_true(d.stale);
	ASSERT_TEXT(d.nonce, "");
}


static void another_scheme_is_no_digest_but_no_fault(void **state)
{
	struct head_digest d;

	(void)state;

	assert_int_equal(head_digest_parse(&d,
					   text_of("NoOneKnows opaque=x \"y")),
			 0);
	assert_false(d.is_digest);
}


static void a_digest_with_a_field_twice_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"Digest",
		"Digest ",
		"Digest a",
		"Digest =b",
		"Digest nonce=\"a",
		"Digest nonce=\"a\"b",
		"Digest nonce=a b=c",
		"Digest nonce=a,nonce=b",
		"Digest nonce=,nonce=b",
		"\"Digest\" a=b",
		"Digest,a=b",
	};
	struct head_digest d;

	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (head_digest_parse(&d, text_of(bad[i])) != EBADMSG)
			fail_msg("%s", bad[i]);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_uri_is_taken_apart),
		cmocka_unit_test(what_is_no_uri_is_refused),
		cmocka_unit_test(only_a_host_that_is_an_address_is_one),
		cmocka_unit_test(an_address_is_taken_apart),
		cmocka_unit_test(a_star_is_an_address_of_its_own),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(a_via_is_taken_apart),
		cmocka_unit_test(what_is_no_via_is_refused),
		cmocka_unit_test(a_transport_has_two_spellings),
		cmocka_unit_test(a_cseq_has_31_bits),
		cmocka_unit_test(what_is_no_cseq_is_refused),
		cmocka_unit_test(a_rack_names_both_numbers_and_the_method),
		cmocka_unit_test(commas_in_quotes_and_angles_cut_no_list),
		cmocka_unit_test(a_parameter_is_found_by_its_whole_name),
		cmocka_unit_test(a_digest_is_taken_apart),
		cmocka_unit_test(another_scheme_is_no_digest_but_no_fault),
		cmocka_unit_test(a_digest_with_a_field_twice_is_refused),
	};

	return T_MAIN_ONLY(tests);
}
