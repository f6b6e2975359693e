/**
 * @file test/unit/sipd/test_prack.c  Reliable provisionals, side by side
 */
#include "shared/base/util.h"
#include "test/support/t.h"
#include "test/unit/sipd/call_play.h"


static struct play *open_play(const char *heads)
{
	static struct play p;

	if (play_open(&p, "prack", NULL, 0))
		abort();
	play_invite(&p, heads, PLAY_SDP);
	call_rig_run(&p.rig, 5, 1);
	assert_int_equal(play_count(&p, CALL_RIG_B1, "INVITE"), 1);

	return &p;
}


static void close_play(struct play *p)
{
	struct call *call = play_call(p);

	if (call && call->i.state != CALL_ENDED) {
		call_end_with(call, END_OPERATOR_DISCONNECT);
		call_handle(call, EV_CUT);
	}
	call_rig_run(&p->rig, 60000, 500);
	if (call_rig_left(&p->rig))
		fail_msg("left: %s", call_rig_left(&p->rig));
	play_close(p);
}


static void prack(struct play *p, int more, const char *method,
		  const char *sdp)
{
	const struct call_sent *s = play_sent(p, CALL_RIG_A, "SIP/2.0 18");
	char rack[64];

	(void)snprintf(rack, sizeof(rack), "RAck: %d 1 %s\r\n",
		       (int)strtol(play_head(s ? s->data : "", "RSeq"), NULL,
				   10) +
			       more,
		       method);
	play_a(p, "PRACK", 0, rack, sdp);
}


static void each_reliable_18x_of_b_gets_one_prack(void **state)
{
	struct play *p = open_play("");

	(void)state;
	play_reply(p, CALL_RIG_B1, "INVITE", 183,
		   "Require: 100rel\r\nRSeq: 5\r\n", PLAY_SDPB);
	assert_string_equal(play_head(play_sent(p, CALL_RIG_B1, "PRACK")->data,
				      "RAck"),
			    "5 1 INVITE");
	/* a copy, and one behind a gap */
	play_reply(p, CALL_RIG_B1, "INVITE", 183,
		   "Require: 100rel\r\nRSeq: 5\r\n", PLAY_SDPB);
	play_reply(p, CALL_RIG_B1, "INVITE", 180,
		   "Require: 100rel\r\nRSeq: 7\r\n", "");
	assert_int_equal(play_count(p, CALL_RIG_B1, "PRACK"), 1);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 180"), 0);
	play_reply(p, CALL_RIG_B1, "INVITE", 180,
		   "Require: 100rel\r\nRSeq: 6\r\n", "");
	assert_int_equal(play_count(p, CALL_RIG_B1, "PRACK"), 2);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 180"), 1);
	close_play(p);
}


static void a_that_requires_it_has_it_until_its_prack(void **state)
{
	struct play *p = open_play("Require: 100rel\r\n");

	(void)state;
	play_reply(p, CALL_RIG_B1, "INVITE", 180, "", "");
	assert_string_equal(
		play_head(play_sent(p, CALL_RIG_A, "SIP/2.0 180")->data,
			  "Require"),
		"100rel");
	call_rig_run(&p->rig, 600, 10);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 180"), 2);
	prack(p, 0, "INVITE", "");
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 200"), 1);
	call_rig_run(&p->rig, 5000, 10);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 180"), 2);
	assert_int_equal(play_call(p)->i.state, CALL_RINGING);
	close_play(p);
}


static void supporting_it_is_not_requiring_it(void **state)
{
	struct play *p = open_play("Supported: 100rel\r\n");

	(void)state;
	play_reply(p, CALL_RIG_B1, "INVITE", 180, "", "");
	assert_string_equal(
		play_head(play_sent(p, CALL_RIG_A, "SIP/2.0 180")->data,
			  "RSeq"),
		"");
	close_play(p);
}


static void a_prack_of_something_else_gets_481(void **state)
{
	struct play *p = open_play("Require: 100rel\r\n");

	(void)state;
	play_reply(p, CALL_RIG_B1, "INVITE", 180, "", "");
	prack(p, 1, "INVITE", "");
	prack(p, 0, "UPDATE", "");
	play_a(p, "PRACK", 0, "", "");
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 481"), 3);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 200"), 0);
	prack(p, 0, "INVITE", "");
	prack(p, 0, "INVITE", "");
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 481"), 4);
	close_play(p);
}


static void without_prack_the_call_ends_with_504(void **state)
{
	struct play *p = open_play("Require: 100rel\r\n");

	(void)state;
	play_reply(p, CALL_RIG_B1, "INVITE", 180, "", "");
	call_rig_run(&p->rig, 2600, 10);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 504"), 1);
	assert_int_equal(play_count(p, CALL_RIG_B1, "CANCEL"), 1);
	assert_int_equal(p->rig.end_reason, END_GATEWAY_TIMEOUT);
	close_play(p);
}


