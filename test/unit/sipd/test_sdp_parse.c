/**
 * @file test/unit/sipd/test_sdp_parse.c  What an SDP says, and hostile ones
 */
#include "shared/base/util.h"
#include "sipd/sdpedit.h"
#include "test/support/t.h"

#define HEAD "v=0\r\no=- 81 82 IN IP4 192.0.2.5\r\ns=-\r\n"
#define ADDR "c=IN IP4 192.0.2.5\r\n"
#define TIME "t=0 0\r\n"
#define GOOD HEAD ADDR TIME "m=audio 4000 RTP/AVP 0\r\n"


static bool is_own(const struct addr *addr, void *arg)
{
	struct addr own;

	assert_int_equal(addr_parse(&own, text_of(arg)), 0);

	return addr_equal(addr, &own);
}


static int parse(struct sdp *sdp, const char *body)
{
	static char own[] = "198.51.100.1";

	return sdp_parse(sdp, text_of(body), is_own, own);
}


static void a_body_is_read(void **state)
{
	static const char body[] =
		"v=0\r\no=alice 2890844526 7 IN IP4 host.example.com\r\n"
		"s=x\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\na=sendonly\r\n"
		"m=audio 4000/2 RTP/AVP 18 0 96 13 101\r\n"
		"a=rtpmap:96 iLBC/8000\r\n"
		"a=rtpmap:101 telephone-event/8000\r\na=rtcp:4009\r\n"
		"m=image 4002 UDPTL t38\r\nc=IN IP6 2001:db8::5\r\n"
		"a=inactive\r\n"
		"m=video 0 RTP/AVP 200\r\n"
		"m=audio 4004 RTP/SAVP 8\r\nc=IN IP4 media.example.com\r\n"
		"c=IN IP4 192.0.2.6\r\n"
		"m=audio 4006 RTP/AVP 8\r\nc=IN IP4 0.0.0.0\r\n"
		"a=crypto:1 x inline:y\r\n";
	struct sdp sdp;
	char text[ADDR_TEXT_MAX];
	const struct sdp_media *m = sdp.media;
	(void)state;

	assert_int_equal(parse(&sdp, body), 0);
	assert_int_equal(sdp.session, 2890844526);
	assert_int_equal(sdp.version, 7);
	assert_true(text_is(sdp.origin,
			    "alice 2890844526 7 IN IP4 host.example.com"));
	assert_int_equal(sdp.mediac, 5);

	assert_int_equal(m[0].kind, SDP_AUDIO);
	assert_true(m[0].is_rtp);
	assert_false(m[0].is_secure);
	assert_false(m[0].is_held);
	assert_string_equal(addr_print(&m[0].remote, text), "192.0.2.5:4000");
	assert_int_equal(m[0].rtcp_port, 4009);
	assert_int_equal(m[0].direction, SDP_SENDONLY);
	assert_int_equal(m[0].payloadc, 5);
	assert_int_equal(m[0].payloads[2].number, 96);
	assert_string_equal(m[0].payloads[0].name, "G729");
	assert_string_equal(m[0].payloads[1].name, "PCMU");
	assert_string_equal(m[0].payloads[2].name, "ILBC");
	assert_string_equal(m[0].payloads[3].name, "CN");
	assert_string_equal(m[0].payloads[4].name, "TELEPHONE-EVENT");
	assert_int_equal(m[0].payloads[4].rate, 8000);

	assert_int_equal(m[1].kind, SDP_IMAGE);
	assert_string_equal(addr_print(&m[1].remote, text),
			    "[2001:db8::5]:4002");
	assert_int_equal(m[1].direction, SDP_INACTIVE);
	assert_int_equal(m[2].kind, SDP_OTHER);
	assert_int_equal(m[2].remote.port, 0);
	assert_true(m[3].is_secure);
	assert_int_equal(m[3].remote.family, 0);
	assert_int_equal(m[3].remote.port, 4004);
	assert_true(m[4].is_held && m[4].is_secure);
	assert_string_equal(sdp_codec(&sdp), "G729");
}


