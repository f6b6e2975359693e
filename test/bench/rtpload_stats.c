/**
 * @file test/bench/rtpload_stats.c  What the ends of rtpload have heard
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "test/bench/rtpload.h"

#define LATENCY_LINEAR_US ((int64_t)LATENCY_STEPS * LATENCY_STEP_US)


static void latency_count(struct stats *stats, int64_t ns)
{
	const int64_t us = ns > 0 ? ns / 1000 : 0;
	size_t i = (size_t)(us / LATENCY_STEP_US);

	if (i >= LATENCY_STEPS) {
		i = LATENCY_STEPS + (size_t)((us - LATENCY_LINEAR_US) / 1000);
		if (i >= LATENCY_STEPS + LATENCY_MORE)
			i = LATENCY_STEPS + LATENCY_MORE - 1;
	}
	stats->latency[i]++;
	stats->latencyc++;
	if (ns > stats->latency_worst_ns)
		stats->latency_worst_ns = ns;
}


/* A late one was counted as lost before. */
static bool is_double(struct hearing *h, uint64_t number)
{
	const uint64_t back = h->next - 1 - number;

	if (back >= SEEN_BITS)
		return true;
	if (h->seen & (UINT64_C(1) << back))
		return true;
	h->seen |= UINT64_C(1) << back;

	return false;
}


static void gaps_count(struct window *w, const struct hearing *h,
		       const struct stamp *stamp, int64_t arrived_ns)
{
	const int64_t gap = arrived_ns - h->last_ns;

	/* How late the sender itself was is not the relay's. */
	if (gap > w->gap_ns)
		w->gap_ns = gap;
	if (gap - stamp->gap_ns > w->hole_ns)
		w->hole_ns = gap - stamp->gap_ns;
}


void stats_heard(struct stats *stats, struct hearing *h,
		 const struct stamp *stamp, int64_t arrived_ns)
{
	struct window *w = &stats->windows[stats->windowc - 1];
	const uint64_t number = stamp->number;

	if (number < h->first)
		return;
	if (number < h->next) {
		if (is_double(h, number)) {
			h->doubled++;
			w->doubled++;
			return;
		}
		h->late++;
		w->lost--;
	}
	else {
		const uint64_t ahead = number - h->next;

		if (h->last_ns)
			gaps_count(w, h, stamp, arrived_ns);
		w->lost += (int64_t)ahead;
		h->seen = ahead + 1 < SEEN_BITS ? h->seen << (ahead + 1) : 0;
		h->seen |= 1;
		h->next = number + 1;
		h->last_ns = arrived_ns;
	}
	h->unique++;
	w->received++;
	latency_count(stats, arrived_ns - stamp->sent_ns);
}


int64_t stats_latency_ns(const struct stats *stats, double quantile)
{
	const uint64_t wanted = (uint64_t)((double)stats->latencyc * quantile);
	uint64_t sum = 0;

	for (size_t i = 0; i < LATENCY_STEPS + LATENCY_MORE; i++) {
		sum += stats->latency[i];
		if (sum <= wanted)
			continue;
		if (i < LATENCY_STEPS)
			return (int64_t)(i + 1) * LATENCY_STEP_US * 1000;
		return LATENCY_LINEAR_US * 1000 +
		       (int64_t)(i - LATENCY_STEPS + 1) * 1000000;
	}

	return stats->latency_worst_ns;
}


void stats_reset(struct stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->windowc = 1;
}


void stats_mark(struct stats *stats)
{
	if (stats->windowc < WINDOWS_MAX)
		stats->windowc++;
}


void stats_print(const struct stats *stats)
{
	printf("\"strange\":%" PRIu64 ",\"foreign\":%" PRIu64
	       ",\"p50_us\":%.0f,\"p99_us\":%.0f,\"max_us\":%.0f,"
	       "\"windows\":[",
	       stats->strange, stats->foreign,
	       (double)stats_latency_ns(stats, 0.5) / 1000,
	       (double)stats_latency_ns(stats, 0.99) / 1000,
	       (double)stats->latency_worst_ns / 1000);
	for (size_t i = 0; i < stats->windowc; i++) {
		const struct window *w = &stats->windows[i];

		printf("%s{\"received\":%" PRIu64 ",\"lost\":%" PRId64
		       ",\"doubled\":%" PRIu64
		       ",\"hole_ms\":%.3f,\"gap_ms\":%.3f}",
		       i ? "," : "", w->received, w->lost, w->doubled,
		       (double)w->hole_ns / 1e6, (double)w->gap_ns / 1e6);
	}
	printf("]");
}
