/**
 * @file test/unit/sipd/test_media.c  Calls through the relay
 */
#include <string.h>

#include "shared/base/util.h"
#include "sipd/dispatch.h"
#include "test/support/t.h"
#include "test/unit/sipd/call_play.h"

#define SDP_HEAD(session, version)                                 \
	"v=0\r\no=- " session " " version " IN IP4 192.0.2.50\r\n" \
	"s=-\r\nc=IN IP4 192.0.2.50\r\nt=0 0\r\n"
#define SDP_G711 SDP_HEAD("7", "1") "m=audio 4000 RTP/AVP 18 8\r\n"
#define SDP_EVENTS                      \
	SDP_HEAD("7", "1")              \
	"m=audio 4000 RTP/AVP 8 96\r\n" \
	"a=rtpmap:96 telephone-event/8000\r\n"
#define SDP_FAX SDP_HEAD("7", "2") "m=image 4008 udptl t38\r\n"
#define SDP_FAX_LATER \
	SDP_HEAD("7", "2") "m=audio 0 RTP/AVP 8\r\nm=image 4008 udptl t38\r\n"
#define SDPB_FAX SDP_HEAD("9", "2") "m=image 6008 udptl t38\r\n"
#define SDP_G729 SDP_HEAD("7", "1") "m=audio 4000 RTP/AVP 18\r\n"
#define SDPB_EVENTS                      \
	SDP_HEAD("9", "1")               \
	"m=audio 6000 RTP/AVP 8 101\r\n" \
	"a=rtpmap:101 telephone-event/8000\r\n"

static const struct route_param relay_on[] = { { SS_MEDIA_PROXY, "on" } };


static struct play *open_play(const char *number)
{
	static struct play p;

	if (play_open(&p, "media", relay_on, COUNT_OF(relay_on)))
		abort();
	p.number = number;
	p.rig.media = CALL_RIG_RELAY;

	return &p;
}


static void close_play(struct play *p)
{
	struct call *call = play_call(p);

	if (call && call->i.state == CALL_ANSWERED) {
		call_end_with(call, END_OPERATOR_DISCONNECT);
		call_handle(call, EV_CUT);
	}
	call_rig_run(&p->rig, 60000, 500);
	if (call_rig_left(&p->rig))
		fail_msg("left: %s", call_rig_left(&p->rig));
	play_close(p);
}


static const char *sent(const struct play *p, const char *to,
			const char *begin)
{
	const struct call_sent *s = play_sent(p, to, begin);

	if (!s)
		fail_msg("no %s to %s", begin, to);

	return s->data;
}


static void called(struct play *p, const char *sdp)
{
	play_invite(p, "", sdp);
	call_rig_run(&p->rig, 8, 1);
}


/* A gets its answer when mediad knows of it. */
static void reply_200(struct play *p, const char *b, const char *sdp)
{
	play_reply(p, b, "INVITE", 200, "", sdp);
	call_rig_run(&p->rig, 4, 1);
}


static void answered(struct play *p, const char *sdp, const char *sdp_b)
{
	called(p, sdp);
	reply_200(p, CALL_RIG_B1, sdp_b);
	play_a(p, "ACK", 1, "", "");
	call_rig_run(&p->rig, 8, 1);
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
}


static void notice_lost(struct play *p, uint64_t session, uint32_t sides)
{
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__Header hdr = TANDEM__HEADER__INIT;
	Tandem__MediaLost lost = TANDEM__MEDIA_LOST__INIT;

	lost.session = session;
	lost.sides = sides;
	env.hdr = &hdr;
	env.body_case = BUS_BODY(MEDIA_LOST);
	env.media_lost = &lost;
	assert_int_equal(media_on_lost(p->rig.sipd, &env, 0), 0);
}


static void notice_started(struct play *p, uint32_t side)
{
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__MediaStarted started = TANDEM__MEDIA_STARTED__INIT;

	started.session = play_call(p)->id;
	started.side = side;
	env.body_case = BUS_BODY(MEDIA_STARTED);
	env.media_started = &started;
	assert_int_equal(media_on_started(p->rig.sipd, &env, 0), 0);
}


