/**
 * @file sipd/forward.c  A phone that does not answer hands its call on
 */
#include <errno.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/call_phone.h"
#include "sipd/fork.h"
#include "sipd/forward.h"
#include "sipd/media.h"
#include "sipd/wire.h"

enum {
	FORWARDS_MAX = 3, /**< call-setup 10 */
};


static const char *target_of(const struct call *call, const struct catalog *c)
{
	const struct cat_phone *phone = catalog_by_id(c, RECORD_PHONE,
						      call->i.phone_b);

	return phone ? catalog_str(c, RECORD_PHONE, phone->forward_no_answer)
		     : "";
}


bool forward_begin(struct call *call)
{
	struct sipd *sipd = call->sipd;
	const struct catalog *c;

	if (!call_is_to_phone(call) || call->setup->is_forwarding ||
	    call->i.forwards >= FORWARDS_MAX)
		return false;
	c = catalog_pin(svc_catalog(sipd->svc));
	call->setup->is_forwarding = c && target_of(call, c)[0];
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);

	return call->setup->is_forwarding;
}


void forward_place(struct call *call, const struct catalog *c,
		   const struct sdp *offer)
{
	const struct wire_listener *l;
	struct device self = { 0 };
	char uri[BINDING_CONTACT_MAX];
	struct compose room;

	compose_init(&room, uri, sizeof(uri));
	if (!wire_own_flow(call->sipd->wire, &self.flow)) {
		l = wire_listener(call->sipd->wire, self.flow.listener);
		compose_put(&room, "sip:");
		compose_user(&room, text_of(target_of(call, c)));
		compose_put(&room, "@");
		compose_put(&room, l->host);
		self.binding.contact = compose_result(&room);
		self.binding.path = text_of("");
	}
	if (!self.binding.contact.l || room.is_full ||
	    forks_alloc(call, &self, 1)) {
		call_end_with(call, END_NO_ANSWER);
		call_handle(call, EV_EXHAUSTED);
		return;
	}

	call_aim(call, &self.flow);
	media_prepare(call, c, offer);
}


/* The tag is ours, and random: nobody else can name the leg. */
struct call *forward_parent(struct sipd *sipd, const struct message *m,
			    const struct flow *from)
{
	struct leg *leg = from->is_loop
				  ? leg_find(sipd, m->from_tag, m->call_id)
				  : NULL;

	return leg && leg->is_b && leg->i->flow.is_loop && leg->call->setup &&
			       leg->call->setup->is_forwarding
		       ? leg->call
		       : NULL;
}


int forward_inherit(struct call *call, const struct call *parent,
		    const struct catalog *c)
{
	const struct cat_phone *phone = catalog_by_id(c, RECORD_PHONE,
						      parent->i.phone_b);
	struct text facts[FACTC] = { { NULL, 0 } };

	BUILD_ASSERT(sizeof(call->i.parent_cdr_id) ==
		     sizeof(parent->i.cdr_id));
	memcpy(call->i.parent_cdr_id, parent->i.cdr_id,
	       sizeof(call->i.parent_cdr_id));
	call->i.forwards = (uint8_t)(parent->i.forwards + 1);
	call->i.params.t4_s = (uint32_t)catalog_int(c, IVR_RINGING_TIMEOUT);
	if (!phone)
		return ENOENT;
	facts[FACT_DIVERSION] = text_of(
		catalog_str(c, RECORD_PHONE, phone->row.name));

	return call_facts_set(call, facts);
}
