/**
 * @file test/unit/base/test_wheel.c  The wheel against a list that is searched
 */
#include "shared/base/util.h"
#include "shared/base/wheel.h"
#include "test/support/t.h"

enum {
	TIMERC = 300,
	ROUNDS = 20000,
	ORDER_MAX = 64,
};

/** A timer, and what the model knows of it */
struct timer {
	struct wheel_timer timer;
	struct fixture *fx;
	int64_t due_ms; /**< 0: does not run */
	uint32_t called;
};

struct fixture {
	struct wheel *wheel;
	int64_t now_ms;
	uint64_t seed;
	struct timer timers[TIMERC];
	int64_t last_due_ms; /**< Of the handler before, in this turn */
	uint32_t called;
	bool in_handlers; /**< Handlers start and stop others */
};


/* xorshift64*: the same on every run */
static uint64_t draw(struct fixture *fx)
{
	fx->seed ^= fx->seed >> 12;
	fx->seed ^= fx->seed << 25;
	fx->seed ^= fx->seed >> 27;

	return fx->seed * 0x2545f4914f6cdd1du;
}


static int setup_at(struct fixture *fx, int64_t now_ms)
{
	memset(fx, 0, sizeof(*fx));
	fx->now_ms = now_ms;
	fx->seed = 0x9e3779b97f4a7c15u;
	for (size_t i = 0; i < TIMERC; i++)
		fx->timers[i].fx = fx;

	return wheel_alloc(&fx->wheel, now_ms);
}


static int setup(void **state)
{
	static struct fixture fx;

	*state = &fx;

	return setup_at(&fx, 1000);
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	fx->wheel = wheel_free(fx->wheel);
	for (size_t i = 0; i < TIMERC; i++)
		assert_false(wheel_running(&fx->timers[i].timer));

	return 0;
}


/* Delays of every level, their edges, and the longest */
static uint32_t draw_delay(struct fixture *fx)
{
	const unsigned bits = (unsigned)(draw(fx) % 33);
	const uint64_t edge = 1ull << bits;

	switch (draw(fx) % 4) {
	case 0:
		return (uint32_t)(edge - 1);
	case 1:
		return edge > UINT32_MAX ? UINT32_MAX : (uint32_t)edge;
	default:
		return (uint32_t)(draw(fx) & (edge - 1));
	}
}


static void on_timer(void *arg);


static void start(struct fixture *fx, struct timer *timer, uint32_t delay_ms)
{
	wheel_start(fx->wheel, &timer->timer, delay_ms, on_timer, timer);
	timer->due_ms = fx->now_ms + (delay_ms ? delay_ms : 1);
}


static void stop(struct timer *timer)
{
	wheel_stop(&timer->timer);
	timer->due_ms = 0;
}


static void on_timer(void *arg)
{
	struct timer *timer = arg;
	struct fixture *fx = timer->fx;

	assert_false(wheel_running(&timer->timer));
	assert_null(timer->timer.h);
	assert_int_not_equal(timer->due_ms, 0);
	assert_true(timer->due_ms <= fx->now_ms); /* not early */
	assert_true(timer->due_ms >= fx->last_due_ms);
	fx->last_due_ms = timer->due_ms;
	timer->due_ms = 0;
	timer->called++;
	fx->called++;

	if (!fx->in_handlers)
		return;
	if (draw(fx) % 2)
		start(fx, &fx->timers[draw(fx) % TIMERC], draw_delay(fx));
	if (draw(fx) % 4 == 0)
		start(fx, timer, (uint32_t)(draw(fx) % 3));
	if (draw(fx) % 2)
		stop(&fx->timers[draw(fx) % TIMERC]);
}


static size_t model_count(const struct fixture *fx)
{
	size_t count = 0;

	for (size_t i = 0; i < TIMERC; i++)
		count += fx->timers[i].due_ms != 0;

	return count;
}


static int64_t model_next_ms(const struct fixture *fx)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < TIMERC; i++)
		if (fx->timers[i].due_ms && fx->timers[i].due_ms < next)
			next = fx->timers[i].due_ms;

	return next;
}


