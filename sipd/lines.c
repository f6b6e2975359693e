/**
 * @file sipd/lines.c  Lines in use, per gateway, group, account, phone
 *
 * Slots are claimed by compare-and-swap of their key, and never given up: who
 * finds a key may rely on it, and who finds none in its places knows that
 * nobody has counted there yet. A search ends after PROBES_MAX places, so a
 * table that is nearly full is slow for nobody.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/lines.h"

enum {
	PROBES_MAX = 256
};

struct lines {
	const struct segment *segment;
	uint32_t worker;
	uint32_t workers;
};


static uint64_t key_of(enum lines_kind kind, uint32_t id)
{
	assert(kind > LINES_NONE && kind < LINES_KINDC);

	return (uint64_t)kind << 32 | id;
}


/* Finalizer of splitmix64: ids that follow each other lie apart. */
static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;

	return v ^ v >> 31;
}


static struct lines_slot *slot_at(const struct lines *lines, uint32_t index)
{
	return segment_slot(lines->segment, index);
}


/* Where a key is counted; NULL: nowhere yet or, to claim, no place is left. */
static struct lines_slot *find(const struct lines *lines, uint64_t key,
			       bool claim)
{
	const uint32_t slotc = lines->segment->slotc;
	const uint32_t probec = slotc < PROBES_MAX ? slotc : PROBES_MAX;
	uint32_t index = (uint32_t)(mix(key) % slotc);

	for (uint32_t i = 0; i < probec; i++) {
		struct lines_slot *slot = slot_at(lines, index);
		uint64_t found = atomic_load_explicit(&slot->key,
						      memory_order_acquire);

		if (found == 0 && !claim)
			return NULL;
		/* Who loses the race may have lost it to the same key. */
		if (found == 0 &&
		    atomic_compare_exchange_strong(&slot->key, &found, key))
			return slot;
		if (found == key)
			return slot;
		index = index + 1 < slotc ? index + 1 : 0;
	}

	return NULL;
}


static void clear(const struct lines *lines, uint32_t worker)
{
	for (uint32_t i = 0; i < lines->segment->slotc; i++) {
		struct lines_cell *cell = &slot_at(lines, i)->cells[worker];

		atomic_store_explicit(&cell->used, 0, memory_order_relaxed);
		memset(&cell->rate, 0, sizeof(cell->rate));
	}
}


/**
 * @return 0 if success, EINVAL if the segment has other slots or there is no
 *         such worker, ENOMEM
 */
int lines_alloc(struct lines **linesp, const struct segment *segment,
		uint32_t worker, uint32_t workers)
{
	struct lines *lines;

	if (segment->slot_size != sizeof(struct lines_slot) ||
	    !segment->writable || segment->slotc == 0 ||
	    worker >= LINES_WORKERS_MAX || workers == 0 ||
	    workers > LINES_WORKERS_MAX)
		return EINVAL;

	lines = calloc(1, sizeof(*lines));
	if (!lines)
		return ENOMEM;
	lines->segment = segment;
	lines->worker = worker;
	lines->workers = workers;

	clear(lines, worker);
	/* Of workers that this node had once, nobody else would. */
	for (uint32_t i = workers; i < LINES_WORKERS_MAX && worker == 0; i++)
		clear(lines, i);
	*linesp = lines;

	return 0;
}


struct lines *lines_free(struct lines *lines)
{
	free(lines);

	return NULL;
}


uint32_t lines_used(const struct lines *lines, enum lines_kind kind,
		    uint32_t id)
{
	struct lines_slot *slot = find(lines, key_of(kind, id), false);
	uint32_t sum = 0;

	for (size_t i = 0; slot && i < LINES_WORKERS_MAX; i++)
		sum += atomic_load_explicit(&slot->cells[i].used,
					    memory_order_relaxed);

	return sum;
}


int lines_take(struct lines *lines, enum lines_kind kind, uint32_t id)
{
	struct lines_slot *slot = find(lines, key_of(kind, id), true);

	if (!slot)
		return ENOSPC;
	atomic_fetch_add_explicit(&slot->cells[lines->worker].used, 1,
				  memory_order_relaxed);

	return 0;
}


void lines_give(struct lines *lines, enum lines_kind kind, uint32_t id)
{
	struct lines_slot *slot = find(lines, key_of(kind, id), false);
	uint32_t used;

	assert(slot);
	used = atomic_fetch_sub_explicit(&slot->cells[lines->worker].used, 1,
					 memory_order_relaxed);
	/* Given back twice, the sum of all workers would be wrong for good. */
	assert(used > 0);
}


/* Each worker has its share of the rate: a bucket of the whole rate, of which
 * a call of this worker takes as many tokens as there are workers. At least
 * one call has to fit. */
static uint32_t burst_of(const struct lines *lines, uint32_t limit)
{
	return limit > lines->workers ? limit : lines->workers;
}


bool lines_rate(struct lines *lines, enum lines_kind kind, uint32_t id,
		uint32_t limit, int64_t now_us)
{
	struct lines_slot *slot;

	if (limit == 0)
		return true;
	/* With no place to count, nothing holds the call back: the limit of
	 * lines is counted in the same table and says no. */
	slot = find(lines, key_of(kind, id), true);
	if (!slot)
		return true;

	return bucket_take(&slot->cells[lines->worker].rate, now_us, limit,
			   burst_of(lines, limit), lines->workers);
}


bool lines_rate_left(const struct lines *lines, enum lines_kind kind,
		     uint32_t id, uint32_t limit, int64_t now_us)
{
	struct lines_slot *slot;

	if (limit == 0)
		return true;
	slot = find(lines, key_of(kind, id), false);
	if (!slot)
		return true;

	return bucket_wait_us(&slot->cells[lines->worker].rate, now_us, limit,
			      burst_of(lines, limit), lines->workers) == 0;
}
