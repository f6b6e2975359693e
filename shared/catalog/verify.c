/**
 * @file shared/catalog/verify.c  Is all of a version as it was made?
 *
 * Readers need none of this: they check what they use. It is for a publisher
 * that takes over what it finds, in shared memory or on disk, and says it is
 * good; so everything is looked at, down to the last offset.
 */
#include <errno.h>
#include <string.h>

#include "shared/catalog/image.h"


static const uint8_t *row_at(const struct catalog *c, enum record_kind kind,
			     size_t i)
{
	size_t count;
	const uint8_t *rows = catalog_rows(c, kind, &count);

	return rows + i * records[kind].size;
}


/* --- the heap
 * ------------------------------------------------------------------ */

static bool str_is_sound(struct view heap, cat_str str)
{
	return str < heap.count &&
	       memchr((const char *)heap.p + str, '\0', heap.count - str);
}


static bool span_is_sound(struct view heap, struct cat_span span,
			  const struct field_shape *shape)
{
	const uint8_t *p;
	size_t count;

	p = heap_list(heap, span, shape->size, &count);
	if (count != span.count)
		return false;

	for (size_t i = 0; i < count * shape->strc; i++) {
		cat_str str;

		memcpy(&str,
		       p + i / shape->strc * shape->size +
			       shape->strs[i % shape->strc],
		       sizeof(str));
		if (!str_is_sound(heap, str))
			return false;
	}

	return true;
}


static bool field_is_sound(struct view heap, const uint8_t *row,
			   const struct record_field *field)
{
	const struct field_shape *shape = field_shape(field->type);
	struct cat_span span;
	cat_str str;

	if (shape->is_str) {
		memcpy(&str, row + field->offset, sizeof(str));
		return str_is_sound(heap, str);
	}
	if (shape->is_span) {
		memcpy(&span, row + field->offset, sizeof(span));
		return span_is_sound(heap, span, shape);
	}

	return true;
}


static const char *params_fault(const struct catalog *c)
{
	const struct part *core = c->parts[CATALOG_CORE];
	const struct view v = part_view(core, SECTION_PARAMS);
	const struct view heap = part_view(core, SECTION_HEAP);
	const struct field_shape numbers = { .size = sizeof(int64_t) };
	const struct field_shape texts = { .size = sizeof(cat_str),
					   .strc = 1 };

	if (v.count != PARAMC)
		return "number of parameters";

	for (size_t i = 0; i < v.count; i++) {
		const struct cat_param *p = (const struct cat_param *)v.p + i;

		if (!str_is_sound(heap, p->text) ||
		    !span_is_sound(heap, p->numbers, &numbers) ||
		    !span_is_sound(heap, p->texts, &texts))
			return "parameter";
	}

	return NULL;
}


static const char *rows_fault(const struct catalog *c, enum record_kind kind)
{
	const struct view heap = part_view(c->parts[part_of(kind)],
					   SECTION_HEAP);
	size_t count;

	(void)catalog_rows(c, kind, &count);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *row = row_at(c, kind, i);
		const struct cat_row *head = (const void *)row;

		for (size_t k = 0; k < records[kind].fieldc; k++) {
			if (!field_is_sound(heap, row,
					    &records[kind].fields[k]))
				return "text or list of a row";
		}

		if (kind == RECORD_RATE)
			continue;
		if (catalog_by_id(c, kind, head->id) != row)
			return "index by id";
		if (!catalog_by_name(c, kind,
				     text_of(heap_str(heap, head->name))))
			return "index by name";
	}

	return NULL;
}


/* --- prefixes
 * ------------------------------------------------------------------- */

static bool node_is_sound(const struct prefix_index *index, uint32_t i)
{
	const struct prefix_node *node = &index->nodes[i];
	const struct prefix_node *up;

	if (i > 0 && prefix_key_cmp(&node[-1].key, &node->key) >= 0)
		return false;
	if (prefix_find(index, &node->key) != i)
		return false;
	if (node->parent == (uint32_t)INDEX_NONE)
		return true;
	if (node->parent >= i)
		return false;

	up = &index->nodes[node->parent];

	return prefix_key_common(&up->key, &node->key) ==
	       prefix_key_len(&up->key);
}


