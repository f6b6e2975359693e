/**
 * @file shared/auth/authn_nonce_count.c  What nonces were used for
 *
 * Per nonce the highest nonce-count, for those that a right digest came with
 * (authentication 3.5). What is forgotten, for age or for room, cannot come
 * back: nonces that are not younger than it count as used, which costs their
 * owner one more challenge.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/auth/authn_int.h"
#include "shared/base/map.h"
#include "shared/base/util.h"

enum {
	TIME_DIGITS = 10, /* see nonce.c */
	/* Salt and time alone name a nonce that was found to be ours. */
	KEY_SIZE = 26,
	SWEEP = 2,
};

struct entry {
	struct map_link link;
	struct entry *next; /**< Used for the first time after this one */
	int64_t issued_s;
	uint32_t highest;
	char key[KEY_SIZE];
};

struct authn_nonces {
	struct map *map;
	struct entry *first, *last;
	size_t most;
	int64_t floor_s; /**< Of unknown ones these and older were used */
};


int authn_nonces_alloc(struct authn_nonces **np, size_t most)
{
	struct authn_nonces *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return ENOMEM;

	err = map_alloc(&n->map, 0);
	if (err) {
		free(n);
		return err;
	}
	n->most = most;
	n->floor_s = INT64_MIN;
	*np = n;

	return 0;
}


static void drop_first(struct authn_nonces *n)
{
	struct entry *e = n->first;

	n->first = e->next;
	if (!n->first)
		n->last = NULL;
	if (e->issued_s > n->floor_s)
		n->floor_s = e->issued_s;
	map_remove(n->map, &e->link);
	free(e);
}


struct authn_nonces *authn_nonces_free(struct authn_nonces *n)
{
	if (n) {
		while (n->first)
			drop_first(n);
		map_free(n->map);
		free(n);
	}

	return NULL;
}


size_t authn_nonce_count(const struct authn_nonces *n)
{
	return map_count(n->map);
}


static bool take_time(int64_t *issuedp, struct text nonce)
{
	uint8_t bytes[TIME_DIGITS / 2];
	int64_t issued = 0;
	size_t l;

	if (nonce.l < KEY_SIZE ||
	    text_unhex(bytes, sizeof(bytes), &l,
		       (struct text){ nonce.p, TIME_DIGITS }))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++)
		issued = issued << 8 | bytes[i];
	*issuedp = issued;

	return true;
}


static bool add(struct authn_nonces *n, struct text nonce, uint32_t highest,
		int64_t issued_s)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return false;

	memcpy(e->key, nonce.p, KEY_SIZE);
	e->highest = highest;
	e->issued_s = issued_s;
	if (map_add(n->map, &e->link, e->key, sizeof(e->key))) {
		free(e);
		return false;
	}
	*(n->last ? &n->last->next : &n->first) = e;
	n->last = e;

	return true;
}


bool authn_nonce_use(struct authn_nonces *n, struct text nonce, uint32_t nc,
		     int64_t wall_s, uint32_t expire_s)
{
	/* Without a count it is good for one request. */
	const uint32_t highest = nc ? nc : UINT32_MAX;
	struct map_link *link;
	int64_t issued_s;

	if (!take_time(&issued_s, nonce))
		return false;

	link = map_find(n->map, nonce.p, KEY_SIZE);
	if (link) {
		struct entry *e = CONTAINER_OF(link, struct entry, link);

		if (nc <= e->highest)
			return false;
		e->highest = highest;
		return true;
	}
	if (issued_s <= n->floor_s)
		return false;

	for (int i = 0; i < SWEEP && n->first &&
			(map_count(n->map) >= n->most ||
			 wall_s - n->first->issued_s > (int64_t)expire_s);
	     i++)
		drop_first(n);

	return add(n, nonce, highest, issued_s);
}
