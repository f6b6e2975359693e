/**
 * @file test/unit/sipd/test_timer_fsm.c  Session timer: table and clock
 */
#include "shared/base/util.h"
#include "sipd/timer_fsm.h"
#include "test/support/t.h"

enum {
	REQUEST_MS = 35500
};

#define S_US  INT64_C(1000000)
#define NEVER INT64_MAX


/* --- the table ------------------------------------------------------------ */

static void the_table_is_that_of_call_lifetime(void **state)
{
	static const struct {
		enum timer_state at;
		enum timer_event event;
		enum timer_action action;
		enum timer_state next;
	} rows[] = {
		/* clang-format off */
		{ TIMER_NONE, TIMER_EV_START, TIMER_ACT_CONFIRM, TIMER_CONFIRMED },
		{ TIMER_CONFIRMED, TIMER_EV_BOUNDARY, TIMER_ACT_PROBE, TIMER_PROBING },
		{ TIMER_CONFIRMED, TIMER_EV_REFRESH, TIMER_ACT_CONFIRM, TIMER_CONFIRMED },
		{ TIMER_PROBING, TIMER_EV_OK, TIMER_ACT_CONFIRM, TIMER_CONFIRMED },
		{ TIMER_PROBING, TIMER_EV_GONE, TIMER_ACT_GRACE, TIMER_DEAD },
		{ TIMER_PROBING, TIMER_EV_GLARE, TIMER_ACT_GLARE, TIMER_PROBING },
		{ TIMER_PROBING, TIMER_EV_GLARE_OVER, TIMER_ACT_PROBE, TIMER_PROBING },
		{ TIMER_PROBING, TIMER_EV_PEER_DONE, TIMER_ACT_PROBE, TIMER_PROBING },
		{ TIMER_PROBING, TIMER_EV_AGAIN, TIMER_ACT_CONFIRM_AGAIN, TIMER_CONFIRMED },
		{ TIMER_PROBING, TIMER_EV_REFUSED, TIMER_ACT_CONFIRM, TIMER_CONFIRMED },
		{ TIMER_PROBING, TIMER_EV_REFRESH, TIMER_ACT_CONFIRM, TIMER_CONFIRMED },
		{ TIMER_PROBING, TIMER_EV_SILENT, TIMER_ACT_NONE, TIMER_UNCONFIRMED },
		{ TIMER_PROBING, TIMER_EV_SILENT_LAST, TIMER_ACT_GRACE, TIMER_DEAD },
		{ TIMER_UNCONFIRMED, TIMER_EV_BOUNDARY, TIMER_ACT_PROBE, TIMER_PROBING },
		{ TIMER_UNCONFIRMED, TIMER_EV_OK, TIMER_ACT_CONFIRM, TIMER_CONFIRMED },
		{ TIMER_UNCONFIRMED, TIMER_EV_REFRESH, TIMER_ACT_CONFIRM, TIMER_CONFIRMED },
		{ TIMER_DEAD, TIMER_EV_GRACE_OVER, TIMER_ACT_HANGUP, TIMER_ENDED },
		{ TIMER_DEAD, TIMER_EV_OK, TIMER_ACT_CONFIRM, TIMER_CONFIRMED },
		{ TIMER_DEAD, TIMER_EV_REFRESH, TIMER_ACT_CONFIRM, TIMER_CONFIRMED },
		/* clang-format on */
	};
	size_t rowc = 0;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct timer_row *row =
			&timer_rows[rows[i].at][rows[i].event];

		assert_int_equal(row->action, rows[i].action);
		assert_int_equal(row->next, rows[i].next);
	}
	for (int s = 0; s < TIMER_STATEC; s++)
		for (int e = 0; e < TIMER_EVENTC; e++)
			rowc += timer_rows[s][e].next != TIMER_NONE;
	assert_int_equal(rowc, COUNT_OF(rows));
}


