/**
 * @file regd/upstream_settle.c  Who waits until what is gone is unregistered
 *
 * registration 7.4: the removal of a record waits for its final answer, at
 * most 5 s. The supervisor asks behind every command that may end a
 * registration; what was changed is in force by then.
 */
#include "regd/regd.h"
#include "regd/upstream_admin.h"
#include "regd/upstream_int.h"
#include "shared/svc/svc.h"

enum {
	LOOK_MS = 20,
	SETTLE_MS = 5000,
};


static void answer_at(struct upstreams *u, size_t n)
{
	struct admin_answer answer = { .rows = json_array() };

	svc_answer(u->regd->svc, u->settlers[n].ticket, &answer);
	u->settlers[n] = u->settlers[--u->settlerc];
}


static void on_look(void *arg)
{
	struct upstreams *u = arg;
	const bool is_settled = upstreams_have_left(u);

	for (size_t n = u->settlerc; n-- > 0;)
		if (is_settled ||
		    ev_now_us(u->regd->ev) >= u->settlers[n].deadline_us)
			answer_at(u, n);
	if (u->settlerc > 0)
		ev_timer_start(&u->settle, u->regd->ev, LOOK_MS, on_look, u);
}


int cmd_upstream_settle(void *state, const json_t *args,
			struct admin_answer *answer)
{
	const struct regd *regd = state;
	struct upstreams *u = regd->upstreams;

	(void)args;
	upstreams_sync(u);
	if (upstreams_have_left(u) || u->settlerc == UPSTREAM_SETTLERS_MAX) {
		answer->rows = json_array();
		return 0;
	}
	u->settlers[u->settlerc++] = (struct upstream_settler){
		.ticket = answer->asker->ticket,
		.deadline_us = ev_now_us(regd->ev) + SETTLE_MS * INT64_C(1000),
	};
	answer->later = true;
	ev_timer_start(&u->settle, regd->ev, LOOK_MS, on_look, u);

	return 0;
}
