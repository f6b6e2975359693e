/**
 * @file shared/catalog/copy.c  The copy on disk
 *
 * A head with the control image, then the parts as they lie in shared memory.
 * It is written beside the old one, in pieces, brought to the disk, and takes
 * the old one's name: there is always one whole copy, or none. What is read
 * is not believed until all of it has been looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/crc32c.h"
#include "shared/base/log.h"
#include "shared/catalog/build_int.h"

#define COPY_MAGIC 0x79706f43u /* "Copy" */

enum {
	COPY_VERSION = 1,
	COPY_MODE = 0600, /* It holds what passwords are checked with */
	PIECE = 4 << 20   /* Bytes of one call: some milliseconds */
};

struct copy_head {
	uint32_t magic;
	uint32_t crc; /* Of all behind it */
	uint32_t version;
	uint32_t pad;
	struct catalog_control control;
	uint8_t pad2[8];
};
BUILD_ASSERT(sizeof(struct copy_head) == 128);


static uint32_t head_crc(const struct copy_head *head)
{
	const size_t from = offsetof(struct copy_head, version);

	return crc32c(0, (const uint8_t *)head + from, sizeof(*head) - from);
}


void copy_init(struct copy *copy)
{
	*copy = (struct copy){ .fd = -1 };
}


/* --- writing
 * ------------------------------------------------------------------ */

static int new_path(char path[PATH_MAX], const struct copy *copy)
{
	return text_print(path, PATH_MAX, "%s.new", copy->path);
}


static void stop(struct copy *copy)
{
	if (copy->fd >= 0)
		(void)close(copy->fd);
	copy->fd = -1;
	copy->catalog = catalog_unref(copy->catalog);
}


void copy_done(struct copy *copy)
{
	char path[PATH_MAX];

	if (copy->fd >= 0 && new_path(path, copy) == 0)
		(void)unlink(path);
	stop(copy);
}


static int write_at(struct copy *copy, const void *p, size_t size)
{
	const ssize_t n = write(copy->fd, p, size);

	if (n < 0)
		return errno == EINTR ? 0 : errno;

	copy->at += (uint64_t)n;

	return n == 0 ? EIO : 0;
}


static int start(struct copy *copy, const struct catalog *c)
{
	struct copy_head head = {
		.magic = COPY_MAGIC,
		.version = COPY_VERSION,
		.control = c->control,
	};
	char path[PATH_MAX];
	int err;

	err = new_path(path, copy);
	if (err)
		return err;

	copy->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			COPY_MODE);
	if (copy->fd < 0)
		return errno;

	copy->catalog = catalog_ref(c);
	head.crc = head_crc(&head);
	err = write_at(copy, &head, sizeof(head));
	if (!err && copy->at != sizeof(head))
		err = EIO;
	copy->part = 0;
	copy->at = 0;

	return err;
}


/* The next piece, and on its way to the disk at once: else the last call
 * would wait for all of them. */
