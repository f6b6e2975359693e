/**
 * @file sipd/attempt.c  What was tried, and how that ended
 */
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/svc/svc.h"
#include "sipd/attempt.h"
#include "sipd/forward.h"
#include "sipd/params.h"
#include "sipd/stats.h"


/* The list lies in a blob: it is part of the record. The image counts what
 * lies there, or it would not be trusted. */
static void write_down(struct call *call)
{
	const size_t n = call->setup->attemptc;
	const struct text rows = {
		(const char *)call->setup->attempts,
		n * sizeof(struct attempt_image),
	};
	struct blob blob = { 0 };

	if (blob_take(call->sipd->blobs, &blob, &rows, 1))
		return; /* the record lacks the last one, not more */

	call_blob_drop(call, &call->i.attempts);
	call->i.attempts = blob;
	call->i.attemptc = (uint8_t)n;
}


static struct attempt_image *add(struct call *call, uint32_t gateway)
{
	struct attempt_image *row;

	if (call->setup->attemptc == ATTEMPTS_MAX)
		return NULL;
	row = &call->setup->attempts[call->setup->attemptc++];
	*row = (struct attempt_image){
		.start_us = clk_wall_us(),
		.gateway = gateway,
	};

	return row;
}


void attempt_skipped(struct call *call, uint32_t gateway,
		     enum route_token token)
{
	struct attempt_image *row = add(call, gateway);

	if (call->setup->tokenc < ROUTE_CANDIDATES_MAX)
		call->setup->tokens[call->setup->tokenc++] = token;
	if (!row)
		return;
	row->token = (uint8_t)token;
	write_down(call);
}


void attempt_begin(struct call *call, uint32_t gateway,
		   const struct addr *addr)
{
	struct attempt_image *row = add(call, gateway);

	call->setup->result = (struct attempt_result){ .end = ATTEMPT_NONE };
	call->setup->attempt_began_us = ev_now_us(call->sipd->ev);
	call->setup->kept.attempt_boot_us = ev_boot_us(call->sipd->ev);
	call->setup->classes = 0;
	stats_attempt(call->sipd->stats, STATS_OUT, gateway);
	if (!row)
		return;
	row->addr = *addr;
	write_down(call);
}


static struct attempt_image *current(struct call *call)
{
	if (!call->setup->attemptc)
		return NULL;

	return &call->setup->attempts[call->setup->attemptc - 1];
}


void attempt_end(struct call *call)
{
	struct setup *setup = call->setup;
	struct attempt_image *row = current(call);
	const struct attempt_result *result = &setup->result;

	if (result->end == ATTEMPT_NONE || !row || row->token)
		return;
	if (result->end != ATTEMPT_FINAL || result->code != 503)
		call->i.flags &= ~(uint32_t)CALL_ALL_503;
	row->ms = (uint32_t)((ev_now_us(call->sipd->ev) -
			      setup->attempt_began_us) /
			     1000);
	row->code = result->code;
	if (result->end != ATTEMPT_ANSWERED)
		row->reason = (uint8_t)verdict_of(result, result->code == 503)
				      .reason;
	if (result->end != ATTEMPT_ANSWERED)
		stats_ended(call->sipd->stats, STATS_OUT, row->gateway,
			    call->i.reason ? (enum end_reason)call->i.reason
					   : (enum end_reason)row->reason);
	setup->last = *result;
	setup->is_last_failed = result->end != ATTEMPT_ANSWERED;
	write_down(call);
}


bool attempt_is_open(const struct call *call)
{
	const struct setup *setup = call->setup;

	if (!setup)
		return call->i.answer_us != 0;

	return call->i.attemptc &&
	       !setup->attempts[call->i.attemptc - 1].token &&
	       (setup->result.end == ATTEMPT_NONE ||
		setup->result.end == ATTEMPT_ANSWERED);
}


void attempt_answered(struct call *call)
{
	call->setup->result.end = ATTEMPT_ANSWERED;
	call->setup->result.code = 200;
	attempt_end(call);
	stats_answered(call->sipd->stats, STATS_OUT, call->i.gateway);
}


/* --- next, or end? --------------------------------------------------------- */

static bool may_switch(const struct call *call)
{
	struct sipd *sipd = call->sipd;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	const struct cat_routing *gateway =
		c ? catalog_by_id(c, RECORD_ROUTING, call->i.gateway) : NULL;
	struct gateway_params g;
	bool allowed = false;

	if (gateway) {
		params_gateway(&g, &call->i.params, c, gateway);
		allowed = switch_allowed(&g.rules, &call->setup->result,
					 call->i.switches);
	}
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);

	return allowed;
}


void attempt_failed(struct call *call, enum attempt_end end, unsigned code)
{
	struct setup *setup = call->setup;
	struct verdict verdict;

	if (!setup || setup->result.end != ATTEMPT_NONE)
		return;

	setup->result.end = end;
	setup->result.code = (uint16_t)code;
	if (code)
		call->i.code_b = (uint16_t)code;
	ev_timer_stop(&call->timer);
	attempt_end(call);
	if ((end == ATTEMPT_T4 && forward_begin(call)) || may_switch(call)) {
		call_handle(call, EV_FAILED_NEXT);
		return;
	}
	verdict = verdict_of(&setup->last,
			     (call->i.flags & CALL_ALL_503) != 0);
	if (setup->is_forwarding)
		verdict = verdict_plain(END_NO_ANSWER);
	call_verdict(call, &verdict);
	call_handle(call, EV_FAILED_END);
}
