/**
 * @file shared/reg/binding_read.c  Bindings, as seen by other processes
 *
 * The chains say where to look, the slots what is true. Nothing read here
 * moves a pointer before it was checked.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "shared/reg/binding_index.h"

enum {
	TRIES = 8, /**< Of a look-up whose chain moved meanwhile */
	CACHE_LINE = 64,
};


/* The id of whoever is in the slot now. */
static uint64_t id_of(const struct segment *bindings, uint32_t slot)
{
	const struct slot_head *head = segment_slot(bindings, slot);

	return (uint64_t)atomic_load_explicit(&head->incarnation,
					      memory_order_acquire)
		       << 32 |
	       slot;
}


static bool is_image(const struct binding_image *image)
{
	return image->kind == BINDING_DEVICE &&
	       image->terminal_kind < TERMINAL_KINDC &&
	       image->contact_len <= BINDING_CONTACT_MAX &&
	       image->path_len <= BINDING_PATH_MAX &&
	       image->agent_len <= BINDING_AGENT_MAX;
}


/* Their texts, from the slot and those behind it. */
static int read_texts(const struct binding_reader *reader,
		      const struct binding_image *image,
		      struct binding *binding)
{
	const size_t total = (size_t)image->contact_len + image->path_len +
			     image->agent_len;
	size_t len = total < BINDING_TEXT_SIZE ? total : BINDING_TEXT_SIZE;
	uint64_t more = image->more;

	BUILD_ASSERT(sizeof(binding->buf) >= BINDING_TEXT_SIZE);
	memcpy(binding->buf, image->text, len);
	while (len < total) {
		struct binding_more_image rest;
		int err = slot_read_id(reader->bindings, more, &rest,
				       sizeof(rest));

		if (err)
			return err;
		if (rest.kind != BINDING_MORE || rest.len == 0 ||
		    rest.len > BINDING_MORE_SIZE || rest.len > total - len)
			return EBADMSG;
		memcpy(binding->buf + len, rest.text, rest.len);
		len += rest.len;
		more = rest.next;
	}
	binding->contact = (struct text){ binding->buf, image->contact_len };
	binding->path = (struct text){ binding->buf + image->contact_len,
				       image->path_len };
	binding->agent = (struct text){ binding->path.p + image->path_len,
					image->agent_len };

	return 0;
}


static void take_facts(struct binding *binding,
		       const struct binding_image *image)
{
	binding->terminal.kind = (enum terminal_kind)image->terminal_kind;
	binding->terminal.id = image->terminal;
	binding->transport = image->transport;
	binding->is_nat = (image->flags & BINDING_NAT) != 0;
	binding->listener = image->listener;
	binding->worker = image->worker;
	binding->connection = image->connection;
	binding->source = image->source;
	binding->call_id = image->call_id;
	binding->request = image->request;
	binding->cseq = image->cseq;
	binding->granted_s = image->granted_s;
	binding->expires_wall_us = image->expires_wall_us;
	binding->since_wall_us = image->since_s * INT64_C(1000000);
	binding->expires_boot_us = image->expires_boot_us;
}


/* Texts that are gone belong to an image that is old by now. */
static int read_binding(const struct binding_reader *reader, uint64_t id,
			struct binding_image *image, struct binding *binding)
{
	int err = EAGAIN;

	for (int i = 0; i < TRIES; i++) {
		err = slot_read_id(reader->bindings, id, image,
				   sizeof(*image));
		if (err)
			return err;
		if (!is_image(image))
			return ENOENT;
		err = read_texts(reader, image, binding);
		if (!err)
			break;
		err = EAGAIN;
	}
	binding->id = id;
	take_facts(binding, image);

	return err;
}


int binding_read(const struct binding_reader *reader, uint64_t id,
		 int64_t now_boot_us, struct binding *binding)
{
	struct binding_image image;
	const int err = read_binding(reader, id, &image, binding);

	if (err)
		return err;

	return image.expires_boot_us > now_boot_us ? 0 : ENOENT;
}


struct look_up {
	const struct binding_reader *reader;
	enum binding_key key;
	struct binding_image want;
	int64_t now_us;
	struct binding *list;
	size_t max, count;
};


static bool is_wanted(const struct look_up *look,
		      const struct binding_image *image)
{
	const struct binding_image *want = &look->want;

	if (image->expires_boot_us <= look->now_us)
		return false;
	if (look->key == BINDING_BY_TERMINAL)
		return image->terminal_kind == want->terminal_kind &&
		       image->terminal == want->terminal;

	return image->transport == want->transport &&
	       addr_equal(&image->source, &want->source);
}


