/**
 * @file test/unit/base/test_metric.c  Numbers that outlive the process
 */
#include <ctype.h>

#include "test/unit/base/metric_rig.h"

static void values_are_counted_before_there_is_a_page(void **state)
{
	(void)state;
	metric_inc(M_CALLS);
	metric_add(M_CALLS, 4);
	metric_set(M_ACTIVE, -3);
	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	metric_inc(M_CALLS);
	assert_int_equal(metric_get(M_CALLS, 0), 6);
	assert_true(rig_says("t_calls_total 6"));
	assert_true(rig_says("t_active -3"));
}


static void counters_go_on_and_gauges_begin_at_0(void **state)
{
	(void)state;
	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	metric_add(M_CALLS, 100);
	metric_set(M_ACTIVE, 7);
	metric_inc_at(M_ANSWERS, 4);
	metric_observe_us(M_SETUP, 1, 1500);

	rig_restart();
	assert_int_equal(metric_get(M_CALLS, 0), 100);
	assert_int_equal(metric_get(M_ACTIVE, 0), 0);
	assert_int_equal(metric_get(M_ANSWERS, 4), 1);
	assert_true(rig_says("t_setup_seconds_count{side=\"out\"} 1"));
	assert_true(rig_says("t_setup_seconds_sum{side=\"out\"} 0.001500"));
}


static void attaching_twice_counts_once(void **state)
{
	(void)state;
	metric_add(M_CALLS, 5);
	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	assert_int_equal(metric_get(M_CALLS, 0), 5);
}


static void a_release_with_other_rows_finds_the_old_values(void **state)
{
	static const struct metric_def next[] = {
		{ METRIC_COUNTER, "t_new_total", LABELS_NONE, "New" },
		{ METRIC_GAUGE, "t_answers_total", LABELS_NONE, "Was other" },
		{ METRIC_COUNTER, "t_calls_total", LABELS_NONE, "Calls" },
	};
	size_t used;
	(void)state;

	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	metric_add(M_CALLS, 100);
	metric_inc_at(M_ANSWERS, 4);
	used = rig_records_used();

	rig_restart_with(next, COUNT_OF(next));
	assert_int_equal(metric_get(M_COMMONC + 2, 0), 100);
	assert_int_equal(metric_get(M_COMMONC, 0), 0);
	assert_true(rig_says("t_new_total 0"));
	/* Rows that are gone made room. */
	assert_true(rig_records_used() < used);
	assert_null(rig_record_of("t_active"));
	assert_null(rig_record_of("t_setup_seconds_sum{side=\"in\"}"));
}


static void two_labels_are_row_major_and_beyond_is_the_last(void **state)
{
	(void)state;
	metric_inc_at(M_ANSWERS, 0 * 3 + 2);
	metric_add_at(M_ANSWERS, 1 * 3 + 1, 2);
	metric_inc_at(M_ANSWERS, 6);
	metric_inc_at(M_ANSWERS, SIZE_MAX);
	metric_inc_at(M_ANSWERS, SIZE_MAX / 2 + 1);
	assert_true(rig_says("t_answers_total{side=\"in\",code=\"503\"} 1"));
	assert_true(rig_says("t_answers_total{side=\"out\",code=\"404\"} 2"));
	assert_true(rig_says("t_answers_total{side=\"out\",code=\"503\"} 3"));
	assert_true(rig_says("t_answers_total{side=\"in\",code=\"200\"} 0"));
}


static void wrong_ids_are_ignored(void **state)
{
	static const unsigned ids[] = { M_COMMONC + COUNT_OF(rig_defs), 255,
					256, UINT32_MAX };
	char *before, *after;
	size_t len = 0, len_after = 0;
	(void)state;

	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	before = metric_print(&len);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		metric_inc(ids[i]);
		metric_set_at(ids[i], 7, 3);
		metric_observe_us(ids[i], 0, 5);
		metric_series_drop(ids[i], 0);
		assert_true(metric_series(ids[i], "a") == SIZE_MAX);
	}
	/* Not a histogram, not dynamic, no such series */
	metric_observe_us(M_CALLS, 0, 5);
	assert_true(metric_series(M_CALLS, "a") == SIZE_MAX);
	metric_inc_at(M_GATEWAY_CALLS, SIZE_MAX);
	metric_inc_at(M_GATEWAY_CALLS, 0);
	metric_observe_us(M_GATEWAY_SETUP, SIZE_MAX, 5);
	metric_observe_us(M_GATEWAY_SETUP, 1, 5);
	metric_series_drop(M_GATEWAY_CALLS, SIZE_MAX);
	after = metric_print(&len_after);
	assert_int_equal(len, len_after);
	assert_memory_equal(before, after, len);
	free(before);
	free(after);

	metric_detach();
	metric_inc(M_CALLS);
}


