/**
 * @file test/unit/sipd/test_wire_udp.c  Datagrams on loopback
 */
#include <netinet/udp.h>
#include <sys/stat.h>

#include "shared/base/util.h"
#include "test/unit/sipd/wire_fixture.h"

static char large[WIRE_DATAGRAM_MAX];


/* A listener and a peer that wire can be sent from */
struct pair {
	struct fixture fx;
	int peer;
	struct addr peer_addr;
	struct addr own;
};


static int pair_open(struct pair *p)
{
	const struct wire_socket *s;
	struct fixture *fx = &p->fx;

	memset(p, 0, sizeof(*p));
	p->peer = t_socket(SOCK_DGRAM, AF_INET, &p->peer_addr);
	s = t_listen(fx, TRANSPORT_UDP, AF_INET, "one");
	if (p->peer < 0 || !s)
		return errno;

	p->own = p->peer_addr;
	p->own.port = s->port;

	return t_start(fx);
}


static void pair_close(struct pair *p)
{
	t_stop(&p->fx);
	(void)close(p->peer);
}


static int tell(const struct pair *p, const void *data, size_t len)
{
	struct sockaddr_storage sa;
	const socklen_t salen = addr_to_sockaddr(&p->own, &sa);

	return sendto(p->peer, data, len, 0, (struct sockaddr *)&sa, salen) ==
			       (ssize_t)len
		       ? 0
		       : errno;
}


static struct flow towards(const struct addr *remote)
{
	return (struct flow){ .remote = *remote, .transport = TRANSPORT_UDP };
}


static void a_datagram_comes_with_its_source(void **state)
{
	struct pair p;
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	assert_int_equal(tell(&p, "OPTIONS", 7), 0);
	TURN_UNTIL(&p.fx, p.fx.gotc == 1);
	assert_int_equal(p.fx.got[0].len, 7);
	assert_string_equal(p.fx.got[0].head, "OPTIONS");
	assert_true(addr_equal(&p.fx.got[0].from.remote, &p.peer_addr));
	assert_int_equal(p.fx.got[0].from.transport, TRANSPORT_UDP);
	assert_int_equal(p.fx.got[0].from.listener, 0);
	assert_int_equal(p.fx.got[0].from.conn, 0);
	pair_close(&p);
}


/* How long the next one waited, says wire: it waits 2 ms at least */
static int64_t age_of_next(struct pair *p)
{
	const size_t n = p->fx.gotc;

	assert_int_equal(tell(p, "OPTIONS", 7), 0);
	t_pause();
	t_pause();
	TURN_UNTIL(&p->fx, p->fx.gotc > n);

	return p->fx.got[n % GOT_MAX].age_us;
}


/* The kernel begins to stamp some time after the first socket asks for it. */
static void a_datagram_comes_with_its_age(void **state)
{
	struct pair p;
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	WAIT_FOR(10, age_of_next(&p) >= 2000);
	pair_close(&p);
}


static void the_largest_datagram_comes_and_goes_whole(void **state)
{
	enum {
		LARGEST = 65507 /* of IPv4: 65535 less 20 and 8 */
	};
	struct pair p;
	ssize_t len = -1;
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	p.fx.echoes = true;
	assert_int_equal(tell(&p, large, LARGEST), 0);
	assert_int_equal(tell(&p, large, LARGEST - 1), 0);
	TURN_UNTIL(&p.fx, p.fx.gotc == 2);
	assert_int_equal(p.fx.got[0].len, LARGEST);
	assert_true(p.fx.got[0].is_even);
	assert_int_equal(p.fx.got[1].len, LARGEST - 1);
	assert_true(p.fx.got[1].is_even);
	TURN_UNTIL(&p.fx, (len = recv(p.peer, large, sizeof(large), 0)) > 0);
	assert_int_equal(len, LARGEST);
	pair_close(&p);
}


