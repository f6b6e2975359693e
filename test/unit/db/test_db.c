/**
 * @file test/unit/db/test_db.c  A connection to a server that is not there
 */
#include <stdio.h>

#include "shared/base/log.h"
#include "shared/base/util.h"
#include "shared/db/db_parts.h"
#include "test/support/t.h"

struct seen {
	unsigned downs;
	unsigned ups;
	struct db **freed; /**< By the handler, if not NULL */
};


static void on_state(bool up, const char *why, void *arg)
{
	struct seen *seen = arg;

	assert_true(up || *why);
	seen->ups += up;
	seen->downs += !up;
	if (seen->freed)
		*seen->freed = db_free(*seen->freed);
}


static void discard(const char *line, size_t len, void *arg)
{
	(void)line;
	(void)len;
	(void)arg;
}


static struct db_args args_of(struct ev *ev, struct seen *seen)
{
	return (struct db_args){
		.ev = ev,
		.conninfo = "host=/nowhere/at/all",
		.application = "test",
		.password_file = "",
		.stateh = on_state,
		.arg = seen,
	};
}


static int a_server_is_looked_for(void)
{
	struct seen seen = { .downs = 0 };
	struct ev *ev = NULL;
	struct db_args args;
	struct db *db = NULL;
	int err;

	log_writer_set(discard, NULL);
	err = ev_alloc(&ev);
	if (err)
		return err;

	args = args_of(ev, &seen);
	err = db_alloc(&db, &args);
	if (err)
		goto out;

	assert_int_equal(seen.downs, 0);
	WAIT_FOR(5, (ev_turn(ev), seen.downs == 1));
	assert_false(db_is_up(db));

out:
	db_free(db);
	ev_free(ev);
	log_writer_set(NULL, NULL);

	return err;
}


static void one_that_is_not_there_is_told_once(void **state)
{
	(void)state;

	assert_int_equal(a_server_is_looked_for(), 0);
}


static void while_it_is_away_nothing_is_taken(void **state)
{
	const struct db_statement s = { "SELECT 1", NULL, 0 };
	struct seen seen = { .downs = 0 };
	struct ev *ev;
	struct db_args args;
	struct db *db;
	(void)state;

	assert_int_equal(ev_alloc(&ev), 0);
	args = args_of(ev, &seen);
	assert_int_equal(db_alloc(&db, &args), 0);
	assert_int_equal(db_query(db, &s, NULL, NULL), ENOTCONN);
	assert_int_equal(db_transaction(db, &s, 1, NULL, NULL), ENOTCONN);
	assert_int_equal(db_stream(db, &s, NULL, NULL), ENOTCONN);
	assert_int_equal(db_copy_begin(db, "COPY", NULL, NULL, NULL),
			 ENOTCONN);
	assert_int_equal(db_copy_data(db, "x", 1), ECANCELED);
	assert_int_equal(db_copy_end(db, NULL), ECANCELED);
	assert_null(db_free(db));
	assert_null(db_free(NULL));
	ev_free(ev);
}


static void the_state_handler_may_free_it(void **state)
{
	struct db *db = NULL;
	struct seen seen = { .freed = &db };
	struct ev *ev;
	struct db_args args;
	(void)state;

	log_writer_set(discard, NULL);
	assert_int_equal(ev_alloc(&ev), 0);
	args = args_of(ev, &seen);
	assert_int_equal(db_alloc(&db, &args), 0);
	WAIT_FOR(5, (ev_turn(ev), seen.downs == 1));
	assert_null(db);
	assert_false(ev_turn(ev));
	ev_free(ev);
	log_writer_set(NULL, NULL);
}


static void channels_that_are_too_long_or_too_many_are_refused(void **state)
{
	static const char *const many[] = { "1", "2", "3", "4", "5",
					    "6", "7", "8", "9", NULL };
	char long_name[DB_CHANNEL_SIZE];
	const char *const one[] = { long_name, NULL };
	struct seen seen = { .downs = 0 };
	struct db_args args = args_of(NULL, &seen);
	struct db *db = NULL;
	(void)state;

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	args.listen = one;
	assert_int_equal(db_alloc(&db, &args), EINVAL);
	args.listen = many;
	assert_int_equal(db_alloc(&db, &args), EINVAL);
	args.listen = NULL;
	args.conninfo = "host=a nonsense";
	assert_int_equal(db_alloc(&db, &args), EINVAL);
	assert_null(db);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_is_not_there_is_told_once),
		cmocka_unit_test(while_it_is_away_nothing_is_taken),
		cmocka_unit_test(the_state_handler_may_free_it),
		cmocka_unit_test(
			channels_that_are_too_long_or_too_many_are_refused),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_server_is_looked_for),
	};

	return T_MAIN(tests, scenarios);
}
