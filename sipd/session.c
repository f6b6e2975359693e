/**
 * @file sipd/session.c  The session timer of a leg, at work
 */
#include <errno.h>

#include "shared/base/clk.h"
#include "shared/base/id.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "sipd/compose.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/metrics.h"
#include "sipd/session.h"

/* Label values of tandem_session_probes_total, second label */
enum {
	PROBE_CONFIRMED,
	PROBE_FAILED,
	PROBE_DEAD,
	PROBEC
};

static void happened(struct leg *leg, enum timer_event event);


static void count(const struct leg *leg, int result)
{
	metric_inc_at(M_SESSION_PROBES,
		      (size_t)leg->is_b * PROBEC + (size_t)result);
}


/* As we see it: REFRESHER_UAC is us. A request's "uac" is the peer. */
static enum timer_refresher refresher_in(const struct message *m)
{
	struct timer_asked asked;

	timer_asked_of(&asked, m);
	if (!m->is_request)
		return asked.refresher;

	return asked.refresher == REFRESHER_UAC ? REFRESHER_UAS
						: REFRESHER_UAC;
}


/* call-lifetime 2.6: never above ours. What is refused changes nothing. */
void session_asked(struct leg *leg, const struct message *m)
{
	const struct call_params *p = &leg->call->i.params;
	const uint32_t ours_s = p->ttl_s > p->min_se_s ? p->ttl_s
						       : p->min_se_s;
	uint32_t seconds;

	leg->asked.interval_ms = 0;
	if (message_seconds(m, HEAD_SESSION_EXPIRES, &seconds))
		return;

	leg->asked.expires_s = m->is_request && seconds > ours_s ? ours_s
								 : seconds;
	leg->asked.refresher = (uint8_t)refresher_in(m);
	leg->asked.interval_ms = timer_interval_ms(p->ttl_s, seconds);
}


void session_granted(struct leg *leg)
{
	if (!leg->asked.interval_ms)
		return;
	leg->i->expires_s = leg->asked.expires_s;
	leg->i->refresher = leg->asked.refresher;
	leg->i->timer.interval_ms = leg->asked.interval_ms;
	leg->asked.interval_ms = 0;
}


void session_taken(struct leg *leg, const struct message *m)
{
	session_asked(leg, m);
	session_granted(leg);
}


void session_heads(struct compose *c, const struct leg *leg, bool is_response,
		   bool peer_is_uac)
{
	const struct call_params *p = &leg->call->i.params;
	uint32_t seconds = leg->i->expires_s;

	if (!(leg->call->i.flags & CALL_IS_TIMER))
		return;
	if (!seconds)
		seconds = p->ttl_s > p->min_se_s ? p->ttl_s : p->min_se_s;
	if (seconds < p->min_se_s)
		seconds = p->min_se_s;
	if (is_response && (leg->i->flags & LEG_HAS_TIMER))
		compose_put(c, "Require: timer\r\n");
	compose_put(c, "Session-Expires: ");
	compose_number(c, seconds);
	/* By who sends the request; the refresher in force stays. */
	if (peer_is_uac)
		compose_put(c, leg->i->refresher == REFRESHER_UAC
				       ? ";refresher=uas\r\n"
				       : ";refresher=uac\r\n");
	else
		compose_put(c, leg->i->refresher == REFRESHER_UAS
				       ? ";refresher=uas\r\n"
				       : ";refresher=uac\r\n");
}


/* --- probes
 * ---------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	uint16_t code;
	enum timer_event event;
} finals[] = {
	{ 481, TIMER_EV_GONE  },
	{ 408, TIMER_EV_GONE  },
	{ 491, TIMER_EV_GLARE },
	{ 422, TIMER_EV_AGAIN },
};
/* clang-format on */


static enum timer_event event_of(unsigned code)
{
	if (code < 300)
		return TIMER_EV_OK;
	for (size_t i = 0; i < COUNT_OF(finals); i++)
		if (finals[i].code == code)
			return finals[i].event;

	return TIMER_EV_REFUSED;
}


/* 2xx to a probe that was given up is ACKed, and counts. */
static void heard_final(struct leg *leg, const struct message *m, bool is_late)
{
	enum timer_event event = event_of(m->code);
	uint32_t min_se_s;

	if (m->cseq_method == METHOD_INVITE && m->code < 300)
		leg_ack(leg, m->cseq, (struct text){ "", 0 });
	if (event == TIMER_EV_OK) {
		leg_refresh(leg, m);
		session_taken(leg, m);
		leg->confirmed_cseq = m->cseq;
		count(leg, PROBE_CONFIRMED);
	}
	else if (is_late) {
		return;
	}
	if (m->cseq_method == METHOD_UPDATE &&
	    (m->code == 405 || m->code == 501))
		leg->i->flags |= LEG_NO_UPDATE;
	if (event == TIMER_EV_AGAIN) {
		if (leg->was_repeated)
			event = TIMER_EV_REFUSED;
		else if (!message_seconds(m, HEAD_MIN_SE, &min_se_s) &&
			 min_se_s > leg->i->expires_s)
			leg->i->expires_s = min_se_s;
		leg->was_repeated = true;
	}
	happened(leg, event);
}


