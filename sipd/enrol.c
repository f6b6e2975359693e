/**
 * @file sipd/enrol.c  REGISTERs of ours, for regd
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/auth/authn.h"
#include "shared/auth/secret.h"
#include "shared/base/secret.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/svc/svc.h"
#include "sipd/compose.h"
#include "sipd/dispatch.h"
#include "sipd/enrol.h"
#include "sipd/enrol_parse.h"
#include "sipd/guard.h"
#include "sipd/leg.h"
#include "sipd/params.h"
#include "sipd/resolve.h"

enum {
	HOST_MAX = 256,
	USER_MAX = 132,
	LISTENER_MAX = 68,
	CALL_ID_MAX = 128,
	TAG_MAX = 64,
	SEALED_MAX = 512,
	REPEATS_MAX = 16,
};

/** One record's REGISTER */
struct enrol {
	struct enrol *next;
	struct sipd *sipd;
	uint64_t serial; /**< Look-ups name it by this */
	/* whom to answer */
	uint64_t call, id, epoch;
	uint32_t peer, worker;

	uint32_t record, cseq, expires, privacy;
	uint16_t port;
	uint8_t transport;
	struct flow to;
	txn_id txn;
	struct authn_client auth;
	char proxy[HOST_MAX], domain[HOST_MAX], host_name[HOST_MAX];
	char username[USER_MAX], auth_user[USER_MAX];
	char local_port[LISTENER_MAX], call_id[CALL_ID_MAX], from_tag[TAG_MAX];
	char contact[HOST_MAX + USER_MAX * 3 + 64]; /**< URI */
	size_t sealedl;
	uint8_t sealed[SEALED_MAX];
};


/* --- the list ------------------------------------------------------------- */

static struct enrol *enrol_free(struct enrol *e)
{
	struct sipd *sipd = e->sipd;

	if (e->txn)
		txn_forget(sipd->txns, e->txn);
	for (struct enrol **at = &sipd->enrols; *at; at = &(*at)->next) {
		if (*at == e) {
			*at = e->next;
			break;
		}
	}
	secret_wipe(e, sizeof(*e));
	free(e);

	return NULL;
}


void enrols_free(struct sipd *sipd)
{
	for (struct enrol *e = sipd->enrols, *next; e; e = next) {
		next = e->next;
		(void)enrol_free(e);
	}
}


static struct enrol *enrol_of_record(const struct sipd *sipd, uint32_t record)
{
	struct enrol *e = sipd->enrols;

	while (e && e->record != record)
		e = e->next;

	return e;
}


static struct enrol *enrol_of_serial(const struct sipd *sipd, uint64_t serial)
{
	struct enrol *e = sipd->enrols;

	while (e && e->serial != serial)
		e = e->next;

	return e;
}


/* --- what came of it ------------------------------------------------------ */

static void tell(struct enrol *e, Tandem__Enrolled *enrolled)
{
	Tandem__Envelope env;
	Tandem__Header hdr;

	tandem__header__init(&hdr);
	hdr.call = e->call;
	hdr.id = e->id;
	hdr.peer = e->peer;
	hdr.worker = e->worker;
	hdr.epoch = e->epoch;
	enrolled->cseq = e->cseq;
	tandem__envelope__init(&env);
	env.body_case = BUS_BODY(ENROLLED);
	env.enrolled = enrolled;
	/* Should it not arrive, regd asks again. */
	(void)bus_reply(svc_bus(e->sipd->svc), &hdr, &env);
	e->txn = 0;
	(void)enrol_free(e);
}


static void tell_none(struct enrol *e)
{
	Tandem__Enrolled enrolled;

	tandem__enrolled__init(&enrolled);
	enrolled.expires = ENROL_NO_EXPIRES;
	tell(e, &enrolled);
}


static void tell_final(struct enrol *e, const struct message *m,
		       bool is_challenged)
{
	Tandem__Enrolled enrolled;
	uint32_t seconds;

	tandem__enrolled__init(&enrolled);
	enrolled.code = m->code;
	enrolled.is_challenged = is_challenged;
	enrolled.expires = enrol_granted(m, text_of(e->contact));
	if (!message_seconds(m, HEAD_MIN_EXPIRES, &seconds))
		enrolled.min_expires = seconds;
	tell(e, &enrolled);
}


/* --- the message ---------------------------------------------------------- */

static void put_credentials(struct compose *c, struct enrol *e,
			    const char *uri)
{
	const char *user = e->auth_user[0] ? e->auth_user : e->username;
	char password[SECRET_PASSWORD_MAX + 1], heads[2048];
	struct authn_credentials with = { .user = text_of(user) };
	size_t len;

	if (!e->auth.realmc ||
	    secret_open(password, e->sipd->key, e->sealed, e->sealedl))
		return;
	with.password = text_of(password);
	len = authn_client_heads(&e->auth, &with, text_of("REGISTER"),
				 text_of(uri), heads, sizeof(heads));
	compose_bytes(c, heads, len);
	secret_wipe(password, sizeof(password));
	secret_wipe(heads, sizeof(heads));
}


