/**
 * @file test/unit/svc/test_fault.c  Faults on purpose are asked for, or refused
 */
#include "shared/base/clk.h"
#include "shared/svc/svc_parts.h"
#include "test/support/t.h"

enum {
	NOW_US = 1000000,
};

static Tandem__Node node;
static struct svc svc;


static int setup(void **state)
{
	(void)state;
	tandem__node__init(&node);
	node.faults = true;
	svc = (struct svc){ .node = &node };
	clk_freeze(NOW_US, NOW_US);

	return 0;
}


static int teardown(void **state)
{
	(void)state;
	clk_shift_wall(0);
	clk_thaw();

	return 0;
}


static const char *ask(const char *what, json_t *value)
{
	struct admin_answer answer = { 0 };
	json_t *args = json_pack("{s:s,s:o}", "what", what, "value", value);

	assert_non_null(args);
	(void)cmd_fault(&svc, args, &answer);
	json_decref(args);

	return answer.code ? answer.code : "ok";
}


static void without_leave_nothing_happens(void **state)
{
	(void)state;
	node.faults = false;
	assert_string_equal(ask("clock", json_string("3600")), "refused");
	assert_int_equal(clk_wall_us(), NOW_US);
}


static void wall_time_steps_and_no_other(void **state)
{
	(void)state;
	assert_string_equal(ask("clock", json_string("3600")), "ok");
	assert_int_equal(clk_wall_us(), NOW_US + INT64_C(3600000000));
	assert_int_equal(clk_mono_us(), NOW_US);
	assert_int_equal(clk_boot_us(), NOW_US);

	assert_string_equal(ask("clock", json_integer(-1)), "ok");
	assert_int_equal(clk_wall_us(), NOW_US - 1000000);
	assert_string_equal(ask("clock", json_integer(0)), "ok");
	assert_int_equal(clk_wall_us(), NOW_US);
}


static void what_makes_no_sense_is_refused(void **state)
{
	(void)state;
	assert_string_equal(ask("fire", json_integer(1)), "invalid_value");
	assert_string_equal(ask("bus", json_integer(101)), "invalid_value");
	assert_string_equal(ask("bus", json_integer(-1)), "invalid_value");
	assert_string_equal(ask("bus", json_string("ten")), "invalid_value");
	assert_string_equal(ask("clock", json_true()), "invalid_value");
	assert_int_equal(clk_wall_us(), NOW_US);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(without_leave_nothing_happens),
		T(wall_time_steps_and_no_other),
		T(what_makes_no_sense_is_refused),
	};

	return T_MAIN_ONLY(tests);
}
