/**
 * @file sipd/call_invite.c  INVITE to a gateway, and what comes back
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/auth/authn.h"
#include "shared/auth/secret.h"
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/attempt.h"
#include "sipd/call_act.h"
#include "sipd/intake.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/params.h"
#include "sipd/prack.h"
#include "sipd/session.h"
#include "sipd/wire.h"

enum {
	RAISES_MAX = 3, /**< call-setup 7: 422 at most three times a leg */
	CALL_ID_CHARS = 24,
};


/* --- the dialog that it begins
 * ------------------------------------------------ */

static void identity_of(struct identity_in *in, const struct call *call)
{
	*in = (struct identity_in){
		.caller = call->setup->caller,
		.called = call->setup->redirect.len ? call->setup->redirect
						    : call->setup->called,
		.called_original = call->setup->called_original,
		.display = call_fact(call, FACT_DISPLAY),
		.privacy = call_fact(call, FACT_PRIVACY),
		.pai_sip = call_fact(call, FACT_PAI_SIP),
		.pai_tel = call_fact(call, FACT_PAI_TEL),
		.ppi_sip = call_fact(call, FACT_PPI_SIP),
		.ppi_tel = call_fact(call, FACT_PPI_TEL),
		.rpid = call_fact(call, FACT_RPID),
		.diversion = call_fact(call, FACT_DIVERSION),
	};
}


/* User of the tied registration (identity 6) */
static const char *contact_user(const struct catalog *c,
				const struct cat_routing *gateway)
{
	const struct cat_registration *r =
		gateway->registration ? catalog_by_id(c, RECORD_REGISTRATION,
						      gateway->registration)
				      : NULL;

	return r ? catalog_str(c, RECORD_REGISTRATION, r->username) : NULL;
}


static int make_identity(struct identity_out *out, struct call *call,
			 const struct catalog *c,
			 const struct cat_routing *gateway)
{
	const struct wire_listener *l =
		wire_listener(call->sipd->wire, call->setup->to.listener);
	const struct identity_to to = {
		.gateway = gateway,
		.local_host = text_of(l->host),
		.target_host = text_of(call->setup->target_host),
		.target_port = call->setup->target_port,
		.contact_user = contact_user(c, gateway),
	};
	struct identity_in in;

	identity_of(&in, call);

	return identity_make(out, c, &in, &to);
}


/* A new dialog for each attempt: Call-ID and tag of its own */
static int make_leg(struct call *call, const struct identity_out *id,
		    int32_t request_address, bool is_new)
{
	struct leg *leg = &call->b;
	char call_id[CALL_ID_CHARS + 1], contact[512];
	struct text texts[LEG_TEXTC] = { { NULL, 0 } };
	struct text facts[FACTC] = { { NULL, 0 } };
	struct compose c;
	int err;

	leg->i->flow = call->setup->to;
	compose_init(&c, contact, sizeof(contact));
	leg_contact(&c, call->sipd, &leg->i->flow, id->contact_user);
	if (is_new) {
		const struct blob none = { 0 };

		call_blob_drop(call, &leg->i->sdp);
		call_blob_drop(call, &leg->i->texts);
		*leg->i = (struct leg_image){
			.flow = call->setup->to,
			.sdp = none,
			.request_address = (uint8_t)request_address,
		};
		txn_tag(call->sipd->txns, leg->tag);
		id_token(call_id, CALL_ID_CHARS);
		texts[LEG_CALL_ID] = text_of(call_id);
		texts[LEG_LOCAL_TAG] = text_of(leg->tag);
		texts[LEG_REMOTE_TAG] = text_of("");
		texts[LEG_ROUTES] = text_of("");
	}
	texts[LEG_LOCAL] = id->from;
	texts[LEG_REMOTE] = id->to;
	texts[LEG_TARGET] = id->uri;
	texts[LEG_CONTACT] = compose_result(&c);
	facts[FACT_CALLER_SENT] = text_of(id->caller_sent.text);
	facts[FACT_CALLED_SENT] = text_of(id->called_sent.text);
	err = c.is_full ? EMSGSIZE : leg_texts_set(leg, texts);
	if (!err)
		err = call_facts_set(call, facts);
	if (!err && is_new)
		err = leg_add(leg);
	leg->i->state = LEG_CALLED;

	return err;
}


