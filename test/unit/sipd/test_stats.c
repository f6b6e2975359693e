/**
 * @file test/unit/sipd/test_stats.c  What is counted per gateway
 */
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "sipd/metrics.h"
#include "sipd/stats.h"
#include "test/support/t.h"

#define SECOND INT64_C(1000000)

enum {
	MANY = 20000,
	PLACES = 10240,
};

/* The catalog: a gateway has this name; "": it is gone */
static struct {
	char names[STATS_SIDEC][MANY + 1][16];
	uint32_t lines;
	bool is_up;
	unsigned asked;
} world;

static struct stats *stats;
static int64_t now;


static int name_of(enum stats_side side, uint32_t id,
		   char name[STATS_NAME_SIZE], void *arg)
{
	(void)arg;
	world.asked++;
	if (id > MANY || !world.names[side][id][0])
		return ENOENT;

	return text_print(name, STATS_NAME_SIZE, "%s", world.names[side][id]);
}


static uint32_t lines_of(enum stats_side side, uint32_t id, void *arg)
{
	(void)side;
	(void)id;
	(void)arg;

	return world.lines;
}


static bool is_up(uint32_t id, void *arg)
{
	(void)id;
	(void)arg;

	return world.is_up;
}


static const struct stats_args args = { name_of, lines_of, is_up, NULL };


static void name(enum stats_side side, uint32_t id, const char *text)
{
	(void)text_print(world.names[side][id], sizeof(world.names[0][0]),
			 "%s", text);
}


static int setup(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	name(STATS_IN, 1, "CUST1");
	name(STATS_OUT, 1, "GW1");
	name(STATS_OUT, 2, "GW2");
	world.is_up = true;
	now = 1000 * SECOND;
	assert_int_equal(metric_setup(sipd_metrics, SIPD_METRICC), 0);
	assert_int_equal(stats_alloc(&stats, &args), 0);
	stats_tick(stats, now);

	return 0;
}


static int teardown(void **state)
{
	(void)state;
	stats = stats_free(stats);
	metric_detach();

	return 0;
}


static void pass(int64_t seconds)
{
	now += seconds * SECOND;
	stats_tick(stats, now);
}


/* Everything; freed with the next */
static const char *printed(void)
{
	static char *text;
	size_t len = 0;
	char *p = metric_print(&len);

	assert_non_null(p);
	free(text);
	text = realloc(p, len + 1);
	assert_non_null(text);
	text[len] = '\0';

	return text;
}


static void assert_says(const char *line)
{
	char whole[256];

	assert_int_equal(text_print(whole, sizeof(whole), "\n%s\n", line), 0);
	if (!strstr(printed(), whole))
		fail_msg("not told: %s", line);
}


static void assert_silent(const char *what)
{
	if (strstr(printed(), what))
		fail_msg("told: %s", what);
}


static void attempts_are_those_of_a_gateway_and_its_side(void **state)
{
	(void)state;

	stats_attempt(stats, STATS_IN, 1);
	stats_attempt(stats, STATS_OUT, 1);
	stats_attempt(stats, STATS_OUT, 2);
	stats_attempt(stats, STATS_OUT, 2);
	stats_answered(stats, STATS_IN, 1);
	stats_answered(stats, STATS_OUT, 2);
	assert_says("tandem_call_attempts_total{gateway=\"CUST1\","
		    "side=\"in\"} 1");
	assert_says("tandem_call_attempts_total{gateway=\"GW1\","
		    "side=\"out\"} 1");
	assert_says("tandem_call_attempts_total{gateway=\"GW2\","
		    "side=\"out\"} 2");
	assert_says("tandem_calls_answered_total{gateway=\"GW2\","
		    "side=\"out\"} 1");
	assert_silent("tandem_calls_answered_total{gateway=\"GW1\"");
	assert_silent("gateway=\"CUST1\",side=\"out\"");
}


static void ends_have_their_reason(void **state)
{
	(void)state;

	for (int reason = END_NONE + 1; reason < END_REASONC; reason++) {
		char line[160];

		stats_ended(stats, STATS_OUT, 1, (enum end_reason)reason);
		(void)text_print(line, sizeof(line),
				 "tandem_calls_ended_total{gateway=\"GW1\","
				 "reason=\"%s\",side=\"out\"} 1",
				 end_defs[reason].token);
		assert_says(line);
	}
	assert_silent("side=\"in\"} ");
}


