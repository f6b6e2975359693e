/**
 * @file sipd/call_adopt.c  Calls of a predecessor go on
 *
 * An answered call goes on as if nothing had happened: both dialogs, the
 * clocks at the second they would have fired, the lines. So does one that was
 * being set up (call_resume.c); if what it needs is not there, it ends as
 * SystemRecovery, and its record says so. One that had ended offers its record
 * again, and says BYE again where nobody can know whether the first one left.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/call_adopt.h"
#include "sipd/call_phone.h"
#include "sipd/call_resume.h"
#include "sipd/caps.h"
#include "sipd/errand.h"
#include "sipd/exchange.h"
#include "sipd/fork.h"
#include "sipd/leg.h"
#include "sipd/renegotiate.h"
#include "sipd/renew.h"
#include "sipd/session.h"
#include "sipd/setup_keep.h"
#include "sipd/sound.h"
#include "sipd/stats.h"

enum {
	SOON_MS = 50,     /**< When the daemon is ready */
	ACK_MS = 32000,   /**< RFC 3261 13.3.1.4: 64 * T1 */
	LEAVE_MS = 32000, /**< A BYE is given up by then, too */
	CSEQ_GAP = 16,    /**< Requests that may have left unpublished */
	BLOBC = 14,
};

/** What the blob setup of a slot names itself */
struct named {
	struct setup_texts setup;
	struct blob before;
};


static void named_of(const struct call *call, struct named *named)
{
	struct text texts[EXCHANGE_TEXTC];
	const struct exchange_image *i = exchange_image_of(call, texts);

	*named = (struct named){ .before = { 0 } };
	setup_texts_of(call, &named->setup);
	if (i)
		named->before = i->before;
}


/* named: or will, once that blob is taken itself */
static void list_blobs(struct call *call, struct named *named,
		       struct blob *all[BLOBC])
{
	struct call_image *i = &call->i;

	all[0] = &i->facts;
	all[1] = &i->offer;
	all[2] = &i->b_sdp;
	all[3] = &i->attempts;
	all[4] = &i->a.texts;
	all[5] = &i->a.sdp;
	all[6] = &i->b.texts;
	all[7] = &i->b.sdp;
	all[8] = &i->setup;
	all[9] = &named->setup.head;
	all[10] = &named->setup.reply;
	all[11] = &named->setup.invites;
	all[12] = &named->setup.auth;
	all[13] = &named->before;
}


/* All of them or none: a slot that is set aside holds no text. */
static int adopt_blobs(struct call *call)
{
	struct blobs *blobs = call->sipd->blobs;
	struct named named = { .before = { 0 } };
	struct blob *all[BLOBC];
	int err = 0;

	list_blobs(call, &named, all);
	for (size_t i = 0; i < BLOBC; i++) {
		err = blob_adopt(blobs, all[i]);
		if (!err && all[i] == &call->i.setup)
			named_of(call, &named);
		if (!err)
			continue;
		while (i-- > 0)
			blob_give(blobs, all[i]);
		break;
	}

	return err;
}


static void give_blobs(struct call *call)
{
	struct named named;
	struct blob *all[BLOBC];

	named_of(call, &named);
	list_blobs(call, &named, all);
	for (size_t i = 0; i < BLOBC; i++)
		blob_give(call->sipd->blobs, all[i]);
}


static int adopt_leg(struct leg *leg)
{
	if (leg->i->texts.unit && text_copy(leg->tag, sizeof(leg->tag),
					    leg_text(leg, LEG_LOCAL_TAG)))
		return EBADMSG;
	leg->i->local_cseq += CSEQ_GAP;
	leg_reach(leg);

	return leg->tag[0] ? leg_add(leg) : 0;
}


/* --- when the daemon is ready --------------------------------------------- */

/* B rings, or talks, for nobody; or our BYE may not have left. Twice does no
 * harm. What is not answered is not told by BYE to A: its INVITE is lost. */
static void leave(struct leg *leg)
{
	struct call *call = leg->call;
	const struct leg_image *i = leg->i;
	const bool is_early = i->state == LEG_EARLY && leg->is_b;

	if (leg->is_b && call_is_to_phone(call) &&
	    (is_early || i->state == LEG_CALLED)) {
		forks_recover(call);
		return;
	}

	/* What was sent is an errand, also while nobody lived. */
	if (i->state != LEG_CONFIRMED && !is_early)
		return;
	if (leg->has_errand)
		return;
	if (!leg_text(leg, LEG_REMOTE_TAG).l)
		return;
	if (leg->is_b && i->state == LEG_CONFIRMED && !(i->flags & LEG_ACKED))
		leg_ack(leg, i->invite_cseq, (struct text){ "", 0 });
	leg_bye(leg, (enum end_reason)call->i.reason, NULL);
}