static int write_piece(struct copy *copy)
{
	const struct part *part = copy->catalog->parts[copy->part];
	size_t size = part->size - (size_t)copy->at;
	int err;

	if (size > PIECE)
		size = PIECE;

	err = write_at(copy, part->map + copy->at, size);
	if (err)
		return err;

	(void)sync_file_range(copy->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	if (copy->at == part->size) {
		copy->part++;
		copy->at = 0;
	}

	return 0;
}


/* The rename is on the disk when its folder is. */
static int sync_folder(const char *path)
{
	char folder[PATH_MAX];
	int err = 0;
	int fd;

	err = text_print(folder, sizeof(folder), "%s", path);
	if (err)
		return err;

	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (fsync(fd) != 0)
		err = errno;
	(void)close(fd);

	return err;
}


static int finish(struct copy *copy)
{
	char path[PATH_MAX];
	int err;

	err = new_path(path, copy);
	if (!err && fdatasync(copy->fd) != 0)
		err = errno;
	if (!err && rename(path, copy->path) != 0)
		err = errno;
	if (!err)
		err = sync_folder(copy->path);
	if (err)
		return err;

	copy->saved = copy->catalog->control.publication;
	stop(copy);

	return 0;
}


int publisher_save_copy(struct publisher *p)
{
	struct copy *copy = &p->copy;
	int err;

	if (copy->path[0] == '\0' || !p->current)
		return 0;

	/* One that was begun is finished, also when there is a newer version
	 * by now: else versions that come fast would never be written. */
	if (copy->fd < 0) {
		if (copy->saved == p->current->control.publication)
			return 0;
		err = start(copy, p->current);
	}
	else if (copy->part < CATALOG_PARTC) {
		err = write_piece(copy);
	}
	else {
		err = finish(copy);
		if (!err && copy->saved == p->current->control.publication)
			return 0;
	}

	if (err) {
		copy_done(copy);
		return err;
	}

	return EAGAIN;
}


/* --- reading
 * ------------------------------------------------------------------- */

static int read_all(int fd, void *p, size_t size)
{
	uint8_t *to = p;

	while (size > 0) {
		const ssize_t n = read(fd, to, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			return EBADMSG;

		to += n;
		size -= (size_t)n;
	}

	return 0;
}


/* Head and size of the file agree */
static int read_head(struct copy_head *head, int fd, size_t *sizep)
{
	struct stat st;
	uint64_t size = 0;
	int err;

	err = read_all(fd, head, sizeof(*head));
	if (err)
		return err;
	if (head->magic != COPY_MAGIC || head->version != COPY_VERSION ||
	    head->crc != head_crc(head))
		return EBADMSG;

	for (size_t i = 0; i < CATALOG_PARTC; i++) {
		if (__builtin_add_overflow(size, head->control.parts[i].size,
					   &size))
			return EBADMSG;
	}

	if (fstat(fd, &st) != 0)
		return errno;
	if (size > (uint64_t)st.st_size ||
	    size + sizeof(*head) != (uint64_t)st.st_size)
		return EBADMSG;

	*sizep = (size_t)size;

	return 0;
}


/* The parts of a copy, attached to its bytes, and nothing wrong with them */
static int attach(struct part *parts[CATALOG_PARTC],
		  const struct copy_head *head, const uint8_t *bytes,
		  char why[BUILD_WHY_MAX])
{
	struct catalog *c = NULL;
	int err = 0;

	for (size_t i = 0; i < CATALOG_PARTC && !err; i++) {
		const size_t size = (size_t)head->control.parts[i].size;

		err = part_attach(&parts[i], i, bytes, size, why,
				  BUILD_WHY_MAX);
		if (!err && parts[i]->head.crc != head->control.parts[i].crc)
			err = EBADMSG;
		bytes += size;
	}

	if (!err)
		err = catalog_alloc(&c, &head->control, parts);
	if (!err)
		err = catalog_verify(c, why, BUILD_WHY_MAX);
	catalog_unref(c);

	return err == EPROTO ? EBADMSG : err;
}


static int load(struct publisher *p, int fd, char why[BUILD_WHY_MAX])
{
	struct part *parts[CATALOG_PARTC] = { NULL };
	struct copy_head head;
	uint8_t *bytes = NULL;
	size_t size = 0;
	int err;

	err = read_head(&head, fd, &size);
	if (!err) {
		bytes = malloc(size + 1);
		err = bytes ? read_all(fd, bytes, size) : ENOMEM;
	}
	if (!err)
		err = attach(parts, &head, bytes, why);
	if (!err)
		err = publisher_put(p, parts, head.control.version,
				    CATALOG_DISK, why);
	if (!err)
		p->copy.saved = p->current->control.publication;

	for (size_t i = 0; i < CATALOG_PARTC; i++)
		part_unref(parts[i]);
	free(bytes);

	return err;
}


int publisher_load_copy(struct publisher *p, char why[BUILD_WHY_MAX])
{
	int err;
	int fd;

	why[0] = '\0';
	if (p->copy.path[0] == '\0')
		return ENOENT;

	fd = open(p->copy.path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err = errno;
	else
		err = load(p, fd, why);
	if (fd >= 0)
		(void)close(fd);

	if (err && why[0] == '\0')
		(void)text_print(why, BUILD_WHY_MAX, "%s: %s", p->copy.path,
				 err == EBADMSG ? "damaged" : strerror(err));

	return err;
}
