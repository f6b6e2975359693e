/**
 * @file sipd/renegotiate.h  Offers and answers of an answered call
 */
#ifndef TANDEM_SIPD_RENEGOTIATE_H
#define TANDEM_SIPD_RENEGOTIATE_H

#include "sipd/call.h"

/** A re-INVITE or UPDATE of the peer (call-lifetime 7) */
void renegotiate_receive(struct leg *leg, txn_id txn, const struct message *m);
/** ACK to a re-INVITE of the peer */
void renegotiate_acked(struct leg *leg, const struct message *m);
/** A is asked anew: its answer went out reliably, and B said something else */
void renegotiate_offer(struct leg *leg);
/** What is open on the leg ends with its dialog, or the other's: code to the
 *  peer, and nobody waits for what we asked */
void renegotiate_abandon(struct leg *leg, unsigned code);
/** Any request that is passed on as it is: INFO */
void renegotiate_forward(struct leg *leg, txn_id txn, const struct message *m);

/** mediad knows what was agreed: the answer may go out */
void renegotiate_pointed(struct leg *leg);

#endif
