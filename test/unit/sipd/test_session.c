/**
 * @file test/unit/sipd/test_session.c  The session timer of a leg, at work
 *
 * T 20 s in two segments, request timeout 2.5 s; B answers 5 ms after A has
 * asked.
 */
#include "shared/base/util.h"
#include "sipd/session.h"
#include "test/support/t.h"
#include "test/unit/sipd/call_play.h"

#define TIMER "Supported: timer\r\nAllow: INVITE, UPDATE\r\n"

enum {
	T_MS = 20000,
	SEGMENT_MS = T_MS / 2,
	REQUEST_MS = 2500,
	TURN_MS = 20, /* clocks fire within so much */
};


static struct play *open_play(const char *heads)
{
	static struct play p;

	if (play_open(&p, "session", NULL, 0))
		abort();
	play_answered(&p, heads);
	assert_non_null(play_call(&p));
	assert_int_equal(play_call(&p)->i.state, CALL_ANSWERED);
	play_clear(&p);

	return &p;
}


/* Ends it, and nothing may be left. */
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
	assert_int_equal(p->rig.records, 1);
	play_close(p);
}


static void run(struct play *p, uint32_t ms)
{
	call_rig_run(&p->rig, ms, 10);
}


static void both(struct play *p, unsigned code, const char *heads)
{
	play_reply(p, CALL_RIG_A, "UPDATE", code, heads, "");
	play_reply(p, CALL_RIG_B1, "UPDATE", code, heads, "");
}


static void a_probe_goes_to_both_legs_at_the_boundary(void **state)
{
	struct play *p = open_play(TIMER);
	const struct call_sent *update;

	(void)state;
	run(p, SEGMENT_MS - TURN_MS);
	assert_int_equal(p->rig.sentc, 0);
	run(p, 2 * TURN_MS);
	update = play_sent(p, CALL_RIG_B1, "UPDATE sip:b@192.0.2.11:5060 ");
	assert_non_null(update);
	assert_string_equal(play_head(update->data, "Session-Expires"),
			    "90;refresher=uac");
	assert_string_equal(play_head(update->data, "Min-SE"), "90");
	assert_string_equal(play_head(update->data, "CSeq"), "2 UPDATE");
	assert_string_equal(play_head(update->data, "Content-Length"), "0");
	update = play_sent(p, CALL_RIG_A, "UPDATE sip:77@192.0.2.1:5060 ");
	assert_non_null(update);
	/* we refresh: the UAS of the INVITE, the UAC of this */
	assert_string_equal(play_head(update->data, "Session-Expires"),
			    "90;refresher=uac");
	close_play(p);
}


static void probes_that_are_answered_keep_the_call(void **state)
{
	struct play *p = open_play(TIMER);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		run(p, SEGMENT_MS);
		assert_int_equal(play_count(p, CALL_RIG_A, "UPDATE"), 1);
		assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE"), 1);
		both(p, 200, "");
		play_clear(p);
	}
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	close_play(p);
}


static void a_leg_that_is_silent_ends_the_call_of_both(void **state)
{
	struct play *p = open_play(TIMER);

	(void)state;
	run(p, SEGMENT_MS + TURN_MS);
	play_reply(p, CALL_RIG_A, "UPDATE", 200, "", "");
	run(p, SEGMENT_MS);
	play_reply(p, CALL_RIG_A, "UPDATE", 200, "", "");
	assert_int_equal(play_count(p, CALL_RIG_A, "BYE"), 0);
	run(p, REQUEST_MS + 2 * TURN_MS);
	assert_int_equal(play_count(p, CALL_RIG_A, "BYE"), 1);
	assert_int_equal(play_count(p, CALL_RIG_B1, "BYE"), 1);
	assert_int_equal(p->rig.end_reason, END_SESSION_TIMEOUT);
	close_play(p);
}


static void a_peer_that_misses_one_probe_has_another(void **state)
{
	struct play *p = open_play(TIMER);

	(void)state;
	run(p, SEGMENT_MS + TURN_MS);
	play_reply(p, CALL_RIG_A, "UPDATE", 200, "", "");
	run(p, SEGMENT_MS);
	both(p, 200, "");
	play_clear(p);
	run(p, SEGMENT_MS - 2 * TURN_MS);
	assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE"), 0);
	run(p, 4 * TURN_MS);
	assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE"), 1);
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	close_play(p);
}


