/**
 * @file sipd/media.h  What sipd says to mediad
 */
#ifndef TANDEM_SIPD_MEDIA_H
#define TANDEM_SIPD_MEDIA_H

#include <stdbool.h>

struct call;
struct cat_routing;
struct catalog;
struct sdp;

/** Is media to go through the relay (media 1)? offer: NULL: none */
bool media_is_relayed(const struct call *call, const struct catalog *c,
		      const struct cat_routing *gateway,
		      const struct sdp *offer);

/** Ports for both sides: EV_CANDIDATE follows, or EV_EXHAUSTED with the
 *  verdict. @return 0, ENOBUFS ... */
int media_reserve(struct call *call);

/** What was reserved is given back; nothing that was asked for comes back */
void media_release(struct call *call);

#endif
