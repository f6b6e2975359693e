/**
 * @file test/unit/db/test_result.c  SQLSTATEs mean an errno, words are cut
 */
#include "shared/base/util.h"
#include "shared/db/db_parts.h"
#include "test/support/t.h"


static void each_sqlstate_means_what_it_should(void **state)
{
	static const struct {
		const char *sqlstate;
		int err;
	} cases[] = {
		{ "23505", EEXIST },
		{ "23503", EINVAL },
		{ "23514", EINVAL },
		{ "23502", EINVAL },
		{ "23P01", EINVAL },
		{ "22001", EINVAL },
		{ "22P02", EINVAL },
		{ "P0001", EINVAL },
		{ "57014", ETIMEDOUT },
		{ "57P01", ENOTCONN },
		{ "57P03", ENOTCONN },
		{ "08006", ENOTCONN },
		{ "42601", EIO },
		{ "40001", EIO },
		{ "53300", EIO },
		{ "P0002", EIO },
		{ "", EIO },
		{ NULL, EIO },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(db_sqlstate_errno(cases[i].sqlstate),
				 cases[i].err);
}


static void only_the_first_line_is_told(void **state)
{
	char why[32];
	(void)state;

	db_why_copy(why, sizeof(why), "no such file\n\tis it there?\n");
	assert_string_equal(why, "no such file");
	db_why_copy(why, sizeof(why), "");
	assert_string_equal(why, "no reason given");
	db_why_copy(why, sizeof(why), NULL);
	assert_string_equal(why, "no reason given");
}


/* Half a character would make the whole text unusable further on. */
static void words_are_cut_between_characters(void **state)
{
	char why[8];
	(void)state;

	db_why_copy(why, sizeof(why), "1234567");
	assert_string_equal(why, "1234567");
	db_why_copy(why, sizeof(why), "12345678");
	assert_string_equal(why, "1234567");
	db_why_copy(why, sizeof(why), "123456\u00fc");
	assert_string_equal(why, "123456");
	db_why_copy(why, sizeof(why), "12345\u20ac");
	assert_string_equal(why, "12345");
	db_why_copy(why, sizeof(why), "12345\u00fc8");
	assert_string_equal(why, "12345\u00fc");
}


static PGresult *result_of(const char *const *values, int rows, int columns)
{
	PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc descs[4] = { { .name = NULL } };
	char name[] = "c";

	assert_non_null(res);
	for (int c = 0; c < columns; c++)
		descs[c].name = name;
	assert_int_equal(PQsetResultAttrs(res, columns, descs), 1);
	for (int i = 0; i < rows * columns; i++)
		assert_int_equal(PQsetvalue(res, i / columns, i % columns,
					    unconst(values[i]),
					    values[i] ? (int)strlen(values[i])
						      : -1),
				 1);

	return res;
}


static void rows_of_a_result_and_of_a_piece_read_alike(void **state)
{
	static const char *const values[] = { "a", NULL, "", "d" };
	PGresult *whole = result_of(values, 2, 2);
	PGresult *singles[] = { result_of(values, 1, 2),
				result_of(values + 2, 1, 2) };
	const struct db_result results[] = { { &whole, 1, false },
					     { singles, 2, true } };
	(void)state;

	for (size_t i = 0; i < COUNT_OF(results); i++) {
		const struct db_result *r = &results[i];

		assert_int_equal(db_rows(r), 2);
		assert_int_equal(db_columns(r), 2);
		assert_string_equal(db_text(r, 0, 0), "a");
		assert_null(db_text(r, 0, 1));
		assert_string_equal(db_text(r, 1, 0), "");
		assert_string_equal(db_text(r, 1, 1), "d");
		assert_int_equal(db_affected(r), 0);
	}
	PQclear(whole);
	PQclear(singles[0]);
	PQclear(singles[1]);
}


static void no_result_has_no_rows(void **state)
{
	(void)state;

	assert_int_equal(db_rows(NULL), 0);
	assert_int_equal(db_columns(NULL), 0);
	assert_int_equal(db_affected(NULL), 0);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sqlstate_means_what_it_should),
		cmocka_unit_test(only_the_first_line_is_told),
		cmocka_unit_test(words_are_cut_between_characters),
		cmocka_unit_test(rows_of_a_result_and_of_a_piece_read_alike),
		cmocka_unit_test(no_result_has_no_rows),
	};

	return T_MAIN_ONLY(tests);
}
