/**
 * @file mediad/flow_count.c  Counting what comes from one side
 */
#include "mediad/flow_count.h"
#include "shared/base/util.h"

enum {
	CLOCK = 8000,
	WINDOW = 64,    /* packets whose coming twice is noticed */
	DROPOUT = 3000, /* RFC 3550, A.1: further on is another sequence */
	MISORDER = 100, /* ... and further back too */
	SECOND_US = 1000000,
};

#define FIRST_SEQ   ((uint64_t)1 << 32) /* so that going back stays above 0 */
#define TRANSIT_MAX ((int64_t)10 * 1000000)


void flow_count(struct media_flow *flow, size_t bytes, int64_t now_us)
{
	flow->packets++;
	flow->bytes += bytes;
	flow->last_us = now_us;
}


/* --- sequence
 * ------------------------------------------------------------------------ */

static void sequence_begin(struct media_flow *flow, uint16_t seq)
{
	flow->expected = flow_expected(flow);
	flow->first_seq = FIRST_SEQ + seq;
	flow->last_seq = flow->first_seq;
	flow->seen = 1;
	flow->clock = 0;
	flow->received++;
}


/* One that comes late, or twice. Before the first of its sequence, it was the
 * first that was out of order. */
static bool sequence_back(struct media_flow *flow, uint64_t back)
{
	const uint64_t bit = back < WINDOW ? (uint64_t)1 << back : 0;

	if (flow->seen & bit) {
		flow->duplicates++;
		return false;
	}
	flow->seen |= bit;
	flow->out_of_order++;
	flow->received++;
	if (flow->last_seq - back < flow->first_seq)
		flow->first_seq = flow->last_seq - back;

	return false;
}


/* @return is it the next in order, or further on? */
static bool sequence(struct media_flow *flow, uint16_t seq)
{
	const uint16_t ahead = (uint16_t)(seq - (uint16_t)flow->last_seq);
	const uint16_t back = (uint16_t)(0 - ahead);

	if (ahead == 0 || back <= MISORDER)
		return sequence_back(flow, back);
	if (ahead > DROPOUT) {
		sequence_begin(flow, seq);
		return true;
	}
	flow->seen = ahead < WINDOW ? flow->seen << ahead | 1 : 1;
	flow->last_seq += ahead;
	flow->received++;

	return true;
}


/* --- jitter
 * -------------------------------------------------------------------------- */

/* RFC 3550, 6.4.1: J += (|D| - J) / 16, kept in sixteenths of a tick. */
static void jitter(struct media_flow *flow, uint32_t time, uint32_t clock,
		   int64_t now_us)
{
	const int64_t arrival = now_us / SECOND_US * clock +
				now_us % SECOND_US * clock / SECOND_US;
	const int64_t transit = (int64_t)(uint32_t)arrival - (int64_t)time;
	int64_t d = (int32_t)(uint32_t)(transit - flow->transit);
	uint64_t us;

	flow->transit = transit;
	if (!clock || flow->clock != clock) { /* nothing to compare with yet */
		flow->clock = clock;
		flow->jitter = 0;
		return;
	}
	if (d < 0)
		d = -d;
	if (d > TRANSIT_MAX)
		d = TRANSIT_MAX;
	flow->jitter += (uint64_t)d - (flow->jitter + 8) / 16;

	us = flow->jitter * SECOND_US / 16 / clock;
	flow->jitter_us += us;
	flow->jitterc++;
	if (us > flow->jitter_max_us)
		flow->jitter_max_us = us;
}


void flow_rtp(struct media_flow *flow, const struct pkt_head *head,
	      const struct media_payload *payload, int64_t now_us)
{
	const uint32_t clock = payload ? payload->clock : CLOCK;
	const unsigned codec = payload ? payload->codec : MEDIA_OTHER;
	bool is_next = true;

	if (!flow->last_seq) {
		sequence_begin(flow, head->seq);
	}
	else if (flow->ssrc != head->ssrc) {
		flow->ssrc_changes++;
		sequence_begin(flow, head->seq);
	}
	else {
		is_next = sequence(flow, head->seq);
	}
	flow->ssrc = head->ssrc;
	if (codec != MEDIA_EVENT && codec != MEDIA_NOISE)
		flow->codec = codec;

	/* The packets of an event share one timestamp. */
	if (is_next && codec != MEDIA_EVENT)
		jitter(flow, head->time, clock, now_us);
}
