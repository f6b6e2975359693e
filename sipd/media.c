/**
 * @file sipd/media.c  A call's media: by the relay, or directly
 */
#include <errno.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/ipc/bus.h"
#include "shared/svc/svc.h"
#include "sipd/bindings.h"
#include "sipd/call.h"
#include "sipd/credit.h"
#include "sipd/leg_sdp.h"
#include "sipd/media.h"
#include "sipd/media_point.h"
#include "sipd/media_terms.h"
#include "sipd/sound.h"

enum {
	ASK_MS = 2000,
	ASK_RETRY_MS = 200, /**< As in credit.c */
	GIVE_MS = 5000,
	RELEASE_MS = 1500, /**< Then the record goes without counters */
	RELEASE_RETRY_MS = 300,
	BYPASS_US = 1000000, /**< A node without relay is asked so often */
	WORKERS_MAX = 64,
};

#define SIDE_ALL UINT32_MAX


bool media_has_relay(const struct call *call)
{
	return call->i.media == CALL_MEDIA_RELAY;
}


void media_request(struct bus_request *request, struct call *call)
{
	*request = (struct bus_request){
		.to = { .peer = PEER_MEDIAD, .worker = call->i.relay.worker },
		.call = call->id,
		.arg = call,
	};
}


/* --- which mediad --------------------------------------------------------- */

/* By the call's id; the next one if it does not answer. */
static uint8_t worker_of(const struct call *call)
{
	struct bus_peer_status all[WORKERS_MAX];
	const size_t n = bus_status(svc_bus(call->sipd->svc), all,
				    COUNT_OF(all));
	bool is_up[WORKERS_MAX] = { false };
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (all[i].id.peer != PEER_MEDIAD ||
		    all[i].id.worker >= WORKERS_MAX)
			continue;
		is_up[all[i].id.worker] = all[i].up != 0;
		if (all[i].id.worker >= count)
			count = all[i].id.worker + 1u;
	}
	for (size_t i = 0; i < count; i++) {
		const size_t at = (size_t)((call->id + i) % count);

		if (is_up[at])
			return (uint8_t)at;
	}

	return count ? (uint8_t)(call->id % count) : 0;
}


/* --- bypass or relay ------------------------------------------------------ */

static void terms_of(struct media_terms *t, const struct catalog *c,
		     const struct call *call, bool of_b)
{
	const uint32_t phone = of_b ? call->i.phone_b : call->i.phone;
	const uint32_t id = of_b ? call->i.gateway : call->i.mapping;
	const struct cat_mapping *mapping;
	const struct cat_routing *routing;

	if (phone) {
		media_terms_phone(t, catalog_by_id(c, RECORD_PHONE, phone));
	}
	else if (of_b) {
		routing = catalog_by_id(c, RECORD_ROUTING, id);
		media_terms_gateway(t, routing ? &routing->gw : NULL);
	}
	else {
		mapping = catalog_by_id(c, RECORD_MAPPING, id);
		media_terms_gateway(t, mapping ? &mapping->gw : NULL);
	}
}


static bool is_other_ip(const struct addr *a, const struct addr *b)
{
	return a->family && b->family && !addr_same_ip(a, b);
}


/* IP version, or the address of ours that the peer knows */
static bool sides_differ(const struct call *call, const struct sdp *offer)
{
	const struct flow *to = &call->setup->to;
	const struct wire_listener *a = wire_listener(call->sipd->wire,
						      call->i.a.flow.listener);
	const struct wire_listener *b = wire_listener(call->sipd->wire,
						      to->listener);

	if (call->i.source.family != to->remote.family)
		return true;
	for (size_t i = 0; offer && i < offer->mediac; i++)
		if (offer->media[i].remote.port &&
		    offer->media[i].remote.family &&
		    offer->media[i].remote.family != to->remote.family)
			return true;

	return is_other_ip(&a->bind, &b->bind) ||
	       is_other_ip(&a->advertised, &b->advertised);
}


