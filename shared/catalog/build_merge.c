/**
 * @file shared/catalog/build_merge.c  Rows that are kept, and new ones
 *
 * Both are in order, so one pass joins them. A row that is kept is copied as
 * it lies there, and its texts and lists move to the new heap: where a field
 * has any, its type says (field_shape()). Nothing is parsed again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/build_int.h"

enum {
	HEAP_FIELDS_MAX = 32
};

/* Rows of one origin */
struct source {
	struct view heap;
	const uint8_t *rows;
	size_t count;
};

struct merge {
	enum record_kind kind;
	size_t size;
	struct heap *heap; /* Of the part */
	struct source old, new;
	const uint8_t **order; /* New rows, sorted */
	uint32_t *gone;        /* Sorted */
	size_t gonec;
	const struct record_field *moved[HEAP_FIELDS_MAX];
	size_t movedc;
	uint8_t *scratch;
	size_t scratch_size;
};


/* --- order
 * ------------------------------------------------------------------- */

static int cmp_u32(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a;
	const uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}


/* By table, then prefix, then the latest first */
static int cmp_rates(const struct cat_rate *a, const struct cat_rate *b)
{
	int cmp = (a->table > b->table) - (a->table < b->table);

	if (cmp == 0)
		cmp = memcmp(a->prefix, b->prefix, sizeof(a->prefix));
	if (cmp == 0)
		cmp = (a->valid_from < b->valid_from) -
		      (a->valid_from > b->valid_from);
	if (cmp == 0)
		cmp = (a->row.id > b->row.id) - (a->row.id < b->row.id);

	return cmp;
}


/* What makes two records the same: 0. A list entry is one of its list. */
static int cmp_names(enum record_kind kind, const uint8_t *a,
		     struct view heap_a, const uint8_t *b, struct view heap_b)
{
	const struct cat_row *x = (const void *)a;
	const struct cat_row *y = (const void *)b;
	int cmp;

	cmp = strcmp(heap_str(heap_a, x->name), heap_str(heap_b, y->name));
	if (cmp == 0 && kind == RECORD_LIST) {
		const struct cat_list_entry *m = (const void *)a;
		const struct cat_list_entry *n = (const void *)b;

		cmp = (m->list > n->list) - (m->list < n->list);
	}

	return cmp;
}


static int cmp_rows(enum record_kind kind, const uint8_t *a,
		    struct view heap_a, const uint8_t *b, struct view heap_b)
{
	if (kind == RECORD_RATE)
		return cmp_rates((const void *)a, (const void *)b);

	return cmp_names(kind, a, heap_a, b, heap_b);
}


static int cmp_new(const void *a, const void *b, void *arg)
{
	const struct merge *m = arg;

	return cmp_rows(m->kind, *(const uint8_t *const *)a, m->new.heap,
			*(const uint8_t *const *)b, m->new.heap);
}


static uint32_t id_of(const uint8_t *row)
{
	return ((const struct cat_row *)(const void *)row)->id;
}


/* --- what is kept
 * -------------------------------------------------------------- */

static bool is_gone(const struct merge *m, const uint8_t *row)
{
	const uint32_t id = id_of(row);

	if (m->gonec == 0 || id < m->gone[0] || id > m->gone[m->gonec - 1])
		return false;

	return bsearch(&id, m->gone, m->gonec, sizeof(id), cmp_u32) != NULL;
}


static const uint8_t *next_kept(const struct merge *m, size_t *ip)
{
	while (*ip < m->old.count) {
		const uint8_t *row = m->old.rows + *ip * m->size;

		if (!is_gone(m, row))
			return row;
		(*ip)++;
	}

	return NULL;
}


/* --- moving
 * -------------------------------------------------------------------- */

static int move_str(struct heap *heap, cat_str *strp, struct view from)
{
	return heap_text(heap, strp, text_of(heap_str(from, *strp)));
}


/* A copy of elements to change before they go into the heap */
static uint8_t *scratch_copy(struct merge *m, const void *p, size_t size)
{
	if (size > m->scratch_size) {
		uint8_t *scratch = realloc(m->scratch, size);

		if (!scratch)
			return NULL;
		m->scratch = scratch;
		m->scratch_size = size;
	}

	memcpy(m->scratch, p, size);

	return m->scratch;
}


static int move_span(struct merge *m, struct cat_span *spanp, struct view from,
		     const struct field_shape *shape)
{
	const void *elements;
	uint8_t *copy;
	size_t count;
	void *to;
	int err = 0;

	elements = heap_list(from, *spanp, shape->size, &count);
	*spanp = (struct cat_span){ .off = 0 };
	if (!elements)
		return 0;

	copy = scratch_copy(m, elements, count * shape->size);
	if (!copy)
		return ENOMEM;

	for (size_t i = 0; i < count * shape->strc && !err; i++) {
		uint8_t *at = copy + i / shape->strc * shape->size +
			      shape->strs[i % shape->strc];
		cat_str str;

		memcpy(&str, at, sizeof(str));
		err = move_str(m->heap, &str, from);
		memcpy(at, &str, sizeof(str));
	}

	if (!err)
		err = heap_span(m->heap, spanp, &to, count, shape->size);
	if (!err)
		memcpy(to, copy, count * shape->size);

	return err;
}


static int move_field(struct merge *m, uint8_t *row, struct view from,
		      const struct record_field *field)
{
	const struct field_shape *shape = field_shape(field->type);
	uint8_t *at = row + field->offset;
	int err;

	if (shape->is_str) {
		cat_str str;

		memcpy(&str, at, sizeof(str));
		err = move_str(m->heap, &str, from);
		memcpy(at, &str, sizeof(str));
	}
	else {
		struct cat_span span;

		memcpy(&span, at, sizeof(span));
		err = move_span(m, &span, from, shape);
		memcpy(at, &span, sizeof(span));
	}

	return err;
}


