/**
 * @file shared/catalog/index_hash.c  By id, by name
 *
 * Open addressing, at most half full, never changed once made. A slot holds
 * the whole hash, so the rows behind it are looked at almost only when they
 * are the right ones. The keys are the operator's, and the hash need not be
 * secret: what strangers ask for is found or not, but never stored.
 */
#include "shared/base/crc32c.h"
#include "shared/catalog/image.h"


/* Every bit of the input moves half of the output (the finaliser of
 * MurmurHash3, public domain): ids that count up, and the CRC, which is
 * linear, spread over the table alike. */
static uint32_t stir(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;

	return h ^ h >> 16;
}


uint32_t hash_of_id(uint32_t id)
{
	return stir(id);
}


uint32_t hash_of_text(struct text text)
{
	return stir(crc32c(0, text.p, text.l));
}


size_t hash_slots(size_t count)
{
	size_t slotc = 2;

	if (count == 0)
		return 0;

	while (slotc < 2 * count)
		slotc *= 2;

	return slotc;
}


void hash_put(struct hash_slot *slots, size_t slotc, uint32_t hash,
	      uint32_t value)
{
	size_t at = hash & (slotc - 1);

	while (slots[at].value != 0)
		at = (at + 1) & (slotc - 1);

	slots[at] = (struct hash_slot){ .hash = hash, .value = value };
}


struct hash_walk hash_walk(struct view slots, uint32_t hash)
{
	const bool is_sound = slots.count > 0 &&
			      (slots.count & (slots.count - 1)) == 0;

	return (struct hash_walk){
		.slots = slots.p,
		.slotc = is_sound ? slots.count : 0,
		.at = is_sound ? hash & (slots.count - 1) : 0,
		.left = is_sound ? slots.count : 0,
		.hash = hash,
	};
}


uint32_t hash_next(struct hash_walk *walk)
{
	while (walk->left > 0) {
		const struct hash_slot *slot = &walk->slots[walk->at];

		walk->at = (walk->at + 1) & (walk->slotc - 1);
		walk->left--;

		if (slot->value == 0)
			walk->left = 0;
		else if (slot->hash == walk->hash)
			return slot->value;
	}

	return 0;
}
