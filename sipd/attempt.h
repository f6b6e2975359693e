/**
 * @file sipd/attempt.h  What was tried, and how that ended
 */
#ifndef TANDEM_SIPD_ATTEMPT_H
#define TANDEM_SIPD_ATTEMPT_H

#include "sipd/call.h"

/** A gateway is skipped */
void attempt_skipped(struct call *call, uint32_t gateway,
		     enum route_token token);
/** INVITE goes to it now */
void attempt_begin(struct call *call, uint32_t gateway,
		   const struct addr *addr);
/** Its end; only once for each attempt. The result of the attempt under way
 *  is in setup->result. */
void attempt_end(struct call *call);
/** It has not ended: it goes on, or was answered */
bool attempt_is_open(const struct call *call);
/** It was answered */
void attempt_answered(struct call *call);

/** The attempt under way failed: EV_FAILED_NEXT or EV_FAILED_END, by
 *  call-setup 7 */
void attempt_failed(struct call *call, enum attempt_end end, unsigned code);

#endif
