/**
 * @file sipd/credit.c  What sipd says to billingd
 *
 * A call waits for the answer to Authorise, and its slot for that to Ended;
 * nothing else here is waited for.
 */
#include <errno.h>
#include <string.h>

#include "shared/ipc/bus.h"
#include "shared/svc/svc.h"
#include "shared/base/util.h"
#include "sipd/call.h"
#include "sipd/credit.h"
#include "sipd/record.h"

enum {
	ASK_MS = 2000,      /**< call-setup 3, row 9 */
	ASK_RETRY_MS = 200, /**< Often: each costs the caller so long */
	RECORD_MS = 4000,   /**< Then the state's deadline offers it again */
};

static const struct peer_id billingd = { .peer = PEER_BILLINGD };

/* clang-format off */
static const uint8_t refusals[] = {
	[TANDEM__CREDIT_WHY__CREDIT_WHY_NONE]    = END_INTERNAL_ERROR,
	[TANDEM__CREDIT_WHY__CREDIT_WHY_BALANCE] = END_ACCOUNT_BALANCE_NOT_ENOUGH,
	[TANDEM__CREDIT_WHY__CREDIT_WHY_LOCKED]  = END_ACCOUNT_LOCKED,
	[TANDEM__CREDIT_WHY__CREDIT_WHY_NO_RATE] = END_NO_RATE,
	[TANDEM__CREDIT_WHY__CREDIT_WHY_LIMIT]   = END_CAPACITY_LIMIT,
	[TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR]   = END_INTERNAL_ERROR,
};
/* clang-format on */


static void granted(struct call *call, const Tandem__CreditGranted *g)
{
	struct setup *setup = call->setup;

	call->i.granted_s = g->granted_s;
	call->renew_s = g->renew_s;
	call->i.billing_mode = (uint8_t)g->billing_mode;
	for (size_t i = 0; i < g->n_short_vendors && i < ROUTE_SHORT_MAX; i++)
		setup->shorts[setup->shortc++] = g->short_vendors[i];
	call_handle(call, EV_GRANTED);
}


static void denied(struct call *call, enum end_reason reason)
{
	struct verdict verdict = verdict_plain(reason);

	if (reason == END_INTERNAL_ERROR)
		verdict.code = 503; /* call-setup 3, row 9 */
	if (reason == END_CAPACITY_LIMIT)
		call->retry_after_s = 1;
	call_verdict(call, &verdict);
	call_handle(call, EV_DENIED);
}


static void on_credit(int err, const Tandem__Envelope *reply, void *arg)
{
	struct call *call = arg;
	uint32_t why;

	if (!call->setup)
		return;
	call->setup->ask_credit = 0;
	if (!err && reply->body_case == BUS_BODY(CREDIT_GRANTED)) {
		granted(call, reply->credit_granted);
		return;
	}

	why = !err && reply->body_case == BUS_BODY(CREDIT_REFUSED)
		      ? (uint32_t)reply->credit_refused->why
		      : TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR;
	denied(call, why < COUNT_OF(refusals) ? (enum end_reason)refusals[why]
					      : END_INTERNAL_ERROR);
}


int credit_ask(struct call *call)
{
	const struct bus_request request = {
		.to = billingd,
		.call = call->id,
		.deadline_ms = ASK_MS,
		.retry_ms = ASK_RETRY_MS,
		.h = on_credit,
		.arg = call,
	};
	Tandem__Envelope env;
	Tandem__Authorise ask;

	tandem__envelope__init(&env);
	tandem__authorise__init(&ask);
	ask.cdr_id = call->i.cdr_id;
	ask.account = call->i.account;
	ask.called = call->setup->called.text;
	ask.caller = call->setup->caller.text;
	ask.mapping = call->i.mapping;
	ask.phone = call->i.phone;
	ask.start_us = call->i.start_us;
	ask.config_version = call->i.config_version;
	env.body_case = BUS_BODY(AUTHORISE);
	env.authorise = &ask;

	return bus_send(svc_bus(call->sipd->svc), &request, &env,
			&call->setup->ask_credit);
}


static void on_opened(int err, const Tandem__Envelope *reply, void *arg)
{
	struct call *call = arg;

	call->ask_open = 0;
	call->is_open_kept = !err &&
			     reply->body_case == BUS_BODY(RECORD_STORED);
}


void credit_answered(struct call *call)
{
	const struct bus_request request = {
		.to = billingd,
		.call = call->id,
		.deadline_ms = RECORD_MS,
		.retry_ms = 1000,
		.h = on_opened,
		.arg = call,
	};
	Tandem__Envelope env;
	Tandem__Answered answered;
	struct record record;

	if (call->ask_open || call->is_open_kept)
		return;

	tandem__envelope__init(&env);
	tandem__answered__init(&answered);
	record_fill(&record, call);
	answered.record = &record.message;
	env.body_case = BUS_BODY(ANSWERED);
	env.answered = &answered;
	(void)bus_send(svc_bus(call->sipd->svc), &request, &env,
		       &call->ask_open);
}


static void on_recorded(int err, const Tandem__Envelope *reply, void *arg)
{
	struct call *call = arg;

	call->ask_record = 0;
	if (!err && reply->body_case == BUS_BODY(RECORD_STORED))
		call_handle(call, EV_RECORDED);
	/* else the state's deadline offers it again */
}


int credit_ended(struct call *call)
{
	const struct bus_request request = {
		.to = billingd,
		.call = call->id,
		.deadline_ms = RECORD_MS,
		.retry_ms = 1000,
		.h = on_recorded,
		.arg = call,
	};
	Tandem__Envelope env;
	Tandem__Ended ended;
	struct record record;

	if (call->ask_record)
		return 0;

	tandem__envelope__init(&env);
	tandem__ended__init(&ended);
	record_fill(&record, call);
	ended.record = &record.message;
	env.body_case = BUS_BODY(ENDED);
	env.ended = &ended;
	(void)bus_send(svc_bus(call->sipd->svc), &request, &env,
		       &call->ask_record);

	return 0; /* a full queue is met by the state's deadline, too */
}


void credit_cancel(struct call *call)
{
	struct bus *bus = svc_bus(call->sipd->svc);

	if (call->setup && call->setup->ask_credit) {
		bus_cancel(bus, call->setup->ask_credit);
		call->setup->ask_credit = 0;
	}
	if (call->ask_open)
		bus_cancel(bus, call->ask_open);
	call->ask_open = 0;
	if (call->ask_record)
		bus_cancel(bus, call->ask_record);
	call->ask_record = 0;
}
