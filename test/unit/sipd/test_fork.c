/**
 * @file test/unit/sipd/test_fork.c  A phone's devices ring together
 */
#include "shared/base/util.h"
#include "test/support/t.h"
#include "test/unit/sipd/call_play.h"

#define ONE   "192.0.2.21:5062"
#define TWO   "192.0.2.22:40002"
#define THREE "192.0.2.23:5060"

enum {
	RESENDS_END_MS = 2200
};


static struct play *open_play(const char *number, size_t devices)
{
	static const struct {
		const char *addr, *contact;
	} rows[] = {
		{ ONE, "sip:7001@192.0.2.21:5062;line=1" },
		{ TWO, "sip:7001@10.0.0.2:5060" },
		{ THREE, "sip:7001@192.0.2.23" },
	};
	static struct play p;

	if (play_open(&p, "fork", NULL, 0))
		abort();
	for (size_t i = 0; i < devices; i++)
		call_rig_register(&p.rig, rows[i].addr, rows[i].contact);
	p.number = number;
	play_invite(&p, "", PLAY_SDP);
	call_rig_run(&p.rig, 5, 1);

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


static void says(struct play *p, const char *device, const char *tag,
		 unsigned code, const char *sdp)
{
	const struct call_sent *s = play_sent(p, device, "INVITE");

	assert_non_null(s);
	call_rig_receive(&p->rig, device,
			 "SIP/2.0 %u x\r\n"
			 "Via: %s\r\n"
			 "From: %s\r\n"
			 "To: %s;tag=%s\r\n"
			 "Call-ID: %s\r\n"
			 "CSeq: %s\r\n"
			 "Contact: <sip:%s@%s>\r\n"
			 "%s"
			 "Content-Length: %zu\r\n\r\n%s",
			 code, play_head(s->data, "Via"),
			 play_head(s->data, "From"), play_head(s->data, "To"),
			 tag, play_head(s->data, "Call-ID"),
			 play_head(s->data, "CSeq"), tag, device,
			 sdp[0] ? "Content-Type: application/sdp\r\n" : "",
			 strlen(sdp), sdp);
	call_rig_run(&p->rig, 5, 1);
}


static void is_refused(struct play *p, const char *code, unsigned reason)
{
	assert_int_equal(play_count(p, CALL_RIG_A, code), 1);
	assert_int_equal(p->rig.end_reason, reason);
}


static void every_device_is_called_by_its_contact_at_its_address(void **state)
{
	struct play *p = open_play("7001", 2);
	const char *one = play_sent(p, ONE, "INVITE")->data;
	char branch[256];

	(void)state;
	assert_int_equal(play_count(p, ONE, "INVITE"), 1);
	assert_int_equal(play_count(p, TWO, "INVITE"), 1);
	assert_memory_equal(one, "INVITE sip:7001@192.0.2.21:5062;line=1 SIP",
			    42);
	(void)snprintf(branch, sizeof(branch), "%s", play_head(one, "Via"));
	assert_string_not_equal(play_head(play_sent(p, TWO, "INVITE")->data,
					  "Via"),
				branch);
	assert_int_equal(play_count(p, TWO,
				    "INVITE sip:7001@10.0.0.2:5060 SIP/2.0"),
			 1);
	close_play(p);
}


static void the_first_200_wins_and_the_others_get_cancel(void **state)
{
	struct play *p = open_play("7001", 3);
	struct call *call = play_call(p);

	(void)state;
	says(p, ONE, "one", 180, "");
	says(p, TWO, "two", 180, "");
	says(p, TWO, "two", 200, PLAY_SDPB);
	assert_int_equal(call->i.state, CALL_ANSWERED);
	assert_int_equal(play_count(p, TWO, "ACK sip:two@"), 1);
	assert_int_equal(play_count(p, ONE, "CANCEL"), 1);
	assert_int_equal(play_count(p, TWO, "CANCEL"), 0);
	assert_string_equal(play_head(play_sent(p, ONE, "CANCEL")->data,
				      "Reason"),
			    "SIP;cause=200;text=\"Call completed elsewhere\"");
	/* who has said nothing yet is told when it does */
	assert_int_equal(play_count(p, THREE, "CANCEL"), 0);
	says(p, THREE, "three", 180, "");
	assert_int_equal(play_count(p, THREE, "CANCEL"), 1);
	says(p, ONE, "one", 487, "");
	says(p, THREE, "three", 487, "");
	assert_int_equal(call->i.state, CALL_ANSWERED);
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 200"), 1);
	close_play(p);
}


static void a_second_200_gets_ack_and_bye(void **state)
{
	struct play *p = open_play("7001", 2);

	(void)state;
	says(p, ONE, "one", 180, "");
	says(p, TWO, "two", 200, PLAY_SDPB);
	says(p, ONE, "one", 200, PLAY_SDP2);
	assert_int_equal(play_count(p, ONE, "ACK sip:one@"), 1);
	assert_int_equal(play_count(p, ONE, "BYE sip:one@"), 1);
	assert_int_equal(play_count(p, TWO, "BYE"), 0);
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	close_play(p);
}


static void one_that_fails_leaves_the_others(void **state)
{
	struct play *p = open_play("7001", 3);

	(void)state;
	says(p, ONE, "one", 486, "");
	call_rig_fail(&p->rig, TWO, ECONNREFUSED);
	call_rig_run(&p->rig, 5, 1);
	assert_int_equal(play_call(p)->i.state, CALL_CALLING);
	says(p, THREE, "three", 180, "");
	says(p, THREE, "three", 200, PLAY_SDPB);
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	assert_int_equal(play_count(p, ONE, "CANCEL"), 0);
	close_play(p);
}


static void when_all_fail_busy_counts(void **state)
{
	struct play *p = open_play("7001", 3);

	(void)state;
	says(p, ONE, "one", 486, "");
	says(p, TWO, "two", 404, "");
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 4"), 0);
	says(p, THREE, "three", 480, "");
	is_refused(p, "SIP/2.0 486", END_CALLEE_BUSY);
	close_play(p);
}


static void without_a_busy_one_the_last_counts(void **state)
{
	struct play *p = open_play("7001", 2);

	(void)state;
	says(p, ONE, "one", 404, "");
	says(p, TWO, "two", 480, "");
	is_refused(p, "SIP/2.0 480", END_NO_ANSWER);
	close_play(p);
}


static void nobody_there_at_all_is_an_invite_timeout(void **state)
{
	struct play *p = open_play("7001", 2);

	(void)state;
	call_rig_run(&p->rig, RESENDS_END_MS, 100);
	is_refused(p, "SIP/2.0 408", END_INVITE_TIMEOUT);
	close_play(p);
}


static void who_does_not_answer_rings_for_the_phones_own_time(void **state)
{
	struct play *p = open_play("7001", 2);

	(void)state;
	says(p, ONE, "one", 180, "");
	says(p, TWO, "two", 180, "");
	call_rig_run(&p->rig, 2900, 100);
	assert_int_equal(play_count(p, ONE, "CANCEL"), 0);
	call_rig_run(&p->rig, 200, 10);
	assert_int_equal(play_count(p, ONE, "CANCEL"), 1);
	assert_int_equal(play_count(p, TWO, "CANCEL"), 1);
	is_refused(p, "SIP/2.0 480", END_NO_ANSWER);
	close_play(p);
}


static void a_cancel_of_the_caller_is_for_all(void **state)
{
	struct play *p = open_play("7001", 2);

	(void)state;
	says(p, ONE, "one", 180, "");
	says(p, TWO, "two", 180, "");
	play_a(p, "CANCEL", 1, "", "");
	call_rig_run(&p->rig, 5, 1);
	assert_int_equal(play_count(p, ONE, "CANCEL"), 1);
	assert_int_equal(play_count(p, TWO, "CANCEL"), 1);
	is_refused(p, "SIP/2.0 487", END_CALLER_CANCEL);
	close_play(p);
}


static void who_is_not_registered_gets_480(void **state)
{
	struct play *p = open_play("7001", 0);

	(void)state;
	is_refused(p, "SIP/2.0 480", END_NOT_REGISTERED);
	close_play(p);
}


static void a_phone_without_a_free_line_is_busy(void **state)
{
	struct play *p = open_play("7002", 1);
	struct call *call = play_call(p);

	(void)state;
	assert_int_equal(call->i.flags & CALL_HAS_B_LINES, CALL_HAS_B_LINES);
	assert_int_equal(lines_used(p->rig.sipd->lines, LINES_PHONE, 22), 1);
	call_rig_receive(&p->rig, CALL_RIG_A,
			 "INVITE sip:7002@192.0.2.100 SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKn\r\n"
			 "Max-Forwards: 70\r\n"
			 "From: <sip:78@192.0.2.1>;tag=fn\r\n"
			 "To: <sip:7002@192.0.2.100>\r\n"
			 "Call-ID: another\r\n"
			 "CSeq: 1 INVITE\r\n"
			 "Contact: <sip:78@192.0.2.1>\r\n"
			 "Content-Length: 0\r\n\r\n");
	call_rig_run(&p->rig, 5, 1);
	is_refused(p, "SIP/2.0 486", END_CALLEE_BUSY);
	close_play(p);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_device_is_called_by_its_contact_at_its_address),
		cmocka_unit_test(the_first_200_wins_and_the_others_get_cancel),
		cmocka_unit_test(a_second_200_gets_ack_and_bye),
		cmocka_unit_test(one_that_fails_leaves_the_others),
		cmocka_unit_test(when_all_fail_busy_counts),
		cmocka_unit_test(without_a_busy_one_the_last_counts),
		cmocka_unit_test(nobody_there_at_all_is_an_invite_timeout),
		cmocka_unit_test(
			who_does_not_answer_rings_for_the_phones_own_time),
		cmocka_unit_test(a_cancel_of_the_caller_is_for_all),
		cmocka_unit_test(who_is_not_registered_gets_480),
		cmocka_unit_test(a_phone_without_a_free_line_is_busy),
	};

	return T_MAIN_ONLY(tests);
}
