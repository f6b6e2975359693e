/**
 * @file sipd/renew.c  More talk time before what was granted is over
 */
#include "shared/base/clk.h"
#include "shared/ipc/bus.h"
#include "shared/svc/svc.h"
#include "sipd/call.h"
#include "sipd/caps.h"
#include "sipd/renew.h"

enum {
	ASK_MS = 2500,
	ASK_RETRY_MS = 500,
	AGAIN_MS = 1000, /**< Nothing was heard */
	SECOND_US = 1000000,
};

static const struct peer_id billingd = { .peer = PEER_BILLINGD };


bool renew_is_unheard(const struct call *call)
{
	return call->ask_renew || call->is_renew_unheard;
}


static void on_ask(void *arg);


static void ask_in(struct call *call, int64_t us)
{
	ev_timer_start(&call->renew, call->sipd->ev,
		       us > 0 ? (uint32_t)((us + 999) / 1000) : 0, on_ask,
		       call);
}


/* It may be more than before, or the same; less would be a mistake. */
static void granted(struct call *call, const Tandem__CreditGranted *g)
{
	const bool is_more = g->granted_s == 0 ||
			     g->granted_s > call->i.granted_s;

	call->is_renew_unheard = false;
	call->renew_s = g->renew_s;
	if (!is_more || call->i.granted_s == 0) {
		renew_plan(call);
		return;
	}
	call->i.granted_s = g->granted_s;
	caps_start(call);
	call_publish(call);
}


static void on_renewed(int err, const Tandem__Envelope *reply, void *arg)
{
	struct call *call = arg;

	call->ask_renew = 0;
	if (call->i.state != CALL_ANSWERED)
		return;
	if (!err && reply->body_case == BUS_BODY(CREDIT_GRANTED)) {
		granted(call, reply->credit_granted);
		return;
	}
	call->is_renew_unheard = true;
	ask_in(call, (int64_t)AGAIN_MS * 1000);
}


static void on_ask(void *arg)
{
	struct call *call = arg;
	const struct bus_request request = {
		.to = billingd,
		.call = call->id,
		.deadline_ms = ASK_MS,
		.retry_ms = ASK_RETRY_MS,
		.h = on_renewed,
		.arg = call,
	};
	const int64_t talked_us = clk_boot_us() - call->i.answer_boot_us;
	Tandem__Envelope env;
	Tandem__Renew ask;

	if (call->i.state != CALL_ANSWERED || call->ask_renew)
		return;
	tandem__envelope__init(&env);
	tandem__renew__init(&ask);
	ask.cdr_id = call->i.cdr_id;
	ask.talked_s = talked_us > 0 ? (uint32_t)(talked_us / SECOND_US) : 0;
	ask.granted_s = call->i.granted_s;
	env.body_case = BUS_BODY(RENEW);
	env.renew = &ask;
	if (bus_send(svc_bus(call->sipd->svc), &request, &env,
		     &call->ask_renew)) {
		call->is_renew_unheard = true;
		ask_in(call, (int64_t)AGAIN_MS * 1000);
	}
}


void renew_plan(struct call *call)
{
	const struct call_image *i = &call->i;
	int64_t due_us;

	ev_timer_stop(&call->renew);
	if (!i->granted_s || !call->renew_s)
		return;
	due_us = i->answer_boot_us +
		 ((int64_t)i->granted_s - call->renew_s) * SECOND_US;
	ask_in(call, due_us - clk_boot_us());
}


/* When it would have asked is not in the slot: billingd knows. */
void renew_adopt(struct call *call)
{
	call->renew_s = call->i.granted_s;
}


void renew_stop(struct call *call)
{
	ev_timer_stop(&call->renew);
	if (call->ask_renew)
		bus_cancel(svc_bus(call->sipd->svc), call->ask_renew);
	call->ask_renew = 0;
}
