/**
 * @file sipd/verdict_switch.c  May the next gateway be tried?
 *
 * call-setup 7, a row per rule that ends the call. Its rules 1 and 10 are the
 * call's own: whether the caller is still there, and whether anybody is left.
 */
#include "shared/base/util.h"
#include "sipd/verdict.h"

struct attempt {
	const struct switch_rules *rules;
	const struct attempt_result *result;
	uint32_t switches; /* Made before */
};


/* No failure at all */
static bool is_answered(const struct attempt *a)
{
	return a->result->end == ATTEMPT_ANSWERED;
}


static bool is_off(const struct attempt *a)
{
	return a->rules->is_off;
}


static uint16_t final_code(const struct attempt *a)
{
	return a->result->end == ATTEMPT_FINAL ||
			       a->result->end == ATTEMPT_AUTH
		       ? a->result->code
		       : 0;
}


static bool is_stop_code(const struct attempt *a)
{
	const uint16_t code = final_code(a);

	for (size_t i = 0; code && i < a->rules->stop_codec; i++) {
		if (a->rules->stop_codes[i] == code)
			return true;
	}

	return false;
}


static bool is_busy(const struct attempt *a)
{
	const uint16_t code = final_code(a);

	return a->rules->stop_after_busy && (code == 486 || code == 600);
}


static bool is_beyond_limit(const struct attempt *a)
{
	return a->rules->limit >= 0 &&
	       a->switches >= (uint32_t)a->rules->limit;
}


/* A refused connection is not a silent gateway. */
static bool is_silent(const struct attempt *a)
{
	return a->rules->stop_after_invite_timeout &&
	       (a->result->end == ATTEMPT_T1 ||
		a->result->end == ATTEMPT_RESENDS);
}


static bool is_rung_out(const struct attempt *a)
{
	return a->result->end == ATTEMPT_T4 && !a->rules->until_connect;
}


static bool is_locked_by_sdp(const struct attempt *a)
{
	return a->result->had_sdp && a->rules->stop_after_sdp &&
	       !a->rules->until_connect;
}


static bool is_locked_by_rtp(const struct attempt *a)
{
	return a->result->had_rtp && a->rules->stop_after_rtp &&
	       !a->rules->until_connect;
}


bool switch_allowed(const struct switch_rules *rules,
		    const struct attempt_result *result, uint32_t switches)
{
	static bool (*const ends[])(const struct attempt *a) = {
		is_answered,      is_off, /* 2 */
		is_stop_code,             /* 3 */
		is_busy,                  /* 4 */
		is_beyond_limit,          /* 5 */
		is_silent,                /* 6 */
		is_rung_out,              /* 7 */
		is_locked_by_sdp,         /* 8 */
		is_locked_by_rtp,         /* 9 */
	};
	const struct attempt a = { rules, result, switches };

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		if (ends[i](&a))
			return false;
	}

	return true;
}
