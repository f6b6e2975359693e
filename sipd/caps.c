/**
 * @file sipd/caps.c  The latest end of an answered call (call-lifetime 3, 4)
 *
 * Deadlines lie in the slot, so a cap fires in the same second whatever was
 * restarted meanwhile.
 */
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "sipd/caps.h"
#include "sipd/call.h"
#include "sipd/renew.h"


/* Due at the same time: the order of call-lifetime 5 */
static int64_t earliest(const struct call *call, enum end_reason *reasonp)
{
	const struct call_image *i = &call->i;
	const struct {
		uint32_t seconds;
		enum end_reason reason;
	} caps[] = {
		{ i->granted_s, END_BALANCE_EXHAUSTED },
		{ i->params.max_duration_s, END_MAX_DURATION },
		{ i->flags & CALL_IS_TIMER ? 0 : i->params.no_timer_s,
		  END_NO_TIMER_LIMIT },
	};
	int64_t at_us = 0;

	for (size_t c = 0; c < COUNT_OF(caps); c++) {
		const int64_t due_us = i->answer_boot_us +
				       (int64_t)caps[c].seconds * 1000000;

		if (!caps[c].seconds || (at_us && due_us >= at_us))
			continue;
		at_us = due_us;
		*reasonp = caps[c].reason;
	}

	return at_us;
}


static void on_cap(void *arg)
{
	struct call *call = arg;
	enum end_reason reason = (enum end_reason)call->i.cap_reason;

	/* billing 8.7: perhaps there would have been more. */
	if (reason == END_BALANCE_EXHAUSTED && renew_is_unheard(call))
		reason = END_INTERNAL_ERROR;
	call_end_with(call, reason);
	call_handle(call, EV_CUT);
}


void caps_start(struct call *call)
{
	enum end_reason reason = END_NONE;
	int64_t left_us;

	call->i.cap_boot_us = earliest(call, &reason);
	call->i.cap_reason = (uint8_t)reason;
	ev_timer_stop(&call->timer);
	renew_plan(call);
	if (!call->i.cap_boot_us)
		return;

	left_us = call->i.cap_boot_us - clk_boot_us();
	ev_timer_start(&call->timer, call->sipd->ev,
		       left_us > 0 ? (uint32_t)((left_us + 999) / 1000) : 0,
		       on_cap, call);
}


long caps_left_s(const struct call *call, int *reasonp)
{
	*reasonp = call->i.cap_reason;
	if (!call->i.cap_boot_us)
		return -1;

	return (long)((call->i.cap_boot_us - clk_boot_us()) / 1000000);
}
