/**
 * @file sipd/health.h  Which addresses of routing gateways answer
 *
 * OPTIONS to every address of a gateway with options_check, spread over the
 * period (call-setup 4.5). One machine per address: UNCHECKED, ONLINE,
 * OFFLINE. Also `gateway test`, on demand.
 */
#ifndef TANDEM_SIPD_HEALTH_H
#define TANDEM_SIPD_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/catalog/catalog.h"
#include "sipd/head.h"

struct health;
struct sipd;

enum health_state {
	HEALTH_UNCHECKED,
	HEALTH_ONLINE,
	HEALTH_OFFLINE
};

int health_alloc(struct health **healthp, struct sipd *sipd);
struct health *health_free(struct health *health);

/** The catalog has changed: gateways came, went, or have other addresses */
void health_reload(struct health *health);

/** Of one address of a gateway, by its place in the list */
enum health_state health_of(const struct health *health, uint32_t gateway,
			    size_t target);
/** When it was last checked, wall clock; 0: never */
int64_t health_checked_us(const struct health *health, uint32_t gateway,
			  size_t target);
/** Of the gateway: OFFLINE if all its addresses are */
enum health_state health_gateway(const struct health *health,
				 uint32_t gateway);

#endif
