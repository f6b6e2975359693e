/**
 * @file sipd/call_adopt.c  Calls of a predecessor go on
 *
 * An answered call goes on as if nothing had happened: both dialogs, the
 * clocks at the second they would have fired, the lines. One that had ended
 * offers its record again. One that was being set up cannot be continued yet:
 * it ends as SystemRecovery, and its record says so.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/call_adopt.h"
#include "sipd/caps.h"
#include "sipd/leg.h"
#include "sipd/session.h"

enum {
	SOON_MS = 50, /**< When the daemon is ready */
};


static int adopt_blobs(struct call *call)
{
	struct blobs *blobs = call->sipd->blobs;
	const struct blob *all[] = {
		&call->i.facts,    &call->i.offer,   &call->i.b_sdp,
		&call->i.attempts, &call->i.a.texts, &call->i.a.sdp,
		&call->i.b.texts,  &call->i.b.sdp,
	};
	int err = 0;

	for (size_t i = 0; i < COUNT_OF(all) && !err; i++)
		if (all[i]->unit)
			err = blob_adopt(blobs, all[i]);

	return err;
}


static int adopt_leg(struct leg *leg)
{
	if (leg->i->texts.unit && text_copy(leg->tag, sizeof(leg->tag),
					    leg_text(leg, LEG_LOCAL_TAG)))
		return EBADMSG;

	return leg->tag[0] ? leg_add(leg) : 0;
}


static void on_soon(void *arg)
{
	struct call *call = arg;

	if (call->i.state == CALL_ANSWERED) {
		caps_start(call);
		session_resume(&call->a);
		session_resume(&call->b);
		return;
	}
	call_handle(call, EV_DEADLINE); /* offers the record */
}


static void end_setup(struct call *call)
{
	call_end_with(call, END_SYSTEM_RECOVERY);
	call->i.state = CALL_ENDED;
	call->i.flags &= ~(uint32_t)(CALL_HAS_LINES | CALL_HAS_B_LINES);
}


int call_adopt(struct call *call)
{
	int err = adopt_blobs(call);

	if (!err && call->i.state != CALL_ANSWERED &&
	    call->i.state != CALL_ENDED)
		end_setup(call);
	if (!err)
		err = adopt_leg(&call->a);
	if (!err)
		err = adopt_leg(&call->b);
	if (!err)
		err = call_lines_adopt(call);
	if (!err)
		ev_timer_start(&call->timer, call->sipd->ev, SOON_MS, on_soon,
			       call);

	return err;
}
