/**
 * @file test/unit/base/test_log_line.c  Lines nobody can forge a field in
 */
#include <jansson.h>

#include "shared/base/log_line.h"
#include "shared/base/util.h"
#include "test/support/t.h"

/** A line and what a reader of JSON makes of it */
struct fixture {
	char line[LOG_LINE_MAX + 1];
	size_t len;
	json_t *json;
	struct log_second second;
	struct log_line with;
};


static int setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	fx.with = (struct log_line){
		.process = "sipd.0",
		.second = &fx.second,
		.level = LOG_LEVEL_INFO,
		.wall_us = 1700000000123456,
	};
	*state = &fx;

	return 0;
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	json_decref(fx->json);

	return 0;
}


static void print(struct fixture *fx, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));


static void print(struct fixture *fx, const char *fmt, ...)
{
	json_error_t error;
	va_list ap;

	memset(fx->line, '~', sizeof(fx->line));
	va_start(ap, fmt);
	fx->len = log_line_print(fx->line, &fx->with, fmt, ap);
	va_end(ap);

	/* One line, within its bounds */
	assert_in_range(fx->len, 1, LOG_LINE_MAX);
	assert_int_equal(fx->line[fx->len], '~');
	assert_ptr_equal(memchr(fx->line, '\n', fx->len),
			 fx->line + fx->len - 1);
	fx->line[fx->len] = '\0';
	for (size_t i = 0; i + 1 < fx->len; i++)
		assert_true((uint8_t)fx->line[i] >= 0x20 &&
			    fx->line[i] != 0x7f);
	if (fx->with.format != LOG_JSON)
		return;

	json_decref(fx->json);
	fx->json = json_loadb(fx->line, fx->len, JSON_REJECT_DUPLICATES,
			      &error);
	if (!fx->json)
		fail_msg("%s at %d: %s", error.text, error.position, fx->line);
}


static const char *text_at(const struct fixture *fx, const char *key)
{
	const char *text = json_string_value(json_object_get(fx->json, key));

	return text ? text : "(none)";
}


static json_int_t number_at(const struct fixture *fx, const char *key)
{
	const json_t *value = json_object_get(fx->json, key);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}


static bool has(const struct fixture *fx, const char *key)
{
	return json_object_get(fx->json, key) != NULL;
}


static void a_line_says_when_who_how_bad_and_what(void **state)
{
	struct fixture *fx = *state;

	print(fx, "call_answered leg=%s code=%u", "b", 200u);
	assert_string_equal(fx->line,
			    "{\"ts\":\"2023-11-14T22:13:20.123Z\","
			    "\"process\":\"sipd.0\",\"level\":\"info\","
			    "\"event\":\"call_answered\",\"leg\":\"b\","
			    "\"code\":200}\n");

	fx->with.format = LOG_TEXT;
	print(fx, "call_answered leg=%s code=%u why=%s", "b", 200u, "a b");
	assert_string_equal(fx->line,
			    "2023-11-14T22:13:20.123Z sipd.0 info "
			    "call_answered leg=b code=200 why=\"a b\"\n");
}


static void numbers_are_numbers_where_the_format_says_so(void **state)
{
	struct fixture *fx = *state;

	print(fx, "e a=%d b=%lld c=%zd d=%s e=%x f=%u%% g=%ums h=%d i=%hhu",
	      -5, INT64_MIN + 0ll, (ssize_t)-1, "7", 10u, 50u, 3u, 0,
	      (unsigned char)9);
	assert_int_equal(json_integer_value(json_object_get(fx->json, "a")),
			 -5);
	assert_true(json_integer_value(json_object_get(fx->json, "b")) ==
		    INT64_MIN);
	assert_non_null(strstr(fx->line, "\"c\":-1,"));
	assert_string_equal(text_at(fx, "d"), "7");
	assert_string_equal(text_at(fx, "e"), "a");
	assert_string_equal(text_at(fx, "f"), "50%");
	assert_string_equal(text_at(fx, "g"), "3ms");
	assert_true(json_is_integer(json_object_get(fx->json, "h")));
	assert_true(json_is_integer(json_object_get(fx->json, "i")));
}


static void text_is_cut_where_its_precision_says_so(void **state)
{
	static const char letters[] = { 'a', 'b', 'c', 'd' }; /* no NUL */
	struct fixture *fx = *state;

	print(fx, "e a=%.2s... b=%.*s c=%.*s d=%.s e=%.9s f=%d", letters, 3,
	      letters, -1, "whole", "none", "short", 7);
	assert_string_equal(text_at(fx, "a"), "ab...");
	assert_string_equal(text_at(fx, "b"), "abc");
	assert_string_equal(text_at(fx, "c"), "whole");
	assert_string_equal(text_at(fx, "d"), "");
	assert_string_equal(text_at(fx, "e"), "short");
	assert_int_equal(number_at(fx, "f"), 7);
}


