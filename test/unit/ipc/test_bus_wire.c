/**
 * @file test/unit/ipc/test_bus_wire.c  The bus against peers that misbehave
 *
 * At the other end is a bare ZeroMQ socket in the hands of the test: it says
 * what no bus of ours would.
 */
#include <zmq.h>

#include "test/unit/ipc/bus_env.h"

struct fixture {
	struct ev *ev;
	const char *dir;
	struct daemon daemon; /**< The one under test */
	void *ctx;
	void *raw;             /**< The one that misbehaves */
	Tandem__Envelope *got; /**< Last message the raw end received */
	char from[64];         /**< and whom a raw router had it from */
	int fromlen;
	uint8_t wire[2 * BUS_BYTES_MAX + 1]; /**< Its last message, */
	size_t at, left;                     /**< looked at this far */
};

enum {
	LENGTH_SIZE = 4, /* Before each envelope */
};


static void option(void *sock, int name, int value)
{
	assert_int_equal(zmq_setsockopt(sock, name, &value, sizeof(value)), 0);
}


static void endpoint_of(const struct fixture *fx, const char *name,
			char dst[256])
{
	(void)snprintf(dst, 256, "ipc://%s/%s/bus", fx->dir, name);
}


static int setup_common(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	outcomes_are_gone = false;
	*state = &fx;
	fx.dir = bus_dir();
	fx.ctx = zmq_ctx_new();

	return !fx.dir || !fx.ctx || ev_alloc(&fx.ev) ? -1 : 0;
}


/* A raw dealer with this identity, connected to billingd. */
static void raw_dealer(struct fixture *fx, const char *identity)
{
	char endpoint[256];

	if (fx->raw)
		zmq_close(fx->raw);
	fx->raw = zmq_socket(fx->ctx, ZMQ_DEALER);
	assert_non_null(fx->raw);
	option(fx->raw, ZMQ_LINGER, 0);
	option(fx->raw, ZMQ_SNDHWM, 4000); /* all that a test says */
	if (identity)
		assert_int_equal(zmq_setsockopt(fx->raw, ZMQ_ROUTING_ID,
						identity, strlen(identity)),
				 0);
	endpoint_of(fx, "billingd.0", endpoint);
	assert_int_equal(zmq_connect(fx->raw, endpoint), 0);
}


/* The bus under test is billingd's; the raw end plays its askers. */
static int setup_asker(void **state)
{
	struct fixture *fx;

	if (setup_common(state))
		return -1;

	fx = *state;
	if (billingd_open(&fx->daemon, fx->ev, fx->dir))
		return -1;
	raw_dealer(fx, "sipd.0");

	return 0;
}


static void raw_router(struct fixture *fx, int rcvhwm)
{
	char endpoint[256];

	(void)snprintf(endpoint, sizeof(endpoint), "%s/billingd.0", fx->dir);
	(void)mkdir(endpoint, 0700);
	fx->raw = zmq_socket(fx->ctx, ZMQ_ROUTER);
	assert_non_null(fx->raw);
	option(fx->raw, ZMQ_LINGER, 0);
	option(fx->raw, ZMQ_RCVHWM, rcvhwm);
	endpoint_of(fx, "billingd.0", endpoint);
	assert_int_equal(zmq_bind(fx->raw, endpoint), 0);
}


/* The bus under test is sipd's; the raw end plays billingd. */
static int setup_answerer(void **state)
{
	struct fixture *fx;

	if (setup_common(state))
		return -1;

	fx = *state;
	raw_router(fx, 1000);

	return sipd_open(&fx->daemon, fx->ev, fx->dir);
}


static void got_drop(struct fixture *fx)
{
	if (fx->got)
		tandem__envelope__free_unpacked(fx->got, NULL);
	fx->got = NULL;
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	outcomes_are_gone = true;
	got_drop(fx);
	if (fx->raw)
		zmq_close(fx->raw);
	bus_free(fx->daemon.bus);
	zmq_ctx_term(fx->ctx);
	ev_free(fx->ev);

	return 0;
}


