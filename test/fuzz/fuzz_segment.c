/**
 * @file test/fuzz/fuzz_segment.c  Any bytes are a segment
 *
 * Twice: as a file, header and all, which segment_map() has to judge; and as
 * the slots behind a header that was right, in memory of exactly their size,
 * so that the sanitizer sees one byte too far. Whatever they hold, they can
 * be read, adopted and used, and the sums are right.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "test/fuzz/fuzz_shm.h"

/* Ours is a part in the middle: its neighbours are read, never written. */
enum {
	FIRST = 1,
	PARTC = 6,
	IMAGE_SIZE = FUZZ_IMAGE_SIZE
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void on_line(const char *line, size_t len, void *arg)
{
	(void)line;
	(void)len;
	(void)arg;
}


static const char *fault(const void *image)
{
	const uint8_t *p = image;

	return p[0] > 0xf0 ? "first" : NULL;
}


static bool on_adopt(uint32_t index, const void *image, void *arg)
{
	const uint8_t *p = image;
	(void)arg;

	assert(index >= FIRST && index < FIRST + PARTC);
	assert(!fault(image));

	return p[1] != 0x77;
}


static void read_each(const struct segment *segment)
{
	uint8_t image[IMAGE_SIZE];
	int err;

	for (uint32_t i = 0; i <= FUZZ_SLOTC; i++) {
		err = slot_read(segment, i, image, sizeof(image));
		assert(err == 0 || err == ENOENT || err == EBADMSG);
		assert(i < FUZZ_SLOTC || err == ENOENT);
		err = slot_read_id(segment, (uint64_t)image[0] << 32 | i,
				   image, sizeof(image));
		assert(err != EAGAIN); /* nobody writes */
	}
}


static void use_one(struct slots *slots, const struct segment *segment,
		    uint32_t index)
{
	uint8_t in[IMAGE_SIZE], out[IMAGE_SIZE];
	uint64_t id;
	int err;

	id = slots_id(slots, index);
	assert(id != 0);
	assert(slots_id_valid(slots, id));

	memset(in, (int)index, sizeof(in));
	slots_work_begin(slots, index);
	slots_publish(slots, index, in);
	slots_work_end(slots, index);

	err = slot_read_id(segment, id, out, sizeof(out));
	assert(!err);
	assert(memcmp(in, out, sizeof(in)) == 0);
}


static void use_each(struct slots *slots, const struct segment *segment)
{
	uint32_t index;

	while (slots_take(slots, &index) == 0) {
		use_one(slots, segment, index);
		if (index % 3 == 0)
			slots_quarantine(slots, index, "test");
	}
	assert(slots_left(slots) == 0);
}


static void adopt(const struct segment *segment, bool crashed)
{
	const struct slots_args args = {
		.segment = segment,
		.name = "fuzz",
		.image_size = IMAGE_SIZE,
		.first = FIRST,
		.slotc = PARTC,
		.predecessor_crashed = crashed,
		.faulth = fault,
	};
	uint32_t foundc, adoptedc;
	struct slots *slots;

	read_each(segment);
	if (slots_alloc(&slots, &args))
		return;

	foundc = slots_used(slots);
	assert(foundc + slots_left(slots) + slots_quarantined(slots) == PARTC);

	adoptedc = slots_adopt(slots, on_adopt, NULL);
	assert(adoptedc <= foundc && slots_used(slots) == adoptedc);

	use_each(slots, segment);
	assert(slots_used(slots) + slots_quarantined(slots) == PARTC);
	slots_free(slots);

	/* What was set aside stays aside; the rest can be adopted again. */
	read_each(segment);
	assert(!slots_alloc(&slots, &args));
	assert(slots_left(slots) == 0);
	slots_free(slots);
}


static void as_file(const uint8_t *data, size_t size)
{
	struct segment_layout seen = fuzz_layout;
	struct segment segment = { 0 };
	char why[64];
	int err;
	const int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0)
		return;

	if (size && write(fd, data, size) != (ssize_t)size)
		goto out;

	if (!segment_peek(&seen, fd)) {
		/* It was believed: then it can be mapped as what it says, but
		 * for a header of another release. */
		assert(segment_size(&seen) <= size);
		err = segment_map(&segment, fd, &seen, false, why,
				  sizeof(why));
		assert(err == 0 || err == EPROTO);
		segment_unmap(&segment);
	}

	if (!segment_map(&segment, fd, &fuzz_layout, true, why, sizeof(why))) {
		adopt(&segment, size % 2);
		segment_unmap(&segment);
	}
	else
		(void)segment_grow(fd, &fuzz_layout, why, sizeof(why));

out:
	(void)close(fd);
}


static void as_slots(const uint8_t *data, size_t size)
{
	const size_t room = segment_size(&fuzz_layout) -
			    sizeof(struct segment_head);
	struct segment segment = { .slot_size = fuzz_layout.slot_size,
				   .slotc = fuzz_layout.slotc,
				   .size = room,
				   .writable = true };

	/* Atomic words: aligned as a page is. */
	segment.slots = aligned_alloc(64, room);
	if (!segment.slots)
		return;

	memset(segment.slots, 0, room);
	if (size > sizeof(struct segment_head)) {
		data += sizeof(struct segment_head);
		size -= sizeof(struct segment_head);
		memcpy(segment.slots, data, size < room ? size : room);
	}

	adopt(&segment, size % 2);
	free(segment.slots);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 2 * segment_size(&fuzz_layout))
		return 0;

	log_writer_set(on_line, NULL);
	as_file(data, size);
	as_slots(data, size);

	return 0;
}