/* One that was counted already proves nothing new. */
void session_late(struct leg *leg, const struct message *m)
{
	if (leg->i->timer.state == TIMER_NONE ||
	    leg->call->i.state != CALL_ANSWERED ||
	    m->cseq <= leg->confirmed_cseq || m->cseq > leg->i->local_cseq)
		return;

	leg->confirmed_cseq = m->cseq;
	count(leg, PROBE_CONFIRMED);
	happened(leg, TIMER_EV_OK);
}


static void on_response(txn_id txn, int err, const struct message *m,
			const struct flow *from, void *arg, uint64_t user)
{
	struct sipd *sipd = arg;
	struct call *call = call_find(sipd, user & ~(1ull << 63));
	struct leg *leg;
	bool is_late;

	if (!call || call->i.state != CALL_ANSWERED)
		return;
	leg = user >> 63 ? &call->b : &call->a;
	is_late = leg->ours != txn || leg->ours_kind != OURS_PROBE;
	if (m)
		leg_heard(leg, from);
	if (m && m->code < 200)
		return;
	if (!is_late) {
		leg->ours = 0;
		leg->ours_kind = OURS_NONE;
		ev_timer_stop(&leg->timer);
	}
	if (!err && m)
		heard_final(leg, m, is_late);
	else if (!is_late)
		happened(leg, timer_is_last(&leg->i->timer)
				      ? TIMER_EV_SILENT_LAST
				      : TIMER_EV_SILENT);
}


static void on_silence(void *arg)
{
	struct leg *leg = arg;

	/* Given up; a 2xx that comes late still counts (on_response). */
	if (leg->ours_method == METHOD_INVITE)
		txn_cancel(leg->call->sipd->txns, leg->ours,
			   (struct text){ "", 0 });
	leg->ours = 0;
	leg->ours_kind = OURS_NONE;
	count(leg, PROBE_FAILED);
	log_info(&leg->call->log, "session_probe_failed leg=%c",
		 leg->is_b ? 'b' : 'a');
	happened(leg, timer_is_last(&leg->i->timer) ? TIMER_EV_SILENT_LAST
						    : TIMER_EV_SILENT);
}


static bool uses_update(const struct leg *leg)
{
	return (leg->i->flags & LEG_CAN_UPDATE) &&
	       !(leg->i->flags & LEG_NO_UPDATE);
}


static int send_probe(struct leg *leg)
{
	struct call *call = leg->call;
	const uint32_t request_ms = txn_resend_total_ms(
		&call->i.params.resend);
	const bool update = uses_update(leg);
	char heads[640];
	struct compose c;
	struct leg_request r = {
		.method = update ? METHOD_UPDATE : METHOD_INVITE,
		.timeout_ms = request_ms,
		.h = on_response,
		.user = call->id | (leg->is_b ? 1ull << 63 : 0),
	};
	int err;

	compose_init(&c, heads, sizeof(heads));
	leg_heads(&c, leg, false, true);
	session_heads(&c, leg, false, false);
	compose_put(&c, "Min-SE: ");
	compose_number(&c, call->i.params.min_se_s);
	compose_put(&c, "\r\n");
	r.heads = compose_result(&c);
	if (!update)
		r.body = leg_sdp(leg);
	err = leg_send(leg, &r, &leg->ours);
	if (err)
		return err;

	leg->ours_kind = OURS_PROBE;
	leg->ours_method = (uint8_t)r.method;
	ev_timer_start(&leg->timer, call->sipd->ev,
		       timer_probe_ms(&leg->i->timer, request_ms), on_silence,
		       leg);
	call_publish(call);

	return 0;
}


static bool is_busy(const struct leg *leg)
{
	return leg->ours || leg->ours_late || leg->peer || leg->peer_done ||
	       !(leg->i->flags & LEG_ACKED);
}


/* --- the clock
 * -------------------------------------------------------------------- */

static void on_boundary(void *arg)
{
	happened(arg, TIMER_EV_BOUNDARY);
}


static void on_glare_over(void *arg)
{
	happened(arg, TIMER_EV_GLARE_OVER);
}


static void on_grace_over(void *arg)
{
	happened(arg, TIMER_EV_GRACE_OVER);
}


