/**
 * @file shared/shm/slot_adopt.c  What a predecessor left in its slots
 *
 * Nothing is believed: a slot whose use, CRC or content makes no sense is set
 * aside and costs one session, never the daemon. Every step may be the last
 * of this process too, and then is the next one's to find (slot.h).
 */
#include <errno.h>
#include <stdlib.h>

#include "shared/shm/slot_int.h"

/* Slots of one layout: ours, or the one before */
struct view {
	const struct segment *segment;
	size_t image_size;
	slot_fault_h *faulth;
	bool predecessor_crashed;
};


/* A crash counts against what was in work, anything else does not. Marks that
 * condemn a slot stay until it is set aside, in case we die before that. */
static const char *work_fault(struct slot_head *slot, bool crashed)
{
	uint16_t crashc = atomic_load_explicit(&slot->crashc,
					       memory_order_relaxed);

	if (!atomic_load_explicit(&slot->in_work, memory_order_relaxed))
		return NULL;

	if (crashed && crashc < UINT16_MAX)
		atomic_store_explicit(&slot->crashc, ++crashc,
				      memory_order_relaxed);
	if (crashc >= SLOT_CRASHES_MAX)
		return "in_work_twice";

	atomic_store_explicit(&slot->in_work, 0, memory_order_release);

	return NULL;
}


static const char *content_fault(const struct view *view,
				 const struct slot_head *slot, void *image)
{
	const uint32_t gen = atomic_load_explicit(&slot->gen,
						  memory_order_acquire);
	const uint32_t incarnation =
		atomic_load_explicit(&slot->incarnation, memory_order_relaxed);
	const uint64_t tail = slot_copy_out(slot, image, view->image_size,
					    gen);
	const char *fault;

	fault = slot_copy_fault(tail, image, view->image_size, gen,
				incarnation);
	if (fault)
		return fault;

	return view->faulth ? view->faulth(image) : NULL;
}


/* Looks at one slot and copies its image if it is used.
 * @return what to do with it; *faultp is set if it must be set aside now */
static enum own_state judge(const struct view *view, uint32_t index,
			    void *image, const char **faultp)
{
	struct slot_head *slot = segment_slot(view->segment, index);
	const uint16_t use = atomic_load_explicit(&slot->use,
						  memory_order_acquire);

	*faultp = NULL;

	if (use == SLOT_FREE)
		return OWN_FREE;
	if (use == SLOT_QUARANTINED)
		return OWN_QUARANTINED;

	if (use != SLOT_USED) {
		*faultp = "use";
		return OWN_QUARANTINED;
	}

	*faultp = work_fault(slot, view->predecessor_crashed);
	if (!*faultp)
		*faultp = content_fault(view, slot, image);

	return *faultp ? OWN_QUARANTINED : OWN_USED;
}


/* The first of them is taken first. */
static void idle_fill(struct slots *slots)
{
	slots->left = 0;
	for (uint32_t i = slots->slotc; i-- > 0;) {
		if (slots->own[i].state == OWN_FREE)
			slots->idle[slots->left++] = i;
	}
}


static void scan_one(struct slots *slots, const struct view *view, uint32_t i)
{
	const uint32_t index = slots->first + i;
	struct slot_head *slot = segment_slot(&slots->segment, index);
	struct own *own = &slots->own[i];
	const char *fault;

	own->state = (uint8_t)judge(view, index, slots->image, &fault);
	if (fault)
		slot_set_aside(slots, slot, index, fault);
	if (own->state == OWN_QUARANTINED)
		slots->quarantined++;

	own->gen = atomic_load_explicit(&slot->gen, memory_order_relaxed);
	own->incarnation = atomic_load_explicit(&slot->incarnation,
						memory_order_relaxed);

	/* Not written when it is right: a scan dirties no pages. */
	if (atomic_load_explicit(&slot->worker, memory_order_relaxed) !=
	    slots->worker)
		atomic_store_explicit(&slot->worker, slots->worker,
				      memory_order_relaxed);
}


int slots_alloc(struct slots **slotsp, const struct slots_args *args)
{
	const struct segment *segment = args->segment;
	struct slots *slots;
	struct view view;
	int err = 0;

	if (!segment->writable || !slot_fits(segment, args->image_size) ||
	    args->slotc == 0 || args->first > segment->slotc ||
	    args->slotc > segment->slotc - args->first)
		return EINVAL;

	slots = calloc(1, sizeof(*slots));
	if (!slots)
		return ENOMEM;

	slots->segment = *segment;
	slots->name = args->name;
	slots->image_size = args->image_size;
	slots->first = args->first;
	slots->slotc = args->slotc;
	slots->worker = args->worker;
	slots->faulth = args->faulth;
	slots->predecessor_crashed = args->predecessor_crashed;
	slots->log = args->log;

	slots->own = calloc(args->slotc, sizeof(*slots->own));
	slots->idle = calloc(args->slotc, sizeof(*slots->idle));
	slots->image = malloc(args->image_size);
	if (!slots->own || !slots->idle || !slots->image) {
		err = ENOMEM;
		goto out;
	}

	view = (struct view){
		.segment = &slots->segment,
		.image_size = slots->image_size,
		.faulth = slots->faulth,
		.predecessor_crashed = slots->predecessor_crashed
	};
	for (uint32_t i = 0; i < slots->slotc; i++)
		scan_one(slots, &view, i);

	idle_fill(slots);

out:
	if (err)
		slots_free(slots);
	else
		*slotsp = slots;

	return err;
}


