/**
 * @file sipd/renegotiate.c  Offers and answers of an answered call
 *
 * One exchange at a time on each leg: leg->peer is what the peer asked and
 * waits for, leg->ours what we asked of it. A request that is passed on has
 * both: peer on the leg it came from, ours on the other.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/id.h"
#include "shared/base/util.h"
#include "sipd/compose.h"
#include "sipd/exchange.h"
#include "sipd/intake.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/media_point.h"
#include "sipd/renegotiate_int.h"
#include "sipd/session.h"

/* --- answers to the peer
 * -------------------------------------------------------- */

void renegotiate_busy(struct leg *leg, txn_id txn)
{
	char seconds[8];

	(void)text_print(seconds, sizeof(seconds), "%u",
			 (unsigned)(id_random_u64() % 11));
	intake_reply_head(leg->call->sipd, txn, 500, "Retry-After", seconds);
}


static void reply_code(struct leg *leg, txn_id txn, unsigned code)
{
	const struct txn_reply reply = { .code = code };

	exchange_reply(leg, txn, &reply);
}


static void reply_ok(struct leg *leg, txn_id txn, enum method method,
		     uint32_t cseq, struct text sdp)
{
	char heads[640];
	struct compose c;
	struct txn_reply reply = { .code = 200, .body = sdp };

	session_granted(leg);
	compose_init(&c, heads, sizeof(heads));
	leg_heads(&c, leg, true, (leg->call->i.flags & CALL_IS_TIMER) != 0);
	session_heads(&c, leg, true, true);
	reply.heads = compose_result(&c);
	if (method == METHOD_INVITE) {
		leg->peer_done = txn;
		leg->ack_cseq = cseq;
	}
	exchange_reply(leg, txn, &reply);
	session_refreshed(leg);
}


/* Its offer was taken */
static void reply_taken(struct leg *leg, txn_id txn, struct text sdp)
{
	reply_ok(leg, txn,
		 leg->peer_method == METHOD_INVITE ? METHOD_INVITE
						   : METHOD_UPDATE,
		 leg->peer_cseq, sdp);
}


/* --- what comes of what was passed on
 * -------------------------------------------- */

/* Someone there is asked, or nobody is there any more: the final comes now,
 * or EHOSTDOWN. */
static void on_impatience(void *arg)
{
	struct leg *leg = arg;

	txn_cancel(leg->call->sipd->txns, leg->ours, (struct text){ "", 0 });
}


void leg_asks(struct leg *leg, enum leg_ours kind, enum method method,
	      uint32_t patience_ms)
{
	leg->ours_kind = (uint8_t)kind;
	leg->ours_method = (uint8_t)method;
	if (method == METHOD_INVITE)
		ev_timer_start(&leg->patience, leg->call->sipd->ev,
			       patience_ms, on_impatience, leg);
}


void leg_asks_not(struct leg *leg)
{
	ev_timer_stop(&leg->patience);
	leg->ours = 0;
	leg->ours_kind = OURS_NONE;
	leg->is_adopted = false;
}


/* The old session stays (call-lifetime 7). */
static void restore_sdp(struct leg *leg)
{
	if (!leg->sdp_before.unit)
		return;
	call_blob_drop(leg->call, &leg->i->sdp);
	leg->i->sdp = leg->sdp_before;
	leg->sdp_before = (struct blob){ 0 };
}


static void accepted(struct leg *leg, struct leg *other,
		     const struct message *m)
{
	const txn_id txn = leg->peer;
	const bool is_invite = m->cseq_method == METHOD_INVITE;
	struct text body = { "", 0 }, made = { "", 0 };
	bool owes_ack;
	int err = 0;

	leg_refresh(other, m);
	session_taken(other, m);
	session_refreshed(other);
	(void)message_sdp(m, &body);
	if (body.l)
		(void)leg_sdp_heard(other, body, leg->peer_late, &err);
	if (!err && body.l)
		err = leg_sdp_make(leg, body, &made, NULL);
	owes_ack = is_invite && leg->peer_late && txn && !err;
	exchange_accept(leg->call, m, body, owes_ack);
	call_blob_drop(leg->call, &other->sdp_before);
	call_publish(leg->call);
	if (!err && body.l && !leg->peer_late)
		media_agreed(leg->call);
	if (owes_ack) {
		other->ours_late = true; /* it waits for the answer */
		other->ack_cseq = m->cseq;
	}
	else if (is_invite)
		leg_ack(other, m->cseq, (struct text){ "", 0 });
	if (!txn)
		return; /* cancelled meanwhile */
	leg->waits_point = !err && media_is_pointing(leg->call);
	if (leg->waits_point)
		return;
	leg->peer = 0;
	if (err)
		reply_code(leg, txn, 488);
	else
		reply_taken(leg, txn, made);
}