/* Does it lead to a row of this table with this prefix? */
static bool rate_is_found(const struct catalog *c, uint32_t table,
			  const struct prefix_node *node)
{
	size_t count;
	const struct cat_rate *rates = catalog_rows(c, RECORD_RATE, &count);
	struct prefix_key key;

	if (node->value >= count || rates[node->value].table != table)
		return false;

	key = prefix_key((struct text){ .p = rates[node->value].prefix,
					.l = CAT_PREFIX_MAX });

	return prefix_key_cmp(&key, &node->key) == 0;
}


static bool postings_are_sound(const struct part *core, uint32_t at)
{
	const struct view v = part_view(core, SECTION_POSTINGS);
	const struct view rows = part_view(core,
					   SECTION_ROWS + RECORD_ROUTING);
	const uint32_t *all = v.p;

	if (at >= v.count || all[at] >= v.count - at)
		return false;

	for (uint32_t i = 1; i <= all[at]; i++) {
		if (all[at + i] >= rows.count)
			return false;
	}

	return true;
}


static const char *set_fault(const struct catalog *c, const struct part *part,
			     uint32_t owner)
{
	struct prefix_index index;

	if (!prefix_index_of(&index, part, owner))
		return "set of prefixes";

	for (uint32_t i = 0; i < index.nodec; i++) {
		const struct prefix_node *node = &index.nodes[i];

		if (!node_is_sound(&index, i))
			return "order of prefixes";
		if (part->which == CATALOG_RATES &&
		    !rate_is_found(c, owner, node))
			return "prefix of a rate";
		if (part->which == CATALOG_CORE && owner == PREFIX_ROUTING &&
		    !postings_are_sound(part, node->value))
			return "prefix of a gateway";
	}

	return NULL;
}


static const char *prefixes_fault(const struct catalog *c,
				  const struct part *part)
{
	const struct view sets = part_view(part, SECTION_SETS);
	const struct prefix_set *set = sets.p;
	const char *fault = NULL;

	for (size_t i = 0; i < sets.count && !fault; i++)
		fault = set_fault(c, part, set[i].owner);

	return fault;
}


/* --- networks
 * -------------------------------------------------------------------- */

static bool net_is_sound(const struct net_index *index, uint32_t i,
			 struct view sources)
{
	const struct net_node *node = &index->nodes[i];
	const struct net_key key = { node->hi, node->lo, node->len };

	if (i > 0) {
		const struct net_key before = { node[-1].hi, node[-1].lo,
						node[-1].len };

		if (net_key_cmp(&before, &key) >= 0)
			return false;
	}

	return (node->parent == (uint32_t)INDEX_NONE ||
		(node->parent < i &&
		 net_has(&index->nodes[node->parent], &key))) &&
	       node->source <= sources.count &&
	       node->sourcec <= sources.count - node->source;
}


static const char *netset_fault(const struct part *core, int set,
				uint8_t family)
{
	const struct view sources = part_view(core, SECTION_SOURCES);
	const struct addr addr = { .family = family };
	struct net_index index;

	if (!net_index_of(&index, core, set, &addr))
		return "set of networks";

	for (uint32_t i = 0; i < index.nodec; i++) {
		if (!net_is_sound(&index, i, sources))
			return "order of networks";
	}

	return NULL;
}


static const char *nets_fault(const struct part *core)
{
	const char *fault = NULL;

	for (int set = 0; set < NETSETC && !fault; set += 2) {
		fault = netset_fault(core, set, AF_INET);
		if (!fault)
			fault = netset_fault(core, set, AF_INET6);
	}

	return fault;
}


/* --- the whole
 * --------------------------------------------------------------------- */

static const char *part_fault(const struct catalog *c, enum catalog_part which)
{
	const struct part *part = c->parts[which];
	const char *fault;

	if (part->map && !part_is_whole(part))
		return "checksum";

	fault = which == CATALOG_CORE ? params_fault(c) : NULL;
	for (size_t i = 0; i < RECORD_KINDC && !fault; i++) {
		if (part_of(i) == which)
			fault = rows_fault(c, i);
	}

	if (!fault)
		fault = prefixes_fault(c, part);
	if (!fault && which == CATALOG_CORE)
		fault = nets_fault(part);

	return fault;
}


int catalog_verify(const struct catalog *c, char *why, size_t size)
{
	for (size_t i = 0; i < CATALOG_PARTC; i++) {
		const char *fault = part_fault(c, i);

		if (!fault)
			continue;
		(void)text_print(why, size, "catalog, %s: wrong %s",
				 part_word(i), fault);
		return EBADMSG;
	}

	return 0;
}
