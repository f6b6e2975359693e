/**
 * @file test/unit/svc/test_admin.c  Whatever the line holds, an answer
 */
#include "shared/svc/admin.h"
#include "test/support/t.h"

static int calls;
static struct admin_ticket kept;


static int list(void *state, const json_t *args, struct admin_answer *answer)
{
	const json_t *limit = json_object_get(args, "limit");

	calls++;
	answer->rows = json_pack("[{s:s,s:I}]", "name", state, "limit",
				 limit ? json_integer_value(limit)
				       : (json_int_t)-1);

	return 0;
}


static int nothing(void *state, const json_t *args,
		   struct admin_answer *answer)
{
	(void)state;
	(void)args;
	(void)answer;

	return 0;
}


static int missing(void *state, const json_t *args,
		   struct admin_answer *answer)
{
	(void)state;
	(void)args;
	(void)answer;

	return ENOENT;
}


static int explained(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	(void)state;
	(void)args;
	answer->code = "locked";
	snprintf(answer->error, sizeof(answer->error), "it is locked");

	return EBUSY;
}


static int later(void *state, const json_t *args, struct admin_answer *answer)
{
	(void)state;
	(void)args;
	kept = answer->asker->ticket;
	answer->later = true;

	return 0;
}


static const struct admin_command commands[] = {
	{ .cmd = "call.list",
	  .h = list,
	  .role = ADMIN_VIEW,
	  .args = { { "filter", "which", true },
		    { "limit", "how many", 0 } } },
	{ .cmd = "call.drop", .h = nothing, .role = ADMIN_OPERATE },
	{ .cmd = "call.show", .h = missing },
	{ .cmd = "call.lock", .h = explained },
	{ .cmd = "call.wait", .h = later, .args = { { "*", "anything", 0 } } },
};


static void assert_answer(enum admin_role role, const char *line,
			  const char *want)
{
	const struct admin_asker asker = { .role = role, .name = "root" };
	char *text = admin_dispatch(commands,
				    sizeof(commands) / sizeof(commands[0]),
				    (char[]){ "me" }, &asker, line,
				    strlen(line));

	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
}


static void a_command_gets_its_arguments_and_state(void **state)
{
	(void)state;
	assert_answer(ADMIN_VIEW,
		      "{\"cmd\":\"call.list\",\"args\":"
		      "{\"filter\":\"a\",\"limit\":5}}",
		      "{\"ok\":true,\"rows\":[{\"name\":\"me\",\"limit\":5}],"
		      "\"next\":null}");
	assert_answer(ADMIN_OPERATE, "{\"cmd\":\"call.drop\"}",
		      "{\"ok\":true,\"rows\":[],\"next\":null}");
}


static void a_role_below_that_of_the_row_is_refused(void **state)
{
	(void)state;
	assert_answer(ADMIN_VIEW, "{\"cmd\":\"call.drop\"}",
		      "{\"ok\":false,\"error\":\"call.drop needs the role "
		      "operate\",\"code\":\"forbidden\"}");
	assert_answer(ADMIN_ADMIN, "{\"cmd\":\"call.drop\"}",
		      "{\"ok\":true,\"rows\":[],\"next\":null}");
}


static void arguments_are_those_of_the_row(void **state)
{
	(void)state;
	calls = 0;
	assert_answer(ADMIN_VIEW, "{\"cmd\":\"call.list\"}",
		      "{\"ok\":false,\"error\":\"call.list: filter is missing "
		      "(which)\",\"code\":\"invalid_value\"}");
	assert_answer(ADMIN_VIEW,
		      "{\"cmd\":\"call.list\",\"args\":"
		      "{\"filter\":1,\"limmit\":2}}",
		      "{\"ok\":false,\"error\":\"call.list: no argument "
		      "'limmit': did you mean limit?\","
		      "\"code\":\"invalid_value\"}");
	assert_answer(ADMIN_VIEW, "{\"cmd\":\"call.list\",\"args\":[]}",
		      "{\"ok\":false,\"error\":\"args is not an object\","
		      "\"code\":\"invalid_value\"}");
	assert_int_equal(calls, 0);
}