static void switches_have_their_cause(void **state)
{
	static const struct {
		enum attempt_end end;
		const char *cause;
	} rows[] = {
		{ ATTEMPT_T1, "timeout" },
		{ ATTEMPT_T2, "timeout" },
		{ ATTEMPT_T3A, "timeout" },
		{ ATTEMPT_T3B, "timeout" },
		{ ATTEMPT_T4, "timeout" },
		{ ATTEMPT_RESENDS, "timeout" },
		{ ATTEMPT_TRANSPORT, "transport" },
		{ ATTEMPT_FINAL, "code" },
		{ ATTEMPT_AUTH, "code" },
	};
	unsigned counts[3] = { 0 };
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const size_t at = rows[i].cause[0] == 'c'   ? 1
				  : rows[i].cause[1] == 'i' ? 0
							    : 2;
		char line[160];

		stats_switched(stats, 1, rows[i].end);
		(void)text_print(line, sizeof(line),
				 "tandem_gateway_switches_total{gateway="
				 "\"GW1\",cause=\"%s\"} %u",
				 rows[i].cause, ++counts[at]);
		assert_says(line);
	}
}


static void times_are_those_of_both_gateways(void **state)
{
	(void)state;

	stats_setup(stats, 1, 2, 1500000);
	stats_answer(stats, 1, 2, 2500000);
	stats_talk(stats, 1, 2, 61000000);
	assert_says("tandem_call_setup_seconds_sum{gateway=\"CUST1\"} "
		    "1.500000");
	assert_says("tandem_call_setup_seconds_sum{gateway=\"GW2\"} 1.500000");
	assert_says("tandem_call_answer_seconds_sum{gateway=\"GW2\"} "
		    "2.500000");
	assert_says("tandem_call_duration_seconds_count{gateway=\"GW2\"} 1");
	/* A clock that was set back */
	stats_setup(stats, 1, 2, -5);
	assert_says("tandem_call_setup_seconds_sum{gateway=\"GW2\"} 1.500000");
	assert_says("tandem_call_setup_seconds_count{gateway=\"GW2\"} 2");
}


static void a_side_without_a_gateway_is_none(void **state)
{
	(void)state;

	stats_attempt(stats, STATS_IN, 0);
	stats_ended(stats, STATS_IN, 0, END_BLACKLISTED);
	stats_setup(stats, 0, 1, 5);
	assert_says("tandem_call_attempts_total{gateway=\"none\","
		    "side=\"in\"} 1");
	assert_says("tandem_calls_ended_total{gateway=\"none\","
		    "reason=\"Blacklisted\",side=\"in\"} 1");
	assert_says("tandem_call_setup_seconds_count{gateway=\"none\"} 1");
	assert_says("tandem_call_setup_seconds_count{gateway=\"GW1\"} 1");
	assert_silent("gateway=\"other\"");
}


static void a_window_is_300_s(void **state)
{
	struct stats_sum sum;
	(void)state;

	stats_attempt(stats, STATS_OUT, 1);
	stats_answered(stats, STATS_OUT, 1);
	stats_talk(stats, 0, 1, 60 * SECOND);
	stats_setup(stats, 0, 1, 1900000);
	for (int s = 0; s < 290; s += 10) {
		pass(10);
		stats_sum(&sum, stats, STATS_OUT, 1);
		assert_int_equal(sum.attempts, 1);
		assert_int_equal(sum.answered, 1);
		assert_int_equal(sum.talks, 1);
		assert_int_equal(sum.talk_ms, 60000);
		assert_int_equal(sum.setups, 1);
		assert_int_equal(sum.setup_ms, 1900);
	}
	pass(10);
	stats_sum(&sum, stats, STATS_OUT, 1);
	assert_int_equal(sum.attempts, 0);
	assert_int_equal(sum.talk_ms, 0);
}