static void notice_digit(struct play *p, uint32_t side, char *digit)
{
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__DigitHeard heard;

	tandem__digit_heard__init(&heard);
	heard.session = play_call(p)->id;
	heard.side = side;
	heard.digit = digit;
	heard.ms = 120;
	env.body_case = BUS_BODY(DIGIT_HEARD);
	env.digit_heard = &heard;
	assert_int_equal(media_on_digit(p->rig.sipd, &env, 0), 0);
}


/* --- SDP and where it points ---------------------------------------------- */

static void each_side_is_told_of_the_relay_alone(void **state)
{
	struct play *p = open_play(NULL);
	const char *m;

	(void)state;
	called(p, PLAY_SDP);
	m = sent(p, CALL_RIG_B1, "INVITE");
	assert_non_null(strstr(m, "c=IN IP4 192.0.2.200\r\n"));
	assert_non_null(strstr(m, "m=audio 20000 RTP/AVP 8\r\n"));
	assert_null(strstr(m, "192.0.2.50"));
	assert_null(strstr(m, "4000"));
	/* nobody is pointed at before both have spoken */
	assert_int_equal(p->rig.points[0].count, 0);
	reply_200(p, CALL_RIG_B1, PLAY_SDPB);
	m = sent(p, CALL_RIG_A, "SIP/2.0 200");
	assert_non_null(strstr(m, "c=IN IP4 192.0.2.200\r\n"));
	assert_non_null(strstr(m, "m=audio 10000 RTP/AVP 8\r\n"));
	assert_null(strstr(m, "192.0.2.50"));
	play_a(p, "ACK", 1, "", "");
	assert_int_equal(p->rig.points[0].count, 1);
	assert_int_equal(p->rig.points[1].count, 1);
	assert_string_equal(p->rig.points[0].remote, "192.0.2.50:4000");
	assert_string_equal(p->rig.points[1].remote, "192.0.2.50:6000");
	assert_int_equal(p->rig.points[1].side, 1);
	assert_int_equal(p->rig.points[1].payload, 8);
	assert_true(p->rig.points[1].is_answered);
	close_play(p);
}


static void what_was_counted_is_in_the_record(void **state)
{
	struct play *p = open_play(NULL);

	(void)state;
	answered(p, PLAY_SDP, PLAY_SDPB);
	call_rig_run(&p->rig, 3000, 100);
	play_a(p, "BYE", 0, "", "");
	assert_int_equal(p->rig.releases, 1);
	assert_int_equal(p->rig.end_media, 0); /* it waits for them */
	call_rig_run(&p->rig, 10, 1);
	assert_int_equal(p->rig.end_media, CALL_MEDIA_RELAY);
	assert_int_equal(p->rig.end_packets, 200);
	/* nothing ever came: silent since the answer */
	assert_in_range(p->rig.end_tail_us, 3000000, 3100000);
	close_play(p);
}


static void a_mediad_that_is_away_delays_the_record_not_more(void **state)
{
	struct play *p = open_play(NULL);

	(void)state;
	answered(p, PLAY_SDP, PLAY_SDPB);
	p->rig.media = CALL_RIG_SILENCE;
	play_a(p, "BYE", 0, "", "");
	call_rig_run(&p->rig, 2000, 100);
	assert_int_equal(p->rig.records, 1);
	assert_int_equal(p->rig.end_packets, 0);
	assert_null(play_call(p));
	close_play(p);
}


/* mediad died between the release and its answer. */
static void what_nobody_knows_any_more_is_no_silence(void **state)
{
	struct play *p = open_play(NULL);

	(void)state;
	answered(p, PLAY_SDP, PLAY_SDPB);
	call_rig_run(&p->rig, 3000, 100);
	p->rig.media = CALL_RIG_UNKNOWN;
	play_a(p, "BYE", 0, "", "");
	call_rig_run(&p->rig, 10, 1);
	assert_int_equal(p->rig.records, 1);
	assert_int_equal(p->rig.end_media, CALL_MEDIA_RELAY);
	assert_int_equal(p->rig.end_packets, 0);
	assert_int_equal(p->rig.end_tail_us, 0);
	close_play(p);
}


