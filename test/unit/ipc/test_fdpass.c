/**
 * @file test/unit/ipc/test_fdpass.c  Descriptors over a Unix socket
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/util.h"
#include "shared/ipc/fdpass.h"
#include "test/support/t.h"

struct fixture {
	int a;
	int b;
	char dir[64];
	char path[96];
};


static int setup(void **state)
{
	static struct fixture fx;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	fx.a = pair[0];
	fx.b = pair[1];

	(void)snprintf(fx.dir, sizeof(fx.dir), "/tmp/tandem-fdpass-XXXXXX");
	if (!mkdtemp(fx.dir))
		return -1;
	(void)snprintf(fx.path, sizeof(fx.path), "%s/sock", fx.dir);
	*state = &fx;

	return 0;
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	close(fx->a);
	close(fx->b);
	(void)unlink(fx->path);

	/* Fails if anything was left behind. */
	return rmdir(fx->dir);
}


static int open_fdc(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;

	return count;
}


static bool same_file(int a, int b)
{
	struct stat sa, sb;

	assert_int_equal(fstat(a, &sa), 0);
	assert_int_equal(fstat(b, &sb), 0);

	return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}


static void descriptors_arrive_in_order_and_close_on_exec(void **state)
{
	struct fixture *fx = *state;
	const int sent[] = { fx->a, fx->b, STDERR_FILENO };
	int got[8] = { 0 };
	size_t gotc = COUNT_OF(got);
	char data[8];

	assert_int_equal(fdpass_send(fx->a, "abc", 3, sent, 3), 3);
	assert_int_equal(fdpass_recv(fx->b, data, sizeof(data), got, &gotc),
			 3);

	assert_memory_equal(data, "abc", 3);
	assert_int_equal(gotc, 3);
	for (size_t i = 0; i < gotc; i++) {
		assert_true(same_file(got[i], sent[i]));
		assert_true(fcntl(got[i], F_GETFD) & FD_CLOEXEC);
	}
	fds_close(got, gotc);
}


static void bytes_alone_carry_no_descriptors(void **state)
{
	struct fixture *fx = *state;
	int got[4];
	size_t gotc = COUNT_OF(got);
	char data[8];

	assert_int_equal(fdpass_send(fx->a, "x", 1, NULL, 0), 1);
	assert_int_equal(fdpass_recv(fx->b, data, sizeof(data), got, &gotc),
			 1);
	assert_int_equal(gotc, 0);
}


static void descriptors_without_room_are_closed_not_leaked(void **state)
{
	struct fixture *fx = *state;
	int sent[100];
	int got[4];
	size_t gotc = COUNT_OF(got);
	char data[8];
	int before;

	for (size_t i = 0; i < COUNT_OF(sent); i++)
		sent[i] = fx->a;
	before = open_fdc();

	assert_int_equal(fdpass_send(fx->a, "x", 1, sent, COUNT_OF(sent)), 1);
	assert_int_equal(fdpass_recv(fx->b, data, sizeof(data), got, &gotc),
			 -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(gotc, 0);
	assert_int_equal(open_fdc(), before);
}


static void the_other_end_gone_is_an_errno_not_a_signal(void **state)
{
	struct fixture *fx = *state;

	close(fx->b);
	fx->b = -1;

	assert_int_equal(fdpass_send(fx->a, "x", 1, NULL, 0), -1);
	assert_int_equal(errno, EPIPE);
}


static void the_kernel_says_who_is_at_the_other_end(void **state)
{
	struct fixture *fx = *state;
	pid_t pid = 0;
	uid_t uid = 4242;

	assert_int_equal(fdpass_peer(fx->a, &pid, &uid), 0);
	assert_int_equal(pid, getpid());
	assert_int_equal(uid, getuid());
	assert_int_not_equal(fdpass_peer(STDERR_FILENO, &pid, &uid), 0);
}


static void a_listening_socket_has_the_mode_asked_for(void **state)
{
	struct fixture *fx = *state;
	const mode_t modes[] = { 0600, 0660, 0666 };
	const mode_t before = umask(0077);

	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		struct stat st;
		int fd = -1;

		assert_int_equal(unix_listen(&fd, fx->path, modes[i]), 0);
		assert_int_equal(stat(fx->path, &st), 0);
		assert_int_equal(st.st_mode & 0777, modes[i]);
		assert_true(S_ISSOCK(st.st_mode));
		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
	umask(before);
}


static void a_stale_path_is_replaced_and_can_be_connected_to(void **state)
{
	struct fixture *fx = *state;
	int dead = -1, fd = -1, client = -1, served;

	assert_int_equal(unix_listen(&dead, fx->path, 0600), 0);
	close(dead);
	assert_int_equal(unix_connect(&client, fx->path, 1000), ECONNREFUSED);

	assert_int_equal(unix_listen(&fd, fx->path, 0600), 0);
	assert_int_equal(unix_connect(&client, fx->path, 1000), 0);
	served = accept(fd, NULL, NULL);
	assert_true(served >= 0);

	assert_int_equal(write(client, "hi", 2), 2);

	close(served);
	close(client);
	close(fd);
}


static void a_path_too_long_is_said_so_and_leaves_nothing(void **state)
{
	struct fixture *fx = *state;
	char path[256];
	int fd = -1;

	memset(path, 'x', sizeof(path));
	memcpy(path, fx->dir, strlen(fx->dir));
	path[strlen(fx->dir)] = '/';
	path[sizeof(path) - 1] = '\0';

	assert_int_equal(unix_listen(&fd, path, 0600), ENAMETOOLONG);
	assert_int_equal(unix_connect(&fd, path, 10), ENAMETOOLONG);
	assert_int_equal(fd, -1);
}


static void where_no_socket_can_be_made_nothing_is_left(void **state)
{
	struct fixture *fx = *state;
	char path[128];
	int fd = -1;

	/* A directory lies there: the rename fails, after the bind. */
	assert_int_equal(mkdir(fx->path, 0700), 0);
	assert_int_not_equal(unix_listen(&fd, fx->path, 0600), 0);
	assert_int_equal(rmdir(fx->path), 0);

	(void)snprintf(path, sizeof(path), "%s/none/sock", fx->dir);
	assert_int_equal(unix_listen(&fd, path, 0600), ENOENT);
	assert_int_equal(unix_connect(&fd, path, 10), ENOENT);
	assert_int_equal(fd, -1);
}


/* Nobody accepts: the listener's queue fills, and the next one must not wait
 * for ever. */
static void connecting_to_one_that_does_not_accept_ends(void **state)
{
	struct fixture *fx = *state;
	int clients[256];
	int fd = -1;
	size_t n = 0;
	int err = 0;

	assert_int_equal(unix_listen(&fd, fx->path, 0600), 0);
	while (n < COUNT_OF(clients) && !err) {
		err = unix_connect(&clients[n], fx->path, 20);
		n += !err;
	}
	assert_int_equal(err, ETIMEDOUT);

	fds_close(clients, n);
	close(fd);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(descriptors_arrive_in_order_and_close_on_exec),
		T(bytes_alone_carry_no_descriptors),
		T(descriptors_without_room_are_closed_not_leaked),
		T(the_other_end_gone_is_an_errno_not_a_signal),
		T(the_kernel_says_who_is_at_the_other_end),
		T(a_listening_socket_has_the_mode_asked_for),
		T(a_stale_path_is_replaced_and_can_be_connected_to),
		T(a_path_too_long_is_said_so_and_leaves_nothing),
		T(where_no_socket_can_be_made_nothing_is_left),
		T(connecting_to_one_that_does_not_accept_ends),
	};

	return T_MAIN_ONLY(tests);
}