/* One whose REGISTER came from elsewhere than it said (registration 4) */
static bool is_nat_phone(const struct call *call)
{
	const struct sipd *sipd = call->sipd;

	return (call->i.phone && bindings_is_nat(sipd, &call->i.a.flow)) ||
	       (call->i.phone_b && bindings_is_nat(sipd, &call->setup->to));
}


/* @return relayed? What holds for both sides is noted either way. */
static bool decide(struct call *call, const struct catalog *c,
		   const struct sdp *offer)
{
	struct media_image *relay = &call->i.relay;
	struct media_terms t[MEDIA_SIDEC];
	struct media_case m;

	for (size_t s = 0; s < MEDIA_SIDEC; s++) {
		terms_of(&t[s], c, call, s == 1);
		relay->dtmf[s] = t[s].dtmf;
		relay->learning[s] = t[s].learning;
		relay->sdp_first[s] = t[s].sdp_first;
	}
	m = (struct media_case){
		.proxy_a = catalog_effective(c, t[0].proxy, SS_MEDIA_PROXY),
		.proxy_b = catalog_effective(c, t[1].proxy, SS_MEDIA_PROXY),
		.is_nat = (offer && media_is_nat(offer, &call->i.source)) ||
			  is_nat_phone(call),
		.nat_wants_relay = catalog_int(c, SS_MEDIA_PROXY_BEHIND_NAT) !=
				   0,
		.converts = media_converts(t[0].dtmf, t[1].dtmf),
		.differs = sides_differ(call, offer),
		.is_private = offer && sdp_is_private(offer),
		.nomedia_s = media_nomedia(
			t[0].nomedia_s, t[1].nomedia_s,
			(uint32_t)catalog_int(c, SS_NOMEDIAHANGUPTIME)),
	};
	relay->nomedia_s = (uint16_t)m.nomedia_s;
	relay->flags &= MEDIA_HAS_A;
	if (m.converts)
		relay->flags |= MEDIA_CONVERTS;
	if (!t[0].t38 || !t[1].t38)
		relay->flags |= MEDIA_NO_T38;
	if (catalog_int(c, SS_NOMEDIAHANGUP_MODE))
		relay->flags |= MEDIA_NOMEDIA_ANY;

	return media_is_relayed(&m);
}


/* --- ports ---------------------------------------------------------------- */

static void on_given(int err, const Tandem__Envelope *reply, void *arg)
{
	/* One that is lost: mediad asks after the call (media_notice.c). */
	(void)err;
	(void)reply;
	(void)arg;
}


static void give(struct sipd *sipd, uint64_t session, uint16_t worker,
		 uint32_t side)
{
	const struct bus_request request = {
		.to = { .peer = PEER_MEDIAD, .worker = worker },
		.call = session,
		.deadline_ms = GIVE_MS,
		.retry_ms = ASK_RETRY_MS,
		.h = on_given,
	};
	Tandem__Envelope env;
	Tandem__Release release;

	tandem__envelope__init(&env);
	tandem__release__init(&release);
	release.session = session;
	release.side = side;
	env.body_case = BUS_BODY(RELEASE);
	env.release = &release;
	(void)bus_send(svc_bus(sipd->svc), &request, &env, NULL);
}


static void release_side(struct call *call, uint32_t side)
{
	give(call->sipd, call->id, call->i.relay.worker, side);
}


void media_disown(struct sipd *sipd, uint64_t session, uint16_t worker)
{
	give(sipd, session, worker, SIDE_ALL);
}


static void drop_session(struct call *call, enum call_media instead)
{
	if (media_has_relay(call))
		release_side(call, SIDE_ALL);
	call->i.media = (uint8_t)instead;
	call->i.relay.flags &= (uint8_t)~MEDIA_HAS_A;
}


static void failed(struct call *call)
{
	struct verdict verdict = verdict_plain(END_MEDIA_FAILURE);

	/* No port was used: the record says none. */
	if (!leg_was_told(&call->a))
		drop_session(call, CALL_MEDIA_NONE);
	verdict.code = 503; /* no ports, or mediad is away: cdr 2 */
	call_verdict(call, &verdict);
	call_handle(call, EV_EXHAUSTED);
}