/* --- the message
 * ---------------------------------------------------------------- */

static void put_timer(struct compose *c, const struct call *call)
{
	const struct setup *setup = call->setup;
	const struct timer_terms *terms = &setup->terms;
	const uint32_t floor_s = setup->min_se_s;

	if (!terms->has_timer)
		return;
	compose_put(c, "Session-Expires: ");
	compose_number(c, terms->b_expires_s > floor_s ? terms->b_expires_s
						       : floor_s);
	compose_put(c, call->i.params.refresher == REFRESHER_UAS
			       ? ";refresher=uas\r\nMin-SE: "
			       : ";refresher=uac\r\nMin-SE: ");
	compose_number(c, terms->b_min_se_s > floor_s ? terms->b_min_se_s
						      : floor_s);
	compose_put(c, "\r\n");
}


/* The password of a gateway is opened for as long as it is needed. */
static void put_credentials(struct compose *c, struct call *call,
			    const struct catalog *cat,
			    const struct cat_routing *gateway)
{
	struct leg *leg = &call->b;
	char heads[2048], password[256] = "";
	struct authn_credentials credentials = {
		.user = text_of(catalog_str(cat, RECORD_ROUTING,
					    gateway->gw.username)),
	};
	size_t len;

	if (!leg->auth || !leg->auth->realmc)
		return;
	if (sipd_password(call->sipd, cat, gateway->sealed, password,
			  sizeof(password)))
		return;
	credentials.password = text_of(password);
	len = authn_client_heads(leg->auth, &credentials, text_of("INVITE"),
				 leg_text(leg, LEG_TARGET), heads,
				 sizeof(heads));
	compose_bytes(c, heads, len);
	explicit_bzero(password, sizeof(password));
}


static void put_invite(struct compose *c, struct call *call,
		       const struct catalog *cat,
		       const struct cat_routing *gateway,
		       const struct identity_out *id, const char *branch,
		       struct text sdp)
{
	const struct leg *leg = &call->b;
	const bool late = (call->i.flags & CALL_LATE_OFFER) != 0;

	compose_put(c, "INVITE ");
	compose_text(c, leg_text(leg, LEG_TARGET));
	compose_put(c, " SIP/2.0\r\n");
	leg_via(c, call->sipd, &leg->i->flow, branch);
	compose_put(c, "Max-Forwards: ");
	compose_number(c, call->setup->max_forwards - 1);
	compose_put(c, "\r\nFrom: ");
	compose_text(c, leg_text(leg, LEG_LOCAL));
	compose_put(c, ";tag=");
	compose_put(c, leg->tag);
	compose_put(c, "\r\n");
	compose_head(c, "To", leg_text(leg, LEG_REMOTE));
	compose_head(c, "Call-ID", leg_text(leg, LEG_CALL_ID));
	compose_put(c, "CSeq: ");
	compose_number(c, leg->i->invite_cseq);
	compose_put(c, " INVITE\r\n");
	compose_head(c, "Contact", leg_text(leg, LEG_CONTACT));
	compose_put(c, "User-Agent: Tandem\r\n");
	compose_head(c, "Allow", text_of(leg_allow));
	if (call->setup->terms.has_timer)
		compose_head(c, "Supported",
			     text_of(late ? "timer" : "100rel, timer"));
	else if (!late)
		compose_head(c, "Supported", text_of("100rel"));
	put_timer(c, call);
	compose_bytes(c, id->heads.p, id->heads.l);
	put_credentials(c, call, cat, gateway);
	compose_body(c, "application/sdp", sdp);
}


static void on_response(txn_id txn, int err, const struct message *m,
			const struct flow *from, void *arg, uint64_t user);


