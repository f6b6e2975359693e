/**
 * @file shared/base/map.c  Hash map with a keyed hash
 *
 * Chains in buckets. Growth is spread: while a larger table is being filled,
 * each insertion moves a few buckets of the old one, and look-ups try both.
 * When memory for the larger table is refused the map goes on, only slower.
 *
 * The secret of the process is drawn at the first use and never changes.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/id.h"
#include "shared/base/map.h"

enum {
	BUCKETS_MIN = 16,
	MOVES = 4, /**< Old buckets per insertion: done before the next growth */
};

struct table {
	struct map_link **buckets;
	size_t size; /**< Power of two; 0: none */
};

struct map {
	struct table now;
	struct table old; /**< Being emptied into now */
	size_t moved;     /**< Buckets of old that are done */
	size_t count;
};


static uint64_t rotl(uint64_t v, int by)
{
	return v << by | v >> (64 - by);
}


struct sip {
	uint64_t v0, v1, v2, v3;
};


/* Always: with its state in memory a hash takes twice the time. */
__attribute__((always_inline)) static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}


/* The last bytes of a text, fewer than eight. Of a longer one in one go, with
 * those before them, which are shifted out. */
static inline uint64_t tail_of(const uint8_t *p, size_t len, bool is_longer)
{
	uint64_t tail = 0;

	if (len == 0)
		return 0;
	if (is_longer) {
		memcpy(&tail, p + len - sizeof(tail), sizeof(tail));
		return tail >> (64 - 8 * len);
	}
	for (size_t i = 0; i < len; i++)
		tail |= (uint64_t)p[i] << (8 * i);

	return tail;
}


/* Inline: the numbers of rounds are constants. */
static inline uint64_t sip_hash(const uint8_t secret[16], const void *data,
				size_t len, int rounds, int last_rounds)
{
	const size_t whole = len;
	const uint8_t *p = data;
	uint64_t k0, k1, m, last;
	struct sip s;

	memcpy(&k0, secret, 8);
	memcpy(&k1, secret + 8, 8);
	s.v0 = k0 ^ 0x736f6d6570736575u;
	s.v1 = k1 ^ 0x646f72616e646f6du;
	s.v2 = k0 ^ 0x6c7967656e657261u;
	s.v3 = k1 ^ 0x7465646279746573u;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&m, p, sizeof(m));
		s.v3 ^= m;
		for (int i = 0; i < rounds; i++)
			sip_round(&s);
		s.v0 ^= m;
	}
	last = (uint64_t)whole << 56 | tail_of(p, len, whole > len);
	s.v3 ^= last;
	for (int i = 0; i < rounds; i++)
		sip_round(&s);
	s.v0 ^= last;

	s.v2 ^= 0xff;
	for (int i = 0; i < last_rounds; i++)
		sip_round(&s);

	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}


/* SipHash-2-4: Aumasson and Bernstein, 2012 */
uint64_t siphash(const uint8_t secret[16], const void *data, size_t len)
{
	return sip_hash(secret, data, len, 2, 4);
}


/* One round and three, as its authors allow for tables: nobody sees what
 * comes of it. */
uint64_t map_hash(const void *key, size_t keylen)
{
	static uint8_t secret[16];
	static bool drawn;

	if (!drawn) {
		id_random(secret, sizeof(secret));
		drawn = true;
	}

	return sip_hash(secret, key, keylen, 1, 3);
}


static int table_alloc(struct table *table, size_t size)
{
	struct map_link **buckets = calloc(size, sizeof(struct map_link *));

	if (!buckets)
		return ENOMEM;

	table->buckets = buckets;
	table->size = size;

	return 0;
}


static struct map_link **bucket_of(const struct table *table, uint64_t hash)
{
	return &table->buckets[hash & (table->size - 1)];
}


int map_alloc(struct map **mapp, size_t expected)
{
	size_t size = BUCKETS_MIN;
	struct map *map;
	int err;

	while (size < expected && size < SIZE_MAX / 2 / sizeof(void *))
		size *= 2;

	map = calloc(1, sizeof(*map));
	if (!map)
		return ENOMEM;

	err = table_alloc(&map->now, size);
	if (err)
		map_free(map);
	else
		*mapp = map;

	return err;
}


