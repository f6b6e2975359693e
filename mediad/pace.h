/**
 * @file mediad/pace.h  How long mediad waits between two looks at its sockets
 *
 * By the packets of a time, not of a look: a look that comes late has more,
 * and would have the next one come late too. Pure: no clock.
 */
#ifndef TANDEM_MEDIAD_PACE_H
#define TANDEM_MEDIAD_PACE_H

#include <stdint.h>

enum {
	PACE_OVER_US = 20000 /**< Counted over: every stream is in it once */
};

struct pace {
	int64_t us;       /**< From one look to the next, while packets come */
	int64_t since_us; /**< Packets are counted since */
	uint64_t packets;
};

void pace_begin(struct pace *pace, int64_t now_us);
/** A look that began now found so many */
void pace_count(struct pace *pace, int64_t now_us, unsigned packets);

#endif
