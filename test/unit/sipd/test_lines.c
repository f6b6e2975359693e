/**
 * @file test/unit/sipd/test_lines.c  Lines are counted by many at once
 */
#include <pthread.h>

#include "sipd/lines.h"
#include "test/support/t.h"
#include "test/unit/sipd/segment_rig.h"

enum {
	SLOTC = 1024,
	WORKERC = 4,
};

static const int64_t second_us = 1000000;

struct fixture {
	struct segment_rig rig;
	struct lines *workers[WORKERC];
};


static int setup(void **state)
{
	const struct segment_layout layout = {
		.magic = LINES_MAGIC,
		.version = LINES_VERSION,
		.slot_size = sizeof(struct lines_slot),
		.slotc = SLOTC,
	};
	static struct fixture fixture;
	int err = 0;

	memset(&fixture, 0, sizeof(fixture));
	segment_rig_open(&fixture.rig, "lines", &layout);
	for (uint32_t i = 0; i < WORKERC && !err; i++)
		err = lines_alloc(&fixture.workers[i], &fixture.rig.segment, i,
				  WORKERC);
	*state = &fixture;

	return err;
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < WORKERC; i++)
		lines_free(f->workers[i]);
	segment_rig_close(&f->rig);

	return 0;
}


static void a_sum_is_that_of_all_workers(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < WORKERC; i++)
		for (size_t n = 0; n <= i; n++)
			assert_int_equal(lines_take(f->workers[i],
						    LINES_ROUTING, 7),
					 0);
	for (size_t i = 0; i < WORKERC; i++)
		assert_int_equal(lines_used(f->workers[i], LINES_ROUTING, 7),
				 10);

	lines_give(f->workers[3], LINES_ROUTING, 7);
	assert_int_equal(lines_used(f->workers[0], LINES_ROUTING, 7), 9);
}


static void kinds_and_ids_do_not_mix(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(lines_take(f->workers[0], LINES_ROUTING, 7), 0);
	assert_int_equal(lines_used(f->workers[0], LINES_MAPPING, 7), 0);
	assert_int_equal(lines_used(f->workers[0], LINES_ROUTING, 8), 0);
	assert_int_equal(lines_used(f->workers[0], LINES_ROUTING, UINT32_MAX),
			 0);
}


static void a_look_claims_no_place(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(lines_used(f->workers[0], LINES_PHONE, 1), 0);
	assert_true(lines_rate_left(f->workers[0], LINES_PHONE, 1, 1, 0));
	for (size_t i = 0; i < f->rig.segment.slotc; i++) {
		const struct lines_slot *slot = segment_slot(&f->rig.segment,
							     (uint32_t)i);

		assert_int_equal(slot->key, 0);
	}
}


static void a_worker_that_starts_again_clears_its_own_only(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < WORKERC; i++)
		assert_int_equal(lines_take(f->workers[i], LINES_ALL, 1), 0);
	lines_free(f->workers[2]);
	assert_int_equal(lines_alloc(&f->workers[2], &f->rig.segment, 2,
				     WORKERC),
			 0);
	assert_int_equal(lines_used(f->workers[0], LINES_ALL, 1), 3);
}


static void lines_of_workers_that_are_no_more_are_cleared(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < WORKERC; i++)
		assert_int_equal(lines_take(f->workers[i], LINES_ALL, 1), 0);
	lines_free(f->workers[1]);
	assert_int_equal(lines_alloc(&f->workers[1], &f->rig.segment, 1, 2),
			 0);
	assert_int_equal(lines_used(f->workers[0], LINES_ALL, 1), 3);
	lines_free(f->workers[0]);
	assert_int_equal(lines_alloc(&f->workers[0], &f->rig.segment, 0, 2),
			 0);
	assert_int_equal(lines_used(f->workers[0], LINES_ALL, 1), 0);
}


static void a_full_table_refuses_and_keeps_what_it_has(void **state)
{
	struct fixture *f = *state;
	uint32_t id = 0, full;

	while (lines_take(f->workers[0], LINES_PHONE, id) == 0)
		id++;
	/* Places are searched for near where they belong, so some are left;
	 * not many. */
	assert_true(id > SLOTC * 3 / 4);
	assert_true(id <= SLOTC);
	full = id;
	assert_int_equal(lines_take(f->workers[1], LINES_PHONE, full), ENOSPC);
	assert_int_equal(lines_used(f->workers[0], LINES_PHONE, full), 0);
	/* Without a place to count nothing is held back by its rate. */
	assert_true(lines_rate(f->workers[0], LINES_PHONE, full, 1, 0));
	assert_true(lines_rate(f->workers[0], LINES_PHONE, full, 1, 0));
	assert_true(lines_rate_left(f->workers[0], LINES_PHONE, full, 1, 0));

	for (uint32_t i = 0; i < id; i++)
		assert_int_equal(lines_used(f->workers[1], LINES_PHONE, i), 1);
}


