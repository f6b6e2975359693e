/**
 * @file sipd/blob.c  Texts of calls, in shared memory
 *
 * Which blocks are free is kept in a bitmap per order, with words above it
 * that say where a set bit is: taking and giving look at a few words, however
 * large the part is, and prefer low addresses.
 *
 * Calls take what calls gave back, of the same few sizes: so some blocks of
 * each size are kept as they are, not joined to be halved again, and the one
 * given back last, whose memory is at hand, is taken first. Where nothing is
 * free without them they are joined, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/crc32c.h"
#include "shared/base/util.h"
#include "sipd/blob.h"

enum {
	ORDERC = 11, /* 64 bytes to 64 KB */
	LEVELC = 6,  /* 64^6 bits are more than unit can count */
	WORD_BITS = 64,
	KEPT_MAX = 64, /* Of a size */
};
BUILD_ASSERT((BLOB_UNIT << (ORDERC - 1)) == BLOB_BYTES_MAX);

/* A set of numbers; a bit of one level says that its word below is not 0. */
struct bits {
	uint64_t *levels[LEVELC];
	unsigned levelc;
};

/* Blocks of one size */
struct size {
	struct bits taken;       /* One level: asked for one at a time */
	uint32_t kept[KEPT_MAX]; /* Neither taken nor free, the last one first */
	size_t keptc;
};

struct blobs {
	const struct segment *segment;
	uint64_t first; /* Unit of the segment at which our part begins */
	uint64_t unitc;
	size_t used;
	struct bits free[ORDERC];
	struct size sizes[ORDERC][2]; /* 1: short */
};

/* A block of our part: the index-th of its order; a short one leaves its last
 * quarter to others, and is a half and a quarter in the bitmaps of the free. */
struct block {
	unsigned order;
	bool is_short;
	uint64_t index;
};


/* --- bits ----------------------------------------------------------------- */

static int bits_init(struct bits *bits, uint64_t bitc, unsigned levels_max)
{
	uint64_t wordc = bitc;

	do {
		uint64_t *words;

		assert(bits->levelc < LEVELC);
		wordc = (wordc + WORD_BITS - 1) / WORD_BITS;
		words = calloc(wordc ? wordc : 1, sizeof(*words));
		if (!words)
			return ENOMEM;
		bits->levels[bits->levelc++] = words;
	} while (wordc > 1 && bits->levelc < levels_max);

	return 0;
}


static void bits_done(struct bits *bits)
{
	for (unsigned i = 0; i < bits->levelc; i++)
		free(bits->levels[i]);
}


static bool bits_has(const struct bits *bits, uint64_t i)
{
	return (bits->levels[0][i / WORD_BITS] >> i % WORD_BITS) & 1;
}


static void bits_set(struct bits *bits, uint64_t i)
{
	for (unsigned level = 0; level < bits->levelc; level++) {
		uint64_t *word = &bits->levels[level][i / WORD_BITS];
		const uint64_t was = *word;

		*word |= UINT64_C(1) << i % WORD_BITS;
		if (was)
			return;
		i /= WORD_BITS;
	}
}


static void bits_clear(struct bits *bits, uint64_t i)
{
	for (unsigned level = 0; level < bits->levelc; level++) {
		uint64_t *word = &bits->levels[level][i / WORD_BITS];

		*word &= ~(UINT64_C(1) << i % WORD_BITS);
		if (*word)
			return;
		i /= WORD_BITS;
	}
}


/* The lowest of them; false: there is none. */
static bool bits_first(const struct bits *bits, uint64_t *ip)
{
	uint64_t i = 0;

	for (unsigned level = bits->levelc; level-- > 0;) {
		const uint64_t word = bits->levels[level][i];

		if (!word)
			return false;
		i = i * WORD_BITS + (unsigned)__builtin_ctzll(word);
	}
	*ip = i;

	return true;
}


/* The smallest that holds len bytes, at most BLOB_BYTES_MAX. */
static struct block block_for(size_t len)
{
	struct block block = { .order = 0 };

	while (((size_t)BLOB_UNIT << block.order) < len)
		block.order++;
	block.is_short = block.order >= 2 &&
			 len <= ((size_t)BLOB_UNIT << block.order) / 4 * 3;

