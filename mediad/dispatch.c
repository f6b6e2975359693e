/**
 * @file mediad/dispatch.c  What mediad answers the others
 *
 * One page: the messages it takes, and from whom. With media { relay = off }
 * no port is given to anybody: media goes directly between the ends, there is
 * nothing to be remembered, and everything may be asked again.
 */
#include <errno.h>
#include <string.h>

#include "mediad/ended.h"
#include "mediad/flow_count.h"
#include "mediad/mediad.h"
#include "mediad/metrics.h"
#include "mediad/point.h"
#include "mediad/voice.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"

enum {
	SIDE_ALL = -1,
};


/* An asker that is away repeats its question. */
static int reply(const struct mediad *mediad, const Tandem__Header *hdr,
		 Tandem__Envelope *env)
{
	const int err = bus_reply(svc_bus(mediad->svc), hdr, env);

	return err == EHOSTUNREACH || err == ENOBUFS ? 0 : err;
}


static int refuse(const struct mediad *mediad, const Tandem__Header *hdr,
		  int err)
{
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__MediaRefused refused;

	tandem__media_refused__init(&refused);
	switch (err) {

	case EADDRNOTAVAIL:
		refused.why = TANDEM__MEDIA_WHY__MEDIA_WHY_PORTS;
		metric_inc(M_MEDIA_PORT_EXHAUSTED);
		break;

	case ENOENT:
		refused.why = TANDEM__MEDIA_WHY__MEDIA_WHY_SESSION;
		break;

	default:
		refused.why = TANDEM__MEDIA_WHY__MEDIA_WHY_ERROR;
		break;
	}
	env.body_case = BUS_BODY(MEDIA_REFUSED);
	env.media_refused = &refused;

	return reply(mediad, hdr, &env);
}


/* --- reserve
 * ----------------------------------------------------------------------- */

/* What peers are told: what the node file says of these sockets; else the
 * address that sipd has on that side. */
static const char *told_address(const struct mediad *mediad, const char *local)
{
	struct svc_socket socket;
	struct addr addr;

	if (svc_socket(mediad->svc, TANDEM__SOCKET_USE__SOCKET_USE_RTP, 0,
		       &socket) != 0)
		return local;
	if (socket.advertised[0])
		return socket.advertised;

	return addr_parse(&addr, text_of(socket.bind)) == 0 &&
			       !addr_is_any(&addr)
		       ? socket.bind
		       : local;
}


static size_t ports_of(uint32_t *ports, const struct session *s, int side,
		       uint32_t lines)
{
	const struct media_side *m = &s->i.sides[side];
	size_t n;

	for (n = 0; n < m->linec && n < lines; n++)
		ports[n] = m->lines[n].port;

	return n;
}


static int answer_reserved(const struct mediad *mediad,
			   const Tandem__Envelope *env,
			   const struct session *s)
{
	const Tandem__Reserve *ask = env->reserve;
	const uint32_t lines = ask->lines ? ask->lines : 1;
	uint32_t ports[MEDIA_LINES], ports_a[MEDIA_LINES];
	Tandem__MediaReserved reserved;
	Tandem__Envelope answer = TANDEM__ENVELOPE__INIT;

	tandem__media_reserved__init(&reserved);
	reserved.address = unconst(told_address(mediad, ask->local));
	reserved.ports = ports;
	reserved.n_ports = ports_of(ports, s, session_side(s, ask->side),
				    lines);
	if (ask->local_a[0]) {
		reserved.address_a = unconst(
			told_address(mediad, ask->local_a));
		reserved.ports_a = ports_a;
		reserved.n_ports_a = ports_of(ports_a, s, MEDIA_A, lines);
	}
	answer.body_case = BUS_BODY(MEDIA_RESERVED);
	answer.media_reserved = &reserved;

	return reply(mediad, env->hdr, &answer);
}


/* The relay is off; what began before goes on. */
static bool is_bypassed(const struct mediad *mediad, uint64_t session)
{
	return !mediad->is_on && !sessions_find(mediad->sessions, session);
}


