/**
 * @file shared/catalog/catalog.c  A version: its parameters and rows
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/image.h"

/* What the heap holds for a field. A type without a row has nothing there. */
static const struct field_shape shapes[] = {
	/* clang-format off */
	[RECORD_NAME]     = { .is_str = true },
	[RECORD_NUMBER]   = { .is_str = true },
	[RECORD_TEXT]     = { .is_str = true },
	[RECORD_HOST]     = { .is_str = true },
	[RECORD_ENTRY]    = { .is_str = true },
	[RECORD_REFS]     = { .is_span = true, .size = sizeof(uint32_t) },
	[RECORD_PREFIXES] = { .is_span = true, .size = sizeof(cat_str),
			      .strc = 1 },
	[RECORD_TEXTS]    = { .is_span = true, .size = sizeof(cat_str),
			      .strc = 1 },
	[RECORD_CODES]    = { .is_span = true, .size = sizeof(int32_t) },
	[RECORD_CAUSES]   = { .is_span = true,
			      .size = sizeof(struct cat_cause) },
	[RECORD_PLAN]     = { .is_span = true,
			      .size = sizeof(struct cat_dial), .strc = 2,
			      .strs = { offsetof(struct cat_dial, pattern),
					offsetof(struct cat_dial,
						 replacement) } },
	[RECORD_SOURCES]  = { .is_span = true,
			      .size = sizeof(struct cat_source) },
	[RECORD_TARGETS]  = { .is_span = true,
			      .size = sizeof(struct cat_target), .strc = 1,
			      .strs = { offsetof(struct cat_target, host) } },
	[RECORD_CALENDAR] = { .is_span = true,
			      .size = sizeof(struct cat_hours) },
	[RECORD_HA1]      = { .is_span = true, .size = sizeof(struct cat_ha1),
			      .strc = 1,
			      .strs = { offsetof(struct cat_ha1, realm) } },
	[RECORD_SEALED]   = { .is_span = true, .size = 1 },
	/* clang-format on */
};


const struct field_shape *field_shape(enum record_type type)
{
	static const struct field_shape none;

	return (size_t)type < COUNT_OF(shapes) ? &shapes[type] : &none;
}


int catalog_alloc(struct catalog **cp, const struct catalog_control *control,
		  struct part *const parts[CATALOG_PARTC])
{
	struct catalog *c = calloc(1, sizeof(*c));

	if (!c)
		return ENOMEM;

	c->control = *control;
	c->self = c;
	c->refc = 1;
	for (size_t i = 0; i < CATALOG_PARTC; i++)
		c->parts[i] = part_ref(parts[i]);
	*cp = c;

	return 0;
}


static bool is_shared(const struct catalog *known,
		      const struct catalog_control *control, size_t i)
{
	return known &&
	       known->control.parts[i].generation ==
		       control->parts[i].generation &&
	       known->control.parts[i].crc == control->parts[i].crc &&
	       known->control.parts[i].size == control->parts[i].size;
}


int catalog_map(struct catalog **cp, const struct catalog_control *control,
		const char *prefix, const struct catalog *known, char *why,
		size_t whysize)
{
	struct part *parts[CATALOG_PARTC] = { NULL };
	int err = 0;

	for (size_t i = 0; i < CATALOG_PARTC && !err; i++) {
		if (is_shared(known, control, i))
			parts[i] = part_ref(known->parts[i]);
		else
			err = part_map(&parts[i], prefix, i, control, why,
				       whysize);
	}

	if (!err)
		err = catalog_alloc(cp, control, parts);

	for (size_t i = 0; i < CATALOG_PARTC; i++)
		part_unref(parts[i]);

	return err;
}


const struct catalog *catalog_ref(const struct catalog *c)
{
	c->self->refc++;

	return c;
}


struct catalog *catalog_unref(const struct catalog *c)
{
	if (!c || --c->self->refc > 0)
		return NULL;

	for (size_t i = 0; i < CATALOG_PARTC; i++)
		part_unref(c->parts[i]);
	free(c->self);

	return NULL;
}


const struct catalog_control *catalog_control(const struct catalog *c)
{
	return &c->control;
}


/* --- the heap ---------------------------------------------------------------
 */

const char *heap_str(struct view heap, cat_str str)
{
	const char *p = heap.p;

	if (str >= heap.count || !memchr(p + str, '\0', heap.count - str))
		return "";

	return p + str;
}


const void *heap_list(struct view heap, struct cat_span span, size_t size,
		      size_t *countp)
{
	*countp = 0;

	if (span.count == 0 || size == 0 || span.off % 8 != 0 ||
	    span.off >= heap.count ||
	    span.count > (heap.count - span.off) / size)
		return NULL;

	*countp = span.count;

	return (const uint8_t *)heap.p + span.off;
}


static struct view heap_of(const struct catalog *c, enum record_kind kind)
{
	return part_view(c->parts[part_of(kind)], SECTION_HEAP);
}


const uint8_t *catalog_heap(const struct catalog *c, enum record_kind kind,
			    size_t *sizep)
{
	const struct view heap = heap_of(c, kind);

	*sizep = heap.count;

	return heap.p;
}


const char *catalog_str(const struct catalog *c, enum record_kind kind,
			cat_str str)
{
	return heap_str(heap_of(c, kind), str);
}


const void *catalog_span(const struct catalog *c, enum record_kind kind,
			 struct cat_span span, size_t size, size_t *countp)
{
	return heap_list(heap_of(c, kind), span, size, countp);
}


