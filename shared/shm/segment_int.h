/**
 * @file shared/shm/segment_int.h  What the files of the segments share
 *
 * Not for users: segment.h is.
 */
#ifndef TANDEM_SHM_SEGMENT_INT_H
#define TANDEM_SHM_SEGMENT_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/shm/segment.h"

/** How a segment is mapped */
enum segment_access {
	SEGMENT_READ,
	SEGMENT_WRITE,
	SEGMENT_PRIVATE /**< Writable, and nobody else sees what is written */
};

/** segment_map() with a choice */
int segment_map_as(struct segment *segment, int fd,
		   const struct segment_layout *layout,
		   enum segment_access access, char *why, size_t whysize);

bool segment_layout_valid(const struct segment_layout *layout);

uint32_t segment_head_crc(const struct segment_head *head);

/** @return 0 if success, EBADMSG if the file is shorter than a header */
int segment_head_read(struct segment_head *head, int fd);

/** Why a header makes no sense in a file of this size; NULL if it does */
const char *segment_head_fault(const struct segment_head *head, off_t size);

/** Is it the layout we need, but for the number of slots? And with the same
 *  number? EPROTO if not; what: how to call the segment in the message,
 *  which is cut to the room there is; that may be none */
int segment_head_match(const struct segment_head *head,
		       const struct segment_layout *layout, const char *what,
		       char *why, size_t whysize);
int segment_head_match_slotc(const struct segment_head *head,
			     const struct segment_layout *layout,
			     const char *what, char *why, size_t whysize);

#endif
