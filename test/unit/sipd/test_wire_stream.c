/**
 * @file test/unit/sipd/test_wire_stream.c  Connections on loopback
 */
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "test/unit/sipd/wire_fixture.h"

#define OPTIONS_OF(body)                                             \
	"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP b;branch=z9hG4bK" \
	"\r\nContent-Length: " body

static const char plain[] = OPTIONS_OF("0\r\n\r\n");
static const char with_body[] = OPTIONS_OF("4\r\n\r\nbody");
static char large[WIRE_DATAGRAM_MAX];


static int start(struct fixture *fx)
{
	memset(fx, 0, sizeof(*fx));
	if (!t_listen(fx, TRANSPORT_TCP, AF_INET, "tcp"))
		return errno;

	return t_start(fx);
}


static struct addr loopback(uint16_t port)
{
	struct addr addr;

	(void)addr_parse(&addr, text_of("127.0.0.1"));
	addr.port = port;

	return addr;
}


/* A client of the first listener, connected by the kernel at once */
static int client_of(const struct fixture *fx)
{
	const struct addr own = loopback(fx->sockets[0].port);
	struct sockaddr_storage sa;
	const socklen_t len = addr_to_sockaddr(&own, &sa);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);

	return fd;
}


static void say(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}


static bool hears(int fd, const char *what)
{
	char data[512];
	const ssize_t n = recv(fd, data, sizeof(data), 0);

	return n == (ssize_t)strlen(what) &&
	       memcmp(data, what, (size_t)n) == 0;
}


/* 0: closed; 1: open and silent */
static bool is_closed(int fd)
{
	char byte;
	const ssize_t n = recv(fd, &byte, 1, 0);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}


static size_t conns(const struct fixture *fx)
{
	return map_count(fx->wire->streams->by_number);
}


/* --- framing ----------------------------------------------------------------
 */

static void a_message_that_comes_byte_by_byte_is_one(void **state)
{
	struct fixture fx;
	int fd;
	(void)state;

	assert_int_equal(start(&fx), 0);
	fd = client_of(&fx);
	for (size_t i = 0; i < sizeof(with_body) - 1; i++) {
		assert_int_equal(fx.gotc, 0);
		say(fd, &with_body[i], 1);
		t_turned(&fx);
		t_turned(&fx);
	}
	TURN_UNTIL(&fx, fx.gotc == 1);
	assert_int_equal(fx.got[0].len, sizeof(with_body) - 1);
	assert_int_equal(fx.got[0].from.transport, TRANSPORT_TCP);
	assert_int_not_equal(fx.got[0].from.conn, 0);
	(void)close(fd);
	t_stop(&fx);
}


static void messages_in_one_segment_are_as_many(void **state)
{
	struct fixture fx;
	char data[1024];
	int fd, len;
	(void)state;

	assert_int_equal(start(&fx), 0);
	fd = client_of(&fx);
	len = snprintf(data, sizeof(data), "%s\r\n%s%s%.30s", plain, with_body,
		       plain, with_body);
	say(fd, data, (size_t)len);
	TURN_UNTIL(&fx, fx.gotc == 3);
	say(fd, with_body + 30, sizeof(with_body) - 31);
	TURN_UNTIL(&fx, fx.gotc == 4);
	assert_int_equal(fx.got[0].len, sizeof(plain) - 1);
	assert_int_equal(fx.got[1].len, sizeof(with_body) - 1);
	assert_int_equal(fx.got[2].len, sizeof(plain) - 1);
	assert_int_equal(fx.got[3].len, sizeof(with_body) - 1);
	(void)close(fd);
	t_stop(&fx);
}


/* In two halves wherever it may be cut: the header's end is not missed. */
static void a_message_may_be_cut_anywhere(void **state)
{
	struct fixture fx;
	const size_t len = sizeof(with_body) - 1;
	int fd;
	(void)state;

	assert_int_equal(start(&fx), 0);
	fd = client_of(&fx);
	for (size_t i = 1; i < len; i++) {
		say(fd, with_body, i);
		t_turned(&fx);
		t_turned(&fx);
		assert_int_equal(fx.gotc, i - 1);
		say(fd, with_body + i, len - i);
		TURN_UNTIL(&fx, fx.gotc == i);
		assert_int_equal(fx.got[(i - 1) % GOT_MAX].len, len);
	}
	(void)close(fd);
	t_stop(&fx);
}


static void say_all(struct fixture *fx, int fd, const char *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		const ssize_t n = send(fd, data + at, len - at, MSG_NOSIGNAL);

		if (n > 0)
			at += (size_t)n;
		else
			assert_int_equal(errno, EAGAIN);
		t_turned(fx);
	}
}


