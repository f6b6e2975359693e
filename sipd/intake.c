/**
 * @file sipd/intake.c  From bytes to who answers them
 *
 * What has a dialog goes to its leg, an INVITE without to invite.c; all other
 * requests are answered here, by one table: method, and whether the source is
 * known (README 5, authentication 6).
 */
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/svc/svc.h"
#include "sipd/bindings.h"
#include "sipd/call.h"
#include "sipd/guard.h"
#include "sipd/intake.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/metrics.h"
#include "sipd/register.h"
#include "sipd/session.h"


/* --- what cannot be read -------------------------------------------------- */

static void refuse_fault(struct sipd *sipd, const struct message *m,
			 const struct flow *from)
{
	const struct message_fault_def *def = &message_faults[m->fault];
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	const int64_t now_us = ev_now_us(sipd->ev);
	const bool is_known = c && guard_knows(sipd->guard, c, &from->remote,
					       now_us);

	metric_inc_at(M_SIP_PARSE_ERRORS, m->fault);
	bindings_shield(sipd, from);
	guard_offend(sipd->guard, c, &from->remote, GUARD_MALFORMED, now_us);
	if (m->is_request && def->code && m->method != METHOD_ACK &&
	    (is_known || (c && catalog_int(c, SS_REPLY_UNAUTHORIZED))))
		txn_refuse(sipd->txns, m, from, def->code);
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);
}


/* --- scanners ------------------------------------------------------------- */

static bool is_scanner(const struct catalog *c, const struct message *m)
{
	return guard_is_scanner(c, message_head(m, HEAD_USER_AGENT)) ||
	       guard_is_scanner(c, m->from.display) ||
	       guard_is_scanner(c, m->from.uri.user);
}


/* An unknown source that gives itself away (security 4) */
static bool drop_scanner(struct sipd *sipd, const struct message *m,
			 const struct flow *from, const struct catalog *c)
{
	const int64_t now_us = ev_now_us(sipd->ev);

	if (guard_knows(sipd->guard, c, &from->remote, now_us) ||
	    !is_scanner(c, m))
		return false;

	metric_inc_at(M_SIP_DROPPED, GUARD_DROP_SCANNER);
	guard_offend(sipd->guard, c, &from->remote, GUARD_SCANNER, now_us);

	return true;
}


/* --- bytes ---------------------------------------------------------------- */

/* @return false: not now, as any other request */
static bool challenge(struct sipd *sipd, const struct message *m,
		      const struct flow *from)
{
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));

	if (!c)
		return false;
	if (from->is_loop || !drop_scanner(sipd, m, from, c))
		register_challenge(sipd, m, from, c);
	catalog_unpin(svc_catalog(sipd->svc), c);

	return true;
}


void intake_bytes(const struct flow *from, char *data, size_t len,
		  int64_t age_us, void *arg)
{
	struct sipd *sipd = arg;
	struct message *m = &sipd->message;

	(void)age_us; /* the guard has looked at it */
	(void)message_parse(m, data, len, from->transport != TRANSPORT_UDP);
	if (m->fault == MESSAGE_EMPTY)
		return;
	if (m->fault) {
		refuse_fault(sipd, m, from);
		/* Where the next one begins nobody knows. */
		if (m->fault == MESSAGE_NO_LENGTH)
			wire_end(sipd->wire, from);
		return;
	}
	metric_inc_at(M_SIP_MESSAGES,
		      sipd_metric_message(SIP_IN, m->method, m->code));
	if (register_is_bare(m) && challenge(sipd, m, from))
		return;
	if (m->is_request && m->method == METHOD_REGISTER)
		register_ahead(sipd, m);
	txn_receive(sipd->txns, m, from);
}


bool intake_is_copy(const struct flow *from, char *data, size_t len, void *arg)
{
	struct sipd *sipd = arg;
	struct message *m = &sipd->message;

	return !message_parse(m, data, len,
			      from->transport != TRANSPORT_UDP) &&
	       txn_knows(sipd->txns, m);
}


/* --- dialogs -------------------------------------------------------------- */

static bool is_its_tag(const struct leg *leg, struct text tag)
{
	const struct text known = leg_text(leg, LEG_REMOTE_TAG);

	return known.l == tag.l &&
	       (!tag.l || memcmp(known.p, tag.p, tag.l) == 0);
}


/* RFC 3261 12.2.2: all three make the dialog. Until B has answered each branch
 * of it has a tag of its own. */