/* B has its ACK, if it was sent: twice does no harm. */
void renegotiate_resume(struct leg *leg, uint32_t cseq)
{
	struct leg *other = leg_other(leg);

	if (cseq)
		leg_ack(other, cseq, (struct text){ "", 0 });
	if (!leg->peer_late)
		media_agreed(leg->call);
	leg->waits_point = true;
	if (!media_is_pointing(leg->call))
		renegotiate_pointed(leg);
}


void renegotiate_pointed(struct leg *leg)
{
	const txn_id txn = leg->peer;

	if (!leg->waits_point)
		return;
	leg->waits_point = false;
	leg->peer = 0;
	if (txn)
		reply_taken(leg, txn, leg_sdp(leg));
	session_free(leg);
	session_free(leg_other(leg));
}


void renegotiate_gone(struct leg *gone)
{
	struct call *call = gone->call;
	struct verdict verdict = verdict_plain(END_NORMAL_RELEASE);

	verdict.side = gone->is_b ? END_SIDE_CALLEE : END_SIDE_CALLER;
	call_verdict(call, &verdict);
	call_handle(call, EV_CUT);
}


static void refused(struct leg *leg, struct leg *other, unsigned code)
{
	const txn_id txn = leg->peer;

	exchange_over(leg->call);
	restore_sdp(other);
	media_refused(leg);
	/* Not in force: said again, it is asked again. */
	leg->i->peer_session = 0;
	leg->peer = 0;
	/* Our own credentials are no business of the peer. */
	if (txn)
		reply_code(leg, txn, code == 401 || code == 407 ? 503 : code);
	else
		call_publish(leg->call); /* cancelled meanwhile */
	if ((code == 481 || code == 408) &&
	    leg->call->i.state == CALL_ANSWERED)
		renegotiate_gone(other);
}


void renegotiate_heard(txn_id txn, int err, const struct message *m,
		       const struct flow *from, void *arg, uint64_t user)
{
	struct sipd *sipd = arg;
	struct call *call = call_find(sipd, user & ~LEG_OF_B);
	struct leg *leg, *other;
	bool is_adopted;

	if (!call || call->i.state == CALL_ENDED)
		return;
	other = user & LEG_OF_B ? &call->b : &call->a;
	leg = leg_other(other);
	if (m)
		leg_heard(other, from);
	if (other->ours != txn) {
		/* A 2xx that comes again, or late: ACK is all it wants. */
		if (m && m->cseq_method == METHOD_INVITE &&
		    m->code / 100 == 2 && !other->ours_late)
			leg_ack(other, m->cseq, (struct text){ "", 0 });
		return;
	}
	if (m && m->code < 200) {
		exchange_heard(call);
		return;
	}

	is_adopted = other->is_adopted;
	leg_asks_not(other);
	if (m && m->code < 300)
		accepted(leg, other, m);
	else if (m)
		refused(leg, other, m->code);
	else /* a predecessor may have had it */
		refused(leg, other, is_adopted ? 500 : 408);
	(void)err;
	session_free(leg);
	session_free(other);
}


/* The ACK that waited for the answer */
static void give_late(struct leg *leg, struct text sdp)
{
	if (!leg->ours_late)
		return;
	leg->ours_late = false;
	leg_ack(leg, leg->ack_cseq, sdp);
}


void renegotiate_abandon(struct leg *leg, unsigned code)
{
	struct txns *txns = leg->call->sipd->txns;

	exchange_end(leg->call);
	if (leg->peer)
		(void)txn_reply_code(txns, leg->peer, code);
	if (leg->peer_done)
		txn_acked(txns, leg->peer_done);
	if (leg->ours)
		txn_forget(txns, leg->ours);
	leg->peer = leg->peer_done = 0;
	leg->waits_point = false;
	leg->probe_again = leg->offer_again = false;
	leg_asks_not(leg);
	restore_sdp(leg);
	give_late(leg, (struct text){ "", 0 });
}


/* --- what the peer asks
 * ------------------------------------------------------------- */