static void without_ports_the_call_gets_503(void **state)
{
	struct play *p = open_play(NULL);

	(void)state;
	p->rig.media = CALL_RIG_NO;
	called(p, PLAY_SDP);
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 503"));
	assert_int_equal(p->rig.end_reason, END_MEDIA_FAILURE);
	assert_int_equal(p->rig.end_media, CALL_MEDIA_NONE);
	assert_int_equal(play_count(p, CALL_RIG_B1, "INVITE"), 0);
	assert_int_equal(p->rig.releases, 1);
	play_a(p, "ACK", 1, "", "");
	close_play(p);
}


static void each_gateway_gets_ports_of_its_own(void **state)
{
	struct play *p = open_play(NULL);
	const char *m;

	(void)state;
	called(p, PLAY_SDP);
	play_reply(p, CALL_RIG_B1, "INVITE", 503, "", "");
	call_rig_run(&p->rig, 8, 1);
	assert_int_equal(p->rig.releases, 1);
	assert_int_equal(play_call(p)->i.relay.attempt, 2);
	reply_200(p, CALL_RIG_B2, PLAY_SDPB);
	m = sent(p, CALL_RIG_A, "SIP/2.0 200");
	assert_non_null(strstr(m, "m=audio 10000 "));
	assert_int_equal(p->rig.points[1].side, 2);
	assert_int_equal(p->rig.points[1].count, 1);
	play_a(p, "ACK", 1, "", "");
	close_play(p);
}


/* mediad may be away: then the call goes on without it, a little later. */
static void an_answer_waits_for_mediad(void **state)
{
	struct play *p = open_play(NULL);

	(void)state;
	called(p, PLAY_SDP);
	p->rig.media = CALL_RIG_SILENCE;
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", PLAY_SDPB);
	call_rig_run(&p->rig, 1000, 100);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 200"), 0);
	call_rig_run(&p->rig, 1500, 100);
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 200"));
	play_a(p, "ACK", 1, "", "");
	/* and so does the answer to a re-INVITE */
	play_clear(p);
	play_a(p, "INVITE", 0, "", PLAY_SDP2);
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", PLAY_SDPB);
	play_a(p, "INVITE", 0, "", PLAY_SDP);
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 500"));
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 200"), 0);
	call_rig_run(&p->rig, 2500, 100);
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 200"));
	play_a(p, "ACK", p->a_cseq - 1, "", "");
	close_play(p);
}


static void a_cancel_crosses_an_answer_that_waits(void **state)
{
	struct play *p = open_play(NULL);

	(void)state;
	called(p, PLAY_SDP);
	p->rig.media = CALL_RIG_SILENCE;
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", PLAY_SDPB);
	play_a(p, "CANCEL", 1, "", "");
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 487"));
	assert_non_null(sent(p, CALL_RIG_B1, "BYE"));
	play_a(p, "ACK", 1, "", "");
	call_rig_run(&p->rig, 3000, 100);
	assert_int_equal(p->rig.end_reason, END_CALLER_CANCEL);
	close_play(p);
}


static void a_late_offer_goes_through_the_relay(void **state)
{
	struct play *p = open_play(NULL);
	const char *m;

	(void)state;
	called(p, "");
	reply_200(p, CALL_RIG_B1, PLAY_SDPB);
	m = sent(p, CALL_RIG_A, "SIP/2.0 200");
	assert_non_null(strstr(m, "m=audio 10000 RTP/AVP 8\r\n"));
	assert_int_equal(p->rig.points[1].count, 0);
	play_a(p, "ACK", 1, "", PLAY_SDP);
	m = sent(p, CALL_RIG_B1, "ACK");
	assert_non_null(strstr(m, "m=audio 20000 RTP/AVP 8\r\n"));
	assert_string_equal(p->rig.points[0].remote, "192.0.2.50:4000");
	assert_string_equal(p->rig.points[1].remote, "192.0.2.50:6000");
	assert_true(p->rig.points[1].is_answered);
	close_play(p);
}


