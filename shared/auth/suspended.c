/**
 * @file shared/auth/suspended.c  Who has failed too often, and from where
 *
 * A part of the segment is a table with open addressing: a key may lie in any
 * of WINDOW slots from the one its hash names. Nothing is ever moved, and a
 * look goes over all of the window, so no slot that is gone hides another.
 *
 * A process cannot write what another counted. It says instead since when the
 * counter is 0; what began to be counted before that is over, for everybody,
 * and its owner starts anew with the next failure.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "shared/auth/suspended_slot.h"
#include "shared/base/map.h"
#include "shared/base/util.h"

enum {
	WINDOW = 8, /* more are cache misses for every request */
	SECRET_SIZE = 16,
	SHA256_SIZE = 32,
};

#define SECOND_US ((int64_t)1000000)

struct part {
	const struct segment *segment;
	uint32_t first, slotc;
	/** Of our own, a byte per slot: it is free, as we know without a
	 *  look. NULL: another may take one at any time */
	uint8_t *free;
};

struct suspended {
	uint8_t secret[SECRET_SIZE]; /**< The same in every process */
	struct part own;
	struct part *parts;           /**< All, own included */
	struct suspended_image *seen; /**< As many */
	size_t partc;
	uint8_t *free; /**< Of the own part */
};


/* --- where they lie ------------------------------------------------------- */

static bool is_segment(const struct segment *segment)
{
	return segment->slot_size == SUSPENDED_SLOT_SIZE && segment->slotc > 0;
}


static void add_parts(struct suspended *s, const struct segment *segment,
		      uint32_t slotc)
{
	for (uint32_t i = 0; i + slotc <= segment->slotc; i += slotc)
		s->parts[s->partc++] = (struct part){ segment, i, slotc,
						      NULL };
}


static uint32_t part_slotc(const struct authn_args *args, size_t other)
{
	return args->other_slotcs ? args->other_slotcs[other]
				  : args->others[other]->slotc;
}


/* Parts of one daemon are alike and lie one behind the other. */
static int find_parts(struct suspended *s, const struct authn_args *args)
{
	size_t partc;

	if (!is_segment(args->own) || !args->own->writable ||
	    args->slotc == 0 || args->slotc > args->own->slotc ||
	    args->first > args->own->slotc - args->slotc ||
	    args->first % args->slotc != 0)
		return EINVAL;
	partc = args->own->slotc / args->slotc;
	for (size_t i = 0; i < args->otherc; i++) {
		if (!is_segment(args->others[i]) || part_slotc(args, i) == 0 ||
		    part_slotc(args, i) > args->others[i]->slotc)
			return EINVAL;
		partc += args->others[i]->slotc / part_slotc(args, i);
	}

	s->parts = calloc(partc, sizeof(*s->parts));
	s->seen = calloc(partc, sizeof(*s->seen));
	s->free = calloc(args->slotc, sizeof(*s->free));
	if (!s->parts || !s->seen || !s->free)
		return ENOMEM;

	add_parts(s, args->own, args->slotc);
	s->parts[args->first / args->slotc].free = s->free;
	for (size_t i = 0; i < args->otherc; i++)
		add_parts(s, args->others[i], part_slotc(args, i));
	s->own = s->parts[args->first / args->slotc];

	return 0;
}


int suspended_alloc(struct suspended **sp, const struct authn_args *args)
{
	static const char purpose[] = "suspended";
	uint8_t mac[SHA256_SIZE];
	struct suspended *s;
	int err;

	s = calloc(1, sizeof(*s));
	if (!s)
		return ENOMEM;

	err = find_parts(s, args);
	if (!err &&
	    !HMAC(EVP_sha256(), args->nonce_key, NONCE_KEY_SIZE,
		  (const uint8_t *)purpose, sizeof(purpose) - 1, mac, NULL))
		err = EIO;
	if (err) {
		suspended_free(s);
		return err;
	}
	memcpy(s->secret, mac, SECRET_SIZE);
	*sp = s;

	return 0;
}


struct suspended *suspended_free(struct suspended *s)
{
	if (s) {
		free(s->parts);
		free(s->seen);
		free(s->free);
		free(s);
	}

	return NULL;
}


void suspended_key_set(struct suspended_key *key, const struct suspended *s,
		       struct text user, const struct addr *source)
{
	struct {
		uint64_t user;
		struct addr source;
	} both;

	memset(key, 0, sizeof(*key));
	memset(&both, 0, sizeof(both));
	key->source = *source;
	key->source.port = 0;
	key->source.pad = 0;
	if (user.l > 0)
		memcpy(key->user, user.p,
		       user.l < AUTHN_USER_MAX ? user.l : AUTHN_USER_MAX);

