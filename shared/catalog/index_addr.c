/**
 * @file shared/catalog/index_addr.c  The networks an address lies in
 *
 * Networks lie in order of their first address, a larger one before those
 * within it, each with a link to the smallest other one around it. The last
 * network that begins at or before an address either holds it, or one of
 * those around that network does. IPv4 and IPv6 have sets of their own: ::/0
 * is not around 192.0.2.1.
 */
#include <endian.h>
#include <string.h>

#include "shared/catalog/image.h"

enum {
	HALF_BITS = 64
};


/* The first bits of 64 */
static uint64_t mask(uint32_t bits)
{
	if (bits == 0)
		return 0;

	return bits >= HALF_BITS ? UINT64_MAX : ~(UINT64_MAX >> bits);
}


struct net_key net_key(const struct addr *addr, uint32_t len)
{
	struct net_key key = { .len = len };

	memcpy(&key.hi, addr->ip, sizeof(key.hi));
	memcpy(&key.lo, addr->ip + sizeof(key.hi), sizeof(key.lo));
	key.hi = be64toh(key.hi) & mask(len);
	key.lo = be64toh(key.lo) & mask(len > HALF_BITS ? len - HALF_BITS : 0);

	return key;
}


int net_key_cmp(const struct net_key *a, const struct net_key *b)
{
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;

	return (a->len > b->len) - (a->len < b->len);
}


bool net_has(const struct net_node *node, const struct net_key *key)
{
	const uint32_t len = node->len;

	return len <= key->len && ((node->hi ^ key->hi) & mask(len)) == 0 &&
	       (len <= HALF_BITS ||
		((node->lo ^ key->lo) & mask(len - HALF_BITS)) == 0);
}


void net_link(struct net_node *nodes, uint32_t nodec)
{
	for (uint32_t i = 0; i < nodec; i++) {
		const struct net_key key = { .hi = nodes[i].hi,
					     .lo = nodes[i].lo,
					     .len = nodes[i].len };
		uint32_t up = i > 0 ? i - 1 : (uint32_t)INDEX_NONE;

		while (up != (uint32_t)INDEX_NONE &&
		       !net_has(&nodes[up], &key))
			up = nodes[up].parent;

		nodes[i].parent = up;
	}
}


bool net_index_of(struct net_index *index, const struct part *part,
		  enum netset set, const struct addr *addr)
{
	const struct view sets = part_view(part, SECTION_NETSETS);
	const struct view nodes = part_view(part, SECTION_NETS);
	const struct net_set *s;

	if (addr->family != AF_INET && addr->family != AF_INET6)
		return false;
	if (sets.count != NETSETC)
		return false;

	s = (const struct net_set *)sets.p + set +
	    (addr->family == AF_INET6 ? 1 : 0);
	if (s->first > nodes.count || s->count > nodes.count - s->first)
		return false;

	*index = (struct net_index){
		.nodes = s->count > 0
				 ? (const struct net_node *)nodes.p + s->first
				 : NULL,
		.nodec = s->count,
	};

	return true;
}


/* Is it not behind the address? At one address a network that ends there
 * too, so its length does not matter. */
static bool begins_by(const struct net_node *node, const struct net_key *key)
{
	return node->hi < key->hi ||
	       (node->hi == key->hi && node->lo <= key->lo);
}


uint32_t net_find(const struct net_index *index, const struct net_key *key)
{
	uint32_t from = 0, left = index->nodec;
	uint32_t node;

	/* The answer stays within [from, from + left]. Written so that it
	 * compiles to a conditional move: the addresses of strangers come in
	 * no order that a branch predictor could learn. */
	while (left > 0) {
		const uint32_t half = (left + 1) / 2;

		from = begins_by(&index->nodes[from + half - 1], key)
			       ? from + half
			       : from;
		left -= half;
	}

	if (from == 0)
		return (uint32_t)INDEX_NONE;

	node = from - 1;
	while (node != (uint32_t)INDEX_NONE &&
	       !net_has(&index->nodes[node], key))
		node = net_up(index, node);

	return node;
}


uint32_t net_up(const struct net_index *index, uint32_t node)
{
	const uint32_t up = index->nodes[node].parent;

	/* Lower each time: a damaged link ends the walk. */
	return up < node ? up : (uint32_t)INDEX_NONE;
}
