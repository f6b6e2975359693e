/**
 * @file test/unit/sipd/test_call_adopt.c  Calls of a predecessor go on
 */
#include "shared/catalog/end_reason.h"
#include "sipd/lines.h"
#include "sipd/setup_keep.h"
#include "test/support/t.h"
#include "test/unit/sipd/call_play.h"


/* Without a session timer a call lasts so many seconds. */
static struct play *open_play(const char *cap_s)
{
	const struct route_param more[] = {
		{ SS_SIP_NO_TIMER_REINVITE_INTERVAL, cap_s },
	};
	static struct play p;

	if (play_open(&p, "call_adopt", more, 1))
		abort();

	return &p;
}


static void replace(struct play *p)
{
	play_clear(p);
	assert_int_equal(call_rig_replace(&p->rig), 0);
}


static void close_play(struct play *p)
{
	call_rig_run(&p->rig, 90000, 500);
	if (call_rig_left(&p->rig))
		fail_msg("left: %s", call_rig_left(&p->rig));
	play_close(p);
}


static void an_answered_call_goes_on(void **state)
{
	struct play *p = open_play("30");
	struct call *call;
	(void)state;

	play_answered(p, "");
	call_rig_run(&p->rig, 1000, 100);
	replace(p);
	call = play_call(p);
	assert_non_null(call);
	assert_int_equal(call->i.state, CALL_ANSWERED);
	call_rig_run(&p->rig, 100, 10);
	assert_int_equal(p->rig.sentc, 0); /* nobody notices */

	play_a(p, "BYE", 0, "", "");
	assert_int_equal(play_count(p, CALL_RIG_A, "SIP/2.0 200"), 1);
	assert_int_equal(play_count(p, CALL_RIG_B1, "BYE"), 1);
	play_reply(p, CALL_RIG_B1, "BYE", 200, "", "");
	call_rig_run(&p->rig, 1000, 100);
	assert_int_equal(p->rig.records, 1);
	assert_int_equal(p->rig.end_reason, END_NORMAL_RELEASE);
	close_play(p);
}


/* What it had sent and not published must not be sent under its number. */
static void requests_of_a_successor_are_counted_behind(void **state)
{
	struct play *p = open_play("30");
	uint32_t before;
	(void)state;

	play_answered(p, "");
	before = play_call(p)->i.b.local_cseq;
	replace(p);
	assert_true(play_call(p)->i.b.local_cseq > before + 8);
	play_a(p, "BYE", 0, "", "");
	play_reply(p, CALL_RIG_B1, "BYE", 200, "", "");
	close_play(p);
}


static void the_cap_holds_at_the_second_it_had(void **state)
{
	struct play *p = open_play("30");
	(void)state;

	/* no session timer: 30 s */
	play_answered(p, "");
	call_rig_run(&p->rig, 20000, 100);
	replace(p);
	call_rig_run(&p->rig, 9900, 100);
	assert_int_equal(play_count(p, CALL_RIG_A, "BYE"), 0);
	call_rig_run(&p->rig, 300, 100);
	assert_int_equal(play_count(p, CALL_RIG_A, "BYE"), 1);
	assert_int_equal(play_count(p, CALL_RIG_B1, "BYE"), 1);
	close_play(p);
	assert_int_equal(p->rig.records, 1);
}


/* What says how it was being set up is gone, for want of space. */
static void what_cannot_go_on_ends_as_recovery(void **state)
{
	struct play *p = open_play("30");
	struct call *call;
	(void)state;

	play_invite(p, "", PLAY_SDP);
	call_rig_run(&p->rig, 5, 1);
	play_reply(p, CALL_RIG_B1, "INVITE", 180, "", "");
	call = play_call(p);
	setup_end(call);
	call_publish(call);
	replace(p);
	call_rig_run(&p->rig, 200, 10);
	assert_int_equal(play_count(p, CALL_RIG_B1, "BYE"), 1);
	assert_int_equal(play_count(p, CALL_RIG_A, "BYE"), 0);
	assert_int_equal(p->rig.records, 1);
	assert_int_equal(p->rig.end_reason, END_SYSTEM_RECOVERY);
	close_play(p);
}


/* Each time sipd dies at work on it; once may be somebody else's fault. */
static void a_call_that_kills_twice_is_set_aside(void **state)
{
	struct play *p = open_play("30");
	(void)state;

	play_answered(p, "");
	p->rig.has_crashed = true;
	assert_true(call_work_begin(play_call(p)));
	replace(p);
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	assert_true(call_work_begin(play_call(p)));
	replace(p);
	assert_null(play_call(p));
	call_rig_run(&p->rig, 200, 10);
	assert_int_equal(p->rig.sentc, 0);
	assert_int_equal(lines_used(p->rig.sipd->lines, LINES_ALL, 1), 0);
	play_close(p);
}


static void one_that_was_worked_on_in_between_is_not(void **state)
{
	struct play *p = open_play("30");
	(void)state;

	play_answered(p, "");
	p->rig.has_crashed = true;
	for (unsigned i = 0; i < 4; i++) {
		assert_true(call_work_begin(play_call(p)));
		replace(p);
		play_a(p, "OPTIONS", 0, "", "");
	}
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	play_a(p, "BYE", 0, "", "");
	play_reply(p, CALL_RIG_B1, "BYE", 200, "", "");
	close_play(p);
}


/* Only what it said of itself counts: an operator's kill does not. */
static void a_call_is_not_set_aside_for_kills(void **state)
{
	struct play *p = open_play("30");
	(void)state;

	play_answered(p, "");
	for (unsigned i = 0; i < 4; i++) {
		assert_true(call_work_begin(play_call(p)));
		replace(p);
	}
	assert_int_equal(play_call(p)->i.state, CALL_ANSWERED);
	play_a(p, "BYE", 0, "", "");
	play_reply(p, CALL_RIG_B1, "BYE", 200, "", "");
	close_play(p);
}


static void a_record_that_is_owed_is_offered_again(void **state)
{
	struct play *p = open_play("30");
	(void)state;

	p->rig.record = CALL_RIG_SILENCE;
	play_answered(p, "");
	play_a(p, "BYE", 0, "", "");
	play_reply(p, CALL_RIG_B1, "BYE", 200, "", "");
	call_rig_run(&p->rig, 1000, 100);
	assert_int_equal(p->rig.records, 0);
	replace(p);
	p->rig.record = CALL_RIG_YES;
	call_rig_run(&p->rig, 200, 10);
	assert_int_equal(p->rig.records, 1);
	assert_int_equal(p->rig.end_reason, END_NORMAL_RELEASE);
	close_play(p);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answered_call_goes_on),
		cmocka_unit_test(requests_of_a_successor_are_counted_behind),
		cmocka_unit_test(the_cap_holds_at_the_second_it_had),
		cmocka_unit_test(what_cannot_go_on_ends_as_recovery),
		cmocka_unit_test(a_call_that_kills_twice_is_set_aside),
		cmocka_unit_test(one_that_was_worked_on_in_between_is_not),
		cmocka_unit_test(a_call_is_not_set_aside_for_kills),
		cmocka_unit_test(a_record_that_is_owed_is_offered_again),
	};

	return T_MAIN_ONLY(tests);
}
