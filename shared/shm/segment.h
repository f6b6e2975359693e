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

enum {
	SEGMENT_NAME_MAX = 48
};

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
	uint64_t size;   /**< Of the whole segment, bytes */
	uint64_t epoch;  /**< Of the node's ownership */
	uint32_t node;   /**< CRC-32C of the node's name */
	uint32_t crc;    /**< CRC-32C of all before it */
	uint8_t pad[24]; /**< Zero */
};
BUILD_ASSERT(sizeof(struct segment_head) == 64);

/** A mapping of a segment. Sizes and counts are those its user asked for and
 *  segment_map() found true: what the memory says later moves nobody. */
struct segment {
	struct segment_head *head; /**< Not to be believed: see above */
	uint8_t *slots;
	size_t size;
	uint32_t slot_size;
	uint32_t slotc;
	bool writable;
};

size_t segment_size(const struct segment_layout *layout);

/**
 * Create a segment, zero-filled, or open the one that is there
 *
 * One that was left half-created is made anew. Only one process, the
 * supervisor, may do this at a time.
 *
 * @param fdp    Descriptor, close-on-exec
 * @param foundp Set to what was there: false if it was created
 * @param name   As for shm_open(3), with the slash
 * @param node   Name of this node
 *
 * @return 0 if success; EPROTO if what is there has another layout or is
 *         another node's, EBADMSG if its header is damaged, EPERM if it
 *         belongs to another user, ENOSPC if shared memory is too small,
 *         otherwise errorcode; why says it in words
 */
int segment_create(int *fdp, bool *foundp, const char *name,
		   const struct segment_layout *layout, const char *node,
		   char *why, size_t whysize);

/** Open one that is there, for reading and writing, whatever its layout
 *  @return 0 if success, ENOENT, EPERM if it belongs to another user */
int segment_open(int *fdp, const char *name);

/** Layout of an existing segment, whatever it is
 *  @return 0 if success, EBADMSG if its header is damaged or was never
 *          finished */
int segment_peek(struct segment_layout *layoutp, int fd);

/**
 * Give a segment more slots and keep what it holds
 *
 * For the supervisor, while no process has it mapped: parts of workers are
 * counted from slotc, and two that count differently would share slots.
 *
 * @return 0 if success; EPROTO if anything but slotc differs or it would
 *         shrink, EBADMSG, ENOSPC as above; the segment is then as before
 */
int segment_grow(int fd, const struct segment_layout *layout, char *why,
		 size_t whysize);

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

/** @param index Less than slotc: one from outside is checked before */
void *segment_slot(const struct segment *segment, uint32_t index);

#endif
