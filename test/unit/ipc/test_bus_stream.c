/**
 * @file test/unit/ipc/test_bus_stream.c  The bus against streams of any bytes
 *
 * At the other end is a plain socket, which need not speak ZeroMQ's protocol.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "shared/ipc/zmtp.h"
#include "test/unit/ipc/bus_env.h"

struct fixture {
	struct ev *ev;
	const char *dir;
	struct daemon billingd, sipd;
};


static int setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	outcomes_are_gone = false;
	*state = &fx;
	fx.dir = bus_dir();

	return !fx.dir || ev_alloc(&fx.ev) ||
			       billingd_open(&fx.billingd, fx.ev, fx.dir)
		       ? -1
		       : 0;
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	outcomes_are_gone = true;
	bus_free(fx->sipd.bus);
	bus_free(fx->billingd.bus);
	ev_free(fx->ev);

	return 0;
}


static int plain_connect(const struct fixture *fx)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX,
			      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/billingd.0/bus",
		       fx->dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);

	return fd;
}


/* Has the other side ended it? */
static bool is_cut(int fd)
{
	uint8_t data[256];
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data), 0)) > 0)
		;

	return n == 0 || errno == ECONNRESET;
}


static void who_speaks_otherwise_is_cut_off(void **state)
{
	static const struct {
		const char *said;
		size_t len;
		bool greets;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n", 16, false },
		{ "\0\1x", 3, true },                /* no READY first */
		{ "\4\6\5ERROR", 8, true },          /* another command */
		{ "\4\x08\5READY\xff\0", 10, true }, /* longer than it is */
		{ "\x40\0", 2, true },               /* no such frame */
		{ "\2\0\0\1\0\0\0\0\0", 9, true },   /* without end */
	};
	struct fixture *fx = *state;
	uint8_t greeting[ZMTP_GREETING];

	zmtp_greeting(greeting);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const int fd = plain_connect(fx);

		if (rows[i].greets)
			assert_int_equal(send(fd, greeting, sizeof(greeting),
					      0),
					 sizeof(greeting));
		assert_int_equal(send(fd, rows[i].said, rows[i].len, 0),
				 rows[i].len);
		TURN_UNTIL(fx->ev, is_cut(fd));
		(void)close(fd);
	}
}


static void those_that_say_nothing_do_not_keep_others_out(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };
	int fds[200];

	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		fds[i] = plain_connect(fx);
		ev_turn(fx->ev);
	}
	/* The oldest had to go. */
	TURN_UNTIL(fx->ev, is_cut(fds[0]));

	assert_int_equal(sipd_open(&fx->sipd, fx->ev, fx->dir), 0);
	assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 50, &outcome,
			     NULL),
			 0);
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	assert_int_equal(outcome.err, 0);
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		(void)close(fds[i]);
}


/* Byte by byte, as a stream may come */
static void a_message_may_come_in_any_pieces(void **state)
{
	struct fixture *fx = *state;
	uint8_t said[512], *at = said;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__Header hdr = TANDEM__HEADER__INIT;
	Tandem__Refused refused = TANDEM__REFUSED__INIT;
	const int fd = plain_connect(fx);
	size_t len;

	hdr.peer = PEER_SIPD;
	hdr.id = 7;
	env.hdr = &hdr;
	env.body_case = BUS_BODY(REFUSED);
	env.refused = &refused;
	len = tandem__envelope__get_packed_size(&env);
	zmtp_greeting(at);
	at += ZMTP_GREETING;
	at += zmtp_ready(at, "DEALER", "sipd.0");
	at += zmtp_head(at, 4 + len);
	memcpy(at, (const uint8_t[]){ (uint8_t)len, 0, 0, 0 }, 4);
	at += 4 + tandem__envelope__pack(&env, at + 4);
	for (const uint8_t *p = said; p < at; p++) {
		assert_int_equal(fx->billingd.requests, 0);
		assert_int_equal(send(fd, p, 1, 0), 1);
		ev_turn(fx->ev);
	}
	TURN_UNTIL(fx->ev, fx->billingd.requests == 1);
	assert_int_equal(fx->billingd.last.id, 7);
	(void)close(fd);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(who_speaks_otherwise_is_cut_off),
		T(those_that_say_nothing_do_not_keep_others_out),
		T(a_message_may_come_in_any_pieces),
	};

	if (metric_setup(NULL, 0))
		return 1;

	return T_MAIN_ONLY(tests);
}
