/**
 * @file sipd/dispatch.c  Messages of the bus that sipd accepts
 *
 * Answers to what it asks need no row.
 */
#include "shared/base/util.h"
#include "sipd/dispatch.h"

/* clang-format off */
const struct bus_route sipd_routes[] = {
	[BUS_BODY(MEDIA_LOST)]    = { PEER_MEDIAD, media_on_lost,    0 },
	[BUS_BODY(MEDIA_STARTED)] = { PEER_MEDIAD, media_on_started, 0 },
	[BUS_BODY(DIGIT_HEARD)]   = { PEER_MEDIAD, media_on_digit,   0 },
	[BUS_BODY(ENROL)]         = { PEER_REGD,   enrol_on_enrol,   0 },
};
/* clang-format on */
const size_t sipd_routec = COUNT_OF(sipd_routes);
