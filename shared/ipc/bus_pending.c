/**
 * @file shared/ipc/bus_pending.c  The table of requests that wait
 *
 * An id is a number that ascends from a random one, 48 bits, and the place in
 * the table, 16 bits: an answer finds its request without a search, and an
 * answer to one that is gone finds nothing.
 *
 * The table grows by chunks and does not shrink: the most that ever waited
 * will wait again.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/ipc/bus_parts.h"

enum {
	PLACE_BITS = 16,
	CHUNK_SIZE = 256,
	CHUNKS_MAX = BUS_PENDING_MAX / CHUNK_SIZE,
	ROOM_KEPT = 512, /* Buffers up to here stay with their place */
};
BUILD_ASSERT(BUS_PENDING_MAX <= 1 << PLACE_BITS);

struct pendings {
	struct pending *chunks[CHUNKS_MAX];
	uint32_t chunkc;
	uint32_t count;
	struct pending *free;
	uint64_t last; /**< Number of the last id */
	size_t bytes;  /**< Kept */
};


int pendings_alloc(struct pendings **tablep, uint64_t random)
{
	struct pendings *table;

	table = calloc(1, sizeof(*table));
	if (!table)
		return ENOMEM;

	table->last = random;
	*tablep = table;

	return 0;
}


struct pendings *pendings_free(struct pendings *table)
{
	if (!table)
		return NULL;

	for (uint32_t c = 0; c < table->chunkc; c++) {
		for (uint32_t i = 0; i < CHUNK_SIZE; i++)
			free(table->chunks[c][i].data);
		free(table->chunks[c]);
	}
	free(table);

	return NULL;
}


static struct pending *at_place(const struct pendings *table, uint32_t place)
{
	return &table->chunks[place / CHUNK_SIZE][place % CHUNK_SIZE];
}


static int chunk_add(struct pendings *table)
{
	struct pending *chunk;

	if (table->chunkc == CHUNKS_MAX)
		return ENOBUFS;

	chunk = calloc(CHUNK_SIZE, sizeof(*chunk));
	if (!chunk)
		return ENOMEM;

	for (uint32_t i = CHUNK_SIZE; i-- > 0;) {
		chunk[i].place = table->chunkc * CHUNK_SIZE + i;
		chunk[i].next = table->free;
		table->free = &chunk[i];
	}
	table->chunks[table->chunkc++] = chunk;

	return 0;
}


int pendings_take(struct pendings *table, struct pending **pp)
{
	struct pending *p;

	if (!table->free) {
		const int err = chunk_add(table);

		if (err)
			return err;
	}

	p = table->free;
	table->free = p->next;
	table->count++;

	/* No id is 0: that means none. */
	table->last = (table->last + 1) & (UINT64_MAX >> PLACE_BITS);
	if (table->last == 0)
		table->last = 1;

	p->id = table->last << PLACE_BITS | p->place;
	p->next = NULL;
	p->prev = NULL;
	p->len = 0;
	*pp = p;

	return 0;
}


void pendings_give(struct pendings *table, struct pending *p)
{
	assert(p->id != 0); /* given back twice: our own bug */

	table->bytes -= p->len;
	table->count--;
	if (p->room > ROOM_KEPT) {
		free(p->data);
		p->data = NULL;
		p->room = 0;
	}

	p->id = 0;
	p->len = 0;
	p->next = table->free;
	table->free = p;
}


struct pending *pendings_find(const struct pendings *table, uint64_t id)
{
	const uint32_t place = id & ((1U << PLACE_BITS) - 1);
	struct pending *p;

	if (id == 0 || place >= table->chunkc * CHUNK_SIZE)
		return NULL;

	p = at_place(table, place);

	return p->id == id ? p : NULL;
}


int pending_keep(struct pendings *table, struct pending *p,
		 const uint8_t *data, size_t len)
{
	if (table->bytes + len > PENDING_BYTES_MAX)
		return ENOBUFS;

	if (len > p->room) {
		uint8_t *room = realloc(p->data, len);

		if (!room)
			return ENOMEM;
		p->data = room;
		p->room = len;
	}

	memcpy(p->data, data, len);
	table->bytes += len - p->len;
	p->len = len;

	return 0;
}


struct pending *pendings_next(const struct pendings *table, uint32_t *ip)
{
	while (*ip < table->chunkc * CHUNK_SIZE) {
		struct pending *p = at_place(table, (*ip)++);

		if (p->id != 0)
			return p;
	}

	return NULL;
}


uint32_t pendings_count(const struct pendings *table)
{
	return table->count;
}
