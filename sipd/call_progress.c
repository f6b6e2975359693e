/**
 * @file sipd/call_progress.c  Provisionals: their timers, and what A hears
 */
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/attempt.h"
#include "sipd/call_act.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/params.h"
#include "sipd/prack.h"
#include "sipd/stats.h"

/* Classes of call-setup 5; a bit each in setup->classes */
enum {
	CLASS_TRYING,
	CLASS_PROGRESS,
	CLASS_EARLY_MEDIA,
	CLASS_RINGING,
	CLASSC
};

static const uint8_t ends[CLASSC] = {
	[CLASS_TRYING] = ATTEMPT_T2,
	[CLASS_PROGRESS] = ATTEMPT_T3A,
	[CLASS_EARLY_MEDIA] = ATTEMPT_T3B,
	[CLASS_RINGING] = ATTEMPT_T4,
};


static void on_timer(void *arg)
{
	struct call *call = arg;

	attempt_failed(call, (enum attempt_end)ends[call->timer_class], 0);
}


static uint32_t class_ms(const struct call *call, int class)
{
	struct sipd *sipd = call->sipd;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	const struct cat_routing *gateway =
		c ? catalog_by_id(c, RECORD_ROUTING, call->i.gateway) : NULL;
	struct gateway_params g = {
		.t2_s = call->i.params.t2_s,
		.t3a_s = call->i.params.t3a_s,
		.t3b_s = call->i.params.t3b_s,
		.t4_s = call->i.params.t4_s,
	};

	if (gateway)
		params_gateway(&g, &call->i.params, c, gateway);
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);

	const uint32_t seconds[CLASSC] = { g.t2_s, g.t3a_s, g.t3b_s, g.t4_s };

	return seconds[class] * 1000;
}


/* Each class starts its timer the first time it is seen, and replaces the one
 * that runs. */
static void start_class(struct call *call, int class)
{
	const uint8_t bit = (uint8_t)(1 << class);

	if (call->setup->classes & bit)
		return;
	call->setup->classes |= bit;
	call->timer_class = (uint8_t) class;
	ev_timer_start(&call->timer, call->sipd->ev, class_ms(call, class),
		       on_timer, call);
}


int call_trying(struct call *call)
{
	start_class(call, CLASS_TRYING);

	return 0;
}


/* A hears one dialog, and the first SDP of it (call-setup 12.2). */
static bool has_sdp_for_a(struct call *call)
{
	const struct text body = blob_text(call->sipd->blobs, &call->i.b_sdp);
	struct text made;

	if (!call->setup->b_has_sdp || (call->i.flags & CALL_LATE_OFFER))
		return false;
	if (call->i.flags & CALL_TOLD_SDP)
		return true;
	if (leg_sdp_make(&call->a, body, &made, NULL))
		return false;
	call->i.flags |= CALL_TOLD_SDP;

	return true;
}


int call_progress(struct call *call)
{
	const unsigned code = call->setup->b_code;
	const bool with_sdp = has_sdp_for_a(call);

	start_class(call, code == 180              ? CLASS_RINGING
			  : call->setup->b_has_sdp ? CLASS_EARLY_MEDIA
						   : CLASS_PROGRESS);
	if (!call->i.progress_us) {
		call->i.progress_us = clk_wall_us();
		stats_setup(call->sipd->stats, call->i.mapping,
			    call->i.gateway,
			    call->i.progress_us - call->i.start_us);
	}
	call->a.i->state = LEG_EARLY;

	return prack_tell(call, code, with_sdp);
}
