/**
 * @file shared/auth/suspended_slot.c  A slot of those who failed too often
 *
 * A slot changes hands with its key taken away first and put in last, so what
 * a kill leaves half-written has no key and is free. Of one that has a key
 * each field stands for itself: "until" is written last, and holds only if it
 * agrees with "suspended_us". Nobody is suspended by half a slot, or by one
 * that was damaged.
 */
#include <assert.h>
#include <string.h>

#include "shared/auth/suspended_slot.h"

#define SECOND_US ((int64_t)1000000)
/* Of any limit that can be configured: nothing counts on beyond it */
#define FAILURES_MAX 999
/* Counters not touched for so long are dropped (authentication 5). */
#define UNTOUCHED_US (SECOND_US * 24 * 3600)
/* By how much processes may differ in what time it is */
#define AHEAD_MAX_US (SECOND_US * 60)


bool suspended_is_recent(int64_t at_us, int64_t now_us)
{
	return at_us > 0 && at_us - AHEAD_MAX_US <= now_us &&
	       now_us - at_us < UNTOUCHED_US;
}


static void read_fields(struct suspended_image *image,
			const struct suspended_slot *slot)
{
	uint64_t words[SUSPENDED_USER_WORDS],
		source[SUSPENDED_ADDR_WORDS] = { 0 };

	for (size_t i = 0; i < AUTHN_COUNTERC; i++) {
		const struct suspended_counter *c = &slot->counters[i];

		image->counters[i].cleared_us =
			atomic_load_explicit(&c->cleared_us,
					     memory_order_relaxed);
		image->counters[i].since_us =
			atomic_load_explicit(&c->since_us,
					     memory_order_relaxed);
		/* Written after suspended_us, so it is read before. */
		image->counters[i].until_us =
			atomic_load_explicit(&c->until_us,
					     memory_order_acquire);
		image->counters[i].suspended_us =
			atomic_load_explicit(&c->suspended_us,
					     memory_order_relaxed);
		image->counters[i].failures =
			atomic_load_explicit(&c->failures,
					     memory_order_relaxed);
	}
	for (size_t i = 0; i < SUSPENDED_USER_WORDS; i++)
		words[i] = atomic_load_explicit(&slot->user[i],
						memory_order_relaxed);
	for (size_t i = 0; i < SUSPENDED_ADDR_WORDS; i++)
		source[i] = atomic_load_explicit(&slot->source[i],
						 memory_order_relaxed);
	memcpy(image->user, words, sizeof(image->user));
	memcpy(&image->source, source, sizeof(image->source));
}


bool suspended_slot_read(struct suspended_image *image,
			 const struct suspended_slot *slot, int64_t now_us)
{
	const uint64_t key = atomic_load_explicit(&slot->key,
						  memory_order_acquire);
	const int64_t touched = atomic_load_explicit(&slot->touched_us,
						     memory_order_relaxed);

	if (key == 0 || !suspended_is_recent(touched, now_us))
		return false;
	read_fields(image, slot);
	atomic_thread_fence(memory_order_acquire);

	return atomic_load_explicit(&slot->key, memory_order_relaxed) == key;
}


bool suspended_image_is(const struct suspended_image *image,
			const struct suspended_key *key)
{
	return memcmp(image->user, key->user, sizeof(image->user)) == 0 &&
	       addr_equal(&image->source, &key->source);
}


int64_t suspended_image_end(const struct suspended_image *image,
			    size_t counter, int64_t now_us)
{
	const int64_t until = image->counters[counter].until_us;
	const int64_t from = image->counters[counter].suspended_us;

	return suspended_is_recent(from, now_us) && until > from &&
			       until - from <= SUSPENDED_MAX_US
		       ? until
		       : 0;
}


bool suspended_image_runs(const struct suspended_image *image, int64_t now_us)
{
	for (size_t i = 0; i < AUTHN_COUNTERC; i++)
		if (suspended_image_end(image, i, now_us) > now_us)
			return true;

	return false;
}


static void set_time(_Atomic int64_t *p, int64_t us)
{
	atomic_store_explicit(p, us, memory_order_release);
}


void suspended_slot_clear(struct suspended_slot *slot)
{
	atomic_store_explicit(&slot->key, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < AUTHN_COUNTERC; i++) {
		struct suspended_counter *c = &slot->counters[i];

		set_time(&c->until_us, 0);
		set_time(&c->suspended_us, 0);
		set_time(&c->since_us, 0);
		set_time(&c->cleared_us, 0);
		atomic_store_explicit(&c->failures, 0, memory_order_release);
	}
}


void suspended_slot_take(struct suspended_slot *slot,
			 const struct suspended_key *key, int64_t now_us)
{
	uint64_t user[SUSPENDED_USER_WORDS], source[SUSPENDED_ADDR_WORDS];

	suspended_slot_clear(slot);
	memcpy(user, key->user, sizeof(user));
	memcpy(source, &key->source, sizeof(source));
	for (size_t i = 0; i < SUSPENDED_USER_WORDS; i++)
		atomic_store_explicit(&slot->user[i], user[i],
				      memory_order_relaxed);
	for (size_t i = 0; i < SUSPENDED_ADDR_WORDS; i++)
		atomic_store_explicit(&slot->source[i], source[i],
				      memory_order_relaxed);
	set_time(&slot->touched_us, now_us);
	atomic_store_explicit(&slot->key, key->hash, memory_order_release);
}


void suspended_slot_touch(struct suspended_slot *slot, int64_t now_us)
{
	set_time(&slot->touched_us, now_us);
}


void suspended_slot_count(struct suspended_slot *slot,
			  enum authn_counter counter, int64_t zero_us,
			  int64_t now_us)
{
	struct suspended_counter *c = &slot->counters[counter];
	const int64_t since = atomic_load_explicit(&c->since_us,
						   memory_order_relaxed);
	uint32_t failures = atomic_load_explicit(&c->failures,
						 memory_order_relaxed);

	if (failures == 0 || failures >= FAILURES_MAX || since <= zero_us) {
		failures = 0;
		atomic_store_explicit(&c->failures, 0, memory_order_release);
		set_time(&c->since_us,
			 now_us > zero_us ? now_us : zero_us + 1);
	}
	atomic_store_explicit(&c->failures, failures + 1,
			      memory_order_release);
}


void suspended_slot_suspend(struct suspended_slot *slot,
			    enum authn_counter counter, int64_t now_us,
			    int64_t until_us)
{
	struct suspended_counter *c = &slot->counters[counter];

	set_time(&c->until_us, 0);
	set_time(&c->suspended_us, now_us);
	set_time(&c->until_us, until_us);
}


void suspended_slot_zero(struct suspended_slot *slot,
			 enum authn_counter counter, int64_t now_us)
{
	struct suspended_counter *c = &slot->counters[counter];

	atomic_store_explicit(&c->failures, 0, memory_order_release);
	set_time(&c->cleared_us, now_us);
}
