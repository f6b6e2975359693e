/**
 * @file test/unit/sipd/test_message.c  A SIP message, indexed
 */
#include "sipd/message.h"
#include "sipd/message_parts.h"
#include "test/support/t.h"

#define ASSERT_TEXT(t, s) assert_true(text_is(t, s))

#define FIRST   "INVITE sip:b@example.org SIP/2.0\r\n"
#define VIA     "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define FROM    "From: <sip:a@example.org>;tag=f\r\n"
#define TO      "To: <sip:b@example.org>\r\n"
#define CALL_ID "Call-ID: c@192.0.2.1\r\n"
#define CSEQ    "CSeq: 1 INVITE\r\n"
#define ALL     VIA FROM TO CALL_ID CSEQ
#define INVITE  FIRST ALL

/** What message_parse() may write to */
static char data[2 * MESSAGE_BYTES_MAX];
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


/* --- what is good --------------------------------------------------------- */

static void an_invite_is_indexed(void **state)
{
	(void)state;

	assert_int_equal(parse(INVITE "Content-Length: 2\r\n\r\nxyz"),
			 MESSAGE_OK);
	assert_true(m.is_request);
	assert_int_equal(m.method, METHOD_INVITE);
	ASSERT_TEXT(m.method_text, "INVITE");
	ASSERT_TEXT(m.uri, "sip:b@example.org");
	assert_int_equal(m.code, 0);
	assert_int_equal(m.via.transport, TRANSPORT_UDP);
	ASSERT_TEXT(m.via.branch, "z9hG4bK1");
	ASSERT_TEXT(m.call_id, "c@192.0.2.1");
	assert_int_equal(m.cseq, 1);
	assert_int_equal(m.cseq_method, METHOD_INVITE);
	ASSERT_TEXT(m.from_tag, "f");
	ASSERT_TEXT(m.to_tag, "");
	ASSERT_TEXT(m.body, "xy");
	ASSERT_TEXT(m.whole, INVITE "Content-Length: 2\r\n\r\nxy");
	assert_int_equal(m.rowc, 6);
}


static void a_response_is_indexed(void **state)
{
	(void)state;

	assert_int_equal(parse("SIP/2.0 486 Busy here \r\n" ALL "\r\n"),
			 MESSAGE_OK);
	assert_false(m.is_request);
	assert_int_equal(m.code, 486);
	ASSERT_TEXT(m.reason, "Busy here");
	assert_int_equal(m.method, METHOD_INVITE);

	assert_int_equal(parse("SIP/2.0 200\r\n" ALL "\r\n"), MESSAGE_OK);
	assert_int_equal(m.code, 200);
	ASSERT_TEXT(m.reason, "");
	assert_int_equal(parse("SIP/2.0 100 \r\n" ALL "\r\n"), MESSAGE_OK);
}


static void what_is_legal_though_rare_is_taken(void **state)
{
	static const char *const good[] = {
		"\r\n\r\n" INVITE "\r\n",
		"INVITE sip:b@h sip/2.0\r\n" ALL "\r\n",
		"INVITE sips:b@[2001:db8::1] SIP/2.0\r\n" ALL "\r\n",
		"INVITE tel:+123 SIP/2.0\r\n" ALL "\r\n",
		FIRST "v: sip/2.0/udp 192.0.2.1\r\n"
		      "f: \"A <B>\" <sip:a@h>;tag=f\r\n"
		      "t: sip:b@h\r\ni: c\r\nCSEQ : 1 INVITE\r\nm: *\r\n\r\n",
		FIRST
		"Via:\r\n SIP/2.0/UDP 192.0.2.1\r\n\t;branch=x\r\n" FROM TO
			CALL_ID "CSeq: 1\r\n INVITE\r\n\r\n",
		FIRST ALL FROM TO CALL_ID CSEQ
		"Max-Forwards: 70\r\nMax-Forwards: 70\r\n"
		"Content-Length: 0\r\nl: 0\r\n\r\n",
		"INVITE sip:b@h SIP/2.0\nVia: SIP/2.0/UDP h\nFrom: sip:a@h\n"
		"To: sip:b@h\nCall-ID: c\nCSeq: 1 INVITE\n\n",
		INVITE "Max-Forwards: 0070\r\nX-Tab: a\tb\r\nX-Empty:\r\n"
		       "X-Utf: \xc3\xa4\r\n\r\n",
	};

	(void)state;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (parse(good[i]) != MESSAGE_OK)
			fail_msg("%s: %s", message_faults[m.fault].name,
				 good[i]);
}