/** What the raw end sends; a test spoils one thing of it */
struct message {
	Tandem__Envelope env;
	Tandem__Header hdr;
	Tandem__Refused refused;
	Tandem__Ping ping;
	Tandem__Pong pong;
	uint8_t data[512];
	size_t len;
};


static void message_init(struct message *msg, struct peer_id from)
{
	tandem__envelope__init(&msg->env);
	tandem__header__init(&msg->hdr);
	tandem__refused__init(&msg->refused);
	tandem__ping__init(&msg->ping);
	tandem__pong__init(&msg->pong);
	msg->hdr.peer = from.peer;
	msg->hdr.worker = from.worker;
	msg->hdr.id = 1001;
	msg->hdr.epoch = 3;
	msg->env.hdr = &msg->hdr;
	msg->env.body_case = BUS_BODY(REFUSED);
	msg->env.refused = &msg->refused;
}


/* An envelope as it is on the wire, behind its length */
static size_t framed(uint8_t *dst, const void *data, size_t len)
{
	for (unsigned i = 0; i < LENGTH_SIZE; i++)
		dst[i] = (uint8_t)(len >> 8 * i);
	memcpy(dst + LENGTH_SIZE, data, len);

	return LENGTH_SIZE + len;
}


static void wire_put(void *sock, const void *data, size_t len)
{
	uint8_t wire[1024];

	assert_true(len <= sizeof(wire) - LENGTH_SIZE);
	len = framed(wire, data, len);
	assert_int_equal(zmq_send(sock, wire, len, 0), len);
}


static void raw_send(struct fixture *fx, struct message *msg)
{
	msg->len = tandem__envelope__pack(&msg->env, msg->data);
	if (fx->fromlen > 0)
		assert_int_equal(zmq_send(fx->raw, fx->from,
					  (size_t)fx->fromlen, ZMQ_SNDMORE),
				 fx->fromlen);
	wire_put(fx->raw, msg->data, msg->len);
}


/* The next message, whose envelopes are looked at one by one */
static bool raw_next(struct fixture *fx)
{
	int type = 0, n;
	size_t size = sizeof(type);

	assert_int_equal(zmq_getsockopt(fx->raw, ZMQ_TYPE, &type, &size), 0);
	if (type == ZMQ_ROUTER) {
		n = zmq_recv(fx->raw, fx->from, sizeof(fx->from),
			     ZMQ_DONTWAIT);
		if (n < 0)
			return false;
		fx->fromlen = n;
	}
	n = zmq_recv(fx->raw, fx->wire, sizeof(fx->wire), ZMQ_DONTWAIT);
	if (n < 0)
		return false;
	assert_true((size_t)n <= sizeof(fx->wire));
	fx->at = 0;
	fx->left = (size_t)n;

	return true;
}


/* Anything but pings? Keeps it in fx->got. */
static bool raw_received(struct fixture *fx)
{
	const uint8_t *at;
	size_t len = 0;

	if (fx->left == 0 && !raw_next(fx))
		return false;

	at = fx->wire + fx->at;
	assert_true(fx->left >= LENGTH_SIZE);
	for (unsigned i = 0; i < LENGTH_SIZE; i++)
		len |= (size_t)at[i] << 8 * i;
	assert_true(len <= fx->left - LENGTH_SIZE);
	fx->at += LENGTH_SIZE + len;
	fx->left -= LENGTH_SIZE + len;

	got_drop(fx);
	fx->got = tandem__envelope__unpack(NULL, len, at + LENGTH_SIZE);
	assert_non_null(fx->got);

	return fx->got->body_case != BUS_BODY(PING);
}


static uint64_t refused(enum bus_refusal why)
{
	return metric_get(M_BUS_REFUSED, why);
}


