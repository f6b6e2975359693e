/**
 * @file test/unit/supervisor/test_spread.c  Answers of workers become one
 */
#include <stdio.h>

#include "shared/base/util.h"
#include "supervisor/spread.h"
#include "supervisor/topology.h"
#include "test/support/t.h"

#define OK(rows) "{\"ok\":true,\"rows\":[" rows "],\"next\":null}"
#define PAGE(rows, position, next)                             \
	"{\"ok\":true,\"rows\":[" rows "],\"state\":\"over\"," \
	"\"position\":\"" position "\",\"next\":" next "}"
#define NOT_FOUND "{\"ok\":false,\"error\":\"none\",\"code\":\"not_found\"}"
#define AT(time)  "{\"time\":\"" time "\"}"


static json_t *read_json(const char *text)
{
	json_t *json = text ? json_loads(text, 0, NULL) : NULL;

	assert_true(!text || json);

	return json;
}


static void is_json(json_t *found, const char *wanted)
{
	json_t *want = read_json(wanted);
	char *text;

	if (!wanted) {
		assert_null(found);
		return;
	}
	text = json_dumps(found, JSON_COMPACT);
	if (!json_equal(found, want))
		print_error("%s\n  wanted %s\n", text, wanted);
	assert_true(json_equal(found, want));
	free(text);
	json_decref(found);
	json_decref(want);
}


/* Up to three workers; NULL among them: it gave no answer */
static void merges(const char *cmd, const char *args, const char *one,
		   const char *two, const char *three, const char *wanted)
{
	const struct spread *spread = spread_find(cmd);
	json_t *answers[] = { read_json(one), read_json(two),
			      read_json(three) };
	json_t *asked = read_json(args);

	assert_non_null(spread);
	is_json(spread_merge(spread, asked, answers, COUNT_OF(answers)),
		wanted);
	for (size_t i = 0; i < COUNT_OF(answers); i++)
		json_decref(answers[i]);
	json_decref(asked);
}


static void asks(const char *cmd, const char *args, size_t worker,
		 const char *lead, const char *wanted)
{
	json_t *asked = read_json(args), *led = read_json(lead);

	is_json(spread_args(spread_find(cmd), asked, worker, led), wanted);
	json_decref(asked);
	json_decref(led);
}


static void a_command_of_its_own_stands_before_its_object(void **state)
{
	(void)state;

	assert_int_equal(spread_find("gateway.status")->peer, PEER_SIPD);
	assert_int_equal(spread_find("gateway.set")->peer, PEER_BILLINGD);
	assert_int_equal(spread_find("call.show")->way, SPREAD_ALL);
	assert_int_equal(spread_find("param.set")->way, SPREAD_ONE);
	assert_null(spread_find("calls.list"));
	assert_null(spread_find(""));
}


static void rows_of_all_are_sorted_and_limited(void **state)
{
	(void)state;

	merges("call.list", "{\"sort\":\"-duration\",\"limit\":3}",
	       OK("{\"duration\":9},{\"duration\":2}"),
	       OK("{\"duration\":5},{\"duration\":4}"), NULL,
	       OK("{\"duration\":9},{\"duration\":5},{\"duration\":4}"));
	merges("call.list", "{}", OK("{\"a\":2}"), OK(""), OK("{\"a\":1}"),
	       OK("{\"a\":2},{\"a\":1}"));
}


static void who_has_it_answers_for_those_that_have_not(void **state)
{
	(void)state;

	merges("call.show", "{\"name\":\"x\"}", NOT_FOUND,
	       OK("{\"call\":\"x\"}"), NULL, OK("{\"call\":\"x\"}"));
	merges("call.show", "{\"name\":\"x\"}", NOT_FOUND, NULL, NOT_FOUND,
	       NOT_FOUND);
	merges("blacklist.add", "{}", OK(""),
	       "{\"ok\":false,\"error\":\"e\",\"code\":\"failed\"}", OK(""),
	       "{\"ok\":false,\"error\":\"e\",\"code\":\"failed\"}");
}


static void rows_with_equal_keys_are_one(void **state)
{
	(void)state;

	merges("blacklist.list", "{}",
	       OK("{\"entry\":\"a\",\"hits\":1,\"left\":9},"
		  "{\"entry\":\"b\",\"hits\":2,\"left\":9}"),
	       OK("{\"entry\":\"a\",\"hits\":5,\"left\":11}"), NULL,
	       OK("{\"entry\":\"a\",\"hits\":6,\"left\":11},"
		  "{\"entry\":\"b\",\"hits\":2,\"left\":9}"));
	merges("suspended.clear", "{}", OK("{\"cleared\":1}"),
	       OK("{\"cleared\":0}"), OK("{\"cleared\":4}"),
	       OK("{\"cleared\":5}"));
}


static void means_are_weighed_and_a_word_wins(void **state)
{
	(void)state;

#define GW(state, cps, asr, attempts)                                      \
	"{\"gateway\":\"g\",\"kind\":\"routing\",\"state\":\"" state "\"," \
	"\"cps\":" cps ",\"asr\":" asr ",\"attempts\":" attempts "}"
	merges("gateway.status", "{}", OK(GW("offline", "1", "1.0", "1")),
	       OK(GW("online", "2", "0.0", "3")),
	       OK(GW("offline", "0", "null", "0")),
	       OK(GW("online", "3", "0.25", "4")));
}


