/**
 * @file shared/reg/upstream_bound.c  Which registrations upstream are alive
 *
 * Open addressing over all cells. A cell whose record is forgotten stays in
 * the way of others until somebody needs it: nothing ever moves, so a reader
 * needs no lock.
 */
#include <errno.h>

#include "shared/reg/upstream.h"


static uint32_t cellc_of(const struct segment *bound)
{
	return bound->slot_size == UPSTREAM_BOUND_SLOT_SIZE
		       ? bound->slotc * UPSTREAM_BOUND_CELLS
		       : 0;
}


static struct upstream_cell *cell_at(const struct segment *bound, uint32_t i)
{
	struct upstream_cell *cells = segment_slot(bound,
						   i / UPSTREAM_BOUND_CELLS);

	return &cells[i % UPSTREAM_BOUND_CELLS];
}


/* Ids of records count up: they are their own hash. */
static struct upstream_cell *probe(const struct segment *bound,
				   uint32_t record, uint32_t i)
{
	return cell_at(bound,
		       (uint32_t)(((uint64_t)record + i) % cellc_of(bound)));
}


static struct upstream_cell *find(const struct segment *bound, uint32_t record)
{
	if (record == 0 || cellc_of(bound) == 0)
		return NULL;
	for (uint32_t i = 0; i < UPSTREAM_BOUND_PROBES; i++) {
		struct upstream_cell *cell = probe(bound, record, i);

		if (atomic_load_explicit(&cell->record,
					 memory_order_acquire) == record)
			return cell;
	}

	return NULL;
}


bool upstream_is_bound(const struct segment *bound, uint32_t record,
		       int64_t now_boot_us)
{
	const struct upstream_cell *cell = find(bound, record);
	int64_t until_us;

	if (!cell)
		return false;
	until_us = atomic_load_explicit(&cell->bound_boot_us,
					memory_order_acquire);

	/* Nobody else's by now? */
	return atomic_load_explicit(&cell->record, memory_order_acquire) ==
		       record &&
	       until_us > now_boot_us;
}


/* --- for regd ------------------------------------------------------------- */

static struct upstream_cell *free_cell(const struct segment *bound,
				       uint32_t record)
{
	for (uint32_t i = 0; i < UPSTREAM_BOUND_PROBES; i++) {
		struct upstream_cell *cell = probe(bound, record, i);

		if (atomic_load_explicit(&cell->record,
					 memory_order_relaxed) == 0)
			return cell;
	}

	return NULL;
}


int upstream_bound_set(const struct segment *bound, uint32_t record,
		       int64_t bound_boot_us)
{
	struct upstream_cell *cell = find(bound, record);

	if (!cell && bound_boot_us == 0)
		return 0;
	if (!cell && record != 0 && cellc_of(bound) > 0)
		cell = free_cell(bound, record);
	if (!cell)
		return ENOSPC;

	atomic_store_explicit(&cell->bound_boot_us, bound_boot_us,
			      memory_order_release);
	atomic_store_explicit(&cell->record, bound_boot_us ? record : 0,
			      memory_order_release);

	return 0;
}


void upstream_bound_sweep(const struct segment *bound,
			  upstream_known_h *knownh, void *arg)
{
	for (uint32_t i = 0; i < cellc_of(bound); i++) {
		struct upstream_cell *cell = cell_at(bound, i);
		const uint32_t record =
			atomic_load_explicit(&cell->record,
					     memory_order_relaxed);

		if (record == 0 || knownh(record, arg))
			continue;
		atomic_store_explicit(&cell->record, 0, memory_order_release);
		atomic_store_explicit(&cell->bound_boot_us, 0,
				      memory_order_release);
	}
}
