/**
 * @file billingd/row_text.h  Columns as COPY's text format has them
 *
 * Texts of peers are cut to 128 characters, and what cannot be printed becomes
 * "_" (cdr): a record is not refused for what somebody sent. Pure.
 */
#ifndef TANDEM_BILLINGD_ROW_TEXT_H
#define TANDEM_BILLINGD_ROW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"

enum {
	ROW_NUMBER_SIZE = 32,
	ROW_TIME_SIZE = 64,
};

/** Bytes that grow; what failed once has failed, until row_end() */
struct row_text {
	char *p;
	size_t l, room;
	bool has_failed;
};

/* Within a column */
void row_bytes(struct row_text *out, const char *p, size_t l);
void row_put(struct row_text *out, const char *s);
/** is_json: within a JSON text within it */
void row_clean(struct row_text *out, const char *value, bool is_json);
void row_next(struct row_text *out);

/* Columns */
void row_null(struct row_text *out);
/** A word of ours; NULL is NULL */
void row_plain(struct row_text *out, const char *value);
/** What others wrote; NULL and "" are NULL */
void row_string(struct row_text *out, const char *value);
void row_int(struct row_text *out, int64_t value);
void row_int_if(struct row_text *out, bool is_there, int64_t value);
/** NULL if there is no such time */
void row_time(struct row_text *out, int64_t wall_us);
void row_hundredths(struct row_text *out, bool is_there, uint64_t value);

/** The last tabulator becomes a newline
 *  @return 0, or ENOMEM: out is as it was before */
int row_end(struct row_text *out, size_t before);

/* Texts of values */
const char *row_int_text(char text[ROW_NUMBER_SIZE], int64_t value);
/** @return false if there is no such time */
bool row_time_text(char text[ROW_TIME_SIZE], int64_t wall_us);
bool row_ip_text(char text[ADDR_TEXT_MAX], const char *value, uint16_t *portp);

#endif
