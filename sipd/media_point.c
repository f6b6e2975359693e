/**
 * @file sipd/media_point.c  Where each side is, told to mediad
 */
#include <errno.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/ipc/bus.h"
#include "shared/svc/svc.h"
#include "sipd/bindings.h"
#include "sipd/call.h"
#include "sipd/call_act.h"
#include "sipd/leg_sdp.h"
#include "sipd/media.h"
#include "sipd/media_point.h"
#include "sipd/media_terms.h"
#include "sipd/renegotiate.h"
#include "sipd/sdp_line.h"

enum {
	POINT_MS = 2000,
	POINT_RETRY_MS = 300,
	PAYLOADS_MAX = 2 * SAID_PAYLOADS_MAX,
	CLOCK = 8000, /* Hz */
	CLOCK_MAX = 192000,
};


static size_t side_of(const struct leg *leg)
{
	return leg->is_b ? 1 : 0;
}


static struct media_said *said_of(const struct leg *leg)
{
	return &leg->call->sound->said[side_of(leg)];
}


static bool is_in_use(const struct sdp_media *media)
{
	return media->remote.port != 0 && sdp_can_relay(media);
}


uint32_t media_lines(const struct sdp *offer)
{
	uint32_t n = 0;

	for (size_t i = 0; offer && i < offer->mediac; i++)
		n += is_in_use(&offer->media[i]);

	return n < 1 ? 1 : n < MEDIA_PAIRS_MAX ? n : MEDIA_PAIRS_MAX;
}


bool media_is_nat(const struct sdp *sdp, const struct addr *source)
{
	for (size_t i = 0; i < sdp->mediac; i++) {
		const struct addr *addr = &sdp->media[i].remote;

		if (addr->port && addr->family &&
		    (addr_is_private(addr) || addr_is_linklocal(addr)) &&
		    !addr_same_ip(addr, source))
			return true;
	}

	return false;
}


/* --- what is said --------------------------------------------------------- */

static uint8_t codec_of(const struct sdp_payload *payload)
{
	/* clang-format off */
	static const struct {
		const char *name;
		uint8_t codec;
	} codecs[] = {
		{ "PCMU",            TANDEM__MEDIA_CODEC__MEDIA_CODEC_PCMU  },
		{ "PCMA",            TANDEM__MEDIA_CODEC__MEDIA_CODEC_PCMA  },
		{ "G729",            TANDEM__MEDIA_CODEC__MEDIA_CODEC_G729  },
		{ "G723",            TANDEM__MEDIA_CODEC__MEDIA_CODEC_G723  },
		{ "CN",              TANDEM__MEDIA_CODEC__MEDIA_CODEC_NOISE },
	};
	/* clang-format on */

	if (sdp_is_event(payload))
		return TANDEM__MEDIA_CODEC__MEDIA_CODEC_EVENT;
	for (size_t i = 0; i < COUNT_OF(codecs); i++)
		if (strcmp(payload->name, codecs[i].name) == 0)
			return codecs[i].codec;

	return TANDEM__MEDIA_CODEC__MEDIA_CODEC_OTHER;
}


static size_t add_payloads(struct said_payload *all, size_t n, size_t max,
			   const struct sdp_media *media)
{
	for (size_t i = 0; i < media->payloadc; i++) {
		const struct sdp_payload *payload = &media->payloads[i];
		bool is_there = false;

		for (size_t j = 0; j < n; j++)
			is_there |= all[j].number == payload->number;
		if (is_there || n == max)
			continue;
		all[n++] = (struct said_payload){
			.clock = payload->rate <= CLOCK_MAX ? payload->rate
							    : CLOCK,
			.number = payload->number,
			.codec = codec_of(payload),
		};
	}

	return n;
}


/* Pairs are given out by an offer; its answer follows. */
static void give_pairs(struct call *call, const struct sdp *offer)
{
	const uint16_t *ports = call->i.relay.ports[0];
	const bool is_reserved = (call->i.relay.flags & MEDIA_HAS_A) != 0;
	uint8_t n = 0;

	memset(call->sound->pairs, 0, sizeof(call->sound->pairs));
	for (size_t i = 0; i < offer->mediac; i++) {
		if (!is_in_use(&offer->media[i]) || n == MEDIA_PAIRS_MAX ||
		    (is_reserved && !ports[n]))
			continue;
		call->sound->pairs[i] = ++n;
	}
}


static void take_audio(struct media_said *said, const struct sdp_media *media)
{
	said->is_secure |= media->is_secure;
	said->payloadc = (uint8_t)add_payloads(said->payloads, said->payloadc,
					       SAID_PAYLOADS_MAX, media);
	for (size_t i = 0; i < media->payloadc && !said->event; i++)
		if (sdp_is_event(&media->payloads[i]))
			said->event = media->payloads[i].number;
}


