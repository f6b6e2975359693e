/**
 * @file test/unit/sipd/test_wire_gate.c  What is let in, traced and refused
 *
 * guard and trace are the test's own: which verdict has which effect.
 */
#include "sipd/guard.h"
#include "sipd/message.h"
#include "sipd/metrics.h"
#include "sipd/trace.h"
#include "test/unit/sipd/wire_fixture.h"

#define INVITE                                                          \
	"INVITE sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nTo: <sip:c@d>" \
	"\r\nFrom: <sip:a@b>;tag=1\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n"

struct guard {
	enum guard_verdict verdict;
	struct addr source;
	enum guard_class class;
	int64_t age_us, now_us;
	int calls;
	struct addr expected;
};

struct trace {
	bool is_on;
	enum trace_direction direction;
	enum transport transport;
	struct addr local, remote;
	size_t len;
	int calls;
};


enum guard_class guard_classify(const char *data, size_t len)
{
	return len == 4 && memcmp(data, "\r\n\r\n", 4) == 0
		       ? GUARD_KEEPALIVE
		       : GUARD_INITIAL_INVITE;
}


void guard_expect(struct guard *guard, const struct addr *peer, int64_t now_us)
{
	assert_true(now_us > 0);
	guard->expected = *peer;
}


enum guard_verdict guard_check(struct guard *guard, const struct catalog *c,
			       const struct addr *source,
			       enum guard_class class, int64_t age_us,
			       int64_t now_us)
{
	assert_null(c);
	guard->source = *source;
	guard->class = class;
	guard->age_us = age_us;
	guard->now_us = now_us;
	guard->calls++;

	return guard->verdict;
}


bool trace_is_on(const struct trace *trace)
{
	return trace->is_on;
}


void trace_keep(struct trace *trace, enum trace_direction direction,
		enum transport transport, const struct addr *local,
		const struct addr *remote, const char *data, size_t len)
{
	assert_non_null(data);
	trace->direction = direction;
	trace->transport = transport;
	trace->local = *local;
	trace->remote = *remote;
	trace->len = len;
	trace->calls++;
}


struct rig {
	struct fixture fx;
	struct guard guard;
	struct trace trace;
	int peer;
	struct addr peer_addr, own;
};


static void rig_open(struct rig *r)
{
	const struct wire_socket *s;

	memset(r, 0, sizeof(*r));
	r->peer = t_socket(SOCK_DGRAM, AF_INET, &r->peer_addr);
	s = t_listen(&r->fx, TRANSPORT_UDP, AF_INET, "one");
	assert_true(r->peer >= 0 && s);
	r->own = r->peer_addr;
	r->own.port = s->port;
	assert_int_equal(t_start(&r->fx), 0);
	r->fx.wire->args.guard = &r->guard;
	r->fx.wire->args.trace = &r->trace;
}


static void rig_close(struct rig *r)
{
	t_stop(&r->fx);
	(void)close(r->peer);
}


static void tell(const struct rig *r, const char *data)
{
	struct sockaddr_storage sa;
	const socklen_t len = addr_to_sockaddr(&r->own, &sa);

	assert_int_equal(sendto(r->peer, data, strlen(data), 0,
				(struct sockaddr *)&sa, len),
			 strlen(data));
}


