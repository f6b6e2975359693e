/**
 * @file shared/ipc/bus_receive.c  What is done with a message that has come
 *
 * Answers go to whoever asked, pings are answered here, and everything else
 * goes through the door to its row's handler: once per request, however often
 * it comes.
 *
 * Diagnostics: debug, a line per message.
 */
#include <inttypes.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/log.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ipc/bus_parts.h"


static void trace(const struct bus *bus, struct peer_id peer,
		  const Tandem__Envelope *env, size_t len)
{
	char name[PEER_ID_MAX];

	if (!log_enabled(bus->log, LOG_LEVEL_DEBUG))
		return;

	log_debug(bus->log,
		  "bus_in peer=%s body=%s call=%" PRIu64 " id=%" PRIu64
		  " reply_to=%" PRIu64 " bytes=%zu",
		  peer_id_print(peer, name), envelope_body_name(env),
		  env->hdr->call, env->hdr->id, env->hdr->reply_to, len);
}


static void ping_answer(struct bus *bus, struct peer_id sender,
			const Tandem__Envelope *env)
{
	Tandem__Envelope reply = TANDEM__ENVELOPE__INIT;
	Tandem__Header hdr = TANDEM__HEADER__INIT;
	Tandem__Pong pong = TANDEM__PONG__INIT;
	const uint8_t *data;
	size_t len;

	pong.payload = env->ping->payload;
	reply.body_case = BUS_BODY(PONG);
	reply.pong = &pong;
	hdr.reply_to = env->hdr->id;
	hdr.peer = bus->self.peer;
	hdr.worker = bus->self.worker;
	hdr.epoch = bus->epoch;

	if (bus_encode(bus, &reply, &hdr, &data, &len) == 0)
		(void)bus_answer(bus, sender, data, len);
}


static void pong_take(struct bus *bus, struct peer_id sender,
		      const Tandem__Envelope *env)
{
	struct dealer *dealer = bus_dealer(bus, sender);
	uint64_t seq, age;

	if (!dealer || env->pong->payload.len != sizeof(seq))
		return;

	memcpy(&seq, env->pong->payload.data, sizeof(seq));
	age = dealer->ping_seq - seq;
	if (age > 2)
		return;

	dealer->answered |= 1U << age;
	dealer_publish(dealer);
	if (age > 0 || dealer->ping_waits)
		return;

	dealer->rtt_us = clk_mono_us() - dealer->ping_us;
	if (dealer->rtt_us < 0)
		dealer->rtt_us = 0;
	metric_observe_us(M_BUS_RTT, 0, (uint64_t)dealer->rtt_us);
}


/* Only a request waits for an answer, and only these can be answered: an
 * asker that is too late has given up. */
static void message_refuse(struct bus *bus, struct peer_id sender,
			   const Tandem__Envelope *env, enum bus_refusal why)
{
	static const Tandem__RefusedWhy told[BUS_REFUSALC] = {
		[BUS_NO_BODY] = TANDEM__REFUSED_WHY__REFUSED_WHY_UNKNOWN,
		[BUS_NO_ROUTE] = TANDEM__REFUSED_WHY__REFUSED_WHY_UNKNOWN,
		[BUS_WRONG_SENDER] = TANDEM__REFUSED_WHY__REFUSED_WHY_SENDER,
	};

	metric_inc_at(M_BUS_REFUSED, why);

	if (env && env->hdr && env->hdr->id != 0 && env->hdr->reply_to == 0 &&
	    told[why])
		bus_refuse(bus, sender, env->hdr, told[why]);
}


/* The row's handler, once per request.
 * @return BUS_OK, or BUS_HANDLER */
static enum bus_refusal route_run(struct bus *bus,
				  const struct bus_route *route,
				  const Tandem__Envelope *env)
{
	const Tandem__Header *hdr = env->hdr;
	Tandem__Envelope reply = TANDEM__ENVELOPE__INIT;
	Tandem__Refused refused = TANDEM__REFUSED__INIT;

	if (route->handler(bus->state, env, route->tag) == 0)
		return BUS_OK;

	if (hdr->id != 0) {
		refused.why = TANDEM__REFUSED_WHY__REFUSED_WHY_ERROR;
		reply.body_case = BUS_BODY(REFUSED);
		reply.refused = &refused;
		(void)bus_reply(bus, hdr, &reply);
	}

	return BUS_HANDLER;
}


static enum bus_refusal request_take(struct bus *bus, struct peer_id sender,
				     const Tandem__Envelope *env)
{
	const struct bus_route *route;
	const uint8_t *answer;
	enum bus_refusal why;
	size_t len;

	why = envelope_route(&route, bus->routes, bus->routec, env);
	if (why)
		return why;

	if (env->hdr->id == 0)
		return route_run(bus, route, env);

	switch (replay_begin(bus->replay, env->hdr, &answer, &len)) {

	case REPLAY_NEW:
		return route_run(bus, route, env);

	case REPLAY_ANSWERED:
		metric_inc(M_BUS_REPEATED);
		(void)bus_answer(bus, sender, answer, len);
		break;

	case REPLAY_WORKING:
		metric_inc(M_BUS_REPEATED);
		break;
	}

	return BUS_OK;
}


static enum bus_refusal envelope_take(struct bus *bus, struct peer_id sender,
				      const Tandem__Envelope *env)
{
	if (env->hdr->reply_to != 0) {
		if (!bus_answered(bus, sender, env))
			metric_inc(M_BUS_ORPHAN);
		return BUS_OK;
	}

	if (env->body_case == BUS_BODY(PING)) {
		ping_answer(bus, sender, env);
		return BUS_OK;
	}

	if (env->body_case == BUS_BODY(PONG)) {
		pong_take(bus, sender, env);
		return BUS_OK;
	}

	return request_take(bus, sender, env);
}


void message_take(struct bus *bus, struct peer_id sender, const uint8_t *data,
		  size_t len)
{
	Tandem__Envelope *env;
	enum bus_refusal why;

	if (bus_loses(bus))
		return;
	why = envelope_open(&bus->arena, &env, sender, ev_now_us(bus->ev),
			    data, len);
	if (!why) {
		trace(bus, sender, env, len);
		why = envelope_take(bus, sender, env);
	}
	if (why)
		message_refuse(bus, sender, env, why);
}