static int answer_bypass(const struct mediad *mediad,
			 const Tandem__Envelope *env)
{
	Tandem__MediaReserved reserved;
	Tandem__Envelope answer = TANDEM__ENVELOPE__INIT;

	tandem__media_reserved__init(&reserved);
	reserved.bypass = true;
	answer.body_case = BUS_BODY(MEDIA_RESERVED);
	answer.media_reserved = &reserved;

	return reply(mediad, env->hdr, &answer);
}


static int on_reserve(void *state, const Tandem__Envelope *env, int tag)
{
	struct mediad *mediad = state;
	const Tandem__Reserve *ask = env->reserve;
	const struct sessions_ask wanted = {
		.session = ask->session,
		.number = ask->side,
		.lines = ask->lines,
		.wants_a = ask->local_a[0] != '\0',
		.sipd = (uint16_t)env->hdr->worker,
	};
	struct session *s;
	int err;

	(void)tag;
	if (is_bypassed(mediad, ask->session))
		return answer_bypass(mediad, env);
	if (ask->session == 0 || ask->side == (uint32_t)SIDE_ALL)
		return refuse(mediad, env->hdr, EINVAL);

	err = sessions_reserve(mediad->sessions, &wanted, &s,
			       ev_now_us(mediad->ev));

	return err ? refuse(mediad, env->hdr, err)
		   : answer_reserved(mediad, env, s);
}


/* --- point
 * ------------------------------------------------------------------------- */

static int answer_pointed(struct mediad *mediad, const Tandem__Envelope *env)
{
	Tandem__Pointed pointed = TANDEM__POINTED__INIT;
	Tandem__Envelope answer = TANDEM__ENVELOPE__INIT;

	answer.body_case = BUS_BODY(POINTED);
	answer.pointed = &pointed;

	return reply(mediad, env->hdr, &answer);
}


static int on_point(void *state, const Tandem__Envelope *env, int tag)
{
	struct mediad *mediad = state;
	struct session_point point;
	int err;

	(void)tag;
	if (is_bypassed(mediad, env->point->session))
		return answer_pointed(mediad, env);

	err = point_read(&point, env->point);
	if (!err)
		err = sessions_point(mediad->sessions, env->point->session,
				     env->point->side,
				     (uint16_t)env->hdr->worker, &point,
				     ev_now_us(mediad->ev));
	if (err)
		return refuse(mediad, env->hdr, err);
	voice_start(mediad->voice,
		    sessions_find(mediad->sessions, env->point->session));

	return answer_pointed(mediad, env);
}


/* --- release
 * ----------------------------------------------------------------------- */

static uint32_t clamp32(uint64_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}


static void tell_flow(Tandem__MediaSide *told, const struct media_flow *flow,
		      int64_t now_us)
{
	told->packets = flow->packets;
	told->bytes = flow->bytes;
	told->expected = flow_expected(flow);
	told->lost = flow_lost(flow);
	told->jitter_us = clamp32(flow_jitter_us(flow));
	told->jitter_max_us = clamp32(flow->jitter_max_us);
	told->mos = flow_mos(flow);
	told->age_us = flow->last_us ? now_us - flow->last_us : -1;
	told->out_of_order = flow->out_of_order;
	told->duplicates = flow->duplicates;
	told->rtt_us = clamp32(flow->rtt_us);
	told->ssrc_changes = clamp32(flow->ssrc_changes);
	told->foreign = flow->foreign;
}


static void observe(const struct session *s, unsigned side)
{
	const struct media_flow *flow = &s->flows[side];
	const char *gateway = s->i.sides[side].gateway;
	const uint64_t expected = flow_expected(flow);

	if (!gateway[0] || !s->i.answered_us || !expected)
		return;

	metric_observe_us(M_MEDIA_LOSS, metric_series(M_MEDIA_LOSS, gateway),
			  flow_lost(flow) * 1000000 / expected);
	metric_observe_us(M_MEDIA_JITTER,
			  metric_series(M_MEDIA_JITTER, gateway),
			  flow_jitter_us(flow));
	if (flow_mos(flow))
		metric_observe_us(M_MEDIA_MOS,
				  metric_series(M_MEDIA_MOS, gateway),
				  (uint64_t)flow_mos(flow) * 10000);
}


