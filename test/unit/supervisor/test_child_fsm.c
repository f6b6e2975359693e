/**
 * @file test/unit/supervisor/test_child_fsm.c  The life of a child
 */
#include "supervisor/child_fsm.h"
#include "test/support/t.h"

/* The actions are only told apart here. */
#define FAKE(name)                    \
	int name(struct child *child) \
	{                             \
		(void)child;          \
		return 0;             \
	}

FAKE(act_spawn)
FAKE(act_ready)
FAKE(act_healthy)
FAKE(act_hand_over)
FAKE(act_drain)
FAKE(act_abort)
FAKE(act_kill)
FAKE(act_back_off)
FAKE(act_down)


/* Feeds a child its history; returns where it is, and the last action. */
#define PLAY(...) play((const enum child_event[]){ __VA_ARGS__, CHILD_EVENTC })

static child_act_h *last_act;


static enum child_state play(const enum child_event *ev)
{
	enum child_state state = CHILD_DOWN;

	for (; *ev != CHILD_EVENTC; ev++) {
		child_act_h *act;
		const enum child_state next = child_fsm_next(state, *ev, &act);

		if (next == CHILD_NONE)
			continue;
		state = next;
		last_act = act;
	}

	return state;
}


static bool has_row(enum child_state state, enum child_event ev)
{
	child_act_h *act;

	return child_fsm_next(state, ev, &act) != CHILD_NONE;
}


static void every_state_with_a_process_has_an_answer_to_its_end(void **state)
{
	(void)state;

	for (int s = CHILD_STARTING; s < CHILD_BACKOFF; s++) {
		assert_true(has_row(s, CHILD_EV_EXITED_AGAIN));
		assert_true(has_row(s, CHILD_EV_EXITED_WAIT));
	}
}


static void every_state_but_down_has_an_answer_to_its_deadline(void **state)
{
	(void)state;

	for (int s = CHILD_STARTING; s < CHILD_STATEC; s++)
		assert_true(has_row(s, CHILD_EV_DEADLINE));
	assert_false(has_row(CHILD_DOWN, CHILD_EV_DEADLINE));
}


static void every_state_can_be_stopped_and_wanted_again(void **state)
{
	(void)state;

	for (int s = CHILD_STARTING; s < CHILD_STATEC; s++)
		if (s != CHILD_ENDING) /* is being stopped as hard as can be */
			assert_true(has_row(s, CHILD_EV_STOP));
	for (int s = CHILD_DRAINING; s < CHILD_STATEC; s++)
		if (s != CHILD_KILLING) /* comes back by itself */
			assert_true(has_row(s, CHILD_EV_START));
	assert_true(has_row(CHILD_DOWN, CHILD_EV_START));
}


static void a_death_after_ready_is_answered_at_once(void **state)
{
	(void)state;

	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY,
			      CHILD_EV_EXITED_AGAIN),
			 CHILD_STARTING);
	assert_ptr_equal(last_act, act_spawn);
}


static void a_death_before_ready_waits_whatever_the_bucket_says(void **state)
{
	(void)state;

	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_EXITED_AGAIN),
			 CHILD_BACKOFF);
	assert_ptr_equal(last_act, act_back_off);
	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_SPAWN_FAILED),
			 CHILD_BACKOFF);
	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY,
			      CHILD_EV_EXITED_WAIT),
			 CHILD_BACKOFF);
}


static void back_off_always_ends_in_another_start(void **state)
{
	(void)state;

	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_EXITED_WAIT,
			      CHILD_EV_DEADLINE),
			 CHILD_STARTING);
	assert_ptr_equal(last_act, act_spawn);
}


static void a_stuck_child_is_asked_for_its_stack_then_killed(void **state)
{
	(void)state;

	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY,
			      CHILD_EV_BEAT_MISSED),
			 CHILD_KILLING);
	assert_ptr_equal(last_act, act_abort);
	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY,
			      CHILD_EV_BEAT_MISSED, CHILD_EV_DEADLINE),
			 CHILD_KILLING);
	assert_ptr_equal(last_act, act_kill);
	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY,
			      CHILD_EV_BEAT_MISSED, CHILD_EV_EXITED_AGAIN),
			 CHILD_STARTING);
}


static void one_that_is_never_ready_is_killed_and_comes_back(void **state)
{
	(void)state;

	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_DEADLINE),
			 CHILD_KILLING);
	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_DEADLINE,
			      CHILD_EV_EXITED_WAIT),
			 CHILD_BACKOFF);
}


