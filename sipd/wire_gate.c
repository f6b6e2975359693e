/**
 * @file sipd/wire_gate.c  What is let in, and what an operator sees of it
 *
 * Everything is traced as it was on the wire, refused or not; then guard
 * judges by the source and the first bytes; all copies of an INVITE have the
 * verdict of the first. What is turned away with an answer
 * gets it from its own lines (wire_refuse.c). A keep-alive has no more to say
 * and ends here. What is sent is counted here, whoever made it.
 */
#include "shared/catalog/catalog.h"
#include "sipd/guard.h"
#include "sipd/metrics.h"
#include "sipd/peek.h"
#include "sipd/refused.h"
#include "sipd/trace.h"
#include "sipd/wire_parts.h"
#include "sipd/wire_refuse.h"

enum {
	RETRY_BUSY_S = 5, /* security 2: until we can answer in time again */
	RETRY_SLOW_S = 1, /* security 2: the bucket fills every second */
};


/* A listener of all addresses is shown as what peers know. */
static void keep(struct wire *wire, enum trace_direction direction,
		 const struct flow *flow, const char *data, size_t len)
{
	const struct wire_listener *l = wire_listener(wire, flow->listener);

	if (!wire->args.trace || !trace_is_on(wire->args.trace))
		return;

	trace_keep(wire->args.trace, direction, flow->transport,
		   addr_is_any(&l->bind) && l->advertised.family
			   ? &l->advertised
			   : &l->bind,
		   &flow->remote, data, len);
}


void wire_gate_out(struct wire *wire, const struct flow *to, const void *data,
		   size_t len)
{
	unsigned code;
	const enum method method = peek_kind((struct text){ data, len },
					     &code);

	metric_inc_at(M_SIP_MESSAGES,
		      sipd_metric_message(SIP_OUT, method, code));
	if (wire->args.guard && !code)
		guard_expect(wire->args.guard, &to->remote,
			     ev_now_us(wire->base.ev));
	keep(wire, TRACE_OUT, to, data, len);
}


static enum guard_verdict judge(struct wire *wire, const struct flow *from,
				enum guard_class class, int64_t age_us)
{
	struct catalog_reader *reader = wire->base.catalog;
	const struct catalog *c = reader ? catalog_pin(reader) : NULL;
	const enum guard_verdict verdict =
		guard_check(wire->args.guard, c, &from->remote, class, age_us,
			    ev_now_us(wire->base.ev));

	if (c)
		catalog_unpin(reader, c);

	return verdict;
}


/* A copy of what has a transaction is absorbed there, however late it is, and
 * a copy of what was refused is refused, however well we are by now: who has
 * been turned away has no call. */
static enum guard_verdict judge_invite(struct wire *wire,
				       const struct flow *from, char *data,
				       size_t len, enum guard_verdict verdict)
{
	const struct wire_args *args = &wire->args;
	const int64_t now_us = ev_now_us(wire->base.ev);
	uint64_t key;

	if (verdict == GUARD_PASS && !refused_any(wire->refused, now_us))
		return GUARD_PASS;

	key = refused_key(&from->remote, data, len);
	if (refused_has(wire->refused, key, now_us))
		return GUARD_BUSY;
	if (verdict == GUARD_PASS ||
	    (args->copyh && args->copyh(from, data, len, args->arg)))
		return GUARD_PASS;
	refused_add(wire->refused, key, now_us);

	return verdict;
}


static void refuse(struct wire *wire, const struct flow *from,
		   const char *data, size_t len, unsigned retry_s)
{
	char answer[WIRE_REFUSE_MAX];
	const size_t size = wire_refuse_print(answer, data, len, retry_s);

	/* Refused is refused, also where there is no room for saying so. */
	if (size > 0)
		(void)wire_send(wire, from, answer, size);
}


bool wire_gate_in(struct wire *wire, const struct flow *from, char *data,
		  size_t len, int64_t age_us)
{
	enum guard_class class;
	enum guard_verdict verdict;

	keep(wire, TRACE_IN, from, data, len);
	if (!wire->args.guard)
		return true;

	class = guard_classify(data, len);
	verdict = judge(wire, from, class, age_us);
	if (class == GUARD_INITIAL_INVITE && verdict != GUARD_DROP)
		verdict = judge_invite(wire, from, data, len, verdict);
	if (verdict == GUARD_BUSY)
		refuse(wire, from, data, len, RETRY_BUSY_S);
	else if (verdict == GUARD_SLOW)
		refuse(wire, from, data, len, RETRY_SLOW_S);

	return verdict == GUARD_PASS && class != GUARD_KEEPALIVE;
}