static void histograms_are_cumulative_and_exact(void **state)
{
	(void)state;
	metric_observe_us(M_SETUP, 0, 0);
	metric_observe_us(M_SETUP, 0, 1000);
	metric_observe_us(M_SETUP, 0, 1001);
	metric_observe_us(M_SETUP, 0, 10000000);
	metric_observe_us(M_SETUP, 0, 10000001);
	assert_true(
		rig_says("t_setup_seconds_bucket{side=\"in\",le=\"0.001\"} "
			 "2"));
	assert_true(
		rig_says("t_setup_seconds_bucket{side=\"in\",le=\"0.002\"} "
			 "3"));
	assert_true(
		rig_says("t_setup_seconds_bucket{side=\"in\",le=\"5\"} 3"));
	assert_true(
		rig_says("t_setup_seconds_bucket{side=\"in\",le=\"10\"} 4"));
	assert_true(
		rig_says("t_setup_seconds_bucket{side=\"in\",le=\"+Inf\"} 5"));
	assert_true(rig_says("t_setup_seconds_count{side=\"in\"} 5"));
	assert_true(rig_says("t_setup_seconds_sum{side=\"in\"} 20.002002"));
	assert_true(rig_says("t_setup_seconds_count{side=\"out\"} 0"));
}


static void series_are_made_by_their_label(void **state)
{
	size_t one, two, hist;
	(void)state;

	one = metric_series(M_GATEWAY_CALLS, "GW1");
	hist = metric_series(M_GATEWAY_SETUP, "GW1");
	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	two = metric_series(M_GATEWAY_CALLS, "GW2");
	assert_true(one != two && one != SIZE_MAX && two != SIZE_MAX);
	assert_int_equal(metric_series(M_GATEWAY_CALLS, "GW1"), one);

	metric_inc_at(M_GATEWAY_CALLS, one);
	metric_add_at(M_GATEWAY_CALLS, two, 2);
	metric_observe_us(M_GATEWAY_SETUP, hist, 3000000);
	metric_observe_us(M_GATEWAY_SETUP,
			  metric_series(M_GATEWAY_SETUP, "GW2"), 1);

	/* The successor meets them in another order. */
	rig_restart();
	assert_false(rig_says("t_gateway_calls_total{gateway=\"GW1\"} 1"));
	two = metric_series(M_GATEWAY_CALLS, "GW2");
	assert_int_equal(metric_get(M_GATEWAY_CALLS, two), 2);
	(void)metric_series(M_GATEWAY_SETUP, "GW2");
	(void)metric_series(M_GATEWAY_SETUP, "GW1");
	assert_true(rig_says("t_gateway_setup_seconds_bucket{gateway=\"GW1\","
			     "le=\"2\"} 0"));
	assert_true(rig_says("t_gateway_setup_seconds_bucket{gateway=\"GW1\","
			     "le=\"5\"} 1"));
	assert_true(rig_says("t_gateway_setup_seconds_sum{gateway=\"GW1\"} "
			     "3.000000"));
	assert_true(rig_says("t_gateway_setup_seconds_sum{gateway=\"GW2\"} "
			     "0.000001"));
}


static void a_dropped_series_leaves_nothing(void **state)
{
	size_t one, used;
	(void)state;

	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	used = rig_records_used();
	one = metric_series(M_GATEWAY_CALLS, "GW1");
	metric_inc_at(M_GATEWAY_CALLS, one);
	metric_series_drop(M_GATEWAY_CALLS, one);
	metric_series_drop(M_GATEWAY_CALLS, one);
	assert_null(strstr(rig_printed(), "GW1"));
	assert_int_equal(rig_records_used(), used);

	/* The same name later is another gateway's. */
	one = metric_series(M_GATEWAY_CALLS, "GW1");
	assert_int_equal(metric_get(M_GATEWAY_CALLS, one), 0);
}


