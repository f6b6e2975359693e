/**
 * @file shared/shm/segment.c  A piece of shared memory and its header
 *
 * Memory is allocated when a segment is made, not when it is touched: on a
 * machine whose shared memory is full that is ENOSPC here, and would be
 * SIGBUS in the middle of a call later.
 *
 * The header is written last and its magic behind everything else, so a
 * segment whose maker was killed shows no magic and nothing but zeros, and is
 * made anew. A segment without magic that does hold something was damaged:
 * that is refused, since what it holds may be calls.
 *
 * A header is read with pread() into memory of our own, judged there, and
 * never looked at again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/crc32c.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/shm/segment_int.h"

BUILD_ASSERT(sizeof(size_t) == 8); /* slot_size * slotc cannot overflow */

enum {
	/* Whoever made or removed it between our two looks is done by then. */
	OPEN_TRIES = 8,
	/* A signal interrupts a long allocation, which then starts over. */
	ALLOC_TRIES = 100,
	EPOCH_FIRST = 1,
};


size_t segment_size(const struct segment_layout *layout)
{
	return sizeof(struct segment_head) +
	       (size_t)layout->slot_size * layout->slotc;
}


static bool name_valid(const char *name)
{
	const size_t len = strnlen(name, SEGMENT_NAME_MAX);

	return len >= 2 && len < SEGMENT_NAME_MAX && name[0] == '/' &&
	       !strchr(name + 1, '/');
}


/* /dev/shm is everybody's: who made the file can change it under us. */
static int owner_check(int fd, const char *name, char *why, size_t whysize)
{
	struct stat st;

	if (fstat(fd, &st))
		return errno;

	if (S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    !(st.st_mode & (S_IRWXG | S_IRWXO)))
		return 0;

	(void)text_print(
		why, whysize,
		"segment %s belongs to user %u with mode %04o, expected user "
		"%u and mode 0600",
		name, st.st_uid, st.st_mode & 07777, geteuid());

	return EPERM;
}


static int open_flags(int *fdp, const char *name, int flags, char *why,
		      size_t whysize)
{
	int fd;
	int err;

	if (!name_valid(name))
		return EINVAL;

	fd = shm_open(name, flags, 0);
	if (fd < 0)
		return errno;

	err = owner_check(fd, name, why, whysize);
	if (err)
		(void)close(fd);
	else
		*fdp = fd;

	return err;
}


int segment_open(int *fdp, const char *name)
{
	return open_flags(fdp, name, O_RDWR, NULL, 0);
}


int segment_readonly_fd(int *fdp, const char *name)
{
	return open_flags(fdp, name, O_RDONLY, NULL, 0);
}


int segment_unlink(const char *name)
{
	if (!name_valid(name))
		return EINVAL;

	return shm_unlink(name) ? errno : 0;
}


static int create_or_open(int *fdp, bool *foundp, const char *name, char *why,
			  size_t whysize)
{
	int err = EAGAIN;

	for (int i = 0; i < OPEN_TRIES && err; i++) {
		const int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

		if (fd >= 0) {
			*fdp = fd;
			*foundp = false;
			return 0;
		}
		if (errno != EEXIST)
			return errno;

		err = open_flags(fdp, name, O_RDWR, why, whysize);
		if (err && err != ENOENT)
			return err;
	}

	*foundp = true;

	return err;
}


static int allocate(int fd, uint64_t size)
{
	int err = EINTR;

	for (int i = 0; i < ALLOC_TRIES && err == EINTR; i++)
		err = posix_fallocate(fd, 0, (off_t)size);

	return err;
}


static int write_at(int fd, const void *data, size_t len, off_t offset)
{
	const ssize_t n = pwrite(fd, data, len, offset);

	if (n < 0)
		return errno;

	return n == (ssize_t)len ? 0 : EIO;
}


