/**
 * @file billingd/import.h  What the two files of an import share
 */
#ifndef TANDEM_BILLINGD_IMPORT_H
#define TANDEM_BILLINGD_IMPORT_H

#include "billingd/billingd.h"
#include "shared/ev/ev.h"

enum {
	IMPORT_SHOWN_MAX = 100, /**< Differences a dry run shows */
	IMPORT_PASSWORD = -1,   /**< A column that is no field */
	IMPORT_KEYS_MAX = 4,
};

enum phase {
	PHASE_CONNECTING,
	PHASE_TABLE,  /**< The table for the lines is being made */
	PHASE_LINES,  /**< Lines may come */
	PHASE_ENDING, /**< The last line has come */
};

struct import {
	struct imports *all;
	struct billingd *b;
	uint32_t id;
	enum record_kind kind;
	bool replace;
	uint32_t table; /**< Of rates: the one all are of */
	char table_name[CAT_NAME_MAX + 1];
	char *operator_name;

	struct db *db;
	enum phase phase;
	struct ev_timer idle;
	struct admin_ticket ticket; /**< Who waits; id 0: nobody */
	char why[512];              /**< It has failed */

	int columns[RECORD_FIELDS_MAX]; /**< Field index, or PASSWORD */
	size_t columnc;                 /**< 0: the first line is to come */
	const struct record_field *fields[RECORD_FIELDS_MAX];
	size_t fieldc; /**< Columns of the table */
	uint64_t line;

	char *out; /**< Of COPY, that the connection has not taken */
	size_t outlen, outsize, outsent;
	struct forced *forced; /**< Its version is waited for; NULL: none */
	bool dry_run;
	int64_t added, changed, removed;
	json_t *shown;
};

/** It has failed: whoever waits is told, or whoever comes next */
void import_fail(struct import *im, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** Take a line, which is cut up; its values are in im->out then
 *  @return 0, or errorcode; if why is set it was told */
int import_line(struct import *im, char *line);

/** Columns that tell records of a kind apart; NULL ends them */
extern const char *const import_keys[RECORD_KINDC][IMPORT_KEYS_MAX];

/** The column of a field */
const char *import_column(const struct record_field *field, char buf[64]);

/** Has the file a column that is no key? */
bool import_has_values(const struct import *im);

/* Statements, malloc()ed; NULL: out of memory */
char *import_sql_table(const struct import *im);
char *import_sql_copy(const struct import *im);
/** Two lines for one record: their numbers */
char *import_sql_twice(const struct import *im);
/** How many are added, changed, removed; and the first: op, line, key */
char *import_sql_compare(const struct import *im);
char *import_sql_remove(const struct import *im);
char *import_sql_update(const struct import *im);
char *import_sql_insert(const struct import *im);

#endif
