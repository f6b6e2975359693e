/**
 * @file sipd/txn_dest.c  Transactions by the place they wait for
 *
 * An ICMP error or a lost connection names a place, not a message. Those that
 * wait for it are in a list of their own, so that nobody else is looked at;
 * each leaves the list when it fails, so a place that fails again and again
 * costs nothing.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/txn_int.h"


static void key_of(uint8_t key[sizeof(struct addr) + 1],
		   const struct flow *flow)
{
	memcpy(key, &flow->remote, sizeof(flow->remote));
	key[sizeof(flow->remote)] = flow->transport;
}


static struct txn_dest *dest_find(const struct txns *x,
				  const struct flow *flow)
{
	uint8_t key[sizeof(struct addr) + 1];
	struct map_link *link;

	key_of(key, flow);
	link = map_find(x->dests, key, sizeof(key));

	return link ? CONTAINER_OF(link, struct txn_dest, link) : NULL;
}


static struct txn_dest *dest_alloc(struct txns *x, const struct flow *flow)
{
	struct txn_dest *dest = x->idle_dests;

	if (dest)
		x->idle_dests = dest->idle;
	else
		dest = malloc(sizeof(*dest));
	if (!dest)
		return NULL;

	memset(dest, 0, sizeof(*dest));
	key_of(dest->key, flow);
	if (map_add(x->dests, &dest->link, dest->key, sizeof(dest->key))) {
		free(dest);
		return NULL;
	}

	return dest;
}


int txn_dest_join(struct txn *t)
{
	struct txn_dest *dest;

	if (t->dest)
		return 0;
	dest = dest_find(t->txns, &t->flow);
	if (!dest)
		dest = dest_alloc(t->txns, &t->flow);
	if (!dest)
		return ENOMEM;

	t->dest = dest;
	t->dest_prev = NULL;
	t->dest_next = dest->first;
	if (dest->first)
		dest->first->dest_prev = t;
	dest->first = t;

	return 0;
}


void txn_dest_leave(struct txn *t)
{
	struct txn_dest *dest = t->dest;

	if (!dest)
		return;

	if (t->dest_prev)
		t->dest_prev->dest_next = t->dest_next;
	else
		dest->first = t->dest_next;
	if (t->dest_next)
		t->dest_next->dest_prev = t->dest_prev;
	t->dest = NULL;
	t->dest_next = NULL;
	t->dest_prev = NULL;
	if (dest->first)
		return;

	map_remove(t->txns->dests, &dest->link);
	dest->idle = t->txns->idle_dests;
	t->txns->idle_dests = dest;
}


void txn_fail(struct txns *txns, const struct flow *to, int err)
{
	const struct txn_dest *dest = dest_find(txns, to);
	struct txn *next;

	/* They leave now and are told in the next turn: the next failure of
	 * this place finds none of them. */
	for (struct txn *t = dest ? dest->first : NULL; t; t = next) {
		next = t->dest_next;
		txn_dest_leave(t);
		t->fail_err = err ? err : EHOSTUNREACH;
		txn_arm(t);
	}
}


void txn_dests_done(struct txns *x)
{
	while (x->idle_dests) {
		struct txn_dest *dest = x->idle_dests;

		x->idle_dests = dest->idle;
		free(dest);
	}
}
