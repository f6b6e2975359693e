/**
 * @file sipd/call_fsm.c  A call on one page
 *
 * Grouped by state in the order of a call's life. The state changes, and is
 * published, before the action runs.
 */
#include "sipd/call_fsm.h"

/* clang-format off */
const struct call_row call_rows[CALL_STATEC][EV_EVENTC] = {
	[CALL_NONE] = {
		[EV_INVITE]      = { ACT_ASK,      CALL_ADMITTING },
		[EV_DENIED]      = { ACT_REFUSE,   CALL_ENDED     }, /* call-setup 3: a check failed */
		[EV_ERROR]       = { ACT_REFUSE,   CALL_ENDED     },
	},
	[CALL_ADMITTING] = {
		[EV_GRANTED]     = { ACT_NEXT,     CALL_ROUTING   },
		[EV_DENIED]      = { ACT_REFUSE,   CALL_ENDED     },
		[EV_CANCEL]      = { ACT_CANCEL,   CALL_ENDED     },
		[EV_CUT]      = { ACT_REFUSE,   CALL_ENDED     },
		[EV_ERROR]       = { ACT_REFUSE,   CALL_ENDED     },
		[EV_DEADLINE]    = { ACT_REFUSE,   CALL_ENDED     }, /* call-setup 3, row 9 */
	},
	[CALL_ROUTING] = {
		[EV_CANDIDATE]   = { ACT_CALL,     CALL_CALLING   },
		[EV_EXHAUSTED]   = { ACT_REFUSE,   CALL_ENDED     }, /* call-setup 4.6, 8 */
		[EV_CANCEL]      = { ACT_CANCEL,   CALL_ENDED     }, /* between two gateways */
		[EV_CUT]      = { ACT_REFUSE,   CALL_ENDED     },
		[EV_ERROR]       = { ACT_REFUSE,   CALL_ENDED     },
		[EV_DEADLINE]    = { ACT_REFUSE,   CALL_ENDED     },
	},
	[CALL_CALLING] = {
		[EV_TRYING]      = { ACT_TRYING,   CALL_CALLING   },
		[EV_PROGRESS]    = { ACT_PROGRESS, CALL_RINGING   },
		[EV_EARLY_MEDIA] = { ACT_PROGRESS, CALL_RINGING   },
		[EV_ALERTING]    = { ACT_PROGRESS, CALL_RINGING   },
		[EV_REPEAT]      = { ACT_REPEAT,   CALL_CALLING   }, /* 401, 407, 422, 3xx */
		[EV_FAILED_NEXT] = { ACT_SWITCH,   CALL_ROUTING   }, /* call-setup 7 */
		[EV_FAILED_END]  = { ACT_REFUSE,   CALL_ENDED     },
		[EV_ANSWER]      = { ACT_ANSWER,   CALL_ANSWERED  },
		[EV_CANCEL]      = { ACT_CANCEL,   CALL_ENDED     },
		[EV_CUT]      = { ACT_REFUSE,   CALL_ENDED     },
		[EV_ERROR]       = { ACT_REFUSE,   CALL_ENDED     },
		[EV_DEADLINE]    = { ACT_REFUSE,   CALL_ENDED     },
	},
	[CALL_RINGING] = {
		[EV_PROGRESS]    = { ACT_PROGRESS, CALL_RINGING   },
		[EV_EARLY_MEDIA] = { ACT_PROGRESS, CALL_RINGING   },
		[EV_ALERTING]    = { ACT_PROGRESS, CALL_RINGING   },
		[EV_REPEAT]      = { ACT_REPEAT,   CALL_CALLING   },
		[EV_FAILED_NEXT] = { ACT_SWITCH,   CALL_ROUTING   },
		[EV_FAILED_END]  = { ACT_REFUSE,   CALL_ENDED     },
		[EV_ANSWER]      = { ACT_ANSWER,   CALL_ANSWERED  },
		[EV_CANCEL]      = { ACT_CANCEL,   CALL_ENDED     },
		[EV_CUT]      = { ACT_REFUSE,   CALL_ENDED     },
		[EV_ERROR]       = { ACT_REFUSE,   CALL_ENDED     },
		[EV_DEADLINE]    = { ACT_REFUSE,   CALL_ENDED     },
	},
	[CALL_ANSWERED] = {
		[EV_BYE]         = { ACT_RELEASE,  CALL_ENDED     }, /* call-lifetime 6 */
		[EV_CANCEL]      = { ACT_RELEASE,  CALL_ENDED     }, /* the 200 to A waits for a PRACK */
		[EV_CUT]      = { ACT_RELEASE,  CALL_ENDED     }, /* call-lifetime 5 */
		[EV_ERROR]       = { ACT_RELEASE,  CALL_ENDED     },
		[EV_DEADLINE]    = { ACT_RELEASE,  CALL_ENDED     },
	},
	[CALL_ENDED] = {
		[EV_RECORDED]    = { ACT_FORGET,   CALL_NONE      }, /* cdr 3.1 */
		[EV_ERROR]       = { ACT_RECORD_AGAIN, CALL_ENDED },
		[EV_DEADLINE]    = { ACT_RECORD_AGAIN, CALL_ENDED },
	},
};

/* ROUTING: three look-ups of names at their deadline. CALLING and RINGING:
 * the longest timers an operator can set, and a minute; T1 to T4 end them. */
const uint32_t call_deadlines_ms[CALL_STATEC] = {
	[CALL_ADMITTING] = 2000,
	[CALL_ROUTING]   = 10000,
	[CALL_CALLING]   = 1260000,
	[CALL_RINGING]   = 1260000,
	[CALL_ENDED]     = 5000,
};
/* clang-format on */

static const char *const state_names[CALL_STATEC] = {
	"none",    "admitting", "routing", "calling",
	"ringing", "answered",  "ended",
};

static const char *const event_names[EV_EVENTC] = {
	"none",      "invite",      "granted",    "denied",      "candidate",
	"exhausted", "trying",      "progress",   "early_media", "alerting",
	"repeat",    "failed_next", "failed_end", "answer",      "cancel",
	"bye",       "cut",         "recorded",   "error",       "deadline",
};


const char *call_state_name(enum call_state state)
{
	return state < CALL_STATEC ? state_names[state] : "unknown";
}


const char *call_event_name(enum call_event event)
{
	return event < EV_EVENTC ? event_names[event] : "unknown";
}