static void take_said(struct media_said *said, const struct call *call,
		      const struct sdp *sdp)
{
	bool is_first = true;

	for (size_t i = 0; i < sdp->mediac; i++) {
		const struct sdp_media *media = &sdp->media[i];
		const uint8_t pair = call->sound->pairs[i];

		if (!pair || !is_in_use(media))
			continue;
		said->remote[pair - 1] = media->remote;
		said->rtcp[pair - 1] = media->rtcp_port;
		if (media->kind == SDP_IMAGE)
			said->udptl |= (uint8_t)(1u << (pair - 1));
		else
			take_audio(said, media);
		if (is_first)
			said->direction = media->is_held
						  ? SDP_INACTIVE
						  : (uint8_t)media->direction;
		is_first = false;
	}
}


static const struct addr *source_of(const struct leg *leg)
{
	return leg->is_b ? &leg->i->flow.remote : &leg->call->i.source;
}


/* As its REGISTER showed it (registration 4) */
static bool is_nat_phone(const struct leg *leg)
{
	const struct call *call = leg->call;

	return (leg->is_b ? call->i.phone_b : call->i.phone) != 0 &&
	       bindings_is_nat(call->sipd, &leg->i->flow);
}


static bool wants_t38(const struct sdp *sdp)
{
	for (size_t i = 0; i < sdp->mediac; i++)
		if (sdp->media[i].kind == SDP_IMAGE &&
		    sdp->media[i].remote.port)
			return true;

	return false;
}


int media_heard(struct leg *leg, const struct sdp *sdp, bool is_offer,
		bool is_same)
{
	struct call *call = leg->call;
	struct media_said said = { .is_known = true, .is_new = true };

	if (is_offer && call->i.state == CALL_ANSWERED &&
	    (call->i.relay.flags & MEDIA_NO_T38) && wants_t38(sdp))
		return ENOTSUP;
	if (!media_has_relay(call))
		return 0;

	if (is_offer) {
		leg->is_offerer = true;
		(leg->is_b ? &call->a : &call->b)->is_offerer = false;
		give_pairs(call, sdp);
	}
	take_said(&said, call, sdp);
	said.is_nat = media_is_nat(sdp, source_of(leg)) || is_nat_phone(leg);
	if (!is_same || !said_of(leg)->is_known)
		call->i.relay.sdpc[side_of(leg)]++;
	*said_of(leg) = said;

	return 0;
}


void media_refused(struct leg *leg)
{
	if (!media_has_relay(leg->call))
		return;
	said_of(leg)->is_new = said_of(leg)->is_known = false;
}


bool media_is_pointing(const struct call *call)
{
	return call->a.ask_point || call->b.ask_point;
}


/* --- Point ---------------------------------------------------------------- */

/** A message, and the memory of what it points to */
struct point {
	Tandem__Point message;
	char remote[MEDIA_PAIRS_MAX][ADDR_TEXT_MAX];
	char rtcp[MEDIA_PAIRS_MAX][ADDR_TEXT_MAX];
	char source[ADDR_TEXT_MAX];
	char *remotes[MEDIA_PAIRS_MAX], *rtcps[MEDIA_PAIRS_MAX];
	protobuf_c_boolean udptl[MEDIA_PAIRS_MAX];
	uint32_t payloads[PAYLOADS_MAX], clocks[PAYLOADS_MAX];
	Tandem__MediaCodec codecs[PAYLOADS_MAX];
};


static void put_remotes(struct point *p, const struct media_said *said)
{
	for (size_t i = 0; i < MEDIA_PAIRS_MAX; i++) {
		struct addr addr = said->remote[i];

		p->remotes[i] = p->remote[i];
		p->rtcps[i] = p->rtcp[i];
		p->udptl[i] = (said->udptl >> i & 1) != 0;
		if (!addr.family || !addr.port || addr_is_any(&addr))
			continue;
		(void)addr_print(&addr, p->remote[i]);
		addr.port = said->rtcp[i];
		if (addr.port)
			(void)addr_print(&addr, p->rtcp[i]);
	}
	p->message.remote = p->remotes;
	p->message.n_remote = MEDIA_PAIRS_MAX;
	p->message.remote_rtcp = p->rtcps;
	p->message.n_remote_rtcp = MEDIA_PAIRS_MAX;
	p->message.udptl = p->udptl;
	p->message.n_udptl = MEDIA_PAIRS_MAX;
}


/* What it was told it may send, and then what it says itself: not all keep
 * them apart. */