static void workers_share_a_rate(void **state)
{
	struct fixture *f = *state;
	uint32_t taken = 0;

	/* A burst is a second's worth; then ten more come in a second. */
	for (int64_t now = second_us; now <= 2 * second_us; now += 10000)
		for (size_t i = 0; i < WORKERC; i++)
			taken += lines_rate(f->workers[i], LINES_MAPPING, 1,
					    20, now);
	assert_int_equal(taken, 40);
}


static void a_rate_below_the_number_of_workers_still_lets_calls_in(void **state)
{
	struct fixture *f = *state;
	int64_t now = second_us;

	assert_true(lines_rate(f->workers[0], LINES_GROUP, 1, 1, now));
	assert_false(lines_rate(f->workers[0], LINES_GROUP, 1, 1, now));
	now += (WORKERC - 1) * second_us;
	assert_false(lines_rate(f->workers[0], LINES_GROUP, 1, 1, now));
	now += second_us;
	assert_true(lines_rate(f->workers[0], LINES_GROUP, 1, 1, now));
}


static void to_ask_whether_takes_nothing(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 10; i++)
		assert_true(lines_rate_left(f->workers[0], LINES_GROUP, 1,
					    WORKERC, second_us));
	assert_true(
		lines_rate(f->workers[0], LINES_GROUP, 1, WORKERC, second_us));
	assert_false(lines_rate_left(f->workers[0], LINES_GROUP, 1, WORKERC,
				     second_us));
	assert_true(lines_rate_left(f->workers[1], LINES_GROUP, 1, WORKERC,
				    second_us));
}


static void a_limit_of_zero_is_none(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 100; i++) {
		assert_true(lines_rate(f->workers[0], LINES_ACCOUNT, 1, 0, 0));
		assert_true(lines_rate_left(f->workers[0], LINES_ACCOUNT, 1, 0,
					    0));
	}
}


static void a_segment_of_another_form_is_refused(void **state)
{
	struct fixture *f = *state;
	struct segment odd = f->rig.segment;
	struct lines *lines = NULL;

	odd.slot_size = 64;
	assert_int_equal(lines_alloc(&lines, &odd, 0, 1), EINVAL);
	assert_int_equal(lines_alloc(&lines, &f->rig.view, 0, 1), EINVAL);
	assert_int_equal(lines_alloc(&lines, &f->rig.segment,
				     LINES_WORKERS_MAX, 1),
			 EINVAL);
	assert_int_equal(lines_alloc(&lines, &f->rig.segment, 0, 0), EINVAL);
	assert_null(lines);
}


/* Every worker meets every key for the first time, all at once. */
static void *take_all(void *arg)
{
	for (uint32_t turn = 0; turn < 50; turn++)
		for (uint32_t id = 1; id <= 200; id++)
			assert_int_equal(lines_take(arg, LINES_ACCOUNT, id),
					 0);
	for (uint32_t id = 1; id <= 200; id++)
		lines_give(arg, LINES_ACCOUNT, id);

	return NULL;
}


static void workers_that_race_for_a_key_count_in_one_place(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[WORKERC];

	for (size_t i = 0; i < WORKERC; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_all,
						f->workers[i]),
				 0);
	for (size_t i = 0; i < WORKERC; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);

	for (uint32_t id = 1; id <= 200; id++)
		assert_int_equal(lines_used(f->workers[0], LINES_ACCOUNT, id),
				 49 * WORKERC);
}


static int lines_are_counted(void)
{
	const struct segment_layout layout = {
		.magic = LINES_MAGIC,
		.version = LINES_VERSION,
		.slot_size = sizeof(struct lines_slot),
		.slotc = 16,
	};
	struct segment_rig rig;
	struct lines *lines = NULL;
	int err;

	segment_rig_open(&rig, "lines-malloc", &layout);
	err = lines_alloc(&lines, &rig.segment, 0, 1);
	if (!err)
		err = lines_take(lines, LINES_ALL, 1);
	lines_free(lines);
	segment_rig_close(&rig);

	return err;
}


#define TEST(h) cmocka_unit_test_setup_teardown(h, setup, teardown)


int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sum_is_that_of_all_workers),
		TEST(kinds_and_ids_do_not_mix),
		TEST(a_look_claims_no_place),
		TEST(a_worker_that_starts_again_clears_its_own_only),
		TEST(lines_of_workers_that_are_no_more_are_cleared),
		TEST(a_full_table_refuses_and_keeps_what_it_has),
		TEST(workers_share_a_rate),
		TEST(a_rate_below_the_number_of_workers_still_lets_calls_in),
		TEST(to_ask_whether_takes_nothing),
		TEST(a_limit_of_zero_is_none),
		TEST(a_segment_of_another_form_is_refused),
		TEST(workers_that_race_for_a_key_count_in_one_place),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(lines_are_counted),
	};

	return T_MAIN(tests, scenarios);
}
