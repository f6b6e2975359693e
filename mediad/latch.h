/**
 * @file mediad/latch.h  Who may send to a socket, and where it sends
 *
 * The signalling says where a peer is; behind NAT its packets come from
 * elsewhere, and a stranger's come from anywhere. So the first packet from an
 * address the rules allow fixes the source, and it moves only after another
 * SDP, or to another port of the same IP once the old one has been silent for
 * a second. One latch for RTP and one for RTCP, each learned on its own. Pure.
 */
#ifndef TANDEM_MEDIAD_LATCH_H
#define TANDEM_MEDIAD_LATCH_H

#include "shared/media/media_slot.h"

enum latch_verdict {
	LATCH_UNKNOWN, /**< No SDP of that side has come */
	LATCH_FOREIGN,
	LATCH_ACCEPT,
	LATCH_LEARN, /**< Accepted, and the source from now on */
};

/** May this packet be taken? last_us: of the last one that was, or 0 */
enum latch_verdict latch_judge(const struct media_latch *latch,
			       const struct media_side *side,
			       const struct addr *from, int64_t last_us,
			       int64_t now_us);

/** It was LATCH_LEARN */
void latch_learn(struct media_latch *latch, const struct addr *from);

/** The side's SDP names this address. is_new: another SDP than before; the
 *  same one again changes nothing unless the address is another. An address
 *  of family 0: nothing is to be sent for now. */
void latch_point(struct media_latch *latch, const struct addr *signalled,
		 bool is_new, int64_t now_us);

/** Forget what was learned: the rules for the side are others */
void latch_open(struct media_latch *latch, int64_t now_us);

/** Where to send; false: nowhere yet */
bool latch_target(const struct media_latch *latch,
		  const struct media_side *side, struct addr *top);

#endif