static void folded_lines_are_unfolded_in_place(void **state)
{
	(void)state;

	assert_int_equal(parse(INVITE "Subject: a\r\n b\n\t c\r\n \r\nX: y\r\n"
				      "\r\n z"),
			 MESSAGE_OK);
	ASSERT_TEXT(m.rows[5].value, "a   b \t c");
	ASSERT_TEXT(m.rows[6].value, "y");
	ASSERT_TEXT(m.body, " z");
}


static void every_name_is_found_in_any_case(void **state)
{
	(void)state;

	for (unsigned i = HEAD_OTHER + 1; i < HEADC; i++) {
		const char *name = message_head_name((enum head)i);
		char other[32], longer[32];

		assert_int_equal(text_copy(other, sizeof(other),
					   text_of(name)),
				 0);
		for (char *p = other; *p; p++)
			if (*p != '-')
				*p = (char)(*p ^ 0x20);
		assert_int_equal(message_head_find(text_of(name)), i);
		assert_int_equal(message_head_find(text_of(other)), i);

		assert_int_equal(text_print(longer, sizeof(longer), "%sx",
					    name),
				 0);
		assert_int_equal(message_head_find(text_of(longer)),
				 HEAD_OTHER);
		other[strlen(other) - 1] = '!';
		assert_int_equal(message_head_find(text_of(other)),
				 HEAD_OTHER);
	}
}


static void compact_names_are_those_of_the_registry(void **state)
{
	static const struct {
		char name;
		enum head head;
	} compact[] = {
		{ 'c', HEAD_CONTENT_TYPE }, { 'e', HEAD_CONTENT_ENCODING },
		{ 'f', HEAD_FROM },         { 'i', HEAD_CALL_ID },
		{ 'k', HEAD_SUPPORTED },    { 'l', HEAD_CONTENT_LENGTH },
		{ 'm', HEAD_CONTACT },      { 't', HEAD_TO },
		{ 'v', HEAD_VIA },          { 'x', HEAD_SESSION_EXPIRES },
	};

	(void)state;

	for (unsigned c = 0; c < 256; c++) {
		const char name = (char)c;
		enum head head = HEAD_OTHER;

		for (size_t i = 0; i < sizeof(compact) / sizeof(compact[0]);
		     i++)
			if (compact[i].name == name ||
			    (compact[i].name ^ 0x20) == name)
				head = compact[i].head;
		assert_int_equal(message_head_find((struct text){ &name, 1 }),
				 head);
	}
}


/* platform.md 1.4: names that a hash takes for others */
static void a_name_is_never_taken_for_another(void **state)
{
	static const char *const names[] = { "Q-fng", "Q-gkb", "Q-bke",
					     "Q-kee", "Q-dhe", "Froz" };

	(void)state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(message_head_find(text_of(names[i])),
				 HEAD_OTHER);
}


static void every_method_is_found_in_its_case(void **state)
{
	(void)state;

	for (unsigned i = METHOD_OTHER + 1; i < METHODC; i++)
		assert_int_equal(method_find(
					 text_of(method_name((enum method)i))),
				 i);
	assert_int_equal(method_find(text_of("invite")), METHOD_OTHER);
	assert_int_equal(method_find(text_of("")), METHOD_OTHER);
	assert_int_equal(method_find(text_of("INVITED")), METHOD_OTHER);
}


/* --- what is wrong -------------------------------------------------------- */