static void the_largest_message_is_taken_and_no_larger(void **state)
{
	char *data = calloc(1, 80000);
	size_t head;
	struct fixture fx;
	int fd;
	(void)state;

	assert_non_null(data);
	assert_int_equal(start(&fx), 0);
	fd = client_of(&fx);
	head = (size_t)
		snprintf(data, 1000, OPTIONS_OF("%d\r\n\r\n"),
			 65535 - (int)sizeof(OPTIONS_OF("65450\r\n\r\n")) + 1);
	memset(data + head, 'x', 70000);
	say_all(&fx, fd, data, 65535);
	TURN_UNTIL(&fx, fx.gotc == 1);
	assert_int_equal(fx.got[0].len, 65535);
	assert_int_equal(conns(&fx), 1);

	/* one byte more: handed up for its fault, and the end */
	(void)snprintf(data, 1000, OPTIONS_OF("%d\r\n\r\n"),
		       65536 - (int)sizeof(OPTIONS_OF("65450\r\n\r\n")) + 1);
	data[head] = 'x';
	(void)send(fd, data, 65536, MSG_NOSIGNAL);
	TURN_UNTIL(&fx, fx.gotc == 2);
	TURN_UNTIL(&fx, is_closed(fd));
	(void)close(fd);
	TURN_UNTIL(&fx, conns(&fx) == 0);
	t_stop(&fx);
	free(data);
}


static void on_answer(const struct flow *from, char *data, size_t len,
		      int64_t age_us, void *arg)
{
	struct fixture *fx = arg;

	t_on_receive(from, data, len, age_us, arg);
	assert_int_equal(wire_send(fx->wire, from, "400", 3), 0);
}


static void what_is_no_message_is_answered_and_the_connection_ends(void **state)
{
	struct fixture fx;
	int fd;
	(void)state;

	assert_int_equal(start(&fx), 0);
	fx.wire->args.receiveh = on_answer;
	fd = client_of(&fx);
	memset(large, 'x', 20000); /* a first line without end */
	say(fd, large, 20000);
	TURN_UNTIL(&fx, hears(fd, "400"));
	TURN_UNTIL(&fx, is_closed(fd));
	assert_int_equal(fx.gotc, 1);
	assert_int_equal(fx.failurec, 0);
	(void)close(fd);
	TURN_UNTIL(&fx, conns(&fx) == 0);
	t_stop(&fx);
}


static void a_double_crlf_is_answered_with_one(void **state)
{
	struct fixture fx;
	int fd;
	(void)state;

	assert_int_equal(start(&fx), 0);
	fd = client_of(&fx);
	say(fd, "\r\n", 2);
	t_turned(&fx);
	t_turned(&fx);
	assert_false(hears(fd, "\r\n"));
	say(fd, "\r\n", 2);
	TURN_UNTIL(&fx, hears(fd, "\r\n"));
	say(fd, "\r\n", 2);
	say(fd, plain, sizeof(plain) - 1);
	TURN_UNTIL(&fx, fx.gotc == 1);
	assert_int_equal(recv(fd, large, 1, 0), -1);
	(void)close(fd);
	t_stop(&fx);
}


/* --- deadlines and limits ---------------------------------------------------
 */

static int start_with(struct fixture *fx, const struct wire_limits *limits)
{
	memset(fx, 0, sizeof(*fx));
	fx->limits = *limits;
	if (!t_listen(fx, TRANSPORT_TCP, AF_INET, "tcp"))
		return errno;

	return t_start(fx);
}


static void half_a_message_ends_the_connection(void **state)
{
	const struct wire_limits limits = { .half_ms = 50 };
	struct fixture fx;
	int half, idle;
	(void)state;

	assert_int_equal(start_with(&fx, &limits), 0);
	idle = client_of(&fx);
	half = client_of(&fx);
	say(half, plain, 20);
	TURN_UNTIL(&fx, is_closed(half));
	assert_false(is_closed(idle));
	assert_int_equal(conns(&fx), 1);
	assert_int_equal(fx.failure, ETIMEDOUT);
	(void)close(half);
	(void)close(idle);
	t_stop(&fx);
}


