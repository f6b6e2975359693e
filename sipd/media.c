/**
 * @file sipd/media.c  What sipd says to mediad
 */
#include <errno.h>

#include "shared/ipc/bus.h"
#include "shared/svc/svc.h"
#include "shared/base/util.h"
#include "sipd/call.h"
#include "sipd/media.h"

enum {
	ASK_MS = 2000,
	ASK_RETRY_MS = 500,
	SIDE_ALL = -1,
};

/* Words of media_proxy and SS_MEDIA_PROXY */
enum {
	PROXY_ON,
	PROXY_OFF,
	PROXY_AUTO
};

static const struct peer_id mediad = { .peer = PEER_MEDIAD };


static int32_t effective(const struct catalog *c, int32_t field)
{
	return catalog_effective(c, field, SS_MEDIA_PROXY);
}


static int32_t proxy_of_caller(const struct call *call,
			       const struct catalog *c)
{
	const struct cat_gateway *gw;
	const struct cat_phone *phone;

	if (call->i.mapping) {
		gw = catalog_by_id(c, RECORD_MAPPING, call->i.mapping);
		return effective(c, gw ? gw->media_proxy : CAT_INHERIT);
	}
	phone = catalog_by_id(c, RECORD_PHONE, call->i.phone);

	return effective(c, phone ? phone->media_proxy : CAT_INHERIT);
}


bool media_is_relayed(const struct call *call, const struct catalog *c,
		      const struct cat_routing *gateway,
		      const struct sdp *offer)
{
	const int32_t a = proxy_of_caller(call, c);
	const int32_t b = effective(c, gateway->gw.media_proxy);
	const bool is_private = offer && sdp_is_private(offer);

	if (a == PROXY_ON || b == PROXY_ON)
		return true;
	if (is_private && catalog_int(c, SS_MEDIA_PROXY_BEHIND_NAT) &&
	    !addr_same_ip(&offer->media[0].remote, &call->i.source))
		return true;

	return (a == PROXY_AUTO || b == PROXY_AUTO) &&
	       (is_private || catalog_int(c, SS_NOMEDIAHANGUPTIME) > 0);
}


static void failed(struct call *call)
{
	struct verdict verdict = verdict_plain(END_MEDIA_FAILURE);

	verdict.code = 503; /* no ports, or mediad is away: cdr 2 */
	call_verdict(call, &verdict);
	call_handle(call, EV_EXHAUSTED);
}


static void on_reserved(int err, const Tandem__Envelope *reply, void *arg)
{
	struct call *call = arg;

	if (!call->setup)
		return;
	call->setup->ask_media = 0;
	if (err || reply->body_case != BUS_BODY(MEDIA_RESERVED) ||
	    !reply->media_reserved->bypass) {
		failed(call);
		return;
	}

	call->i.media = CALL_MEDIA_BYPASS;
	call_handle(call, EV_CANDIDATE);
}


int media_reserve(struct call *call)
{
	const struct bus_request request = {
		.to = mediad,
		.call = call->id,
		.deadline_ms = ASK_MS,
		.retry_ms = ASK_RETRY_MS,
		.h = on_reserved,
		.arg = call,
	};
	const struct wire_listener *l = wire_listener(call->sipd->wire,
						      call->i.a.flow.listener);
	Tandem__Envelope env;
	Tandem__Reserve ask;

	tandem__envelope__init(&env);
	tandem__reserve__init(&ask);
	ask.session = call->id;
	ask.local = unconst(l->host);
	ask.lines = 1;
	env.body_case = BUS_BODY(RESERVE);
	env.reserve = &ask;

	return bus_send(svc_bus(call->sipd->svc), &request, &env,
			&call->setup->ask_media);
}


void media_release(struct call *call)
{
	struct bus *bus = svc_bus(call->sipd->svc);
	const struct bus_request request = {
		.to = mediad,
		.call = call->id,
		.deadline_ms = ASK_MS,
		.h = NULL,
	};
	Tandem__Envelope env;
	Tandem__Release release;

	if (call->setup && call->setup->ask_media) {
		bus_cancel(bus, call->setup->ask_media);
		call->setup->ask_media = 0;
	}
	if (call->i.media != CALL_MEDIA_RELAY)
		return;

	tandem__envelope__init(&env);
	tandem__release__init(&release);
	release.session = call->id;
	release.side = (uint32_t)SIDE_ALL;
	env.body_case = BUS_BODY(RELEASE);
	env.release = &release;
	(void)bus_send(bus, &request, &env, NULL);
}
