/**
 * @file shared/shm/slot.h  Slots that cannot be torn
 *
 * A slot holds its content twice, and a generation: gen % 2 is the copy that
 * holds, and storing it is the commit. One writer per slot; a writer killed
 * between any two instructions leaves the old content whole. Each copy has a
 * CRC-32C, so that memory written by somebody else's mistake is noticed too.
 *
 * Memory order. The writer fills the copy that does not hold and then stores
 * gen with release; before it touches that copy a release fence keeps those
 * stores behind the previous gen. A reader loads gen with acquire, copies,
 * and loads gen again behind an acquire fence: unchanged, or it tries again.
 * (A reader that saw one word of commit g+2, which overwrites commit g, has
 * by the two fences also seen gen g+1, and does not accept what it took for
 * g.) Copies are made of relaxed atomic words: what such a scheme leaves as a
 * data race with memcpy() is none by the standard then, and costs little.
 *
 * What a kill leaves. A process killed between two instructions has made all
 * its stores before that point and none behind it, so what its successor
 * finds is decided by their order in the program:
 *
 *     take        incarnation; nothing else. The slot stays free in memory:
 *                 a successor finds it free and counts on from there, so an
 *                 id that was told but never committed does not come back.
 *     publish     other copy, its tail, gen (commit); the first time then use
 *                 = USED. Before gen: the old content. Between gen and use:
 *                 still free, as if it had not been published.
 *     give        use = FREE.
 *     quarantine  use = QUARANTINED.
 *     work begin  in_work = 1, before anything a stranger decides.
 *     work end    crashc = 0, in_work = 0: never in work and counted twice.
 *     work pause  in_work = 0.
 *     adoption    crashc + 1, then in_work = 0 or use = QUARANTINED: a
 *                 successor killed in between does not forget the crash.
 *     conversion  the new slot is committed, then the old one is freed; if
 *                 both are there, the same incarnation says that it was done.
 *
 * Each is over with one store, and free is what is neither used nor set
 * aside: nothing can leak.
 *
 * Layout of one slot of image_size bytes:
 *     struct slot_head | image 0 | tail 0 | image 1 | tail 1 | padding to 64
 * An image is padded to 8 bytes. A tail is the CRC-32C of the incarnation
 * and the image, and the gen of its commit: none of the three can be
 * exchanged without being noticed.
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
	_Atomic uint32_t gen;    /**< gen % 2: the copy that holds */
	_Atomic uint16_t use;    /**< enum slot_use */
	_Atomic uint16_t worker; /**< Its one writer */
	/** Counts its tenants; part of their id */
	_Atomic uint32_t incarnation;
	/** Being worked on; adopters count crashes */
	_Atomic uint16_t in_work;
	/** Crashes in a row while in work */
	_Atomic uint16_t crashc;
};
BUILD_ASSERT(sizeof(struct slot_head) == 16);

#define SLOT_COPY_SIZE(image_size) (((size_t)(image_size) + 7) / 8 * 8 + 8)
#define SLOT_SIZE(image_size)                                               \
	((sizeof(struct slot_head) + 2 * SLOT_COPY_SIZE(image_size) + 63) / \
	 64 * 64)

/** Slots of one worker in one segment: what is free, and how to judge one */
struct slots;

/** Why this image cannot be trusted; NULL if it can. Must not follow any
 *  pointer and must read every field it relies on. */
typedef const char *(slot_fault_h)(const void *image);

/** Turn an image of the previous version into one of this; false: it cannot
 *  go on, and is quarantined in the old segment */
typedef bool(slot_convert_h)(void *image, const void *old);

/** Segment mapping, name and log stay as long as the slots */
struct slots_args {
	const struct segment *segment; /**< Writable; the struct is copied */
	const char *name; /**< Of the segment, for log and metric */
	size_t image_size;
	uint32_t first, slotc; /**< This worker's part of the segment */
	uint16_t worker;
	/** Did the last writer of this part die of SIGSEGV, ABRT, BUS, ILL,
	 *  FPE or SYS? Only that counts against what it was working on: a
	 *  plain kill, or a hand-over, says nothing about the slot. */
	bool predecessor_crashed;
	slot_fault_h *faulth;  /**< NULL: any image whose CRC is right */
	const struct log *log; /**< Warned of slots that are set aside */
};

