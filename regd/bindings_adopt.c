/**
 * @file regd/bindings_adopt.c  Bindings of a predecessor go on
 *
 * First every slot by itself, then who names whom, then the chains. A binding
 * whose texts are not whole is set aside; texts that no binding names are
 * given back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regd/bindings_int.h"
#include "shared/base/clk.h"
#include "shared/base/log.h"

struct adoption {
	struct bindings *b;
	uint8_t *kinds;    /* enum binding_kind of each used slot */
	uint8_t *is_named; /* Texts that a binding names */
};


static const char *device_fault(const struct binding_image *image)
{
	if (image->terminal_kind == TERMINAL_NONE ||
	    image->terminal_kind >= TERMINAL_KINDC || image->terminal == 0)
		return "terminal";
	if (image->transport < 1 || image->transport > 3)
		return "transport";
	if (image->contact_len == 0 ||
	    image->contact_len > BINDING_CONTACT_MAX ||
	    image->path_len > BINDING_PATH_MAX ||
	    image->agent_len > BINDING_AGENT_MAX)
		return "text";
	if (image->expires_boot_us <= 0)
		return "expiry";

	return NULL;
}


const char *bindings_fault(const void *p)
{
	const struct binding_image *image = p;
	const struct binding_more_image *more = p;

	switch (image->kind) {

	case BINDING_DEVICE:
		return device_fault(image);

	case BINDING_MORE:
		return more->len == 0 || more->len > BINDING_MORE_SIZE ? "text"
								       : NULL;

	default:
		return "kind";
	}
}


static bool on_slot(uint32_t slot, const void *p, void *arg)
{
	const struct binding_image *image = p;
	const struct adoption *a = arg;

	a->kinds[slot] = image->kind;

	return true;
}


/* All texts of a binding, each of them once and by nobody else. */
static bool name_texts(struct adoption *a, const struct binding_image *image)
{
	size_t left = (size_t)image->contact_len + image->path_len +
		      image->agent_len;
	uint64_t id = image->more;

	left = left > BINDING_TEXT_SIZE ? left - BINDING_TEXT_SIZE : 0;
	while (left > 0) {
		struct binding_more_image more;
		const uint32_t slot = (uint32_t)id;

		if (!slots_id_valid(a->b->slots, id) ||
		    a->kinds[slot] != BINDING_MORE || a->is_named[slot] ||
		    slot_read_id(a->b->segment, id, &more, sizeof(more)) ||
		    more.len > left)
			return false;
		a->is_named[slot] = 1;
		left -= more.len;
		id = more.next;
	}

	return true;
}


static void adopt_device(struct adoption *a, uint32_t slot)
{
	struct bindings *b = a->b;
	struct binding_image image;

	if (slot_read(b->segment, slot, &image, sizeof(image)) ||
	    !name_texts(a, &image)) {
		a->kinds[slot] = BINDING_NONE;
		slots_quarantine(b->slots, slot, "text");
		return;
	}
	b->adopted++;
}


struct aged {
	uint32_t since_s, slot;
};


static int by_age(const void *p, const void *q)
{
	const struct aged *a = p, *b = q;

	if (a->since_s != b->since_s)
		return a->since_s < b->since_s ? -1 : 1;

	return a->slot < b->slot ? -1 : a->slot > b->slot;
}


/* In the order of their age, which that of those behind NAT is. */
static int start_all(struct adoption *a)
{
	struct bindings *b = a->b;
	struct binding_image image;
	struct aged *list;
	uint32_t count = 0;

	if (b->adopted == 0)
		return 0;
	list = calloc(b->adopted, sizeof(*list));
	if (!list)
		return ENOMEM;

	for (uint32_t slot = 0; slot < b->slotc; slot++)
		if (a->kinds[slot] == BINDING_DEVICE && count < b->adopted &&
		    !slot_read(b->segment, slot, &image, sizeof(image)))
			list[count++] = (struct aged){ image.since_s, slot };
	qsort(list, count, sizeof(*list), by_age);
	for (uint32_t i = 0; i < count; i++)
		if (!slot_read(b->segment, list[i].slot, &image,
			       sizeof(image)))
			bindings_own_start(b, list[i].slot, &image);
	free(list);

	return 0;
}


static bool hash_of(uint64_t *hashp, enum binding_key key, uint32_t slot,
		    void *arg)
{
	const struct bindings *b = arg;
	struct binding_image image;

	if (b->own[slot].expires_s == 0 ||
	    slot_read(b->segment, slot, &image, sizeof(image)))
		return false;
	*hashp = binding_index_hash(&b->index, key, &image);

	return true;
}


static int adopt_all(struct adoption *a)
{
	struct bindings *b = a->b;
	int err;

	(void)slots_adopt(b->slots, on_slot, a);
	for (uint32_t slot = 0; slot < b->slotc; slot++)
		if (a->kinds[slot] == BINDING_DEVICE)
			adopt_device(a, slot);
	err = start_all(a);
	if (err)
		return err;
	for (uint32_t slot = 0; slot < b->slotc; slot++)
		if (a->kinds[slot] == BINDING_MORE && !a->is_named[slot])
			slots_give(b->slots, slot);

	return binding_index_repair(&b->index, hash_of, b);
}


int bindings_adopt(struct bindings *b)
{
	struct adoption a = { .b = b };
	int err = ENOMEM;

	a.kinds = calloc(b->slotc, 1);
	a.is_named = calloc(b->slotc, 1);
	if (a.kinds && a.is_named)
		err = adopt_all(&a);
	free(a.kinds);
	free(a.is_named);

	return err;
}


int bindings_alloc(struct bindings **bp, const struct bindings_args *args)
{
	struct bindings *b;
	int err;

	b = calloc(1, sizeof(*b));
	if (!b)
		return ENOMEM;

	b->segment = args->bindings;
	b->slotc = args->bindings->slotc;
	b->reader = (struct binding_reader){ .bindings = args->bindings,
					     .index = args->index };
	b->log = args->log;
	b->expiredh = args->expiredh;
	b->arg = args->arg;
	b->turned_s = INT32_MIN;
	b->own = calloc(b->slotc, sizeof(*b->own));
	err = b->own ? slots_alloc(&b->slots,
				   &(struct slots_args){
					   .segment = args->bindings,
					   .name = "bindings",
					   .image_size = BINDING_IMAGE_SIZE,
					   .slotc = b->slotc,
					   .predecessor_crashed =
						   args->predecessor_crashed,
					   .faulth = bindings_fault,
					   .log = args->log,
				   })
		     : ENOMEM;
	if (!err)
		err = binding_index_make(&b->index, args->index, b->slotc);
	if (!err)
		err = bindings_adopt(b);
	if (err) {
		bindings_free(b);
		return err;
	}
	*bp = b;

	return 0;
}


struct bindings *bindings_free(struct bindings *b)
{
	if (b) {
		slots_free(b->slots);
		free(b->own);
		free(b);
	}

	return NULL;
}