static void a_repeat_is_answered_without_the_work_done_twice(void **state)
{
	struct fixture *fx = *state;
	struct message msg;

	message_init(&msg, sipd0);
	for (int i = 0; i < 3; i++) {
		raw_send(fx, &msg);
		TURN_UNTIL(fx->ev, raw_received(fx));
		assert_int_equal(fx->got->hdr->reply_to, 1001);
		assert_int_equal(fx->got->body_case, BUS_BODY(PONG));
	}
	assert_int_equal(fx->daemon.requests, 1);

	/* Another generation of that process counts from anew. */
	msg.hdr.epoch = 4;
	raw_send(fx, &msg);
	TURN_UNTIL(fx->ev, raw_received(fx));
	assert_int_equal(fx->daemon.requests, 2);
}


static void a_repeat_after_a_new_connection_gets_the_answer_too(void **state)
{
	struct fixture *fx = *state;
	struct message msg;

	message_init(&msg, sipd0);
	raw_send(fx, &msg);
	TURN_UNTIL(fx->ev, fx->daemon.requests == 1);

	raw_dealer(fx, "sipd.0");
	raw_send(fx, &msg);
	TURN_UNTIL(fx->ev, raw_received(fx));
	assert_int_equal(fx->got->hdr->reply_to, 1001);
	assert_int_equal(fx->daemon.requests, 1);
}


static void a_failed_handler_is_not_run_again_for_a_repeat(void **state)
{
	struct fixture *fx = *state;
	struct message msg;

	fx->daemon.result = EIO;
	message_init(&msg, sipd0);
	for (int i = 0; i < 2; i++) {
		raw_send(fx, &msg);
		TURN_UNTIL(fx->ev, raw_received(fx));
		assert_int_equal(fx->got->body_case, BUS_BODY(REFUSED));
	}
	assert_int_equal(fx->daemon.requests, 1);
}


static void a_header_that_is_not_the_senders_is_refused(void **state)
{
	const uint64_t before = refused(BUS_WRONG_SENDER);
	struct fixture *fx = *state;
	struct message msg;

	message_init(&msg, (struct peer_id){ PEER_MEDIAD, 0 });
	raw_send(fx, &msg);
	TURN_UNTIL(fx->ev, raw_received(fx));

	/* The one that sent it hears of it, not the one it named. */
	assert_int_equal(fx->got->body_case, BUS_BODY(REFUSED));
	assert_int_equal(fx->got->refused->why,
			 TANDEM__REFUSED_WHY__REFUSED_WHY_SENDER);
	assert_int_equal(fx->got->hdr->reply_to, 1001);
	assert_int_equal(refused(BUS_WRONG_SENDER), before + 1);
	assert_int_equal(fx->daemon.requests, 0);
}


static void a_peer_without_a_row_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct message msg;

	raw_dealer(fx, "regd.0");
	message_init(&msg, (struct peer_id){ PEER_REGD, 0 });
	raw_send(fx, &msg);
	TURN_UNTIL(fx->ev, raw_received(fx));
	assert_int_equal(fx->got->refused->why,
			 TANDEM__REFUSED_WHY__REFUSED_WHY_SENDER);
	assert_int_equal(fx->daemon.requests, 0);
}


static void a_body_of_a_newer_release_is_refused_as_unknown(void **state)
{
	const uint64_t before = refused(BUS_NO_ROUTE);
	struct fixture *fx = *state;
	struct message msg;

	message_init(&msg, sipd0);
	msg.env.body_case = TANDEM__ENVELOPE__BODY__NOT_SET;
	msg.len = tandem__envelope__pack(&msg.env, msg.data);
	memcpy(msg.data + msg.len, "\xea\x03\x00", 3); /* field 61, empty */
	wire_put(fx->raw, msg.data, msg.len + 3);

	TURN_UNTIL(fx->ev, raw_received(fx));
	assert_int_equal(fx->got->body_case, BUS_BODY(REFUSED));
	assert_int_equal(fx->got->refused->why,
			 TANDEM__REFUSED_WHY__REFUSED_WHY_UNKNOWN);
	assert_int_equal(refused(BUS_NO_ROUTE), before + 1);
}


