/**
 * @file test/unit/ev/test_ev.c  The loop: timers, descriptors, posts, signals
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "test/support/t.h"

enum {
	TIMERC = 64,
	POSTS_MAX = 1024, /* of ev.h */
	POSTC = 20000,
};

struct fixture {
	struct ev *ev;
	int pair[2], other[2];
	struct ev_watch *watch, *second;
	int calls, second_calls;
	int flags; /**< Of the last call */
	int64_t due_us;
	struct ev_timer timers[TIMERC];
	int order[TIMERC];
	int orderc;
};


static int setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	*state = &fx;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fx.pair) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, fx.other))
		return -1;

	return ev_alloc(&fx.ev);
}


static int setup_frozen(void **state)
{
	clk_freeze(1000000, 0);

	return setup(state);
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	fx->watch = ev_unwatch(fx->watch);
	fx->second = ev_unwatch(fx->second);
	fx->ev = ev_free(fx->ev);
	for (int i = 0; i < 2; i++) {
		close(fx->pair[i]);
		close(fx->other[i]);
	}
	clk_thaw();

	return 0;
}

#define TURN_UNTIL(fx, cond) WAIT_FOR(20, (ev_turn((fx)->ev), (cond)))


static void on_stop(void *arg)
{
	struct fixture *fx = arg;

	fx->calls++;
	ev_stop(fx->ev, 42);
}


static void it_runs_until_it_is_stopped_and_says_why(void **state)
{
	struct fixture *fx = *state;

	ev_timer_start(&fx->timers[0], fx->ev, 1, on_stop, fx);
	assert_int_equal(ev_run(fx->ev), 42);
	assert_int_equal(fx->calls, 1);

	/* Again, and with another word */
	ev_timer_start(&fx->timers[0], fx->ev, 1, on_stop, fx);
	assert_int_equal(ev_run(fx->ev), 42);
}


/* What opens may fail before the loop runs. */
static void a_stop_before_the_run_is_not_forgotten(void **state)
{
	struct fixture *fx = *state;

	ev_stop(fx->ev, 7);
	assert_int_equal(ev_run(fx->ev), 7);

	ev_timer_start(&fx->timers[0], fx->ev, 1, on_stop, fx);
	assert_int_equal(ev_run(fx->ev), 42);
}


static void a_loop_that_was_stopped_can_be_freed(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ev_signal(fx->ev, SIGUSR2, NULL, NULL), 0);
	assert_int_equal(ev_watch(&fx->watch, fx->ev, fx->pair[0], EV_READ,
				  NULL, NULL),
			 0);
	fx->watch = ev_unwatch(fx->watch);
	ev_stop(fx->ev, 0);
	fx->ev = ev_free(fx->ev);
	assert_null(ev_free(NULL));
}


static void on_due(void *arg)
{
	struct fixture *fx = arg;

	assert_true(clk_mono_us() >= fx->due_us);
	ev_stop(fx->ev, 0);
}


static void no_timer_is_early(void **state)
{
	struct fixture *fx = *state;

	for (uint32_t ms = 0; ms < 40; ms++) {
		/* Anywhere within a millisecond */
		const int64_t until = clk_mono_us() + ms * 37 % 1000;

		while (clk_mono_us() < until)
			;
		fx->due_us = clk_mono_us() + (ms % 8) * 1000;
		ev_timer_start(&fx->timers[0], fx->ev, ms % 8, on_due, fx);
		assert_int_equal(ev_run(fx->ev), 0);
	}
}


struct ordered {
	struct fixture *fx;
	int number;
};


static void on_number(void *arg)
{
	struct ordered *ordered = arg;

	ordered->fx->order[ordered->fx->orderc++] = ordered->number;
}


static void timers_are_called_in_the_order_they_are_due(void **state)
{
	struct ordered ordered[TIMERC];
	struct fixture *fx = *state;

	for (int i = 0; i < TIMERC; i++) {
		ordered[i] = (struct ordered){ fx, i };
		ev_timer_start(&fx->timers[i], fx->ev,
			       (uint32_t)(i * 37 % TIMERC) + 1, on_number,
			       &ordered[i]);
	}
	clk_turn(1000000);
	TURN_UNTIL(fx, fx->orderc == TIMERC);
	for (int i = 1; i < TIMERC; i++)
		assert_true(fx->order[i] * 37 % TIMERC >
			    fx->order[i - 1] * 37 % TIMERC);
}


