/**
 * @file test/bench/bench_wheel.c  What a timer costs among 200,000
 *
 * As a switch uses them: deadlines of seconds to minutes that are started and
 * nearly always stopped. Each figure is the best of several runs: the machine
 * may be busy with something else in the others.
 */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/base/wheel.h"

enum {
	LIVE = 200000,
	ROUNDS = 7,
	BOUND_NS = 100,
	MINUTE_MS = 60000,
};

struct bench {
	struct wheel *wheel;
	struct wheel_timer *timers;
	uint32_t *delays_ms; /**< Drawn before: the draw is not measured */
	uint32_t called;
};


static void on_timer(void *arg)
{
	struct bench *b = arg;

	b->called++;
}


static int bench_open(struct bench *b)
{
	uint32_t seed = 1;

	b->timers = calloc(LIVE, sizeof(*b->timers));
	b->delays_ms = calloc(LIVE, sizeof(*b->delays_ms));
	if (!b->timers || !b->delays_ms || wheel_alloc(&b->wheel, 0))
		return 1;

	for (size_t i = 0; i < LIVE; i++) {
		seed = seed * 1664525 + 1013904223;
		b->delays_ms[i] = 1 + (seed >> 8) % (3 * MINUTE_MS);
	}

	return 0;
}


static void bench_close(struct bench *b)
{
	wheel_free(b->wheel);
	free(b->timers);
	free(b->delays_ms);
}


/* All over the memory, as in a switch that has run for a while; the factor
 * here and below is prime, so that each comes once. */
static double start_all_ns(struct bench *b)
{
	const int64_t start = clk_mono_us();

	for (size_t i = 0; i < LIVE; i++)
		wheel_start(b->wheel, &b->timers[i * 12289 % LIVE],
			    b->delays_ms[i], on_timer, b);

	return (double)(clk_mono_us() - start) * 1000 / LIVE;
}


/* Not in the order they were started: calls do not end in it either. */
static double stop_all_ns(struct bench *b)
{
	const int64_t start = clk_mono_us();

	for (size_t i = 0; i < LIVE; i++)
		wheel_stop(&b->timers[i * 7919 % LIVE]);

	return (double)(clk_mono_us() - start) * 1000 / LIVE;
}


/* All of them due, in turns of a millisecond */
static double turn_all_ns(struct bench *b)
{
	const int64_t now_ms = wheel_now_ms(b->wheel);
	int64_t start;

	(void)start_all_ns(b);
	start = clk_mono_us();
	for (int64_t ms = 1; ms <= 3 * MINUTE_MS; ms++)
		wheel_turn(b->wheel, now_ms + ms);

	return (double)(clk_mono_us() - start) * 1000 / LIVE;
}


static double lesser(double a, double b)
{
	return a < b ? a : b;
}


int main(void)
{
	double start_ns = 1e9, stop_ns = 1e9, turn_ns = 1e9;
	struct bench b = { .called = 0 };
	bool ok;

	if (bench_open(&b)) {
		bench_close(&b);
		(void)fprintf(stderr, "bench_wheel: out of memory\n");
		return 1;
	}

	for (int i = 0; i < ROUNDS; i++) {
		start_ns = lesser(start_ns, start_all_ns(&b));
		if (wheel_count(b.wheel) != LIVE)
			abort();
		stop_ns = lesser(stop_ns, stop_all_ns(&b));
		if (wheel_count(b.wheel) != 0)
			abort();
		turn_ns = lesser(turn_ns, turn_all_ns(&b));
		if (b.called != (uint32_t)(i + 1) * LIVE)
			abort();
	}
	bench_close(&b);

	ok = start_ns < BOUND_NS && stop_ns < BOUND_NS;
	printf("%-32s %10.2f  bound %7d  %s\n", "start, 200,000 live, ns",
	       start_ns, BOUND_NS, start_ns < BOUND_NS ? "ok" : "FAIL");
	printf("%-32s %10.2f  bound %7d  %s\n", "stop, 200,000 live, ns",
	       stop_ns, BOUND_NS, stop_ns < BOUND_NS ? "ok" : "FAIL");
	printf("%-32s %10.2f\n", "until called, turns of 1 ms, ns", turn_ns);
	printf("wheel live=%d start_ns=%.1f stop_ns=%.1f\n", LIVE, start_ns,
	       stop_ns);

	return ok ? 0 : 1;
}
