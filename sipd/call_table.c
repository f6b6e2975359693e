/**
 * @file sipd/call_table.c  The table of calls: its life, and what a
 * predecessor left in it
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/call_adopt.h"
#include "sipd/call_int.h"
#include "sipd/errand.h"
#include "sipd/fork.h"
#include "sipd/sound.h"


/* --- a predecessor's ------------------------------------------------------ */

static bool on_adopt(uint32_t index, const void *image, void *arg)
{
	struct calls *calls = arg;
	struct call *call = call_struct_take(calls);

	if (!call)
		return false;

	call->sipd = calls->sipd;
	call->index = index;
	call->id = slots_id(calls->slots, index);
	memcpy(&call->i, image, sizeof(call->i));
	call_leg_init(&call->a, call, false);
	call_leg_init(&call->b, call, true);
	call->log = (struct log){ .up = calls->sipd->log,
				  .key = "call",
				  .value = call->i.cdr_id };
	calls->by_index[index - calls->first] = call;
	slots_work_begin(calls->slots, index);
	if ((call->i.media == CALL_MEDIA_RELAY && sound_take(call)) ||
	    call_adopt(call)) {
		call_adopt_not(call);
		calls->by_index[index - calls->first] = NULL;
		call->next_free = calls->free;
		calls->free = call;
		return false;
	}
	slots_work_pause(calls->slots, index);
	calls_count_in(calls, (enum call_state)call->i.state, 1);

	return true;
}


void calls_adopt(struct calls *calls)
{
	const uint32_t n = slots_adopt(calls->slots, on_adopt, calls);

	errands_tell(calls->sipd);
	svc_adopted(calls->sipd->svc, n, slots_quarantined(calls->slots));
}


/* --- life ----------------------------------------------------------------- */

int calls_alloc(struct calls **callsp, struct sipd *sipd)
{
	const struct segment *segment = svc_segment(sipd->svc, "calls");
	const uint32_t workers = svc_node(sipd->svc)->workers;
	struct calls *calls = calloc(1, sizeof(*calls));
	struct slots_args args = {
		.segment = segment,
		.name = "calls",
		.image_size = sizeof(struct call_image),
		.worker = svc_self(sipd->svc).worker,
		.predecessor_crashed = svc_predecessor_crashed(sipd->svc),
		.faulth = call_slot_fault,
		.log = sipd->log,
	};
	int err;

	if (!calls)
		return ENOMEM;

	calls->sipd = sipd;
	calls->slotc = segment->slotc / (workers ? workers : 1);
	calls->first = calls->slotc * args.worker;
	args.first = calls->first;
	args.slotc = calls->slotc;
	calls->by_index = calloc(calls->slotc, sizeof(void *));
	err = calls->by_index ? 0 : ENOMEM;
	if (!err)
		err = map_alloc(&calls->tags, 1024);
	if (!err)
		err = slots_alloc(&calls->slots, &args);
	if (err)
		calls_free(calls);
	else
		*callsp = calls;

	return err;
}


static void struct_free(struct call *call)
{
	ev_timer_stop(&call->timer);
	ev_timer_stop(&call->renew);
	ev_timer_stop(&call->deadline);
	ev_timer_stop(&call->a.timer);
	ev_timer_stop(&call->b.timer);
	ev_timer_stop(&call->a.patience);
	ev_timer_stop(&call->b.patience);
	free(call->a.auth);
	free(call->b.auth);
	if (call->setup)
		(void)forks_free(call->setup->forks);
	free(call->setup);
	free(call->sound);
	free(call);
}


struct calls *calls_free(struct calls *calls)
{
	if (!calls)
		return NULL;

	/* What lies in shared memory is for the successor. */
	for (uint32_t i = 0; calls->by_index && i < calls->slotc; i++)
		if (calls->by_index[i])
			struct_free(calls->by_index[i]);
	while (calls->free) {
		struct call *call = calls->free;

		calls->free = call->next_free;
		free(call);
	}
	while (calls->setups) {
		struct setup *setup = calls->setups;

		calls->setups = setup->next;
		free(setup);
	}
	sounds_free(calls->sipd);
	free(calls->by_index);
	map_free(calls->tags);
	slots_free(calls->slots);
	free(calls);

	return NULL;
}