static void a_frozen_clock_holds_all_timers(void **state)
{
	struct fixture *fx = *state;

	ev_timer_start(&fx->timers[0], fx->ev, 50, on_stop, fx);
	assert_true(ev_timer_running(&fx->timers[0]));
	for (int i = 0; i < 20; i++)
		ev_turn(fx->ev);
	assert_int_equal(fx->calls, 0);

	clk_turn(49999);
	for (int i = 0; i < 20; i++)
		ev_turn(fx->ev);
	assert_int_equal(fx->calls, 0);

	clk_turn(1);
	ev_turn(fx->ev);
	ev_turn(fx->ev);
	assert_int_equal(fx->calls, 1);
	assert_false(ev_timer_running(&fx->timers[0]));
}


/* Between two turns of a test, or before the loop runs: now is now. */
static void outside_of_a_turn_the_time_is_the_clocks(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ev_now_us(fx->ev), 1000000);
	clk_turn(5000000);
	assert_int_equal(ev_now_us(fx->ev), 6000000);

	/* After 5 s of work at start-up a timer has its whole delay. */
	ev_timer_start(&fx->timers[0], fx->ev, 100, on_stop, fx);
	ev_turn(fx->ev);
	ev_turn(fx->ev);
	assert_int_equal(fx->calls, 0);
	clk_turn(5000000);
	assert_int_equal(ev_now_us(fx->ev), 11000000);
	assert_int_equal(ev_boot_us(fx->ev), 11000000);
}


static void on_work(void *arg)
{
	struct fixture *fx = arg;
	const int64_t now_us = ev_now_us(fx->ev);

	assert_int_equal(ev_boot_us(fx->ev), now_us);
	clk_turn(3000000);
	assert_int_equal(ev_now_us(fx->ev), now_us);
	assert_int_equal(ev_boot_us(fx->ev), now_us);
	fx->calls++;
}


static void within_a_turn_the_time_is_that_of_its_beginning(void **state)
{
	struct fixture *fx = *state;

	for (int i = 1; i <= 3; i++) {
		ev_timer_start(&fx->timers[0], fx->ev, 1, on_work, fx);
		clk_turn(1000);
		TURN_UNTIL(fx, fx->calls == i);
		assert_int_equal(ev_boot_us(fx->ev), 1000000 + i * 3001000);
	}
}


static void on_again(void *arg)
{
	struct fixture *fx = arg;

	fx->calls++;
	ev_timer_start(&fx->timers[0], fx->ev, 0, on_again, fx);
}


static void a_timer_of_0_does_not_starve_the_loop(void **state)
{
	struct fixture *fx = *state;

	ev_timer_start(&fx->timers[0], fx->ev, 0, on_again, fx);
	for (int i = 0; i < 10; i++) {
		clk_turn(100000);
		ev_turn(fx->ev);
	}
	assert_in_range(fx->calls, 8, 10);
	ev_timer_stop(&fx->timers[0]);
}


static void on_stop_other(void *arg)
{
	struct fixture *fx = arg;

	fx->calls++;
	ev_timer_stop(&fx->timers[0]);
	ev_timer_stop(&fx->timers[1]);
}


static void a_timer_stopped_by_another_of_its_turn_is_not_called(void **state)
{
	struct fixture *fx = *state;

	ev_timer_start(&fx->timers[0], fx->ev, 5, on_stop_other, fx);
	ev_timer_start(&fx->timers[1], fx->ev, 5, on_stop_other, fx);
	clk_turn(10000);
	ev_turn(fx->ev);
	ev_turn(fx->ev);
	assert_int_equal(fx->calls, 1);
}


static void on_read(int flags, void *arg)
{
	struct fixture *fx = arg;

	fx->calls++;
	fx->flags = flags;
}


static void a_descriptor_is_reported_while_it_is_ready(void **state)
{
	struct fixture *fx = *state;
	char c;

	assert_int_equal(ev_watch(&fx->watch, fx->ev, fx->pair[0], EV_READ,
				  on_read, fx),
			 0);
	ev_turn(fx->ev);
	assert_int_equal(fx->calls, 0);

	assert_int_equal(write(fx->pair[1], "x", 1), 1);
	TURN_UNTIL(fx, fx->calls == 2); /* until somebody reads */
	assert_int_equal(fx->flags, EV_READ);
	assert_int_equal(read(fx->pair[0], &c, 1), 1);
	fx->calls = 0;
	ev_turn(fx->ev);
	assert_int_equal(fx->calls, 0);

	assert_int_equal(ev_watch_change(fx->watch, EV_READ | EV_WRITE), 0);
	TURN_UNTIL(fx, fx->calls > 0);
	assert_int_equal(fx->flags, EV_WRITE);

	assert_int_equal(ev_watch_change(fx->watch, 0), 0);
	fx->calls = 0;
	ev_turn(fx->ev);
	assert_int_equal(fx->calls, 0);

	assert_int_equal(ev_watch_change(fx->watch, EV_HANGUP), 0);
	ev_turn(fx->ev);
	assert_int_equal(fx->calls, 0);
	shutdown(fx->pair[1], SHUT_RDWR);
	TURN_UNTIL(fx, fx->calls > 0);
	assert_true(fx->flags & EV_HANGUP);
}


