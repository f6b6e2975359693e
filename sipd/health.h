/**
 * @file sipd/health.h  Which addresses of routing gateways answer
 *
 * OPTIONS to every address of a gateway with options_check, spread over the
 * period (call-setup 4.5). One machine per address: UNCHECKED, ONLINE,
 * OFFLINE.
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

/** Who is asked */
struct health_peer {
	char host[72];
	char local_ip[72];
	uint16_t port; /**< 0: none was said */
	enum transport transport;
};
void health_peer_of(struct health_peer *peer, const struct catalog *c,
		    const struct cat_routing *gateway,
		    const struct cat_target *target);

struct txn_send;
/** Send it OPTIONS: what is left of send to be said (branch, request, to) is
 *  said here
 *  @return 0, or why it cannot be asked: ENOENT: from no listener ... */
int health_ask(struct sipd *sipd, const struct health_peer *peer,
	       const struct addr *addr, struct txn_send *send);

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
