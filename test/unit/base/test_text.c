/**
 * @file test/unit/base/test_text.c  Text and numbers: all of it or none
 */
#include <inttypes.h>
#include <stdio.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "test/support/t.h"

static const struct text nothing; /* what a table's empty row holds */


static void numbers_are_taken_whole_or_refused(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		int err;
		uint64_t v;
	} rows[] = {
		/* clang-format off */
		{ "0",                    0, UINT64_MAX, 0, 0 },
		{ "007",                  0, UINT64_MAX, 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", 0, UINT64_MAX, ERANGE, 0 },
		{ "18446744073709551625", 0, UINT64_MAX, ERANGE, 0 },
		{ "184467440737095516150", 0, UINT64_MAX, ERANGE, 0 },
		{ "99999999999999999999999999x", 0, UINT64_MAX, EBADMSG, 0 },
		{ "5",                    6, 9,          ERANGE, 0 },
		{ "6",                    6, 9,          0, 6 },
		{ "9",                    6, 9,          0, 9 },
		{ "10",                   6, 9,          ERANGE, 0 },
		{ "",                     0, UINT64_MAX, EBADMSG, 0 },
		{ " 1",                   0, UINT64_MAX, EBADMSG, 0 },
		{ "1 ",                   0, UINT64_MAX, EBADMSG, 0 },
		{ "+1",                   0, UINT64_MAX, EBADMSG, 0 },
		{ "-1",                   0, UINT64_MAX, EBADMSG, 0 },
		{ "0x10",                 0, UINT64_MAX, EBADMSG, 0 },
		{ "1e3",                  0, UINT64_MAX, EBADMSG, 0 },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t v = 12345;
		const int err = text_u64(&v, text_of(rows[i].text),
					 rows[i].min, rows[i].max);

		if (err != rows[i].err ||
		    v != (err ? 12345 : rows[i].v)) /* only on success */
			fail_msg("%s: %d", rows[i].text, err);
	}
}


static void decimals_are_printed_without_needless_zeros(void **state)
{
	static const struct {
		int64_t v;
		unsigned decimals;
		const char *text;
	} rows[] = {
		/* clang-format off */
		{ 250,       3,  "0.25" },
		{ 1000,      3,  "1" },
		{ -1,        6,  "-0.000001" },
		{ 0,         6,  "0" },
		{ 120,       0,  "120" },
		{ 1010000,   6,  "1.01" },
		{ INT64_MIN, 0,  "-9223372036854775808" },
		{ INT64_MIN, 18, "-9.223372036854775808" },
		{ INT64_MAX, 18, "9.223372036854775807" },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[32];
		int64_t v;

		assert_int_equal(text_print_fixed(text, sizeof(text),
						  rows[i].v, rows[i].decimals),
				 0);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(text_fixed(&v, text_of(text),
					    rows[i].decimals, INT64_MIN,
					    INT64_MAX),
				 0);
		assert_int_equal(v, rows[i].v);
		assert_int_equal(text_print_fixed(text, strlen(rows[i].text),
						  rows[i].v, rows[i].decimals),
				 EOVERFLOW);
	}
}


static void text_for_people_is_utf8_without_control(void **state)
{
	static const char *const good[] = { "", "abc", "B\xc3\xbcro",
					    "\xe2\x82\xac",
					    "\xf0\x9f\x93\x9e" };
	static const char *const bad[] = {
		"a\n",
		"\x7f",
		"\xc3",
		"\xc0\x80",
		"\xed\xa0\x80",
		"\xe2\x82",
		"\xf4\x90\x80\x80",
		"\x80",
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(text_is_printable(text_of(good[i])));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(text_is_printable(text_of(bad[i])));
	assert_false(text_is_printable((struct text){ "a\0b", 3 }));
	assert_int_equal(text_character(text_of("\xe2\x82\xac.")), 3);
}


static void numbers_of_32_bits_have_their_limit(void **state)
{
	uint32_t v = 5;
	(void)state;

	assert_int_equal(text_u32(&v, text_of("4294967295"), 0, UINT32_MAX),
			 0);
	assert_int_equal(v, UINT32_MAX);
	assert_int_equal(text_u32(&v, text_of("4294967296"), 0, UINT32_MAX),
			 ERANGE);
	assert_int_equal(v, UINT32_MAX);
	assert_int_equal(text_u32(&v, nothing, 0, UINT32_MAX), EBADMSG);
}


static void signed_numbers_reach_both_ends(void **state)
{
	static const struct {
		const char *text;
		int err;
		int64_t v;
	} rows[] = {
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "-9223372036854775809", ERANGE, 0 },
		{ "9223372036854775808", ERANGE, 0 },
		{ "-0", 0, 0 },
		{ "-7", 0, -7 },
		{ "-", EBADMSG, 0 },
		{ "--7", EBADMSG, 0 },
		{ "- 7", EBADMSG, 0 },
		{ "", EBADMSG, 0 },
	};
	int64_t v;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const int err = text_i64(&v, text_of(rows[i].text), INT64_MIN,
					 INT64_MAX);

		if (err != rows[i].err || (!err && v != rows[i].v))
			fail_msg("%s: %d", rows[i].text, err);
	}
	assert_int_equal(text_i64(&v, text_of("-6"), -5, 5), ERANGE);
	assert_int_equal(text_i64(&v, text_of("6"), -5, 5), ERANGE);
	assert_int_equal(text_i64(&v, text_of("-5"), -5, 5), 0);
}