	return block;
}


/* Free from the start: the largest aligned blocks that fit. */
static void fill(struct blobs *blobs)
{
	uint64_t unit = 0;

	while (unit < blobs->unitc) {
		unsigned order = ORDERC - 1;

		while (unit % (UINT64_C(1) << order) != 0 ||
		       unit + (UINT64_C(1) << order) > blobs->unitc)
			order--;
		bits_set(&blobs->free[order], unit >> order);
		unit += UINT64_C(1) << order;
	}
}


/**
 * What is free in a worker's part of the segment: all of it, until
 * blob_adopt() says otherwise
 *
 * @return 0 if success, EINVAL if that is no part of the segment, ENOMEM
 */
int blobs_alloc(struct blobs **blobsp, const struct segment *segment,
		uint32_t first_slot, uint32_t slotc)
{
	const uint64_t units = segment->slot_size / BLOB_UNIT;
	struct blobs *blobs;
	int err = 0;

	if (!segment->writable || segment->slot_size % BLOB_UNIT != 0 ||
	    units * segment->slotc >= UINT32_MAX || slotc == 0 ||
	    slotc > segment->slotc || first_slot > segment->slotc - slotc)
		return EINVAL;

	blobs = calloc(1, sizeof(*blobs));
	if (!blobs)
		return ENOMEM;
	blobs->segment = segment;
	blobs->first = units * first_slot;
	blobs->unitc = units * slotc;

	for (unsigned order = 0; order < ORDERC && !err; order++) {
		const uint64_t blockc = blobs->unitc >> order;

		err = bits_init(&blobs->free[order], blockc, LEVELC);
		for (size_t i = 0; i < 2 && !err; i++)
			err = bits_init(&blobs->sizes[order][i].taken, blockc,
					1);
	}
	if (err) {
		blobs_free(blobs);
		return err;
	}

	fill(blobs);
	*blobsp = blobs;

	return 0;
}


struct blobs *blobs_free(struct blobs *blobs)
{
	if (!blobs)
		return NULL;

	for (unsigned order = 0; order < ORDERC; order++) {
		bits_done(&blobs->free[order]);
		for (size_t i = 0; i < 2; i++)
			bits_done(&blobs->sizes[order][i].taken);
	}
	free(blobs);

	return NULL;
}


/* --- what is free --------------------------------------------------------- */

/* Halve a free block until one half of it is want, which is not free then. */
static void carve(struct blobs *blobs, struct block from, struct block want)
{
	bits_clear(&blobs->free[from.order], from.index);
	for (unsigned order = from.order; order-- > want.order;) {
		const uint64_t half = want.index >> (order - want.order);

		bits_set(&blobs->free[order], half ^ 1);
	}
}


/* What it is in the bitmaps: itself, or a half and a quarter. */
static unsigned pieces_of(const struct block *block, struct block pieces[2])
{
	pieces[0] = *block;
	if (!block->is_short)
		return 1;

	pieces[0] = (struct block){ .order = block->order - 1,
				    .index = 2 * block->index };
	pieces[1] = (struct block){ .order = block->order - 2,
				    .index = 4 * block->index + 2 };

	return 2;
}


/* It is free only as part of a block that is. */
static bool piece_take(struct blobs *blobs, struct block want)
{
	struct block from = want;

	for (; from.order < ORDERC; from.order++, from.index /= 2) {
		if (from.index >= blobs->unitc >> from.order)
			break;
		if (!bits_has(&blobs->free[from.order], from.index))
			continue;
		carve(blobs, from, want);
		return true;
	}

	return false;
}


/* A half that is whole again joins its other half, if that is free, too. */
static void piece_give(struct blobs *blobs, struct block block)
{
	while (block.order < ORDERC - 1) {
		const uint64_t other = block.index ^ 1;

		if (other >= blobs->unitc >> block.order ||
		    !bits_has(&blobs->free[block.order], other))
			break;
		bits_clear(&blobs->free[block.order], other);
		block.order++;
		block.index /= 2;
	}
	bits_set(&blobs->free[block.order], block.index);
}


