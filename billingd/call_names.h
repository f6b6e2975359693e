/**
 * @file billingd/call_names.h  Names of a call that ended, as they are now
 *
 * A record outlives what it names. One that is gone already is told by its
 * number: "#7".
 */
#ifndef TANDEM_BILLINGD_CALL_NAMES_H
#define TANDEM_BILLINGD_CALL_NAMES_H

#include <stdint.h>

#include "proto/billing.pb-c.h"
#include "shared/catalog/catalog.h"

enum {
	CALL_NAMES_ATTEMPTS = 64,
	CALL_NAME_SIZE = 16, /**< Of one that is told by its number */
};

/** Memory that the message points into */
struct call_names {
	char numbers[CALL_NAMES_ATTEMPTS + 4][CALL_NAME_SIZE];
	size_t numberc;
	char *attempts[CALL_NAMES_ATTEMPTS];
};

/** Names, by call->record, which is there; and the limit at which it ended.
 *  granted_s: talk time that was granted; 0: no limit */
void call_names_put(Tandem__CallEnded *call, struct call_names *names,
		    const struct catalog *c, uint32_t granted_s);

#endif
