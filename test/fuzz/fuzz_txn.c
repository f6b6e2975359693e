/**
 * @file test/fuzz/fuzz_txn.c  Any sequence of messages, words and time
 *
 * Each step takes a few bytes: a message of a peer, well-formed or any, what
 * a user may say to any transaction, time, a failing transport. Handlers talk
 * back. Nothing is told twice that is said once; what is sent is bounded by
 * what happened; and when the users have had their last word, time alone
 * empties the layer.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/ev/ev.h"
#include "sipd/txn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	STEPS_MAX = 200,
	KNOWN_MAX = 2 * STEPS_MAX,
	RAW_MAX = 1200,
	COPIES = 3 * (TXN_WAITS_MAX + 3), /* and what they cause */
	EMPTY_S = 150, /* longer than four request timeouts */
};

struct known {
	txn_id id;
	bool is_client;
	bool is_invite;
	bool is_forgotten;
	bool is_over; /**< Its last word was told */
};

struct fuzz {
	struct ev *ev;
	struct txns *txns;
	const uint8_t *data;
	size_t size;
	struct known known[KNOWN_MAX];
	size_t knownc;
	size_t sent, steps;
	int send_err;
	unsigned answers; /**< What a handler says at once; 0: nothing */
};


static uint8_t byte(struct fuzz *f)
{
	if (f->size == 0)
		return 0;
	f->size--;

	return *f->data++;
}


static struct known *known_find(struct fuzz *f, txn_id id)
{
	for (size_t i = 0; i < f->knownc; i++)
		if (f->known[i].id == id)
			return &f->known[i];
	assert(!"told of an id that was never given out");

	return NULL;
}


static struct known *known_add(struct fuzz *f, txn_id id, bool is_client,
			       bool is_invite)
{
	struct known *k = &f->known[f->knownc];

	assert(f->knownc < KNOWN_MAX);
	f->knownc++;
	*k = (struct known){ .id = id,
			     .is_client = is_client,
			     .is_invite = is_invite };

	return k;
}


static txn_id any_id(struct fuzz *f)
{
	const uint8_t n = byte(f);

	return f->knownc > 0 && n < 250 ? f->known[n % f->knownc].id : n;
}


static struct flow flow_of(uint8_t n)
{
	struct flow flow = {
		.remote = { .family = AF_INET,
			    .ip = { 192, 0, 2, n & 3 },
			    .port = 5060 },
		.transport = n & 4 ? TRANSPORT_TCP : TRANSPORT_UDP,
	};

	return flow;
}


/* --- what the layer calls ------------------------------------------------- */

static int on_send(const struct flow *to, const void *data, size_t len,
		   void *arg)
{
	struct fuzz *f = arg;

	(void)to;
	assert(len > 0 && len <= MESSAGE_BYTES_MAX && data);
	f->sent++;

	return f->send_err;
}


static void on_event(txn_id txn, enum txn_event event, void *arg,
		     uint64_t user)
{
	struct fuzz *f = arg;
	struct known *k = known_find(f, txn);

	assert(user == 5 && !k->is_client && !k->is_over);
	k->is_over = event == TXN_ACKED || event == TXN_UNACKED ||
		     event == TXN_BROKEN;
	if (f->answers)
		(void)txn_reply_code(f->txns, txn, f->answers);
}


static void on_response(txn_id txn, int err, const struct message *m,
			const struct flow *from, void *arg, uint64_t user)
{
	struct fuzz *f = arg;
	struct known *k = known_find(f, txn);

	(void)from;
	assert(user == 6 && k->is_client && !k->is_forgotten);
	assert((m == NULL) == (err != 0));
	if (k->is_over)
		assert(k->is_invite && m && m->code >= 200 && m->code < 300);
	k->is_over = k->is_over || err || m->code >= 300 ||
		     (m->code >= 200 && !k->is_invite);
	if (f->answers & 1)
		txn_cancel(f->txns, txn, text_of("Reason: SIP\r\n"));
	if (f->answers & 2) {
		k->is_forgotten = true;
		txn_forget(f->txns, txn);
	}
}


static void on_request(txn_id txn, const struct message *m,
		       const struct flow *from, void *arg)
{
	struct fuzz *f = arg;

	(void)from;
	assert(m->is_request && m->method != METHOD_ACK);
	(void)known_add(f, txn, false, m->method == METHOD_INVITE);
	txn_own(f->txns, txn, on_event, f, 5);
	if (f->answers)
		(void)txn_reply_code(f->txns, txn, f->answers);
}


static void on_ack(const struct message *m, const struct flow *from, void *arg)
{
	(void)from;
	(void)arg;
	assert(m->method == METHOD_ACK);
}


