/**
 * @file shared/catalog/build_part.c  A part: its rows, and what finds them
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/catalog/build_int.h"

enum {
	LARGE = 4 << 20
};


/* Ask for large pages where an array is written from end to end: a fault for
 * each 4 KB costs as much as what is written there. It is a wish. */
static void want_large_pages(void *p, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const uintptr_t from = ((uintptr_t)p + page - 1) / page * page;
	const uintptr_t to = ((uintptr_t)p + size) / page * page;

	if (size >= LARGE)
		(void)madvise((uint8_t *)p + (from - (uintptr_t)p), to - from,
			      MADV_HUGEPAGE);
}


void *build_array(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (p)
		want_large_pages(p, count * size);

	return p;
}


int build_section(struct part *part, enum section section, size_t count,
		  void *p)
{
	void *made = NULL;

	if (count > 0) {
		made = build_array(count, section_size(section));
		if (!made)
			return ENOMEM;
	}

	part_section_give(part, section, made, count);
	memcpy(p, &made, sizeof(made));

	return 0;
}


/* --- parameters
 * ---------------------------------------------------------------- */

/* All values, as a set: what is new, what the previous version has, or the
 * defaults. Those parsed here are put into owned. */
static int gather_params(const struct build *b,
			 const struct param_value *values[PARAMC],
			 struct param_value *owned[PARAMC],
			 char why[BUILD_WHY_MAX])
{
	for (size_t i = 0; i < PARAMC; i++) {
		const char *text = b->previous ? catalog_text(b->previous, i)
					       : params[i].def;
		char fault[PARAM_WHY_MAX] = "";
		int err;

		values[i] = b->params[i];
		if (values[i])
			continue;

		err = param_parse(&owned[i], i, text_of(text), fault);
		if (err) {
			(void)text_print(why, BUILD_WHY_MAX, "%s", fault);
			return err;
		}
		values[i] = owned[i];
	}

	return 0;
}


static int put_texts(struct heap *heap, struct cat_param *row,
		     const struct param_value *value)
{
	struct cat_span span = { .off = 0 };
	cat_str strs[PARAM_LIST_MAX];
	const size_t count = value->texts ? value->count : 0;
	void *p;
	int err = 0;

	if (count == 0)
		return 0;
	if (count > PARAM_LIST_MAX)
		return EOVERFLOW;

	for (size_t i = 0; i < count && !err; i++)
		err = heap_text(heap, &strs[i], text_of(value->texts[i]));
	if (!err)
		err = heap_span(heap, &span, &p, count, sizeof(strs[0]));
	if (err)
		return err;

	memcpy(p, strs, count * sizeof(strs[0]));
	row->texts = span;

	return 0;
}


static int put_numbers(struct heap *heap, struct cat_param *row,
		       const struct param_value *value)
{
	const size_t count = value->numbers ? value->count : 0;
	void *p;
	int err;

	if (count == 0)
		return 0;

	err = heap_span(heap, &row->numbers, &p, count, sizeof(int64_t));
	if (!err)
		memcpy(p, value->numbers, count * sizeof(int64_t));

	return err;
}


static int put_param(struct heap *heap, struct cat_param *row,
		     const struct param_value *value)
{
	int err;

	row->number = value->number;
	row->second = value->second;
	row->is_set = value->is_set;

	err = heap_text(heap, &row->text, text_of(value->text));
	if (!err)
		err = put_texts(heap, row, value);
	if (!err)
		err = put_numbers(heap, row, value);

	return err;
}


static int build_params(struct part *part, const struct build *b,
			char why[BUILD_WHY_MAX])
{
	const struct param_value *values[PARAMC];
	struct param_value *owned[PARAMC] = { NULL };
	char fault[PARAM_WHY_MAX] = "";
	struct cat_param *rows;
	int err;

	err = gather_params(b, values, owned, why);
	if (!err) {
		err = param_agree(values, fault);
		if (err)
			(void)text_print(why, BUILD_WHY_MAX, "%s", fault);
	}

	if (!err)
		err = build_section(part, SECTION_PARAMS, PARAMC, &rows);
	for (size_t i = 0; i < PARAMC && !err; i++)
		err = put_param(part->heap, &rows[i], values[i]);

	for (size_t i = 0; i < PARAMC; i++)
		free(owned[i]);

	return err;
}


/* --- the whole
 * ------------------------------------------------------------------- */

static void give_heap(struct part *part)
{
	struct view heap;

	heap.p = heap_bytes(part->heap, &heap.count);
	part->sections[SECTION_HEAP] = heap;
}


int build_part(struct part **partp, const struct build *b,
	       enum catalog_part which, char why[BUILD_WHY_MAX])
{
	struct part *part = NULL;
	int err;

	err = part_alloc(&part, which);
	if (err)
		return err;

	err = heap_alloc(&part->heap);
	if (!err && which == CATALOG_CORE)
		err = build_params(part, b, why);
	for (size_t i = 0; i < RECORD_KINDC && !err; i++) {
		if (part_of(i) == which)
			err = build_merge(part, b, i, why);
	}

	if (!err) {
		give_heap(part);
		err = build_index(part);
	}

	if (err)
		part_unref(part);
	else
		*partp = part;

	return err;
}
