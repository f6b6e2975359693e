/**
 * @file test/unit/sipd/test_message_read.c  What is asked of a message: where
 * it ends in a stream, its rows, its body
 */
#include "sipd/message.h"
#include "test/support/t.h"

#define ASSERT_TEXT(t, s) assert_true(text_is(t, s))

#define INVITE                                           \
	"INVITE sip:b@example.org SIP/2.0\r\n"           \
	"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n" \
	"From: <sip:a@example.org>;tag=f\r\n"            \
	"To: <sip:b@example.org>\r\n"                    \
	"Call-ID: c@192.0.2.1\r\n"                       \
	"CSeq: 1 INVITE\r\n"

/** What message_parse() may write to */
static char data[2048];
static struct message m;


static enum message_fault parse_bytes(const char *bytes, size_t len,
				      bool is_stream)
{
	assert_true(len <= sizeof(data));
	memcpy(data, bytes, len);

	return message_parse(&m, data, len, is_stream);
}


static enum message_fault parse(const char *s)
{
	return parse_bytes(s, strlen(s), false);
}


/* --- streams -------------------------------------------------------------- */

static void a_stream_needs_a_length(void **state)
{
	static const char without[] = INVITE "\r\n";
	static const char with[] = INVITE "l: 1\r\n\r\nx";

	(void)state;

	assert_int_equal(parse_bytes(without, strlen(without), true),
			 MESSAGE_NO_LENGTH);
	assert_int_equal(parse_bytes(with, strlen(with), true), MESSAGE_OK);
	ASSERT_TEXT(m.body, "x");
}


static void a_stream_is_cut_where_the_body_ends(void **state)
{
	static const char one[] = INVITE
		"Content-Length\r\n :\r\n 4\r\n\r\n\r\n\r\n";
	static const char both[] =
		"\r\n\n" INVITE
		"Content-Length\r\n :\r\n 4\r\n\r\n\r\n\r\n" INVITE "\r\n";
	size_t skipped;

	(void)state;

	for (size_t len = 0; len < 3 + strlen(one); len++)
		assert_int_equal(message_frame(both, len, &skipped), 0);
	for (size_t len = 3 + strlen(one); len < strlen(both); len++) {
		assert_int_equal(message_frame(both, len, &skipped),
				 strlen(one));
		assert_int_equal(skipped, 3);
	}
	assert_int_equal(parse_bytes(one, strlen(one), true), MESSAGE_OK);
	ASSERT_TEXT(m.body, "\r\n\r\n");
}


static void what_has_no_good_length_ends_with_its_heads(void **state)
{
	static const char *const texts[] = {
		INVITE "\r\n",
		INVITE "Content-Length: x\r\nl: 4\r\n\r\n",
		INVITE "Content-Length: 123456789\r\n\r\n",
		"x\r\n\r\n",
		"x\n\n",
		"l: 2\r\n\r\n",
	};
	char buf[512];
	size_t skipped;

	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(text_print(buf, sizeof(buf), "%sbody",
					    texts[i]),
				 0);
		assert_int_equal(message_frame(buf, strlen(buf), &skipped),
				 strlen(texts[i]));
	}
}


static void what_cannot_become_a_message_is_not_waited_for(void **state)
{
	static const char large[] = INVITE "l: 65535\r\n\r\n";
	static const char most[] = "x\r\nl: 65520\r\n\r\n";
	static const char more[] = "x\r\nl: 65521\r\n\r\n";
	static char line[MESSAGE_HEAD_BYTES_MAX + 4];
	size_t skipped;

	(void)state;

	assert_true(message_frame(large, strlen(large), &skipped) == SIZE_MAX);
	assert_true(message_frame(most, strlen(most), &skipped) == 0);
	assert_true(message_frame(more, strlen(more), &skipped) == SIZE_MAX);
	memset(line, 'x', sizeof(line));
	assert_true(message_frame(line, sizeof(line) - 2, &skipped) == 0);
	assert_true(message_frame(line, sizeof(line), &skipped) == SIZE_MAX);
}


static void line_ends_between_messages_belong_to_none(void **state)
{
	size_t skipped;

	(void)state;

	assert_int_equal(message_frame("\r\n\r\n", 4, &skipped), 0);
	assert_int_equal(skipped, 4);
	assert_int_equal(message_frame("", 0, &skipped), 0);
	assert_int_equal(skipped, 0);
}


/* --- rows ----------------------------------------------------------------- */

static void a_list_goes_on_in_the_next_row(void **state)
{
	static const char *const want[] = { "<sip:a,b>", "<sip:c>",
					    "<sip:d>" };
	struct message_cursor cursor = { 0 };
	struct text value = { 0 };
	size_t i;

	(void)state;

	assert_int_equal(parse(INVITE "Route: <sip:a,b>, <sip:c>\r\n"
				      "Subject: x\r\nRoute: ,\r\n"
				      "route: <sip:d>\r\n\r\n"),
			 MESSAGE_OK);
	for (i = 0; i < 3; i++) {
		assert_true(message_next(&m, HEAD_ROUTE, &cursor, &value));
		ASSERT_TEXT(value, want[i]);
	}
	assert_false(message_next(&m, HEAD_ROUTE, &cursor, &value));
	assert_false(message_next(&m, HEAD_ROUTE, &cursor, &value));

	cursor = (struct message_cursor){ 0 };
	assert_false(message_next(&m, HEAD_PATH, &cursor, &value));
}


