/**
 * @file shared/base/recent.h  What happened lately, by its hash
 *
 * Rows of one size that come in order of time and go in the same order: no row
 * is ever taken out, the oldest ones are only let go. So there is no memory to
 * allocate for one, nothing to unlink, and a look for what is not there, as
 * most are, touches one place.
 *
 * Two rows may have the same hash; who needs more than 64 bits of a key with a
 * secret (map_hash()) keeps the rest in the row.
 */
#ifndef TANDEM_BASE_RECENT_H
#define TANDEM_BASE_RECENT_H

#include <stddef.h>
#include <stdint.h>

struct recent;

/** Begins each row; the owner's part is behind it */
struct recent_row {
	uint64_t hash;
	uint32_t older; /**< Of those that hash alike: its number */
	uint32_t value; /**< The owner's */
};

/** @param row_size Of a whole row, a multiple of 8
 *  @param most     Rows at most, below 2^31; memory is taken when they come */
int recent_alloc(struct recent **recentp, size_t row_size, uint32_t most);
struct recent *recent_free(struct recent *recent);

uint32_t recent_count(const struct recent *recent);

/** It is looked for soon: have its bucket brought into the cache */
void recent_ahead(const struct recent *recent, uint64_t hash);

/** The youngest that has this hash; before: the one of them that came before
 *  this row. NULL: there is none */
void *recent_find(const struct recent *recent, uint64_t hash,
		  const void *before);

/** A new row, which is all zero behind its head; it stays where it is. NULL:
 *  no memory, or there are most already */
void *recent_add(struct recent *recent, uint64_t hash);

/** NULL: there are none */
void *recent_oldest(const struct recent *recent);
/** Let the oldest one go; there is one */
void recent_drop(struct recent *recent);

#endif
