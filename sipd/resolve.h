/**
 * @file sipd/resolve.h  Names to addresses
 *
 * SRV (when there is no port), A and AAAA, by libre's DNS client behind a
 * cache and a deadline. An address is answered at once; so is what the cache
 * knows. What cannot be found is remembered for 5 s.
 */
#ifndef TANDEM_SIPD_RESOLVE_H
#define TANDEM_SIPD_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/text.h"
#include "sipd/head.h"

struct resolver;
struct svc;

enum {
	RESOLVE_ADDRS_MAX = 8,
	RESOLVE_DEADLINE_MS = 3000,
};

/** In the order they are to be tried; addrc 0: err says why (ENOENT,
 *  ETIMEDOUT ...) */
struct resolved {
	int err;
	size_t addrc;
	struct addr addrs[RESOLVE_ADDRS_MAX];
};
typedef void(resolve_h)(const struct resolved *r, void *arg, uint64_t user);

/** @param server "address:port" of a DNS server; "": those of the system */
int resolver_alloc(struct resolver **resolverp, struct svc *svc,
		   const char *server);
struct resolver *resolver_free(struct resolver *resolver);

/** Answers now if it can
 *  @return 0: *r is filled; EAGAIN: h comes later, once; otherwise it failed */
int resolve(struct resolver *resolver, struct text host, uint16_t port,
	    enum transport transport, struct resolved *r, resolve_h *h,
	    void *arg, uint64_t user);

/** What is known now, without asking: for route analysis and sources
 *  @return 0, ENOENT */
int resolve_known(const struct resolver *resolver, struct text host,
		  uint16_t port, enum transport transport, struct resolved *r);

#endif
