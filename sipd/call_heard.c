/**
 * @file sipd/call_heard.c  What comes back for an INVITE to B
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/auth/authn.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/attempt.h"
#include "sipd/call_act.h"
#include "sipd/fork.h"
#include "sipd/intake.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/prack.h"
#include "sipd/session.h"
#include "sipd/setup_keep.h"

enum {
	RAISES_MAX = 3 /**< call-setup 7: 422 at most three times a leg */
};


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

	if (call->setup->raises == RAISES_MAX || forks_are_many(call) ||
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
	unsigned code = m->code;
	bool repeat = false;
	enum attempt_end end = ATTEMPT_FINAL;
	const txn_id txn = call->b.invite;

	setup_over(call, txn);
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
	else if (!forks_go_on(call, txn, &end, &code))
		attempt_failed(call, end, code);
	else
		call_publish(call);
}


/* The SDP of B's latest word, for A */
static bool keep_sdp(struct call *call, const struct message *m)
{
	struct text body;
	struct blob blob = { 0 };
	int err;

	if (message_sdp(m, &body) || !body.l)
		return false;
	(void)leg_sdp_heard(&call->b, body,
			    (call->i.flags & CALL_LATE_OFFER) != 0, &err);
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

	setup_heard(call, call->b.invite);
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
	setup->kept.is_told = false;
	call_handle(call, event_of(m->code, setup->b_has_sdp));
}


/* An attempt that may still come to something. */
static bool is_under_way(const struct call *call)
{
	return call->i.state == CALL_CALLING || call->i.state == CALL_RINGING;
}


/* Copies of the answer are told apart from others by the dialog, as they would
 * be if there still were a transaction: intake_stray(). */
static void heard_answer(struct call *call, const struct message *m,
			 const struct flow *from)
{
	struct txns *txns = call->sipd->txns;
	const txn_id txn = call->b.invite;

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
	setup_over(call, call->b.invite);
	forks_cancel(call, forks_elsewhere);
	call_handle(call, EV_ANSWER);
	txn_leave(txns, txn);
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


static void heard(struct call *call, txn_id txn, int err,
		  const struct message *m, const struct flow *from)
{
	struct sipd *sipd = call->sipd;

	if (!forks_own(call, txn)) {
		if (m && m->code / 100 == 2)
			intake_stray(m, from, sipd);
		return;
	}
	if (!is_under_way(call) && (!m || m->code / 100 != 2))
		return; /* behind the 2xx that was taken */
	if (err) {
		enum attempt_end end = ATTEMPT_TRANSPORT;
		unsigned code = 0;

		for (size_t i = 0; i < COUNT_OF(failures); i++)
			if (failures[i].err == err)
				end = failures[i].end;
		if (call->setup->forks)
			setup_over(call, txn);
		if (!forks_go_on(call, txn, &end, &code))
			attempt_failed(call, end, code);
		else
			call_publish(call);
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


void call_heard_b(txn_id txn, int err, const struct message *m,
		  const struct flow *from, void *arg, uint64_t user)
{
	struct sipd *sipd = arg;
	struct call *call = call_find(sipd, user);
	bool has_begun;

	if (!call) {
		if (m && m->code / 100 == 2)
			intake_stray(m, from, sipd);
		return;
	}
	has_begun = call_work_begin(call);
	heard(call, txn, err, m, from);
	call_work_end(sipd, has_begun);
}
