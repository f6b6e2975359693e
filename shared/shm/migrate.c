/**
 * @file shared/shm/migrate.c  From one layout to its neighbour, and back
 *
 * Slots are converted as slots_convert() does it, from a private copy of the
 * old segment: what it marks there as moved is gone with us, and the old
 * segment still holds everything when we are killed.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/shm/migrate.h"
#include "shared/shm/segment_int.h"


const struct shm_migration *migration_find(const struct shm_migration *rows,
					   size_t rowc, const char *segment,
					   uint16_t from, uint16_t to)
{
	for (size_t i = 0; i < rowc; i++)
		if (rows[i].from.version == from && rows[i].to.version == to &&
		    strcmp(rows[i].segment, segment) == 0)
			return &rows[i];

	return NULL;
}


static uint32_t aside_count(const struct segment *segment)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < segment->slotc; i++) {
		const struct slot_head *slot = segment_slot(segment, i);

		n += atomic_load(&slot->use) == SLOT_QUARANTINED;
	}

	return n;
}


static int migrate_slots(const struct shm_migration *row,
			 const struct segment *from, const struct segment *to,
			 struct migrated *migrated)
{
	const struct slots_args args = {
		.segment = to,
		.name = row->segment,
		.image_size = row->to.image_size,
		.slotc = to->slotc,
		.faulth = row->to.faulth,
	};
	struct slots *slots;
	int err;

	err = slots_alloc(&slots, &args);
	if (err)
		return err;

	err = slots_convert(slots, from, row->from.image_size,
			    row->from.faulth, row->converth, &migrated->moved);
	if (!err)
		migrated->left = aside_count(from);
	slots_free(slots);

	return err;
}


static int map_end(struct segment *segment, const struct shm_migration *row,
		   const struct shm_migration_end *end, int fd,
		   enum segment_access access, char *why, size_t whysize)
{
	struct segment_layout layout;
	int err;

	err = segment_peek(&layout, fd);
	if (err) {
		(void)text_print(why, whysize, "the segment is damaged");
		return err;
	}

	layout.magic = row->magic;
	layout.version = end->version;
	layout.slot_size = end->slot_size;

	return segment_map_as(segment, fd, &layout, access, why, whysize);
}


static int migrate_mapped(const struct shm_migration *row,
			  const struct segment *from, const struct segment *to,
			  struct migrated *migrated, char *why, size_t whysize)
{
	const char *fault = NULL;
	int err = 0;

	if (from->slotc != to->slotc)
		err = EPROTO;
	else if (row->from.image_size)
		err = migrate_slots(row, from, to, migrated);
	else
		fault = row->wholeh(to, from);

	if (fault)
		err = EBADMSG;
	if (err)
		(void)text_print(why, whysize, "%s",
				 fault ? fault : strerror(err));

	return err;
}


int migrate(const struct shm_migration *row, int from_fd, int to_fd,
	    struct migrated *migrated, char *why, size_t whysize)
{
	struct segment from = { 0 }, to = { 0 };
	int err;

	*migrated = (struct migrated){ 0, 0 };
	(void)text_print(why, whysize, "%s", "");
	err = map_end(&from, row, &row->from, from_fd, SEGMENT_PRIVATE, why,
		      whysize);
	if (!err)
		err = map_end(&to, row, &row->to, to_fd, SEGMENT_WRITE, why,
			      whysize);
	if (!err)
		err = migrate_mapped(row, &from, &to, migrated, why, whysize);
	segment_unmap(&to);
	segment_unmap(&from);

	return err;
}
