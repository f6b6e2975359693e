/**
 * @file shared/base/wheel.c  Timing wheel: O(1) start and stop, any number
 *
 * Level 0 has 256 slots of 1 ms; each of the four levels above has 64 slots,
 * each as long as the whole level below. A timer lies in the lowest level
 * whose reach covers its delay. When time enters a slot of a higher level the
 * slot is emptied into the levels below (a timer moves at most four times in
 * its life). A bitmap per level says which slots hold anything, so that an
 * idle wheel is passed over in a few steps, however far time has jumped.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "shared/base/util.h"
#include "shared/base/wheel.h"

enum {
	BITS0 = 8,
	BITS = 6,
	SLOTS0 = 1 << BITS0,
	SLOTS = 1 << BITS,
	LEVELS = 5,
	WORDS0 = SLOTS0 / 64,
};

/** Level of everything above the first, by its shift */
#define SHIFT(level) (BITS0 + BITS * ((level)-1))

/* 2^32 ms: what all levels reach; delays are uint32_t */
_Static_assert(BITS0 + BITS * (LEVELS - 1) == 32, "reach is a uint32_t");

struct wheel {
	int64_t now_ms;  /**< How far the slots have been entered */
	int64_t turn_ms; /**< What the owner said it was; never before now_ms */
	uint32_t count;
	uint64_t used0[WORDS0];
	uint64_t used[LEVELS];             /**< [0] is not used */
	struct wheel_timer slots0[SLOTS0]; /**< Heads of circular lists */
	struct wheel_timer slots[LEVELS][SLOTS];
	struct wheel_timer due; /**< Being called in this turn */
};


static void head_init(struct wheel_timer *head)
{
	head->next = head;
	head->prev = head;
}


static void list_append(struct wheel_timer *head, struct wheel_timer *timer)
{
	timer->next = head;
	timer->prev = head->prev;
	head->prev->next = timer;
	head->prev = timer;
}


static void list_unlink(struct wheel_timer *timer)
{
	timer->prev->next = timer->next;
	timer->next->prev = timer->prev;
	timer->next = NULL;
	timer->prev = NULL;
}


/* Put the timer where it belongs; due_ms is later than now. */
static void place(struct wheel *wheel, struct wheel_timer *timer)
{
	const uint64_t due = (uint64_t)timer->due_ms;
	const uint64_t differ = due ^ (uint64_t)wheel->now_ms;
	unsigned level = 0;

	/* The highest bit in which due and now differ decides the level: all
	 * above are in the same slot already. */
	while (level < LEVELS - 1 && differ >> (BITS0 + BITS * level) != 0)
		level++;

	if (level == 0) {
		const unsigned slot = due & (SLOTS0 - 1);

		list_append(&wheel->slots0[slot], timer);
		wheel->used0[slot / 64] |= 1ull << (slot % 64);
	}
	else {
		const unsigned slot = (due >> SHIFT(level)) & (SLOTS - 1);

		list_append(&wheel->slots[level][slot], timer);
		wheel->used[level] |= 1ull << slot;
	}
}


int wheel_alloc(struct wheel **wheelp, int64_t now_ms)
{
	struct wheel *wheel = calloc(1, sizeof(*wheel));

	if (!wheel)
		return ENOMEM;

	wheel->now_ms = now_ms;
	wheel->turn_ms = now_ms;
	head_init(&wheel->due);
	for (unsigned i = 0; i < SLOTS0; i++)
		head_init(&wheel->slots0[i]);
	for (unsigned level = 1; level < LEVELS; level++)
		for (unsigned i = 0; i < SLOTS; i++)
			head_init(&wheel->slots[level][i]);

	*wheelp = wheel;

	return 0;
}


static void forget_all(struct wheel_timer *head)
{
	while (head->next != head)
		wheel_stop(head->next);
}


struct wheel *wheel_free(struct wheel *wheel)
{
	if (!wheel)
		return NULL;

	forget_all(&wheel->due);
	for (unsigned i = 0; i < SLOTS0; i++)
		forget_all(&wheel->slots0[i]);
	for (unsigned level = 1; level < LEVELS; level++)
		for (unsigned i = 0; i < SLOTS; i++)
			forget_all(&wheel->slots[level][i]);
	free(wheel);

	return NULL;
}


void wheel_start(struct wheel *wheel, struct wheel_timer *timer,
		 uint32_t delay_ms, wheel_h *h, void *arg)
{
	wheel_stop(timer);

	timer->wheel = wheel;
	timer->h = h;
	timer->arg = arg;
	/* From what it is, not from how far a late turn has come: a handler
	 * that is called late does not start others too early. 0 means the
	 * next turn, however many slots this one has still to enter. */
	timer->due_ms = wheel->turn_ms + (delay_ms ? delay_ms : 1);
	place(wheel, timer);
	wheel->count++;
}


/* A bitmap may say "used" of a slot that became empty; whoever looks clears
 * it. That keeps stopping a timer free of finding out where it lies. */
void wheel_stop(struct wheel_timer *timer)
{
	if (!timer->next)
		return;

	list_unlink(timer);
	timer->wheel->count--;
	timer->wheel = NULL;
	timer->h = NULL;
}


bool wheel_running(const struct wheel_timer *timer)
{
	return timer->next != NULL;
}


uint32_t wheel_left_ms(const struct wheel_timer *timer)
{
	if (!timer->next || timer->due_ms <= timer->wheel->turn_ms)
		return 0;

	return (uint32_t)(timer->due_ms - timer->wheel->turn_ms);
}


