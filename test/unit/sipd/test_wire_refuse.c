/**
 * @file test/unit/sipd/test_wire_refuse.c  503 without a parser
 */
#include "shared/base/text.h"
#include "sipd/wire_refuse.h"
#include "test/support/t.h"

#define REST                                                            \
	"From: \"A;tag=no\" <sip:a@b;tag=no>;tag=1\r\nCall-ID: x@y\r\n" \
	"CSeq: 1 INVITE\r\n"
#define VIA "Via: SIP/2.0/UDP h;branch=z9hG4bK1;rport\r\n"
#define TO  "To: <sip:c@d>;tag=2\r\n"

static const char intro[] = "SIP/2.0 503 Service Unavailable\r\n";
static const char end5[] = "Retry-After: 5\r\nContent-Length: 0\r\n\r\n";


static const char *refused(char dst[WIRE_REFUSE_MAX + 1], const char *request,
			   unsigned retry_s)
{
	const size_t len = wire_refuse_print(dst, request, strlen(request),
					     retry_s);

	dst[len] = '\0';

	return dst;
}


static void what_must_be_copied_is_and_nothing_else(void **state)
{
	char dst[WIRE_REFUSE_MAX + 1], expected[1024];
	(void)state;

	(void)refused(dst,
		      "INVITE sip:c@d SIP/2.0\r\n" VIA "Max-Forwards: 70\r\n"
		      "Via: SIP/2.0/TCP i\r\n" TO REST
		      "Contact: <sip:a@b>\r\nContent-Length: 3\r\n\r\nv=0",
		      5);
	(void)snprintf(expected, sizeof(expected), "%s%s%s%s%s%s", intro, VIA,
		       "Via: SIP/2.0/TCP i\r\n", TO, REST, end5);
	assert_string_equal(dst, expected);
}


static void compact_names_folded_lines_and_bare_lf_are_understood(void **state)
{
	char dst[WIRE_REFUSE_MAX + 1];
	(void)state;

	(void)refused(dst,
		      "OPTIONS sip:c@d SIP/2.0\nv: SIP/2.0/UDP h\n"
		      "f : <sip:a@b>\r\n ;tag=1\nt: <sip:c@d>;\r\n\ttag=2\n"
		      "i: x\ncseq: 1 OPTIONS\n\n",
		      1);
	assert_string_equal(dst,
			    "SIP/2.0 503 Service Unavailable\r\n"
			    "v: SIP/2.0/UDP h\r\n"
			    "f : <sip:a@b>   ;tag=1\r\n"
			    "t: <sip:c@d>;  \ttag=2\r\n"
			    "i: x\r\ncseq: 1 OPTIONS\r\n"
			    "Retry-After: 1\r\nContent-Length: 0\r\n\r\n");
}


static void a_to_without_tag_gets_the_same_one_each_time(void **state)
{
	static const char *const tos[] = {
		"To: <sip:c@d>\r\n",
		"To: sip:c@d\r\n",
		"To: \"x;tag=1\" <sip:c@d;tag=1>\r\n",
		"To: <sip:c@d>;tags=1\r\n",
		"To: \"a\\\";tag=1\" <sip:c@d>\r\n",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(tos) / sizeof(tos[0]); i++) {
		char request[512], one[WIRE_REFUSE_MAX + 1],
			two[WIRE_REFUSE_MAX + 1], start[128];

		(void)snprintf(request, sizeof(request),
			       "INVITE sip:c@d SIP/2.0\r\n%s%s%s\r\n", VIA,
			       tos[i], REST);
		(void)refused(one, request, 5);
		(void)refused(two, request, 5);
		assert_string_equal(one, two);
		(void)snprintf(start, sizeof(start),
			       "%.*s;tag=", (int)strlen(tos[i]) - 2, tos[i]);
		assert_non_null(strstr(one, start));
	}
}


static void what_cannot_or_must_not_be_answered_is_not(void **state)
{
	static const char *const rows[] = {
		"",
		"\r\n\r\n",
		"INVITE sip:c@d SIP/2.0",
		"INVITE sip:c@d SIP/2.0\r\n",
		"INVITE sip:c@d SIP/2.0\r\n\r\n",
		"INVITE SIP/2.0\r\n" VIA TO REST "\r\n",
		"INVITE sip:c@d\r\n" VIA TO REST "\r\n",
		"GET / HTTP/1.1\r\n" VIA TO REST "\r\n",
		"ACK sip:c@d SIP/2.0\r\n" VIA TO REST "\r\n",
		"SIP/2.0 200 SIP/2.0\r\n" VIA TO REST "\r\n",
		"INVITE sip:c@d SIP/2.0\r\n" VIA TO REST, /* no end */
		"INVITE sip:c@d SIP/2.0\r\n" TO REST "\r\n",
		"INVITE sip:c@d SIP/2.0\r\n" VIA REST "\r\n",
		"INVITE sip:c@d SIP/2.0\r\n" VIA TO TO REST "\r\n",
		"INVITE sip:c@d SIP/2.0\r\n" VIA "To: <sip:\001c@d>\r\n" REST
		"\r\n",
		"INVITE sip:\001c@d SIP/2.0\r\n" VIA TO REST "\r\n",
	};
	char dst[WIRE_REFUSE_MAX + 1];
	(void)state;

	assert_string_not_equal(
		refused(dst, "INVITE sip:c@d SIP/2.0\r\n" VIA TO REST "\r\n",
			5),
		"");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(refused(dst, rows[i], 5), "");
}


static void too_long_a_line_or_too_many_are_not_answered(void **state)
{
	char *request = calloc(1, 20000);
	char dst[WIRE_REFUSE_MAX + 1];
	size_t len;
	(void)state;

	assert_non_null(request);
	len = (size_t)snprintf(request, 20000, "%s",
			       "INVITE sip:c@d SIP/2.0\r\n" TO REST "v: ");
	memset(request + len, 'x', WIRE_REFUSE_MAX);
	(void)snprintf(request + len + WIRE_REFUSE_MAX, 100, "\r\n\r\n");
	assert_string_equal(refused(dst, request, 5), "");

	len = (size_t)snprintf(request, 20000, "%s",
			       "INVITE sip:c@d SIP/2.0\r\n" VIA TO REST);
	for (int i = 0; i < 200; i++)
		len += (size_t)snprintf(request + len, 20000 - len,
					"X-%d: y\r\n", i);
	(void)snprintf(request + len, 20000 - len, "\r\n");
	assert_string_equal(refused(dst, request, 5), "");
	free(request);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_must_be_copied_is_and_nothing_else),
		cmocka_unit_test(
			compact_names_folded_lines_and_bare_lf_are_understood),
		cmocka_unit_test(a_to_without_tag_gets_the_same_one_each_time),
		cmocka_unit_test(what_cannot_or_must_not_be_answered_is_not),
		cmocka_unit_test(too_long_a_line_or_too_many_are_not_answered),
	};

	return T_MAIN_ONLY(tests);
}
