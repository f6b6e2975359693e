/**
 * @file billingd/change.h  A change of the configuration, from command to force
 *
 * Statements are gathered and run as one transaction in the operator's name:
 * one version. The answer goes out when that version is in force everywhere,
 * or when the database has refused it; then nothing has changed.
 */
#ifndef TANDEM_BILLINGD_CHANGE_H
#define TANDEM_BILLINGD_CHANGE_H

#include "billingd/billingd.h"

struct change;

/** NULL: answer says why not (no database, old schema, out of memory) */
struct change *change_begin(struct billingd *b, struct admin_answer *answer);

/** A statement; sql and texts are copied; a NULL text is NULL
 *  @return 0, ENOMEM; the change is given up by change_run() then */
void change_add(struct change *c, const char *sql, const char *const *texts,
		size_t textc);

/** Rows and more of the answer if all goes well; owned from here on. The
 *  version is added to more. */
void change_answer(struct change *c, json_t *rows, json_t *more);

/** What errors of the database are said about: "phone 2001" */
void change_about(struct change *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** @return 0: the answer comes later; else answer has an error */
int change_run(struct change *c, struct admin_answer *answer);

/** It is not to be; answer is the caller's */
void change_drop(struct change *c);

#endif
