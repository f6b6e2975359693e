/**
 * @file shared/catalog/lookup.c  What a call asks the catalog
 *
 * No look-up allocates, and none costs more the more is configured, lists of
 * patterns that are longer than a key aside.
 */
#include <string.h>

#include "shared/catalog/image.h"
#include "shared/catalog/number.h"


/* --- addresses
 * ---------------------------------------------------------------- */

/* From any port, or from this one, or nobody asks for a port */
static bool port_fits(const struct net_source *source, const struct addr *addr)
{
	return source->port == 0 || addr->port == 0 ||
	       source->port == addr->port;
}


size_t catalog_sources(const struct catalog *c, const struct addr *addr,
		       struct catalog_source *sources, size_t max)
{
	const struct part *core = c->parts[CATALOG_CORE];
	const struct view v = part_view(core, SECTION_SOURCES);
	const struct net_source *all = v.p;
	const struct net_key key = net_key(addr,
					   addr->family == AF_INET ? 32 : 128);
	struct net_index index;
	size_t count = 0;

	if (!net_index_of(&index, core, NETSET_GATEWAYS, addr))
		return 0;

	for (uint32_t i = net_find(&index, &key); i != (uint32_t)INDEX_NONE;
	     i = net_up(&index, i)) {
		const struct net_node *node = &index.nodes[i];

		if (node->source > v.count ||
		    node->sourcec > v.count - node->source)
			continue;

		for (uint32_t k = 0; k < node->sourcec; k++) {
			const struct net_source *s = &all[node->source + k];

			if (!port_fits(s, addr))
				continue;
			if (count < max)
				sources[count] = (struct catalog_source){
					.kind = s->kind,
					.id = s->id,
					.port = (uint16_t)s->port,
					.len = (uint8_t)node->len,
				};
			count++;
		}
	}

	return count;
}


bool catalog_lists_source(const struct catalog *c, enum cat_list list,
			  const struct addr *addr)
{
	const struct net_key key = net_key(addr,
					   addr->family == AF_INET ? 32 : 128);
	struct net_index index;
	enum netset set;

	if (list == CAT_SOURCE_BLACK)
		set = NETSET_BLACK;
	else if (list == CAT_SOURCE_WHITE)
		set = NETSET_WHITE;
	else
		return false;

	return net_index_of(&index, c->parts[CATALOG_CORE], set, addr) &&
	       net_find(&index, &key) != (uint32_t)INDEX_NONE;
}


/* --- numbers
 * -------------------------------------------------------------------- */

/* Which gateways a walk has met */
struct seen {
	uint64_t words[ROUTING_MAX / 64];
};


static void seen_init(struct seen *seen, size_t rowc)
{
	memset(seen->words, 0, (rowc + 63) / 64 * sizeof(seen->words[0]));
}


static bool seen_add(struct seen *seen, uint32_t row)
{
	const uint64_t bit = UINT64_C(1) << (row % 64);
	const bool is_new = (seen->words[row / 64] & bit) == 0;

	seen->words[row / 64] |= bit;

	return is_new;
}


/* The gateways of a prefix: how many, and then their rows. NULL: none */
static const uint32_t *postings_of(const struct part *core,
				   const struct prefix_node *node,
				   uint32_t *countp)
{
	const struct view v = part_view(core, SECTION_POSTINGS);
	const uint32_t *all = v.p;

	if (node->value >= v.count)
		return NULL;

	*countp = all[node->value];

	return *countp < v.count - node->value ? all + node->value + 1 : NULL;
}


size_t catalog_candidates(const struct catalog *c, struct text number,
			  struct catalog_candidate *candidates, size_t max)
{
	const struct part *core = c->parts[CATALOG_CORE];
	const struct view rows = part_view(core,
					   SECTION_ROWS + RECORD_ROUTING);
	const struct cat_routing *gateways = rows.p;
	const struct prefix_key key = prefix_key(number);
	struct prefix_index index;
	struct seen seen;
	size_t count = 0;

	if (rows.count > ROUTING_MAX ||
	    !prefix_index_of(&index, core, PREFIX_ROUTING))
		return 0;

	seen_init(&seen, rows.count);
	for (uint32_t i = prefix_find(&index, &key); i != (uint32_t)INDEX_NONE;
	     i = prefix_up(&index, i)) {
		const struct prefix_node *node = &index.nodes[i];
		const uint32_t *postings;
		uint32_t postingc;

		postings = postings_of(core, node, &postingc);
		for (uint32_t k = 0; postings && k < postingc; k++) {
			/* A longer prefix of the same gateway was first. */
			if (postings[k] >= rows.count ||
			    !seen_add(&seen, postings[k]))
				continue;
			if (count < max)
				candidates[count] = (struct catalog_candidate){
					.gateway = &gateways[postings[k]],
					.length = prefix_key_len(&node->key),
				};
			count++;
		}
	}

	return count;
}


/* Patterns that are too long for the index */
static bool lists_odd(const struct part *core, enum cat_list list,
		      struct text number)
{
	const struct view odd = part_view(core, SECTION_ODD);
	const struct view rows = part_view(core, SECTION_ROWS + RECORD_LIST);
	const struct view heap = part_view(core, SECTION_HEAP);
	const struct cat_list_entry *entries = rows.p;

