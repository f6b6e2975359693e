/**
 * @file sipd/txn_server.c  Server transactions (RFC 3261 17.2, RFC 6026)
 *
 * What comes is found by its key, or is new, or is merged (8.2.2.2); the
 * table says what it means. What the user says becomes an event, too, once
 * the response is composed, so that the state never promises what memory
 * could not hold.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/metrics.h"
#include "sipd/txn_int.h"

enum {
	CODE_OK = 200,
	CODE_MERGED = 482,
	CODE_TOO_LARGE = 513,
};


/* --- machine -------------------------------------------------------------- */

static void cancel_answer(struct txn *t, const struct message *m,
			  const struct flow *from);

/* clang-format off */
static const struct {
	bool is_told;
	enum txn_event event;
} tells[TXN_S_ACTIONC] = {
	[TXN_S_ACT_CANCELLED] = { true, TXN_CANCELLED },
	[TXN_S_ACT_ACKED]     = { true, TXN_ACKED     },
	[TXN_S_ACT_UNACKED]   = { true, TXN_UNACKED   },
	[TXN_S_ACT_UNPRACKED] = { true, TXN_UNPRACKED },
	[TXN_S_ACT_BROKEN]    = { true, TXN_BROKEN    },
};
/* clang-format on */


static bool is_ended(const struct txn *t)
{
	return t->state == TXN_S_ENDED;
}


/* Responses are sent by txn_reply(), which has them. */
static void act(struct txn *t, enum txn_server_action action,
		const struct message *m, const struct flow *from)
{
	if (action == TXN_S_ACT_AGAIN)
		txn_put_again(t);
	else if (action == TXN_S_ACT_DROP)
		txn_drop(t);
	else if (m && (action == TXN_S_ACT_CANCELLED ||
		       action == TXN_S_ACT_CANCEL_OK))
		cancel_answer(t, m, from);
}


void txn_server_handle(struct txn *t, enum txn_server_event event,
		       const struct message *m, const struct flow *from)
{
	const struct txn_row row = txn_server_rows[t->state][event];
	struct txns *x = t->txns;
	const txn_id id = txn_id_of(t);
	txn_event_h *const h = t->eventh;
	void *const arg = t->arg;
	const uint64_t user = t->user;

	if (row.next == TXN_S_NONE)
		return;

	if (row.next != t->state)
		txn_enter(t, row.next);
	act(t, row.action, m, from);
	if (is_ended(t))
		txn_free(t);

	/* Last: they may call back. */
	if (row.action == TXN_S_ACT_ACK && x->args.ackh)
		x->args.ackh(m, from, x->args.arg);
	if (tells[row.action].is_told && h)
		h(id, tells[row.action].event, arg, user);
}


/* --- requests ------------------------------------------------------------- */

/* keys are found out once for each message: they are long, and so their
 * hashes. */
static struct txn *keys_find(const struct txns *x, const struct txn_keys *keys)
{
	struct map_link *link = map_find_hashed(x->servers, keys->hash,
						keys->key.p, keys->key.l);

	return link ? CONTAINER_OF(link, struct txn, link) : NULL;
}


/* Three places in memory that have nothing to do with each other */
static void keys_ahead(const struct txns *x, const struct txn_keys *keys)
{
	map_ahead(x->servers, keys->hash);
	if (keys->merge.l)
		map_ahead(x->merges, keys->merge_hash);
	txn_answered_ahead(x, keys);
}


static struct txn *server_find(struct txns *x, const struct message *m,
			       enum method method, struct text to_tag)
{
	struct txn_keys keys;

	return txn_head_keys(x, &keys, m, method, to_tag) ? keys_find(x, &keys)
							  : NULL;
}


bool txn_knows(struct txns *txns, const struct message *m)
{
	struct txn_keys keys;

	return txn_head_keys(txns, &keys, m, m->method, m->to_tag) &&
	       (keys_find(txns, &keys) || txn_answered_knows(txns, &keys));
}


