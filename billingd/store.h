/**
 * @file billingd/store.h  From the journal into PostgreSQL, each record once
 *
 * Batches go in one transaction each: rows by COPY, ledger, reports, leases
 * and the mark that says how far the journal is in the database. An outcome
 * that is not known is found out by reading the mark. While PostgreSQL is away
 * the journal grows; afterwards it catches up in order. A record that is
 * refused is put into quarantine, and the others go on.
 */
#ifndef TANDEM_BILLINGD_STORE_H
#define TANDEM_BILLINGD_STORE_H

#include <stddef.h>
#include <stdint.h>

struct ev;
struct journal;
struct log;
struct store;

/** A batch is in PostgreSQL: so long it took */
typedef void(store_took_h)(int64_t us);

struct store_args {
	struct ev *ev;
	const char *conninfo;
	const char *password_file;
	const char *node;       /**< Of the leases */
	const char *quarantine; /**< Folder; made when it is needed */
	struct journal *journal;
	store_took_h *tookh; /**< NULL: none */
	const struct log *log;
};

int store_alloc(struct store **storep, const struct store_args *args);
/** Before the journal */
struct store *store_free(struct store *store);

struct store_stats {
	uint64_t depth;   /**< Records of the journal that are to be looked
			       at yet */
	int64_t age_us;   /**< Of the oldest call that is not in it; 0 */
	uint64_t written; /**< Records, since the start */
	uint64_t quarantined;
};
struct store_stats store_stats(const struct store *store);

/** Put what is in quarantine into the journal again
 *  @param countp How many those were. @return 0, or the first error */
int store_replay(struct store *store, size_t *countp);

#endif
