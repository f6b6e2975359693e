/**
 * @file billingd/quarantine.h  Records that the database refused
 *
 *     <folder>/<cdr_id>.json   the error, and the record as the journal had it
 */
#ifndef TANDEM_BILLINGD_QUARANTINE_H
#define TANDEM_BILLINGD_QUARANTINE_H

#include <stddef.h>

struct journal;
struct journal_record;

/** Durable when it returns. @return 0, otherwise errorcode */
int quarantine_put(const char *folder, const struct journal_record *record,
		   const char *why);

/** All of them into the journal again; a file goes when it is durable there */
int quarantine_replay(const char *folder, struct journal *journal,
		      size_t *countp);

#endif
