/**
 * @file sipd/indialog.c  Requests in a dialog, by one table
 */
#include "shared/base/util.h"
#include "sipd/intake.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/media_point.h"
#include "sipd/prack.h"
#include "sipd/renegotiate.h"
#include "sipd/session.h"
#include "sipd/setup_keep.h"


/* Nothing is in it but what is in the request. */
static void bye_done(struct sipd *sipd, txn_id txn)
{
	(void)txn_reply_anew(sipd->txns, txn,
			     &(struct txn_reply){ .code = 200 }, 0);
}


static void receive_bye(struct leg *leg, txn_id txn, const struct message *m)
{
	struct call *call = leg->call;
	struct verdict verdict = verdict_plain(END_NORMAL_RELEASE);
	struct text reason = message_head(m, HEAD_REASON), head, rest;

	if (call->i.state != CALL_ANSWERED && leg->is_b) {
		(void)txn_reply_code(call->sipd->txns, txn, 481);
		return;
	}
	bye_done(call->sipd, txn);
	if (call->i.state != CALL_ANSWERED || (call->setup && !leg->is_b)) {
		call_end_with(call, END_CALLER_CANCEL); /* call-setup 11 */
		call_handle(call, EV_CANCEL);
		return;
	}

	/* Protocol and cause are passed on, not the text. */
	if (reason.p && text_cut(reason, ';', &head, &rest) &&
	    (text_is_nocase(text_trim(head), "Q.850") ||
	     text_is_nocase(text_trim(head), "SIP"))) {
		struct text cause;

		if (head_param(rest, "cause", &cause) && cause.l < 8)
			(void)text_print(call->reason_text,
					 sizeof(call->reason_text),
					 "%s;cause=%.*s",
					 text_is_nocase(text_trim(head), "SIP")
						 ? "SIP"
						 : "Q.850",
					 (int)cause.l, cause.p);
	}
	/* Published with the end of the call: a successor sends BYE to the
	 * other side only. */
	leg->i->state = LEG_ENDED;
	call->bye_of = leg->is_b ? 2 : 1;
	verdict.side = leg->is_b ? END_SIDE_CALLEE : END_SIDE_CALLER;
	call_verdict(call, &verdict);
	call_handle(call, EV_BYE);
}


static void receive_options(struct leg *leg, txn_id txn,
			    const struct message *m)
{
	(void)m;
	intake_reply_head(leg->call->sipd, txn, 200, "Allow", leg_allow);
}


static void receive_prack(struct leg *leg, txn_id txn, const struct message *m)
{
	if (leg->is_b)
		(void)txn_reply_code(leg->call->sipd->txns, txn, 481);
	else
		prack_receive(leg->call, txn, m);
}


static void receive_other(struct leg *leg, txn_id txn, const struct message *m)
{
	if (m->method == METHOD_OTHER)
		(void)txn_reply_code(leg->call->sipd->txns, txn, 501);
	else if (m->method == METHOD_CANCEL)
		(void)txn_reply_code(leg->call->sipd->txns, txn, 481);
	else
		intake_reply_head(leg->call->sipd, txn, 405, "Allow",
				  leg_allow);
}


/* call-lifetime 7; what has no row gets 405, 481 or 501 */
static void (*const receivers[METHODC])(struct leg *leg, txn_id txn,
					const struct message *m) = {
	[METHOD_BYE] = receive_bye,
	[METHOD_INVITE] = renegotiate_receive,
	[METHOD_UPDATE] = renegotiate_receive,
	[METHOD_INFO] = renegotiate_forward,
	[METHOD_OPTIONS] = receive_options,
	[METHOD_PRACK] = receive_prack,
};


void indialog_receive(struct leg *leg, txn_id txn, const struct message *m,
		      const struct flow *from)
{
	struct call *call = leg->call;
	struct sipd *sipd = call->sipd;
	struct txns *txns = sipd->txns;
	bool has_begun;

	txn_resend_set(txns, txn, &call->i.params.resend);
	if (call->i.state == CALL_ENDED) {
		/* Ours crossed it, and the first cause stays (call-lifetime
		 * 5, 6). */
		if (m->method == METHOD_BYE)
			bye_done(sipd, txn);
		else
			(void)txn_reply_code(txns, txn, 481);
		return;
	}
	if (m->cseq < leg->i->remote_cseq && m->method != METHOD_CANCEL) {
		(void)txn_reply_code(txns, txn, 500);
		return;
	}

	has_begun = call_work_begin(call);
	leg->i->remote_cseq = m->cseq;
	leg_heard(leg, from);
	if (receivers[m->method])
		receivers[m->method](leg, txn, m);
	else
		receive_other(leg, txn, m);
	call_work_end(sipd, has_begun);
}


/* A's ACK to the 200 of its INVITE */
static void acked_answer(struct call *call, const struct message *m)
{
	struct leg *a = &call->a, *b = &call->b;
	struct text body, made = { "", 0 };
	int err;

	txn_acked(call->sipd->txns, a->invite);
	a->i->flags |= LEG_ACKED;
	if (!(b->i->flags & LEG_ACKED)) {
		/* A late offer: the answer is in here (call-setup 12.5). */
		if (!message_sdp(m, &body) && body.l) {
			(void)leg_sdp_heard(a, body, false, &err);
			(void)leg_sdp_make(b, body, &made, NULL);
			media_agreed(call);
		}
		leg_ack(b, b->i->invite_cseq, made);
	}
	setup_end(call);
	call_publish(call);
	if (a->offer_again) {
		a->offer_again = false;
		renegotiate_offer(a);
	}
	session_free(a); /* a probe may have waited for the ACK */
	session_free(b);
}


void indialog_ack(struct leg *leg, const struct message *m,
		  const struct flow *from)
{
	struct call *call = leg->call;
	struct sipd *sipd = call->sipd;
	bool has_begun;

	if (call->i.state != CALL_ANSWERED || call->setup)
		return; /* setup: A has no answer that it could ACK */
	has_begun = call_work_begin(call);
	leg_heard(leg, from);
	if (!leg->is_b && m->cseq == leg->i->invite_cseq)
		acked_answer(call, m);
	else
		renegotiate_acked(leg, m);
	call_work_end(sipd, has_begun);
}
