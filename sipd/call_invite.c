/**
 * @file sipd/call_invite.c  INVITE to a gateway, or to the devices of a phone
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
#include "sipd/fork.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/params.h"
#include "sipd/setup_keep.h"
#include "sipd/wire.h"

enum {
	CALL_ID_CHARS = 24
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
		.contact_user = gateway ? contact_user(c, gateway) : NULL,
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
	if (id->uri.l) /* else a phone's, see fork_aim() */
		texts[LEG_TARGET] = id->uri;
	else if (is_new)
		texts[LEG_TARGET] = text_of("");
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
	struct authn_credentials credentials;
	size_t len;

	if (!gateway || !leg->auth || !leg->auth->realmc)
		return;
	if (sipd_password(call->sipd, cat, gateway->sealed, password,
			  sizeof(password)))
		return;
	credentials.user = text_of(
		catalog_str(cat, RECORD_ROUTING, gateway->gw.username));
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
	/* a PRACK is of one dialog: of several that ring none is promised */
	const bool late = (call->i.flags & CALL_LATE_OFFER) != 0 ||
			  forks_are_many(call);

	compose_put(c, "INVITE ");
	compose_text(c, leg_text(leg, LEG_TARGET));
	compose_put(c, " SIP/2.0\r\n");
	leg_via(c, call->sipd, &leg->i->flow, branch);
	compose_head(c, "Route", leg_text(leg, LEG_ROUTES));
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
	compose_put(c, "User-Agent: Tandem\r\nAllow: " LEG_ALLOW "\r\n");
	if (call->setup->terms.has_timer)
		compose_put(c, late ? "Supported: timer\r\n"
				    : "Supported: 100rel, timer\r\n");
	else if (!late)
		compose_put(c, "Supported: 100rel\r\n");
	put_timer(c, call);
	compose_bytes(c, id->heads.p, id->heads.l);
	put_credentials(c, call, cat, gateway);
	compose_body(c, "application/sdp", sdp);
}


/* One copy of it, to where the leg is aimed */
static int send_copy(struct call *call, const struct catalog *cat,
		     const struct cat_routing *gateway,
		     const struct identity_out *id, struct text sdp,
		     uint32_t t1_s)
{
	struct sipd *sipd = call->sipd;
	struct leg *leg = &call->b;
	const struct forks *forks = call->setup->forks;
	char branch[TXN_BRANCH_SIZE];
	struct compose c;
	struct txn_send send = {
		.method = METHOD_INVITE,
		.branch = branch,
		.to = leg->i->flow,
		.resend = &call->i.params.resend,
		.timeout_ms = t1_s * 1000,
		.h = call_heard_b,
		.arg = sipd,
		.user = call->id,
	};

	if (gateway)
		txn_branch(sipd->txns, branch);
	else
		fork_branch(branch, leg, leg_text(leg, LEG_TARGET));
	compose_init(&c, sipd->scratch, sizeof(sipd->scratch));
	put_invite(&c, call, cat, gateway, id, branch, sdp);
	if (c.is_full)
		return EMSGSIZE;
	send.request = compose_result(&c);
	setup_keep_copy(call, forks ? forks->current : 0, send.request,
			&send.to, send.timeout_ms);
	if (leg->auth)
		setup_keep_auth(call);
	call_publish(call);

	return txn_send(sipd->txns, &send, &leg->invite);
}


/* To each device that was not called yet, or, again, to the one that asked for
 * it. @return 0 if one of them is called */
static int send_forks(struct call *call, const struct catalog *cat,
		      const struct identity_out *id, struct text sdp,
		      bool is_new)
{
	struct forks *forks = call->setup->forks;
	int err = ENOENT, any = ENOENT;

	for (size_t i = 0; i < forks->count; i++) {
		struct fork *f = &forks->rows[i];

		if (is_new ? f->mark != FORK_NEW : i != forks->current)
			continue;
		err = fork_aim(call, i);
		if (!err)
			err = send_copy(call, cat, NULL, id, sdp,
					call->i.params.t1_s);
		f->mark = err ? FORK_OVER : FORK_CALLED;
		f->invite = err ? 0 : call->b.invite;
		if (!err)
			any = 0;
	}

	return any ? err : 0;
}


static int send_invite(struct call *call, const struct catalog *cat,
		       const struct cat_routing *gateway,
		       const struct identity_out *id, bool is_new)
{
	struct leg *leg = &call->b;
	const struct text offer = blob_text(call->sipd->blobs, &call->i.offer);
	struct text sdp = { "", 0 };
	struct gateway_params limits;
	int err = 0;

	if (offer.l)
		err = leg_sdp_make(leg, offer, &sdp, NULL);
	if (err)
		return err;

	leg->i->invite_cseq = ++leg->i->local_cseq;
	if (!gateway)
		return send_forks(call, cat, id, sdp, is_new);
	params_gateway(&limits, &call->i.params, cat, gateway);

	return send_copy(call, cat, gateway, id, sdp, limits.t1_s);
}


static int invite(struct call *call, bool is_new)
{
	struct sipd *sipd = call->sipd;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	const struct cat_routing *gateway =
		c ? catalog_by_id(c, RECORD_ROUTING, call->i.gateway) : NULL;
	const bool is_phone = c && call->setup->forks;
	struct identity_out id;
	int err = ENOENT;

	if (gateway || is_phone)
		err = make_identity(&id, call, c, gateway);
	if (!err && is_new)
		attempt_begin(call, call->i.gateway, &call->setup->to.remote);
	if (!err)
		err = make_leg(call, &id,
			       gateway ? gateway->gw.request_address : 0,
			       is_new);
	if (!err)
		err = send_invite(call, c, gateway, &id, is_new);
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);

	return err;
}


int call_invite(struct call *call)
{
	free(call->b.auth);
	call->b.auth = NULL;
	call_blob_drop(call, &call->setup->kept.texts.auth);
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
