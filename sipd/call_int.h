/**
 * @file sipd/call_int.h  What the files of the table of calls share
 */
#ifndef TANDEM_SIPD_CALL_INT_H
#define TANDEM_SIPD_CALL_INT_H

#include "sipd/call.h"

struct calls {
	struct sipd *sipd;
	struct slots *slots;
	struct call **by_index;
	uint32_t first, slotc;
	struct map *tags; /**< struct leg, by the tag we gave it */
	struct call *free;
	struct setup *setups;
	size_t in[CALL_STATEC];
	bool is_working;
	uint32_t working; /**< Slot that call_work_begin() marked */
};

void call_leg_init(struct leg *leg, struct call *call, bool is_b);
struct call *call_struct_take(struct calls *calls);
/** Gauges: so many more, or fewer, are in that state */
void calls_count_in(struct calls *calls, enum call_state state, int by);

#endif
