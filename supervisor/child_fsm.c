/**
 * @file supervisor/child_fsm.c  The life of a child, as a table
 *
 * One row answers one question: in this state, when this happens, what do we
 * do and where are we then? No row holds a condition: whether a death is
 * answered at once or after a wait is decided before, and is two events.
 *
 * Nothing is ever given up: BACKOFF always ends in another start.
 */
#include <stddef.h>

#include "supervisor/child_fsm.h"

struct row {
	child_act_h *act;
	enum child_state next;
};

/* clang-format off */
static const struct row rows[CHILD_STATEC][CHILD_EVENTC] = {

[CHILD_DOWN] = {
	[CHILD_EV_START]         = { act_spawn,     CHILD_STARTING },
	[CHILD_EV_RESTART]       = { act_spawn,     CHILD_STARTING },
	[CHILD_EV_RESTART_DRAIN] = { act_spawn,     CHILD_STARTING },
},
[CHILD_STARTING] = {
	[CHILD_EV_SPAWN_FAILED]  = { act_back_off,  CHILD_BACKOFF  },
	[CHILD_EV_READY]         = { act_ready,     CHILD_READY    },
	[CHILD_EV_EXITED_AGAIN]  = { act_back_off,  CHILD_BACKOFF  }, /* never ready: too early */
	[CHILD_EV_EXITED_WAIT]   = { act_back_off,  CHILD_BACKOFF  },
	[CHILD_EV_STOP]          = { act_kill,      CHILD_ENDING   },
	[CHILD_EV_RESTART]       = { act_kill,      CHILD_KILLING  },
	[CHILD_EV_RESTART_DRAIN] = { act_kill,      CHILD_KILLING  },
	[CHILD_EV_DEADLINE]      = { act_abort,     CHILD_KILLING  }, /* not ready in time */
	[CHILD_EV_YIELD]         = { act_kill,      CHILD_ENDING   },
},
[CHILD_READY] = {
	[CHILD_EV_BEAT_MISSED]   = { act_abort,     CHILD_KILLING  },
	[CHILD_EV_EXITED_AGAIN]  = { act_spawn,     CHILD_STARTING },
	[CHILD_EV_EXITED_WAIT]   = { act_back_off,  CHILD_BACKOFF  },
	[CHILD_EV_STOP]          = { act_drain,     CHILD_DRAINING },
	[CHILD_EV_RESTART]       = { act_hand_over, CHILD_HANDING  },
	[CHILD_EV_RESTART_DRAIN] = { act_drain,     CHILD_LEAVING  },
	[CHILD_EV_DEADLINE]      = { act_healthy,   CHILD_READY    }, /* a minute of health */
	[CHILD_EV_YIELD]         = { act_hand_over, CHILD_YIELDING },
},
[CHILD_HANDING] = {
	[CHILD_EV_BEAT_MISSED]   = { act_abort,     CHILD_KILLING  },
	[CHILD_EV_EXITED_AGAIN]  = { act_spawn,     CHILD_STARTING },
	[CHILD_EV_EXITED_WAIT]   = { act_spawn,     CHILD_STARTING }, /* it was asked to */
	[CHILD_EV_STOP]          = { act_drain,     CHILD_DRAINING },
	[CHILD_EV_DEADLINE]      = { act_abort,     CHILD_KILLING  },
	[CHILD_EV_YIELD]         = { NULL,          CHILD_YIELDING },
},
[CHILD_YIELDING] = {
	[CHILD_EV_BEAT_MISSED]   = { act_kill,      CHILD_ENDING   },
	[CHILD_EV_EXITED_AGAIN]  = { act_down,      CHILD_DOWN     },
	[CHILD_EV_EXITED_WAIT]   = { act_down,      CHILD_DOWN     },
	[CHILD_EV_START]         = { NULL,          CHILD_HANDING  },
	[CHILD_EV_STOP]          = { act_drain,     CHILD_DRAINING },
	[CHILD_EV_RESTART]       = { NULL,          CHILD_HANDING  },
	[CHILD_EV_RESTART_DRAIN] = { NULL,          CHILD_HANDING  },
	[CHILD_EV_DEADLINE]      = { act_kill,      CHILD_ENDING   },
},
[CHILD_LEAVING] = {
	[CHILD_EV_BEAT_MISSED]   = { act_abort,     CHILD_KILLING  },
	[CHILD_EV_EXITED_AGAIN]  = { act_spawn,     CHILD_STARTING },
	[CHILD_EV_EXITED_WAIT]   = { act_spawn,     CHILD_STARTING },
	[CHILD_EV_STOP]          = { NULL,          CHILD_DRAINING },
	[CHILD_EV_RESTART]       = { act_hand_over, CHILD_HANDING  }, /* no more patience */
	[CHILD_EV_DEADLINE]      = { act_abort,     CHILD_KILLING  },
	[CHILD_EV_YIELD]         = { act_hand_over, CHILD_YIELDING },
},
[CHILD_DRAINING] = {
	[CHILD_EV_BEAT_MISSED]   = { act_kill,      CHILD_ENDING   },
	[CHILD_EV_EXITED_AGAIN]  = { act_down,      CHILD_DOWN     },
	[CHILD_EV_EXITED_WAIT]   = { act_down,      CHILD_DOWN     },
	[CHILD_EV_START]         = { NULL,          CHILD_LEAVING  }, /* wanted after all */
	[CHILD_EV_RESTART]       = { act_hand_over, CHILD_HANDING  },
	[CHILD_EV_RESTART_DRAIN] = { NULL,          CHILD_LEAVING  },
	[CHILD_EV_STOP]          = { act_kill,      CHILD_ENDING   }, /* asked twice: now */
	[CHILD_EV_DEADLINE]      = { act_kill,      CHILD_ENDING   },
	[CHILD_EV_YIELD]         = { act_hand_over, CHILD_YIELDING },
},
[CHILD_KILLING] = {
	[CHILD_EV_EXITED_AGAIN]  = { act_spawn,     CHILD_STARTING },
	[CHILD_EV_EXITED_WAIT]   = { act_back_off,  CHILD_BACKOFF  },
	[CHILD_EV_STOP]          = { act_kill,      CHILD_ENDING   },
	[CHILD_EV_DEADLINE]      = { act_kill,      CHILD_KILLING  }, /* SIGABRT was not enough */
	[CHILD_EV_YIELD]         = { NULL,          CHILD_ENDING   },
},
[CHILD_ENDING] = {
	[CHILD_EV_EXITED_AGAIN]  = { act_down,      CHILD_DOWN     },
	[CHILD_EV_EXITED_WAIT]   = { act_down,      CHILD_DOWN     },
	[CHILD_EV_START]         = { NULL,          CHILD_KILLING  },
	[CHILD_EV_RESTART]       = { NULL,          CHILD_KILLING  },
	[CHILD_EV_RESTART_DRAIN] = { NULL,          CHILD_KILLING  },
	[CHILD_EV_DEADLINE]      = { act_kill,      CHILD_ENDING   },
},
[CHILD_BACKOFF] = {
	[CHILD_EV_START]         = { act_spawn,     CHILD_STARTING },
	[CHILD_EV_STOP]          = { act_down,      CHILD_DOWN     },
	[CHILD_EV_RESTART]       = { act_spawn,     CHILD_STARTING },
	[CHILD_EV_RESTART_DRAIN] = { act_spawn,     CHILD_STARTING },
	[CHILD_EV_DEADLINE]      = { act_spawn,     CHILD_STARTING },
	[CHILD_EV_YIELD]         = { act_down,      CHILD_DOWN     },
},
};