static const struct {
	enum message_fault fault;
	const char *text;
} faults[] = {
	{ MESSAGE_EMPTY, "" },
	{ MESSAGE_EMPTY, "\r\n\r\n" },
	{ MESSAGE_NOT_SIP, "x" },
	{ MESSAGE_NOT_SIP, "GET / HTTP/1.1\r\n\r\n" },
	{ MESSAGE_NOT_SIP, "INVITE SIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_NOT_SIP, "INVITE sip:b@h\r\n" ALL "\r\n" },
	{ MESSAGE_NOT_SIP, "<INVITE> sip:b@h SIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_NOT_SIP, " INVITE sip:b@h SIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_NOT_SIP, "INVITE(sip:b@h SIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_NOT_SIP, "SIP/2.0 20 OK\r\n" ALL "\r\n" },
	{ MESSAGE_NOT_SIP, "SIP/2.0 2000 OK\r\n" ALL "\r\n" },
	{ MESSAGE_NOT_SIP, "SIP/2.0 700 OK\r\n" ALL "\r\n" },
	{ MESSAGE_NOT_SIP, "SIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_NO_VIA, FIRST FROM TO CALL_ID CSEQ "\r\n" },
	{ MESSAGE_NO_FROM, FIRST VIA TO CALL_ID CSEQ "\r\n" },
	{ MESSAGE_NO_FROM,
	  FIRST VIA TO CALL_ID CSEQ "From: \"A <sip:a@h>\r\n\r\n" },
	{ MESSAGE_NO_FROM, FIRST VIA TO CALL_ID CSEQ "From: \"A\r\n\r\n" },
	{ MESSAGE_NO_FROM, FIRST VIA TO CALL_ID CSEQ "From: *\r\n\r\n" },
	{ MESSAGE_NO_TO, FIRST VIA FROM CALL_ID CSEQ "\r\n" },
	{ MESSAGE_NO_TO,
	  FIRST VIA FROM CALL_ID CSEQ "To: <sip:b@h>;tag=1 2\r\n\r\n" },
	{ MESSAGE_NO_CALL_ID, FIRST VIA FROM TO CSEQ "\r\n" },
	{ MESSAGE_NO_CALL_ID, FIRST VIA FROM TO CSEQ "Call-ID: \r\n\r\n" },
	{ MESSAGE_NO_CSEQ, FIRST VIA FROM TO CALL_ID "\r\n" },
	{ MESSAGE_NO_CSEQ, FIRST VIA FROM TO CALL_ID "CSeq: INVITE\r\n\r\n" },
	{ MESSAGE_BAD_VIA, FIRST "Via: x\r\n" ALL "\r\n" },
	{ MESSAGE_BAD_VIA, FIRST "Via:\r\n" ALL "\r\n" },
	{ MESSAGE_NO_TO,
	  "INVITE http:x SIP/3.0\r\n" VIA FROM CALL_ID CSEQ "\r\n" },
	{ MESSAGE_SYNTAX, INVITE },
	{ MESSAGE_SYNTAX, INVITE "Subject: x" },
	{ MESSAGE_SYNTAX, INVITE "no colon\r\n\r\n" },
	{ MESSAGE_SYNTAX, INVITE ": no name\r\n\r\n" },
	{ MESSAGE_SYNTAX, FIRST " x\r\n" ALL "\r\n" },
	{ MESSAGE_SYNTAX, INVITE "b@d: name\r\n\r\n" },
	{ MESSAGE_SYNTAX, "INVITE  sip:b@h SIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_SYNTAX, "INVITE sip:b@h  SIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_SYNTAX, "INVITE sip:b@h SIP/2.0 \r\n" ALL "\r\n" },
	{ MESSAGE_SYNTAX, "INVITE\tsip:b@h\tSIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_SYNTAX, "INVITE sip:b@h; lr SIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_SYNTAX, "INVITE <sip:b@h> SIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_SYNTAX,
	  FIRST VIA TO CALL_ID CSEQ "From: < sip:a@h >;tag=f\r\n\r\n" },
	{ MESSAGE_SYNTAX, FIRST VIA FROM TO CSEQ "Call-ID: a b\r\n\r\n" },
	{ MESSAGE_SYNTAX,
	  FIRST VIA FROM TO CALL_ID "CSeq: 2147483648 INVITE\r\n\r\n" },
	{ MESSAGE_SYNTAX, INVITE "Content-Length: -1\r\n\r\n" },
	{ MESSAGE_SYNTAX, INVITE "Content-Length: 000000000\r\n\r\n" },
	{ MESSAGE_SYNTAX, INVITE "Content-Length:\r\n\r\n" },
	{ MESSAGE_SYNTAX, INVITE "Max-Forwards: 256\r\n\r\n" },
	{ MESSAGE_SYNTAX, INVITE "Max-Forwards: 7x\r\n\r\n" },
	{ MESSAGE_SYNTAX, "X sip:b@h SIP/2.0\r\n" ALL "x\r\n\r\n" },
	{ MESSAGE_CONTROL, INVITE "Subject: a\x01z\r\n\r\n" },
	{ MESSAGE_CONTROL, INVITE "Subject: a\x7fz\r\n\r\n" },
	{ MESSAGE_CONTROL, INVITE "Subject: a\rz\r\n\r\n" },
	{ MESSAGE_CONTROL, INVITE "Subject: a\r\r\n\r\n" },
	{ MESSAGE_TWICE, FIRST ALL "From: <sip:a@example.org>;tag=g\r\n\r\n" },
	{ MESSAGE_TWICE, FIRST ALL "t: <sip:c@example.org>\r\n\r\n" },
	{ MESSAGE_TWICE, FIRST ALL "i: d\r\n\r\n" },
	{ MESSAGE_TWICE, FIRST ALL "CSeq: 2 INVITE\r\n\r\n" },
	{ MESSAGE_TWICE,
	  FIRST ALL "Max-Forwards: 1\r\nMax-Forwards: 2\r\n\r\n" },
	{ MESSAGE_TWICE, FIRST ALL "Content-Length: 0\r\nl: 1\r\n\r\nx" },
	{ MESSAGE_CSEQ_METHOD, "BYE sip:b@h SIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_CSEQ_METHOD, "NEW sip:b@h SIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_TRUNCATED, INVITE "Content-Length: 99999999\r\n\r\nxy" },
	{ MESSAGE_OK, INVITE "Content-Length: 00000002\r\n\r\nxy" },
	{ MESSAGE_TRUNCATED, INVITE "Content-Length: 3\r\n\r\nxy" },
	{ MESSAGE_VERSION, "INVITE sip:b@h SIP/7.0\r\n" ALL "\r\n" },
	{ MESSAGE_VERSION, "INVITE x:y SIP/2.00\r\n" ALL "\r\n" },
	{ MESSAGE_SCHEME, "INVITE http://h/ SIP/2.0\r\n" ALL "\r\n" },
	{ MESSAGE_METHOD,
	  "X sip:b@h SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 X\r\n\r\n" },
};


static void a_fault_is_named(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (parse(faults[i].text) != faults[i].fault)
			fail_msg("%s, not %s: %s",
				 message_faults[m.fault].name,
				 message_faults[faults[i].fault].name,
				 faults[i].text);
}


static void every_fault_has_a_name_and_an_answer(void **state)
{
	(void)state;

	for (unsigned i = 0; i < MESSAGE_FAULTC; i++) {
		assert_non_null(message_faults[i].name);
		assert_int_equal(message_faults[i].code == 0,
				 i <= MESSAGE_BAD_VIA);
	}
}


static void a_faulty_request_can_be_answered(void **state)
{
	(void)state;

	assert_int_equal(parse("X\tx  SIP/9\r\nSubject: \x01\r\n" ALL
			       "Content-Length: y\r\nContent-Length: 7"),
			 MESSAGE_SYNTAX);
	ASSERT_TEXT(m.via.branch, "z9hG4bK1");
	ASSERT_TEXT(m.call_id, "c@192.0.2.1");
	assert_int_equal(m.cseq, 1);
	ASSERT_TEXT(m.from_tag, "f");
	ASSERT_TEXT(message_head(&m, HEAD_TO), "<sip:b@example.org>");
}


static void a_nul_in_a_header_is_a_control_character(void **state)
{
	static const char text[] = INVITE "Subject: a\0b\r\n\r\n";

	(void)state;

	assert_int_equal(parse_bytes(text, sizeof(text) - 1, false),
			 MESSAGE_CONTROL);
}


static void a_nul_in_a_body_is_its_own_affair(void **state)
{
	static const char text[] = INVITE "\r\na\0b";

	(void)state;

	assert_int_equal(parse_bytes(text, sizeof(text) - 1, false),
			 MESSAGE_OK);
	assert_int_equal(m.body.l, 3);
}


/* Each byte at each place of a word of eight */
static void control_characters_are_seen_wherever_they_are(void **state)
{
	static const char good[] = INVITE
		"Subject: ::::::::::::::::::\r\n\r\n";
	const size_t start = sizeof(good) - 23;
	char text[sizeof(good)];

	(void)state;

	for (unsigned c = 0; c < 256; c++)
		for (size_t at = 0; at < 16; at++) {
			const bool is_bad = (c < 0x20 && c != '\t' &&
					     c != '\n') ||
					    c == 0x7f;

			memcpy(text, good, sizeof(good));
			text[start + at] = (char)c;
			(void)parse_bytes(text, sizeof(good) - 1, false);
			/* a line feed makes a line without a name */
			assert_int_equal(m.fault, is_bad      ? MESSAGE_CONTROL
						  : c == '\n' ? MESSAGE_SYNTAX
							      : MESSAGE_OK);
		}
}


/* --- bounds --------------------------------------------------------------- */

static size_t append(char *buf, size_t at, const char *s, unsigned times)
{
	const struct text t = text_of(s);

	for (unsigned i = 0; i < times; i++) {
		memcpy(buf + at, t.p, t.l);
		at += t.l;
	}

	return at;
}


static void more_heads_than_128_are_too_many(void **state)
{
	char *buf = malloc(MESSAGE_BYTES_MAX);
	size_t skipped;

	(void)state;
	assert_non_null(buf);

	for (unsigned more = 0; more < 2; more++) {
		size_t len = append(buf, 0, INVITE, 1);

		len = append(buf, len, "X: y\r\n",
			     MESSAGE_HEADS_MAX - 5 + more);
		len = append(buf, len, "\r\n", 1);
		assert_int_equal(parse_bytes(buf, len, false),
				 more ? MESSAGE_HEADS : MESSAGE_OK);
		assert_int_equal(m.rowc, MESSAGE_HEADS_MAX);
		assert_int_equal(m.body.p != NULL, !more);
		assert_true(message_frame(buf, len, &skipped) ==
			    (more ? SIZE_MAX : len));
	}
	free(buf);
}


static void a_head_of_more_than_8192_bytes_is_too_long(void **state)
{
	char *buf = malloc(MESSAGE_BYTES_MAX);
	size_t skipped;

	(void)state;
	assert_non_null(buf);

	for (unsigned more = 0; more < 2; more++) {
		size_t len = append(buf, 0, INVITE "X:", 1);

		len = append(buf, len, "y", MESSAGE_HEAD_BYTES_MAX - 2 + more);
		len = append(buf, len, "\r\n\r\n", 1);
		assert_int_equal(parse_bytes(buf, len, false),
				 more ? MESSAGE_HEADS : MESSAGE_OK);
		assert_true(message_frame(buf, len, &skipped) ==
			    (more ? SIZE_MAX : len));
	}
	free(buf);
}


static void a_message_of_more_than_64_kib_is_too_long(void **state)
{
	char *buf = malloc(MESSAGE_BYTES_MAX + 1);
	size_t len = append(buf, 0, INVITE "\r\n", 1);

	(void)state;

	len = append(buf, len, "x", MESSAGE_BYTES_MAX - (unsigned)len);
	assert_int_equal(parse_bytes(buf, len, false), MESSAGE_OK);
	len = append(buf, len, "x", 1);
	assert_int_equal(parse_bytes(buf, len, false), MESSAGE_HEADS);
	free(buf);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invite_is_indexed),
		cmocka_unit_test(a_response_is_indexed),
		cmocka_unit_test(what_is_legal_though_rare_is_taken),
		cmocka_unit_test(folded_lines_are_unfolded_in_place),
		cmocka_unit_test(every_name_is_found_in_any_case),
		cmocka_unit_test(compact_names_are_those_of_the_registry),
		cmocka_unit_test(a_name_is_never_taken_for_another),
		cmocka_unit_test(every_method_is_found_in_its_case),
		cmocka_unit_test(a_fault_is_named),
		cmocka_unit_test(every_fault_has_a_name_and_an_answer),
		cmocka_unit_test(a_faulty_request_can_be_answered),
		cmocka_unit_test(a_nul_in_a_header_is_a_control_character),
		cmocka_unit_test(a_nul_in_a_body_is_its_own_affair),
		cmocka_unit_test(
			control_characters_are_seen_wherever_they_are),
		cmocka_unit_test(more_heads_than_128_are_too_many),
		cmocka_unit_test(a_head_of_more_than_8192_bytes_is_too_long),
		cmocka_unit_test(a_message_of_more_than_64_kib_is_too_long),
	};

	return T_MAIN_ONLY(tests);
}
