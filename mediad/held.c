/**
 * @file mediad/held.c  Packets that were received and not sent yet
 *
 * The state is written last and read first: a kill at any instant leaves the
 * packet as it was before, or as it is after. Who reads believes no word of it.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "mediad/held.h"
#include "shared/shm/segment.h"

#define OLD_US ((int64_t)1000000) /* nobody waits for it any more */


int held_open(struct held *held, const struct segment *segment,
	      uint32_t worker)
{
	if (worker >= segment->slotc / HELD_PER_WORKER)
		return EINVAL;

	for (uint32_t i = 0; i < HELD_PER_WORKER; i++)
		held->slots[i] = segment_slot(segment,
					      worker * HELD_PER_WORKER + i);

	return 0;
}


static void become(struct media_held *slot, enum held_state state)
{
	atomic_store_explicit(&slot->state, (uint32_t)state,
			      memory_order_release);
}


void held_in(struct media_held *slot, uint16_t port, const struct addr *from,
	     size_t len, int64_t now_us)
{
	slot->len = (uint32_t)len;
	slot->at_us = now_us;
	slot->in = port;
	slot->from = *from;
	become(slot, HELD_IN);
}


void held_out(struct media_held *slot, uint16_t port, const struct addr *to)
{
	slot->out = port;
	slot->to = *to;
	become(slot, HELD_OUT);
}


bool held_is_in(const struct media_held *slot)
{
	return atomic_load_explicit(&slot->state, memory_order_relaxed) ==
	       HELD_IN;
}


void held_end(struct media_held *slot)
{
	become(slot, HELD_NOTHING);
}


static bool is_address(const struct addr *addr)
{
	return (addr->family == AF_INET || addr->family == AF_INET6) &&
	       addr->port != 0;
}


bool held_take(struct media_held *slot, struct media_held *copy,
	       int64_t now_us)
{
	const uint32_t state = atomic_load_explicit(&slot->state,
						    memory_order_acquire);

	if (state == HELD_NOTHING)
		return false;
	memcpy(copy, slot, sizeof(*copy));
	become(slot, HELD_NOTHING);
	atomic_store_explicit(&copy->state, state, memory_order_relaxed);
	if (copy->len == 0 || copy->len > HELD_DATA || copy->at_us > now_us ||
	    now_us - copy->at_us > OLD_US)
		return false;

	return state == HELD_IN ? is_address(&copy->from)
				: state == HELD_OUT && is_address(&copy->to);
}
