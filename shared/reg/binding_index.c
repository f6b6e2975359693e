/**
 * @file shared/reg/binding_index.c  Chains through all bindings
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/crc32c.h"
#include "shared/base/id.h"
#include "shared/base/map.h"
#include "shared/reg/binding_index.h"

enum {
	WORD = sizeof(uint32_t),
	SLOT_BITS = 24,
	SLOT_MASK = (1 << SLOT_BITS) - 1,
	STRANGERS_MAX = 64, /* A predecessor leaves one, at most */
};
BUILD_ASSERT(sizeof(_Atomic uint32_t) == WORD && ATOMIC_INT_LOCK_FREE == 2);

static const uint8_t mark_secret[16] = "tandem.registrar";


uint64_t text_mark(struct text t)
{
	return siphash(mark_secret, t.l ? t.p : "", t.l);
}


uint32_t listener_mark(const struct addr *bound, unsigned transport)
{
	const uint8_t rest[] = { (uint8_t)(bound->port >> 8),
				 (uint8_t)bound->port, bound->family,
				 (uint8_t)transport };

	return crc32c(crc32c(0, bound->ip, sizeof(bound->ip)), rest,
		      sizeof(rest));
}


/* Where things lie, if the segment is large enough. */
static int lay_out(struct binding_index *index, const struct segment *segment,
		   uint32_t slotc)
{
	const uint64_t wordc = (uint64_t)(segment->slotc - 1) *
			       (BINDING_INDEX_SLOT_SIZE / WORD);
	const uint32_t headc = slotc / BINDING_KEYC ? slotc / BINDING_KEYC : 1;
	_Atomic uint32_t *at;

	if (segment->slot_size != BINDING_INDEX_SLOT_SIZE || slotc == 0 ||
	    segment->slotc < 2 || slotc > SLOT_MASK ||
	    wordc < BINDING_KEYC * ((uint64_t)headc + slotc))
		return EINVAL;

	memset(index, 0, sizeof(*index));
	index->head = segment_slot(segment, 0);
	at = segment_slot(segment, 1);
	index->words = at;
	index->wordc = BINDING_KEYC * ((size_t)headc + slotc);
	for (size_t key = 0; key < BINDING_KEYC; key++) {
		index->heads[key] = at;
		index->links[key] = at + headc;
		at += (size_t)headc + slotc;
	}
	index->headc = headc;
	index->slotc = slotc;

	return 0;
}


static void take_secret(struct binding_index *index)
{
	for (size_t i = 0; i < COUNT_OF(index->head->secret); i++) {
		const uint64_t word =
			atomic_load_explicit(&index->head->secret[i],
					     memory_order_relaxed);

		memcpy(index->secret + i * sizeof(word), &word, sizeof(word));
	}
}


static bool is_made(const struct binding_index *index)
{
	return atomic_load_explicit(&index->head->headc,
				    memory_order_acquire) == index->headc &&
	       atomic_load_explicit(&index->head->slotc,
				    memory_order_acquire) == index->slotc;
}


int binding_index_view(struct binding_index *index,
		       const struct segment *segment, uint32_t slotc)
{
	const int err = lay_out(index, segment, slotc);

	if (err)
		return err;
	if (!is_made(index))
		return ENOENT;
	take_secret(index);

	return 0;
}


static uint64_t hash_terminal(const struct binding_index *index,
			      const struct binding_image *image)
{
	const uint32_t key[] = { image->terminal_kind, image->terminal };

	return siphash(index->secret, key, sizeof(key));
}


static uint64_t hash_source(const struct binding_index *index,
			    const struct binding_image *image)
{
	uint8_t key[sizeof(image->source.ip) + 5];

	memcpy(key, image->source.ip, sizeof(image->source.ip));
	key[16] = image->source.family;
	key[17] = image->transport;
	memcpy(key + 18, &image->source.port, sizeof(image->source.port));
	key[20] = image->terminal % BINDING_INDEX_PARTS;

	return siphash(index->secret, key, sizeof(key));
}


uint64_t binding_index_hash(const struct binding_index *index,
			    enum binding_key key,
			    const struct binding_image *image)
{
	return key == BINDING_BY_TERMINAL ? hash_terminal(index, image)
					  : hash_source(index, image);
}


static _Atomic uint32_t *head_of(const struct binding_index *index,
				 enum binding_key key, uint64_t hash)
{
	return &index->heads[key][(hash >> 32) * index->headc >> 32];
}


static uint32_t word_of(uint64_t hash, uint32_t slot)
{
	return (uint32_t)hash << SLOT_BITS | (slot + 1);
}


static uint32_t load(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}


static void store(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}


bool binding_index_walk(const struct binding_index *index,
			enum binding_key key, uint64_t hash,
			binding_index_h *h, void *arg)
{
	const uint64_t removals = atomic_load_explicit(&index->head->removals,
						       memory_order_acquire);
	uint32_t next = load(head_of(index, key, hash));

	/* A chain that is longer than all slots is a ring. */
	for (uint32_t i = 0; i < index->slotc && next; i++) {
		const uint32_t slot = (next & SLOT_MASK) - 1;

		if (slot >= index->slotc)
			return false;
		if (next == word_of(hash, slot) && !h(slot, arg))
			return true;
		next = load(&index->links[key][slot]);
	}
	atomic_thread_fence(memory_order_acquire);

	return next == 0 &&
	       atomic_load_explicit(&index->head->removals,
				    memory_order_relaxed) == removals;
}


