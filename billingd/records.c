/**
 * @file billingd/records.c  Commands on records, the same for every kind
 *
 * What can be asked follows from the field tables. Adding and setting is in
 * draft.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/args.h"
#include "billingd/billingd.h"
#include "billingd/change.h"
#include "billingd/record_find.h"
#include "billingd/record_sql.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/catalog/build.h"

enum {
	LIMIT_USUAL = 1000,
	LIMIT_MOST = 10000,
	SORT_MOST = 20000,
};


static const struct catalog *in_force(const struct billingd *b)
{
	return publisher_current(b->publisher);
}


/* --- list and show -------------------------------------------------------- */

/* A cursor is "publication:index": in another version it means nothing. */
static int cursor_parse(size_t *atp, const struct catalog *c,
			const json_t *args, struct admin_answer *answer)
{
	const char *cursor = json_string_value(
		json_object_get(args, "cursor"));
	uint64_t publication, at;
	struct text head, rest;

	*atp = 0;
	if (!cursor)
		return 0;
	if (!text_cut(text_of(cursor), ':', &head, &rest) ||
	    text_u64(&publication, head, 0, UINT64_MAX) ||
	    text_u64(&at, rest, 0, SIZE_MAX))
		return admin_refuse(answer, "invalid_value",
				    "cursor: not one of ours");
	if (publication != catalog_control(c)->publication)
		return admin_refuse(answer, "changed",
				    "the configuration has changed meanwhile: "
				    "begin the list again");
	*atp = (size_t)at;

	return 0;
}


static json_t *cursor_print(const struct catalog *c, size_t at)
{
	char text[64];

	(void)text_print(text, sizeof(text), "%" PRIu64 ":%zu",
			 catalog_control(c)->publication, at);

	return json_string(text);
}


/** A row of a list that is to be in another order */
struct sorted {
	size_t at;
	char *text; /**< Of the field that decides */
};


/* Numbers as numbers, where both are */
static int by_text(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;
	int64_t m, n;

	if (text_fixed(&m, text_of(x->text), 6, INT64_MIN, INT64_MAX) == 0 &&
	    text_fixed(&n, text_of(y->text), 6, INT64_MIN, INT64_MAX) == 0)
		return (m > n) - (m < n);

	return strcmp(x->text, y->text);
}


/* What fits, at most SORT_MOST of it
 * @return how many, SORT_MOST + 1: too many */
static size_t gather(struct sorted *found, const struct catalog *c,
		     enum record_kind kind, const struct filters *filters,
		     const struct record_field *field)
{
	size_t n, count = 0;
	const uint8_t *rows = catalog_rows(c, kind, &n);

	for (size_t i = 0; i < n; i++) {
		const void *row = rows + i * records[kind].size;

		if (!filters_fit(filters, c, kind, row))
			continue;
		if (count == SORT_MOST)
			return SORT_MOST + 1;
		found[count].at = i;
		found[count].text = record_text(c, kind, field, row);
		if (found[count].text)
			count++;
	}

	return count;
}


/* "priority", or "-priority" for the reverse; no pages: the first ones are
 * what is asked for. */
static int list_sorted(const struct catalog *c, enum record_kind kind,
		       const struct filters *filters, const char *sort,
		       size_t limit, struct admin_answer *answer)
{
	const bool is_reverse = sort[0] == '-';
	const struct record_field *field =
		record_field_of(kind, sort + is_reverse, answer);
	struct sorted *found;
	const uint8_t *rows;
	size_t n, count;

	if (!field)
		return EINVAL;
	found = calloc(SORT_MOST, sizeof(*found));
	if (!found)
		return ENOMEM;

	count = gather(found, c, kind, filters, field);
	rows = catalog_rows(c, kind, &n);
	if (count <= SORT_MOST) {
		qsort(found, count, sizeof(*found), by_text);
		answer->rows = json_array();
	}
	for (size_t i = 0; answer->rows && i < count && i < limit; i++) {
		const size_t from = is_reverse ? count - 1 - i : i;

		(void)json_array_append_new(
			answer->rows,
			record_row(c, kind,
				   rows + found[from].at *
						   records[kind].size));
	}
	for (size_t i = 0; i < SORT_MOST && found[i].text; i++)
		free(found[i].text);
	free(found);

	return answer->rows ? 0
			    : admin_refuse(answer, "too_large",
					   "more than %d records to sort: "
					   "choose some by their fields",
					   SORT_MOST);
}