static int make(int fd, const struct segment_layout *layout, const char *node)
{
	struct segment_head head = {
		.magic = layout->magic,
		.version = layout->version,
		.head_size = sizeof(head),
		.slot_size = layout->slot_size,
		.slotc = layout->slotc,
		.size = segment_size(layout),
		.epoch = EPOCH_FIRST,
		.node = crc32c(0, node, strlen(node)),
	};
	int err;

	head.crc = segment_head_crc(&head);
	head.magic = 0;

	/* To nothing first: what a killed maker left is not kept. */
	if (ftruncate(fd, 0) || ftruncate(fd, (off_t)head.size))
		return errno;

	err = allocate(fd, head.size);
	if (err)
		return err;

	err = write_at(fd, &head, sizeof(head), 0);
	if (err)
		return err;

	return write_at(fd, &layout->magic, sizeof(layout->magic),
			offsetof(struct segment_head, magic));
}


/* Did its maker die before the header was whole? Then nobody used it. */
static int is_unfinished(bool *unfinishedp, int fd,
			 const struct segment_head *head)
{
	off_t offset = sizeof(*head);
	uint8_t block[4096];
	ssize_t n;

	*unfinishedp = false;
	if (head->magic != 0)
		return 0;

	while ((n = pread(fd, block, sizeof(block), offset)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (block[i])
				return 0;
		}
		offset += n;
	}

	*unfinishedp = n == 0;

	return n < 0 ? errno : 0;
}


/* What is asked of segment_create(), and where the answer goes */
struct ask {
	const char *name;
	const struct segment_layout *layout;
	const char *node;
	char *why;
	size_t whysize;
};


/* What was found under our name: as we need it, unfinished, or neither. */
static int inspect(bool *unfinishedp, int fd, const struct ask *ask)
{
	char what[sizeof("segment ") + SEGMENT_NAME_MAX];
	struct segment_head head = { 0 };
	const char *fault;
	struct stat st;
	int err;

	(void)snprintf(what, sizeof(what), "segment %s", ask->name);

	if (fstat(fd, &st))
		return errno;

	/* Shorter than a header is unfinished too: it reads as zeros. */
	err = segment_head_read(&head, fd);
	if (err && err != EBADMSG)
		return err;

	err = is_unfinished(unfinishedp, fd, &head);
	if (err || *unfinishedp)
		return err;

	fault = head.magic ? segment_head_fault(&head, st.st_size)
			   : "has lost its header";
	if (fault) {
		(void)text_print(ask->why, ask->whysize,
				 "%s %s: what it holds is lost", what, fault);
		return EBADMSG;
	}

	err = segment_head_match(&head, ask->layout, what, ask->why,
				 ask->whysize);
	if (err)
		return err;

	if (head.node != crc32c(0, ask->node, strlen(ask->node))) {
		(void)text_print(ask->why, ask->whysize,
				 "%s is another node's, not of %s", what,
				 ask->node);
		return EPROTO;
	}

	return segment_head_match_slotc(&head, ask->layout, what, ask->why,
					ask->whysize);
}


static int create(int *fdp, bool *foundp, const struct ask *ask)
{
	bool unfinished = false;
	bool found = false;
	int fd = -1;
	int err;

	err = create_or_open(&fd, &found, ask->name, ask->why, ask->whysize);
	if (err)
		return err;

	if (found)
		err = inspect(&unfinished, fd, ask);

	if (!err && (!found || unfinished)) {
		err = make(fd, ask->layout, ask->node);
		if (err)
			(void)shm_unlink(ask->name);
	}

	if (err) {
		(void)close(fd);
		return err;
	}

	*fdp = fd;
	*foundp = found && !unfinished;

	return 0;
}


int segment_create(int *fdp, bool *foundp, const char *name,
		   const struct segment_layout *layout, const char *node,
		   char *why, size_t whysize)
{
	const struct ask ask = { .name = name,
				 .layout = layout,
				 .node = node,
				 .why = why,
				 .whysize = whysize };
	int err;

	(void)text_print(why, whysize, "%s", "");

	if (!name_valid(name) || !segment_layout_valid(layout)) {
		(void)text_print(why, whysize,
				 "segment %s cannot be: bad name or size",
				 name);
		return EINVAL;
	}

	err = create(fdp, foundp, &ask);
	if (err && why && whysize && !why[0])
		(void)text_print(why, whysize, "segment %s of %zu bytes: %s",
				 name, segment_size(layout), strerror(err));

	return err;
}


