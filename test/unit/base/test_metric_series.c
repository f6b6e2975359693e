/**
 * @file test/unit/base/test_metric_series.c  Metrics: what comes into being
 * when it is counted, and pages of a release before
 */
#include "test/unit/base/metric_rig.h"


static void labels_behind_a_series_come_into_being_when_counted(void **state)
{
	size_t one, two, used;
	(void)state;

	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	used = rig_records_used();
	one = metric_series(M_GATEWAY_ENDS, "GW1");
	two = metric_series(M_GATEWAY_ENDS, "GW2");
	assert_int_equal(rig_records_used(), used);
	assert_int_equal(metric_get(M_GATEWAY_ENDS, one + 5), 0);
	assert_int_equal(rig_lines_of("gateway=\"GW"), 0);

	metric_inc_at(M_GATEWAY_ENDS, one + 1 * 3 + 2);
	metric_inc_at(M_GATEWAY_ENDS, one + 1 * 3 + 2);
	metric_add_at(M_GATEWAY_ENDS, two, 7);
	assert_int_equal(rig_records_used(), used + 2);
	assert_int_equal(rig_lines_of("gateway=\"GW"), 2);
	assert_true(
		rig_says("t_gateway_ends_total{gateway=\"GW1\",side=\"out\","
			 "code=\"503\"} 2"));
	assert_true(
		rig_says("t_gateway_ends_total{gateway=\"GW2\",side=\"in\","
			 "code=\"200\"} 7"));

	/* The successor has what there was, and goes on. */
	rig_restart();
	assert_int_equal(rig_lines_of("gateway=\"GW"), 0);
	one = metric_series(M_GATEWAY_ENDS, "GW1");
	assert_int_equal(metric_get(M_GATEWAY_ENDS, one + 5), 2);
	assert_int_equal(rig_lines_of("gateway=\"GW"), 1);
	metric_inc_at(M_GATEWAY_ENDS, one + 5);
	assert_int_equal(metric_get(M_GATEWAY_ENDS, one + 5), 3);
	assert_int_equal(rig_records_used(), used + 2);
}


static void what_is_counted_without_a_page_is_in_it_later(void **state)
{
	const size_t one = metric_series(M_GATEWAY_ENDS, "GW1");
	(void)state;

	metric_inc_at(M_GATEWAY_ENDS, one + 1);
	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	metric_inc_at(M_GATEWAY_ENDS, one + 1);
	rig_restart();
	assert_int_equal(metric_get(M_GATEWAY_ENDS,
				    metric_series(M_GATEWAY_ENDS, "GW1") + 1),
			 2);
}


static void a_series_with_labels_behind_goes_as_a_whole(void **state)
{
	size_t one, used;
	(void)state;

	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	used = rig_records_used();
	one = metric_series(M_GATEWAY_ENDS, "GW1");
	for (size_t i = 0; i < 6; i++)
		metric_inc_at(M_GATEWAY_ENDS, one + i);
	assert_int_equal(rig_records_used(), used + 6);
	metric_series_drop(M_GATEWAY_ENDS, one);
	assert_int_equal(rig_records_used(), used);
	/* Who still has its index counts for nobody. */
	metric_inc_at(M_GATEWAY_ENDS, one + 3);
	assert_int_equal(rig_records_used(), used);
	assert_int_equal(rig_lines_of("GW1"), 0);

	assert_int_equal(metric_series(M_GATEWAY_ENDS, "GW2"), one);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(metric_get(M_GATEWAY_ENDS, one + i), 0);
}


static void gauges_take_no_room_in_the_page(void **state)
{
	size_t used;
	(void)state;

	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	used = rig_records_used();
	assert_null(rig_record_of("t_active"));
	metric_set_at(M_GATEWAY_LINES, metric_series(M_GATEWAY_LINES, "GW1"),
		      -4);
	assert_true(rig_says("t_gateway_lines{gateway=\"GW1\"} -4"));
	assert_int_equal(rig_records_used(), used);
	rig_restart();
	(void)metric_series(M_GATEWAY_LINES, "GW1");
	assert_true(rig_says("t_gateway_lines{gateway=\"GW1\"} 0"));
}


static void thousandths_are_told_with_decimals(void **state)
{
	static const struct {
		int64_t value;
		const char *line;
	} rows[] = {
		{ 0, "t_ratio{gateway=\"GW1\"} 0.000" },
		{ 7, "t_ratio{gateway=\"GW1\"} 0.007" },
		{ 1000, "t_ratio{gateway=\"GW1\"} 1.000" },
		{ 184250, "t_ratio{gateway=\"GW1\"} 184.250" },
		{ -1, "t_ratio{gateway=\"GW1\"} -0.001" },
		{ INT64_MAX, "t_ratio{gateway=\"GW1\"} 9223372036854775.807" },
		{ METRIC_NONE, "t_ratio{gateway=\"GW1\"} NaN" },
	};
	const size_t one = metric_series(M_RATIO, "GW1");
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		metric_set_at(M_RATIO, one, rows[i].value);
		if (!rig_says(rows[i].line))
			fail_msg("not told: %s", rows[i].line);
	}
	assert_true(rig_says("# TYPE t_ratio gauge"));
}


