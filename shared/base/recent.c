/**
 * @file shared/base/recent.c  What happened lately, by its hash
 *
 * Rows are numbered as they come, and lie in chunks that are used in turn, as
 * a ring; one that holds nobody any more is the next that is needed. Each
 * bucket names its youngest row, and each row the one before it in its bucket.
 * A number outside of those that are there ends a chain: that is how letting
 * go the oldest row unlinks it. Numbers wrap; a bucket so old that its number
 * is in use again leads to rows of others, which do not have the hash.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/recent.h"

enum {
	CHUNK = 1024, /**< Rows */
	BUCKETS_MAX = 1 << 20,
	SPARSE = 4, /**< Buckets for a row: what is new meets no other's row */
};

struct recent {
	size_t row_size;
	uint32_t most;
	uint32_t first, next; /**< Numbers: the oldest, and who comes next */
	uint32_t chunkc;      /**< Power of two */
	uint32_t mask;        /**< Of buckets */
	uint32_t *buckets;    /**< Number of the youngest */
	uint8_t **chunks;     /**< NULL: nobody is there */
	uint8_t *spare;       /**< A chunk that was let go; NULL: none */
};


int recent_alloc(struct recent **recentp, size_t row_size, uint32_t most)
{
	struct recent *r;
	uint32_t bucketc = 1;

	if (row_size < sizeof(struct recent_row) || row_size % 8 || !most ||
	    most > INT32_MAX / 2)
		return EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return ENOMEM;

	while (bucketc / SPARSE < most && bucketc < BUCKETS_MAX)
		bucketc *= 2;
	for (r->chunkc = 1; (r->chunkc - 1) * CHUNK < most;)
		r->chunkc *= 2;
	r->row_size = row_size;
	r->most = most;
	r->mask = bucketc - 1;
	r->first = r->next = 1; /* 0: an empty bucket */
	r->buckets = calloc(bucketc, sizeof(*r->buckets));
	r->chunks = calloc(r->chunkc, sizeof(*r->chunks));
	if (!r->buckets || !r->chunks) {
		recent_free(r);
		return ENOMEM;
	}
	*recentp = r;

	return 0;
}


struct recent *recent_free(struct recent *r)
{
	if (!r)
		return NULL;
	for (uint32_t i = 0; r->chunks && i < r->chunkc; i++)
		free(r->chunks[i]);
	free(r->chunks);
	free(r->spare);
	free(r->buckets);
	free(r);

	return NULL;
}


uint32_t recent_count(const struct recent *r)
{
	return r->next - r->first;
}


static bool is_there(const struct recent *r, uint32_t number)
{
	return number - r->first < r->next - r->first;
}


static uint8_t **chunk_of(const struct recent *r, uint32_t number)
{
	return &r->chunks[number / CHUNK & (r->chunkc - 1)];
}


static struct recent_row *row_of(const struct recent *r, uint32_t number)
{
	return (void *)(*chunk_of(r, number) + number % CHUNK * r->row_size);
}


void recent_ahead(const struct recent *r, uint64_t hash)
{
	__builtin_prefetch(&r->buckets[hash & r->mask], 1);
}


void *recent_find(const struct recent *r, uint64_t hash, const void *before)
{
	uint32_t number = before ? ((const struct recent_row *)before)->older
				 : r->buckets[hash & r->mask];

	while (is_there(r, number)) {
		struct recent_row *row = row_of(r, number);

		if (row->hash == hash)
			return row;
		/* Each is older than the one that names it: it ends. */
		if (row->older - r->first >= number - r->first)
			break;
		number = row->older;
	}

	return NULL;
}


void *recent_add(struct recent *r, uint64_t hash)
{
	uint32_t *const bucket = &r->buckets[hash & r->mask];
	uint8_t **const chunk = chunk_of(r, r->next);
	struct recent_row *row;

	if (recent_count(r) >= r->most)
		return NULL;
	if (!*chunk) {
		*chunk = r->spare ? r->spare : malloc(CHUNK * r->row_size);
		r->spare = NULL;
	}
	if (!*chunk)
		return NULL;

	row = row_of(r, r->next);
	memset(row, 0, r->row_size);
	row->hash = hash;
	row->older = *bucket;
	*bucket = r->next++;

	return row;
}


void *recent_oldest(const struct recent *r)
{
	return recent_count(r) ? row_of(r, r->first) : NULL;
}


void recent_drop(struct recent *r)
{
	uint8_t **const chunk = chunk_of(r, r->first);

	assert(recent_count(r) > 0);
	r->first++;
	if (r->first % CHUNK != 0)
		return;
	free(r->spare);
	r->spare = *chunk;
	*chunk = NULL;
}