static bool on_slot(uint32_t slot, void *arg)
{
	struct look_up *look = arg;
	const struct segment *bindings = look->reader->bindings;
	const uint64_t id = id_of(bindings, slot);
	struct binding_image image;
	struct binding *binding;

	/* Twice only after a change; the walk is done again then. */
	for (size_t i = 0; i < look->count; i++)
		if (look->list[i].id == id)
			return true;
	if (slot_read_id(bindings, id, &image, sizeof(image)) ||
	    !is_image(&image) || !is_wanted(look, &image))
		return true;
	binding = &look->list[look->count];
	if (!read_texts(look->reader, &image, binding)) {
		binding->id = id;
		take_facts(binding, &image);
		look->count++;
	}
	else if (!read_binding(look->reader, id, &image, binding) &&
		 is_wanted(look, &image)) {
		look->count++;
	}

	return look->count < look->max;
}


/* Slots are written in no order; in a second, their number decides. */
static bool is_older(const struct binding *a, const struct binding *b)
{
	if (a->since_wall_us != b->since_wall_us)
		return a->since_wall_us < b->since_wall_us;

	return a->id < b->id;
}


static void move_texts(struct binding *b)
{
	b->contact.p = b->buf;
	b->path.p = b->contact.p + b->contact.l;
	b->agent.p = b->path.p + b->path.l;
}


static void swap(struct binding *a, struct binding *b)
{
	const struct binding c = *a;

	*a = *b;
	*b = c;
	move_texts(a);
	move_texts(b);
}


static void sort(struct binding *list, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = i; j > 0 && is_older(&list[j], &list[j - 1]);
		     j--)
			swap(&list[j], &list[j - 1]);
}


/* Until the chain holds still: those of before are kept. */
static void walk(struct look_up *look, const struct binding_index *index)
{
	const size_t before = look->count;
	const uint64_t hash = binding_index_hash(index, look->key,
						 &look->want);
	bool is_still = false;

	for (int i = 0; i < TRIES && !is_still; i++) {
		look->count = before;
		is_still = binding_index_walk(index, look->key, hash, on_slot,
					      look);
	}
}


static size_t look_up(struct look_up *look)
{
	const uint32_t partc = look->key == BINDING_BY_SOURCE
				       ? BINDING_INDEX_PARTS
				       : 1;
	struct binding_index index;

	if (binding_index_view(&index, look->reader->index,
			       look->reader->bindings->slotc))
		return 0;
	for (uint32_t part = 0; part < partc && look->count < look->max;
	     part++) {
		if (look->key == BINDING_BY_SOURCE)
			look->want.terminal = part;
		walk(look, &index);
	}
	sort(look->list, look->count);

	return look->count;
}


size_t bindings_of(const struct binding_reader *reader,
		   struct terminal terminal, int64_t now_boot_us,
		   struct binding *list, size_t max)
{
	struct look_up look = {
		.reader = reader,
		.key = BINDING_BY_TERMINAL,
		.want = { .terminal_kind = (uint8_t)terminal.kind,
			  .terminal = terminal.id },
		.now_us = now_boot_us,
		.list = list,
		.max = max,
	};

	return look_up(&look);
}


void bindings_ahead(const struct binding_reader *reader,
		    const struct terminal terminals[], size_t count,
		    uint32_t slots[])
{
	const enum binding_key key = BINDING_BY_TERMINAL;
	uint64_t hashes[BINDINGS_AHEAD_MAX];
	struct binding_index index;
	uint32_t slot;

	assert(count <= BINDINGS_AHEAD_MAX);
	for (size_t i = 0; slots && i < count; i++)
		slots[i] = UINT32_MAX;
	if (binding_index_view(&index, reader->index, reader->bindings->slotc))
		return;
	for (size_t i = 0; i < count; i++) {
		const struct binding_image image = {
			.terminal_kind = (uint8_t)terminals[i].kind,
			.terminal = terminals[i].id,
		};

		hashes[i] = binding_index_hash(&index, key, &image);
		binding_index_ahead(&index, key, hashes[i]);
	}
	for (size_t i = 0; i < count; i++) {
		const uint8_t *at;

		if (!binding_index_first(&index, key, hashes[i], &slot))
			continue;
		if (slots)
			slots[i] = slot;
		at = segment_slot(reader->bindings, slot);
		for (size_t l = 0; l < BINDINGS_SLOT_SIZE; l += CACHE_LINE)
			__builtin_prefetch(at + l);
	}
}


size_t bindings_at(const struct binding_reader *reader,
		   const struct addr *source, unsigned transport,
		   int64_t now_boot_us, struct binding *list, size_t max)
{
	struct look_up look = {
		.reader = reader,
		.key = BINDING_BY_SOURCE,
		.want = { .transport = (uint8_t)transport, .source = *source },
		.now_us = now_boot_us,
		.list = list,
		.max = max,
	};

	return look_up(&look);
}