static void a_slow_sender_has_no_more_time_than_a_silent_one(void **state)
{
	const struct wire_limits limits = { .half_ms = 60 };
	struct fixture fx;
	int64_t until_ms;
	size_t at = 0;
	int fd;
	(void)state;

	assert_int_equal(start_with(&fx, &limits), 0);
	fd = client_of(&fx);
	until_ms = t_now_ms() + 5000;
	while (!is_closed(fd) && t_now_ms() < until_ms) {
		if (at < sizeof(plain) - 2)
			(void)send(fd, &plain[at++], 1, MSG_NOSIGNAL);
		t_turned(&fx);
		t_pause();
	}
	assert_true(t_now_ms() < until_ms);
	assert_int_equal(fx.gotc, 0);
	(void)close(fd);
	t_stop(&fx);
}


static void an_idle_connection_ends_unless_it_is_held(void **state)
{
	const struct wire_limits limits = { .idle_ms = 50 };
	struct fixture fx;
	struct flow flow;
	int held, idle;
	(void)state;

	assert_int_equal(start_with(&fx, &limits), 0);
	held = client_of(&fx);
	say(held, plain, sizeof(plain) - 1);
	TURN_UNTIL(&fx, fx.gotc == 1);
	flow = fx.got[0].from;
	wire_hold(fx.wire, &flow, true);
	wire_hold(fx.wire, &flow, true);
	idle = client_of(&fx);
	TURN_UNTIL(&fx, is_closed(idle));
	assert_int_equal(conns(&fx), 1);
	wire_hold(fx.wire, &flow, false);
	t_turned(&fx);
	assert_false(is_closed(held));
	wire_hold(fx.wire, &flow, false);
	wire_hold(fx.wire, &flow, false); /* once too often */
	TURN_UNTIL(&fx, is_closed(held));
	assert_int_equal(fx.failurec, 0); /* nobody waits for it */
	(void)close(held);
	(void)close(idle);
	t_stop(&fx);
}


static void connections_of_a_source_and_in_all_are_bounded(void **state)
{
	static const struct wire_limits rows[] = { { .per_source = 3 },
						   { .total = 3 } };
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture fx;
		int fds[5];

		assert_int_equal(start_with(&fx, &rows[i]), 0);
		for (int j = 0; j < 5; j++)
			fds[j] = client_of(&fx);
		TURN_UNTIL(&fx, is_closed(fds[3]) && is_closed(fds[4]));
		assert_int_equal(conns(&fx), 3);
		/* one goes, another may come */
		(void)close(fds[0]);
		TURN_UNTIL(&fx, conns(&fx) == 2);
		(void)close(fds[3]);
		fds[3] = client_of(&fx);
		TURN_UNTIL(&fx, conns(&fx) == 3);
		assert_false(is_closed(fds[3]));
		for (int j = 1; j < 5; j++)
			(void)close(fds[j]);
		t_stop(&fx);
	}
}


/* The queue of the listener is left alone for a while, not asked again and
 * again; who waits in it is let in later. */
static void without_a_descriptor_the_queue_waits(void **state)
{
	struct fixture fx;
	struct rlimit before, now;
	int fd, next;
	(void)state;

	assert_int_equal(start(&fx), 0);
	fd = client_of(&fx);
	next = dup(fd); /* the lowest that is free */
	(void)close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = before;
	now.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	TURN_UNTIL(&fx, ev_timer_running(&fx.wire->rows[0]->again));
	assert_int_equal(conns(&fx), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	TURN_UNTIL(&fx, conns(&fx) == 1);
	assert_false(is_closed(fd));
	(void)close(fd);
	t_stop(&fx);
}


/* --- sending ----------------------------------------------------------------
 */

static void an_answer_takes_the_connection_of_the_request(void **state)
{
	struct fixture fx;
	int one, two;
	(void)state;

	assert_int_equal(start(&fx), 0);
	fx.echoes = true;
	one = client_of(&fx);
	two = client_of(&fx);
	say(two, plain, sizeof(plain) - 1);
	TURN_UNTIL(&fx, hears(two, plain));
	say(one, with_body, sizeof(with_body) - 1);
	TURN_UNTIL(&fx, hears(one, with_body));
	assert_int_equal(conns(&fx), 2);
	(void)close(one);
	(void)close(two);
	t_stop(&fx);
}


struct server {
	int fd;
	struct addr addr;
	int conn;
};


static void serve(struct server *s)
{
	s->conn = -1;
	s->fd = t_socket(SOCK_STREAM, AF_INET, &s->addr);
	assert_true(s->fd >= 0);
	assert_int_equal(listen(s->fd, 16), 0);
}


static bool served(struct server *s)
{
	s->conn = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK);

	return s->conn >= 0;
}


static struct flow towards(const struct addr *remote)
{
	return (struct flow){ .remote = *remote, .transport = TRANSPORT_TCP };
}


