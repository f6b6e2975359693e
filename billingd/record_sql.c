/**
 * @file billingd/record_sql.c  From the field tables to SQL, and back
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/record_sql.h"

#define MICRO 1000000


static const char *suffix(const struct record_field *field)
{
	return field->type == RECORD_REF || field->type == RECORD_REFS ? "_id"
								       : "";
}


/* A time is read in UTC; all else is what it is. */
static void print_column(FILE *f, const struct record_field *field)
{
	if (field->type == RECORD_TIME)
		fprintf(f,
			"to_char(r.\"%s\" at time zone 'UTC', "
			"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
			field->name);
	else
		fprintf(f, "r.\"%s%s\"", field->name, suffix(field));
}


static int finish(FILE *f, char **sqlp, char **textp)
{
	const bool failed = ferror(f) != 0;

	if (fclose(f) != 0 || failed) {
		free(*textp);
		return ENOMEM;
	}
	*sqlp = *textp;

	return 0;
}


int record_sql_select(char **sqlp, enum record_kind kind, bool by_id)
{
	const struct record_def *def = &records[kind];
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return ENOMEM;

	fprintf(f, "select r.id");
	for (size_t i = 0; i < def->fieldc; i++) {
		fprintf(f, ", ");
		print_column(f, &def->fields[i]);
	}
	fprintf(f, " from \"%s\" r%s", def->table,
		by_id ? " where r.id = any($1::integer[])" : "");

	return finish(f, sqlp, &text);
}


int record_sql_insert(char **sqlp, enum record_kind kind,
		      const struct record_field *const *fields, size_t fieldc)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return ENOMEM;

	fprintf(f, "insert into \"%s\" (", records[kind].table);
	for (size_t i = 0; i < fieldc; i++)
		fprintf(f, "%s\"%s%s\"", i ? ", " : "", fields[i]->name,
			suffix(fields[i]));
	fprintf(f, ") values (");
	for (size_t i = 0; i < fieldc; i++)
		fprintf(f, "%s$%zu", i ? ", " : "", i + 1);
	fprintf(f, ")");

	return finish(f, sqlp, &text);
}


int record_sql_update(char **sqlp, enum record_kind kind,
		      const struct record_field *const *fields, size_t fieldc)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return ENOMEM;

	fprintf(f, "update \"%s\" set ", records[kind].table);
	for (size_t i = 0; i < fieldc; i++)
		fprintf(f, "%s\"%s%s\" = $%zu", i ? ", " : "", fields[i]->name,
			suffix(fields[i]), i + 2);
	fprintf(f, " where id = $1");

	return finish(f, sqlp, &text);
}


int record_sql_delete(char **sqlp, enum record_kind kind)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return ENOMEM;

	fprintf(f, "delete from \"%s\" where id = $1", records[kind].table);

	return finish(f, sqlp, &text);
}


/* "20000" is "0.02": exact, since both are digits. */
static const char *money_read(const char *value, char *buf)
{
	int64_t v;

	if (text_i64(&v, text_of(value), INT64_MIN + 1, INT64_MAX))
		return value; /* refused where it is put */

	(void)snprintf(buf, RECORD_SQL_VALUE_MAX, "%s%" PRId64 ".%06" PRId64,
		       v < 0 ? "-" : "", (v < 0 ? -v : v) / MICRO,
		       (v < 0 ? -v : v) % MICRO);

	return buf;
}


const char *record_sql_read(const struct record_field *field,
			    const char *value, char buf[RECORD_SQL_VALUE_MAX])
{
	if (!value)
		return field->inherits && field->type == RECORD_MONEY
			       ? "unlimited"
			       : NULL;

	switch ((int)field->type) {

	case RECORD_SWITCH:
		return strcmp(value, "t") == 0 ? "On" : "Off";

	case RECORD_MONEY:
		return money_read(value, buf);

	default:
		return value;
	}
}


static const char *money_write(const char *value, char *buf)
{
	int64_t v;

	if (strcmp(value, "unlimited") == 0 ||
	    text_fixed(&v, text_of(value), 6, INT64_MIN + 1, INT64_MAX))
		return NULL;

	(void)snprintf(buf, RECORD_SQL_VALUE_MAX, "%" PRId64, v);

	return buf;
}


const char *record_sql_write(const struct record_field *field,
			     const char *canonical, uint32_t id,
			     char buf[RECORD_SQL_VALUE_MAX])
{
	if (field->inherits && strcmp(canonical, "inherit") == 0)
		return NULL;

	switch ((int)field->type) {

	case RECORD_SWITCH:
		return strcmp(canonical, "On") == 0 ? "t" : "f";

	case RECORD_MONEY:
		return money_write(canonical, buf);

	case RECORD_REF:
		if (id == 0)
			return NULL;
		(void)snprintf(buf, RECORD_SQL_VALUE_MAX, "%" PRIu32, id);
		return buf;

	case RECORD_TIME:
	case RECORD_NUMBER:
	case RECORD_HA1:
	case RECORD_SEALED:
		return !canonical[0] || strcmp(canonical, "none") == 0
			       ? NULL
			       : canonical;

	default:
		return canonical;
	}
}
