/**
 * @file sipd/invite.c  An INVITE becomes a call, or is refused
 *
 * In the order of call-setup: who is it, may it be answered at all, is it well
 * formed, what are its numbers, is it admitted. A challenge, a 422 and a
 * request that is refused for its form are no calls and leave no record.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/svc/svc.h"
#include "sipd/authenticate.h"
#include "sipd/forward.h"
#include "sipd/call.h"
#include "sipd/guard.h"
#include "sipd/intake.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/metrics.h"
#include "sipd/params.h"
#include "sipd/setup_keep.h"
#include "sipd/stats.h"
#include "sipd/view.h"

/* One INVITE on its way through this file */
struct invite {
	struct sipd *sipd;
	const struct catalog *c;
	txn_id txn;
	const struct message *m;
	const struct flow *from;
	const struct call *parent; /**< That forwards it; NULL: none */
	struct identified who;
	struct timer_asked asked;
	struct timer_terms terms;
};


/* --- calls that are none of anybody known ---------------------------------- */

static void put_identity(struct text facts[FACTC], const struct invite *inv)
{
	struct identity_in in;

	identity_take(&in, inv->c, inv->m, inv->who.kind, inv->who.id);
	facts[FACT_DISPLAY] = in.display;
	facts[FACT_PRIVACY] = in.privacy;
	facts[FACT_PAI_SIP] = in.pai_sip;
	facts[FACT_PAI_TEL] = in.pai_tel;
	facts[FACT_PPI_SIP] = in.ppi_sip;
	facts[FACT_PPI_TEL] = in.ppi_tel;
	facts[FACT_RPID] = in.rpid;
}


/* A struct call with what every record has; and who calls, if it is to be one
 * that calls somebody */
static struct call *call_of(struct invite *inv, bool is_illegal)
{
	struct sipd *sipd = inv->sipd;
	struct text facts[FACTC] = { { NULL, 0 } };
	struct numbers numbers;
	struct call *call;

	if (call_alloc(&call, sipd))
		return NULL;
	call->setup = setup_take(sipd);
	if (!call->setup) {
		call_free(call);
		return NULL;
	}

	call->i.start_us = clk_wall_us();
	call->i.source = inv->from->remote;
	call->i.transport = inv->from->transport;
	call->i.config_version = catalog_control(inv->c)->version;
	call->i.flags = CALL_ALL_503;
	params_take(&call->i.params, inv->c);
	(void)text_copy(call->a.tag, sizeof(call->a.tag),
			text_of(txn_local_tag(sipd->txns, inv->txn)));
	(void)numbers_take(&numbers, inv->c, inv->m, inv->who.kind,
			   inv->who.id);
	facts[FACT_CALLER_ORIGINAL] = text_of(numbers.caller_original.text);
	facts[FACT_CALLER] = text_of(numbers.caller.text);
	facts[FACT_CALLED_ORIGINAL] = text_of(numbers.called_original.text);
	facts[FACT_CALLED] = text_of(numbers.called.text);
	if (!is_illegal)
		put_identity(facts, inv);
	call->setup->caller = numbers.caller;
	call->setup->called = numbers.called;
	call->setup->called_original = numbers.called_original;
	call->a.invite = inv->txn;
	call_own_a(call);
	if (call_facts_set(call, facts) ||
	    leg_take_invite(&call->a, inv->m, inv->from, facts[FACT_CALLED]) ||
	    leg_add(&call->a)) {
		call_free(call);
		return NULL;
	}

	return call;
}


static void refuse_unrecorded(struct invite *inv, bool silent,
			      uint32_t retry_after_s)
{
	struct txns *txns = inv->sipd->txns;
	char seconds[16];

	if (silent) {
		txn_ignore(txns, inv->txn);
		return;
	}
	if (!retry_after_s) {
		(void)txn_reply_code(txns, inv->txn, 403);
		return;
	}
	(void)text_print(seconds, sizeof(seconds), "%u", retry_after_s);
	intake_reply_head(inv->sipd, inv->txn, 403, "Retry-After", seconds);
}


