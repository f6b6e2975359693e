/**
 * @file regd/upstream_enrol.c  A REGISTER of ours, by way of sipd
 */
#include "regd/regd.h"
#include "regd/upstream_int.h"
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/ipc/bus.h"
#include "shared/svc/svc.h"

enum {
	ASK_MS = 90000, /**< Two rounds of 32 s, and names */
	ASK_RETRY_MS = 2000,
	AGAIN_MS = 500, /**< While there is no sipd */
};


void upstream_cancel(struct upstream *up)
{
	if (up->ask)
		bus_cancel(svc_bus(up->all->regd->svc), up->ask);
	up->ask = 0;
}


/* No answer is one, too. */
static void on_reply(int err, const Tandem__Envelope *reply, void *arg)
{
	const Tandem__Enrolled none = TANDEM__ENROLLED__INIT;
	struct upstream *up = arg;

	up->ask = 0;
	if (!err && reply->body_case == BUS_BODY(ENROLLED))
		upstream_answered(up, reply->enrolled);
	else
		upstream_answered(up, &none);
}


static void put_account(Tandem__Enrol *ask, struct upstream *up)
{
	struct upstream_account *a = &up->i.account;

	ask->record = up->i.record;
	ask->proxy = a->proxy;
	ask->port = a->port;
	ask->transport = a->transport;
	ask->local_port = a->local_port;
	ask->domain = a->domain;
	ask->username = a->username;
	ask->auth_user = a->auth_user;
	ask->host_name = a->host_name;
	ask->sealed = (ProtobufCBinaryData){ a->sealed_len, a->sealed };
	ask->call_id = up->i.call_id;
	ask->from_tag = up->i.from_tag;
}


/* sipd is not there yet, which is no failure of the other side. */
static void on_unsent(void *arg)
{
	struct upstream *up = arg;

	upstream_enrol(up, up->asked_last_s);
}


void upstream_enrol(struct upstream *up, uint32_t expires_s)
{
	struct regd *regd = up->all->regd;
	const struct bus_request request = {
		.to = { .peer = PEER_SIPD },
		.deadline_ms = ASK_MS,
		.retry_ms = ASK_RETRY_MS,
		.h = on_reply,
		.arg = up,
	};
	Tandem__Enrol ask;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	tandem__enrol__init(&ask);
	upstream_cancel(up);
	up->asked_last_s = expires_s;
	up->i.cseq = upstream_next_cseq(up->i.cseq, clk_wall_us());
	slots_publish(up->all->slots, up->slot, &up->i);

	put_account(&ask, up);
	ask.cseq = up->i.cseq;
	ask.expires = expires_s;
	ask.privacy = up->all->privacy;
	env.body_case = BUS_BODY(ENROL);
	env.enrol = &ask;
	if (bus_send(svc_bus(regd->svc), &request, &env, &up->ask)) {
		up->ask = 0;
		ev_timer_start(&up->timer, regd->ev, AGAIN_MS, on_unsent, up);
	}
}
