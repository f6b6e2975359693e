/**
 * @file billingd/journal_files.c  The files of the journal
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "billingd/journal_files.h"
#include "shared/base/text.h"
#include "shared/base/util.h"

enum {
	HEX_DIGITS = 16,
	FILE_MODE = 0640,
	DIR_MODE = 0750,
	ZEROS = 256 << 10,
	SEGMENTS_FIRST = 16,
};

static const char suffix[] = ".seg";


static void segment_name(char name[JOURNAL_NAME_SIZE], uint64_t first)
{
	(void)text_print(name, JOURNAL_NAME_SIZE, "%016" PRIx64 "%s", first,
			 suffix);
}


static void spare_name(char name[JOURNAL_NAME_SIZE], unsigned n)
{
	(void)text_print(name, JOURNAL_NAME_SIZE, "spare.%u", n);
}


static bool is_hex(const char *p, size_t len)
{
	return strspn(p, "0123456789abcdef") >= len;
}


int journal_pwrite(int fd, const void *p, size_t len, uint64_t at)
{
	const char *from = p;

	while (len > 0) {
		const ssize_t n = pwrite(fd, from, len, (off_t)at);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0) {
			from += n;
			at += (uint64_t)n;
			len -= (size_t)n;
		}
	}

	return 0;
}


/* --- the directory -------------------------------------------------------- */

