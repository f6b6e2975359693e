/**
 * @file shared/shm/slot.c  Slots, as their one writer uses them
 *
 * The order of the stores is the whole point: slot.h says what each leaves to
 * a successor. No memory is allocated here, and no step can fail half-way.
 *
 * What the writer decides by is its own memory (struct own), filled once when
 * the part was adopted. So the asserts here are about ourselves, never about
 * what somebody wrote into shared memory, and a slot that was scribbled on
 * while we used it is whole again with its next publish.
 *
 * Diagnostics: warn for every slot set aside, as an exception among the quiet
 * libraries: a session may be lost, and only this file knows of each.
 */
#include <errno.h>
#include <stdlib.h>

#include "shared/base/log.h"
#include "shared/base/metric.h"
#include "shared/shm/slot_int.h"


static struct own *own_of(const struct slots *slots, uint32_t index)
{
	assert(index >= slots->first && index - slots->first < slots->slotc);

	return &slots->own[index - slots->first];
}


static bool is_held(const struct own *own)
{
	return own->state == OWN_TAKEN || own->state == OWN_USED;
}


struct slots *slots_free(struct slots *slots)
{
	if (slots) {
		free(slots->own);
		free(slots->idle);
		free(slots->image);
	}
	free(slots);

	return NULL;
}


int slots_take(struct slots *slots, uint32_t *indexp)
{
	struct slot_head *slot;
	struct own *own;
	uint32_t index;

	if (slots->left == 0)
		return ENOSPC;

	index = slots->first + slots->idle[--slots->left];

	own = own_of(slots, index);
	assert(own->state == OWN_FREE);
	own->state = OWN_TAKEN;

	/* Ids count from 1: 0 is no id. */
	own->incarnation++;
	if (own->incarnation == 0)
		own->incarnation = 1;

	slot = segment_slot(&slots->segment, index);
	atomic_store_explicit(&slot->crashc, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->in_work, 0, memory_order_relaxed);
	/* Release: a reader that sees it also sees that the slot was free. */
	atomic_store_explicit(&slot->incarnation, own->incarnation,
			      memory_order_release);

	*indexp = index;

	return 0;
}


void slot_commit(struct slot_head *slot, struct own *own, const void *image,
		 size_t size)
{
	const uint32_t gen = own->gen + 1;

	/* Keeps what follows behind the store of the previous gen: a reader
	 * still busy with the copy we overwrite must find gen moved. */
	atomic_thread_fence(memory_order_release);
	slot_copy_in(slot, image, size, gen, own->incarnation);

	atomic_store_explicit(&slot->gen, gen, memory_order_release);
	own->gen = gen;

	if (own->state != OWN_USED)
		atomic_store_explicit(&slot->use, SLOT_USED,
				      memory_order_release);
	own->state = OWN_USED;
}


void slots_publish(struct slots *slots, uint32_t index, const void *image)
{
	struct own *own = own_of(slots, index);

	assert(is_held(own));

	slot_commit(segment_slot(&slots->segment, index), own, image,
		    slots->image_size);
}


void slots_give(struct slots *slots, uint32_t index)
{
	struct slot_head *slot = segment_slot(&slots->segment, index);
	struct own *own = own_of(slots, index);

	assert(is_held(own)); /* given back twice: our own bug */

	if (own->state == OWN_USED)
		atomic_store_explicit(&slot->use, SLOT_FREE,
				      memory_order_release);

	own->state = OWN_FREE;
	slots->idle[slots->left++] = index - slots->first;
}


void slot_set_aside(const struct slots *slots, struct slot_head *slot,
		    uint32_t index, const char *fault)
{
	atomic_store_explicit(&slot->use, SLOT_QUARANTINED,
			      memory_order_release);

	metric_inc_at(M_SLOT_QUARANTINED,
		      metric_series(M_SLOT_QUARANTINED, slots->name));
	log_warn(slots->log, "slot_quarantined segment=%s slot=%u fault=%s",
		 slots->name, index, fault);
}


void slots_quarantine(struct slots *slots, uint32_t index, const char *fault)
{
	struct own *own = own_of(slots, index);

	assert(is_held(own));

	slot_set_aside(slots, segment_slot(&slots->segment, index), index,
		       fault);
	own->state = OWN_QUARANTINED;
	slots->quarantined++;
}


/* The fences are for the compiler: a crash finds every store that stands
 * before it in the program done, if the compiler left it there. */
void slots_work_begin(struct slots *slots, uint32_t index)
{
	struct slot_head *slot = segment_slot(&slots->segment, index);

	assert(is_held(own_of(slots, index)));

	atomic_store_explicit(&slot->in_work, 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}


void slots_work_end(struct slots *slots, uint32_t index)
{
	struct slot_head *slot = segment_slot(&slots->segment, index);

	/* It was set aside at work: the marks stay, for who looks into it. */
	if (own_of(slots, index)->state == OWN_QUARANTINED)
		return;

	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&slot->crashc, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->in_work, 0, memory_order_release);
}


void slots_work_pause(struct slots *slots, uint32_t index)
{
	struct slot_head *slot = segment_slot(&slots->segment, index);

	if (own_of(slots, index)->state == OWN_QUARANTINED)
		return;

	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&slot->in_work, 0, memory_order_release);
}


uint64_t slots_id(const struct slots *slots, uint32_t index)
{
	const struct own *own = own_of(slots, index);

	assert(is_held(own));

	return (uint64_t)own->incarnation << 32 | index;
}


bool slots_id_valid(const struct slots *slots, uint64_t id)
{
	const uint32_t index = (uint32_t)id;
	const struct own *own;

	if (index < slots->first || index - slots->first >= slots->slotc)
		return false;

	own = own_of(slots, index);

	return is_held(own) && own->incarnation == id >> 32;
}


uint32_t slots_used(const struct slots *slots)
{
	return slots->slotc - slots->left - slots->quarantined;
}


uint32_t slots_left(const struct slots *slots)
{
	return slots->left;
}


uint32_t slots_quarantined(const struct slots *slots)
{
	return slots->quarantined;
}