static int send_invite(struct call *call, const struct catalog *cat,
		       const struct cat_routing *gateway,
		       const struct identity_out *id)
{
	struct sipd *sipd = call->sipd;
	struct leg *leg = &call->b;
	const struct text offer = blob_text(sipd->blobs, &call->i.offer);
	struct text sdp = { "", 0 };
	char branch[TXN_BRANCH_SIZE];
	struct gateway_params limits;
	struct compose c;
	struct txn_send send = {
		.method = METHOD_INVITE,
		.branch = branch,
		.to = leg->i->flow,
		.resend = &call->i.params.resend,
		.h = on_response,
		.arg = sipd,
		.user = call->id,
	};
	int err = 0;

	params_gateway(&limits, &call->i.params, cat, gateway);
	send.timeout_ms = limits.t1_s * 1000;
	if (offer.l)
		err = leg_sdp_make(leg, offer, &sdp, NULL);
	if (err)
		return err;

	leg->i->invite_cseq = ++leg->i->local_cseq;
	txn_branch(sipd->txns, branch);
	compose_init(&c, sipd->scratch, sizeof(sipd->scratch));
	put_invite(&c, call, cat, gateway, id, branch, sdp);
	if (c.is_full)
		return EMSGSIZE;
	call_publish(call);
	send.request = compose_result(&c);

	return txn_send(sipd->txns, &send, &leg->invite);
}


static int invite(struct call *call, bool is_new)
{
	struct sipd *sipd = call->sipd;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	const struct cat_routing *gateway =
		c ? catalog_by_id(c, RECORD_ROUTING, call->i.gateway) : NULL;
	struct identity_out id;
	int err = ENOENT;

	if (gateway)
		err = make_identity(&id, call, c, gateway);
	if (!err && is_new)
		attempt_begin(call, call->i.gateway, &call->setup->to.remote);
	if (!err)
		err = make_leg(call, &id, gateway->gw.request_address, is_new);
	if (!err)
		err = send_invite(call, c, gateway, &id);
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);

	return err;
}


int call_invite(struct call *call)
{
	free(call->b.auth);
	call->b.auth = NULL;
	call->setup->raises = call->setup->redirects = 0;
	call->setup->min_se_s = 0;
	call->setup->redirect.len = 0;
	/* What the last gateway said is no answer of this one. */
	call_blob_drop(call, &call->i.b_sdp);

	return invite(call, true);
}


/* Same gateway, same dialog, higher CSeq */
int call_repeat(struct call *call)
{
	ev_timer_stop(&call->timer);
	call->setup->classes = 0;

	return invite(call, false);
}


/* --- what comes back
 * -------------------------------------------------------------- */

/* 401 and 407 (authentication 7) */
static bool can_authenticate(struct call *call, const struct message *m)
{
	if (!leg_has_credentials(&call->b))
		return false;
	if (!call->b.auth)
		call->b.auth = calloc(1, sizeof(*call->b.auth));

	return call->b.auth &&
	       !leg_challenged(call->b.auth, m, call->i.params.auth_retry);
}


/* call-setup 12.1: the user of the first Contact is the number for one more
 * INVITE to the same gateway. */
static bool can_follow(struct call *call, const struct message *m)
{
	struct sipd *sipd = call->sipd;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	const struct cat_routing *gateway =
		c ? catalog_by_id(c, RECORD_ROUTING, call->i.gateway) : NULL;
	const int32_t redirects = gateway ? gateway->redirects : 0;
	struct message_cursor cursor = { 0 };
	struct head_addr addr;
	struct text value;

	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);
	if (call->setup->redirects >= redirects ||
	    !message_next(m, HEAD_CONTACT, &cursor, &value) ||
	    head_addr_parse(&addr, value) || addr.is_star)
		return false;

	number_clean(&call->setup->redirect, addr.uri.user);
	if (!call->setup->redirect.is_valid)
		return false;
	call->setup->redirects++;

	return true;
}


/* 422: Session-Expires and Min-SE are raised to what it wants. */
static bool can_raise(struct call *call, const struct message *m)
{
	uint32_t min_se_s;

	if (call->setup->raises == RAISES_MAX ||
	    !call->setup->terms.has_timer ||
	    message_seconds(m, HEAD_MIN_SE, &min_se_s))
		return false;

	call->setup->raises++;
	if (min_se_s > call->setup->min_se_s)
		call->setup->min_se_s = min_se_s;

	return true;
}


static void heard_final(struct call *call, const struct message *m)
{
	const unsigned code = m->code;
	bool repeat = false;
	enum attempt_end end = ATTEMPT_FINAL;

	call->b.invite = 0; /* over; nothing of it is to be cancelled */
	if (code == 401 || code == 407) {
		repeat = can_authenticate(call, m);
		end = ATTEMPT_AUTH;
	}
	else if (code == 422) {
		repeat = can_raise(call, m);
	}
	else if (code >= 300 && code < 400) {
		repeat = can_follow(call, m);
	}

	if (repeat)
		call_handle(call, EV_REPEAT);
	else
		attempt_failed(call, end, code);
}


