/**
 * @file sipd/txn_head.c  What a server transaction keeps of its request
 *
 * Two keys (RFC 3261 17.2.3 and 8.2.2.2) and the head of its responses as
 * text: Via, From, To, Call-ID, CSeq, Record-Route (8.2.6.2), so that a
 * response is a few copies and the request's other lines are not kept.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/peek.h"
#include "sipd/txn_int.h"

enum {
	SIP_PORT = 5060
};

/* Ends the request line of one without cookie: its key needs the Request-URI,
 * and a successor has nothing but the head. */
static const char version[] = " SIP/2.0\r\n";


/* --- Via ------------------------------------------------------------------ */

/* How much of it is before a ';'; within quotes that is none. */
static size_t param_len(struct text t)
{
	const char *const end = memchr(t.p, ';', t.l);
	bool is_quoted = false;
	size_t l = end ? (size_t)(end - t.p) : t.l;

	if (!memchr(t.p, '"', l))
		return l;
	for (l = 0; l < t.l; l++) {
		if (t.p[l] == '\\' && is_quoted && l + 1 < t.l)
			l++;
		else if (t.p[l] == '"')
			is_quoted = !is_quoted;
		else if (t.p[l] == ';' && !is_quoted)
			break;
	}

	return l;
}


static struct text param_next(struct text *rest)
{
	const struct text param = { rest->p, param_len(*rest) };

	rest->p += param.l;
	rest->l -= param.l;
	if (rest->l > 0) {
		rest->p++;
		rest->l--;
	}

	return text_trim(param);
}


static bool param_is(struct text param, const char *name)
{
	struct text head, value;

	if (param.l == 0 || (param.p[0] | ' ') != name[0])
		return false;
	(void)text_cut(param, '=', &head, &value);

	return text_is_nocase(text_trim(head), name);
}


static struct text top_via(const struct message *m)
{
	struct message_cursor cursor = { 0 };
	struct text value = { 0 };

	(void)message_next(m, HEAD_VIA, &cursor, &value);

	return value;
}


/* What does not depend on the way it came, and is in a predecessor's head,
 * too */
static void put_via(struct compose *c, struct text value)
{
	struct text head, rest;

	(void)text_cut(value, ';', &head, &rest);
	compose_text(c, text_trim(head));
	while (rest.l > 0) {
		const struct text param = param_next(&rest);

		if (param.l == 0 || param_is(param, "received") ||
		    param_is(param, "rport"))
			continue;
		compose_put(c, ";");
		compose_text(c, param);
	}
}


/* RFC 3261 18.2.1, RFC 3581 4: received is always there, so that a response
 * finds back through any NAT; rport if it was asked for. */
static void put_top_via(struct compose *c, const struct message *m,
			struct text value, const struct flow *from)
{
	char ip[ADDR_TEXT_MAX];
	struct addr addr = from->remote;

	put_via(c, value);
	addr.port = 0;
	addr.scope = 0;
	compose_put(c, ";received=");
	compose_put(c, addr_print(&addr, ip));
	if (m->via.has_rport) {
		compose_put(c, ";rport=");
		compose_number(c, from->remote.port);
	}
}


/* --- keys ----------------------------------------------------------------- */

bool txn_has_cookie(const struct message *m)
{
	return m->via.branch.l > 7 &&
	       memcmp(m->via.branch.p, "z9hG4bK", 7) == 0;
}


static void put_part(struct compose *c, struct text t)
{
	compose_bytes(c, t.p, t.l);
	compose_bytes(c, "", 1); /* no text has a NUL in it */
}


static void put_lower(struct compose *c, struct text t)
{
	char *const p = c->p + c->len;

	put_part(c, t);
	for (size_t i = 0; i < t.l && !c->is_full; i++)
		p[i] = (char)tolower((unsigned char)p[i]);
}


static void put_cookie_key(struct compose *c, const struct message *m)
{
	put_part(c, m->via.branch);
	put_lower(c, m->via.host);
	compose_number(c, m->via.port ? m->via.port : SIP_PORT);
}


static void put_old_key(struct compose *c, const struct message *m,
			struct text to_tag)
{
	put_part(c, m->uri);
	put_part(c, to_tag);
	put_part(c, m->from_tag);
	put_part(c, m->call_id);
	compose_number(c, m->cseq);
	compose_bytes(c, "", 1);
	put_via(c, top_via(m));
}


bool txn_head_keys(struct txns *txns, struct txn_keys *keys,
		   const struct message *m, enum method method,
		   struct text to_tag)
{
	const char kind[2] = { (char)method, txn_has_cookie(m) ? 'b' : 'o' };
	struct compose c;

