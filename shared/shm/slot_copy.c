/**
 * @file shared/shm/slot_copy.c  In and out of one copy of a slot
 *
 * Words of 8 bytes, relaxed: a reader may look at a copy while it is being
 * overwritten, and finds out afterwards (see slot.h). With memcpy() that would
 * be a data race, which the standard gives no meaning at all.
 */
#include <string.h>

#include "shared/base/crc32c.h"
#include "shared/shm/slot_int.h"

typedef _Atomic uint64_t word;

BUILD_ASSERT(sizeof(word) == 8);
/* A lock would lie in this process's memory, not in the shared one. */
BUILD_ASSERT(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2 &&
	     ATOMIC_SHORT_LOCK_FREE == 2);


bool slot_fits(const struct segment *segment, size_t image_size)
{
	/* The first question keeps the second from overflowing. */
	return image_size != 0 && image_size < segment->slot_size &&
	       SLOT_SIZE(image_size) <= segment->slot_size;
}


/* The incarnation is part of the text and not merely what the CRC begins
 * with: there, one wrong bit of it would make up for the same bit of the
 * first word of the image. */
static uint32_t copy_crc(const void *image, size_t size, uint32_t incarnation)
{
	return crc32c(crc32c(0, &incarnation, sizeof(incarnation)), image,
		      size);
}


static size_t copy_offset(size_t size, uint32_t gen)
{
	return sizeof(struct slot_head) + gen % 2 * SLOT_COPY_SIZE(size);
}


void slot_copy_in(struct slot_head *slot, const void *image, size_t size,
		  uint32_t gen, uint32_t incarnation)
{
	word *to = (word *)(void *)((uint8_t *)slot + copy_offset(size, gen));
	const uint8_t *from = image;
	size_t left = size;

#pragma GCC unroll 8
	for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t)) {
		uint64_t w;

		memcpy(&w, from, sizeof(w));
		atomic_store_explicit(to++, w, memory_order_relaxed);
		from += sizeof(w);
	}

	if (left) {
		uint64_t w = 0;

		memcpy(&w, from, left);
		atomic_store_explicit(to++, w, memory_order_relaxed);
	}

	atomic_store_explicit(to,
			      (uint64_t)gen << 32 |
				      copy_crc(image, size, incarnation),
			      memory_order_relaxed);
}


uint64_t slot_copy_out(const struct slot_head *slot, void *image, size_t size,
		       uint32_t gen)
{
	const word *from = (const word *)(const void *)((const uint8_t *)slot +
							copy_offset(size,
								    gen));
	uint8_t *to = image;
	size_t left = size;

	for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t)) {
		const uint64_t w = atomic_load_explicit(from++,
							memory_order_relaxed);

		memcpy(to, &w, sizeof(w));
		to += sizeof(w);
	}

	if (left) {
		const uint64_t w = atomic_load_explicit(from++,
							memory_order_relaxed);

		memcpy(to, &w, left);
	}

	return atomic_load_explicit(from, memory_order_relaxed);
}


const char *slot_copy_fault(uint64_t tail, const void *image, size_t size,
			    uint32_t gen, uint32_t incarnation)
{
	if ((uint32_t)(tail >> 32) != gen)
		return "gen";
	if ((uint32_t)tail != copy_crc(image, size, incarnation))
		return "crc";

	return NULL;
}