/* In two pieces from 2049 bytes on; each of a batch has its own. */
static void a_datagram_in_two_pieces_is_put_together(void **state)
{
	enum {
		FIRST = 2046,
		COUNT = 5
	};
	static char data[COUNT][FIRST + COUNT], back[FIRST + COUNT];
	struct pair p;
	ssize_t len = -1;
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	p.fx.echoes = true;
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t at = 0; at < FIRST + i; at++)
			data[i][at] = (char)((at * 7 + i * 31) % 251);
		assert_int_equal(tell(&p, data[i], FIRST + i), 0);
	}
	for (size_t i = 0; i < COUNT; i++) {
		TURN_UNTIL(&p.fx,
			   (len = recv(p.peer, back, sizeof(back), 0)) > 0);
		assert_int_equal(len, FIRST + i);
		assert_memory_equal(back, data[i], FIRST + i);
	}
	pair_close(&p);
}


static int cutting_of(const struct pair *p)
{
	int how = -1;
	socklen_t len = sizeof(how);

	assert_int_equal(getsockopt(p->fx.wire->rows[0]->fd, IPPROTO_IP,
				    IP_MTU_DISCOVER, &how, &len),
			 0);

	return how;
}


static void only_for_large_datagrams_may_the_kernel_cut(void **state)
{
	static const struct {
		size_t len;
		int how;
	} rows[] = {
		{ 1300, IP_PMTUDISC_DO },
		{ 1301, IP_PMTUDISC_WANT },
		{ 10, IP_PMTUDISC_DO },
	};
	struct pair p;
	struct flow to;
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	to = towards(&p.peer_addr);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ssize_t len = -1;

		assert_int_equal(wire_send(p.fx.wire, &to, large, rows[i].len),
				 0);
		TURN_UNTIL(&p.fx,
			   (len = recv(p.peer, large, sizeof(large), 0)) > 0);
		assert_int_equal(len, rows[i].len);
		assert_int_equal(cutting_of(&p), rows[i].how);
	}
	pair_close(&p);
}


