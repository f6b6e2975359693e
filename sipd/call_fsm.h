/**
 * @file sipd/call_fsm.h  A call on one page
 *
 * What a call does next is decided by call_rows[state][event] and nothing
 * else. Actions start things (call_act.h); what comes of them arrives later
 * as another event. A row that is not there: the event cannot matter in that
 * state, and is counted.
 */
#ifndef TANDEM_SIPD_CALL_FSM_H
#define TANDEM_SIPD_CALL_FSM_H

#include <stdint.h>

/* Numbers lie in shared memory: new ones at the end. */
enum call_state {
	CALL_NONE,
	CALL_ADMITTING, /**< Identified; billing and media are asked */
	CALL_ROUTING,   /**< The next gateway is looked for */
	CALL_CALLING,   /**< INVITE is out; at most 100 has come */
	CALL_RINGING,   /**< 18x has come */
	CALL_ANSWERED,  /**< 200 to A is out */
	CALL_ENDED,     /**< Both legs are released; the record is owed */
	CALL_STATEC
};

enum call_event {
	EV_NONE,
	EV_INVITE,      /**< A call begins */
	EV_GRANTED,     /**< Billing and media say yes */
	EV_DENIED,      /**< One of them says no: call->verdict says why */
	EV_CANDIDATE,   /**< An address of the next gateway is known */
	EV_EXHAUSTED,   /**< There is no next gateway */
	EV_TRYING,      /**< 100 from B */
	EV_PROGRESS,    /**< 181, 182, 183 without SDP */
	EV_EARLY_MEDIA, /**< The same with SDP */
	EV_ALERTING,    /**< 180 */
	EV_REPEAT,      /**< Same gateway again: credentials, 422, 3xx */
	EV_FAILED_NEXT, /**< The attempt failed, another gateway may be tried */
	EV_FAILED_END,  /**< It failed, and that ends the call */
	EV_ANSWER,      /**< 200 from B */
	EV_CANCEL,      /**< CANCEL of A, or its BYE before the answer */
	EV_BYE,         /**< From either side of an answered call */
	EV_CUT,         /**< A watchdog or an operator; call->verdict */
	EV_RECORDED,    /**< billingd has the record on disk */
	EV_ERROR,       /**< An action could not be done */
	EV_DEADLINE,    /**< The state has lasted too long */
	EV_EVENTC
};

enum call_action {
	ACT_NONE,
	ACT_ASK,          /**< Authorise, Reserve */
	ACT_NEXT,         /**< Look for the next candidate */
	ACT_CALL,         /**< INVITE to it */
	ACT_TRYING,       /**< T2 */
	ACT_PROGRESS,     /**< Pass a provisional on; its timer */
	ACT_REPEAT,       /**< INVITE once more, to the same gateway */
	ACT_SWITCH,       /**< Give the leg up, then look for the next */
	ACT_ANSWER,       /**< ACK to B, 200 to A, clocks */
	ACT_REFUSE,       /**< Final to A by call->verdict; B leg given up */
	ACT_CANCEL,       /**< 487 to A; B leg given up */
	ACT_RELEASE,      /**< BYE to both, but who sent one */
	ACT_RECORD_AGAIN, /**< Offer the record again */
	ACT_FORGET,       /**< The slot is free */
	ACT_ACTIONC
};

struct call_row {
	uint8_t action; /**< enum call_action */
	uint8_t next;   /**< enum call_state; NONE with ACT_NONE: no row */
};

extern const struct call_row call_rows[CALL_STATEC][EV_EVENTC];

/** Longest stay in a state, in ms, until EV_DEADLINE; 0: the clocks of the
 *  answered call see to it */
extern const uint32_t call_deadlines_ms[CALL_STATEC];

const char *call_state_name(enum call_state state);
const char *call_event_name(enum call_event event);

#endif
