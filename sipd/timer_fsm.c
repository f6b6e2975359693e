/**
 * @file sipd/timer_fsm.c  The session timer of one leg, as a table
 *
 * Who refreshes by itself moves t0 and is never probed. A leg that confirms
 * nothing is dead after T and the time of its last probe: every wait the
 * table begins has a row for its end, and the boundaries run out at S.
 */
#include <assert.h>
#include <stddef.h>

#include "sipd/timer_fsm.h"

enum {
	MIN_SE_LEAST_S = 90, /* RFC 4028 5 */
	CODE_BAD_EXTENSION = 420,
	CODE_TOO_SMALL = 422
};

/* clang-format off */
const struct timer_row timer_rows[TIMER_STATEC][TIMER_EVENTC] = {

[TIMER_NONE] = {
	[TIMER_EV_START]       = { TIMER_ACT_CONFIRM,       TIMER_CONFIRMED   },
},
[TIMER_CONFIRMED] = {
	[TIMER_EV_BOUNDARY]    = { TIMER_ACT_PROBE,         TIMER_PROBING     },
	[TIMER_EV_REFRESH]     = { TIMER_ACT_CONFIRM,       TIMER_CONFIRMED   },
},
[TIMER_PROBING] = {
	[TIMER_EV_OK]          = { TIMER_ACT_CONFIRM,       TIMER_CONFIRMED   }, /* this probe or an older */
	[TIMER_EV_GONE]        = { TIMER_ACT_GRACE,         TIMER_DEAD        },
	[TIMER_EV_GLARE]       = { TIMER_ACT_GLARE,         TIMER_PROBING     }, /* RFC 3261 14.1 */
	[TIMER_EV_GLARE_OVER]  = { TIMER_ACT_PROBE,         TIMER_PROBING     },
	[TIMER_EV_PEER_DONE]   = { TIMER_ACT_PROBE,         TIMER_PROBING     }, /* it had to wait */
	[TIMER_EV_AGAIN]       = { TIMER_ACT_CONFIRM_AGAIN, TIMER_CONFIRMED   },
	[TIMER_EV_REFUSED]     = { TIMER_ACT_CONFIRM,       TIMER_CONFIRMED   }, /* no, but it lives */
	[TIMER_EV_REFRESH]     = { TIMER_ACT_CONFIRM,       TIMER_CONFIRMED   },
	[TIMER_EV_SILENT]      = { TIMER_ACT_NONE,          TIMER_UNCONFIRMED },
	[TIMER_EV_SILENT_LAST] = { TIMER_ACT_GRACE,         TIMER_DEAD        },
},
[TIMER_UNCONFIRMED] = {
	[TIMER_EV_BOUNDARY]    = { TIMER_ACT_PROBE,         TIMER_PROBING     },
	[TIMER_EV_OK]          = { TIMER_ACT_CONFIRM,       TIMER_CONFIRMED   }, /* late */
	[TIMER_EV_REFRESH]     = { TIMER_ACT_CONFIRM,       TIMER_CONFIRMED   },
},
[TIMER_DEAD] = {
	[TIMER_EV_GRACE_OVER]  = { TIMER_ACT_HANGUP,        TIMER_ENDED       },
	[TIMER_EV_OK]          = { TIMER_ACT_CONFIRM,       TIMER_CONFIRMED   }, /* saved in the grace */
	[TIMER_EV_REFRESH]     = { TIMER_ACT_CONFIRM,       TIMER_CONFIRMED   },
},
};
/* clang-format on */


/* A leg lies in shared memory: whatever stands there must not divide by
 * zero, and k must come that far. */
static uint32_t segments_of(const struct timer_leg *leg)
{
	if (leg->segments == 0)
		return 1;

	return leg->segments < UINT8_MAX ? leg->segments : UINT8_MAX;
}


static int64_t offset_us(const struct timer_leg *leg, uint32_t k)
{
	const uint64_t ms = (uint64_t)k * leg->interval_ms / segments_of(leg);

	return (int64_t)ms * 1000;
}