static void more_than_a_batch_comes_in_order(void **state)
{
	enum {
		COUNT = 150
	};
	struct pair p;
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	for (int i = 0; i < COUNT; i++) {
		char data[8];

		(void)snprintf(data, sizeof(data), "%07d", i);
		assert_int_equal(tell(&p, data, 7), 0);
	}
	TURN_UNTIL(&p.fx, p.fx.gotc == COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(strtol(p.fx.got[i].head, NULL, 10), i);
	pair_close(&p);
}


static void what_is_sent_waits_for_the_end_of_the_turn(void **state)
{
	struct pair p;
	struct flow to;
	char data[8];
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	to = towards(&p.peer_addr);
	assert_int_equal(wire_send(p.fx.wire, &to, "ONE", 3), 0);
	assert_int_equal(wire_send(p.fx.wire, &to, "TWO2", 4), 0);
	assert_int_equal(recv(p.peer, data, sizeof(data), 0), -1);
	t_turned(&p.fx);
	WAIT_FOR(10, recv(p.peer, data, sizeof(data), 0) == 3);
	WAIT_FOR(10, recv(p.peer, data, sizeof(data), 0) == 4);
	pair_close(&p);
}


static void sixty_four_that_wait_leave_at_once(void **state)
{
	struct pair p;
	struct flow to;
	char data[8];
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	to = towards(&p.peer_addr);
	for (int i = 0; i < 65; i++) {
		(void)snprintf(data, sizeof(data), "%07d", i);
		assert_int_equal(wire_send(p.fx.wire, &to, data, 7), 0);
	}
	for (int i = 0; i < 64; i++) {
		WAIT_FOR(10, recv(p.peer, data, sizeof(data), 0) == 7);
		assert_int_equal(strtol(data, NULL, 10), i);
	}
	assert_int_equal(recv(p.peer, data, sizeof(data), 0), -1);
	wire_flush(p.fx.wire);
	WAIT_FOR(10, recv(p.peer, data, sizeof(data), 0) == 7);
	pair_close(&p);
}


/* What one system call takes from it, and of what size its parts are; 0: it is
 * one */
static ssize_t take_together(int fd, int *sizep)
{
	_Alignas(struct cmsghdr) char control[64];
	char data[4096];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr head = { .msg_iov = &iov,
			       .msg_iovlen = 1,
			       .msg_control = control,
			       .msg_controllen = sizeof(control) };
	const ssize_t len = recvmsg(fd, &head, 0);

	*sizep = 0;
	for (struct cmsghdr *c = len > 0 ? CMSG_FIRSTHDR(&head) : NULL; c;
	     c = CMSG_NXTHDR(&head, c))
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
			memcpy(sizep, CMSG_DATA(c), sizeof(*sizep));

	return len;
}


static void those_of_one_size_for_one_peer_go_as_one(void **state)
{
	static const size_t lens[] = { 100, 100, 60, 100, 1400, 1400 };
	static const struct {
		int len, size;
	} seen[] = { { 260, 100 }, { 100, 0 }, { 1400, 0 }, { 1400, 0 } };
	const int on = 1;
	struct addr other_addr;
	struct flow to, other;
	struct pair p;
	int fd;
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	fd = t_socket(SOCK_DGRAM, AF_INET, &other_addr);
	if (!p.fx.wire->rows[0]->has_runs ||
	    setsockopt(p.peer, SOL_UDP, UDP_GRO, &on, sizeof(on)) != 0)
		skip(); /* a kernel without them */
	to = towards(&p.peer_addr);
	other = towards(&other_addr);
	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		assert_int_equal(wire_send(p.fx.wire, &to, large, lens[i]), 0);
		assert_int_equal(wire_send(p.fx.wire, &other, "ELSE", 4), 0);
	}
	t_turned(&p.fx);
	for (size_t i = 0; i < COUNT_OF(seen); i++) {
		int size = -1;

		WAIT_FOR(10, take_together(p.peer, &size) == seen[i].len);
		assert_int_equal(size, seen[i].size);
	}
	(void)close(fd);
	pair_close(&p);
}


/* The next one, which says its number. @return its length */
static size_t take_numbered(int fd, int number)
{
	char data[2048];
	ssize_t len = -1;

	WAIT_FOR(10, (len = recv(fd, data, sizeof(data), 0)) > 0);
	data[8] = '\0';
	assert_int_equal(strtol(data, NULL, 10), number);

	return (size_t)len;
}


static void whatever_goes_together_each_gets_its_own_in_order(void **state)
{
	enum {
		COUNT = 150, /* No socket has room for many more */
		PEERS = 12,
	};
	static const size_t sizes[] = { 300, 300, 299, 301, 1300, 1301, 10 };
	static size_t lens[PEERS][COUNT];
	static char data[2048];
	int fds[PEERS], counts[PEERS] = { 0 };
	struct addr addrs[PEERS];
	unsigned dice = 1;
	struct pair p;
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	for (size_t i = 0; i < PEERS; i++)
		fds[i] = t_socket(SOCK_DGRAM, AF_INET, &addrs[i]);
	for (int i = 0; i < COUNT; i++) {
		const size_t at = (dice >> 8) % (i % 2 ? PEERS : 3);
		const struct flow to = towards(&addrs[at]);
		const size_t len = sizes[(dice >> 16) % COUNT_OF(sizes)];

		(void)snprintf(data, sizeof(data), "%08d", counts[at]);
		assert_int_equal(wire_send(p.fx.wire, &to, data, len), 0);
		lens[at][counts[at]++] = len;
		dice = dice * 1103515245 + 12345;
	}
	t_turned(&p.fx);
	for (size_t i = 0; i < PEERS; i++) {
		for (int n = 0; n < counts[i]; n++)
			assert_int_equal(take_numbered(fds[i], n), lens[i][n]);
		(void)close(fds[i]);
	}
	pair_close(&p);
}


