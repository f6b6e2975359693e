/**
 * @file regd/upstream_fsm.h  A registration at somebody else (registration 6)
 */
#ifndef TANDEM_REGD_UPSTREAM_FSM_H
#define TANDEM_REGD_UPSTREAM_FSM_H

#include <stdbool.h>
#include <stdint.h>

enum upstream_event {
	UP_START,  /**< The record is to be registered */
	UP_OK,     /**< 200: there is a binding */
	UP_BRIEF,  /**< 423, the first in this round */
	UP_FAILED, /**< Any other final, or none */
	UP_DUE,    /**< The wait, or half of the expiry, is over */
	UP_LEAVE,  /**< The record, or the switch, goes: say so upstream */
	UP_DROP,   /**< It goes, and nothing is to be said */
	UP_EVENTC
};

enum upstream_action {
	UP_NONE, /**< With an absent row */
	UP_REGISTER,
	UP_HOLD, /**< The binding is alive; refresh it in time */
	UP_WAIT, /**< For the retry delay */
	UP_UNREGISTER,
	UP_FORGET,
	UP_ACTIONC
};

struct upstream_row {
	uint8_t action; /**< UP_NONE: the event cannot matter here */
	uint8_t next;   /**< enum upstream_state */
};

struct upstream_row upstream_fsm(unsigned state, enum upstream_event event);

const char *upstream_state_name(unsigned state);
const char *upstream_event_name(enum upstream_event event);

/* --- rules ---------------------------------------------------------------- */

#define UPSTREAM_UNSAID UINT32_MAX

enum {
	UPSTREAM_AUTO_S = 3600,
	UPSTREAM_SHORT_S = 20, /**< Below: it is used, and told */
};

/** What is asked for: X. period_s 0: auto; min_s: of a 423, or 0 */
uint32_t upstream_asked_s(uint32_t period_s, uint32_t min_s);

/** What holds. granted_s: Y, or UPSTREAM_UNSAID; 0: nothing */
uint32_t upstream_effective_s(uint32_t period_s, uint32_t asked_s,
			      uint32_t granted_s);

/** Of our next request: counts on from what may have left, and is not below
 *  what a switch before this one can have used, whose memory is lost */
uint32_t upstream_next_cseq(uint32_t cseq, int64_t wall_us);

#endif
