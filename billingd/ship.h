/**
 * @file billingd/ship.h  What operators learn of records that are under way
 */
#ifndef TANDEM_BILLINGD_SHIP_H
#define TANDEM_BILLINGD_SHIP_H

#include "shared/svc/admin.h"

struct billingd;
struct ship;

/** Only with charging */
int ship_alloc(struct ship **shipp, struct billingd *b);
/** Before charging */
struct ship *ship_free(struct ship *ship);

admin_h cmd_cdr_replay;

#endif