/* Where nobody is: a port that was closed a moment ago may be another test's
 * by now, that of the discard service is nobody's. */
static struct addr deserted(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(&addr, text_of(text)), 0);

	return addr;
}


static void a_refused_datagram_is_told_with_its_destination(void **state)
{
	struct pair p;
	struct addr nobody;
	struct flow to;
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	nobody = deserted("127.0.0.1:9");
	to = towards(&nobody);
	assert_int_equal(wire_send(p.fx.wire, &to, "BYE", 3), 0);
	assert_int_equal(p.fx.failurec, 0);
	TURN_UNTIL(&p.fx, p.fx.failurec == 1);
	assert_int_equal(p.fx.failure, ECONNREFUSED);
	assert_true(addr_equal(&p.fx.failed.remote, &nobody));
	assert_int_equal(p.fx.failed.transport, TRANSPORT_UDP);
	pair_close(&p);
}


static void the_same_holds_for_ipv6(void **state)
{
	struct fixture fx = { .gotc = 0 };
	struct addr peer_addr, nobody;
	struct flow to = { .transport = TRANSPORT_UDP };
	uint16_t index;
	char data[8];
	int peer;
	(void)state;

	peer = t_socket(SOCK_DGRAM, AF_INET6, &peer_addr);
	if (peer < 0)
		skip(); /* a machine without IPv6 */
	assert_non_null(t_listen(&fx, TRANSPORT_UDP, AF_INET, "four"));
	assert_non_null(t_listen(&fx, TRANSPORT_UDP, AF_INET6, "six"));
	assert_int_equal(t_start(&fx), 0);
	assert_string_equal(wire_listener(fx.wire, 1)->host, "[::1]");
	assert_int_equal(wire_listener_find(fx.wire, &index, TRANSPORT_UDP,
					    "auto", &peer_addr),
			 0);
	assert_int_equal(index, 1);

	to.remote = peer_addr;
	assert_int_equal(wire_send(fx.wire, &to, "ABC", 3), 0);
	TURN_UNTIL(&fx, recv(peer, data, sizeof(data), 0) == 3);
	nobody = deserted("[::1]:9");
	to.remote = nobody;
	assert_int_equal(wire_send(fx.wire, &to, "ABC", 3), 0);
	TURN_UNTIL(&fx, fx.failurec == 1);
	assert_int_equal(fx.failure, ECONNREFUSED);
	assert_true(addr_equal(&fx.failed.remote, &nobody));
	(void)close(peer);
	t_stop(&fx);
}


/* Linux tells the error of the first to whoever sends next. */
static void anothers_refusal_does_not_lose_a_datagram(void **state)
{
	struct pair p;
	struct flow to, bad;
	struct addr nobody;
	char data[8];
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	nobody = deserted("127.0.0.1:9");
	bad = towards(&nobody);
	to = towards(&p.peer_addr);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(wire_send(p.fx.wire, &bad, "BAD", 3), 0);
		wire_flush(p.fx.wire);
		assert_int_equal(wire_send(p.fx.wire, &to, "GOOD", 4), 0);
		assert_int_equal(wire_send(p.fx.wire, &to, "RUN", 3), 0);
		wire_flush(p.fx.wire);
		WAIT_FOR(10, recv(p.peer, data, sizeof(data), 0) == 4);
		WAIT_FOR(10, recv(p.peer, data, sizeof(data), 0) == 3);
	}
	TURN_UNTIL(&p.fx, p.fx.failurec == 10);
	assert_true(addr_equal(&p.fx.failed.remote, &nobody));
	pair_close(&p);
}