static void put_party(struct compose *c, const char *name,
		      const struct enrol *e)
{
	compose_put(c, name);
	compose_put(c, ": <sip:");
	compose_user(c, text_of(e->username));
	compose_put(c, "@");
	compose_put(c, e->domain);
	compose_put(c, ">");
}


/* By the words of SS_SIP_USER_AGENT_PRIVACY: ignore, id, none */
static const char *const privacies[] = { "", "id", "none" };


static void put_register(struct compose *c, struct enrol *e,
			 const char *branch)
{
	char uri[HOST_MAX + 8];

	(void)text_print(uri, sizeof(uri), "sip:%s", e->domain);
	compose_put(c, "REGISTER ");
	compose_put(c, uri);
	compose_put(c, " SIP/2.0\r\n");
	leg_via(c, e->sipd, &e->to, branch);
	compose_put(c, "Max-Forwards: 70\r\n");
	put_party(c, "From", e);
	compose_put(c, ";tag=");
	compose_put(c, e->from_tag);
	compose_put(c, "\r\n");
	put_party(c, "To", e);
	compose_put(c, "\r\nCall-ID: ");
	compose_put(c, e->call_id);
	compose_put(c, "\r\nCSeq: ");
	compose_number(c, e->cseq);
	compose_put(c, " REGISTER\r\nContact: <");
	compose_put(c, e->contact);
	compose_put(c, ">\r\nExpires: ");
	compose_number(c, e->expires);
	compose_put(c, "\r\nUser-Agent: Tandem\r\n");
	if (e->privacy < COUNT_OF(privacies))
		compose_head(c, "Privacy", text_of(privacies[e->privacy]));
	put_credentials(c, e, uri);
	compose_put(c, "Content-Length: 0\r\n\r\n");
}


static void on_response(txn_id txn, int err, const struct message *m,
			const struct flow *from, void *arg, uint64_t user);


static int send_register(struct enrol *e)
{
	struct sipd *sipd = e->sipd;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	char branch[TXN_BRANCH_SIZE];
	struct txn_resend resend;
	struct compose room;
	struct txn_send send = {
		.method = METHOD_REGISTER,
		.branch = branch,
		.to = e->to,
		.resend = &resend,
		.h = on_response,
		.arg = sipd,
		.user = e->serial,
	};

	if (!c)
		return ENOENT;
	params_resend(&resend, c);
	catalog_unpin(svc_catalog(sipd->svc), c);
	txn_branch(sipd->txns, branch);
	compose_init(&room, sipd->scratch, sizeof(sipd->scratch));
	put_register(&room, e, branch);
	if (room.is_full)
		return EMSGSIZE;
	guard_expect(sipd->guard, &e->to.remote, ev_now_us(sipd->ev));
	send.request = compose_result(&room);

	return txn_send(sipd->txns, &send, &e->txn);
}


static uint32_t repeats_max(const struct sipd *sipd)
{
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	int64_t n = 0;

	if (c) {
		n = catalog_int(c, SS_SIP_AUTHENTICATION_RETRY);
		catalog_unpin(svc_catalog(sipd->svc), c);
	}

	return n < REPEATS_MAX ? (uint32_t)n : REPEATS_MAX;
}


/* Called until the final or the failure, which is the last */
static void on_response(txn_id txn, int err, const struct message *m,
			const struct flow *from, void *arg, uint64_t user)
{
	struct sipd *sipd = arg;
	struct enrol *e = enrol_of_serial(sipd, user);

	(void)from;
	if (!e || e->txn != txn || (!err && m->code < 200))
		return;
	e->txn = 0;
	if (err) {
		tell_none(e);
		return;
	}
	if (m->code != 401 && m->code != 407) {
		tell_final(e, m, false);
		return;
	}
	if (!e->sealedl || !sipd->has_key ||
	    leg_challenged(&e->auth, m, repeats_max(sipd))) {
		tell_final(e, m, true);
		return;
	}
	e->cseq++;
	if (send_register(e))
		tell_none(e);
}


/* --- where to ------------------------------------------------------------- */

