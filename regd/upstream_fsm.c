/**
 * @file regd/upstream_fsm.c  A registration at somebody else, on one page
 */
#include "regd/upstream_fsm.h"
#include "shared/reg/upstream.h"

/* clang-format off */
static const struct upstream_row rows[UPSTREAM_STATEC][UP_EVENTC] = {
	[UPSTREAM_OFF] = {
		[UP_START]  = { UP_REGISTER,   UPSTREAM_TRYING },
	},
	[UPSTREAM_TRYING] = {
		[UP_OK]     = { UP_HOLD,       UPSTREAM_REGISTERED },
		[UP_BRIEF]  = { UP_REGISTER,   UPSTREAM_TRYING },
		[UP_FAILED] = { UP_WAIT,       UPSTREAM_WAITING },
		[UP_LEAVE]  = { UP_UNREGISTER, UPSTREAM_UNREGISTERING },
		[UP_DROP]   = { UP_FORGET,     UPSTREAM_OFF },
	},
	[UPSTREAM_WAITING] = {
		[UP_DUE]    = { UP_REGISTER,   UPSTREAM_TRYING },
		[UP_LEAVE]  = { UP_UNREGISTER, UPSTREAM_UNREGISTERING },
		[UP_DROP]   = { UP_FORGET,     UPSTREAM_OFF },
	},
	[UPSTREAM_REGISTERED] = {
		[UP_DUE]    = { UP_REGISTER,   UPSTREAM_TRYING },
		[UP_LEAVE]  = { UP_UNREGISTER, UPSTREAM_UNREGISTERING },
		[UP_DROP]   = { UP_FORGET,     UPSTREAM_OFF },
	},
	[UPSTREAM_UNREGISTERING] = {
		[UP_OK]     = { UP_FORGET,     UPSTREAM_OFF },
		[UP_BRIEF]  = { UP_FORGET,     UPSTREAM_OFF },
		[UP_FAILED] = { UP_FORGET,     UPSTREAM_OFF },
	},
};

static const char *const states[UPSTREAM_STATEC] = {
	[UPSTREAM_OFF]           = "off",
	[UPSTREAM_TRYING]        = "trying",
	[UPSTREAM_WAITING]       = "waiting",
	[UPSTREAM_REGISTERED]    = "registered",
	[UPSTREAM_UNREGISTERING] = "unregistering",
};

static const char *const events[UP_EVENTC] = {
	[UP_START]  = "start",
	[UP_OK]     = "ok",
	[UP_BRIEF]  = "brief",
	[UP_FAILED] = "failed",
	[UP_DUE]    = "due",
	[UP_LEAVE]  = "leave",
	[UP_DROP]   = "drop",
};
/* clang-format on */

/* 2026-01-01: a clock that is before it is wrong anyway. */
static const int64_t epoch_s = 1767225600;


struct upstream_row upstream_fsm(unsigned state, enum upstream_event event)
{
	static const struct upstream_row none = { UP_NONE, UPSTREAM_OFF };

	return state < UPSTREAM_STATEC && event < UP_EVENTC
		       ? rows[state][event]
		       : none;
}


const char *upstream_state_name(unsigned state)
{
	return state < UPSTREAM_STATEC ? states[state] : "?";
}


const char *upstream_event_name(enum upstream_event event)
{
	return event < UP_EVENTC ? events[event] : "?";
}


uint32_t upstream_asked_s(uint32_t period_s, uint32_t min_s)
{
	const uint32_t asked_s = period_s ? period_s : UPSTREAM_AUTO_S;

	return asked_s < min_s ? min_s : asked_s;
}


uint32_t upstream_effective_s(uint32_t period_s, uint32_t asked_s,
			      uint32_t granted_s)
{
	if (granted_s == UPSTREAM_UNSAID)
		return asked_s;

	return period_s && asked_s < granted_s ? asked_s : granted_s;
}


uint32_t upstream_next_cseq(uint32_t cseq, int64_t wall_us)
{
	const int64_t since_s = wall_us / 1000000 - epoch_s;
	const uint32_t least = since_s > 0 && since_s < INT32_MAX / 2
				       ? (uint32_t)since_s
				       : 1;

	/* RFC 3261 8.1.1.5: below 2^31 */
	return cseq + 1 < least || cseq >= INT32_MAX ? least : cseq + 1;
}