/* What an action begins to wait for, the state behind it has a row for. */
static void every_wait_that_begins_has_a_row_for_its_end(void **state)
{
	static const enum timer_event ends[TIMER_ACT_HANGUP + 1][2] = {
		[TIMER_ACT_PROBE] = { TIMER_EV_SILENT, TIMER_EV_SILENT_LAST },
		[TIMER_ACT_CONFIRM] = { TIMER_EV_BOUNDARY },
		[TIMER_ACT_CONFIRM_AGAIN] = { TIMER_EV_BOUNDARY },
		[TIMER_ACT_GLARE] = { TIMER_EV_GLARE_OVER },
		[TIMER_ACT_GRACE] = { TIMER_EV_GRACE_OVER },
		[TIMER_ACT_NONE] = { TIMER_EV_BOUNDARY },
	};
	(void)state;

	for (int s = 0; s < TIMER_STATEC; s++)
		for (int e = 0; e < TIMER_EVENTC; e++) {
			const struct timer_row *row = &timer_rows[s][e];

			if (row->next == TIMER_NONE)
				continue;
			for (int i = 0; i < 2; i++) {
				const enum timer_event end =
					ends[row->action][i];

				if (end != TIMER_EV_NONE)
					assert_int_not_equal(
						timer_rows[row->next][end].next,
						TIMER_NONE);
			}
		}
	/* nothing leads out of the end */
	for (int e = 0; e < TIMER_EVENTC; e++)
		assert_int_equal(timer_rows[TIMER_ENDED][e].next, TIMER_NONE);
}


static struct timer_leg leg_of(uint32_t interval_s, uint16_t segments)
{
	struct timer_leg leg = { .interval_ms = interval_s * 1000,
				 .segments = segments };

	assert_int_equal(timer_handle(&leg, TIMER_EV_START, 0),
			 TIMER_ACT_CONFIRM);

	return leg;
}


static void what_has_no_row_changes_nothing(void **state)
{
	struct timer_leg leg = leg_of(20, 2);
	const struct timer_leg before = leg;
	(void)state;

	assert_int_equal(timer_handle(&leg, TIMER_EV_GONE, S_US),
			 TIMER_ACT_NONE);
	assert_int_equal(timer_handle(&leg, TIMER_EV_OK, S_US),
			 TIMER_ACT_NONE);
	assert_memory_equal(&leg, &before, sizeof(leg));

	/* as it may lie in shared memory */
	leg.state = 77;
	assert_int_equal(timer_handle(&leg, TIMER_EV_BOUNDARY, S_US),
			 TIMER_ACT_NONE);
	assert_int_equal(leg.state, 77);
	leg = (struct timer_leg){ .state = TIMER_CONFIRMED };
	assert_true(timer_boundary_us(&leg) == 0);
	assert_int_equal(timer_probe_ms(&leg, REQUEST_MS), 0);
	leg.segments = UINT16_MAX;
	leg.k = UINT8_MAX;
	assert_true(timer_is_last(&leg));
	assert_int_equal(timer_handle(&leg, TIMER_EV_BOUNDARY, S_US),
			 TIMER_ACT_PROBE);
	assert_int_equal(leg.k, UINT8_MAX);
}


/* --- the clock ------------------------------------------------------------ */

static void boundaries_lie_to_the_millisecond(void **state)
{
	struct timer_leg leg = leg_of(20, 3);
	static const int64_t at_ms[] = { 6666, 13333, 20000 };
	(void)state;

	for (size_t i = 0; i < COUNT_OF(at_ms); i++) {
		const int64_t due = timer_boundary_us(&leg);

		assert_true(due == at_ms[i] * 1000);
		assert_int_equal(timer_handle(&leg, TIMER_EV_BOUNDARY, due),
				 TIMER_ACT_PROBE);
		assert_true(timer_boundary_us(&leg) == NEVER);
		assert_int_equal(timer_is_last(&leg), i == 2);
		(void)timer_handle(&leg, TIMER_EV_SILENT, due);
	}
	assert_int_equal(leg.state, TIMER_DEAD);
	assert_true(timer_boundary_us(&leg) == NEVER);
}


static void a_probe_may_wait_the_shorter_of_the_two(void **state)
{
	struct timer_leg leg = leg_of(600, 3);
	(void)state;

	assert_int_equal(timer_probe_ms(&leg, REQUEST_MS), REQUEST_MS);
	leg = leg_of(20, 3);
	assert_int_equal(timer_probe_ms(&leg, REQUEST_MS), 6666);
}


static void boundaries_that_passed_in_a_stall_are_counted(void **state)
{
	struct timer_leg leg = leg_of(20, 4);
	(void)state;

	assert_int_equal(timer_handle(&leg, TIMER_EV_BOUNDARY, 16 * S_US),
			 TIMER_ACT_PROBE);
	assert_int_equal(leg.k, 3);
	(void)timer_handle(&leg, TIMER_EV_SILENT, 100 * S_US);
	assert_int_equal(leg.state, TIMER_UNCONFIRMED);
	assert_true(timer_boundary_us(&leg) == 20 * S_US);
	(void)timer_handle(&leg, TIMER_EV_BOUNDARY, 100 * S_US);
	assert_int_equal(leg.k, 4);
}


