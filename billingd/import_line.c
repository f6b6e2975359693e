/**
 * @file billingd/import_line.c  A line of an import, checked and made COPY's
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/csv.h"
#include "billingd/import.h"
#include "billingd/record_find.h"
#include "billingd/record_sql.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/catalog/build.h"


static int out_reach(struct import *im, size_t more)
{
	size_t size = im->outsize ? im->outsize : 65536;
	char *out;

	while (size < im->outlen + more)
		size *= 2;
	if (size == im->outsize)
		return 0;
	out = realloc(im->out, size);
	if (!out)
		return ENOMEM;
	im->out = out;
	im->outsize = size;

	return 0;
}


/* COPY's text format: NULL is \N, and a backslash, tab or newline is escaped.
 * There is room for twice the length and 3. */
static void out_value(struct import *im, const char *value, char end)
{
	static const char plain[] = "\\\n\t\r", escaped[] = "\\ntr";
	char *p = im->out + im->outlen;

	if (!value) {
		*p++ = '\\';
		*p++ = 'N';
	}
	for (; value && *value; value++) {
		const char *at = strchr(plain, *value);

		*p = *value;
		if (at) {
			*p++ = '\\';
			*p = escaped[at - plain];
		}
		p++;
	}
	*p++ = end;
	im->outlen = (size_t)(p - im->out);
}


static int put(struct import *im, const char *value, char end)
{
	const int err = out_reach(im, 2 * (value ? strlen(value) : 0) + 3);

	if (!err)
		out_value(im, value, end);

	return err;
}


static int put_field(struct import *im, const struct record_field *field,
		     const char *value, char end)
{
	const struct catalog *c = publisher_current(im->b->publisher);
	char buf[RECORD_SQL_VALUE_MAX], why[RECORD_WHY_MAX];
	char *canonical = NULL, *ids = NULL;
	struct text missing;
	uint32_t id = 0;
	int err;

	err = record_check(field, text_of(value), &canonical, why);
	if (err) {
		import_fail(im, "line %" PRIu64 ": %s", im->line,
			    err == EINVAL ? why : strerror(err));
		return err;
	}
	err = record_stored(c, im->kind, field, &canonical);
	if (!err && field->type == RECORD_REF &&
	    strcmp(canonical, "none") != 0) {
		id = record_id(c, field->ref, text_of(canonical));
		err = id ? 0 : ENOENT;
	}
	else if (!err && field->type == RECORD_REFS) {
		err = record_ids(&ids, c, field, canonical, &missing);
	}
	if (err)
		import_fail(im, "line %" PRIu64 ": %s: there is no %s '%.64s'",
			    im->line, field->name, records[field->ref].title,
			    canonical);
	else
		err = put(im,
			  record_sql_write(field, ids ? ids : canonical, id,
					   buf),
			  end);
	free(ids);
	free(canonical);

	return err;
}


/* The digests of a password, with the number of the same line */
static int put_password(struct import *im, const char *user,
			const char *password, char end)
{
	struct billingd *b = im->b;
	const char *realms[BILLINGD_REALMS_MAX];
	char *text = NULL;
	int err;

	if (!password[0])
		return put(im, NULL, end);
	err = secret_ha1(&text, user, password, realms,
			 billingd_realms(b, publisher_current(b->publisher),
					 realms, BILLINGD_REALMS_MAX));
	if (err)
		import_fail(im, "line %" PRIu64 ": password: not allowed",
			    im->line);
	else
		err = put(im, text, end);
	free(text);

	return err;
}


static int header_take(struct import *im, char *const names[], size_t n)
{
	bool seen[RECORD_FIELDS_MAX] = { false };

	for (size_t i = 0; i < n; i++) {
		const struct record_field *field =
			record_field_find(im->kind,
					  text_trim(text_of(names[i])));
		const bool is_password = text_is(text_trim(text_of(names[i])),
						 "password") &&
					 im->kind == RECORD_PHONE;
		size_t at;

		if (text_is(text_trim(text_of(names[i])), "id")) {
			import_fail(im,
				    "line 1: id is made by the database: leave "
				    "the column out");
			return EINVAL;
		}
		if (is_password)
			field = record_field_find(im->kind, text_of("ha1"));
		if (!field ||
		    (!is_password && (field->type == RECORD_HA1 ||
				      field->type == RECORD_SEALED))) {
			import_fail(
				im,
				"line 1: %s has no field '%.64s' that can be "
				"imported",
				records[im->kind].title, names[i]);
			return EINVAL;
		}
		at = (size_t)(field - records[im->kind].fields);
		if (seen[at]) {
			import_fail(im, "line 1: '%.64s' is there twice",
				    names[i]);
			return EINVAL;
		}
		seen[at] = true;
		im->columns[i] = is_password ? IMPORT_PASSWORD : (int)at;
		im->fields[i] = field;
	}
	im->columnc = im->fieldc = n;
	for (size_t k = 0; k < IMPORT_KEYS_MAX && import_keys[im->kind][k];
	     k++) {
		bool there = strcmp(import_keys[im->kind][k], "table_id") ==
				     0 &&
			     im->table;

		for (size_t i = 0; i < n; i++) {
			char buf[64];

			there = there ||
				strcmp(import_column(im->fields[i], buf),
				       import_keys[im->kind][k]) == 0;
		}
		if (!there &&
		    strcmp(import_keys[im->kind][k], "valid_from") != 0) {
			import_fail(im, "line 1: the column %s is missing",
				    import_keys[im->kind][k]);
			return EINVAL;
		}
	}

	return 0;
}


int import_line(struct import *im, char *line)
{
	char *values[RECORD_FIELDS_MAX + 1];
	const char *user = "";
	size_t n;
	int err;

	im->line++;
	if (line[0] == '#')
		return 0; /* an explanation */
	err = csv_cut(line, values, RECORD_FIELDS_MAX, &n);
	if (err) {
		import_fail(im, "line %" PRIu64 ": not comma-separated values",
			    im->line);
		return err;
	}
	if (im->columnc == 0)
		return header_take(im, values, n);
	if (n == 1 && !values[0][0])
		return 0; /* an empty line */
	if (n != im->columnc) {
		import_fail(im,
			    "line %" PRIu64
			    ": %zu values where the first line "
			    "has %zu names",
			    im->line, n, im->columnc);
		return EINVAL;
	}

	for (size_t i = 0; i < n; i++)
		if (im->columns[i] == 0)
			user = values[i];
	err = out_reach(im, 32);
	if (!err)
		im->outlen += (size_t)snprintf(im->out + im->outlen, 32,
					       "%" PRIu64 "\t", im->line);
	for (size_t i = 0; i < n && !err; i++) {
		const char end = i + 1 == n && !im->table ? '\n' : '\t';

		err = im->columns[i] == IMPORT_PASSWORD
			      ? put_password(im, user, values[i], end)
			      : put_field(im, im->fields[i], values[i], end);
	}
	if (!err && im->table) {
		char id[16];

		(void)text_print(id, sizeof(id), "%" PRIu32, im->table);
		err = put(im, id, '\n');
	}

	return err;
}