static void what_is_rare_is_printed_as_printf_does(void **state)
{
	struct fixture *fx = *state;
	const long double wide = 1.5;

	print(fx,
	      "e a=%08x b=%#llX c=%.3f d=%-6s| e=%6.2s| f=%c g=%.*d h=%*d "
	      "i=%hhd j=%jd k=%td l=%o m=%g n=%zu",
	      0xbeefu, 0xabcull, 1.25, "left", "right", '"', -1, 7, -4, 5,
	      (signed char)-3, INTMAX_MIN, (ptrdiff_t)-2, 8u, 1e9, (size_t)9);
	assert_string_equal(text_at(fx, "a"), "0000beef");
	assert_string_equal(text_at(fx, "b"), "0XABC");
	assert_string_equal(text_at(fx, "c"), "1.250");
	assert_string_equal(text_at(fx, "d"), "left  |");
	assert_string_equal(text_at(fx, "e"), "    ri|");
	assert_string_equal(text_at(fx, "f"), "\"");
	assert_string_equal(text_at(fx, "g"), "7");
	assert_string_equal(text_at(fx, "h"), "5   ");
	assert_int_equal(number_at(fx, "i"), -3);
	assert_true(number_at(fx, "j") == INTMAX_MIN);
	assert_int_equal(number_at(fx, "k"), -2);
	assert_string_equal(text_at(fx, "l"), "10");
	assert_string_equal(text_at(fx, "m"), "1e+09");
	assert_int_equal(number_at(fx, "n"), 9);

	/* A width beyond all bounds */
	print(fx, "e a=%4000d b=%d", 1, 2);
	assert_true(has(fx, "cut"));
	assert_int_equal(number_at(fx, "b"), 2);

	/* Whose argument is of unknown size: nothing behind it is read. */
	print(fx, "e a=%d b=%Lf c=%d", 1, wide, 2);
	assert_int_equal(number_at(fx, "a"), 1);
	assert_string_equal(text_at(fx, "b"), "%Lf c=%d");
}


static void each_line_has_the_second_it_is_of(void **state)
{
	struct fixture *fx = *state;

	print(fx, "e");
	assert_string_equal(text_at(fx, "ts"), "2023-11-14T22:13:20.123Z");
	fx->with.wall_us += 1000;
	print(fx, "e");
	assert_string_equal(text_at(fx, "ts"), "2023-11-14T22:13:20.124Z");
	fx->with.wall_us += 1000000;
	print(fx, "e");
	assert_string_equal(text_at(fx, "ts"), "2023-11-14T22:13:21.124Z");
	fx->with.wall_us -= 86400 * INT64_C(1000000);
	print(fx, "e");
	assert_string_equal(text_at(fx, "ts"), "2023-11-13T22:13:21.124Z");
}


/* "007" is no number in JSON; a sign or blanks before it neither. */
static void numbers_in_another_shape_are_text(void **state)
{
	struct fixture *fx = *state;

	print(fx, "e a=%03u b=%.3d c=%+d d=%5d e=%-5d f=%*d g=% d", 7u, 7, 7,
	      7, 7, 4, 7, 7);
	assert_string_equal(text_at(fx, "a"), "007");
	assert_string_equal(text_at(fx, "b"), "007");
	assert_string_equal(text_at(fx, "c"), "+7");
	assert_string_equal(text_at(fx, "d"), "    7");
}


static void a_value_cannot_end_itself(void **state)
{
	static const char *const values[] = {
		"x\",\"level\":\"error",
		"x\\",
		"x\\\"",
		"a b=c level=error",
		"x\nlevel=error",
		"x\r\n{\"event\":\"forged\"}",
		"\x1b[2Jx",
		"\x7f",
		"",
		"\"",
		"'",
		"=",
		"}",
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		print(fx, "e user=%s code=%u", values[i], 7u);
		assert_int_equal(json_object_size(fx->json), 6);
		assert_string_equal(text_at(fx, "level"), "info");
		assert_int_equal(json_integer_value(
					 json_object_get(fx->json, "code")),
				 7);
		assert_int_equal(strlen(text_at(fx, "user")),
				 strlen(values[i]));
	}
}


static void what_is_printable_is_kept(void **state)
{
	static const char text[] = "a\"b\\c/d \xc3\xa9 \xe2\x82\xac "
				   "\xf0\x9f\x98\x80 {}[]:,=";
	struct fixture *fx = *state;

	print(fx, "e user=%s", text);
	assert_string_equal(text_at(fx, "user"), text);
}


