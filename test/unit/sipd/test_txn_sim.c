/**
 * @file test/unit/sipd/test_txn_sim.c  Two layers and a line that lies
 *
 * Calls of every kind between a caller's and a callee's transaction layer,
 * over a line that loses, doubles and reorders. However bad it is: each side
 * of each call ends exactly once, and nothing is left behind. The seed is
 * printed; TANDEM_SEED plays it again.
 */
#include <inttypes.h>

#include "shared/base/clk.h"
#include "shared/base/id.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "sipd/txn.h"
#include "test/support/t.h"

enum {
	CALLS = 20000,
	CALLS_PER_MS = 10,
	T1_MS = 20000,
	GIVE_UP_MS = 60000,
	DELAYS = 512, /* of the line, power of two */
	TURNS_MAX = 400000,
	SCRIPT_MAX = 256,
};

enum kind {
	ANSWERED,
	REFUSED,
	CANCELLED,  /**< By the caller, at any time */
	UNANSWERED, /**< Rings, until it is given up */
	IGNORED,    /**< The callee says nothing */
	FORGOTTEN,  /**< The caller goes away */
	KINDC
};

struct sim;

/** What happened to an INVITE on its side */
struct side {
	txn_id invite;
	struct ev_timer timer;
	unsigned finals;   /**< Of the callee: sent; of the caller: refusals */
	unsigned answers;  /**< 2xx that came */
	unsigned errors;   /**< ETIMEDOUT ... */
	unsigned outcomes; /**< Exactly one */
};

struct call {
	struct sim *sim;
	enum kind kind;
	struct side a, b;
	bool is_forgotten;
	bool is_ignored;
	unsigned requests; /**< INVITEs that were new to the callee */
	unsigned byes;     /**< The same of BYE */
	unsigned bye_sent, bye_ended;
	bool is_deaf, is_mute; /**< All is lost, towards or from the callee */
};

struct packet {
	struct packet *next;
	bool to_callee;
	size_t len;
	char data[];
};

struct sim {
	struct ev *ev;
	struct txns *caller, *callee;
	struct packet *line[DELAYS];
	unsigned now;
	size_t flying;
	uint64_t random;
	unsigned loss, doubles, delay_max; /* percent, percent, ms */
	struct call *calls;
	size_t callc;
	char *script; /**< First words of all that is sent, if wanted */
};


/* xorshift64*: the same everywhere */
static uint32_t rnd(struct sim *sim, uint32_t below)
{
	sim->random ^= sim->random >> 12;
	sim->random ^= sim->random << 25;
	sim->random ^= sim->random >> 27;

	return (uint32_t)((sim->random * UINT64_C(2685821657736338717)) >>
			  33) %
	       below;
}


static struct call *call_of(struct sim *sim, struct text call_id)
{
	uint32_t i;

	assert_true(call_id.l > 1 && call_id.p[0] == 'c');
	call_id.p++;
	call_id.l--;
	assert_int_equal(text_u32(&i, call_id, 0, (uint32_t)sim->callc - 1),
			 0);

	return &sim->calls[i];
}


static struct flow flow_of(const char *addr)
{
	struct flow flow = { .transport = TRANSPORT_UDP };

	assert_int_equal(addr_parse(&flow.remote, text_of(addr)), 0);

	return flow;
}


/* --- the line ------------------------------------------------------------- */

static void fly(struct sim *sim, bool to_callee, const void *data, size_t len)
{
	struct packet *p = malloc(sizeof(*p) + len);
	struct packet **end;
	const unsigned due = (sim->now + 1 + rnd(sim, sim->delay_max)) %
			     DELAYS;

	assert_non_null(p);
	p->next = NULL;
	p->to_callee = to_callee;
	p->len = len;
	memcpy(p->data, data, len);
	for (end = &sim->line[due]; *end; end = &(*end)->next)
		;
	*end = p;
	sim->flying++;
}


static void script_add(struct sim *sim, bool to_callee, struct text data)
{
	const size_t len = strlen(sim->script);
	struct text word, rest;

	(void)text_cut(data, ' ', &word, &rest);
	if (!to_callee)
		(void)text_cut(rest, ' ', &word, &rest);
	(void)text_print(sim->script + len, SCRIPT_MAX - len, "%s%.*s",
			 len ? " " : "", (int)word.l, word.p);
}


static const struct call *call_in(struct sim *sim, struct text data)
{
	struct text line, name, value;

	do {
		(void)text_cut(data, '\n', &line, &data);
		(void)text_cut(line, ':', &name, &value);
	} while (!text_is(name, "Call-ID"));

	return call_of(sim, text_trim(value));
}


