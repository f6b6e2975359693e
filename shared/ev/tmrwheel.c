/**
 * @file shared/ev/tmrwheel.c  libre's timers on our wheel
 *
 * Stands in for libre's tmr.o, whose sorted list costs 150 us per start with
 * 50,000 timers. A struct tmr is embedded in libre's objects and its size is
 * fixed, so the wheel timer lies in the same memory: its links where the list
 * element was, handler and argument where libre has them (its inline
 * tmr_isrunning() looks at the handler). This file is compiled without strict
 * aliasing for that.
 */
#include <stddef.h>
#include <string.h>

#include <re.h>

#include "shared/base/clk.h"
#include "shared/ev/ev.h"
#include "shared/ev/re_on_uv.h"

_Static_assert(sizeof(struct tmr) >= sizeof(struct ev_timer),
	       "a wheel timer fits into a libre timer");
_Static_assert(offsetof(struct tmr, th) == offsetof(struct wheel_timer, h),
	       "the handler is where libre looks for it");
_Static_assert(offsetof(struct tmr, arg) == offsetof(struct wheel_timer, arg),
	       "and so is its argument");


static struct ev_timer *ours(struct tmr *tmr)
{
	return (struct ev_timer *)(void *)tmr;
}


void tmr_init(struct tmr *tmr)
{
	if (tmr)
		memset(tmr, 0, sizeof(*tmr));
}


void tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
	if (!tmr)
		return;

	if (!th || !re_ev()) {
		tmr_cancel(tmr);
		return;
	}

	ev_timer_start(ours(tmr), re_ev(),
		       delay < UINT32_MAX ? (uint32_t)delay : UINT32_MAX, th,
		       arg);
}


void tmr_cancel(struct tmr *tmr)
{
	if (tmr)
		ev_timer_stop(ours(tmr));
}


uint64_t tmr_get_expire(const struct tmr *tmr)
{
	const struct wheel_timer *timer = (const void *)tmr;

	return tmr && tmr->th ? wheel_left_ms(timer) : 0;
}


uint64_t tmr_jiffies(void)
{
	return (uint64_t)clk_mono_us() / 1000;
}


/* The wheel turns with the loop; there is no list to be polled. */
void tmr_poll(struct list *tmrl)
{
	(void)tmrl;
}


uint64_t tmr_next_timeout(struct list *tmrl)
{
	(void)tmrl;

	return 0;
}


void tmr_debug(void)
{
	(void)re_fprintf(stderr, "%H", tmr_status, NULL);
}


int tmr_status(struct re_printf *pf, void *unused)
{
	(void)unused;

	return re_hprintf(pf, "Timers: in the wheel of the loop\n");
}
