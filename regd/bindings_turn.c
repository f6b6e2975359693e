/**
 * @file regd/bindings_turn.c  When bindings end, and whose turn it is
 *
 * A wheel of seconds and a list of devices behind NAT, both of links of 32
 * bits beside the slots.
 */
#include <errno.h>

#include "regd/bindings_int.h"
#include "shared/base/clk.h"

enum {
	UDP = 1,
};

static const int64_t second_us = 1000000;


static uint32_t second_of(int64_t boot_us)
{
	return (uint32_t)(boot_us / second_us) + 1;
}


static uint32_t *bucket_of(struct bindings *b, uint32_t expires_s)
{
	return &b->buckets[expires_s % BINDINGS_BUCKETC];
}


static void wheel_add(struct bindings *b, uint32_t slot,
		      const struct binding_image *image)
{
	struct binding_own *own = bindings_own(b, slot);
	uint32_t *bucket;

	own->expires_s = second_of(image->expires_boot_us);
	bucket = bucket_of(b, own->expires_s);
	own->prev = 0;
	own->next = *bucket;
	if (own->next)
		bindings_own(b, own->next - 1)->prev = slot + 1;
	*bucket = slot + 1;
}


static void wheel_remove(struct bindings *b, uint32_t slot)
{
	struct binding_own *own = bindings_own(b, slot);

	if (own->next)
		bindings_own(b, own->next - 1)->prev = own->prev;
	if (own->prev)
		bindings_own(b, own->prev - 1)->next = own->next;
	else
		*bucket_of(b, own->expires_s) = own->next;
	own->next = 0;
	own->prev = 0;
	own->expires_s = 0;
}


/* --- behind NAT ----------------------------------------------------------- */

bool bindings_is_kept_open(const struct binding_image *image)
{
	return image->transport == UDP && (image->flags & BINDING_NAT) != 0;
}


static void nat_add(struct bindings *b, uint32_t slot)
{
	struct binding_own *own = bindings_own(b, slot);

	own->sent_s = 0;
	own->nat_next = 0;
	own->nat_prev = b->nat_last;
	if (b->nat_last)
		bindings_own(b, b->nat_last - 1)->nat_next = slot + 1;
	else
		b->nat_first = slot + 1;
	b->nat_last = slot + 1;
}


static void nat_remove(struct bindings *b, uint32_t slot)
{
	struct binding_own *own = bindings_own(b, slot);

	if (b->nat_at == slot + 1)
		b->nat_at = own->nat_next;
	if (own->nat_next)
		bindings_own(b, own->nat_next - 1)->nat_prev = own->nat_prev;
	else
		b->nat_last = own->nat_prev;
	if (own->nat_prev)
		bindings_own(b, own->nat_prev - 1)->nat_next = own->nat_next;
	else
		b->nat_first = own->nat_next;
	own->nat_next = 0;
	own->nat_prev = 0;
}


/* Who comes while a cycle goes on gets its datagram with the next one, as
 * those who come behind its end do. */
void bindings_nat_begin(struct bindings *b)
{
	b->nat_at = b->nat_first;
}


bool bindings_nat_next(struct bindings *b, struct binding_path *path)
{
	while (b->nat_at) {
		const uint32_t slot = b->nat_at - 1;
		struct binding_own *own = bindings_own(b, slot);
		struct binding_image image;

		b->nat_at = own->nat_next;
		if (slot_read(b->segment, slot, &image, sizeof(image)) ||
		    image.kind != BINDING_DEVICE ||
		    image.expires_boot_us <= clk_boot_us())
			continue;
		own->sent_s = (uint32_t)(clk_boot_us() / second_us);
		*path = (struct binding_path){ .listener = image.listener,
					       .source = image.source };
		return true;
	}

	return false;
}


uint32_t bindings_nat_ago_s(const struct bindings *b, uint64_t id)
{
	const uint32_t now_s = (uint32_t)(clk_boot_us() / second_us);
	const uint32_t slot = (uint32_t)id;

	if (slot >= b->slotc || b->own[slot].sent_s == 0)
		return UINT32_MAX;

	return now_s - b->own[slot].sent_s;
}


/* --- both ----------------------------------------------------------------- */

static bool is_nat(const struct binding_image *image)
{
	return (image->flags & BINDING_NAT) != 0;
}


void bindings_own_start(struct bindings *b, uint32_t slot,
			const struct binding_image *image)
{
	bindings_own(b, slot)->sent_s = 0;
	wheel_add(b, slot, image);
	if (bindings_is_kept_open(image))
		nat_add(b, slot);
	b->counts[is_nat(image)]++;
}


void bindings_own_change(struct bindings *b, uint32_t slot,
			 const struct binding_image *old,
			 const struct binding_image *image)
{
	const bool was_open = bindings_is_kept_open(old);
	const bool is_open = bindings_is_kept_open(image);

	wheel_remove(b, slot);
	wheel_add(b, slot, image);
	if (was_open && !is_open)
		nat_remove(b, slot);
	if (!was_open && is_open)
		nat_add(b, slot);
	b->counts[is_nat(old)]--;
	b->counts[is_nat(image)]++;
}


void bindings_own_stop(struct bindings *b, uint32_t slot,
		       const struct binding_image *old)
{
	wheel_remove(b, slot);
	if (bindings_is_kept_open(old))
		nat_remove(b, slot);
	b->counts[is_nat(old)]--;
}


/* Of a slot that somebody else has written to. */
static void own_drop(struct bindings *b, uint32_t slot)
{
	const struct binding_own *own = bindings_own(b, slot);
	const bool was_open = own->nat_next || own->nat_prev ||
			      b->nat_first == slot + 1;

	wheel_remove(b, slot);
	if (was_open)
		nat_remove(b, slot);
	b->counts[was_open]--;
}


/* --- its time is over ----------------------------------------------------- */

static void expire(struct bindings *b, uint32_t slot)
{
	const uint64_t id = slots_id(b->slots, slot);
	struct binding binding;

	/* As it was: a moment before its end. */
	const int err = binding_read(&b->reader, id, 0, &binding);

	if (bindings_remove(b, id)) {
		own_drop(b, slot);
		slots_quarantine(b->slots, slot, "expiry");
		return;
	}
	if (!err)
		b->expiredh(&binding, b->arg);
}


static void turn(struct bindings *b, uint32_t bucket, uint32_t now_s)
{
	uint32_t next;

	for (uint32_t at = b->buckets[bucket]; at; at = next) {
		const uint32_t slot = at - 1;
		const struct binding_own *own = bindings_own(b, slot);

		next = own->next;
		if (own->expires_s < now_s)
			expire(b, slot);
	}
}


void bindings_expire(struct bindings *b)
{
	const uint32_t now_s = second_of(clk_boot_us());

	/* Of a predecessor, or of a machine that slept: all buckets once. */
	if (now_s - b->turned_s > BINDINGS_BUCKETC)
		b->turned_s = (int64_t)now_s - BINDINGS_BUCKETC - 1;
	/* A second is over when the next one has begun. */
	while (b->turned_s + 1 < now_s) {
		b->turned_s++;
		turn(b,
		     (uint32_t)(b->turned_s + BINDINGS_BUCKETC) %
			     BINDINGS_BUCKETC,
		     now_s);
	}
}