static void sends_that_make_no_sense_are_refused(void **state)
{
	struct pair p;
	struct flow to;
	struct addr six;
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	to = towards(&p.peer_addr);
	assert_int_equal(wire_send(p.fx.wire, &to, large, 0), EMSGSIZE);
	assert_int_equal(wire_send(p.fx.wire, &to, large, 65536), EMSGSIZE);
	to.remote.port = 0;
	assert_int_equal(wire_send(p.fx.wire, &to, large, 10), EINVAL);
	to = towards(&p.peer_addr);
	to.transport = TRANSPORT_TCP;
	assert_int_equal(wire_send(p.fx.wire, &to, large, 10), ENOTCONN);
	assert_int_equal(addr_parse(&six, text_of("[::1]:5060")), 0);
	to = towards(&six);
	assert_int_equal(wire_send(p.fx.wire, &to, large, 10), ENOTCONN);

	/* too long for UDP: the kernel's word comes by failh */
	to = towards(&p.peer_addr);
	assert_int_equal(wire_send(p.fx.wire, &to, large, 65535), 0);
	TURN_UNTIL(&p.fx, p.fx.failurec == 1);
	assert_int_equal(p.fx.failure, EMSGSIZE);
	pair_close(&p);
}


static void a_full_queue_is_said_and_a_listener_of_another_life_found(
	void **state)
{
	struct pair p;
	struct flow to;
	char data[8];
	int err = 0;
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	to = towards(&p.peer_addr);
	to.listener = 4711; /* shared memory is input */
	assert_int_equal(wire_send(p.fx.wire, &to, "A", 1), 0);
	t_turned(&p.fx);
	WAIT_FOR(10, recv(p.peer, data, sizeof(data), 0) == 1);

	p.fx.wire->rows[0]->is_full = true; /* as after EAGAIN */
	for (int i = 0; i < 4096; i++)
		assert_int_equal(wire_send(p.fx.wire, &to, "B", 1), 0);
	err = wire_send(p.fx.wire, &to, "B", 1);
	assert_int_equal(err, ENOBUFS);
	t_turned(&p.fx);
	assert_int_equal(recv(p.peer, data, sizeof(data), 0), -1);
	assert_int_equal(ev_watch_change(p.fx.wire->rows[0]->watch,
					 EV_READ | EV_WRITE),
			 0);
	TURN_UNTIL(&p.fx, recv(p.peer, data, sizeof(data), 0) == 1);
	assert_int_equal(p.fx.wire->rows[0]->packetc, 0);
	pair_close(&p);
}


/* --- the table --------------------------------------------------------------
 */

static void a_listener_keeps_its_index_for_ever(void **state)
{
	struct fixture fx = { .gotc = 0 };
	struct addr remote;
	uint16_t index;
	(void)state;

	assert_non_null(t_listen(&fx, TRANSPORT_UDP, AF_INET, "one"));
	assert_non_null(t_listen(&fx, TRANSPORT_UDP, AF_INET, "two"));
	assert_int_equal(t_start(&fx), 0);
	assert_int_equal(wire_listenerc(fx.wire), 2);
	assert_int_equal(addr_parse(&remote, text_of("127.0.0.1:5060")), 0);

	/* the first one goes, and a third comes */
	(void)close(fx.sockets[0].fd);
	fx.sockets[0] = fx.sockets[1];
	fx.socketc = 1;
	assert_non_null(t_listen(&fx, TRANSPORT_UDP, AF_INET, "three"));
	assert_int_equal(wire_reload(fx.wire), 0);
	assert_int_equal(wire_listenerc(fx.wire), 3);
	assert_true(wire_listener(fx.wire, 0)->is_gone);
	assert_string_equal(wire_listener(fx.wire, 0)->name, "one");
	assert_string_equal(wire_listener(fx.wire, 1)->name, "two");
	assert_string_equal(wire_listener(fx.wire, 2)->name, "three");
	assert_true(wire_listener(fx.wire, 3)->is_gone);
	assert_int_equal(wire_listener_find(fx.wire, &index, TRANSPORT_UDP,
					    "one", &remote),
			 ENOENT);
	assert_int_equal(wire_listener_find(fx.wire, &index, TRANSPORT_UDP,
					    "auto", &remote),
			 0);
	assert_int_equal(index, 1);
	assert_false(wire_is_own(fx.wire, &wire_listener(fx.wire, 0)->bind));
	t_stop(&fx);
}