static void series_that_come_and_go_do_not_use_the_room_up(void **state)
{
	char name[32];
	(void)state;

	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	for (int i = 0; i < 10000; i++) {
		size_t calls, hist;

		(void)snprintf(name, sizeof(name), "GW%d", i);
		calls = metric_series(M_GATEWAY_CALLS, name);
		hist = metric_series(M_GATEWAY_SETUP, name);
		assert_true(calls != SIZE_MAX && hist != SIZE_MAX);
		assert_int_equal(metric_get(M_GATEWAY_CALLS, calls), 0);
		metric_inc_at(M_GATEWAY_CALLS, calls);
		metric_observe_us(M_GATEWAY_SETUP, hist, 5);
		if (i == 9999)
			break;
		metric_series_drop(M_GATEWAY_CALLS, calls);
		metric_series_drop(M_GATEWAY_SETUP, hist);
	}
	assert_true(rig_says("t_gateway_calls_total{gateway=\"GW9999\"} 1"));
	assert_true(
		rig_says("t_gateway_setup_seconds_count{gateway=\"GW9999\"} "
			 "1"));

	rig_restart();
	(void)metric_series(M_GATEWAY_CALLS, "GW9999");
	assert_true(rig_says("t_gateway_calls_total{gateway=\"GW9999\"} 1"));
}


static void a_label_cannot_end_itself(void **state)
{
	static const char *const labels[] = {
		"x\"} 9\nforged{a=\"",
		"x\\",
		"\xff\xc3",
		"\x7f",
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(labels); i++)
		assert_true(metric_series(M_GATEWAY_CALLS, labels[i]) !=
			    SIZE_MAX);
	assert_null(strstr(rig_printed(), "\nforged"));
	for (const char *p = rig_printed(); *p; p++)
		assert_true(*p == '\n' || (*p >= ' ' && *p <= '~'));
	assert_true(metric_series(M_GATEWAY_CALLS, "") == SIZE_MAX);
}


static void a_full_page_costs_the_memory_not_the_count(void **state)
{
	char name[32];
	(void)state;

	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	for (int i = 0; i < RECORDC + 50; i++) {
		size_t one;

		(void)snprintf(name, sizeof(name), "GW%d", i);
		one = metric_series(M_GATEWAY_CALLS, name);
		metric_add_at(M_GATEWAY_CALLS, one, 3);
	}
	assert_int_equal(rig_records_used(), RECORDC);
	(void)snprintf(name, sizeof(name), "GW%d", RECORDC + 49);
	assert_int_equal(metric_get(M_GATEWAY_CALLS,
				    metric_series(M_GATEWAY_CALLS, name)),
			 3);

	/* And when the process has no room either */
	for (int i = 0; i < 9000; i++) {
		(void)snprintf(name, sizeof(name), "X%d", i);
		metric_inc_at(M_GATEWAY_CALLS,
			      metric_series(M_GATEWAY_CALLS, name));
	}
	assert_true(metric_series(M_GATEWAY_CALLS, "more") == SIZE_MAX);
}


/* Killed while a record was made or taken apart: it counts as free, and none
 * is there twice. */
static void a_record_half_made_or_half_cleared_is_free(void **state)
{
	uint8_t *record;
	(void)state;

	for (size_t cut = 0; cut < RECORD_BYTES; cut++) {
		memset(rig_page, 0, sizeof(rig_page));
		rig_restart();
		metric_add(M_CALLS, 5);
		metric_inc_at(M_ANSWERS, 0);
		record = rig_record_of("t_calls_total");
		assert_non_null(record);
		memset(record + CRC_AT, 0, 4);
		memset(record + cut, 0, RECORD_BYTES - cut);

		rig_restart();
		assert_int_equal(metric_get(M_CALLS, 0), 0);
		assert_int_equal(metric_get(M_ANSWERS, 0), 1);
		metric_inc(M_CALLS);
		rig_restart();
		assert_int_equal(metric_get(M_CALLS, 0), 1);
	}
}


static void a_record_with_any_bit_wrong_is_not_believed(void **state)
{
	uint8_t copy[RECORD_BYTES];
	(void)state;

	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	for (size_t at = CRC_AT; at < RECORD_BYTES; at += 3) {
		uint8_t *record;

		metric_add(M_CALLS, 5);
		record = rig_record_of("t_calls_total");
		assert_non_null(record);
		memcpy(copy, record, sizeof(copy));
		record[at] ^= 0x40;
		rig_restart();
		/* Either padding, or the value is gone; nothing else. */
		if (at >= CRC_AT + 5 && at < KEY_AT)
			assert_true(metric_get(M_CALLS, 0) >= 5);
		else
			assert_int_equal(metric_get(M_CALLS, 0), 0);
		assert_true(metric_get(M_ACTIVE, 0) == 0);
	}
}


