/**
 * @file mediad/ended.h  What was counted of sessions that are over
 *
 * sipd asks again for what it has no answer to: when its question was asked by
 * a predecessor, or the answer was late. Then the session is gone, and without
 * this the record would say nothing of its media.
 *
 * The last ENDED_ROWS are remembered, by this process alone: a kill of mediad
 * between the end of a session and its answer costs the figures of that call.
 */
#ifndef TANDEM_MEDIAD_ENDED_H
#define TANDEM_MEDIAD_ENDED_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/map.h"
#include "shared/media/media_slot.h"

struct ended;

enum {
	ENDED_ROWS = 1024
};

struct ended_row {
	struct map_link link; /**< By session */
	uint64_t session;     /**< 0: unused */
	int64_t at_us;        /**< Monotonic */
	struct media_flow flows[2];
	bool has_b; /**< flows[1] is that of the B side A heard */
};

int ended_alloc(struct ended **endedp);
struct ended *ended_free(struct ended *ended);

/** @param b NULL: A heard nobody */
void ended_add(struct ended *ended, uint64_t session,
	       const struct media_flow *a, const struct media_flow *b,
	       int64_t now_us);
/** NULL: not known (any more) */
const struct ended_row *ended_find(const struct ended *ended,
				   uint64_t session);

#endif
