/**
 * @file shared/shm/migrate.h  From one layout to its neighbour, and back
 *
 * A program knows the layouts of its own release, and by its table of
 * migrations those of the release before: for each the way up, and for those
 * it wants to be able to leave again the way down. The supervisor reads the
 * table (layouts of svc.h) before it stops anything, and has the program
 * that knows both layouts fill a new segment beside the old one.
 *
 * The old segment is only read: until the successor works with the new one it
 * is what holds, and a migration that was cut short is thrown away and done
 * again from the start.
 */
#ifndef TANDEM_SHM_MIGRATE_H
#define TANDEM_SHM_MIGRATE_H

#include "shared/shm/slot.h"

/** One end of it */
struct shm_migration_end {
	uint16_t version;
	uint32_t slot_size;
	/** Of what lies in a slot (slot.h); 0: the segment is no slots, and
	 *  whole is called */
	size_t image_size;
	slot_fault_h *faulth; /**< NULL: any image whose CRC is right */
};

/** A segment that is no slots: all of it at once; to is zeros. Returns why it
 *  cannot be done, NULL if it is. */
typedef const char *(migrate_whole_h)(const struct segment *to,
				      const struct segment *from);

struct shm_migration {
	const char *segment;
	uint32_t magic;
	struct shm_migration_end from, to;
	slot_convert_h *converth; /**< Of an image */
	migrate_whole_h *wholeh;
};

/** What became of it; for people */
struct migrated {
	uint32_t moved;
	uint32_t left; /**< Could not go on, or had been set aside before */
};

/** The row that leads from one version of a segment to another; NULL */
const struct shm_migration *migration_find(const struct shm_migration *rows,
					   size_t rowc, const char *segment,
					   uint16_t from, uint16_t to);

/**
 * Fill a new segment from one of a neighbouring layout
 *
 * No process may write in either. What cannot go on is left behind, as an
 * adopter would set it aside; a slot's index and incarnation stay, so ids
 * told to others hold.
 *
 * @param from_fd What holds: not changed
 * @param to_fd   New and empty
 *
 * @return 0 if success, EPROTO if one of them is not what the row says,
 *         ENOMEM, EBADMSG; why says it in words
 */
int migrate(const struct shm_migration *row, int from_fd, int to_fd,
	    struct migrated *migrated, char *why, size_t whysize);

#endif
