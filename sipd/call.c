/**
 * @file sipd/call.c  Calls, their legs, and how events reach them
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/auth/authn.h"
#include "shared/base/clk.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/shm/life.h"
#include "shared/svc/svc.h"
#include "sipd/call.h"
#include "sipd/call_act.h"
#include "sipd/call_int.h"
#include "sipd/fork.h"
#include "sipd/leg.h"
#include "sipd/metrics.h"
#include "sipd/renew.h"
#include "sipd/setup_keep.h"
#include "sipd/sound.h"

/* clang-format off */
static int (*const actions[ACT_ACTIONC])(struct call *call) = {
	[ACT_ASK]          = call_ask,
	[ACT_NEXT]         = call_next,
	[ACT_CALL]         = call_invite,
	[ACT_TRYING]       = call_trying,
	[ACT_PROGRESS]     = call_progress,
	[ACT_REPEAT]       = call_repeat,
	[ACT_SWITCH]       = call_switch,
	[ACT_ANSWER]       = call_answer,
	[ACT_REFUSE]       = call_refuse,
	[ACT_CANCEL]       = call_cancel,
	[ACT_RELEASE]      = call_release,
	[ACT_RECORD_AGAIN] = call_record,
	[ACT_FORGET]       = call_forget,
};

/* These send nothing before they have published the call themselves. */
static const bool publishes[ACT_ACTIONC] = {
	[ACT_ASK]          = true,
	[ACT_CALL]         = true,
	[ACT_TRYING]       = true,
	[ACT_PROGRESS]     = true,
};

/* Label values of tandem_calls_active, as operators count */
static const uint8_t shown_as[CALL_STATEC] = {
	[CALL_ADMITTING] = 0, [CALL_ROUTING]  = 0, [CALL_CALLING] = 0,
	[CALL_RINGING]   = 1, [CALL_ANSWERED] = 2, [CALL_ENDED]   = 3,
};
/* clang-format on */


/* --- all of them ---------------------------------------------------------- */

void call_leg_init(struct leg *leg, struct call *call, bool is_b)
{
	leg->call = call;
	leg->is_b = is_b;
	leg->i = is_b ? &call->i.b : &call->i.a;
}


void leg_drop(struct leg *leg)
{
	struct calls *calls = leg->call->sipd->calls;

	ev_timer_stop(&leg->timer);
	ev_timer_stop(&leg->patience);
	leg_hold(leg, false);
	if (leg->link.key)
		map_remove(calls->tags, &leg->link);
	leg->link.key = NULL;
	free(leg->auth);
	leg->auth = NULL;
}


int leg_add(struct leg *leg)
{
	struct calls *calls = leg->call->sipd->calls;

	if (leg->link.key)
		map_remove(calls->tags, &leg->link);
	leg->link.key = NULL;

	return map_add(calls->tags, &leg->link, leg->tag, strlen(leg->tag));
}


struct leg *leg_find(struct sipd *sipd, struct text local_tag,
		     struct text call_id)
{
	struct map_link *link;
	struct leg *leg;
	struct text ours;

	if (!local_tag.l)
		return NULL;
	link = map_find(sipd->calls->tags, local_tag.p, local_tag.l);
	if (!link)
		return NULL;

	leg = CONTAINER_OF(link, struct leg, link);
	ours = leg_text(leg, LEG_CALL_ID);
	if (ours.l != call_id.l || memcmp(ours.p, call_id.p, call_id.l) != 0)
		return NULL;

	return leg;
}


struct call *call_struct_take(struct calls *calls)
{
	struct call *call = calls->free;

	if (!call)
		return calloc(1, sizeof(*call));

	calls->free = call->next_free;
	memset(call, 0, sizeof(*call));

	return call;
}


