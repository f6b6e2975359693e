/**
 * @file sipd/prack.c  Reliable provisionals (RFC 3262), each side by itself
 */
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/id.h"
#include "shared/base/util.h"
#include "sipd/call_act.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/prack.h"
#include "sipd/setup_keep.h"


/* --- B
 * ------------------------------------------------------------------------ */

static void send_prack(struct leg *leg, uint32_t rseq, uint32_t cseq)
{
	char heads[64];
	struct compose c;
	struct leg_request r = { .method = METHOD_PRACK };

	compose_init(&c, heads, sizeof(heads));
	compose_put(&c, "RAck: ");
	compose_number(&c, rseq);
	compose_put(&c, " ");
	compose_number(&c, cseq);
	compose_put(&c, " INVITE\r\n");
	r.heads = compose_result(&c);
	(void)leg_send(leg, &r, NULL);
}


bool prack_heard(struct call *call, const struct message *m)
{
	struct leg *leg = &call->b;
	uint32_t rseq;

	if (!message_lists(m, HEAD_REQUIRE, "100rel") ||
	    message_seconds(m, HEAD_RSEQ, &rseq) || rseq == 0)
		return true;
	if (leg->prack_unsure && rseq == leg->i->rseq) {
		leg->prack_unsure = false;
		send_prack(leg, rseq, m->cseq);
		return false;
	}
	if (leg->i->rseq && rseq != leg->i->rseq + 1)
		return false;

	leg->i->rseq = rseq;
	send_prack(leg, rseq, m->cseq);

	return true;
}


/* --- A
 * ------------------------------------------------------------------------ */

static bool is_reliable(const struct call *call, unsigned code)
{
	return (call->a.i->flags & LEG_WANTS_100REL) && code >= 180 &&
	       code <= 183;
}


int prack_tell(struct call *call, unsigned code, bool with_sdp)
{
	struct setup *setup = call->setup;
	struct leg *leg = &call->a;
	const bool reliable = is_reliable(call, code);
	char heads[512];
	struct compose c;
	struct txn_reply reply = { .code = code, .is_reliable = reliable };

	if (reliable && setup->a_reliable_pending) {
		setup->has_waiting = true;
		setup->waiting_code = code;
		setup->waiting_sdp = with_sdp;
		setup->kept.is_told = true;
		call_publish(call);
		return 0;
	}

	compose_init(&c, heads, sizeof(heads));
	leg_heads(&c, leg, true, false);
	if (reliable) {
		if (!leg->i->rseq)
			leg->i->rseq = (uint32_t)(id_random_u64() % 0x7fffff);
		leg->i->rseq++;
		compose_put(&c, "Require: 100rel\r\nRSeq: ");
		compose_number(&c, leg->i->rseq);
		compose_put(&c, "\r\n");
		setup->a_reliable_pending = true;
	}
	reply.heads = compose_result(&c);
	if (with_sdp)
		reply.body = leg_sdp(leg);
	if (reliable && reply.body.l)
		leg->i->flags |= LEG_ANSWERED_RELIABLY;
	setup->kept.is_told = true;

	return setup_reply(call, &reply);
}


static bool names_last(const struct call *call, const struct message *m)
{
	uint32_t rseq, cseq;
	struct text method;

	return !head_rack_parse(&rseq, &cseq, &method,
				message_head(m, HEAD_RACK)) &&
	       rseq == call->a.i->rseq && rseq &&
	       cseq == call->a.i->invite_cseq && text_is(method, "INVITE");
}


void prack_receive(struct call *call, txn_id txn, const struct message *m)
{
	struct txns *txns = call->sipd->txns;
	struct setup *setup = call->setup;
	const bool is_last = names_last(call, m);

	if (!is_last || !setup || !setup->a_reliable_pending) {
		/* A predecessor has taken it in, and died before its answer
		 * left. */
		(void)txn_reply_code(txns, txn,
				     is_last && call->a.prack_unsure ? 200
								     : 481);
		return;
	}
	call->a.prack_unsure = false;
	txn_pracked(txns, call->a.invite);
	setup->a_reliable_pending = false;
	setup->kept.is_reliable = false;
	setup->kept.reply_code = 0; /* nothing is repeated any more */
	call_blob_drop(call, &setup->kept.texts.reply);
	call_publish(call);
	/* An offer in it is not taken, but the provisional has arrived. */
	(void)txn_reply_code(txns, txn, m->body.l ? 488 : 200);
	if (setup->has_waiting) {
		setup->has_waiting = false;
		(void)prack_tell(call, setup->waiting_code,
				 setup->waiting_sdp);
	}
	if (setup->answer_waits && !setup->a_reliable_pending)
		call_answer_a(call);
}