static void identities_that_are_no_peer_are_refused(void **state)
{
	const char *const names[] = { NULL, "sipd", "sipd.00", "root",
				      "sipd.0 " };
	struct fixture *fx = *state;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const uint64_t before = refused(BUS_WRONG_SENDER);
		struct message msg;

		raw_dealer(fx, names[i]);
		message_init(&msg, sipd0);
		raw_send(fx, &msg);
		TURN_UNTIL(fx->ev, refused(BUS_WRONG_SENDER) == before + 1);
	}
	assert_int_equal(fx->daemon.requests, 0);
}


static void what_is_late_is_neither_done_nor_answered(void **state)
{
	const uint64_t before = refused(BUS_TOO_LATE);
	struct fixture *fx = *state;
	struct message msg;

	message_init(&msg, sipd0);
	msg.hdr.deadline_us = 1;
	raw_send(fx, &msg);
	TURN_UNTIL(fx->ev, refused(BUS_TOO_LATE) == before + 1);
	turn_some(fx->ev);
	assert_false(raw_received(fx));
	assert_int_equal(fx->daemon.requests, 0);
}


static void garbage_is_counted(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} garbage[] = {
		{ "", 0 },
		{ "\x0a\xff", 2 },                   /* no length */
		{ "\x02\0\0\0\x0a\xff", 6 },         /* no envelope */
		{ "\x03\0\0\0\x0a\xff", 6 },         /* longer than it is */
		{ "\xff\xff\xff\xff\x0a\xff", 6 },   /* and more so */
		{ "\x02\0\0\0\x0a\xff\x01\0\0", 9 }, /* two: see below */
	};
	uint64_t malformed = refused(BUS_MALFORMED);
	struct fixture *fx = *state;
	struct message msg;

	for (size_t i = 0; i < COUNT_OF(garbage); i++) {
		assert_int_equal(zmq_send(fx->raw, garbage[i].data,
					  garbage[i].len, 0),
				 garbage[i].len);
		malformed += 1 + (i == COUNT_OF(garbage) - 1);
		TURN_UNTIL(fx->ev, refused(BUS_MALFORMED) == malformed);
	}
	assert_int_equal(zmq_send(fx->raw, "\x02\0\0\0\x0a\xff", 6,
				  ZMQ_SNDMORE),
			 6);
	assert_int_equal(zmq_send(fx->raw, "more", 4, 0), 4);
	TURN_UNTIL(fx->ev, refused(BUS_MALFORMED) == malformed + 2);
	assert_int_equal(fx->daemon.requests, 0);

	/* And the next message is taken. */
	message_init(&msg, sipd0);
	raw_send(fx, &msg);
	TURN_UNTIL(fx->ev, raw_received(fx));
	assert_int_equal(fx->daemon.requests, 1);
}


static void each_envelope_of_a_message_is_taken_for_itself(void **state)
{
	const uint64_t before = refused(BUS_MALFORMED);
	struct fixture *fx = *state;
	struct message msg;
	uint8_t wire[4096];
	size_t len = 0;

	message_init(&msg, sipd0);
	for (int i = 0; i < 5; i++) {
		msg.hdr.id = 2000 + (uint64_t)i;
		msg.len = tandem__envelope__pack(&msg.env, msg.data);
		assert_true(msg.len < 256);
		len += framed(wire + len, msg.data, msg.len);
		len += framed(wire + len, "\x0a\xff", 2);
	}
	assert_int_equal(zmq_send(fx->raw, wire, len, 0), len);
	TURN_UNTIL(fx->ev, refused(BUS_MALFORMED) == before + 5);
	assert_int_equal(fx->daemon.requests, 5);
	for (uint64_t i = 0; i < 5; i++) {
		TURN_UNTIL(fx->ev, raw_received(fx));
		assert_int_equal(fx->got->hdr->reply_to, 2000 + i);
	}
}