static void a_socket_made_anew_is_heard_at_the_old_index(void **state)
{
	struct pair p;
	struct sockaddr_storage sa;
	socklen_t len;
	int fd;
	(void)state;

	assert_int_equal(pair_open(&p), 0);
	len = addr_to_sockaddr(&p.own, &sa);
	(void)close(p.fx.sockets[0].fd);
	p.fx.socketc = 0;
	assert_int_equal(wire_reload(p.fx.wire), 0);
	assert_true(wire_listener(p.fx.wire, 0)->is_gone);

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	p.fx.sockets[0].fd = fd;
	p.fx.socketc = 1;
	assert_int_equal(wire_reload(p.fx.wire), 0);
	assert_int_equal(wire_listenerc(p.fx.wire), 1);
	assert_false(wire_listener(p.fx.wire, 0)->is_gone);
	assert_int_equal(tell(&p, "AGAIN", 5), 0);
	TURN_UNTIL(&p.fx, p.fx.gotc == 1);
	pair_close(&p);
}


static void what_is_advertised_is_printed_and_known_as_own(void **state)
{
	static const struct {
		const char *advertised, *host, *own;
	} rows[] = {
		{ "", "127.0.0.1", "127.0.0.1" },
		{ "192.0.2.7", "192.0.2.7", "192.0.2.7" },
		{ "2001:db8::7", "[2001:db8::7]", "2001:db8::7" },
		{ "sip.example.org", "sip.example.org", "127.0.0.1" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture fx = { .gotc = 0 };
		struct wire_socket *s = t_listen(&fx, TRANSPORT_UDP, AF_INET,
						 "one");
		const struct wire_listener *l;
		struct addr own, stranger;

		assert_non_null(s);
		s->advertised = rows[i].advertised;
		assert_int_equal(t_start(&fx), 0);
		l = wire_listener(fx.wire, 0);
		assert_string_equal(l->host, rows[i].host);
		assert_int_equal(l->port, s->port);
		assert_int_equal(addr_parse(&own, text_of(rows[i].own)), 0);
		assert_true(wire_is_own(fx.wire, &own));
		own.port = s->port;
		assert_true(wire_is_own(fx.wire, &own));
		own.port ^= 1;
		assert_false(wire_is_own(fx.wire, &own));
		assert_int_equal(addr_parse(&stranger, text_of("192.0.2.9")),
				 0);
		assert_false(wire_is_own(fx.wire, &stranger));
		t_stop(&fx);
	}
}


static void a_listener_is_found_by_name_address_port_and_route(void **state)
{
	struct fixture fx = { .gotc = 0 };
	struct wire_socket *one, *two;
	char port[8], both[32];
	struct addr remote, six;
	(void)state;

	one = t_listen(&fx, TRANSPORT_UDP, AF_INET, "one");
	two = t_listen(&fx, TRANSPORT_UDP, AF_INET, "two");
	assert_non_null(one);
	assert_non_null(two);
	two->advertised = "192.0.2.7";
	(void)snprintf(port, sizeof(port), "%u", two->port);
	(void)snprintf(both, sizeof(both), "127.0.0.1:%u", two->port);
	assert_int_equal(t_start(&fx), 0);
	assert_int_equal(addr_parse(&remote, text_of("127.0.0.5:5060")), 0);
	assert_int_equal(addr_parse(&six, text_of("[::1]:5060")), 0);

	{
		const struct {
			const char *local_ip;
			int err;
			uint16_t index;
		} rows[] = {
			{ "", 0, 0 },           { "auto", 0, 0 },
			{ "two", 0, 1 },        { "192.0.2.7", 0, 1 },
			{ "127.0.0.1", 0, 0 },  { port, 0, 1 },
			{ both, 0, 1 },         { "192.0.2.8", ENOENT, 0 },
			{ "three", ENOENT, 0 },
		};

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			uint16_t index = 0;

			assert_int_equal(wire_listener_find(fx.wire, &index,
							    TRANSPORT_UDP,
							    rows[i].local_ip,
							    &remote),
					 rows[i].err);
			assert_int_equal(index, rows[i].index);
			assert_int_equal(wire_listener_find(fx.wire, &index,
							    TRANSPORT_TCP,
							    rows[i].local_ip,
							    &remote),
					 ENOENT);
			assert_int_equal(wire_listener_find(fx.wire, &index,
							    TRANSPORT_UDP,
							    rows[i].local_ip,
							    &six),
					 ENOENT);
		}
	}
	t_stop(&fx);
}