static void what_is_no_utf_8_is_replaced(void **state)
{
	static const char *const values[] = {
		"\x80",             /* begins with a continuation */
		"\xc3",             /* ends within a character */
		"\xc3(",            /* continuation missing */
		"\xc0\xaf",         /* overlong */
		"\xe0\x80\xaf",     /* overlong */
		"\xf0\x80\x80\xaf", /* overlong */
		"\xed\xa0\x80",     /* a surrogate */
		"\xf4\x90\x80\x80", /* beyond U+10FFFF */
		"\xf5\x80\x80\x80",
		"\xff",
		"\xe2\x82",
		"\xf0\x9f\x98",
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		const char *got;

		print(fx, "e user=%s code=%d", values[i], 7);
		got = text_at(fx, "user");
		assert_int_equal(got[0], '_');
		assert_int_equal(json_object_size(fx->json), 6);
	}
}


static void a_separator_in_a_value_makes_no_field(void **state)
{
	static const char *const values[] = {
		"x\x1flevel=error",
		"\x1f",
		"x\x1f"
		"code=9",
		"x\x1f"
		"code=9,\"level\":\"error\"",
		"\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f",
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		print(fx, "e user=%s code=%u", values[i], 7u);
		assert_int_equal(json_object_size(fx->json), 6);
		assert_string_equal(text_at(fx, "event"), "e");
		assert_string_equal(text_at(fx, "level"), "info");
		assert_int_equal(strlen(text_at(fx, "user")),
				 strlen(values[i]));
		assert_int_equal(number_at(fx, "code"), 7);
	}
}


static void a_long_value_cannot_stand_for_the_fields_behind_it(void **state)
{
	static const char forged[] = "y\x1f"
				     "code=1,\"forged\":\"yes\"\x1f"
				     "ms=2";
	struct fixture *fx = *state;
	char value[6000];

	memset(value, 'x', sizeof(value));
	memcpy(value, forged, sizeof(forged) - 1);
	value[sizeof(value) - 1] = '\0';

	for (size_t l = 2800; l < 4400; l++) {
		value[l] = '\0';
		print(fx, "e user=%s code=%u ms=%u", value, 7u, 8u);
		value[l] = 'x';
		assert_false(has(fx, "forged"));
		if (l < 3400 || has(fx, "code"))
			assert_int_equal(number_at(fx, "code"), 7);
		if (l < 3400 || has(fx, "ms"))
			assert_int_equal(number_at(fx, "ms"), 8);
		assert_int_equal(has(fx, "cut"),
				 !has(fx, "code") || !has(fx, "ms"));
	}
	assert_true(has(fx, "cut"));
}


static void a_line_that_is_cut_is_whole_json_and_says_so(void **state)
{
	static const char *const pieces[] = { "x",  "\"",
					      "\\", "\xe2\x82\xac",
					      "\n", "\x1f" };
	static const struct log call = { NULL, "call", "01ARZ3",
					 LOG_LEVEL_INHERIT };
	struct fixture *fx = *state;
	static char value[12000];

	fx->with.log = &call;
	for (size_t p = 0; p < COUNT_OF(pieces); p++) {
		for (size_t l = 0; l + 4 < sizeof(value) / 2; l += 7) {
			size_t n = 0;

			while (n < l) {
				memcpy(value + n, pieces[p],
				       strlen(pieces[p]));
				n += strlen(pieces[p]);
			}
			value[n] = '\0';
			print(fx, "e a=%d user=%s code=%d text=%s", 5, value,
			      123456789, value);
			assert_string_equal(text_at(fx, "event"), "e");
			/* Whose line it is can be seen whatever came. */
			assert_string_equal(text_at(fx, "call"), "01ARZ3");
			if (has(fx, "cut"))
				assert_true(fx->len > 3000);
			else if (has(fx, "user"))
				assert_int_equal(strlen(text_at(fx, "text")),
						 n);
			if (has(fx, "code"))
				assert_int_equal(
					json_integer_value(
						json_object_get(fx->json,
								"code")),
					123456789);
		}
	}
}


static void an_event_of_any_length_leaves_a_whole_line(void **state)
{
	static char value[5000];
	struct fixture *fx = *state;

	memset(value, '"', sizeof(value));
	for (size_t l = 0; l < sizeof(value); l += 13) {
		value[l] = '\0';
		print(fx, "%s code=%u", value, 7u);
		value[l] = '"';
		if (l < 3000)
			assert_int_equal(json_integer_value(
						 json_object_get(fx->json,
								 "code")),
					 7);
		assert_int_equal(has(fx, "cut"), l > 220);
	}
}


