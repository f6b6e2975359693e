/**
 * @file billingd/journal_files.h  The files of the journal
 *
 *     <dir>/id                     of this journal, 16 hex digits
 *     <dir>/<first sequence>.seg   16 hex digits
 *     <dir>/spare.<n>              zeros, to become a segment
 *
 * Everything here waits for the disk.
 */
#ifndef TANDEM_BILLINGD_JOURNAL_FILES_H
#define TANDEM_BILLINGD_JOURNAL_FILES_H

#include <stddef.h>
#include <stdint.h>

enum {
	JOURNAL_ID_SIZE = 17,
	JOURNAL_NAME_SIZE = 24,
	JOURNAL_SEGMENTS_MAX = 1 << 20,
};

struct journal_dir {
	int fd;
	char id[JOURNAL_ID_SIZE];
};

/** Makes the directory and the id if they are not there */
int journal_dir_open(struct journal_dir *dir, const char *path);
void journal_dir_close(struct journal_dir *dir);

struct journal_segment {
	uint64_t first; /**< Sequence */
	uint64_t size;  /**< Bytes of the file */
};

/** All segments in order, malloc()ed. Spares of a predecessor are removed. */
int journal_dir_list(const struct journal_dir *dir,
		     struct journal_segment **segmentsp, size_t *countp);

int journal_segment_open(const struct journal_dir *dir, uint64_t first,
			 int flags, int *fdp);
int journal_segment_remove(const struct journal_dir *dir, uint64_t first);

/** A file of zeros, synced. ENOSPC: nothing is left of it */
int journal_spare_make(const struct journal_dir *dir, unsigned n, size_t size);
/** It becomes the segment of that name, durably; one of that name gives way */
int journal_spare_use(const struct journal_dir *dir, unsigned n,
		      uint64_t first, int *fdp);

/** All of it at that place */
int journal_pwrite(int fd, const void *p, size_t len, uint64_t at);

/** Percent of the file system in use, as df counts */
int journal_disk_used(const struct journal_dir *dir, uint32_t *percentp);

#endif