/* As an asker does: again with the same id, now and then. */
static bool is_answered(struct fixture *fx, struct message *msg)
{
	const int64_t end = t_now_ms() + 200;

	raw_send(fx, msg);
	while (t_now_ms() < end) {
		ev_turn(fx->ev);
		if (raw_received(fx))
			return true;
		t_pause();
	}
	return false;
}


static void a_giant_message_costs_its_sender_the_connection(void **state)
{
	struct fixture *fx = *state;
	uint8_t *giant = calloc(1, 10 << 20);
	struct message msg;

	assert_non_null(giant);
	assert_int_equal(zmq_send(fx->raw, giant, 10 << 20, 0), 10 << 20);
	turn_some(fx->ev);

	raw_dealer(fx, "sipd.0");
	message_init(&msg, sipd0);
	/* Until the old connection is gone, answers may go there. */
	WAIT_FOR(20, is_answered(fx, &msg));
	assert_int_equal(fx->daemon.requests, 1);
	free(giant);
}


static void a_refusal_is_not_answered_with_a_refusal(void **state)
{
	const uint64_t orphans = metric_get(M_BUS_ORPHAN, 0);
	struct fixture *fx = *state;
	struct message msg;

	/* Two that answer each other's refusals would never end. */
	message_init(&msg, sipd0);
	msg.hdr.id = 0;
	msg.hdr.reply_to = 55;
	raw_send(fx, &msg);
	TURN_UNTIL(fx->ev, metric_get(M_BUS_ORPHAN, 0) == orphans + 1);

	message_init(&msg, (struct peer_id){ PEER_MEDIAD, 0 });
	msg.hdr.reply_to = 55;
	raw_send(fx, &msg);
	turn_some(fx->ev);
	assert_false(raw_received(fx));
}


static void more_than_a_turns_budget_is_all_answered(void **state)
{
	struct fixture *fx = *state;
	struct message msg;
	uint32_t answers = 0;

	message_init(&msg, sipd0);
	for (uint64_t i = 0; i < 2000; i++) {
		msg.hdr.id = 5000 + i;
		raw_send(fx, &msg);
	}
	TURN_UNTIL(fx->ev, (answers += raw_received(fx)) == 2000);
	assert_int_equal(fx->daemon.requests, 2000);
}


static void an_unanswered_request_is_sent_again_with_its_id(void **state)
{
	const uint64_t retries = metric_get(M_BUS_RETRY, 0);
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };
	struct message msg;
	uint64_t id = 0;

	assert_int_equal(ask(fx->daemon.bus, billingd0, 20000, 20, &outcome,
			     &id),
			 0);
	for (int i = 0; i < 3; i++) {
		TURN_UNTIL(fx->ev, raw_received(fx));
		assert_int_equal(fx->got->hdr->id, id);
		assert_int_equal(fx->got->hdr->call, 77);
	}
	/* One that had to wait for the connection is counted when it goes. */
	TURN_UNTIL(fx->ev, metric_get(M_BUS_RETRY, 0) >= retries + 2);
	assert_int_equal(outcome.calls, 0);

	/* Answered twice: heard once. */
	message_init(&msg, billingd0);
	msg.hdr.id = 0;
	msg.hdr.reply_to = id;
	raw_send(fx, &msg);
	raw_send(fx, &msg);
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	turn_some(fx->ev);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.err, 0);
}


