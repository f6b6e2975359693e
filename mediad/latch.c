/**
 * @file mediad/latch.c  Who may send to a socket, and where it sends
 */
#include "mediad/latch.h"

#define WINDOW_US ((int64_t)5000000) /* rtp_learning any, after each SDP */
#define SILENT_US ((int64_t)1000000) /* then the port may have moved */


static bool is_private(const struct addr *addr)
{
	return addr_is_private(addr) || addr_is_linklocal(addr);
}


/* Behind a NAT the media comes from where the signalling came from. */
static bool is_named(const struct media_latch *latch,
		     const struct media_side *side, const struct addr *from)
{
	if (addr_same_ip(from, &latch->signalled))
		return true;

	return side->learning != LEARNING_SDP && side->is_nat &&
	       addr_same_ip(from, &side->source);
}


/* A stream that moves: what is under way from where it was is heard, but does
 * not hold it there. Behind NAT nothing else says where it is now. */
static bool is_under_way(const struct media_latch *latch,
			 const struct media_side *side,
			 const struct addr *from, int64_t now_us)
{
	return latch->previous.family &&
	       now_us - latch->since_us < SILENT_US &&
	       addr_equal(from, &latch->previous) &&
	       !(side->is_nat && is_private(&latch->signalled));
}


enum latch_verdict latch_judge(const struct media_latch *latch,
			       const struct media_side *side,
			       const struct addr *from, int64_t last_us,
			       int64_t now_us)
{
	if (latch->is_fixed) {
		if (addr_equal(from, &latch->learned))
			return LATCH_ACCEPT;
		return addr_same_ip(from, &latch->learned) &&
				       now_us - last_us >= SILENT_US
			       ? LATCH_LEARN
			       : LATCH_FOREIGN;
	}
	if (latch->signalled.family == 0)
		return LATCH_UNKNOWN;
	if (is_under_way(latch, side, from, now_us))
		return LATCH_ACCEPT;
	if (side->learning == LEARNING_ANY &&
	    now_us - latch->since_us < WINDOW_US)
		return LATCH_LEARN;

	return is_named(latch, side, from) ? LATCH_LEARN : LATCH_FOREIGN;
}


void latch_learn(struct media_latch *latch, const struct addr *from)
{
	latch->learned = *from;
	latch->is_fixed = true;
}


void latch_open(struct media_latch *latch, int64_t now_us)
{
	latch->learned = (struct addr){ .family = 0 };
	latch->is_fixed = false;
	latch->since_us = now_us;
}


/* With the same address in another SDP the old source is good to send to until
 * the next packet says better: else a refresh would cost a packet. */
void latch_point(struct media_latch *latch, const struct addr *signalled,
		 bool is_new, int64_t now_us)
{
	if (!addr_equal(signalled, &latch->signalled)) {
		if (latch->is_fixed)
			latch->previous = latch->learned;
		latch_open(latch, now_us);
		latch->signalled = *signalled;
	}
	else if (is_new) {
		latch->is_fixed = false;
		latch->since_us = now_us;
	}
}


bool latch_target(const struct media_latch *latch,
		  const struct media_side *side, struct addr *top)
{
	const struct addr *said = &latch->signalled;

	if (said->family == 0)
		return false;

	*top = *said;
	if (latch->learned.family &&
	    !(side->is_sdp_first && !is_private(said))) {
		*top = latch->learned;
	}
	else if (is_private(said) && side->is_nat && side->source.family) {
		*top = side->source;
		top->port = said->port;
	}

	return top->port != 0 && !addr_is_any(top);
}
