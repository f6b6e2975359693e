/**
 * @file sipd/bindings.c  Who is registered, as calls need it
 */
#include <errno.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/reg/upstream.h"
#include "shared/svc/svc.h"
#include "sipd/bindings.h"
#include "sipd/guard.h"
#include "sipd/register.h"
#include "sipd/sipd.h"

enum {
	AT_MAX = 8, /**< Terminals behind one address and port */
};

static const uint8_t terminals[RECORD_KINDC] = {
	[RECORD_PHONE] = TERMINAL_PHONE,
	[RECORD_MAPPING] = TERMINAL_MAPPING,
	[RECORD_ROUTING] = TERMINAL_ROUTING,
};

static const uint8_t kinds[TERMINAL_KINDC] = {
	[TERMINAL_PHONE] = RECORD_PHONE,
	[TERMINAL_MAPPING] = RECORD_MAPPING,
	[TERMINAL_ROUTING] = RECORD_ROUTING,
};


void bindings_open(struct sipd *sipd)
{
	sipd->bindings.bindings = svc_segment(sipd->svc, "bindings");
	sipd->bindings.index = svc_segment(sipd->svc, "binding_index");
	sipd->upstream_bound = svc_segment(sipd->svc, "upstream_bound");
}


static bool is_open(const struct sipd *sipd)
{
	return sipd->bindings.bindings && sipd->bindings.index;
}


static int listener_of(uint16_t *indexp, const struct sipd *sipd,
		       const struct binding *b)
{
	for (size_t i = 0; i < wire_listenerc(sipd->wire); i++) {
		const struct wire_listener *l = wire_listener(sipd->wire,
							      (uint16_t)i);

		if (l->is_gone || l->transport != b->transport ||
		    listener_mark(&l->bind, l->transport) != b->listener)
			continue;
		*indexp = (uint16_t)i;
		return 0;
	}

	return ENOENT;
}


/* A connection belongs to the worker that has it. */
static int flow_of(struct flow *flow, const struct sipd *sipd,
		   const struct binding *b)
{
	*flow = (struct flow){
		.remote = b->source,
		.transport = (uint8_t)b->transport,
	};
	if (listener_of(&flow->listener, sipd, b))
		return ENOENT;
	if (b->transport == TRANSPORT_UDP)
		return 0;
	if (b->worker != svc_self(sipd->svc).worker)
		return ENOENT;
	flow->conn = register_conn(sipd, b->connection);

	return wire_lives(sipd->wire, flow) ? 0 : ENOENT;
}


static size_t list_of(const struct sipd *sipd, enum record_kind kind,
		      uint32_t id, struct binding *list)
{
	const struct terminal terminal = { (enum terminal_kind)terminals[kind],
					   id };

	if (!is_open(sipd) || terminal.kind == TERMINAL_NONE || !id)
		return 0;

	return bindings_of(&sipd->bindings, terminal, clk_boot_us(), list,
			   BINDINGS_PER_TERMINAL);
}


size_t bindings_devices(const struct sipd *sipd, enum record_kind kind,
			uint32_t id, struct device *devices, size_t max)
{
	struct binding list[BINDINGS_PER_TERMINAL];
	const size_t n = list_of(sipd, kind, id, list);
	size_t count = 0;

	for (size_t i = 0; i < n && count < max; i++) {
		struct device *d = &devices[count];

		if (flow_of(&d->flow, sipd, &list[i]))
			continue;
		/* its texts lie in its own buffer */
		if (binding_read(&sipd->bindings, list[i].id, clk_boot_us(),
				 &d->binding))
			continue;
		count++;
	}

	return count;
}


bool bindings_reach(const struct sipd *sipd, enum record_kind kind,
		    uint32_t id)
{
	struct binding list[BINDINGS_PER_TERMINAL];
	const size_t n = list_of(sipd, kind, id, list);
	struct flow flow;

	for (size_t i = 0; i < n; i++)
		if (!flow_of(&flow, sipd, &list[i]))
			return true;

	return false;
}


void bindings_source(struct identify_bound *bound, const struct sipd *sipd,
		     const struct catalog *c, const struct flow *from,
		     struct text claim)
{
	struct binding list[AT_MAX];
	const struct cat_phone *phone;
	size_t n;

	*bound = (struct identify_bound){ .id = 0 };
	if (!is_open(sipd))
		return;
	n = bindings_at(&sipd->bindings, &from->remote, from->transport,
			clk_boot_us(), list, COUNT_OF(list));
	if (!n)
		return;
	phone = catalog_phone(c, claim);
	for (size_t i = 0; i < n; i++) {
		const struct terminal *t = &list[i].terminal;

		if (bound->id && !(phone && t->kind == TERMINAL_PHONE &&
				   t->id == phone->row.id))
			continue;
		bound->kind = (enum record_kind)kinds[t->kind];
		bound->id = t->id;
	}
}


bool bindings_is_nat(const struct sipd *sipd, const struct flow *from)
{
	struct binding list[1];

	return is_open(sipd) &&
	       bindings_at(&sipd->bindings, &from->remote, from->transport,
			   clk_boot_us(), list, 1) &&
	       list[0].is_nat;
}


void bindings_shield(struct sipd *sipd, const struct flow *from)
{
	struct binding list[1];

	if (is_open(sipd) &&
	    bindings_at(&sipd->bindings, &from->remote, from->transport,
			clk_boot_us(), list, 1))
		guard_expect(sipd->guard, &from->remote, ev_now_us(sipd->ev));
}


bool bindings_upstream(const struct sipd *sipd, uint32_t registration)
{
	return sipd->upstream_bound &&
	       upstream_is_bound(sipd->upstream_bound, registration,
				 clk_boot_us());
}