/* First used slot of level 0 at or behind from, or SLOTS0 */
static unsigned next_used0(struct wheel *wheel, unsigned from)
{
	for (unsigned word = from / 64; word < WORDS0; word++) {
		uint64_t bits = wheel->used0[word];

		if (word == from / 64)
			bits &= ~0ull << (from % 64);
		while (bits) {
			const unsigned slot = word * 64 +
					      (unsigned)__builtin_ctzll(bits);
			const struct wheel_timer *head = &wheel->slots0[slot];

			if (head->next != head)
				return slot;
			wheel->used0[word] &= ~(1ull << (slot % 64));
			bits &= bits - 1;
		}
	}

	return SLOTS0;
}


static unsigned next_used(struct wheel *wheel, unsigned level, unsigned from)
{
	uint64_t bits = from < SLOTS ? wheel->used[level] & ~0ull << from : 0;

	while (bits) {
		const unsigned slot = (unsigned)__builtin_ctzll(bits);
		const struct wheel_timer *head = &wheel->slots[level][slot];

		if (head->next != head)
			return slot;
		wheel->used[level] &= ~(1ull << slot);
		bits &= bits - 1;
	}

	return SLOTS;
}


/* The next moment at which a timer is due or a higher slot must be emptied;
 * INT64_MAX: none. */
static int64_t next_moment(struct wheel *wheel)
{
	const uint64_t now = (uint64_t)wheel->now_ms;
	unsigned slot = next_used0(wheel, (now & (SLOTS0 - 1)) + 1);

	if (slot < SLOTS0)
		return (int64_t)((now & ~(uint64_t)(SLOTS0 - 1)) + slot);

	for (unsigned level = 1; level < LEVELS; level++) {
		const uint64_t below = (1ull << SHIFT(level)) - 1;
		const unsigned at = (now >> SHIFT(level)) & (SLOTS - 1);

		slot = next_used(wheel, level, at + 1);
		if (slot < SLOTS) {
			const uint64_t base = now & ~(below |
						      (uint64_t)(SLOTS - 1)
							      << SHIFT(level));

			return (int64_t)(base | (uint64_t)slot
							<< SHIFT(level));
		}
	}

	/* Beyond the turn of the whole wheel, 2^32 ms: the top level wraps. */
	slot = next_used(wheel, LEVELS - 1, 0);
	if (slot < SLOTS) {
		const uint64_t round = now & ~0xffffffffull;

		return (int64_t)(round + 0x100000000ull +
				 ((uint64_t)slot << SHIFT(LEVELS - 1)));
	}

	return INT64_MAX;
}


/* Time has entered this slot of this level: spread it over those below. */
static void empty(struct wheel *wheel, unsigned level)
{
	const unsigned slot = ((uint64_t)wheel->now_ms >> SHIFT(level)) &
			      (SLOTS - 1);
	struct wheel_timer *head = &wheel->slots[level][slot];
	struct wheel_timer list;

	wheel->used[level] &= ~(1ull << slot);
	if (head->next == head)
		return;

	/* Taken off first: a timer one whole round away comes back here. */
	list = *head;
	list.next->prev = &list;
	list.prev->next = &list;
	head_init(head);

	while (list.next != &list) {
		struct wheel_timer *timer = list.next;

		list_unlink(timer);
		if (timer->due_ms <= wheel->now_ms)
			list_append(&wheel->due, timer);
		else
			place(wheel, timer);
	}
}


/* Move to this moment and collect what is due at it. */
static void enter(struct wheel *wheel, int64_t moment)
{
	const uint64_t at = (uint64_t)moment;
	struct wheel_timer *head;

	wheel->now_ms = moment;
	for (unsigned level = LEVELS - 1; level >= 1; level--)
		if ((at & ((1ull << SHIFT(level)) - 1)) == 0)
			empty(wheel, level);

	head = &wheel->slots0[at & (SLOTS0 - 1)];
	while (head->next != head) {
		struct wheel_timer *timer = head->next;

		list_unlink(timer);
		list_append(&wheel->due, timer);
	}
}


uint32_t wheel_turn(struct wheel *wheel, int64_t now_ms)
{
	uint32_t called = 0;

	if (now_ms > wheel->turn_ms)
		wheel->turn_ms = now_ms;

	while (wheel->now_ms < now_ms) {
		const int64_t next = next_moment(wheel);

		if (next > now_ms) {
			wheel->now_ms = now_ms;
			break;
		}
		enter(wheel, next);

		while (wheel->due.next != &wheel->due) {
			struct wheel_timer *timer = wheel->due.next;
			wheel_h *h = timer->h;

			assert(h); /* whoever runs has one */
			wheel_stop(timer);
			called++;
			h(timer->arg);
		}
	}

	return called;
}


uint32_t wheel_next_ms(const struct wheel *wheel)
{
	int64_t next;

	if (wheel->count == 0)
		return UINT32_MAX;

	/* Looking only clears marks of slots that are empty. */
	next = next_moment(unconst(wheel));
	if (next == INT64_MAX)
		return UINT32_MAX;

	/* Behind the turn only when a handler asks: more of it follows. */
	next -= wheel->turn_ms;
	if (next < 0)
		return 0;

	return next < UINT32_MAX ? (uint32_t)next : UINT32_MAX - 1;
}


int64_t wheel_now_ms(const struct wheel *wheel)
{
	return wheel->turn_ms;
}


uint32_t wheel_count(const struct wheel *wheel)
{
	return wheel->count;
}
