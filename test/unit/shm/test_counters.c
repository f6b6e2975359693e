/**
 * @file test/unit/shm/test_counters.c  Counts across releases whose page has
 * another size
 */
#include <unistd.h>

#include "shared/base/metric.h"
#include "shared/base/metric_labels.h"
#include "shared/shm/counters.h"
#include "shared/shm/life.h"
#include "test/support/t.h"
#include "test/unit/shm/rig.h"

enum {
	OLD_SERIES = 2048,
	M_CALLS = M_COMMONC,
	M_OF_GATEWAY,
};

static const struct metric_def defs[] = {
	{ METRIC_COUNTER, "t_calls_total", LABELS_NONE, "Calls" },
	{ METRIC_COUNTER, "t_gateway_total", LABELS_DYNAMIC("gateway"),
	  "Calls of a gateway" },
};

static struct {
	char name[2][SEGMENT_NAME_MAX];
	int fd[2];
	struct segment segment[2];
} world;


static void make(size_t i, uint16_t version, size_t slot_size)
{
	const struct segment_layout layout = { COUNTERS_MAGIC, version,
					       (uint32_t)slot_size, 1 };
	char why[160];
	bool found;

	assert_int_equal(segment_create(&world.fd[i], &found, world.name[i],
					&layout, "n", why, sizeof(why)),
			 0);
	assert_int_equal(segment_map(&world.segment[i], world.fd[i], &layout,
				     true, why, sizeof(why)),
			 0);
}


static int setup(void **state)
{
	(void)state;
	rig_name(world.name[0], "old");
	rig_name(world.name[1], "new");
	make(0, COUNTERS_VERSION - 1, metric_page_size(OLD_SERIES));
	make(1, COUNTERS_VERSION, COUNTERS_SIZE);

	return metric_setup(defs, COUNT_OF(defs));
}


static int teardown(void **state)
{
	(void)state;
	metric_detach();
	for (size_t i = 0; i < 2; i++) {
		segment_unmap(&world.segment[i]);
		(void)close(world.fd[i]);
		(void)segment_unlink(world.name[i]);
	}

	return 0;
}


/* As the release before did it */
static void count_before(void)
{
	assert_int_equal(metric_attach(segment_slot(&world.segment[0], 0),
				       metric_page_size(OLD_SERIES)),
			 0);
	metric_add(M_CALLS, 5);
	metric_inc_at(M_OF_GATEWAY, metric_series(M_OF_GATEWAY, "GW1"));
	metric_detach();
	assert_int_equal(metric_setup(defs, COUNT_OF(defs)), 0);
}


static void a_page_is_below_2_mb(void **state)
{
	(void)state;
	assert_int_equal(metric_page_size(COUNTERS_SERIES), COUNTERS_SIZE);
	assert_true(COUNTERS_SIZE < 2 * 1024 * 1024);
}


static void counts_of_the_release_before_go_on(void **state)
{
	(void)state;

	count_before();
	assert_int_equal(counters_attach(&world.segment[1], world.fd[0]), 0);
	metric_inc(M_CALLS);
	assert_int_equal(metric_get(M_CALLS, 0), 6);
	assert_int_equal(metric_get(M_OF_GATEWAY,
				    metric_series(M_OF_GATEWAY, "GW1")),
			 1);

	/* Killed before the supervisor knew that it was done */
	metric_detach();
	assert_int_equal(metric_setup(defs, COUNT_OF(defs)), 0);
	assert_int_equal(counters_attach(&world.segment[1], world.fd[0]), 0);
	assert_int_equal(metric_get(M_CALLS, 0), 6);
}


static void what_is_not_a_page_before_is_not_missed(void **state)
{
	(void)state;

	/* Never written; not the version before; no segment at all */
	assert_int_equal(counters_attach(&world.segment[1], world.fd[0]), 0);
	assert_int_equal(counters_attach(&world.segment[1], world.fd[1]), 0);
	assert_int_equal(counters_attach(&world.segment[1], STDIN_FILENO), 0);
	assert_int_equal(counters_attach(&world.segment[1], -1), 0);
	assert_int_equal(metric_get(M_CALLS, 0), 0);
}


static void a_page_that_makes_no_sense_is_cleared(void **state)
{
	uint8_t *page = segment_slot(&world.segment[1], 0);
	(void)state;

	assert_int_equal(counters_attach(&world.segment[1], -1), 0);
	metric_inc(M_CALLS);
	metric_detach();
	assert_int_equal(metric_setup(defs, COUNT_OF(defs)), 0);
	page[3] ^= 1;
	assert_int_equal(counters_attach(&world.segment[1], -1), EBADMSG);
	metric_inc(M_CALLS);
	assert_int_equal(metric_get(M_CALLS, 0), 1);
	metric_detach();
	assert_int_equal(metric_setup(defs, COUNT_OF(defs)), 0);
	assert_int_equal(counters_attach(&world.segment[1], -1), 0);
	assert_int_equal(metric_get(M_CALLS, 0), 1);
}


#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_page_is_below_2_mb),
		TEST(counts_of_the_release_before_go_on),
		TEST(what_is_not_a_page_before_is_not_missed),
		TEST(a_page_that_makes_no_sense_is_cleared),
	};

	return T_MAIN_ONLY(tests);
}
