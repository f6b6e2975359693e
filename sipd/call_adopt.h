/**
 * @file sipd/call_adopt.h  Calls of a predecessor go on
 */
#ifndef TANDEM_SIPD_CALL_ADOPT_H
#define TANDEM_SIPD_CALL_ADOPT_H

#include "sipd/call.h"

/** One whose image is in call->i, before any other text is taken
 *  @return 0, or errno: it cannot go on, and its slot is to be set aside */
int call_adopt(struct call *call);
/** Nothing of it goes on: the struct is free, its texts were given back */
void call_adopt_not(struct call *call);

#endif
