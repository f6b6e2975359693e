/**
 * @file sipd/timer_fsm.h  The session timer of one leg, as a table
 *
 * call-lifetime 2. Pure: states and events in, an action and what to wait for
 * out; the leg sends the probes and owns the clock.
 */
#ifndef TANDEM_SIPD_TIMER_FSM_H
#define TANDEM_SIPD_TIMER_FSM_H

#include <stdbool.h>
#include <stdint.h>

enum timer_state {
	TIMER_NONE, /**< No timer on this leg */
	TIMER_CONFIRMED,
	TIMER_PROBING,
	TIMER_UNCONFIRMED,
	TIMER_DEAD,
	TIMER_ENDED,
	TIMER_STATEC
};

enum timer_event {
	TIMER_EV_NONE,
	TIMER_EV_START,    /**< The call is answered */
	TIMER_EV_BOUNDARY, /**< The next boundary is reached */
	TIMER_EV_REFRESH,  /**< From the peer, answered 2xx */
	TIMER_EV_OK,       /**< 2xx to a probe, this one or an older */
	TIMER_EV_GONE,     /**< 481 or a 408 response */
	TIMER_EV_GLARE,    /**< 491 */
	TIMER_EV_AGAIN,    /**< 401, 407, 422: once with what was asked for */
	TIMER_EV_REFUSED,  /**< Any other final */
	TIMER_EV_SILENT,   /**< No response in the probe's time, k < S */
	TIMER_EV_SILENT_LAST, /**< The same, k = S */
	TIMER_EV_GRACE_OVER,  /**< EARLY_HANGUP is over */
	TIMER_EV_GLARE_OVER,  /**< The delay of RFC 3261 14.1 */
	TIMER_EV_PEER_DONE,   /**< What was pending on the leg is over */
	TIMER_EVENTC
};

enum timer_action {
	TIMER_ACT_NONE,
	TIMER_ACT_PROBE,         /**< Send one */
	TIMER_ACT_CONFIRM,       /**< t0 = now; boundaries count from there */
	TIMER_ACT_CONFIRM_AGAIN, /**< The same, and repeat the probe */
	TIMER_ACT_GLARE, /**< Wait the delay, then TIMER_EV_GLARE_OVER */
	TIMER_ACT_GRACE, /**< Wait EARLY_HANGUP, then GRACE_OVER */
	TIMER_ACT_HANGUP /**< SessionTimeout */
};

struct timer_row {
	uint8_t action; /**< enum timer_action */
	uint8_t next;   /**< enum timer_state; NONE: no such row */
};
extern const struct timer_row timer_rows[TIMER_STATEC][TIMER_EVENTC];

/** One leg's; lies in shared memory. Times are CLOCK_BOOTTIME. */
struct timer_leg {
	int64_t t0_us;        /**< Last confirmation */
	uint32_t interval_ms; /**< T */
	uint16_t segments;    /**< S */
	uint8_t state;        /**< enum timer_state */
	uint8_t k;            /**< Boundaries reached since t0 */
};

/** Bring the event in; what is to be done. A missing row: NONE, and the state
 *  stays. SILENT with k = S is SILENT_LAST. Boundaries that passed while a
 *  probe waited (glare, PEER_DONE) count as reached with the next one. */
enum timer_action timer_handle(struct timer_leg *leg, enum timer_event event,
			       int64_t now_us);

/** When the next boundary is due; INT64_MAX while the leg waits for something
 *  else: a probe's end comes before the boundary that has the same time */
int64_t timer_boundary_us(const struct timer_leg *leg);
/** How long a probe sent now may wait: the shorter of the request timeout and
 *  T / S */
uint32_t timer_probe_ms(const struct timer_leg *leg, uint32_t request_ms);
/** Is k = S: was it the last? */
bool timer_is_last(const struct timer_leg *leg);

/* --- negotiation (call-lifetime 1) ---------------------------------------- */

enum timer_refresher {
	REFRESHER_NONE,
	REFRESHER_UAC,
	REFRESHER_UAS
};

/** What A's INVITE said */
struct timer_asked {
	bool has_expires;
	uint32_t expires_s;
	uint32_t min_se_s; /**< 0: none */
	enum timer_refresher refresher;
	bool is_supported; /**< Supported: timer */
	bool is_required;  /**< Require: timer */
};
struct timer_params {
	bool is_off; /**< SS_SESSION_TIMER 0 */
	uint32_t ttl_s;
	uint32_t min_se_s;
	enum timer_refresher refresher; /**< Offered to B */
};
struct timer_terms {
	bool has_timer;    /**< The regime */
	uint16_t code;     /**< 420 or 422 instead; 0: go on */
	uint32_t min_se_s; /**< With 422 */
	/* our 200 to A */
	uint32_t a_expires_s;
	enum timer_refresher a_refresher;
	bool a_require;
	/* our INVITE to B */
	uint32_t b_expires_s;
	uint32_t b_min_se_s;
};
void timer_negotiate(struct timer_terms *terms,
		     const struct timer_asked *asked,
		     const struct timer_params *params);
/** T of a leg: min(TTL, interval); interval 0: the leg has none */
uint32_t timer_interval_ms(uint32_t ttl_s, uint32_t interval_s);

#endif