/* The SDP of B's latest word, for A */
static bool keep_sdp(struct call *call, const struct message *m)
{
	struct text body;
	struct blob blob = { 0 };
	int err;

	if (message_sdp(m, &body) || !body.l)
		return false;
	(void)leg_sdp_heard(&call->b, body, &err);
	if (err || blob_take(call->sipd->blobs, &blob, &body, 1))
		return false;
	call_blob_drop(call, &call->i.b_sdp);
	call->i.b_sdp = blob;

	return true;
}


static enum call_event event_of(unsigned code, bool has_sdp)
{
	if (code == 180)
		return EV_ALERTING;

	return has_sdp ? EV_EARLY_MEDIA : EV_PROGRESS;
}


static bool tag_is(const struct leg *leg, struct text tag)
{
	const struct text known = leg_text(leg, LEG_REMOTE_TAG);

	return known.l == tag.l && memcmp(known.p, tag.p, tag.l) == 0;
}


static void heard_provisional(struct call *call, const struct message *m,
			      const struct flow *from)
{
	struct setup *setup = call->setup;

	/* Those that are not passed on have ended T1 as well: without T2
	 * nothing would bound the wait for more. */
	if (m->code < 180 || m->code > 183) {
		if (call->i.state == CALL_CALLING)
			call_handle(call, EV_TRYING);
		return;
	}
	if (m->to_tag.l && !tag_is(&call->b, m->to_tag))
		call->b.i->rseq = 0; /* another branch counts by itself */
	if (m->to_tag.l && leg_take_response(&call->b, m, from))
		return;
	if (!prack_heard(call, m))
		return; /* a copy, or one out of turn */

	call->b.i->state = LEG_EARLY;
	setup->b_code = m->code;
	setup->b_has_sdp = keep_sdp(call, m);
	setup->result.had_sdp |= setup->b_has_sdp;
	call_handle(call, event_of(m->code, setup->b_has_sdp));
}


/* An attempt that may still come to something. */
static bool is_under_way(const struct call *call)
{
	return call->i.state == CALL_CALLING || call->i.state == CALL_RINGING;
}


static void heard_answer(struct call *call, const struct message *m,
			 const struct flow *from)
{
	if (!is_under_way(call)) {
		intake_stray(m, from, call->sipd);
		return;
	}
	if (leg_take_response(&call->b, m, from)) {
		/* Without a tag, or there is no room: no dialog comes of it */
		intake_stray(m, from, call->sipd);
		call->b.invite = 0;
		attempt_failed(call, ATTEMPT_FINAL, 500);
		return;
	}

	call->i.code_b = m->code;
	call->setup->b_has_sdp = keep_sdp(call, m);
	session_taken(&call->b, m);
	call->b.i->state = LEG_CONFIRMED;
	call_handle(call, EV_ANSWER);
}


/* clang-format off */
static const struct {
	int err;
	enum attempt_end end;
} failures[] = {
	{ ETIMEDOUT, ATTEMPT_T1      },
	{ EHOSTDOWN, ATTEMPT_RESENDS },
};
/* clang-format on */


static void on_response(txn_id txn, int err, const struct message *m,
			const struct flow *from, void *arg, uint64_t user)
{
	struct sipd *sipd = arg;
	struct call *call = call_find(sipd, user);

	if (!call || call->b.invite != txn) {
		if (m && m->code / 100 == 2)
			intake_stray(m, from, sipd);
		return;
	}
	if (!is_under_way(call) && (!m || m->code / 100 != 2))
		return; /* behind the 2xx that was taken */
	if (err) {
		enum attempt_end end = ATTEMPT_TRANSPORT;

		for (size_t i = 0; i < COUNT_OF(failures); i++)
			if (failures[i].err == err)
				end = failures[i].end;
		attempt_failed(call, end, 0);
	}
	else if (m->code < 200) {
		heard_provisional(call, m, from);
	}
	else if (m->code < 300) {
		heard_answer(call, m, from);
	}
	else {
		heard_final(call, m);
	}
}