int cmd_record_list(void *state, const json_t *args,
		    struct admin_answer *answer)
{
	const char *sort = json_string_value(json_object_get(args, "sort"));
	const struct catalog *c = in_force(state);
	const enum record_kind kind = (enum record_kind)answer->tag;
	size_t limit = args_limit(args, LIMIT_USUAL, LIMIT_MOST, answer);
	struct filters filters;
	const uint8_t *rows;
	size_t n, at;

	if (!limit)
		return EINVAL;
	if (cursor_parse(&at, c, args, answer) ||
	    filters_take(&filters, c, kind, args, answer))
		return EINVAL;
	if (sort) {
		const int err = list_sorted(c, kind, &filters, sort, limit,
					    answer);

		filters_free(&filters);
		return err;
	}

	answer->rows = json_array();
	rows = catalog_rows(c, kind, &n);
	for (; at < n; at++) {
		const void *row = rows + at * records[kind].size;

		if (!filters_fit(&filters, c, kind, row))
			continue;
		if (limit-- == 0) {
			answer->next = cursor_print(c, at);
			break;
		}
		(void)json_array_append_new(answer->rows,
					    record_row(c, kind, row));
	}
	filters_free(&filters);

	return 0;
}


static int show(const struct catalog *c, enum record_kind kind,
		const json_t *args, struct admin_answer *answer)
{
	const void *row = record_one(c, kind, args, answer);

	if (!row)
		return EINVAL;

	answer->rows = json_array();
	(void)json_array_append_new(answer->rows, record_row(c, kind, row));

	return 0;
}


int cmd_record_show(void *state, const json_t *args,
		    struct admin_answer *answer)
{
	return show(in_force(state), (enum record_kind)answer->tag, args,
		    answer);
}


/* Who refers to it? The database would refuse, in its own words. */
static bool used_by(const struct catalog *c, enum record_kind kind,
		    uint32_t id, struct admin_answer *answer)
{
	for (int k = 0; k < RECORD_KINDC; k++) {
		const struct record_def *def = &records[k];
		size_t n;
		const uint8_t *rows = catalog_rows(c, (enum record_kind)k, &n);

		for (size_t f = 0; f < def->fieldc; f++) {
			if (def->fields[f].type != RECORD_REF ||
			    def->fields[f].ref != kind)
				continue;
			for (size_t i = 0; i < n; i++) {
				const uint8_t *row = rows + i * def->size;
				const struct cat_row *head = (const void *)row;
				uint32_t at;

				memcpy(&at, row + def->fields[f].offset,
				       sizeof(at));
				if (at != id)
					continue;
				(void)admin_refuse(
					answer, "in_use",
					"it is still used by %s %s, field %s",
					def->title,
					catalog_str(c, (enum record_kind)k,
						    head->name),
					def->fields[f].name);
				return true;
			}
		}
	}

	return false;
}


int cmd_record_remove(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	const enum record_kind kind = (enum record_kind)answer->tag;
	const struct catalog *c = in_force(state);
	const struct cat_row *row = record_one(c, kind, args, answer);
	struct change *change;
	char id[16], *sql = NULL;
	int err;

	if (!row || used_by(c, kind, row->id, answer))
		return EINVAL;

	change = change_begin(state, answer);
	if (!change)
		return EINVAL;

	(void)text_print(id, sizeof(id), "%" PRIu32, row->id);
	change_about(change, "%s %s", records[kind].title,
		     catalog_str(c, kind, row->name));
	err = record_sql_delete(&sql, kind);
	if (err) {
		change_drop(change);
		return err;
	}
	change_add(change, sql, (const char *[]){ id }, 1);
	free(sql);

	return change_run(change, answer);
}


/* --- gateways of either kind ---------------------------------------------- */

int cmd_gateway_show(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	const struct catalog *c = in_force(state);

	return show(c, record_gateway_kind(c, args), args, answer);
}


int cmd_template_list(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	(void)state;
	(void)args;
	answer->rows = json_array();
	for (size_t i = 0; i < record_templatec; i++) {
		const struct record_template *t = &record_templates[i];
		json_t *sets = json_object();

		for (size_t j = 0; j < COUNT_OF(t->sets) && t->sets[j].field;
		     j++)
			(void)json_object_set_new(sets, t->sets[j].field,
						  json_string(
							  t->sets[j].value));
		(void)json_array_append_new(answer->rows,
					    json_pack("{s:s,s:s,s:o}", "name",
						      t->name, "help", t->help,
						      "sets", sets));
	}

	return 0;
}
