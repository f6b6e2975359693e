/**
 * @file test/unit/base/test_log_thread.c  A slow disk delays the log, nothing
 *                                         else
 *
 * The disk is a pipe that nobody reads: a write to it lasts until somebody
 * does.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/log_thread.h"
#include "shared/base/metric.h"
#include "test/support/t.h"

enum {
	DEADLINE_S = 20, /**< Of what must not block */
	STALLED_LINES = 2000,
	TOO_MANY_LINES = 60000,
	LINE_MAX = 4096,
};

struct fixture {
	int stderr_fd; /**< The test's own */
	int disk[2];
	uint64_t dropped; /**< Before */
};


static int setup(void **state)
{
	static struct fixture fx;

	*state = &fx;
	log_setup("test", LOG_LEVEL_DEBUG, LOG_TEXT);
	log_writer_set(NULL, NULL);
	fx.stderr_fd = dup(STDERR_FILENO);
	fx.dropped = log_dropped();
	assert_int_equal(pipe(fx.disk), 0);
	assert_true(dup2(fx.disk[1], STDERR_FILENO) >= 0);
	(void)alarm(DEADLINE_S);

	return metric_setup(NULL, 0);
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	close(fx->disk[0]); /* what is still written there is refused */
	log_thread_end();
	(void)dup2(fx->stderr_fd, STDERR_FILENO);
	close(fx->stderr_fd);
	close(fx->disk[1]);
	(void)alarm(0);
	metric_detach();

	return 0;
}


static uint64_t dropped(const struct fixture *fx)
{
	assert_int_equal(metric_get(M_LOG_DROPPED, 0),
			 log_dropped() - fx->dropped);

	return log_dropped() - fx->dropped;
}


/* --- whoever reads
 * ------------------------------------------------------------------- */

struct reading {
	FILE *file;
	int lines;
	int last; /**< Of "line n=" */
	bool in_order;
};


static void read_line(struct reading *of)
{
	char line[LINE_MAX];
	const char *number;
	int n;

	assert_non_null(fgets(line, sizeof(line), of->file));
	number = strstr(line, " n=");
	assert_non_null(number);
	n = (int)strtol(number + strlen(" n="), NULL, 10);
	of->in_order = of->in_order && n > of->last;
	of->last = n;
	of->lines++;
}


static struct reading reading_begin(const struct fixture *fx)
{
	return (struct reading){
		.file = fdopen(dup(fx->disk[0]), "r"),
		.last = -1,
		.in_order = true,
	};
}


static void log_lines(int n)
{
	for (int i = 0; i < n; i++)
		log_debug(NULL, "line n=%d", i);
}


/* --- the tests
 * ------------------------------------------------------------------- */

static void lines_come_in_their_order(void **state)
{
	struct fixture *fx = *state;
	struct reading reading = reading_begin(fx);

	assert_int_equal(log_thread_start(), 0);
	for (int i = 0; i < 20; i++) {
		log_debug(NULL, "line n=%d", i);
		while (i % 7 == 0 && reading.last < i)
			read_line(&reading);
	}
	while (reading.last < 19)
		read_line(&reading);
	assert_int_equal(reading.lines, 20);
	assert_true(reading.in_order);
	assert_int_equal(dropped(fx), 0);
	(void)fclose(reading.file);
}


static void a_stalled_disk_stalls_nobody_and_loses_nothing(void **state)
{
	struct fixture *fx = *state;
	struct reading reading;

	assert_int_equal(log_thread_start(), 0);
	log_lines(STALLED_LINES); /* more than the pipe of the disk takes */
	assert_int_equal(dropped(fx), 0);

	reading = reading_begin(fx);
	while (reading.last < STALLED_LINES - 1)
		read_line(&reading);
	assert_int_equal(reading.lines, STALLED_LINES);
	assert_true(reading.in_order);
	(void)fclose(reading.file);
}


