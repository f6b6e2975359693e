/**
 * @file sipd/bindings.h  Who is registered, as calls need it
 *
 * regd writes it down (shared/reg/binding.h); here a binding becomes a flow
 * that something can be sent on. One whose listener or connection is gone
 * cannot be reached, and does not count.
 */
#ifndef TANDEM_SIPD_BINDINGS_H
#define TANDEM_SIPD_BINDINGS_H

#include "shared/catalog/record.h"
#include "shared/reg/binding.h"
#include "sipd/identify.h"
#include "sipd/wire.h"

struct sipd;

/** Segments of regd, as far as there are any */
void bindings_open(struct sipd *sipd);

/** A device that can be reached */
struct device {
	struct binding binding;
	struct flow flow; /**< From the socket that its REGISTER came to */
};

/** Those of a phone or dynamic gateway, oldest first
 *  @return how many were written, at most max */
size_t bindings_devices(const struct sipd *sipd, enum record_kind kind,
			uint32_t id, struct device *devices, size_t max);

/** Has it any? */
bool bindings_reach(const struct sipd *sipd, enum record_kind kind,
		    uint32_t id);

/** Whose live binding has this source (call-setup 1, row 2); id 0: nobody's.
 *  Of several that of the phone that claims to call is taken, if it is one of
 *  them. */
void bindings_source(struct identify_bound *bound, const struct sipd *sipd,
		     const struct catalog *c, const struct flow *from,
		     struct text claim);

/** Is the source a device behind NAT (media 1)? */
bool bindings_is_nat(const struct sipd *sipd, const struct flow *from);

/** Somebody is registered from there: the source is never blacklisted
 *  (security 3), also if it has registered with a predecessor */
void bindings_shield(struct sipd *sipd, const struct flow *from);

/** Is this registration of ours alive upstream? */
bool bindings_upstream(const struct sipd *sipd, uint32_t registration);

#endif
