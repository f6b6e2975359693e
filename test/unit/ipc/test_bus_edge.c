/**
 * @file test/unit/ipc/test_bus_edge.c  A peer that comes while the socket is
 *                                      being asked
 *
 * ZeroMQ's edge is swallowed by any call: one that is swallowed between two
 * questions of ours must not leave the link waiting for another, which never
 * comes. Here the peer always comes just then: after the socket has said that
 * it has no room, and before it is asked for messages.
 */
#include <poll.h>
#include <zmq.h>

#include "test/unit/ipc/bus_env.h"

enum {
	CONNECTED_MS = 20000,
};

struct fixture {
	struct ev *ev;
	const char *dir;
	struct daemon sipd;
	struct daemon billingd;
};

/** Whom the wrapped call is to let in; NULL: nobody */
static struct fixture *g_comes;

int __real_zmq_getsockopt(void *sock, int option, void *value, size_t *sizep);
int __wrap_zmq_getsockopt(void *sock, int option, void *value, size_t *sizep);


/* The answer is the one of before. */
static void come_in(void *sock)
{
	struct fixture *fx = g_comes;
	struct pollfd edge = { .events = POLLIN };
	size_t size = sizeof(edge.fd);

	g_comes = NULL;
	assert_int_equal(__real_zmq_getsockopt(sock, ZMQ_FD, &edge.fd, &size),
			 0);
	assert_int_equal(billingd_open(&fx->billingd, fx->ev, fx->dir), 0);
	assert_int_equal(poll(&edge, 1, CONNECTED_MS), 1);
}


int __wrap_zmq_getsockopt(void *sock, int option, void *value, size_t *sizep)
{
	const int n = __real_zmq_getsockopt(sock, option, value, sizep);

	if (g_comes && n == 0 && option == ZMQ_EVENTS &&
	    !(*(int *)value & ZMQ_POLLOUT))
		come_in(sock);

	return n;
}


static int setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	outcomes_are_gone = false;
	*state = &fx;
	fx.dir = bus_dir();
	if (!fx.dir || ev_alloc(&fx.ev))
		return -1;

	return sipd_open(&fx.sipd, fx.ev, fx.dir);
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	outcomes_are_gone = true;
	g_comes = NULL;
	bus_free(fx->sipd.bus);
	bus_free(fx->billingd.bus);
	ev_free(fx->ev);

	return 0;
}


static void a_peer_that_comes_between_two_questions_is_asked(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };

	g_comes = fx;
	assert_int_equal(ask(fx->sipd.bus, billingd0, 10000, 500, &outcome,
			     NULL),
			 0);
	TURN_UNTIL(fx->ev, outcome.calls == 1);

	assert_null(g_comes);
	assert_int_equal(outcome.err, 0);
	assert_int_equal(fx->billingd.requests, 1);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_peer_that_comes_between_two_questions_is_asked,
			setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