/* @return 0, ENOMEM, EMSGSIZE, EEXIST */
static int server_make(struct txn **tp, struct txns *x,
		       const struct message *m, const struct flow *from,
		       const struct txn_keys *keys)
{
	struct txn *t;
	txn_id id;
	int err;

	t = txn_alloc(x, TXN_SERVER, &id);
	if (!t)
		return ENOMEM;
	t->flow = *from;
	t->method = (uint8_t)m->method;
	err = txn_head_make(t, m, from, keys);
	if (err) {
		txn_free(t);
		return err;
	}
	txn_enter(t, m->method == METHOD_INVITE ? TXN_S_PROCEEDING
						: TXN_S_TRYING);
	*tp = t;

	return 0;
}


/* Asked and answered within the layer, as the first one would be */
static struct txn *server_make_like(struct txn *first, const struct message *m,
				    const struct flow *from)
{
	struct txn_keys keys;
	struct txn *t;

	if (!txn_head_keys(first->txns, &keys, m, m->method, m->to_tag) ||
	    server_make(&t, first->txns, m, from, &keys))
		return NULL;
	txn_server_of(t)->resend = txn_server_of(first)->resend;
	txn_reply_to(t->txns, txn_id_of(t),
		     (enum txn_reply_address)txn_server_of(first)->reply);

	return t;
}


/* Its tag is that of the INVITE's responses (9.2). */
static void cancel_answer(struct txn *t, const struct message *m,
			  const struct flow *from)
{
	struct txn *cancel = server_make_like(t, m, from);

	if (!cancel)
		return;
	if (txn_server_of(t)->tag[0]) {
		memcpy(txn_server_of(cancel)->tag, txn_server_of(t)->tag,
		       TXN_TAG_SIZE);
	}
	(void)txn_reply_code(t->txns, txn_id_of(cancel), CODE_OK);
}


/* The same request by another way: one of them is enough. */
static void merge(struct txn *first, const struct message *m,
		  const struct flow *from)
{
	struct txn *t = server_make_like(first, m, from);

	if (!t)
		return;
	if (first->state == TXN_S_IGNORED)
		txn_ignore(t->txns, txn_id_of(t));
	else
		(void)txn_reply_code(t->txns, txn_id_of(t), CODE_MERGED);
}


static struct txn *merge_find(const struct txns *x,
			      const struct txn_keys *keys)
{
	struct map_link *link;
	struct txn_server *s;

	if (keys->merge.l == 0)
		return NULL;
	link = map_find_hashed(x->merges, keys->merge_hash, keys->merge.p,
			       keys->merge.l);
	if (!link)
		return NULL;
	s = CONTAINER_OF(link, struct txn_server, merge);

	return s->owner;
}


static void receive_new(struct txns *x, const struct message *m,
			const struct flow *from, const struct txn_keys *keys)
{
	struct txn *t = merge_find(x, keys);
	int err;

	if (t) {
		merge(t, m, from);
		return;
	}
	if (txn_answered_receive(x, m, from, keys))
		return;
	err = server_make(&t, x, m, from, keys);
	if (err == EMSGSIZE)
		(void)txn_answer(x, m, from, CODE_TOO_LARGE,
				 (struct text){ 0 });
	else if (!err && x->args.requesth)
		x->args.requesth(txn_id_of(t), m, from, x->args.arg);
}


/* The INVITE that an ACK or CANCEL belongs to. Without cookie an ACK has the
 * tag of the response, and only the INVITE's other parts find it. */
static struct txn *invite_find(struct txns *x, const struct message *m)
{
	struct txn *t = server_find(x, m, METHOD_INVITE, m->to_tag);

	if (t || txn_has_cookie(m) || m->to_tag.l == 0)
		return t;
	t = server_find(x, m, METHOD_INVITE, (struct text){ 0 });