static void put_payloads(struct point *p, const struct leg *leg)
{
	const struct media_said *said = said_of(leg);
	struct said_payload all[PAYLOADS_MAX];
	struct sdp sdp;
	size_t n = 0;

	if (!leg_sdp_read(&sdp, leg))
		for (size_t i = 0; i < sdp.mediac; i++)
			if (sdp.media[i].remote.port)
				n = add_payloads(all, n, SAID_PAYLOADS_MAX,
						 &sdp.media[i]);
	for (size_t i = 0; i < said->payloadc; i++) {
		bool is_there = false;

		for (size_t j = 0; j < n; j++)
			is_there |= all[j].number == said->payloads[i].number;
		if (!is_there)
			all[n++] = said->payloads[i];
	}
	for (size_t i = 0; i < n; i++) {
		p->payloads[i] = all[i].number;
		p->clocks[i] = all[i].clock;
		p->codecs[i] = (Tandem__MediaCodec)all[i].codec;
	}
	p->message.payloads = p->payloads;
	p->message.clocks = p->clocks;
	p->message.codecs = p->codecs;
	p->message.n_payloads = p->message.n_clocks = p->message.n_codecs = n;
}


static bool is_answered(const struct call *call)
{
	return call->i.answer_us || (call->setup && call->setup->is_pointing);
}


static void put_rules(struct point *p, const struct leg *leg)
{
	const struct call *call = leg->call;
	const struct media_image *relay = &call->i.relay;
	const size_t side = side_of(leg);
	Tandem__Point *m = &p->message;
	struct addr source = *source_of(leg);

	source.port = 0;
	m->session = call->id;
	m->side = leg->is_b ? relay->attempt : 0;
	m->source = unconst(addr_print(&source, p->source));
	m->learning = relay->learning[side];
	m->sdp_first = relay->sdp_first[side] != 0;
	if (relay->flags & MEDIA_CONVERTS)
		m->dtmf_mode = relay->dtmf[side];
	m->event_payload = relay->event[side];
	m->is_active = true;
	m->nomedia_s = relay->nomedia_s;
	m->nomedia_any = (relay->flags & MEDIA_NOMEDIA_ANY) != 0;
	m->is_answered = is_answered(call);
	m->ring_back = call->rings && !leg->is_b && !m->is_answered;
	m->sdp = relay->sdpc[side];
}


static const char *gateway_of(const struct leg *leg, const struct catalog *c)
{
	const struct call *call = leg->call;
	const uint32_t id = leg->is_b ? call->i.gateway : call->i.mapping;
	const enum record_kind kind = leg->is_b ? RECORD_ROUTING
						: RECORD_MAPPING;
	const struct cat_row *row = c && id ? catalog_by_id(c, kind, id)
					    : NULL;

	if (leg->is_b ? call->i.phone_b : call->i.phone)
		return "";

	return row ? catalog_str(c, kind, row->name) : "";
}


static void on_pointed(int err, const Tandem__Envelope *reply, void *arg)
{
	struct leg *leg = arg;
	struct call *call = leg->call;

	if (err == ECANCELED)
		return;
	leg->ask_point = 0;
	if (err || reply->body_case != BUS_BODY(POINTED))
		log_warn(&call->log, "media_not_pointed side=%s err=%d",
			 leg->is_b ? "b" : "a", err);
	if (err == ETIMEDOUT)
		said_of(leg)->is_new = true;
	if (media_is_pointing(call))
		return;
	if (call->setup && call->setup->is_pointing) {
		call->setup->is_pointing = false;
		call_answer_told(call);
	}
	else {
		renegotiate_pointed(&call->a);
		renegotiate_pointed(&call->b);
	}
	/* Nobody waits for a mediad that is away, but it is told when it is
	 * back. */
	if (call->i.state == CALL_ANSWERED)
		media_agreed(call);
}


/* What was said last holds: an older one must not come behind it. */
static void point(struct leg *leg)
{
	struct call *call = leg->call;
	struct svc *svc = call->sipd->svc;
	const struct catalog *c = catalog_pin(svc_catalog(svc));
	struct bus_request request;
	Tandem__Envelope env;
	struct point p = { .source = "" };

	said_of(leg)->is_new = false;
	said_of(leg)->told = leg->i->o_version;
	call->i.relay.event[side_of(leg)] = said_of(leg)->event;
	tandem__point__init(&p.message);
	put_rules(&p, leg);
	put_remotes(&p, said_of(leg));
	put_payloads(&p, leg);
	p.message.direction = said_of(leg)->direction;
	p.message.is_nat = said_of(leg)->is_nat;
	p.message.is_secure = said_of(leg)->is_secure;
	p.message.gateway = unconst(gateway_of(leg, c));

	if (leg->ask_point)
		bus_cancel(svc_bus(svc), leg->ask_point);
	leg->ask_point = 0;
	media_request(&request, call);
	request.deadline_ms = POINT_MS;
	request.retry_ms = POINT_RETRY_MS;
	request.h = on_pointed;
	request.arg = leg;
	tandem__envelope__init(&env);
	env.body_case = BUS_BODY(POINT);
	env.point = &p.message;
	if (bus_send(svc_bus(svc), &request, &env, &leg->ask_point))
		log_warn(&call->log, "media_not_pointed side=%s err=send",
			 leg->is_b ? "b" : "a");
	if (c)
		catalog_unpin(svc_catalog(svc), c);
}