static void a_request_that_is_to_go_once_goes_once(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };

	/* A ping has come: the link is up, and the request goes at once. */
	TURN_UNTIL(fx->ev, raw_received(fx) || fx->got);
	assert_int_equal(ask(fx->daemon.bus, billingd0, 300, 0, &outcome,
			     NULL),
			 0);
	TURN_UNTIL(fx->ev, raw_received(fx));
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	assert_int_equal(outcome.err, ETIMEDOUT);
	while (raw_received(fx))
		fail_msg("it was sent again");
}


static void an_answer_in_anothers_name_is_not_taken(void **state)
{
	const uint64_t before = refused(BUS_WRONG_SENDER);
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };
	struct message msg;
	uint64_t id = 0;

	assert_int_equal(ask(fx->daemon.bus, billingd0, 20000, 500, &outcome,
			     &id),
			 0);
	TURN_UNTIL(fx->ev, raw_received(fx));

	message_init(&msg, (struct peer_id){ PEER_REGD, 0 });
	msg.hdr.id = 0;
	msg.hdr.reply_to = id;
	raw_send(fx, &msg);
	TURN_UNTIL(fx->ev, refused(BUS_WRONG_SENDER) == before + 1);
	assert_int_equal(outcome.calls, 0);

	/* Nor one for a request that nobody made. */
	message_init(&msg, billingd0);
	msg.hdr.id = 0;
	msg.hdr.reply_to = id + 65536;
	raw_send(fx, &msg);
	turn_some(fx->ev);
	assert_int_equal(outcome.calls, 0);
}


/* Connected to us under a name of its own, it must not answer what another
 * was asked. */
static void a_third_party_cannot_answer(void **state)
{
	const uint64_t orphans = metric_get(M_BUS_ORPHAN, 0);
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };
	struct message msg;
	char endpoint[256];
	void *third;
	uint64_t id = 0;

	assert_int_equal(ask(fx->daemon.bus, billingd0, 20000, 500, &outcome,
			     &id),
			 0);
	TURN_UNTIL(fx->ev, raw_received(fx));

	third = zmq_socket(fx->ctx, ZMQ_DEALER);
	assert_non_null(third);
	option(third, ZMQ_LINGER, 0);
	assert_int_equal(zmq_setsockopt(third, ZMQ_ROUTING_ID, "mediad.0", 8),
			 0);
	endpoint_of(fx, "sipd.0", endpoint);
	assert_int_equal(zmq_connect(third, endpoint), 0);

	message_init(&msg, (struct peer_id){ PEER_MEDIAD, 0 });
	msg.hdr.id = 0;
	msg.hdr.reply_to = id;
	msg.len = tandem__envelope__pack(&msg.env, msg.data);
	wire_put(third, msg.data, msg.len);
	TURN_UNTIL(fx->ev, metric_get(M_BUS_ORPHAN, 0) == orphans + 1);
	assert_int_equal(outcome.calls, 0);
	zmq_close(third);
}


static void pings_that_are_not_answered_take_a_peer_down(void **state)
{
	struct fixture *fx = *state;
	struct message msg;
	uint8_t payload[64];

	/* Answer the first, and no other. */
	TURN_UNTIL(fx->ev, !raw_received(fx) && fx->got &&
				   fx->got->body_case == BUS_BODY(PING));
	message_init(&msg, billingd0);
	msg.hdr.id = 0;
	assert_in_range(fx->got->ping->payload.len, 1, sizeof(payload));
	memcpy(payload, fx->got->ping->payload.data,
	       fx->got->ping->payload.len);
	msg.env.body_case = BUS_BODY(PONG);
	msg.env.pong = &msg.pong;
	msg.pong.payload.data = payload;
	msg.pong.payload.len = fx->got->ping->payload.len;

	assert_false(is_up(fx->daemon.bus));
	raw_send(fx, &msg);
	TURN_UNTIL(fx->ev, is_up(fx->daemon.bus));
	TURN_UNTIL(fx->ev, !is_up(fx->daemon.bus));

	/* The same answer again is too old to count, and so is any other. */
	raw_send(fx, &msg);
	memset(payload, 0xff, sizeof(payload));
	raw_send(fx, &msg);
	msg.pong.payload.len = 3;
	raw_send(fx, &msg);
	turn_some(fx->ev);
	assert_false(is_up(fx->daemon.bus));
}


