/**
 * @file test/unit/ev/test_re.c  libre's timers and sockets on our loop
 */
#include <sys/resource.h>
#include <unistd.h>

#include <re.h>

#include "shared/base/clk.h"
#include "shared/ev/ev.h"
#include "shared/ev/re_on_uv.h"
#include "test/support/t.h"

enum {
	MANY = 300
};

struct fixture {
	struct ev *ev;
	struct tmr tmr, other;
	int calls;
	int flags;
	int fds[2];
	int many[MANY][2];
	struct udp_sock *server, *client;
	struct tcp_sock *listener;
	struct tcp_conn *accepted, *conn;
	struct sa server_sa;
	char got[64];
	bool closed;
};


static int setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	*state = &fx;
	if (pipe(fx.fds) || ev_alloc(&fx.ev))
		return -1;
	tmr_init(&fx.tmr);
	tmr_init(&fx.other);

	return re_on_uv(fx.ev);
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	tmr_cancel(&fx->tmr);
	tmr_cancel(&fx->other);
	mem_deref(fx->conn);
	mem_deref(fx->accepted);
	mem_deref(fx->listener);
	mem_deref(fx->server);
	mem_deref(fx->client);
	(void)re_on_uv(NULL);
	assert_null(re_ev());
	fx->ev = ev_free(fx->ev);
	clk_thaw();
	close(fx->fds[0]);
	close(fx->fds[1]);

	return 0;
}


static int setup_frozen(void **state)
{
	clk_freeze(1000000, 0);

	return setup(state);
}

#define TURN_UNTIL(fx, cond) WAIT_FOR(20, (ev_turn((fx)->ev), (cond)))


static void on_tmr(void *arg)
{
	struct fixture *fx = arg;

	assert_false(tmr_isrunning(&fx->tmr));
	fx->calls++;
	if (fx->calls < 3)
		tmr_start(&fx->tmr, 10, on_tmr, fx);
}


static void libres_timers_run_in_our_wheel(void **state)
{
	struct fixture *fx = *state;

	assert_false(tmr_isrunning(&fx->tmr));
	assert_int_equal(tmr_get_expire(&fx->tmr), 0);
	tmr_start(&fx->tmr, 1000, on_tmr, fx);
	assert_true(tmr_isrunning(&fx->tmr));
	clk_turn(400000);
	ev_turn(fx->ev);
	assert_int_equal(tmr_get_expire(&fx->tmr), 600);
	assert_int_equal(tmr_jiffies(), 1400);
	assert_int_equal(fx->calls, 0);

	/* Started again from its own handler */
	for (int i = 1; i <= 3; i++) {
		clk_turn(1000000);
		ev_turn(fx->ev);
		assert_int_equal(fx->calls, i);
		assert_int_equal(tmr_isrunning(&fx->tmr), i < 3);
	}
}


static void a_cancelled_timer_is_not_called(void **state)
{
	struct fixture *fx = *state;

	tmr_start(&fx->tmr, 10, on_tmr, fx);
	tmr_cancel(&fx->tmr);
	assert_false(tmr_isrunning(&fx->tmr));
	tmr_cancel(&fx->tmr);
	tmr_cancel(NULL);

	/* So libre stops them too. */
	tmr_start(&fx->tmr, 10, on_tmr, fx);
	tmr_start(&fx->tmr, 10, NULL, NULL);
	assert_false(tmr_isrunning(&fx->tmr));

	/* Longer than the wheel reaches: as long as it does */
	tmr_start(&fx->tmr, UINT64_MAX, on_tmr, fx);
	assert_true(tmr_get_expire(&fx->tmr) >= UINT32_MAX - 1);
	clk_turn(5000000);
	ev_turn(fx->ev);
	assert_int_equal(fx->calls, 0);
}


static void on_fd(int flags, void *arg)
{
	struct fixture *fx = arg;

	fx->calls++;
	fx->flags = flags;
}


static void descriptors_are_watched_and_let_go(void **state)
{
	struct fixture *fx = *state;
	char c;

	assert_int_equal(fd_listen(fx->fds[0], FD_READ, on_fd, fx), 0);
	ev_turn(fx->ev);
	assert_int_equal(fx->calls, 0);
	assert_int_equal(write(fx->fds[1], "x", 1), 1);
	TURN_UNTIL(fx, fx->calls > 0);
	assert_int_equal(fx->flags, FD_READ);
	assert_int_equal(read(fx->fds[0], &c, 1), 1);

	fd_close(fx->fds[0]);
	assert_int_equal(write(fx->fds[1], "x", 1), 1);
	fx->calls = 0;
	ev_turn(fx->ev);
	assert_int_equal(fx->calls, 0);

	assert_int_equal(fd_listen(-1, FD_READ, on_fd, fx), EBADF);
	assert_int_equal(fd_listen(1 << 20, FD_READ, on_fd, fx), EBADF);
	fd_close(-1);
	fd_close(1 << 30);
}


static void on_close_itself(int flags, void *arg)
{
	struct fixture *fx = arg;

	(void)flags;
	fx->calls++;
	fd_close(fx->fds[0]);
}


static void a_handler_may_close_its_own_descriptor(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(fd_listen(fx->fds[0], FD_READ, on_close_itself, fx),
			 0);
	assert_int_equal(write(fx->fds[1], "x", 1), 1);
	TURN_UNTIL(fx, fx->calls > 0);
	for (int i = 0; i < 3; i++)
		ev_turn(fx->ev);
	assert_int_equal(fx->calls, 1);
}


