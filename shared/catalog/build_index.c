/**
 * @file shared/catalog/build_index.c  What finds the rows of a part
 *
 * Made anew for each part that changes, in one pass over rows that are in
 * order already (rates), or over keys that are sorted here (the core part,
 * which is small).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/build_int.h"

/* A prefix and what it leads to */
struct item {
	struct prefix_key key;
	uint32_t id; /* Of a gateway; or flags */
	uint32_t row;
};

struct items {
	struct item *p;
	size_t count;
};


static const struct cat_row *row_of(struct view rows, enum record_kind kind,
				    size_t i)
{
	return (const void *)((const uint8_t *)rows.p +
			      i * records[kind].size);
}


static const char *part_str(const struct part *part, cat_str str)
{
	return heap_str(part_view(part, SECTION_HEAP), str);
}


/* --- by id, by name
 * ---------------------------------------------------------------- */

static int index_kind(struct part *part, enum record_kind kind)
{
	const struct view rows = part_view(part, SECTION_ROWS + kind);
	const size_t slotc = hash_slots(rows.count);
	struct hash_slot *ids, *names;
	int err;

	err = build_section(part, SECTION_IDS + kind, slotc, &ids);
	if (!err)
		err = build_section(part, SECTION_NAMES + kind, slotc, &names);
	if (err)
		return err;

	for (size_t i = 0; i < rows.count; i++) {
		const struct cat_row *row = row_of(rows, kind, i);
		const struct text name = text_of(part_str(part, row->name));
		const uint32_t value = (uint32_t)i + 1;

		hash_put(ids, slotc, hash_of_id(row->id), value);
		hash_put(names, slotc, hash_of_text(name), value);
	}

	return 0;
}


static void put_terminal(const struct part *part, struct hash_slot *slots,
			 size_t slotc, const struct cat_gateway *gw,
			 uint32_t value)
{
	const struct text user = text_of(part_str(part, gw->username));

	if (user.l > 0)
		hash_put(slots, slotc, hash_of_text(user), value);
}


static int index_terminals(struct part *part)
{
	const struct view m = part_view(part, SECTION_ROWS + RECORD_MAPPING);
	const struct view r = part_view(part, SECTION_ROWS + RECORD_ROUTING);
	const struct cat_mapping *mapping = m.p;
	const struct cat_routing *routing = r.p;
	const size_t slotc = hash_slots(m.count + r.count);
	struct hash_slot *slots;
	int err;

	err = build_section(part, SECTION_TERMINALS, slotc, &slots);
	if (err)
		return err;

	for (size_t i = 0; i < m.count; i++) {
		if (gateway_is_mapping_terminal(&mapping[i]))
			put_terminal(part, slots, slotc, &mapping[i].gw,
				     TERMINAL_VALUE(i, RECORD_MAPPING));
	}
	for (size_t i = 0; i < r.count; i++) {
		if (gateway_is_routing_terminal(&routing[i]))
			put_terminal(part, slots, slotc, &routing[i].gw,
				     TERMINAL_VALUE(i, RECORD_ROUTING));
	}

	return 0;
}


/* --- prefixes of the core part
 * ------------------------------------------------------ */

static int cmp_items(const void *a, const void *b)
{
	const struct item *x = a;
	const struct item *y = b;
	const int cmp = prefix_key_cmp(&x->key, &y->key);

	return cmp ? cmp : (x->id > y->id) - (x->id < y->id);
}


static int items_alloc(struct items *items, size_t max)
{
	items->count = 0;
	items->p = malloc((max + 1) * sizeof(*items->p));

	return items->p ? 0 : ENOMEM;
}


static int gather_routing(struct items *items, const struct part *part)
{
	const struct view rows = part_view(part,
					   SECTION_ROWS + RECORD_ROUTING);
	const struct view heap = part_view(part, SECTION_HEAP);
	const struct cat_routing *gateways = rows.p;
	size_t max = 0;
	int err;

	for (size_t i = 0; i < rows.count; i++)
		max += gateways[i].prefixes.count;
	err = items_alloc(items, max);
	if (err)
		return err;

	for (size_t i = 0; i < rows.count; i++) {
		const cat_str *prefixes;
		size_t count;

		prefixes = heap_list(heap, gateways[i].prefixes,
				     sizeof(*prefixes), &count);
		for (size_t k = 0; k < count; k++)
			items->p[items->count++] = (struct item){
				.key = prefix_key(
					text_of(heap_str(heap, prefixes[k]))),
				.id = gateways[i].gw.row.id,
				.row = (uint32_t)i,
			};
	}

	return 0;
}


