/**
 * @file billingd/call_row.h  A call that ended, as rows of PostgreSQL
 *
 * Lines of COPY's text format. Pure.
 */
#ifndef TANDEM_BILLINGD_CALL_ROW_H
#define TANDEM_BILLINGD_CALL_ROW_H

#include "billingd/row_text.h"
#include "proto/billing.pb-c.h"

/** Columns of cdr in the order in which they are printed */
extern const char call_row_columns[];
/** Those that "odd" has before them; a comma is at their end */
extern const char call_own_columns[];

/** Append the row of cdr, the rows of attempt, those of entry
 *  @param np  Entries that were made in this batch
 *  @return 0 if success, ENOMEM: of the last row nothing was appended */
int call_row(struct row_text *out, const Tandem__CallEnded *call);
int call_row_attempts(struct row_text *out, const Tandem__CallEnded *call);
int call_row_entries(struct row_text *out, const Tandem__CallEnded *call,
		     uint64_t *np);

/** Is it of a report that names calls? Then its row is wanted for that too;
 *  n counts the rows of a batch */
bool call_is_odd(const Tandem__CallEnded *call);
int call_row_odd(struct row_text *out, const Tandem__CallEnded *call,
		 size_t n);

/** "": none */
const char *call_reason_word(uint32_t reason);

#endif