static void calls_in_all_of_the_window_count(void **state)
{
	struct stats_sum sum;
	(void)state;

	for (int s = 0; s < 1000; s++) {
		stats_attempt(stats, STATS_OUT, 1);
		if (s % 4 == 0)
			stats_answered(stats, STATS_OUT, 1);
		pass(1);
	}
	stats_sum(&sum, stats, STATS_OUT, 1);
	/* The newest step is not full yet. */
	assert_in_range(sum.attempts, 290, 300);
	assert_in_range(sum.answered, 72, 76);

	/* And after a long silence nothing of it is left. */
	pass(100000);
	stats_attempt(stats, STATS_OUT, 1);
	stats_sum(&sum, stats, STATS_OUT, 1);
	assert_int_equal(sum.attempts, 1);
	assert_int_equal(sum.answered, 0);
}


static void cps_is_that_of_the_last_second(void **state)
{
	struct stats_sum sum;
	(void)state;

	for (int i = 0; i < 7; i++)
		stats_attempt(stats, STATS_OUT, 1);
	stats_sum(&sum, stats, STATS_OUT, 1);
	assert_int_equal(sum.cps, 0);
	pass(1);
	stats_sum(&sum, stats, STATS_OUT, 1);
	assert_int_equal(sum.cps, 7);
	stats_attempt(stats, STATS_OUT, 1);
	stats_sum(&sum, stats, STATS_OUT, 1);
	assert_int_equal(sum.cps, 7);
	pass(1);
	stats_sum(&sum, stats, STATS_OUT, 1);
	assert_int_equal(sum.cps, 1);
	pass(1);
	stats_sum(&sum, stats, STATS_OUT, 1);
	assert_int_equal(sum.cps, 0);
}


static void gauges_are_told_once_a_second(void **state)
{
	(void)state;

	stats_attempt(stats, STATS_OUT, 1);
	stats_attempt(stats, STATS_OUT, 1);
	stats_attempt(stats, STATS_OUT, 1);
	stats_answered(stats, STATS_OUT, 1);
	stats_answered(stats, STATS_OUT, 1);
	stats_talk(stats, 0, 1, 184250000);
	stats_attempt(stats, STATS_IN, 1);
	world.lines = 12;
	assert_silent("tandem_gateway_asr_ratio{");
	pass(1);
	assert_says("tandem_gateway_asr_ratio{gateway=\"GW1\"} 0.667");
	assert_says("tandem_gateway_acd_seconds{gateway=\"GW1\"} 184.250");
	assert_says("tandem_gateway_lines_used{gateway=\"GW1\"} 12");
	assert_says("tandem_gateway_up{gateway=\"GW1\"} 1");
	assert_says("tandem_gateway_lines_used{gateway=\"CUST1\"} 12");
	assert_says("tandem_gateway_asr_ratio{gateway=\"CUST1\"} 0.000");
	assert_says("tandem_gateway_acd_seconds{gateway=\"CUST1\"} NaN");
	assert_silent("tandem_gateway_up{gateway=\"CUST1\"}");

	world.is_up = false;
	pass(400);
	assert_says("tandem_gateway_asr_ratio{gateway=\"GW1\"} NaN");
	assert_says("tandem_gateway_up{gateway=\"GW1\"} 0");
}


static void a_gateway_without_calls_is_told_of(void **state)
{
	(void)state;

	stats_know(stats, STATS_OUT, 2);
	stats_know(stats, STATS_OUT, 77); /* there is no such */
	pass(1);
	assert_says("tandem_gateway_up{gateway=\"GW2\"} 1");
	assert_silent("tandem_call_attempts_total{gateway=\"GW2\"");
}


static void a_removed_gateway_leaves_nothing(void **state)
{
	(void)state;

	stats_attempt(stats, STATS_OUT, 1);
	stats_ended(stats, STATS_OUT, 1, END_NO_ANSWER);
	stats_talk(stats, 0, 1, 5);
	stats_attempt(stats, STATS_OUT, 2);
	pass(1);
	name(STATS_OUT, 1, "");
	stats_renew(stats);
	pass(1);
	assert_silent("\"GW1\"");
	assert_says("tandem_call_attempts_total{gateway=\"GW2\","
		    "side=\"out\"} 1");

	/* Its last calls end later. */
	stats_ended(stats, STATS_OUT, 1, END_NORMAL_RELEASE);
	assert_says("tandem_calls_ended_total{gateway=\"other\","
		    "reason=\"NormalRelease\",side=\"out\"} 1");
	assert_silent("\"GW1\"");

	/* The same name later is another gateway. */
	name(STATS_OUT, 3, "GW1");
	stats_attempt(stats, STATS_OUT, 3);
	assert_says("tandem_call_attempts_total{gateway=\"GW1\","
		    "side=\"out\"} 1");
}