static struct leg *dialog_find(struct sipd *sipd, const struct message *m)
{
	struct leg *leg = leg_find(sipd, m->to_tag, m->call_id);

	if (!leg || is_its_tag(leg, m->from_tag) ||
	    (leg->is_b && leg->i->state < LEG_CONFIRMED))
		return leg;

	return NULL;
}


/* --- requests without dialog ---------------------------------------------- */

/* What is answered: a code, or one of these */
enum {
	SAY_OPTIONS = 1, /**< 200 with Allow and Accept */
	SAY_NOT_ALLOWED, /**< 405 with Allow */
	SAY_INVITE,
	SAY_NOTHING,
};

/* clang-format off */
static const struct {
	uint16_t known, unknown;
} answers[METHODC] = {
	/*                    known            unknown (if it is answered) */
	[METHOD_OTHER]     = { 501,             501 },
	[METHOD_INVITE]    = { SAY_INVITE,      SAY_INVITE },
	[METHOD_ACK]       = { SAY_NOTHING,     SAY_NOTHING },
	[METHOD_CANCEL]    = { 481,             481 },
	[METHOD_BYE]       = { 481,             481 },
	[METHOD_OPTIONS]   = { SAY_OPTIONS,     SAY_OPTIONS },
	[METHOD_REGISTER]  = { SAY_NOTHING,     SAY_NOTHING }, /* register.c */
	[METHOD_PRACK]     = { 481,             481 },
	[METHOD_UPDATE]    = { 481,             481 },
	[METHOD_INFO]      = { 481,             481 },
	[METHOD_REFER]     = { SAY_NOT_ALLOWED, 403 },
	[METHOD_SUBSCRIBE] = { SAY_NOT_ALLOWED, 403 },
	[METHOD_NOTIFY]    = { SAY_NOT_ALLOWED, 481 },
	[METHOD_MESSAGE]   = { SAY_NOT_ALLOWED, 403 },
	[METHOD_PUBLISH]   = { SAY_NOT_ALLOWED, 403 },
};
/* clang-format on */


void intake_reply_head(struct sipd *sipd, txn_id txn, unsigned code,
		       const char *name, const char *value)
{
	char heads[256];
	struct txn_reply reply = { .code = code };
	struct compose c;

	compose_init(&c, heads, sizeof(heads));
	compose_head(&c, name, text_of(value));
	reply.heads = compose_result(&c);
	(void)txn_reply(sipd->txns, txn, &reply);
}


static void reply_options(struct sipd *sipd, txn_id txn)
{
	char heads[256];
	struct txn_reply reply = { .code = 200 };
	struct compose c;

	compose_init(&c, heads, sizeof(heads));
	compose_head(&c, "Allow", text_of(leg_allow));
	compose_head(&c, "Accept", text_of("application/sdp"));
	compose_head(&c, "Supported", text_of("100rel, timer"));
	reply.heads = compose_result(&c);
	(void)txn_reply(sipd->txns, txn, &reply);
}


void intake_unknown(struct sipd *sipd, txn_id txn, const struct catalog *c,
		    unsigned code)
{
	if (!catalog_int(c, SS_REPLY_UNAUTHORIZED)) {
		metric_inc_at(M_SIP_DROPPED, GUARD_DROP_UNKNOWN);
		txn_ignore(sipd->txns, txn);
		return;
	}
	(void)txn_reply_code(sipd->txns, txn, code);
}


static struct text credentials_user(const struct message *m)
{
	static const enum head heads[] = { HEAD_AUTHORIZATION,
					   HEAD_PROXY_AUTHORIZATION };

	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		const struct text value = message_head(m, heads[i]);
		struct head_digest digest;

		if (value.p && !head_digest_parse(&digest, value) &&
		    digest.is_digest)
			return digest.username;
	}

	return (struct text){ "", 0 };
}


void intake_identify(struct identified *who, struct sipd *sipd,
		     const struct catalog *c, const struct message *m,
		     const struct flow *from)
{
	struct identify_bound bound;

	bindings_source(&bound, sipd, c, from, m->from.uri.user);
	identify(who, c, m, &from->remote, &bound, credentials_user(m), NULL,
		 NULL);
}


static bool is_unknown(const struct identified *who)
{
	return who->row == IDENTIFY_UNKNOWN || who->row == IDENTIFY_NONE;
}


