/**
 * @file sipd/txn_client.c  Client transactions (RFC 3261 17.1, RFC 6026)
 *
 * Of an INVITE the lines that its ACK and CANCEL share with it are put aside
 * when it is sent (17.1.1.3, 9.1); so the request itself, with its body, goes
 * as soon as it need not be sent again, and neither can fail for want of it.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/peek.h"
#include "sipd/txn_int.h"


/* --- ACK and CANCEL ------------------------------------------------------- */

/* Lines that an INVITE of ours shares with its ACK and CANCEL (RFC 3261
 * 17.1.1.3, 9.1), as they stand in it */
static const bool is_shared[HEADC] = {
	[HEAD_VIA] = true, [HEAD_ROUTE] = true,   [HEAD_FROM] = true,
	[HEAD_TO] = true,  [HEAD_CALL_ID] = true, [HEAD_CSEQ] = true,
};


/* "INVITE" left out, up to the CSeq's number; then To.
 * @return 0, EINVAL: it is no INVITE with all that */
static int outline_put(struct compose *c, struct text request, uint32_t *top)
{
	static const char method[] = "INVITE";
	const size_t len = sizeof(method) - 1;
	struct text lines[HEADC] = { { NULL, 0 } };
	struct text rest = request, line, value, number;

	if (!peek_line(&rest, &line) || line.l < len ||
	    memcmp(line.p, method, len) != 0)
		return EINVAL;
	compose_bytes(c, line.p + len, line.l - len);
	while (peek_line(&rest, &line)) {
		const enum head head = peek_head(line, &value);

		if (!is_shared[head] || (lines[head].p && head != HEAD_ROUTE))
			continue;
		lines[head] = head == HEAD_CSEQ ? value : line;
		if (head != HEAD_TO && head != HEAD_CSEQ)
			compose_bytes(c, line.p, line.l);
		if (head == HEAD_VIA)
			compose_put(c, "Max-Forwards: 70\r\n");
	}
	(void)text_cut(lines[HEAD_CSEQ], ' ', &number, &value);
	if (!lines[HEAD_VIA].p || !lines[HEAD_FROM].p || !lines[HEAD_TO].p ||
	    !lines[HEAD_CALL_ID].p || number.l == 0)
		return EINVAL;

	compose_put(c, "CSeq: ");
	compose_bytes(c, number.p, number.l);
	compose_put(c, " ");
	*top = (uint32_t)c->len;
	compose_bytes(c, lines[HEAD_TO].p, lines[HEAD_TO].l);

	return 0;
}


static struct text outline_finish(struct txn *t, const char *method,
				  struct text to, struct text heads)
{
	const struct txn_client *s = txn_client_of(t);
	struct compose c;

	compose_init(&c, t->txns->out, MESSAGE_BYTES_MAX);
	compose_put(&c, method);
	compose_bytes(&c, s->outline, s->to);
	compose_put(&c, method);
	compose_put(&c, "\r\n");
	if (to.l > 0)
		compose_head(&c, "To", to);
	else
		compose_bytes(&c, s->outline + s->to, s->end - s->to);
	compose_bytes(&c, heads.p, heads.l);
	compose_body(&c, NULL, (struct text){ 0 });

	if (c.is_full)
		return (struct text){ 0 };

	return compose_result(&c);
}


static void ack_send(struct txn *t, const struct message *m)
{
	const struct text ack = outline_finish(t, "ACK",
					       message_head(m, HEAD_TO),
					       (struct text){ 0 });

	if (ack.l > 0)
		txn_put(t, ack.p, ack.l);
}


/* A transaction of its own; whatever becomes of it, the INVITE has its
 * deadline. */
void txn_client_cancel(struct txn *t, const struct txn_past *past)
{
	struct txn_client *s = txn_client_of(t);
	const struct txn_send send = {
		.method = METHOD_CANCEL,
		.branch = s->key + 1,
		.request = outline_finish(t, "CANCEL", (struct text){ 0 },
					  s->heads),
		.to = t->flow,
		.resend = &s->resend,
	};
	txn_id id;

	if (past)
		(void)txn_client_adopt(t->txns, &send, past, &id);
	else
		(void)txn_send(t->txns, &send, &id);
}


/* --- machine -------------------------------------------------------------- */

enum told {
	TOLD_NOT,
	TOLD_RESPONSE,
	TOLD_ERROR
};

