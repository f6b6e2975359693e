/**
 * @file billingd/store_batch.h  What one transaction has
 */
#ifndef TANDEM_BILLINGD_STORE_BATCH_H
#define TANDEM_BILLINGD_STORE_BATCH_H

#include <stdint.h>

#include "billingd/journal.h"
#include "billingd/row_text.h"

struct map;
struct traffic;

enum {
	BATCH_RECORDS = 5000,
	BATCH_BYTES = 8 << 20,
};

/** Tables that a batch is copied to, in this order. What waits for its turn
 *  waits before BATCH_ENTRY. */
enum batch_part {
	BATCH_CDR,
	BATCH_ATTEMPT,
	BATCH_ENTRY,
	BATCH_TRAFFIC,
	BATCH_ODD,
	BATCH_PARTC
};

struct batch_lease {
	uint32_t account;
	int64_t settled;
};

struct batch {
	struct row_text parts[BATCH_PARTC];
	struct traffic *traffic;
	size_t count;       /**< Calls */
	uint64_t from;      /**< All up to it is in the batches before */
	uint64_t last;      /**< Sequence it reaches to */
	uint64_t first_row; /**< Sequence of its first call */
	uint64_t entries;
	int64_t oldest_us; /**< When its first call ended; 0: none */
	struct batch_lease leases[BATCH_RECORDS];
	size_t leasec;
};

int batch_alloc(struct batch **batchp);
struct batch *batch_free(struct batch *batch);

/** It begins behind this sequence */
void batch_empty(struct batch *batch, uint64_t from);
bool batch_is_full(const struct batch *batch);
/** Is there anything for the database? */
bool batch_has_any(const struct batch *batch);

/** Ids of calls whose rows are left out, for they are in the database or in
 *  the batch; those that are taken are added. */
struct batch_known;
int batch_known_alloc(struct batch_known **knownp);
struct batch_known *batch_known_free(struct batch_known *known);
/** @return 0 (it may be there already) or ENOMEM */
int batch_known_add(struct batch_known *known, const char *cdr_id);

/** @param known NULL: none is
 *  @return 0, ENOMEM, or EBADMSG: it is not understood, and passed by */
int batch_add(struct batch *batch, const struct journal_record *record,
	      struct batch_known *known);

/** Nothing is added any more: what is summed up becomes rows */
int batch_close(struct batch *batch);

/** The statements around the copying, malloc()ed; NULL: no memory.
 *  @param copiesp How many those are: of the parts that have rows */
char *batch_sql(const struct batch *batch, const char *journal,
		const char *node, unsigned *copiesp);

/** Ids of all its calls as a text of PostgreSQL, malloc()ed; NULL: no memory
 */
char *batch_ids(const struct batch *batch);

#endif