static void an_error_has_a_code_and_words(void **state)
{
	(void)state;
	assert_answer(ADMIN_VIEW, "{\"cmd\":\"call.show\"}",
		      "{\"ok\":false,\"error\":\"call.show: No such file or "
		      "directory\",\"code\":\"not_found\"}");
	assert_answer(ADMIN_VIEW, "{\"cmd\":\"call.lock\"}",
		      "{\"ok\":false,\"error\":\"it is locked\","
		      "\"code\":\"locked\"}");
	assert_answer(ADMIN_VIEW, "{\"cmd\":\"call.fly\"}",
		      "{\"ok\":false,\"error\":\"no command 'call.fly'\","
		      "\"code\":\"unknown_command\"}");
}


static void what_is_no_request_is_answered_too(void **state)
{
	static const char *const lines[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"cmd\":1}",
		"{\"cmd\":\"a\",\"cmd\":\"b\"}",
		"{\"cmd\":\"call.drop\"} more",
		"\xff\xfe",
	};
	const struct admin_asker asker = { .role = ADMIN_ADMIN };
	char *text;
	(void)state;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_answer(ADMIN_ADMIN, lines[i],
			      "{\"ok\":false,\"error\":\"not an object with a "
			      "cmd\",\"code\":\"bad_json\"}");

	text = admin_dispatch(commands, 4, NULL, &asker, "",
			      ADMIN_LINE_MAX + 1);
	assert_non_null(strstr(text, "above 1 MiB"));
	free(text);
}


static void an_answer_may_come_later_by_its_ticket(void **state)
{
	const struct admin_asker asker = { .ticket = { 7, 3 },
					   .role = ADMIN_ADMIN };
	static const char line[] = "{\"cmd\":\"call.wait\","
				   "\"args\":{\"anything\":1}}";
	struct admin_answer answer = { .rows = json_pack("[i]", 1),
				       .more = json_pack("{s:i}", "version",
							 5),
				       .next = json_string("abc") };
	char *text;
	(void)state;

	text = admin_dispatch(commands, 5, NULL, &asker, line, strlen(line));
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(kept.id, 7);
	assert_int_equal(kept.channel, 3);

	text = admin_print(&answer);
	assert_string_equal(text, "{\"ok\":true,\"rows\":[1],\"version\":5,"
				  "\"next\":\"abc\"}");
	free(text);
}


static void the_name_of_a_command_is_bounded(void **state)
{
	char cmd[ADMIN_CMD_MAX], line[2 * ADMIN_CMD_MAX];
	int n;
	(void)state;

	n = snprintf(line, sizeof(line), "{\"cmd\":\"a.b\",\"args\":3}");
	assert_int_equal(admin_cmd(cmd, line, (size_t)n), 0);
	assert_string_equal(cmd, "a.b");
	n = snprintf(line, sizeof(line), "{\"cmd\":\"%0*d\"}", ADMIN_CMD_MAX,
		     0);
	assert_int_equal(admin_cmd(cmd, line, (size_t)n), EBADMSG);
	assert_int_equal(admin_cmd(cmd, "{}", 2), EBADMSG);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_gets_its_arguments_and_state),
		cmocka_unit_test(a_role_below_that_of_the_row_is_refused),
		cmocka_unit_test(arguments_are_those_of_the_row),
		cmocka_unit_test(an_error_has_a_code_and_words),
		cmocka_unit_test(what_is_no_request_is_answered_too),
		cmocka_unit_test(an_answer_may_come_later_by_its_ticket),
		cmocka_unit_test(the_name_of_a_command_is_bounded),
	};

	return T_MAIN_ONLY(tests);
}
