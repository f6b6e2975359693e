/**
 * @file test/fuzz/fuzz_timer.c  Any peer on a leg with a session timer
 *
 * Bytes are what happens next: time passes to what is due, or something comes
 * from the peer. Whatever it is, the leg always waits for something, and from
 * the last confirmation (or glare, which puts a probe off) it lasts no longer
 * than T, the last probe and the grace: call-lifetime 2, rule 7.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "sipd/timer_fsm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	REQUEST_MS = 35500,
	GRACE_MS = 10000,
	GLARE_MS = 4000, /* at most */
	STEP_US = 250000
};

struct peer {
	struct timer_leg leg;
	int64_t now;
	int64_t probe_end, wait_end; /* INT64_MAX: not waited for */
	int64_t sign_of_life;
};


static void bring(struct peer *peer, enum timer_event event)
{
	const uint8_t before = peer->leg.state;
	const enum timer_action action = timer_handle(&peer->leg, event,
						      peer->now);

	if (timer_rows[before][event].next == TIMER_NONE) {
		assert(action == TIMER_ACT_NONE && peer->leg.state == before);
		return;
	}
	if (peer->leg.state != TIMER_PROBING)
		peer->probe_end = INT64_MAX;
	peer->wait_end = INT64_MAX;

	if (action == TIMER_ACT_PROBE)
		peer->probe_end = peer->now +
				  timer_probe_ms(&peer->leg, REQUEST_MS) *
					  1000LL;
	if (action == TIMER_ACT_GLARE) {
		peer->probe_end = INT64_MAX;
		peer->wait_end = peer->now + GLARE_MS * 1000LL;
		peer->sign_of_life = peer->wait_end;
	}
	if (action == TIMER_ACT_GRACE)
		peer->wait_end = peer->now + GRACE_MS * 1000LL;
	if (action == TIMER_ACT_CONFIRM || action == TIMER_ACT_CONFIRM_AGAIN) {
		assert(peer->leg.t0_us == peer->now && peer->leg.k == 0);
		peer->sign_of_life = peer->now;
	}
	if (event == TIMER_EV_PEER_DONE)
		peer->sign_of_life = peer->now;
}


/* What is due next, and when: there is always something */
static enum timer_event due(const struct peer *peer, int64_t *atp)
{
	enum timer_event event = TIMER_EV_BOUNDARY;

	*atp = timer_boundary_us(&peer->leg);
	if (peer->wait_end < *atp) {
		*atp = peer->wait_end;
		event = peer->leg.state == TIMER_DEAD ? TIMER_EV_GRACE_OVER
						      : TIMER_EV_GLARE_OVER;
	}
	if (peer->probe_end < *atp) {
		*atp = peer->probe_end;
		event = TIMER_EV_SILENT;
	}
	assert(*atp != INT64_MAX);

	return event;
}


static void check(const struct peer *peer)
{
	const struct timer_leg *leg = &peer->leg;
	const int64_t bound_ms = (int64_t)leg->interval_ms +
				 timer_probe_ms(leg, REQUEST_MS) + GRACE_MS;

	assert(leg->state > TIMER_NONE && leg->state < TIMER_STATEC);
	assert(leg->k <= leg->segments);
	assert(peer->now - peer->sign_of_life <= bound_ms * 1000);
}


static void pass(struct peer *peer)
{
	int64_t at;
	const enum timer_event event = due(peer, &at);

	if (at > peer->now)
		peer->now = at;
	bring(peer, event);
	check(peer);
}


/* A little, but not beyond what is due */
static void wait_a_little(struct peer *peer)
{
	int64_t at;

	(void)due(peer, &at);
	if (at > peer->now + STEP_US)
		at = peer->now + STEP_US;
	if (at > peer->now)
		peer->now = at;
}


/* Boundaries and silence are the leg's own to find. */
static void one_step(struct peer *peer, uint8_t byte)
{
	const enum timer_event event = TIMER_EV_START +
				       byte / 2 % (TIMER_EVENTC - 1);

	if (byte % 2 == 0)
		pass(peer);
	else if (event == TIMER_EV_BOUNDARY || event == TIMER_EV_SILENT ||
		 event == TIMER_EV_SILENT_LAST ||
		 event == TIMER_EV_GRACE_OVER || event == TIMER_EV_GLARE_OVER)
		wait_a_little(peer);
	else
		bring(peer, event);
	check(peer);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peer peer = { .probe_end = INT64_MAX, .wait_end = INT64_MAX };

	if (size < 2 || size > 4096)
		return 0;
	/* the ranges of the parameters */
	peer.leg.interval_ms = (10 + data[0] * 8u) * 1000;
	peer.leg.segments = (uint16_t)(2 + data[1] % 9);
	bring(&peer, TIMER_EV_START);

	for (size_t i = 2; i < size && peer.leg.state != TIMER_ENDED; i++)
		one_step(&peer, data[i]);

	/* and when nothing more is heard, the end comes in time */
	for (int i = 0; peer.leg.state != TIMER_ENDED; i++) {
		assert(i < 64);
		pass(&peer);
	}

	return 0;
}