static void hostile_bodies_are_refused(void **state)
{
	static const struct {
		const char *why, *body;
		int err;
	} rows[] = {
		/* clang-format off */
		{ "good", GOOD, 0 },
		{ "empty lines", "\r\n" GOOD "\r\n\r\n", 0 },
		{ "a tab", GOOD "a=x\ty\r\n", 0 },
		{ "empty value", GOOD "a=\r\n", 0 },
		{ "numeric host name", HEAD "c=IN IP4 gw1\r\nm=audio 4 RTP/AVP 0\r\n", 0 },
		{ "port 0 without payloads", GOOD "m=audio 0 RTP/AVP\r\n", 0 },
		{ "port 0 without address", HEAD "m=video 0 RTP/AVP 96\r\nm=audio 4 RTP/AVP 0\r\n" ADDR, 0 },

		{ "nothing", "", EBADMSG },
		{ "empty lines alone", "\r\n\n\r\n", EBADMSG },
		{ "no v", "o=- 1 1 IN IP4 192.0.2.5\r\n" ADDR "m=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "v=1", "v=1\r\n", EBADMSG },
		{ "v twice", GOOD "v=0\r\n", EBADMSG },
		{ "no o", "v=0\r\n" ADDR "m=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "o twice", HEAD "o=- 1 1 IN IP4 192.0.2.5\r\n" ADDR "m=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "o in a media", GOOD "o=- 1 1 IN IP4 192.0.2.5\r\n", EBADMSG },
		{ "short o", "v=0\r\no=- 1 1 IN IP4\r\n" ADDR "m=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "o of words", "v=0\r\no=- a 1 IN IP4 h\r\n" ADDR "m=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "o of words", "v=0\r\no=- 1 -1 IN IP4 h\r\n" ADDR "m=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "no m", HEAD ADDR TIME, EBADMSG },
		{ "no line", GOOD "hello\r\n", EBADMSG },
		{ "no equals", GOOD "a\r\n", EBADMSG },
		{ "a digit", GOOD "4=x\r\n", EBADMSG },
		{ "a byte of no letter", GOOD "\xe4=x\r\n", EBADMSG },
		{ "control character", GOOD "a=\x01\r\n", EBADMSG },
		{ "DEL", GOOD "a=\x7f\r\n", EBADMSG },
		{ "CR inside", GOOD "a=x\ry\r\n", EBADMSG },
		{ "no c", HEAD "m=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "no c for the first", HEAD "m=audio 4 RTP/AVP 0\r\nm=audio 6 RTP/AVP 0\r\n" ADDR, EBADMSG },
		{ "c of ATM", HEAD "c=ATM NSAP 47\r\nm=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "c of IP5", HEAD "c=IN IP5 192.0.2.5\r\nm=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "c without address", HEAD "c=IN IP4\r\nm=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "c with port", HEAD "c=IN IP4 192.0.2.5:4\r\nm=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "c in brackets", HEAD "c=IN IP6 [2001:db8::5]\r\nm=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "c with zone", HEAD "c=IN IP6 fe80::1%1\r\nm=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "c of three numbers", HEAD "c=IN IP4 192.0.2\r\nm=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "c of signs", HEAD "c=IN IP4 $x\r\nm=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "c of a slash", HEAD "c=IN IP4 /127\r\nm=audio 4 RTP/AVP 0\r\n", EBADMSG },
		{ "m alone", GOOD "m=audio\r\n", EBADMSG },
		{ "m without profile", GOOD "m=audio 4\r\n", EBADMSG },
		{ "port too large", GOOD "m=audio 65536 RTP/AVP 0\r\n", EBADMSG },
		{ "port below", GOOD "m=audio -1 RTP/AVP 0\r\n", EBADMSG },
		{ "no payload", GOOD "m=audio 4 RTP/AVP\r\n", EBADMSG },
		{ "payload 128", GOOD "m=audio 4 RTP/AVP 128\r\n", EBADMSG },
		{ "payload of letters", GOOD "m=audio 4 RTP/AVP x\r\n", EBADMSG },
		{ "33 payloads", GOOD "m=audio 4 RTP/AVP 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 "
			"0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\r\n", EBADMSG },
		{ "nine media", HEAD ADDR "m=a 4 x y\r\nm=a 4 x y\r\nm=a 4 x y\r\nm=a 4 x y\r\nm=a 4 x y\r\n"
			"m=a 4 x y\r\nm=a 4 x y\r\nm=a 4 x y\r\nm=a 4 x y\r\n", EBADMSG },
		{ "rtpmap without rate", GOOD "a=rtpmap:0 PCMU\r\n", EBADMSG },
		{ "rtpmap without name", GOOD "a=rtpmap:0 /8000\r\n", EBADMSG },
		{ "rtpmap of nothing", GOOD "a=rtpmap:0\r\n", EBADMSG },
		{ "rtpmap of 128", GOOD "a=rtpmap:128 x/8000\r\n", EBADMSG },

		{ "all ports 0", HEAD ADDR "m=audio 0 RTP/AVP 0\r\nm=video 0 RTP/AVP 96\r\n", EADDRNOTAVAIL },
		{ "multicast", HEAD "c=IN IP4 224.2.1.1/127\r\nm=audio 4 RTP/AVP 0\r\n", EADDRNOTAVAIL },
		{ "multicast of a media", GOOD "c=IN IP6 ff02::1\r\n", EADDRNOTAVAIL },
		{ "loopback", HEAD "c=IN IP4 127.0.0.1\r\nm=audio 4 RTP/AVP 0\r\n", EADDRNOTAVAIL },
		{ "loopback", HEAD "c=IN IP6 ::1\r\nm=audio 4 RTP/AVP 0\r\n", EADDRNOTAVAIL },
		{ "mapped loopback", HEAD "c=IN IP6 ::ffff:127.0.0.1\r\nm=audio 4 RTP/AVP 0\r\n", EADDRNOTAVAIL },
		{ "ours", HEAD "c=IN IP4 198.51.100.1\r\nm=audio 4 RTP/AVP 0\r\n", EADDRNOTAVAIL },
		{ "ours, overridden", HEAD "c=IN IP4 198.51.100.1\r\nm=audio 4 RTP/AVP 0\r\n" ADDR, EADDRNOTAVAIL },
		{ "ours, the second", GOOD ADDR "c=IN IP4 198.51.100.1\r\n", EADDRNOTAVAIL },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sdp sdp;
		const int err = parse(&sdp, rows[i].body);

		if (err != rows[i].err)
			fail_msg("%s: %d", rows[i].why, err);
	}
}


static void a_nul_or_too_many_bytes_are_refused(void **state)
{
	static char body[SDP_BYTES_MAX + 1];
	static const char nul[] = GOOD "a=\0x\r\n";
	const size_t n = strlen(GOOD);
	struct sdp sdp;
	(void)state;

	assert_int_equal(sdp_parse(&sdp, (struct text){ nul, sizeof(nul) - 1 },
				   NULL, NULL),
			 EBADMSG);

	assert_int_equal(text_copy(body, sizeof(body), text_of(GOOD)), 0);
	memset(body + n, '\n', sizeof(body) - n);
	assert_int_equal(sdp_parse(&sdp, (struct text){ body, SDP_BYTES_MAX },
				   NULL, NULL),
			 0);
	assert_int_equal(sdp_parse(&sdp, (struct text){ body, sizeof(body) },
				   NULL, NULL),
			 EBADMSG);
}


static void private_addresses_are_told(void **state)
{
	static const struct {
		const char *c, *port;
		bool is_private;
	} rows[] = {
		{ "IN IP4 192.0.2.5", "4000", false },
		{ "IN IP4 10.0.0.5", "4000", true },
		{ "IN IP4 10.0.0.5", "0", false },
		{ "IN IP4 172.16.0.1", "4000", true },
		{ "IN IP4 192.168.1.1", "4000", true },
		{ "IN IP4 100.64.0.1", "4000", true },
		{ "IN IP4 169.254.1.1", "4000", true },
		{ "IN IP6 fe80::1", "4000", true },
		{ "IN IP6 fd00::1", "4000", true },
		{ "IN IP6 2001:db8::1", "4000", false },
		{ "IN IP4 0.0.0.0", "4000", false },
		{ "IN IP4 pbx.example.com", "4000", false },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sdp sdp;
		char body[512];

		snprintf(body, sizeof(body), "%sm=audio %s RTP/AVP 0\r\nc=%s",
			 GOOD, rows[i].port, rows[i].c);
		assert_int_equal(parse(&sdp, body), 0);
		if (sdp_is_private(&sdp) != rows[i].is_private)
			fail_msg("%s %s", rows[i].c, rows[i].port);
	}
}


static void o_and_s_and_line_ends_do_not_make_a_difference(void **state)
{
	const struct text good = text_of(GOOD);
	(void)state;

	assert_true(sdp_same(good, good));
	assert_true(sdp_same(good, text_of("v=0\no=x 9 9 IN IP4 h\ns=other\n"
					   "c=IN IP4 192.0.2.5\nt=0 0\n"
					   "m=audio 4000 RTP/AVP 0")));
	assert_false(sdp_same(good, text_of(GOOD "a=sendonly\r\n")));
	assert_false(sdp_same(text_of(GOOD "a=sendonly\r\n"), good));
	assert_false(
		sdp_same(text_of(GOOD "a=x\r\n"), text_of(GOOD "a=y\r\n")));
	assert_false(
		sdp_same(text_of(GOOD "a=x\r\n"), text_of(GOOD "b=x\r\n")));
	assert_false(sdp_same(text_of(GOOD "??\r\n"), text_of(GOOD "??\r\n")));
	assert_true(sdp_same((struct text){ 0 }, text_of("")));
}


static void a_codec_must_be_in_both_lists(void **state)
{
	static const char *const g711[] = { "PCMU", "PCMA" };
	static const char *const small[] = { "g729", "pcma" };
	static const struct sdp_codecs all = { NULL, 0 };
	const struct sdp_codecs a = { g711, 2 }, b = { small, 2 };
	struct sdp sdp;
	(void)state;

	assert_int_equal(parse(&sdp, GOOD), 0);
	assert_true(sdp_has_codec(&sdp, &all, &all));
	assert_true(sdp_has_codec(&sdp, &a, &all));
	assert_false(sdp_has_codec(&sdp, &a, &b));
	assert_false(sdp_has_codec(&sdp, &all, &b));

	/* any audio in use may have it, events and noise are none */
	assert_int_equal(parse(&sdp, GOOD "m=audio 6 RTP/AVP 8\r\n"), 0);
	assert_true(sdp_has_codec(&sdp, &a, &b));
	assert_int_equal(parse(&sdp, GOOD "m=audio 0 RTP/AVP 8\r\n"), 0);
	assert_false(sdp_has_codec(&sdp, &a, &b));
	assert_int_equal(parse(&sdp, GOOD "m=audio 6 RTP/AVP 13 101\r\n"
					  "a=rtpmap:101 telephone-event/8000"),
			 0);
	assert_false(sdp_has_codec(&sdp, &b, &all));

	/* fax alone needs none */
	assert_int_equal(parse(&sdp, HEAD ADDR "m=image 4 udptl t38\r\n"), 0);
	assert_true(sdp_has_codec(&sdp, &a, &b));
	assert_string_equal(sdp_codec(&sdp), "");
}


static void a_name_can_be_shown(void **state)
{
	struct sdp sdp;
	(void)state;

	assert_int_equal(parse(&sdp,
			       HEAD ADDR "m=audio 4 RTP/AVP 13 96 97\r\n"
					 "a=rtpmap:97 other/8000\r\n"
					 "a=rtpmap:96 \xc3\xa4"
					 "bcdefghijklmnopqrstuvwxyz/8000\r\n"),
			 0);
	assert_string_equal(sdp_codec(&sdp), "??BCDEFGHIJKLMNOPQRSTUV");
	assert_int_equal(strlen(sdp_codec(&sdp)), SDP_CODEC_MAX - 1);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_read),
		cmocka_unit_test(hostile_bodies_are_refused),
		cmocka_unit_test(a_nul_or_too_many_bytes_are_refused),
		cmocka_unit_test(private_addresses_are_told),
		cmocka_unit_test(
			o_and_s_and_line_ends_do_not_make_a_difference),
		cmocka_unit_test(a_codec_must_be_in_both_lists),
		cmocka_unit_test(a_name_can_be_shown),
	};

	return T_MAIN_ONLY(tests);
}
