/**
 * @file test/fuzz/fuzz_slot.c  A few bits of a good segment flip
 *
 * The input says which bits, and what the writer did before: three bytes a
 * flip (offset, bit), at most four flips, since CRC-32C is certain to notice
 * that many in so little memory. So more than survival can be asserted: what
 * is adopted or converted is something that was published in that very slot,
 * never a mixture and never another slot's.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"
#include "shared/shm/segment.h"
#include "shared/shm/slot.h"

enum {
	SLOTC = 4,
	FLIPS_MAX = 4,
	COMMITS_MAX = 4,
	FLIP_SIZE = 3
};

struct image {
	uint32_t slot;
	uint32_t commit;
	uint8_t fill[24];
};

/** The next layout: the same in another order, and more */
struct image2 {
	uint8_t fill[32];
	uint64_t commit;
	uint64_t slot;
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void on_line(const char *line, size_t len, void *arg)
{
	(void)line;
	(void)len;
	(void)arg;
}


static struct image image_of(uint32_t slot, uint32_t commit)
{
	struct image image = { .slot = slot, .commit = commit };

	memset(image.fill, (int)(slot * 16 + commit), sizeof(image.fill));

	return image;
}


static void assert_published(uint32_t index, const struct image *image)
{
	const struct image right = image_of(index, image->commit);

	assert(image->commit <= COMMITS_MAX);
	assert(memcmp(&right, image, sizeof(right)) == 0);
}


static bool convert(void *image, const void *old_image)
{
	const struct image *old = old_image;
	struct image2 new = { .commit = old->commit, .slot = old->slot };

	memcpy(new.fill, old->fill, sizeof(old->fill));
	memcpy(image, &new, sizeof(new));

	return true;
}


static bool on_adopt(uint32_t index, const void *image, void *arg)
{
	(void)arg;
	assert_published(index, image);

	return true;
}


static bool on_adopt2(uint32_t index, const void *image, void *arg)
{
	const struct image2 *seen = image;
	struct image old = { .slot = (uint32_t)seen->slot,
			     .commit = (uint32_t)seen->commit };
	(void)arg;

	memcpy(old.fill, seen->fill, sizeof(old.fill));
	assert_published(index, &old);

	return true;
}


static bool segment_alloc(struct segment *segment, size_t image_size)
{
	segment->slot_size = (uint32_t)SLOT_SIZE(image_size);
	segment->slotc = SLOTC;
	segment->size = (size_t)segment->slot_size * SLOTC;
	segment->writable = true;
	segment->slots = aligned_alloc(64, segment->size);
	if (segment->slots)
		memset(segment->slots, 0, segment->size);

	return segment->slots != NULL;
}


/* What a writer may have left: slots of every kind, chosen by one byte. */
static void fill(const struct slots_args *args, uint8_t how)
{
	struct slots *slots;
	struct image image;
	uint32_t index;

	if (slots_alloc(&slots, args))
		return;

	for (uint32_t i = 0; i < SLOTC; i++, how >>= 2) {
		if (slots_take(slots, &index))
			break;
		for (uint32_t k = 0; k <= how % COMMITS_MAX; k++) {
			image = image_of(index, k);
			slots_publish(slots, index, &image);
		}
		if (how % 4 == 1)
			slots_work_begin(slots, index);
		if (how % 4 == 2)
			slots_give(slots, index);
	}

	slots_free(slots);
}


static void flip(const struct segment *segment, const uint8_t *data,
		 size_t size)
{
	for (int i = 0; i < FLIPS_MAX && size >= FLIP_SIZE; i++) {
		const size_t at = ((size_t)data[0] << 8 | data[1]) %
				  segment->size;

		segment->slots[at] ^= (uint8_t)(1 << data[2] % 8);
		data += FLIP_SIZE;
		size -= FLIP_SIZE;
	}
}


static void check(const struct slots_args *args, const struct segment *old,
		  slot_adopt_h *adopth)
{
	struct slots *slots;
	uint32_t movedc = 0;
	uint32_t adoptedc;

	if (slots_alloc(&slots, args))
		return;

	if (old) {
		if (slots_convert(slots, old, sizeof(struct image), NULL,
				  convert, &movedc))
			goto out;
		assert(movedc == slots_used(slots));
	}

	adoptedc = slots_adopt(slots, adopth, NULL);
	assert(adoptedc == slots_used(slots));
	assert(adoptedc + slots_left(slots) + slots_quarantined(slots) ==
	       SLOTC);

out:
	slots_free(slots);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct segment old = { 0 };
	struct segment new = { 0 };
	struct slots_args args = { .segment = &old,
				   .name = "fuzz",
				   .image_size = sizeof(struct image),
				   .slotc = SLOTC };
	struct slots_args args2 = { .segment = &new,
				    .name = "fuzz",
				    .image_size = sizeof(struct image2),
				    .slotc = SLOTC };

	if (size < 2 || !segment_alloc(&old, sizeof(struct image)) ||
	    !segment_alloc(&new, sizeof(struct image2)))
		goto out;

	log_writer_set(on_line, NULL);
	fill(&args, data[0]);
	flip(&old, data + 2, size - 2);
	args.predecessor_crashed = args2.predecessor_crashed = data[1] & 1;

	if (data[1] & 2) {
		check(&args2, &old, on_adopt2);
		/* Again, as after a kill: nothing moves twice. */
		check(&args2, NULL, on_adopt2);
	}
	else
		check(&args, NULL, on_adopt);

out:
	free(old.slots);
	free(new.slots);

	return 0;
}