static void a_peer_that_knows_no_dialog_ends_the_call(void **state)
{
	struct play *p = open_play(TIMER);

	(void)state;
	run(p, SEGMENT_MS + TURN_MS);
	play_reply(p, CALL_RIG_B1, "UPDATE", 481, "", "");
	run(p, TURN_MS);
	assert_int_equal(play_count(p, CALL_RIG_A, "BYE"), 1);
	assert_int_equal(p->rig.end_reason, END_SESSION_TIMEOUT);
	close_play(p);
}


static void a_peer_that_refuses_lives_and_is_probed_otherwise(void **state)
{
	struct play *p = open_play(TIMER);
	const struct call_sent *probe;

	(void)state;
	run(p, SEGMENT_MS + TURN_MS);
	play_reply(p, CALL_RIG_A, "UPDATE", 200, "", "");
	play_reply(p, CALL_RIG_B1, "UPDATE", 501, "", "");
	play_clear(p);
	run(p, SEGMENT_MS);
	assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE"), 0);
	probe = play_sent(p, CALL_RIG_B1, "INVITE");
	assert_non_null(probe);
	/* with what was told last, as it was */
	assert_non_null(strstr(probe->data, "m=audio 4000"));
	assert_non_null(strstr(probe->data, " 1 IN IP4 192.0.2.100\r\n"));
	play_reply(p, CALL_RIG_A, "UPDATE", 200, "", "");
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "", PLAY_SDPB);
	assert_int_equal(play_count(p, CALL_RIG_B1, "ACK"), 1);
	close_play(p);
}


/* Its answer was lost and comes again: ACK, and no BYE. */
static void a_2xx_that_comes_again_is_acked_again(void **state)
{
	struct play *p = open_play("Supported: timer\r\nAllow: INVITE\r\n");

	(void)state;
	run(p, SEGMENT_MS + TURN_MS);
	play_reply(p, CALL_RIG_A, "INVITE", 200, "", PLAY_SDP);
	play_reply(p, CALL_RIG_A, "INVITE", 200, "", PLAY_SDP);
	assert_int_equal(play_count(p, CALL_RIG_A, "ACK"), 2);
	assert_int_equal(play_count(p, CALL_RIG_A, "BYE"), 0);
	close_play(p);
}


static void a_probe_that_met_one_of_the_peer_is_sent_again(void **state)
{
	struct play *p = open_play(TIMER);

	(void)state;
	run(p, SEGMENT_MS + TURN_MS);
	both(p, 491, "");
	play_clear(p);
	run(p, 2020); /* 0-2 s; who made the Call-ID waits longer */
	assert_int_equal(play_count(p, CALL_RIG_A, "UPDATE") > 0, true);
	assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE"), 0);
	play_reply(p, CALL_RIG_A, "UPDATE", 200, "", "");
	run(p, 2000);
	assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE") > 0, true);
	play_reply(p, CALL_RIG_B1, "UPDATE", 200, "", "");
	close_play(p);
}


static void too_small_an_interval_is_raised_once(void **state)
{
	struct play *p = open_play(TIMER);

	(void)state;
	run(p, SEGMENT_MS + TURN_MS);
	play_reply(p, CALL_RIG_B1, "UPDATE", 422, "Min-SE: 1800\r\n", "");
	assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE"), 2);
	assert_string_equal(play_head(play_sent(p, CALL_RIG_B1, "UPDATE")->data,
				      "Session-Expires"),
			    "1800;refresher=uac");
	play_reply(p, CALL_RIG_B1, "UPDATE", 422, "Min-SE: 3600\r\n", "");
	assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE"), 2);
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	close_play(p);
}


/* The repeated one is silent: it lives until the boundaries are over. */
static void a_repeat_without_answer_does_not_stop_the_clock(void **state)
{
	struct play *p = open_play(TIMER);

	(void)state;
	run(p, SEGMENT_MS + TURN_MS);
	play_reply(p, CALL_RIG_B1, "UPDATE", 422, "Min-SE: 1800\r\n", "");
	for (unsigned i = 0; i < 3; i++) {
		play_reply(p, CALL_RIG_A, "UPDATE", 200, "", "");
		run(p, SEGMENT_MS);
	}
	assert_int_equal(p->rig.end_reason, END_SESSION_TIMEOUT);
	close_play(p);
}


