/**
 * @file test/unit/supervisor/test_limits.c  One sentence instead of a failure
 */
#include "supervisor/limits.h"
#include "test/support/t.h"

static char error[CONFIG_ERROR_MAX], why[LIMITS_WHY_MAX];
static struct config config;


static void parse(const char *text)
{
	if (config_parse(&config, "t", text, error) != 0)
		fail_msg("%s", error);
}


static void the_rtp_range_decides_how_many_descriptors(void **state)
{
	size_t small, large;
	(void)state;

	parse("node = \"n\" rtp { first = 10000 last = 10099 }");
	small = limits_descriptors(&config);
	parse("node = \"n\" rtp { first = 10000 last = 19999 }");
	large = limits_descriptors(&config);
	assert_int_equal(large - small, 9900);
}


static void too_few_are_said_with_the_command_that_helps(void **state)
{
	size_t needed;
	(void)state;

	parse("node = \"n\"");
	needed = limits_descriptors(&config);
	assert_int_equal(limits_judge_descriptors(&config, needed, why), 0);
	assert_int_equal(limits_judge_descriptors(&config, needed - 1, why),
			 EMFILE);
	assert_non_null(strstr(why, "10000 of them for rtp 10000-19999"));
	assert_non_null(strstr(why, "ulimit -Hn"));
	assert_non_null(strstr(why, "LimitNOFILE="));
}


static void too_little_memory_is_said_with_the_command_that_helps(void **state)
{
	(void)state;

	assert_int_equal(limits_judge_memory(1000, 1000, why), 0);
	assert_int_equal(limits_judge_memory(50000000, 1000000, why), ENOSPC);
	assert_non_null(strstr(why, "51 MB"));
	assert_non_null(strstr(why, "mount -o remount"));
}


static void memory_that_may_not_be_locked_is_said(void **state)
{
	(void)state;

	assert_int_equal(limits_judge_locked(1 << 20, 1 << 20, why), 0);
	assert_int_equal(limits_judge_locked(1 << 20, 8192, why), EPERM);
	assert_non_null(strstr(why, "1024 KB"));
	assert_non_null(strstr(why, "LimitMEMLOCK"));
}


static void buffers_grow_with_the_calls_and_are_checked(void **state)
{
	(void)state;

	parse("node = \"n\" limits { calls = 10 }");
	assert_int_equal(limits_buffer(&config), 65536);
	parse("node = \"n\" limits { calls = 1000 }");
	assert_int_equal(limits_buffer(&config), 800000);
	parse("node = \"n\" limits { calls = 100000 }");
	assert_int_equal(limits_buffer(&config), 4 << 20);
	assert_int_equal(limits_judge_buffer(800000, 800000, 1000, why), 0);
	assert_int_equal(limits_judge_buffer(800000, 212992, 1000, why),
			 ENOBUFS);
	assert_non_null(strstr(why, "1000 calls"));
	assert_non_null(strstr(why, "net.core.rmem_max"));
}


static void a_run_dir_that_no_socket_path_fits_is_refused(void **state)
{
	char text[256], dir[120];
	(void)state;

	memset(dir, 'd', sizeof(dir));
	dir[0] = '/';
	dir[sizeof(dir) - 1] = '\0';
	snprintf(text, sizeof(text), "node = \"n\" run_dir = \"%s\"", dir);
	parse(text);
	assert_int_equal(limits_check(&config, why), ENAMETOOLONG);
	assert_non_null(strstr(why, "run_dir"));
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rtp_range_decides_how_many_descriptors),
		cmocka_unit_test(too_few_are_said_with_the_command_that_helps),
		cmocka_unit_test(
			too_little_memory_is_said_with_the_command_that_helps),
		cmocka_unit_test(memory_that_may_not_be_locked_is_said),
		cmocka_unit_test(buffers_grow_with_the_calls_and_are_checked),
		cmocka_unit_test(
			a_run_dir_that_no_socket_path_fits_is_refused),
	};

	return T_MAIN_ONLY(tests);
}
