/**
 * @file sipd/call_phone.h  A call to a phone, or to a dynamic gateway
 */
#ifndef TANDEM_SIPD_CALL_PHONE_H
#define TANDEM_SIPD_CALL_PHONE_H

#include "sipd/bindings.h"
#include "sipd/call.h"
#include "sipd/compose.h"

struct catalog;
struct identity_out;
struct sdp;
struct view;

/** The called number is this phone's: all its devices are called
 *  (call-setup 4.1). EV_CANDIDATE or EV_EXHAUSTED follows. */
void call_phone(struct call *call, const struct view *view, uint32_t phone,
		const struct sdp *offer);

/** Where a device is, in To and the record, and (of a gateway) in the
 *  Request-URI */
void call_aim(struct call *call, const struct flow *flow);

/** Does the B leg go to a phone? */
static inline bool call_is_to_phone(const struct call *call)
{
	return call->i.phone_b != 0 && call->i.gateway == 0;
}

/** The seconds of T4 */
uint32_t call_phone_ringing_s(const struct call *call,
			      const struct catalog *c);

#endif
