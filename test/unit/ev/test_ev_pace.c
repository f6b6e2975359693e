/**
 * @file test/unit/ev/test_ev_pace.c  How soon a busy loop begins its next turn
 */
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "test/support/t.h"

struct fixture {
	struct ev *ev;
	int pair[2]; /**< Always readable */
	struct ev_watch *watch;
};


static int setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	*state = &fx;
	clk_freeze(1000000, 0);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fx.pair) ||
	    write(fx.pair[1], "x", 1) != 1 || ev_alloc(&fx.ev))
		return -1;
	ev_pace_set(fx.ev, 2000, 6000);

	return 0;
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	fx->watch = ev_unwatch(fx->watch);
	fx->ev = ev_free(fx->ev);
	for (int i = 0; i < 2; i++)
		close(fx->pair[i]);
	clk_thaw();

	return 0;
}


/** What is to be done in every turn, until the pace is this */
struct toil {
	struct ev *ev;
	int64_t us;
	uint32_t until_us;
	int turns;
};


static void on_toil(int flags, void *arg)
{
	struct toil *toil = arg;

	(void)flags;
	clk_turn(toil->us);
	if (ev_pace_us(toil->ev) == toil->until_us || ++toil->turns == 1000)
		ev_stop(toil->ev, 0);
}


static void a_loop_that_works_more_begins_fewer_turns(void **state)
{
	static const struct {
		int64_t us;
		uint32_t until_us;
	} steps[] = {
		{ 150, 4000 }, { 1500, 6000 }, { 40, 3000 },
		{ 40, 2000 },  { 1500, 6000 }, { 50000, 2000 }, /* pauses */
	};
	struct fixture *fx = *state;
	struct toil toil = { .ev = fx->ev };

	assert_int_equal(ev_pace_us(fx->ev), 2000);
	assert_int_equal(ev_watch(&fx->watch, fx->ev, fx->pair[0], EV_READ,
				  on_toil, &toil),
			 0);
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		toil.us = steps[i].us;
		toil.until_us = steps[i].until_us;
		(void)ev_run(fx->ev);
		assert_int_equal(ev_pace_us(fx->ev), steps[i].until_us);
	}
}


static void the_share_of_a_longer_pace_may_halve_and_it_stays(void **state)
{
	struct fixture *fx = *state;
	struct toil toil = { .ev = fx->ev, .us = 500, .until_us = 6000 };

	assert_int_equal(ev_watch(&fx->watch, fx->ev, fx->pair[0], EV_READ,
				  on_toil, &toil),
			 0);
	(void)ev_run(fx->ev);
	toil.us = 100; /* a twentieth of 2 ms, a sixtieth of 6 */
	toil.until_us = 0;
	toil.turns = 900; /* until 1,000 */
	(void)ev_run(fx->ev);
	assert_int_equal(ev_pace_us(fx->ev), 6000);
}


/** Each turn does the same, however long it waits; so long it runs */
struct closed {
	struct ev *ev;
	int turns;
	uint32_t longest_us; /**< Pace that was seen */
};


static void on_closed(int flags, void *arg)
{
	struct closed *closed = arg;
	const uint32_t us = ev_pace_us(closed->ev);

	(void)flags;
	if (us > closed->longest_us)
		closed->longest_us = us;
	clk_turn(us);
	ev_pace_done(closed->ev, 100);
	if (--closed->turns == 0)
		ev_stop(closed->ev, 0);
}


static void a_longer_pace_that_does_less_is_given_up_for_a_while(void **state)
{
	struct fixture *fx = *state;
	struct closed closed = { .ev = fx->ev, .turns = 100 };

	assert_int_equal(ev_watch(&fx->watch, fx->ev, fx->pair[0], EV_READ,
				  on_closed, &closed),
			 0);
	(void)ev_run(fx->ev);
	assert_int_equal(closed.longest_us, 4000); /* tried once */
	assert_int_equal(ev_pace_us(fx->ev), 2000);

	closed.turns = 100;
	closed.longest_us = 0;
	(void)ev_run(fx->ev);
	assert_int_equal(closed.longest_us, 2000);

	clk_turn(1990000);
	closed.turns = 100;
	(void)ev_run(fx->ev);
	assert_int_equal(closed.longest_us, 4000); /* and once more */
	assert_int_equal(ev_pace_us(fx->ev), 2000);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_loop_that_works_more_begins_fewer_turns),
		T(the_share_of_a_longer_pace_may_halve_and_it_stays),
		T(a_longer_pace_that_does_less_is_given_up_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
