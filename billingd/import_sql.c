/**
 * @file billingd/import_sql.c  Statements that compare and store an import
 *
 * The lines lie in a table "staging" whose columns are those of the file. All
 * texts are from the field tables.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/import.h"
#include "shared/base/text.h"
#include "shared/base/util.h"


/* What tells records of a kind apart in a file */
const char *const import_keys[RECORD_KINDC][IMPORT_KEYS_MAX] = {
	[RECORD_RATE_TABLE] = { "name" },
	[RECORD_ACCOUNT] = { "name" },
	[RECORD_GROUP] = { "name" },
	[RECORD_MAPPING] = { "name" },
	[RECORD_REGISTRATION] = { "name" },
	[RECORD_ROUTING] = { "name" },
	[RECORD_PHONE] = { "number" },
	[RECORD_RATE] = { "table_id", "prefix", "valid_from" },
	[RECORD_LIST] = { "list", "entry" },
};


const char *import_column(const struct record_field *field, char buf[64])
{
	const bool is_reference = field->type == RECORD_REF ||
				  field->type == RECORD_REFS;

	(void)text_print(buf, 64, "%s%s", field->name,
			 is_reference ? "_id" : "");

	return buf;
}


static bool is_key(const struct import *im, const struct record_field *field)
{
	char buf[64];

	for (size_t i = 0; i < IMPORT_KEYS_MAX && import_keys[im->kind][i];
	     i++)
		if (strcmp(import_keys[im->kind][i],
			   import_column(field, buf)) == 0)
			return true;

	return false;
}


/* The stream's text is where it says once it is closed. */
static char *finish(FILE *f, char **textp)
{
	if (fclose(f) == 0)
		return *textp;
	free(*textp);

	return NULL;
}


static void print_keys(FILE *f, const struct import *im, const char *glue,
		       const char *a, const char *b)
{
	for (size_t k = 0; k < IMPORT_KEYS_MAX && import_keys[im->kind][k];
	     k++) {
		bool there = strcmp(import_keys[im->kind][k], "valid_from") !=
			     0;

		for (size_t i = 0; i < im->fieldc; i++)
			there = there ||
				strcmp(im->fields[i]->name, "valid_from") == 0;
		if (!there && b) {
			/* Not in the file: the default */
			fprintf(f, "%s%s.\"valid_from\" = 'epoch'",
				k ? glue : "", b);
			continue;
		}
		if (!there)
			continue;
		fprintf(f, "%s", k ? glue : "");
		if (b)
			fprintf(f, "%s.\"%s\" = %s.\"%s\"", a,
				import_keys[im->kind][k], b,
				import_keys[im->kind][k]);
		else
			fprintf(f, "%s.\"%s\"", a, import_keys[im->kind][k]);
	}
}


/* A list of the file's columns that are no keys; NULL if there is none */
static size_t print_values(FILE *f, const struct import *im, const char *from)
{
	size_t n = 0;

	for (size_t i = 0; i < im->fieldc; i++) {
		char buf[64];

		if (is_key(im, im->fields[i]))
			continue;
		fprintf(f, "%s%s.\"%s\"", n ? ", " : "", from,
			import_column(im->fields[i], buf));
		n++;
	}

	return n;
}


static void print_columns(FILE *f, const struct import *im, const char *from)
{
	for (size_t i = 0; i < im->fieldc; i++) {
		char buf[64];

		fprintf(f, "%s%s\"%s\"", i ? ", " : "", from,
			import_column(im->fields[i], buf));
	}
	if (im->table)
		fprintf(f, ", %stable_id", from);
}


bool import_has_values(const struct import *im)
{
	for (size_t i = 0; i < im->fieldc; i++)
		if (!is_key(im, im->fields[i]))
			return true;

	return false;
}


/* "where" the records lie that a replacing import may remove */
static void print_scope(FILE *f, const struct import *im)
{
	if (im->table)
		fprintf(f, " and t.table_id = %" PRIu32, im->table);
}