static void a_connection_is_opened_once_and_used_again(void **state)
{
	struct fixture fx;
	struct server s;
	struct flow to;
	(void)state;

	assert_int_equal(start(&fx), 0);
	serve(&s);
	to = towards(&s.addr);
	assert_int_equal(wire_send(fx.wire, &to, "AB", 2), 0);
	assert_int_equal(wire_send(fx.wire, &to, "CD", 2), 0);
	TURN_UNTIL(&fx, served(&s));
	TURN_UNTIL(&fx, hears(s.conn, "ABCD"));
	to.conn = 4711; /* one of another life */
	assert_int_equal(wire_send(fx.wire, &to, "EF", 2), 0);
	TURN_UNTIL(&fx, hears(s.conn, "EF"));
	assert_int_equal(conns(&fx), 1);

	/* what the server says comes on it, and finds the way back */
	fx.echoes = true;
	say(s.conn, plain, sizeof(plain) - 1);
	TURN_UNTIL(&fx, hears(s.conn, plain));

	/* lost, and opened anew */
	(void)close(s.conn);
	TURN_UNTIL(&fx, conns(&fx) == 0);
	TURN_UNTIL(&fx, fx.failurec == 1);
	assert_true(addr_equal(&fx.failed.remote, &s.addr));
	assert_int_equal(wire_send(fx.wire, &to, "GH", 2), 0);
	TURN_UNTIL(&fx, served(&s));
	TURN_UNTIL(&fx, hears(s.conn, "GH"));
	(void)close(s.conn);
	(void)close(s.fd);
	t_stop(&fx);
}


static void a_connection_that_is_refused_is_told(void **state)
{
	struct fixture fx;
	struct addr nobody;
	struct flow to;
	(void)state;

	assert_int_equal(start(&fx), 0);
	(void)close(t_socket(SOCK_STREAM, AF_INET, &nobody));
	to = towards(&nobody);
	(void)wire_send(fx.wire, &to, "AB", 2);
	TURN_UNTIL(&fx, fx.failurec == 1);
	assert_int_equal(fx.failure, ECONNREFUSED);
	assert_true(addr_equal(&fx.failed.remote, &nobody));
	assert_int_equal(fx.failed.transport, TRANSPORT_TCP);
	assert_int_equal(conns(&fx), 0);
	t_stop(&fx);
}


/* A server whose backlog is full takes nobody, and says nothing. */
static void a_connection_that_nobody_takes_is_given_up(void **state)
{
	const struct wire_limits limits = { .connect_ms = 100 };
	struct fixture fx;
	struct addr addr;
	struct sockaddr_storage sa;
	struct flow to;
	socklen_t len;
	int fd, fillers[4];
	(void)state;

	assert_int_equal(start_with(&fx, &limits), 0);
	fd = t_socket(SOCK_STREAM, AF_INET, &addr);
	assert_int_equal(listen(fd, 0), 0);
	len = addr_to_sockaddr(&addr, &sa);
	for (int i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fillers[i], (struct sockaddr *)&sa, len);
	}
	to = towards(&addr);
	assert_int_equal(wire_send(fx.wire, &to, "AB", 2), 0);
	TURN_UNTIL(&fx, fx.failurec == 1);
	assert_int_equal(fx.failure, ETIMEDOUT);
	for (int i = 0; i < 4; i++)
		(void)close(fillers[i]);
	(void)close(fd);
	t_stop(&fx);
}


static void a_reader_that_stalls_fills_a_bounded_queue(void **state)
{
	struct fixture fx;
	struct server s;
	struct flow to;
	size_t sent = 0, got = 0;
	int err = 0;
	(void)state;

	assert_int_equal(start(&fx), 0);
	serve(&s);
	to = towards(&s.addr);
	assert_int_equal(wire_send(fx.wire, &to, large, 60000), 0);
	TURN_UNTIL(&fx, served(&s));
	for (sent = 1; sent < 1000 && !err; sent++) {
		err = wire_send(fx.wire, &to, large, 60000);
		t_turned(&fx);
	}
	assert_int_equal(err, ENOBUFS);
	sent--;
	/* nothing of what was taken is lost */
	WAIT_FOR(10, ({
			 ssize_t n = recv(s.conn, large, sizeof(large), 0);

			 t_turned(&fx);
			 got += n > 0 ? (size_t)n : 0;
			 got == sent * 60000;
		 }));
	assert_int_equal(fx.failurec, 0);
	(void)close(s.conn);
	(void)close(s.fd);
	t_stop(&fx);
}


