/**
 * @file test/unit/mediad/test_portpool.c  Who gets which ports
 */
#include "mediad/portpool.h"
#include "test/support/t.h"

enum {
	PAIRS = 100,
};

#define NOW ((int64_t)100000000)


static int make(struct portpool **poolp)
{
	const int err = portpool_alloc(poolp, PAIRS);

	for (uint32_t i = 0; !err && i < PAIRS; i++)
		portpool_add(*poolp, i, NOW - PORTPOOL_REST_US);
	if (!err)
		portpool_sort(*poolp, NOW);

	return err;
}


static void each_pair_is_taken_once_and_then_none_is_left(void **state)
{
	struct portpool *pool;
	bool taken[PAIRS] = { false };
	uint32_t pair;

	(void)state;
	assert_int_equal(make(&pool), 0);
	for (unsigned i = 0; i < PAIRS; i++) {
		assert_int_equal(portpool_take(pool, &pair, NOW), 0);
		assert_in_range(pair, 0, PAIRS - 1);
		assert_false(taken[pair]);
		taken[pair] = true;
	}
	assert_int_equal(portpool_take(pool, &pair, NOW), EADDRNOTAVAIL);
	assert_int_equal(portpool_left(pool), 0);
	portpool_free(pool);
}


static void one_given_back_rests_for_two_seconds(void **state)
{
	struct portpool *pool;
	uint32_t pair;

	(void)state;
	assert_int_equal(portpool_alloc(&pool, 1), 0);
	portpool_add(pool, 0, NOW);
	portpool_sort(pool, NOW);
	assert_int_equal(portpool_take(pool, &pair, NOW + 1999999),
			 EADDRNOTAVAIL);
	assert_int_equal(portpool_take(pool, &pair, NOW + 2000000), 0);
	portpool_free(pool);
}


/* Half of the others go before it. */
static void the_last_used_is_used_last(void **state)
{
	struct portpool *pool;
	int64_t now_us = NOW;
	uint32_t last, pair;

	(void)state;
	assert_int_equal(make(&pool), 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(portpool_take(pool, &last, now_us), 0);
		portpool_give(pool, last, now_us);
		now_us += PORTPOOL_REST_US;
		assert_int_equal(portpool_take(pool, &pair, now_us), 0);
		assert_int_not_equal(pair, last);
		portpool_give(pool, pair, now_us);
		now_us += PORTPOOL_REST_US;
	}
	portpool_free(pool);
}


/* Three in a row by chance: once in 10^6 runs for each */
static void they_do_not_come_in_order(void **state)
{
	struct portpool *pool;
	unsigned steps = 0;
	uint32_t before, pair;

	(void)state;
	assert_int_equal(make(&pool), 0);
	assert_int_equal(portpool_take(pool, &before, NOW), 0);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(portpool_take(pool, &pair, NOW), 0);
		steps += pair == before + 1;
		before = pair;
	}
	assert_in_range(steps, 0, 10);
	portpool_free(pool);
}


static void a_certain_one_can_be_taken_out(void **state)
{
	struct portpool *pool;
	uint32_t pair;

	(void)state;
	assert_int_equal(make(&pool), 0);
	assert_int_equal(portpool_take_this(pool, 42), 0);
	assert_int_equal(portpool_take_this(pool, 42), ENOENT);
	for (unsigned i = 0; i < PAIRS - 1; i++) {
		assert_int_equal(portpool_take(pool, &pair, NOW), 0);
		assert_int_not_equal(pair, 42);
	}
	portpool_free(pool);
}


static int a_pool_is_made(void)
{
	struct portpool *pool = NULL;
	const int err = make(&pool);

	if (!err)
		portpool_free(pool);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			each_pair_is_taken_once_and_then_none_is_left),
		cmocka_unit_test(one_given_back_rests_for_two_seconds),
		cmocka_unit_test(the_last_used_is_used_last),
		cmocka_unit_test(they_do_not_come_in_order),
		cmocka_unit_test(a_certain_one_can_be_taken_out),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_pool_is_made),
	};

	return T_MAIN(tests, scenarios);
}