void binding_index_ahead(const struct binding_index *index,
			 enum binding_key key, uint64_t hash)
{
	__builtin_prefetch(head_of(index, key, hash));
}


bool binding_index_first(const struct binding_index *index,
			 enum binding_key key, uint64_t hash, uint32_t *slotp)
{
	const uint32_t next = load(head_of(index, key, hash));
	const uint32_t slot = (next & SLOT_MASK) - 1;

	if (!next || slot >= index->slotc)
		return false;
	__builtin_prefetch(&index->links[key][slot]);
	*slotp = slot;

	return true;
}


/* --- for regd ------------------------------------------------------------- */

static void count_removal(const struct binding_index *index)
{
	atomic_fetch_add_explicit(&index->head->removals, 1,
				  memory_order_release);
}


int binding_index_make(struct binding_index *index,
		       const struct segment *segment, uint32_t slotc)
{
	int err = segment->writable ? lay_out(index, segment, slotc) : EINVAL;
	uint64_t secret[COUNT_OF(index->head->secret)];

	if (err)
		return err;
	if (is_made(index)) {
		take_secret(index);
		return 0;
	}

	/* New, or it has grown: then nobody has it mapped yet. */
	store(&index->head->headc, 0);
	for (size_t i = 0; i < index->wordc; i++)
		store(&index->words[i], 0);
	id_random(secret, sizeof(secret));
	for (size_t i = 0; i < COUNT_OF(secret); i++)
		atomic_store_explicit(&index->head->secret[i], secret[i],
				      memory_order_relaxed);
	take_secret(index);
	store(&index->head->slotc, slotc);
	store(&index->head->headc, index->headc);

	return 0;
}


void binding_index_add(const struct binding_index *index, enum binding_key key,
		       uint64_t hash, uint32_t slot)
{
	_Atomic uint32_t *head = head_of(index, key, hash);

	assert(slot < index->slotc);
	store(&index->links[key][slot], load(head));
	store(head, word_of(hash, slot));
}


void binding_index_remove(const struct binding_index *index,
			  enum binding_key key, uint64_t hash, uint32_t slot)
{
	_Atomic uint32_t *link = head_of(index, key, hash);

	for (uint32_t next = load(link); next; next = load(link)) {
		const uint32_t at = (next & SLOT_MASK) - 1;

		assert(at < index->slotc);
		if (at == slot) {
			store(link, load(&index->links[key][slot]));
			count_removal(index);
			return;
		}
		link = &index->links[key][at];
	}
}


/* --- after a kill --------------------------------------------------------- */

struct repair {
	const struct binding_index *index;
	enum binding_key key;
	uint8_t *seen; /* By slot */
	binding_index_hash_h *hashh;
	void *arg;
};


static bool belongs(const struct repair *repair, uint32_t word,
		    const _Atomic uint32_t *head)
{
	const uint32_t slot = (word & SLOT_MASK) - 1;
	uint64_t hash;

	return repair->hashh(&hash, repair->key, slot, repair->arg) &&
	       word_of(hash, slot) == word &&
	       head_of(repair->index, repair->key, hash) == head;
}


/* What does not belong there is taken out; what comes a second time ends it: a
 * ring, or somebody else's chain. So do many strangers, who may
 * have a ring of their own. */
static void repair_chain(const struct repair *repair, _Atomic uint32_t *head)
{
	const struct binding_index *index = repair->index;
	_Atomic uint32_t *link = head;
	uint32_t strangerc = 0;

	for (uint32_t next = load(link); next; next = load(link)) {
		const uint32_t slot = (next & SLOT_MASK) - 1;

		if (slot >= index->slotc || repair->seen[slot] ||
		    strangerc > STRANGERS_MAX) {
			store(link, 0);
			count_removal(index);
			return;
		}
		if (!belongs(repair, next, head)) {
			store(link, load(&index->links[repair->key][slot]));
			count_removal(index);
			strangerc++;
			continue;
		}
		repair->seen[slot] = 1;
		link = &index->links[repair->key][slot];
	}
}


static void repair_key(const struct repair *repair)
{
	const struct binding_index *index = repair->index;
	const enum binding_key key = repair->key;
	uint64_t hash;

	for (uint32_t i = 0; i < index->headc; i++)
		repair_chain(repair, &index->heads[key][i]);
	for (uint32_t slot = 0; slot < index->slotc; slot++)
		if (!repair->seen[slot] &&
		    repair->hashh(&hash, key, slot, repair->arg))
			binding_index_add(index, key, hash, slot);
}


int binding_index_repair(const struct binding_index *index,
			 binding_index_hash_h *hashh, void *arg)
{
	struct repair repair = { .index = index, .hashh = hashh, .arg = arg };

	repair.seen = malloc(index->slotc);
	if (!repair.seen)
		return ENOMEM;

	/* One may have died between taking out and counting. */
	count_removal(index);
	for (size_t key = 0; key < BINDING_KEYC; key++) {
		repair.key = (enum binding_key)key;
		memset(repair.seen, 0, index->slotc);
		repair_key(&repair);
	}
	free(repair.seen);

	return 0;
}
