/**
 * @file shared/catalog/index_prefix.c  The longest of many prefixes
 *
 * Prefixes lie in order, each with a link to the longest other one that is a
 * prefix of it. The last one not behind a number shares more characters with
 * it than any other, and every prefix of the number is a prefix of that one
 * too: so one search and some steps along the links find the longest, then
 * the next shorter, and so on.
 *
 * The search begins in a bucket: all keys that start with the same few
 * characters. What one look costs is then the memory it touches, a bucket,
 * some neighbouring nodes and what the node leads to, and hardly depends on
 * how many there are.
 */
#include <endian.h>
#include <string.h>

#include "shared/catalog/image.h"

/* Below '0', the ten digits, above '9' */
enum {
	CLASSC = 12,
	CLASS_BELOW = 0,
	CLASS_ABOVE = 11
};

/* So many nodes fall into one bucket, were they spread evenly */
enum {
	BUCKET_FILL = 4
};

/* Of the first word: those behind what a bucket is made of */
enum {
	SHARED_BITS = 64 - 8 * PREFIX_CHARS_MAX
};


struct prefix_key prefix_key(struct text text)
{
	char chars[CAT_PREFIX_MAX] = { 0 };
	struct prefix_key key;

	if (text.l > 0)
		memcpy(chars, text.p,
		       text.l < sizeof(chars) ? text.l : sizeof(chars));

	memcpy(&key, chars, sizeof(key));
	for (size_t i = 0; i < COUNT_OF(key.w); i++)
		key.w[i] = be64toh(key.w[i]);

	return key;
}


int prefix_key_cmp(const struct prefix_key *a, const struct prefix_key *b)
{
	for (size_t i = 0; i < COUNT_OF(a->w); i++) {
		if (a->w[i] != b->w[i])
			return a->w[i] < b->w[i] ? -1 : 1;
	}

	return 0;
}


unsigned prefix_key_len(const struct prefix_key *key)
{
	for (size_t i = COUNT_OF(key->w); i-- > 0;) {
		if (key->w[i] != 0)
			return (unsigned)(8 * i + 8) -
			       (unsigned)__builtin_ctzll(key->w[i]) / 8;
	}

	return 0;
}


unsigned prefix_key_common(const struct prefix_key *a,
			   const struct prefix_key *b)
{
	for (size_t i = 0; i < COUNT_OF(a->w); i++) {
		const uint64_t differs = a->w[i] ^ b->w[i];

		if (differs != 0)
			return (unsigned)(8 * i) +
			       (unsigned)__builtin_clzll(differs) / 8;
	}

	return CAT_PREFIX_MAX;
}


/* The bucket of a key: its first characters as a number, in the order of the
 * keys. Characters that share a class have no order among themselves, so
 * nothing behind one of those counts. */
static uint32_t bucket_of(const struct prefix_key *key, unsigned chars)
{
	uint32_t bucket = 0;
	bool counts = true;

	for (unsigned i = 0; i < chars; i++) {
		const unsigned c = (key->w[0] >> (56 - 8 * i)) & 0xff;
		unsigned class = CLASS_BELOW;

		if (counts && c > '9')
			class = CLASS_ABOVE;
		else if (counts && c >= '0')
			class = c - '0' + 1;

		counts = counts && class != CLASS_BELOW &&
			 class != CLASS_ABOVE;
		bucket = bucket * CLASSC + class;
	}

	return bucket;
}


unsigned prefix_chars(size_t nodec)
{
	unsigned chars = 0;
	size_t wanted = CLASSC;

	while (chars < PREFIX_CHARS_MAX && wanted <= nodec * BUCKET_FILL) {
		wanted *= CLASSC;
		chars++;
	}

	return chars;
}


size_t prefix_buckets(unsigned chars)
{
	size_t bucketc = 1;

	if (chars == 0)
		return 0;

	while (chars-- > 0)
		bucketc *= CLASSC;

	return bucketc + 1;
}


