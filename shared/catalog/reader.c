/**
 * @file shared/catalog/reader.c  Which version is in force here
 *
 * The control page's generation is one load; only when it has moved is there
 * anything to do. A version is mapped before it takes the place of the one
 * before; one that cannot be mapped changes nothing, and is tried again.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/catalog/image.h"
#include "shared/shm/slot.h"

enum {
	/* The publisher removes a part two versions after it was named: who
	 * is slow looks at the page again, and is slow so often only when
	 * something else is wrong. */
	MAP_TRIES = 8,
	PREFIX_MAX = 64,
	/* What fails for another reason, say descriptors, may succeed later,
	 * but not on every call. */
	RETRY_US = 1000000
};

struct catalog_reader {
	struct segment control;
	char prefix[PREFIX_MAX];
	const struct catalog *current; /**< One of its pins is ours */
	uint32_t gen; /**< Of the page, when we last had what it names */
	bool has_looked;
	bool has_failed; /**< Then: the next try, and of which gen */
	uint32_t failed_gen;
	int64_t retry_us;
};


int catalog_reader_alloc(struct catalog_reader **readerp,
			 const struct segment *control, const char *prefix)
{
	struct catalog_reader *reader;
	int err;

	if (control->slotc < 1 ||
	    control->slot_size < SLOT_SIZE(sizeof(struct catalog_control)))
		return EINVAL;

	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return ENOMEM;

	reader->control = *control;
	err = text_copy(reader->prefix, sizeof(reader->prefix),
			text_of(prefix));
	if (err) {
		free(reader);
		return EINVAL;
	}

	*readerp = reader;

	return 0;
}


struct catalog_reader *catalog_reader_free(struct catalog_reader *reader)
{
	if (!reader)
		return NULL;

	catalog_unref(reader->current);
	free(reader);

	return NULL;
}


static uint32_t page_gen(const struct catalog_reader *reader)
{
	const struct slot_head *head = segment_slot(&reader->control, 0);

	return atomic_load_explicit(&head->gen, memory_order_acquire);
}


/* Map what the page names now. A part may be gone because two newer versions
 * came since the page was read: then the page says something else by now. */
static int map_current(const struct catalog_reader *reader,
		       struct catalog **cp)
{
	struct catalog_control control;
	char why[128];
	int err = 0;

	for (int i = 0; i < MAP_TRIES; i++) {
		err = slot_read(&reader->control, 0, &control,
				sizeof(control));
		if (err)
			return err == ENOENT ? EAGAIN : err;

		if (reader->current && reader->current->control.publication ==
					       control.publication)
			return 0;

		err = catalog_map(cp, &control, reader->prefix,
				  reader->current, why, sizeof(why));
		if (err != ENOENT)
			return err;
	}

	return err;
}


static void refresh(struct catalog_reader *reader, uint32_t gen)
{
	struct catalog *c = NULL;
	int err;

	if (reader->has_failed && reader->failed_gen == gen &&
	    clk_mono_us() < reader->retry_us)
		return;

	err = map_current(reader, &c);
	if (err) {
		/* A page that is empty, or changes as we look, is no fault. */
		reader->has_failed = err != EAGAIN;
		reader->failed_gen = gen;
		reader->retry_us = clk_mono_us() + RETRY_US;
		return;
	}

	if (c) {
		catalog_unref(reader->current);
		reader->current = c;
	}
	reader->gen = gen;
	reader->has_looked = true;
	reader->has_failed = false;
}


const struct catalog *catalog_pin(struct catalog_reader *reader)
{
	const uint32_t gen = page_gen(reader);

	/* Taken before the page is read: if it moves in between, this is the
	 * older one and the next call looks again. */
	if (!reader->has_looked || gen != reader->gen)
		refresh(reader, gen);

	return reader->current ? catalog_ref(reader->current) : NULL;
}


void catalog_unpin(struct catalog_reader *reader, const struct catalog *c)
{
	(void)reader;

	catalog_unref(c);
}