	both.user = siphash(s->secret, user.p ? user.p : "", user.l);
	both.source = key->source;
	key->hash = siphash(s->secret, &both, sizeof(both));
	if (key->hash == 0)
		key->hash = 1;
}


void suspended_ahead(const struct suspended *s,
		     const struct suspended_key *key)
{
	__builtin_prefetch(&s->free[key->hash % s->own.slotc]);
}


static struct suspended_slot *slot_at(const struct part *part, uint32_t i)
{
	return segment_slot(part->segment, part->first + i);
}


static uint32_t window_of(const struct part *part)
{
	return part->slotc < WINDOW ? part->slotc : WINDOW;
}


/* One division for all of them */
static uint32_t window_first(const struct part *part, uint64_t hash)
{
	return (uint32_t)(hash % part->slotc);
}


static uint32_t window_at(const struct part *part, uint32_t first, uint32_t i)
{
	const uint32_t at = first + i;

	return at < part->slotc ? at : at - part->slotc;
}


/* --- reading -------------------------------------------------------------- */

static struct suspended_slot *find_in(const struct part *part,
				      const struct suspended_key *key,
				      struct suspended_image *image,
				      int64_t now_us)
{
	const uint32_t first = window_first(part, key->hash);

	for (uint32_t i = 0; i < window_of(part); i++) {
		const uint32_t at = window_at(part, first, i);
		struct suspended_slot *slot = slot_at(part, at);
		uint64_t owner;

		if (part->free && part->free[at])
			continue;
		owner = atomic_load_explicit(&slot->key, memory_order_relaxed);
		if (part->free && owner == 0)
			part->free[at] = 1;
		if (owner == key->hash &&
		    suspended_slot_read(image, slot, now_us) &&
		    suspended_image_is(image, key))
			return slot;
	}

	return NULL;
}


/** What all slots of a key say together */
struct sum {
	int64_t until_us;                /**< 0: not suspended */
	int64_t zero_us[AUTHN_COUNTERC]; /**< Counted is what began later */
	uint32_t failures[AUTHN_COUNTERC];
};


static void later(int64_t *at, int64_t us)
{
	if (us > *at)
		*at = us;
}


static void sum_times(struct sum *sum, const struct suspended_image *image,
		      int64_t now_us)
{
	for (size_t i = 0; i < AUTHN_COUNTERC; i++) {
		const int64_t end = suspended_image_end(image, i, now_us);
		const int64_t cleared = image->counters[i].cleared_us;

		if (suspended_is_recent(cleared, now_us))
			later(&sum->zero_us[i], cleared);
		if (end > now_us)
			later(&sum->until_us, end);
		/* When it is over, both counters are 0. */
		for (size_t j = 0; j < AUTHN_COUNTERC && end <= now_us; j++)
			later(&sum->zero_us[j], end);
	}
}


static void sum_up(struct sum *sum, struct suspended *s,
		   const struct suspended_key *key, int64_t now_us)
{
	size_t seenc = 0;

	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < s->partc; i++)
		if (find_in(&s->parts[i], key, &s->seen[seenc], now_us))
			sum_times(sum, &s->seen[seenc++], now_us);

	for (size_t n = 0; n < seenc; n++)
		for (size_t i = 0; i < AUTHN_COUNTERC; i++)
			if (s->seen[n].counters[i].since_us > sum->zero_us[i])
				sum->failures[i] +=
					s->seen[n].counters[i].failures;
}


static uint32_t seconds_until(int64_t until_us, int64_t now_us)
{
	int64_t left = until_us - now_us;

	/* It does not grow, whatever happens to the clock. */
	if (left > SUSPENDED_MAX_US)
		left = SUSPENDED_MAX_US;

	return left > 0 ? (uint32_t)((left + SECOND_US - 1) / SECOND_US) : 0;
}


uint32_t suspended_left_s(struct suspended *s, const struct suspended_key *key,
			  int64_t wall_us)
{
	struct sum sum;

	sum_up(&sum, s, key, wall_us);

	return sum.until_us ? seconds_until(sum.until_us, wall_us) : 0;
}


/* --- writing -------------------------------------------------------------- */

/* A slot to take over: a free or forgotten one, else the oldest, of those
 * that are suspended only if there are no others */