static void compare(struct fixture *fx)
{
	const int64_t next = model_next_ms(fx);
	const uint32_t next_ms = wheel_next_ms(fx->wheel);

	assert_int_equal(wheel_count(fx->wheel), model_count(fx));
	assert_int_equal(wheel_now_ms(fx->wheel), fx->now_ms);
	if (next == INT64_MAX)
		assert_int_equal(next_ms, UINT32_MAX);
	else
		assert_true(next_ms <= next - fx->now_ms);

	for (size_t i = 0; i < TIMERC; i++) {
		const struct timer *timer = &fx->timers[i];

		assert_int_equal(wheel_running(&timer->timer),
				 timer->due_ms != 0);
		assert_int_equal(wheel_left_ms(&timer->timer),
				 timer->due_ms ? timer->due_ms - fx->now_ms
					       : 0);
	}
}


static void turn_to(struct fixture *fx, int64_t now_ms)
{
	uint32_t called;

	fx->now_ms = now_ms;
	fx->last_due_ms = 0;
	fx->called = 0;
	called = wheel_turn(fx->wheel, now_ms);
	assert_int_equal(called, fx->called);

	/* Whatever was due has been called. */
	assert_true(model_next_ms(fx) > now_ms);
}


static int64_t draw_jump(struct fixture *fx)
{
	switch (draw(fx) % 16) {
	case 0:
		return (int64_t)draw_delay(fx) * 3;
	case 1:
	case 2:
		return draw_delay(fx);
	case 3:
		return 0;
	case 4:
		return wheel_next_ms(fx->wheel) == UINT32_MAX
			       ? 1
			       : wheel_next_ms(fx->wheel);
	default:
		return (int64_t)(draw(fx) % 300);
	}
}


static void play(struct fixture *fx)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct timer *timer = &fx->timers[draw(fx) % TIMERC];

		switch (draw(fx) % 4) {
		case 0:
			stop(timer);
			break;
		case 1:
			turn_to(fx, fx->now_ms + draw_jump(fx));
			break;
		default:
			start(fx, timer, draw_delay(fx));
			break;
		}
		if (round % 16 == 0)
			compare(fx);
	}
	compare(fx);
}


static void it_does_what_a_searched_list_does(void **state)
{
	play(*state);
}


static void handlers_may_start_and_stop_any_timer(void **state)
{
	struct fixture *fx = *state;

	fx->in_handlers = true;
	play(fx);
}


/* Where all levels, 32 bits of milliseconds, turn over at once */
static void the_wrap_of_the_whole_wheel_is_a_moment_like_others(void **state)
{
	struct fixture *fx = *state;

	for (int64_t back = 0; back <= 512; back += 64) {
		wheel_free(fx->wheel);
		assert_int_equal(setup_at(fx, 0x100000000ll * 3 - back), 0);
		for (size_t i = 0; i < TIMERC; i++)
			start(fx, &fx->timers[i], draw_delay(fx));
		while (model_count(fx) > 0) {
			const int64_t next = model_next_ms(fx);

			/* The owner sleeps as long as it is told to. */
			turn_to(fx, fx->now_ms + wheel_next_ms(fx->wheel));
			assert_true(fx->now_ms <= next);
		}
	}
}


/* With the longest delay the wheel need not be asked often. */
static void the_longest_delay_needs_few_turns(void **state)
{
	struct fixture *fx = *state;
	int turns = 0;

	start(fx, &fx->timers[0], UINT32_MAX);
	for (; fx->timers[0].called == 0 && turns < 100; turns++)
		turn_to(fx, fx->now_ms + wheel_next_ms(fx->wheel));
	assert_in_range(turns, 1, 5);
	assert_int_equal(fx->now_ms, 1000 + (int64_t)UINT32_MAX);
}


static void on_again(void *arg)
{
	struct timer *timer = arg;

	timer->called++;
	wheel_start(timer->fx->wheel, &timer->timer, 0, on_again, timer);
}


/* However far time has jumped: else a handler that starts itself with 0 would
 * be called once for every millisecond that was missed. */
static void a_delay_of_0_is_the_next_turn(void **state)
{
	struct fixture *fx = *state;
	struct timer *timer = &fx->timers[0];

	wheel_start(fx->wheel, &timer->timer, 0, on_again, timer);
	assert_int_equal(timer->called, 0);
	assert_int_equal(wheel_turn(fx->wheel, 1000), 0);
	assert_int_equal(wheel_turn(fx->wheel, 1001), 1);
	assert_int_equal(wheel_turn(fx->wheel, 60000), 1);
	assert_int_equal(timer->called, 2);
}


static void on_start_other(void *arg)
{
	struct timer *timer = arg;

	wheel_start(timer->fx->wheel, &timer[1].timer, 500, on_again,
		    &timer[1]);
}