static void early_media_is_heard_before_the_answer(void **state)
{
	struct play *p = open_play(NULL);

	(void)state;
	called(p, PLAY_SDP);
	play_reply(p, CALL_RIG_B1, "INVITE", 183, "", PLAY_SDPB);
	assert_int_equal(p->rig.points[0].count, 1);
	assert_int_equal(p->rig.points[1].count, 1);
	assert_false(p->rig.points[1].is_answered);
	reply_200(p, CALL_RIG_B1, PLAY_SDPB);
	/* A has said nothing new, B may learn nothing anew */
	assert_int_equal(p->rig.points[0].count, 1);
	assert_int_equal(p->rig.points[1].count, 2);
	assert_int_equal(p->rig.points[1].sdp, 1);
	assert_true(p->rig.points[1].is_answered);
	play_a(p, "ACK", 1, "", "");
	close_play(p);
}


/* Who has no relay is not asked for every call. */
static void a_node_without_relay_is_asked_once_a_second(void **state)
{
	struct play *p = open_play(NULL);

	(void)state;
	p->rig.media = CALL_RIG_YES;
	answered(p, PLAY_SDP, PLAY_SDPB);
	assert_int_equal(play_call(p)->i.media, CALL_MEDIA_BYPASS);
	play_a(p, "BYE", 0, "", "");
	call_rig_run(&p->rig, 10, 1);
	assert_int_equal(p->rig.releases, 0);
	assert_int_equal(p->rig.end_media, CALL_MEDIA_BYPASS);
	close_play(p);

	p = open_play(NULL);
	p->rig.media = CALL_RIG_NO; /* would be refused */
	p->rig.sipd->bypass_until_us = ev_now_us(p->rig.ev) + 100000;
	answered(p, PLAY_SDP, PLAY_SDPB);
	assert_int_equal(play_call(p)->i.media, CALL_MEDIA_BYPASS);
	close_play(p);

	p = open_play(NULL);
	p->rig.media = CALL_RIG_NO;
	p->rig.sipd->bypass_until_us = ev_now_us(p->rig.ev);
	called(p, PLAY_SDP);
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 503"));
	play_a(p, "ACK", 1, "", "");
	close_play(p);
}


/* After a switch A may be told of another codec. */
static void what_a_side_is_told_anew_mediad_is_told_too(void **state)
{
	struct play *p = open_play(NULL);

	(void)state;
	called(p, SDP_G711);
	play_reply(p, CALL_RIG_B1, "INVITE", 183, "", PLAY_SDPB);
	assert_int_equal(p->rig.points[0].payload, 8);
	play_reply(p, CALL_RIG_B1, "INVITE", 183, "",
		   SDP_HEAD("9", "1") "m=audio 6000 RTP/AVP 8\r\n");
	assert_int_equal(p->rig.points[0].count, 1);
	reply_200(p, CALL_RIG_B1,
		  SDP_HEAD("9", "2") "m=audio 6000 RTP/AVP 18\r\n");
	assert_int_equal(p->rig.points[0].count, 2);
	assert_int_equal(p->rig.points[0].payload, 18);
	assert_int_equal(p->rig.points[0].sdp, 1); /* A has said nothing */
	play_a(p, "ACK", 1, "", "");
	close_play(p);
}


static void ports_that_move_are_told_once_both_agree(void **state)
{
	struct play *p = open_play(NULL);

	(void)state;
	answered(p, PLAY_SDP, PLAY_SDPB);
	play_a(p, "INVITE", 0, "", PLAY_SDP2);
	assert_string_equal(p->rig.points[0].remote, "192.0.2.50:4000");
	reply_200(p, CALL_RIG_B1, PLAY_SDPB);
	play_a(p, "ACK", p->a_cseq, "", "");
	assert_string_equal(p->rig.points[0].remote, "192.0.2.50:4002");
	assert_int_equal(p->rig.points[0].sdp, 2);
	close_play(p);
}


static void what_is_refused_moves_nothing(void **state)
{
	struct play *p = open_play(NULL);
	unsigned before;

	(void)state;
	answered(p, PLAY_SDP, PLAY_SDPB);
	before = p->rig.points[0].count;
	play_a(p, "INVITE", 0, "", PLAY_SDP2);
	play_reply(p, CALL_RIG_B1, "INVITE", 488, "", "");
	play_a(p, "ACK", p->a_cseq, "", "");
	assert_int_equal(p->rig.points[0].count, before);
	play_b(p, CALL_RIG_B1, "INVITE", "", PLAY_SDP_OF("9", "2", "6002"));
	reply_200(p, CALL_RIG_A, PLAY_SDP2);
	assert_string_equal(p->rig.points[0].remote, "192.0.2.50:4002");
	assert_string_equal(p->rig.points[1].remote, "192.0.2.50:6002");
	play_b(p, CALL_RIG_B1, "ACK", "", "");
	close_play(p);
}


