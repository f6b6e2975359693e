/**
 * @file test/unit/supervisor/test_notify.c  A word with the service manager
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/ev/ev.h"
#include "shared/ipc/fdpass.h"
#include "supervisor/notify.h"
#include "test/support/t.h"

static struct ev *ev;
static int manager = -1;


static int setup(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	(void)state;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/notify", t_dir());
	unlink(sa.sun_path);
	manager = socket(AF_UNIX, SOCK_DGRAM, 0);
	setenv("NOTIFY_SOCKET", sa.sun_path, 1);

	return bind(manager, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	       ev_alloc(&ev) != 0;
}


static int teardown(void **state)
{
	(void)state;
	ev = ev_free(ev);
	close(manager);
	unsetenv("NOTIFY_SOCKET");

	return 0;
}


static void assert_told(const char *text, int *fdp)
{
	char data[512] = "";
	int fds[4];
	size_t fdc = 4;

	assert_true(fdpass_recv(manager, data, sizeof(data) - 1, fds, &fdc) >
		    0);
	assert_string_equal(data, text);
	assert_int_equal(fdc, fdp ? 1 : 0);
	if (fdp)
		*fdp = fds[0];
}


static void the_manager_is_told_and_children_are_not(void **state)
{
	struct notify *n;
	(void)state;

	assert_int_equal(notify_alloc(&n, ev), 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	notify_ready(n);
	assert_told("READY=1", NULL);
	notify_stopping(n);
	assert_told("STOPPING=1", NULL);
	notify_free(n);
}


static void the_program_it_becomes_is_told_where_to_speak(void **state)
{
	struct notify *n;
	char pid[16];
	(void)state;

	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_alloc(&n, ev), 0);
	assert_told("WATCHDOG=1", NULL);
	assert_null(getenv("WATCHDOG_USEC"));
	notify_pass_on(n);
	notify_free(n);
	assert_string_equal(getenv("WATCHDOG_USEC"), "30000000");
	assert_string_equal(getenv("WATCHDOG_PID"), pid);
	assert_int_equal(notify_alloc(&n, ev), 0);
	assert_told("WATCHDOG=1", NULL);
	notify_free(n);

	assert_int_equal(notify_alloc(&n, ev), 0);
	notify_pass_on(n); /* of a manager that is not there: nothing */
	assert_null(getenv("NOTIFY_SOCKET"));
	notify_free(n);
}


static void descriptors_are_given_with_their_names(void **state)
{
	struct notify *n;
	int pipefd[2], got;
	char c;
	(void)state;

	assert_int_equal(pipe(pipefd), 0);
	assert_int_equal(notify_alloc(&n, ev), 0);
	notify_store(n, "rtp-mediad-0-10000-127.0.0.1", pipefd[0]);
	assert_told("FDSTORE=1\nFDPOLL=0\nFDNAME=rtp-mediad-0-10000-127.0.0.1",
		    &got);
	assert_int_equal(write(pipefd[1], "x", 1), 1);
	assert_int_equal(read(got, &c, 1), 1);
	notify_unstore(n, "rtp-mediad-0-10000-127.0.0.1");
	assert_told("FDSTOREREMOVE=1\nFDNAME=rtp-mediad-0-10000-127.0.0.1",
		    NULL);
	close(got);
	close(pipefd[0]);
	close(pipefd[1]);
	notify_free(n);
}


static void a_deaf_manager_costs_a_second_once(void **state)
{
	const int64_t start = t_now_ms();
	struct notify *n;
	(void)state;

	assert_int_equal(notify_alloc(&n, ev), 0);
	for (int i = 0; i < 5000; i++)
		notify_store(n, "rtp-mediad-0-10000-127.0.0.1", manager);
	assert_true(t_now_ms() - start < 5000); /* not 1 s each */
	notify_free(n);
}


static void the_watchdog_is_fed_from_the_loop(void **state)
{
	struct notify *n;
	char pid[16], data[64];
	int beats = 0;
	(void)state;

	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_USEC", "20000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_alloc(&n, ev), 0);
	WAIT_FOR(5, (ev_turn(ev),
		     recv(manager, data, sizeof(data), MSG_DONTWAIT) == 10) &&
			    ++beats == 3);
	notify_free(n);
}


static void without_a_manager_nothing_happens(void **state)
{
	struct notify *n;
	(void)state;

	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_alloc(&n, ev), 0);
	notify_ready(n);
	notify_store(n, "x", 1);
	notify_free(n);

	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	assert_int_equal(notify_alloc(&n, ev), 0);
	notify_ready(n);
	notify_free(n);
}


static size_t seen;


static void take(const char *name, int fd, void *arg)
{
	(void)arg;
	assert_string_equal(name, seen++ == 0 ? "one" : "two");
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}


static void what_was_kept_is_for_this_process_alone(void **state)
{
	(void)state;

	/* Descriptors 3 and 4 must be ours to give: in a process of its own. */
	if (fork() == 0) {
		char pid[16];

		for (int fd = 3; fd < 32; fd++)
			close(fd);
		if (dup2(0, 3) != 3 || dup2(0, 4) != 4)
			_exit(2);
		snprintf(pid, sizeof(pid), "%d", getpid());
		setenv("LISTEN_FDS", "2", 1);
		setenv("LISTEN_FDNAMES", "one:two", 1);
		setenv("LISTEN_PID", "1", 1);
		if (notify_taken(take, NULL) != 0)
			_exit(3);
		setenv("LISTEN_FDS", "2", 1);
		setenv("LISTEN_FDNAMES", "one:two", 1);
		setenv("LISTEN_PID", pid, 1);
		if (notify_taken(take, NULL) != 2 || seen != 2 ||
		    getenv("LISTEN_FDS"))
			_exit(4);
		/* 3 is where a child's channel goes: it is kept free. */
		_exit(fcntl(3, F_GETFD) & FD_CLOEXEC ? 0 : 5);
	}
	else {
		int status = -1;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
}


static int a_word_is_said(void)
{
	struct notify *n = NULL;
	struct ev *loop = NULL;
	int err;

	err = ev_alloc(&loop);
	if (err)
		return err;
	err = notify_alloc(&n, loop);
	if (!err)
		notify_free(n);
	ev_free(loop);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_manager_is_told_and_children_are_not, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_deaf_manager_costs_a_second_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_program_it_becomes_is_told_where_to_speak, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			descriptors_are_given_with_their_names, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			the_watchdog_is_fed_from_the_loop, setup, teardown),
		cmocka_unit_test_setup_teardown(
			without_a_manager_nothing_happens, setup, teardown),
		cmocka_unit_test(what_was_kept_is_for_this_process_alone),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_word_is_said),
	};

	return T_MAIN(tests, scenarios);
}