/* What no row asks for any more gives way, and only that. */
static void what_nobody_claims_makes_room(void **state)
{
	char name[32];
	size_t used;
	(void)state;

	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	metric_add(M_CALLS, 5);
	for (int i = 0; i < RECORDC; i++) {
		(void)snprintf(name, sizeof(name), "old%d", i);
		metric_inc_at(M_GATEWAY_CALLS,
			      metric_series(M_GATEWAY_CALLS, name));
	}
	assert_int_equal(rig_records_used(), RECORDC);

	rig_restart();
	used = rig_records_used();
	assert_int_equal(used, RECORDC);
	metric_inc_at(M_GATEWAY_CALLS, metric_series(M_GATEWAY_CALLS, "old3"));
	for (int i = 0; i < RECORDC; i++) {
		(void)snprintf(name, sizeof(name), "new%d", i);
		metric_inc_at(M_GATEWAY_CALLS,
			      metric_series(M_GATEWAY_CALLS, name));
	}
	rig_restart();
	assert_int_equal(metric_get(M_CALLS, 0), 5);
	assert_int_equal(metric_get(M_GATEWAY_CALLS,
				    metric_series(M_GATEWAY_CALLS, "old3")),
			 2);
	assert_int_equal(metric_get(M_GATEWAY_CALLS,
				    metric_series(M_GATEWAY_CALLS, "new0")),
			 1);
}


/* --- a page of another size, which the release before left ---------------- */

enum {
	OLD_RECORDC = 120,
	OLD_BYTES = 64 + OLD_RECORDC * 192,
};


static void an_old_page_goes_on_in_a_larger_one(void **state)
{
	static _Alignas(64) uint8_t old[OLD_BYTES];
	size_t one;
	(void)state;

	memset(old, 0, sizeof(old));
	metric_detach();
	assert_int_equal(metric_setup(rig_defs, COUNT_OF(rig_defs)), 0);
	assert_int_equal(metric_attach(old, sizeof(old)), 0);
	metric_add(M_CALLS, 100);
	one = metric_series(M_GATEWAY_ENDS, "GW1");
	metric_inc_at(M_GATEWAY_ENDS, one + 4);
	metric_observe_us(M_SETUP, 1, 1500);
	metric_detach();

	assert_int_equal(metric_page_copy(rig_page, sizeof(rig_page), old,
					  sizeof(old)),
			 0);
	rig_restart();
	assert_int_equal(metric_get(M_CALLS, 0), 100);
	assert_int_equal(metric_get(M_GATEWAY_ENDS,
				    metric_series(M_GATEWAY_ENDS, "GW1") + 4),
			 1);
	assert_true(rig_says("t_setup_seconds_sum{side=\"out\"} 0.001500"));

	/* Once: what was counted since is not lost to a second start. */
	metric_inc(M_CALLS);
	assert_int_equal(metric_page_copy(rig_page, sizeof(rig_page), old,
					  sizeof(old)),
			 EEXIST);
	rig_restart();
	assert_int_equal(metric_get(M_CALLS, 0), 101);
}


static void an_old_page_that_makes_no_sense_is_left_alone(void **state)
{
	static _Alignas(64) uint8_t old[OLD_BYTES];
	(void)state;

	memset(old, 0xa5, sizeof(old));
	assert_int_equal(metric_page_copy(rig_page, sizeof(rig_page), old,
					  sizeof(old)),
			 EBADMSG);
	memset(old, 0, sizeof(old));
	assert_int_equal(metric_page_copy(rig_page, sizeof(rig_page), old,
					  sizeof(old)),
			 EBADMSG);
	assert_int_equal(metric_attach(old, sizeof(old)), 0);
	assert_int_equal(metric_page_copy(rig_page, sizeof(rig_page), old,
					  sizeof(old) - 192),
			 EBADMSG);
	assert_int_equal(metric_page_copy(rig_page, sizeof(rig_page), old, 64),
			 EINVAL);
	for (size_t i = 0; i < sizeof(rig_page); i++)
		assert_int_equal(rig_page[i], 0);
	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
}


/* 500 gateways, as a switch has them, in the page of a daemon */
static void five_hundred_gateways_have_their_place(void **state)
{
	const size_t size = metric_page_size(10240);
	uint8_t *large = aligned_alloc(64, size);
	char name[32];
	(void)state;

	assert_non_null(large);
	assert_true(size < 2 * 1024 * 1024);
	memset(large, 0, size);
	assert_int_equal(metric_attach(large, size), 0);
	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < 500; i++) {
			size_t ends;

			(void)snprintf(name, sizeof(name), "GW%d", i);
			ends = metric_series(M_GATEWAY_ENDS, name);
			for (size_t k = 0; k < 6; k++)
				metric_inc_at(M_GATEWAY_ENDS, ends + k);
			metric_observe_us(M_GATEWAY_SETUP,
					  metric_series(M_GATEWAY_SETUP, name),
					  (uint64_t)i * 1000);
		}
		metric_detach();
		assert_int_equal(metric_setup(rig_defs, COUNT_OF(rig_defs)),
				 0);
		assert_int_equal(metric_attach(large, size), 0);
	}
	assert_int_equal(metric_get(M_GATEWAY_ENDS,
				    metric_series(M_GATEWAY_ENDS, "GW499") +
					    5),
			 2);
	metric_detach();
	free(large);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		T(labels_behind_a_series_come_into_being_when_counted),
		T(what_is_counted_without_a_page_is_in_it_later),
		T(a_series_with_labels_behind_goes_as_a_whole),
		T(gauges_take_no_room_in_the_page),
		T(thousandths_are_told_with_decimals),
		T(what_nobody_claims_makes_room),
		T(an_old_page_goes_on_in_a_larger_one),
		T(an_old_page_that_makes_no_sense_is_left_alone),
		T(five_hundred_gateways_have_their_place),
	};

	return T_MAIN_ONLY(tests);
}
