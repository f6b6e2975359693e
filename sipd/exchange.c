/**
 * @file sipd/exchange.c  An offer that is passed on, written down
 */
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "sipd/exchange.h"


/* --- the blob ------------------------------------------------------------- */

/* It lies where that of the set-up was: an answer without its ACK needs that
 * longer than any exchange could. */
bool exchange_is_open(const struct call *call)
{
	return (call->i.flags & CALL_HAS_EXCHANGE) != 0;
}


const struct exchange_image *exchange_image_of(
	const struct call *call, struct text texts[EXCHANGE_TEXTC])
{
	struct text rest;
	const struct exchange_image *i;

	if (!exchange_is_open(call))
		return NULL;
	rest = blob_text(call->sipd->blobs, &call->i.setup);
	i = (const void *)rest.p; /* a multiple of BLOB_UNIT */
	if (rest.l < sizeof(*i) || i->reply_to.transport >= TRANSPORTC ||
	    i->to.transport >= TRANSPORTC || i->peer_method >= METHODC ||
	    i->ours_method >= METHODC || i->refresher > REFRESHER_UAS)
		return NULL;
	rest.p += sizeof(*i);
	rest.l -= sizeof(*i);
	for (size_t n = 0; n < EXCHANGE_TEXTC; n++) {
		if (i->textl[n] > rest.l)
			return NULL;
		texts[n] = (struct text){ rest.p, i->textl[n] };
		rest.p += i->textl[n];
		rest.l -= i->textl[n];
	}

	return rest.l ? NULL : i;
}


void exchange_end(struct call *call)
{
	if (!exchange_is_open(call))
		return;
	call_blob_drop(call, &call->i.setup);
	call->i.flags &= ~(uint32_t)CALL_HAS_EXCHANGE;
}


/* For want of space there is none: what is open is then lost with the process,
 * and nothing else. */
static void put(struct call *call, struct exchange_image *i,
		const struct text texts[EXCHANGE_TEXTC])
{
	struct text parts[1 + EXCHANGE_TEXTC];
	struct blob blob = { 0 };
	int err;

	for (size_t n = 0; n < EXCHANGE_TEXTC; n++) {
		i->textl[n] = (uint32_t)texts[n].l;
		parts[1 + n] = texts[n];
	}
	parts[0] = (struct text){ (const char *)i, sizeof(*i) };
	err = blob_take(call->sipd->blobs, &blob, parts, COUNT_OF(parts));
	exchange_end(call);
	if (err)
		return;
	call->i.setup = blob;
	call->i.flags |= CALL_HAS_EXCHANGE;
}


/* As it is, to be changed */
static bool get(const struct call *call, struct exchange_image *i,
		struct text texts[EXCHANGE_TEXTC])
{
	const struct exchange_image *now = exchange_image_of(call, texts);

	if (now)
		*i = *now;

	return now != NULL;
}


/* Without any of these there is nothing to go on with. */
static void put_or_end(struct call *call, struct exchange_image *i,
		       const struct text texts[EXCHANGE_TEXTC])
{
	const uint8_t open = EXCHANGE_WAITS | EXCHANGE_ASKS | EXCHANGE_REPLIED;

	if (i->flags & open)
		put(call, i, texts);
	else
		exchange_end(call);
}


/* --- its course ----------------------------------------------------------- */

void exchange_begin(struct leg *other, const struct txn_send *send,
		    uint32_t cseq, const void *arg)
{
	const struct exchange_ask *ask = arg;
	const struct leg *leg = ask->leg;
	struct call *call = other->call;
	struct text texts[EXCHANGE_TEXTC] = { { "", 0 } };
	struct exchange_image i;

	/* What was open before had its final. */
	exchange_end(call);
	if (call->i.state != CALL_ANSWERED || call->setup ||
	    call->i.setup.unit)
		return;
	memset(&i, 0, sizeof(i));
	i.before = other->sdp_before;
	i.to = send->to;
	i.sent_boot_us = clk_boot_us();
	i.peer_cseq = ask->m->cseq;
	i.ours_cseq = cseq;
	i.expires_s = leg->asked.expires_s;
	i.interval_ms = leg->asked.interval_ms;
	i.refresher = leg->asked.refresher;
	i.flags = EXCHANGE_WAITS | EXCHANGE_ASKS |
		  (leg->is_b ? EXCHANGE_IS_B : 0);
	i.peer_method = (uint8_t)ask->m->method;
	i.ours_method = (uint8_t)send->method;
	texts[EXCHANGE_HEAD] = txn_server_head(call->sipd->txns, ask->txn,
					       &i.reply_to);
	texts[EXCHANGE_REQUEST] = send->request;
	texts[EXCHANGE_OFFER] = ask->offer;
	put(call, &i, texts);
	call_publish(call);
}


