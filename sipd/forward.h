/**
 * @file sipd/forward.h  A phone that does not answer hands its call on
 *
 * call-setup 10. The forwarded leg is a call of the phone: with its own
 * account, record and admission. So it is a call like any other, whose caller
 * is the B leg of the call it comes from; between the two there is a dialog of
 * the switch with itself (wire_loop.c). Whatever the two calls learn of each
 * other they say in SIP, also after a restart.
 */
#ifndef TANDEM_SIPD_FORWARD_H
#define TANDEM_SIPD_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "sipd/call.h"

struct message;

/** T4 has expired: is the call to be forwarded? */
bool forward_begin(struct call *call);

/** The B leg is to be the forwarded one: EV_CANDIDATE or EV_EXHAUSTED */
void forward_place(struct call *call, const struct catalog *c,
		   const struct sdp *offer);

/** The call whose forwarded leg this INVITE is; NULL: of none */
struct call *forward_parent(struct sipd *sipd, const struct message *m,
			    const struct flow *from);

/** The call that begins is parent's forwarded leg */
int forward_inherit(struct call *call, const struct call *parent,
		    const struct catalog *c);

/** Is it a call that a phone has forwarded? */
static inline bool forward_is_child(const struct call *call)
{
	return call->i.parent_cdr_id[0] != '\0';
}

#endif
