/**
 * @file test/unit/billingd/test_args.c  What an operator asks for, from JSON
 */
#include "billingd/args.h"
#include "shared/base/util.h"
#include "shared/svc/admin.h"
#include "test/support/t.h"

enum {
	USUAL = 50,
	MOST = 100
};


static void a_limit_is_a_number_or_its_text_within_bounds(void **state)
{
	static const struct {
		const char *args;
		size_t want; /**< 0: refused */
	} rows[] = {
		{ "{}", USUAL },
		{ "{\"limit\":1}", 1 },
		{ "{\"limit\":100}", MOST },
		{ "{\"limit\":\"7\"}", 7 },
		{ "{\"limit\":0}", 0 },
		{ "{\"limit\":-1}", 0 },
		{ "{\"limit\":101}", 0 },
		{ "{\"limit\":4294967297}", 0 },
		{ "{\"limit\":1.5}", 0 },
		{ "{\"limit\":\"\"}", 0 },
		{ "{\"limit\":\"7 \"}", 0 },
		{ "{\"limit\":\"all\"}", 0 },
		{ "{\"limit\":null}", 0 },
		{ "{\"limit\":[1]}", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct admin_answer answer = { .code = NULL };
		json_t *args = json_loads(rows[i].args, 0, NULL);

		assert_non_null(args);
		assert_int_equal(args_limit(args, USUAL, MOST, &answer),
				 rows[i].want);
		if (rows[i].want)
			assert_null(answer.code);
		else
			assert_string_equal(answer.error,
					    "limit: not within 1-100");
		json_decref(args);
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_limit_is_a_number_or_its_text_within_bounds),
	};

	return T_MAIN_ONLY(tests);
}