static bool block_claim(struct blobs *blobs, const struct block *block)
{
	struct block pieces[2];
	const unsigned n = pieces_of(block, pieces);

	for (unsigned i = 0; i < n; i++) {
		if (piece_take(blobs, pieces[i]))
			continue;
		if (i > 0)
			piece_give(blobs, pieces[0]);
		return false;
	}

	return true;
}


static void block_join(struct blobs *blobs, const struct block *block)
{
	struct block pieces[2];
	const unsigned n = pieces_of(block, pieces);

	for (unsigned i = 0; i < n; i++)
		piece_give(blobs, pieces[i]);
}


/* The lowest that is free, of its order or in a larger one. */
static bool block_find(struct blobs *blobs, struct block *block)
{
	for (unsigned order = block->order; order < ORDERC; order++) {
		uint64_t index;

		if (!bits_first(&blobs->free[order], &index))
			continue;
		block->index = index << (order - block->order);
		return block_claim(blobs, block);
	}

	return false;
}


/* --- what is kept of each size -------------------------------------------- */

static struct size *size_of(struct blobs *blobs, const struct block *block)
{
	return &blobs->sizes[block->order][block->is_short];
}


static size_t bytes_in(const struct block *block)
{
	const size_t whole = (size_t)BLOB_UNIT << block->order;

	return block->is_short ? whole / 4 * 3 : whole;
}


static void join_size(struct blobs *blobs, unsigned order, bool is_short)
{
	struct size *size = &blobs->sizes[order][is_short];

	while (size->keptc > 0) {
		const struct block block = {
			.order = order,
			.is_short = is_short,
			.index = size->kept[--size->keptc],
		};

		block_join(blobs, &block);
	}
}


static void join_kept(struct blobs *blobs)
{
	for (unsigned order = 0; order < ORDERC; order++) {
		join_size(blobs, order, false);
		join_size(blobs, order, true);
	}
}


static void note_taken(struct blobs *blobs, const struct block *block)
{
	bits_set(&size_of(blobs, block)->taken, block->index);
	blobs->used += bytes_in(block);
}


static bool block_take(struct blobs *blobs, struct block *block)
{
	struct size *size = size_of(blobs, block);

	if (size->keptc > 0) {
		block->index = size->kept[--size->keptc];
	}
	else if (!block_find(blobs, block)) {
		join_kept(blobs);
		if (!block_find(blobs, block))
			return false;
	}
	note_taken(blobs, block);

	return true;
}


static void block_give(struct blobs *blobs, const struct block *block)
{
	struct size *size = size_of(blobs, block);

	bits_clear(&size->taken, block->index);
	blobs->used -= bytes_in(block);
	if (size->keptc < KEPT_MAX)
		size->kept[size->keptc++] = (uint32_t)block->index;
	else
		block_join(blobs, block);
}


/* --- texts ---------------------------------------------------------------- */

/* Does it lie in these units of the segment, as blob_take() makes them? */
static bool is_within(const struct blob *blob, uint64_t first, uint64_t unitc)
{
	uint64_t unit;

	if (blob->unit == 0 || blob->len == 0 || blob->len > BLOB_BYTES_MAX)
		return false;
	unit = (uint64_t)blob->unit - 1;

	return unit >= first && unit - first < unitc &&
	       blob->len <= (unitc - (unit - first)) * BLOB_UNIT;
}


static bool is_none(const struct blob *blob)
{
	return blob->unit == 0 && blob->len == 0;
}


/* The block of our part that a blob fills; false: it can be none of ours. */
static bool block_of(const struct blobs *blobs, const struct blob *blob,
		     struct block *block)
{
	uint64_t unit;

	if (!is_within(blob, blobs->first, blobs->unitc))
		return false;

	unit = blob->unit - 1 - blobs->first;
	*block = block_for(blob->len);
	block->index = unit >> block->order;

	return unit == block->index << block->order &&
	       block->index < blobs->unitc >> block->order;
}


static uint8_t *bytes_of(const struct segment *segment, uint64_t unit)
{
	return segment->slots + unit * BLOB_UNIT;
}