static void a_confirmation_begins_anew(void **state)
{
	static const enum timer_event events[] = { TIMER_EV_OK, TIMER_EV_AGAIN,
						   TIMER_EV_REFUSED,
						   TIMER_EV_REFRESH };
	(void)state;

	for (size_t i = 0; i < COUNT_OF(events); i++) {
		struct timer_leg leg = leg_of(20, 2);

		(void)timer_handle(&leg, TIMER_EV_BOUNDARY, 10 * S_US);
		(void)timer_handle(&leg, events[i], 11 * S_US);
		assert_int_equal(leg.state, TIMER_CONFIRMED);
		assert_int_equal(leg.k, 0);
		assert_true(timer_boundary_us(&leg) == 21 * S_US);
	}
}


/* A leg and its peer on a clock of their own. The peer answers at once, with
 * one event to each probe in turn: the last one to all that follow. */
struct sim {
	struct timer_leg leg;
	int64_t now, probe_end, wait_end; /* us; NEVER: not waited for */
	int64_t grace_us;
	const enum timer_event *answers; /* NONE: silence */
	size_t answerc;
	int64_t dies_at;
	int64_t probes_at[32];
	size_t probec;
	int64_t dead_at, ended_at;
};


static enum timer_event answer_of(const struct sim *sim)
{
	const size_t i = sim->probec - 1;

	if (sim->now >= sim->dies_at)
		return TIMER_EV_NONE;

	return sim->answers[i < sim->answerc ? i : sim->answerc - 1];
}


/* @return what the peer answers to it at once */
static enum timer_event bring_one(struct sim *sim, enum timer_event event)
{
	const enum timer_action action = timer_handle(&sim->leg, event,
						      sim->now);

	if (sim->leg.state != TIMER_PROBING)
		sim->probe_end = NEVER;
	if (sim->leg.state != TIMER_DEAD)
		sim->wait_end = NEVER;

	if (action == TIMER_ACT_PROBE)
		sim->probe_end = sim->now +
				 timer_probe_ms(&sim->leg, REQUEST_MS) *
					 1000LL;
	if (action == TIMER_ACT_GLARE) {
		sim->probe_end = NEVER;
		sim->wait_end = sim->now + 2100000;
	}
	if (action == TIMER_ACT_GRACE) {
		sim->dead_at = sim->now;
		sim->wait_end = sim->now + sim->grace_us;
	}
	if (action == TIMER_ACT_HANGUP)
		sim->ended_at = sim->now;
	if (action != TIMER_ACT_PROBE && action != TIMER_ACT_CONFIRM_AGAIN)
		return TIMER_EV_NONE;

	assert_true(sim->probec < COUNT_OF(sim->probes_at));
	sim->probes_at[sim->probec++] = sim->now;

	return answer_of(sim);
}


static void bring(struct sim *sim, enum timer_event event)
{
	while (event != TIMER_EV_NONE)
		event = bring_one(sim, event);
}


/* The next thing that is due, until the leg has ended or the time is over. A
 * probe's end and the next boundary may be the same instant. */
static void run_until(struct sim *sim, int64_t end)
{
	for (;;) {
		const int64_t boundary = timer_boundary_us(&sim->leg);
		int64_t next = boundary;
		enum timer_event event = TIMER_EV_BOUNDARY;

		if (sim->wait_end <= next) {
			next = sim->wait_end;
			event = sim->leg.state == TIMER_DEAD
					? TIMER_EV_GRACE_OVER
					: TIMER_EV_GLARE_OVER;
		}
		if (sim->probe_end <= next) {
			next = sim->probe_end;
			event = TIMER_EV_SILENT;
		}
		if (next > end || sim->leg.state == TIMER_ENDED)
			return;
		if (next > sim->now)
			sim->now = next;
		if (event == TIMER_EV_GLARE_OVER)
			sim->wait_end = NEVER;
		bring(sim, event);
	}
}


static struct sim sim_of(uint32_t interval_s, uint16_t segments,
			 const enum timer_event *answers, size_t answerc)
{
	return (struct sim){
		.leg = leg_of(interval_s, segments),
		.probe_end = NEVER,
		.wait_end = NEVER,
		.answers = answers,
		.answerc = answerc,
		.dies_at = NEVER,
	};
}

static const enum timer_event all_ok[] = { TIMER_EV_OK };
static const enum timer_event silence[] = { TIMER_EV_NONE };