static void a_text_line_can_be_told_apart_too(void **state)
{
	struct fixture *fx = *state;
	static char value[5000];

	fx->with.format = LOG_TEXT;
	print(fx, "e user=%s code=%u", "x level=error", 7u);
	assert_non_null(strstr(fx->line, " user=\"x level=error\" code=7\n"));
	print(fx, "e user=%s code=%u", "", 7u);
	assert_non_null(strstr(fx->line, " user=\"\" code=7\n"));
	print(fx, "e user=%s code=%u", "\xc3\xa9\n\"", 7u);
	assert_non_null(strstr(fx->line, " user=\"\xc3\xa9_\\\"\" code=7\n"));

	memset(value, 'x', sizeof(value) - 1);
	print(fx, "e user=%s code=%u", value, 7u);
	assert_non_null(strstr(fx->line, " cut=true\n"));
}


static void a_context_is_inherited_and_the_innermost_speaks(void **state)
{
	const struct log process = { NULL, "node", "n1", 0 };
	const struct log gateway = { &process, "gateway", "GW1", 0 };
	const struct log plain = { &gateway, NULL, NULL, LOG_LEVEL_DEBUG };
	const struct log call = { &plain, "call", "01AR\"Z3", 0 };
	const struct log leg = { &call, "gateway", "GW2", 0 };
	struct fixture *fx = *state;

	fx->with.log = &leg;
	print(fx, "e code=%u", 7u);
	fx->with.log = NULL;
	assert_string_equal(text_at(fx, "gateway"), "GW2");
	assert_string_equal(text_at(fx, "call"), "01AR\"Z3");
	assert_string_equal(text_at(fx, "node"), "n1");
	assert_int_equal(json_object_size(fx->json), 4 + 1 + 3);

	/* A line that says it itself */
	fx->with.log = &leg;
	print(fx, "e call=%s", "other");
	fx->with.log = NULL;
	assert_string_equal(text_at(fx, "call"), "other");
}


static void what_was_left_out_is_counted(void **state)
{
	struct fixture *fx = *state;

	fx->with.repeated = INT64_MAX;
	print(fx, "e code=%u", 7u);
	assert_non_null(strstr(fx->line, ",\"repeated\":9223372036854775807"
					 "}\n"));
}


static void more_fields_than_there_is_room_for_are_part_of_the_last(
	void **state)
{
	struct fixture *fx = *state;

	print(fx,
	      "e f0=%d f1=%d f2=%d f3=%d f4=%d f5=%d f6=%d f7=%d f8=%d f9=%d "
	      "g0=%d g1=%d g2=%d g3=%d g4=%d g5=%d g6=%d g7=%d g8=%d g9=%d "
	      "h0=%d h1=%d h2=%d h3=%d h4=%d h5=%d h6=%d h7=%d h8=%d h9=%d "
	      "i0=%d i1=%d i2=%d i3=%d",
	      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3);
	assert_true(has(fx, "i0"));
	assert_string_equal(text_at(fx, "i1"), "1 i2=2 i3=3");
}


static void a_time_out_of_this_world_is_printed(void **state)
{
	static const int64_t times[] = { INT64_MIN, -1, 0, INT64_MAX };
	struct fixture *fx = *state;

	for (size_t i = 0; i < COUNT_OF(times); i++) {
		fx->with.wall_us = times[i];
		print(fx, "e");
		assert_true(strlen(text_at(fx, "ts")) >= 24);
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_line_says_when_who_how_bad_and_what),
		T(numbers_are_numbers_where_the_format_says_so),
		T(text_is_cut_where_its_precision_says_so),
		T(what_is_rare_is_printed_as_printf_does),
		T(each_line_has_the_second_it_is_of),
		T(numbers_in_another_shape_are_text),
		T(a_value_cannot_end_itself),
		T(what_is_printable_is_kept),
		T(what_is_no_utf_8_is_replaced),
		T(a_separator_in_a_value_makes_no_field),
		T(a_long_value_cannot_stand_for_the_fields_behind_it),
		T(a_line_that_is_cut_is_whole_json_and_says_so),
		T(an_event_of_any_length_leaves_a_whole_line),
		T(a_text_line_can_be_told_apart_too),
		T(a_context_is_inherited_and_the_innermost_speaks),
		T(what_was_left_out_is_counted),
		T(more_fields_than_there_is_room_for_are_part_of_the_last),
		T(a_time_out_of_this_world_is_printed),
	};

	return T_MAIN_ONLY(tests);
}