/* counts, then the first differences: op, line, key */
char *import_sql_compare(const struct import *im)
{
	char *sql = NULL;
	size_t size;
	FILE *f = open_memstream(&sql, &size);
	const char *table = records[im->kind].table;

	if (!f)
		return NULL;

	fprintf(f, "with d as (select case when t.id is null then 'added' "
		   "else 'changed' end as op, s.line, concat_ws(' ', ");
	print_keys(f, im, ", ", "s", NULL);
	fprintf(f, ") as key from staging s left join \"%s\" t on ", table);
	print_keys(f, im, " and ", "s", "t");
	fprintf(f, " where t.id is null");
	if (import_has_values(im)) {
		fprintf(f, " or row(");
		(void)print_values(f, im, "s");
		fprintf(f, ") is distinct from row(");
		(void)print_values(f, im, "t");
		fprintf(f, ")");
	}
	if (im->replace) {
		fprintf(f,
			" union all select 'removed', null, concat_ws(' ', ");
		print_keys(f, im, ", ", "t", NULL);
		fprintf(f,
			") from \"%s\" t where not exists (select from "
			"staging s where ",
			table);
		print_keys(f, im, " and ", "s", "t");
		fprintf(f, ")");
		print_scope(f, im);
	}
	fprintf(f,
		"), c as (select count(*) filter (where op = 'added') a, "
		"count(*) filter (where op = 'changed') c, count(*) filter "
		"(where op = 'removed') r from d) select c.a, c.c, c.r, d.op, "
		"d.line, d.key from c left join lateral (select * from d order "
		"by op, line, key limit %d) d on true",
		IMPORT_SHOWN_MAX);
	return finish(f, &sql);
}


char *import_sql_remove(const struct import *im)
{
	char *sql = NULL;
	size_t size;
	FILE *f = open_memstream(&sql, &size);

	if (!f)
		return NULL;
	fprintf(f,
		"delete from \"%s\" t where not exists (select from staging s "
		"where ",
		records[im->kind].table);
	print_keys(f, im, " and ", "s", "t");
	fprintf(f, ")");
	print_scope(f, im);
	return finish(f, &sql);
}


char *import_sql_update(const struct import *im)
{
	char *sql = NULL;
	size_t size;
	FILE *f;

	f = open_memstream(&sql, &size);
	if (!f)
		return NULL;
	fprintf(f, "update \"%s\" t set ", records[im->kind].table);
	for (size_t i = 0, n = 0; i < im->fieldc; i++) {
		char buf[64];

		if (is_key(im, im->fields[i]))
			continue;
		(void)import_column(im->fields[i], buf);
		fprintf(f, "%s\"%s\" = s.\"%s\"", n++ ? ", " : "", buf, buf);
	}
	fprintf(f, " from staging s where ");
	print_keys(f, im, " and ", "s", "t");
	fprintf(f, " and row(");
	(void)print_values(f, im, "s");
	fprintf(f, ") is distinct from row(");
	(void)print_values(f, im, "t");
	fprintf(f, ")");
	return finish(f, &sql);
}


char *import_sql_insert(const struct import *im)
{
	char *sql = NULL;
	size_t size;
	FILE *f = open_memstream(&sql, &size);
	const char *table = records[im->kind].table;

	if (!f)
		return NULL;
	fprintf(f, "insert into \"%s\" (", table);
	print_columns(f, im, "");
	fprintf(f, ") select ");
	print_columns(f, im, "s.");
	fprintf(f,
		" from staging s where not exists (select from \"%s\" t "
		"where ",
		table);
	print_keys(f, im, " and ", "s", "t");
	fprintf(f, ") order by s.line");
	return finish(f, &sql);
}


char *import_sql_table(const struct import *im)
{
	char *sql = NULL, buf[64];
	size_t size;
	FILE *f = open_memstream(&sql, &size);

	if (!f)
		return NULL;
	fprintf(f, "create temp table staging as select 0::bigint as line");
	for (size_t i = 0; i < im->fieldc; i++)
		fprintf(f, ", \"%s\"", import_column(im->fields[i], buf));
	fprintf(f, "%s from \"%s\" limit 0", im->table ? ", table_id" : "",
		records[im->kind].table);

	return finish(f, &sql);
}


char *import_sql_copy(const struct import *im)
{
	char *sql = NULL, buf[64];
	size_t size;
	FILE *f = open_memstream(&sql, &size);

	if (!f)
		return NULL;
	fprintf(f, "copy staging (line");
	for (size_t i = 0; i < im->fieldc; i++)
		fprintf(f, ", \"%s\"", import_column(im->fields[i], buf));
	fprintf(f, "%s) from stdin", im->table ? ", table_id" : "");

	return finish(f, &sql);
}


char *import_sql_twice(const struct import *im)
{
	char *sql = NULL;
	size_t size;
	FILE *f = open_memstream(&sql, &size);

	if (!f)
		return NULL;
	fprintf(f, "select min(line), max(line) from staging s group by ");
	print_keys(f, im, ", ", "s", NULL);
	fprintf(f, " having count(*) > 1 limit 1");

	return finish(f, &sql);
}
