/**
 * @file test/unit/supervisor/test_layouts.c  What a program says of itself
 */
#include "supervisor/layouts.h"
#include "test/support/t.h"

static struct layouts layouts;


static int parsed(const char *text)
{
	return layouts_parse(&layouts, text, strlen(text));
}


static void segments_and_migrations_are_told_apart(void **state)
{
	const struct layout one = { 1, 640 }, two = { 2, 704 };
	(void)state;

	assert_int_equal(parsed("layouts 1\n"
				"release 1.2.3\n"
				"segment calls 0x4c4c4143 2 704 write\n"
				"segment media 0x4149444d 1 128 read\n"
				"migration calls 1 640 2 704\n"),
			 0);
	assert_string_equal(layouts.release, "1.2.3");
	assert_int_equal(layouts.rowc, 2);
	assert_true(layouts_row(&layouts, "calls")->writes);
	assert_int_equal(layouts_row(&layouts, "calls")->magic, 0x4c4c4143);
	assert_true(layout_equal(layouts_row(&layouts, "calls")->layout, two));
	assert_false(layouts_row(&layouts, "media")->writes);
	assert_null(layouts_row(&layouts, "texts"));
	assert_true(layouts_lead(&layouts, "calls", one, two));
	assert_false(layouts_lead(&layouts, "calls", two, one));
	assert_false(layouts_lead(&layouts, "media", one, two));
}


static void what_a_later_release_adds_is_passed_over(void **state)
{
	(void)state;
	assert_int_equal(parsed("layouts 1\nmood good today\n"
				"segment calls 0x4c4c4143 2 704 write\n\n"),
			 0);
	assert_int_equal(layouts.rowc, 1);
}


static void what_is_not_in_that_form_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"it is broken",
		"layouts 2\n",
		"layouts 1\nsegment\n",
		"layouts 1\nsegment calls\n",
		"layouts 1\nsegment calls 4c4c4143 1 64 write\n",
		"layouts 1\nsegment calls 0x4c4c41 1 64 write\n",
		"layouts 1\nsegment calls 0x4c4c414x 1 64 write\n",
		"layouts 1\nsegment calls 0x4c4c4143 65536 64 write\n",
		"layouts 1\nsegment calls 0x4c4c4143 1 64 append\n",
		"layouts 1\nsegment calls 0x4c4c4143 1 64\n",
		"layouts 1\nsegment a-name-that-is-too-long-for-it-all 0x4c4c4143 1 6 read",
		"layouts 1\nmigration calls 1 64 2\n",
		"layouts 1\nmigration calls 1 64 2 64 3\n",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parsed(bad[i]) != EBADMSG)
			fail_msg("taken: %s", bad[i]);
}


static void there_is_an_end_to_it(void **state)
{
	static const char row[] = "segment calls 0x4c4c4143 1 64 write\n";
	char text[16384] = "layouts 1\n";
	size_t l = strlen(text);
	(void)state;

	for (int i = 0; i <= LAYOUTS_ROWS; i++, l += sizeof(row) - 1) {
		assert_int_equal(parsed(text), 0);
		memcpy(text + l, row, sizeof(row));
	}
	assert_int_equal(parsed(text), ENOSPC);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_and_migrations_are_told_apart),
		cmocka_unit_test(what_a_later_release_adds_is_passed_over),
		cmocka_unit_test(what_is_not_in_that_form_is_refused),
		cmocka_unit_test(there_is_an_end_to_it),
	};

	return T_MAIN_ONLY(tests);
}