/* --- T.38 -------------------------------------------------------------------
 */

static void fax_takes_the_ports_of_the_audio(void **state)
{
	struct play *p = open_play(NULL);

	(void)state;
	answered(p, PLAY_SDP, PLAY_SDPB);
	play_a(p, "INVITE", 0, "", SDP_FAX_LATER);
	assert_non_null(strstr(sent(p, CALL_RIG_B1, "INVITE"),
			       "m=audio 0 RTP/AVP 8\r\n"
			       "m=image 20000 udptl t38\r\n"));
	reply_200(p, CALL_RIG_B1,
		  SDP_HEAD("9", "2") "m=audio 0 RTP/AVP 8\r\n"
				     "m=image 6008 udptl t38\r\n");
	assert_non_null(strstr(sent(p, CALL_RIG_A, "SIP/2.0 200"),
			       "m=image 10000 udptl t38\r\n"));
	play_a(p, "ACK", p->a_cseq, "", "");
	assert_string_equal(p->rig.points[0].remote, "192.0.2.50:4008");
	assert_string_equal(p->rig.points[1].remote, "192.0.2.50:6008");
	assert_true(p->rig.points[0].is_t38);
	close_play(p);
}


static void fax_that_is_not_wanted_gets_488(void **state)
{
	struct play *p = open_play("6212");

	(void)state;
	answered(p, PLAY_SDP, PLAY_SDPB);
	play_clear(p);
	play_a(p, "INVITE", 0, "", SDP_FAX);
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 488"));
	assert_int_equal(play_count(p, CALL_RIG_B1, ""), 0);
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	play_a(p, "ACK", p->a_cseq, "", "");
	close_play(p);
}


/* --- silence and first sound ------------------------------------------------
 */

static void silence_ends_the_call_and_says_whose(void **state)
{
	struct play *p = open_play("6212");

	(void)state;
	answered(p, PLAY_SDP, PLAY_SDPB);
	assert_int_equal(p->rig.points[1].nomedia_s, 5);
	notice_lost(p, play_call(p)->id, 0); /* only asks */
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	assert_int_equal(p->rig.releases, 0);
	notice_lost(p, play_call(p)->id, 3);
	assert_string_equal(play_call(p)->i.detail, "both");
	assert_non_null(sent(p, CALL_RIG_A, "BYE"));
	assert_non_null(sent(p, CALL_RIG_B1, "BYE"));
	call_rig_run(&p->rig, 10, 1);
	assert_int_equal(p->rig.end_reason, END_NO_MEDIA_TIMEOUT);
	close_play(p);
}


static void a_session_nobody_knows_is_given_up(void **state)
{
	struct play *p = open_play(NULL);

	(void)state;
	notice_lost(p, 12345, 0);
	assert_int_equal(p->rig.releases, 1);
	notice_lost(p, 12345, 3);
	assert_int_equal(p->rig.releases, 2);
	call_rig_run(&p->rig, 10, 1);
	close_play(p);
}


static void a_gateway_that_was_heard_is_not_left(void **state)
{
	static const uint32_t sides[] = { 1, 2, 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sides); i++) {
		struct play *p = open_play(NULL);
		const bool is_heard = sides[i] == 1;

		called(p, PLAY_SDP);
		play_reply(p, CALL_RIG_B1, "INVITE", 180, "", "");
		notice_started(p, sides[i]);
		play_reply(p, CALL_RIG_B1, "INVITE", 503, "", "");
		call_rig_run(&p->rig, 8, 1);
		assert_int_equal(play_count(p, CALL_RIG_B2, "INVITE"),
				 !is_heard);
		if (!is_heard)
			play_a(p, "CANCEL", 1, "", "");
		play_a(p, "ACK", 1, "", "");
		close_play(p);
	}
}


