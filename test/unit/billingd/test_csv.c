/**
 * @file test/unit/billingd/test_csv.c  A line of comma-separated values
 */
#include "billingd/csv.h"
#include "test/support/t.h"

enum {
	FIELDS = 4
};


/* The fields with "|" behind each */
static int cut(const char *line, char dst[64])
{
	char copy[64], *fields[FIELDS];
	size_t n = 0, l = 0;
	int err;

	snprintf(copy, sizeof(copy), "%s", line);
	err = csv_cut(copy, fields, FIELDS, &n);
	dst[0] = '\0';
	for (size_t i = 0; !err && i < n; i++) {
		snprintf(dst + l, 64 - l, "%s|", fields[i]);
		l += strlen(dst + l);
	}

	return err;
}


static void commas_part_and_quotes_hold_together(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{ "", "|" },           { "a", "a|" },
		{ "a,b", "a|b|" },     { ",", "||" },
		{ "a,,c", "a||c|" },   { "\"a,b\",c", "a,b|c|" },
		{ "\"\"", "|" },       { "\"say \"\"so\"\"\"", "say \"so\"|" },
		{ "a,\"b\"", "a|b|" }, { " a , b ", " a | b |" },
	};
	char got[64];
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(cut(rows[i].line, got), 0);
		assert_string_equal(got, rows[i].want);
	}
}


static void what_is_not_closed_or_in_the_wrong_place_is_refused(void **state)
{
	static const char *const lines[] = { "\"",   "\"a",   "\"a\"b",
					     "a\"b", "a,\"b", "\"a\"\"" };
	char got[64];
	(void)state;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(cut(lines[i], got), EBADMSG);
	assert_int_equal(cut("1,2,3,4", got), 0);
	assert_int_equal(cut("1,2,3,4,5", got), E2BIG);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_part_and_quotes_hold_together),
		cmocka_unit_test(
			what_is_not_closed_or_in_the_wrong_place_is_refused),
	};

	return T_MAIN_ONLY(tests);
}
