/**
 * @file sipd/call_progress.c  Provisionals: their timers, and what A hears
 */
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/attempt.h"
#include "sipd/call_act.h"
#include "sipd/call_phone.h"
#include "sipd/forward.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/media.h"
#include "sipd/media_point.h"
#include "sipd/media_terms.h"
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

	if (c && call_is_to_phone(call))
		g.t4_s = call_phone_ringing_s(call, c);
	if (gateway)
		params_gateway(&g, &call->i.params, c, gateway);
	if (forward_is_child(call))
		g.t4_s = call->i.params.t4_s;
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
	uint32_t ms;

	if (call->setup->is_forwarding)
		return; /* that call has its own timers, and says so */
	if (call->setup->classes & bit)
		return;
	call->setup->classes |= bit;
	call->timer_class = (uint8_t) class;
	ms = class_ms(call, class);
	call->setup->kept.timer_boot_us = ev_boot_us(call->sipd->ev) +
					  ms * INT64_C(1000);
	ev_timer_start(&call->timer, call->sipd->ev, ms, on_timer, call);
}


void call_progress_adopt(struct call *call)
{
	const int64_t left_us = call->setup->kept.timer_boot_us -
				clk_boot_us();

	if (!call->setup->classes)
		return;
	ev_timer_start(&call->timer, call->sipd->ev,
		       left_us > 0 ? (uint32_t)((left_us + 999) / 1000) : 0,
		       on_timer, call);
}


int call_trying(struct call *call)
{
	start_class(call, CLASS_TRYING);
	call_publish(call);

	return 0;
}


/* --- who makes the tone (call-setup 9) ------------------------------------ */

static enum media_ring ring_of(const struct call *call)
{
	struct sipd *sipd = call->sipd;
	const struct cat_routing *gateway;
	const struct catalog *c;
	int32_t ring = MEDIA_RING_PASSTHROUGH;

	if (!media_has_relay(call) || call->i.phone_b ||
	    (call->i.flags & CALL_LATE_OFFER))
		return MEDIA_RING_PASSTHROUGH;
	c = catalog_pin(svc_catalog(sipd->svc));
	gateway = c ? catalog_by_id(c, RECORD_ROUTING, call->i.gateway) : NULL;
	if (gateway)
		ring = gateway->ring_back;
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);

	return (enum media_ring)ring;
}


static bool has_tone_for_a(struct call *call)
{
	if (call->rings || (call->i.flags & CALL_TOLD_SDP))
		return true; /* what it was told holds */
	if (leg_sdp_tone(&call->a,
			 blob_text(call->sipd->blobs, &call->i.offer)))
		return false;
	media_ring(call);

	return true;
}


/* --- what A hears ---------------------------------------------------------- */

static int class_of(const struct call *call, enum media_ring ring)
{
	if (ring == MEDIA_RING_183)
		return CLASS_EARLY_MEDIA;
	if (ring == MEDIA_RING_180 || call->setup->b_code == 180)
		return CLASS_RINGING;

	return call->setup->b_has_sdp ? CLASS_EARLY_MEDIA : CLASS_PROGRESS;
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
	bool with_sdp = has_sdp_for_a(call);
	enum media_ring ring = ring_of(call);
	unsigned code = call->setup->b_code;

	if (ring != MEDIA_RING_PASSTHROUGH && !with_sdp) {
		with_sdp = has_tone_for_a(call);
		if (!with_sdp)
			ring = MEDIA_RING_PASSTHROUGH;
	}
	if (ring != MEDIA_RING_PASSTHROUGH)
		code = ring == MEDIA_RING_183 ? 183 : 180;
	start_class(call, class_of(call, ring));
	if (call->setup->b_has_sdp && !(call->i.flags & CALL_LATE_OFFER))
		media_agreed(call);
	if (!call->i.progress_us) {
		call->i.progress_us = clk_wall_us();
		stats_setup(call->sipd->stats, call->i.mapping,
			    call->i.gateway,
			    call->i.progress_us - call->i.start_us);
	}
	call->a.i->state = LEG_EARLY;

	return prack_tell(call, code, with_sdp);
}