/* --- parameters
 * -------------------------------------------------------------- */

static const struct cat_param *param_row(const struct catalog *c,
					 enum param param)
{
	static const struct cat_param none;
	const struct view v = part_view(c->parts[CATALOG_CORE],
					SECTION_PARAMS);
	const struct cat_param *rows = v.p;

	return (size_t)param < v.count ? &rows[param] : &none;
}


static struct view param_heap(const struct catalog *c)
{
	return part_view(c->parts[CATALOG_CORE], SECTION_HEAP);
}


int64_t catalog_int(const struct catalog *c, enum param param)
{
	return param_row(c, param)->number;
}


bool catalog_is_set(const struct catalog *c, enum param param)
{
	return param_row(c, param)->is_set != 0;
}


const char *catalog_text(const struct catalog *c, enum param param)
{
	return heap_str(param_heap(c), param_row(c, param)->text);
}


int64_t catalog_second(const struct catalog *c, enum param param)
{
	return param_row(c, param)->second;
}


const int64_t *catalog_numbers(const struct catalog *c, enum param param,
			       size_t *countp)
{
	return heap_list(param_heap(c), param_row(c, param)->numbers,
			 sizeof(int64_t), countp);
}


size_t catalog_textc(const struct catalog *c, enum param param)
{
	size_t count;

	(void)heap_list(param_heap(c), param_row(c, param)->texts,
			sizeof(cat_str), &count);

	return count;
}


const char *catalog_text_at(const struct catalog *c, enum param param,
			    size_t i)
{
	const cat_str *texts;
	size_t count;

	texts = heap_list(param_heap(c), param_row(c, param)->texts,
			  sizeof(cat_str), &count);

	return i < count ? heap_str(param_heap(c), texts[i]) : "";
}


int32_t catalog_effective(const struct catalog *c, int32_t field,
			  enum param param)
{
	const int64_t number = catalog_int(c, param);

	if (field != CAT_INHERIT)
		return field;
	if (number > INT32_MAX)
		return INT32_MAX;

	return number < -INT32_MAX ? -INT32_MAX : (int32_t)number;
}


/* --- records
 * ----------------------------------------------------------------- */

const void *catalog_rows(const struct catalog *c, enum record_kind kind,
			 size_t *countp)
{
	const struct view rows = part_view(c->parts[part_of(kind)],
					   SECTION_ROWS + kind);

	*countp = rows.count;

	return rows.p;
}


/* What a slot of a hash leads to; NULL if there is no such row */
static const struct cat_row *row_at(struct view rows, enum record_kind kind,
				    uint32_t value)
{
	if (value == 0 || value > rows.count)
		return NULL;

	return (const void *)((const uint8_t *)rows.p +
			      (value - 1) * records[kind].size);
}


const void *catalog_by_id(const struct catalog *c, enum record_kind kind,
			  uint32_t id)
{
	const struct part *part = c->parts[part_of(kind)];
	const struct view rows = part_view(part, SECTION_ROWS + kind);
	struct hash_walk walk;
	uint32_t value;

	walk = hash_walk(part_view(part, SECTION_IDS + kind), hash_of_id(id));
	while ((value = hash_next(&walk)) != 0) {
		const struct cat_row *row = row_at(rows, kind, value);

		if (row && row->id == id)
			return row;
	}

	return NULL;
}


/* Of the slot, or, when that is there, of the row it leads to */
static void ahead(const struct catalog *c, enum record_kind kind,
		  enum section section, uint32_t hash, bool has_slot)
{
	const struct part *part = c->parts[part_of(kind)];
	struct hash_walk walk = hash_walk(part_view(part, section), hash);

	if (!walk.slotc)
		return;
	__builtin_prefetch(
		has_slot ? (const void *)row_at(part_view(part,
							  SECTION_ROWS + kind),
						kind, hash_next(&walk))
			 : (const void *)&walk.slots[walk.at]);
}


void catalog_id_ahead(const struct catalog *c, enum record_kind kind,
		      uint32_t id, bool has_slot)
{
	ahead(c, kind, SECTION_IDS + kind, hash_of_id(id), has_slot);
}


void catalog_name_ahead(const struct catalog *c, enum record_kind kind,
			struct text name, bool has_slot)
{
	ahead(c, kind, SECTION_NAMES + kind, hash_of_text(name), has_slot);
}


/* One look at the heap: is this, with its NUL, the text? */
static bool str_is(struct view heap, cat_str str, struct text text)
{
	const char *p = heap.p;

	return str < heap.count && text.l < heap.count - str &&
	       memcmp(p + str, text.p, text.l) == 0 && p[str + text.l] == '\0';
}


const void *catalog_by_name(const struct catalog *c, enum record_kind kind,
			    struct text name)
{
	const struct part *part = c->parts[part_of(kind)];
	const struct view rows = part_view(part, SECTION_ROWS + kind);
	const struct view heap = part_view(part, SECTION_HEAP);
	struct hash_walk walk;
	uint32_t value;

	if (name.l == 0 || memchr(name.p, '\0', name.l))
		return NULL;

	walk = hash_walk(part_view(part, SECTION_NAMES + kind),
			 hash_of_text(name));
	while ((value = hash_next(&walk)) != 0) {
		const struct cat_row *row = row_at(rows, kind, value);

		if (row && str_is(heap, row->name, name))
			return row;
	}

	return NULL;
}
