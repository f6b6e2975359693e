/**
 * @file shared/catalog/build.c  What is to change, and the version it makes
 *
 * Rows are parsed as they come and lie in a heap of their own until the
 * version is made; nothing of the previous version is copied before that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/build_int.h"

enum {
	ROOM_FIRST = 64
};


int build_alloc(struct build **bp, const struct catalog *previous)
{
	struct build *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return ENOMEM;

	err = heap_alloc(&b->heap);
	if (err) {
		free(b);
		return err;
	}

	if (previous)
		b->previous = catalog_ref(previous);
	*bp = b;

	return 0;
}


struct build *build_free(struct build *b)
{
	if (!b)
		return NULL;

	for (size_t i = 0; i < PARAMC; i++)
		free(b->params[i]);
	for (size_t i = 0; i < RECORD_KINDC; i++) {
		free(b->kinds[i].rows);
		free(b->kinds[i].gone);
	}
	heap_free(b->heap);
	catalog_unref(b->previous);
	free(b);

	return NULL;
}


/* Room for one more element behind count */
static int make_room(void *arrayp, size_t *roomp, size_t count, size_t size)
{
	void **array = arrayp;
	const size_t room = *roomp > 0 ? 2 * *roomp : ROOM_FIRST;
	size_t bytes;
	void *p;

	if (count < *roomp)
		return 0;
	if (__builtin_mul_overflow(room, size, &bytes))
		return EOVERFLOW;

	p = realloc(*array, bytes);
	if (!p)
		return ENOMEM;

	*array = p;
	*roomp = room;

	return 0;
}


int build_forget_all(struct build *b, enum record_kind kind)
{
	b->kinds[kind].is_all_gone = true;

	return 0;
}


int build_forget(struct build *b, enum record_kind kind, uint32_t id)
{
	struct build_kind *k = &b->kinds[kind];
	void *gone = k->gone;
	int err;

	err = make_room(&gone, &k->gone_room, k->gonec, sizeof(*k->gone));
	k->gone = gone;
	if (err)
		return err;

	k->gone[k->gonec++] = id;

	return 0;
}


static int put_fields(struct build *b, enum record_kind kind, void *row,
		      const char *const *values, char why[BUILD_WHY_MAX])
{
	const struct record_def *def = &records[kind];

	for (size_t i = 0; i < def->fieldc; i++) {
		const struct record_field *field = &def->fields[i];
		const char *value = values[i] ? values[i] : field->def;
		char fault[RECORD_WHY_MAX] = "";
		int err = EINVAL;

		if (value)
			err = record_put(field, row, b->heap, text_of(value),
					 NULL, NULL, fault);
		else
			(void)text_print(fault, sizeof(fault),
					 "%s: must be given", field->name);
		if (err) {
			(void)text_print(why, BUILD_WHY_MAX, "%s \"%s\": %s",
					 def->title,
					 values[0] ? values[0] : "", fault);
			return err;
		}
	}

	return 0;
}


int build_row(struct build *b, enum record_kind kind, uint32_t id,
	      const char *const *values, char why[BUILD_WHY_MAX])
{
	struct build_kind *k = &b->kinds[kind];
	const size_t size = records[kind].size;
	void *rows = k->rows;
	struct cat_row head = { .id = id };
	uint8_t *row;
	int err;

	if (id == 0) {
		(void)text_print(why, BUILD_WHY_MAX, "%s: id: 0 is none",
				 records[kind].title);
		return EINVAL;
	}

	err = make_room(&rows, &k->room, k->count, size);
	k->rows = rows;
	if (!err)
		err = build_forget(b, kind, id);
	if (err)
		return err;

	row = k->rows + k->count * size;
	memset(row, 0, size);
	memcpy(row, &head, sizeof(head));

	err = put_fields(b, kind, row, values, why);
	if (!err)
		k->count++;

	return err;
}


int build_param(struct build *b, enum param param, const char *text,
		char why[BUILD_WHY_MAX])
{
	struct param_value *value = NULL;
	char fault[PARAM_WHY_MAX] = "";
	int err;

	err = param_parse(&value, param,
			  text_of(text ? text : params[param].def), fault);
	if (err) {
		(void)text_print(why, BUILD_WHY_MAX, "%s", fault);
		return err;
	}

	free(b->params[param]);
	b->params[param] = value;

	return 0;
}


static bool kind_changes(const struct build_kind *k)
{
	return k->count > 0 || k->gonec > 0 || k->is_all_gone;
}


bool build_part_changes(const struct build *b, enum catalog_part which)
{
	if (!b->previous)
		return true;

	for (size_t i = 0; i < RECORD_KINDC; i++) {
		if (part_of(i) == which && kind_changes(&b->kinds[i]))
			return true;
	}

	for (size_t i = 0; i < PARAMC && which == CATALOG_CORE; i++) {
		if (b->params[i])
			return true;
	}

	return false;
}


/* The whole version, some of it the previous one's */
static int make_catalog(struct catalog **cp, const struct build *b,
			char why[BUILD_WHY_MAX])
{
	const struct catalog_control none = { .publication = 0 };
	struct part *parts[CATALOG_PARTC] = { NULL };
	int err = 0;

	for (size_t i = 0; i < CATALOG_PARTC && !err; i++) {
		if (build_part_changes(b, i))
			err = build_part(&parts[i], b, i, why);
		else
			parts[i] = part_ref(b->previous->parts[i]);
	}

	if (!err)
		err = catalog_alloc(cp, &none, parts);

	for (size_t i = 0; i < CATALOG_PARTC; i++)
		part_unref(parts[i]);

	return err;
}


int build_try(struct build *b, char why[BUILD_WHY_MAX])
{
	struct catalog *c = NULL;
	int err;

	why[0] = '\0';
	err = make_catalog(&c, b, why);
	if (!err)
		err = build_check(c, why);
	catalog_unref(c);

	return err;
}


int build_publish(struct build *b, struct publisher *p, uint64_t version,
		  enum catalog_origin origin, char why[BUILD_WHY_MAX])
{
	struct catalog *c = NULL;
	int err;

	why[0] = '\0';
	err = make_catalog(&c, b, why);
	if (!err)
		err = build_check(c, why);
	if (!err)
		err = publisher_put(p, c->parts, version, origin, why);
	catalog_unref(c);

	if (err && why[0] == '\0')
		(void)text_print(why, BUILD_WHY_MAX, "catalog: %s",
				 strerror(err));

	return err;
}