static void a_page_of_something_else_is_refused(void **state)
{
	(void)state;

	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	for (size_t at = 0; at < 16; at++) {
		rig_page[at] ^= 1;
		assert_int_equal(metric_attach(rig_page, sizeof(rig_page)),
				 EBADMSG);
		rig_page[at] ^= 1;
	}
	/* Of another size */
	assert_int_equal(metric_attach(rig_page, sizeof(rig_page) - 192),
			 EBADMSG);
	assert_int_equal(metric_attach(rig_page, 64), EINVAL);

	/* The caller clears it and attaches again; nothing is lost of what
	 * this process has counted. */
	metric_detach();
	assert_int_equal(metric_setup(rig_defs, COUNT_OF(rig_defs)), 0);
	metric_add(M_CALLS, 5);
	memset(rig_page, 0xa5, sizeof(rig_page));
	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), EBADMSG);
	assert_int_equal(metric_get(M_CALLS, 0), 5);
	memset(rig_page, 0, sizeof(rig_page));
	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
	assert_int_equal(metric_get(M_CALLS, 0), 5);
}


static bool is_name(const char *p, size_t l)
{
	for (size_t i = 0; i < l; i++)
		if (!islower((unsigned char)p[i]) && p[i] != '_' &&
		    !(i && isdigit((unsigned char)p[i])))
			return false;

	return l > 0;
}


/* name{label="value",...} number; HELP and TYPE before */
static void check_line(char *line)
{
	char *space, *end, *labels;

	if (line[0] == '#') {
		assert_true(strncmp(line, "# HELP ", 7) == 0 ||
			    strncmp(line, "# TYPE ", 7) == 0);
		assert_true(is_name(line + 7, strcspn(line + 7, " ")));
		assert_true(strlen(strchr(line + 7, ' ')) > 1);
		return;
	}

	space = strrchr(line, ' ');
	assert_non_null(space);
	*space = '\0';
	(void)strtod(space + 1, &end);
	assert_int_equal(*end, '\0');

	labels = strchr(line, '{');
	if (labels) {
		assert_int_equal(line[strlen(line) - 1], '}');
		*labels++ = '\0';
		while (*labels && *labels != '}') {
			const size_t l = strcspn(labels, "=");

			assert_true(is_name(labels, l));
			assert_int_equal(labels[l + 1], '"');
			labels = strchr(labels + l + 2, '"');
			assert_non_null(labels);
			labels += labels[1] == ',' ? 2 : 1;
		}
	}
	assert_true(is_name(line, strlen(line)));
}


static void what_is_printed_is_the_text_format_line_by_line(void **state)
{
	char *text, *save = NULL;
	size_t len;
	(void)state;

	metric_observe_us(M_GATEWAY_SETUP,
			  metric_series(M_GATEWAY_SETUP, "a b{},=c"), 7);
	metric_set(M_ACTIVE, INT64_MIN);
	metric_add(M_CALLS, UINT64_MAX);
	text = strdup(rig_printed());
	assert_non_null(text);
	len = strlen(text);
	assert_int_equal(text[len - 1], '\n');
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		check_line(line);
	free(text);
}


static void too_many_rows_are_refused(void **state)
{
	static struct metric_def many[300];
	(void)state;

	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = rig_defs[0];
	assert_int_equal(metric_setup(many, COUNT_OF(many)), ENOSPC);
	assert_int_equal(metric_setup(rig_defs, COUNT_OF(rig_defs)), 0);
}


static int metrics_are_printed(void)
{
	size_t len;
	char *text;
	int err;

	err = metric_setup(rig_defs, COUNT_OF(rig_defs));
	text = err ? NULL : metric_print(&len);
	if (!err && !text)
		err = ENOMEM;
	free(text);
	metric_detach();

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		T(values_are_counted_before_there_is_a_page),
		T(counters_go_on_and_gauges_begin_at_0),
		T(attaching_twice_counts_once),
		T(a_release_with_other_rows_finds_the_old_values),
		T(two_labels_are_row_major_and_beyond_is_the_last),
		T(wrong_ids_are_ignored),
		T(histograms_are_cumulative_and_exact),
		T(series_are_made_by_their_label),
		T(a_dropped_series_leaves_nothing),
		T(series_that_come_and_go_do_not_use_the_room_up),
		T(a_label_cannot_end_itself),
		T(a_full_page_costs_the_memory_not_the_count),
		T(a_record_half_made_or_half_cleared_is_free),
		T(a_record_with_any_bit_wrong_is_not_believed),
		T(a_page_of_something_else_is_refused),
		T(what_is_printed_is_the_text_format_line_by_line),
		T(too_many_rows_are_refused),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(metrics_are_printed),
	};

	return T_MAIN(tests, scenarios);
}
