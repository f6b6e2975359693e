/**
 * @file test/unit/ipc/test_bus_pending.c  The table of requests that wait
 */
#include "shared/base/util.h"
#include "shared/ipc/bus_parts.h"
#include "test/support/t.h"


static void what_is_taken_is_found_by_its_id_until_it_is_given(void **state)
{
	struct pendings *table;
	struct pending *p;
	uint64_t id;
	(void)state;

	assert_int_equal(pendings_alloc(&table, 42), 0);
	assert_int_equal(pendings_take(table, &p), 0);
	id = p->id;
	assert_ptr_equal(pendings_find(table, id), p);
	assert_int_equal(pendings_count(table), 1);

	pendings_give(table, p);
	assert_null(pendings_find(table, id));
	assert_int_equal(pendings_count(table), 0);
	pendings_free(table);
}


/* The place is used again at once, the id is not: a late answer must not end
 * the request that is there now. */
static void an_old_id_does_not_find_the_new_request_in_its_place(void **state)
{
	struct pendings *table;
	struct pending *p, *again;
	uint64_t old;
	(void)state;

	assert_int_equal(pendings_alloc(&table, 42), 0);
	assert_int_equal(pendings_take(table, &p), 0);
	old = p->id;
	pendings_give(table, p);
	assert_int_equal(pendings_take(table, &again), 0);

	assert_ptr_equal(again, p);
	assert_int_not_equal(again->id, old);
	assert_null(pendings_find(table, old));
	pendings_free(table);
}


static void an_answer_for_our_predecessor_finds_nothing(void **state)
{
	struct pendings *before, *now;
	struct pending *p, *q;
	(void)state;

	assert_int_equal(pendings_alloc(&before, 0x123456789abcdef0), 0);
	assert_int_equal(pendings_alloc(&now, 0xfedcba9876543210), 0);
	assert_int_equal(pendings_take(before, &p), 0);
	assert_int_equal(pendings_take(now, &q), 0);

	assert_null(pendings_find(now, p->id));
	pendings_free(before);
	pendings_free(now);
}


static void no_id_is_zero_even_when_the_numbers_wrap(void **state)
{
	struct pendings *table;
	(void)state;

	/* The next number is 0 in the 48 bits that ids have for it. */
	assert_int_equal(pendings_alloc(&table, UINT64_MAX >> 16), 0);
	for (int i = 0; i < 3; i++) {
		struct pending *p;

		assert_int_equal(pendings_take(table, &p), 0);
		assert_int_not_equal(p->id >> 16, 0);
		assert_ptr_equal(pendings_find(table, p->id), p);
	}
	pendings_free(table);
}


static void ids_nobody_gave_out_find_nothing(void **state)
{
	const uint64_t ids[] = { 0,     1,          65535,
				 65536, UINT64_MAX, (uint64_t)43 << 16 | 300 };
	struct pendings *table;
	struct pending *p;
	(void)state;

	assert_int_equal(pendings_alloc(&table, 42), 0);
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		assert_null(pendings_find(table, ids[i]));

	assert_int_equal(pendings_take(table, &p), 0);
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		assert_null(pendings_find(table, ids[i]));
	pendings_free(table);
}


static void the_table_is_bounded_and_every_place_is_used_again(void **state)
{
	static struct pending *all[BUS_PENDING_MAX];
	struct pendings *table;
	struct pending *one;
	(void)state;

	assert_int_equal(pendings_alloc(&table, 7), 0);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < BUS_PENDING_MAX; i++)
			assert_int_equal(pendings_take(table, &all[i]), 0);
		assert_int_equal(pendings_take(table, &one), ENOBUFS);
		assert_int_equal(pendings_count(table), BUS_PENDING_MAX);

		for (size_t i = 0; i < BUS_PENDING_MAX; i++)
			assert_ptr_equal(pendings_find(table, all[i]->id),
					 all[i]);
		for (size_t i = 0; i < BUS_PENDING_MAX; i++)
			pendings_give(table, all[i]);
	}
	pendings_free(table);
}


static void the_walk_meets_each_once_also_when_they_go_meanwhile(void **state)
{
	struct pendings *table;
	struct pending *p;
	uint32_t i = 0, met = 0;
	(void)state;

	assert_int_equal(pendings_alloc(&table, 7), 0);
	for (int n = 0; n < 1000; n++)
		assert_int_equal(pendings_take(table, &p), 0);

	while ((p = pendings_next(table, &i))) {
		met++;
		pendings_give(table, p);
	}
	assert_int_equal(met, 1000);
	assert_int_equal(pendings_count(table), 0);
	pendings_free(table);
}


static void bytes_kept_are_a_copy_and_bounded_in_all(void **state)
{
	static uint8_t large[BUS_BYTES_MAX];
	const size_t most = PENDING_BYTES_MAX / BUS_BYTES_MAX;
	struct pendings *table;
	struct pending *p, *first;
	char text[] = "request";
	(void)state;

	assert_int_equal(pendings_alloc(&table, 7), 0);
	assert_int_equal(pendings_take(table, &first), 0);
	assert_int_equal(pending_keep(table, first, (const uint8_t *)text,
				      sizeof(text)),
			 0);
	memset(text, 'x', sizeof(text));
	assert_string_equal((const char *)first->data, "request");

	/* Kept anew: what it had does not count any more. */
	assert_int_equal(pending_keep(table, first, large, sizeof(large)), 0);
	for (size_t i = 1; i < most; i++) {
		assert_int_equal(pendings_take(table, &p), 0);
		assert_int_equal(pending_keep(table, p, large, sizeof(large)),
				 0);
	}
	assert_int_equal(pendings_take(table, &p), 0);
	assert_int_equal(pending_keep(table, p, large, 1), ENOBUFS);

	pendings_give(table, first);
	assert_int_equal(pending_keep(table, p, large, sizeof(large)), 0);
	pendings_free(table);
}


static int requests_come_and_go(void)
{
	static uint8_t large[4096];
	struct pendings *table;
	struct pending *p = NULL;
	int err;

	err = pendings_alloc(&table, 7);
	if (err)
		return err;

	for (int i = 0; i < 300 && !err; i++) {
		err = pendings_take(table, &p);
		if (!err && i % 100 == 0)
			err = pending_keep(table, p, large, sizeof(large));
	}
	if (!err)
		pendings_give(table, p);
	pendings_free(table);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test(f)
		T(what_is_taken_is_found_by_its_id_until_it_is_given),
		T(an_old_id_does_not_find_the_new_request_in_its_place),
		T(an_answer_for_our_predecessor_finds_nothing),
		T(no_id_is_zero_even_when_the_numbers_wrap),
		T(ids_nobody_gave_out_find_nothing),
		T(the_table_is_bounded_and_every_place_is_used_again),
		T(the_walk_meets_each_once_also_when_they_go_meanwhile),
		T(bytes_kept_are_a_copy_and_bounded_in_all),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(requests_come_and_go),
	};

	return T_MAIN(tests, scenarios);
}