	compose_init(&c, txns->keys, TXN_SCRATCH_SIZE);
	compose_bytes(&c, kind, sizeof(kind));
	if (txn_has_cookie(m))
		put_cookie_key(&c, m);
	else
		put_old_key(&c, m, to_tag);
	keys->key = compose_result(&c);
	keys->merge = (struct text){ 0 };

	if (m->to_tag.l == 0 && m->from_tag.l > 0) {
		const size_t begin = c.len;

		compose_bytes(&c, kind, 1);
		put_part(&c, m->from_tag);
		put_part(&c, m->call_id);
		compose_number(&c, m->cseq);
		if (!c.is_full) {
			keys->merge = (struct text){ txns->keys + begin,
						     c.len - begin };
			keys->merge_hash = map_hash(keys->merge.p,
						    keys->merge.l);
		}
	}
	keys->hash = map_hash(keys->key.p, keys->key.l);

	return !c.is_full;
}


/* --- head ----------------------------------------------------------------- */

static void put_list(struct compose *c, const struct message *m,
		     enum head head, const char *name, const struct flow *top)
{
	struct message_cursor cursor = { 0 };
	struct text value;

	for (bool is_first = true; message_next(m, head, &cursor, &value);
	     is_first = false) {
		compose_put(c, name);
		compose_put(c, ": ");
		if (is_first && top)
			put_top_via(c, m, value, top);
		else
			compose_text(c, value);
		compose_put(c, "\r\n");
	}
}


void txn_head_vias(struct compose *c, const struct message *m,
		   const struct flow *from)
{
	put_list(c, m, HEAD_VIA, "Via", from);
}


static void put_head(struct compose *c, const struct message *m,
		     const struct flow *from, struct txn_server *s)
{
	if (!txn_has_cookie(m)) {
		compose_text(c, m->method_text);
		compose_put(c, " ");
		compose_text(c, m->uri);
		compose_put(c, version);
	}
	s->lines = (uint32_t)c->len;
	put_list(c, m, HEAD_VIA, "Via", from);
	compose_head(c, "From", message_head(m, HEAD_FROM));
	compose_put(c, "To: ");
	compose_text(c, message_head(m, HEAD_TO));
	s->to_end = (uint32_t)c->len;
	compose_put(c, "\r\n");
	compose_head(c, "Call-ID", message_head(m, HEAD_CALL_ID));
	compose_head(c, "CSeq", message_head(m, HEAD_CSEQ));
	s->routes = (uint32_t)c->len;
	if (m->method == METHOD_INVITE)
		put_list(c, m, HEAD_RECORD_ROUTE, "Record-Route", NULL);
}


/* The keys stay as long as the transaction, its head does not. */
static int part_make(struct txn *t, const struct txn_server *form,
		     struct text head, const struct txn_keys *keys)
{
	struct txns *x = t->txns;
	struct txn_server *s;
	char *p;

	s = txn_buf_take(&x->bufs, sizeof(*s) + keys->key.l + keys->merge.l);
	if (!s)
		return ENOMEM;
	*s = *form;
	t->part = s;
	s->owner = t;
	s->head = txn_buf_take(&x->bufs, head.l);
	if (!s->head)
		return ENOMEM;
	memcpy(s->head, head.p, head.l);
	s->headl = (uint32_t)head.l;
	p = (char *)(s + 1);
	memcpy(p, keys->key.p, keys->key.l);

	if (map_add_hashed(x->servers, &t->link, keys->hash, p, keys->key.l)) {
		memset(&t->link, 0, sizeof(t->link));
		return EEXIST;
	}
	p += keys->key.l;
	if (keys->merge.l == 0)
		return 0;
	memcpy(p, keys->merge.p, keys->merge.l);
	if (map_add_hashed(x->merges, &s->merge, keys->merge_hash, p,
			   keys->merge.l))
		memset(&s->merge, 0, sizeof(s->merge)); /* another has it */

	return 0;
}


int txn_head_make(struct txn *t, const struct message *m,
		  const struct flow *from, const struct txn_keys *keys)
{
	struct txn_server form = { .resend = txn_resend_default };
	struct txns *x = t->txns;
	struct compose c;

	compose_init(&c, x->out, TXN_HEAD_MAX);
	put_head(&c, m, from, &form);
	if (c.is_full)
		return EMSGSIZE;
	if (m->to_tag.l == 0 && m->method == METHOD_REGISTER)
		txn_tag_of(form.tag, x, m);
	else if (m->to_tag.l == 0)
		txn_tag(x, form.tag);

	return part_make(t, &form, compose_result(&c), keys);
}