static void the_example_of_the_specification(void **state)
{
	struct sim a = sim_of(600, 3, all_ok, 1);
	struct sim b = sim_of(600, 3, all_ok, 1);
	static const int64_t probes_s[] = { 200, 400, 600, 800 };
	(void)state;

	b.grace_us = 10 * S_US;
	b.dies_at = 250 * S_US;
	run_until(&b, 2000 * S_US);
	assert_int_equal(b.probec, COUNT_OF(probes_s));
	for (size_t i = 0; i < COUNT_OF(probes_s); i++)
		assert_true(b.probes_at[i] == probes_s[i] * S_US);
	assert_true(b.dead_at == 835500LL * 1000);
	assert_true(b.ended_at == 845500LL * 1000);

	run_until(&a, b.ended_at);
	assert_int_equal(a.leg.state, TIMER_CONFIRMED);
	assert_int_equal(a.probec, 4);
}


static void answered_probes_keep_a_call_for_good(void **state)
{
	struct sim sim = sim_of(20, 4, all_ok, 1);
	(void)state;

	run_until(&sim, 100 * S_US);
	assert_int_equal(sim.leg.state, TIMER_CONFIRMED);
	assert_int_equal(sim.probec, 20);
	for (size_t i = 0; i < sim.probec; i++)
		assert_true(sim.probes_at[i] == (int64_t)(i + 1) * 5 * S_US);
}


static void a_silent_leg_ends_after_its_last_probe(void **state)
{
	struct sim sim = sim_of(20, 2, silence, 1);
	struct sim late = sim_of(20, 2, silence, 1);
	(void)state;

	run_until(&sim, 1000 * S_US);
	assert_int_equal(sim.probec, 2);
	assert_true(sim.probes_at[0] == 10 * S_US);
	assert_true(sim.probes_at[1] == 20 * S_US);
	assert_true(sim.ended_at == 30 * S_US);

	late.grace_us = 5 * S_US;
	run_until(&late, 1000 * S_US);
	assert_true(late.ended_at == 35 * S_US);
}


static void one_missed_probe_does_no_harm(void **state)
{
	static const enum timer_event answers[] = { TIMER_EV_NONE,
						    TIMER_EV_OK };
	struct sim sim = sim_of(20, 2, answers, 2);
	(void)state;

	run_until(&sim, 30 * S_US);
	assert_int_equal(sim.leg.state, TIMER_CONFIRMED);
	assert_int_equal(sim.probec, 3);
	assert_true(sim.probes_at[1] == 20 * S_US);
	assert_true(sim.probes_at[2] == 30 * S_US);
}


static void who_does_not_know_the_call_ends_it_at_once(void **state)
{
	static const enum timer_event gone[] = { TIMER_EV_GONE };
	static const enum timer_event refused[] = { TIMER_EV_REFUSED };
	struct sim sim = sim_of(20, 2, gone, 1);
	struct sim lives = sim_of(20, 2, refused, 1);
	(void)state;

	run_until(&sim, 1000 * S_US);
	assert_true(sim.ended_at == 10 * S_US);

	run_until(&lives, 20 * S_US);
	assert_int_equal(lives.leg.state, TIMER_CONFIRMED);
	assert_int_equal(lives.probec, 2);
	assert_true(lives.probes_at[1] == 20 * S_US);
}


static void a_challenge_confirms_and_is_answered_once(void **state)
{
	static const enum timer_event answers[] = { TIMER_EV_AGAIN,
						    TIMER_EV_OK };
	struct sim sim = sim_of(20, 2, answers, 2);
	(void)state;

	run_until(&sim, 20 * S_US);
	assert_int_equal(sim.leg.state, TIMER_CONFIRMED);
	assert_int_equal(sim.probec, 3);
	assert_true(sim.probes_at[1] == 10 * S_US);
	assert_true(sim.probes_at[2] == 20 * S_US);
}


static void a_glare_is_waited_out(void **state)
{
	static const enum timer_event answers[] = { TIMER_EV_GLARE,
						    TIMER_EV_OK };
	struct sim sim = sim_of(20, 2, answers, 2);
	(void)state;

	run_until(&sim, 20 * S_US);
	assert_int_equal(sim.probec, 2);
	assert_true(sim.probes_at[1] == 12100LL * 1000);
	assert_int_equal(sim.leg.state, TIMER_CONFIRMED);
	assert_true(sim.leg.t0_us == 12100LL * 1000);
}