/* @return false: more than the largest holds */
static bool len_of(size_t *lenp, const struct text *parts, size_t partc)
{
	size_t len = 0;

	for (size_t i = 0; i < partc; i++) {
		if (parts[i].l > BLOB_BYTES_MAX - len)
			return false;
		len += parts[i].l;
	}
	*lenp = len;

	return true;
}


static void write_parts(const struct blobs *blobs, struct blob *blob,
			const struct text *parts, size_t partc)
{
	uint8_t *dst = bytes_of(blobs->segment, blob->unit - 1);

	blob->crc = 0;
	for (size_t i = 0; i < partc; i++) {
		if (parts[i].l == 0)
			continue;
		memcpy(dst, parts[i].p, parts[i].l);
		dst += parts[i].l;
		blob->crc = crc32c(blob->crc, parts[i].p, parts[i].l);
	}
}


int blob_take(struct blobs *blobs, struct blob *blobp,
	      const struct text *parts, size_t partc)
{
	struct block block;
	struct blob blob;
	size_t len;

	if (!len_of(&len, parts, partc))
		return EMSGSIZE;

	memset(&blob, 0, sizeof(blob));
	if (len == 0) {
		*blobp = blob;
		return 0;
	}

	block = block_for(len);
	if (!block_take(blobs, &block))
		return ENOSPC;

	blob.unit = (uint32_t)(blobs->first + (block.index << block.order) +
			       1);
	blob.len = (uint32_t)len;
	write_parts(blobs, &blob, parts, partc);
	*blobp = blob;

	return 0;
}


int blob_renew(struct blobs *blobs, struct blob *blob,
	       const struct text *parts, size_t partc)
{
	struct block was, now;
	size_t len;

	if (!len_of(&len, parts, partc))
		return EMSGSIZE;
	was = block_for(blob->len);
	now = block_for(len);
	if (is_none(blob) || len == 0 || was.order != now.order ||
	    was.is_short != now.is_short) {
		blob_give(blobs, blob);
		return blob_take(blobs, blob, parts, partc);
	}

	blob->len = (uint32_t)len;
	write_parts(blobs, blob, parts, partc);

	return 0;
}


void blob_give(struct blobs *blobs, struct blob *blob)
{
	struct block block;

	if (!is_none(blob)) {
		const bool is_ours = block_of(blobs, blob, &block);

		/* Given back twice, it would be two calls' at once. */
		assert(is_ours &&
		       bits_has(&size_of(blobs, &block)->taken, block.index));
		block_give(blobs, &block);
	}
	memset(blob, 0, sizeof(*blob));
}


struct text blob_text(const struct blobs *blobs, const struct blob *blob)
{
	struct text t = { "", 0 };

	if (is_within(blob, blobs->first, blobs->unitc)) {
		t.p = (const char *)bytes_of(blobs->segment, blob->unit - 1);
		t.l = blob->len;
	}

	return t;
}


int blob_adopt(struct blobs *blobs, const struct blob *blob)
{
	struct block want;

	if (is_none(blob))
		return 0;
	if (!block_of(blobs, blob, &want) ||
	    crc32c(0, bytes_of(blobs->segment, blob->unit - 1), blob->len) !=
		    blob->crc)
		return EBADMSG;

	join_kept(blobs);
	if (!block_claim(blobs, &want))
		return EBADMSG;
	note_taken(blobs, &want);

	return 0;
}


int blob_read(const struct segment *segment, const struct blob *blob,
	      char *dst, size_t size)
{
	const uint64_t unitc = (uint64_t)(segment->slot_size / BLOB_UNIT) *
			       segment->slotc;

	if (is_none(blob))
		return 0;
	if (!is_within(blob, 0, unitc))
		return EBADMSG;
	if (blob->len > size)
		return EMSGSIZE;

	/* Copied first, judged then: its owner may write there meanwhile. */
	memcpy(dst, bytes_of(segment, blob->unit - 1), blob->len);

	return crc32c(0, dst, blob->len) == blob->crc ? 0 : EBADMSG;
}


size_t blobs_used(const struct blobs *blobs)
{
	return blobs->used;
}
