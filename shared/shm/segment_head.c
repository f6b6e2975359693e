/**
 * @file shared/shm/segment_head.c  What the header of a segment says
 *
 * It is read into memory of our own and judged there: whoever can write the
 * segment could change it between our look and our use.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/crc32c.h"
#include "shared/base/text.h"
#include "shared/shm/segment_int.h"


bool segment_layout_valid(const struct segment_layout *layout)
{
	return layout->magic != 0 && layout->slotc != 0 &&
	       layout->slot_size != 0 && layout->slot_size % 64 == 0;
}


uint32_t segment_head_crc(const struct segment_head *head)
{
	return crc32c(0, head, offsetof(struct segment_head, crc));
}


int segment_head_read(struct segment_head *head, int fd)
{
	const ssize_t n = pread(fd, head, sizeof(*head), 0);

	if (n < 0)
		return errno;

	return n == (ssize_t)sizeof(*head) ? 0 : EBADMSG;
}


/* Why a header makes no sense in a file of this size; NULL if it does. */
const char *segment_head_fault(const struct segment_head *head, off_t size)
{
	static const uint8_t zero[sizeof(head->pad)];
	const struct segment_layout layout = {
		.magic = head->magic,
		.version = head->version,
		.slot_size = head->slot_size,
		.slotc = head->slotc,
	};

	if (head->magic == 0)
		return "was never finished";
	if (head->crc != segment_head_crc(head) ||
	    memcmp(head->pad, zero, sizeof(zero)) != 0)
		return "has a damaged header";
	if (!segment_layout_valid(&layout) ||
	    head->size != segment_size(&layout))
		return "has a header that contradicts itself";
	if (size < 0 || head->size > (uint64_t)size)
		return "is shorter than its header says";

	return NULL;
}


/* Is it the layout we need? What is called what, for the message. */
int segment_head_match(const struct segment_head *head,
		       const struct segment_layout *layout, const char *what,
		       char *why, size_t whysize)
{
	if (head->magic != layout->magic) {
		(void)text_print(
			why, whysize,
			"%s is another kind of segment: its magic is 0x%08x, "
			"expected 0x%08x",
			what, head->magic, layout->magic);
		return EPROTO;
	}

	if (head->head_size != sizeof(*head)) {
		(void)text_print(
			why, whysize,
			"%s has a header of %u bytes, this release needs %zu",
			what, head->head_size, sizeof(*head));
		return EPROTO;
	}

	if (head->version != layout->version ||
	    head->slot_size != layout->slot_size) {
		(void)text_print(
			why, whysize,
			"%s has layout %u of slots of %u bytes, this release "
			"needs layout %u of %u bytes",
			what, head->version, head->slot_size, layout->version,
			layout->slot_size);
		return EPROTO;
	}

	return 0;
}


int segment_head_match_slotc(const struct segment_head *head,
			     const struct segment_layout *layout,
			     const char *what, char *why, size_t whysize)
{
	if (head->slotc == layout->slotc)
		return 0;

	(void)text_print(
		why, whysize,
		"%s has %u slots, %u are configured: it can be given more "
		"while nothing uses it, and never fewer",
		what, head->slotc, layout->slotc);

	return EPROTO;
}