void calls_count_in(struct calls *calls, enum call_state state, int by)
{
	if (state == CALL_NONE)
		return;

	calls->in[state] += (size_t)by;
	metric_set_at(M_CALLS_ACTIVE, shown_as[state], 0);
	for (size_t s = 0; s < CALL_STATEC; s++)
		if (s != CALL_NONE && shown_as[s] == shown_as[state])
			metric_add_at(M_CALLS_ACTIVE, shown_as[state],
				      calls->in[s]);
	atomic_store(&svc_life(calls->sipd->svc)->calls,
		     (uint32_t)calls_count(calls->sipd) + 1);
}


void call_on_deadline(void *arg)
{
	struct call *call = arg;
	struct verdict verdict = verdict_plain(END_INTERNAL_ERROR);

	if (call->i.state == CALL_ADMITTING)
		verdict.code = 503; /* call-setup 3, row 9 */
	if (call->i.state != CALL_ENDED)
		call_verdict(call, &verdict);
	call_handle(call, EV_DEADLINE);
}


static void enter(struct call *call, enum call_state next)
{
	struct calls *calls = call->sipd->calls;

	if (call->i.state == next)
		return;

	calls_count_in(calls, (enum call_state)call->i.state, -1);
	call->i.state = (uint8_t)next;
	calls_count_in(calls, next, 1);
	call->i.state_boot_us = ev_boot_us(call->sipd->ev);
	ev_timer_stop(&call->deadline);
	if (call_deadlines_ms[next])
		ev_timer_start(&call->deadline, call->sipd->ev,
			       call_deadlines_ms[next], call_on_deadline,
			       call);
}


/* An action that brings in an event finds is_busy set: one level, no more.
 * NOLINTNEXTLINE(misc-no-recursion) */
static void bring_in(struct call *call, enum call_event event)
{
	const struct call_row *row = &call_rows[call->i.state][event];
	int err = 0;

	if (row->action == ACT_NONE && row->next == CALL_NONE) {
		metric_inc(M_CALL_EVENTS_IGNORED);
		log_debug(&call->log, "call_event_ignored state=%s event=%s",
			  call_state_name((enum call_state)call->i.state),
			  call_event_name(event));
		return;
	}

	log_debug(&call->log, "call_event state=%s event=%s next=%s",
		  call_state_name((enum call_state)call->i.state),
		  call_event_name(event),
		  call_state_name((enum call_state)row->next));
	enter(call, (enum call_state)row->next);
	if (row->action == ACT_FORGET) {
		(void)call_forget(call);
		return;
	}
	if (!publishes[row->action])
		call_publish(call);
	if (actions[row->action])
		err = actions[row->action](call);
	if (err) {
		log_warn(&call->log, "call_action_failed event=%s why=%s",
			 call_event_name(event), strerror(err));
		if (call->i.state != CALL_ENDED)
			call_end_with(call, END_INTERNAL_ERROR);
		call_handle(call, EV_ERROR);
	}
}


/* What came up while an action ran
 * NOLINTNEXTLINE(misc-no-recursion): see bring_in() */
static void bring_in_queued(struct call *call)
{
	struct sipd *sipd = call->sipd;
	const uint64_t id = call->id;

	while (call_find(sipd, id) == call && call->queued) {
		const enum call_event next = (enum call_event)call->queue[0];

		memmove(call->queue, call->queue + 1, --call->queued);
		bring_in(call, next);
	}
	if (call_find(sipd, id) == call)
		call->is_busy = false;
}


/* NOLINTNEXTLINE(misc-no-recursion): see bring_in() */
void call_handle(struct call *call, enum call_event event)
{
	struct sipd *sipd = call->sipd;
	bool has_begun;

	if (call->is_busy) {
		/* More than a table's worth of events in one action would be
		 * our own mistake; the deadline of the state ends the call. */
		if (call->queued < QUEUE_MAX)
			call->queue[call->queued++] = (uint8_t)event;
		return;
	}

	has_begun = call_work_begin(call);
	call->is_busy = true;
	bring_in(call, event);
	bring_in_queued(call);
	call_work_end(sipd, has_begun);
}


