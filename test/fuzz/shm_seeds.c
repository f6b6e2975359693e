/**
 * @file test/fuzz/shm_seeds.c  Makes the seeds of fuzz_segment and fuzz_slot
 *
 *     ninja -C build/dev shm_seeds
 *     build/dev/test/fuzz/shm_seeds test/fuzz/corpus
 *
 * To be done again when the layout of segments or slots changes. Inputs that
 * a fuzzer found are kept beside them and are not made here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/util.h"
#include "test/fuzz/fuzz_shm.h"

/** A short input of fuzz_slot.c: what the writer did, how it died, flips */
struct slot_seed {
	const char *name;
	size_t len;
	uint8_t data[16];
};

/* clang-format off */
static const struct slot_seed slot_seeds[] = {
	{ "untouched",         2, { 0x1b, 0x00 } },
	{ "crashed",           2, { 0x55, 0x01 } },
	{ "converted",         2, { 0x1b, 0x02 } },
	{ "converted-crashed", 2, { 0x55, 0x03 } },
	{ "gen",               5, { 0xff, 0x00, 0, 0, 0 } },
	{ "use",               5, { 0xff, 0x00, 0, 4, 0 } },
	{ "incarnation",       5, { 0xff, 0x00, 0, 8, 0 } },
	{ "in-work",           5, { 0xff, 0x01, 0, 12, 0 } },
	{ "image",             8, { 0x00, 0x00, 0, 60, 3, 0, 20, 3 } },
	{ "tail",              8, { 0x00, 0x02, 0, 88, 1, 0, 92, 1 } },
};
/* clang-format on */


static int file_write(const char *dir, const char *name, const void *data,
		      size_t len)
{
	char path[256];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (!f)
		return errno;

	n = fwrite(data, 1, len, f);
	if (fclose(f) || n != len)
		return EIO;

	return 0;
}


/* A segment with slots of each kind, and some of them damaged. */
static int segment_fill(const struct segment *segment)
{
	const struct slots_args args = { .segment = segment,
					 .name = "seeds",
					 .image_size = FUZZ_IMAGE_SIZE,
					 .slotc = FUZZ_SLOTC,
					 .worker = 1 };
	uint8_t image[FUZZ_IMAGE_SIZE];
	struct slot_head *slot;
	struct slots *slots;
	uint32_t index;
	int err;

	err = slots_alloc(&slots, &args);
	if (err)
		return err;

	for (uint8_t n = 0; slots_take(slots, &index) == 0; n++) {
		memset(image, n, sizeof(image));
		if (n != 1)
			slots_publish(slots, index, image);
		if (n > 3)
			slots_publish(slots, index, image);
		if (n == 2 || n == 1)
			slots_give(slots, index);
		if (n == 3)
			slots_work_begin(slots, index);
		if (slots_left(slots) <= 2)
			break;
	}
	slots_free(slots);

	slot = segment_slot(segment, 4);
	atomic_store(&slot->use, SLOT_QUARANTINED);
	slot = segment_slot(segment, 5);
	atomic_store(&slot->crashc, 1);
	atomic_store(&slot->in_work, 1);

	return 0;
}


static int segment_seeds(const char *root)
{
	const struct segment_layout *layout = &fuzz_layout;
	struct segment segment = { 0 };
	char name[SEGMENT_NAME_MAX];
	uint8_t bytes[2048];
	char dir[200];
	bool found;
	int fd = -1;
	int err;

	(void)snprintf(dir, sizeof(dir), "%s/segment", root);
	(void)snprintf(name, sizeof(name), "/tandem-seeds.%ld",
		       (long)getpid());

	err = segment_create(&fd, &found, name, layout, "seed", NULL, 0);
	if (err)
		return err;
	(void)segment_unlink(name);

	err = segment_map(&segment, fd, layout, true, NULL, 0);
	if (err)
		goto out;

	err = file_write(dir, "fresh", segment.head, segment.size);
	if (err)
		goto out;

	err = segment_fill(&segment);
	if (err)
		goto out;

	memcpy(bytes, segment.head, segment.size);
	err = file_write(dir, "in-use", bytes, segment.size);
	if (!err)
		err = file_write(dir, "cut-short", bytes, segment.size - 200);
	if (!err)
		err = file_write(dir, "header-alone", bytes, 64);

	bytes[4] ^= 1; /* version, with the CRC it had */
	if (!err)
		err = file_write(dir, "bad-crc", bytes, 128);

out:
	segment_unmap(&segment);
	(void)close(fd);

	return err;
}


static int slot_seeds_write(const char *root)
{
	char dir[200];
	int err = 0;

	(void)snprintf(dir, sizeof(dir), "%s/slot", root);
	for (size_t i = 0; i < COUNT_OF(slot_seeds) && !err; i++)
		err = file_write(dir, slot_seeds[i].name, slot_seeds[i].data,
				 slot_seeds[i].len);

	return err;
}


int main(int argc, char *argv[])
{
	int err;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s corpus-directory\n", argv[0]);
		return 2;
	}

	err = segment_seeds(argv[1]);
	if (!err)
		err = slot_seeds_write(argv[1]);
	if (err)
		(void)fprintf(stderr, "%s: %s\n", argv[1], strerror(err));

	return err ? 1 : 0;
}