static void an_asked_for_end_is_never_held_against_it(void **state)
{
	(void)state;

	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY, CHILD_EV_RESTART,
			      CHILD_EV_EXITED_WAIT),
			 CHILD_STARTING);
	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY,
			      CHILD_EV_RESTART_DRAIN, CHILD_EV_EXITED_WAIT),
			 CHILD_STARTING);
	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY, CHILD_EV_STOP,
			      CHILD_EV_EXITED_WAIT),
			 CHILD_DOWN);
}


static void a_second_stop_does_not_wait_for_the_drain(void **state)
{
	(void)state;

	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY, CHILD_EV_STOP,
			      CHILD_EV_STOP),
			 CHILD_ENDING);
	assert_ptr_equal(last_act, act_kill);
}


static void a_stop_that_is_taken_back_brings_it_back(void **state)
{
	(void)state;

	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY, CHILD_EV_STOP,
			      CHILD_EV_START, CHILD_EV_EXITED_AGAIN),
			 CHILD_STARTING);
	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_STOP, CHILD_EV_START,
			      CHILD_EV_EXITED_AGAIN),
			 CHILD_STARTING);
}


static void a_late_ready_of_one_being_killed_changes_nothing(void **state)
{
	(void)state;

	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_DEADLINE,
			      CHILD_EV_READY),
			 CHILD_KILLING);
}


static void deadlines_and_ends_alone_never_lose_a_child(void **state)
{
	(void)state;

	/* From anywhere it is wanted: whatever happens, it is started again. */
	for (int s = CHILD_STARTING; s < CHILD_STATEC; s++) {
		enum child_state at = (enum child_state)s;
		bool spawned = false;

		/* One that yields is started by who asked it to. */
		if (s == CHILD_DRAINING || s == CHILD_ENDING ||
		    s == CHILD_YIELDING)
			continue;
		for (int i = 0; i < 6 && !spawned; i++) {
			const enum child_event ev =
				at == CHILD_BACKOFF || i % 2 == 0
					? CHILD_EV_DEADLINE
					: CHILD_EV_EXITED_WAIT;
			child_act_h *act;
			const enum child_state next = child_fsm_next(at, ev,
								     &act);

			spawned = act == act_spawn;
			if (next != CHILD_NONE)
				at = next;
		}
		assert_true(spawned);
	}
}


static void one_that_yields_is_down_until_it_is_started(void **state)
{
	(void)state;

	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY, CHILD_EV_YIELD),
			 CHILD_YIELDING);
	assert_ptr_equal(last_act, act_hand_over);
	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY, CHILD_EV_YIELD,
			      CHILD_EV_EXITED_AGAIN),
			 CHILD_DOWN);
	assert_int_equal(PLAY(CHILD_EV_START, CHILD_EV_READY, CHILD_EV_YIELD,
			      CHILD_EV_DEADLINE, CHILD_EV_EXITED_WAIT,
			      CHILD_EV_START),
			 CHILD_STARTING);
	/* Whatever it is doing, it comes to that. */
	for (int s = CHILD_STARTING; s < CHILD_STATEC; s++)
		if (s != CHILD_YIELDING && s != CHILD_ENDING)
			assert_true(has_row(s, CHILD_EV_YIELD));
}


static void states_and_events_have_names(void **state)
{
	(void)state;

	for (int s = 0; s < CHILD_STATEC; s++)
		assert_non_null(child_state_name(s));
	for (int e = 0; e < CHILD_EVENTC; e++)
		assert_non_null(child_event_name(e));
	assert_string_equal(child_state_name(CHILD_STATEC), "?");
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_state_with_a_process_has_an_answer_to_its_end),
		cmocka_unit_test(
			every_state_but_down_has_an_answer_to_its_deadline),
		cmocka_unit_test(every_state_can_be_stopped_and_wanted_again),
		cmocka_unit_test(a_death_after_ready_is_answered_at_once),
		cmocka_unit_test(
			a_death_before_ready_waits_whatever_the_bucket_says),
		cmocka_unit_test(back_off_always_ends_in_another_start),
		cmocka_unit_test(
			a_stuck_child_is_asked_for_its_stack_then_killed),
		cmocka_unit_test(
			one_that_is_never_ready_is_killed_and_comes_back),
		cmocka_unit_test(an_asked_for_end_is_never_held_against_it),
		cmocka_unit_test(a_second_stop_does_not_wait_for_the_drain),
		cmocka_unit_test(a_stop_that_is_taken_back_brings_it_back),
		cmocka_unit_test(
			a_late_ready_of_one_being_killed_changes_nothing),
		cmocka_unit_test(deadlines_and_ends_alone_never_lose_a_child),
		cmocka_unit_test(one_that_yields_is_down_until_it_is_started),
		cmocka_unit_test(states_and_events_have_names),
	};

	return T_MAIN_ONLY(tests);
}