/* A process that was stopped for 10 s: what a late handler starts has its
 * whole delay before it, not what is left since it should have been called. */
static void a_timer_started_late_is_not_early(void **state)
{
	struct fixture *fx = *state;

	wheel_start(fx->wheel, &fx->timers[0].timer, 100, on_start_other,
		    &fx->timers[0]);
	assert_int_equal(wheel_turn(fx->wheel, 11000), 1);
	assert_int_equal(wheel_left_ms(&fx->timers[1].timer), 500);
	assert_int_equal(wheel_turn(fx->wheel, 11499), 0);
	assert_int_equal(wheel_turn(fx->wheel, 11500), 1);
}


static void time_that_goes_back_changes_nothing(void **state)
{
	struct fixture *fx = *state;

	start(fx, &fx->timers[0], 10);
	assert_int_equal(wheel_turn(fx->wheel, 5), 0);
	assert_int_equal(wheel_now_ms(fx->wheel), 1000);
	turn_to(fx, 1009);
	assert_int_equal(fx->called, 0);
	turn_to(fx, 1010);
	assert_int_equal(fx->called, 1);
}


static void on_order(void *arg)
{
	static int *expected;
	int *number = arg;

	if (*number == 0)
		expected = number;
	assert_ptr_equal(number, expected);
	expected++;
}


static void those_of_one_moment_are_called_as_they_were_started(void **state)
{
	struct fixture *fx = *state;
	int numbers[ORDER_MAX];

	for (int i = 0; i < ORDER_MAX; i++) {
		numbers[i] = i;
		wheel_start(fx->wheel, &fx->timers[i].timer, 100, on_order,
			    &numbers[i]);
	}
	assert_int_equal(wheel_turn(fx->wheel, 5000), ORDER_MAX);
}


static void on_stop_next(void *arg)
{
	struct timer *timer = arg;

	timer->called++;
	wheel_stop(&timer[1].timer);
}


static void one_stopped_in_the_turn_it_is_due_is_not_called(void **state)
{
	struct fixture *fx = *state;

	for (int i = 0; i < 4; i++)
		wheel_start(fx->wheel, &fx->timers[i].timer, 7, on_stop_next,
			    &fx->timers[i]);
	assert_int_equal(wheel_turn(fx->wheel, 2000), 2);
	assert_int_equal(fx->timers[1].called + fx->timers[3].called, 0);
	assert_int_equal(wheel_count(fx->wheel), 0);
}


static void stopping_what_does_not_run_is_nothing(void **state)
{
	struct fixture *fx = *state;
	struct wheel_timer timer = { .next = NULL };

	wheel_stop(&timer);
	start(fx, &fx->timers[0], 5);
	stop(&fx->timers[0]);
	stop(&fx->timers[0]);
	assert_int_equal(wheel_count(fx->wheel), 0);
	assert_int_equal(wheel_next_ms(fx->wheel), UINT32_MAX);
	assert_int_equal(wheel_left_ms(&fx->timers[0].timer), 0);
}


static void freeing_stops_all_and_calls_none(void **state)
{
	struct fixture *fx = *state;

	for (size_t i = 0; i < TIMERC; i++)
		start(fx, &fx->timers[i], draw_delay(fx));
	fx->wheel = wheel_free(fx->wheel);
	assert_null(fx->wheel);
	for (size_t i = 0; i < TIMERC; i++)
		assert_int_equal(fx->timers[i].called, 0);
	assert_null(wheel_free(NULL));
}


static int a_wheel_turns(void)
{
	struct wheel *wheel = NULL;
	int err;

	err = wheel_alloc(&wheel, 0);
	if (!err)
		wheel_turn(wheel, 1000);
	wheel_free(wheel);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(it_does_what_a_searched_list_does),
		T(handlers_may_start_and_stop_any_timer),
		T(the_wrap_of_the_whole_wheel_is_a_moment_like_others),
		T(the_longest_delay_needs_few_turns),
		T(a_delay_of_0_is_the_next_turn),
		T(a_timer_started_late_is_not_early),
		T(time_that_goes_back_changes_nothing),
		T(those_of_one_moment_are_called_as_they_were_started),
		T(one_stopped_in_the_turn_it_is_due_is_not_called),
		T(stopping_what_does_not_run_is_nothing),
		T(freeing_stops_all_and_calls_none),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_wheel_turns),
	};

	return T_MAIN(tests, scenarios);
}