	return t && text_is(m->to_tag, txn_server_of(t)->tag) ? t : NULL;
}


/* Of an INVITE of which there is but a row: it has had its ACK, and nothing
 * comes of the CANCEL. @return false: of no such one */
static bool cancel_late(struct txns *x, const struct message *m,
			const struct flow *from)
{
	struct txn_keys keys;

	if (!txn_head_keys(x, &keys, m, METHOD_INVITE, m->to_tag) ||
	    !txn_answered_knows(x, &keys))
		return false;
	(void)txn_answer(x, m, from, CODE_OK, (struct text){ 0 });

	return true;
}


static void receive_ack(struct txns *x, const struct message *m,
			const struct flow *from)
{
	struct txn *t = invite_find(x, m);

	if (t)
		txn_server_handle(t, TXN_S_EV_ACK, m, from);
	else if (x->args.ackh)
		x->args.ackh(m, from, x->args.arg);
}


void txn_server_receive(struct txns *x, const struct message *m,
			const struct flow *from)
{
	struct txn_keys keys;
	struct txn *t;

	if (m->method == METHOD_ACK) {
		receive_ack(x, m, from);
		return;
	}
	if (!txn_head_keys(x, &keys, m, m->method, m->to_tag))
		return;
	keys_ahead(x, &keys);
	t = keys_find(x, &keys);
	if (t) {
		txn_server_handle(t, TXN_S_EV_REQUEST, m, from);
		return;
	}
	t = m->method == METHOD_CANCEL ? invite_find(x, m) : NULL;
	if (t) {
		txn_server_handle(t, TXN_S_EV_CANCEL, m, from);
		return;
	}
	if (m->method == METHOD_CANCEL && cancel_late(x, m, from))
		return;
	/* The search has used their room. */
	if (m->method != METHOD_CANCEL ||
	    txn_head_keys(x, &keys, m, m->method, m->to_tag))
		receive_new(x, m, from, &keys);
}


/* --- responses ------------------------------------------------------------ */

static struct text reply_compose(struct txn *t, const struct txn_reply *r)
{
	const struct txn_server *s = txn_server_of(t);
	const bool is_early = t->method == METHOD_INVITE && r->code > 100 &&
			      r->code < 300;
	struct compose c;

	compose_init(&c, t->txns->out, MESSAGE_BYTES_MAX);
	compose_put(&c, "SIP/2.0 ");
	compose_number(&c, r->code);
	compose_put(&c, " ");
	compose_put(&c, reason_phrase(r->code));
	compose_put(&c, "\r\n");
	compose_bytes(&c, s->head + s->lines, s->to_end - s->lines);
	if (r->code > 100 && s->tag[0]) {
		compose_put(&c, ";tag=");
		compose_put(&c, s->tag);
	}
	compose_bytes(&c, s->head + s->to_end,
		      (is_early ? s->headl : s->routes) - s->to_end);
	compose_bytes(&c, r->heads.p, r->heads.l);
	compose_body(&c, r->type ? r->type : "application/sdp", r->body);

	if (c.is_full)
		return (struct text){ 0 };

	return compose_result(&c);
}


static enum txn_server_event event_of(const struct txn_reply *r)
{
	if (r->code < 200) {
		return r->is_reliable && r->code > 100 ? TXN_S_EV_RELIABLE
						       : TXN_S_EV_PROVISIONAL;
	}

	return r->code < 300 ? TXN_S_EV_OK : TXN_S_EV_REFUSE;
}


/* Of what it may still be said to; ENOENT, EINVAL: nothing */
static int reply_row(struct txn_row *row, const struct txn *t,
		     const struct txn_reply *reply)
{
	if (!t)
		return ENOENT;
	if (reply->code < 100 || reply->code > 699)
		return EINVAL;
	*row = txn_server_rows[t->state][event_of(reply)];

	return row->next == TXN_S_NONE ? ENOENT : 0;
}


