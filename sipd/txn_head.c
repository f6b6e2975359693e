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
#include "sipd/txn_int.h"

enum {
	SIP_PORT = 5060
};

/* Ends the request line of one without cookie: its key needs the Request-URI,
 * and a successor has nothing but the head. */
static const char version[] = " SIP/2.0\r\n";


/* --- Via ------------------------------------------------------------------ */

/* The next ;parameter; a ';' within quotes is none. */
static struct text param_next(struct text *rest)
{
	struct text param = { rest->p, 0 };
	bool is_quoted = false;

	for (; param.l < rest->l; param.l++) {
		const char ch = rest->p[param.l];

		if (ch == '\\' && is_quoted && param.l + 1 < rest->l)
			param.l++;
		else if (ch == '"')
			is_quoted = !is_quoted;
		else if (ch == ';' && !is_quoted)
			break;
	}
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
	for (size_t i = 0; i < t.l; i++) {
		const char lower = (char)tolower((unsigned char)t.p[i]);

		compose_bytes(c, &lower, 1);
	}
	compose_bytes(c, "", 1);
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
		if (!c.is_full)
			keys->merge = (struct text){ txns->keys + begin,
						     c.len - begin };
	}

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


/* Part, head and keys in one buffer: they come and go together. */
static int part_make(struct txn *t, const struct txn_server *form,
		     struct text head, const struct txn_keys *keys)
{
	struct txns *x = t->txns;
	struct txn_server *s;
	char *p;

	s = txn_buf_take(&x->bufs,
			 sizeof(*s) + head.l + keys->key.l + keys->merge.l);
	if (!s)
		return ENOMEM;
	*s = *form;
	s->owner = t;
	p = (char *)(s + 1);
	memcpy(p, head.p, head.l);
	s->head = (struct text){ p, head.l };
	p += head.l;
	memcpy(p, keys->key.p, keys->key.l);
	t->part = s;

	if (map_add(x->servers, &t->link, p, keys->key.l)) {
		memset(&t->link, 0, sizeof(t->link));
		return ENOMEM;
	}
	p += keys->key.l;
	if (keys->merge.l == 0)
		return 0;
	memcpy(p, keys->merge.p, keys->merge.l);
	if (map_add(x->merges, &s->merge, p, keys->merge.l))
		memset(&s->merge, 0, sizeof(s->merge)); /* another has it */

	return 0;
}


int txn_head_make(struct txn *t, const struct message *m,
		  const struct flow *from)
{
	struct txn_server form = { .resend = txn_resend_default };
	struct txns *x = t->txns;
	struct txn_keys keys;
	struct compose c;

	if (!txn_head_keys(x, &keys, m, m->method, m->to_tag))
		return EMSGSIZE;
	if (map_find(x->servers, keys.key.p, keys.key.l))
		return EEXIST;

	compose_init(&c, x->out, MESSAGE_BYTES_MAX);
	put_head(&c, m, from, &form);
	if (c.is_full)
		return EMSGSIZE;
	if (m->to_tag.l == 0)
		txn_tag(x, form.tag);

	return part_make(t, &form, compose_result(&c), &keys);
}


void txn_head_reply_to(struct txn *t, enum txn_reply_address how)
{
	const struct txn_server *s = txn_server_of(t);
	const struct text lines = { s->head.p + s->lines,
				    s->head.l - s->lines };
	struct text line, rest, name, value;
	struct head_via via;
	struct addr addr;
	uint16_t port;

	if (how == TXN_REPLY_SOCKET || txn_is_stream(t))
		return;

	(void)text_cut(lines, '\r', &line, &rest);
	(void)text_cut(line, ':', &name, &value);
	if (head_via_parse(&via, text_trim(value)))
		return;

	port = via.port ? via.port : SIP_PORT;
	if (how == TXN_REPLY_VIA && !head_host_addr(&addr, via.host, port) &&
	    addr.family == t->flow.remote.family)
		t->flow.remote = addr;
	t->flow.remote.port = port;
}


/* --- successor ------------------------------------------------------------ */

struct text txn_server_head(const struct txns *txns, txn_id txn,
			    struct flow *flowp)
{
	const struct txn *t = txn_find(txns, txn, TXN_SERVER);

	if (!t)
		return (struct text){ 0 };
	if (flowp)
		*flowp = t->flow;

	return txn_server_of(t)->head;
}


/* As the request that it is the head of */
static int adopt_parse(struct message *m, struct txns *x, struct text head)
{
	static const char line[] = "INVITE sip:";
	char *buf = x->out + MESSAGE_BYTES_MAX; /* its second half */
	struct compose c;

	compose_init(&c, buf, MESSAGE_BYTES_MAX);
	if (head.l < sizeof(line) - 1 || memcmp(head.p, "INVITE ", 7) != 0) {
		compose_put(&c, "INVITE sip:a");
		compose_put(&c, version);
	}
	compose_bytes(&c, head.p, head.l);
	compose_put(&c, "\r\n");
	if (c.is_full)
		return EMSGSIZE;
	if (message_parse(m, buf, c.len, false) != MESSAGE_OK ||
	    m->method != METHOD_INVITE || !m->is_request)
		return EBADMSG;

	return 0;
}


int txn_server_adopt(struct txns *txns, txn_id *txnp, struct text head,
		     const struct flow *flow, const char *local_tag)
{
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

	t = txn_alloc(txns, TXN_SERVER, &id);
	if (!t)
		return ENOMEM;
	t->flow = *flow;
	t->method = METHOD_INVITE;
	err = txn_head_make(t, &m, NULL);
	if (err) {
		txn_free(t);
		return err;
	}
	if (local_tag && txn_server_of(t)->tag[0]) {
		(void)text_copy(txn_server_of(t)->tag, TXN_TAG_SIZE,
				text_of(local_tag));
	}
	txn_enter(t, TXN_S_PROCEEDING);
	*txnp = id;

	return 0;
}