/* @param b Which B is told of; 0: none */
static void end_session(struct mediad *mediad, struct session *s,
			uint32_t number, Tandem__Released *released)
{
	const int64_t now_us = ev_now_us(mediad->ev);
	const bool is_all = number == (uint32_t)SIDE_ALL;
	const int side = is_all ? s->i.active : session_side(s, number);

	if (is_all || side == MEDIA_A)
		tell_flow(released->a, &s->flows[MEDIA_A], now_us);
	if (side > MEDIA_A)
		tell_flow(released->b, &s->flows[side], now_us);
	if (is_all) {
		ended_add(mediad->ended, s->i.session, &s->flows[MEDIA_A],
			  side > MEDIA_A ? &s->flows[side] : NULL, now_us);
		observe(s, MEDIA_A);
		if (side > MEDIA_A)
			observe(s, (unsigned)side);
		voice_stop(mediad->voice, s);
		sessions_release(mediad->sessions, s, now_us);
	}
	else if (side >= 0) {
		sessions_release_side(mediad->sessions, s, (unsigned)side,
				      now_us);
	}
}


/* It was released before: what was counted, as it was then.
 * @return is it known? */
static bool tell_ended(const struct mediad *mediad, const Tandem__Release *ask,
		       Tandem__Released *released)
{
	const struct ended_row *row = NULL;

	if (mediad->ended && ask->side == (uint32_t)SIDE_ALL)
		row = ended_find(mediad->ended, ask->session);
	if (!row)
		return false;

	tell_flow(released->a, &row->flows[0], row->at_us);
	if (row->has_b)
		tell_flow(released->b, &row->flows[1], row->at_us);

	return true;
}


static int on_release(void *state, const Tandem__Envelope *env, int tag)
{
	struct mediad *mediad = state;
	Tandem__MediaSide a = TANDEM__MEDIA_SIDE__INIT;
	Tandem__MediaSide b = TANDEM__MEDIA_SIDE__INIT;
	Tandem__Released released = TANDEM__RELEASED__INIT;
	Tandem__Envelope answer = TANDEM__ENVELOPE__INIT;
	struct session *s = sessions_find(mediad->sessions,
					  env->release->session);

	(void)tag;
	a.age_us = -1;
	b.age_us = -1;
	released.a = &a;
	released.b = &b;
	if (s)
		end_session(mediad, s, env->release->side, &released);
	else
		released.is_unknown = !tell_ended(mediad, env->release,
						  &released);
	if (env->hdr->id == 0)
		return 0; /* a notice: nobody waits for figures */
	answer.body_case = BUS_BODY(RELEASED);
	answer.released = &released;

	return reply(mediad, env->hdr, &answer);
}


/* --- digits
 * ------------------------------------------------------------------------ */

static int on_send_digit(void *state, const Tandem__Envelope *env, int tag)
{
	struct mediad *mediad = state;
	const Tandem__SendDigit *ask = env->send_digit;
	struct session *s = sessions_find(mediad->sessions, ask->session);
	const int side = s ? session_side(s, ask->side) : -1;
	const struct digit digit = { ask->digit[0], ask->ms };

	(void)tag;
	if (side >= 0)
		voice_say(mediad, s, (unsigned)side, &digit);

	return 0;
}


/* clang-format off */
const struct bus_route mediad_routes[] = {
	[BUS_BODY(RESERVE)] = { PEER_SIPD, on_reserve, 0 },
	[BUS_BODY(POINT)]   = { PEER_SIPD, on_point,   0 },
	[BUS_BODY(RELEASE)] = { PEER_SIPD, on_release, 0 },
	[BUS_BODY(SEND_DIGIT)] = { PEER_SIPD, on_send_digit, 0 },
};
/* clang-format on */
const size_t mediad_routec = COUNT_OF(mediad_routes);