static void take_host(struct addr *host, const char *address)
{
	*host = (struct addr){ .family = 0 };
	if (address[0] && !addr_parse(host, text_of(address)) &&
	    !addr_is_any(host))
		host->port = 0;
	else
		*host = (struct addr){ .family = 0 };
}


static void take_ports(uint16_t ports[MEDIA_PAIRS_MAX], const uint32_t *all,
		       size_t n)
{
	for (size_t i = 0; i < MEDIA_PAIRS_MAX; i++)
		ports[i] = i < n && all[i] <= UINT16_MAX ? (uint16_t)all[i]
							 : 0;
}


static void take_reserved(struct call *call,
			  const Tandem__MediaReserved *reserved)
{
	struct media_image *relay = &call->i.relay;

	take_host(&relay->host[1], reserved->address);
	take_ports(relay->ports[1], reserved->ports, reserved->n_ports);
	if (reserved->n_ports_a) {
		take_host(&relay->host[0], reserved->address_a);
		take_ports(relay->ports[0], reserved->ports_a,
			   reserved->n_ports_a);
		relay->flags |= MEDIA_HAS_A;
	}
}


static void on_reserved(int err, const Tandem__Envelope *reply, void *arg)
{
	struct call *call = arg;
	const Tandem__MediaReserved *reserved;

	if (!call->setup || err == ECANCELED)
		return;
	call->setup->ask_media = 0;
	if (err || reply->body_case != BUS_BODY(MEDIA_RESERVED)) {
		failed(call);
		return;
	}

	reserved = reply->media_reserved;
	if (reserved->bypass) {
		call->i.media = CALL_MEDIA_BYPASS; /* no relay on this node */
		call->sipd->bypass_until_us = ev_now_us(call->sipd->ev) +
					      BYPASS_US;
	}
	else {
		take_reserved(call, reserved);
		if (!(call->i.relay.flags & MEDIA_HAS_A) ||
		    !call->i.relay.ports[1][0]) {
			failed(call);
			return;
		}
	}
	call_handle(call, EV_CANDIDATE);
}


static int reserve(struct call *call, const struct sdp *offer)
{
	struct bus_request request;
	const struct wire *wire = call->sipd->wire;
	const struct wire_listener *a = wire_listener(wire,
						      call->i.a.flow.listener);
	const struct wire_listener *b =
		wire_listener(wire, call->setup->to.listener);
	Tandem__Envelope env;
	Tandem__Reserve ask;

	media_request(&request, call);
	request.deadline_ms = ASK_MS;
	request.retry_ms = ASK_RETRY_MS;
	request.h = on_reserved;
	tandem__envelope__init(&env);
	tandem__reserve__init(&ask);
	ask.session = call->id;
	ask.side = call->i.relay.attempt;
	ask.local = unconst(b->host);
	ask.lines = media_lines(offer);
	if (!(call->i.relay.flags & MEDIA_HAS_A))
		ask.local_a = unconst(a->host);
	env.body_case = BUS_BODY(RESERVE);
	env.reserve = &ask;

	return bus_send(svc_bus(call->sipd->svc), &request, &env,
			&call->setup->ask_media);
}


void media_prepare(struct call *call, const struct catalog *c,
		   const struct sdp *offer)
{
	/* What A knows of the relay stays true (media 1). */
	const bool must_stay = media_has_relay(call) && leg_was_told(&call->a);
	const bool can = ev_now_us(call->sipd->ev) >=
			 call->sipd->bypass_until_us;

	if ((!decide(call, c, offer) || !can) && !must_stay) {
		drop_session(call, CALL_MEDIA_BYPASS);
		call_handle(call, EV_CANDIDATE);
		return;
	}

	if (sound_take(call)) {
		failed(call);
		return;
	}
	if (!media_has_relay(call))
		call->i.relay.worker = worker_of(call);
	call->i.media = CALL_MEDIA_RELAY;
	call->i.relay.attempt++;
	call->i.relay.event[1] = 0;
	call->sound->said[1] = (struct media_said){ .is_known = false };
	if (offer && !(call->i.relay.flags & MEDIA_HAS_A))
		(void)media_heard(&call->a, offer, true, false);
	if (reserve(call, offer))
		failed(call);
}


