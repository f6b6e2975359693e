/**
 * @file shared/catalog/build_nets.c  Networks of gateways and of source lists
 *
 * A dynamic gateway is found by its binding and is not here, whatever its
 * addresses say; nor is a host that has to be resolved.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/build_int.h"

struct item {
	enum netset set; /* Its family included */
	struct net_key key;
	struct net_source source;
};

struct items {
	struct item *p;
	size_t count, room;
};

enum {
	ROOM_FIRST = 256
};


static int add(struct items *items, enum netset set, const struct addr *addr,
	       uint32_t len, struct net_source source)
{
	const uint32_t bits = addr->family == AF_INET6 ? 128 : 32;

	if (addr->family != AF_INET && addr->family != AF_INET6)
		return 0;

	if (items->count == items->room) {
		const size_t room = items->room ? 2 * items->room : ROOM_FIRST;
		struct item *p = realloc(items->p, room * sizeof(*p));

		if (!p)
			return ENOMEM;
		items->p = p;
		items->room = room;
	}

	items->p[items->count++] = (struct item){
		.set = set + (addr->family == AF_INET6 ? 1 : 0),
		.key = net_key(addr, len < bits ? len : bits),
		.source = source,
	};

	return 0;
}


static int add_mapping(struct items *items, struct view heap,
		       const struct cat_mapping *gw)
{
	const struct cat_source *sources;
	size_t count;
	int err = 0;

	if (gw->gw.type == GATEWAY_DYNAMIC)
		return 0;

	sources = heap_list(heap, gw->addresses, sizeof(*sources), &count);
	for (size_t i = 0; i < count && !err; i++)
		err = add(items, NETSET_GATEWAYS, &sources[i].addr,
			  sources[i].len,
			  (struct net_source){
				  .kind = RECORD_MAPPING,
				  .id = gw->gw.row.id,
				  .port = sources[i].addr.port,
				  .mode = (uint32_t)gw->auth_mode,
			  });

	return err;
}


/* Who answers from there may use any port. */
static int add_routing(struct items *items, struct view heap,
		       const struct cat_routing *gw)
{
	const struct cat_target *targets;
	size_t count;
	int err = 0;

	if (gw->gw.type == GATEWAY_DYNAMIC)
		return 0;

	targets = heap_list(heap, gw->addresses, sizeof(*targets), &count);
	for (size_t i = 0; i < count && !err; i++) {
		struct addr addr;

		if (addr_parse(&addr,
			       text_of(heap_str(heap, targets[i].host))))
			continue;
		err = add(items, NETSET_GATEWAYS, &addr, UINT32_MAX,
			  (struct net_source){ .kind = RECORD_ROUTING,
					       .id = gw->gw.row.id });
	}

	return err;
}


static int add_entry(struct items *items, struct view heap,
		     const struct cat_list_entry *entry)
{
	struct prefix prefix;
	enum netset set;

	if (entry->list == CAT_SOURCE_BLACK)
		set = NETSET_BLACK;
	else if (entry->list == CAT_SOURCE_WHITE)
		set = NETSET_WHITE;
	else
		return 0;

	if (prefix_parse(&prefix, text_of(heap_str(heap, entry->row.name))))
		return 0;

	return add(items, set, &prefix.addr, prefix.len,
		   (struct net_source){ .kind = RECORD_LIST,
					.id = entry->row.id });
}


static int gather(struct items *items, const struct part *part)
{
	const struct view heap = part_view(part, SECTION_HEAP);
	struct view rows;
	int err = 0;

	rows = part_view(part, SECTION_ROWS + RECORD_MAPPING);
	for (size_t i = 0; i < rows.count && !err; i++)
		err = add_mapping(items, heap,
				  (const struct cat_mapping *)rows.p + i);

	rows = part_view(part, SECTION_ROWS + RECORD_ROUTING);
	for (size_t i = 0; i < rows.count && !err; i++)
		err = add_routing(items, heap,
				  (const struct cat_routing *)rows.p + i);

	rows = part_view(part, SECTION_ROWS + RECORD_LIST);
	for (size_t i = 0; i < rows.count && !err; i++)
		err = add_entry(items, heap,
				(const struct cat_list_entry *)rows.p + i);

	return err;
}


/* By set and network; in a network one port before any port, then by kind */
static int cmp_items(const void *a, const void *b)
{
	const struct item *x = a;
	const struct item *y = b;
	int cmp = (x->set > y->set) - (x->set < y->set);

	if (cmp == 0)
		cmp = net_key_cmp(&x->key, &y->key);
	if (cmp == 0)
		cmp = (x->source.port == 0) - (y->source.port == 0);
	if (cmp == 0)
		cmp = (x->source.kind > y->source.kind) -
		      (x->source.kind < y->source.kind);
	if (cmp == 0)
		cmp = (x->source.id > y->source.id) -
		      (x->source.id < y->source.id);
	if (cmp == 0)
		cmp = (x->source.port > y->source.port) -
		      (x->source.port < y->source.port);

	return cmp;
}


static bool same_net(const struct item *a, const struct item *b)
{
	return a->set == b->set && net_key_cmp(&a->key, &b->key) == 0;
}


/* A node per network; a source that is named twice there is one */
static void make_nodes(struct part *part, const struct items *items,
		       struct net_set *sets, struct net_node *nodes,
		       struct net_source *sources)
{
	size_t nodec = 0, sourcec = 0;

	for (size_t i = 0; i < items->count; i++) {
		const struct item *item = &items->p[i];

		if (i > 0 && same_net(item, item - 1)) {
			if (memcmp(&item->source, &item[-1].source,
				   sizeof(item->source)) == 0)
				continue;
		}
		else {
			if (sets[item->set].count++ == 0)
				sets[item->set].first = (uint32_t)nodec;
			nodes[nodec++] = (struct net_node){
				.hi = item->key.hi,
				.lo = item->key.lo,
				.len = item->key.len,
				.source = (uint32_t)sourcec,
			};
		}

		nodes[nodec - 1].sourcec++;
		sources[sourcec++] = item->source;
	}

	part_section_give(part, SECTION_NETS, nodes, nodec);
	part_section_give(part, SECTION_SOURCES, sources, sourcec);
}


int build_index_nets(struct part *part)
{
	struct items items = { .p = NULL };
	struct net_set *sets;
	struct net_node *nodes;
	struct net_source *sources;
	int err;

	err = gather(&items, part);
	if (!err)
		err = build_section(part, SECTION_NETSETS, NETSETC, &sets);
	if (!err)
		err = build_section(part, SECTION_NETS, items.count, &nodes);
	if (!err)
		err = build_section(part, SECTION_SOURCES, items.count,
				    &sources);
	if (err)
		goto out;

	if (items.count > 0)
		qsort(items.p, items.count, sizeof(*items.p), cmp_items);
	make_nodes(part, &items, sets, nodes, sources);
	for (size_t i = 0; i < NETSETC; i++) {
		if (sets[i].count > 0)
			net_link(nodes + sets[i].first, sets[i].count);
	}

out:
	free(items.p);

	return err;
}