uint32_t slots_adopt(struct slots *slots, slot_adopt_h *h, void *arg)
{
	const struct view view = { .segment = &slots->segment,
				   .image_size = slots->image_size,
				   .faulth = slots->faulth };
	uint32_t adoptedc = 0;

	for (uint32_t i = 0; i < slots->slotc; i++) {
		const uint32_t index = slots->first + i;
		struct own *own = &slots->own[i];
		const char *fault;

		if (own->state != OWN_USED)
			continue;

		/* Again: since the scan others had time to write there. */
		fault = content_fault(&view,
				      segment_slot(&slots->segment, index),
				      slots->image);
		if (!fault && h(index, slots->image, arg)) {
			adoptedc++;
			continue;
		}

		/* What h set aside or gave back itself is settled. */
		if (own->state == OWN_USED)
			slots_quarantine(slots, index,
					 fault ? fault : "not_adopted");
	}

	return adoptedc;
}


/* Bring one used slot over. NULL: it is there now. */
static const char *move(struct slots *slots, struct slot_head *from,
			uint32_t index, const void *old_image,
			slot_convert_h *converth, uint32_t *movedc)
{
	const uint32_t incarnation =
		atomic_load_explicit(&from->incarnation, memory_order_relaxed);
	struct slot_head *slot = segment_slot(&slots->segment, index);
	struct own *own = &slots->own[index - slots->first];
	const char *fault;

	/* Done by one that died before it could free the old slot. */
	if (own->state == OWN_USED && own->incarnation == incarnation)
		return NULL;
	if (own->state != OWN_FREE)
		return "slot_taken";

	if (!converth(slots->image, old_image))
		return "not_convertible";

	/* A conversion that makes what we would not adopt is none. */
	fault = slots->faulth ? slots->faulth(slots->image) : NULL;
	if (fault)
		return fault;

	own->incarnation = incarnation;
	atomic_store_explicit(&slot->incarnation, incarnation,
			      memory_order_relaxed);
	atomic_store_explicit(&slot->crashc,
			      atomic_load_explicit(&from->crashc,
						   memory_order_relaxed),
			      memory_order_relaxed);
	atomic_store_explicit(&slot->in_work, 0, memory_order_relaxed);
	slot_commit(slot, own, slots->image, slots->image_size);
	(*movedc)++;

	return NULL;
}


/* A free slot of a new segment counts on where the old one was: an id of then
 * must not come back either. */
static void count_on(struct slots *slots, const struct slot_head *from,
		     uint32_t index)
{
	struct slot_head *slot = segment_slot(&slots->segment, index);
	struct own *own = &slots->own[index - slots->first];

	if (own->state != OWN_FREE || own->incarnation != 0)
		return;

	own->incarnation = atomic_load_explicit(&from->incarnation,
						memory_order_relaxed);
	atomic_store_explicit(&slot->incarnation, own->incarnation,
			      memory_order_release);
}


int slots_convert(struct slots *slots, const struct segment *old,
		  size_t old_image_size, slot_fault_h *old_faulth,
		  slot_convert_h *converth, uint32_t *convertedp)
{
	const struct view view = {
		.segment = old,
		.image_size = old_image_size,
		.faulth = old_faulth,
		.predecessor_crashed = slots->predecessor_crashed
	};
	const uint32_t end = slots->first + slots->slotc;
	uint32_t movedc = 0;
	void *image;

	if (!old->writable || !slot_fits(old, old_image_size) ||
	    old->slotc > slots->segment.slotc)
		return EINVAL;

	image = malloc(old_image_size);
	if (!image)
		return ENOMEM;

	for (uint32_t i = slots->first; i < end && i < old->slotc; i++) {
		struct slot_head *from = segment_slot(old, i);
		const char *fault;

		if (judge(&view, i, image, &fault) == OWN_USED) {
			fault = move(slots, from, i, image, converth, &movedc);
			if (!fault)
				atomic_store_explicit(&from->use, SLOT_FREE,
						      memory_order_release);
		}
		if (fault)
			slot_set_aside(slots, from, i, fault);

		count_on(slots, from, i);
	}

	idle_fill(slots);
	free(image);
	*convertedp = movedc;

	return 0;
}
