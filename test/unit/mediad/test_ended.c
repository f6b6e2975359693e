/**
 * @file test/unit/mediad/test_ended.c  Figures that are asked for again
 */
#include "mediad/ended.h"
#include "test/support/t.h"

#define NOW ((int64_t)100000000)


static struct media_flow flow(uint64_t packets)
{
	return (struct media_flow){ .packets = packets };
}


static void what_was_counted_is_found_until_others_need_the_room(void **state)
{
	struct ended *ended;

	(void)state;
	assert_int_equal(ended_alloc(&ended), 0);
	for (uint64_t i = 1; i <= ENDED_ROWS + 1; i++) {
		const struct media_flow a = flow(i), b = flow(2 * i);

		ended_add(ended, i, &a, i % 2 ? &b : NULL, NOW + (int64_t)i);
	}

	assert_null(ended_find(ended, 1));
	assert_null(ended_find(ended, ENDED_ROWS + 2));
	for (uint64_t i = 2; i <= ENDED_ROWS + 1; i++) {
		const struct ended_row *row = ended_find(ended, i);

		assert_non_null(row);
		assert_int_equal(row->flows[0].packets, i);
		assert_int_equal(row->flows[1].packets, i % 2 ? 2 * i : 0);
		assert_int_equal(row->has_b, i % 2);
		assert_int_equal(row->at_us, NOW + (int64_t)i);
	}
	ended_free(ended);
}


static void the_last_end_of_a_session_is_what_counts(void **state)
{
	const struct media_flow before = flow(7), after = flow(8);
	const struct ended_row *row;
	struct ended *ended;

	(void)state;
	assert_int_equal(ended_alloc(&ended), 0);
	ended_add(ended, 5, &before, &before, NOW);
	ended_add(ended, 5, &after, NULL, NOW + 1);

	row = ended_find(ended, 5);
	assert_non_null(row);
	assert_int_equal(row->flows[0].packets, 8);
	assert_int_equal(row->at_us, NOW + 1);
	assert_false(row->has_b);
	ended_free(ended);
}


static int one_is_remembered(void)
{
	const struct media_flow a = flow(3);
	struct ended *ended;
	int err;

	err = ended_alloc(&ended);
	if (err)
		return err;

	/* Without memory it may not be found, and nothing else happens. */
	for (uint64_t i = 1; i <= ENDED_ROWS + 10; i++)
		ended_add(ended, i, &a, NULL, NOW);
	ended_free(ended);

	return 0;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_was_counted_is_found_until_others_need_the_room),
		cmocka_unit_test(the_last_end_of_a_session_is_what_counts),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(one_is_remembered),
	};

	return T_MAIN(tests, scenarios);
}
