/**
 * @file sipd/view.c  What routing may look at: lines, health, money
 */
#include "shared/base/clk.h"
#include "shared/ev/ev.h"
#include "shared/svc/svc.h"
#include "sipd/bindings.h"
#include "sipd/call.h"
#include "sipd/health.h"
#include "sipd/view.h"


static uint32_t view_lines(enum lines_kind kind, uint32_t id, void *arg)
{
	const struct view *view = arg;

	return lines_used(view->sipd->lines, kind, id);
}


static bool view_rate_left(enum lines_kind kind, uint32_t id, uint32_t limit,
			   void *arg)
{
	const struct view *view = arg;

	return lines_rate_left(view->sipd->lines, kind, id, limit,
			       ev_now_us(view->sipd->ev));
}


static bool view_is_online(uint32_t gateway, void *arg)
{
	const struct view *view = arg;

	return health_gateway(view->sipd->health, gateway) != HEALTH_OFFLINE;
}


static bool view_is_bound(uint32_t gateway, void *arg)
{
	const struct view *view = arg;

	return bindings_reach(view->sipd, RECORD_ROUTING, gateway);
}


static bool view_is_registered(uint32_t registration, void *arg)
{
	const struct view *view = arg;

	return bindings_upstream(view->sipd, registration);
}


static bool view_is_short(uint32_t account, void *arg)
{
	const struct view *view = arg;
	const struct setup *setup = view->call ? view->call->setup : NULL;

	for (size_t i = 0; setup && i < setup->shortc; i++)
		if (setup->shorts[i] == account)
			return true;

	return false;
}


bool view_init(struct view *view, struct sipd *sipd, const struct call *call)
{
	*view = (struct view){
		.route = {
			.c = catalog_pin(svc_catalog(sipd->svc)),
			.wall_us = clk_wall_us(),
			.lines = view_lines,
			.rate_left = view_rate_left,
			.is_online = view_is_online,
			.is_bound = view_is_bound,
			.is_registered = view_is_registered,
			.is_short = view_is_short,
			.arg = view,
		},
		.sipd = sipd,
		.call = call,
	};

	return view->route.c != NULL;
}


void view_done(struct view *view)
{
	if (view->route.c)
		catalog_unpin(svc_catalog(view->sipd->svc), view->route.c);
}