/* clang-format off */
static const struct {
	uint8_t told; /**< enum told */
	int err;      /**< 0: what the transport said */
	bool acks;
	bool cancels;
} acts[TXN_C_ACTIONC] = {
	[TXN_C_ACT_TELL]        = { .told = TOLD_RESPONSE },
	[TXN_C_ACT_ACK]         = { .acks = true },
	[TXN_C_ACT_ACK_TELL]    = { .acks = true, .told = TOLD_RESPONSE },
	[TXN_C_ACT_CANCEL]      = { .cancels = true },
	[TXN_C_ACT_CANCEL_TELL] = { .cancels = true, .told = TOLD_RESPONSE },
	[TXN_C_ACT_TIMED_OUT]   = { .told = TOLD_ERROR, .err = ETIMEDOUT },
	[TXN_C_ACT_GONE]        = { .told = TOLD_ERROR, .err = EHOSTDOWN },
	[TXN_C_ACT_FAILED]      = { .told = TOLD_ERROR },
};
/* clang-format on */


/** Who is told; the transaction itself may be gone by then */
struct user {
	struct txns *txns;
	txn_id id;
	txn_response_h *h;
	void *arg;
	uint64_t user;
};


static bool is_answer(const struct message *m)
{
	return m && m->cseq_method == METHOD_INVITE && m->code >= 200 &&
	       m->code < 300;
}


/* Who forgot it still has to end a call that is answered. */
static void tell(const struct user *u, int err, const struct message *m,
		 const struct flow *from)
{
	const struct txns_args *args = &u->txns->args;

	if (u->h)
		u->h(u->id, err, m, from, u->arg, u->user);
	else if (is_answer(m) && args->strayh)
		args->strayh(m, from, args->arg);
}


/* Every call ends with a BYE: that a copy of its answer comes to nobody needs
 * no transaction (Timer K) for five seconds; a stray one does nothing. */
static bool is_over(const struct txn *t)
{
	return t->state == TXN_C_ENDED ||
	       (t->state == TXN_C_ANSWERED && t->method == METHOD_BYE);
}


void txn_client_handle(struct txn *t, enum txn_client_event event,
		       const struct message *m, const struct flow *from)
{
	const struct txn_row row = txn_client_rows[t->state][event];
	const int err = acts[row.action].err ? acts[row.action].err
					     : t->fail_err;
	const struct user user = { t->txns, txn_id_of(t), t->responseh, t->arg,
				   t->user };

	if (row.next == TXN_C_NONE)
		return;

	if (row.next != t->state)
		txn_enter(t, row.next);
	if (row.action == TXN_C_ACT_AGAIN)
		txn_put_again(t);
	if (acts[row.action].acks)
		ack_send(t, m);
	if (acts[row.action].cancels)
		txn_client_cancel(t, NULL);
	if (is_over(t))
		txn_free(t);

	/* Last: it may call back. */
	if (acts[row.action].told == TOLD_RESPONSE)
		tell(&user, 0, m, from);
	else if (acts[row.action].told == TOLD_ERROR)
		tell(&user, err, NULL, NULL);
}


/* --- responses ------------------------------------------------------------ */

/* Its length: the branch has no NUL in it. */
static size_t key_make(char key[1 + TXN_BRANCH_SIZE], enum method method,
		       struct text branch)
{
	if (branch.l == 0 || branch.l >= TXN_BRANCH_SIZE)
		return 0;
	key[0] = (char)method;
	memcpy(key + 1, branch.p, branch.l);
	key[1 + branch.l] = '\0';

	return 1 + branch.l;
}


void txn_client_receive(struct txns *x, const struct message *m,
			const struct flow *from)
{
	char key[1 + TXN_BRANCH_SIZE];
	const size_t len = key_make(key, m->cseq_method, m->via.branch);
	struct map_link *link = len ? map_find(x->clients, key, len) : NULL;
	enum txn_client_event event = TXN_C_EV_REFUSED;

	if (!link) {
		if (x->args.strayh)
			x->args.strayh(m, from, x->args.arg);
		return;
	}
	if (m->code < 200)
		event = TXN_C_EV_PROVISIONAL;
	else if (m->code < 300)
		event = TXN_C_EV_OK;
	txn_client_handle(CONTAINER_OF(link, struct txn, link), event, m,
			  from);
}


/* --- requests ------------------------------------------------------------- */

/* Into scratch; of others than INVITE there is none. */
static int outline_make(struct txn *t, struct text *outlinep, uint32_t *top)
{
	struct compose c;
	int err;

	*outlinep = (struct text){ 0 };
	*top = 0;
	if (t->method != METHOD_INVITE)
		return 0;
	compose_init(&c, t->txns->out, MESSAGE_BYTES_MAX);
	err = outline_put(&c, (struct text){ t->message, t->message_len },
			  top);
	if (err)
		return err;
	if (c.is_full)
		return EMSGSIZE;
	*outlinep = compose_result(&c);

	return 0;
}