int segment_peek(struct segment_layout *layoutp, int fd)
{
	struct segment_head head = { 0 };
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return errno;

	err = segment_head_read(&head, fd);
	if (err)
		return err;

	if (segment_head_fault(&head, st.st_size))
		return EBADMSG;

	layoutp->magic = head.magic;
	layoutp->version = head.version;
	layoutp->slot_size = head.slot_size;
	layoutp->slotc = head.slotc;

	return 0;
}


/* Its header, if it can be believed and is of our layout but for slotc. */
static int head_get(struct segment_head *head, int fd,
		    const struct segment_layout *layout, char *why,
		    size_t whysize)
{
	const char *fault;
	struct stat st;
	int err;

	(void)text_print(why, whysize, "%s", "");

	if (!segment_layout_valid(layout))
		return EINVAL;
	if (fstat(fd, &st))
		return errno;

	err = segment_head_read(head, fd);
	fault = err == EBADMSG ? "is too short"
		: err          ? NULL
			       : segment_head_fault(head, st.st_size);
	if (fault) {
		(void)text_print(why, whysize, "the segment %s", fault);
		return EBADMSG;
	}
	if (err)
		return err;

	return segment_head_match(head, layout, "the segment", why, whysize);
}


int segment_grow(int fd, const struct segment_layout *layout, char *why,
		 size_t whysize)
{
	struct segment_head head = { 0 };
	int err;

	err = head_get(&head, fd, layout, why, whysize);
	if (err)
		return err;

	if (layout->slotc < head.slotc)
		return segment_head_match_slotc(&head, layout, "the segment",
						why, whysize);
	if (layout->slotc == head.slotc)
		return 0;

	err = allocate(fd, segment_size(layout));
	if (err) {
		(void)text_print(why, whysize, "no room for %u slots: %s",
				 layout->slotc, strerror(err));
		return err;
	}

	head.slotc = layout->slotc;
	head.size = segment_size(layout);
	head.crc = segment_head_crc(&head);

	/* One write inside one page: a kill comes before it or behind it, and
	 * before it the file is only longer than its header says. */
	return write_at(fd, &head, sizeof(head), 0);
}


int segment_map_as(struct segment *segment, int fd,
		   const struct segment_layout *layout,
		   enum segment_access access, char *why, size_t whysize)
{
	const bool writable = access != SEGMENT_READ;
	const size_t size = segment_size(layout);
	struct segment_head head = { 0 };
	void *p;
	int err;

	err = head_get(&head, fd, layout, why, whysize);
	if (err)
		return err;

	err = segment_head_match_slotc(&head, layout, "the segment", why,
				       whysize);
	if (err)
		return err;

	p = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
		 access == SEGMENT_PRIVATE ? MAP_PRIVATE : MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		err = errno;
		(void)text_print(why, whysize,
				 "the segment cannot be mapped: %s",
				 strerror(err));
		return err;
	}

	segment->head = p;
	segment->slots = (uint8_t *)p + sizeof(struct segment_head);
	segment->size = size;
	segment->slot_size = layout->slot_size;
	segment->slotc = layout->slotc;
	segment->writable = writable;

	return 0;
}


int segment_map(struct segment *segment, int fd,
		const struct segment_layout *layout, bool writable, char *why,
		size_t whysize)
{
	return segment_map_as(segment, fd, layout,
			      writable ? SEGMENT_WRITE : SEGMENT_READ, why,
			      whysize);
}


void segment_unmap(struct segment *segment)
{
	if (segment->head)
		(void)munmap(segment->head, segment->size);

	memset(segment, 0, sizeof(*segment));
}


void *segment_slot(const struct segment *segment, uint32_t index)
{
	assert(index < segment->slotc);

	return segment->slots + (size_t)index * segment->slot_size;
}