static void only_what_passes_is_parsed_and_a_503_says_when(void **state)
{
	static const struct {
		enum guard_verdict verdict;
		size_t gotc;
		const char *answer; /* NULL: none */
	} rows[] = {
		{ GUARD_PASS, 1, NULL },
		{ GUARD_DROP, 0, NULL },
		{ GUARD_BUSY, 0, "\r\nRetry-After: 5\r\n" },
		{ GUARD_SLOW, 0, "\r\nRetry-After: 1\r\n" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig r;
		char data[1024];
		ssize_t len;

		rig_open(&r);
		r.guard.verdict = rows[i].verdict;
		tell(&r, INVITE);
		TURN_UNTIL(&r.fx, r.guard.calls == 1);
		t_turned(&r.fx);
		assert_int_equal(r.fx.gotc, rows[i].gotc);
		assert_true(addr_equal(&r.guard.source, &r.peer_addr));
		assert_int_equal(r.guard.class, GUARD_INITIAL_INVITE);
		assert_true(r.guard.age_us >= 0 && r.guard.now_us > 0);
		len = recv(r.peer, data, sizeof(data) - 1, 0);
		if (rows[i].answer) {
			assert_true(len > 0);
			data[len] = '\0';
			assert_non_null(strstr(data, rows[i].answer));
			assert_int_equal(strncmp(data, "SIP/2.0 503 ", 12), 0);
		}
		else {
			assert_int_equal(len, -1);
		}
		rig_close(&r);
	}
}


static bool on_copy(const struct flow *from, char *data, size_t len, void *arg)
{
	(void)arg;
	assert_true(from->remote.port > 0);
	assert_int_equal(strncmp(data, INVITE, len), 0);

	return true;
}


static bool heard(const struct rig *r, const char *start)
{
	char data[1024];
	const ssize_t len = recv(r->peer, data, sizeof(data) - 1, 0);

	return len >= (ssize_t)strlen(start) &&
	       memcmp(data, start, strlen(start)) == 0;
}


static void a_copy_of_what_was_let_in_is_let_in_under_load(void **state)
{
	struct rig r;
	(void)state;

	rig_open(&r);
	r.guard.verdict = GUARD_PASS;
	tell(&r, INVITE);
	TURN_UNTIL(&r.fx, r.fx.gotc == 1);
	r.guard.verdict = GUARD_BUSY;
	r.fx.wire->args.copyh = on_copy;
	tell(&r, INVITE);
	TURN_UNTIL(&r.fx, r.fx.gotc == 2);
	r.fx.wire->args.copyh = NULL;
	r.guard.verdict = GUARD_PASS;
	tell(&r, INVITE); /* and so it was not written down as refused */
	TURN_UNTIL(&r.fx, r.fx.gotc == 3);
	assert_false(heard(&r, "SIP/2.0 503 "));
	rig_close(&r);
}


static void a_copy_of_what_was_refused_is_refused_without_load(void **state)
{
	struct rig r;
	(void)state;

	rig_open(&r);
	r.guard.verdict = GUARD_BUSY;
	tell(&r, INVITE);
	TURN_UNTIL(&r.fx, r.guard.calls == 1);
	t_turned(&r.fx);
	assert_true(heard(&r, "SIP/2.0 503 "));

	r.guard.verdict = GUARD_PASS;
	r.fx.wire->args.copyh = on_copy;
	tell(&r, INVITE);
	TURN_UNTIL(&r.fx, r.guard.calls == 2);
	t_turned(&r.fx);
	assert_int_equal(r.fx.gotc, 0);
	assert_true(heard(&r, "SIP/2.0 503 "));

	tell(&r, "INVITE sip:other@d SIP/2.0\r\n\r\n");
	TURN_UNTIL(&r.fx, r.fx.gotc == 1);
	rig_close(&r);
}


static void a_keep_alive_is_counted_by_its_source_and_ends_there(void **state)
{
	struct rig r;
	(void)state;

	rig_open(&r);
	r.guard.verdict = GUARD_PASS;
	tell(&r, "\r\n\r\n");
	TURN_UNTIL(&r.fx, r.guard.calls == 1);
	assert_int_equal(r.fx.gotc, 0);
	rig_close(&r);
}


static void without_a_guard_everything_passes(void **state)
{
	struct rig r;
	(void)state;

	rig_open(&r);
	r.fx.wire->args.guard = NULL;
	r.fx.wire->args.trace = NULL;
	tell(&r, "\r\n\r\n");
	TURN_UNTIL(&r.fx, r.fx.gotc == 1);
	assert_int_equal(r.guard.calls, 0);
	rig_close(&r);
}


static void both_directions_are_traced_refused_or_not(void **state)
{
	struct rig r;
	struct flow to = { .transport = TRANSPORT_UDP };
	(void)state;

	rig_open(&r);
	r.guard.verdict = GUARD_DROP;
	tell(&r, INVITE);
	TURN_UNTIL(&r.fx, r.guard.calls == 1);
	assert_int_equal(r.trace.calls, 0);

	r.trace.is_on = true;
	tell(&r, INVITE);
	TURN_UNTIL(&r.fx, r.guard.calls == 2);
	assert_int_equal(r.trace.calls, 1);
	assert_int_equal(r.trace.direction, TRACE_IN);
	assert_int_equal(r.trace.transport, TRANSPORT_UDP);
	assert_int_equal(r.trace.len, strlen(INVITE));
	assert_true(addr_equal(&r.trace.local, &r.own));
	assert_true(addr_equal(&r.trace.remote, &r.peer_addr));

	to.remote = r.peer_addr;
	to.listener = 4711; /* found anew, and that one is traced */
	assert_int_equal(wire_send(r.fx.wire, &to, "BYE", 3), 0);
	assert_int_equal(r.trace.calls, 2);
	assert_int_equal(r.trace.direction, TRACE_OUT);
	assert_int_equal(r.trace.len, 3);
	assert_true(addr_equal(&r.trace.local, &r.own));
	rig_close(&r);
}


static uint64_t sent(enum method method, unsigned code)
{
	return metric_get(M_SIP_MESSAGES,
			  sipd_metric_message(SIP_OUT, method, code));
}


static void what_is_sent_is_counted_and_who_is_asked_is_known(void **state)
{
	static const char ok[] = "SIP/2.0 200 OK\r\nVia: x\r\n"
				 "CSeq: 7 BYE\r\n\r\n";
	static const char odd[] = "SIP/2.0 404 No\r\nVia: x\r\n\r\n";
	struct flow to = { .transport = TRANSPORT_UDP };
	struct rig r;
	(void)state;

	assert_int_equal(metric_setup(sipd_metrics, SIPD_METRICC), 0);
	rig_open(&r);
	to.remote = r.peer_addr;
	assert_int_equal(wire_send(r.fx.wire, &to, ok, strlen(ok)), 0);
	assert_int_equal(r.guard.expected.family, 0);
	assert_int_equal(wire_send(r.fx.wire, &to, INVITE, strlen(INVITE)), 0);
	assert_true(addr_equal(&r.guard.expected, &r.peer_addr));
	assert_int_equal(wire_send(r.fx.wire, &to, odd, strlen(odd)), 0);
	assert_int_equal(sent(METHOD_INVITE, 0), 1);
	assert_int_equal(sent(METHOD_BYE, 200), 1);
	assert_int_equal(sent(METHOD_OTHER, 404), 1);
	assert_int_equal(sent(METHOD_BYE, 0), 0);
	rig_close(&r);
	metric_detach();
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			only_what_passes_is_parsed_and_a_503_says_when),
		cmocka_unit_test(
			a_copy_of_what_was_let_in_is_let_in_under_load),
		cmocka_unit_test(
			a_copy_of_what_was_refused_is_refused_without_load),
		cmocka_unit_test(
			a_keep_alive_is_counted_by_its_source_and_ends_there),
		cmocka_unit_test(without_a_guard_everything_passes),
		cmocka_unit_test(
			what_is_sent_is_counted_and_who_is_asked_is_known),
		cmocka_unit_test(both_directions_are_traced_refused_or_not),
	};

	return T_MAIN_ONLY(tests);
}