static void what_is_too_much_is_dropped_and_counted(void **state)
{
	struct fixture *fx = *state;
	struct reading reading;
	uint64_t lost;

	assert_int_equal(log_thread_start(), 0);
	log_lines(TOO_MANY_LINES);
	lost = dropped(fx);
	assert_in_range(lost, 1, TOO_MANY_LINES - 1);

	reading = reading_begin(fx);
	for (uint64_t i = 0; i < TOO_MANY_LINES - lost; i++)
		read_line(&reading);
	assert_true(reading.in_order);
	assert_int_equal(dropped(fx), lost);
	(void)fclose(reading.file);
}


static void the_end_writes_what_waits_and_then_all_is_as_before(void **state)
{
	struct fixture *fx = *state;
	struct reading reading = reading_begin(fx);

	assert_int_equal(log_thread_start(), 0);
	log_lines(50);
	log_thread_end();
	for (int i = 0; i < 50; i++)
		read_line(&reading);
	log_debug(NULL, "line n=%d", 50);
	read_line(&reading);
	assert_true(reading.in_order);
	(void)fclose(reading.file);

	assert_int_equal(log_thread_start(), 0);
	log_thread_end();
	log_thread_end();
}


/* Before the thread would have been awake, and perhaps by it once more */
static void last_words_take_what_waits_with_them(void **state)
{
	struct fixture *fx = *state;
	struct reading reading = reading_begin(fx);
	int before = 0, waiting = 0;

	log_thread_drain(); /* before there is a thread: nothing */
	assert_int_equal(ioctl(fx->disk[0], FIONREAD, &before), 0);
	assert_int_equal(before, 0);

	assert_int_equal(log_thread_start(), 0);
	log_lines(10);
	log_thread_drain();
	assert_int_equal(ioctl(fx->disk[0], FIONREAD, &waiting), 0);
	assert_true(waiting > 10 * (int)strlen("debug line n=0\n"));
	for (int i = 0; i < 10; i++)
		read_line(&reading);
	assert_true(reading.in_order);
	(void)fclose(reading.file);
}


static void another_file_gets_what_comes_then(void **state)
{
	struct fixture *fx = *state;
	struct reading reading;
	int other[2];

	assert_int_equal(log_thread_start(), 0);
	assert_int_equal(pipe(other), 0);
	assert_true(dup2(other[1], STDERR_FILENO) >= 0);
	log_lines(5);
	close(fx->disk[0]);
	fx->disk[0] = other[0];
	reading = reading_begin(fx);
	for (int i = 0; i < 5; i++)
		read_line(&reading);
	assert_true(reading.in_order);
	(void)fclose(reading.file);
	close(other[1]);
}


static void what_a_disk_refuses_is_counted(void **state)
{
	struct fixture *fx = *state;
	const int full = open("/dev/full", O_WRONLY);

	assert_true(full >= 0);
	assert_true(dup2(full, STDERR_FILENO) >= 0);
	assert_int_equal(log_thread_start(), 0);
	log_lines(7);
	log_thread_end();
	assert_int_equal(dropped(fx), 7);
	close(full);
}


/* The last one: its thread is there as long as the disk stands still. */
static void an_end_does_not_wait_for_a_disk_that_stands_still(void **state)
{
	(void)state;
	assert_int_equal(log_thread_start(), 0);
	log_lines(STALLED_LINES);
	log_thread_end();
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(lines_come_in_their_order),
		T(a_stalled_disk_stalls_nobody_and_loses_nothing),
		T(what_is_too_much_is_dropped_and_counted),
		T(the_end_writes_what_waits_and_then_all_is_as_before),
		T(last_words_take_what_waits_with_them),
		T(another_file_gets_what_comes_then),
		T(what_a_disk_refuses_is_counted),
		T(an_end_does_not_wait_for_a_disk_that_stands_still),
	};

	return T_MAIN_ONLY(tests);
}
