/**
 * @file test/unit/sipd/test_compose.c  A message, put together
 */
#include "sipd/compose.h"
#include "test/support/t.h"


static void assert_result(const struct compose *c, const char *s)
{
	assert_false(c->is_full);
	assert_true(text_is(compose_result(c), s));
}


static void a_message_is_put_together(void **state)
{
	struct compose c;
	char buf[256];

	(void)state;

	compose_init(&c, buf, sizeof(buf));
	compose_put(&c, "SIP/2.0 ");
	compose_number(&c, 200);
	compose_put(&c, " ");
	compose_put(&c, reason_phrase(200));
	compose_put(&c, "\r\n");
	compose_head(&c, "Call-ID", text_of("x@y"));
	compose_head(&c, "Subject", (struct text){ 0 });
	compose_body(&c, "application/sdp", text_of("v=0\r\n"));
	assert_result(&c, "SIP/2.0 200 OK\r\n"
			  "Call-ID: x@y\r\n"
			  "Content-Type: application/sdp\r\n"
			  "Content-Length: 5\r\n\r\nv=0\r\n");
}


static void without_a_body_there_is_no_type(void **state)
{
	struct compose c;
	char buf[64];

	(void)state;

	compose_init(&c, buf, sizeof(buf));
	compose_body(&c, "application/sdp", (struct text){ 0 });
	assert_result(&c, "Content-Length: 0\r\n\r\n");
}


static void a_value_of_a_peer_forges_no_header(void **state)
{
	static const char forged[] = "\r\na\r\nVia: x\n\0y\r";
	const struct text t = { forged, sizeof(forged) - 1 };
	struct compose c;
	char buf[64];

	(void)state;

	compose_init(&c, buf, sizeof(buf));
	compose_head(&c, "Subject", t);
	assert_result(&c, "Subject: aVia: xy\r\n");

	compose_init(&c, buf, sizeof(buf));
	compose_quoted(&c, t);
	assert_result(&c, "aVia: xy");
}


static void quotes_are_escaped_in_quotes(void **state)
{
	struct compose c;
	char buf[64];

	(void)state;

	compose_init(&c, buf, sizeof(buf));
	compose_quoted(&c, text_of("a \"b\" \\ \xc3\xa4"));
	assert_result(&c, "a \\\"b\\\" \\\\ \xc3\xa4");
}


static void a_user_is_escaped(void **state)
{
	struct compose c;
	char buf[64];

	(void)state;

	compose_init(&c, buf, sizeof(buf));
	compose_user(&c, text_of("+49a-_.!~*'()&=+$,;?/"));
	assert_result(&c, "+49a-_.!~*'()&=+$,;?/");

	compose_init(&c, buf, sizeof(buf));
	compose_user(&c, (struct text){ "a@b:#% \"<>\xff\0", 12 });
	assert_result(&c, "a%40b%3A%23%25%20%22%3C%3E%FF%00");
}


static void numbers_are_printed_to_the_last(void **state)
{
	struct compose c;
	char buf[64];

	(void)state;

	compose_init(&c, buf, sizeof(buf));
	compose_number(&c, 0);
	compose_put(&c, " ");
	compose_number(&c, UINT64_MAX);
	assert_result(&c, "0 18446744073709551615");
}


static void what_does_not_fit_is_not_begun(void **state)
{
	struct compose c;
	char buf[4];

	(void)state;

	compose_init(&c, buf, sizeof(buf));
	compose_put(&c, "abc");
	compose_put(&c, "d");
	assert_false(c.is_full);
	compose_put(&c, "");
	assert_false(c.is_full);
	compose_put(&c, "e");
	assert_true(c.is_full);
	assert_int_equal(c.len, 4);

	compose_init(&c, buf, sizeof(buf));
	compose_put(&c, "abc");
	compose_put(&c, "de");
	assert_true(c.is_full);
	assert_int_equal(c.len, 3);
	compose_put(&c, "f");
	assert_int_equal(c.len, 3);
	assert_true(c.is_full);
}


static void every_code_has_a_phrase(void **state)
{
	(void)state;

	for (unsigned code = 0; code < 1000; code++)
		assert_true(strlen(reason_phrase(code)) > 0);
	assert_string_equal(reason_phrase(100), "Trying");
	assert_string_equal(reason_phrase(198), "Session Progress");
	assert_string_equal(reason_phrase(486), "Busy Here");
	assert_string_equal(reason_phrase(505), "Version Not Supported");
	assert_string_equal(reason_phrase(499), "Request Failure");
	assert_string_equal(reason_phrase(99), "Unknown");
	assert_string_equal(reason_phrase(700), "Unknown");
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_put_together),
		cmocka_unit_test(without_a_body_there_is_no_type),
		cmocka_unit_test(a_value_of_a_peer_forges_no_header),
		cmocka_unit_test(quotes_are_escaped_in_quotes),
		cmocka_unit_test(a_user_is_escaped),
		cmocka_unit_test(numbers_are_printed_to_the_last),
		cmocka_unit_test(what_does_not_fit_is_not_begun),
		cmocka_unit_test(every_code_has_a_phrase),
	};

	return T_MAIN_ONLY(tests);
}
