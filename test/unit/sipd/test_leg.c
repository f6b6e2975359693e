/**
 * @file test/unit/sipd/test_leg.c  Dialogs: what is said in them, and to whom
 */
#include "test/support/t.h"
#include "test/unit/sipd/call_play.h"

#define P1    "192.0.2.31:5060"
#define LOOSE "<sip:192.0.2.31;lr>"


static struct play *open_play(const char *a_heads, const char *b_heads)
{
	static struct play p;

	if (play_open(&p, "leg", NULL, 0))
		abort();
	play_invite(&p, a_heads, PLAY_SDP);
	call_rig_run(&p.rig, 5, 1);
	play_reply(&p, CALL_RIG_B1, "INVITE", 200, b_heads, PLAY_SDPB);
	play_a(&p, "ACK", 1, "", "");

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


/* The last that begins so, wherever it went */
static const char *last(const struct play *p, const char *begin)
{
	for (size_t i = p->rig.sentc; i > 0; i--)
		if (strncmp(p->rig.sent[i - 1].data, begin, strlen(begin)) ==
		    0)
			return p->rig.sent[i - 1].data;
	fail_msg("no %s", begin);

	return "";
}


/* RFC 3261 12.1.2: from the last one to the first */
static void the_route_set_of_a_response_is_turned_round(void **state)
{
	struct play *p = open_play("", "Record-Route: <sip:192.0.2.32;lr>\r\n"
				       "Record-Route: " LOOSE
				       ", <sip:192.0.2.33;lr>\r\n");
	const char *ack = last(p, "ACK sip:b@192.0.2.11:5060 SIP/2.0\r\n");
	(void)state;

	assert_string_equal(play_head(ack, "Route"),
			    "<sip:192.0.2.33;lr>, " LOOSE
			    ", <sip:192.0.2.32;lr>");
	close_play(p);
}


/* 12.1.1: as it stands; 12.2.1.1: the first of it is where it goes */
static void the_route_set_of_a_request_stays_in_order(void **state)
{
	struct play *p = open_play("Record-Route: " LOOSE
				   ", <sip:192.0.2.32;lr>\r\n",
				   "");
	(void)state;

	play_clear(p);
	play_b(p, CALL_RIG_B1, "BYE", "", "");
	assert_string_equal(play_head(last(p, "BYE "), "Route"),
			    LOOSE ", <sip:192.0.2.32;lr>");
	close_play(p);
}


/* 12.2.1.1: a strict router is the Request-URI, and the target comes last. */
static void a_strict_router_is_asked_itself(void **state)
{
	struct play *p = open_play("", "Record-Route: <sip:192.0.2.33>\r\n");
	const char *ack = last(p, "ACK ");
	(void)state;

	assert_int_equal(strncmp(ack, "ACK sip:192.0.2.33 SIP/2.0\r\n", 28),
			 0);
	assert_string_equal(play_head(ack, "Route"),
			    "<sip:b@192.0.2.11:5060>");
	close_play(p);
}


static void a_refresh_moves_the_target(void **state)
{
	struct play *p = open_play("", "");
	(void)state;

	play_clear(p);
	play_b(p, CALL_RIG_B1, "INVITE",
	       "Contact: <sip:elsewhere@192.0.2.11:5080>\r\n", PLAY_SDPB);
	assert_non_null(play_sent(p, CALL_RIG_B1, "SIP/2.0 200"));
	play_b(p, CALL_RIG_B1, "ACK", "", "");
	play_a(p, "BYE", 0, "", "");
	(void)last(p, "BYE sip:elsewhere@192.0.2.11:5080 SIP/2.0\r\n");
	close_play(p);
}


/* 13.2.2.4: of another branch; it is answered where it came from. */
static void a_second_answer_is_acked_and_ended(void **state)
{
	struct play *p = open_play("", "");
	const struct call_sent *invite = play_sent(p, CALL_RIG_B1, "INVITE");
	(void)state;

	assert_non_null(invite);
	call_rig_receive(&p->rig, P1,
			 "SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\n"
			 "To: %s;tag=fork\r\nCall-ID: %s\r\nCSeq: %s\r\n"
			 "Contact: <sip:fork@192.0.2.99>\r\n"
			 "Content-Length: 0\r\n\r\n",
			 play_head(invite->data, "Via"),
			 play_head(invite->data, "From"),
			 play_head(invite->data, "To"),
			 play_head(invite->data, "Call-ID"),
			 play_head(invite->data, "CSeq"));
	assert_int_equal(play_count(p, P1, "ACK sip:fork@192.0.2.99 "), 1);
	assert_int_equal(play_count(p, P1, "BYE sip:fork@192.0.2.99 "), 1);
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	close_play(p);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_route_set_of_a_response_is_turned_round),
		cmocka_unit_test(the_route_set_of_a_request_stays_in_order),
		cmocka_unit_test(a_strict_router_is_asked_itself),
		cmocka_unit_test(a_refresh_moves_the_target),
		cmocka_unit_test(a_second_answer_is_acked_and_ended),
	};

	return T_MAIN_ONLY(tests);
}
