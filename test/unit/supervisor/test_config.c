/**
 * @file test/unit/supervisor/test_config.c  The node file
 *
 * test/golden/config holds pairs: NAME.conf and the effective file NAME.out,
 * or the mistakes NAME.err.
 */
#include "supervisor/config.h"
#include "test/support/t.h"

static char error[CONFIG_ERROR_MAX];
static struct config config;


static char *print(const struct config *c)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(config_print(c, f), 0);
	fclose(f);

	return text;
}


static char *slurp(const char *name, const char *suffix)
{
	char path[512], *text = calloc(1, 65536);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.%s", GOLDEN_DIR, name, suffix);
	f = fopen(path, "r");
	if (!f || !text) {
		free(text);
		return NULL;
	}
	text[fread(text, 1, 65535, f)] = '\0';
	fclose(f);

	return text;
}


static void golden(const char *name)
{
	char *in = slurp(name, "conf"), *out = slurp(name, "out");
	char *err = slurp(name, "err"), *printed;

	assert_non_null(in);
	if (out) {
		assert_int_equal(config_parse(&config, name, in, error), 0);
		printed = print(&config);
		assert_string_equal(printed, out);
		free(printed);
	}
	else {
		assert_non_null(err);
		assert_int_equal(config_parse(&config, name, in, error),
				 EBADMSG);
		if (err[0] && err[strlen(err) - 1] == '\n')
			err[strlen(err) - 1] = '\0';
		assert_string_equal(error, err);
	}
	free(in);
	free(out);
	free(err);
}


static void an_almost_empty_file_has_every_default(void **state)
{
	(void)state;
	golden("minimal");
}


static void a_full_file_says_what_it_said(void **state)
{
	(void)state;
	golden("full");
}


static void every_mistake_is_told_with_its_line(void **state)
{
	(void)state;
	golden("values");
	golden("names");
	golden("whole");
	golden("mode");
	golden("relay");
	golden("server");
}


static void printing_and_parsing_come_to_rest(void **state)
{
	char *first, *second;
	char *in = slurp("full", "conf");
	(void)state;

	assert_int_equal(config_parse(&config, "a", in, error), 0);
	first = print(&config);
	assert_int_equal(config_parse(&config, "b", first, error), 0);
	second = print(&config);
	assert_string_equal(first, second);
	free(in);
	free(first);
	free(second);
}


static void nothing_of_a_faulty_file_is_used(void **state)
{
	struct config before;
	(void)state;

	assert_int_equal(config_parse(&config, "a", "node = \"good\"", error),
			 0);
	before = config;
	assert_int_equal(config_parse(&config, "a",
				      "node = \"bad\"\nrtp { first = 7 }",
				      error),
			 EBADMSG);
	assert_memory_equal(&before, &config, sizeof(config));
}


static void a_file_that_is_none_is_refused(void **state)
{
	char path[128];
	FILE *f;
	(void)state;

	assert_int_equal(config_read(&config, "/nonexistent/x", error),
			 ENOENT);
	assert_non_null(strstr(error, "/nonexistent/x"));

	snprintf(path, sizeof(path), "%s/nul.conf", t_dir());
	f = fopen(path, "w");
	fwrite("node = \"a\0b\"", 1, 12, f);
	fclose(f);
	assert_int_equal(config_read(&config, path, error), EBADMSG);
	assert_int_equal(config_read(&config, t_dir(), error), EIO);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_almost_empty_file_has_every_default),
		cmocka_unit_test(a_full_file_says_what_it_said),
		cmocka_unit_test(every_mistake_is_told_with_its_line),
		cmocka_unit_test(printing_and_parsing_come_to_rest),
		cmocka_unit_test(nothing_of_a_faulty_file_is_used),
		cmocka_unit_test(a_file_that_is_none_is_refused),
	};

	return T_MAIN_ONLY(tests);
}
