/**
 * @file shared/shm/slot.h  Slots that cannot be torn
 *
 * A slot holds its content twice, and a generation: gen % 2 is the copy that
 * holds, and storing it is the commit. One writer per slot; a writer killed
 * between any two instructions leaves the old content whole. Each copy has a
 * CRC-32C, so that memory written by somebody else's mistake is noticed too.
 *
 * Memory order: the writer fills the copy that does not hold and then stores
 * gen with release; before it touches that copy a release fence keeps those
 * stores behind the previous gen. A reader loads gen with acquire, copies,
 * and loads gen again behind an acquire fence: unchanged, or it tries again.
 *
 * Layout of one slot of image_size bytes:
 *     struct slot_head | image 0 | crc 0 | image 1 | crc 1 | padding to 64
 */
#ifndef TANDEM_SHM_SLOT_H
#define TANDEM_SHM_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/util.h"
#include "shared/shm/segment.h"

struct log;

enum slot_use {
	SLOT_FREE,
	SLOT_USED,
	SLOT_QUARANTINED, /**< Untrusted: kept for tandemctl, never used */
	SLOT_USEC
};

struct slot_head {
	_Atomic uint32_t gen;  /**< gen % 2: the copy that holds */
	_Atomic uint16_t use;  /**< enum slot_use */
	uint16_t worker;       /**< Its one writer */
	uint32_t incarnation;  /**< Counts its tenants; part of their id */
	_Atomic uint16_t in_work; /**< Being worked on; adopters count crashes */
	uint16_t crashc;       /**< Crashes in a row while in work */
};
BUILD_ASSERT(sizeof(struct slot_head) == 16);

#define SLOT_SIZE(image_size)                                                 \
	((sizeof(struct slot_head) + 2 * ((image_size) + 8) + 63) / 64 * 64)

/** Slots of one worker in one segment: what is free, and how to judge one */
struct slots;

/** Why this image cannot be trusted; NULL if it can. Must not follow any
 *  pointer and must read every field it relies on. */
typedef const char *(slot_fault_h)(const void *image);

/** Turn an image of the previous version into one of this; false: it cannot
 *  go on, and is quarantined in the old segment */
typedef bool(slot_convert_h)(void *image, const void *old);

struct slots_args {
	const struct segment *segment;
	const char *name; /**< Of the segment, for log and metric */
	size_t image_size;
	uint32_t first, slotc; /**< This worker's part of the segment */
	uint16_t worker;
	slot_fault_h *faulth;
	const struct log *log;
};

/** Looks at every slot: sets aside what cannot be trusted, clears what was
 *  never committed, builds the free list. */
int slots_alloc(struct slots **slotsp, const struct slots_args *args);
struct slots *slots_free(struct slots *slots);

/** Call h for each used slot with a copy of its image; h returns false to
 *  have the slot quarantined */
typedef bool(slot_adopt_h)(uint32_t index, const void *image, void *arg);
uint32_t slots_adopt(struct slots *slots, slot_adopt_h *h, void *arg);

/** Copy what can go on out of a segment of the previous layout version
 *  @return number of slots converted; the others are quarantined there */
uint32_t slots_convert(struct slots *slots, const struct segment *old,
		       size_t old_image_size, slot_fault_h *old_faulth,
		       slot_convert_h *converth);

/** A free slot, least recently given back first
 *  @return 0, or ENOSPC */
int slots_take(struct slots *slots, uint32_t *indexp);

/** First commit makes it used */
void slots_publish(struct slots *slots, uint32_t index, const void *image);

/** Its content ends; the incarnation goes up */
void slots_give(struct slots *slots, uint32_t index);

void slots_quarantine(struct slots *slots, uint32_t index, const char *fault);

/** Mark what is being worked on around anything a stranger's bytes decide: a
 *  slot in work at two crashes in a row is quarantined by the adopter */
void slots_work_begin(struct slots *slots, uint32_t index);
void slots_work_end(struct slots *slots, uint32_t index);

/** incarnation << 32 | index: an id that an old tenant's name does not match */
uint64_t slots_id(const struct slots *slots, uint32_t index);
bool slots_id_valid(const struct slots *slots, uint64_t id);

uint32_t slots_used(const struct slots *slots);
uint32_t slots_left(const struct slots *slots);
uint32_t slots_quarantined(const struct slots *slots);

/** For other processes: a consistent copy of a slot's image
 *  @return 0, ENOENT if free, EBADMSG if quarantined or its CRC is wrong,
 *          EAGAIN if it changed under every one of 16 tries */
int slot_read(const struct segment *segment, uint32_t index, void *image,
	      size_t image_size);

#endif
