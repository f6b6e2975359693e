/**
 * @file sipd/params.h  Parameters and fields, as a call uses them
 */
#ifndef TANDEM_SIPD_PARAMS_H
#define TANDEM_SIPD_PARAMS_H

#include "shared/catalog/catalog.h"
#include "sipd/call_slot.h"
#include "sipd/verdict.h"

/** As they are now, for a call that begins */
void params_take(struct call_params *p, const struct catalog *c);

/** Timers and rules of one gateway: its fields, or the call's parameters */
struct gateway_params {
	uint32_t t1_s, t2_s, t3a_s, t3b_s, t4_s;
	struct switch_rules rules; /**< stop_codes lie in the catalog */
};
void params_gateway(struct gateway_params *g, const struct call_params *p,
		    const struct catalog *c,
		    const struct cat_routing *gateway);

/** The resend list in force, for what is no call's business */
void params_resend(struct txn_resend *resend, const struct catalog *c);

/** How a target of a routing gateway is reached */
enum transport params_transport(const struct cat_target *target);

/** The realm of a listener's challenges */
const char *params_realm(const struct catalog *c, const char *advertised);

#endif
