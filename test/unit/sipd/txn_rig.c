/**
 * @file test/unit/sipd/txn_rig.c  A transaction layer alone with a frozen
 * clock
 */
#include "test/unit/sipd/txn_rig.h"
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	BEGIN_US = 1000000
};


static uint32_t now_ms(const struct rig *rig)
{
	return (uint32_t)((clk_mono_us() - rig->begin_us) / 1000);
}


static void note(struct rig *rig, const char *what, long n)
{
	const size_t len = strlen(rig->log);

	(void)text_print(rig->log + len, sizeof(rig->log) - len, "%s%u %s %ld",
			 len ? "; " : "", now_ms(rig), what, n);
}


static int on_send(const struct flow *to, const void *data, size_t len,
		   void *arg)
{
	struct rig *rig = arg;
	struct rig_sent *sent = &rig->sent[rig->sentc];

	assert_true(rig->sentc < RIG_SENT_MAX &&
		    (rig->is_cut || len < RIG_BYTES_MAX));
	rig->sentc++;
	sent->at_ms = now_ms(rig);
	sent->to = *to;
	sent->len = len;
	if (len >= RIG_BYTES_MAX)
		len = RIG_BYTES_MAX - 1;
	memcpy(sent->data, data, len);
	sent->data[len] = '\0';

	return rig->send_err;
}


static void on_request(txn_id txn, const struct message *m,
		       const struct flow *from, void *arg)
{
	struct rig *rig = arg;

	(void)from;
	rig->request = txn;
	note(rig, "request", (long)m->cseq);
	if (rig->hook)
		rig->hook(rig, txn);
}


static void on_ack(const struct message *m, const struct flow *from, void *arg)
{
	(void)from;
	note(arg, "ack", (long)m->cseq);
}


static void on_again(const struct message *m, const struct flow *from,
		     uint64_t user, void *arg)
{
	struct rig *rig = arg;

	note(rig, "again", (long)user);
	assert_int_equal(txn_answer(rig->txns, m, from, 200,
				    text_of("X: again\r\n")),
			 0);
}


static void on_stray(const struct message *m, const struct flow *from,
		     void *arg)
{
	(void)from;
	note(arg, "stray", (long)m->code);
}


void rig_on_event(txn_id txn, enum txn_event event, void *arg, uint64_t user)
{
	static const char *const names[] = {
		[TXN_CANCELLED] = "cancelled", [TXN_ACKED] = "acked",
		[TXN_UNACKED] = "unacked",     [TXN_UNPRACKED] = "unpracked",
		[TXN_BROKEN] = "broken",
	};
	struct rig *rig = arg;

	rig->told = txn;
	note(rig, names[event], (long)user);
	if (rig->hook)
		rig->hook(rig, txn);
}


void rig_on_response(txn_id txn, int err, const struct message *m,
		     const struct flow *from, void *arg, uint64_t user)
{
	struct rig *rig = arg;

	(void)from;
	(void)user;
	rig->told = txn;
	assert_true((err != 0) == (m == NULL));
	if (m)
		note(rig, "code", m->code);
	else
		note(rig, "error", err);
	if (rig->hook)
		rig->hook(rig, txn);
}


int rig_open(struct rig *rig)
{
	int err;

	memset(rig, 0, sizeof(*rig));
	clk_freeze(BEGIN_US, 0);
	rig->begin_us = BEGIN_US;
	err = ev_alloc(&rig->ev);
	if (!err) {
		const struct txns_args args = {
			.ev = rig->ev,
			.mark = "m1",
			.sendh = on_send,
			.requesth = on_request,
			.ackh = on_ack,
			.againh = on_again,
			.strayh = on_stray,
			.arg = rig,
		};

		err = txns_alloc(&rig->txns, &args);
	}
	if (err)
		rig_close(rig);

	return err;
}


void rig_close(struct rig *rig)
{
	rig->txns = txns_free(rig->txns);
	rig->ev = ev_free(rig->ev);
	clk_thaw();
}


int rig_setup(void **state)
{
	static struct rig rig;

	*state = &rig;

	return rig_open(&rig);
}


int rig_teardown(void **state)
{
	rig_close(*state);

	return 0;
}


struct flow rig_flow(const char *addr, enum transport transport)
{
	struct flow flow = { .transport = (uint8_t)transport };

	assert_int_equal(addr_parse(&flow.remote, text_of(addr)), 0);
	if (transport != TRANSPORT_UDP)
		flow.conn = 1;

	return flow;
}


void rig_receive(struct rig *rig, const struct flow *from, const char *text)
{
	char data[RIG_BYTES_MAX];
	struct message m;

	assert_int_equal(text_copy(data, sizeof(data), text_of(text)), 0);
	assert_int_equal(message_parse(&m, data, strlen(data), false),
			 MESSAGE_OK);
	txn_receive(rig->txns, &m, from);
}


void rig_receivef(struct rig *rig, const struct flow *from, const char *fmt,
		  ...)
{
	char data[RIG_BYTES_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	/* The checker does not see va_start() in every caller. NOLINTNEXTLINE */
	n = vsnprintf(data, sizeof(data), fmt, ap);
	va_end(ap);
	assert_true(n > 0 && (size_t)n < sizeof(data));
	rig_receive(rig, from, data);
}


void rig_peer(struct rig *rig, const char *text)
{
	const struct flow from = rig_flow(RIG_PEER, TRANSPORT_UDP);

	rig_receive(rig, &from, text);
}


txn_id rig_invited(struct rig *rig)
{
	rig_peer(rig, RIG_INVITE);
	assert_string_equal(rig_told(rig), "0 request 5");
	txn_own(rig->txns, rig->request, rig_on_event, rig, 42);

	return rig->request;
}


void rig_reply(struct rig *rig, txn_id txn, unsigned code)
{
	assert_int_equal(txn_reply_code(rig->txns, txn, code), 0);
}


void rig_run(struct rig *rig, uint32_t ms)
{
	(void)ev_turn(rig->ev);
	for (uint32_t i = 0; i < ms; i++) {
		clk_turn(1000);
		(void)ev_turn(rig->ev);
	}
}


const char *rig_times(struct rig *rig, const char *word)
{
	static char times[RIG_LOG_MAX];
	size_t len = 0;

	times[0] = '\0';
	for (size_t i = 0; i < rig->sentc; i++) {
		if (strncmp(rig->sent[i].data, word, strlen(word)) != 0)
			continue;
		(void)text_print(times + len, sizeof(times) - len, "%s%u",
				 len ? " " : "", rig->sent[i].at_ms);
		len = strlen(times);
	}
	rig->sentc = 0;

	return times;
}


const char *rig_told(struct rig *rig)
{
	static char told[RIG_LOG_MAX];

	memcpy(told, rig->log, sizeof(told));
	rig->log[0] = '\0';

	return told;
}


const char *rig_last(const struct rig *rig)
{
	return rig->sentc ? rig->sent[rig->sentc - 1].data : "";
}