void call_redo(struct call *call, int (*action)(struct call *call))
{
	struct sipd *sipd = call->sipd;
	const bool has_begun = call_work_begin(call);
	int err;

	call->is_busy = true;
	err = action(call);
	if (err) {
		log_warn(&call->log, "call_not_recovered state=%s why=%s",
			 call_state_name((enum call_state)call->i.state),
			 strerror(err));
		if (call->i.state != CALL_ENDED)
			call_end_with(call, END_SYSTEM_RECOVERY);
		call_handle(call, EV_ERROR);
	}
	bring_in_queued(call);
	if (has_begun) { /* it has not proved anything yet */
		slots_work_pause(sipd->calls->slots, sipd->calls->working);
		sipd->calls->is_working = false;
	}
}


void call_verdict(struct call *call, const struct verdict *verdict)
{
	if (call->i.reason != END_NONE)
		return;

	call->i.reason = (uint8_t)verdict->reason;
	call->i.side = (uint8_t)verdict->side;
	if (!call->i.answer_us)
		call->i.code = verdict->code;
	call->i.end_us = clk_wall_us();
	call->i.end_boot_us = clk_boot_us();
}


void call_end_with(struct call *call, enum end_reason reason)
{
	const struct verdict verdict = verdict_plain(reason);

	call_verdict(call, &verdict);
}


void call_publish(struct call *call)
{
	if (call->setup)
		setup_write(call);
	slots_publish(call->sipd->calls->slots, call->index, &call->i);
	while (call->doomedc)
		blob_give(call->sipd->blobs, &call->doomed[--call->doomedc]);
}


void call_blob_drop(struct call *call, struct blob *blob)
{
	if (!blob->unit)
		return;
	/* Before it is taken out of the image, which is whole only until
	 * then: what names it counts its bytes. */
	if (call->doomedc == DOOMED_MAX)
		call_publish(call);
	call->doomed[call->doomedc++] = *blob;
	*blob = (struct blob){ 0 };
}


/* --- what is being worked on ---------------------------------------------- */

bool call_work_begin(struct call *call)
{
	struct calls *calls = call->sipd->calls;

	if (calls->is_working)
		return false;
	calls->is_working = true;
	calls->working = call->index;
	slots_work_begin(calls->slots, call->index);

	return true;
}


void call_work_end(struct sipd *sipd, bool has_begun)
{
	struct calls *calls = sipd->calls;

	if (!has_begun)
		return;
	slots_work_end(calls->slots, calls->working);
	calls->is_working = false;
}


/* --- one ------------------------------------------------------------------ */

int call_alloc(struct call **callp, struct sipd *sipd)
{
	struct calls *calls = sipd->calls;
	struct call *call = call_struct_take(calls);
	int err;

	if (!call)
		return ENOMEM;
	err = slots_take(calls->slots, &call->index);
	if (err) {
		call->next_free = calls->free;
		calls->free = call;
		return err;
	}

	call->sipd = sipd;
	call->id = slots_id(calls->slots, call->index);
	call_leg_init(&call->a, call, false);
	call_leg_init(&call->b, call, true);
	id_ulid(call->i.cdr_id, clk_wall_us());
	call->log = (struct log){ .up = sipd->log,
				  .key = "call",
				  .value = call->i.cdr_id };
	calls->by_index[call->index - calls->first] = call;
	*callp = call;

	return 0;
}


static void blobs_give(struct call *call)
{
	struct blobs *blobs = call->sipd->blobs;
	struct setup_texts texts;
	struct blob *all[] = {
		&call->i.facts,      &call->i.offer,   &call->i.b_sdp,
		&call->i.attempts,   &call->i.a.texts, &call->i.a.sdp,
		&call->i.b.texts,    &call->i.b.sdp,   &call->a.sdp_before,
		&call->b.sdp_before, &call->i.setup,   &texts.head,
		&texts.reply,        &texts.invites,   &texts.auth,
	};

	setup_texts_of(call, &texts);

	for (size_t i = 0; i < COUNT_OF(all); i++)
		blob_give(blobs, all[i]);
	while (call->doomedc)
		blob_give(blobs, &call->doomed[--call->doomedc]);
}


