/**
 * @file test/unit/regd/test_upstream_fsm.c  A registration at somebody else
 */
#include "regd/upstream_fsm.h"
#include "shared/base/util.h"
#include "shared/reg/upstream.h"
#include "test/support/t.h"

static void a_row_is(unsigned state, enum upstream_event event,
		     enum upstream_action action, unsigned next)
{
	const struct upstream_row row = upstream_fsm(state, event);

	assert_int_equal(row.action, action);
	assert_int_equal(row.next, next);
}


static void it_registers_is_challenged_no_more_and_refreshes(void **state)
{
	(void)state;
	a_row_is(UPSTREAM_OFF, UP_START, UP_REGISTER, UPSTREAM_TRYING);
	a_row_is(UPSTREAM_TRYING, UP_OK, UP_HOLD, UPSTREAM_REGISTERED);
	a_row_is(UPSTREAM_REGISTERED, UP_DUE, UP_REGISTER, UPSTREAM_TRYING);
}


static void a_423_is_followed_at_once(void **state)
{
	(void)state;
	a_row_is(UPSTREAM_TRYING, UP_BRIEF, UP_REGISTER, UPSTREAM_TRYING);
}


static void a_failure_waits_and_tries_again_without_end(void **state)
{
	(void)state;
	a_row_is(UPSTREAM_TRYING, UP_FAILED, UP_WAIT, UPSTREAM_WAITING);
	a_row_is(UPSTREAM_WAITING, UP_DUE, UP_REGISTER, UPSTREAM_TRYING);
}


static void whatever_it_does_it_leaves_or_is_dropped(void **state)
{
	static const unsigned states[] = { UPSTREAM_TRYING, UPSTREAM_WAITING,
					   UPSTREAM_REGISTERED };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		a_row_is(states[i], UP_LEAVE, UP_UNREGISTER,
			 UPSTREAM_UNREGISTERING);
		a_row_is(states[i], UP_DROP, UP_FORGET, UPSTREAM_OFF);
	}
}


static void any_answer_ends_an_unregistration(void **state)
{
	(void)state;
	a_row_is(UPSTREAM_UNREGISTERING, UP_OK, UP_FORGET, UPSTREAM_OFF);
	a_row_is(UPSTREAM_UNREGISTERING, UP_BRIEF, UP_FORGET, UPSTREAM_OFF);
	a_row_is(UPSTREAM_UNREGISTERING, UP_FAILED, UP_FORGET, UPSTREAM_OFF);
}


static void what_cannot_matter_does_nothing(void **state)
{
	(void)state;
	for (unsigned event = 0; event < UP_EVENTC; event++)
		if (event != UP_START)
			a_row_is(UPSTREAM_OFF, (enum upstream_event)event,
				 UP_NONE, 0);
	a_row_is(UPSTREAM_TRYING, UP_START, UP_NONE, 0);
	a_row_is(UPSTREAM_TRYING, UP_DUE, UP_NONE, 0);
	a_row_is(UPSTREAM_WAITING, UP_OK, UP_NONE, 0);
	a_row_is(UPSTREAM_REGISTERED, UP_FAILED, UP_NONE, 0);
	a_row_is(UPSTREAM_UNREGISTERING, UP_LEAVE, UP_NONE, 0);
	a_row_is(UPSTREAM_UNREGISTERING, UP_DROP, UP_NONE, 0);
	a_row_is(UPSTREAM_STATEC, UP_OK, UP_NONE, 0);
	a_row_is(UPSTREAM_OFF, UP_EVENTC, UP_NONE, 0);
}


static void every_state_and_event_has_a_name(void **state)
{
	(void)state;
	for (unsigned s = 0; s < UPSTREAM_STATEC; s++)
		assert_string_not_equal(upstream_state_name(s), "?");
	for (unsigned e = 0; e < UP_EVENTC; e++)
		assert_string_not_equal(upstream_event_name(
						(enum upstream_event)e),
					"?");
	assert_string_equal(upstream_state_name(UPSTREAM_STATEC), "?");
	assert_string_equal(upstream_event_name(UP_EVENTC), "?");
}


static void expiry_follows_from_what_is_asked_and_granted(void **state)
{
	static const struct {
		uint32_t period_s, min_s, granted_s, asked_s, effective_s;
	} rows[] = {
		{ 0, 0, 120, 3600, 120 },
		{ 0, 0, 7200, 3600, 7200 },
		{ 0, 0, UPSTREAM_UNSAID, 3600, 3600 },
		{ 300, 0, 3600, 300, 300 },
		{ 600, 0, 40, 600, 40 },
		{ 600, 0, UPSTREAM_UNSAID, 600, 600 },
		{ 600, 1800, 1800, 1800, 1800 },
		{ 600, 1800, 3600, 1800, 1800 },
		{ 0, 7200, 7200, 7200, 7200 },
		{ 600, 60, 600, 600, 600 },
		{ 0, 0, 0, 3600, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const uint32_t asked_s = upstream_asked_s(rows[i].period_s,
							  rows[i].min_s);

		assert_int_equal(asked_s, rows[i].asked_s);
		assert_int_equal(upstream_effective_s(rows[i].period_s,
						      asked_s,
						      rows[i].granted_s),
				 rows[i].effective_s);
	}
}


static void numbers_of_requests_only_go_up(void **state)
{
	const int64_t in_2026_us = INT64_C(1767225700) * 1000000;

	(void)state;
	/* All memory was lost: a second later is a higher number. */
	assert_int_equal(upstream_next_cseq(0, in_2026_us), 100);
	assert_int_equal(upstream_next_cseq(0, in_2026_us + 1000000), 101);
	assert_int_equal(upstream_next_cseq(100, in_2026_us), 101);
	assert_int_equal(upstream_next_cseq(5000, in_2026_us), 5001);
	assert_int_equal(upstream_next_cseq(50, in_2026_us), 100);
	/* A clock that is wrong, a number that is at its end. */
	assert_int_equal(upstream_next_cseq(0, 0), 1);
	assert_int_equal(upstream_next_cseq(7, 0), 8);
	assert_int_equal(upstream_next_cseq(INT32_MAX, in_2026_us), 100);
	assert_int_equal(upstream_next_cseq(UINT32_MAX, in_2026_us), 100);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			it_registers_is_challenged_no_more_and_refreshes),
		cmocka_unit_test(a_423_is_followed_at_once),
		cmocka_unit_test(a_failure_waits_and_tries_again_without_end),
		cmocka_unit_test(whatever_it_does_it_leaves_or_is_dropped),
		cmocka_unit_test(any_answer_ends_an_unregistration),
		cmocka_unit_test(what_cannot_matter_does_nothing),
		cmocka_unit_test(every_state_and_event_has_a_name),
		cmocka_unit_test(
			expiry_follows_from_what_is_asked_and_granted),
		cmocka_unit_test(numbers_of_requests_only_go_up),
	};

	return T_MAIN_ONLY(tests);
}