static void decimals_are_exact_or_refused(void **state)
{
	static const struct {
		const char *text;
		unsigned decimals;
		int err;
		int64_t v;
	} rows[] = {
		/* clang-format off */
		{ "0.25",                  3, 0, 250 },
		{ "-0.25",                 3, 0, -250 },
		{ "-0.001",                3, 0, -1 },
		{ "12",                    3, 0, 12000 },
		{ "12.3",                  3, 0, 12300 },
		{ "12.003",                3, 0, 12003 },
		{ "0.1",                   6, 0, 100000 },
		{ "5",                     0, 0, 5 },
		{ "5.0",                   0, ERANGE, 0 },
		{ "0.0001",                3, ERANGE, 0 },
		{ "0.2500",                3, ERANGE, 0 },
		{ "9223372036854775.807",  3, 0, INT64_MAX },
		{ "9223372036854775.808",  3, ERANGE, 0 },
		{ "-9223372036854775.808", 3, 0, INT64_MIN },
		{ "-9223372036854775.809", 3, ERANGE, 0 },
		{ "18446744073709551.615", 3, ERANGE, 0 },
		{ "18446744073709551.616", 3, ERANGE, 0 },
		{ "18446744073709551616",  3, ERANGE, 0 },
		{ "0",                    30, 0, 0 },
		{ "1",                    30, ERANGE, 0 },
		{ "0.5",                  30, ERANGE, 0 },
		{ "1.",                    3, EBADMSG, 0 },
		{ ".5",                    3, EBADMSG, 0 },
		{ ".",                     3, EBADMSG, 0 },
		{ "",                      3, EBADMSG, 0 },
		{ "-",                     3, EBADMSG, 0 },
		{ "1.2.3",                 3, EBADMSG, 0 },
		{ "1.-2",                  3, EBADMSG, 0 },
		{ "1,5",                   3, EBADMSG, 0 },
		{ "1.5e1",                 3, EBADMSG, 0 },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t v = 4711;
		const int err = text_fixed(&v, text_of(rows[i].text),
					   rows[i].decimals, INT64_MIN,
					   INT64_MAX);

		if (err != rows[i].err || v != (err ? 4711 : rows[i].v))
			fail_msg("%s: %d", rows[i].text, err);
	}
}


/* Money: what is printed with three decimals is read again exactly. */
static void decimals_survive_printing(void **state)
{
	uint64_t seed = 88172645463325252u;
	(void)state;

	for (int i = 0; i < 20000; i++) {
		char text[40];
		uint64_t magnitude;
		int64_t v, read;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		v = (int64_t)(seed >> (seed % 64));
		magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
		assert_int_equal(
			text_print(text, sizeof(text), "%s%llu.%03llu",
				   v < 0 ? "-" : "",
				   (unsigned long long)magnitude / 1000,
				   (unsigned long long)magnitude % 1000),
			0);
		assert_int_equal(text_fixed(&read, text_of(text), 3, INT64_MIN,
					    INT64_MAX),
				 0);
		assert_true(read == v);
	}
}


