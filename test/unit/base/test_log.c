/**
 * @file test/unit/base/test_log.c  Which lines are written, and where to
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/log.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	MINUTE_US = 60 * 1000000
};

struct fixture {
	uint32_t lines;
	char last[4200];
};


static void keep(const char *line, size_t len, void *arg)
{
	struct fixture *fx = arg;

	assert_true(len < sizeof(fx->last));
	memcpy(fx->last, line, len);
	fx->last[len] = '\0';
	fx->lines++;
}


static int setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	*state = &fx;
	clk_freeze(1000000, 1700000000000000);
	log_setup("test", LOG_LEVEL_INFO, LOG_JSON);
	log_writer_set(keep, &fx);

	return metric_setup(NULL, 0);
}


static int teardown(void **state)
{
	(void)state;
	log_writer_set(NULL, NULL);
	metric_detach();
	clk_thaw();

	return 0;
}


static uint64_t repeated(const struct fixture *fx)
{
	const char *at = strstr(fx->last, "\"repeated\":");

	return at ? strtoull(at + strlen("\"repeated\":"), NULL, 10) : 0;
}


static void levels_are_names_both_ways(void **state)
{
	enum log_level level;
	(void)state;

	for (int i = LOG_LEVEL_ERROR; i < LOG_LEVELC; i++) {
		assert_int_equal(log_level_parse(&level,
						 log_level_name(
							 (enum log_level)i)),
				 0);
		assert_int_equal(level, i);
	}
	assert_int_equal(log_level_parse(&level, "inherit"), EBADMSG);
	assert_int_equal(log_level_parse(&level, "INFO"), EBADMSG);
	assert_int_equal(log_level_parse(&level, ""), EBADMSG);
	assert_string_equal(log_level_name(LOG_LEVEL_INHERIT), "?");
	assert_string_equal(log_level_name(LOG_LEVELC), "?");
}


static void what_is_below_the_level_is_not_written(void **state)
{
	struct fixture *fx = *state;

	log_level_set(LOG_LEVEL_WARN);
	log_error(NULL, "a");
	log_warn(NULL, "b");
	log_notice(NULL, "c");
	log_info(NULL, "d");
	log_debug(NULL, "e");
	assert_int_equal(fx->lines, 2);

	log_level_set(LOG_LEVEL_DEBUG);
	log_debug(NULL, "e");
	assert_int_equal(fx->lines, 3);

	/* Not a level: nothing changes */
	log_level_set(LOG_LEVEL_INHERIT);
	log_level_set(LOG_LEVELC);
	assert_int_equal(log_level_get(), LOG_LEVEL_DEBUG);
}


/* One gateway is watched closely while the rest of the switch is quiet. */
static void a_context_may_have_its_own_level(void **state)
{
	const struct log gateway = { NULL, "gateway", "GW1", LOG_LEVEL_DEBUG };
	const struct log call = { &gateway, "call", "C1", LOG_LEVEL_INHERIT };
	const struct log quiet = { &gateway, "call", "C2", LOG_LEVEL_ERROR };
	struct fixture *fx = *state;

	assert_true(log_enabled(&call, LOG_LEVEL_DEBUG));
	assert_false(log_enabled(NULL, LOG_LEVEL_DEBUG));
	assert_false(log_enabled(&quiet, LOG_LEVEL_WARN));

	log_debug(&call, "a");
	log_debug(NULL, "b");
	log_warn(&quiet, "c");
	assert_int_equal(fx->lines, 1);
	assert_non_null(strstr(fx->last, "\"gateway\":\"GW1\""));
}


static void repeats_are_thinned_to_ten_a_minute_and_counted(void **state)
{
	const struct log gateway = { NULL, "gateway", "GW1", 0 };
	const uint64_t before = log_thinned();
	struct fixture *fx = *state;

	for (int i = 0; i < 1000; i++)
		log_warn(&gateway, "gateway_slow ms=%d", i);
	assert_int_equal(fx->lines, 10);
	assert_int_equal(log_thinned() - before, 990);
	assert_int_equal(metric_get(M_LOG_THINNED, 0), 990);
	assert_int_equal(repeated(fx), 0);

	clk_turn(MINUTE_US - 1);
	log_warn(&gateway, "gateway_slow ms=%d", 1);
	assert_int_equal(fx->lines, 10);

	clk_turn(1);
	log_warn(&gateway, "gateway_slow ms=%d", 2);
	assert_int_equal(fx->lines, 11);
	assert_int_equal(repeated(fx), 991);
	log_warn(&gateway, "gateway_slow ms=%d", 3);
	assert_int_equal(fx->lines, 12);
	assert_int_equal(repeated(fx), 0);
}


