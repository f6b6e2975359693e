/**
 * @file regd/bindings_int.h  What the files of the bindings share
 *
 * Not for users: bindings.h is.
 */
#ifndef TANDEM_REGD_BINDINGS_INT_H
#define TANDEM_REGD_BINDINGS_INT_H

#include "regd/bindings.h"
#include "shared/reg/binding_index.h"
#include "shared/shm/slot.h"

enum {
	/** A round of the wheel, in seconds; who lives longer goes round again
	 */
	BINDINGS_BUCKETC = 4096
};

/** Beside each slot. Links are slot + 1; 0: none. */
struct binding_own {
	uint32_t next, prev; /**< In the bucket of its second */
	uint32_t nat_next, nat_prev;
	uint32_t expires_s; /**< CLOCK_BOOTTIME, and 1; 0: no binding */
	uint32_t sent_s; /**< Last keep-alive, CLOCK_BOOTTIME; 0: none yet */
};

struct bindings {
	const struct segment *segment;
	struct slots *slots;
	struct binding_index index;
	struct binding_reader reader;
	uint32_t slotc;
	struct binding_own *own;
	uint32_t buckets[BINDINGS_BUCKETC];
	int64_t turned_s; /**< Buckets up to here are done */
	uint32_t nat_first, nat_last;
	uint32_t nat_at; /**< Next one of the cycle */
	uint32_t counts[2];
	uint32_t adopted;
	bindings_expired_h *expiredh;
	void *arg;
	const struct log *log;
};

struct binding_own *bindings_own(const struct bindings *b, uint32_t slot);

/* bindings_turn.c */
bool bindings_is_kept_open(const struct binding_image *image);
void bindings_own_start(struct bindings *b, uint32_t slot,
			const struct binding_image *image);
void bindings_own_change(struct bindings *b, uint32_t slot,
			 const struct binding_image *old,
			 const struct binding_image *image);
void bindings_own_stop(struct bindings *b, uint32_t slot,
		       const struct binding_image *old);

void bindings_give_texts(struct bindings *b, uint64_t more);

/* bindings_adopt.c */
const char *bindings_fault(const void *image);
int bindings_adopt(struct bindings *b);

#endif
