/**
 * @file billingd/journal_int.h  What the parts of the journal share
 */
#ifndef TANDEM_BILLINGD_JOURNAL_INT_H
#define TANDEM_BILLINGD_JOURNAL_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "billingd/journal.h"
#include "billingd/journal_files.h"
#include "shared/ev/ev.h"

struct worker;

struct waiter {
	journal_durable_h *h;
	void *arg;
	uint64_t seq;
};

/** What was put and is not on disk yet, in order */
struct journal_group {
	uint8_t *p;
	size_t used, room;
	size_t done; /**< Bytes that are on disk */
	struct waiter *waiters;
	size_t waiterc, waiter_room, told;
};

/** Between the loop and the thread that writes: of one of them at a time */
struct journal_job {
	int fd;
	const uint8_t *p;
	size_t len;
	uint64_t at;
	bool rotates; /**< Begin a segment before */
	unsigned spare;
	uint64_t first;
	int err;
	bool is_sync; /**< What failed is the sync */
};

struct journal_spare {
	unsigned n;
	int err;
};

struct journal {
	struct ev *ev;
	struct journal_args args;
	struct journal_dir dir;
	size_t segment_size;

	/* Files */
	struct journal_segment *segments; /**< The last one is written to */
	size_t segmentc, segment_room;
	int fd;
	uint64_t at; /**< In the last segment */
	unsigned spares[JOURNAL_SPARES];
	size_t sparec;
	struct journal_spare spare; /**< Being made */

	/* Records */
	struct journal_group groups[2];
	size_t fill; /**< Group that takes what is put; the other is written */
	uint64_t last, durable, applied;
	uint64_t last_of_job;
	uint64_t commits, records;

	struct worker *writer, *preparer;
	struct journal_job job;
	struct ev_late late;
	struct ev_timer tick;

	/* Room */
	bool is_full, is_high, lacks_spare;
	uint32_t disk_percent; /**< As of the last tick */
	uint32_t used_percent;

	bool is_carrying;
	uint64_t carried; /**< Nothing below it is needed by its owner */
	bool has_failed;
};

/** Adopt what is there, and begin a new segment: journal_recover.c */
int journal_recover(struct journal *journal);

/** journal_room.c: spares, limits, and the removal of segments */
void journal_spare_wanted(struct journal *journal);
void journal_spare_job(void *arg);
void journal_spare_done(void *arg);
void journal_room_look(struct journal *journal);
/** The oldest segment waits for nothing but what is carried over */
bool journal_can_shrink(const struct journal *journal);
void journal_remove(struct journal *journal);
int journal_segment_add(struct journal *journal, uint64_t first);

/** journal.c: something that was waited for may be there */
void journal_go_on(struct journal *journal);

#endif