static struct suspended_slot *victim(const struct part *part, uint64_t hash,
				     int64_t now_us)
{
	const uint32_t first = window_first(part, hash);
	struct suspended_slot *best = NULL;
	bool best_runs = true;
	int64_t best_us = INT64_MAX;

	for (uint32_t i = 0; i < window_of(part); i++) {
		struct suspended_slot *slot =
			slot_at(part, window_at(part, first, i));
		struct suspended_image image;
		int64_t touched;
		bool runs;

		if (!suspended_slot_read(&image, slot, now_us))
			return slot;
		runs = suspended_image_runs(&image, now_us);
		touched = atomic_load_explicit(&slot->touched_us,
					       memory_order_relaxed);
		if (!best || (best_runs && !runs) ||
		    (best_runs == runs && touched < best_us)) {
			best = slot;
			best_runs = runs;
			best_us = touched;
		}
	}

	return best;
}


static struct suspended_slot *slot_for(struct suspended *s,
				       const struct suspended_key *key,
				       int64_t now_us)
{
	const uint32_t first = window_first(&s->own, key->hash);
	struct suspended_image image;
	struct suspended_slot *slot = find_in(&s->own, key, &image, now_us);

	if (slot) {
		suspended_slot_touch(slot, now_us);
		return slot;
	}
	slot = victim(&s->own, key->hash, now_us);
	for (uint32_t i = 0; i < window_of(&s->own); i++)
		s->own.free[window_at(&s->own, first, i)] = 0;
	suspended_slot_take(slot, key, now_us);

	return slot;
}


unsigned suspended_count(struct suspended *s, const struct suspended_key *key,
			 const struct suspended_limit limits[AUTHN_COUNTERC],
			 int64_t wall_us)
{
	struct suspended_slot *slot;
	unsigned reached = 0;
	struct sum sum;

	sum_up(&sum, s, key, wall_us);
	if (sum.until_us)
		return 0;

	for (size_t i = 0; i < AUTHN_COUNTERC; i++) {
		const enum authn_counter counter = (enum authn_counter)i;

		if (limits[i].failures == 0)
			continue;
		slot = slot_for(s, key, wall_us);
		suspended_slot_count(slot, counter, sum.zero_us[i], wall_us);
		if (sum.failures[i] + 1 < limits[i].failures)
			continue;
		suspended_slot_suspend(slot, counter, wall_us,
				       wall_us +
					       limits[i].seconds * SECOND_US);
		reached |= 1u << i;
	}

	return reached;
}


void suspended_success(struct suspended *s, const struct suspended_key *key,
		       unsigned counters, int64_t wall_us)
{
	struct sum sum;

	sum_up(&sum, s, key, wall_us);
	for (size_t i = 0; i < AUTHN_COUNTERC; i++)
		if (counters & 1u << i &&
		    sum.failures[i] > 0) /* nearly never: nothing to write */
			suspended_slot_zero(slot_for(s, key, wall_us),
					    (enum authn_counter)i, wall_us);
}


/* --- commands ------------------------------------------------------------- */

static void list_slot(const struct suspended_slot *slot, int64_t now_us,
		      authn_suspension_h *h, void *arg)
{
	struct suspended_image image;

	if (!suspended_slot_read(&image, slot, now_us))
		return;
	for (size_t i = 0; i < AUTHN_COUNTERC; i++) {
		struct authn_suspension one;

		if (suspended_image_end(&image, i, now_us) <= now_us)
			continue;
		memset(&one, 0, sizeof(one));
		memcpy(one.user, image.user, sizeof(image.user));
		one.source = image.source;
		one.counter = (enum authn_counter)i;
		one.since_us = image.counters[i].suspended_us;
		one.until_us = image.counters[i].until_us;
		one.failures = image.counters[i].failures;
		h(&one, arg);
	}
}


void suspended_list(const struct suspended *s, int64_t wall_us,
		    authn_suspension_h *h, void *arg)
{
	for (size_t i = 0; i < s->partc; i++)
		for (uint32_t n = 0; n < s->parts[i].slotc; n++)
			list_slot(slot_at(&s->parts[i], n), wall_us, h, arg);
}


uint32_t suspended_clear(struct suspended *s, struct text user,
			 const struct addr *source, int64_t wall_us)
{
	uint32_t clearedc = 0;

	for (uint32_t n = 0; n < s->own.slotc; n++) {
		struct suspended_slot *slot = slot_at(&s->own, n);
		struct suspended_image image;

		if (!suspended_slot_read(&image, slot, wall_us))
			continue;
		if (user.l > 0 &&
		    (user.l > sizeof(image.user) ||
		     strnlen(image.user, sizeof(image.user)) != user.l ||
		     memcmp(image.user, user.p, user.l) != 0))
			continue;
		if (source && !addr_same_ip(&image.source, source))
			continue;
		if (suspended_image_runs(&image, wall_us))
			clearedc++;
		suspended_slot_clear(slot);
	}

	return clearedc;
}