/* The 200 to A cannot be repeated: its transaction is lost. */
static void on_unacked(void *arg)
{
	struct call *call = arg;

	if (call->a.i->flags & LEG_ACKED)
		return;
	call_heard_a(call, TXN_UNACKED);
}


/* Since the answer, however often sipd was replaced since. */
static void await_ack(struct call *call)
{
	const int64_t left_us = call->i.answer_boot_us +
				ACK_MS * INT64_C(1000) - clk_boot_us();

	/* A's transaction, if it is known, does it by its list. */
	if (call->a.i->flags & LEG_ACKED || call->a.invite)
		return;
	ev_timer_start(&call->deadline, call->sipd->ev,
		       left_us > 0 ? (uint32_t)(left_us / 1000) : 0,
		       on_unacked, call);
}


static void on_soon(void *arg)
{
	struct call *call = arg;

	if (call->setup) {
		call_resume_soon(call);
		return;
	}
	if (call->i.state == CALL_ANSWERED) {
		renew_adopt(call);
		caps_start(call);
		session_resume(&call->a);
		session_resume(&call->b);
		await_ack(call);
		exchange_resume(call);
		return;
	}
	renegotiate_abandon(&call->a, 487);
	renegotiate_abandon(&call->b, 487);
	if (clk_boot_us() - call->i.end_boot_us < LEAVE_MS * INT64_C(1000)) {
		leave(&call->a);
		leave(&call->b);
	}
	call_handle(call, EV_DEADLINE); /* offers the record */
}


/* --- at once -------------------------------------------------------------- */

/* Has A been told, as far as we know? */
static bool goes_on(const struct call *call)
{
	return call->i.state == CALL_ANSWERED &&
	       call->i.a.state == LEG_CONFIRMED;
}


static void count_end(const struct call *call)
{
	struct stats *stats = call->sipd->stats;
	const enum end_reason reason = (enum end_reason)call->i.reason;

	stats_ended(stats, STATS_IN, call->i.mapping, reason);
	if (call->i.flags & CALL_HAS_B_LINES)
		stats_ended(stats, STATS_OUT, call->i.gateway, reason);
}


/* Also of a call whose end was only begun. */
static void end(struct call *call)
{
	const uint32_t lines = CALL_HAS_LINES | CALL_HAS_B_LINES;
	const bool is_new = call->i.state != CALL_ENDED ||
			    (call->i.flags & lines) != 0;

	call_end_with(call, END_SYSTEM_RECOVERY);
	if (is_new)
		count_end(call);
	call->i.state = CALL_ENDED;
	call->i.flags &= ~lines;
}


int call_adopt(struct call *call)
{
	int err = adopt_blobs(call);

	if (err)
		return err;
	err = adopt_leg(&call->a);
	if (!err)
		err = adopt_leg(&call->b);
	if (err) {
		give_blobs(call);
		return err;
	}
	if (call_resume(call) && !goes_on(call))
		end(call);
	err = call_lines_adopt(call);
	if (err) {
		give_blobs(call);
		return err;
	}
	exchange_adopt(call);
	/* The timers of a set-up that goes on run already. */
	ev_timer_start(call->setup ? &call->renew : &call->timer,
		       call->sipd->ev, SOON_MS, on_soon, call);

	return 0;
}


void call_adopt_not(struct call *call)
{
	struct setup *setup = call->setup;

	if (call->a.invite)
		txn_ignore(call->sipd->txns, call->a.invite);
	if (call->b.invite)
		txn_forget(call->sipd->txns, call->b.invite);
	for (size_t i = 0; setup && setup->forks && i < setup->forks->count;
	     i++)
		txn_forget(call->sipd->txns, setup->forks->rows[i].invite);
	if (setup)
		setup_give(call->sipd, setup);
	sound_give(call);
	leg_drop(&call->a);
	leg_drop(&call->b);
	ev_timer_stop(&call->timer);
	ev_timer_stop(&call->renew);
	ev_timer_stop(&call->deadline);
}
