/**
 * @file sipd/checkpoint.c  Every 5 s billingd is told which calls live
 */
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/ipc/bus.h"
#include "shared/svc/svc.h"
#include "sipd/call.h"
#include "sipd/checkpoint.h"
#include "sipd/credit.h"

enum {
	CHECKPOINT_MS = 5000,
	IDS_MAX = 256,  /* In one message */
	TOLD_MAX = 256, /* At once */
};

struct batch {
	struct sipd *sipd;
	int64_t at_us;
	char *ids[IDS_MAX];
	size_t n;
	size_t told; /* Open records, said again */
};


/* If it does not arrive the next one will. */
static void send_batch(struct batch *batch)
{
	const struct bus_request request = {
		.to = { .peer = PEER_BILLINGD },
		.deadline_ms = CHECKPOINT_MS,
	};
	Tandem__Checkpoint alive;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	tandem__checkpoint__init(&alive);
	alive.cdr_id = batch->ids;
	alive.n_cdr_id = batch->n;
	alive.at_us = batch->at_us;
	env.body_case = BUS_BODY(CHECKPOINT);
	env.checkpoint = &alive;
	(void)bus_send(svc_bus(batch->sipd->svc), &request, &env, NULL);
	batch->n = 0;
}


static void add_call(struct call *call, void *arg)
{
	struct batch *batch = arg;

	batch->ids[batch->n++] = unconst(call->i.cdr_id);
	if (call->i.state == CALL_ANSWERED && !call->is_open_kept &&
	    !call->ask_open && batch->told++ < TOLD_MAX)
		credit_answered(call);
	if (batch->n == IDS_MAX)
		send_batch(batch);
}


/* With no call, too: silence would say that nobody knows. */
static void on_time(void *arg)
{
	struct sipd *sipd = arg;
	struct batch batch = { .sipd = sipd, .at_us = clk_wall_us() };

	calls_walk(sipd, add_call, &batch);
	send_batch(&batch);
	checkpoint_start(sipd);
}


void checkpoint_start(struct sipd *sipd)
{
	ev_timer_start(&sipd->checkpoint, sipd->ev, CHECKPOINT_MS, on_time,
		       sipd);
}


void checkpoint_stop(struct sipd *sipd)
{
	ev_timer_stop(&sipd->checkpoint);
}
