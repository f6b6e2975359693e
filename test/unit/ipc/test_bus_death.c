/**
 * @file test/unit/ipc/test_bus_death.c  The one that was asked dies
 *
 * Real processes and SIGKILL: what the kernel makes of a death is
 * not to be had in one process. The generations of billingd are forked before
 * the test has a thread, and wait for their turn.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "test/unit/ipc/bus_env.h"

enum {
	GENERATIONS = 3
};

struct fixture {
	struct ev *ev;
	const char *dir;
	struct daemon sipd;
	pid_t pids[GENERATIONS];
	int gates[GENERATIONS]; /**< A byte: begin. 's': and stay silent */
};


static void generation_run(const char *dir, int gate)
{
	struct daemon billingd = { 0 };
	struct ev *ev = NULL;
	char how = 0;

	/* The parent gone is the end too. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(gate, &how, 1) != 1)
		_exit(0);

	billingd.keeps = how == 's';
	if (ev_alloc(&ev) || billingd_open(&billingd, ev, dir))
		_exit(1);
	_exit(ev_run(ev));
}


static int setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	outcomes_are_gone = false;
	*state = &fx;
	fx.dir = bus_dir();
	if (!fx.dir)
		return -1;

	for (int i = 0; i < GENERATIONS; i++) {
		int gate[2];

		if (pipe(gate) < 0)
			return -1;
		fx.pids[i] = fork();
		if (fx.pids[i] < 0)
			return -1;
		if (fx.pids[i] == 0) {
			close(gate[1]);
			generation_run(fx.dir, gate[0]);
		}
		close(gate[0]);
		fx.gates[i] = gate[1];
	}

	if (ev_alloc(&fx.ev))
		return -1;

	return sipd_open(&fx.sipd, fx.ev, fx.dir);
}


static void generation_begin(const struct fixture *fx, int i, char how)
{
	assert_int_equal(write(fx->gates[i], &how, 1), 1);
}


static void generation_kill(struct fixture *fx, int i)
{
	if (fx->pids[i] <= 0)
		return;

	(void)kill(fx->pids[i], SIGKILL);
	(void)waitpid(fx->pids[i], NULL, 0);
	fx->pids[i] = 0;
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	outcomes_are_gone = true;
	for (int i = 0; i < GENERATIONS; i++) {
		generation_kill(fx, i);
		close(fx->gates[i]);
	}
	bus_free(fx->sipd.bus);
	ev_free(fx->ev);

	return 0;
}


static void what_it_took_to_the_grave_is_asked_of_its_successor(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };
	const uint64_t sent = metric_get(M_BUS_SENT, 0);

	/* The first one takes the request and is killed over it. */
	generation_begin(fx, 0, 's');
	TURN_UNTIL(fx->ev, is_up(fx->sipd.bus));
	assert_int_equal(ask(fx->sipd.bus, billingd0, 50000, 50, &outcome,
			     NULL),
			 0);
	TURN_UNTIL(fx->ev, metric_get(M_BUS_SENT, 0) >= sent + 2);
	turn_some(fx->ev);
	generation_kill(fx, 0);

	generation_begin(fx, 1, 'a');
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	assert_int_equal(outcome.err, 0);
	assert_int_equal(outcome.body, BUS_BODY(PONG));
}


static void what_is_asked_while_it_is_dead_waits_for_it(void **state)
{
	static struct outcome outcomes[500];
	struct fixture *fx = *state;
	struct outcome first = { 0 };

	memset(outcomes, 0, sizeof(outcomes));
	generation_begin(fx, 0, 'a');
	assert_int_equal(ask(fx->sipd.bus, billingd0, 50000, 0, &first, NULL),
			 0);
	TURN_UNTIL(fx->ev, first.calls == 1);
	generation_kill(fx, 0);

	/* Some of these are sent into the dead connection. */
	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		assert_int_equal(ask(fx->sipd.bus, billingd0, 50000, 100,
				     &outcomes[i], NULL),
				 0);
		ev_turn(fx->ev);
	}

	generation_begin(fx, 1, 'a');
	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		TURN_UNTIL(fx->ev, outcomes[i].calls == 1);
	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		assert_int_equal(outcomes[i].err, 0);
}


static void it_may_die_again_and_again_under_load(void **state)
{
	static struct outcome outcomes[GENERATIONS * 300];
	struct fixture *fx = *state;
	size_t n = 0;

	memset(outcomes, 0, sizeof(outcomes));
	for (int g = 0; g < GENERATIONS; g++) {
		const size_t end = n + 300;

		generation_begin(fx, g, 'a');
		for (; n < end; n++) {
			assert_int_equal(ask(fx->sipd.bus, billingd0, 50000,
					     100, &outcomes[n], NULL),
					 0);
			ev_turn(fx->ev);
			if (n == end - 150 && g < GENERATIONS - 1)
				generation_kill(fx, g);
		}
	}

	for (size_t i = 0; i < n; i++)
		TURN_UNTIL(fx->ev, outcomes[i].calls == 1);
	turn_some(fx->ev);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(outcomes[i].calls, 1);
		assert_int_equal(outcomes[i].err, 0);
	}
}


static void a_stopped_one_costs_only_its_own_deadlines(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcome = { 0 }, later = { 0 };

	generation_begin(fx, 0, 'a');
	TURN_UNTIL(fx->ev, is_up(fx->sipd.bus));
	assert_int_equal(kill(fx->pids[0], SIGSTOP), 0);

	assert_int_equal(ask(fx->sipd.bus, billingd0, 100, 20, &outcome, NULL),
			 0);
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	assert_int_equal(outcome.err, ETIMEDOUT);
	TURN_UNTIL(fx->ev, !is_up(fx->sipd.bus));

	assert_int_equal(kill(fx->pids[0], SIGCONT), 0);
	assert_int_equal(ask(fx->sipd.bus, billingd0, 50000, 20, &later, NULL),
			 0);
	TURN_UNTIL(fx->ev, later.calls == 1);
	assert_int_equal(later.err, 0);
	TURN_UNTIL(fx->ev, is_up(fx->sipd.bus));
	assert_int_equal(outcome.calls, 1);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(what_it_took_to_the_grave_is_asked_of_its_successor),
		T(what_is_asked_while_it_is_dead_waits_for_it),
		T(it_may_die_again_and_again_under_load),
		T(a_stopped_one_costs_only_its_own_deadlines),
	};

	if (metric_setup(NULL, 0))
		return 1;

	return T_MAIN_ONLY(tests);
}