static void text_is_cut_at_the_first_separator(void **state)
{
	struct text head, rest;
	(void)state;

	assert_true(text_cut(text_of("a:b:c"), ':', &head, &rest));
	assert_true(text_is(head, "a"));
	assert_true(text_is(rest, "b:c"));

	assert_true(text_cut(text_of("a:"), ':', &head, &rest));
	assert_true(text_is(head, "a"));
	assert_int_equal(rest.l, 0);

	assert_false(text_cut(text_of("abc"), ':', &head, &rest));
	assert_true(text_is(head, "abc"));
	assert_int_equal(rest.l, 0);

	/* head and rest may be the text itself */
	rest = text_of("x,y");
	assert_true(text_cut(rest, ',', &head, &rest));
	assert_true(text_is(head, "x"));
	assert_true(text_is(rest, "y"));
}


/* Text that is not there is text of no length, everywhere. */
static void no_text_is_empty_text(void **state)
{
	struct text head = text_of("x"), rest = text_of("y");
	char copy[4] = "abc";
	size_t len = 7;
	(void)state;

	assert_int_equal(text_of(NULL).l, 0);
	assert_true(text_is(nothing, ""));
	assert_true(text_is_nocase(nothing, ""));
	assert_false(text_is(nothing, "a"));
	assert_int_equal(text_trim(nothing).l, 0);
	assert_false(text_cut(nothing, ':', &head, &rest));
	assert_int_equal(head.l + rest.l, 0);
	assert_int_equal(text_copy(copy, sizeof(copy), nothing), 0);
	assert_string_equal(copy, "");
	assert_int_equal(text_unhex(copy, sizeof(copy), &len, nothing), 0);
	assert_int_equal(len, 0);
	assert_null(text_nearest(nothing, NULL, 0));
}


static void text_is_compared_by_length_and_bytes(void **state)
{
	const struct text abc = { "abcdef", 3 };
	(void)state;

	assert_true(text_is(abc, "abc"));
	assert_false(text_is(abc, "abcd"));
	assert_false(text_is(abc, "ab"));
	assert_false(text_is(abc, "ABC"));
	assert_true(text_is_nocase(abc, "aBC"));
	assert_false(text_is_nocase(abc, "aBCd"));
	assert_false(text_is((struct text){ "a\0b", 3 }, "a"));
}


static void blanks_are_trimmed_at_both_ends(void **state)
{
	(void)state;
	assert_true(text_is(text_trim(text_of(" \t a b\r\n")), "a b"));
	assert_int_equal(text_trim(text_of(" \t\r\n ")).l, 0);
}


static void digits_are_those_of_printf(void **state)
{
	uint64_t edge = 1;

	(void)state;
	for (unsigned l = 0; l <= TEXT_DECIMAL_MAX; l++, edge *= 10) {
		/* below, at and above each power of ten, and the largest */
		const uint64_t values[] = { edge - 1, edge, edge + 1,
					    edge / 2 * 3 + l, UINT64_MAX - l };

		for (size_t i = 0; i < COUNT_OF(values); i++) {
			char expected[TEXT_DECIMAL_MAX + 1];
			char got[TEXT_DECIMAL_MAX + 1];

			(void)snprintf(expected, sizeof(expected), "%" PRIu64,
				       values[i]);
			memset(got, '#', sizeof(got));
			assert_int_equal(text_decimal(got, values[i]),
					 strlen(expected));
			assert_memory_equal(got, expected, strlen(expected));
			assert_int_equal(got[strlen(expected)], '#');
		}
	}
}


static void what_does_not_fit_is_not_copied(void **state)
{
	char dst[5] = "zzzz";
	(void)state;

	assert_int_equal(text_copy(dst, sizeof(dst), text_of("abcd")), 0);
	assert_string_equal(dst, "abcd");
	assert_int_equal(text_copy(dst, sizeof(dst), text_of("abcde")),
			 EOVERFLOW);
	assert_string_equal(dst, "");
	assert_int_equal(text_copy(dst, 0, text_of("")), EOVERFLOW);
}


static void print_says_when_it_did_not_fit(void **state)
{
	char dst[5];
	(void)state;

	assert_int_equal(text_print(dst, sizeof(dst), "%d", 1234), 0);
	assert_string_equal(dst, "1234");
	assert_int_equal(text_print(dst, sizeof(dst), "%d", 12345), EOVERFLOW);
	assert_string_equal(dst, "1234");
}


