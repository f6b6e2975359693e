/**
 * @file regd/bindings.c  The bindings, and whose turn it is
 *
 * A change is: the further texts, which nobody knows yet; the binding itself,
 * by one store; then the chains, and what is private. Killed behind any of
 * them, the binding is as it was or as it should be, and adoption mends the
 * rest: texts that nobody names are given back, chains are made right.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regd/bindings_int.h"
#include "shared/base/clk.h"


struct binding_own *bindings_own(const struct bindings *b, uint32_t slot)
{
	return &b->own[slot];
}


/* --- texts ---------------------------------------------------------------- */

void bindings_give_texts(struct bindings *b, uint64_t more)
{
	struct binding_more_image image;

	while (more && slots_id_valid(b->slots, more) &&
	       !slot_read_id(b->segment, more, &image, sizeof(image))) {
		slots_give(b->slots, (uint32_t)more);
		more = image.kind == BINDING_MORE ? image.next : 0;
	}
}


/* Of the last part first: each names the one behind it. */
static int put_more(struct bindings *b, uint64_t *idp, const char *text,
		    size_t len)
{
	uint64_t next = 0;

	while (len > 0) {
		const size_t part = (len - 1) % BINDING_MORE_SIZE + 1;
		struct binding_more_image image;
		uint32_t slot;
		const int err = slots_take(b->slots, &slot);

		if (err) {
			bindings_give_texts(b, next);
			return err;
		}
		memset(&image, 0, sizeof(image));
		image.kind = BINDING_MORE;
		image.len = (uint8_t)part;
		image.next = next;
		memcpy(image.text, text + len - part, part);
		slots_publish(b->slots, slot, &image);
		next = slots_id(b->slots, slot);
		len -= part;
	}
	*idp = next;

	return 0;
}


/* The agent is for people: it gets what room there is. */
static size_t agent_len(const struct binding_facts *facts)
{
	const size_t len = facts->contact.l + facts->path.l;
	size_t room = BINDING_TEXT_SIZE - len;

	if (len > BINDING_TEXT_SIZE)
		room = BINDING_MORE_SIZE -
		       (len - BINDING_TEXT_SIZE - 1) % BINDING_MORE_SIZE - 1;
	if (room > BINDING_AGENT_MAX)
		room = BINDING_AGENT_MAX;

	return facts->agent.l < room ? facts->agent.l : room;
}


static size_t append(char *buf, size_t at, struct text t)
{
	if (t.l > 0)
		memcpy(buf + at, t.p, t.l);

	return at + t.l;
}


static int put_texts(struct bindings *b, struct binding_image *image,
		     const struct binding_facts *facts)
{
	char buf[BINDING_CONTACT_MAX + BINDING_PATH_MAX + BINDING_AGENT_MAX];
	struct text agent = facts->agent;
	size_t len;

	if (facts->contact.l == 0 || facts->contact.l > BINDING_CONTACT_MAX ||
	    facts->path.l > BINDING_PATH_MAX)
		return EMSGSIZE;

	agent.l = agent_len(facts);
	image->contact_len = (uint16_t)facts->contact.l;
	image->path_len = (uint16_t)facts->path.l;
	image->agent_len = (uint8_t)agent.l;
	len = append(buf,
		     append(buf, append(buf, 0, facts->contact), facts->path),
		     agent);
	if (len <= BINDING_TEXT_SIZE) {
		memcpy(image->text, buf, len);
		return 0;
	}
	memcpy(image->text, buf, BINDING_TEXT_SIZE);

	return put_more(b, &image->more, buf + BINDING_TEXT_SIZE,
			len - BINDING_TEXT_SIZE);
}


/* --- one binding ---------------------------------------------------------- */

static void take_facts(struct binding_image *image,
		       const struct binding_facts *facts)
{
	const int64_t granted_us = facts->granted_s * INT64_C(1000000);

	memset(image, 0, sizeof(*image));
	image->kind = BINDING_DEVICE;
	image->terminal_kind = (uint8_t)facts->terminal.kind;
	image->terminal = facts->terminal.id;
	image->transport = (uint8_t)facts->transport;
	image->flags = facts->is_nat ? BINDING_NAT : 0;
	image->listener = facts->listener;
	image->worker = facts->worker;
	image->cseq = facts->cseq;
	image->granted_s = facts->granted_s;
	image->call_id = facts->call_id;
	image->request = facts->request;
	image->connection = facts->connection;
	image->source = facts->source;
	image->expires_wall_us = clk_wall_us() + granted_us;
	image->expires_boot_us = clk_boot_us() + granted_us;
}


static void chain_add(struct bindings *b, uint32_t slot, enum binding_key key,
		      const struct binding_image *image)
{
	binding_index_add(&b->index, key,
			  binding_index_hash(&b->index, key, image), slot);
}


