/**
 * @file regd/upstream.c  Registrations of the switch at others
 *
 * One object per slot. Whatever is to be done is in the slot first: the number
 * of a request before it can leave, the binding before calls may rely on it. A
 * successor goes on with the same Call-ID at the same second; what was under
 * way is asked again, with a higher CSeq.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regd/metrics.h"
#include "regd/regd.h"
#include "regd/upstream.h"
#include "regd/upstream_fsm.h"
#include "regd/upstream_int.h"
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"

enum {
	PACE_US = 20000, /**< Between two REGISTERs: no bursts */
	SOON_MS = 100,
};

static const int64_t second_us = 1000000;


static void publish(struct upstream *up)
{
	slots_publish(up->all->slots, up->slot, &up->i);
}


static void log_context(struct log *log, const struct upstream *up)
{
	*log = (struct log){ .up = up->all->regd->log,
			     .key = "registration",
			     .value = up->name };
}


/* --- waiting -------------------------------------------------------------- */

static void on_due(void *arg)
{
	upstream_handle(arg, UP_DUE);
}


/* A turn of its own for each, and so no bursts. */
static int64_t turn_us(struct upstreams *u, int64_t due_us)
{
	const int64_t now_us = clk_boot_us();
	int64_t at_us = due_us > now_us ? due_us : now_us;

	if (at_us - now_us < second_us && at_us < u->pace_us)
		at_us = u->pace_us;
	if (at_us - now_us < second_us)
		u->pace_us = at_us + PACE_US;

	return at_us;
}


static void await(struct upstream *up, ev_h *h)
{
	const int64_t left_us = turn_us(up->all, up->i.next_boot_us) -
				clk_boot_us();

	ev_timer_start(&up->timer, up->all->regd->ev,
		       (uint32_t)((left_us + 999) / 1000), h, up);
}


static void due_in(struct upstream *up, int64_t us)
{
	up->i.next_boot_us = clk_boot_us() + us;
	up->i.next_wall_us = clk_wall_us() + us;
}


/* --- actions -------------------------------------------------------------- */

static void act_hold(struct upstream *up)
{
	const int64_t effective_us = up->i.effective_s * second_us;
	struct log log;

	up->i.bound_boot_us = clk_boot_us() + effective_us;
	up->i.bound_wall_us = clk_wall_us() + effective_us;
	due_in(up, effective_us / 2);
	up->i.is_min = 0;
	if (up->i.failures || !up->was_told) {
		log_context(&log, up);
		log_info(&log, "upstream_registered effective=%u",
			 up->i.effective_s);
	}
	if (up->i.effective_s < UPSTREAM_SHORT_S) {
		log_context(&log, up);
		log_warn(&log, "upstream_expiry_short effective=%u",
			 up->i.effective_s);
	}
	up->was_told = true;
	up->i.failures = 0;
	publish(up);
	(void)upstream_bound_set(up->all->bound, up->i.record,
				 up->i.bound_boot_us);
	await(up, on_due);
}


static void act_wait(struct upstream *up)
{
	struct log log;

	up->i.failures++;
	up->i.is_min = 0;
	due_in(up, up->all->delay_s * second_us);
	publish(up);
	log_context(&log, up);
	log_warn(&log, "upstream_failed code=%u failures=%u", up->i.last_code,
		 up->i.failures);
	up->was_told = false;
	await(up, on_due);
}


static void act_register(struct upstream *up)
{
	up->i.asked_s = upstream_asked_s(up->period_s, up->i.min_s);
	up->i.next_boot_us = 0;
	up->i.next_wall_us = 0;
	upstream_enrol(up, up->i.asked_s);
}


static void act_unregister(struct upstream *up)
{
	up->i.next_boot_us = 0;
	up->i.next_wall_us = 0;
	upstream_enrol(up, 0);
}


/* Its name upstream stays: the same record is the same Call-ID again. */
static void act_forget(struct upstream *up)
{
	struct log log;

	if (up->i.bound_boot_us) {
		log_context(&log, up);
		log_info(&log, "upstream_unregistered code=%u",
			 up->i.last_code);
	}
	upstream_cancel(up);
	ev_timer_stop(&up->timer);
	up->i.bound_boot_us = 0;
	up->i.bound_wall_us = 0;
	up->i.next_boot_us = 0;
	up->i.next_wall_us = 0;
	up->i.effective_s = 0;
	up->i.failures = 0;
	up->i.min_s = 0;
	up->i.is_gone = 0;
	up->was_told = false;
	publish(up);
	(void)upstream_bound_set(up->all->bound, up->i.record, 0);
	upstreams_sync_soon(up->all);
}


static void (*const actions[UP_ACTIONC])(struct upstream *) = {
	[UP_REGISTER] = act_register, [UP_HOLD] = act_hold,
	[UP_WAIT] = act_wait,         [UP_UNREGISTER] = act_unregister,
	[UP_FORGET] = act_forget,
};