static void answer(struct sipd *sipd, txn_id txn, const struct message *m,
		   const struct flow *from, const struct catalog *c)
{
	struct identified who;
	bool unknown;
	uint16_t what;

	if (m->method == METHOD_INVITE) {
		invite_receive(sipd, txn, m, from);
		return;
	}
	if (m->method == METHOD_REGISTER) {
		register_receive(sipd, txn, m, from, c);
		return;
	}

	intake_identify(&who, sipd, c, m, from);
	unknown = is_unknown(&who);
	what = unknown ? answers[m->method].unknown : answers[m->method].known;
	if (unknown && !catalog_int(c, SS_REPLY_UNAUTHORIZED))
		intake_unknown(sipd, txn, c, 0);
	else if (what == SAY_OPTIONS)
		reply_options(sipd, txn);
	else if (what == SAY_NOT_ALLOWED)
		intake_reply_head(sipd, txn, 405, "Allow", leg_allow);
	else if (what == SAY_NOTHING)
		txn_ignore(sipd->txns, txn);
	else
		(void)txn_reply_code(sipd->txns, txn, what);
}


void intake_request(txn_id txn, const struct message *m,
		    const struct flow *from, void *arg)
{
	struct sipd *sipd = arg;
	const struct catalog *c;
	struct leg *leg;

	if (m->to_tag.l) {
		leg = dialog_find(sipd, m);
		if (leg) {
			indialog_receive(leg, txn, m, from);
			return;
		}
	}

	c = catalog_pin(svc_catalog(sipd->svc));
	if (!c) {
		(void)txn_reply_code(sipd->txns, txn, 503);
		return;
	}
	if (!from->is_loop && drop_scanner(sipd, m, from, c))
		txn_ignore(sipd->txns, txn);
	else if (m->to_tag.l && m->method == METHOD_INVITE)
		intake_unknown(sipd, txn, c, 481);
	else
		answer(sipd, txn, m, from, c);
	catalog_unpin(svc_catalog(sipd->svc), c);
}


/* Only REGISTERs are answered anew. */
void intake_again(const struct message *m, const struct flow *from,
		  uint64_t user, void *arg)
{
	struct sipd *sipd = arg;

	if (m->method == METHOD_BYE)
		(void)txn_answer(sipd->txns, m, from, 200, (struct text){ 0 });
	else
		register_again(sipd, m, from, user);
}


void intake_ack(const struct message *m, const struct flow *from, void *arg)
{
	struct sipd *sipd = arg;
	struct leg *leg = dialog_find(sipd, m);

	if (leg)
		indialog_ack(leg, m, from);
}


/* Of a dialog that lives: never a BYE, whatever it answers. What waits for an
 * answer of the other side (call-setup 12.5) has its ACK from there. */
static void ack_again(struct leg *leg, const struct message *m)
{
	const bool late = leg->is_b &&
			  (leg->call->i.flags & CALL_LATE_OFFER) &&
			  m->cseq == leg->i->invite_cseq;
	struct text sdp = { "", 0 };

	if (late && !(leg->i->flags & LEG_ACKED))
		return;
	if (leg->ours_late && m->cseq == leg->ack_cseq)
		return;
	if (late)
		sdp = leg_sdp(leg);
	leg_ack(leg, m->cseq, sdp);
}


static bool has_our_tag(const struct sipd *sipd, const struct message *m)
{
	return m->from_tag.l > strlen(sipd->mark) &&
	       memcmp(m->from_tag.p, sipd->mark, strlen(sipd->mark)) == 0;
}


/* A 2xx to an INVITE that was given up, or a second one (call-setup 5.3,
 * 12.2). Only of a tag that is ours, and only back to where it came from. */
void intake_stray(const struct message *m, const struct flow *from, void *arg)
{
	struct sipd *sipd = arg;
	struct leg *leg;

	if (m->code > 299 && m->cseq_method == METHOD_INVITE &&
	    has_our_tag(sipd, m))
		leg_ack_refusal(sipd, m, from);
	if (m->code < 200 || m->code > 299)
		return;
	leg = leg_find(sipd, m->from_tag, m->call_id);
	if (leg && leg->i->state == LEG_CONFIRMED &&
	    is_its_tag(leg, m->to_tag)) {
		if (m->cseq_method == METHOD_INVITE)
			ack_again(leg, m);
		if (m->cseq_method == METHOD_INVITE ||
		    m->cseq_method == METHOD_UPDATE)
			session_late(leg, m);
		return;
	}
	if (m->cseq_method != METHOD_INVITE)
		return;
	if (has_our_tag(sipd, m))
		leg_reject_answer(sipd, m, from);
}
