/**
 * @file sipd/leg.c  Dialogs: what is said in them, and to whom
 */
#include <errno.h>
#include <string.h>

#include "shared/auth/authn.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/errand.h"
#include "sipd/farewell.h"
#include "sipd/leg.h"
#include "sipd/resolve.h"
#include "sipd/wire.h"

const char leg_allow[] = LEG_ALLOW;


enum {
	CONTACT_MAX = 256
};

/* --- texts ---------------------------------------------------------------- */

struct text leg_text(const struct leg *leg, enum leg_text which)
{
	const struct text all = blob_text(leg->call->sipd->blobs,
					  &leg->i->texts);
	size_t at = 0;

	if (!all.p)
		return (struct text){ "", 0 };
	for (size_t i = 0; i < (size_t)which; i++)
		at += leg->i->textl[i];
	if (at + leg->i->textl[which] > all.l)
		return (struct text){ "", 0 };

	return (struct text){ all.p + at, leg->i->textl[which] };
}


int leg_texts_set(struct leg *leg, const struct text texts[LEG_TEXTC])
{
	struct blobs *blobs = leg->call->sipd->blobs;
	struct text now = blob_text(blobs, &leg->i->texts);
	struct text all[LEG_TEXTC];
	struct blob blob = { 0 };
	bool is_new = !now.l;
	int err;

	for (size_t i = 0; i < LEG_TEXTC; i++) {
		const struct text is = { now.p, leg->i->textl[i] };

		if (is.l > now.l)
			return EBADMSG;
		now.p += is.l;
		now.l -= is.l;
		all[i] = texts[i].p ? texts[i] : is;
		if (all[i].l > UINT16_MAX)
			return EMSGSIZE;
		is_new |= all[i].l != is.l ||
			  (is.l && memcmp(all[i].p, is.p, is.l) != 0);
	}
	if (!is_new)
		return 0;
	err = blob_take(blobs, &blob, all, LEG_TEXTC);
	if (err)
		return err;

	call_blob_drop(leg->call, &leg->i->texts);
	leg->i->texts = blob;
	for (size_t i = 0; i < LEG_TEXTC; i++)
		leg->i->textl[i] = (uint16_t)all[i].l;

	return 0;
}


/* Record-Route of a message as one Route value: in its order (we are the UAS),
 * or the other way round. */
struct text leg_routes_of(struct sipd *sipd, const struct message *m,
			  bool reverse)
{
	struct message_cursor cursor = { 0 };
	struct text rows[32];
	struct compose c;
	size_t n = 0;

	while (n < COUNT_OF(rows) &&
	       message_next(m, HEAD_RECORD_ROUTE, &cursor, &rows[n]))
		n++;

	compose_init(&c, sipd->body, sizeof(sipd->body));
	for (size_t i = 0; i < n; i++) {
		if (i)
			compose_put(&c, ", ");
		compose_text(&c, rows[reverse ? n - 1 - i : i]);
	}

	return c.is_full ? (struct text){ "", 0 } : compose_result(&c);
}


struct text leg_contact_of(const struct message *m)
{
	struct message_cursor cursor = { 0 };
	struct head_addr addr;
	struct text value;

	if (!message_next(m, HEAD_CONTACT, &cursor, &value) ||
	    head_addr_parse(&addr, value) || addr.is_star)
		return (struct text){ NULL, 0 };

	return addr.uri_text;
}


/* What the peer's Allow and Supported tell; a message without them leaves what
 * was known. */
static void take_facts(struct leg *leg, const struct message *m)
{
	uint8_t flags = leg->i->flags;

	if (message_head(m, HEAD_ALLOW).p) {
		flags &= (uint8_t)~LEG_CAN_UPDATE;
		if (message_lists(m, HEAD_ALLOW, "UPDATE"))
			flags |= LEG_CAN_UPDATE;
	}
	if (message_lists(m, HEAD_SUPPORTED, "timer") ||
	    message_lists(m, HEAD_REQUIRE, "timer"))
		flags |= LEG_HAS_TIMER;
	if (message_lists(m, HEAD_SUPPORTED, "100rel") ||
	    message_lists(m, HEAD_REQUIRE, "100rel"))
		flags |= LEG_HAS_100REL;
	if (m->is_request && message_lists(m, HEAD_REQUIRE, "100rel"))
		flags |= LEG_WANTS_100REL;
	leg->i->flags = flags;
}


