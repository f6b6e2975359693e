/**
 * @file shared/shm/slot_read.c  Slots, as seen by other processes
 *
 * The mapping is read-only and its writer may be alive, dead, or taken over
 * by a stranger: nothing read here moves a pointer or a loop.
 */
#include <errno.h>

#include "shared/shm/slot_int.h"

/* A publish takes a tenth of a microsecond and a slot sees some in a second:
 * who loses this often is told, and asks again on his next turn. */
enum {
	READ_TRIES = 16
};


/* One try. EAGAIN: it changed meanwhile. */
static int read_once(const struct slot_head *slot, void *image, size_t size,
		     uint32_t *incarnationp)
{
	const uint16_t use = atomic_load_explicit(&slot->use,
						  memory_order_acquire);
	uint32_t gen, incarnation;
	uint64_t tail;

	if (use == SLOT_FREE)
		return ENOENT;
	if (use != SLOT_USED)
		return EBADMSG;

	gen = atomic_load_explicit(&slot->gen, memory_order_acquire);
	incarnation = atomic_load_explicit(&slot->incarnation,
					   memory_order_relaxed);
	tail = slot_copy_out(slot, image, size, gen);

	/* Whatever of a later commit or of a next tenant was read above, its
	 * writer had stored gen or use before: seen from here on. */
	atomic_thread_fence(memory_order_acquire);

	if (atomic_load_explicit(&slot->use, memory_order_acquire) != use ||
	    atomic_load_explicit(&slot->gen, memory_order_relaxed) != gen)
		return EAGAIN;

	*incarnationp = incarnation;

	return slot_copy_fault(tail, image, size, gen, incarnation) ? EBADMSG
								    : 0;
}


static int read_slot(const struct segment *segment, uint32_t index,
		     void *image, size_t size, uint32_t *incarnationp)
{
	int err = EAGAIN;

	if (!slot_fits(segment, size))
		return EINVAL;
	if (index >= segment->slotc)
		return ENOENT;

	for (int i = 0; i < READ_TRIES && err == EAGAIN; i++)
		err = read_once(segment_slot(segment, index), image, size,
				incarnationp);

	return err;
}


int slot_read(const struct segment *segment, uint32_t index, void *image,
	      size_t image_size)
{
	uint32_t incarnation;

	return read_slot(segment, index, image, image_size, &incarnation);
}


int slot_read_id(const struct segment *segment, uint64_t id, void *image,
		 size_t image_size)
{
	uint32_t incarnation = 0;
	int err;

	err = read_slot(segment, (uint32_t)id, image, image_size,
			&incarnation);
	if (err)
		return err;

	return incarnation == id >> 32 ? 0 : ENOENT;
}