static void glares_do_not_give_a_dead_leg_more_boundaries(void **state)
{
	enum timer_event answers[9] = { TIMER_EV_NONE };
	struct sim sim = sim_of(20, 4, answers, COUNT_OF(answers));
	(void)state;

	for (size_t i = 0; i < 8; i++)
		answers[i] = TIMER_EV_GLARE;
	run_until(&sim, 1000 * S_US);
	/* the ninth at 21.8 s is lost; one more, the last, is sent when that
	 * is known */
	assert_int_equal(sim.probec, 10);
	assert_true(sim.ended_at == 31800LL * 1000);
}


static void an_answer_within_the_grace_saves_the_call(void **state)
{
	static const enum timer_event saves[] = { TIMER_EV_OK,
						  TIMER_EV_REFRESH };
	(void)state;

	for (size_t i = 0; i < COUNT_OF(saves); i++) {
		struct sim sim = sim_of(20, 2, silence, 1);

		sim.grace_us = 10 * S_US;
		run_until(&sim, 35 * S_US);
		assert_int_equal(sim.leg.state, TIMER_DEAD);
		sim.now = 35 * S_US;
		bring(&sim, saves[i]);
		assert_int_equal(sim.leg.state, TIMER_CONFIRMED);
		run_until(&sim, 44 * S_US);
		assert_int_equal(sim.leg.state, TIMER_CONFIRMED);
	}
}


static void a_late_answer_to_an_older_probe_counts(void **state)
{
	struct sim sim = sim_of(100, 2, silence, 1);
	(void)state;

	run_until(&sim, 90 * S_US);
	assert_int_equal(sim.leg.state, TIMER_UNCONFIRMED);
	sim.now = 90 * S_US;
	bring(&sim, TIMER_EV_OK);
	assert_int_equal(sim.leg.state, TIMER_CONFIRMED);
	assert_true(timer_boundary_us(&sim.leg) == 140 * S_US);
}


static void who_refreshes_is_never_probed(void **state)
{
	struct sim sim = sim_of(20, 2, silence, 1);
	(void)state;

	for (int i = 1; i <= 20; i++) {
		run_until(&sim, 9LL * i * S_US);
		sim.now = 9LL * i * S_US;
		bring(&sim, TIMER_EV_REFRESH);
	}
	assert_int_equal(sim.probec, 0);
	assert_int_equal(sim.leg.state, TIMER_CONFIRMED);
}


static void a_probe_waits_for_what_is_pending(void **state)
{
	struct timer_leg leg = leg_of(20, 2);
	struct timer_leg other = leg;
	(void)state;

	(void)timer_handle(&leg, TIMER_EV_BOUNDARY, 10 * S_US);
	assert_int_equal(timer_handle(&leg, TIMER_EV_PEER_DONE, 12 * S_US),
			 TIMER_ACT_PROBE);

	/* the peer's got 2xx: no probe */
	(void)timer_handle(&other, TIMER_EV_BOUNDARY, 10 * S_US);
	assert_int_equal(timer_handle(&other, TIMER_EV_REFRESH, 12 * S_US),
			 TIMER_ACT_CONFIRM);
	assert_int_equal(timer_handle(&other, TIMER_EV_PEER_DONE, 12 * S_US),
			 TIMER_ACT_NONE);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_that_of_call_lifetime),
		cmocka_unit_test(every_wait_that_begins_has_a_row_for_its_end),
		cmocka_unit_test(what_has_no_row_changes_nothing),
		cmocka_unit_test(boundaries_lie_to_the_millisecond),
		cmocka_unit_test(a_probe_may_wait_the_shorter_of_the_two),
		cmocka_unit_test(
			boundaries_that_passed_in_a_stall_are_counted),
		cmocka_unit_test(a_confirmation_begins_anew),
		cmocka_unit_test(the_example_of_the_specification),
		cmocka_unit_test(answered_probes_keep_a_call_for_good),
		cmocka_unit_test(a_silent_leg_ends_after_its_last_probe),
		cmocka_unit_test(one_missed_probe_does_no_harm),
		cmocka_unit_test(who_does_not_know_the_call_ends_it_at_once),
		cmocka_unit_test(a_challenge_confirms_and_is_answered_once),
		cmocka_unit_test(a_glare_is_waited_out),
		cmocka_unit_test(
			glares_do_not_give_a_dead_leg_more_boundaries),
		cmocka_unit_test(an_answer_within_the_grace_saves_the_call),
		cmocka_unit_test(a_late_answer_to_an_older_probe_counts),
		cmocka_unit_test(who_refreshes_is_never_probed),
		cmocka_unit_test(a_probe_waits_for_what_is_pending),
	};

	return T_MAIN_ONLY(tests);
}
