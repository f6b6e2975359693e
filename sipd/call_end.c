/**
 * @file sipd/call_end.c  A call ends: finals, BYEs, lines, the record
 *
 * What is freed is freed when the last message is sent, not when it is
 * answered. The slot stays until billingd has the record (cdr 3).
 */
#include "shared/base/clk.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/attempt.h"
#include "sipd/call_act.h"
#include "sipd/credit.h"
#include "sipd/leg.h"
#include "sipd/media.h"
#include "sipd/metrics.h"
#include "sipd/renegotiate.h"
#include "sipd/renew.h"
#include "sipd/setup_keep.h"
#include "sipd/stats.h"


/* Nothing of it is needed any more but the record. */
static void finish(struct call *call)
{
	const enum end_reason reason = (enum end_reason)call->i.reason;
	struct stats *stats = call->sipd->stats;

	stats_ended(stats, STATS_IN, call->i.mapping, reason);
	if (attempt_is_open(call))
		stats_ended(stats, STATS_OUT, call->i.gateway, reason);
	credit_cancel(call);
	media_cancel(call);
	renew_stop(call);
	ev_timer_stop(&call->timer);
	ev_timer_stop(&call->a.timer);
	ev_timer_stop(&call->b.timer);
	call_lines_give(call);
	call_b_lines_give(call);
	setup_end(call);
	call_blob_drop(call, &call->i.offer);
	call_blob_drop(call, &call->i.b_sdp);
	call_blob_drop(call, &call->i.a.sdp);
	call_blob_drop(call, &call->i.b.sdp);
	call_blob_drop(call, &call->a.sdp_before);
	call_blob_drop(call, &call->b.sdp_before);
	if (call->i.answer_us)
		stats_talk(stats, call->i.mapping, call->i.gateway,
			   call->i.end_boot_us - call->i.answer_boot_us);
	log_info(&call->log,
		 "call_end reason=%s code=%u side=%s duration_ms=%lld",
		 end_defs[reason].token, call->i.code, end_sides[call->i.side],
		 call->i.answer_boot_us
			 ? (long long)((call->i.end_boot_us -
					call->i.answer_boot_us) /
				       1000)
			 : 0LL);
	call_publish(call);
}


/* --- before the answer
 * --------------------------------------------------------- */

static uint16_t mapped(const struct call *call, uint16_t code)
{
	struct sipd *sipd = call->sipd;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	const struct cat_mapping *mapping =
		c && call->i.mapping
			? catalog_by_id(c, RECORD_MAPPING, call->i.mapping)
			: NULL;
	const struct cat_cause *map;
	size_t n;

	if (mapping) {
		map = catalog_span(c, RECORD_MAPPING, mapping->cause_map,
				   sizeof(*map), &n);
		code = cause_map(map, n, code);
	}
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);

	return code;
}


static void final_to_a(struct call *call)
{
	struct txns *txns = call->sipd->txns;
	char heads[160], cause[32];
	struct compose c;
	struct txn_reply reply = { .code = call->i.code };

	if (call->is_silent) {
		txn_ignore(txns, call->a.invite);
		return;
	}

	compose_init(&c, heads, sizeof(heads));
	compose_put(&c, "Server: Tandem\r\nReason: ");
	compose_put(&c, reason_q850((enum end_reason)call->i.reason, cause));
	compose_put(&c, "\r\n");
	if (call->retry_after_s) {
		compose_put(&c, "Retry-After: ");
		compose_number(&c, call->retry_after_s);
		compose_put(&c, "\r\n");
	}
	reply.heads = compose_result(&c);
	(void)errand_refuse(call, &reply);
}


/* The attempt under way ends with the call. */
static void leave(struct call *call)
{
	char cause[32];

	if (call->setup && call->b.invite &&
	    call->setup->result.end == ATTEMPT_NONE) {
		call->setup->result.end = ATTEMPT_FINAL;
		call->setup->result.code = 487;
		attempt_end(call);
	}
	call_leave_b(call,
		     reason_q850((enum end_reason)call->i.reason, cause));
}


