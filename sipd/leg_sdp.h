/**
 * @file sipd/leg_sdp.h  The SDP that one side is told of the other's
 */
#ifndef TANDEM_SIPD_LEG_SDP_H
#define TANDEM_SIPD_LEG_SDP_H

#include "sipd/call.h"

/**
 * What `to` is told, made of what the other side said
 *
 * o= is ours towards each peer: its version goes up by one when what it is
 * told changes, and only then. The result is kept as the last that was sent,
 * and lies there.
 *
 * @param beforep Gets what was the last until now, to be put back if the peer
 *                refuses; NULL: that is given up
 *
 * @return 0; ENOENT: no codec is left; EBADMSG, EMSGSIZE, ENOSPC
 */
int leg_sdp_make(struct leg *to, struct text body, struct text *outp,
		 struct blob *beforep);

/** What A is told while a tone of ours is all there is to hear (call-setup
 *  9): an answer to its own offer, in a codec of the tone
 *  @return 0; ENOTSUP: the offer is none for that */
int leg_sdp_tone(struct leg *to, struct text offer);

enum {
	LEG_CODECS_MAX = 64
};
/** What a side may use (media 8) */
void leg_codecs(struct sdp_codecs *codecs, const char **names,
		const struct catalog *c, const struct call *call, bool of_b);

/** What this peer says. @return as sdp_parse() */
int leg_sdp_parse(struct sdp *sdp, const struct leg *leg, struct text body);

/** Is it one of our addresses? For sdp_parse(); arg: struct sipd */
bool leg_sdp_is_own(const struct addr *addr, void *arg);

/** The last that was sent to it; empty: none */
struct text leg_sdp(const struct leg *leg);

/** Was it ever sent one? */
bool leg_was_told(const struct leg *leg);

/** The same, read. @return 0; ENOENT: none */
int leg_sdp_read(struct sdp *sdp, const struct leg *leg);

/** Note what it said, for mediad, too. @return is it the same session and
 *  version as before? Through errp: EBADMSG, it cannot be read; ENOTSUP, T.38
 *  that is not wanted */
bool leg_sdp_heard(struct leg *leg, struct text body, bool is_offer,
		   int *errp);

#endif
