/**
 * @file regd/registrar.c  What a REGISTER does to the bindings of a terminal
 *
 * Contacts are taken in order. A contact is a device that is there already if
 * its URI is the same; else, if Call-ID or source is the same and no other
 * contact of the request keeps that one's URI: otherwise, two contacts of one
 * REGISTER, which have Call-ID and source in common, would be one device.
 */
#include <string.h>

#include "regd/registrar.h"
#include "shared/base/util.h"

struct work {
	struct registrar_plan *plan;
	const struct registrar_params *params;
	const struct registrar_request *request;
	const struct registrar_held *held;
	size_t heldc;
	bool is_gone[REGISTRAR_HELD_MAX];
	bool is_done[REGISTRAR_HELD_MAX]; /* A contact had it */
	size_t livingc; /* As they would be when the steps are done */
};

enum {
	NOBODY = REGISTRAR_HELD_MAX,
};


static bool same(struct text a, struct text b)
{
	return a.l == b.l && (a.l == 0 || memcmp(a.p, b.p, a.l) == 0);
}


uint32_t registrar_granted(const struct registrar_params *params,
			   uint32_t contact, uint32_t header, bool is_nat)
{
	uint32_t asked = contact;

	if (asked == REGISTRAR_UNSAID)
		asked = header;
	if (asked == REGISTRAR_UNSAID)
		asked = REGISTRAR_DEFAULT_S;
	if (asked == 0)
		return 0;
	if (is_nat)
		return params->nat_s;
	if (asked < params->min_s)
		return params->min_s;

	return asked > params->max_s ? params->max_s : asked;
}


static void refuse(struct registrar_plan *plan, unsigned code)
{
	plan->code = code;
	plan->stepc = 0;
}


static void step(struct work *w, enum registrar_what what, size_t held,
		 size_t contact, uint32_t granted_s)
{
	struct registrar_plan *plan = w->plan;

	assert(plan->stepc < COUNT_OF(plan->steps));
	plan->steps[plan->stepc++] = (struct registrar_step){
		.what = what,
		.held = held,
		.contact = contact,
		.granted_s = granted_s,
	};
}


static void step_out(struct work *w, enum registrar_what what, size_t held)
{
	w->is_gone[held] = true;
	w->livingc--;
	step(w, what, held, 0, 0);
}


/* --- which device --------------------------------------------------------- */

static uint32_t granted(const struct work *w, size_t contact)
{
	return registrar_granted(w->params,
				 w->request->contacts[contact].expires,
				 w->request->expires, w->request->is_nat);
}


/* Does a contact of this request want to keep it? */
static bool is_wanted(const struct work *w, struct text uri)
{
	for (size_t i = 0; i < w->request->contactc; i++)
		if (same(w->request->contacts[i].uri, uri) && granted(w, i))
			return true;

	return false;
}


static size_t find_uri(const struct work *w, struct text uri)
{
	for (size_t i = 0; i < w->heldc; i++)
		if (!w->is_gone[i] && !w->is_done[i] &&
		    same(w->held[i].uri, uri))
			return i;

	return NOBODY;
}


static bool is_from_there(const struct registrar_request *request,
			  const struct registrar_held *held)
{
	return request->transport == REGISTRAR_UDP &&
	       held->transport == REGISTRAR_UDP &&
	       addr_equal(&request->source, &held->source);
}


static size_t find_device(const struct work *w, struct text uri)
{
	const size_t found = find_uri(w, uri);

	if (found != NOBODY)
		return found;
	for (size_t i = 0; i < w->heldc; i++)
		if (!w->is_gone[i] && !w->is_done[i] &&
		    !is_wanted(w, w->held[i].uri) &&
		    (w->held[i].call_id == w->request->call_id ||
		     is_from_there(w->request, &w->held[i])))
			return i;

	return NOBODY;
}


/* --- order (RFC 3261 10.3 step 7) ----------------------------------------- */

enum order {
	ORDER_NEW,
	ORDER_AGAIN, /* The same request, done already */
	ORDER_OLD,
};

static enum order order_of(const struct registrar_request *request,
			   const struct registrar_held *held)
{
	if (held->call_id != request->call_id || request->cseq > held->cseq)
		return ORDER_NEW;
	if (request->cseq < held->cseq)
		return ORDER_OLD;

	return held->request == request->request ? ORDER_AGAIN : ORDER_OLD;
}


/* --- one contact ---------------------------------------------------------- */

static size_t oldest(const struct work *w)
{
	for (size_t i = 0; i < w->heldc; i++)
		if (!w->is_gone[i] && !w->is_done[i] &&
		    !is_wanted(w, w->held[i].uri))
			return i;

	return NOBODY;
}


/* @return 0, or the code it is refused with */
static unsigned add(struct work *w, size_t contact, uint32_t granted_s)
{
	while (w->livingc >= w->params->max_contacts) {
		const size_t victim = w->params->replace ? oldest(w) : NOBODY;

		if (victim == NOBODY)
			return 403;
		step_out(w, REGISTRAR_REPLACE, victim);
	}
	w->livingc++;
	step(w, REGISTRAR_ADD, NOBODY, contact, granted_s);

	return 0;
}


/* One that an earlier contact of this request added. */
static bool is_added(const struct work *w, size_t contact)
{
	const struct registrar_contact *contacts = w->request->contacts;

	for (size_t i = 0; i < contact; i++)
		if (same(contacts[i].uri, contacts[contact].uri))
			return true;

	return false;
}


static unsigned take(struct work *w, size_t contact)
{
	const struct registrar_contact *c = &w->request->contacts[contact];
	const uint32_t granted_s = granted(w, contact);
	const size_t held = granted_s ? find_device(w, c->uri)
				      : find_uri(w, c->uri);
	enum order order;

	if (held == NOBODY)
		return granted_s ? add(w, contact, granted_s) : 0;

	order = order_of(w->request, &w->held[held]);
	w->is_done[held] = true;
	if (order == ORDER_OLD)
		return 500;
	if (order == ORDER_AGAIN && granted_s)
		return 0;
	if (granted_s)
		step(w, REGISTRAR_REFRESH, held, contact, granted_s);
	else
		step_out(w, REGISTRAR_REMOVE, held);

	return 0;
}


static unsigned take_all(struct work *w)
{
	if (w->request->contactc > w->params->max_contacts ||
	    w->request->contactc > REGISTRAR_HELD_MAX)
		return 403;
	for (size_t i = 0; i < w->request->contactc; i++) {
		const unsigned code = is_added(w, i) ? 400 : take(w, i);

		if (code)
			return code;
	}

	return 0;
}


static unsigned take_star(struct work *w)
{
	if (w->request->contactc > 0 || w->request->expires != 0)
		return 400;
	for (size_t i = 0; i < w->heldc; i++) {
		if (order_of(w->request, &w->held[i]) == ORDER_OLD)
			return 500;
		step_out(w, REGISTRAR_REMOVE, i);
	}

	return 0;
}


void registrar_plan(struct registrar_plan *plan,
		    const struct registrar_params *params,
		    const struct registrar_request *request,
		    const struct registrar_held *held, size_t heldc)
{
	struct work w = {
		.plan = plan,
		.params = params,
		.request = request,
		.held = held,
		.heldc = heldc,
		.livingc = heldc,
	};
	unsigned code;

	assert(heldc <= REGISTRAR_HELD_MAX);
	*plan = (struct registrar_plan){ .code = 200 };
	code = request->is_star ? take_star(&w) : take_all(&w);
	if (code)
		refuse(plan, code);
}
