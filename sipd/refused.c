/**
 * @file sipd/refused.c  Which INVITEs got a 503 that nothing remembers
 *
 * A table of small sets, found by some bits of a keyed hash and told apart by
 * all of them. Who fills a set has one forgotten early, no more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "sipd/peek.h"
#include "sipd/refused.h"

enum {
	WAYS = 5,
	SETS = 32768, /**< 160,000 in 2 MB: 20 s of 8,000 refusals a second */
	KEPT_S = 32,  /**< RFC 3261 17.1.1.2: Timer B, the last copy */
	LINES_MAX = 8 /**< Via stands at the top, or all bytes count */
};

struct set {
	uint64_t keys[WAYS];
	uint32_t until_s[WAYS]; /**< 0: free */
};

struct refused {
	struct set *sets;
	uint32_t until_s; /**< Of the last one */
};


static uint32_t seconds(int64_t now_us)
{
	return (uint32_t)(now_us / 1000000);
}


static struct set *set_of(const struct refused *r, uint64_t key)
{
	return &r->sets[key % SETS];
}


void refused_add(struct refused *r, uint64_t key, int64_t now_us)
{
	struct set *set = set_of(r, key);
	unsigned at = 0;

	for (unsigned i = 0; i < WAYS; i++) {
		if (set->keys[i] == key && set->until_s[i]) {
			at = i;
			break;
		}
		if (set->until_s[i] < set->until_s[at])
			at = i;
	}
	r->until_s = seconds(now_us) + KEPT_S;
	set->keys[at] = key;
	set->until_s[at] = r->until_s;
}


bool refused_has(const struct refused *r, uint64_t key, int64_t now_us)
{
	const struct set *set = set_of(r, key);

	for (unsigned i = 0; i < WAYS; i++)
		if (set->keys[i] == key && set->until_s[i] > seconds(now_us))
			return true;

	return false;
}


bool refused_any(const struct refused *r, int64_t now_us)
{
	return r->until_s > seconds(now_us);
}


/* The first Via line if it has a branch with the cookie, else all */
static struct text sameness(struct text message)
{
	static const char cookie[] = "z9hG4bK"; /* RFC 3261 8.1.1.7 */
	struct text rest = message, line, value;

	for (int i = 0; i < LINES_MAX && peek_line(&rest, &line); i++) {
		if (i == 0 || peek_head(line, &value) != HEAD_VIA)
			continue;
		return memmem(value.p, value.l, cookie, sizeof(cookie) - 1)
			       ? value
			       : message;
	}

	return message;
}


uint64_t refused_key(const struct addr *source, const char *data, size_t len)
{
	const struct text same = sameness((struct text){ data, len });
	uint64_t parts[3] = { map_hash(same.p, same.l) };

	memcpy(&parts[1], source->ip, sizeof(source->ip));

	return map_hash(parts, sizeof(parts));
}


int refused_alloc(struct refused **rp)
{
	struct refused *r = calloc(1, sizeof(*r));

	if (!r)
		return ENOMEM;
	/* Memory that no one writes to is none: a daemon that never was
	 * overloaded has no such table. */
	r->sets = calloc(SETS, sizeof(*r->sets));
	if (!r->sets) {
		free(r);
		return ENOMEM;
	}
	*rp = r;

	return 0;
}


struct refused *refused_free(struct refused *r)
{
	if (!r)
		return NULL;

	free(r->sets);
	free(r);

	return NULL;
}