static void other_events_and_other_objects_are_not_repeats(void **state)
{
	const struct log one = { NULL, "gateway", "GW1", 0 };
	const struct log two = { NULL, "gateway", "GW2", 0 };
	const struct log user = { NULL, "user", "GW1", 0 };
	const struct log ambiguous = { NULL, "gateway", "lowGW1", 0 };
	struct fixture *fx = *state;

	for (int i = 0; i < 20; i++) {
		log_warn(&one, "gateway_slow");
		log_warn(&two, "gateway_slow");
		log_warn(&user, "gateway_slow");
		log_warn(&one, "gateway_down");
		log_warn(&ambiguous, "gateway_s");
		log_warn(NULL, "gateway_slow");
	}
	assert_int_equal(fx->lines, 6 * 10);
}


/* However their keys fall: a few that repeat at once are all thinned. */
static void objects_that_repeat_side_by_side_are_all_thinned(void **state)
{
	enum {
		OBJECTC = 60
	};
	char names[OBJECTC][16];
	struct log logs[OBJECTC];
	struct fixture *fx = *state;

	for (int from = 0; from < 40; from++) {
		const uint32_t before = fx->lines;

		for (int i = 0; i < OBJECTC; i++) {
			(void)snprintf(names[i], sizeof(names[i]), "u%d",
				       from * OBJECTC + i);
			logs[i] = (struct log){ NULL, "user", names[i], 0 };
		}
		for (int round = 0; round < 50; round++)
			for (int i = 0; i < OBJECTC; i++)
				log_warn(&logs[i], "user_refused");
		/* Ten each; with room for one that is pushed out */
		assert_in_range(fx->lines - before, OBJECTC * 10,
				OBJECTC * 11);
		clk_turn(MINUTE_US);
	}
}


static void debug_is_everything(void **state)
{
	struct fixture *fx = *state;

	log_level_set(LOG_LEVEL_DEBUG);
	for (int i = 0; i < 100; i++)
		log_debug(NULL, "a");
	assert_int_equal(fx->lines, 100);
}


static void a_clock_that_goes_back_does_not_silence_for_long(void **state)
{
	struct fixture *fx = *state;

	for (int i = 0; i < 20; i++)
		log_warn(NULL, "a");
	clk_turn(-1000);
	log_warn(NULL, "a");
	assert_int_equal(fx->lines, 11);
}


static void errno_is_as_it_was(void **state)
{
	(void)state;
	errno = ENOTTY;
	log_warn(NULL, "a why=%s", "b");
	assert_int_equal(errno, ENOTTY);
}


/* Standard error, replaced for a while; -1: put it back */
static void stderr_be(int fd)
{
	static int saved = -1;

	if (saved < 0)
		saved = dup(STDERR_FILENO);
	assert_true(dup2(fd >= 0 ? fd : saved, STDERR_FILENO) >= 0);
}