/* Of a source that may not call: recorded if the operator wants to know. */
static void refuse_illegal(struct invite *inv, enum end_reason reason,
			   bool is_unknown, uint32_t retry_after_s)
{
	struct sipd *sipd = inv->sipd;
	const bool silent = is_unknown &&
			    !catalog_int(inv->c, SS_REPLY_UNAUTHORIZED);
	struct call *call = NULL;

	log_info(sipd->log, "illegal_call reason=%s", end_defs[reason].token);
	if (silent)
		metric_inc_at(M_SIP_DROPPED, GUARD_DROP_UNKNOWN);
	if (catalog_int(inv->c, SERVER_BILLING_RECORD_ILLEGAL_CALL))
		call = call_of(inv, true);
	if (!call) {
		refuse_unrecorded(inv, silent, retry_after_s);
		return;
	}

	call->i.flags |= CALL_IS_ILLEGAL;
	stats_attempt(sipd->stats, STATS_IN, 0);
	call->is_silent = silent;
	call->retry_after_s = retry_after_s;
	setup_keep_a(call);
	call_end_with(call, reason);
	call_handle(call, EV_DENIED);
}


/* --- authentication -------------------------------------------------------- */

enum {
	HOPS_MAX = 255 /**< RFC 3261 20.22 */
};


/* After the digest the credentials say who it is. */
static bool terminal_of(struct invite *inv, const char *user)
{
	const struct cat_phone *phone = catalog_phone(inv->c, text_of(user));
	const struct cat_gateway *gw;

	if (phone) {
		inv->who.kind = RECORD_PHONE;
		inv->who.id = phone->row.id;
		return true;
	}
	gw = catalog_terminal(inv->c, text_of(user), &inv->who.kind);
	if (!gw)
		return false;
	inv->who.id = gw->row.id;

	return true;
}


/* @return may it go on? If not, it has been answered. */
static bool is_authentic(struct invite *inv)
{
	struct sipd *sipd = inv->sipd;
	struct authn_answer answer;

	authenticate(sipd, inv->c, inv->m, inv->from, inv->who.username,
		     authn_lookup_catalog, &answer);
	switch (answer.verdict) {
	case AUTHN_ACCEPT:
		if (terminal_of(inv, answer.user))
			return true;
		(void)txn_reply_code(sipd->txns, inv->txn, 403);
		break;
	case AUTHN_CHALLENGE:
	case AUTHN_SILENCE:
		authenticate_refuse(sipd, inv->txn, &answer);
		break;
	case AUTHN_SUSPENDED:
		refuse_illegal(inv, END_AUTHENTICATION_FAILED, false,
			       answer.retry_after_s);
		break;
	case AUTHN_REFUSE:
	default:
		refuse_illegal(inv, END_AUTHENTICATION_FAILED, false, 0);
		break;
	}

	return false;
}


/* --- form ------------------------------------------------------------------ */

static enum timer_refresher refresher_of(const struct message *m)
{
	const struct text value = message_head(m, HEAD_SESSION_EXPIRES);
	struct text head, rest, refresher;

	if (!value.p || !text_cut(value, ';', &head, &rest) ||
	    !head_param(rest, "refresher", &refresher))
		return REFRESHER_NONE;

	return text_is_nocase(refresher, "uac")   ? REFRESHER_UAC
	       : text_is_nocase(refresher, "uas") ? REFRESHER_UAS
						  : REFRESHER_NONE;
}


void timer_asked_of(struct timer_asked *asked, const struct message *m)
{
	*asked = (struct timer_asked){ .has_expires = false };
	asked->has_expires = message_seconds(m, HEAD_SESSION_EXPIRES,
					     &asked->expires_s) == 0;
	if (message_seconds(m, HEAD_MIN_SE, &asked->min_se_s))
		asked->min_se_s = 0;
	asked->refresher = refresher_of(m);
	asked->is_supported = message_lists(m, HEAD_SUPPORTED, "timer");
	asked->is_required = message_lists(m, HEAD_REQUIRE, "timer");
}