static void a_list_is_asked_for_a_token(void **state)
{
	(void)state;

	assert_int_equal(parse(INVITE "Supported: timer\r\nk: path ,100REL\r\n"
				      "\r\n"),
			 MESSAGE_OK);
	assert_true(message_lists(&m, HEAD_SUPPORTED, "timer"));
	assert_true(message_lists(&m, HEAD_SUPPORTED, "100rel"));
	assert_false(message_lists(&m, HEAD_SUPPORTED, "100"));
	assert_false(message_lists(&m, HEAD_REQUIRE, "timer"));
}


static void seconds_stand_at_the_start(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint32_t seconds;
	} rows[] = {
		{ INVITE "Expires: 60\r\n\r\n", 0, 60 },
		{ INVITE "Expires: 60;x\r\n\r\n", 0, 60 },
		{ INVITE "Expires: 60 (maintenance)\r\n\r\n", 0, 60 },
		{ INVITE "Expires: 4294967295\r\n\r\n", 0, UINT32_MAX },
		{ INVITE "Expires: 4294967296\r\n\r\n", EBADMSG, 0 },
		{ INVITE "Expires: x\r\n\r\n", EBADMSG, 0 },
		{ INVITE "Expires: 6 x\r\n\r\n", EBADMSG, 0 },
		{ INVITE "Expires:\r\n\r\n", EBADMSG, 0 },
		{ INVITE "\r\n", ENOENT, 0 },
	};

	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t seconds = 0;

		assert_int_equal(parse(rows[i].text), MESSAGE_OK);
		assert_int_equal(message_seconds(&m, HEAD_EXPIRES, &seconds),
				 rows[i].err);
		assert_int_equal(seconds, rows[i].seconds);
	}
}


/* --- bodies --------------------------------------------------------------- */

#define MIXED "Content-Type: multipart/mixed;x=y;boundary=\"a\\b c\"\r\n\r\n"
#define PARTS                                                          \
	"preamble\r\n--ab\r\n--ab c\r\n\r\nplain\r\n"                  \
	"-+ab c\r\nContent-Type: application/sdp\r\n\r\nnot it\r\n"    \
	"--ab c \r\nContent-Type: application/isup\r\n\r\n\x01\r\n"    \
	"--ab c\r\ncontent-type: Application/SDP ;x=y\r\nX: y\r\n\r\n" \
	"v=0\r\ns=-\r\n\r\n"

static void the_sdp_of_a_body_is_found(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *sdp;
	} rows[] = {
		{ INVITE "\r\n", 0, "" },
		{ INVITE "c: application/sdp\r\n\r\nv=0\r\n", 0, "v=0\r\n" },
		{ INVITE "c: APPLICATION / SDP;x\r\n\r\nv=0", 0, "v=0" },
		{ INVITE "c: application/sdpx\r\n\r\nv=0", ENOTSUP, "" },
		{ INVITE "c: text/sdp\r\n\r\nv=0", ENOTSUP, "" },
		{ INVITE "c: application\r\n\r\nv=0", ENOTSUP, "" },
		{ INVITE "\r\nv=0", ENOTSUP, "" },
		{ INVITE "e: gzip\r\nc: application/sdp\r\n\r\nv=0", ENOTSUP,
		  "" },
		{ INVITE "e: identity\r\nc: application/sdp\r\n\r\nv=0", 0,
		  "v=0" },
		{ INVITE MIXED PARTS "--ab c--\r\nepilogue", 0,
		  "v=0\r\ns=-\r\n" },
		{ INVITE MIXED PARTS "--ab c", 0, "v=0\r\ns=-\r\n" },
		{ INVITE MIXED PARTS, ENOTSUP, "" },
		{ INVITE MIXED PARTS "--ab cd\r\n", ENOTSUP, "" },
		{ INVITE MIXED
		  "--ab c\r\nContent-Type: application/sdp\r\n"
		  "Content-Transfer-Encoding: base64\r\n\r\ndj0w\r\n--ab c--",
		  ENOTSUP, "" },
		{ INVITE "c: multipart/mixed\r\n\r\n" PARTS "--ab c--",
		  ENOTSUP, "" },
		{ INVITE "c: multipart/mixed;boundary=\r\n\r\n" PARTS "--\r\n",
		  ENOTSUP, "" },
	};

	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text sdp = { 0 };

		assert_int_equal(parse(rows[i].text), MESSAGE_OK);
		if (message_sdp(&m, &sdp) != rows[i].err ||
		    !text_is(sdp, rows[i].sdp))
			fail_msg("%zu: %s", i, rows[i].text);
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_needs_a_length),
		cmocka_unit_test(a_stream_is_cut_where_the_body_ends),
		cmocka_unit_test(what_has_no_good_length_ends_with_its_heads),
		cmocka_unit_test(
			what_cannot_become_a_message_is_not_waited_for),
		cmocka_unit_test(line_ends_between_messages_belong_to_none),
		cmocka_unit_test(a_list_goes_on_in_the_next_row),
		cmocka_unit_test(a_list_is_asked_for_a_token),
		cmocka_unit_test(seconds_stand_at_the_start),
		cmocka_unit_test(the_sdp_of_a_body_is_found),
	};

	return T_MAIN_ONLY(tests);
}
