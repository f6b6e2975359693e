/**
 * @file test/unit/base/test_option.c  Command lines against their table
 */
#include "shared/base/option.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	FILE_,
	CHECK,
	VERBOSE,
	LEVEL,
	DEFC
};

static const struct option_def defs[DEFC] = {
	[FILE_] = { "file", 'f', "FILE", "The node file" },
	[CHECK] = { "check", 'n', NULL, "Check and exit" },
	[VERBOSE] = { "verbose", 'v', NULL, "Say more" },
	[LEVEL] = { "log-level", 0, "LEVEL", "What is logged" },
};

struct line {
	int err;
	int rest;
	const char *values[DEFC];
	char why[OPTION_WHY_MAX];
};


/* A line of words that end with NULL, without the program's name */
static void parse(struct line *line, const char *const *words)
{
	char *argv[16] = { (char *)(uintptr_t) "program" };
	int argc = 1;

	memset(line, 0xee, sizeof(*line));
	for (; *words; words++)
		argv[argc++] = (char *)(uintptr_t)*words;
	line->err = option_parse(defs, DEFC, argc, argv, line->values,
				 &line->rest, line->why);
}

#define PARSE(line, ...) \
	parse(line, (const char *const[]){ __VA_ARGS__, NULL })


static void an_argument_follows_in_every_usual_form(void **state)
{
	static const char *const forms[][3] = {
		{ "--file=a.conf" }, { "--file", "a.conf" },
		{ "-fa.conf" },      { "-f", "a.conf" },
		{ "-nfa.conf" },     { "-nf", "a.conf" },
	};
	struct line line;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		parse(&line, forms[i]);
		assert_int_equal(line.err, 0);
		assert_string_equal(line.values[FILE_], "a.conf");
		assert_int_equal(line.rest, forms[i][1] ? 3 : 2);
		assert_null(line.values[VERBOSE]);
	}
}


static void switches_may_be_joined(void **state)
{
	struct line line;
	(void)state;

	PARSE(&line, "-nv");
	assert_int_equal(line.err, 0);
	assert_string_equal(line.values[CHECK], "1");
	assert_string_equal(line.values[VERBOSE], "1");
	assert_null(line.values[FILE_]);
	assert_string_equal(line.why, "");
}


static void the_first_word_that_is_no_option_ends_them(void **state)
{
	struct line line;
	(void)state;

	PARSE(&line, "-n", "restart", "-v");
	assert_int_equal(line.err, 0);
	assert_int_equal(line.rest, 2);
	assert_null(line.values[VERBOSE]);

	PARSE(&line, "-n", "--", "-v");
	assert_int_equal(line.rest, 3);
	assert_null(line.values[VERBOSE]);

	/* Standard input, by custom */
	PARSE(&line, "-", "-v");
	assert_int_equal(line.err, 0);
	assert_int_equal(line.rest, 1);

	parse(&line, (const char *const[]){ NULL });
	assert_int_equal(line.err, 0);
	assert_int_equal(line.rest, 1);
}


static void an_argument_may_be_empty_or_look_like_an_option(void **state)
{
	struct line line;
	(void)state;

	PARSE(&line, "--file=");
	assert_int_equal(line.err, 0);
	assert_string_equal(line.values[FILE_], "");
	PARSE(&line, "--file", "-n");
	assert_string_equal(line.values[FILE_], "-n");
	assert_null(line.values[CHECK]);
	PARSE(&line, "--file=a=b");
	assert_string_equal(line.values[FILE_], "a=b");
}


static void the_last_of_two_counts(void **state)
{
	struct line line;
	(void)state;

	PARSE(&line, "-fa", "--file", "b");
	assert_string_equal(line.values[FILE_], "b");
}


static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *words[3];
		const char *why;
	} rows[] = {
		{ { "--fiel" },
		  "unknown option --fiel: did you mean --file?" },
		{ { "--zzz" }, "unknown option --zzz" },
		{ { "--fle=x" },
		  "unknown option --fle: did you mean --file?" },
		{ { "--=x" }, "unknown option --" },
		{ { "-x" }, "unknown option -x" },
		{ { "-\x01" }, "unknown option -?" },
		{ { "-nx" }, "unknown option -x" },
		{ { "--file" }, "--file needs FILE" },
		{ { "-n", "-f" }, "-f needs FILE" },
		{ { "--check=yes" }, "--check takes no value" },
	};
	struct line line;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		parse(&line, rows[i].words);
		assert_int_equal(line.err, EINVAL);
		assert_string_equal(line.why, rows[i].why);
	}
}


static void a_word_of_any_length_is_refused_within_bounds(void **state)
{
	char word[5000];
	struct line line;
	(void)state;

	memset(word, 'a', sizeof(word));
	word[0] = word[1] = '-';
	word[sizeof(word) - 1] = '\0';
	PARSE(&line, word);
	assert_int_equal(line.err, EINVAL);
	assert_true(strlen(line.why) < OPTION_WHY_MAX);
}


static void help_has_a_line_for_each_row(void **state)
{
	char text[1000] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");
	(void)state;

	assert_non_null(f);
	option_help(f, "program [options]", defs, DEFC);
	fclose(f);
	assert_string_equal(text,
			    "Usage: program [options]\n\n"
			    "  -f, --file FILE              The node file\n"
			    "  -n, --check                  Check and exit\n"
			    "  -v, --verbose                Say more\n"
			    "      --log-level LEVEL        What is logged\n");
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_argument_follows_in_every_usual_form),
		cmocka_unit_test(switches_may_be_joined),
		cmocka_unit_test(the_first_word_that_is_no_option_ends_them),
		cmocka_unit_test(
			an_argument_may_be_empty_or_look_like_an_option),
		cmocka_unit_test(the_last_of_two_counts),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(
			a_word_of_any_length_is_refused_within_bounds),
		cmocka_unit_test(help_has_a_line_for_each_row),
	};

	return T_MAIN_ONLY(tests);
}