static int move_row(struct merge *m, uint8_t *to, const uint8_t *row,
		    struct view from)
{
	int err = 0;

	memcpy(to, row, m->size);
	for (size_t i = 0; i < m->movedc && !err; i++)
		err = move_field(m, to, from, m->moved[i]);

	return err;
}


static void find_moved(struct merge *m)
{
	const struct record_def *def = &records[m->kind];

	for (size_t i = 0; i < def->fieldc; i++) {
		const struct field_shape *shape = field_shape(
			def->fields[i].type);

		if (!shape->is_str && !shape->is_span)
			continue;
		assert(m->movedc < HEAP_FIELDS_MAX);
		m->moved[m->movedc++] = &def->fields[i];
	}
}


/* --- joining
 * -------------------------------------------------------------------- */

static int join(struct merge *m, uint8_t *rows, size_t *countp)
{
	size_t old = 0, new = 0, count = 0;
	const uint8_t *kept = next_kept(m, &old);
	int err = 0;

	while ((kept || new < m->new.count) && !err) {
		const bool is_kept =
			kept && (new == m->new.count ||
				 cmp_rows(m->kind, kept, m->old.heap,
					  m->order[new], m->new.heap) <= 0);

		err = move_row(m, rows + count * m->size,
			       is_kept ? kept : m->order[new],
			       is_kept ? m->old.heap : m->new.heap);
		count++;

		if (is_kept) {
			old++;
			kept = next_kept(m, &old);
		}
		else {
			new ++;
		}
	}

	*countp = count;

	return err;
}


/* Names are unique in their kind */
static int check_names(const struct merge *m, const uint8_t *rows,
		       size_t count, char why[BUILD_WHY_MAX])
{
	struct view heap;

	if (m->kind == RECORD_RATE)
		return 0;

	heap.p = heap_bytes(m->heap, &heap.count);
	for (size_t i = 1; i < count; i++) {
		const uint8_t *row = rows + i * m->size;
		const struct cat_row *head = (const void *)row;

		if (cmp_names(m->kind, row - m->size, heap, row, heap) != 0)
			continue;

		(void)text_print(why, BUILD_WHY_MAX,
				 "%s \"%s\": there are two of this name",
				 records[m->kind].title,
				 heap_str(heap, head->name));
		return EINVAL;
	}

	return 0;
}


/* Each id once among the new rows */
static int check_ids(const struct merge *m, char why[BUILD_WHY_MAX])
{
	uint32_t *ids;
	int err = 0;

	if (m->new.count < 2)
		return 0;

	ids = malloc(m->new.count * sizeof(*ids));
	if (!ids)
		return ENOMEM;

	for (size_t i = 0; i < m->new.count; i++)
		ids[i] = id_of(m->new.rows + i * m->size);
	qsort(ids, m->new.count, sizeof(*ids), cmp_u32);

	for (size_t i = 1; i < m->new.count && !err; i++) {
		if (ids[i] != ids[i - 1])
			continue;
		(void)text_print(why, BUILD_WHY_MAX, "%s: id: %lu comes twice",
				 records[m->kind].title,
				 (unsigned long)ids[i]);
		err = EINVAL;
	}
	free(ids);

	return err;
}


static void merge_open(struct merge *m, const struct part *part,
		       const struct build *b, enum record_kind kind)
{
	const struct build_kind *k = &b->kinds[kind];

	*m = (struct merge){
		.kind = kind,
		.size = records[kind].size,
		.heap = part->heap,
		.new = { .rows = k->rows, .count = k->count },
	};
	m->new.heap.p = heap_bytes(b->heap, &m->new.heap.count);

	if (b->previous && !k->is_all_gone) {
		const struct part *old = b->previous->parts[part->which];
		const struct view rows = part_view(old, SECTION_ROWS + kind);

		m->old = (struct source){
			.rows = rows.p,
			.count = rows.count,
			.heap = part_view(old, SECTION_HEAP),
		};
	}

	find_moved(m);
}


/* Both sorted copies */
static int merge_sort(struct merge *m, const struct build_kind *k)
{
	if (k->count > 0) {
		m->order = malloc(k->count * sizeof(*m->order));
		if (!m->order)
			return ENOMEM;
		for (size_t i = 0; i < k->count; i++)
			m->order[i] = k->rows + i * m->size;
		qsort_r(m->order, k->count, sizeof(*m->order), cmp_new, m);
	}

	if (k->gonec > 0) {
		m->gone = malloc(k->gonec * sizeof(*m->gone));
		if (!m->gone)
			return ENOMEM;
		memcpy(m->gone, k->gone, k->gonec * sizeof(*m->gone));
		qsort(m->gone, k->gonec, sizeof(*m->gone), cmp_u32);
		m->gonec = k->gonec;
	}

	return 0;
}


int build_merge(struct part *part, const struct build *b,
		enum record_kind kind, char why[BUILD_WHY_MAX])
{
	uint8_t *rows = NULL;
	struct merge m;
	size_t count = 0;
	int err;

	merge_open(&m, part, b, kind);
	err = check_ids(&m, why);
	if (!err)
		err = merge_sort(&m, &b->kinds[kind]);
	if (err || m.old.count + m.new.count == 0)
		goto out;

	rows = build_array(m.old.count + m.new.count, m.size);
	if (!rows) {
		err = ENOMEM;
		goto out;
	}

	err = join(&m, rows, &count);
	part_section_give(part, SECTION_ROWS + kind, rows, count);
	if (!err)
		err = check_names(&m, rows, count, why);

out:
	free(m.scratch);
	free(m.order);
	free(m.gone);

	return err;
}