void call_free(struct call *call)
{
	struct calls *calls = call->sipd->calls;

	calls_count_in(calls, (enum call_state)call->i.state, -1);
	renew_stop(call);
	ev_timer_stop(&call->timer);
	ev_timer_stop(&call->deadline);
	leg_drop(&call->a);
	leg_drop(&call->b);
	sound_give(call);
	/* Not named by a used slot any more before they can be another's. */
	slots_give(calls->slots, call->index);
	blobs_give(call);
	if (call->setup)
		setup_give(call->sipd, call->setup);
	calls->by_index[call->index - calls->first] = NULL;
	call->next_free = calls->free;
	calls->free = call;
}


struct call *call_find(struct sipd *sipd, uint64_t id)
{
	const uint32_t index = (uint32_t)id;
	struct calls *calls = sipd->calls;
	struct call *call;

	if (index < calls->first || index - calls->first >= calls->slotc)
		return NULL;
	call = calls->by_index[index - calls->first];

	return call && call->id == id ? call : NULL;
}


void calls_walk(struct sipd *sipd, call_h *h, void *arg)
{
	struct calls *calls = sipd->calls;

	for (uint32_t i = 0; i < calls->slotc; i++)
		if (calls->by_index[i])
			h(calls->by_index[i], arg);
}


size_t calls_count(const struct sipd *sipd)
{
	size_t n = 0;

	for (size_t s = 0; s < CALL_STATEC; s++)
		n += sipd->calls->in[s];

	return n;
}


size_t calls_in(const struct sipd *sipd, enum call_state state)
{
	return sipd->calls->in[state];
}


struct text call_fact(const struct call *call, enum call_fact which)
{
	const struct text all = blob_text(call->sipd->blobs, &call->i.facts);
	size_t at = 0;

	for (size_t i = 0; i < (size_t)which; i++)
		at += call->i.factl[i];
	if (!all.p || at + call->i.factl[which] > all.l)
		return (struct text){ "", 0 };

	return (struct text){ all.p + at, call->i.factl[which] };
}


int call_facts_set(struct call *call, const struct text facts[FACTC])
{
	struct blobs *blobs = call->sipd->blobs;
	struct text now = blob_text(blobs, &call->i.facts);
	struct text all[FACTC];
	struct blob blob = { 0 };
	int err;

	for (size_t i = 0; i < FACTC; i++) {
		const struct text is = { now.p, call->i.factl[i] };

		if (is.l > now.l)
			return EBADMSG;
		now.p += is.l;
		now.l -= is.l;
		all[i] = facts[i].p ? facts[i] : is;
		if (all[i].l > UINT16_MAX)
			return EMSGSIZE;
	}
	err = blob_take(blobs, &blob, all, FACTC);
	if (err)
		return err;

	call_blob_drop(call, &call->i.facts);
	call->i.facts = blob;
	for (size_t i = 0; i < FACTC; i++)
		call->i.factl[i] = (uint16_t)all[i].l;

	return 0;
}


/* --- set-ups -------------------------------------------------------------- */

struct setup *setup_take(struct sipd *sipd)
{
	struct calls *calls = sipd->calls;
	struct setup *setup = calls->setups;

	if (!setup)
		return calloc(1, sizeof(*setup));

	calls->setups = setup->next;
	memset(setup, 0, offsetof(struct setup, offer));
	setup->list.count = 0;

	return setup;
}


void setup_give(struct sipd *sipd, struct setup *setup)
{
	setup->forks = forks_free(setup->forks);
	blob_give(sipd->blobs, &setup->spare);
	setup->next = sipd->calls->setups;
	sipd->calls->setups = setup;
}