static void on_stray(const struct message *m, const struct flow *from,
		     void *arg)
{
	(void)from;
	(void)arg;
	assert(!m->is_request);
}


/* --- steps ---------------------------------------------------------------- */

static const char *const methods[] = {
	"INVITE",  "ACK",    "CANCEL", "BYE",
	"OPTIONS", "INVITE", "PRACK",  "INVITE"
};


static void receive(struct fuzz *f, char *text, size_t len)
{
	struct message m;
	const struct flow from = flow_of(byte(f));

	if (message_parse(&m, text, len, false) == MESSAGE_OK)
		txn_receive(f->txns, &m, &from);
}


static void step_request(struct fuzz *f)
{
	const char *method = methods[byte(f) & 7];
	const uint8_t n = byte(f);
	char text[RAW_MAX];

	(void)snprintf(text, sizeof(text),
		       "%s sip:2@b SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP a%s;branch=%s%u%s\r\n"
		       "Record-Route: <sip:r1>, <sip:r2>\r\n"
		       "From: <sip:1@a>;tag=f%u\r\n"
		       "To: <sip:2@b>%s\r\n"
		       "Call-ID: c\r\n"
		       "CSeq: %u %s\r\n"
		       "Content-Length: 0\r\n\r\n",
		       method, n & 1 ? ":5062" : "", n & 2 ? "" : "z9hG4bK",
		       n >> 6, n & 4 ? ";rport" : "", n >> 7,
		       n & 8 ? ";tag=t" : "", n >> 4 & 3, method);
	receive(f, text, strlen(text));
}


static void step_response(struct fuzz *f)
{
	static const unsigned codes[] = { 100, 180, 183, 200,
					  202, 302, 487, 603 };
	const unsigned code = codes[byte(f) & 7];
	const char *method = methods[byte(f) & 7];
	char text[RAW_MAX];

	(void)snprintf(text, sizeof(text),
		       "SIP/2.0 %u x\r\n"
		       "Via: SIP/2.0/UDP a;branch=z9hG4bKf%u\r\n"
		       "From: <sip:1@a>;tag=f\r\n"
		       "To: <sip:2@b>;tag=%u\r\n"
		       "Call-ID: c\r\n"
		       "CSeq: 1 %s\r\n"
		       "Content-Length: 0\r\n\r\n",
		       code, byte(f) & 15, byte(f) & 3, method);
	receive(f, text, strlen(text));
}


static void step_raw(struct fuzz *f)
{
	char text[RAW_MAX];
	size_t len = (size_t)byte(f) * 4;

	if (len > f->size)
		len = f->size;
	memcpy(text, f->data, len);
	f->data += len;
	f->size -= len;
	receive(f, text, len);
}


static void pass(struct fuzz *f, unsigned steps, int64_t step_us)
{
	for (unsigned i = 0; i < steps; i++) {
		clk_turn(step_us);
		(void)ev_turn(f->ev);
	}
}


static void step_time(struct fuzz *f)
{
	pass(f, 1 + (byte(f) & 63), 250000);
}


static void step_send(struct fuzz *f)
{
	static const enum method ids[] = {
		METHOD_INVITE,  METHOD_ACK,    METHOD_CANCEL, METHOD_BYE,
		METHOD_OPTIONS, METHOD_INVITE, METHOD_PRACK,  METHOD_INVITE,
	};
	const uint8_t which = byte(f) & 7, n = byte(f);
	char text[RAW_MAX], branch[TXN_BRANCH_SIZE];
	const struct txn_resend resend = { .waits_ms = { n, n * 10, n * 100 },
					   .count = n % 5 };
	const struct txn_send send = {
		.method = ids[which],
		.branch = branch,
		.request = { text, RAW_MAX },
		.to = flow_of(n),
		.resend = n & 8 ? &resend : NULL,
		.timeout_ms = n & 16 ? n * 100 : 0,
		.h = on_response,
		.arg = f,
		.user = 6,
	};
	struct txn_send full = send;
	txn_id id;

	(void)snprintf(branch, sizeof(branch), "z9hG4bKf%u", n & 15);
	(void)snprintf(text, sizeof(text),
		       "%s sip:2@b SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP a;branch=%s\r\n"
		       "Route: <sip:p>\r\n"
		       "From: <sip:1@a>;tag=f\r\n"
		       "To: <sip:2@b>\r\n"
		       "Call-ID: c\r\n"
		       "CSeq: 1 %s\r\n"
		       "Content-Length: 0\r\n\r\n",
		       methods[which], branch, methods[which]);
	full.request.l = strlen(text);
	if (!txn_send(f->txns, &full, &id))
		(void)known_add(f, id, true, ids[which] == METHOD_INVITE);
}