static void what_cannot_be_watched_is_refused(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ev_watch(&fx->watch, fx->ev, -1, EV_READ, on_read,
				  fx),
			 EBADF);
	assert_null(fx->watch);
	assert_int_equal(ev_watch(&fx->watch, fx->ev, fx->pair[0], EV_READ,
				  on_read, fx),
			 0);
	assert_int_equal(ev_watch(&fx->second, fx->ev, fx->pair[0], EV_READ,
				  on_read, fx),
			 EEXIST);
	assert_null(fx->second);
}


static void on_first_unwatches_both(int flags, void *arg)
{
	struct fixture *fx = arg;

	(void)flags;
	fx->calls++;
	fx->watch = ev_unwatch(fx->watch);
	fx->second = ev_unwatch(fx->second);
}


/* Both were ready when the turn began; the second's owner may be freed. */
static void one_unwatched_by_another_of_its_turn_is_not_called(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ev_watch(&fx->watch, fx->ev, fx->pair[0], EV_READ,
				  on_first_unwatches_both, fx),
			 0);
	assert_int_equal(ev_watch(&fx->second, fx->ev, fx->other[0], EV_READ,
				  on_first_unwatches_both, fx),
			 0);
	assert_int_equal(write(fx->pair[1], "x", 1), 1);
	assert_int_equal(write(fx->other[1], "x", 1), 1);
	TURN_UNTIL(fx, fx->calls > 0);
	for (int i = 0; i < 3; i++)
		ev_turn(fx->ev);
	assert_int_equal(fx->calls, 1);
}


static void on_second(int flags, void *arg)
{
	struct fixture *fx = arg;
	char c;

	(void)flags;
	fx->second_calls++;
	assert_int_equal(read(fx->other[0], &c, 1), 1);
}


static void on_rewatch(int flags, void *arg)
{
	struct fixture *fx = arg;

	(void)flags;
	fx->calls++;
	fx->watch = ev_unwatch(fx->watch);

	/* The same number, another file: what was ready is not this one. */
	assert_int_equal(dup2(fx->other[1], fx->pair[0]), fx->pair[0]);
	assert_int_equal(ev_watch(&fx->watch, fx->ev, fx->pair[0], EV_READ,
				  on_read, fx),
			 0);
}


static void a_number_used_again_at_once_is_another_descriptor(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ev_watch(&fx->watch, fx->ev, fx->pair[0], EV_READ,
				  on_rewatch, fx),
			 0);
	assert_int_equal(write(fx->pair[1], "x", 1), 1);
	TURN_UNTIL(fx, fx->calls == 1);
	for (int i = 0; i < 3; i++)
		ev_turn(fx->ev);
	assert_int_equal(fx->calls, 1);

	assert_int_equal(ev_watch(&fx->second, fx->ev, fx->other[0], EV_READ,
				  on_second, fx),
			 0);
	assert_int_equal(write(fx->other[0], "x", 1), 1);
	TURN_UNTIL(fx, fx->calls > 1);
	assert_int_equal(fx->second_calls, 0);
}


static void on_datagram(int flags, void *arg)
{
	struct fixture *fx = arg;
	char c[16];

	fx->calls++;
	fx->flags = flags;
	while (recv(fx->pair[0], c, sizeof(c), MSG_DONTWAIT) > 0)
		fx->second_calls++;
}


/* "Port unreachable" comes back for a datagram: the socket has an error for a
 * moment and is as good as before. */
