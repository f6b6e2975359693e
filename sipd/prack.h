/**
 * @file sipd/prack.h  Reliable provisionals (RFC 3262), each side by itself
 */
#ifndef TANDEM_SIPD_PRACK_H
#define TANDEM_SIPD_PRACK_H

#include "sipd/call.h"

/** A provisional of B: PRACK, if it wants one
 *  @return is it to be dealt with? A copy, or one behind a gap, is not. */
bool prack_heard(struct call *call, const struct message *m);

/** A provisional to A: reliable if A requires it. While one waits for its
 *  PRACK the next one waits, too. */
int prack_tell(struct call *call, unsigned code, bool with_sdp);

/** A's PRACK */
void prack_receive(struct call *call, txn_id txn, const struct message *m);

#endif
