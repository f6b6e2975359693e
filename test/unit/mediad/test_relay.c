/**
 * @file test/unit/mediad/test_relay.c  Packets over real sockets
 *
 * What is said to others (notice.h) is counted here instead.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mediad/mediad.h"
#include "mediad/notice.h"
#include "mediad/relay.h"
#include "mediad/voice.h"
#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "test/support/t.h"
#include "test/unit/mediad/rig.h"

enum {
	PAIRS = 2,
	CALL = 77,
};

struct bench {
	struct rig rig;
	struct mediad mediad;
	int ours[2 * PAIRS];
	uint16_t port[2 * PAIRS];
	int a, b, stranger;
	struct session *s;
};

static unsigned started;


void notice_started(struct mediad *mediad, struct session *s, unsigned side)
{
	(void)mediad;
	s->is_told[side] = true;
	started++;
}


void notice_flood(const struct mediad *mediad, const struct session *s,
		  unsigned side)
{
	(void)mediad;
	(void)s;
	(void)side;
}


void voice_heard(struct mediad *mediad, struct session *s, unsigned side,
		 const struct digit *digit)
{
	(void)mediad;
	(void)s;
	(void)side;
	(void)digit;
}


static int open_socket(char text[ADDR_TEXT_MAX])
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sa);
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct addr addr;

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(addr_from_sockaddr(&addr, (struct sockaddr *)&sa,
					    len),
			 0);
	(void)addr_print(&addr, text);

	return fd;
}


/* Which of our sockets a line has: the rig numbers them from RIG_PORT */
static struct sockaddr_in where(const struct bench *b, unsigned side,
				unsigned stream)
{
	const unsigned n = b->s->i.sides[side].lines[0].port - RIG_PORT +
			   stream;
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);

	assert_int_equal(getsockname(b->ours[n], (struct sockaddr *)&sa, &len),
			 0);

	return sa;
}


static void point(struct bench *b, uint32_t number, const char *text)
{
	const struct session_point p = rig_point(text);

	assert_int_equal(sessions_point(b->rig.sessions, CALL, number, 0, &p,
					clk_mono_us()),
			 0);
}


static void start(struct bench *b)
{
	assert_int_equal(rig_start(&b->rig, PAIRS, b->ours, clk_mono_us()), 0);
	assert_int_equal(ev_alloc(&b->mediad.ev), 0);
	b->mediad.ports = b->rig.ports;
	b->mediad.sessions = b->rig.sessions;
	assert_int_equal(held_open(&b->mediad.held, &b->rig.held.segment, 0),
			 0);
	assert_int_equal(relay_alloc(&b->mediad.relay, &b->mediad), 0);
	assert_int_equal(relay_start(b->mediad.relay), 0);
	b->s = sessions_find(b->rig.sessions, CALL);
}


static void stop(struct bench *b)
{
	b->mediad.relay = relay_free(b->mediad.relay);
	b->mediad.ev = ev_free(b->mediad.ev);
	rig_stop(&b->rig);
}


static void bench_open(struct bench *b)
{
	const struct sessions_ask ask = {
		.session = CALL, .number = 1, .lines = 1, .wants_a = true
	};
	char a[ADDR_TEXT_MAX], c[ADDR_TEXT_MAX], text[ADDR_TEXT_MAX];

	memset(b, 0, sizeof(*b));
	b->mediad.rtp_set = -1;
	started = 0;
	rig_open(&b->rig);
	for (unsigned i = 0; i < 2 * PAIRS; i++)
		b->ours[i] = open_socket(text);
	b->a = open_socket(a);
	b->b = open_socket(c);
	b->stranger = open_socket(text);
	start(b);
	assert_int_equal(sessions_reserve(b->rig.sessions, &ask, &b->s,
					  clk_mono_us()),
			 0);
	point(b, 0, a);
	point(b, 1, c);
}


static void bench_close(struct bench *b)
{
	stop(b);
	rig_close(&b->rig);
	for (unsigned i = 0; i < 2 * PAIRS; i++)
		(void)close(b->ours[i]);
	(void)close(b->a);
	(void)close(b->b);
	(void)close(b->stranger);
}


static void say(struct bench *b, int fd, unsigned side, uint16_t seq)
{
	const struct sockaddr_in to = where(b, side, SESSION_RTP);
	uint8_t data[PKT_MAX];
	const size_t len = rig_rtp(data, 0, seq);

	assert_int_equal(sendto(fd, data, len, 0, (const struct sockaddr *)&to,
				sizeof(to)),
			 (ssize_t)len);
}


static bool hears(struct bench *b, int fd, uint16_t seq)
{
	uint8_t data[PKT_MAX];
	struct pkt_head head;
	ssize_t n;

	(void)ev_turn(b->mediad.ev);
	n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

	return n == PKT_HEAD + 160 && pkt_parse(&head, data, (size_t)n) == 0 &&
	       head.seq == seq;
}


static void packets_pass_in_both_directions(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	say(&b, b.a, 0, 7);
	WAIT_FOR(5, hears(&b, b.b, 7));
	say(&b, b.b, 1, 8);
	WAIT_FOR(5, hears(&b, b.a, 8));
	assert_int_equal(started, 2);
	assert_int_equal(b.s->flows[0].packets, 1);
	assert_int_equal(b.s->flows[1].packets, 1);
	bench_close(&b);
}


static void a_stranger_is_not_heard_and_gets_nothing(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	say(&b, b.a, 0, 1);
	WAIT_FOR(5, hears(&b, b.b, 1));
	say(&b, b.stranger, 0, 2);
	WAIT_FOR(5, (hears(&b, b.stranger, 2), b.s->flows[0].foreign == 1));
	say(&b, b.b, 1, 3);
	WAIT_FOR(5, hears(&b, b.a, 3));
	assert_false(hears(&b, b.stranger, 3));
	assert_false(hears(&b, b.b, 2));
	bench_close(&b);
}


