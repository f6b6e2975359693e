/**
 * @file sipd/renew.h  More talk time before what was granted is over
 *
 * billing 8: billingd is asked when as much is left as it said. Whatever it
 * answers, and if it never does, the call ends at the second that was granted:
 * that deadline lies in the call's slot (caps.h).
 */
#ifndef TANDEM_SIPD_RENEW_H
#define TANDEM_SIPD_RENEW_H

#include <stdbool.h>

struct call;

/** With every new cap, and none: the next question */
void renew_plan(struct call *call);
/** Of a call that a predecessor left: what it has now is asked at once */
void renew_adopt(struct call *call);
/** Nothing is asked, and nothing comes back */
void renew_stop(struct call *call);

/** Is it unknown whether there would have been more? */
bool renew_is_unheard(const struct call *call);

#endif