static void who_listens_on_all_addresses_owns_the_systems(void **state)
{
	struct fixture fx = { .gotc = 0 };
	struct wire_socket *s = t_listen(&fx, TRANSPORT_UDP, AF_INET, "all");
	struct addr addr;
	(void)state;

	assert_non_null(s);
	s->bind = "0.0.0.0";
	assert_int_equal(t_start(&fx), 0);
	assert_int_equal(addr_parse(&addr, text_of("127.0.0.1")), 0);
	assert_true(wire_is_own(fx.wire, &addr));
	assert_int_equal(addr_parse(&addr, text_of("192.0.2.1")), 0);
	assert_false(wire_is_own(fx.wire, &addr));
	t_stop(&fx);
}


/* --- */

static int datagrams_come_and_go(void)
{
	struct pair p;
	struct flow to;
	int err;

	err = pair_open(&p);
	if (err)
		goto out;

	to = towards(&p.peer_addr);
	err = wire_send(p.fx.wire, &to, "SMALL", 5);
	if (!err)
		err = wire_send(p.fx.wire, &to, large, 30000);
	if (!err)
		t_turned(&p.fx);

out:
	pair_close(&p);

	return err == ENOBUFS ? ENOMEM : err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_comes_with_its_source),
		cmocka_unit_test(a_datagram_comes_with_its_age),
		cmocka_unit_test(the_largest_datagram_comes_and_goes_whole),
		cmocka_unit_test(a_datagram_in_two_pieces_is_put_together),
		cmocka_unit_test(only_for_large_datagrams_may_the_kernel_cut),
		cmocka_unit_test(more_than_a_batch_comes_in_order),
		cmocka_unit_test(what_is_sent_waits_for_the_end_of_the_turn),
		cmocka_unit_test(sixty_four_that_wait_leave_at_once),
		cmocka_unit_test(those_of_one_size_for_one_peer_go_as_one),
		cmocka_unit_test(
			whatever_goes_together_each_gets_its_own_in_order),
		cmocka_unit_test(
			a_refused_datagram_is_told_with_its_destination),
		cmocka_unit_test(the_same_holds_for_ipv6),
		cmocka_unit_test(anothers_refusal_does_not_lose_a_datagram),
		cmocka_unit_test(sends_that_make_no_sense_are_refused),
		cmocka_unit_test(
			a_full_queue_is_said_and_a_listener_of_another_life_found),
		cmocka_unit_test(a_listener_keeps_its_index_for_ever),
		cmocka_unit_test(a_socket_made_anew_is_heard_at_the_old_index),
		cmocka_unit_test(
			what_is_advertised_is_printed_and_known_as_own),
		cmocka_unit_test(
			a_listener_is_found_by_name_address_port_and_route),
		cmocka_unit_test(
			who_listens_on_all_addresses_owns_the_systems),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(datagrams_come_and_go),
	};

	memset(large, 'x', sizeof(large));

	return T_MAIN(tests, scenarios);
}