struct map *map_free(struct map *map)
{
	if (map) {
		free(map->now.buckets);
		free(map->old.buckets);
	}
	free(map);

	return NULL;
}


static void move_some(struct map *map)
{
	for (int i = 0; i < MOVES && map->old.size > 0; i++) {
		struct map_link *link = map->old.buckets[map->moved];

		while (link) {
			struct map_link *next = link->next;
			struct map_link **bucket = bucket_of(&map->now,
							     link->hash);

			link->next = *bucket;
			*bucket = link;
			link = next;
		}
		map->old.buckets[map->moved++] = NULL;

		if (map->moved == map->old.size) {
			free(map->old.buckets);
			map->old = (struct table){ NULL, 0 };
			map->moved = 0;
		}
	}
}


static void grow(struct map *map)
{
	struct table larger;

	/* Half empty: who is not there is found out without a look at one
	 * that is, which is not in any cache. */
	if (map->old.size > 0 || map->count < map->now.size / 2)
		return;
	if (table_alloc(&larger, map->now.size * 2) != 0)
		return; /* longer chains, nothing worse */

	map->old = map->now;
	map->now = larger;
	map->moved = 0;
}


static struct map_link *in_table(const struct table *table, uint64_t hash,
				 const void *key, size_t keylen)
{
	struct map_link *link = table->size ? *bucket_of(table, hash) : NULL;

	for (; link; link = link->next)
		if (link->hash == hash && link->keylen == keylen &&
		    (keylen == 0 || memcmp(link->key, key, keylen) == 0))
			return link;

	return NULL;
}


static struct map_link *find(const struct map *map, uint64_t hash,
			     const void *key, size_t keylen)
{
	struct map_link *link = in_table(&map->now, hash, key, keylen);

	return link ? link : in_table(&map->old, hash, key, keylen);
}


int map_add(struct map *map, struct map_link *link, const void *key,
	    size_t keylen)
{
	return map_add_hashed(map, link, map_hash(key, keylen), key, keylen);
}


int map_add_hashed(struct map *map, struct map_link *link, uint64_t hash,
		   const void *key, size_t keylen)
{
	struct map_link **bucket;

	if (find(map, hash, key, keylen))
		return EEXIST;

	grow(map);
	move_some(map);

	bucket = bucket_of(&map->now, hash);
	link->hash = hash;
	link->key = key;
	link->keylen = keylen;
	link->next = *bucket;
	*bucket = link;
	map->count++;

	return 0;
}


struct map_link *map_find(const struct map *map, const void *key,
			  size_t keylen)
{
	return find(map, map_hash(key, keylen), key, keylen);
}


void map_ahead(const struct map *map, uint64_t hash)
{
	__builtin_prefetch(bucket_of(&map->now, hash));
}


struct map_link *map_find_hashed(const struct map *map, uint64_t hash,
				 const void *key, size_t keylen)
{
	return find(map, hash, key, keylen);
}


static bool unlink_from(struct table *table, struct map_link *link)
{
	struct map_link **at = table->size ? bucket_of(table, link->hash)
					   : NULL;

	for (; at && *at; at = &(*at)->next) {
		if (*at == link) {
			*at = link->next;
			link->next = NULL;
			return true;
		}
	}

	return false;
}


void map_remove(struct map *map, struct map_link *link)
{
	const bool found = unlink_from(&map->now, link) ||
			   unlink_from(&map->old, link);

	assert(found); /* removed twice, or never added: our own bug */
	map->count -= found;
}


size_t map_count(const struct map *map)
{
	return map->count;
}


static int table_walk(const struct table *table, map_h *h, void *arg)
{
	for (size_t i = 0; i < table->size; i++) {
		struct map_link *link = table->buckets[i];

		while (link) {
			struct map_link *next = link->next;
			const int result = h(link, arg);

			if (result)
				return result;
			link = next;
		}
	}

	return 0;
}


int map_walk(struct map *map, map_h *h, void *arg)
{
	const int result = table_walk(&map->old, h, arg);

	return result ? result : table_walk(&map->now, h, arg);
}