static void a_full_pipe_drops_and_counts_and_never_blocks(void **state)
{
	const uint64_t before = log_dropped();
	char buffer[4096] = { 0 };
	int pipefd[2], flags;
	size_t held = 0;
	ssize_t n;
	(void)state;

	log_writer_set(NULL, NULL);
	log_level_set(LOG_LEVEL_DEBUG);
	assert_int_equal(pipe(pipefd), 0);
	stderr_be(pipefd[1]);

	(void)alarm(20); /* blocked */
	for (int i = 0; i < 5000; i++)
		log_debug(NULL, "fill why=%s",
			  "some text, so that the pipe is full before long");
	(void)alarm(0);
	stderr_be(-1);

	assert_true(log_dropped() > before);
	assert_int_equal(metric_get(M_LOG_DROPPED, 0), log_dropped() - before);

	/* What was written is whole lines. */
	flags = fcntl(pipefd[0], F_GETFL);
	assert_int_equal(fcntl(pipefd[0], F_SETFL, flags | O_NONBLOCK), 0);
	while ((n = read(pipefd[0], buffer, sizeof(buffer))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			held += buffer[i] == '\n';
		if (n < (ssize_t)sizeof(buffer))
			assert_int_equal(buffer[n - 1], '\n');
	}
	assert_int_equal(held + (log_dropped() - before), 5000);
	close(pipefd[0]);
	close(pipefd[1]);
}


static void a_reader_that_is_gone_costs_the_line_not_the_process(void **state)
{
	const uint64_t before = log_dropped();
	int pipefd[2];
	(void)state;

	log_writer_set(NULL, NULL);
	assert_int_equal(pipe(pipefd), 0);
	close(pipefd[0]);
	stderr_be(pipefd[1]);
	log_warn(NULL, "nobody_reads");
	stderr_be(-1);
	assert_int_equal(log_dropped() - before, 1);
	close(pipefd[1]);
}


static void a_full_disk_drops_and_counts(void **state)
{
	const uint64_t before = log_dropped();
	const int fd = open("/dev/full", O_WRONLY);
	(void)state;

	assert_true(fd >= 0);
	log_writer_set(NULL, NULL);
	stderr_be(fd);
	log_warn(NULL, "disk_full");
	stderr_be(-1);
	assert_int_equal(log_dropped() - before, 1);
	close(fd);
}


static void no_standard_error_drops_and_counts(void **state)
{
	const uint64_t before = log_dropped();
	(void)state;

	log_writer_set(NULL, NULL);
	stderr_be(STDERR_FILENO);
	close(STDERR_FILENO);
	log_warn(NULL, "closed");
	stderr_be(-1);
	assert_int_equal(log_dropped() - before, 1);
}


static uint32_t gathered_calls;


static void on_gathered(void *arg)
{
	(void)arg;
	gathered_calls++;
}


static void lines_are_gathered_until_they_are_flushed(void **state)
{
	struct fixture *fx = *state;

	gathered_calls = 0;
	log_gather(on_gathered, NULL);
	log_info(NULL, "one a=1");
	log_info(NULL, "two a=1");
	assert_int_equal(fx->lines, 0);
	assert_int_equal(gathered_calls, 1);

	log_flush();
	assert_int_equal(fx->lines, 1);
	assert_true(strstr(fx->last, "\"one\"") < strstr(fx->last, "\"two\""));
	log_flush();
	assert_int_equal(fx->lines, 1);
	log_gather(NULL, NULL);
}


static void a_warning_is_written_at_once_behind_what_was_gathered(void **state)
{
	struct fixture *fx = *state;

	log_gather(on_gathered, NULL);
	log_info(NULL, "one a=1");
	log_warn(NULL, "two a=1");
	assert_int_equal(fx->lines, 2);
	assert_non_null(strstr(fx->last, "\"two\""));

	log_info(NULL, "three a=1");
	log_gather(NULL, NULL);
	assert_int_equal(fx->lines, 3);
	log_info(NULL, "four a=1");
	assert_int_equal(fx->lines, 4);
}


static void what_is_gathered_never_exceeds_what_a_pipe_takes(void **state)
{
	struct fixture *fx = *state;
	char value[700];

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	log_gather(on_gathered, NULL);
	for (int i = 0; i < 10; i++) {
		const struct log log = { .key = "i", .value = value + i };

		log_info(&log, "line b=1");
		assert_true(strlen(fx->last) <= 4096);
	}
	assert_true(fx->lines >= 1);
	log_gather(NULL, NULL);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(levels_are_names_both_ways),
		T(what_is_below_the_level_is_not_written),
		T(a_context_may_have_its_own_level),
		T(repeats_are_thinned_to_ten_a_minute_and_counted),
		T(other_events_and_other_objects_are_not_repeats),
		T(objects_that_repeat_side_by_side_are_all_thinned),
		T(debug_is_everything),
		T(a_clock_that_goes_back_does_not_silence_for_long),
		T(errno_is_as_it_was),
		T(a_full_pipe_drops_and_counts_and_never_blocks),
		T(a_reader_that_is_gone_costs_the_line_not_the_process),
		T(a_full_disk_drops_and_counts),
		T(no_standard_error_drops_and_counts),
		T(lines_are_gathered_until_they_are_flushed),
		T(a_warning_is_written_at_once_behind_what_was_gathered),
		T(what_is_gathered_never_exceeds_what_a_pipe_takes),
	};

	return T_MAIN_ONLY(tests);
}