/* What it said, or what it was told: both say what it may send. */
static bool is_news(const struct leg *leg)
{
	return said_of(leg)->is_new ||
	       (said_of(leg)->is_known &&
		said_of(leg)->told != leg->i->o_version);
}


void media_agreed(struct call *call)
{
	if (!media_has_relay(call))
		return;
	if (is_news(&call->a))
		point(&call->a);
	if (is_news(&call->b))
		point(&call->b);
}


bool media_answered(struct call *call)
{
	/* A late offer: A has not said anything yet. */
	if (!media_has_relay(call) || (call->i.flags & CALL_LATE_OFFER))
		return false;
	call->setup->is_pointing = true;
	said_of(&call->a)->is_new |= call->rings;
	said_of(&call->b)->is_new = said_of(&call->b)->is_known;
	media_agreed(call);
	if (media_is_pointing(call))
		return true;
	call->setup->is_pointing = false;

	return false;
}


void media_ring(struct call *call)
{
	call->rings = true;
	said_of(&call->a)->is_new = true;
	media_agreed(call);
}


/* How often they had said something is in the image. */
void media_adopt(struct call *call)
{
	const struct blobs *blobs = call->sipd->blobs;
	const bool is_late = (call->i.flags & CALL_LATE_OFFER) != 0;
	uint16_t sdpc[MEDIA_SIDEC];
	struct sdp sdp;

	if (!media_has_relay(call) || !call->sound)
		return;
	memcpy(sdpc, call->i.relay.sdpc, sizeof(sdpc));
	if (call->i.offer.unit &&
	    !leg_sdp_parse(&sdp, &call->a, blob_text(blobs, &call->i.offer)))
		(void)media_heard(&call->a, &sdp, true, true);
	if (call->i.b_sdp.unit &&
	    !leg_sdp_parse(&sdp, &call->b, blob_text(blobs, &call->i.b_sdp)))
		(void)media_heard(&call->b, &sdp, is_late, true);
	memcpy(call->i.relay.sdpc, sdpc, sizeof(sdpc));
}


void media_adopt_offer(struct leg *leg, struct text offer, struct text answer)
{
	struct call *call = leg->call;
	struct leg *other = leg->is_b ? &call->a : &call->b;
	uint16_t sdpc[MEDIA_SIDEC];
	struct sdp sdp;

	if (!media_has_relay(call) || !call->sound)
		return;
	memcpy(sdpc, call->i.relay.sdpc, sizeof(sdpc));
	if (offer.l && !leg_sdp_parse(&sdp, leg, offer))
		(void)media_heard(leg, &sdp, true, true);
	if (answer.l && !leg_sdp_parse(&sdp, other, answer))
		(void)media_heard(other, &sdp, offer.l == 0, true);
	memcpy(call->i.relay.sdpc, sdpc, sizeof(sdpc));
}


/* --- SDP ------------------------------------------------------------------ */

/* Digits (media 7.5): an answer has events only by the number that the offer
 * gave them. */
static void edit_events(struct sdp_edit *edit, const struct leg *to)
{
	const struct media_image *relay = &to->call->i.relay;
	const size_t side = side_of(to);
	const uint8_t event = said_of(to)->is_new ? said_of(to)->event
						  : relay->event[side];

	if (!(relay->flags & MEDIA_CONVERTS))
		return;
	edit->add_events = relay->dtmf[side] == DTMF_RFC2833 &&
			   (!to->is_offerer || event);
	edit->drop_events = !edit->add_events;
	edit->event = to->is_offerer ? event : 0;
}


void media_edit(struct sdp_edit *edit, const struct leg *to, char *host)
{
	const struct call *call = to->call;
	const struct media_image *relay = &call->i.relay;
	const size_t side = side_of(to);

	if (!media_has_relay(call))
		return;
	edit->is_relayed = true;
	if (relay->host[side].family)
		edit->origin_host = addr_print(&relay->host[side], host);
	for (size_t i = 0; i < SDP_MEDIAC_MAX; i++)
		if (call->sound->pairs[i])
			edit->media[i].port =
				relay->ports[side][call->sound->pairs[i] - 1];
	edit_events(edit, to);
}