static int make_contact(struct enrol *e)
{
	const struct wire_listener *l = wire_listener(e->sipd->wire,
						      e->to.listener);
	struct compose c;

	compose_init(&c, e->contact, sizeof(e->contact) - 1);
	compose_put(&c, "sip:");
	compose_user(&c, text_of(e->username));
	compose_put(&c, "@");
	compose_put(&c, e->host_name[0] ? e->host_name : l->host);
	compose_put(&c, ":");
	compose_number(&c, l->port);
	if (e->transport != TRANSPORT_UDP) {
		compose_put(&c, ";transport=");
		compose_put(&c, transport_uri((enum transport)e->transport));
	}
	e->contact[c.len] = '\0';

	return c.is_full ? EMSGSIZE : 0;
}


static void go_on(struct enrol *e, const struct resolved *r)
{
	struct wire *wire = e->sipd->wire;
	int err = r->err ? r->err : ENOENT;

	if (!r->err && r->addrc)
		err = wire_listener_find(wire, &e->to.listener,
					 (enum transport)e->transport,
					 e->local_port[0] ? e->local_port
							  : "auto",
					 &r->addrs[0]);
	if (!err) {
		e->to.remote = r->addrs[0];
		e->to.transport = e->transport;
		if (e->transport == TRANSPORT_TLS)
			wire_server_name(wire, &e->to.remote,
					 text_of(e->proxy));
		err = make_contact(e);
	}
	if (!err)
		err = send_register(e);
	if (err)
		tell_none(e);
}


static void on_resolved(const struct resolved *r, void *arg, uint64_t user)
{
	struct sipd *sipd = arg;
	struct enrol *e = enrol_of_serial(sipd, user);

	if (e && !e->txn)
		go_on(e, r);
}


/* --- from regd ------------------------------------------------------------ */

/* What it says, if it can be said in a message: no text may end a line */
static int take(struct enrol *e, const Tandem__Enrol *ask)
{
	const struct {
		char *dst;
		size_t size;
		const char *src;
	} texts[] = {
		{ e->proxy, sizeof(e->proxy), ask->proxy },
		{ e->domain, sizeof(e->domain),
		  ask->domain[0] ? ask->domain : ask->proxy },
		{ e->host_name, sizeof(e->host_name), ask->host_name },
		{ e->username, sizeof(e->username), ask->username },
		{ e->auth_user, sizeof(e->auth_user), ask->auth_user },
		{ e->local_port, sizeof(e->local_port), ask->local_port },
		{ e->call_id, sizeof(e->call_id), ask->call_id },
		{ e->from_tag, sizeof(e->from_tag), ask->from_tag },
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (!text_is_printable(text_of(texts[i].src)) ||
		    text_copy(texts[i].dst, texts[i].size,
			      text_of(texts[i].src)))
			return EMSGSIZE;
	if (!e->proxy[0] || !e->username[0] || !e->call_id[0] ||
	    !e->from_tag[0] || ask->port > UINT16_MAX ||
	    ask->transport == TRANSPORT_NONE || ask->transport >= TRANSPORTC ||
	    ask->sealed.len > SEALED_MAX)
		return EINVAL;
	e->sealedl = ask->sealed.len;
	if (e->sealedl)
		memcpy(e->sealed, ask->sealed.data, e->sealedl);
	e->port = (uint16_t)ask->port;
	e->transport = (uint8_t)ask->transport;
	e->record = ask->record;
	e->cseq = ask->cseq;
	e->expires = ask->expires;
	e->privacy = ask->privacy;

	return 0;
}


static void take_header(struct enrol *e, const Tandem__Header *hdr)
{
	e->call = hdr->call;
	e->id = hdr->id;
	e->epoch = hdr->epoch;
	e->peer = hdr->peer;
	e->worker = hdr->worker;
}


static bool is_repeat(const struct enrol *e, const Tandem__Header *hdr)
{
	return e->id == hdr->id && e->epoch == hdr->epoch &&
	       e->worker == hdr->worker;
}


int enrol_on_enrol(void *state, const Tandem__Envelope *env, int tag)
{
	struct sipd *sipd = state;
	const Tandem__Enrol *ask = env->enrol;
	struct enrol *e = enrol_of_record(sipd, ask->record);
	struct resolved r;
	int err;

	(void)tag;
	if (e && is_repeat(e, env->hdr))
		return 0; /* it is under way */
	if (e)
		(void)enrol_free(e);
	e = calloc(1, sizeof(*e));
	if (!e)
		return ENOMEM;
	e->sipd = sipd;
	e->serial = ++sipd->enrol_serial;
	e->next = sipd->enrols;
	sipd->enrols = e;
	take_header(e, env->hdr);
	err = take(e, ask);
	if (err) {
		(void)enrol_free(e);
		return err;
	}

	err = resolve(sipd->resolver, text_of(e->proxy), e->port,
		      (enum transport)e->transport, &r, on_resolved, sipd,
		      e->serial);
	if (err == EAGAIN)
		return 0;
	if (err)
		r = (struct resolved){ .err = err };
	go_on(e, &r);

	return 0;
}