static int put(struct sim *sim, bool to_callee, const void *data, size_t len)
{
	const struct text text = { data, len };
	const struct call *call = call_in(sim, text);

	if (sim->script)
		script_add(sim, to_callee, text);
	if ((to_callee ? call->is_deaf : call->is_mute) ||
	    rnd(sim, 100) < sim->loss)
		return 0;

	fly(sim, to_callee, data, len);
	if (rnd(sim, 100) < sim->doubles)
		fly(sim, to_callee, data, len);

	return 0;
}


static int caller_sends(const struct flow *to, const void *data, size_t len,
			void *arg)
{
	(void)to;
	return put(arg, true, data, len);
}


static int callee_sends(const struct flow *to, const void *data, size_t len,
			void *arg)
{
	(void)to;
	return put(arg, false, data, len);
}


static void land(struct sim *sim, struct packet *p)
{
	const struct flow from = flow_of(p->to_callee ? "192.0.2.1:5060"
						      : "192.0.2.2:5060");
	struct message m;

	assert_int_equal(message_parse(&m, p->data, p->len, false),
			 MESSAGE_OK);
	txn_receive(p->to_callee ? sim->callee : sim->caller, &m, &from);
	free(p);
	sim->flying--;
}


/* --- caller --------------------------------------------------------------- */

static size_t request_print(char dst[512], const struct call *call,
			    const char *method, const char *branch)
{
	const int n =
		snprintf(dst, 512,
			 "%s sip:2@192.0.2.2 SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=%s;rport\r\n"
			 "Max-Forwards: 70\r\n"
			 "From: <sip:1@192.0.2.1>;tag=a\r\n"
			 "To: <sip:2@192.0.2.2>%s\r\n"
			 "Call-ID: c%zu\r\n"
			 "CSeq: %d %s\r\n"
			 "Content-Length: 0\r\n"
			 "\r\n",
			 method, branch,
			 strcmp(method, "INVITE") ? ";tag=b" : "",
			 (size_t)(call - call->sim->calls),
			 strcmp(method, "BYE") ? 1 : 2, method);

	assert_true(n > 0 && n < 512);

	return (size_t)n;
}


static txn_id request_send(struct call *call, enum method method,
			   const char *name, uint32_t timeout_ms,
			   txn_response_h *h)
{
	char branch[TXN_BRANCH_SIZE], text[512];
	struct txn_send send = {
		.method = method,
		.branch = branch,
		.to = flow_of("192.0.2.2:5060"),
		.timeout_ms = timeout_ms,
		.h = h,
		.arg = call,
		.user = 99,
	};
	txn_id id;

	txn_branch(call->sim->caller, branch);
	send.request = (struct text){ text, request_print(text, call, name,
							  branch) };
	assert_int_equal(txn_send(call->sim->caller, &send, &id), 0);

	return id;
}


static void ack(struct call *call)
{
	char branch[TXN_BRANCH_SIZE], text[512];
	size_t len;

	txn_branch(call->sim->caller, branch);
	len = request_print(text, call, "ACK", branch);
	put(call->sim, true, text, len);
}


static void on_bye(txn_id txn, int err, const struct message *m,
		   const struct flow *from, void *arg, uint64_t user)
{
	struct call *call = arg;

	(void)txn;
	(void)from;
	(void)user;
	assert_true(err || m->code == 200);
	call->bye_ended++;
}


static void send_bye(void *arg)
{
	struct call *call = arg;

	call->bye_sent++;
	(void)request_send(call, METHOD_BYE, "BYE", 0, on_bye);
}


static void on_invite(txn_id txn, int err, const struct message *m,
		      const struct flow *from, void *arg, uint64_t user)
{
	struct call *call = arg;
	struct side *a = &call->a;

	(void)from;
	assert_true(txn == a->invite && user == 99);
	assert_false(call->is_forgotten);
	if (m && m->code < 200) {
		assert_int_equal(a->outcomes, 0);
		return;
	}
	if (m && m->code < 300) {
		ack(call);
		if (a->answers++ > 0)
			return;
		/* One that comes after it was given up ends no less. */
		a->outcomes += a->errors + a->finals == 0;
		ev_timer_start(&a->timer, call->sim->ev,
			       1 + rnd(call->sim, 1000), send_bye, call);
		return;
	}
	a->outcomes++;
	assert_int_equal(a->answers, 0);
	if (err)
		a->errors++;
	else
		a->finals++;
}


/* A 2xx to who is gone */
static void caller_stray(const struct message *m, const struct flow *from,
			 void *arg)
{
	struct call *call = call_of(arg, m->call_id);

	(void)from;
	if (m->code < 200 || m->code >= 300 || m->cseq_method != METHOD_INVITE)
		return;
	ack(call);
}