/* Entries of one list of numbers; those too long for a key are left to the
 * section of odd ones */
static int gather_list(struct items *items, const struct part *part,
		       enum cat_list list)
{
	const struct view rows = part_view(part, SECTION_ROWS + RECORD_LIST);
	const struct cat_list_entry *entries = rows.p;
	int err;

	err = items_alloc(items, rows.count);
	for (size_t i = 0; i < rows.count && !err; i++) {
		struct text t = text_of(part_str(part, entries[i].row.name));
		const bool is_open = t.l > 0 && t.p[t.l - 1] == '*';

		if (is_open)
			t.l--;
		if (entries[i].list != (int32_t)list || t.l > CAT_PREFIX_MAX)
			continue;

		items->p[items->count++] = (struct item){
			.key = prefix_key(t),
			.id = is_open ? PREFIX_OPEN : PREFIX_EXACT,
		};
	}

	return err;
}


static int index_odd(struct part *part)
{
	const struct view rows = part_view(part, SECTION_ROWS + RECORD_LIST);
	const struct cat_list_entry *entries = rows.p;
	uint32_t *odd;
	size_t count = 0;
	int err;

	err = build_section(part, SECTION_ODD, rows.count, &odd);
	if (err)
		return err;

	for (size_t i = 0; i < rows.count; i++) {
		const struct text t = text_of(
			part_str(part, entries[i].row.name));
		const bool is_open = t.l > 0 && t.p[t.l - 1] == '*';

		if ((entries[i].list == CAT_CALLER_BLACK ||
		     entries[i].list == CAT_CALLEE_BLACK) &&
		    t.l - is_open > CAT_PREFIX_MAX)
			odd[count++] = (uint32_t)i;
	}
	part_section_give(part, SECTION_ODD, odd, count);

	return 0;
}


/* One node per key. Its value: where its postings begin (their number, then
 * their rows), or the flags of all its items. */
static uint32_t make_nodes(struct prefix_node *nodes, uint32_t *postings,
			   size_t *postingcp, const struct items *items)
{
	uint32_t nodec = 0;
	size_t postingc = postings ? *postingcp : 0;

	for (size_t i = 0; i < items->count; i++) {
		const struct item *item = &items->p[i];
		const bool is_new = i == 0 ||
				    prefix_key_cmp(&item->key,
						   &item[-1].key) != 0;

		if (is_new) {
			nodes[nodec++] = (struct prefix_node){
				.key = item->key,
				.value = (uint32_t)postingc,
			};
			if (postings)
				postings[postingc++] = 0;
		}

		if (!postings) {
			nodes[nodec - 1].value |= item->id;
		}
		else if (is_new || item->id != item[-1].id) {
			postings[nodes[nodec - 1].value]++;
			postings[postingc++] = item->row;
		}
	}

	prefix_link(nodes, nodec);
	if (postings)
		*postingcp = postingc;

	return nodec;
}


/* Sets and nodes are there: the buckets of all */
static int index_buckets(struct part *part, struct prefix_set *sets,
			 size_t setc)
{
	const struct view v = part_view(part, SECTION_NODES);
	const struct prefix_node *nodes = v.p;
	uint32_t *buckets;
	size_t count = 0;
	int err;

	for (size_t i = 0; i < setc; i++) {
		sets[i].chars = prefix_chars(sets[i].count);
		sets[i].bucket = (uint32_t)count;
		count += prefix_buckets(sets[i].chars);
	}

	err = build_section(part, SECTION_BUCKETS, count, &buckets);
	for (size_t i = 0; i < setc && !err; i++) {
		if (sets[i].chars > 0)
			prefix_fill(buckets + sets[i].bucket, sets[i].chars,
				    nodes + sets[i].first, sets[i].count);
	}

	return err;
}


/* Sorted items of every owner into one section of nodes */
static int index_items(struct part *part, const struct items *items,
		       size_t setc)
{
	struct prefix_set *sets;
	struct prefix_node *nodes;
	uint32_t *postings;
	size_t postingc = 0, nodec = 0, max = 0;
	int err;

	for (size_t i = 0; i < setc; i++)
		max += items[i].count;

	err = build_section(part, SECTION_SETS, setc, &sets);
	if (!err)
		err = build_section(part, SECTION_NODES, max, &nodes);
	if (!err)
		err = build_section(part, SECTION_POSTINGS, 2 * items[0].count,
				    &postings);
	if (err)
		return err;

	for (size_t i = 0; i < setc; i++) {
		sets[i].owner = (uint32_t)i + PREFIX_ROUTING;
		sets[i].first = (uint32_t)nodec;
		sets[i].count = items[i].count == 0
					? 0
					: make_nodes(nodes + nodec,
						     i == 0 ? postings : NULL,
						     &postingc, &items[i]);
		nodec += sets[i].count;
	}

	part_section_give(part, SECTION_NODES, nodes, nodec);
	part_section_give(part, SECTION_POSTINGS, postings, postingc);

	return index_buckets(part, sets, setc);
}