static int id_read(struct journal_dir *dir)
{
	const int fd = openat(dir->fd, "id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno;
	n = read(fd, dir->id, HEX_DIGITS);
	(void)close(fd);
	if (n != HEX_DIGITS || !is_hex(dir->id, HEX_DIGITS))
		return EBADMSG;
	dir->id[HEX_DIGITS] = '\0';

	return 0;
}


/* Whole, or not there. */
static int id_make(struct journal_dir *dir)
{
	uint64_t number;
	int fd, err;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return EIO;
	(void)text_print(dir->id, sizeof(dir->id), "%016" PRIx64, number);

	fd = openat(dir->fd, "id.new",
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return errno;
	err = journal_pwrite(fd, dir->id, HEX_DIGITS, 0);
	if (!err && fsync(fd) != 0)
		err = errno;
	(void)close(fd);
	if (!err && (renameat(dir->fd, "id.new", dir->fd, "id") != 0 ||
		     fsync(dir->fd) != 0))
		err = errno;

	return err;
}


int journal_dir_open(struct journal_dir *dir, const char *path)
{
	int err;

	if (mkdir(path, DIR_MODE) != 0 && errno != EEXIST)
		return errno;
	dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir->fd < 0)
		return errno;
	err = id_read(dir);
	if (err == ENOENT)
		err = id_make(dir);
	if (err)
		journal_dir_close(dir);

	return err;
}


void journal_dir_close(struct journal_dir *dir)
{
	if (dir->fd >= 0)
		(void)close(dir->fd);
	dir->fd = -1;
}


/* --- its segments --------------------------------------------------------- */

struct list {
	struct journal_segment *segments;
	size_t count, room;
};


static bool first_of(const char *name, uint64_t *firstp)
{
	if (strlen(name) != HEX_DIGITS + sizeof(suffix) - 1 ||
	    !is_hex(name, HEX_DIGITS) ||
	    strcmp(name + HEX_DIGITS, suffix) != 0)
		return false;
	*firstp = strtoull(name, NULL, 16);

	return *firstp > 0;
}


static int list_add(struct list *list, uint64_t first, uint64_t size)
{
	struct journal_segment *more;

	if (list->count == JOURNAL_SEGMENTS_MAX)
		return EOVERFLOW;
	if (list->count == list->room) {
		const size_t room = list->room ? list->room * 2
					       : SEGMENTS_FIRST;

		more = realloc(list->segments, room * sizeof(*more));
		if (!more)
			return ENOMEM;
		list->segments = more;
		list->room = room;
	}
	list->segments[list->count++] = (struct journal_segment){
		.first = first,
		.size = size,
	};

	return 0;
}


static int entry_take(const struct journal_dir *dir, struct list *list,
		      const char *name)
{
	struct stat st;
	uint64_t first;

	if (strncmp(name, "spare.", strlen("spare.")) == 0)
		return unlinkat(dir->fd, name, 0) == 0 ? 0 : errno;
	if (!first_of(name, &first))
		return 0;
	if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno;

	return S_ISREG(st.st_mode)
		       ? list_add(list, first, (uint64_t)st.st_size)
		       : EINVAL;
}


static int by_first(const void *a, const void *b)
{
	const uint64_t x = ((const struct journal_segment *)a)->first;
	const uint64_t y = ((const struct journal_segment *)b)->first;

	return (x > y) - (x < y);
}


int journal_dir_list(const struct journal_dir *dir,
		     struct journal_segment **segmentsp, size_t *countp)
{
	struct list list = { NULL, 0, 0 };
	const int fd = openat(dir->fd, ".",
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	DIR *entries;
	int err = 0;

	if (fd < 0)
		return errno;
	entries = fdopendir(fd);
	if (!entries) {
		err = errno;
		(void)close(fd);
		return err;
	}
	while (!err && (entry = readdir(entries)))
		err = entry_take(dir, &list, entry->d_name);
	(void)closedir(entries);
	if (err) {
		free(list.segments);
		return err;
	}
	if (list.count > 0)
		qsort(list.segments, list.count, sizeof(*list.segments),
		      by_first);
	*segmentsp = list.segments;
	*countp = list.count;

	return 0;
}


int journal_segment_open(const struct journal_dir *dir, uint64_t first,
			 int flags, int *fdp)
{
	char name[JOURNAL_NAME_SIZE];

	segment_name(name, first);
	*fdp = openat(dir->fd, name, flags | O_CLOEXEC | O_NOFOLLOW);

	return *fdp < 0 ? errno : 0;
}


int journal_segment_remove(const struct journal_dir *dir, uint64_t first)
{
	char name[JOURNAL_NAME_SIZE];

	segment_name(name, first);

	return unlinkat(dir->fd, name, 0) == 0 || errno == ENOENT ? 0 : errno;
}


static int zeros_write(int fd, size_t size)
{
	char *zeros = calloc(1, ZEROS);
	int err = zeros ? 0 : ENOMEM;

	for (size_t at = 0; !err && at < size; at += ZEROS)
		err = journal_pwrite(fd, zeros,
				     size - at < ZEROS ? size - at : ZEROS,
				     at);
	free(zeros);
	if (!err && fsync(fd) != 0)
		err = errno;

	return err;
}


int journal_spare_make(const struct journal_dir *dir, unsigned n, size_t size)
{
	char name[JOURNAL_NAME_SIZE];
	int fd, err;

	spare_name(name, n);
	fd = openat(dir->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    FILE_MODE);
	if (fd < 0)
		return errno;
	err = zeros_write(fd, size);
	(void)close(fd);
	if (err)
		(void)unlinkat(dir->fd, name, 0);

	return err;
}


int journal_spare_use(const struct journal_dir *dir, unsigned n,
		      uint64_t first, int *fdp)
{
	char from[JOURNAL_NAME_SIZE], to[JOURNAL_NAME_SIZE];
	int err;

	spare_name(from, n);
	segment_name(to, first);
	if (renameat(dir->fd, from, dir->fd, to) != 0 || fsync(dir->fd) != 0)
		return errno;
	err = journal_segment_open(dir, first, O_RDWR, fdp);

	return err;
}


int journal_disk_used(const struct journal_dir *dir, uint32_t *percentp)
{
	struct statvfs st;
	uint64_t used;

	if (fstatvfs(dir->fd, &st) != 0)
		return errno;
	used = st.f_blocks - st.f_bfree;
	*percentp = used + st.f_bavail == 0
			    ? 0
			    : (uint32_t)(used * 100 / (used + st.f_bavail));

	return 0;
}