static void a_renamed_gateway_keeps_its_window(void **state)
{
	struct stats_sum sum;
	(void)state;

	stats_attempt(stats, STATS_OUT, 1);
	name(STATS_OUT, 1, "NEW");
	stats_renew(stats);
	stats_attempt(stats, STATS_OUT, 1);
	assert_silent("\"GW1\"");
	assert_says("tandem_call_attempts_total{gateway=\"NEW\","
		    "side=\"out\"} 1");
	stats_sum(&sum, stats, STATS_OUT, 1);
	assert_int_equal(sum.attempts, 2);
}


static void two_gateways_may_swap_their_names(void **state)
{
	(void)state;

	stats_attempt(stats, STATS_OUT, 1);
	stats_attempt(stats, STATS_OUT, 2);
	name(STATS_OUT, 1, "GW2");
	name(STATS_OUT, 2, "GW1");
	stats_renew(stats);
	stats_attempt(stats, STATS_OUT, 1);
	pass(1);
	assert_says("tandem_call_attempts_total{gateway=\"GW2\","
		    "side=\"out\"} 1");
	assert_says("tandem_gateway_up{gateway=\"GW1\"} 1");
}


static void one_of_each_side_may_share_a_name(void **state)
{
	(void)state;

	name(STATS_IN, 9, "GW1");
	stats_attempt(stats, STATS_IN, 9);
	stats_attempt(stats, STATS_OUT, 1);
	world.lines = 3;
	pass(1);
	assert_says("tandem_gateway_lines_used{gateway=\"GW1\"} 6");
	name(STATS_IN, 9, "");
	stats_renew(stats);
	pass(1);
	assert_says("tandem_gateway_lines_used{gateway=\"GW1\"} 3");
	assert_says("tandem_call_attempts_total{gateway=\"GW1\","
		    "side=\"out\"} 1");
	name(STATS_OUT, 1, "");
	stats_renew(stats);
	assert_silent("\"GW1\"");
}


/* A label that two share goes with neither. */
static void names_that_are_told_alike_are_kept_apart(void **state)
{
	(void)state;

	name(STATS_OUT, 1, "\xc3\xa9"); /* both are "__" */
	name(STATS_OUT, 2, "\xc3\xbc");
	name(STATS_OUT, 3, "other");
	stats_attempt(stats, STATS_OUT, 1);
	stats_attempt(stats, STATS_OUT, 2);
	stats_attempt(stats, STATS_OUT, 3);
	assert_says("tandem_call_attempts_total{gateway=\"__\","
		    "side=\"out\"} 1");
	assert_says("tandem_call_attempts_total{gateway=\"other\","
		    "side=\"out\"} 2");
	stats_renew(stats);
	assert_says("tandem_call_attempts_total{gateway=\"__\","
		    "side=\"out\"} 1");

	name(STATS_OUT, 2, "");
	name(STATS_OUT, 3, "");
	stats_renew(stats);
	stats_attempt(stats, STATS_OUT, 1);
	stats_attempt(stats, STATS_OUT, 2);
	assert_says("tandem_call_attempts_total{gateway=\"__\","
		    "side=\"out\"} 2");
	assert_says("tandem_call_attempts_total{gateway=\"other\","
		    "side=\"out\"} 3");
}