int leg_take_invite(struct leg *leg, const struct message *m,
		    const struct flow *from, struct text called)
{
	struct sipd *sipd = leg->call->sipd;
	struct text texts[LEG_TEXTC] = { { NULL, 0 } };
	char contact[CONTACT_MAX];
	struct compose c;

	compose_init(&c, contact, sizeof(contact));
	leg_contact(&c, sipd, from, called);
	if (c.is_full)
		return EMSGSIZE;
	texts[LEG_CALL_ID] = m->call_id;
	texts[LEG_LOCAL_TAG] = text_of(leg->tag);
	texts[LEG_REMOTE_TAG] = m->from_tag;
	texts[LEG_LOCAL] = message_head(m, HEAD_TO);
	texts[LEG_REMOTE] = message_head(m, HEAD_FROM);
	texts[LEG_TARGET] = leg_contact_of(m);
	texts[LEG_ROUTES] = leg_routes_of(sipd, m, false);
	texts[LEG_CONTACT] = compose_result(&c);
	if (!texts[LEG_TARGET].p)
		return EBADMSG;

	leg->i->flow = *from;
	leg_hold(leg, true);
	leg->i->remote_cseq = m->cseq;
	leg->i->invite_cseq = m->cseq;
	leg->i->state = LEG_CALLED;
	take_facts(leg, m);

	return leg_texts_set(leg, texts);
}


int leg_take_response(struct leg *leg, const struct message *m,
		      const struct flow *from)
{
	struct text texts[LEG_TEXTC] = { { NULL, 0 } };
	int err;

	if (!m->to_tag.l)
		return EBADMSG;

	texts[LEG_REMOTE_TAG] = m->to_tag;
	texts[LEG_REMOTE] = message_head(m, HEAD_TO);
	texts[LEG_TARGET] = leg_contact_of(m); /* none in an 18x: as it was */
	texts[LEG_ROUTES] = leg_routes_of(leg->call->sipd, m, true);
	err = leg_texts_set(leg, texts);
	if (err)
		return err;
	take_facts(leg, m);
	leg_heard(leg, from);

	return 0;
}


void leg_refresh(struct leg *leg, const struct message *m)
{
	struct text texts[LEG_TEXTC] = { { NULL, 0 } };

	take_facts(leg, m);
	texts[LEG_TARGET] = leg_contact_of(m);
	if (!texts[LEG_TARGET].p)
		return;
	if (texts[LEG_TARGET].l == leg->i->textl[LEG_TARGET] &&
	    memcmp(texts[LEG_TARGET].p, leg_text(leg, LEG_TARGET).p,
		   texts[LEG_TARGET].l) == 0)
		return;

	if (!leg_texts_set(leg, texts)) /* for want of space: the old one */
		leg_aim(leg);
}


/* --- where to ------------------------------------------------------------- */

enum {
	TO_SOCKET,
	TO_CONTACT_PORT,
	TO_CONTACT
};


/* The address of a URI, if it is one or the name is known */
static int uri_addr(struct addr *addrp, const struct sipd *sipd,
		    struct text text, enum transport transport)
{
	struct head_uri uri;
	struct resolved r;

	if (head_uri_parse(&uri, text))
		return EBADMSG;
	if (!head_host_addr(addrp, uri.host,
			    uri.port                     ? uri.port
			    : transport == TRANSPORT_TLS ? 5061
							 : 5060))
		return 0;
	if (resolve_known(sipd->resolver, uri.host, uri.port, transport, &r) ||
	    !r.addrc)
		return ENOENT;

	*addrp = r.addrs[0];

	return 0;
}


/* A connection that a dialog uses is not closed as idle. */
void leg_hold(struct leg *leg, bool hold)
{
	struct wire *wire = leg->call->sipd->wire;

	if (leg->holds == hold || leg->i->flow.transport == TRANSPORT_UDP)
		return;
	wire_hold(wire, &leg->i->flow, hold);
	leg->holds = hold;
}


static void flow_set(struct leg *leg, const struct flow *flow)
{
	if (memcmp(&leg->i->flow, flow, sizeof(*flow)) == 0)
		return;
	leg_hold(leg, false);
	leg->i->flow = *flow;
	leg_hold(leg, true);
}


/* By the field request_address; the socket, if the address of Contact or
 * Route is not known */
static struct flow flow_by_field(const struct leg *leg,
				 const struct flow *from)
{
	struct text rest = leg_text(leg, LEG_ROUTES), value;
	struct text target = leg_text(leg, LEG_TARGET);
	struct head_addr first;
	struct flow flow = *from;
	struct addr addr;

	if (leg->i->request_address == TO_CONTACT && rest.l &&
	    head_list_next(&rest, &value) && !head_addr_parse(&first, value))
		target = first.uri_text;
	if (uri_addr(&addr, leg->call->sipd, target, TRANSPORT_UDP))
		return flow;
	/* The listener is of one family. */
	if (leg->i->request_address == TO_CONTACT &&
	    addr.family != from->remote.family)
		return flow;

	if (leg->i->request_address == TO_CONTACT_PORT)
		flow.remote.port = addr.port;
	else
		flow.remote = addr;

	return flow;
}


