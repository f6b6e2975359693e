/**
 * @file shared/base/map.h  Hash map with a keyed hash
 *
 * Keys are bytes that strangers may choose, so the hash is SipHash with a
 * secret of the process. Links are embedded in what is stored; the map
 * allocates only its buckets, and grows a few buckets per insertion, so no
 * insertion is slow.
 */
#ifndef TANDEM_BASE_MAP_H
#define TANDEM_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map;

/** Embedded in an object; key must stay where it is while it is in the map */
struct map_link {
	struct map_link *next;
	uint64_t hash;
	const void *key;
	size_t keylen;
};

int map_alloc(struct map **mapp, size_t expected);

/** What is in it is the owner's */
struct map *map_free(struct map *map);

/** @return 0 if success, EEXIST if the key is there, otherwise errorcode */
int map_add(struct map *map, struct map_link *link, const void *key,
	    size_t keylen);

/** NULL if there is none */
struct map_link *map_find(const struct map *map, const void *key,
			  size_t keylen);

void map_remove(struct map *map, struct map_link *link);

size_t map_count(const struct map *map);

/** Call h for each; h may remove the link it is given, no other.
 *  A value other than 0 ends the walk and is returned. */
typedef int(map_h)(struct map_link *link, void *arg);
int map_walk(struct map *map, map_h *h, void *arg);

/** SipHash-1-3 with the process's secret */
uint64_t map_hash(const void *key, size_t keylen);

/** It is looked for soon: have its bucket brought into the cache */
void map_ahead(const struct map *map, uint64_t hash);

/** The same for who has the hash of that key already */
struct map_link *map_find_hashed(const struct map *map, uint64_t hash,
				 const void *key, size_t keylen);
int map_add_hashed(struct map *map, struct map_link *link, uint64_t hash,
		   const void *key, size_t keylen);

/** For tests and for hashes in shared memory that others must agree on */
uint64_t siphash(const uint8_t secret[16], const void *data, size_t len);

#endif
