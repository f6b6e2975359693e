/**
 * @file shared/catalog/record_put.c  From an item to its row
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/heap.h"
#include "shared/catalog/record_form.h"

enum {
	ELEMENTS_FIRST = 8
};

/* A value on its way into a row */
struct put {
	const struct record_field *field;
	struct heap *heap;
	record_resolve_h *resolve;
	void *arg;
	char *why;
	uint8_t *at;   /**< The member */
	uint8_t *list; /**< Elements, until all are known: texts of theirs go
			*   to the heap first */
	size_t count;
	size_t room;
};

/** @param at A member or an element. @return 0, EINVAL (why), ENOMEM,
 *  EOVERFLOW */
typedef int(store_h)(void *at, const struct record_item *item,
		     const struct put *put);


static int store_text(void *at, const struct record_item *item,
		      const struct put *put)
{
	cat_str str;
	int err;

	err = heap_text(put->heap, &str, item->text);
	if (!err)
		memcpy(at, &str, sizeof(str));

	return err;
}


static int store_i32(void *at, const struct record_item *item,
		     const struct put *put)
{
	const int32_t number = (int32_t)item->number;
	(void)put;

	memcpy(at, &number, sizeof(number));

	return 0;
}


static int store_i64(void *at, const struct record_item *item,
		     const struct put *put)
{
	(void)put;
	memcpy(at, &item->number, sizeof(item->number));

	return 0;
}


/* Without somebody who knows names, they are ids; 0 is none where none may
 * be. */
static bool find_id(uint32_t *idp, const struct text name,
		    const struct put *put)
{
	const struct record_field *field = put->field;
	const bool needed = field->min > 0 || field->type == RECORD_REFS;

	if (!put->resolve)
		return text_u32(idp, name, needed ? 1 : 0, UINT32_MAX) == 0;
	*idp = put->resolve(field->ref, name, put->arg);

	return *idp != 0;
}


static int store_ref(void *at, const struct record_item *item,
		     const struct put *put)
{
	uint32_t id = 0;

	if (item->text.l > 0 && !find_id(&id, item->text, put)) {
		(void)text_print(put->why, RECORD_WHY_MAX,
				 "%s: there is no %s %.*s", put->field->name,
				 records[put->field->ref].title,
				 (int)item->text.l, item->text.p);
		return EINVAL;
	}
	memcpy(at, &id, sizeof(id));

	return 0;
}


static int store_prefix(void *at, const struct record_item *item,
			const struct put *put)
{
	(void)put;
	memset(at, 0, CAT_PREFIX_MAX);
	if (item->text.l > 0)
		memcpy(at, item->text.p, item->text.l);

	return 0;
}


static int store_cause(void *at, const struct record_item *item,
		       const struct put *put)
{
	(void)put;
	memcpy(at, &item->u.cause, sizeof(item->u.cause));

	return 0;
}


static int store_source(void *at, const struct record_item *item,
			const struct put *put)
{
	(void)put;
	memcpy(at, &item->u.source, sizeof(item->u.source));

	return 0;
}


static int store_target(void *at, const struct record_item *item,
			const struct put *put)
{
	struct cat_target target = item->u.target;
	int err;

	err = heap_text(put->heap, &target.host, item->text);
	if (!err)
		memcpy(at, &target, sizeof(target));

	return err;
}


static int store_hours(void *at, const struct record_item *item,
		       const struct put *put)
{
	(void)put;
	memcpy(at, &item->u.hours, sizeof(item->u.hours));

	return 0;
}


/* The replacement is stored without its '*': rest_at says where it stood. */
static int store_dial(void *at, const struct record_item *item,
		      const struct put *put)
{
	struct cat_dial dial = item->u.dial;
	char joined[CAT_NUMBER_MAX];
	struct text t = item->second;
	int err;

	if (dial.rest_at != REST_NOWHERE) {
		t.l--;
		memcpy(joined, t.p, dial.rest_at);
		memcpy(joined + dial.rest_at, t.p + dial.rest_at + 1,
		       t.l - dial.rest_at);
		t.p = joined;
	}
	err = heap_text(put->heap, &dial.pattern, item->text);
	if (!err)
		err = heap_text(put->heap, &dial.replacement, t);
	if (!err)
		memcpy(at, &dial, sizeof(dial));

	return err;
}