/* The one that is due, and those that passed while nobody looked: a stall
 * does not lengthen the life of a dead leg. */
static uint8_t boundaries_reached(const struct timer_leg *leg, int64_t now_us)
{
	uint32_t k = leg->k < UINT8_MAX ? leg->k + 1u : UINT8_MAX;

	while (k < segments_of(leg) &&
	       leg->t0_us + offset_us(leg, k + 1) <= now_us)
		k++;

	return (uint8_t)k;
}


enum timer_action timer_handle(struct timer_leg *leg, enum timer_event event,
			       int64_t now_us)
{
	const struct timer_row *row;

	assert(event > TIMER_EV_NONE && event < TIMER_EVENTC);

	if (leg->state >= TIMER_STATEC)
		return TIMER_ACT_NONE;
	if (event == TIMER_EV_SILENT && timer_is_last(leg))
		event = TIMER_EV_SILENT_LAST;
	row = &timer_rows[leg->state][event];
	if (row->next == TIMER_NONE)
		return TIMER_ACT_NONE;

	if (event == TIMER_EV_BOUNDARY)
		leg->k = boundaries_reached(leg, now_us);
	if (row->action == TIMER_ACT_CONFIRM ||
	    row->action == TIMER_ACT_CONFIRM_AGAIN) {
		leg->t0_us = now_us;
		leg->k = 0;
	}
	leg->state = row->next;

	return row->action;
}


int64_t timer_boundary_us(const struct timer_leg *leg)
{
	if (leg->state != TIMER_CONFIRMED && leg->state != TIMER_UNCONFIRMED)
		return INT64_MAX;

	return leg->t0_us + offset_us(leg, leg->k + 1u);
}


uint32_t timer_probe_ms(const struct timer_leg *leg, uint32_t request_ms)
{
	const uint32_t segment_ms = leg->interval_ms / segments_of(leg);

	return segment_ms < request_ms ? segment_ms : request_ms;
}


bool timer_is_last(const struct timer_leg *leg)
{
	return leg->k >= segments_of(leg);
}


/* --- negotiation (call-lifetime 1) ---------------------------------------- */

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}


static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}


/* The 200 to A: long enough for everybody, but never above what A wants. */
static void answer_a(struct timer_terms *terms,
		     const struct timer_asked *asked, uint32_t least_s,
		     bool is_supported)
{
	terms->a_expires_s = larger(least_s, asked->min_se_s);
	if (asked->has_expires)
		terms->a_expires_s = smaller(terms->a_expires_s,
					     larger(asked->expires_s,
						    MIN_SE_LEAST_S));
	terms->a_refresher = asked->refresher == REFRESHER_UAC ? REFRESHER_UAC
							       : REFRESHER_UAS;
	terms->a_require = is_supported;
}


void timer_negotiate(struct timer_terms *terms,
		     const struct timer_asked *asked,
		     const struct timer_params *params)
{
	const uint32_t min_se_s = larger(params->min_se_s, MIN_SE_LEAST_S);
	/* Who requires it supports it, said or not. */
	const bool is_supported = asked->is_supported || asked->is_required;

	*terms = (struct timer_terms){ .has_timer = false };

	if (params->is_off) {
		terms->code = asked->is_required ? CODE_BAD_EXTENSION : 0;
		return;
	}
	if (!asked->has_expires && !is_supported)
		return;
	if (asked->has_expires && asked->expires_s < min_se_s &&
	    is_supported) {
		terms->code = CODE_TOO_SMALL;
		terms->min_se_s = min_se_s;
		return;
	}

	terms->has_timer = true;
	terms->b_expires_s = larger(params->ttl_s, min_se_s);
	terms->b_min_se_s = min_se_s;
	answer_a(terms, asked, terms->b_expires_s, is_supported);
}


uint32_t timer_interval_ms(uint32_t ttl_s, uint32_t interval_s)
{
	const uint32_t s = interval_s ? smaller(ttl_s, interval_s) : ttl_s;
	uint32_t ms;

	return __builtin_mul_overflow(s, 1000, &ms) ? UINT32_MAX : ms;
}
