/**
 * @file test/unit/sipd/test_renegotiate.c  Offers and answers of a call
 */
#include "shared/base/util.h"
#include "test/support/t.h"
#include "test/unit/sipd/call_play.h"

#define SDP_A3 PLAY_SDP_OF("7", "3", "4004")
#define SDP_B2 PLAY_SDP_OF("9", "2", "6002")


static struct play *open_play(const char *heads)
{
	static const struct route_param more[] = {
		{ SS_SIP_SESSION_TTL, "600" },
	};
	static struct play p;

	if (play_open(&p, "renegotiate", more, COUNT_OF(more)))
		abort();
	play_answered(&p, heads);
	assert_non_null(play_call(&p));
	assert_int_equal(play_call(&p)->i.state, CALL_ANSWERED);
	play_clear(&p);

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


static void an_offer_is_passed_on_and_its_answer_comes_back(void **state)
{
	struct play *p = open_play("Allow: INVITE, UPDATE\r\n");
	const char *m;

	(void)state;
	play_a(p, "INVITE", 0, "", PLAY_SDP2);
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 100"));
	m = sent(p, CALL_RIG_B1, "INVITE sip:b@192.0.2.11:5060 ");
	assert_non_null(strstr(m, "m=audio 4002"));
	assert_non_null(strstr(m, " 2 IN IP4 192.0.2.100\r\n"));
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", SDP_B2);
	assert_string_equal(play_head(sent(p, CALL_RIG_B1, "ACK"), "CSeq"),
			    "2 ACK");
	m = sent(p, CALL_RIG_A, "SIP/2.0 200");
	assert_non_null(strstr(m, "m=audio 6002"));
	play_a(p, "ACK", p->a_cseq, "", "");
	close_play(p);
}


static void what_is_refused_leaves_the_old_session(void **state)
{
	struct play *p = open_play("");
	const char *m;

	(void)state;
	play_a(p, "INVITE", 0, "", PLAY_SDP2);
	play_reply(p, CALL_RIG_B1, "INVITE", 488, "", "");
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 488"));
	play_a(p, "ACK", p->a_cseq, "", "");
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	/* the next offer is compared with what is in force */
	play_clear(p);
	play_b(p, CALL_RIG_B1, "INVITE", "", PLAY_SDPB);
	m = sent(p, CALL_RIG_B1, "SIP/2.0 200");
	assert_non_null(strstr(m, "m=audio 4000"));
	play_b(p, CALL_RIG_B1, "ACK", "", "");
	close_play(p);
}


static void the_same_sdp_is_answered_here(void **state)
{
	struct play *p = open_play("");
	const char *m;

	(void)state;
	play_a(p, "INVITE", 0, "", PLAY_SDP);
	m = sent(p, CALL_RIG_A, "SIP/2.0 200");
	assert_non_null(strstr(m, "m=audio 6000"));
	assert_int_equal(play_count(p, CALL_RIG_B1, ""), 0);
	play_a(p, "ACK", p->a_cseq, "", "");
	play_clear(p);
	play_a(p, "UPDATE", 0, "", "");
	m = sent(p, CALL_RIG_A, "SIP/2.0 200");
	assert_string_equal(play_head(m, "Content-Length"), "0");
	close_play(p);
}


static void while_ours_is_open_the_peer_gets_491(void **state)
{
	struct play *p = open_play("");

	(void)state;
	play_a(p, "INVITE", 0, "", PLAY_SDP2);
	play_b(p, CALL_RIG_B1, "INVITE", "", SDP_B2);
	assert_non_null(sent(p, CALL_RIG_B1, "SIP/2.0 491"));
	play_b(p, CALL_RIG_B1, "UPDATE", "", "");
	assert_int_equal(play_count(p, CALL_RIG_B1, "SIP/2.0 491"), 2);
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", PLAY_SDPB);
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 200"));
	play_a(p, "ACK", p->a_cseq, "", "");
	close_play(p);
}


static void a_second_offer_of_the_same_side_gets_500(void **state)
{
	struct play *p = open_play("");
	const char *m;

	(void)state;
	play_a(p, "INVITE", 0, "", PLAY_SDP2);
	play_a(p, "INVITE", 0, "", SDP_A3);
	m = sent(p, CALL_RIG_A, "SIP/2.0 500");
	assert_in_range(strtol(play_head(m, "Retry-After"), NULL, 10), 0, 10);
	assert_string_not_equal(play_head(m, "Retry-After"), "");
	close_play(p);
}


static void too_short_an_interval_gets_422(void **state)
{
	struct play *p = open_play("Supported: timer\r\n");

	(void)state;
	play_a(p, "UPDATE", 0, "Supported: timer\r\nSession-Expires: 60\r\n",
	       "");
	assert_string_equal(play_head(sent(p, CALL_RIG_A, "SIP/2.0 422"),
				      "Min-SE"),
			    "90");
	close_play(p);
}


static void a_late_offer_is_answered_in_the_ack(void **state)
{
	struct play *p = open_play("");
	const char *m;

	(void)state;
	play_a(p, "INVITE", 0, "", "");
	m = sent(p, CALL_RIG_B1, "INVITE");
	assert_string_equal(play_head(m, "Content-Length"), "0");
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", SDP_B2);
	assert_int_equal(play_count(p, CALL_RIG_B1, "ACK"), 0);
	assert_non_null(
		strstr(sent(p, CALL_RIG_A, "SIP/2.0 200"), "m=audio 6002"));
	/* its answer may be on its way: a copy is not ACKed without it, and
	 * an INFO between has a CSeq of its own */
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", SDP_B2);
	assert_int_equal(play_count(p, CALL_RIG_B1, "ACK"), 0);
	play_a(p, "INFO", p->a_cseq + 1, "", "");
	play_a(p, "ACK", p->a_cseq, "", PLAY_SDP2);
	m = sent(p, CALL_RIG_B1, "ACK");
	assert_string_equal(play_head(m, "CSeq"), "2 ACK");
	assert_non_null(strstr(m, "m=audio 4002"));
	close_play(p);
}


/* B's first 200 comes again before A has said its answer. */
static void a_late_offer_of_the_call_is_acked_once_there_is_an_answer(
	void **state)
{
	static struct play p;
	const char *m;

	(void)state;
	assert_int_equal(play_open(&p, "renegotiate", NULL, 0), 0);
	play_invite(&p, "", "");
	call_rig_run(&p.rig, 5, 1);
	play_reply(&p, CALL_RIG_B1, "INVITE", 200, "", PLAY_SDPB);
	play_reply(&p, CALL_RIG_B1, "INVITE", 200, "", PLAY_SDPB);
	assert_int_equal(play_count(&p, CALL_RIG_B1, "ACK"), 0);
	play_a(&p, "ACK", 1, "", PLAY_SDP);
	play_reply(&p, CALL_RIG_B1, "INVITE", 200, "", PLAY_SDPB);
	assert_int_equal(play_count(&p, CALL_RIG_B1, "ACK"), 2);
	assert_int_equal(play_count(&p, CALL_RIG_B1, "BYE"), 0);
	m = sent(&p, CALL_RIG_B1, "ACK");
	assert_non_null(strstr(m, "m=audio 4000"));
	close_play(&p);
}


static void a_2xx_that_crosses_a_cancel_is_acked(void **state)
{
	struct play *p = open_play("");

	(void)state;
	play_a(p, "INVITE", 0, "", PLAY_SDP2);
	play_reply(p, CALL_RIG_B1, "INVITE", 100, "", "");
	call_rig_receive(&p->rig, CALL_RIG_A,
			 "CANCEL sip:1212@192.0.2.100 SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.1:5060;"
			 "branch=z9hG4bKaINVITE%c\r\n"
			 "From: <sip:77@192.0.2.1>;tag=fa\r\n"
			 "To: <sip:1212@192.0.2.100>;tag=%s\r\n"
			 "Call-ID: ca\r\nCSeq: %u CANCEL\r\n"
			 "Content-Length: 0\r\n\r\n",
			 'A' + (int)(p->a_cseq % 26), play_call(p)->a.tag,
			 p->a_cseq);
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 487"));
	assert_non_null(sent(p, CALL_RIG_B1, "CANCEL"));
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", SDP_B2);
	assert_int_equal(play_count(p, CALL_RIG_B1, "ACK"), 1);
	assert_int_equal(play_count(p, CALL_RIG_B1, "BYE"), 0);
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	close_play(p);
}


static void a_far_leg_that_knows_no_dialog_ends_the_call(void **state)
{
	struct play *p = open_play("");

	(void)state;
	play_a(p, "INFO", 0, "", "");
	play_reply(p, CALL_RIG_B1, "INFO", 481, "", "");
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 481"));
	assert_non_null(sent(p, CALL_RIG_A, "BYE"));
	assert_int_equal(p->rig.end_reason, END_NORMAL_RELEASE);
	close_play(p);
}


/* It gets 100, and nothing else, ever. */
static void a_reinvite_that_only_rings_has_an_end(void **state)
{
	struct play *p = open_play("Supported: timer\r\n");

	(void)state;
	play_a(p, "INVITE", 0, "", PLAY_SDP2);
	play_reply(p, CALL_RIG_B1, "INVITE", 100, "", "");
	call_rig_run(&p->rig, 200000, 500);
	assert_int_equal(p->rig.end_reason, END_NORMAL_RELEASE);
	close_play(p);
}


/* Its final may have come, and be lost with who had it: the asker is told so,
 * and the call stays. */
static void after_a_restart_that_is_no_reason_to_end_the_call(void **state)
{
	struct play *p = open_play("Supported: timer\r\n");

	(void)state;
	play_a(p, "INVITE", 0, "", PLAY_SDP2);
	play_reply(p, CALL_RIG_B1, "INVITE", 100, "", "");
	assert_int_equal(call_rig_replace(&p->rig), 0);
	call_rig_run(&p->rig, 220000, 500);
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 500"));
	assert_non_null(play_call(p));
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	close_play(p);
}


/* Its call ends while an offer is open: nobody is left without a final. */
static void an_open_offer_ends_with_the_call(void **state)
{
	struct play *p = open_play("");

	(void)state;
	play_a(p, "INVITE", 0, "", PLAY_SDP2);
	play_b(p, CALL_RIG_B1, "BYE", "", "");
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 487"));
	assert_non_null(sent(p, CALL_RIG_A, "BYE"));
	assert_non_null(sent(p, CALL_RIG_B1, "SIP/2.0 200"));
	close_play(p);
}


/* call-lifetime 2.6: with the 2xx, not before */
static void a_session_timer_follows_what_is_granted_only(void **state)
{
	struct play *p = open_play("Supported: timer\r\n"
				   "Session-Expires: 600\r\n");
	const struct leg_image *a = &play_call(p)->i.a;
	const struct leg_image before = *a;

	(void)state;
	play_a(p, "INVITE", 0, "Supported: timer\r\nSession-Expires: 300\r\n",
	       PLAY_SDP2);
	play_reply(p, CALL_RIG_B1, "INVITE", 488, "", "");
	assert_non_null(sent(p, CALL_RIG_A, "SIP/2.0 488"));
	play_a(p, "ACK", p->a_cseq, "", "");
	assert_int_equal(a->expires_s, before.expires_s);
	assert_int_equal(a->timer.interval_ms, before.timer.interval_ms);

	play_clear(p);
	play_a(p, "INVITE", 0, "Supported: timer\r\nSession-Expires: 300\r\n",
	       SDP_A3);
	assert_int_equal(a->expires_s, before.expires_s);
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", SDP_B2);
	assert_int_equal(a->expires_s, 300);
	assert_string_equal(play_head(sent(p, CALL_RIG_A, "SIP/2.0 200"),
				      "Session-Expires"),
			    "300;refresher=uas");
	play_a(p, "ACK", p->a_cseq, "", "");
	close_play(p);
}


/* RFC 3261 12.2.2: Call-ID and our tag are not enough. */
static void who_has_another_tag_is_not_in_the_dialog(void **state)
{
	struct play *p = open_play("");
	const struct call *call = play_call(p);

	(void)state;
	for (int i = 0; i < 2; i++)
		call_rig_receive(&p->rig, CALL_RIG_A,
				 "BYE sip:1212@192.0.2.100 SIP/2.0\r\n"
				 "Via: SIP/2.0/UDP 192.0.2.1:5060;"
				 "branch=z9hG4bKother%d\r\n"
				 "Max-Forwards: 70\r\n"
				 "From: <sip:77@192.0.2.1>%s\r\n"
				 "To: <sip:1212@192.0.2.100>;tag=%s\r\n"
				 "Call-ID: ca\r\nCSeq: 9 BYE\r\n"
				 "Content-Length: 0\r\n\r\n",
				 i, i ? ";tag=other" : "", call->a.tag);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 481"), 2);
	assert_int_equal(play_count(p, CALL_RIG_B1, "BYE"), 0);
	assert_int_equal(call->i.state, CALL_ANSWERED);
	play_a(p, "BYE", 0, "", "");
	assert_int_equal(play_count(p, CALL_RIG_B1, "BYE"), 1);
	close_play(p);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_offer_is_passed_on_and_its_answer_comes_back),
		cmocka_unit_test(what_is_refused_leaves_the_old_session),
		cmocka_unit_test(a_session_timer_follows_what_is_granted_only),
		cmocka_unit_test(who_has_another_tag_is_not_in_the_dialog),
		cmocka_unit_test(the_same_sdp_is_answered_here),
		cmocka_unit_test(while_ours_is_open_the_peer_gets_491),
		cmocka_unit_test(a_second_offer_of_the_same_side_gets_500),
		cmocka_unit_test(too_short_an_interval_gets_422),
		cmocka_unit_test(a_late_offer_is_answered_in_the_ack),
		cmocka_unit_test(
			a_late_offer_of_the_call_is_acked_once_there_is_an_answer),
		cmocka_unit_test(a_2xx_that_crosses_a_cancel_is_acked),
		cmocka_unit_test(a_far_leg_that_knows_no_dialog_ends_the_call),
		cmocka_unit_test(a_reinvite_that_only_rings_has_an_end),
		cmocka_unit_test(
			after_a_restart_that_is_no_reason_to_end_the_call),
		cmocka_unit_test(an_open_offer_ends_with_the_call),
	};

	return T_MAIN_ONLY(tests);
}
