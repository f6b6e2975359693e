/**
 * @file sipd/lines.h  Lines in use, per gateway, group, account, phone
 *
 * In shared memory, a table of (kind, id), each with one cell per worker that
 * only that worker writes: a sum needs no lock, and a worker that starts
 * clears its cells and counts anew from the calls it adopts. A line is taken
 * when it is certain, and given back exactly once: by whoever owns the call.
 */
#ifndef TANDEM_SIPD_LINES_H
#define TANDEM_SIPD_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/bucket.h"
#include "shared/shm/segment.h"

#define LINES_MAGIC   0x454e494c /* "LINE" */
#define LINES_VERSION 1

enum lines_kind {
	LINES_NONE,
	LINES_ALL, /**< Of the switch; id 1 */
	LINES_MAPPING,
	LINES_ROUTING,
	LINES_GROUP,
	LINES_ACCOUNT,
	LINES_PHONE, /**< Calls from and to it */
	LINES_KINDC
};

enum {
	LINES_WORKERS_MAX = 16,
};

/** One slot of the segment "lines" */
struct lines_cell {
	_Atomic uint32_t used;
	uint32_t pad;
	struct bucket rate; /**< New calls of this worker */
};
struct lines_slot {
	_Atomic uint64_t key; /**< kind << 32 | id; 0: free. Claimed once, and
			       *   for good */
	uint8_t pad[56];
	struct lines_cell cells[LINES_WORKERS_MAX];
};
_Static_assert(sizeof(struct lines_slot) == 320, "lies in shared memory");

struct lines;

/** Clears this worker's cells. workers: that share the rates */
int lines_alloc(struct lines **linesp, const struct segment *segment,
		uint32_t worker, uint32_t workers);
struct lines *lines_free(struct lines *lines);

/** Of all workers; 0 for what has never been used */
uint32_t lines_used(const struct lines *lines, enum lines_kind kind,
		    uint32_t id);
/** @return 0, or ENOSPC: the table is full */
int lines_take(struct lines *lines, enum lines_kind kind, uint32_t id);
void lines_give(struct lines *lines, enum lines_kind kind, uint32_t id);

/** May another call begin now? Takes a token if so; limit 0: always. A burst
 *  is one second's worth. */
bool lines_rate(struct lines *lines, enum lines_kind kind, uint32_t id,
		uint32_t limit, int64_t now_us);
/** Would it? Takes nothing. */
bool lines_rate_left(const struct lines *lines, enum lines_kind kind,
		     uint32_t id, uint32_t limit, int64_t now_us);

#endif