static int via_of(const struct txn *t, struct head_via *via)
{
	const struct txn_server *s = txn_server_of(t);
	struct text lines, line, rest, name, value;

	if (!s->head)
		return EBADMSG;
	lines = (struct text){ s->head + s->lines, s->headl - s->lines };
	(void)text_cut(lines, '\r', &line, &rest);
	(void)text_cut(line, ':', &name, &value);

	return head_via_parse(via, text_trim(value));
}


void txn_head_reply_to(struct txn *t, enum txn_reply_address how)
{
	struct head_via via;
	struct addr addr;
	uint16_t port;

	if (how == TXN_REPLY_SOCKET || txn_is_stream(t) || via_of(t, &via))
		return;

	port = via.port ? via.port : SIP_PORT;
	if (how == TXN_REPLY_VIA && !head_host_addr(&addr, via.host, port) &&
	    addr.family == t->flow.remote.family)
		t->flow.remote = addr;
	t->flow.remote.port = port;
}


void txn_head_reach(struct txn *t)
{
	struct head_via via;

	if (!txn_is_stream(t))
		return;
	t->flow.conn = 0;
	if (via_of(t, &via))
		return;
	t->flow.remote.port = via.port ? via.port
			      : t->flow.transport == TRANSPORT_TLS
				      ? SIP_PORT + 1
				      : SIP_PORT;
}


/* --- successor ------------------------------------------------------------ */

struct text txn_server_head(const struct txns *txns, txn_id txn,
			    struct flow *flowp)
{
	const struct txn *t = txn_find(txns, txn, TXN_SERVER);
	const struct txn_server *s;

	if (!t)
		return (struct text){ 0 };
	if (flowp)
		*flowp = t->flow;

	s = txn_server_of(t);

	return (struct text){ s->head, s->head ? s->headl : 0 };
}


/* As its CSeq says */
static struct text method_of(struct text head)
{
	struct text line, value, number;

	while (peek_line(&head, &line))
		if (peek_head(line, &value) == HEAD_CSEQ &&
		    text_cut(value, ' ', &number, &line))
			return text_trim(line);

	return (struct text){ "", 0 };
}


/* As the request that it is the head of */
static int adopt_parse(struct message *m, struct txns *x, struct text head)
{
	const struct text method = method_of(head);
	char *buf = x->out + MESSAGE_BYTES_MAX; /* its second half */
	struct compose c;

	compose_init(&c, buf, MESSAGE_BYTES_MAX);
	if (head.l <= method.l || head.p[method.l] != ' ' ||
	    memcmp(head.p, method.p, method.l) != 0) {
		compose_text(&c, method);
		compose_put(&c, " sip:a");
		compose_put(&c, version);
	}
	compose_bytes(&c, head.p, head.l);
	compose_put(&c, "\r\n");
	if (c.is_full)
		return EMSGSIZE;
	if (message_parse(m, buf, c.len, false) != MESSAGE_OK ||
	    !m->is_request)
		return EBADMSG;

	return 0;
}


int txn_server_adopt(struct txns *txns, txn_id *txnp, struct text head,
		     const struct flow *flow, const char *local_tag)
{
	struct txn_keys keys;
	struct message m;
	struct txn *t;
	txn_id id;
	int err;

	if (!txnp || !flow || head.l == 0)
		return EINVAL;
	if (local_tag && strlen(local_tag) >= TXN_TAG_SIZE)
		return EINVAL;
	err = adopt_parse(&m, txns, head);
	if (err)
		return err;
	if (!txn_head_keys(txns, &keys, &m, m.method, m.to_tag))
		return EMSGSIZE;

	t = txn_alloc(txns, TXN_SERVER, &id);
	if (!t)
		return ENOMEM;
	t->flow = *flow;
	t->method = (uint8_t)m.method;
	err = txn_head_make(t, &m, NULL, &keys);
	if (err) {
		txn_free(t);
		return err;
	}
	if (local_tag && txn_server_of(t)->tag[0]) {
		(void)text_copy(txn_server_of(t)->tag, TXN_TAG_SIZE,
				text_of(local_tag));
	}
	txn_head_reach(t);
	txn_enter(t,
		  m.method == METHOD_INVITE ? TXN_S_PROCEEDING : TXN_S_TRYING);
	*txnp = id;

	return 0;
}