static void a_refresh_of_the_peer_moves_its_clock(void **state)
{
	struct play *p = open_play(TIMER);

	(void)state;
	run(p, SEGMENT_MS - 1000);
	play_b(p, CALL_RIG_B1, "UPDATE",
	       "Session-Expires: 120;refresher=uac\r\n", "");
	assert_string_equal(
		play_head(play_sent(p, CALL_RIG_B1, "SIP/2.0 200")->data,
			  "Session-Expires"),
		"90;refresher=uac");
	run(p, SEGMENT_MS - TURN_MS);
	assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE"), 0);
	run(p, 2 * TURN_MS);
	assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE"), 1);
	close_play(p);
}


static void a_late_answer_to_an_older_probe_counts(void **state)
{
	struct play *p = open_play(TIMER);
	struct call_sent first;

	(void)state;
	run(p, SEGMENT_MS + TURN_MS);
	first = *play_sent(p, CALL_RIG_B1, "UPDATE");
	play_reply(p, CALL_RIG_A, "UPDATE", 200, "", "");
	run(p, REQUEST_MS + TURN_MS);
	play_clear(p);
	p->rig.sent[p->rig.sentc++] = first;
	play_reply(p, CALL_RIG_B1, "UPDATE", 200, "", "");
	play_clear(p);
	run(p, SEGMENT_MS - 2 * TURN_MS);
	assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE"), 0);
	run(p, 4 * TURN_MS);
	assert_int_equal(play_count(p, CALL_RIG_B1, "UPDATE"), 1);
	close_play(p);
}


static void a_call_without_timer_is_never_asked_and_ends_at_its_cap(
	void **state)
{
	struct play *p = open_play("");

	(void)state;
	run(p, 30000 - 2 * TURN_MS);
	assert_int_equal(p->rig.sentc, 0);
	run(p, 4 * TURN_MS);
	assert_int_equal(play_count(p, CALL_RIG_A, "BYE"), 1);
	assert_int_equal(play_count(p, CALL_RIG_B1, "BYE"), 1);
	assert_int_equal(p->rig.end_reason, END_NO_TIMER_LIMIT);
	close_play(p);
}


/* Every CSeq of a successor has to be higher. */
static void what_a_probe_used_is_written_down(void **state)
{
	struct play *p = open_play(TIMER);
	struct call_image image;

	(void)state;
	run(p, SEGMENT_MS + TURN_MS);
	assert_int_equal(slot_read(&p->rig.calls, play_call(p)->index, &image,
				   sizeof(image)),
			 0);
	assert_int_equal(image.b.local_cseq, play_call(p)->i.b.local_cseq);
	assert_int_equal(image.b.timer.state, TIMER_PROBING);
	close_play(p);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_probe_goes_to_both_legs_at_the_boundary),
		cmocka_unit_test(probes_that_are_answered_keep_the_call),
		cmocka_unit_test(a_leg_that_is_silent_ends_the_call_of_both),
		cmocka_unit_test(a_peer_that_misses_one_probe_has_another),
		cmocka_unit_test(a_peer_that_knows_no_dialog_ends_the_call),
		cmocka_unit_test(
			a_peer_that_refuses_lives_and_is_probed_otherwise),
		cmocka_unit_test(a_2xx_that_comes_again_is_acked_again),
		cmocka_unit_test(
			a_probe_that_met_one_of_the_peer_is_sent_again),
		cmocka_unit_test(too_small_an_interval_is_raised_once),
		cmocka_unit_test(
			a_repeat_without_answer_does_not_stop_the_clock),
		cmocka_unit_test(a_refresh_of_the_peer_moves_its_clock),
		cmocka_unit_test(a_late_answer_to_an_older_probe_counts),
		cmocka_unit_test(
			a_call_without_timer_is_never_asked_and_ends_at_its_cap),
		cmocka_unit_test(what_a_probe_used_is_written_down),
	};

	return T_MAIN_ONLY(tests);
}