	for (size_t i = 0; i < odd.count; i++) {
		const uint32_t row = ((const uint32_t *)odd.p)[i];

		if (row < rows.count && entries[row].list == (int32_t)list &&
		    number_pattern_fits(
			    text_of(heap_str(heap, entries[row].row.name)),
			    number))
			return true;
	}

	return false;
}


bool catalog_lists_number(const struct catalog *c, enum cat_list list,
			  struct text number)
{
	const struct part *core = c->parts[CATALOG_CORE];
	const struct prefix_key key = prefix_key(number);
	struct prefix_index index;
	uint32_t owner;

	if (list == CAT_CALLER_BLACK)
		owner = PREFIX_CALLER_BLACK;
	else if (list == CAT_CALLEE_BLACK)
		owner = PREFIX_CALLEE_BLACK;
	else
		return false;

	if (prefix_index_of(&index, core, owner)) {
		for (uint32_t i = prefix_find(&index, &key);
		     i != (uint32_t)INDEX_NONE; i = prefix_up(&index, i)) {
			const struct prefix_node *node = &index.nodes[i];

			if (node->value & PREFIX_OPEN)
				return true;
			if ((node->value & PREFIX_EXACT) &&
			    prefix_key_len(&node->key) == number.l)
				return true;
		}
	}

	return lists_odd(core, list, number);
}


bool catalog_matches(const struct catalog *c, enum param param,
		     struct text number)
{
	const size_t textc = catalog_textc(c, param);

	for (size_t i = 0; i < textc; i++) {
		if (number_pattern_fits(text_of(catalog_text_at(c, param, i)),
					number))
			return true;
	}

	return false;
}


/* --- terminals
 * -------------------------------------------------------------------- */

const struct cat_phone *catalog_phone(const struct catalog *c,
				      struct text number)
{
	return catalog_by_name(c, RECORD_PHONE, number);
}


bool gateway_is_mapping_terminal(const struct cat_mapping *gw)
{
	return gw->auth_mode == AUTH_PASSWORD ||
	       gw->gw.type == GATEWAY_DYNAMIC;
}


bool gateway_is_routing_terminal(const struct cat_routing *gw)
{
	return gw->gw.type == GATEWAY_DYNAMIC;
}


static bool text_same(struct text a, struct text b)
{
	return a.l == b.l && memcmp(a.p, b.p, a.l) == 0;
}


/* What a slot of the hash of terminals leads to; NULL if no such row */
static const struct cat_gateway *terminal_at(const struct part *core,
					     uint32_t value,
					     enum record_kind *kindp)
{
	const uint32_t row = TERMINAL_ROW(value);
	struct view rows;

	*kindp = TERMINAL_KIND(value);
	rows = part_view(core, SECTION_ROWS + *kindp);
	if (row >= rows.count)
		return NULL;

	if (*kindp == RECORD_MAPPING)
		return &((const struct cat_mapping *)rows.p)[row].gw;

	return &((const struct cat_routing *)rows.p)[row].gw;
}


const struct cat_gateway *catalog_terminal(const struct catalog *c,
					   struct text username,
					   enum record_kind *kindp)
{
	const struct part *core = c->parts[CATALOG_CORE];
	const struct view heap = part_view(core, SECTION_HEAP);
	struct hash_walk walk;
	uint32_t value;

	if (username.l == 0)
		return NULL;

	walk = hash_walk(part_view(core, SECTION_TERMINALS),
			 hash_of_text(username));
	while ((value = hash_next(&walk)) != 0) {
		const struct cat_gateway *gw;
		enum record_kind kind;

		gw = terminal_at(core, value, &kind);
		if (!gw)
			continue;
		if (text_same(text_of(heap_str(heap, gw->username)),
			      username)) {
			*kindp = kind;
			return gw;
		}
	}

	return NULL;
}


/* --- rates
 * ------------------------------------------------------------------------ */

/* Of one prefix: rows from here on, latest valid_from first */
static const struct cat_rate *valid_rate(struct view rows, uint32_t first,
					 int64_t at)
{
	const struct cat_rate *rates = rows.p;

	for (size_t i = first; i < rows.count; i++) {
		const struct cat_rate *r = &rates[i];

		if (r->table != rates[first].table ||
		    memcmp(r->prefix, rates[first].prefix,
			   sizeof(r->prefix)) != 0)
			break;
		if (r->valid_from <= at && at < r->valid_to)
			return r;
	}

	return NULL;
}


const struct cat_rate *catalog_rate(const struct catalog *c, uint32_t table,
				    struct text number, int64_t at)
{
	const struct part *part = c->parts[CATALOG_RATES];
	const struct view rows = part_view(part, SECTION_ROWS + RECORD_RATE);
	const struct prefix_key key = prefix_key(number);
	struct prefix_index index;

	if (!prefix_index_of(&index, part, table))
		return NULL;

	for (uint32_t i = prefix_find(&index, &key); i != (uint32_t)INDEX_NONE;
	     i = prefix_up(&index, i)) {
		const struct cat_rate *rate;

		rate = valid_rate(rows, index.nodes[i].value, at);
		if (rate)
			return rate->locked ? NULL : rate;
	}

	return NULL;
}