static void what_came_while_nobody_lived_is_passed_on(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	say(&b, b.a, 0, 1);
	WAIT_FOR(5, hears(&b, b.b, 1));
	say(&b, b.a, 0, 2);
	stop(&b);
	start(&b);
	WAIT_FOR(5, hears(&b, b.b, 2));
	assert_int_equal(b.s->flows[0].packets, 2);
	bench_close(&b);
}


static void add(int set, int fd, uint32_t port)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = port };

	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
}


static void a_successor_reads_the_set_that_outlives_us(void **state)
{
	const int set = epoll_create1(EPOLL_CLOEXEC);
	struct bench b;

	(void)state;
	bench_open(&b);
	for (unsigned i = 0; i < 2 * PAIRS; i++)
		add(set, b.ours[i], RIG_PORT + i);
	b.mediad.rtp_set = set;
	for (uint16_t i = 1; i < 4; i++) {
		say(&b, b.a, 0, i);
		stop(&b);
		start(&b);
		WAIT_FOR(5, hears(&b, b.b, i));
	}
	bench_close(&b);
	assert_int_equal(close(set), 0);
}


/* Ours are not in it: they are heard when it is left for one of our own. */
static void a_set_with_ports_of_others_is_left(void **state)
{
	const int set = epoll_create1(EPOLL_CLOEXEC);
	struct bench b;
	int others[2];

	(void)state;
	bench_open(&b);
	assert_int_equal(pipe(others), 0);
	assert_int_equal(write(others[1], "x", 1), 1);
	add(set, others[0], RIG_PORT + 2 * PAIRS);
	stop(&b);
	b.mediad.rtp_set = set;
	start(&b);
	say(&b, b.a, 0, 1);
	WAIT_FOR(60, hears(&b, b.b, 1));
	bench_close(&b);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(close(others[i]), 0);
	assert_int_equal(close(set), 0);
}


/* As a kill leaves it: in its slot, and in no socket. Streams are told apart
 * by the socket of ours that it came by, or leaves from. */
static struct media_held *leave(struct bench *b, unsigned n, uint16_t seq)
{
	struct media_held *slot = b->mediad.held.slots[n];
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	struct addr from;

	assert_int_equal(getsockname(b->a, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(addr_from_sockaddr(&from, (struct sockaddr *)&sa,
					    len),
			 0);
	held_in(slot, b->s->i.sides[0].lines[0].port, &from,
		rig_rtp(slot->data, 0, seq), clk_mono_us());

	return slot;
}


static void what_a_kill_found_received_is_passed_on(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	(void)leave(&b, 0, 1);
	(void)leave(&b, HELD_PER_WORKER - 1, 2);
	stop(&b);
	start(&b);
	WAIT_FOR(5, hears(&b, b.b, 1));
	WAIT_FOR(5, hears(&b, b.b, 2));
	assert_int_equal(b.s->flows[0].packets, 2);
	stop(&b);
	start(&b);
	assert_int_equal(b.s->flows[0].packets, 2);
	bench_close(&b);
}


static void what_a_kill_found_judged_goes_out_as_it_is(void **state)
{
	struct media_held *slot;
	struct bench b;

	(void)state;
	bench_open(&b);
	slot = leave(&b, 5, 9);
	held_out(slot, b.s->i.sides[1].lines[0].port,
		 &b.s->i.sides[1].lines[0].rtp.signalled);
	stop(&b);
	start(&b);
	WAIT_FOR(5, hears(&b, b.b, 9));
	assert_int_equal(b.s->flows[0].packets, 0);
	bench_close(&b);
}


static void what_a_kill_left_of_nobody_is_dropped(void **state)
{
	struct media_held *slot;
	struct bench b;

	(void)state;
	bench_open(&b);
	say(&b, b.a, 0, 1);
	WAIT_FOR(5, hears(&b, b.b, 1));
	leave(&b, 0, 2)->in = 1;             /* no port of ours */
	leave(&b, 1, 3)->from.port ^= 1;     /* it never was the peer's */
	leave(&b, 2, 4)->from.ip[3] ^= 0xff; /* nor this */
	slot = leave(&b, 3, 5);              /* from a pair that is free */
	held_out(slot, RIG_PORT + 2 * PAIRS, &slot->from);
	stop(&b);
	start(&b);
	say(&b, b.a, 0, 6);
	WAIT_FOR(5, hears(&b, b.b, 6));
	bench_close(&b);
}


static void many_at_once_keep_their_order(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	for (uint16_t i = 0; i < 100; i++)
		say(&b, b.a, 0, i);
	for (uint16_t i = 0; i < 100; i++)
		WAIT_FOR(5, hears(&b, b.b, i));
	assert_int_equal(b.s->flows[0].out_of_order, 0);
	bench_close(&b);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_pass_in_both_directions),
		cmocka_unit_test(a_stranger_is_not_heard_and_gets_nothing),
		cmocka_unit_test(what_came_while_nobody_lived_is_passed_on),
		cmocka_unit_test(a_successor_reads_the_set_that_outlives_us),
		cmocka_unit_test(a_set_with_ports_of_others_is_left),
		cmocka_unit_test(what_a_kill_found_received_is_passed_on),
		cmocka_unit_test(what_a_kill_found_judged_goes_out_as_it_is),
		cmocka_unit_test(what_a_kill_left_of_nobody_is_dropped),
		cmocka_unit_test(many_at_once_keep_their_order),
	};

	return T_MAIN_ONLY(tests);
}
