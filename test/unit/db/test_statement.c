/**
 * @file test/unit/db/test_statement.c  Statements outlive who asked
 */
#include "shared/base/util.h"
#include "shared/db/db_parts.h"
#include "test/support/t.h"


/* Returned as they were, though the originals are overwritten */
static int statements_are_kept(void)
{
	char sql[2][16] = { "first", "second" };
	char text[2][16] = { "one", "" };
	const char *const params[] = { text[0], NULL, text[1] };
	const struct db_statement statements[] = {
		{ sql[0], params, 3 },
		{ sql[1], NULL, 0 },
		{ sql[0], params, 1 },
	};
	struct db_kept *kept = NULL;
	int err;

	err = db_kept_alloc(&kept, statements, COUNT_OF(statements));
	if (err)
		return err;

	memset(sql, 'x', sizeof(sql));
	memset(text, 'x', sizeof(text));
	assert_int_equal(kept->statementc, 3);
	assert_string_equal(kept->statements[0].sql, "first");
	assert_int_equal(kept->statements[0].paramc, 3);
	assert_string_equal(kept->statements[0].params[0], "one");
	assert_null(kept->statements[0].params[1]);
	assert_string_equal(kept->statements[0].params[2], "");
	assert_string_equal(kept->statements[1].sql, "second");
	assert_int_equal(kept->statements[1].paramc, 0);
	assert_string_equal(kept->statements[2].sql, "first");
	assert_int_equal(kept->statements[2].paramc, 1);
	assert_string_equal(kept->statements[2].params[0], "one");
	free(kept);

	return 0;
}


static void a_kept_statement_does_not_need_its_asker(void **state)
{
	(void)state;

	assert_int_equal(statements_are_kept(), 0);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kept_statement_does_not_need_its_asker),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(statements_are_kept),
	};

	return T_MAIN(tests, scenarios);
}
