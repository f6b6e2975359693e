/**
 * @file sipd/media_point.h  Where each side is, told to mediad
 *
 * What a side says is kept until the exchange of offer and answer is over, for
 * what is refused changes nothing; then mediad is told of both sides. Pairs of
 * ports are given to the m= lines of an offer in their order, those that can
 * be relayed and are in use alone: so the image of a T.38 re-INVITE gets the
 * pair that audio had (media 11).
 */
#ifndef TANDEM_SIPD_MEDIA_POINT_H
#define TANDEM_SIPD_MEDIA_POINT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/text.h"

struct addr;
struct call;
struct leg;
struct sdp;
struct sdp_edit;

/** Pairs of ports that an offer needs, one at least */
uint32_t media_lines(const struct sdp *offer);

/** Is a private address in it that it was not sent from? */
bool media_is_nat(const struct sdp *sdp, const struct addr *source);

/** Note what a side said; without relay nothing is noted
 *  @param is_same As before, by its o=
 *  @return 0; ENOTSUP: T.38 that one of the sides does not want */
int media_heard(struct leg *leg, const struct sdp *sdp, bool is_offer,
		bool is_same);

/** The exchange is over: tell mediad what is new */
void media_agreed(struct call *call);
/** Is there something mediad does not know yet? */
bool media_is_pointing(const struct call *call);
/** B has answered: tell it so, too. @return false: there is nobody to wait
 * for; else call_answer_told() follows */
bool media_answered(struct call *call);
/** It is over, and came to nothing */
void media_refused(struct leg *leg);

/** A hears our tone until there is RTP of B (call-setup 9) */
void media_ring(struct call *call);

/** For a successor: what both sides had said before an answer */
void media_adopt(struct call *call);
/** Likewise what the side offered (empty: nothing) and the other one said to
 *  it, of a change that is open */
void media_adopt_offer(struct leg *leg, struct text offer, struct text answer);

/** What the relay changes in the SDP for a side; host: room for
 *  ADDR_TEXT_MAX */
void media_edit(struct sdp_edit *edit, const struct leg *to, char *host);

#endif
