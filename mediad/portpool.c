/**
 * @file mediad/portpool.c  Pairs of ports, and what is known of each
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "mediad/portpool.h"
#include "shared/base/id.h"
#include "shared/base/util.h"

struct entry {
	int64_t given_us;
	uint32_t pair;
};

/* A ring, the one given back longest ago first */
struct portpool {
	struct entry *ring;
	uint32_t size;
	uint32_t head;
	uint32_t left;
};


int portpool_alloc(struct portpool **poolp, uint32_t pairc)
{
	struct portpool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return ENOMEM;

	pool->size = pairc ? pairc : 1;
	pool->ring = calloc(pool->size, sizeof(*pool->ring));
	if (!pool->ring) {
		free(pool);
		return ENOMEM;
	}
	*poolp = pool;

	return 0;
}


struct portpool *portpool_free(struct portpool *pool)
{
	if (pool)
		free(pool->ring);
	free(pool);

	return NULL;
}


static struct entry *at(const struct portpool *pool, uint32_t i)
{
	return &pool->ring[(pool->head + i) % pool->size];
}


static void swap(struct entry *a, struct entry *b)
{
	const struct entry t = *a;

	*a = *b;
	*b = t;
}


void portpool_add(struct portpool *pool, uint32_t pair, int64_t given_us)
{
	assert(pool->left < pool->size);

	*at(pool, pool->left++) = (struct entry){ given_us, pair };
}


static int by_time(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->given_us > y->given_us) - (x->given_us < y->given_us);
}


static uint32_t rested(const struct portpool *pool, int64_t now_us)
{
	uint32_t low = 0, high = pool->left;

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;

		if (now_us - at(pool, mid)->given_us >= PORTPOOL_REST_US)
			low = mid + 1;
		else
			high = mid;
	}

	return low;
}


void portpool_sort(struct portpool *pool, int64_t now_us)
{
	uint32_t n;

	assert(pool->head == 0);
	qsort(pool->ring, pool->left, sizeof(*pool->ring), by_time);
	n = rested(pool, now_us);
	for (uint32_t i = n; i > 1; i--)
		swap(at(pool, i - 1),
		     at(pool, (uint32_t)(id_random_u64() % i)));
}


static void take_head(struct portpool *pool)
{
	pool->head = (pool->head + 1) % pool->size;
	pool->left--;
}


int portpool_take(struct portpool *pool, uint32_t *pairp, int64_t now_us)
{
	const uint32_t n = rested(pool, now_us);
	const uint32_t older = n / 2 ? n / 2 : n;

	if (n == 0)
		return EADDRNOTAVAIL;

	swap(at(pool, 0), at(pool, (uint32_t)(id_random_u64() % older)));
	*pairp = at(pool, 0)->pair;
	take_head(pool);

	return 0;
}


int portpool_take_this(struct portpool *pool, uint32_t pair)
{
	for (uint32_t i = 0; i < pool->left; i++) {
		if (at(pool, i)->pair != pair)
			continue;
		for (; i > 0; i--) /* the order of the others stays */
			*at(pool, i) = *at(pool, i - 1);
		take_head(pool);
		return 0;
	}

	return ENOENT;
}


void portpool_give(struct portpool *pool, uint32_t pair, int64_t now_us)
{
	portpool_add(pool, pair, now_us);
}


uint32_t portpool_left(const struct portpool *pool)
{
	return pool->left;
}