/* An extension that we do not have (call-setup 12.6)? Its name goes into
 * Unsupported. */
static bool lacks_extension(struct invite *inv)
{
	struct message_cursor cursor = { 0 };
	char name[64];
	struct text value;

	while (message_next(inv->m, HEAD_REQUIRE, &cursor, &value)) {
		if (text_is_nocase(value, "100rel") ||
		    text_is_nocase(value, "timer"))
			continue;
		if (text_copy(name, sizeof(name), value))
			(void)text_copy(name, sizeof(name), text_of("?"));
		intake_reply_head(inv->sipd, inv->txn, 420, "Unsupported",
				  name);
		return true;
	}

	return false;
}


/* @return may it go on? If not, it has been answered. */
static bool is_well_formed(struct invite *inv)
{
	struct call_params now;
	struct sipd *sipd = inv->sipd;
	char seconds[16];
	uint32_t hops;
	struct text sdp;

	if (!message_seconds(inv->m, HEAD_MAX_FORWARDS, &hops) && hops == 0) {
		(void)txn_reply_code(sipd->txns, inv->txn, 483);
		return false;
	}
	if (!message_head(inv->m, HEAD_CONTACT).p) {
		(void)txn_reply_code(sipd->txns, inv->txn, 400);
		return false;
	}
	if (lacks_extension(inv))
		return false;
	if (message_sdp(inv->m, &sdp) == ENOTSUP) {
		intake_reply_head(sipd, inv->txn, 415, "Accept",
				  "application/sdp");
		return false;
	}

	params_take(&now, inv->c);
	timer_asked_of(&inv->asked, inv->m);
	timer_negotiate(&inv->terms, &inv->asked,
			&(struct timer_params){
				.is_off = now.timer_off,
				.ttl_s = now.ttl_s,
				.min_se_s = now.min_se_s,
				.refresher =
					(enum timer_refresher)now.refresher,
			});
	if (inv->terms.code == 420) {
		intake_reply_head(sipd, inv->txn, 420, "Unsupported", "timer");
		return false;
	}
	if (inv->terms.code) {
		(void)text_print(seconds, sizeof(seconds), "%u",
				 inv->terms.min_se_s);
		intake_reply_head(sipd, inv->txn, inv->terms.code, "Min-SE",
				  seconds);
		return false;
	}

	return true;
}


/* --- the call ---------------------------------------------------------------
 */

static void take_caller(struct call *call, const struct invite *inv)
{
	struct sipd *sipd = inv->sipd;
	const struct cat_gateway *gw;
	const struct cat_phone *phone;

	if (inv->who.kind == RECORD_PHONE) {
		phone = catalog_by_id(inv->c, RECORD_PHONE, inv->who.id);
		call->i.phone = inv->who.id;
		call->i.account = phone ? phone->account : 0;
		return;
	}

	gw = catalog_by_id(inv->c, RECORD_MAPPING, inv->who.id);
	call->i.mapping = inv->who.id;
	if (!gw)
		return;
	call->i.account = gw->account;
	call->i.group_a = gw->group;
	call->a.i->request_address = (uint8_t)gw->request_address;
	leg_aim(&call->a);
	txn_reply_to(sipd->txns, inv->txn,
		     (enum txn_reply_address)gw->reply_address);
}


static enum end_reason take_offer(struct call *call, const struct invite *inv)
{
	struct sdp *sdp = &call->setup->offer;
	struct text body;

	(void)message_sdp(inv->m, &body);
	if (!body.l) {
		call->i.flags |= CALL_LATE_OFFER;
		return END_NONE;
	}
	if (leg_sdp_parse(sdp, &call->a, body))
		return END_MEDIA_FAILURE;
	call->setup->has_offer = true;
	if (blob_take(inv->sipd->blobs, &call->i.offer, &body, 1))
		return END_INTERNAL_ERROR;
	call->a.i->peer_session = sdp->session;
	call->a.i->peer_version = sdp->version;

	return END_NONE;
}