static int store_ha1(void *at, const struct record_item *item,
		     const struct put *put)
{
	struct cat_ha1 ha1 = item->u.ha1;
	int err;

	err = heap_text(put->heap, &ha1.realm, item->text);
	if (!err)
		memcpy(at, &ha1, sizeof(ha1));

	return err;
}


/* Bytes, not elements with a text each: they go to the heap as they are. */
static int store_sealed(void *at, const struct record_item *item,
			const struct put *put)
{
	struct cat_span span;
	void *bytes;
	size_t len;
	int err;

	err = record_unbase64(NULL, &len, item->text);
	if (!err)
		err = heap_span(put->heap, &span, &bytes, len, 1);
	if (!err && len > 0)
		err = record_unbase64(bytes, &len, item->text);
	if (!err)
		memcpy(at, &span, sizeof(span));

	return err;
}


/* clang-format off */
static store_h *const stores[RECORD_TYPEC] = {
	[RECORD_NAME]     = store_text,
	[RECORD_NUMBER]   = store_text,
	[RECORD_TEXT]     = store_text,
	[RECORD_HOST]     = store_text,
	[RECORD_INT]      = store_i32,
	[RECORD_SWITCH]   = store_i32,
	[RECORD_ENUM]     = store_i32,
	[RECORD_MONEY]    = store_i64,
	[RECORD_PERCENT]  = store_i32,
	[RECORD_REF]      = store_ref,
	[RECORD_REFS]     = store_ref,
	[RECORD_PREFIX]   = store_prefix,
	[RECORD_PREFIXES] = store_text,
	[RECORD_TEXTS]    = store_text,
	[RECORD_CODES]    = store_i32,
	[RECORD_CAUSES]   = store_cause,
	[RECORD_PLAN]     = store_dial,
	[RECORD_SOURCES]  = store_source,
	[RECORD_TARGETS]  = store_target,
	[RECORD_CALENDAR] = store_hours,
	[RECORD_TIME]     = store_i64,
	[RECORD_ENTRY]    = store_text,
	[RECORD_HA1]      = store_ha1,
	[RECORD_SEALED]   = store_sealed,
};
/* clang-format on */


static int put_single(const struct record_item *item, void *arg)
{
	const struct put *put = arg;

	return stores[put->field->type](put->at, item, put);
}


static int put_element(const struct record_item *item, void *arg)
{
	struct put *put = arg;
	const size_t size = record_element_size(put->field->type);
	int err;

	if (put->count == put->room) {
		const size_t room = put->room ? 2 * put->room : ELEMENTS_FIRST;
		uint8_t *list = realloc(put->list, room * size);

		if (!list)
			return ENOMEM;
		put->list = list;
		put->room = room;
	}

	err = stores[put->field->type](put->list + put->count * size, item,
				       put);
	if (!err)
		put->count++;

	return err;
}


static int put_list(struct put *put)
{
	const size_t size = record_element_size(put->field->type);
	struct cat_span span;
	void *elements;
	int err;

	err = heap_span(put->heap, &span, &elements, put->count, size);
	if (err)
		return err;
	if (put->count > 0)
		memcpy(elements, put->list, put->count * size);
	memcpy(put->at, &span, sizeof(span));

	return 0;
}


int record_put(const struct record_field *field, void *row, struct heap *heap,
	       struct text value, record_resolve_h *resolve, void *arg,
	       char why[RECORD_WHY_MAX])
{
	struct put put = { .field = field,
			   .heap = heap,
			   .resolve = resolve,
			   .arg = arg,
			   .why = why,
			   .at = (uint8_t *)row + field->offset };
	const bool is_list = record_parsers[field->type].separator != 0;
	int err;

	err = record_each(field, value, is_list ? put_element : put_single,
			  &put, why);
	if (!err && is_list)
		err = put_list(&put);
	free(put.list);
	if (err == EOVERFLOW) {
		(void)text_print(why, RECORD_WHY_MAX,
				 "%s: the catalog is full", field->name);
		err = EINVAL;
	}

	return err;
}
