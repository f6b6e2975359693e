/**
 * @file test/unit/regd/test_upstream_bound.c  May a gateway be used?
 */
#include "shared/reg/upstream.h"
#include "test/support/t.h"
#include "test/unit/sipd/segment_rig.h"

enum {
	SLOTC = 64,
};


static int setup(void **state)
{
	const struct segment_layout layout = {
		.magic = UPSTREAM_BOUND_MAGIC,
		.version = UPSTREAM_BOUND_VERSION,
		.slot_size = UPSTREAM_BOUND_SLOT_SIZE,
		.slotc = SLOTC,
	};
	static struct segment_rig rig;

	segment_rig_open(&rig, "bound", &layout);
	*state = &rig;

	return 0;
}


static int teardown(void **state)
{
	segment_rig_close(*state);

	return 0;
}


static void it_may_while_its_binding_lives(void **state)
{
	struct segment_rig *rig = *state;

	assert_false(upstream_is_bound(&rig->view, 7, 100));
	assert_int_equal(upstream_bound_set(&rig->segment, 7, 200), 0);
	assert_true(upstream_is_bound(&rig->view, 7, 199));
	assert_false(upstream_is_bound(&rig->view, 7, 200));
	assert_false(upstream_is_bound(&rig->view, 8, 199));
	assert_int_equal(upstream_bound_set(&rig->segment, 7, 400), 0);
	assert_true(upstream_is_bound(&rig->view, 7, 399));
	assert_int_equal(upstream_bound_set(&rig->segment, 7, 0), 0);
	assert_false(upstream_is_bound(&rig->view, 7, 100));
}


static void nobodys_record_is_none(void **state)
{
	struct segment_rig *rig = *state;

	assert_false(upstream_is_bound(&rig->view, 0, 0));
	assert_int_equal(upstream_bound_set(&rig->segment, 0, 9), ENOSPC);
	assert_int_equal(upstream_bound_set(&rig->segment, 0, 0), 0);
}


static void many_find_their_place_and_give_it_back(void **state)
{
	const uint32_t most = SLOTC * UPSTREAM_BOUND_CELLS;
	struct segment_rig *rig = *state;

	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 1; i <= most; i++)
			assert_int_equal(upstream_bound_set(&rig->segment,
							    i * 3, 9),
					 0);
		assert_int_equal(upstream_bound_set(&rig->segment, 5, 9),
				 ENOSPC);
		for (uint32_t i = 1; i <= most; i++)
			assert_true(upstream_is_bound(&rig->view, i * 3, 8));
		for (uint32_t i = 1; i <= most; i++)
			assert_int_equal(upstream_bound_set(&rig->segment,
							    i * 3, 0),
					 0);
	}
}


static bool is_seven(uint32_t record, void *arg)
{
	(void)arg;

	return record == 7;
}


static void those_of_a_predecessor_that_are_unknown_go(void **state)
{
	struct segment_rig *rig = *state;

	assert_int_equal(upstream_bound_set(&rig->segment, 7, 9), 0);
	assert_int_equal(upstream_bound_set(&rig->segment, 8, 9), 0);
	upstream_bound_sweep(&rig->segment, is_seven, NULL);
	assert_true(upstream_is_bound(&rig->view, 7, 8));
	assert_false(upstream_is_bound(&rig->view, 8, 8));
}

#define TEST(h) cmocka_unit_test_setup_teardown(h, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_may_while_its_binding_lives),
		TEST(nobodys_record_is_none),
		TEST(many_find_their_place_and_give_it_back),
		TEST(those_of_a_predecessor_that_are_unknown_go),
	};

	return T_MAIN_ONLY(tests);
}
