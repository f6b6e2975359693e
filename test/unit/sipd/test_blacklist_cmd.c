/**
 * @file test/unit/sipd/test_blacklist_cmd.c  blacklist list, add, remove
 */
#include "shared/base/clk.h"
#include "shared/base/log.h"
#include "shared/base/util.h"
#include "shared/svc/admin.h"
#include "sipd/blacklist_cmd.h"
#include "sipd/guard.h"
#include "test/support/t.h"

#define SECOND INT64_C(1000000)

enum {
	SECONDS = 60
};

enum verb {
	LIST,
	ADD,
	REMOVE
};

static const struct log quiet = { .level = LOG_LEVEL_ERROR };


static struct admin_answer ask(struct guard *guard, enum verb verb,
			       const char *text)
{
	struct admin_answer answer = { .tag = 0 };
	json_t *args = json_loads(text, 0, NULL);
	const int64_t now_us = clk_mono_us();

	assert_non_null(args);
	if (verb == LIST)
		(void)blacklist_cmd_list(guard, now_us, args, &answer);
	else if (verb == ADD)
		(void)blacklist_cmd_add(guard, SECONDS, now_us, args, &answer);
	else
		(void)blacklist_cmd_remove(guard, now_us, args, &answer);
	json_decref(args);

	return answer;
}


static void done(struct admin_answer *answer)
{
	json_decref(answer->rows);
	json_decref(answer->more);
	json_decref(answer->next);
}


static void check(struct guard *guard, enum verb verb, const char *args,
		  const char *code)
{
	struct admin_answer answer = ask(guard, verb, args);

	if (code)
		assert_non_null(answer.code);
	else
		assert_null(answer.code);
	if (code)
		assert_string_equal(answer.code, code);
	done(&answer);
}


static struct guard *begin(void)
{
	struct guard *guard = NULL;

	clk_freeze(1000 * SECOND, 1767225600123456);
	assert_int_equal(guard_alloc(&guard, &quiet), 0);

	return guard;
}


static void end(struct guard *guard)
{
	guard_free(guard);
	clk_thaw();
}


static void an_entry_has_all_its_columns(void **state)
{
	static const char want[] =
		"[{\"entry\":\"10.0.0.1\",\"list\":\"dynamic\",\"since\":"
		"\"2026-01-01T00:00:00.123Z\",\"left\":55,\"reason\":"
		"\"operator\",\"hits\":0}]";
	struct guard *guard = begin();
	struct admin_answer answer;
	char *text;

	(void)state;
	check(guard, ADD, "{\"entry\":\"10.0.0.1\"}", NULL);
	clk_turn(5 * SECOND);
	answer = ask(guard, LIST, "{\"list\":\"dynamic\"}");
	text = json_dumps(answer.rows, JSON_COMPACT);
	assert_string_equal(text, want);
	free(text);
	done(&answer);
	end(guard);
}


static void ipv6_is_listed_as_it_is_removed(void **state)
{
	struct guard *guard = begin();
	struct admin_answer answer;
	const char *entry;

	(void)state;
	check(guard, ADD, "{\"entry\":\"2001:db8::7\",\"seconds\":5}", NULL);
	answer = ask(guard, LIST, "{}");
	entry = json_string_value(
		json_object_get(json_array_get(answer.rows, 0), "entry"));
	assert_string_equal(entry, "2001:db8::/64");
	done(&answer);
	check(guard, REMOVE, "{\"entry\":\"2001:db8::/64\"}", NULL);
	check(guard, REMOVE, "{\"entry\":\"2001:db8::/64\"}", "not_found");
	end(guard);
}


static void a_list_comes_in_pages(void **state)
{
	struct guard *guard = begin();
	struct admin_answer answer;
	char args[64];

	(void)state;
	for (int i = 1; i <= 5; i++) {
		(void)text_print(args, sizeof(args),
				 "{\"entry\":\"10.0.0.%d\"}", i);
		check(guard, ADD, args, NULL);
	}
	answer = ask(guard, LIST, "{\"limit\":3}");
	assert_int_equal(json_array_size(answer.rows), 3);
	assert_string_equal(json_string_value(answer.next), "3");
	done(&answer);
	answer = ask(guard, LIST, "{\"limit\":3,\"cursor\":\"3\"}");
	assert_int_equal(json_array_size(answer.rows), 2);
	assert_null(answer.next);
	done(&answer);
	end(guard);
}


static void what_cannot_be_is_refused(void **state)
{
	static const struct {
		enum verb verb;
		const char *args;
	} rows[] = {
		{ LIST, "{\"list\":\"caller_black\"}" },
		{ LIST, "{\"limit\":0}" },
		{ LIST, "{\"cursor\":-1}" },
		{ ADD, "{\"list\":\"source_black\",\"entry\":\"10.0.0.1\"}" },
		{ ADD, "{}" },
		{ ADD, "{\"entry\":\"10.0.0.0/8\"}" },
		{ ADD, "{\"entry\":\"2001:db8::/48\"}" },
		{ ADD, "{\"entry\":\"host\"}" },
		{ ADD, "{\"entry\":\"10.0.0.1\",\"seconds\":0}" },
		{ ADD, "{\"entry\":\"10.0.0.1\",\"seconds\":\"x\"}" },
		{ ADD, "{\"entry\":\"10.0.0.1\",\"seconds\":99999999999}" },
		{ REMOVE, "{\"list\":\"source_white\",\"entry\":\"::1\"}" },
		{ REMOVE, "{\"entry\":7}" },
	};
	struct guard *guard = begin();
	struct admin_answer answer;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check(guard, rows[i].verb, rows[i].args, "invalid_value");
	answer = ask(guard, LIST, "{}");
	assert_int_equal(json_array_size(answer.rows), 0);
	done(&answer);
	end(guard);
}


static int an_entry_is_added(void)
{
	struct guard *guard = NULL;
	struct admin_answer answer;
	int err = guard_alloc(&guard, &quiet);

	if (err)
		return err;
	answer = ask(guard, ADD, "{\"entry\":\"10.0.0.1\"}");
	err = answer.code ? ENOMEM : 0;
	done(&answer);
	guard_free(guard);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_has_all_its_columns),
		cmocka_unit_test(ipv6_is_listed_as_it_is_removed),
		cmocka_unit_test(a_list_comes_in_pages),
		cmocka_unit_test(what_cannot_be_is_refused),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(an_entry_is_added),
	};

	return T_MAIN(tests, scenarios);
}