static void hex_goes_there_and_back(void **state)
{
	uint8_t data[256], back[256];
	char hex[513];
	size_t len = 0;
	(void)state;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	text_hex(hex, data, sizeof(data));
	assert_int_equal(strlen(hex), 512);
	assert_memory_equal(hex, "000102", 6);
	assert_string_equal(hex + 506, "fdfeff");

	for (size_t l = 0; l < 40; l++) {
		char part[81];

		text_hex(part, data + 100, l);
		assert_int_equal(strlen(part), 2 * l);
		assert_memory_equal(part, hex + 200, 2 * l);
	}

	assert_int_equal(text_unhex(back, sizeof(back), &len, text_of(hex)),
			 0);
	assert_int_equal(len, 256);
	assert_memory_equal(back, data, 256);

	assert_int_equal(text_unhex(back, 2, &len, text_of("FFaB")), 0);
	assert_memory_equal(back, "\xff\xab", 2);
	assert_int_equal(text_unhex(back, 2, &len, text_of("ffabcd")),
			 EOVERFLOW);
	assert_int_equal(text_unhex(back, 2, &len, text_of("fff")), EBADMSG);
	assert_int_equal(text_unhex(back, 2, &len, text_of("fg")), EBADMSG);
	assert_int_equal(text_unhex(back, 2, &len, text_of("f ")), EBADMSG);
}


static void a_slip_finds_the_word_that_was_meant(void **state)
{
	static const char *const words[] = {
		"listen",     "metrics", "transport", "rtp_range",
		"advertised", "log",     "",          "database",
	};
	static const struct {
		const char *text, *nearest;
	} rows[] = {
		{ "listne", "listen" },
		{ "Listen", "listen" },
		{ "metric", "metrics" },
		{ "transxport", "transport" },
		{ "rtp-range", "rtp_range" },
		{ "advertixed", "advertised" },
		{ "lgo", "log" },
		{ "log", "log" },
		{ "xyz", NULL },
		{ "q", NULL },
		{ "", NULL },
		{ "completely_else", NULL },
	};
	char longest[66];
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *near = text_nearest(text_of(rows[i].text), words,
						COUNT_OF(words));

		if (!rows[i].nearest)
			assert_null(near);
		else
			assert_string_equal(near, rows[i].nearest);
	}

	/* What cannot be compared is near nothing. */
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_null(text_nearest(text_of(longest), words, COUNT_OF(words)));
	assert_non_null(text_nearest((struct text){ longest, 64 },
				     (const char *const[]){ longest + 1 }, 1));
}


static void what_is_plain_ends_at_the_first_control(void **state)
{
	char bytes[20];

	(void)state;
	for (size_t len = 0; len < sizeof(bytes); len++) {
		for (size_t at = 0; at <= len; at++) {
			for (unsigned c = 0; c < 256; c++) {
				const bool is_control = c < 0x20 || c == 0x7f;

				memset(bytes, 'x', sizeof(bytes));
				if (at < len)
					bytes[at] = (char)c;
				assert_int_equal(text_plain((struct text){
							 bytes, len }),
						 is_control && at < len ? at
									: len);
			}
		}
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_taken_whole_or_refused),
		cmocka_unit_test(decimals_are_printed_without_needless_zeros),
		cmocka_unit_test(text_for_people_is_utf8_without_control),
		cmocka_unit_test(numbers_of_32_bits_have_their_limit),
		cmocka_unit_test(signed_numbers_reach_both_ends),
		cmocka_unit_test(decimals_are_exact_or_refused),
		cmocka_unit_test(decimals_survive_printing),
		cmocka_unit_test(digits_are_those_of_printf),
		cmocka_unit_test(text_is_cut_at_the_first_separator),
		cmocka_unit_test(no_text_is_empty_text),
		cmocka_unit_test(text_is_compared_by_length_and_bytes),
		cmocka_unit_test(blanks_are_trimmed_at_both_ends),
		cmocka_unit_test(what_does_not_fit_is_not_copied),
		cmocka_unit_test(print_says_when_it_did_not_fit),
		cmocka_unit_test(hex_goes_there_and_back),
		cmocka_unit_test(a_slip_finds_the_word_that_was_meant),
		cmocka_unit_test(what_is_plain_ends_at_the_first_control),
	};

	return T_MAIN_ONLY(tests);
}