static void cancel_it(void *arg)
{
	struct call *call = arg;

	if (call->a.outcomes == 0)
		txn_cancel(call->sim->caller, call->a.invite,
			   text_of("Reason: SIP;cause=487\r\n"));
}


static void forget_it(void *arg)
{
	struct call *call = arg;

	if (call->a.outcomes > 0)
		return;
	call->is_forgotten = true;
	call->a.outcomes = 1;
	txn_forget(call->sim->caller, call->a.invite);
}


static void call_begin(struct call *call)
{
	struct sim *sim = call->sim;

	call->a.invite = request_send(call, METHOD_INVITE, "INVITE", T1_MS,
				      on_invite);
	if (call->kind == CANCELLED)
		ev_timer_start(&call->a.timer, sim->ev, 1 + rnd(sim, 3000),
			       cancel_it, call);
	else if (call->kind == UNANSWERED)
		ev_timer_start(&call->a.timer, sim->ev, 6000, cancel_it, call);
	else if (call->kind == FORGOTTEN)
		ev_timer_start(&call->a.timer, sim->ev, 1 + rnd(sim, 3000),
			       forget_it, call);
}


/* --- callee --------------------------------------------------------------- */

static void reply(struct call *call, unsigned code)
{
	assert_int_equal(txn_reply_code(call->sim->callee, call->b.invite,
					code),
			 0);
	if (code >= 200)
		call->b.finals++;
}


/* Whose CANCEL never comes is refused in the end: a call's own deadline. */
static void decide(void *arg)
{
	static const unsigned codes[KINDC] = {
		[ANSWERED] = 200,   [REFUSED] = 486, [CANCELLED] = 200,
		[UNANSWERED] = 480, [IGNORED] = 500, [FORGOTTEN] = 200,
	};
	struct call *call = arg;

	if (call->b.finals == 0)
		reply(call, codes[call->kind]);
}


static void ring(void *arg)
{
	struct call *call = arg;
	struct sim *sim = call->sim;

	if (call->b.finals > 0)
		return;
	reply(call, 180);
	ev_timer_start(&call->b.timer, sim->ev,
		       call->kind == UNANSWERED ? GIVE_UP_MS
						: 1 + rnd(sim, 2000),
		       decide, call);
}


static void on_event(txn_id txn, enum txn_event event, void *arg,
		     uint64_t user)
{
	struct call *call = arg;

	assert_true(txn == call->b.invite && user == 7);
	if (event == TXN_CANCELLED) {
		if (call->b.finals == 0)
			reply(call, 487);
		return;
	}
	assert_true(event == TXN_ACKED || event == TXN_UNACKED);
	call->b.outcomes++;
}


static void callee_request(txn_id txn, const struct message *m,
			   const struct flow *from, void *arg)
{
	struct sim *sim = arg;
	struct call *call = call_of(sim, m->call_id);

	(void)from;
	if (m->method != METHOD_INVITE) {
		/* A CANCEL may outrun its INVITE. */
		call->byes += m->method == METHOD_BYE;
		assert_int_equal(txn_reply_code(sim->callee, txn,
						m->method == METHOD_BYE ? 200
									: 481),
				 0);
		return;
	}

	call->requests++;
	call->b.invite = txn;
	if (call->kind == IGNORED) {
		call->is_ignored = true;
		call->b.outcomes++;
		txn_ignore(sim->callee, txn);
		return;
	}
	txn_own(sim->callee, txn, on_event, call, 7);
	reply(call, 100);
	ev_timer_start(&call->b.timer, sim->ev, 1 + rnd(sim, 500), ring, call);
}


static void callee_ack(const struct message *m, const struct flow *from,
		       void *arg)
{
	struct call *call = call_of(arg, m->call_id);

	(void)from;
	/* It may come once more than the transaction lives. */
	assert_true(call->b.finals > 0 || call->is_ignored);
	if (call->b.outcomes == 0) {
		call->b.outcomes++;
		txn_acked(call->sim->callee, call->b.invite);
	}
}


/* --- runs ----------------------------------------------------------------- */

static int sim_open(struct sim *sim, size_t callc)
{
	struct txns_args args = {
		.mark = "a",
		.sendh = caller_sends,
		.strayh = caller_stray,
		.arg = sim,
	};
	int err;

	clk_freeze(1000000, 0);
	sim->callc = callc;
	sim->calls = calloc(callc, sizeof(*sim->calls));
	if (!sim->calls)
		return ENOMEM;
	err = ev_alloc(&sim->ev);
	if (err)
		return err;
	args.ev = sim->ev;
	err = txns_alloc(&sim->caller, &args);
	if (err)
		return err;
	args = (struct txns_args){
		.ev = sim->ev,
		.mark = "b",
		.sendh = callee_sends,
		.requesth = callee_request,
		.ackh = callee_ack,
		.arg = sim,
	};

	return txns_alloc(&sim->callee, &args);
}


