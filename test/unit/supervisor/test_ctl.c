/**
 * @file test/unit/supervisor/test_ctl.c  Words to a command, rows to a table
 */
#include "supervisor/ctl_print.h"
#include "supervisor/ctl_table.h"
#include "test/support/t.h"

enum {
	WORDS_MAX = 8
};


static int words(char *argv[WORDS_MAX], char *line)
{
	int argc = 0;

	for (char *save, *p = strtok_r(line, " ", &save); p;
	     p = strtok_r(NULL, " ", &save))
		argv[argc++] = p;

	return argc;
}


static void assert_request(const char *line, const char *want)
{
	char copy[128], why[CTL_WHY_MAX], *argv[WORDS_MAX], *text;
	json_t *request = NULL;
	int argc;

	snprintf(copy, sizeof(copy), "%s", line);
	argc = words(argv, copy);
	if (ctl_request(&request, argc, argv, why) != 0)
		fail_msg("%s: %s", line, why);
	text = json_dumps(request, JSON_COMPACT);
	assert_string_equal(text, want);
	free(text);
	json_decref(request);
}


static void assert_wrong(const char *line, const char *words_of_why)
{
	char copy[128], why[CTL_WHY_MAX], *argv[WORDS_MAX];
	json_t *request = NULL;
	int argc;

	snprintf(copy, sizeof(copy), "%s", line);
	argc = words(argv, copy);
	assert_int_equal(ctl_request(&request, argc, argv, why), EINVAL);
	assert_null(request);
	if (!strstr(why, words_of_why))
		fail_msg("'%s' is not in '%s'", words_of_why, why);
}


static void words_become_arguments_by_their_place(void **state)
{
	(void)state;
	assert_request("status", "{\"cmd\":\"status\",\"args\":{}}");
	assert_request("stop", "{\"cmd\":\"stop\",\"args\":{}}");
	assert_request("loglevel sipd debug",
		       "{\"cmd\":\"loglevel\",\"args\":{\"process\":\"sipd\","
		       "\"level\":\"debug\"}}");
	assert_request("daemon status sipd.0",
		       "{\"cmd\":\"daemon.status\",\"args\":"
		       "{\"process\":\"sipd.0\"}}");
}


static void options_become_arguments_by_their_name(void **state)
{
	(void)state;
	assert_request("restart sipd --drain",
		       "{\"cmd\":\"restart\",\"args\":{\"process\":\"sipd\","
		       "\"drain\":true}}");
	assert_request("restart --drain sipd",
		       "{\"cmd\":\"restart\",\"args\":{\"drain\":true,"
		       "\"process\":\"sipd\"}}");
}


static void what_the_table_does_not_know_is_sent_as_it_stands(void **state)
{
	(void)state;
	assert_request("call list --max-rows 5 --state ringing --all",
		       "{\"cmd\":\"call.list\",\"args\":{\"max_rows\":\"5\","
		       "\"state\":\"ringing\",\"all\":true}}");
}


static void a_record_is_named_and_its_fields_are_text(void **state)
{
	(void)state;
	assert_request("phone set 2001 max_contacts=2 forward_no_answer=",
		       "{\"cmd\":\"phone.set\",\"args\":{\"name\":\"2001\","
		       "\"max_contacts\":\"2\",\"forward_no_answer\":\"\"}}");
	assert_request("rate add table=r prefix=0044",
		       "{\"cmd\":\"rate.add\",\"args\":{\"table\":\"r\","
		       "\"prefix\":\"0044\"}}");
	assert_request("rate list --prefix 0044 --first-increment 60",
		       "{\"cmd\":\"rate.list\",\"args\":{\"prefix\":\"0044\","
		       "\"first_increment\":\"60\"}}");
	assert_request("route test --from a --called 442071234567",
		       "{\"cmd\":\"route.test\",\"args\":{\"from\":\"a\","
		       "\"called\":\"442071234567\"}}");
	assert_request("param set SS_A=1 SS_B=a=b",
		       "{\"cmd\":\"param.set\",\"args\":{\"SS_A\":\"1\","
		       "\"SS_B\":\"a=b\"}}");
	assert_request("history show 5", "{\"cmd\":\"history.show\",\"args\":"
					 "{\"version\":\"5\"}}");
	assert_request("history --limit 5",
		       "{\"cmd\":\"history.list\",\"args\":{\"limit\":5}}");
}


static void wrong_words_are_said(void **state)
{
	(void)state;
	assert_wrong("", "a command is wanted");
	assert_wrong("stat", "no command 'stat'");
	assert_wrong("restart", "process is missing");
	assert_wrong("status now", "'now' is one word too many");
	assert_wrong("status --", "is no option");
	assert_wrong("call list five six", "'six' is one word too many");
}


static void assert_printed(const char *json, const char *want)
{
	json_t *rows = json_loads(json, 0, NULL);
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(rows);
	ctl_print(f, rows);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
	json_decref(rows);
}


static void rows_are_a_table(void **state)
{
	(void)state;
	assert_printed("[{\"process\":\"sipd.0\",\"uptime\":59},"
		       "{\"process\":\"x\",\"uptime\":61,\"up\":true}]",
		       "process  uptime  up \n"
		       "sipd.0   59s        \n"
		       "x        1m01s   yes\n");
	assert_printed("[{\"uptime\":3661},{\"uptime\":90061}]",
		       "uptime\n1h01m \n1d01h \n");
	assert_printed("[{\"a\":1.5,\"b\":null,\"c\":\"\"},{\"a\":2}]",
		       "a    \n1.500\n2    \n");
	assert_printed("[]", "");
}


static void one_row_with_lists_is_lines(void **state)
{
	(void)state;
	assert_printed("[{\"process\":\"sipd.0\",\"links\":[\"a\",{\"b\":1}]}]",
		       "process          sipd.0\n"
		       "links:\n  a\n  {\"b\":1}\n");
}


static void a_terminal_gets_no_control_characters(void **state)
{
	(void)state;
	assert_printed("[{\"a\":\"\\u001b[2Jx\\n\"}]", "a     \n_[2Jx_\n");
}


static void the_help_has_every_command(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	(void)state;

	ctl_help(f);
	fclose(f);
	assert_non_null(strstr(text, "restart process [--drain]"));
	assert_non_null(strstr(text, "stop [process]"));
	free(text);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_arguments_by_their_place),
		cmocka_unit_test(options_become_arguments_by_their_name),
		cmocka_unit_test(
			what_the_table_does_not_know_is_sent_as_it_stands),
		cmocka_unit_test(a_record_is_named_and_its_fields_are_text),
		cmocka_unit_test(wrong_words_are_said),
		cmocka_unit_test(rows_are_a_table),
		cmocka_unit_test(one_row_with_lists_is_lines),
		cmocka_unit_test(a_terminal_gets_no_control_characters),
		cmocka_unit_test(the_help_has_every_command),
	};

	return T_MAIN_ONLY(tests);
}
