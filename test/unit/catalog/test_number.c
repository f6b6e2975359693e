/**
 * @file test/unit/catalog/test_number.c  Clean-up, dial plans, patterns
 */
#include "shared/base/util.h"
#include "shared/catalog/number.h"
#include "test/support/t.h"
#include "test/unit/catalog/record_rig.h"

#define TEN   "0123456789"
#define FORTY TEN TEN TEN TEN


static void a_number_is_cleaned_up(void **state)
{
	static const struct {
		const char *user, *text;
		bool is_valid;
	} rows[] = {
		/* clang-format off */
		{ "12125550100", "12125550100", true },
		{ "+44 20 7946-0001", "442079460001", true },
		{ "(+44).20", "4420", true },
		{ " \t+44", "44", true },
		{ "+", "", false },
		{ "", "", false },
		{ "-.()", "", false },
		{ "++44", "+44", false },
		{ "44+1", "44+1", false },
		{ "44;phone-context=+1", "44", true },
		{ ";44", "", false },
		{ "%2B44", "44", true },
		{ "%34%34%3Bnpdi", "44", true },
		{ "%2a21%23", "*21#", true },
		{ "4%", "4%", false },
		{ "4%4", "4%4", false },
		{ "4%zz4", "4%zz4", false },
		{ "%2534", "%34", false },
		{ "alice_b*#", "alice_b*#", true },
		{ "alice@b", "alice@b", false },
		{ "4%004", "4?4", false },
		{ "4%0d%0aVia:x", "4??Via:x", false },
		{ "J%C3%BCrgen", "J\xc3\xbcrgen", false },
		{ "J%C3rgen", "J?rgen", false },
		{ "\xff\xfe", "??", false },
		{ FORTY, FORTY, true },
		{ "+" FORTY, FORTY, true },
		{ FORTY "0", FORTY, false },
		{ FORTY FORTY FORTY, FORTY, false },
		/* a character is not cut in two */
		{ TEN TEN TEN "012345678\xc3\xbc" "9", TEN TEN TEN "012345678", false },
		{ TEN TEN TEN "01234567\xc3\xbc" "9", TEN TEN TEN "01234567\xc3\xbc", false },
		{ TEN TEN TEN "01234567\xf0\x9f\x98\x80", TEN TEN TEN "01234567", false },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct number number;

		number_clean(&number, text_of(rows[i].user));
		assert_string_equal(number.text, rows[i].text);
		assert_int_equal(number.len, strlen(rows[i].text));
		if (number.is_valid != rows[i].is_valid)
			fail_msg("%s", rows[i].user);
	}
}


static void a_nul_does_not_end_a_number(void **state)
{
	struct number number;
	(void)state;

	number_clean(&number, (struct text){ "44\0001", 4 });
	assert_string_equal(number.text, "44?1");
	assert_false(number.is_valid);
	assert_false(number_is_valid((struct text){ "44\0", 3 }));
}


/* --- dial plans ----------------------------------------------------------- */

/* The plan as it is typed, and what it makes of a number; "-" if it is too
 * long */
static void rewrites(const char *plan, const char *number, const char *to)
{
	const struct record_field *field = field_of(RECORD_ROUTING,
						    "callee_rules");
	char why[RECORD_WHY_MAX], dst[CAT_NUMBER_MAX + 1] = "-";
	void *state = NULL;
	struct made *made;
	struct cat_span span;
	struct number_plan dial;
	int err;

	assert_int_equal(made_setup(&state), 0);
	made = state;
	assert_int_equal(made_put(made, field, plan, why), 0);
	memcpy(&span, (uint8_t *)&made->row + field->offset, sizeof(span));
	dial.heap = heap_bytes(made->heap, &dial.heap_size);
	dial.rows = (const void *)(dial.heap + span.off);
	dial.rowc = span.count;

	err = number_rewrite(dst, sizeof(dst), &dial, text_of(number));
	assert_int_equal(err, strcmp(to, "-") == 0 ? EOVERFLOW : 0);
	assert_string_equal(dst, to);
	made_teardown(&state);
}


static void the_examples_of_the_specification_hold(void **state)
{
	static const char plan[] = "00*=*,0*=44*,911=1911";
	(void)state;

	rewrites(plan, "0044201", "44201");
	rewrites(plan, "0201", "44201");
	rewrites(plan, "911", "1911");
	rewrites(plan, "9112", "9112");
	rewrites("44*=+44*", "4420", "+4420");
}


