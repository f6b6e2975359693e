/**
 * @file shared/auth/suspended_slot.h  A slot of those who failed too often
 *
 * Layout and rules of one slot in shared memory: see suspended_slot.c.
 */
#ifndef TANDEM_AUTH_SUSPENDED_SLOT_H
#define TANDEM_AUTH_SUSPENDED_SLOT_H

#include <stdatomic.h>

#include "shared/auth/suspended.h"
#include "shared/base/util.h"

enum {
	SUSPENDED_USER_WORDS = AUTHN_USER_MAX / 8,
	SUSPENDED_ADDR_WORDS = sizeof(struct addr) / 8,
};

struct suspended_counter {
	_Atomic int64_t cleared_us; /**< 0 for everybody at this time */
	_Atomic int64_t since_us;   /**< Of the first failure counted */
	_Atomic int64_t suspended_us;
	_Atomic int64_t until_us; /**< 0: not suspended */
	_Atomic uint32_t failures;
	uint32_t pad;
};

struct suspended_slot {
	_Atomic uint64_t key; /**< 0: free */
	_Atomic int64_t touched_us;
	struct suspended_counter counters[AUTHN_COUNTERC];
	_Atomic uint64_t source[SUSPENDED_ADDR_WORDS];
	_Atomic uint64_t user[SUSPENDED_USER_WORDS];
	uint64_t pad;
};
BUILD_ASSERT(sizeof(struct suspended_slot) == SUSPENDED_SLOT_SIZE);
BUILD_ASSERT(ATOMIC_LLONG_LOCK_FREE == 2);

/** A slot as it was at one moment */
struct suspended_image {
	struct {
		int64_t cleared_us, since_us, suspended_us, until_us;
		uint32_t failures;
	} counters[AUTHN_COUNTERC];
	struct addr source;
	char user[AUTHN_USER_MAX];
};

/** Is it somebody's, whole, and not forgotten by now? */
bool suspended_slot_read(struct suspended_image *image,
			 const struct suspended_slot *slot, int64_t now_us);

bool suspended_image_is(const struct suspended_image *image,
			const struct suspended_key *key);
/** A time that is neither long ago nor yet to come */
bool suspended_is_recent(int64_t at_us, int64_t now_us);
/** When the suspension of a counter ends, or has ended; 0: there is none, or
 *  none to be believed */
int64_t suspended_image_end(const struct suspended_image *image,
			    size_t counter, int64_t now_us);
bool suspended_image_runs(const struct suspended_image *image, int64_t now_us);

/* For the owner of the part */
void suspended_slot_clear(struct suspended_slot *slot);
void suspended_slot_take(struct suspended_slot *slot,
			 const struct suspended_key *key, int64_t now_us);
void suspended_slot_touch(struct suspended_slot *slot, int64_t now_us);
/** What began to be counted up to zero_us is over, and starts anew */
void suspended_slot_count(struct suspended_slot *slot,
			  enum authn_counter counter, int64_t zero_us,
			  int64_t now_us);
void suspended_slot_suspend(struct suspended_slot *slot,
			    enum authn_counter counter, int64_t now_us,
			    int64_t until_us);
void suspended_slot_zero(struct suspended_slot *slot,
			 enum authn_counter counter, int64_t now_us);

/** The longest suspension that can be configured */
#define SUSPENDED_MAX_US ((int64_t)3600 * 1000000)

#endif
