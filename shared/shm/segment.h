/**
 * @file shared/shm/segment.h  A piece of shared memory and its header
 *
 * Segments outlive every process and end with the machine. The supervisor
 * creates them and hands out descriptors; one process writes, the others map
 * them read-only. A header that does not say exactly what is expected is
 * refused with a reason, never interpreted.
 */
#ifndef TANDEM_SHM_SEGMENT_H
#define TANDEM_SHM_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/util.h"

enum { SEGMENT_NAME_MAX = 48 };

/** What a segment has to look like */
struct segment_layout {
	uint32_t magic;     /**< Which segment */
	uint16_t version;   /**< Of the layout of its slots */
	uint32_t slot_size; /**< Bytes, a multiple of 64 */
	uint32_t slotc;
};

/** First in every segment */
struct segment_head {
	uint32_t magic;
	uint16_t version;
	uint16_t head_size; /**< sizeof(struct segment_head) of its maker */
	uint32_t slot_size;
	uint32_t slotc;
	uint64_t size; /**< Of the whole segment, bytes */
	uint64_t epoch; /**< Of the node's ownership */
	uint32_t node; /**< CRC-32C of the node's name */
	uint32_t crc;  /**< CRC-32C of all before it */
	uint8_t pad[24]; /**< Zero */
};
BUILD_ASSERT(sizeof(struct segment_head) == 64);

/** A mapping of a segment */
struct segment {
	struct segment_head *head;
	uint8_t *slots;
	size_t size;
	bool writable;
};

size_t segment_size(const struct segment_layout *layout);

/**
 * Create a segment, zero-filled, or open the one that is there
 *
 * @param fdp    Descriptor, close-on-exec
 * @param foundp Set to what was there: false if it was created
 * @param name   As for shm_open(3), with the slash
 *
 * @return 0 if success; EPROTO if what is there has another layout (why says
 *         which), ENOSPC if shared memory is too small, otherwise errorcode
 */
int segment_create(int *fdp, bool *foundp, const char *name,
		   const struct segment_layout *layout, const char *node,
		   char *why, size_t whysize);

/** Layout of an existing segment, whatever it is */
int segment_peek(struct segment_layout *layoutp, int fd);

/** A second descriptor for the same segment that can only be read */
int segment_readonly_fd(int *fdp, const char *name);

int segment_unlink(const char *name);

/**
 * Map a segment
 *
 * @return 0 if success, EPROTO if its layout is another (why says how it
 *         differs), EBADMSG if its header is damaged, otherwise errorcode
 */
int segment_map(struct segment *segment, int fd,
		const struct segment_layout *layout, bool writable, char *why,
		size_t whysize);
void segment_unmap(struct segment *segment);

void *segment_slot(const struct segment *segment, uint32_t index);

#endif