static void wait_boundary(struct leg *leg)
{
	const int64_t left_us = timer_boundary_us(&leg->i->timer) -
				clk_boot_us();

	ev_timer_start(&leg->timer, leg->call->sipd->ev,
		       left_us > 0 ? (uint32_t)((left_us + 999) / 1000) : 0,
		       on_boundary, leg);
}


static void on_unsent(void *arg)
{
	struct leg *leg = arg;

	count(leg, PROBE_FAILED);
	happened(leg, timer_is_last(&leg->i->timer) ? TIMER_EV_SILENT_LAST
						    : TIMER_EV_SILENT);
}


static void probe(struct leg *leg)
{
	if (is_busy(leg)) {
		leg->probe_again = true; /* session_free() */
		return;
	}
	if (send_probe(leg)) /* as a transport that fails: no response */
		ev_timer_start(&leg->timer, leg->call->sipd->ev, 0, on_unsent,
			       leg);
}


/* RFC 3261 14.1: who owns the Call-ID waits longer; the B leg's is ours. */
static uint32_t glare_ms(const struct leg *leg)
{
	const uint32_t slots = (uint32_t)(id_random_u64() % 191);

	return leg->is_b ? 2100 + slots * 10 : slots * 10;
}


static void happened(struct leg *leg, enum timer_event event)
{
	struct call *call = leg->call;
	struct timer_leg *timer = &leg->i->timer;
	const enum timer_action action = timer_handle(timer, event,
						      clk_boot_us());

	switch (action) {
	case TIMER_ACT_PROBE:
		probe(leg);
		return;
	case TIMER_ACT_CONFIRM:
		leg->was_repeated = false;
		wait_boundary(leg);
		return;
	case TIMER_ACT_CONFIRM_AGAIN:
		wait_boundary(leg);
		probe(leg);
		return;
	case TIMER_ACT_GLARE:
		ev_timer_start(&leg->timer, call->sipd->ev, glare_ms(leg),
			       on_glare_over, leg);
		return;
	case TIMER_ACT_GRACE:
		count(leg, PROBE_DEAD);
		log_info(&call->log, "session_dead leg=%c",
			 leg->is_b ? 'b' : 'a');
		ev_timer_start(&leg->timer, call->sipd->ev,
			       call->i.params.early_hangup_s * 1000,
			       on_grace_over, leg);
		return;
	case TIMER_ACT_HANGUP:
		call_end_with(call, END_SESSION_TIMEOUT);
		call_handle(call, EV_CUT);
		return;
	case TIMER_ACT_NONE:
	default:
		/* CONFIRMED: what ended was a probe behind another's 2xx; its
		 * timer was the leg's only one. */
		if (timer->state == TIMER_UNCONFIRMED ||
		    timer->state == TIMER_CONFIRMED)
			wait_boundary(leg);
		return;
	}
}


void session_start(struct leg *leg)
{
	const struct call_params *p = &leg->call->i.params;
	struct timer_leg *timer = &leg->i->timer;

	if (!(leg->call->i.flags & CALL_IS_TIMER))
		return;

	timer->segments = p->segments;
	timer->interval_ms = timer_interval_ms(p->ttl_s, leg->i->expires_s);
	leg->confirmed_cseq = leg->i->local_cseq;
	(void)timer_handle(timer, TIMER_EV_START, clk_boot_us());
	wait_boundary(leg);
}


/* A probe whose answer may have been missed is sent again at the next
 * boundary; a grace begins anew. */
void session_resume(struct leg *leg)
{
	struct timer_leg *timer = &leg->i->timer;

	if (timer->state == TIMER_NONE || timer->state == TIMER_ENDED)
		return;
	if (timer->state == TIMER_PROBING)
		timer->state = TIMER_UNCONFIRMED;
	if (timer->state == TIMER_DEAD)
		ev_timer_start(&leg->timer, leg->call->sipd->ev,
			       leg->call->i.params.early_hangup_s * 1000,
			       on_grace_over, leg);
	else
		wait_boundary(leg);
}


void session_refreshed(struct leg *leg)
{
	if (leg->i->timer.state != TIMER_NONE)
		happened(leg, TIMER_EV_REFRESH);
}


void session_free(struct leg *leg)
{
	if (leg->call->i.state != CALL_ANSWERED || !leg->probe_again ||
	    is_busy(leg))
		return;

	leg->probe_again = false;
	if (leg->i->timer.state == TIMER_PROBING)
		probe(leg);
}


long session_left_s(const struct leg *leg)
{
	if (leg->i->timer.state == TIMER_NONE)
		return -1;

	return (long)((timer_boundary_us(&leg->i->timer) - clk_boot_us()) /
		      1000000);
}
