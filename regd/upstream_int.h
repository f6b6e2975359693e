/**
 * @file regd/upstream_int.h  What the files of upstream registrations share
 *
 * Not for users: upstream.h is.
 */
#ifndef TANDEM_REGD_UPSTREAM_INT_H
#define TANDEM_REGD_UPSTREAM_INT_H

#include "proto/envelope.pb-c.h"
#include "regd/upstream.h"
#include "regd/upstream_fsm.h"
#include "shared/ev/ev.h"
#include "shared/shm/slot.h"
#include "shared/svc/admin.h"

/** One record; its slot is the truth */
struct upstream {
	struct upstreams *all;
	uint32_t slot;
	struct upstream_image i;
	char name[UPSTREAM_NAME_MAX]; /**< Of the record, as it was last */
	uint32_t period_s;            /**< 0: auto */
	uint32_t asked_last_s;        /**< 0: to be unregistered */
	uint64_t ask;                 /**< Bus request; 0: none */
	size_t series;                /**< Of its metric; SIZE_MAX: none yet */
	bool is_seen;                 /**< While records are looked through */
	bool was_told;                /**< That it is registered */
	struct ev_timer timer;
};

enum {
	UPSTREAM_SETTLERS_MAX = 16
};

/** Waits until nothing is being unregistered */
struct upstream_settler {
	struct admin_ticket ticket;
	int64_t deadline_us;
};

struct upstreams {
	struct regd *regd;
	const struct segment *bound;
	const struct segment *segment;
	struct slots *slots;
	struct upstream *list[UPSTREAM_SLOTS];
	size_t count;
	uint64_t version; /**< Of the catalog that was looked through */
	uint32_t delay_s; /**< SS_SIP_USER_AGENT_RETRY_DELAY */
	uint32_t privacy; /**< SS_SIP_USER_AGENT_PRIVACY */
	int64_t pace_us;  /**< Before, nobody's turn comes */
	bool is_leaving;
	bool is_due; /**< To be looked through, although nothing changed */
	struct ev_timer sync;
	struct upstream_settler settlers[UPSTREAM_SETTLERS_MAX];
	size_t settlerc;
	struct ev_timer settle;
};

/* upstream.c */
void upstream_handle(struct upstream *up, enum upstream_event event);
void upstream_answered(struct upstream *up, const Tandem__Enrolled *answer);
/** Unregister it, if need be, and forget it */
void upstream_end(struct upstream *up);
void upstream_start(struct upstream *up);
void upstream_resume(struct upstream *up);

/* upstream_enrol.c */
/** Publish it, and ask sipd to send it; expires_s 0: unregister */
void upstream_enrol(struct upstream *up, uint32_t expires_s);
void upstream_cancel(struct upstream *up);

/* upstream_admin.c */
void upstream_untell(struct upstream *up);

/* upstream_records.c */
struct upstream *upstreams_find(const struct upstreams *u, uint32_t record);
/** In the next turn */
void upstreams_sync_soon(struct upstreams *u);

#endif
