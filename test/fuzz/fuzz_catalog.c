/**
 * @file test/fuzz/fuzz_catalog.c  Parts that are not as they were made
 *
 * The first byte says which part of a small version is exchanged, and how:
 * what follows is the part, as it is; or what is written over a good one,
 * with the checksum set right (place in two bytes, how many, the bytes), as
 * if somebody meant it. Either it is refused, or it can be asked everything,
 * and what is found sound is so: all its rows are found and can be printed.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/crc32c.h"
#include "test/fuzz/fuzz_catalog.h"
#include "test/unit/catalog/ask.h"

enum {
	IS_PATCH = 0x80,
	PATCH_HEAD = 3,
	PART_MAX = 1 << 16
};

struct fuzz {
	struct good_part good[CATALOG_PARTC];
	struct part *parts[CATALOG_PARTC];
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static struct part *attach_good(const struct good_part *good,
				enum catalog_part which)
{
	struct part *part = NULL;
	char why[256] = "";

	assert(part_attach(&part, which, good->bytes, good->size, why,
			   sizeof(why)) == 0);

	return part;
}


static void open_fuzz(struct fuzz *fuzz)
{
	good_parts(fuzz->good);
	for (size_t i = 0; i < CATALOG_PARTC; i++)
		fuzz->parts[i] = attach_good(&fuzz->good[i], i);
}


static void patch(const struct good_part *part, const uint8_t *data,
		  size_t size)
{
	struct part_head head;

	while (size > PATCH_HEAD) {
		const size_t at = (size_t)(data[0] << 8 | data[1]) %
				  part->size;
		size_t len = data[2];

		data += PATCH_HEAD;
		size -= PATCH_HEAD;
		if (len > size)
			len = size;
		if (len > part->size - at)
			len = part->size - at;
		memcpy(part->bytes + at, data, len);
		data += len;
		size -= len;
	}

	memcpy(&head, part->bytes, sizeof(head));
	head.crc = crc32c(0, part->bytes + PART_CRC_FROM,
			  part->size - PART_CRC_FROM);
	memcpy(part->bytes, &head, sizeof(head));
}


/* A version of two good parts and this one */
static void ask_with(const struct fuzz *fuzz, enum catalog_part which,
		     struct part *part)
{
	const struct catalog_control control = { .publication = 1 };
	struct part *parts[CATALOG_PARTC];
	struct catalog *c = NULL;
	char why[256] = "";
	int err;

	for (size_t i = 0; i < CATALOG_PARTC; i++)
		parts[i] = i == which ? part : fuzz->parts[i];
	if (catalog_alloc(&c, &control, parts))
		return;

	(void)ask_everything(c);
	err = catalog_verify(c, why, sizeof(why));
	assert(err == 0 || (err == EBADMSG && why[0] != '\0'));
	catalog_unref(c);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz fuzz; /* Made once: it is the same each time */
	struct good_part copy;
	struct part *part = NULL;
	enum catalog_part which;
	char why[256] = "";

	if (!fuzz.parts[0])
		open_fuzz(&fuzz);
	if (size < 1 || size > PART_MAX)
		return 0;

	which = (data[0] & ~IS_PATCH) % CATALOG_PARTC;
	copy.size = data[0] & IS_PATCH ? fuzz.good[which].size : size - 1;
	copy.bytes = malloc(copy.size + 1);
	if (!copy.bytes)
		return 0;

	if (data[0] & IS_PATCH) {
		memcpy(copy.bytes, fuzz.good[which].bytes, copy.size);
		patch(&copy, data + 1, size - 1);
	}
	else {
		memcpy(copy.bytes, data + 1, copy.size);
	}

	if (part_attach(&part, which, copy.bytes, copy.size, why,
			sizeof(why)) == 0)
		ask_with(&fuzz, which, part);
	part_unref(part);
	free(copy.bytes);

	return 0;
}
