/**
 * @file test/unit/shm/rig.h  A segment of notes to try things on
 *
 * A note's words all follow from its sequence number, so a torn or mixed-up
 * one contradicts itself even if a CRC were right.
 */
#ifndef TANDEM_TEST_UNIT_SHM_RIG_H
#define TANDEM_TEST_UNIT_SHM_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/shm/segment.h"
#include "shared/shm/slot.h"

enum {
	RIG_MAGIC = 0x47495254,
	RIG_VERSION = 2,
	NOTE_WORDS = 12
};

struct note {
	uint64_t seq;
	uint64_t id;
	uint64_t fill[NOTE_WORDS];
};

struct rig {
	char name[SEGMENT_NAME_MAX];
	struct segment_layout layout;
	struct segment segment; /**< The writer's mapping */
	struct segment view;    /**< What other processes see */
	struct slots_args args; /**< As slots_alloc() takes them: all slots */
};

/** A name that no other test has, also one that runs at the same time */
void rig_name(char name[SEGMENT_NAME_MAX], const char *what);

int rig_open(struct rig *rig, const char *what, uint32_t slotc);
void rig_close(struct rig *rig);

struct note note_of(uint64_t seq, uint64_t id);
bool note_is_whole(const struct note *note);

/** The validator of notes: NULL if whole and its seq is not 0 */
const char *note_fault(const void *image);

/** Take a slot and publish a note with this seq */
uint32_t rig_put(struct slots *slots, uint64_t seq);

/** Where a slot lies, for those who damage it */
struct slot_head *rig_slot(const struct rig *rig, uint32_t index);

#endif