static void raw_read_all(struct fixture *fx)
{
	char data[8192];

	while (zmq_recv(fx->raw, data, sizeof(data), ZMQ_DONTWAIT) >= 0)
		;
}


static uint32_t waitingc(const struct fixture *fx)
{
	struct bus_peer_status row = { 0 };

	(void)bus_status(fx->daemon.bus, &row, 1);

	return row.pending;
}


/* It is there and does not read: what ZeroMQ and the kernel take is taken,
 * then requests wait, then they are refused. Nothing grows without end. */
static void a_peer_that_does_not_read_fills_bounded_queues(void **state)
{
	static uint8_t payload[4000];
	const struct bus_request req = { .to = billingd0,
					 .deadline_ms = 60000 };
	struct fixture *fx = *state;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__Ping ping = TANDEM__PING__INIT;
	uint64_t full;
	uint32_t sent = 0;
	int err = 0;

	zmq_close(fx->raw);
	raw_router(fx, 100);
	TURN_UNTIL(fx->ev, raw_received(fx) || fx->got);

	env.body_case = BUS_BODY(PING);
	env.ping = &ping;
	ping.payload.data = payload;
	ping.payload.len = sizeof(payload);
	full = metric_get(M_BUS_QUEUE_FULL, 0);
	while (sent < 100000 && !err) {
		err = bus_send(fx->daemon.bus, &req, &env, NULL);
		sent += !err;
		if (sent % 1000 == 0)
			ev_turn(fx->ev);
	}
	assert_int_equal(err, ENOBUFS);
	assert_in_range(sent, BUS_QUEUE_MAX, 6 * BUS_QUEUE_MAX);
	assert_int_equal(metric_get(M_BUS_QUEUE_FULL, 0), full + 1);

	assert_int_equal(waitingc(fx), BUS_QUEUE_MAX);

	/* It reads again: what waited follows. */
	TURN_UNTIL(fx->ev, (raw_read_all(fx), waitingc(fx) == 0));
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define ASKER(f) cmocka_unit_test_setup_teardown(f, setup_asker, teardown)
#define ANSWERER(f) \
	cmocka_unit_test_setup_teardown(f, setup_answerer, teardown)
		ASKER(a_repeat_is_answered_without_the_work_done_twice),
		ASKER(a_repeat_after_a_new_connection_gets_the_answer_too),
		ASKER(a_failed_handler_is_not_run_again_for_a_repeat),
		ASKER(a_header_that_is_not_the_senders_is_refused),
		ASKER(a_peer_without_a_row_is_refused),
		ASKER(a_body_of_a_newer_release_is_refused_as_unknown),
		ASKER(identities_that_are_no_peer_are_refused),
		ASKER(what_is_late_is_neither_done_nor_answered),
		ASKER(garbage_is_counted),
		ASKER(each_envelope_of_a_message_is_taken_for_itself),
		ASKER(a_giant_message_costs_its_sender_the_connection),
		ASKER(a_refusal_is_not_answered_with_a_refusal),
		ASKER(more_than_a_turns_budget_is_all_answered),
		ANSWERER(an_unanswered_request_is_sent_again_with_its_id),
		ANSWERER(a_request_that_is_to_go_once_goes_once),
		ANSWERER(an_answer_in_anothers_name_is_not_taken),
		ANSWERER(a_third_party_cannot_answer),
		ANSWERER(pings_that_are_not_answered_take_a_peer_down),
		ANSWERER(a_peer_that_does_not_read_fills_bounded_queues),
	};

	if (metric_setup(NULL, 0))
		return 1;

	return T_MAIN_ONLY(tests);
}