void exchange_heard(struct call *call)
{
	struct text texts[EXCHANGE_TEXTC];
	struct exchange_image i;

	if (!get(call, &i, texts) || i.flags & EXCHANGE_HEARD)
		return;
	i.flags |= EXCHANGE_HEARD;
	if (i.flags & EXCHANGE_CANCELLED) /* CANCEL has just left */
		i.cancel_boot_us = clk_boot_us();
	put(call, &i, texts);
	call_publish(call);
}


void exchange_accept(struct call *call, const struct message *m,
		     struct text answer, bool owes_ack)
{
	struct text texts[EXCHANGE_TEXTC];
	struct exchange_image i;

	if (!get(call, &i, texts))
		return;
	i.before = (struct blob){ 0 };
	i.flags &= (uint8_t)~EXCHANGE_ASKS;
	i.flags |= EXCHANGE_ACCEPTED | (owes_ack ? EXCHANGE_OWES : 0);
	i.ours_cseq = m->cseq;
	texts[EXCHANGE_REQUEST] = (struct text){ "", 0 };
	texts[EXCHANGE_ANSWER] = answer;
	put_or_end(call, &i, texts);
}


void exchange_over(struct call *call)
{
	struct text texts[EXCHANGE_TEXTC];
	struct exchange_image i;

	if (!get(call, &i, texts))
		return;
	i.before = (struct blob){ 0 };
	i.flags &= (uint8_t)~EXCHANGE_ASKS;
	texts[EXCHANGE_REQUEST] = (struct text){ "", 0 };
	put_or_end(call, &i, texts);
}


/* An answer to an UPDATE is not ACKed: the asker repeats it until it comes. */
static void keep_reply(struct leg *leg, const struct txn_reply *reply,
		       struct text message)
{
	struct text texts[EXCHANGE_TEXTC];
	struct exchange_image i;

	if (!get(leg->call, &i, texts) ||
	    ((i.flags & EXCHANGE_IS_B) != 0) != leg->is_b ||
	    !(i.flags & EXCHANGE_WAITS))
		return;
	i.flags &= (uint8_t)~EXCHANGE_WAITS;
	if (i.peer_method == METHOD_INVITE)
		i.flags |= EXCHANGE_REPLIED;
	i.code = (uint16_t)reply->code;
	i.reply_boot_us = clk_boot_us();
	texts[EXCHANGE_REPLY] = message;
	put_or_end(leg->call, &i, texts);
}


void exchange_reply(struct leg *leg, txn_id txn, const struct txn_reply *reply)
{
	struct txns *txns = leg->call->sipd->txns;
	struct text message;

	const int err = txn_reply_make(txns, txn, reply, &message);

	if (!err)
		keep_reply(leg, reply, message);
	call_publish(leg->call);
	if (!err)
		(void)txn_reply_put(txns, txn, reply, message);
}


void exchange_cancel(struct leg *leg, txn_id txn)
{
	const struct txn_reply reply = { .code = 487 };
	struct text texts[EXCHANGE_TEXTC];
	struct exchange_image i;

	if (get(leg->call, &i, texts)) {
		i.flags |= EXCHANGE_CANCELLED;
		i.cancel_boot_us = clk_boot_us();
		put(leg->call, &i, texts);
	}
	exchange_reply(leg, txn, &reply);
}


void exchange_acked(struct call *call)
{
	struct text texts[EXCHANGE_TEXTC];
	struct exchange_image i;

	if (!get(call, &i, texts) || !(i.flags & EXCHANGE_REPLIED))
		return;
	i.flags &= (uint8_t) ~(EXCHANGE_REPLIED | EXCHANGE_OWES);
	put_or_end(call, &i, texts);
	call_publish(call);
}