static int part_make(struct txn *t, const struct txn_send *send)
{
	struct txns *x = t->txns;
	struct txn_client *s;
	struct text outline;
	uint32_t to;
	size_t keylen;
	int err;

	err = outline_make(t, &outline, &to);
	if (err)
		return err;
	s = txn_buf_take(&x->bufs, sizeof(*s));
	if (!s)
		return ENOMEM;
	*s = (struct txn_client){
		.resend = send->resend ? *send->resend : txn_resend_default,
		.start_ms = txn_now_ms(t),
		.to = to,
		.end = (uint32_t)outline.l,
	};
	if (s->resend.count > TXN_WAITS_MAX)
		s->resend.count = TXN_WAITS_MAX;
	t->part = s;
	if (outline.l > 0) {
		s->outline = txn_buf_take(&x->bufs, outline.l);
		if (!s->outline)
			return ENOMEM;
		memcpy(s->outline, outline.p, outline.l);
	}

	keylen = key_make(s->key, send->method, text_of(send->branch));
	if (keylen == 0)
		return EINVAL;
	err = map_add(x->clients, &t->link, s->key, keylen);
	if (err)
		memset(&t->link, 0, sizeof(t->link));

	return err;
}


/* T1 counts only where the list does not end before. */
void txn_client_deadline(struct txn *t, uint32_t timeout_ms)
{
	if (timeout_ms == 0 || timeout_ms > txn_resend_total_ms(txn_list(t)))
		return;
	t->deadline_ms = txn_client_of(t)->start_ms + timeout_ms;
	t->is_timeout = true;
}


int txn_client_make(struct txns *txns, const struct txn_send *send,
		    struct txn **tp)
{
	struct txn *t;
	txn_id id;
	int err;

	if (!send->branch || send->method == METHOD_ACK)
		return EINVAL;
	if (send->request.l == 0 || send->request.l > MESSAGE_BYTES_MAX)
		return EMSGSIZE;

	t = txn_alloc(txns, TXN_CLIENT, &id);
	if (!t)
		return ENOMEM;
	t->method = (uint8_t)send->method;
	t->flow = send->to;
	t->responseh = send->h;
	t->arg = send->arg;
	t->user = send->user;
	err = txn_keep(t, send->request.p, send->request.l);
	if (!err)
		err = part_make(t, send);
	if (err) {
		txn_free(t);
		return err;
	}
	*tp = t;

	return 0;
}


int txn_send(struct txns *txns, const struct txn_send *send, txn_id *txnp)
{
	struct txn *t;
	int err;

	if (!txnp)
		return EINVAL;
	err = txn_client_make(txns, send, &t);
	if (err)
		return err;

	txn_enter(t, send->method == METHOD_INVITE ? TXN_C_CALLING
						   : TXN_C_TRYING);
	txn_client_deadline(t, send->timeout_ms);
	txn_list_start(t);
	*txnp = txn_id_of(t);
	txn_put_again(t);

	return 0;
}


/* --- its user ------------------------------------------------------------- */

void txn_client_heads(struct txn *t, struct text heads)
{
	struct txn_client *s = txn_client_of(t);
	char *p;

	if (heads.l == 0 || s->heads.p)
		return;
	p = txn_buf_take(&t->txns->bufs, heads.l);
	if (!p)
		return; /* a CANCEL without a reason is one all the same */
	memcpy(p, heads.p, heads.l);
	s->heads = (struct text){ p, heads.l };
}


void txn_cancel(struct txns *txns, txn_id txn, struct text heads)
{
	struct txn *t = txn_find(txns, txn, TXN_CLIENT);

	if (!t ||
	    txn_client_rows[t->state][TXN_C_EV_CANCEL].next == TXN_C_NONE)
		return;
	txn_client_heads(t, heads);
	txn_client_handle(t, TXN_C_EV_CANCEL, NULL, NULL);
}


void txn_nobody(txn_id txn, int err, const struct message *m,
		const struct flow *from, void *arg, uint64_t user)
{
	(void)txn;
	(void)err;
	(void)m;
	(void)from;
	(void)arg;
	(void)user;
}


void txn_forget(struct txns *txns, txn_id txn)
{
	struct txn *t = txn_find(txns, txn, TXN_CLIENT);

	if (!t)
		return;
	t->responseh = NULL;
	txn_client_handle(t, TXN_C_EV_FORGET, NULL, NULL);
}


void txn_leave(struct txns *txns, txn_id txn)
{
	struct txn *t = txn_find(txns, txn, TXN_CLIENT);

	if (t && t->state == TXN_C_ACCEPTED)
		txn_free(t);
}


int txn_hand_over(struct txns *txns, txn_id txn, txn_response_h *h, void *arg,
		  uint64_t user)
{
	struct txn *t = txn_find(txns, txn, TXN_CLIENT);

	if (!t)
		return ENOENT;
	t->responseh = h;
	t->arg = arg;
	t->user = user;

	return 0;
}


bool txn_is_lost(const struct txns *txns, txn_id txn)
{
	const struct txn *t = txn_find(txns, txn, TXN_CLIENT);

	return t &&
	       (t->state == TXN_C_LOST || t->state == TXN_C_LOST_CANCELLED);
}
