/**
 * @file test/unit/db/test_conninfo.c  Hosts are turned, a password is read
 */
#include "shared/base/util.h"
#include "shared/db/db_parts.h"
#include "test/support/t.h"


static void a_list_turns_and_comes_round(void **state)
{
	static const char *const expected[] = { "a,bc,", "bc,,a", ",a,bc",
						"a,bc,", "bc,,a" };
	char dst[16];
	(void)state;

	for (uint32_t by = 0; by < COUNT_OF(expected); by++) {
		assert_int_equal(db_list_turn(dst, sizeof(dst), "a,bc,", by),
				 0);
		assert_string_equal(dst, expected[by]);
	}
	assert_int_equal(db_list_turn(dst, sizeof(dst), "a,b", UINT32_MAX), 0);
	assert_string_equal(dst, "b,a");
}


static void a_list_of_one_or_none_stays(void **state)
{
	char dst[16];
	(void)state;

	for (uint32_t by = 0; by < 3; by++) {
		assert_int_equal(db_list_turn(dst, sizeof(dst), "one", by), 0);
		assert_string_equal(dst, "one");
		assert_int_equal(db_list_turn(dst, sizeof(dst), "", by), 0);
		assert_string_equal(dst, "");
	}
}


static void a_list_that_does_not_fit_is_refused(void **state)
{
	char dst[6];
	(void)state;

	assert_int_equal(db_list_turn(dst, sizeof(dst), "ab,cd", 1), 0);
	assert_int_equal(db_list_turn(dst, sizeof(dst), "ab,cde", 1),
			 EOVERFLOW);
}


static void hosts_and_ports_turn_together(void **state)
{
	static const char *const texts[] = {
		"host=a,b port=1,2 user=u",
		"postgresql://u@a:1,b:2/",
	};
	char dst[64];
	(void)state;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_int_equal(db_conninfo_turned(dst, sizeof(dst), texts[i],
						    "host", 1),
				 0);
		assert_string_equal(dst, "b,a");
		assert_int_equal(db_conninfo_turned(dst, sizeof(dst), texts[i],
						    "port", 1),
				 0);
		assert_string_equal(dst, "2,1");
		assert_int_equal(db_conninfo_turned(dst, sizeof(dst), texts[i],
						    "hostaddr", 1),
				 0);
		assert_string_equal(dst, "");
	}
}


static void the_name_of_a_database_has_no_hosts(void **state)
{
	char dst[64] = "x";
	(void)state;

	assert_int_equal(db_conninfo_check("tandem"), 0);
	assert_int_equal(db_conninfo_check(""), 0);
	assert_int_equal(db_conninfo_turned(dst, sizeof(dst), "tandem", "host",
					    0),
			 0);
	assert_string_equal(dst, "");
}


static void what_libpq_cannot_read_is_refused(void **state)
{
	static const char *const texts[] = {
		"host=a nonsense",
		"no_such_option=1",
		"host='a",
		"postgresql://[::1",
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_int_equal(db_conninfo_check(texts[i]), EINVAL);
}


static const char *file_of(const char *text, size_t len)
{
	static char path[256];
	FILE *f;

	assert_in_range(snprintf(path, sizeof(path), "%s/password", t_dir()),
			1, sizeof(path) - 1);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);

	return path;
}


static void a_password_is_the_first_line(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{ "secret", "secret" },
		{ "secret\n", "secret" },
		{ "secret\r\nmore\n", "secret" },
		{ " sec ret \n", " sec ret " },
		{ "\nsecret\n", "" },
		{ "", "" },
	};
	char dst[16];
	(void)state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *path = file_of(cases[i].text,
					   strlen(cases[i].text));

		assert_int_equal(db_password_read(dst, sizeof(dst), path), 0);
		assert_string_equal(dst, cases[i].expected);
	}
}


static void a_password_that_is_cut_off_is_refused(void **state)
{
	char dst[8];
	(void)state;

	assert_int_equal(db_password_read(dst, sizeof(dst),
					  file_of("123456\nx", 8)),
			 0);
	assert_string_equal(dst, "123456");
	assert_int_equal(db_password_read(dst, sizeof(dst),
					  file_of("12345678\n", 9)),
			 EOVERFLOW);
}


static void a_file_that_is_not_there_says_so(void **state)
{
	char dst[8];
	(void)state;

	assert_int_equal(db_password_read(dst, sizeof(dst), "/nowhere/at/all"),
			 ENOENT);
	assert_int_equal(db_password_read(dst, sizeof(dst), t_dir()), EISDIR);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_turns_and_comes_round),
		cmocka_unit_test(a_list_of_one_or_none_stays),
		cmocka_unit_test(a_list_that_does_not_fit_is_refused),
		cmocka_unit_test(hosts_and_ports_turn_together),
		cmocka_unit_test(the_name_of_a_database_has_no_hosts),
		cmocka_unit_test(what_libpq_cannot_read_is_refused),
		cmocka_unit_test(a_password_is_the_first_line),
		cmocka_unit_test(a_password_that_is_cut_off_is_refused),
		cmocka_unit_test(a_file_that_is_not_there_says_so),
	};

	return T_MAIN_ONLY(tests);
}