static void an_error_of_a_socket_does_not_end_its_watch(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	socklen_t len = sizeof(to);
	struct fixture *fx = *state;
	int peer = socket(AF_INET, SOCK_DGRAM, 0);

	/* An address of our own: nobody else takes the port meanwhile. */
	to.sin_addr.s_addr = htonl(0x7f000001u | ((unsigned)getpid() & 0xffff)
							 << 8);
	assert_int_equal(bind(peer, (struct sockaddr *)&to, len), 0);
	assert_int_equal(getsockname(peer, (struct sockaddr *)&to, &len), 0);
	close(fx->pair[0]);
	fx->pair[0] = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(connect(fx->pair[0], (struct sockaddr *)&to, len), 0);
	assert_int_equal(ev_watch(&fx->watch, fx->ev, fx->pair[0], EV_READ,
				  on_datagram, fx),
			 0);

	close(peer);
	assert_int_equal(send(fx->pair[0], "x", 1, 0), 1);
	TURN_UNTIL(fx, fx->calls > 0);
	assert_int_equal(fx->second_calls, 0);

	/* The peer is back, and is heard. */
	peer = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(peer, (struct sockaddr *)&to, len), 0);
	len = sizeof(to);
	assert_int_equal(getsockname(fx->pair[0], (struct sockaddr *)&to,
				     &len),
			 0);
	assert_int_equal(sendto(peer, "x", 1, 0, (struct sockaddr *)&to, len),
			 1);
	TURN_UNTIL(fx, fx->second_calls == 1);
	close(peer);
}


static void on_post(void *arg)
{
	(*(int *)arg)++;
}


static void posts_are_bounded_and_called_in_the_next_turn(void **state)
{
	struct fixture *fx = *state;
	int called = 0;

	for (int round = 0; round < 3; round++) {
		called = 0;
		for (int i = 0; i < POSTS_MAX; i++)
			assert_int_equal(ev_post(fx->ev, on_post, &called), 0);
		assert_int_equal(ev_post(fx->ev, on_post, &called), EAGAIN);
		assert_int_equal(called, 0);
		TURN_UNTIL(fx, called == POSTS_MAX);
		ev_turn(fx->ev);
		assert_int_equal(called, POSTS_MAX);
	}
}


struct poster {
	struct ev *ev;
	pthread_t thread;
	_Atomic int full;
	int number;
	int expected; /**< The loop's alone */
	int items[POSTC];
};

static struct poster posters[2];


static void on_item(void *arg)
{
	const int *item = arg;
	struct poster *poster = &posters[item >= posters[1].items &&
					 item < posters[1].items + POSTC];

	/* Each thread's come in its order, none twice, none missing. */
	assert_int_equal(*item, poster->expected);
	poster->expected++;
}


static void *post_all(void *arg)
{
	struct poster *poster = arg;

	for (int i = 0; i < POSTC; i++) {
		poster->items[i] = i;
		while (ev_post(poster->ev, on_item, &poster->items[i])) {
			atomic_fetch_add(&poster->full, 1);
			t_pause();
		}
	}

	return NULL;
}


static void posts_of_other_threads_come_all_and_in_order(void **state)
{
	struct fixture *fx = *state;

	memset(posters, 0, sizeof(posters));
	for (int i = 0; i < 2; i++) {
		posters[i].ev = fx->ev;
		assert_int_equal(pthread_create(&posters[i].thread, NULL,
						post_all, &posters[i]),
				 0);
	}
	/* Both find it full before anybody takes one. */
	WAIT_FOR(20, atomic_load(&posters[0].full) > 0 &&
			     atomic_load(&posters[1].full) > 0);
	TURN_UNTIL(fx, posters[0].expected == POSTC &&
			       posters[1].expected == POSTC);
	for (int i = 0; i < 2; i++)
		pthread_join(posters[i].thread, NULL);
}


/* Nobody is called any more: what the posts point to may be gone. */
static void posts_that_wait_at_the_end_are_not_called(void **state)
{
	struct fixture *fx = *state;
	int called = 0;

	for (int i = 0; i < 10; i++)
		assert_int_equal(ev_post(fx->ev, on_post, &called), 0);
	ev_timer_start(&fx->timers[0], fx->ev, 0, on_post, &called);
	fx->ev = ev_free(fx->ev);
	assert_int_equal(called, 0);
	assert_false(ev_timer_running(&fx->timers[0]));
}


static void on_signal(int signo, void *arg)
{
	int *got = arg;

	*got = signo;
}


static void signals_are_handlers_like_others(void **state)
{
	struct fixture *fx = *state;
	int got = 0;

	assert_int_equal(ev_signal(fx->ev, SIGUSR1, on_signal, &got), 0);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	assert_int_equal(got, 0);
	TURN_UNTIL(fx, got == SIGUSR1);
	assert_int_not_equal(ev_signal(fx->ev, SIGKILL, on_signal, &got), 0);
	assert_int_not_equal(ev_signal(fx->ev, -5, on_signal, &got), 0);
}


struct lately {
	struct ev *ev;
	struct ev_late late;
	int calls;
	int again; /**< How many times it asks again */
};


