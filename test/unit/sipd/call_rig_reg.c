/**
 * @file test/unit/sipd/call_rig_reg.c  Who is registered, as a test says
 */
#include <stdlib.h>
#include <string.h>

#include "test/unit/sipd/call_rig.h"


void call_rig_register(struct call_rig *rig, const char *addr,
		       const char *contact)
{
	struct device *d = &rig->devices[rig->devicec++];

	*d = (struct device){ .flow.transport = TRANSPORT_UDP };
	if (addr_parse(&d->flow.remote, text_of(addr)))
		abort();
	d->binding.contact = text_of(contact);
	d->binding.path = text_of("");
}


size_t bindings_devices(const struct sipd *sipd, enum record_kind kind,
			uint32_t id, struct device *devices, size_t max)
{
	const struct call_rig *rig = call_rig_of(sipd);
	const size_t n = rig->devicec < max ? rig->devicec : max;

	(void)kind;
	(void)id;
	memcpy(devices, rig->devices, n * sizeof(*devices));

	return n;
}


bool bindings_reach(const struct sipd *sipd, enum record_kind kind,
		    uint32_t id)
{
	(void)kind;
	(void)id;

	return call_rig_of(sipd)->devicec > 0;
}


void bindings_source(struct identify_bound *bound, const struct sipd *sipd,
		     const struct catalog *c, const struct flow *from,
		     struct text claim)
{
	(void)sipd;
	(void)c;
	(void)from;
	(void)claim;
	*bound = (struct identify_bound){ .id = 0 };
}


bool bindings_is_nat(const struct sipd *sipd, const struct flow *from)
{
	(void)sipd;
	(void)from;

	return false;
}


void bindings_shield(struct sipd *sipd, const struct flow *from)
{
	(void)sipd;
	(void)from;
}


bool bindings_upstream(const struct sipd *sipd, uint32_t registration)
{
	(void)sipd;
	(void)registration;

	return false;
}
