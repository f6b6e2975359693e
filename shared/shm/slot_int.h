/**
 * @file shared/shm/slot_int.h  What the files of the slots share
 *
 * Not for users: slot.h is.
 */
#ifndef TANDEM_SHM_SLOT_INT_H
#define TANDEM_SHM_SLOT_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/shm/slot.h"

/** Crashes in a row while in work at which a slot is set aside */
enum {
	SLOT_CRASHES_MAX = 2
};

/** What the writer knows of a slot. It decides by this, never by what lies in
 *  shared memory, once it has looked there. */
enum own_state {
	OWN_FREE,
	OWN_TAKEN, /**< Ours, but nobody else knows: not committed yet */
	OWN_USED,
	OWN_QUARANTINED,
};

struct own {
	uint32_t gen;
	uint32_t incarnation;
	uint8_t state; /**< enum own_state */
};

struct slots {
	struct segment segment;
	const char *name;
	size_t image_size;
	uint32_t first, slotc;
	uint16_t worker;
	slot_fault_h *faulth;
	bool predecessor_crashed;
	const struct log *log;

	struct own *own; /**< One per slot of our part */
	uint32_t *idle;  /**< Free ones, as offsets into our part: a stack */
	uint32_t left;   /**< How many are free */
	uint32_t quarantined;
	void *image; /**< For adoption: allocated while we still may fail */
};

/** Can every slot of the segment hold such an image? */
bool slot_fits(const struct segment *segment, size_t image_size);

/** Write an image and its tail into the copy that gen names */
void slot_copy_in(struct slot_head *slot, const void *image, size_t size,
		  uint32_t gen, uint32_t incarnation);

/** Read the copy that gen names, whatever it is
 *  @return its tail */
uint64_t slot_copy_out(const struct slot_head *slot, void *image, size_t size,
		       uint32_t gen);

/** Why a copy that was read is not that commit; NULL if it is */
const char *slot_copy_fault(uint64_t tail, const void *image, size_t size,
			    uint32_t gen, uint32_t incarnation);

/** Commit an image as the slot's next generation */
void slot_commit(struct slot_head *slot, struct own *own, const void *image,
		 size_t size);

/** Set a slot aside in memory, count it and warn */
void slot_set_aside(const struct slots *slots, struct slot_head *slot,
		    uint32_t index, const char *fault);

#endif
