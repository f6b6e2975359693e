/**
 * @file shared/reg/binding_index.h  Chains through all bindings
 *
 * For binding_read.c and for regd, the only writer. A table of heads and one
 * link per slot, for each key; all of them words of 32 bits: the number of a
 * slot and 1, or 0 for none, and 8 bits of its hash, so that a reader passes
 * by who is not meant without a look at the slot.
 *
 * All devices behind one proxy have one source. So its bindings are in 16
 * chains, by the last bits of their terminal, and none is long.
 *
 * Adding is two stores: the link of the new node, then the head. Taking out is
 * one, and then a count goes up before the node is used again: a reader that
 * stood on it, and may have been led into another chain, sees another count
 * and begins again.
 */
#ifndef TANDEM_REG_BINDING_INDEX_H
#define TANDEM_REG_BINDING_INDEX_H

#include "shared/reg/binding.h"

enum {
	BINDING_INDEX_PARTS = 16, /**< Chains of one source */
};

struct binding_index {
	struct binding_index_head *head;
	_Atomic uint32_t *words; /**< All of them */
	size_t wordc;
	_Atomic uint32_t *heads[BINDING_KEYC];
	_Atomic uint32_t *links[BINDING_KEYC]; /**< By slot */
	uint32_t headc;                        /**< Of each key */
	uint32_t slotc;
	uint8_t secret[16];
};

/** @return 0, ENOENT: regd has not made it yet, or not for so many slots;
 *          EINVAL if the segment is too small */
int binding_index_view(struct binding_index *index,
		       const struct segment *segment, uint32_t slotc);

/** By source: of the part that the image's terminal belongs to */
uint64_t binding_index_hash(const struct binding_index *index,
			    enum binding_key key,
			    const struct binding_image *image);

/** Call h with slots that may have this hash, until it says false
 *  @return did the chain hold still? If not, what h saw may lack some */
typedef bool(binding_index_h)(uint32_t slot, void *arg);
bool binding_index_walk(const struct binding_index *index,
			enum binding_key key, uint64_t hash,
			binding_index_h *h, void *arg);

/** Have the head of a chain brought into the cache; what it names is not known
 *  before it is there. */
void binding_index_ahead(const struct binding_index *index,
			 enum binding_key key, uint64_t hash);
/** The slot that the chain begins with, and have its link brought.
 *  @return false: there is none */
bool binding_index_first(const struct binding_index *index,
			 enum binding_key key, uint64_t hash, uint32_t *slotp);

/* --- for regd ------------------------------------------------------------- */

/** The same for its writer, who makes it if it is not there
 *  @return 0, EINVAL if the segment is too small */
int binding_index_make(struct binding_index *index,
		       const struct segment *segment, uint32_t slotc);

void binding_index_add(const struct binding_index *index, enum binding_key key,
		       uint64_t hash, uint32_t slot);
/** Nothing happens if it is not there */
void binding_index_remove(const struct binding_index *index,
			  enum binding_key key, uint64_t hash, uint32_t slot);

/** What is the hash of a slot's binding? false: it holds none */
typedef bool(binding_index_hash_h)(uint64_t *hashp, enum binding_key key,
				   uint32_t slot, void *arg);
/** Make right what a predecessor left, while others read
 *  @return 0, ENOMEM: nothing was changed */
int binding_index_repair(const struct binding_index *index,
			 binding_index_hash_h *hashh, void *arg);

#endif