static void step_reply(struct fuzz *f)
{
	const uint8_t n = byte(f);
	const struct txn_reply reply = {
		.code = 100 + (n & 7) * 75U,
		.heads = text_of("Allow: INVITE\r\n"),
		.body = text_of(n & 8 ? "v=0\r\n" : ""),
		.is_reliable = n & 16,
	};

	(void)txn_reply(f->txns, any_id(f), &reply);
}


static void step_user(struct fuzz *f)
{
	const uint8_t n = byte(f);
	const txn_id id = any_id(f);
	const struct txn_resend resend = { .waits_ms = { n, n * 7 },
					   .count = n };

	switch (n & 7) {
	case 0:
		txn_acked(f->txns, id);
		break;
	case 1:
		txn_pracked(f->txns, id);
		break;
	case 2:
		txn_ignore(f->txns, id);
		break;
	case 3:
		txn_resend_set(f->txns, id, &resend);
		break;
	case 4:
		txn_reply_to(f->txns, id, (enum txn_reply_address)(n % 3));
		break;
	case 5:
		txn_cancel(f->txns, id,
			   text_of(n & 8 ? "Reason: SIP\r\n" : ""));
		break;
	default:
		for (size_t i = 0; i < f->knownc; i++)
			f->known[i].is_forgotten |= f->known[i].id == id &&
						    n & 8;
		if (n & 8)
			txn_forget(f->txns, id);
		break;
	}
}


/* A successor of one that goes on here is refused; another's head is not. */
static void step_adopt(struct fuzz *f)
{
	char head[RAW_MAX];
	struct flow flow;
	struct text t = txn_server_head(f->txns, any_id(f), &flow);
	txn_id id;

	if (t.l == 0 || t.l > sizeof(head))
		return;
	memcpy(head, t.p, t.l);
	t.p = head;
	assert(txn_server_adopt(f->txns, &id, t, &flow, "tag") != 0);
	for (size_t i = 0; i + 7 < t.l; i++)
		if (memcmp(head + i, "branch=", 7) == 0)
			head[i + 6] = byte(f) & 1 ? '=' : ' ';
	if (!txn_server_adopt(f->txns, &id, t, &flow, "tag")) {
		(void)known_add(f, id, false, true);
		txn_own(f->txns, id, on_event, f, 5);
	}
}


static void step_transport(struct fuzz *f)
{
	static const int errs[] = { 0, ECONNREFUSED, ENOBUFS, EMSGSIZE };
	const uint8_t n = byte(f);
	const struct flow to = flow_of(n);

	if (n & 8)
		f->send_err = errs[n >> 4 & 3];
	else
		txn_fail(f->txns, &to, errs[n >> 4 & 3]);
}


static void step_answers(struct fuzz *f)
{
	static const unsigned codes[] = { 0, 180, 200, 487, 603, 0, 0, 0 };

	f->answers = codes[byte(f) & 7];
}


/* --- the run -------------------------------------------------------------- */

static void last_words(struct fuzz *f)
{
	f->answers = 0;
	for (size_t i = 0; i < f->knownc; i++) {
		f->known[i].is_forgotten = f->known[i].is_client;
		(void)txn_reply_code(f->txns, f->known[i].id, 500);
		txn_forget(f->txns, f->known[i].id);
	}
	pass(f, EMPTY_S * 2, 500000);
	/* One that was not PRACKed can be refused only now. */
	for (size_t i = 0; i < f->knownc; i++)
		(void)txn_reply_code(f->txns, f->known[i].id, 500);
	pass(f, EMPTY_S, 1000000);
	assert(txn_count(f->txns) == 0);
	assert(!ev_turn(f->ev));
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const steps[])(struct fuzz *) = {
		step_request, step_request, step_request,   step_response,
		step_raw,     step_time,    step_time,      step_send,
		step_reply,   step_reply,   step_user,      step_user,
		step_adopt,   step_adopt,   step_transport, step_answers,
	};
	static struct fuzz f;
	struct txns_args args = {
		.mark = "fuzz",
		.sendh = on_send,
		.requesth = on_request,
		.ackh = on_ack,
		.strayh = on_stray,
		.arg = &f,
	};

	f = (struct fuzz){ .data = data, .size = size };
	clk_freeze(1000000, 0);
	if (ev_alloc(&f.ev))
		return 0;
	args.ev = f.ev;
	if (!txns_alloc(&f.txns, &args)) {
		while (f.size > 0 && f.steps < STEPS_MAX) {
			f.steps++;
			steps[byte(&f) & 15](&f);
		}
		assert(txn_count(f.txns) <= 3 * f.steps);
		last_words(&f);
		assert(f.sent / COPIES <= f.steps + f.knownc);
	}
	f.txns = txns_free(f.txns);
	f.ev = ev_free(f.ev);
	clk_thaw();

	return 0;
}
