/**
 * @file sipd/renegotiate_int.h  What the parts of renegotiate.h share
 */
#ifndef TANDEM_SIPD_RENEGOTIATE_INT_H
#define TANDEM_SIPD_RENEGOTIATE_INT_H

#include "sipd/renegotiate.h"

#define LEG_OF_B (1ull << 63) /* In the user of our requests: which leg */

enum {
	PATIENCE_MS = 180000, /**< With a re-INVITE: Timer C of RFC 3261 */
};

static inline struct leg *leg_other(struct leg *leg)
{
	return leg->is_b ? &leg->call->a : &leg->call->b;
}

/** leg->ours is under way; an INVITE not longer than that */
void leg_asks(struct leg *leg, enum leg_ours kind, enum method method,
	      uint32_t patience_ms);
void leg_asks_not(struct leg *leg);

/** 500: it asks again, later */
void renegotiate_busy(struct leg *leg, txn_id txn);
/** The side that knows no such dialog ends the call */
void renegotiate_gone(struct leg *gone);

/** Of what was passed on to the other side (txn_response_h) */
void renegotiate_heard(txn_id txn, int err, const struct message *m,
		       const struct flow *from, void *arg, uint64_t user);
/** Of what the peer asked (txn_event_h) */
void renegotiate_event(txn_id txn, enum txn_event event, void *arg,
		       uint64_t user);
/** A predecessor's exchange was accepted, and the asker has not heard it:
 *  cseq, if not 0, is ACKed to the other side */
void renegotiate_resume(struct leg *leg, uint32_t cseq);

#endif
