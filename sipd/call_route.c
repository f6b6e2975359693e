/**
 * @file sipd/call_route.c  To the next gateway that may be tried
 */
#include <errno.h>

#include "shared/base/log.h"
#include "shared/base/util.h"
#include "sipd/attempt.h"
#include "sipd/call_act.h"
#include "sipd/call_phone.h"
#include "sipd/credit.h"
#include "sipd/fork.h"
#include "sipd/forward.h"
#include "sipd/health.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/media.h"
#include "sipd/renegotiate.h"
#include "sipd/params.h"
#include "sipd/resolve.h"
#include "sipd/setup_keep.h"
#include "sipd/stats.h"
#include "sipd/view.h"
#include "sipd/wire.h"


/* A knows of the call, and stops asking, once it is in its slot. */
int call_ask(struct call *call)
{
	if (!call->setup->kept.reply_code)
		(void)setup_reply(call, &(struct txn_reply){ .code = 100 });
	else
		call_publish(call);

	return credit_ask(call);
}


/* --- one candidate ----------------------------------------------------------
 */

static const struct cat_target *target_of(const struct sipd *sipd,
					  const struct catalog *c,
					  const struct cat_routing *gateway)
{
	size_t n;
	const struct cat_target *targets = catalog_span(c, RECORD_ROUTING,
							gateway->addresses,
							sizeof(*targets), &n);

	/* call-setup 4.5: the first online one, in the order of the list */
	for (size_t i = 0; i < n; i++)
		if (health_of(sipd->health, gateway->gw.row.id, i) !=
		    HEALTH_OFFLINE)
			return &targets[i];

	return NULL;
}


static void on_resolved(const struct resolved *r, void *arg, uint64_t user);


/* Lines, then media. @return ROUTE_USABLE: it is being called, or media is
 * asked for it */
static enum route_token begin(struct call *call, const struct view *view,
			      const struct cat_routing *gateway,
			      struct sdp *offer)
{
	if (call_b_lines_take(call, gateway))
		return ROUTE_CPS_FULL;
	media_prepare(call, view->route.c, offer);

	return ROUTE_USABLE;
}


/* @return as begin() */
static enum route_token prepare(struct call *call, const struct view *view,
				const struct cat_routing *gateway,
				const struct addr *addr, struct sdp *offer)
{
	struct sipd *sipd = call->sipd;
	struct setup *setup = call->setup;
	const char *local_ip = catalog_str(view->route.c, RECORD_ROUTING,
					   gateway->gw.local_ip);

	if (wire_listener_find(sipd->wire, &setup->to.listener,
			       (enum transport)setup->to.transport, local_ip,
			       addr))
		return ROUTE_UNRESOLVED;

	setup->to.remote = *addr;
	setup->to.conn = 0;
	if (setup->to.transport == TRANSPORT_TLS)
		wire_server_name(sipd->wire, addr,
				 text_of(setup->target_host));

	return begin(call, view, gateway, offer);
}


/* It is where it registered from (registration 1.6). */
static enum route_token prepare_device(struct call *call,
				       const struct view *view,
				       const struct cat_routing *gateway,
				       struct sdp *offer)
{
	struct device device;

	if (!bindings_devices(call->sipd, RECORD_ROUTING, gateway->gw.row.id,
			      &device, 1))
		return ROUTE_UNREGISTERED;
	call_aim(call, &device.flow);

	return begin(call, view, gateway, offer);
}


/* @return ROUTE_USABLE: something is under way for it */
static enum route_token try_one(struct call *call, const struct view *view,
				uint32_t id, struct sdp *offer)
{
	struct sipd *sipd = call->sipd;
	struct setup *setup = call->setup;
	const struct catalog *c = view->route.c;
	const struct cat_routing *gateway = catalog_by_id(c, RECORD_ROUTING,
							  id);
	const char *names[LEG_CODECS_MAX];
	const struct cat_target *target;
	struct sdp_codecs codecs;
	enum route_token token;
	struct resolved r;
	int err;

	leg_codecs(&codecs, names, c, call, false);
	token = route_usable(&view->route, id, offer, &codecs);
	if (token != ROUTE_USABLE)
		return token;
	if (gateway->gw.type) /* dynamic */
		return prepare_device(call, view, gateway, offer);
	target = target_of(sipd, c, gateway);
	if (!target)
		return ROUTE_OFFLINE;

	setup->to.transport = (uint8_t)params_transport(target);
	setup->target_port = target->port;
	if (text_copy(setup->target_host, sizeof(setup->target_host),
		      text_of(catalog_str(c, RECORD_ROUTING, target->host))))
		return ROUTE_UNRESOLVED;
	err = resolve(sipd->resolver, text_of(setup->target_host),
		      target->port, params_transport(target), &r, on_resolved,
		      sipd, call->id);
	if (err == EAGAIN)
		return ROUTE_USABLE;
	if (err || r.err || !r.addrc)
		return ROUTE_UNRESOLVED;

	return prepare(call, view, gateway, &r.addrs[0], offer);
}


/* --- the list
 * ---------------------------------------------------------------- */