static void the_next_18x_and_the_200_wait_for_the_prack(void **state)
{
	struct play *p = open_play("Require: 100rel\r\n");
	const struct call_sent *s;

	(void)state;
	play_reply(p, CALL_RIG_B1, "INVITE", 183, "", PLAY_SDPB);
	play_reply(p, CALL_RIG_B1, "INVITE", 180, "", "");
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 180"), 0);
	prack(p, 0, "INVITE", "");
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 180"), 1);
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", PLAY_SDPB);
	assert_int_equal(play_count(p, CALL_RIG_B1, "ACK"), 1);
	assert_int_equal(play_call(p)->i.answer_us, 0);
	prack(p, 0, "INVITE", "");
	assert_true(play_call(p)->i.answer_us > 0);
	/* the answer went with the 183 */
	s = play_sent(p, CALL_RIG_A, "SIP/2.0 200");
	assert_string_equal(play_head(s->data, "CSeq"), "1 INVITE");
	assert_string_equal(play_head(s->data, "Content-Length"), "0");
	play_a(p, "ACK", 1, "", "");
	close_play(p);
}


/* B is answered, A not yet. */
static void a_bye_of_b_before_the_200_is_a_refusal_for_a(void **state)
{
	struct play *p = open_play("Require: 100rel\r\n");

	(void)state;
	play_reply(p, CALL_RIG_B1, "INVITE", 180, "", "");
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", PLAY_SDPB);
	play_b(p, CALL_RIG_B1, "INVITE", "", PLAY_SDP_OF("9", "2", "6002"));
	assert_int_equal(play_count(p, CALL_RIG_B1, "SIP/2.0 491"), 1);
	play_b(p, CALL_RIG_B1, "BYE", "", "");
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 503"), 1);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 200"), 0);
	assert_int_equal(play_count(p, CALL_RIG_B1, "BYE"), 0);
	close_play(p);
}


static void a_cancel_before_the_200_is_a_cancel(void **state)
{
	struct play *p = open_play("Require: 100rel\r\n");

	(void)state;
	play_reply(p, CALL_RIG_B1, "INVITE", 180, "", "");
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", PLAY_SDPB);
	play_a(p, "CANCEL", 1, "", "");
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 487"), 1);
	assert_int_equal(play_count(p, CALL_RIG_B1, "BYE"), 1);
	assert_int_equal(p->rig.end_reason, END_CALLER_CANCEL);
	close_play(p);
}


/* Passed on to B, who is answered and says nothing */
static void what_a_asks_before_its_200_ends_with_the_call(void **state)
{
	struct play *p = open_play("Require: 100rel\r\nAllow: UPDATE\r\n");

	(void)state;
	play_reply(p, CALL_RIG_B1, "INVITE", 183, "Allow: UPDATE\r\n",
		   PLAY_SDPB);
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "Allow: UPDATE\r\n", "");
	play_a(p, "UPDATE", 0, "", PLAY_SDP2);
	assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE"), 1);
	play_b(p, CALL_RIG_B1, "BYE", "", "");
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 503"), 1);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 487"), 1);
	close_play(p);
}


/* RFC 3261 14.2 */
static void an_invite_amid_the_first_one_is_refused(void **state)
{
	struct play *p = open_play("Require: 100rel\r\n");
	const struct call_sent *s;

	(void)state;
	play_reply(p, CALL_RIG_B1, "INVITE", 183, "", PLAY_SDPB);
	play_b(p, CALL_RIG_B1, "INVITE", "", PLAY_SDP_OF("9", "2", "6002"));
	assert_int_equal(play_count(p, CALL_RIG_B1, "SIP/2.0 491"), 1);
	play_a(p, "INVITE", 0, "", "");
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", "");
	play_a(p, "INVITE", 0, "", "");
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 500"), 2);
	s = play_sent(p, CALL_RIG_A, "SIP/2.0 500");
	assert_true(play_head(s->data, "Retry-After")[0]);
	assert_int_equal(play_count(p, CALL_RIG_B1, "INVITE"), 1);
	close_play(p);
}


static void an_offer_in_a_prack_is_refused_and_the_18x_has_arrived(void **state)
{
	struct play *p = open_play("Require: 100rel\r\n");

	(void)state;
	play_reply(p, CALL_RIG_B1, "INVITE", 183, "", PLAY_SDPB);
	prack(p, 0, "INVITE", PLAY_SDP2);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 488"), 1);
	call_rig_run(&p->rig, 5000, 10);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 183"), 1);
	assert_int_equal(play_call(p)->i.state, CALL_RINGING);
	close_play(p);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reliable_18x_of_b_gets_one_prack),
		cmocka_unit_test(a_that_requires_it_has_it_until_its_prack),
		cmocka_unit_test(supporting_it_is_not_requiring_it),
		cmocka_unit_test(a_prack_of_something_else_gets_481),
		cmocka_unit_test(without_prack_the_call_ends_with_504),
		cmocka_unit_test(the_next_18x_and_the_200_wait_for_the_prack),
		cmocka_unit_test(a_bye_of_b_before_the_200_is_a_refusal_for_a),
		cmocka_unit_test(a_cancel_before_the_200_is_a_cancel),
		cmocka_unit_test(
			what_a_asks_before_its_200_ends_with_the_call),
		cmocka_unit_test(an_invite_amid_the_first_one_is_refused),
		cmocka_unit_test(
			an_offer_in_a_prack_is_refused_and_the_18x_has_arrived),
	};

	return T_MAIN_ONLY(tests);
}
