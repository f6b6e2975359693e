/**
 * @file sipd/call_resume.h  A predecessor's set-up goes on
 */
#ifndef TANDEM_SIPD_CALL_RESUME_H
#define TANDEM_SIPD_CALL_RESUME_H

#include "sipd/call.h"

/** Its transactions and clocks, once its texts and tags are taken: from now on
 *  it hears both sides. For a call whose answer A has not ACKed, too.
 *  @return 0, or errno: it cannot go on, and has no struct setup */
int call_resume(struct call *call);

/** When the daemon is ready: what its state waits for is begun again, if it
 *  may not have been begun */
void call_resume_soon(struct call *call);

#endif
