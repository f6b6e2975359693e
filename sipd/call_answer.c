/**
 * @file sipd/call_answer.c  B has answered: ACK, 200 to A, the clocks
 */
#include <errno.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "sipd/attempt.h"
#include "sipd/call_act.h"
#include "sipd/caps.h"
#include "sipd/credit.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/media_point.h"
#include "sipd/session.h"
#include "sipd/setup_keep.h"
#include "sipd/stats.h"


static void take_codec(struct call *call)
{
	struct sdp sdp;

	if (leg_sdp_read(&sdp, &call->a))
		return;
	(void)text_copy(call->i.codec, sizeof(call->i.codec),
			text_of(sdp_codec(&sdp)));
}


/* What A is told with the answer. If it has another one already, reliably, it
 * has to be asked anew. */
static int make_sdp(struct call *call)
{
	const struct text body = blob_text(call->sipd->blobs, &call->i.b_sdp);
	const uint32_t before = call->a.i->o_version;
	struct text made;
	int err;

	if (!body.l) /* it said none, or none that may be used (security 1) */
		return EBADMSG;
	err = leg_sdp_make(&call->a, body, &made, NULL);
	if (err)
		return err;
	take_codec(call);
	call->a.offer_again = (call->a.i->flags & LEG_ANSWERED_RELIABLY) &&
			      before != call->a.i->o_version;

	return 0;
}


static void put_timer(struct compose *c, struct call *call)
{
	const struct timer_terms *terms = &call->setup->terms;

	if (!terms->has_timer)
		return;
	if (terms->a_require)
		compose_put(c, "Require: timer\r\n");
	compose_put(c, "Session-Expires: ");
	compose_number(c, terms->a_expires_s);
	compose_put(c, terms->a_refresher == REFRESHER_UAC
			       ? ";refresher=uac\r\n"
			       : ";refresher=uas\r\n");
}


void call_answer_a(struct call *call)
{
	if (make_sdp(call)) {
		call_end_with(call, END_MEDIA_FAILURE);
		call_handle(call, EV_CUT);
		return;
	}
	/* Before A may speak, mediad knows where both are: what it has written
	 * down does not depend on us any more, and nothing is cut off. */
	if (media_answered(call))
		call_publish(call); /* B has its ACK: a successor sends none */
	else
		call_answer_told(call);
}


void call_answer_told(struct call *call)
{
	struct leg *a = &call->a;
	char heads[640];
	struct compose c;
	struct txn_reply reply = { .code = 200 };

	if (!(a->i->flags & LEG_ANSWERED_RELIABLY))
		reply.body = leg_sdp(a);
	compose_init(&c, heads, sizeof(heads));
	leg_heads(&c, a, true, call->setup->terms.has_timer);
	put_timer(&c, call);
	reply.heads = compose_result(&c);

	call->i.answer_us = clk_wall_us();
	call->i.answer_boot_us = clk_boot_us();
	call->i.code = 200;
	a->i->state = LEG_CONFIRMED;
	a->i->expires_s = call->setup->terms.has_timer
				  ? call->setup->terms.a_expires_s
				  : 0;
	a->i->refresher = call->setup->terms.a_refresher == REFRESHER_UAC
				  ? REFRESHER_UAS /* as we see it */
				  : REFRESHER_UAC;
	caps_start(call);
	session_start(a);
	session_start(&call->b);
	setup_over(call, 0);
	(void)setup_reply(call, &reply);
	credit_answered(call);
	stats_answered(call->sipd->stats, STATS_IN, call->i.mapping);
	stats_answer(call->sipd->stats, call->i.mapping, call->i.gateway,
		     call->i.answer_us - call->i.start_us);
	if (!call->i.progress_us)
		stats_setup(call->sipd->stats, call->i.mapping,
			    call->i.gateway,
			    call->i.answer_us - call->i.start_us);
	log_info(&call->log, "call_answered ms=%u",
		 (unsigned)((call->i.answer_us - call->i.start_us) / 1000));

	setup_give(call->sipd, call->setup);
	call->setup = NULL;
	call_blob_drop(call, &call->i.offer);
	call_blob_drop(call, &call->i.b_sdp);
	call_publish(call);
}


int call_answer(struct call *call)
{
	ev_timer_stop(&call->timer);
	attempt_answered(call);
	if (!(call->i.flags & CALL_LATE_OFFER))
		leg_ack(&call->b, call->b.i->invite_cseq,
			(struct text){ "", 0 });
	if (call->setup->a_reliable_pending) {
		/* call-setup 12.3: a PRACK that acknowledges SDP is awaited */
		call->setup->answer_waits = true;
		call_publish(call);
		return 0;
	}
	call_answer_a(call);

	return 0;
}
