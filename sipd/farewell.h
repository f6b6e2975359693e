/**
 * @file sipd/farewell.h  A BYE that may be asked for credentials
 *
 * The call is over and its slot goes when the record is kept; a carrier may
 * still answer our BYE with 401 or 407, and gets it once more with what it
 * asked for (call-lifetime 6.5). What that needs of the leg is copied, and
 * lives until the last answer; a crash meanwhile costs one BYE.
 */
#ifndef TANDEM_SIPD_FAREWELL_H
#define TANDEM_SIPD_FAREWELL_H

#include "sipd/leg.h"

/** BYE with these lines. @return 0, or errno: nothing was sent */
int farewell_send(struct leg *leg, struct text heads);

/** Those that still wait, at the end of the process */
void farewells_free(struct sipd *sipd);

#endif
