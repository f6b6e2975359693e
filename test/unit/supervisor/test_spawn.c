/**
 * @file test/unit/supervisor/test_spawn.c  What a child gets, and nothing else
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/spawn.h"
#include "test/support/t.h"


/* Runs a shell line as a child would be run; what it says on 3 is in text. */
static int run(const char *line, const int *fds, size_t fdc, char *text,
	       size_t size, int *exitp)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, NULL, NULL };
	char copy[512];
	struct spawn_args args = { .path = "/bin/sh",
				   .argv = argv,
				   .log_fd = -1,
				   .fds = fds,
				   .fdc = fdc };
	int pair[2], pidfd, err;
	size_t l = 0;
	ssize_t n;
	pid_t pid;

	snprintf(copy, sizeof(copy), "%s", line);
	argv[2] = copy;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				    pair),
			 0);
	args.control_fd = pair[1];
	err = spawn(&args, &pid, &pidfd);
	close(pair[1]);
	if (!err) {
		struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

		while ((n = recv(pair[0], text + l, size - 1 - l, 0)) > 0)
			l += (size_t)n;
		assert_int_equal(poll(&pfd, 1, 10000), 1);
		assert_int_equal(spawn_exit(pidfd, exitp), 0);
		assert_int_equal(spawn_exit(pidfd, exitp), 0);
		spawn_reap(pidfd);
		assert_int_equal(spawn_exit(pidfd, &(int){ 0 }), ECHILD);
		close(pidfd);
	}
	text[l] = '\0';
	close(pair[0]);

	return err;
}


static void it_inherits_what_is_named_under_the_same_number(void **state)
{
	char text[256], want[64];
	int fds[2], code;
	(void)state;

	fds[0] = fcntl(0, F_DUPFD_CLOEXEC, 50);
	fds[1] = fcntl(0, F_DUPFD_CLOEXEC, 60);
	assert_int_equal(run("exec ls -v -w 0 -x /proc/self/fd >&3", fds, 2,
			     text, sizeof(text), &code),
			 0);
	assert_int_equal(code, 0);
	/* 0 to 3, the folder ls reads, the two, and nothing else of ours */
	snprintf(want, sizeof(want), "0  1  2  3  4  %d  %d\n", fds[0],
		 fds[1]);
	assert_string_equal(text, want);
	close(fds[0]);
	close(fds[1]);
}


static void it_has_a_session_of_its_own_and_plain_signals(void **state)
{
	char text[256];
	int code;
	(void)state;

	signal(SIGTERM, SIG_IGN);
	assert_int_equal(run("[ $(ps -o sid= -p $$) -eq $$ ] && kill $$; echo "
			     "ignored >&3",
			     NULL, 0, text, sizeof(text), &code),
			 0);
	signal(SIGTERM, SIG_DFL);
	assert_string_equal(text, "");
	assert_int_equal(code, -SIGTERM);
}


static void a_program_that_is_not_there_is_said_at_once(void **state)
{
	char *argv[] = { (char[]){ "x" }, NULL };
	const struct spawn_args args = { .path = "/nonexistent/x",
					 .argv = argv,
					 .control_fd = 0,
					 .log_fd = -1 };
	int pidfd;
	pid_t pid;
	(void)state;

	assert_int_equal(spawn(&args, &pid, &pidfd), ENOENT);
}


static void a_process_that_is_not_ours_is_not_reaped(void **state)
{
	int code;
	(void)state;

	assert_int_equal(spawn_exit(STDIN_FILENO, &code), EBADF);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			it_inherits_what_is_named_under_the_same_number),
		cmocka_unit_test(
			it_has_a_session_of_its_own_and_plain_signals),
		cmocka_unit_test(a_program_that_is_not_there_is_said_at_once),
		cmocka_unit_test(a_process_that_is_not_ours_is_not_reaped),
	};

	if (spawn_reserve())
		return 1;

	return T_MAIN_ONLY(tests);
}