void renegotiate_event(txn_id txn, enum txn_event event, void *arg,
		       uint64_t user)
{
	struct sipd *sipd = arg;
	struct call *call = call_find(sipd, user & ~LEG_OF_B);
	struct leg *leg;

	if (!call || call->i.state != CALL_ANSWERED)
		return;
	leg = user & LEG_OF_B ? &call->b : &call->a;
	if (event == TXN_CANCELLED && leg->peer == txn && !leg->waits_point) {
		/* Ours goes on until its final: a 2xx that crosses is ACKed,
		 * and nothing new is asked before. */
		leg->peer = 0;
		exchange_cancel(leg, txn);
		txn_cancel(sipd->txns, leg_other(leg)->ours,
			   (struct text){ "", 0 });
	}
	else if (event != TXN_CANCELLED && !leg->peer && !leg->peer_done) {
		exchange_acked(call); /* a refusal, or nobody ACKs it */
	}
	else if (event == TXN_BROKEN && leg->peer_done == txn) {
		/* It never hears the answer; the session timer judges. */
		leg->peer_done = 0;
		exchange_acked(call);
		give_late(leg_other(leg), (struct text){ "", 0 });
		session_free(leg);
		session_free(leg_other(leg));
	}
	else if (event == TXN_UNACKED && leg->peer_done == txn) {
		leg->peer_done = 0;
		(void)text_copy(call->i.detail, sizeof(call->i.detail),
				text_of("no_ack"));
		call_end_with(call, END_SESSION_TIMEOUT);
		call_handle(call, EV_CUT);
	}
}


/* The first INVITE of the dialog has no final yet (RFC 3261 14.2). */
static bool is_amid_first(struct leg *leg, txn_id txn, const struct message *m)
{
	if (m->method != METHOD_INVITE || leg->i->state >= LEG_CONFIRMED)
		return false;

	if (leg->is_b)
		(void)txn_reply_code(leg->call->sipd->txns, txn, 491);
	else
		renegotiate_busy(leg, txn);

	return true;
}


static bool is_too_short(struct leg *leg, txn_id txn, const struct message *m)
{
	const uint32_t min_s = leg->call->i.params.min_se_s;
	char text[16];
	uint32_t seconds;

	if (!(leg->call->i.flags & CALL_IS_TIMER) ||
	    message_seconds(m, HEAD_SESSION_EXPIRES, &seconds) ||
	    seconds >= min_s || !message_lists(m, HEAD_SUPPORTED, "timer"))
		return false;

	(void)text_print(text, sizeof(text), "%u", min_s);
	intake_reply_head(leg->call->sipd, txn, 422, "Min-SE", text);

	return true;
}


/* A dialog, with an answer that was ACKed if it has one: the 200 to A may wait
 * for a PRACK, and the ACK to B for A's answer. */
static bool can_ask(const struct leg *leg)
{
	return leg->i->state == LEG_EARLY ||
	       (leg->i->state == LEG_CONFIRMED && (leg->i->flags & LEG_ACKED));
}


static void pass_on(struct leg *leg, txn_id txn, const struct message *m,
		    struct text body)
{
	struct leg *other = leg_other(leg);
	struct call *call = leg->call;
	const bool as_update = m->method == METHOD_UPDATE &&
			       (other->i->flags & LEG_CAN_UPDATE);
	const struct exchange_ask ask = { leg, txn, m, body };
	char heads[640];
	struct compose c;
	struct leg_request r = {
		.method = as_update ? METHOD_UPDATE : METHOD_INVITE,
		.h = renegotiate_heard,
		.user = call->id | (other->is_b ? LEG_OF_B : 0),
		.keeph = exchange_begin,
		.keep = &ask,
	};
	int err = 0;

	if (other->ours || other->ours_late || other->peer ||
	    other->peer_done || !can_ask(other)) {
		media_refused(leg);
		(void)txn_reply_code(call->sipd->txns, txn, 491);
		return;
	}
	/* B is answered, and A's 200 waits for its PRACK: later. */
	if (other->i->state != LEG_CONFIRMED && !as_update) {
		media_refused(leg);
		(void)txn_reply_code(call->sipd->txns, txn,
				     call->i.state == CALL_ANSWERED ? 491
								    : 488);
		return;
	}