void upstream_handle(struct upstream *up, enum upstream_event event)
{
	const struct upstream_row row = upstream_fsm(up->i.state, event);
	struct log log;

	log_context(&log, up);
	if (row.action == UP_NONE) {
		log_debug(&log, "upstream_event_ignored state=%s what=%s",
			  upstream_state_name(up->i.state),
			  upstream_event_name(event));
		return;
	}
	log_debug(&log, "upstream_state from=%s to=%s what=%s",
		  upstream_state_name(up->i.state),
		  upstream_state_name(row.next), upstream_event_name(event));
	ev_timer_stop(&up->timer);
	up->i.state = row.next;
	actions[row.action](up);
}


/* --- what came of it ------------------------------------------------------ */

static enum upstream_event judge(struct upstream *up,
				 const Tandem__Enrolled *answer)
{
	if (up->i.state == UPSTREAM_UNREGISTERING)
		return answer->code / 100 == 2 ? UP_OK : UP_FAILED;
	if (answer->code == 423 && !up->i.is_min &&
	    answer->min_expires > up->i.asked_s) {
		up->i.is_min = 1;
		up->i.min_s = answer->min_expires;
		return UP_BRIEF;
	}
	if (answer->code / 100 != 2)
		return UP_FAILED;

	up->i.effective_s = upstream_effective_s(up->period_s, up->i.asked_s,
						 answer->expires);

	return up->i.effective_s ? UP_OK : UP_FAILED;
}


void upstream_answered(struct upstream *up, const Tandem__Enrolled *answer)
{
	up->i.last_code = answer->code;
	if (answer->cseq > up->i.cseq && answer->cseq < INT32_MAX)
		up->i.cseq = answer->cseq;
	upstream_handle(up, judge(up, answer));
}


/* --- records -------------------------------------------------------------- */

void upstream_end(struct upstream *up)
{
	const bool is_bound = up->i.bound_boot_us > clk_boot_us();

	if (up->i.state == UPSTREAM_OFF)
		ev_timer_stop(&up->timer); /* it was about to start */
	if (up->i.state == UPSTREAM_UNREGISTERING ||
	    up->i.state == UPSTREAM_OFF)
		return;
	up->i.is_gone = 1;
	upstream_handle(up,
			is_bound && up->i.unregisters ? UP_LEAVE : UP_DROP);
}


static void on_start(void *arg)
{
	struct upstream *up = arg;

	/* It was not to be known before; now what the record says, holds. */
	upstream_handle(up, UP_START);
}


void upstream_start(struct upstream *up)
{
	if (ev_timer_running(&up->timer))
		return;
	up->i.next_boot_us = clk_boot_us();
	await(up, on_start);
}


/* --- after a kill --------------------------------------------------------- */

static void on_again(void *arg)
{
	struct upstream *up = arg;

	upstream_enrol(up, up->i.state == UPSTREAM_UNREGISTERING
				   ? 0
				   : up->i.asked_s);
}


/* What was asked may have been answered to nobody. */
void upstream_resume(struct upstream *up)
{
	up->was_told = up->i.bound_boot_us > clk_boot_us();
	switch ((int)up->i.state) {

	case UPSTREAM_TRYING:
	case UPSTREAM_UNREGISTERING:
		ev_timer_start(&up->timer, up->all->regd->ev, SOON_MS,
			       on_again, up);
		break;

	case UPSTREAM_WAITING:
	case UPSTREAM_REGISTERED:
		await(up, on_due);
		break;

	default:
		break;
	}
	(void)upstream_bound_set(up->all->bound, up->i.record,
				 up->i.bound_boot_us);
}


/* --- commands ------------------------------------------------------------- */

int upstreams_refresh(struct upstreams *u, uint32_t record)
{
	struct upstream *up = upstreams_find(u, record);

	if (!up || up->i.state == UPSTREAM_OFF)
		return ENOENT;
	if (up->i.state == UPSTREAM_WAITING ||
	    up->i.state == UPSTREAM_REGISTERED)
		upstream_handle(up, UP_DUE);

	return 0;
}


void upstreams_walk(const struct upstreams *u, upstream_h *h, void *arg)
{
	for (size_t n = 0; n < u->count; n++)
		h(&u->list[n]->i, u->list[n]->name, arg);
}


void upstreams_leave(struct upstreams *u)
{
	u->is_leaving = true;
	for (size_t n = 0; n < u->count; n++)
		upstream_end(u->list[n]);
}


bool upstreams_have_left(const struct upstreams *u)
{
	for (size_t n = 0; n < u->count; n++)
		if (u->list[n]->i.state == UPSTREAM_UNREGISTERING)
			return false;

	return true;
}
