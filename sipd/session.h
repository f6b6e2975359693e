/**
 * @file sipd/session.h  The session timer of a leg, at work
 *
 * timer_fsm.h decides; here probes are sent and heard (call-lifetime 2).
 */
#ifndef TANDEM_SIPD_SESSION_H
#define TANDEM_SIPD_SESSION_H

#include "sipd/call.h"
#include "sipd/compose.h"

/** Session-Expires of a 2xx to us, or of a peer's refresh that is granted */
void session_taken(struct leg *leg, const struct message *m);
/** Likewise of a refresh of which we do not know yet, and that it is granted
 */
void session_asked(struct leg *leg, const struct message *m);
void session_granted(struct leg *leg);

/** The call is answered: the leg's clock runs from now */
void session_start(struct leg *leg);

/** Go on where a predecessor was */
void session_resume(struct leg *leg);

/** The peer refreshed, and got 2xx */
void session_refreshed(struct leg *leg);

/** A 2xx whose transaction is over: it may be a probe's, and then it counts */
void session_late(struct leg *leg, const struct message *m);

/** What was pending on the leg is over: a probe may wait */
void session_free(struct leg *leg);

/** Line Session-Expires (and Require, in a 2xx) for this leg; nothing in the
 *  no-timer regime */
void session_heads(struct compose *c, const struct leg *leg, bool is_response,
		   bool peer_is_uac);

/** Seconds to the next boundary; -1: no timer */
long session_left_s(const struct leg *leg);

#endif