static void what_all_connections_keep_is_bounded(void **state)
{
	const struct wire_limits limits = { .bytes = 10000 };
	struct fixture fx;
	struct server s;
	struct flow to;
	int one, two, three;
	(void)state;

	assert_int_equal(start_with(&fx, &limits), 0);
	one = client_of(&fx);
	two = client_of(&fx);
	three = client_of(&fx);
	say(one, plain, 20); /* each half a message is given 4096 */
	say(two, plain, 20);
	TURN_UNTIL(&fx, fx.wire->streams->bytes == 8192);
	say(three, plain, 20);
	TURN_UNTIL(&fx, is_closed(three));
	serve(&s);
	to = towards(&s.addr);
	assert_int_equal(wire_send(fx.wire, &to, large, 3000), ENOBUFS);
	say(one, plain + 20, sizeof(plain) - 21);
	TURN_UNTIL(&fx, fx.wire->streams->bytes == 4096);
	assert_int_equal(wire_send(fx.wire, &to, large, 3000), 0);
	TURN_UNTIL(&fx, fx.wire->streams->bytes == 4096);
	(void)close(two);
	TURN_UNTIL(&fx, fx.wire->streams->bytes == 0);
	(void)close(one);
	(void)close(three);
	(void)close(s.fd);
	t_stop(&fx);
}


static void a_number_of_another_peer_is_not_used(void **state)
{
	struct fixture fx;
	struct server s;
	struct flow to;
	int fd;
	(void)state;

	assert_int_equal(start(&fx), 0);
	fd = client_of(&fx);
	say(fd, plain, sizeof(plain) - 1);
	TURN_UNTIL(&fx, fx.gotc == 1);
	serve(&s);
	to = towards(&s.addr);
	to.conn = fx.got[0].from.conn;
	assert_int_equal(wire_send(fx.wire, &to, "SECRET", 6), 0);
	TURN_UNTIL(&fx, served(&s));
	TURN_UNTIL(&fx, hears(s.conn, "SECRET"));
	assert_int_equal(recv(fd, large, 1, 0), -1);
	(void)close(fd);
	(void)close(s.conn);
	(void)close(s.fd);
	t_stop(&fx);
}


/* --- */

static int connections_come_and_go(void)
{
	struct fixture fx;
	struct server s;
	struct flow to;
	int fd = -1, err;

	err = start(&fx);
	if (err) {
		t_stop(&fx);
		return err;
	}

	serve(&s);
	to = towards(&s.addr);
	fd = client_of(&fx);
	say(fd, plain, 20);
	for (int i = 0; i < 3; i++)
		t_turned(&fx);
	err = wire_send(fx.wire, &to, "AB", 2);
	for (int i = 0; i < 3; i++)
		t_turned(&fx);
	(void)send(fd, plain + 20, sizeof(plain) - 21, MSG_NOSIGNAL);
	for (int i = 0; i < 3; i++)
		t_turned(&fx);
	if (!err && fx.gotc == 0)
		err = ENOMEM;
	(void)close(fd);
	(void)close(s.fd);
	t_stop(&fx);

	return err == ENOTCONN || err == ENOBUFS ? ENOMEM : err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_that_comes_byte_by_byte_is_one),
		cmocka_unit_test(messages_in_one_segment_are_as_many),
		cmocka_unit_test(a_message_may_be_cut_anywhere),
		cmocka_unit_test(the_largest_message_is_taken_and_no_larger),
		cmocka_unit_test(
			what_is_no_message_is_answered_and_the_connection_ends),
		cmocka_unit_test(a_double_crlf_is_answered_with_one),
		cmocka_unit_test(half_a_message_ends_the_connection),
		cmocka_unit_test(
			a_slow_sender_has_no_more_time_than_a_silent_one),
		cmocka_unit_test(an_idle_connection_ends_unless_it_is_held),
		cmocka_unit_test(
			connections_of_a_source_and_in_all_are_bounded),
		cmocka_unit_test(without_a_descriptor_the_queue_waits),
		cmocka_unit_test(
			an_answer_takes_the_connection_of_the_request),
		cmocka_unit_test(a_connection_is_opened_once_and_used_again),
		cmocka_unit_test(a_connection_that_is_refused_is_told),
		cmocka_unit_test(a_connection_that_nobody_takes_is_given_up),
		cmocka_unit_test(a_reader_that_stalls_fills_a_bounded_queue),
		cmocka_unit_test(what_all_connections_keep_is_bounded),
		cmocka_unit_test(a_number_of_another_peer_is_not_used),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(connections_come_and_go),
	};

	return T_MAIN(tests, scenarios);
}
