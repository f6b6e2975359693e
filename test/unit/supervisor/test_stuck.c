/**
 * @file test/unit/supervisor/test_stuck.c  Is a daemon stuck, or has it no
 * time?
 */
#include "supervisor/stuck.h"
#include "test/support/t.h"

#define LIMIT     INT64_C(1000000)
#define ROUND     INT64_C(100000)
#define ROUND_MAX INT64_C(200000)


/* Rounds until it is stuck; 0: not within so many */
static unsigned rounds_until_stuck(struct stuck *s, unsigned max, char state,
				   int64_t cpu_of_round_us)
{
	struct process_run run = { .state = state };

	for (unsigned n = 1; n <= max; n++) {
		run.cpu_us += cpu_of_round_us;
		if (stuck_heard(s, s->beat_us, ROUND, ROUND_MAX, LIMIT) &&
		    stuck_is(s, &run, LIMIT))
			return n;
	}

	return 0;
}


static struct stuck heard(void)
{
	struct stuck s = { .beat_us = 0 };

	assert_false(stuck_heard(&s, 5000000, ROUND, ROUND_MAX, LIMIT));

	return s;
}


static void who_beats_is_not_looked_at(void **state)
{
	struct stuck s = heard();

	(void)state;
	for (int64_t beat_us = 6000000; beat_us < 16000000;
	     beat_us += 200000) {
		assert_false(
			stuck_heard(&s, beat_us, ROUND, ROUND_MAX, LIMIT));
		assert_false(
			stuck_heard(&s, beat_us, ROUND, ROUND_MAX, LIMIT));
	}
}


static void who_waits_for_ever_or_was_stopped_is_stuck(void **state)
{
	static const char states[] = { 'S', 'D', 'T', '?' };

	(void)state;
	for (size_t i = 0; i < sizeof(states); i++) {
		struct stuck s = heard();

		assert_int_equal(rounds_until_stuck(&s, 99, states[i], 0), 11);
	}
}


static void a_loop_without_end_is_stuck(void **state)
{
	struct stuck s = heard();

	(void)state;
	assert_int_equal(rounds_until_stuck(&s, 99, 'R', ROUND), 11);
	/* also with a third of the time */
	s = heard();
	assert_int_equal(rounds_until_stuck(&s, 99, 'R', ROUND / 3), 11);
}


static void who_could_run_and_is_not_let_to_is_waited_for(void **state)
{
	struct stuck s = heard();

	(void)state;
	assert_int_equal(rounds_until_stuck(&s, 50, 'R', ROUND / 10), 0);
	/* its beat comes: all is well */
	assert_false(stuck_heard(&s, 9000000, ROUND, ROUND_MAX, LIMIT));
	assert_int_equal(rounds_until_stuck(&s, 99, 'S', 0), 11);
	/* but not for ever */
	s = heard();
	assert_int_equal(rounds_until_stuck(&s, 200, 'R', 0), 101);
}


static void a_machine_that_stood_still_is_no_daemon_that_is_stuck(void **state)
{
	struct stuck s = heard();

	(void)state;
	assert_false(stuck_heard(&s, s.beat_us, ROUND, ROUND_MAX, LIMIT));
	assert_false(stuck_heard(&s, s.beat_us, 60000000, ROUND_MAX, LIMIT));
	/* what is silent then has the rest of its time */
	assert_int_equal(rounds_until_stuck(&s, 99, 'S', 0), 8);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_beats_is_not_looked_at),
		cmocka_unit_test(who_waits_for_ever_or_was_stopped_is_stuck),
		cmocka_unit_test(a_loop_without_end_is_stuck),
		cmocka_unit_test(
			who_could_run_and_is_not_let_to_is_waited_for),
		cmocka_unit_test(
			a_machine_that_stood_still_is_no_daemon_that_is_stuck),
	};

	return T_MAIN_ONLY(tests);
}