static void the_501st_is_other_until_there_is_room(void **state)
{
	char line[128];
	struct stats_sum sum;
	(void)state;

	for (uint32_t id = 1; id <= MANY; id++) {
		char text[16];

		(void)text_print(text, sizeof(text), "gw%u", id);
		name(STATS_OUT, id, text);
		stats_attempt(stats, STATS_OUT, id);
	}
	(void)text_print(line, sizeof(line),
			 "tandem_call_attempts_total{gateway=\"other\","
			 "side=\"out\"} %d",
			 MANY - STATS_LABELS_MAX);
	assert_says(line);
	assert_says("tandem_call_attempts_total{gateway=\"gw500\","
		    "side=\"out\"} 1");
	assert_silent("\"gw501\"");
	stats_sum(&sum, stats, STATS_OUT, 501);
	assert_int_equal(sum.attempts, 1);

	name(STATS_OUT, 7, "");
	for (uint32_t id = 502; id <= MANY; id++)
		name(STATS_OUT, id, "");
	stats_renew(stats);
	stats_attempt(stats, STATS_OUT, 501);
	assert_silent("\"gw7\"");
	assert_says("tandem_call_attempts_total{gateway=\"gw501\","
		    "side=\"out\"} 1");
}


/* One that is known costs no look at the catalog, and so no memory. */
static void a_gateway_is_asked_for_once(void **state)
{
	unsigned asked;
	(void)state;

	stats_attempt(stats, STATS_OUT, 1);
	asked = world.asked;
	for (int i = 0; i < 1000; i++) {
		stats_attempt(stats, STATS_OUT, 1);
		stats_answered(stats, STATS_OUT, 1);
		stats_ended(stats, STATS_OUT, 1, END_NORMAL_RELEASE);
		stats_talk(stats, 0, 1, 1000);
		pass(1);
	}
	assert_int_equal(world.asked, asked);
}


static void counts_go_on_after_a_restart(void **state)
{
	const size_t size = metric_page_size(PLACES);
	void *page = aligned_alloc(64, size);
	(void)state;

	assert_non_null(page);
	memset(page, 0, size);
	assert_int_equal(metric_attach(page, size), 0);
	stats_attempt(stats, STATS_OUT, 1);
	stats_ended(stats, STATS_OUT, 1, END_NO_ANSWER);

	stats_free(stats);
	assert_int_equal(metric_setup(sipd_metrics, SIPD_METRICC), 0);
	assert_int_equal(metric_attach(page, size), 0);
	assert_int_equal(stats_alloc(&stats, &args), 0);
	stats_know(stats, STATS_OUT, 1);
	assert_says("tandem_calls_ended_total{gateway=\"GW1\","
		    "reason=\"NoAnswer\",side=\"out\"} 1");
	stats_attempt(stats, STATS_OUT, 1);
	assert_says("tandem_call_attempts_total{gateway=\"GW1\","
		    "side=\"out\"} 2");
	metric_detach();
	free(page);
}


static int a_gateway_is_counted(void)
{
	struct stats *s = NULL;
	int err;

	name(STATS_OUT, 1, "GW1");
	err = metric_setup(sipd_metrics, SIPD_METRICC);
	if (!err)
		err = stats_alloc(&s, &args);
	if (!err) {
		struct stats_sum sum;

		stats_tick(s, now);
		stats_attempt(s, STATS_OUT, 1);
		stats_sum(&sum, s, STATS_OUT, 1);
		/* Without memory it has no window, but it is counted. */
		err = sum.attempts ? 0 : ENOMEM;
		stats_renew(s);
		stats_tick(s, now + SECOND);
	}
	stats_free(s);
	metric_detach();

	return err;
}


#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(attempts_are_those_of_a_gateway_and_its_side),
		TEST(ends_have_their_reason),
		TEST(switches_have_their_cause),
		TEST(times_are_those_of_both_gateways),
		TEST(a_side_without_a_gateway_is_none),
		TEST(a_window_is_300_s),
		TEST(calls_in_all_of_the_window_count),
		TEST(cps_is_that_of_the_last_second),
		TEST(gauges_are_told_once_a_second),
		TEST(a_gateway_without_calls_is_told_of),
		TEST(a_removed_gateway_leaves_nothing),
		TEST(a_renamed_gateway_keeps_its_window),
		TEST(two_gateways_may_swap_their_names),
		TEST(one_of_each_side_may_share_a_name),
		TEST(names_that_are_told_alike_are_kept_apart),
		TEST(the_501st_is_other_until_there_is_room),
		TEST(a_gateway_is_asked_for_once),
		TEST(counts_go_on_after_a_restart),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_gateway_is_counted),
	};

	return T_MAIN(tests, scenarios);
}