int build_index_prefixes(struct part *part)
{
	struct items items[] = {
		[PREFIX_ROUTING - 1] = { NULL, 0 },
		[PREFIX_CALLER_BLACK - 1] = { NULL, 0 },
		[PREFIX_CALLEE_BLACK - 1] = { NULL, 0 },
	};
	int err;

	err = gather_routing(&items[PREFIX_ROUTING - 1], part);
	if (!err)
		err = gather_list(&items[PREFIX_CALLER_BLACK - 1], part,
				  CAT_CALLER_BLACK);
	if (!err)
		err = gather_list(&items[PREFIX_CALLEE_BLACK - 1], part,
				  CAT_CALLEE_BLACK);

	for (size_t i = 0; i < COUNT_OF(items) && !err; i++)
		qsort(items[i].p, items[i].count, sizeof(*items[i].p),
		      cmp_items);
	if (!err)
		err = index_items(part, items, COUNT_OF(items));

	for (size_t i = 0; i < COUNT_OF(items); i++)
		free(items[i].p);

	return err ? err : index_odd(part);
}


/* --- rates
 * ----------------------------------------------------------------------------
 */

/* The first row behind those of this one's table. Tables are few and long:
 * halving is quicker than to read all rows only to count them. */
static size_t table_end(const struct cat_rate *rates, size_t count, size_t i)
{
	size_t from = i, to = count;

	while (from < to) {
		const size_t mid = from + (to - from) / 2;

		if (rates[mid].table == rates[i].table)
			from = mid + 1;
		else
			to = mid;
	}

	return from;
}


static size_t count_tables(const struct cat_rate *rates, size_t count)
{
	size_t tablec = 0;

	for (size_t i = 0; i < count; i = table_end(rates, count, i))
		tablec++;

	return tablec;
}


/* A node per prefix of the rows of one table */
static void make_rate_nodes(struct prefix_set *set, struct prefix_node *nodes,
			    const struct cat_rate *rates, size_t from,
			    size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct cat_rate *r = &rates[i];

		if (i > from &&
		    memcmp(r->prefix, r[-1].prefix, sizeof(r->prefix)) == 0)
			continue;

		nodes[set->count++] = (struct prefix_node){
			.key = prefix_key((struct text){
				.p = r->prefix, .l = sizeof(r->prefix) }),
			.value = (uint32_t)i,
		};
	}

	prefix_link(nodes, set->count);
}


/* The rows are in order: a set per table, a node per prefix */
int build_index_rates(struct part *part)
{
	const struct view rows = part_view(part, SECTION_ROWS + RECORD_RATE);
	const struct cat_rate *rates = rows.p;
	const size_t setc = count_tables(rates, rows.count);
	struct prefix_set *sets;
	struct prefix_node *nodes;
	size_t nodec = 0, from = 0;
	int err;

	err = build_section(part, SECTION_SETS, setc, &sets);
	if (!err)
		err = build_section(part, SECTION_NODES, rows.count, &nodes);
	if (err)
		return err;

	for (size_t i = 0; i < setc; i++) {
		const size_t to = table_end(rates, rows.count, from);

		sets[i] = (struct prefix_set){ .owner = rates[from].table,
					       .first = (uint32_t)nodec };
		make_rate_nodes(&sets[i], nodes + nodec, rates, from, to);
		nodec += sets[i].count;
		from = to;
	}
	part_section_give(part, SECTION_NODES, nodes, nodec);

	return index_buckets(part, sets, setc);
}


int build_index(struct part *part)
{
	int err = 0;

	if (part->which == CATALOG_RATES)
		return build_index_rates(part);

	for (size_t i = 0; i < RECORD_KINDC && !err; i++) {
		if (part_of(i) == part->which)
			err = index_kind(part, i);
	}

	if (part->which == CATALOG_CORE) {
		if (!err)
			err = index_terminals(part);
		if (!err)
			err = build_index_prefixes(part);
		if (!err)
			err = build_index_nets(part);
	}

	return err;
}