static void a_page_of_all_ends_where_one_has_more(void **state)
{
	(void)state;

	/* The first has more behind 3: 4 and 5 of the other come later. */
	merges("trace.show", "{\"cursor\":\"10.20\"}",
	       PAGE(AT("1") "," AT("3"), "12", "\"12\""),
	       PAGE(AT("2") "," AT("4") "," AT("5"), "23", "null"), NULL,
	       PAGE(AT("1") "," AT("2") "," AT("3"), "12.21.0",
		    "\"12.21.0\""));
	merges("trace.show", "{\"limit\":2,\"cursor\":\"10.20\"}",
	       PAGE(AT("1") "," AT("3"), "12", "null"),
	       PAGE(AT("2") "," AT("4"), "22", "null"), NOT_FOUND,
	       PAGE(AT("1") "," AT("2"), "11.21.0", "\"11.21.0\""));
	merges("trace.show", "{}", PAGE(AT("1"), "1", "null"),
	       PAGE("", "0", "null"), PAGE("", "0", "null"),
	       PAGE(AT("1"), "1.0.0", "null"));
}


static void each_is_asked_for_its_own_page(void **state)
{
	(void)state;

	asks("trace.show", "{\"name\":\"1\",\"cursor\":\"7.0.9\"}", 2, NULL,
	     "{\"name\":\"1\",\"cursor\":\"9\"}");
	asks("trace.show", "{\"name\":\"1\",\"cursor\":\"7\"}", 1, NULL,
	     "{\"name\":\"1\",\"cursor\":\"0\"}");
	asks("blacklist.list", "{\"limit\":10,\"cursor\":\"30\"}", 1, NULL,
	     "{\"limit\":40}");
	asks("blacklist.list", "{\"limit\":10,\"cursor\":\"4991\"}", 1, NULL,
	     NULL);
	asks("trace.start", "{\"ip\":\"192.0.2.1\"}", 1, OK("{\"trace\":3}"),
	     "{\"ip\":\"192.0.2.1\",\"name\":3}");
	asks("call.list", "{\"limit\":10}", 1, NULL, "{\"limit\":10}");
}


static void a_list_goes_on_at_a_row(void **state)
{
	(void)state;

#define ROW(entry) "{\"entry\":\"" entry "\"}"
	merges("blacklist.list", "{\"limit\":1,\"cursor\":\"1\"}",
	       OK(ROW("a") "," ROW("b")), OK(ROW("c")), NULL,
	       "{\"ok\":true,\"rows\":[" ROW("b") "],\"next\":\"2\"}");
	merges("blacklist.list", "{\"limit\":2,\"cursor\":\"2\"}",
	       OK(ROW("a") "," ROW("b")), OK(ROW("c")), NULL, OK(ROW("c")));
}


static size_t chain(const char *args)
{
	json_t *asked = read_json(args);
	const size_t worker = spread_chain(asked, 3);

	json_decref(asked);

	return worker;
}


static void a_chain_goes_from_one_to_the_next(void **state)
{
	(void)state;

	assert_int_equal(chain("{}"), 0);
	assert_int_equal(chain("{\"cursor\":\"2:17\"}"), 2);
	assert_int_equal(chain("{\"cursor\":\"3:\"}"), SIZE_MAX);
	assert_int_equal(chain("{\"cursor\":\"x\"}"), SIZE_MAX);
	asks("trace.export", "{\"name\":\"1\"}", 0, NULL, "{\"name\":\"1\"}");
	asks("trace.export", "{\"name\":\"1\",\"cursor\":\"1:\"}", 1, NULL,
	     "{\"name\":\"1\",\"plain\":true}");
	asks("trace.export", "{\"name\":\"1\",\"cursor\":\"1:17\"}", 1, NULL,
	     "{\"name\":\"1\",\"plain\":true,\"cursor\":\"17\"}");

	merges("trace.export", "{}",
	       "{\"ok\":true,\"rows\":[1],\"next\":\"17\"}", NULL, NULL,
	       "{\"ok\":true,\"rows\":[1],\"next\":\"0:17\"}");
	merges("trace.export", "{}", OK("1"), NULL, NULL,
	       "{\"ok\":true,\"rows\":[1],\"next\":\"1:\"}");
	merges("trace.export", "{\"cursor\":\"1:\"}", NULL, NOT_FOUND, NULL,
	       "{\"ok\":true,\"rows\":[],\"next\":\"2:\"}");
	merges("trace.export", "{\"cursor\":\"2:\"}", NULL, NULL, OK("1"),
	       OK("1"));
	merges("trace.export", "{}", NOT_FOUND, NULL, NULL, NOT_FOUND);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_command_of_its_own_stands_before_its_object),
		cmocka_unit_test(rows_of_all_are_sorted_and_limited),
		cmocka_unit_test(who_has_it_answers_for_those_that_have_not),
		cmocka_unit_test(rows_with_equal_keys_are_one),
		cmocka_unit_test(means_are_weighed_and_a_word_wins),
		cmocka_unit_test(a_page_of_all_ends_where_one_has_more),
		cmocka_unit_test(each_is_asked_for_its_own_page),
		cmocka_unit_test(a_list_goes_on_at_a_row),
		cmocka_unit_test(a_chain_goes_from_one_to_the_next),
	};

	return T_MAIN_ONLY(tests);
}
