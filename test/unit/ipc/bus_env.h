/**
 * @file test/unit/ipc/bus_env.h  What the tests of the bus share
 *
 * The messages that exist are few: here Refused with a number is a request,
 * and Pong with some bytes its answer.
 */
#ifndef TANDEM_TEST_UNIT_IPC_BUS_ENV_H
#define TANDEM_TEST_UNIT_IPC_BUS_ENV_H

#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/ipc/bus.h"
#include "test/support/t.h"

static const struct peer_id sipd0 = { PEER_SIPD, 0 };
static const struct peer_id billingd0 = { PEER_BILLINGD, 0 };

/** The test has returned or failed: its outcomes lie nowhere any more */
static bool outcomes_are_gone;

/** A daemon of the test: it answers each request, or notes it */
struct daemon {
	struct bus *bus;
	uint32_t requests;
	Tandem__Header last; /**< Of the last request */
	bool keeps;          /**< Do not answer */
	int result;          /**< Of the handler */
};

/** What became of a request */
struct outcome {
	uint32_t calls;
	int err;
	Tandem__Envelope__BodyCase body;
	Tandem__RefusedWhy why;
	struct daemon *next; /**< Ask again from the handler */
};


static inline int reply_pong(struct bus *bus, const Tandem__Header *hdr)
{
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__Pong pong = TANDEM__PONG__INIT;

	env.body_case = BUS_BODY(PONG);
	env.pong = &pong;

	return bus_reply(bus, hdr, &env);
}


static inline int on_request(void *state, const Tandem__Envelope *env, int tag)
{
	struct daemon *daemon = state;
	(void)tag;

	daemon->requests++;
	daemon->last = *env->hdr;
	if (!daemon->keeps && !daemon->result && env->hdr->id)
		(void)reply_pong(daemon->bus, env->hdr);

	return daemon->result;
}


static const struct bus_route routes_of_billingd[] = {
	[BUS_BODY(REFUSED)] = { PEER_SIPD, on_request, 0 },
};

static const struct bus_route routes_of_sipd[] = {
	[BUS_BODY(REFUSED)] = { PEER_BILLINGD, on_request, 0 },
};


/* A directory of this test alone: the next one must find nothing. */
static inline const char *bus_dir(void)
{
	static char dir[128];
	static unsigned n;

	(void)snprintf(dir, sizeof(dir), "%s/%u", t_dir(), n++);
	if (mkdir(dir, 0700) < 0)
		return NULL;

	return dir;
}


/** sipd.0, linked to billingd.0 */
static inline int sipd_open(struct daemon *daemon, struct ev *ev,
			    const char *dir)
{
	const struct bus_link link = { billingd0 };
	const struct bus_args args = { .ev = ev,
				       .self = sipd0,
				       .dir = dir,
				       .links = &link,
				       .linkc = 1,
				       .routes = routes_of_sipd,
				       .routec = COUNT_OF(routes_of_sipd),
				       .state = daemon };

	return bus_alloc(&daemon->bus, &args);
}


/** billingd.0, linked to nobody */
static inline int billingd_open(struct daemon *daemon, struct ev *ev,
				const char *dir)
{
	const struct bus_args args = { .ev = ev,
				       .self = billingd0,
				       .dir = dir,
				       .routes = routes_of_billingd,
				       .routec = COUNT_OF(routes_of_billingd),
				       .state = daemon };

	return bus_alloc(&daemon->bus, &args);
}


static inline int ask(struct bus *bus, struct peer_id to, uint32_t deadline_ms,
		      uint32_t retry_ms, struct outcome *outcome,
		      uint64_t *idp);


static inline void on_reply(int err, const Tandem__Envelope *reply, void *arg)
{
	struct outcome *outcome = arg;

	if (outcomes_are_gone)
		return;

	outcome->calls++;
	outcome->err = err;
	outcome->body = TANDEM__ENVELOPE__BODY__NOT_SET;
	if (reply)
		outcome->body = reply->body_case;
	if (reply && reply->body_case == BUS_BODY(REFUSED))
		outcome->why = reply->refused->why;

	if (outcome->next && outcome->calls < 5)
		(void)ask(outcome->next->bus, billingd0, 20000, 0, outcome,
			  NULL);
}


static inline int ask(struct bus *bus, struct peer_id to, uint32_t deadline_ms,
		      uint32_t retry_ms, struct outcome *outcome,
		      uint64_t *idp)
{
	const struct bus_request req = { .to = to,
					 .call = 77,
					 .deadline_ms = deadline_ms,
					 .retry_ms = retry_ms,
					 .h = outcome ? on_reply : NULL,
					 .arg = outcome };
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__Refused refused = TANDEM__REFUSED__INIT;

	env.body_case = BUS_BODY(REFUSED);
	env.refused = &refused;

	return bus_send(bus, &req, &env, idp);
}


static inline bool is_up(const struct bus *bus)
{
	struct bus_peer_status row = { 0 };

	return bus_status(bus, &row, 1) == 1 && row.up;
}


#define TURN_UNTIL(ev, cond) WAIT_FOR(20, (ev_turn(ev), (cond)))

/** Time for what must not happen to happen */
static inline void turn_some(struct ev *ev)
{
	const int64_t end = t_now_ms() + 50;

	while (t_now_ms() < end) {
		ev_turn(ev);
		t_pause();
	}
}

#endif
