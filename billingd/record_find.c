/**
 * @file billingd/record_find.c  Which record a command means
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/args.h"
#include "billingd/rate_round.h"
#include "billingd/record_find.h"
#include "shared/base/text.h"
#include "shared/base/util.h"

static const char *const own_args[] = { "name",   "limit",    "cursor",
					"sort",   "template", "password",
					"process" };


bool record_own_arg(const char *key)
{
	for (size_t i = 0; i < COUNT_OF(own_args); i++)
		if (strcmp(own_args[i], key) == 0)
			return true;

	return false;
}


/* --- rows as answers ------------------------------------------------------ */

static const char *name_of(enum record_kind kind, uint32_t id, void *arg)
{
	const struct catalog *c = arg;
	const struct cat_row *row = catalog_by_id(c, kind, id);

	return row ? catalog_str(c, kind, row->name) : NULL;
}


char *record_text(const struct catalog *c, enum record_kind kind,
		  const struct record_field *field, const void *row)
{
	size_t heap_size;
	const uint8_t *heap = catalog_heap(c, kind, &heap_size);
	char *text = NULL;

	return record_print(field, row, heap, heap_size, name_of,
			    unconst((const char *)c), &text)
		       ? NULL
		       : text;
}


json_t *record_row(const struct catalog *c, enum record_kind kind,
		   const void *row)
{
	const struct record_def *def = &records[kind];
	const struct cat_row *head = row;
	json_t *object = json_object();

	(void)json_object_set_new(object, "id",
				  json_integer((json_int_t)head->id));
	for (size_t i = 0; i < def->fieldc; i++) {
		char *text = record_text(c, kind, &def->fields[i], row);

		if (!text)
			continue;
		(void)json_object_set_new(object, def->fields[i].name,
					  args_json(&def->fields[i], text));
		free(text);
	}

	return object;
}


/* --- which record --------------------------------------------------------- */

void filters_free(struct filters *filters)
{
	for (size_t i = 0; i < filters->count; i++)
		free(filters->rows[i].text);
	filters->count = 0;
}


uint32_t record_id(const struct catalog *c, enum record_kind kind,
		   struct text name)
{
	const struct cat_row *row = catalog_by_name(c, kind, name);

	return row ? row->id : 0;
}


int record_ids(char **idsp, const struct catalog *c,
	       const struct record_field *field, const char *names,
	       struct text *missing)
{
	struct text rest = text_of(names), head;
	/* A name and its comma are two bytes at least, an id eleven at most. */
	const size_t size = 6 * strlen(names) + 16;
	char *ids = calloc(1, size);
	size_t l = 0;

	if (!ids)
		return ENOMEM;
	while (rest.l > 0) {
		uint32_t id;

		(void)text_cut(rest, ',', &head, &rest);
		id = record_id(c, field->ref, text_trim(head));
		if (!id) {
			*missing = text_trim(head);
			free(ids);
			return ENOENT;
		}
		(void)text_print(ids + l, size - l, "%s%" PRIu32, l ? "," : "",
				 id);
		l += strlen(ids + l);
	}
	*idsp = ids;

	return 0;
}


const struct record_field *record_field_of(enum record_kind kind,
					   const char *key,
					   struct admin_answer *answer)
{
	const struct record_field *field = record_field_find(kind,
							     text_of(key));
	const char *names[RECORD_FIELDS_MAX], *near;

	if (field)
		return field;

	for (size_t i = 0; i < records[kind].fieldc; i++)
		names[i] = records[kind].fields[i].name;
	near = text_nearest(text_of(key), names, records[kind].fieldc);
	(void)admin_refuse(answer, "invalid_value",
			   near ? "%s has no field '%.64s'; did you mean %s?"
				: "%s has no field '%.64s'",
			   records[kind].title, key, near);

	return NULL;
}


static int filter_add(struct filters *filters, const struct catalog *c,
		      enum record_kind kind, const char *key,
		      const json_t *value, struct admin_answer *answer)
{
	const struct record_field *field = record_field_of(kind, key, answer);
	char buf[ARGS_NUMBER_MAX], why[RECORD_WHY_MAX];
	const char *text = args_text(value, buf);
	struct filter *filter;

	if (!field)
		return EINVAL;
	if (!text || filters->count == FILTERS_MAX)
		return admin_refuse(answer, "invalid_value",
				    "%s: cannot be filtered by that", key);

	filter = &filters->rows[filters->count];
	filter->field = field;
	if (record_check(field, text_of(text), &filter->text, why))
		return admin_refuse(answer, "invalid_value", "%s", why);
	filter->id = field->type == RECORD_REF
			     ? record_id(c, field->ref, text_of(filter->text))
			     : 0;
	filters->count++;

	return 0;
}


