/**
 * @file regd/register.c  A REGISTER, as sipd tells it
 *
 * From the row of a message to what the registrar's rules take, and from their
 * plan to bindings. A step that fails ends it: the same REGISTER, again, goes
 * on.
 */
#include <errno.h>

#include "regd/bindings.h"
#include "regd/metrics.h"
#include "regd/regd.h"
#include "regd/register.h"
#include "regd/registrar.h"
#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "shared/reg/asking.h"

struct registering {
	struct regd *regd;
	const struct asking *asking;
	uint16_t worker;
	struct registrar_contact contacts[REGISTRAR_HELD_MAX];
	struct registrar_request request;
	struct binding bindings[REGISTRAR_HELD_MAX];
	struct registrar_held held[REGISTRAR_HELD_MAX];
	size_t heldc;
};


/* @return false: more contacts than anybody may have */
static bool take(struct registering *r)
{
	const struct asking *asking = r->asking;

	if (asking->contactc > REGISTRAR_HELD_MAX)
		return false;
	for (size_t i = 0; i < asking->contactc; i++)
		r->contacts[i] = (struct registrar_contact){
			asking->contacts[i].uri,
			asking->contacts[i].expires,
		};
	r->request = (struct registrar_request){
		.contacts = r->contacts,
		.contactc = asking->contactc,
		.is_star = asking->is_star,
		.expires = asking->expires,
		.call_id = asking->call_id,
		.request = asking->request,
		.cseq = asking->cseq,
		.source = asking->source,
		.transport = asking->transport,
		.is_nat = asking->is_nat,
	};

	return true;
}


static const enum record_kind kinds[] = {
	[TERMINAL_PHONE] = RECORD_PHONE,
	[TERMINAL_MAPPING] = RECORD_MAPPING,
	[TERMINAL_ROUTING] = RECORD_ROUTING,
};


void register_look_ahead(const struct regd *regd, const struct catalog *c,
			 const struct terminal terminals[], size_t count)
{
	for (size_t i = 0; c && i < count; i++)
		catalog_id_ahead(c, kinds[terminals[i].kind], terminals[i].id,
				 false);
	bindings_look_ahead(regd->bindings, terminals, count);
	for (size_t i = 0; c && i < count; i++)
		catalog_id_ahead(c, kinds[terminals[i].kind], terminals[i].id,
				 true);
}


/* @return false: there is no such terminal any more */
static bool take_params(struct registrar_params *p, const struct catalog *c,
			struct terminal terminal)
{
	const void *record = catalog_by_id(c, kinds[terminal.kind],
					   terminal.id);

	if (!record)
		return false;
	*p = (struct registrar_params){
		.min_s = (uint32_t)catalog_int(c, SS_ENDPOINT_EXPIRE),
		.max_s = (uint32_t)catalog_second(c, SS_ENDPOINT_EXPIRE),
		.nat_s = (uint32_t)catalog_int(c, SS_ENDPOINT_NAT_EXPIRE),
		.replace = catalog_int(c, SS_ENDPOINT_REGISTER_REPLACE) != 0,
		.max_contacts = 1,
	};
	if (terminal.kind == TERMINAL_PHONE) {
		const struct cat_phone *phone = record;

		p->max_contacts = (uint32_t)phone->max_contacts;
	}

	return true;
}


static void take_held(struct registering *r)
{
	r->heldc = bindings_list(r->regd->bindings, r->asking->terminal,
				 r->bindings, REGISTRAR_HELD_MAX);
	for (size_t i = 0; i < r->heldc; i++) {
		const struct binding *b = &r->bindings[i];

		r->held[i] = (struct registrar_held){
			.uri = b->contact,
			.call_id = b->call_id,
			.request = b->request,
			.cseq = b->cseq,
			.source = b->source,
			.transport = b->transport,
		};
	}
}


static struct binding_facts facts_of(const struct registering *r,
				     const struct registrar_step *step)
{
	const struct asking *asking = r->asking;

	return (struct binding_facts){
		.terminal = asking->terminal,
		.transport = r->request.transport,
		.is_nat = r->request.is_nat,
		.listener = asking->listener,
		.worker = r->worker,
		.connection = asking->connection,
		.source = r->request.source,
		.call_id = r->request.call_id,
		.request = r->request.request,
		.cseq = r->request.cseq,
		.granted_s = step->granted_s,
		.contact = r->contacts[step->contact].uri,
		.path = asking->path,
		.agent = asking->agent,
	};
}


static int carry_out(struct registering *r, const struct registrar_step *step)
{
	static const enum regd_change changes[REGISTRAR_WHATC] = {
		[REGISTRAR_ADD] = REGD_ADDED,
		[REGISTRAR_REFRESH] = REGD_REFRESHED,
		[REGISTRAR_REMOVE] = REGD_REMOVED,
		[REGISTRAR_REPLACE] = REGD_REPLACED,
	};
	const bool is_there = step->what != REGISTRAR_ADD;
	const bool stays = step->what == REGISTRAR_ADD ||
			   step->what == REGISTRAR_REFRESH;
	const uint64_t id = is_there ? r->bindings[step->held].id : 0;
	const struct binding_facts facts = facts_of(r, step);
	int err;

	if (!is_there)
		err = bindings_add(r->regd->bindings, &facts);
	else if (stays)
		err = bindings_refresh(r->regd->bindings, id, &facts);
	else
		err = bindings_remove(r->regd->bindings, id);
	if (!err)
		regd_changed(r->regd, changes[step->what], r->asking->terminal,
			     stays ? &facts.source
				   : &r->bindings[step->held].source,
			     facts.transport, step->granted_s);

	return err;
}


unsigned register_take(struct regd *regd, const struct catalog *c,
		       const struct asking *asking, uint16_t worker)
{
	struct registering r; /* large, and most of it is not needed */
	struct registrar_params p;
	struct registrar_plan plan;
	int err = 0;

	r.regd = regd;
	r.asking = asking;
	r.worker = worker;
	if (!take(&r) || !take_params(&p, c, asking->terminal))
		return 403;

	take_held(&r);
	registrar_plan(&plan, &p, &r.request, r.held, r.heldc);
	for (size_t i = 0; i < plan.stepc && !err; i++)
		err = carry_out(&r, &plan.steps[i]);
	if (err == ENOSPC)
		metric_inc(M_BINDINGS_FULL);

	return err ? 503 : plan.code;
}