void prefix_link(struct prefix_node *nodes, uint32_t nodec)
{
	for (uint32_t i = 0; i < nodec; i++) {
		uint32_t up = i > 0 ? i - 1 : (uint32_t)INDEX_NONE;

		while (up != (uint32_t)INDEX_NONE &&
		       prefix_key_common(&nodes[up].key, &nodes[i].key) <
			       prefix_key_len(&nodes[up].key))
			up = nodes[up].parent;

		nodes[i].parent = up;
	}
}


void prefix_fill(uint32_t *buckets, unsigned chars,
		 const struct prefix_node *nodes, uint32_t nodec)
{
	const size_t bucketc = prefix_buckets(chars);
	size_t next = 0;

	for (uint32_t i = 0; i < nodec && bucketc > 0; i++) {
		const uint64_t *w = nodes[i].key.w;
		uint32_t bucket;

		/* Most share their bucket with the one before. */
		if (i > 0 &&
		    (w[0] ^ nodes[i - 1].key.w[0]) >> SHARED_BITS == 0)
			continue;

		bucket = bucket_of(&nodes[i].key, chars);
		while (next <= bucket)
			buckets[next++] = i;
	}

	while (next < bucketc)
		buckets[next++] = nodec;
}


static const struct prefix_set *find_set(struct view sets, uint32_t owner)
{
	const struct prefix_set *p = sets.p;
	size_t from = 0, to = sets.count;

	while (from < to) {
		const size_t mid = from + (to - from) / 2;

		if (p[mid].owner == owner)
			return &p[mid];
		if (p[mid].owner < owner)
			from = mid + 1;
		else
			to = mid;
	}

	return NULL;
}


bool prefix_index_of(struct prefix_index *index, const struct part *part,
		     uint32_t owner)
{
	const struct view nodes = part_view(part, SECTION_NODES);
	const struct view buckets = part_view(part, SECTION_BUCKETS);
	const struct prefix_set *set;
	size_t bucketc;

	set = find_set(part_view(part, SECTION_SETS), owner);
	if (!set || set->first > nodes.count ||
	    set->count > nodes.count - set->first ||
	    set->chars > PREFIX_CHARS_MAX)
		return false;

	bucketc = prefix_buckets(set->chars);
	if (set->bucket > buckets.count ||
	    bucketc > buckets.count - set->bucket)
		return false;

	*index = (struct prefix_index){
		.nodes = set->count > 0 ? (const struct prefix_node *)nodes.p +
						  set->first
					: NULL,
		.buckets = bucketc ? (const uint32_t *)buckets.p + set->bucket
				   : NULL,
		.nodec = set->count,
		.chars = set->chars,
	};

	return true;
}


/* How many nodes are not behind the key */
static uint32_t count_to(const struct prefix_index *index,
			 const struct prefix_key *key)
{
	uint32_t from = 0, to = index->nodec;

	if (index->chars > 0) {
		const uint32_t *bucket = index->buckets +
					 bucket_of(key, index->chars);

		if (bucket[0] > bucket[1] || bucket[1] > index->nodec)
			return 0;
		from = bucket[0];
		to = bucket[1];
	}

	while (from < to) {
		const uint32_t mid = from + (to - from) / 2;

		if (prefix_key_cmp(&index->nodes[mid].key, key) <= 0)
			from = mid + 1;
		else
			to = mid;
	}

	return from;
}


uint32_t prefix_find(const struct prefix_index *index,
		     const struct prefix_key *key)
{
	const uint32_t count = count_to(index, key);
	uint32_t node;
	unsigned common;

	if (count == 0)
		return (uint32_t)INDEX_NONE;

	node = count - 1;
	common = prefix_key_common(&index->nodes[node].key, key);

	while (node != (uint32_t)INDEX_NONE &&
	       prefix_key_len(&index->nodes[node].key) > common)
		node = prefix_up(index, node);

	return node;
}


uint32_t prefix_up(const struct prefix_index *index, uint32_t node)
{
	const uint32_t up = index->nodes[node].parent;

	/* Lower each time: a damaged link ends the walk. */
	return up < node ? up : (uint32_t)INDEX_NONE;
}
