/**
 * @file sipd/exchange_adopt.c  A predecessor's exchange goes on
 *
 * Both sides wait for what they would have heard of it. What came while nobody
 * lived lies in the socket, or comes again.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "sipd/exchange.h"
#include "sipd/media_point.h"
#include "sipd/renegotiate_int.h"


static int64_t age_ms(int64_t boot_us)
{
	return (clk_boot_us() - boot_us) / 1000;
}


static struct leg *asker_of(struct call *call, const struct exchange_image *i)
{
	return i->flags & EXCHANGE_IS_B ? &call->b : &call->a;
}


/* --- the asker ------------------------------------------------------------ */

static int adopt_server(struct leg *leg, const struct exchange_image *i,
			const struct text texts[EXCHANGE_TEXTC], txn_id *txnp)
{
	struct sipd *sipd = leg->call->sipd;
	struct txn_past past = { .code = 100 };
	int err;

	err = txn_server_adopt(sipd->txns, txnp, texts[EXCHANGE_HEAD],
			       &i->reply_to, leg->tag);
	if (err)
		return err;
	txn_own(sipd->txns, *txnp, renegotiate_event, sipd,
		leg->call->id | (leg->is_b ? LEG_OF_B : 0));
	txn_resend_set(sipd->txns, *txnp, &leg->call->i.params.resend);
	if (i->peer_method != METHOD_INVITE)
		return 0;
	if (i->flags & EXCHANGE_REPLIED) {
		past.code = i->code;
		past.message = texts[EXCHANGE_REPLY];
		past.age_ms = age_ms(i->reply_boot_us);
	}

	return txn_server_resume(sipd->txns, *txnp, &past);
}


static int adopt_asker(struct leg *leg, const struct exchange_image *i,
		       const struct text texts[EXCHANGE_TEXTC])
{
	txn_id txn;
	int err;

	if (!(i->flags & (EXCHANGE_WAITS | EXCHANGE_REPLIED)))
		return 0;
	err = adopt_server(leg, i, texts, &txn);
	if (err)
		return err;
	leg->peer_method = i->peer_method;
	leg->peer_cseq = i->peer_cseq;
	leg->peer_late = i->peer_method == METHOD_INVITE &&
			 texts[EXCHANGE_OFFER].l == 0;
	leg->asked.expires_s = i->expires_s;
	leg->asked.interval_ms = i->interval_ms;
	leg->asked.refresher = i->refresher;
	if (i->flags & EXCHANGE_WAITS) {
		leg->peer = txn;
	}
	else if (i->code < 300) {
		leg->peer_done = txn;
		leg->ack_cseq = i->peer_cseq;
	}

	return 0;
}


/* --- the other side ------------------------------------------------------- */

static int adopt_client(struct leg *other, const struct exchange_image *i,
			struct text text)
{
	struct call *call = other->call;
	struct sipd *sipd = call->sipd;
	char branch[TXN_BRANCH_SIZE];
	const struct txn_past past = {
		.is_heard = (i->flags & EXCHANGE_HEARD) != 0,
		.age_ms = age_ms(i->sent_boot_us),
		.is_given_up = (i->flags & EXCHANGE_CANCELLED) != 0,
		.cancel_age_ms = age_ms(i->cancel_boot_us),
	};
	struct txn_send send = {
		.method = (enum method)i->ours_method,
		.branch = branch,
		.request = { sipd->scratch, text.l },
		.to = i->to,
		.resend = &call->i.params.resend,
		.h = renegotiate_heard,
		.arg = sipd,
		.user = call->id | (other->is_b ? LEG_OF_B : 0),
	};
	struct message m;

	if (text.l > sizeof(sipd->scratch))
		return EMSGSIZE;
	memcpy(sipd->scratch, text.p, text.l); /* parsing may write to it */
	if (message_parse(&m, sipd->scratch, text.l, false) != MESSAGE_OK ||
	    !m.is_request || m.method != send.method ||
	    text_copy(branch, sizeof(branch), m.via.branch))
		return EBADMSG;

	return txn_client_adopt(sipd->txns, &send, &past, &other->ours);
}


static int adopt_other(struct leg *other, const struct exchange_image *i,
		       const struct text texts[EXCHANGE_TEXTC])
{
	const int64_t left_ms = PATIENCE_MS - age_ms(i->sent_boot_us);
	int err;

	if (i->flags & EXCHANGE_OWES) {
		other->ours_late = true;
		other->ack_cseq = i->ours_cseq;
	}
	if (!(i->flags & EXCHANGE_ASKS))
		return 0;
	err = adopt_client(other, i, texts[EXCHANGE_REQUEST]);
	if (err)
		return err;
	other->is_adopted = true;
	leg_asks(other, OURS_FORWARD, (enum method)i->ours_method,
		 left_ms > 0 ? (uint32_t)left_ms : 0);

	return 0;
}


/* --- both ----------------------------------------------------------------- */

void exchange_adopt(struct call *call)
{
	struct text texts[EXCHANGE_TEXTC];
	const struct exchange_image *i = exchange_image_of(call, texts);
	struct leg *leg, *other;

	if (!i)
		return;
	leg = asker_of(call, i);
	other = leg_other(leg);
	other->sdp_before = i->before;
	/* What cannot be gone on with is said again, and asked again. */
	if (adopt_asker(leg, i, texts) || adopt_other(other, i, texts))
		leg->i->peer_session = 0;
	if (call->i.state == CALL_ANSWERED)
		media_adopt_offer(leg, texts[EXCHANGE_OFFER],
				  texts[EXCHANGE_ANSWER]);
}


void exchange_resume(struct call *call)
{
	const struct txn_reply not_known = { .code = 500 };
	struct text texts[EXCHANGE_TEXTC];
	const struct exchange_image *i = exchange_image_of(call, texts);
	struct leg *leg;
	bool owes;

	if (!i)
		return;
	leg = asker_of(call, i);
	if (!leg->peer || leg_other(leg)->ours)
		return;
	if (i->flags & EXCHANGE_ACCEPTED) {
		owes = (i->flags & EXCHANGE_OWES) != 0;
		renegotiate_resume(leg,
				   i->ours_method == METHOD_INVITE && !owes
					   ? i->ours_cseq
					   : 0);
		return;
	}
	exchange_reply(leg, leg->peer, &not_known);
	leg->peer = 0;
}