	if (body.l)
		err = leg_sdp_make(other, body, &r.body, &other->sdp_before);
	compose_init(&c, heads, sizeof(heads));
	leg_heads(&c, other, false, (call->i.flags & CALL_IS_TIMER) != 0);
	session_heads(&c, other, false, false);
	r.heads = compose_result(&c);
	if (!err)
		err = leg_send(other, &r, &other->ours);
	if (err) {
		exchange_end(call);
		restore_sdp(other);
		media_refused(leg);
		(void)txn_reply_code(call->sipd->txns, txn,
				     err == ENOENT ? 488 : 500);
		return;
	}

	if (m->method == METHOD_INVITE)
		(void)txn_reply_code(call->sipd->txns, txn, 100);
	leg_asks(other, OURS_FORWARD, r.method, PATIENCE_MS);
	leg->peer = txn;
	leg->peer_method = (uint8_t)m->method;
	leg->peer_cseq = m->cseq;
	leg->peer_late = m->method == METHOD_INVITE && !body.l;
	if (!exchange_is_open(call)) /* else it is published */
		call_publish(call);
}


void renegotiate_receive(struct leg *leg, txn_id txn, const struct message *m)
{
	struct call *call = leg->call;
	struct txns *txns = call->sipd->txns;
	struct text body;
	bool same = false;
	int err = 0;

	txn_own(txns, txn, renegotiate_event, call->sipd,
		call->id | (leg->is_b ? LEG_OF_B : 0));
	if ((leg->ours && leg->ours_method != METHOD_INFO) || leg->ours_late) {
		(void)txn_reply_code(txns, txn, 491);
		return;
	}
	if (leg->peer || leg->peer_done) {
		renegotiate_busy(leg, txn);
		return;
	}
	if (is_amid_first(leg, txn, m) || is_too_short(leg, txn, m))
		return;
	if (message_sdp(m, &body)) {
		intake_reply_head(call->sipd, txn, 415, "Accept",
				  "application/sdp");
		return;
	}

	leg_refresh(leg, m);
	if (body.l)
		same = leg_sdp_heard(leg, body, true, &err);
	if (err) {
		(void)txn_reply_code(txns, txn, 488);
		return;
	}
	session_asked(leg, m);
	if (m->method == METHOD_UPDATE && !body.l)
		reply_ok(leg, txn, METHOD_UPDATE, m->cseq, body);
	else if (same && call->i.state == CALL_ANSWERED)
		reply_ok(leg, txn, m->method, m->cseq, leg_sdp(leg));
	else
		pass_on(leg, txn, m, body);
}


void renegotiate_acked(struct leg *leg, const struct message *m)
{
	struct leg *other = leg_other(leg);
	struct text body, made = { "", 0 };
	int err = 0;

	if (!leg->peer_done || m->cseq != leg->ack_cseq)
		return;

	txn_acked(leg->call->sipd->txns, leg->peer_done);
	leg->peer_done = 0;
	if (other->ours_late && !message_sdp(m, &body) && body.l) {
		(void)leg_sdp_heard(leg, body, false, &err);
		(void)leg_sdp_make(other, body, &made, NULL);
		media_agreed(leg->call);
	}
	give_late(other, made);
	exchange_acked(leg->call);
	session_free(leg);
	session_free(other);
}


/* --- what we ask by ourselves
 * ----------------------------------------------------- */

static void on_offered(txn_id txn, int err, const struct message *m,
		       const struct flow *from, void *arg, uint64_t user)
{
	struct sipd *sipd = arg;
	struct call *call = call_find(sipd, user);

	(void)err;
	if (!call)
		return;
	if (m && m->code / 100 == 2)
		leg_ack(&call->a, m->cseq, (struct text){ "", 0 });
	if (call->a.ours != txn || (m && m->code < 200))
		return;
	if (m)
		leg_heard(&call->a, from);
	leg_asks_not(&call->a);
	session_free(&call->a);
}


void renegotiate_offer(struct leg *leg)
{
	struct call *call = leg->call;
	char heads[640];
	struct compose c;
	struct leg_request r = {
		.method = METHOD_INVITE,
		.body = leg_sdp(leg),
		.h = on_offered,
		.user = call->id,
	};

	compose_init(&c, heads, sizeof(heads));
	leg_heads(&c, leg, false, (call->i.flags & CALL_IS_TIMER) != 0);
	session_heads(&c, leg, false, false);
	r.heads = compose_result(&c);
	if (leg_send(leg, &r, &leg->ours))
		return;
	leg_asks(leg, OURS_OFFER, METHOD_INVITE, PATIENCE_MS);
	call_publish(call);
}