static void the_best_pattern_decides(void **state)
{
	(void)state;
	rewrites("", "123", "123");
	rewrites("*=9*", "", "9");
	rewrites("*=9*,1*=8*", "123", "823");
	rewrites("1*=8*,*=9*", "223", "9223");
	/* as many characters: without '*' wins, whatever the order */
	rewrites("12*=a,12=b", "12", "b");
	rewrites("12=b,12*=a", "12", "b");
	rewrites("12*=a,12=b", "123", "a");
	/* else the first */
	rewrites("1_*=a,_2*=b", "12", "a");
	rewrites("_2*=b,1_*=a", "12", "b");
	rewrites("1_=a,_2=b", "12", "a");
	/* characters count, not how certain they are */
	rewrites("123*=a,____=b", "1234", "b");
	rewrites("1234=a,*=b", "1234", "a");
}


static void an_underscore_is_any_one_character(void **state)
{
	(void)state;
	rewrites("0_0=x", "0*0", "x");
	rewrites("0_0=x", "000", "x");
	rewrites("0_0=x", "00", "00");
	rewrites("0_*=*", "01", "");
	rewrites("0_*=*", "0", "0");
}


static void the_rest_goes_where_its_star_stands(void **state)
{
	(void)state;
	rewrites("00*=*", "00", "");
	rewrites("00*=1*2", "0034", "1342");
	rewrites("00*=12", "0034", "12");
	rewrites("00*=", "0034", "");
	rewrites("0*=*0", "01", "10");
}


static void what_would_be_too_long_is_not_written(void **state)
{
	(void)state;
	rewrites("*=1*", FORTY, "-");
	rewrites("0*=*1", FORTY, "123456789" TEN TEN TEN "1");
	rewrites("0*=" FORTY "*", "0", FORTY);
	rewrites("0*=" FORTY "*", "01", "-");
}


static void a_row_that_points_outside_fits_nothing(void **state)
{
	static const uint8_t heap[] = "\0\0\0\0\0\0\0\0x\0open";
	const struct cat_dial rows[] = {
		{ .pattern = 1 << 30, .open = 1, .rest_at = 255 },
		{ .pattern = 10, .open = 1, .rest_at = 255 },
		{ .open = 1, .replacement = UINT32_MAX, .rest_at = 255 },
		{ .open = 1, .replacement = 8, .rest_at = 77 },
	};
	/* The text at 10 does not end in the heap: its NUL is left out. */
	struct number_plan plan = { rows, 3, heap, sizeof(heap) - 1 };
	char dst[CAT_NUMBER_MAX + 1];
	(void)state;

	assert_int_equal(number_rewrite(dst, sizeof(dst), &plan,
					text_of("44")),
			 0);
	assert_string_equal(dst, "44");

	/* A place behind the replacement is nowhere. */
	plan.rowc = 4;
	assert_int_equal(number_rewrite(dst, sizeof(dst), &plan,
					text_of("44")),
			 0);
	assert_string_equal(dst, "x");
}


/* --- patterns ------------------------------------------------------------- */

static void patterns_fit_as_the_specification_says(void **state)
{
	static const struct {
		const char *pattern, *number;
		bool fits;
	} rows[] = {
		{ "5000*", "5000", true },  { "5000*", "50001", true },
		{ "5000*", "500", false },  { "7000", "7000", true },
		{ "7000", "70001", false }, { "7000", "700", false },
		{ "*", "", true },          { "*", "1", true },
		{ "1_", "12", false },      { "", "1", false },
		{ "1*", "1*", true },       { "7000", "7001", false },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (number_pattern_fits(text_of(rows[i].pattern),
					text_of(rows[i].number)) !=
		    rows[i].fits)
			fail_msg("%s %s", rows[i].pattern, rows[i].number);
}


static void a_pattern_has_its_star_at_the_end_alone(void **state)
{
	static const char *const good[] = { "1",     "1*",  "*",      "+44*",
					    "#31#*", FORTY, FORTY "*" };
	static const char *const bad[] = {
		"", "**", "1*2", "*1", "1 2", "1,2", FORTY "1", "\xc3\xbc"
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(good); i++)
		if (!number_pattern_is_valid(text_of(good[i])))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (number_pattern_is_valid(text_of(bad[i])))
			fail_msg("%s", bad[i]);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_cleaned_up),
		cmocka_unit_test(a_nul_does_not_end_a_number),
		cmocka_unit_test(the_examples_of_the_specification_hold),
		cmocka_unit_test(the_best_pattern_decides),
		cmocka_unit_test(an_underscore_is_any_one_character),
		cmocka_unit_test(the_rest_goes_where_its_star_stands),
		cmocka_unit_test(what_would_be_too_long_is_not_written),
		cmocka_unit_test(a_row_that_points_outside_fits_nothing),
		cmocka_unit_test(patterns_fit_as_the_specification_says),
		cmocka_unit_test(a_pattern_has_its_star_at_the_end_alone),
	};

	return T_MAIN_ONLY(tests);
}