void media_leave(struct call *call)
{
	if (media_has_relay(call) && call->i.relay.attempt)
		release_side(call, call->i.relay.attempt);
}


void media_cancel(struct call *call)
{
	struct bus *bus = svc_bus(call->sipd->svc);
	uint64_t *asks[] = {
		&call->ask_release,
		&call->a.ask_point,
		&call->b.ask_point,
		call->setup ? &call->setup->ask_media : NULL,
	};

	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		if (asks[i] && *asks[i])
			bus_cancel(bus, *asks[i]);
		if (asks[i])
			*asks[i] = 0;
	}
}


/* --- the end -------------------------------------------------------------- */

static void take_count(struct media_count *count, const Tandem__MediaSide *m)
{
	*count = (struct media_count){ .age_us = -1 };
	if (!m)
		return;
	count->packets = m->packets;
	count->lost = m->lost;
	count->jitter_us = m->jitter_us;
	count->mos = m->mos;
	count->age_us = m->age_us;
}


static void on_released(int err, const Tandem__Envelope *reply, void *arg)
{
	struct call *call = arg;

	if (err == ECANCELED)
		return;
	call->ask_release = 0;
	call->is_counted = true;
	take_count(&call->sound->counts[0], NULL);
	take_count(&call->sound->counts[1], NULL);
	if (!err && reply->body_case == BUS_BODY(RELEASED) &&
	    !reply->released->is_unknown) {
		take_count(&call->sound->counts[0], reply->released->a);
		take_count(&call->sound->counts[1], reply->released->b);
		call->released_boot_us = clk_boot_us();
	}
	else {
		log_warn(&call->log, "media_not_counted err=%d", err);
	}
	(void)credit_ended(call);
}


int media_end(struct call *call)
{
	struct bus_request request;
	Tandem__Envelope env;
	Tandem__Release release;

	if (!media_has_relay(call) || call->is_counted)
		return credit_ended(call);
	if (call->ask_release)
		return 0;

	media_cancel(call);
	media_request(&request, call);
	request.deadline_ms = RELEASE_MS;
	request.retry_ms = RELEASE_RETRY_MS;
	request.h = on_released;
	tandem__envelope__init(&env);
	tandem__release__init(&release);
	release.session = call->id;
	release.side = SIDE_ALL;
	env.body_case = BUS_BODY(RELEASE);
	env.release = &release;
	if (bus_send(svc_bus(call->sipd->svc), &request, &env,
		     &call->ask_release))
		return credit_ended(call);

	return 0;
}


/* Since the answer, if nothing came after it */
static int64_t silence_of(const struct call *call, int side)
{
	const int64_t talk_us = call->i.end_boot_us - call->i.answer_boot_us;
	int64_t age_us = call->sound->counts[side].age_us;

	if (age_us < 0)
		return talk_us;
	/* The ports were given back a little after the end. */
	age_us -= call->released_boot_us - call->i.end_boot_us;
	if (age_us < 0)
		return 0;

	return age_us < talk_us ? age_us : talk_us;
}


int64_t media_tail_us(const struct call *call)
{
	const char *side = call->i.reason == END_NO_MEDIA_TIMEOUT
				   ? call->i.detail
				   : "";
	int64_t a_us, b_us;

	if (!media_has_relay(call) || !call->i.answer_boot_us ||
	    !call->released_boot_us)
		return 0;
	a_us = silence_of(call, 0);
	b_us = silence_of(call, 1);
	if (call->i.relay.flags & MEDIA_NOMEDIA_ANY && side[0] == 'a')
		return a_us;
	if (call->i.relay.flags & MEDIA_NOMEDIA_ANY && side[0] == 'b' &&
	    side[1] == '\0')
		return b_us;

	return a_us < b_us ? a_us : b_us;
}
