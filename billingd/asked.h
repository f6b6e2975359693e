/**
 * @file billingd/asked.h  A question whose answer PostgreSQL writes as JSON
 */
#ifndef TANDEM_BILLINGD_ASKED_H
#define TANDEM_BILLINGD_ASKED_H

#include <stddef.h>

#include "shared/svc/admin.h"

struct billingd;

enum {
	ASKED_PARAMS = 32,
	ASKED_TEXT = 160,
};

/** SQL that grows, with its parameters; what does not fit is told at the end */
struct asked {
	char *sql;
	size_t l, room;
	char texts[ASKED_PARAMS][ASKED_TEXT];
	size_t paramc;
	bool has_failed;
};

/** Append text; "?" becomes the next parameter, which is value. NULL: there is
 *  none in it */
void asked_add(struct asked *asked, const char *sql, const char *value);
/** The same if the argument is there */
void asked_filter(struct asked *asked, const json_t *args, const char *name,
		  const char *sql);

/** Ask: each row has one column, JSON; a second column of the last row is the
 *  cursor. limit: of the rows; one more than that means there are more.
 *  Frees the SQL. */
int asked_run(struct asked *asked, struct billingd *b, size_t limit,
	      struct admin_answer *answer);

#endif