static void chain_remove(struct bindings *b, uint32_t slot,
			 enum binding_key key,
			 const struct binding_image *image)
{
	binding_index_remove(&b->index, key,
			     binding_index_hash(&b->index, key, image), slot);
}


int bindings_add(struct bindings *b, const struct binding_facts *facts)
{
	struct binding_image image;
	uint32_t slot;
	int err;

	take_facts(&image, facts);
	image.since_s = (uint32_t)(clk_wall_us() / 1000000);
	err = put_texts(b, &image, facts);
	if (err)
		return err;
	err = slots_take(b->slots, &slot);
	if (err) {
		bindings_give_texts(b, image.more);
		return err;
	}

	slots_publish(b->slots, slot, &image);
	chain_add(b, slot, BINDING_BY_TERMINAL, &image);
	chain_add(b, slot, BINDING_BY_SOURCE, &image);
	bindings_own_start(b, slot, &image);

	return 0;
}


/* A binding of now; what lies there is ours, but may be somebody's mistake. */
static int read_image(const struct bindings *b, uint64_t id,
		      struct binding_image *image)
{
	if (!slots_id_valid(b->slots, id) ||
	    slot_read_id(b->segment, id, image, sizeof(*image)) ||
	    image->kind != BINDING_DEVICE)
		return ENOENT;

	return 0;
}


int bindings_refresh(struct bindings *b, uint64_t id,
		     const struct binding_facts *facts)
{
	const uint32_t slot = (uint32_t)id;
	struct binding_image old, image;
	bool is_moved;
	int err = read_image(b, id, &old);

	if (err)
		return err;
	take_facts(&image, facts);
	image.since_s = old.since_s;
	err = put_texts(b, &image, facts);
	if (err)
		return err;

	is_moved = image.transport != old.transport ||
		   !addr_equal(&image.source, &old.source);
	slots_publish(b->slots, slot, &image);
	if (is_moved) {
		chain_remove(b, slot, BINDING_BY_SOURCE, &old);
		chain_add(b, slot, BINDING_BY_SOURCE, &image);
	}
	bindings_own_change(b, slot, &old, &image);
	bindings_give_texts(b, old.more);

	return 0;
}


int bindings_remove(struct bindings *b, uint64_t id)
{
	const uint32_t slot = (uint32_t)id;
	struct binding_image old;
	const int err = read_image(b, id, &old);

	if (err)
		return err;
	slots_give(b->slots, slot);
	chain_remove(b, slot, BINDING_BY_TERMINAL, &old);
	chain_remove(b, slot, BINDING_BY_SOURCE, &old);
	bindings_own_stop(b, slot, &old);
	bindings_give_texts(b, old.more);

	return 0;
}


/* --- questions ------------------------------------------------------------ */

size_t bindings_list(const struct bindings *b, struct terminal terminal,
		     struct binding *list, size_t max)
{
	return bindings_of(&b->reader, terminal, clk_boot_us(), list, max);
}


/* Beside the slot, and the neighbours in its second, which it will leave. */
void bindings_look_ahead(const struct bindings *b,
			 const struct terminal terminals[], size_t count)
{
	uint32_t slots[BINDINGS_AHEAD_MAX];

	bindings_ahead(&b->reader, terminals, count, slots);
	for (size_t i = 0; i < count; i++)
		if (slots[i] < b->slotc)
			__builtin_prefetch(&b->own[slots[i]], 1);
	for (size_t i = 0; i < count; i++) {
		const struct binding_own *own;

		if (slots[i] >= b->slotc)
			continue;
		own = &b->own[slots[i]];
		if (own->next)
			__builtin_prefetch(&b->own[own->next - 1], 1);
		if (own->prev)
			__builtin_prefetch(&b->own[own->prev - 1], 1);
	}
}


int bindings_read(const struct bindings *b, uint64_t id,
		  struct binding *binding)
{
	return binding_read(&b->reader, id, clk_boot_us(), binding);
}


uint32_t bindings_walk(const struct bindings *b, uint32_t from,
		       bindings_walk_h *h, void *arg)
{
	for (uint32_t slot = from; slot < b->slotc; slot++) {
		struct binding binding;

		if (b->own[slot].expires_s == 0 ||
		    bindings_read(b, slots_id(b->slots, slot), &binding))
			continue;
		if (!h(&binding, arg))
			return slot + 1 < b->slotc ? slot + 1 : 0;
	}

	return 0;
}


uint32_t bindings_count(const struct bindings *b, bool is_nat)
{
	return b->counts[is_nat];
}


uint32_t bindings_adopted(const struct bindings *b)
{
	return b->adopted;
}


uint32_t bindings_quarantined(const struct bindings *b)
{
	return slots_quarantined(b->slots);
}