void leg_heard(struct leg *leg, const struct flow *from)
{
	struct flow flow = *from;

	/* Of a stream the connection that it uses now */
	if (from->transport == TRANSPORT_UDP &&
	    leg->i->request_address != TO_SOCKET)
		flow = flow_by_field(leg, from);
	flow_set(leg, &flow);
}


void leg_aim(struct leg *leg)
{
	const struct flow flow = leg->i->flow;

	leg_heard(leg, &flow);
}


/* The peer may have opened the one that was: it listens elsewhere. */
void leg_reach(struct leg *leg)
{
	const enum transport transport =
		(enum transport)leg->i->flow.transport;
	struct text rest = leg_text(leg, LEG_ROUTES), value;
	struct text target = leg_text(leg, LEG_TARGET);
	struct head_addr first;
	struct addr addr;

	if (transport != TRANSPORT_TCP && transport != TRANSPORT_TLS)
		return;
	leg->i->flow.conn = 0;
	if (rest.l && head_list_next(&rest, &value) &&
	    !head_addr_parse(&first, value))
		target = first.uri_text;
	if (uri_addr(&addr, leg->call->sipd, target, transport) ||
	    addr.family != leg->i->flow.remote.family)
		return;
	leg->i->flow.remote = addr;
}


/* --- requests ------------------------------------------------------------- */

void leg_via(struct compose *c, const struct sipd *sipd,
	     const struct flow *flow, const char *branch)
{
	const struct wire_listener *l = wire_listener(sipd->wire,
						      flow->listener);

	compose_put(c, "Via: SIP/2.0/");
	compose_put(c, transport_via((enum transport)flow->transport));
	compose_put(c, " ");
	compose_put(c, l->host);
	compose_put(c, ":");
	compose_number(c, l->port);
	compose_put(c, ";branch=");
	compose_put(c, branch);
	compose_put(c, ";rport\r\n");
}


void leg_contact(struct compose *c, const struct sipd *sipd,
		 const struct flow *flow, struct text user)
{
	const struct wire_listener *l = wire_listener(sipd->wire,
						      flow->listener);

	compose_put(c, "<sip:");
	if (user.l) {
		compose_user(c, user);
		compose_put(c, "@");
	}
	compose_put(c, l->host);
	compose_put(c, ":");
	compose_number(c, l->port);
	if (flow->transport != TRANSPORT_UDP) {
		compose_put(c, ";transport=");
		compose_put(c, transport_uri((enum transport)flow->transport));
	}
	compose_put(c, ">");
}


void leg_heads(struct compose *c, const struct leg *leg, bool is_response,
	       bool with_timer)
{
	compose_head(c, "Contact", leg_text(leg, LEG_CONTACT));
	compose_put(c, is_response ? "Server: Tandem\r\n"
				   : "User-Agent: Tandem\r\n");
	compose_put(c, "Allow: " LEG_ALLOW "\r\n");
	compose_put(c, with_timer ? "Supported: 100rel, timer\r\n"
				  : "Supported: 100rel\r\n");
}


/* Request-URI and Route of RFC 3261 12.2.1.1; a first route without lr is a
 * strict router, and the target goes last. */
struct path {
	struct text uri;
	struct text routes;
	struct text last;
};


static void path_of(struct path *path, const struct leg *leg)
{
	struct text rest = leg_text(leg, LEG_ROUTES), first;
	struct head_addr addr;

	path->uri = leg_text(leg, LEG_TARGET);
	path->routes = rest;
	path->last = (struct text){ "", 0 };
	if (!rest.l || !head_list_next(&rest, &first) ||
	    head_addr_parse(&addr, first) ||
	    head_param(addr.uri.params, "lr", NULL))
		return;

	path->last = path->uri;
	path->uri = addr.uri_text;
	path->routes = text_trim(rest);
}


static void put_routes(struct compose *c, const struct path *path)
{
	if (path->routes.l || path->last.l)
		compose_put(c, "Route: ");
	compose_text(c, path->routes);
	if (path->last.l) {
		if (path->routes.l)
			compose_put(c, ", ");
		compose_put(c, "<");
		compose_text(c, path->last);
		compose_put(c, ">");
	}
	if (path->routes.l || path->last.l)
		compose_put(c, "\r\n");
}


static void put_request(struct compose *c, const struct leg *leg,
			enum method method, uint32_t cseq, const char *branch)
{
	struct path path;

	path_of(&path, leg);
	compose_put(c, method_name(method));
	compose_put(c, " ");
	compose_text(c, path.uri);
	compose_put(c, " SIP/2.0\r\n");
	leg_via(c, leg->call->sipd, &leg->i->flow, branch);
	put_routes(c, &path);
	compose_put(c, "Max-Forwards: 70\r\nFrom: ");
	compose_text(c, leg_text(leg, LEG_LOCAL));
	compose_put(c, ";tag=");
	compose_text(c, leg_text(leg, LEG_LOCAL_TAG));
	compose_put(c, "\r\n");
	compose_head(c, "To", leg_text(leg, LEG_REMOTE));
	compose_head(c, "Call-ID", leg_text(leg, LEG_CALL_ID));
	compose_put(c, "CSeq: ");
	compose_number(c, cseq);
	compose_put(c, " ");
	compose_put(c, method_name(method));
	compose_put(c, "\r\n");
}


