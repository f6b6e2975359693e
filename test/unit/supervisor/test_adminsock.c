/**
 * @file test/unit/supervisor/test_adminsock.c  The operators' socket
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/ev/ev.h"
#include "shared/ipc/fdpass.h"
#include "supervisor/adminsock.h"
#include "test/support/t.h"

static struct ev *ev;
static struct adminsock *as;
static char path[128];
static char lines[64][64];
static uint64_t requests[64];
static size_t linec;
static bool at_once;


static void on_line(uint64_t request, const char *operator_name,
		    const char *line, size_t len, void *arg)
{
	(void)arg;
	assert_true(operator_name[0] != '\0');
	assert_int_equal(line[len], '\0');
	requests[linec % 64] = request;
	snprintf(lines[linec++ % 64], 64, "%s", line);
	if (at_once)
		adminsock_reply(as, request, line);
}


static int setup(void **state)
{
	(void)state;
	linec = 0;
	at_once = true;
	snprintf(path, sizeof(path), "%s/control.sock", t_dir());

	return ev_alloc(&ev) || adminsock_alloc(&as, ev, path, on_line, NULL);
}


static int teardown(void **state)
{
	(void)state;
	as = adminsock_free(as);
	ev = ev_free(ev);

	return 0;
}


static int client(void)
{
	int fd;

	assert_int_equal(unix_connect(&fd, path, 1000), 0);

	return fd;
}


static ssize_t turn_and_recv(int fd, char *data, size_t size)
{
	ev_turn(ev);

	return recv(fd, data, size, MSG_DONTWAIT);
}


static void assert_answer(int fd, const char *want)
{
	char got[256] = "";
	size_t l = 0;
	ssize_t n;

	WAIT_FOR(5, ((n = turn_and_recv(fd, got + l, sizeof(got) - 1 - l)) > 0
			     ? (l += (size_t)n)
			     : 0,
		     l >= strlen(want)));
	assert_string_equal(got, want);
}


static void lines_are_answered_in_their_order(void **state)
{
	const int fd = client();
	(void)state;

	assert_int_equal(send(fd, "one\ntwo\nthr", 11, 0), 11);
	assert_answer(fd, "one\ntwo\n");
	assert_int_equal(send(fd, "ee\n", 3, 0), 3);
	assert_answer(fd, "three\n");
	close(fd);
}


static void an_answer_may_come_later_and_holds_up_the_next_line(void **state)
{
	const int fd = client();
	(void)state;

	at_once = false;
	assert_int_equal(send(fd, "one\ntwo\n", 8, 0), 8);
	WAIT_FOR(5, (ev_turn(ev), linec == 1));
	for (int i = 0; i < 20; i++)
		ev_turn(ev);
	assert_int_equal(linec, 1);
	adminsock_reply(as, requests[0], "later");
	assert_answer(fd, "later\n");
	WAIT_FOR(5, (ev_turn(ev), linec == 2));
	close(fd);
}


static void an_answer_for_a_client_that_is_gone_is_forgotten(void **state)
{
	int fd = client();
	uint64_t old;
	(void)state;

	at_once = false;
	assert_int_equal(send(fd, "one\n", 4, 0), 4);
	WAIT_FOR(5, (ev_turn(ev), linec == 1));
	old = requests[0];
	close(fd);
	for (int i = 0; i < 20; i++)
		ev_turn(ev);
	fd = client(); /* may get the same place */
	assert_int_equal(send(fd, "two\n", 4, 0), 4);
	WAIT_FOR(5, (ev_turn(ev), linec == 2));
	adminsock_reply(as, old, "for the dead");
	adminsock_reply(as, 0, "for nobody");
	adminsock_reply(as, UINT64_MAX, "for nobody");
	adminsock_reply(as, requests[1], "for two");
	assert_answer(fd, "for two\n");
	close(fd);
}


static void an_endless_line_ends_its_client(void **state)
{
	static char block[65536];
	const int fd = client();
	ssize_t n = 1;
	(void)state;

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 400 && n > 0; i++) {
		n = send(fd, block, sizeof(block),
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			n = 1;
		ev_turn(ev);
	}
	assert_true(n < 0);
	assert_int_equal(linec, 0);
	close(fd);
}


static void too_many_are_told_so(void **state)
{
	int fds[ADMINSOCK_CLIENTS_MAX + 1];
	char got[256] = "";
	(void)state;

	for (size_t i = 0; i < ADMINSOCK_CLIENTS_MAX; i++)
		fds[i] = client();
	for (int i = 0; i < 100; i++)
		ev_turn(ev);
	fds[ADMINSOCK_CLIENTS_MAX] = client();
	WAIT_FOR(5, turn_and_recv(fds[ADMINSOCK_CLIENTS_MAX], got,
				  sizeof(got) - 1) > 0);
	assert_non_null(strstr(got, "too many"));
	/* and the others are served */
	assert_int_equal(send(fds[0], "one\n", 4, 0), 4);
	assert_answer(fds[0], "one\n");
	for (size_t i = 0; i <= ADMINSOCK_CLIENTS_MAX; i++)
		close(fds[i]);
}


static void only_its_owner_may_open_it(void **state)
{
	struct stat st;
	(void)state;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}


static int a_line_is_answered(void)
{
	char got[16];
	int fd = -1, err;

	(void)snprintf(path, sizeof(path), "%s/control.sock", t_dir());
	at_once = true;
	err = ev_alloc(&ev);
	if (err)
		return err;
	err = adminsock_alloc(&as, ev, path, on_line, NULL);
	if (!err)
		err = unix_connect(&fd, path, 1000);
	if (!err) {
		(void)send(fd, "one\n", 4, MSG_NOSIGNAL);
		for (int i = 0; i < 20; i++)
			ev_turn(ev);
		err = recv(fd, got, sizeof(got), MSG_DONTWAIT) == 4 ? 0
								    : ENOMEM;
		close(fd);
	}
	as = adminsock_free(as);
	ev = ev_free(ev);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			lines_are_answered_in_their_order, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_answer_may_come_later_and_holds_up_the_next_line,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_answer_for_a_client_that_is_gone_is_forgotten,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_endless_line_ends_its_client, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_are_told_so, setup,
						teardown),
		cmocka_unit_test_setup_teardown(only_its_owner_may_open_it,
						setup, teardown),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_line_is_answered),
	};

	return T_MAIN(tests, scenarios);
}