static void sim_close(struct sim *sim)
{
	sim->caller = txns_free(sim->caller);
	sim->callee = txns_free(sim->callee);
	sim->ev = ev_free(sim->ev);
	free(sim->calls);
	clk_thaw();
}


static void turn(struct sim *sim)
{
	struct packet *p;

	clk_turn(1000);
	sim->now = (sim->now + 1) % DELAYS;
	p = sim->line[sim->now];
	sim->line[sim->now] = NULL;
	while (p) {
		struct packet *next = p->next;

		land(sim, p);
		p = next;
	}
	(void)ev_turn(sim->ev);
}


static void run_until_quiet(struct sim *sim)
{
	unsigned turns = 0;

	do {
		turn(sim);
		assert_true(++turns < TURNS_MAX);
	} while (sim->flying > 0 || txn_count(sim->caller) > 0 ||
		 txn_count(sim->callee) > 0 || ev_turn(sim->ev));
}


static void check(const struct sim *sim)
{
	for (size_t i = 0; i < sim->callc; i++) {
		const struct call *call = &sim->calls[i];

		if (call->a.outcomes != 1)
			fail_msg("call %zu, kind %d: caller ends %u times", i,
				 call->kind, call->a.outcomes);
		if (call->b.outcomes != (call->requests > 0))
			fail_msg("call %zu, kind %d: callee ends %u times", i,
				 call->kind, call->b.outcomes);
		assert_true(call->requests <= 1);
		assert_true(call->byes <= 1);
		assert_int_equal(call->bye_sent, call->a.answers > 0);
		assert_int_equal(call->bye_ended, call->bye_sent);
		if (call->is_deaf || call->is_mute)
			assert_int_equal(call->a.errors, !call->is_forgotten);
	}
}


static uint64_t seed_of(void)
{
	const char *text = getenv("TANDEM_SEED");
	uint64_t seed = 0;

	if (text)
		assert_int_equal(text_u64(&seed, text_of(text), 1, UINT64_MAX),
				 0);
	while (seed == 0)
		seed = id_random_u64();
	print_message("TANDEM_SEED=%" PRIu64 "\n", seed);

	return seed;
}


static void every_call_ends_once_on_each_side(void **state)
{
	struct sim sim = {
		.random = seed_of(),
		.loss = 15,
		.doubles = 10,
		.delay_max = 300,
	};

	(void)state;
	assert_int_equal(sim_open(&sim, CALLS), 0);
	for (size_t i = 0; i < sim.callc; i++) {
		struct call *call = &sim.calls[i];

		call->sim = &sim;
		call->kind = (enum kind)rnd(&sim, KINDC);
		call->is_deaf = rnd(&sim, 50) == 0;
		call->is_mute = rnd(&sim, 50) == 0;
		call_begin(call);
		if (i % CALLS_PER_MS == 0)
			turn(&sim);
	}
	run_until_quiet(&sim);
	check(&sim);
	sim_close(&sim);
}


/* RFC 3665 3.1, 3.8, 3.9 ... as first words on the wire, both ways */
static void a_line_that_does_not_lie_carries_what_rfc3665_shows(void **state)
{
	static const struct {
		enum kind kind;
		const char *script;
	} rows[] = {
		{ ANSWERED, "INVITE 100 180 200 ACK BYE 200" },
		{ REFUSED, "INVITE 100 180 486 ACK" },
		{ UNANSWERED, "INVITE 100 180 CANCEL 200 487 ACK" },
		{ IGNORED, "INVITE INVITE INVITE INVITE INVITE INVITE INVITE "
			   "INVITE" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char script[SCRIPT_MAX] = "";
		struct sim sim = { .random = 1 + i,
				   .delay_max = 1,
				   .script = script };

		assert_int_equal(sim_open(&sim, 1), 0);
		sim.calls[0].sim = &sim;
		sim.calls[0].kind = rows[i].kind;
		call_begin(&sim.calls[0]);
		run_until_quiet(&sim);
		check(&sim);
		assert_string_equal(script, rows[i].script);
		sim_close(&sim);
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_line_that_does_not_lie_carries_what_rfc3665_shows),
		cmocka_unit_test(every_call_ends_once_on_each_side),
	};

	return T_MAIN_ONLY(tests);
}