int call_refuse(struct call *call)
{
	call->i.code = mapped(call, call->i.code);
	leave(call);
	final_to_a(call);
	call->a.i->state = LEG_ENDED;
	finish(call);

	return media_end(call);
}


int call_cancel(struct call *call)
{
	call_end_with(call, END_CALLER_CANCEL);
	leave(call);
	final_to_a(call);
	call->a.i->state = LEG_ENDED;
	finish(call);

	return media_end(call);
}


/* --- after it
 * --------------------------------------------------------------------- */

static void end_leg(struct leg *leg, bool sent_bye)
{
	const struct call *call = leg->call;

	renegotiate_abandon(leg, 487);
	if (!sent_bye)
		leg_bye(leg, (enum end_reason)call->i.reason,
			call->reason_text);
	else
		leg->i->state = LEG_ENDED;
}


int call_release(struct call *call)
{
	/* The 200 to A may still wait for a PRACK: then it gets a final, and
	 * so does what it asked meanwhile. */
	if (call->setup) {
		renegotiate_abandon(&call->a, 487);
		if (call->i.code < 300) /* a BYE of B has none */
			call->i.code = 503;
		final_to_a(call);
		call->a.i->state = LEG_ENDED;
	}
	else {
		txn_acked(call->sipd->txns, call->a.invite);
		end_leg(&call->a, call->bye_of == 1);
	}
	if (!(call->b.i->flags & LEG_ACKED)) /* a late offer without ACK */
		leg_ack(&call->b, call->b.i->invite_cseq,
			(struct text){ "", 0 });
	txn_forget(call->sipd->txns, call->b.invite);
	end_leg(&call->b, call->bye_of == 2);
	finish(call);

	return media_end(call);
}


int call_record(struct call *call)
{
	metric_inc(M_RECORD_RETRIES);
	ev_timer_start(&call->deadline, call->sipd->ev,
		       call_deadlines_ms[CALL_ENDED], call_on_deadline, call);

	return media_end(call);
}


int call_forget(struct call *call)
{
	credit_cancel(call);
	media_cancel(call);
	call_free(call);

	return 0;
}


/* --- from A's INVITE transaction
 * ------------------------------------------------ */

static void on_a_event(txn_id txn, enum txn_event event, void *arg,
		       uint64_t user)
{
	struct sipd *sipd = arg;
	struct call *call = call_find(sipd, user);

	(void)txn;
	if (call)
		call_heard_a(call, event);
}


void call_own_a(struct call *call)
{
	struct txns *txns = call->sipd->txns;

	txn_own(txns, call->a.invite, on_a_event, call->sipd, call->id);
	txn_resend_set(txns, call->a.invite, &call->i.params.resend);
}


static void cancelled(struct call *call)
{
	if (call->i.state == CALL_ENDED || call->i.answer_us)
		return;
	call_end_with(call, END_CALLER_CANCEL);
	call_handle(call, EV_CANCEL);
}


static void unacked(struct call *call)
{
	if (call->i.state != CALL_ANSWERED)
		return;
	(void)text_copy(call->i.detail, sizeof(call->i.detail),
			text_of("no_ack"));
	call_end_with(call, END_SESSION_TIMEOUT);
	call_handle(call, EV_CUT);
}


void call_heard_a(struct call *call, enum txn_event event)
{
	switch (event) {
	case TXN_CANCELLED:
		cancelled(call);
		break;
	case TXN_BROKEN: /* the caller is gone */
		if (call->i.answer_us)
			unacked(call);
		else
			cancelled(call);
		break;
	case TXN_UNACKED:
		unacked(call);
		break;
	case TXN_UNPRACKED: {
		struct verdict verdict = verdict_plain(END_GATEWAY_TIMEOUT);

		verdict.code = 504; /* call-setup 12.3 */
		call_verdict(call, &verdict);
		call_handle(call, EV_CUT);
		break;
	}
	case TXN_ACKED:
	default:
		break;
	}
}
