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

#include "shared/auth/authn_int.h"
#include "shared/base/map.h"
#include "shared/base/recent.h"

enum {
	TIME_DIGITS = 8, /* see nonce.c */
	/* Time, boot and salt name a nonce that was found to be ours. */
	KEY_SIZE = 26,
	SWEEP = 2,
};

/** value: the highest count */
struct entry {
	struct recent_row row;
	int64_t issued_s;
};

struct authn_nonces {
	struct recent *recent; /**< In order of first use */
	size_t most;
	int64_t floor_s; /**< Of unknown ones these and older were used */
};


int authn_nonces_alloc(struct authn_nonces **np, size_t most)
{
	struct authn_nonces *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return ENOMEM;

	err = recent_alloc(&n->recent, sizeof(struct entry), (uint32_t)most);
	if (err) {
		free(n);
		return err;
	}
	n->most = most;
	n->floor_s = INT64_MIN;
	*np = n;

	return 0;
}


struct authn_nonces *authn_nonces_free(struct authn_nonces *n)
{
	if (n)
		recent_free(n->recent);
	free(n);

	return NULL;
}


size_t authn_nonce_count(const struct authn_nonces *n)
{
	return recent_count(n->recent);
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


/* Until there is room, and a little more: faster than they come */
static void let_go(struct authn_nonces *n, int64_t boot_s, uint32_t expire_s)
{
	for (int i = 0; i < SWEEP; i++) {
		const struct entry *e = recent_oldest(n->recent);

		if (!e || (recent_count(n->recent) < n->most &&
			   boot_s - e->issued_s <= (int64_t)expire_s))
			return;
		if (e->issued_s > n->floor_s)
			n->floor_s = e->issued_s;
		recent_drop(n->recent);
	}
}


void authn_nonce_ahead(const struct authn_nonces *n, struct text nonce)
{
	if (nonce.l >= KEY_SIZE)
		recent_ahead(n->recent, map_hash(nonce.p, KEY_SIZE));
}


bool authn_nonce_use(struct authn_nonces *n, struct text nonce, uint32_t nc,
		     int64_t boot_s, uint32_t expire_s)
{
	/* Without a count it is good for one request. */
	const uint32_t highest = nc ? nc : UINT32_MAX;
	struct entry *e;
	int64_t issued_s;
	uint64_t hash;

	if (!take_time(&issued_s, nonce))
		return false;

	hash = map_hash(nonce.p, KEY_SIZE);
	e = recent_find(n->recent, hash, NULL);
	if (e) {
		if (nc <= e->row.value)
			return false;
		e->row.value = highest;
		return true;
	}
	if (issued_s <= n->floor_s)
		return false;

	let_go(n, boot_s, expire_s);
	e = recent_add(n->recent, hash);
	if (!e)
		return false;
	e->row.value = highest;
	e->issued_s = issued_s;

	return true;
}