/**
 * Look at every slot of a part: set aside what cannot be trusted, clear what
 * was never committed, build the free list. All memory is allocated here.
 *
 * The part is the worker's from now on, also what another worker left there.
 *
 * @return 0 if success, EINVAL if part and image do not fit the segment,
 *         ENOMEM
 */
int slots_alloc(struct slots **slotsp, const struct slots_args *args);
struct slots *slots_free(struct slots *slots);

/** Call h for each used slot with a copy of its image; h returns false to
 *  have the slot quarantined. It may publish, give or quarantine that slot,
 *  and must not take others.
 *  @return number of slots that h took over */
typedef bool(slot_adopt_h)(uint32_t index, const void *image, void *arg);
uint32_t slots_adopt(struct slots *slots, slot_adopt_h *h, void *arg);

/**
 * Move what can go on out of a segment of the previous layout version
 *
 * Between slots_alloc() and slots_adopt(). Slots keep their index and their
 * incarnation, thus their ids; the old segment needs no more slots than the
 * new one. It may be cut short and be done again.
 *
 * @param old        The old segment, writable
 * @param convertedp Number of slots moved now; what could not be is
 *                   quarantined in the old segment
 *
 * @return 0 if success, EINVAL if the image does not fit the old segment,
 *         ENOMEM: nothing was moved
 */
int slots_convert(struct slots *slots, const struct segment *old,
		  size_t old_image_size, slot_fault_h *old_faulth,
		  slot_convert_h *converth, uint32_t *convertedp);

/** A free slot, most recently given back first: what it lies in is still in
 *  the caches, and who was told of its last tenant knows it by its
 * incarnation, which goes up
 *  @return 0, or ENOSPC */
int slots_take(struct slots *slots, uint32_t *indexp);

/** First commit makes it used */
void slots_publish(struct slots *slots, uint32_t index, const void *image);

/** Its content ends, and its id with it */
void slots_give(struct slots *slots, uint32_t index);

/** For a slot that was taken or is used; warns */
void slots_quarantine(struct slots *slots, uint32_t index, const char *fault);

/** Mark what is being worked on around anything a stranger's bytes decide: a
 *  slot in work at two crashes in a row is quarantined by the adopter. The
 *  slot may end, or be set aside, before the work does. */
void slots_work_begin(struct slots *slots, uint32_t index);
void slots_work_end(struct slots *slots, uint32_t index);
/** The same, but what was done proves nothing: a successor's first look at it.
 *  Crashes in a row are counted on. */
void slots_work_pause(struct slots *slots, uint32_t index);

/** incarnation << 32 | index: an id that an old tenant's name does not match,
 *  and never 0. For a slot that was taken or is used. */
uint64_t slots_id(const struct slots *slots, uint32_t index);

/** Is this, from wherever it came, the id of a tenant of now? */
bool slots_id_valid(const struct slots *slots, uint64_t id);

/* Together they are the part's slotc; a slot that was taken counts as used. */
uint32_t slots_used(const struct slots *slots);
uint32_t slots_left(const struct slots *slots);
uint32_t slots_quarantined(const struct slots *slots);

/** For other processes: a consistent copy of a slot's image
 *  @return 0, ENOENT if free or no slot at all, EBADMSG if quarantined or its
 *          CRC is wrong, EAGAIN if it changed under every one of 16 tries,
 *          EINVAL if no slot of the segment can hold such an image. What
 *          image holds after an error means nothing. */
int slot_read(const struct segment *segment, uint32_t index, void *image,
	      size_t image_size);

/** The same by id: ENOENT also if the slot has another tenant by now */
int slot_read_id(const struct segment *segment, uint64_t id, void *image,
		 size_t image_size);

#endif