/* --- tone -------------------------------------------------------------------
 */

static void a_bare_180_becomes_183_with_a_tone(void **state)
{
	struct play *p = open_play("5212");
	const char *m;

	(void)state;
	called(p, SDP_G711);
	play_reply(p, CALL_RIG_B1, "INVITE", 180, "", "");
	m = sent(p, CALL_RIG_A, "SIP/2.0 183");
	assert_non_null(strstr(m, "m=audio 10000 RTP/AVP 8\r\n"));
	assert_non_null(strstr(m, " 1 IN IP4 192.0.2.200\r\n"));
	assert_true(p->rig.points[0].ring_back);
	assert_int_equal(p->rig.points[1].count, 0);
	play_reply(p, CALL_RIG_B1, "INVITE", 180, "", "");
	assert_int_equal(p->rig.points[0].count, 1);
	/* the answer is B's */
	reply_200(p, CALL_RIG_B1,
		  SDP_HEAD("9", "1") "m=audio 6000 RTP/AVP 18\r\n");
	m = sent(p, CALL_RIG_A, "SIP/2.0 200");
	assert_non_null(strstr(m, "m=audio 10000 RTP/AVP 18\r\n"));
	assert_non_null(strstr(m, " 2 IN IP4 192.0.2.200\r\n"));
	assert_false(p->rig.points[0].ring_back);
	play_a(p, "ACK", 1, "", "");
	close_play(p);
}


static void without_g711_there_is_no_tone(void **state)
{
	struct play *p = open_play("5212");
	const char *m;

	(void)state;
	called(p, SDP_G729);
	play_reply(p, CALL_RIG_B1, "INVITE", 180, "", "");
	m = sent(p, CALL_RIG_A, "SIP/2.0 180");
	assert_string_equal(play_head(m, "Content-Length"), "0");
	assert_int_equal(p->rig.points[0].count, 0);
	play_a(p, "CANCEL", 1, "", "");
	play_a(p, "ACK", 1, "", "");
	close_play(p);
}


/* --- digits
 * ------------------------------------------------------------------ */

static void events_are_offered_and_taken_out(void **state)
{
	struct play *p = open_play("4212");
	const char *m;

	(void)state;
	called(p, PLAY_SDP);
	m = sent(p, CALL_RIG_B1, "INVITE");
	assert_non_null(strstr(m, "m=audio 20000 RTP/AVP 8 101\r\n"));
	reply_200(p, CALL_RIG_B1, SDPB_EVENTS);
	m = sent(p, CALL_RIG_A, "SIP/2.0 200");
	assert_non_null(strstr(m, "m=audio 10000 RTP/AVP 8\r\n"));
	play_a(p, "ACK", 1, "", "");
	assert_int_equal(p->rig.points[1].event, 101);
	assert_int_equal(p->rig.points[1].dtmf_mode, 1);
	assert_int_equal(p->rig.points[0].dtmf_mode, 2);
	close_play(p);
}


/* The gateway offers, and A, with digits by INFO, has no events for it. */
static void an_answer_has_events_by_the_number_of_the_offer(void **state)
{
	struct play *p = open_play("4212");
	const char *m;

	(void)state;
	answered(p, SDP_EVENTS, SDPB_EVENTS);
	play_b(p, CALL_RIG_B1, "INVITE", "",
	       SDP_HEAD("9", "2") "m=audio 6000 RTP/AVP 8 98\r\n"
				  "a=rtpmap:98 telephone-event/8000\r\n");
	m = sent(p, CALL_RIG_A, "INVITE");
	assert_non_null(strstr(m, "m=audio 10000 RTP/AVP 8\r\n"));
	reply_200(p, CALL_RIG_A, PLAY_SDP2);
	m = sent(p, CALL_RIG_B1, "SIP/2.0 200");
	assert_non_null(strstr(m, "m=audio 20000 RTP/AVP 8 98\r\n"));
	play_b(p, CALL_RIG_B1, "ACK", "", "");
	assert_int_equal(p->rig.points[1].event, 98);
	close_play(p);
}