int leg_send(struct leg *leg, const struct leg_request *r, txn_id *txnp)
{
	struct call *call = leg->call;
	struct sipd *sipd = call->sipd;
	char branch[TXN_BRANCH_SIZE];
	struct compose c;
	struct txn_send send = {
		.method = r->method,
		.branch = branch,
		.to = leg->i->flow,
		.resend = &call->i.params.resend,
		.timeout_ms = r->timeout_ms,
		.h = r->h ? r->h : txn_nobody,
		.arg = r->arg ? r->arg : sipd,
		.user = r->user,
	};
	const uint32_t cseq = r->cseq ? r->cseq : ++leg->i->local_cseq;
	txn_id txn;
	int err;

	txn_branch(sipd->txns, branch);
	compose_init(&c, sipd->scratch, sizeof(sipd->scratch));
	put_request(&c, leg, r->method, cseq, branch);
	compose_bytes(&c, r->heads.p, r->heads.l);
	compose_body(&c, r->type ? r->type : "application/sdp", r->body);
	if (c.is_full)
		return EMSGSIZE;

	send.request = compose_result(&c);
	if (r->keeph)
		r->keeph(leg, &send, cseq, r->keep);
	/* The call may be over before it is answered. */
	if (r->method == METHOD_BYE)
		err = errand_send(sipd, &send, call->id, leg->is_b,
				  txnp ? txnp : &txn);
	else
		err = txn_send(sipd->txns, &send, txnp ? txnp : &txn);
	if (!err && r->h)
		leg->ours_cseq = cseq;

	return err;
}


void leg_ack(struct leg *leg, uint32_t cseq, struct text body)
{
	struct sipd *sipd = leg->call->sipd;
	char branch[TXN_BRANCH_SIZE];
	struct compose c;

	txn_branch(sipd->txns, branch);
	compose_init(&c, sipd->scratch, sizeof(sipd->scratch));
	put_request(&c, leg, METHOD_ACK, cseq, branch);
	compose_body(&c, "application/sdp", body);
	if (!c.is_full)
		(void)wire_send(sipd->wire, &leg->i->flow, c.p, c.len);
	leg->i->flags |= LEG_ACKED;
}


/* Only a gateway with a password may be given one. */
bool leg_has_credentials(const struct leg *leg)
{
	struct sipd *sipd = leg->call->sipd;
	const struct catalog *c;
	const struct cat_routing *gateway;
	bool has;

	if (!leg->is_b || !leg->call->i.gateway)
		return false;
	c = catalog_pin(svc_catalog(sipd->svc));
	gateway = c ? catalog_by_id(c, RECORD_ROUTING, leg->call->i.gateway)
		    : NULL;
	has = gateway && gateway->sealed.count &&
	      catalog_str(c, RECORD_ROUTING, gateway->gw.username)[0];
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);

	return has;
}


void leg_bye(struct leg *leg, enum end_reason reason, const char *passed_on)
{
	char heads[160], cause[32];
	struct leg_request r = { .method = METHOD_BYE };
	struct compose c;

	compose_init(&c, heads, sizeof(heads));
	compose_head(&c, "User-Agent", text_of("Tandem"));
	compose_put(&c, "Reason: ");
	compose_put(&c, passed_on && passed_on[0]
				? passed_on
				: reason_q850(reason, cause));
	compose_put(&c, "\r\n");
	r.heads = compose_result(&c);
	if (!leg_has_credentials(leg) || farewell_send(leg, r.heads))
		(void)leg_send(leg, &r, NULL);
	leg->i->state = LEG_LEFT;
}


int leg_challenged(struct authn_client *client, const struct message *m,
		   uint32_t max_repeats)
{
	struct text www[AUTHN_REALMS_MAX], proxy[AUTHN_REALMS_MAX];
	size_t wwwc = 0, proxyc = 0;

	for (uint8_t r = m->first[HEAD_WWW_AUTHENTICATE];
	     r != 255 && wwwc < AUTHN_REALMS_MAX; r = m->rows[r].next)
		www[wwwc++] = m->rows[r].value;
	for (uint8_t r = m->first[HEAD_PROXY_AUTHENTICATE];
	     r != 255 && proxyc < AUTHN_REALMS_MAX; r = m->rows[r].next)
		proxy[proxyc++] = m->rows[r].value;

	return authn_client_challenge(client, www, wwwc, proxy, proxyc,
				      max_repeats);
}
