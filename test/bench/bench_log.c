/**
 * @file test/bench/bench_log.c  What a line of the log costs
 *
 * Off: the level says no, as it does for every debug line of a call. On: the
 * line is made and given to a writer that drops it. Best of several runs.
 */
#include <stdio.h>

#include "shared/base/clk.h"
#include "shared/base/log.h"
#include "shared/base/util.h"

enum {
	ROUNDS = 7,
	OFF_TURNS = 5000000,
	ON_TURNS = 100000,
	OFF_BOUND_NS = 50,
	ON_BOUND_NS = 20000,
};

static const struct log gateway = { NULL, "gateway", "GW1",
				    LOG_LEVEL_INHERIT };
static const struct log call = { &gateway, "call",
				 "01ARYZ6S41TSV4RRFFQ69G5FAV",
				 LOG_LEVEL_INHERIT };

static size_t written;


static void drop(const char *line, size_t len, void *arg)
{
	(void)line;
	(void)arg;
	written += len;
}


static double lines_ns(int turns)
{
	const int64_t start = clk_mono_us();

	for (int i = 0; i < turns; i++)
		log_debug(&call, "answer_sent code=%u leg=%s ms=%d", 200u, "b",
			  i);

	return (double)(clk_mono_us() - start) * 1000 / turns;
}


static double best_ns(int turns)
{
	double least = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		const double now = lines_ns(turns);

		least = now < least ? now : least;
	}

	return least;
}


int main(void)
{
	double off_ns, on_ns;

	log_writer_set(drop, NULL);

	log_setup("bench", LOG_LEVEL_INFO, LOG_JSON);
	off_ns = best_ns(OFF_TURNS);
	if (written > 0)
		return 1;

	log_level_set(LOG_LEVEL_DEBUG);
	on_ns = best_ns(ON_TURNS);
	if (written == 0)
		return 1;

	printf("%-32s %10.2f  bound %7d  %s\n", "line below the level, ns",
	       off_ns, OFF_BOUND_NS, off_ns <= OFF_BOUND_NS ? "ok" : "FAIL");
	printf("%-32s %10.2f  bound %7d  %s\n", "line of 3 + 2 fields, ns",
	       on_ns, ON_BOUND_NS, on_ns <= ON_BOUND_NS ? "ok" : "FAIL");
	printf("log off_ns=%.1f on_ns=%.1f\n", off_ns, on_ns);

	return off_ns <= OFF_BOUND_NS && on_ns <= ON_BOUND_NS ? 0 : 1;
}