static const char *const state_names[CHILD_STATEC] = {
	[CHILD_NONE]     = "none",
	[CHILD_DOWN]     = "down",
	[CHILD_STARTING] = "starting",
	[CHILD_READY]    = "ready",
	[CHILD_HANDING]  = "handing",
	[CHILD_YIELDING] = "yielding",
	[CHILD_LEAVING]  = "leaving",
	[CHILD_DRAINING] = "draining",
	[CHILD_KILLING]  = "killing",
	[CHILD_ENDING]   = "ending",
	[CHILD_BACKOFF]  = "backoff",
};

static const char *const event_names[CHILD_EVENTC] = {
	[CHILD_EV_START]         = "start",
	[CHILD_EV_SPAWN_FAILED]  = "spawn_failed",
	[CHILD_EV_READY]         = "ready",
	[CHILD_EV_BEAT_MISSED]   = "beat_missed",
	[CHILD_EV_EXITED_AGAIN]  = "exited_again",
	[CHILD_EV_EXITED_WAIT]   = "exited_wait",
	[CHILD_EV_STOP]          = "stop",
	[CHILD_EV_RESTART]       = "restart",
	[CHILD_EV_RESTART_DRAIN] = "restart_drain",
	[CHILD_EV_YIELD]         = "yield",
	[CHILD_EV_DEADLINE]      = "deadline",
};
/* clang-format on */


enum child_state child_fsm_next(enum child_state state, enum child_event ev,
				child_act_h **actp)
{
	*actp = rows[state][ev].act;

	return rows[state][ev].next;
}


const char *child_state_name(enum child_state state)
{
	return state < CHILD_STATEC ? state_names[state] : "?";
}


const char *child_event_name(enum child_event ev)
{
	return ev < CHILD_EVENTC ? event_names[ev] : "?";
}
