/**
 * @file test/unit/supervisor/test_processes.c  The process table
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/processes.h"
#include "supervisor/topology.h"
#include "test/support/t.h"


static struct process_image image(void)
{
	return (struct process_image){
		.start_time = 7, .pid = 1234, .peer = PEER_SIPD, .worker = 1
	};
}


static void an_image_of_ours_is_believed(void **state)
{
	struct process_image i = image();
	(void)state;

	assert_null(process_fault(&i));
	i.pid = 0;
	i.start_time = 0;
	assert_null(process_fault(&i)); /* none lives */
}


static void an_image_that_would_have_us_signal_strangers_is_not(void **state)
{
	struct process_image i = image();
	(void)state;

	i.pid = 1;
	assert_string_equal(process_fault(&i), "pid");
	i.pid = -1;
	assert_string_equal(process_fault(&i), "pid");
	i = image();
	i.start_time = 0;
	assert_string_equal(process_fault(&i), "start_time");
	i = image();
	i.peer = PEERC;
	assert_string_equal(process_fault(&i), "peer");
	i.peer = PEER_SUPERVISOR;
	assert_string_equal(process_fault(&i), "peer");
	i = image();
	i.worker = WORKERS_MAX;
	assert_string_equal(process_fault(&i), "worker");
}


#define TAIL "S 1 1 1 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 1 0 "


static void the_start_time_is_found_behind_any_name(void **state)
{
	(void)state;

	assert_int_equal(process_stat_start_time("9 (sipd) " TAIL "4711 0 0"),
			 4711);
	assert_int_equal(process_stat_start_time("9 (a) b) ((c) " TAIL
						 "12 0 0"),
			 12);
	assert_int_equal(process_stat_start_time("9 () " TAIL "1 2"), 1);
}


static void a_stat_that_makes_no_sense_is_no_process(void **state)
{
	(void)state;

	assert_int_equal(process_stat_start_time(""), 0);
	assert_int_equal(process_stat_start_time("9 (sipd)"), 0);
	assert_int_equal(process_stat_start_time("9 (sipd) S 1 2 3"), 0);
	assert_int_equal(process_stat_start_time("9 (sipd) " TAIL "x 0"), 0);
	assert_int_equal(process_stat_start_time("9 (sipd) " TAIL "-4 0"), 0);
}


static void state_and_time_are_found_behind_any_name(void **state)
{
	struct process_run run;

	(void)state;
	assert_int_equal(process_stat_run(&run, "9 (a) b) " TAIL "1 2", 100),
			 0);
	assert_int_equal(run.state, 'S');
	assert_int_equal(run.cpu_us, 20000);
	assert_int_equal(process_stat_run(&run, "9 (sipd) S 1 2 3", 100),
			 EBADMSG);
	assert_int_equal(process_stat_run(&run, "", 100), EBADMSG);
	assert_int_equal(process_run(&run, getpid()), 0);
	assert_int_equal(run.state, 'R');
}


static void who_ends_is_known_by_its_flags_and_its_state(void **state)
{
	const pid_t pid = fork();
	siginfo_t info;
	(void)state;

	if (pid == 0)
		_exit(0);
	assert_false(process_is_ending(getpid()));
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	assert_true(process_is_ending(pid)); /* a zombie */
	waitpid(pid, NULL, 0);
	assert_true(process_is_ending(pid));
	assert_true(process_stat_is_ending("9 (a) R 1 9 9 0 -1 4194308 1 "));
	assert_false(process_stat_is_ending("9 (a) R 1 9 9 0 -1 4194304 1 "));
	assert_true(process_stat_is_ending("9 (a) Z 1 9 9 0 -1 4194304 1 "));
	assert_false(process_stat_is_ending("9 (a) Z"));
	assert_false(process_stat_is_ending(""));
}


static void a_pid_is_only_believed_with_its_start_time(void **state)
{
	const pid_t pid = fork();
	int64_t start;
	int fd;
	(void)state;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	start = process_start_time(pid);
	assert_true(start > 0);
	fd = process_pidfd(pid, start);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(process_pidfd(pid, start + 1), -1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(process_pidfd(pid, start), -1);
	assert_int_equal(process_start_time(pid), 0);
}


static void the_topology_holds_together(void **state)
{
	(void)state;

	for (size_t i = 0; i < linkc; i++) {
		assert_non_null(daemons[links[i].from].program);
		assert_non_null(daemons[links[i].to].program);
		assert_int_not_equal(links[i].from, links[i].to);
	}
	for (size_t i = 0; i < segmentc; i++) {
		assert_int_equal(segments[i].slot_size % 64, 0);
		assert_true(segments[i].version > 0);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(segments[i].name,
						segments[j].name);
			assert_int_not_equal(segments[i].magic,
					     segments[j].magic);
		}
	}
	for (size_t i = 0; i < socket_usec; i++) {
		assert_non_null(daemons[socket_uses[i].owner].program);
		assert_int_not_equal(socket_uses[i].owner,
				     socket_uses[i].keeper);
	}
	for (int a = 0; a < PEERC; a++)
		for (int b = 0; b < a; b++)
			if (daemons[a].program && daemons[b].program)
				assert_int_not_equal(daemons[a].order,
						     daemons[b].order);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_of_ours_is_believed),
		cmocka_unit_test(
			an_image_that_would_have_us_signal_strangers_is_not),
		cmocka_unit_test(the_start_time_is_found_behind_any_name),
		cmocka_unit_test(a_stat_that_makes_no_sense_is_no_process),
		cmocka_unit_test(state_and_time_are_found_behind_any_name),
		cmocka_unit_test(who_ends_is_known_by_its_flags_and_its_state),
		cmocka_unit_test(a_pid_is_only_believed_with_its_start_time),
		cmocka_unit_test(the_topology_holds_together),
	};

	return T_MAIN_ONLY(tests);
}