int filters_take(struct filters *filters, const struct catalog *c,
		 enum record_kind kind, const json_t *args,
		 struct admin_answer *answer)
{
	const char *key;
	json_t *value;
	int err = 0;

	filters->count = 0;
	json_object_foreach(unconst((const char *)args), key, value)
	{
		if (err || (record_own_arg(key) &&
			    !record_field_find(kind, text_of(key))))
			continue;
		err = filter_add(filters, c, kind, key, value, answer);
	}
	if (err)
		filters_free(filters);

	return err;
}


static bool fits(const struct filter *filter, const struct catalog *c,
		 enum record_kind kind, const void *row)
{
	const uint8_t *member = (const uint8_t *)row + filter->field->offset;
	const char *want = filter->text;
	uint32_t id;
	char *text;
	bool same;

	/* Most of a million rows are told apart by this. */
	if (filter->field->type == RECORD_REF) {
		memcpy(&id, member, sizeof(id));
		return id == filter->id;
	}
	if (filter->field->type == RECORD_PREFIX)
		return strncmp((const char *)member, want, CAT_PREFIX_MAX) ==
		       0;

	text = record_text(c, kind, filter->field, row);
	same = text && strcmp(text, want) == 0;
	free(text);

	return same;
}


bool filters_fit(const struct filters *filters, const struct catalog *c,
		 enum record_kind kind, const void *row)
{
	for (size_t i = 0; i < filters->count; i++)
		if (!fits(&filters->rows[i], c, kind, row))
			return false;

	return true;
}


/* The one record that the arguments name: by name, or by fields that no other
 * has. @return NULL, and the answer says why */
const void *record_one(const struct catalog *c, enum record_kind kind,
		       const json_t *args, struct admin_answer *answer)
{
	const struct record_def *def = &records[kind];
	char buf[ARGS_NUMBER_MAX];
	const char *name = args_get(args, "name", buf);
	const uint8_t *rows;
	const void *found = NULL;
	struct filters filters;
	size_t n;

	if (!name && kind == RECORD_PHONE)
		name = args_get(args, "number", buf);
	if (name && kind != RECORD_RATE && kind != RECORD_LIST) {
		found = catalog_by_name(c, kind, text_of(name));
		if (!found)
			(void)admin_refuse(answer, "not_found",
					   "no %s '%.64s'", def->title, name);
		return found;
	}
	if (filters_take(&filters, c, kind, args, answer))
		return NULL;

	rows = catalog_rows(c, kind, &n);
	for (size_t i = 0; rows && i < n && filters.count > 0; i++) {
		const void *row = rows + i * def->size;

		if (!filters_fit(&filters, c, kind, row))
			continue;
		if (found) {
			(void)admin_refuse(answer, "invalid_value",
					   "more than one %s is like that: say "
					   "more of its fields",
					   def->title);
			filters_free(&filters);
			return NULL;
		}
		found = row;
	}
	if (!found)
		(void)admin_refuse(answer, "not_found", "no such %s",
				   def->title);
	filters_free(&filters);

	return found;
}


enum record_kind record_gateway_kind(const struct catalog *c,
				     const json_t *args)
{
	char buf[ARGS_NUMBER_MAX];
	const char *name = args_get(args, "name", buf);

	return name && catalog_by_name(c, RECORD_MAPPING, text_of(name))
		       ? RECORD_MAPPING
		       : RECORD_ROUTING;
}


int record_stored(const struct catalog *c, enum record_kind kind,
		  const struct record_field *field, char **canonicalp)
{
	char text[32], *rounded;
	int64_t rate;

	if (kind != RECORD_RATE || strcmp(field->name, "rate") != 0 ||
	    text_fixed(&rate, text_of(*canonicalp), 6, 0, INT64_MAX))
		return 0;

	rate = rate_round(
		rate, (unsigned)catalog_int(c, SERVER_BILLING_FEE_PRECISTION));
	(void)text_print_fixed(text, sizeof(text), rate, 6);
	rounded = strdup(text);
	if (!rounded)
		return ENOMEM;
	free(*canonicalp);
	*canonicalp = rounded;

	return 0;
}