static void a_digit_of_an_info_goes_to_the_relay(void **state)
{
	static const char type[] = "Content-Type: application/dtmf-relay\r\n";
	struct play *p = open_play("4212");

	(void)state;
	answered(p, PLAY_SDP, SDPB_EVENTS);
	play_clear(p);
	play_a(p, "INFO", 0, type, "");
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 400"));
	assert_int_equal(p->rig.digit, 0);
	call_rig_receive(&p->rig, CALL_RIG_A,
			 "INFO sip:1212@192.0.2.100 SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKi\r\n"
			 "Max-Forwards: 70\r\n"
			 "From: <sip:77@192.0.2.1>;tag=fa\r\n"
			 "To: <sip:1212@192.0.2.100>;tag=%s\r\n"
			 "Call-ID: ca\r\nCSeq: %u INFO\r\n%s"
			 "Content-Length: 10\r\n\r\nSignal=7\r\n",
			 play_call(p)->a.tag, ++p->a_cseq, type);
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 200"));
	assert_int_equal(p->rig.digit, '7');
	assert_int_equal(play_count(p, CALL_RIG_B1, "INFO"), 0);
	close_play(p);
}


static void digits_go_out_one_after_the_other(void **state)
{
	struct play *p = open_play("4212");
	const char *m;

	(void)state;
	answered(p, PLAY_SDP, SDPB_EVENTS);
	notice_digit(p, 0, unconst("9")); /* A has INFO of its own */
	notice_digit(p, 7, unconst("9")); /* no such side */
	notice_digit(p, 1, unconst("1"));
	notice_digit(p, 1, unconst("#"));
	assert_int_equal(play_count(p, CALL_RIG_A, "INFO"), 1);
	m = sent(p, CALL_RIG_A, "INFO");
	assert_string_equal(play_head(m, "Content-Type"),
			    "application/dtmf-relay");
	assert_non_null(strstr(m, "\r\n\r\nSignal=1\r\nDuration=120\r\n"));
	play_reply(p, CALL_RIG_A, "INFO", 200, "", "");
	m = sent(p, CALL_RIG_A, "INFO");
	assert_non_null(strstr(m, "Signal=#\r\n"));
	play_reply(p, CALL_RIG_A, "INFO", 200, "", "");
	assert_int_equal(play_count(p, CALL_RIG_A, "INFO"), 2);
	assert_int_equal(play_count(p, CALL_RIG_B1, "INFO"), 0);
	close_play(p);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_side_is_told_of_the_relay_alone),
		cmocka_unit_test(what_was_counted_is_in_the_record),
		cmocka_unit_test(
			a_mediad_that_is_away_delays_the_record_not_more),
		cmocka_unit_test(what_nobody_knows_any_more_is_no_silence),
		cmocka_unit_test(without_ports_the_call_gets_503),
		cmocka_unit_test(each_gateway_gets_ports_of_its_own),
		cmocka_unit_test(an_answer_waits_for_mediad),
		cmocka_unit_test(a_cancel_crosses_an_answer_that_waits),
		cmocka_unit_test(a_late_offer_goes_through_the_relay),
		cmocka_unit_test(early_media_is_heard_before_the_answer),
		cmocka_unit_test(a_node_without_relay_is_asked_once_a_second),
		cmocka_unit_test(what_a_side_is_told_anew_mediad_is_told_too),
		cmocka_unit_test(ports_that_move_are_told_once_both_agree),
		cmocka_unit_test(what_is_refused_moves_nothing),
		cmocka_unit_test(fax_takes_the_ports_of_the_audio),
		cmocka_unit_test(fax_that_is_not_wanted_gets_488),
		cmocka_unit_test(silence_ends_the_call_and_says_whose),
		cmocka_unit_test(a_session_nobody_knows_is_given_up),
		cmocka_unit_test(a_gateway_that_was_heard_is_not_left),
		cmocka_unit_test(a_bare_180_becomes_183_with_a_tone),
		cmocka_unit_test(without_g711_there_is_no_tone),
		cmocka_unit_test(events_are_offered_and_taken_out),
		cmocka_unit_test(
			an_answer_has_events_by_the_number_of_the_offer),
		cmocka_unit_test(a_digit_of_an_info_goes_to_the_relay),
		cmocka_unit_test(digits_go_out_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