static void on_late(void *arg)
{
	struct lately *l = arg;

	l->calls++;
	if (l->again-- > 0)
		ev_late_start(&l->late, l->ev, on_late, l);
}


static void on_asks_late(void *arg)
{
	struct lately *l = arg;

	ev_late_start(&l->late, l->ev, on_late, l);
	ev_late_start(&l->late, l->ev, on_late, l);
	assert_int_equal(l->calls, 0); /* not from in here */
}


static void what_is_late_is_called_once_before_the_loop_waits(void **state)
{
	struct fixture *fx = *state;
	struct lately one = { .ev = fx->ev, .again = 2 };
	struct lately two = { .ev = fx->ev };
	struct ev_timer timer = { .wheel = { .h = NULL } };

	ev_timer_start(&timer, fx->ev, 0, on_asks_late, &one);
	ev_late_start(&two.late, fx->ev, on_late, &two);
	WAIT_FOR(10, (ev_turn(fx->ev), one.calls > 0));
	assert_int_equal(one.calls, 3);
	assert_int_equal(two.calls, 1);
	(void)ev_turn(fx->ev);
	assert_int_equal(one.calls, 3);
}


static void one_that_was_stopped_is_not_late(void **state)
{
	struct fixture *fx = *state;
	struct lately l[3] = { { .ev = fx->ev },
			       { .ev = fx->ev },
			       { .ev = fx->ev } };

	for (int i = 0; i < 3; i++)
		ev_late_start(&l[i].late, fx->ev, on_late, &l[i]);
	ev_late_stop(&l[1].late);
	ev_late_stop(&l[1].late);
	(void)ev_turn(fx->ev);
	assert_int_equal(l[0].calls, 1);
	assert_int_equal(l[1].calls, 0);
	assert_int_equal(l[2].calls, 1);
}


static void on_slow(void *arg)
{
	struct fixture *fx = arg;

	fx->calls++;
	clk_turn(70000);
}


static void the_longest_turn_is_remembered_until_asked_for(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ev_post(fx->ev, on_slow, fx), 0);
	TURN_UNTIL(fx, fx->calls == 1);
	ev_turn(fx->ev);
	/* What passes between two turns of a test is no turn. */
	clk_turn(9000000);
	ev_turn(fx->ev);
	assert_int_equal(ev_lag_take_us(fx->ev), 70000);
	assert_int_equal(ev_lag_take_us(fx->ev), 0);
}


static int a_loop_turns(void)
{
	struct ev_watch *watch = NULL;
	struct ev *ev = NULL;
	int pair[2];
	int err;

	if (pipe(pair))
		return errno;
	err = ev_alloc(&ev);
	if (!err)
		err = ev_watch(&watch, ev, pair[0], EV_READ, on_read, NULL);
	if (!err)
		err = ev_signal(ev, SIGUSR2, on_signal, NULL);
	if (!err)
		ev_turn(ev);
	ev_unwatch(watch);
	ev_free(ev);
	close(pair[0]);
	close(pair[1]);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f)      cmocka_unit_test_setup_teardown(f, setup, teardown)
#define FROZEN(f) cmocka_unit_test_setup_teardown(f, setup_frozen, teardown)
		T(it_runs_until_it_is_stopped_and_says_why),
		T(a_stop_before_the_run_is_not_forgotten),
		T(a_loop_that_was_stopped_can_be_freed),
		T(no_timer_is_early),
		FROZEN(timers_are_called_in_the_order_they_are_due),
		FROZEN(a_frozen_clock_holds_all_timers),
		FROZEN(outside_of_a_turn_the_time_is_the_clocks),
		FROZEN(within_a_turn_the_time_is_that_of_its_beginning),
		FROZEN(a_timer_of_0_does_not_starve_the_loop),
		FROZEN(a_timer_stopped_by_another_of_its_turn_is_not_called),
		T(a_descriptor_is_reported_while_it_is_ready),
		T(what_cannot_be_watched_is_refused),
		T(one_unwatched_by_another_of_its_turn_is_not_called),
		T(a_number_used_again_at_once_is_another_descriptor),
		T(an_error_of_a_socket_does_not_end_its_watch),
		T(posts_are_bounded_and_called_in_the_next_turn),
		T(posts_of_other_threads_come_all_and_in_order),
		T(posts_that_wait_at_the_end_are_not_called),
		T(what_is_late_is_called_once_before_the_loop_waits),
		T(one_that_was_stopped_is_not_late),
		T(signals_are_handlers_like_others),
		FROZEN(the_longest_turn_is_remembered_until_asked_for),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_loop_turns),
	};

	return T_MAIN(tests, scenarios);
}