static enum end_reason admit(struct call *call, const struct invite *inv)
{
	struct sipd *sipd = inv->sipd;
	const struct route_caller caller = { inv->who.kind, inv->who.id };
	const bool is_overloaded = guard_is_overloaded(sipd->guard);
	enum end_reason reason;
	struct view view;

	if (sipd->is_draining) {
		call->retry_after_s = 5;
		return END_CAPACITY_LIMIT;
	}
	if (!view_init(&view, sipd, call))
		return END_INTERNAL_ERROR;
	reason = route_admit(&view.route, &caller, &call->setup->caller,
			     &call->setup->called, is_overloaded);
	if (!reason)
		reason = call_lines_take(call, inv->c);
	if (reason == END_CAPACITY_LIMIT)
		call->retry_after_s = route_retry_after_s(&view.route,
							  is_overloaded);
	view_done(&view);

	return reason;
}


static void begin(struct invite *inv)
{
	struct sipd *sipd = inv->sipd;
	struct call *call = call_of(inv, false);
	enum end_reason reason;
	uint32_t hops;

	if (!call) {
		metric_inc(M_CALL_SLOTS_FULL);
		intake_reply_head(sipd, inv->txn, 503, "Retry-After", "5");
		return;
	}

	take_caller(call, inv);
	setup_keep_a(call);
	stats_attempt(sipd->stats, STATS_IN, call->i.mapping);
	call->setup->terms = inv->terms;
	call->setup->max_forwards = message_seconds(inv->m, HEAD_MAX_FORWARDS,
						    &hops)
					    ? 70
				    : hops > HOPS_MAX ? HOPS_MAX
						      : hops;
	if (inv->terms.has_timer)
		call->i.flags |= CALL_IS_TIMER;
	log_info(&call->log, "call_start caller=%.4s... called=%.4s...",
		 call->setup->caller.text, call->setup->called.text);

	reason = take_offer(call, inv);
	if (inv->parent && forward_inherit(call, inv->parent, inv->c))
		reason = END_INTERNAL_ERROR;
	if (!reason)
		reason = admit(call, inv);
	if (reason) {
		(void)txn_reply_code(sipd->txns, inv->txn, 100);
		call_end_with(call, reason);
	}
	call_handle(call, reason ? EV_DENIED : EV_INVITE);
}


void invite_receive(struct sipd *sipd, txn_id txn, const struct message *m,
		    const struct flow *from)
{
	struct invite inv = {
		.sipd = sipd,
		.c = catalog_pin(svc_catalog(sipd->svc)),
		.txn = txn,
		.m = m,
		.from = from,
	};

	inv.parent = forward_parent(sipd, m, from);
	if (inv.parent)
		inv.who = (struct identified){
			.row = IDENTIFY_BINDING,
			.kind = RECORD_PHONE,
			.id = inv.parent->i.phone_b,
		};
	else
		intake_identify(&inv.who, sipd, inv.c, m, from);
	if (!inv.parent &&
	    catalog_lists_source(inv.c, CAT_SOURCE_BLACK, &from->remote)) {
		refuse_illegal(&inv, END_BLACKLISTED, true, 0);
	}
	else if (inv.who.row == IDENTIFY_UNKNOWN ||
		 inv.who.row == IDENTIFY_NONE) {
		guard_offend(sipd->guard, inv.c, &from->remote,
			     GUARD_UNAUTHORISED_INVITE, ev_now_us(sipd->ev));
		refuse_illegal(&inv, END_UNAUTHORIZED_SOURCE, true, 0);
	}
	else if (inv.who.row == IDENTIFY_ROUTING_ONLY) {
		refuse_illegal(&inv, END_UNAUTHORIZED_SOURCE, false, 0);
	}
	else if ((!inv.who.is_challenged || is_authentic(&inv)) &&
		 is_well_formed(&inv)) {
		if (inv.who.kind == RECORD_ROUTING)
			refuse_illegal(&inv, END_UNAUTHORIZED_SOURCE, false,
				       0);
		else
			begin(&inv);
	}
	catalog_unpin(svc_catalog(sipd->svc), inv.c);
}
