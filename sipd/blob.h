/**
 * @file sipd/blob.h  Texts of calls, in shared memory
 *
 * A call's slot is small and of one size; its texts (heads, SDP, route sets)
 * are not. A blob is written once, before the slot that names it is published,
 * and is free again when no slot names it. So nothing is ever overwritten that
 * a slot relies on, and a crash in between leaks nothing: which blobs are
 * taken is found out from the slots.
 *
 * Buddies of 64 bytes to 64 KB, and three quarters of those, in the worker's
 * part of the segment "texts"; what is free is kept in private memory.
 */
#ifndef TANDEM_SIPD_BLOB_H
#define TANDEM_SIPD_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/text.h"
#include "shared/shm/segment.h"

#define TEXTS_MAGIC   0x54584554 /* "TEXT" */
#define TEXTS_VERSION 1

enum {
	BLOB_UNIT = 64,
	BLOB_BYTES_MAX = 65536,
	BLOB_SLOT_SIZE = 4096, /**< Of the segment; they lie one behind the
				*   other and are used as one piece */
};

/** Where a blob is; lies in shared memory; all zero: none */
struct blob {
	uint32_t unit; /**< Offset in units of the whole segment, and 1 */
	uint32_t len;
	uint32_t crc; /**< CRC-32C of its bytes */
};

struct blobs;

int blobs_alloc(struct blobs **blobsp, const struct segment *segment,
		uint32_t first_slot, uint32_t slotc);
struct blobs *blobs_free(struct blobs *blobs);

/** A copy of these parts, one behind the other
 *  @return 0, ENOSPC, EMSGSIZE; an empty one is no blob and succeeds */
int blob_take(struct blobs *blobs, struct blob *blobp,
	      const struct text *parts, size_t partc);
/** The same in the place of one that nobody reads any more; without success
 *  that is lost, or (EMSGSIZE) as it was */
int blob_renew(struct blobs *blobs, struct blob *blob,
	       const struct text *parts, size_t partc);

/** Also of none; zeroes it */
void blob_give(struct blobs *blobs, struct blob *blob);
/** Its bytes, which stay until it is given back; empty for none */
struct text blob_text(const struct blobs *blobs, const struct blob *blob);

/** While adopting: this one is taken
 *  @return 0, or EBADMSG: outside, in another's place, or its CRC is wrong */
int blob_adopt(struct blobs *blobs, const struct blob *blob);

/** For other processes: a copy of its bytes
 *  @return 0, EBADMSG, EMSGSIZE */
int blob_read(const struct segment *segment, const struct blob *blob,
	      char *dst, size_t size);

/** Bytes taken, for status */
size_t blobs_used(const struct blobs *blobs);

#endif
