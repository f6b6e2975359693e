/**
 * @file sipd/stats.h  What is counted per gateway
 *
 * For the metrics that are labelled with a gateway (operations 4), and, over
 * the last five minutes, for gateway status. Gateways are known by their id;
 * a name they have only as a label. There is room for 500 labels: what comes
 * behind is told as gateway="other", and a side that has no gateway (a phone,
 * a source that is none) as gateway="none", which no record can be called.
 *
 * Counting takes no memory but for the first time that a gateway is met.
 */
#ifndef TANDEM_SIPD_STATS_H
#define TANDEM_SIPD_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/catalog/end_reason.h"
#include "sipd/verdict.h"

struct stats;

enum stats_side {
	STATS_IN,  /**< Mapping gateways */
	STATS_OUT, /**< Routing gateways */
	STATS_SIDEC
};

enum {
	STATS_LABELS_MAX = 500,
	STATS_NAME_SIZE = 72,
	STATS_WINDOW_S = 300
};

/** Where it asks */
struct stats_args {
	/** Name of a gateway; ENOENT: there is no such gateway any more */
	int (*nameh)(enum stats_side side, uint32_t id,
		     char name[STATS_NAME_SIZE], void *arg);
	uint32_t (*linesh)(enum stats_side side, uint32_t id, void *arg);
	bool (*uph)(uint32_t id, void *arg); /**< Of a routing gateway */
	void *arg;
};

int stats_alloc(struct stats **statsp, const struct stats_args *args);
struct stats *stats_free(struct stats *stats);

/** Time goes on, monotonic: often; gauges are told once a second */
void stats_tick(struct stats *stats, int64_t now_us);
/** Names have changed, gateways are gone */
void stats_renew(struct stats *stats);
/** A gateway is told of although it had no call yet, if there is room */
void stats_know(struct stats *stats, enum stats_side side, uint32_t id);

/* id 0: the side has no gateway. */

void stats_attempt(struct stats *stats, enum stats_side side, uint32_t id);
void stats_answered(struct stats *stats, enum stats_side side, uint32_t id);
void stats_ended(struct stats *stats, enum stats_side side, uint32_t id,
		 enum end_reason reason);
/** A routing gateway was left for the next one */
void stats_switched(struct stats *stats, uint32_t id, enum attempt_end cause);

/* Of a call, for both its gateways */

/** From INVITE to what A hears first, 18x or 200 */
void stats_setup(struct stats *stats, uint32_t in, uint32_t out, int64_t us);
/** From INVITE to the 200 to A */
void stats_answer(struct stats *stats, uint32_t in, uint32_t out, int64_t us);
/** From answer to end */
void stats_talk(struct stats *stats, uint32_t in, uint32_t out, int64_t us);

/** The last five minutes of a gateway */
struct stats_sum {
	uint32_t attempts, answered;
	uint32_t talks, setups; /**< Calls that ended, and that rang */
	uint64_t talk_ms, setup_ms;
	uint32_t cps; /**< Attempts in the last full second */
};
void stats_sum(struct stats_sum *sum, const struct stats *stats,
	       enum stats_side side, uint32_t id);

#endif
