/**
 * @file test/unit/mediad/test_held.c  What a predecessor received and not sent
 */
#include <errno.h>
#include <sys/socket.h>

#include "mediad/held.h"
#include "test/support/t.h"
#include "test/unit/mediad/rig.h"

struct bench {
	struct rig rig;
	struct held held;
	struct media_held *slot;
	struct media_held copy;
};


static void bench_open(struct bench *b)
{
	const struct addr from = rig_addr("192.0.2.1:4000");

	rig_open(&b->rig);
	assert_int_equal(held_open(&b->held, &b->rig.held.segment, 0), 0);
	b->slot = b->held.slots[3];
	memcpy(b->slot->data, "abc", 3);
	held_in(b->slot, 20001, &from, 3, RIG_NOW);
}


static void bench_close(struct bench *b)
{
	rig_close(&b->rig);
}


static void what_was_received_is_taken_once(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	assert_true(held_take(b.slot, &b.copy, RIG_NOW + 1000));
	assert_true(held_is_in(&b.copy));
	assert_int_equal(b.copy.in, 20001);
	assert_int_equal(b.copy.len, 3);
	assert_memory_equal(b.copy.data, "abc", 3);
	assert_false(held_take(b.slot, &b.copy, RIG_NOW + 1000));
	bench_close(&b);
}


static void what_was_judged_knows_where_it_goes(void **state)
{
	const struct addr to = rig_addr("192.0.2.2:5000");
	struct bench b;

	(void)state;
	bench_open(&b);
	held_out(b.slot, 20002, &to);
	assert_true(held_take(b.slot, &b.copy, RIG_NOW));
	assert_false(held_is_in(&b.copy));
	assert_int_equal(b.copy.out, 20002);
	assert_memory_equal(&b.copy.to, &to, sizeof(to));
	bench_close(&b);
}


static void what_was_sent_is_held_no_more(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	held_end(b.slot);
	assert_false(held_take(b.slot, &b.copy, RIG_NOW));
	bench_close(&b);
}


static void what_is_old_or_of_the_future_is_dropped(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	assert_false(held_take(b.slot, &b.copy, RIG_NOW + 1000001));
	bench_close(&b);
	bench_open(&b);
	assert_false(held_take(b.slot, &b.copy, RIG_NOW - 1));
	bench_close(&b);
}


static void break_length(struct media_held *slot)
{
	slot->len = HELD_DATA + 1;
}


static void break_emptiness(struct media_held *slot)
{
	slot->len = 0;
}


static void break_state(struct media_held *slot)
{
	atomic_store(&slot->state, 4711);
}


static void break_family(struct media_held *slot)
{
	slot->from.family = 99;
}


static void break_destination(struct media_held *slot)
{
	const struct addr to = { .family = AF_INET };

	held_out(slot, 20002, &to);
}


static void what_makes_no_sense_is_dropped_and_gone(void **state)
{
	static void (*const faults[])(struct media_held * slot) = {
		break_length, break_emptiness,   break_state,
		break_family, break_destination,
	};
	const struct addr from = rig_addr("192.0.2.1:4000");
	struct bench b;

	(void)state;
	bench_open(&b);
	for (size_t i = 0; i < COUNT_OF(faults); i++) {
		held_in(b.slot, 20001, &from, 3, RIG_NOW);
		faults[i](b.slot);
		assert_false(held_take(b.slot, &b.copy, RIG_NOW));
		assert_int_equal(atomic_load(&b.slot->state), HELD_NOTHING);
	}
	bench_close(&b);
}


static void each_worker_has_slots_of_its_own(void **state)
{
	struct bench b;
	struct held last;

	(void)state;
	bench_open(&b);
	assert_int_equal(held_open(&last, &b.rig.held.segment, 15), 0);
	assert_ptr_not_equal(last.slots[0], b.held.slots[0]);
	assert_false(held_take(last.slots[3], &b.copy, RIG_NOW));
	assert_int_equal(held_open(&last, &b.rig.held.segment, 16), EINVAL);
	bench_close(&b);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_received_is_taken_once),
		cmocka_unit_test(what_was_judged_knows_where_it_goes),
		cmocka_unit_test(what_was_sent_is_held_no_more),
		cmocka_unit_test(what_is_old_or_of_the_future_is_dropped),
		cmocka_unit_test(what_makes_no_sense_is_dropped_and_gone),
		cmocka_unit_test(each_worker_has_slots_of_its_own),
	};

	return T_MAIN_ONLY(tests);
}