/* It is read again only where that was done by a predecessor. */
static struct sdp *offer_of(struct call *call)
{
	const struct text body = blob_text(call->sipd->blobs, &call->i.offer);
	struct setup *setup = call->setup;

	if (!setup->has_offer &&
	    (!body.l || leg_sdp_parse(&setup->offer, &call->a, body)))
		return NULL;
	setup->has_offer = true;

	return &setup->offer;
}


/* call-setup 4.6, and 8 if an attempt was made */
static void exhausted(struct call *call)
{
	const struct setup *setup = call->setup;
	struct verdict verdict;

	if (setup->is_last_failed)
		verdict = verdict_of(&setup->last,
				     (call->i.flags & CALL_ALL_503) != 0);
	else
		verdict = verdict_plain(
			setup->list.count
				? route_none(setup->tokens, setup->tokenc)
				: END_NO_AVAILABLE_ROUTER);
	call_verdict(call, &verdict);
	call_handle(call, EV_EXHAUSTED);
}


static void walk(struct call *call, const struct view *view)
{
	struct setup *setup = call->setup;
	struct sdp *offer;

	offer = offer_of(call);
	while (setup->next_candidate < setup->list.count) {
		const uint32_t id =
			setup->list.rows[setup->next_candidate++].gateway;
		const enum route_token token = try_one(call, view, id, offer);

		if (token == ROUTE_USABLE)
			return;
		attempt_skipped(call, id, token);
	}
	exhausted(call);
}


/* The number is a phone's: it has to be registered here. */
static bool went_to_phone(struct call *call, const struct view *view)
{
	const uint32_t phone = route_local(view->route.c,
					   text_of(call->setup->called.text));
	struct sdp *offer;

	if (!phone)
		return false;

	offer = offer_of(call);
	call_phone(call, view, phone, offer);

	return true;
}


int call_next(struct call *call)
{
	struct setup *setup = call->setup;
	const struct route_caller caller = {
		call->i.mapping ? RECORD_MAPPING : RECORD_PHONE,
		call->i.mapping ? call->i.mapping : call->i.phone,
	};
	struct view view;

	if (!view_init(&view, call->sipd, call))
		return ENOENT;

	if (setup->is_forwarding)
		forward_place(call, view.route.c, offer_of(call));
	if (!setup->has_list && !went_to_phone(call, &view))
		route_list_make(&setup->list, &view.route, &caller,
				text_of(setup->called.text));
	setup->has_list = true;
	if (!call->i.phone_b)
		walk(call, &view);
	view_done(&view);

	return 0;
}


static void on_resolved(const struct resolved *r, void *arg, uint64_t user)
{
	struct sipd *sipd = arg;
	struct call *call = call_find(sipd, user);
	const struct cat_routing *gateway;
	enum route_token token = ROUTE_UNRESOLVED;
	struct sdp *offer;
	struct view view;
	uint32_t id;

	if (!call || call->i.state != CALL_ROUTING ||
	    !call->setup->next_candidate)
		return;

	id = call->setup->list.rows[call->setup->next_candidate - 1].gateway;
	if (!view_init(&view, sipd, call))
		return;
	gateway = catalog_by_id(view.route.c, RECORD_ROUTING, id);
	offer = offer_of(call);
	if (gateway && !r->err && r->addrc)
		token = prepare(call, &view, gateway, &r->addrs[0], offer);
	if (token != ROUTE_USABLE) {
		attempt_skipped(call, id, token);
		walk(call, &view);
	}
	view_done(&view);
}


/* --- away from a gateway
 * ------------------------------------------------------ */

void call_leave_b(struct call *call, const char *reason)
{
	struct errand_invite e = { .txn = 0 };
	char heads[96];
	struct compose c;

	ev_timer_stop(&call->timer);
	compose_init(&c, heads, sizeof(heads));
	compose_head(&c, "Reason", text_of(reason));
	e.heads = compose_result(&c);
	setup_copy_of(call, call->b.invite, &e);
	forks_cancel(call, reason);
	if (call->b.invite)
		errand_cancel(call, &e);
	call->b.invite = 0;
	setup_over(call, 0);
	/* An UPDATE between the two early dialogs ends with one of them. */
	renegotiate_abandon(&call->a, 500);
	renegotiate_abandon(&call->b, 500);
	call->b.i->state = LEG_ENDED;
	call_b_lines_give(call);
	leg_drop(&call->b);
}


int call_switch(struct call *call)
{
	char reason[32];

	stats_switched(call->sipd->stats, call->i.gateway,
		       call->setup->last.end);
	log_info(&call->log, "gateway_switch from=%u cause=%u",
		 call->i.gateway, call->setup->last.end);
	call_leave_b(call, reason_q850(END_NO_ANSWER, reason));
	media_leave(call);
	/* What the next one says, A is to hear (unless it may not change). */
	if (!(call->a.i->flags & LEG_ANSWERED_RELIABLY))
		call->i.flags &= ~(uint32_t)CALL_TOLD_SDP;
	call->i.switches++;

	return call_next(call);
}
