/**
 * @file test/unit/auth/test_digest_parse.c  Values of Authorization
 */
#include "shared/auth/digest_parse.h"
#include "test/support/t.h"


static void an_answer_is_taken_apart(void **state)
{
	struct digest_fields d;
	(void)state;

	assert_int_equal(
		digest_parse(&d, text_of(" digest\tusername=\"a\\\"b\" , "
					 "REALM = \"\" ,,nonce=n=1==, "
					 "uri=sip:x@y;z=1, qop=auth, "
					 "nc=00000001,cnonce=\"c,d\",auth-"
					 "param=\"x\", stale=True,")),
		0);
	assert_true(d.is_digest);
	assert_true(text_is(d.username, "a\\\"b"));
	assert_true(text_is(d.realm, ""));
	assert_non_null(d.realm.p);
	assert_true(text_is(d.nonce, "n=1=="));
	assert_true(text_is(d.uri, "sip:x@y;z=1"));
	assert_true(text_is(d.qop, "auth"));
	assert_true(d.has_qop);
	assert_true(text_is(d.nc, "00000001"));
	assert_true(text_is(d.cnonce, "c,d"));
	assert_null(d.response.p);
	assert_true(d.is_stale);
}


static void another_scheme_is_not_read(void **state)
{
	struct digest_fields d;
	(void)state;

	assert_int_equal(digest_parse(&d, text_of("Basic Zm9v\"==")), 0);
	assert_false(d.is_digest);
	assert_int_equal(digest_parse(&d, text_of("DigestX realm=r")), 0);
	assert_false(d.is_digest);
	assert_int_equal(digest_parse(&d, text_of("Digest")), 0);
	assert_true(d.is_digest);
	assert_false(d.has_qop);
}


static void malformed_values_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"   ",
		"\"Digest\" realm=r",
		"Digest=1",
		"Digest realm",
		"Digest realm=",
		"Digest realm=,nonce=n",
		"Digest =r",
		"Digest realm=\"r",
		"Digest realm=\"r\\",
		"Digest realm=\"r\\\"",
		"Digest realm=\"r\"x",
		"Digest realm=\"r\" nonce=n",
		"Digest realm=r\"x\"",
		"Digest realm=a\\b",
		"Digest realm=a, Realm=b",
		"Digest realm=\"\", realm=\"\"",
		"Digest realm=\"a\x01\"",
		"Digest realm=\"a\r\nVia: x\"",
		"Digest realm=\"a\x7f\"",
	};
	struct digest_fields d;
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (digest_parse(&d, text_of(bad[i])) != EBADMSG)
			fail_msg("taken: %s", bad[i]);
}


static void a_value_has_a_kilobyte_at_most(void **state)
{
	static const char start[] = "Digest realm=";
	char value[DIGEST_VALUE_MAX + 2];
	struct digest_fields d;
	(void)state;

	memset(value, 'x', sizeof(value));
	for (size_t i = 0; i < strlen(start); i++)
		value[i] = start[i];
	assert_int_equal(digest_parse(&d, (struct text){ value,
							 DIGEST_VALUE_MAX }),
			 0);
	assert_int_equal(d.realm.l, DIGEST_VALUE_MAX - 13);
	assert_int_equal(
		digest_parse(&d, (struct text){ value, DIGEST_VALUE_MAX + 1 }),
		ERANGE);
}


static void escapes_are_undone_to_compare(void **state)
{
	char text[4];
	(void)state;

	assert_true(digest_text_is(text_of("a\\\"b"), text_of("a\"b")));
	assert_true(digest_text_is(text_of("\\a\\\\"), text_of("a\\")));
	assert_true(digest_text_is(text_of(""), text_of("")));
	assert_false(digest_text_is(text_of("ab"), text_of("a")));
	assert_false(digest_text_is(text_of("a"), text_of("ab")));
	assert_int_equal(digest_text_copy(text, sizeof(text),
					  text_of("a\\b\\c")),
			 0);
	assert_string_equal(text, "abc");
	assert_int_equal(digest_text_copy(text, sizeof(text), text_of("abcd")),
			 EOVERFLOW);
	assert_string_equal(text, "");
}


static void one_of_several_qops_is_found(void **state)
{
	(void)state;

	assert_true(digest_qop_has(text_of("auth"), "auth"));
	assert_true(digest_qop_has(text_of("auth-int , AUTH"), "auth"));
	assert_false(digest_qop_has(text_of("auth-int"), "auth"));
	assert_false(digest_qop_has(text_of(""), "auth"));
}


static void uris_are_the_same_by_user_host_and_port(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
		{ "sip:a@b", "sip:a@b", true },
		{ "sip:a@b", "sip:a@B:5060", true },
		{ "sip:a@b", "sip:a:pw@b;transport=tcp?x=y", true },
		{ "sip:%61@b", "sip:a@b", true },
		{ "sips:a@b", "sips:a@b:5061", true },
		{ "sip:[2001:DB8::1]", "sip:[2001:db8::1]:5060", true },
		{ "tel:+123", "tel:+123;phone-context=x", true },
		{ "urn:x", "urn:x", true },
		{ "sip:a@b", "sip:A@b", false },
		{ "sip:a@b", "sip:b", false },
		{ "sip:a@b", "sip:a@b:5061", false },
		{ "sip:a@b", "sip:a@c", false },
		{ "sip:a@b", "sip:a@bb", false },
		{ "sip:a@b", "sips:a@b", false },
		{ "sip:a@b:x", "sip:a@b", false },
		{ "sip:a@b:0", "sip:a@b", false },
		{ "sip:a@b:99999", "sip:a@b", false },
		{ "urn:x", "urn:y", false },
		{ "", "sip:a", false },
		{ "x", "y", false },
		{ "sip:[2001:db8::1]", "sip:[2001:db8::2]", false },
		{ "sip:%6", "sip:a", false },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (digest_uri_same(text_of(pairs[i].a),
				    text_of(pairs[i].b)) != pairs[i].same ||
		    digest_uri_same(text_of(pairs[i].b),
				    text_of(pairs[i].a)) != pairs[i].same)
			fail_msg("%s, %s", pairs[i].a, pairs[i].b);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_taken_apart),
		cmocka_unit_test(another_scheme_is_not_read),
		cmocka_unit_test(malformed_values_are_refused),
		cmocka_unit_test(a_value_has_a_kilobyte_at_most),
		cmocka_unit_test(escapes_are_undone_to_compare),
		cmocka_unit_test(one_of_several_qops_is_found),
		cmocka_unit_test(uris_are_the_same_by_user_host_and_port),
	};

	return T_MAIN_ONLY(tests);
}