/* The table of descriptors moves while a handler that was found in it runs. */
static void on_listen_many(int flags, void *arg)
{
	struct fixture *fx = arg;

	(void)flags;
	fx->calls++;
	fd_close(fx->fds[0]);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(pipe(fx->many[i]), 0);
		assert_int_equal(fd_listen(fx->many[i][0], FD_READ, on_fd, fx),
				 0);
	}
}


static void a_handler_may_listen_to_many_others(void **state)
{
	const struct rlimit limit = { 1024, 4096 };
	struct fixture *fx = *state;

	(void)setrlimit(RLIMIT_NOFILE, &limit);
	assert_int_equal(fd_listen(fx->fds[0], FD_READ, on_listen_many, fx),
			 0);
	assert_int_equal(write(fx->fds[1], "x", 1), 1);
	TURN_UNTIL(fx, fx->calls > 0);
	assert_int_equal(write(fx->many[MANY - 1][1], "x", 1), 1);
	fx->calls = 0;
	TURN_UNTIL(fx, fx->calls > 0);

	for (int i = 0; i < MANY; i++) {
		fd_close(fx->many[i][0]);
		close(fx->many[i][0]);
		close(fx->many[i][1]);
	}
}


static void on_echo(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct fixture *fx = arg;

	assert_int_equal(udp_send(fx->server, src, mb), 0);
}


static void on_answer(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct fixture *fx = arg;

	(void)src;
	assert_true(mbuf_get_left(mb) < sizeof(fx->got));
	memcpy(fx->got, mbuf_buf(mb), mbuf_get_left(mb));
	fx->calls++;
}


static void libres_udp_goes_there_and_back(void **state)
{
	struct fixture *fx = *state;
	struct mbuf *mb;
	struct sa local;

	assert_int_equal(sa_set_str(&local, "127.0.0.1", 0), 0);
	assert_int_equal(udp_listen(&fx->server, &local, on_echo, fx), 0);
	assert_int_equal(udp_listen(&fx->client, &local, on_answer, fx), 0);
	assert_int_equal(udp_local_get(fx->server, &fx->server_sa), 0);

	mb = mbuf_alloc(16);
	assert_non_null(mb);
	assert_int_equal(mbuf_write_str(mb, "ping"), 0);
	mb->pos = 0;
	assert_int_equal(udp_send(fx->client, &fx->server_sa, mb), 0);
	mem_deref(mb);
	TURN_UNTIL(fx, fx->calls == 1);
	assert_string_equal(fx->got, "ping");
}


static void on_tcp_echo(struct mbuf *mb, void *arg)
{
	struct fixture *fx = arg;

	assert_int_equal(tcp_send(fx->accepted, mb), 0);
}


static void on_tcp_end(int err, void *arg)
{
	struct fixture *fx = arg;

	(void)err;
	fx->closed = true;
}


static void on_tcp_connect(const struct sa *peer, void *arg)
{
	struct fixture *fx = arg;

	(void)peer;
	assert_int_equal(tcp_accept(&fx->accepted, fx->listener, NULL,
				    on_tcp_echo, on_tcp_end, fx),
			 0);
}


static void on_tcp_open(void *arg)
{
	struct fixture *fx = arg;
	struct mbuf *mb = mbuf_alloc(16);

	assert_non_null(mb);
	assert_int_equal(mbuf_write_str(mb, "ping"), 0);
	mb->pos = 0;
	assert_int_equal(tcp_send(fx->conn, mb), 0);
	mem_deref(mb);
}


/* The connection is freed in its own handler, as libre's users do. */
static void on_tcp_answer(struct mbuf *mb, void *arg)
{
	struct fixture *fx = arg;

	memcpy(fx->got, mbuf_buf(mb), mbuf_get_left(mb));
	fx->calls++;
	fx->conn = mem_deref(fx->conn);
}


static void libres_tcp_connects_answers_and_ends(void **state)
{
	struct fixture *fx = *state;
	struct sa local;

	assert_int_equal(sa_set_str(&local, "127.0.0.1", 0), 0);
	assert_int_equal(tcp_listen(&fx->listener, &local, on_tcp_connect, fx),
			 0);
	assert_int_equal(tcp_sock_local_get(fx->listener, &fx->server_sa), 0);
	assert_int_equal(tcp_connect(&fx->conn, &fx->server_sa, on_tcp_open,
				     on_tcp_answer, NULL, fx),
			 0);
	TURN_UNTIL(fx, fx->calls == 1 && fx->closed);
	assert_string_equal(fx->got, "ping");
}


static void on_cancel(void *arg)
{
	(void)arg;
	re_cancel();
}


static void libres_main_loop_is_ours(void **state)
{
	struct fixture *fx = *state;

	tmr_start(&fx->tmr, 1, on_cancel, NULL);
	assert_int_equal(re_main(NULL), 0);
	assert_false(tmr_isrunning(&fx->tmr));
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f)      cmocka_unit_test_setup_teardown(f, setup, teardown)
#define FROZEN(f) cmocka_unit_test_setup_teardown(f, setup_frozen, teardown)
		FROZEN(libres_timers_run_in_our_wheel),
		FROZEN(a_cancelled_timer_is_not_called),
		T(descriptors_are_watched_and_let_go),
		T(a_handler_may_close_its_own_descriptor),
		T(a_handler_may_listen_to_many_others),
		T(libres_udp_goes_there_and_back),
		T(libres_tcp_connects_answers_and_ends),
		T(libres_main_loop_is_ours),
	};

	return T_MAIN_ONLY(tests);
}