int txn_reply_make(struct txns *txns, txn_id txn,
		   const struct txn_reply *reply, struct text *textp)
{
	struct txn *t = txn_find(txns, txn, TXN_SERVER);
	struct txn_row row;
	const int err = reply_row(&row, t, reply);

	if (err)
		return err;
	*textp = reply_compose(t, reply);

	return textp->l ? 0 : EMSGSIZE;
}


int txn_reply_put(struct txns *txns, txn_id txn, const struct txn_reply *reply,
		  struct text message)
{
	struct txn *t = txn_find(txns, txn, TXN_SERVER);
	struct txn_row row;
	const int err = reply_row(&row, t, reply);

	if (err)
		return err;
	if (row.action != TXN_S_ACT_PASS &&
	    txn_keep(t, message.p, message.l)) {
		if (reply->code < 200)
			return ENOMEM;
		txn_drop(t); /* sent once: nobody would say it again */
	}

	if (row.next != t->state)
		txn_enter(t, row.next);
	else if (row.action == TXN_S_ACT_START)
		txn_wait(t);
	if (row.action == TXN_S_ACT_START)
		txn_list_start(t);
	txn_put(t, message.p, message.l);

	return 0;
}


int txn_reply(struct txns *txns, txn_id txn, const struct txn_reply *reply)
{
	struct text message;
	const int err = txn_reply_make(txns, txn, reply, &message);

	return err ? err : txn_reply_put(txns, txn, reply, message);
}


int txn_reply_code(struct txns *txns, txn_id txn, unsigned code)
{
	return txn_reply(txns, txn, &(struct txn_reply){ .code = code });
}


/* --- its user ------------------------------------------------------------- */

static void user_event(const struct txns *txns, txn_id txn,
		       enum txn_server_event event)
{
	struct txn *t = txn_find(txns, txn, TXN_SERVER);

	if (t)
		txn_server_handle(t, event, NULL, NULL);
}


void txn_acked(struct txns *txns, txn_id txn)
{
	struct txn *t = txn_find(txns, txn, TXN_SERVER);

	if (t && t->state == TXN_S_ACCEPTED && txn_answered_add(t))
		txn_free(t);
	else
		user_event(txns, txn, TXN_S_EV_ACKED);
}


void txn_pracked(struct txns *txns, txn_id txn)
{
	user_event(txns, txn, TXN_S_EV_PRACKED);
}


void txn_ignore(struct txns *txns, txn_id txn)
{
	user_event(txns, txn, TXN_S_EV_IGNORE);
}


void txn_own(struct txns *txns, txn_id txn, txn_event_h *h, void *arg,
	     uint64_t user)
{
	struct txn *t = txn_find(txns, txn, TXN_SERVER);

	if (!t)
		return;
	t->eventh = h;
	t->arg = arg;
	t->user = user;
}


void txn_reply_to(struct txns *txns, txn_id txn, enum txn_reply_address how)
{
	struct txn *t = txn_find(txns, txn, TXN_SERVER);

	if (!t)
		return;
	txn_server_of(t)->reply = (uint8_t)how;
	txn_dest_leave(t);
	txn_head_reply_to(t, how);
	if (txn_server_rows[t->state][TXN_S_EV_FAIL].next != TXN_S_NONE)
		(void)txn_dest_join(t);
}


void txn_resend_set(struct txns *txns, txn_id txn,
		    const struct txn_resend *resend)
{
	struct txn *t = txn_find(txns, txn, TXN_SERVER);

	if (!t)
		return;
	txn_server_of(t)->resend = *resend;
	if (resend->count > TXN_WAITS_MAX)
		txn_server_of(t)->resend.count = TXN_WAITS_MAX;
}


const char *txn_local_tag(const struct txns *txns, txn_id txn)
{
	const struct txn *t = txn_find(txns, txn, TXN_SERVER);

	return t ? txn_server_of(t)->tag : "";
}
