/**
 * @file sipd/renegotiate_info.c  INFO is passed on
 *
 * It is not written down: who asks repeats it, and a successor passes it on
 * again.
 */
#include "shared/base/util.h"
#include "sipd/leg.h"
#include "sipd/media_digit.h"
#include "sipd/renegotiate_int.h"
#include "sipd/session.h"


static void on_passed(txn_id txn, int err, const struct message *m,
		      const struct flow *from, void *arg, uint64_t user)
{
	struct sipd *sipd = arg;
	struct call *call = call_find(sipd, user & ~LEG_OF_B);
	struct leg *leg, *other;
	unsigned code;

	(void)err;
	if (!call)
		return;
	other = user & LEG_OF_B ? &call->b : &call->a;
	leg = leg_other(other);
	if (other->ours != txn || (m && m->code < 200))
		return;
	if (m)
		leg_heard(other, from);
	code = m ? m->code : 408;
	leg_asks_not(other);
	(void)txn_reply_code(sipd->txns, leg->peer,
			     code == 401 || code == 407 ? 503 : code);
	leg->peer = 0;
	if ((code == 481 || code == 408) && call->i.state == CALL_ANSWERED)
		renegotiate_gone(other);
	session_free(leg);
	session_free(other);
}


void renegotiate_forward(struct leg *leg, txn_id txn, const struct message *m)
{
	struct leg *other = leg_other(leg);
	struct call *call = leg->call;
	char type[128];
	struct leg_request r = {
		.method = m->method,
		.body = m->body,
		.type = type,
		.h = on_passed,
		.user = call->id | (other->is_b ? LEG_OF_B : 0),
	};

	if (media_digit_receive(leg, txn, m))
		return;
	if (leg->peer || other->ours ||
	    (other->i->state != LEG_EARLY &&
	     other->i->state != LEG_CONFIRMED)) {
		renegotiate_busy(leg, txn);
		return;
	}
	if (text_copy(type, sizeof(type), message_head(m, HEAD_CONTENT_TYPE)))
		type[0] = '\0';
	if (m->body.l && !type[0]) {
		(void)txn_reply_code(call->sipd->txns, txn, 415);
		return;
	}
	if (leg_send(other, &r, &other->ours)) {
		(void)txn_reply_code(call->sipd->txns, txn, 500);
		return;
	}
	leg_asks(other, OURS_FORWARD, m->method, 0);
	leg->peer = txn;
	leg->peer_method = (uint8_t)m->method;
	call_publish(call); /* a successor's CSeq must be higher */
}
