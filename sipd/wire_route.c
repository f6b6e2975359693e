/**
 * @file sipd/wire_route.c  Which listener reaches whom
 *
 * The system's routing table is asked by a socket that is connected and never
 * used; what it said is remembered for some seconds, for a bounded number of
 * destinations.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/map.h"
#include "shared/base/text.h"
#include "sipd/wire_parts.h"

enum {
	ROUTES = 1024,   /**< Power of two: a slot each, the later one stays */
	ROUTE_MS = 5000, /**< A changed routing table is noticed after this */
};


int wire_routes_open(struct wire *wire)
{
	wire->routes = calloc(ROUTES, sizeof(*wire->routes));
	if (!wire->routes)
		return ENOMEM;

	/* Now: a daemon may not be allowed to later. Without IPv6 in the
	 * system there is nothing to ask. */
	for (int i = 0; i < 2; i++)
		wire->route_fds[i] = socket(i ? AF_INET6 : AF_INET,
					    SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return 0;
}


void wire_routes_close(struct wire *wire)
{
	for (int i = 0; wire->routes && i < 2; i++)
		if (wire->route_fds[i] >= 0)
			(void)close(wire->route_fds[i]);
	free(wire->routes);
}


void wire_routes_forget(struct wire *wire)
{
	memset(wire->routes, 0, ROUTES * sizeof(*wire->routes));
}


/* An unbound socket that is connected says which of our addresses the system
 * would use; nothing is sent. */
static int route_ask(int fd, struct addr *localp, const struct addr *remote)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_storage sa;
	struct addr to = *remote;
	socklen_t len;

	to.port = to.port ? to.port : 5060;
	len = addr_to_sockaddr(&to, &sa);
	(void)connect(fd, &none, sizeof(none)); /* else it keeps its address */
	if (connect(fd, (const struct sockaddr *)&sa, len) != 0)
		return errno;

	len = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		return errno;

	return addr_from_sockaddr(localp, (const struct sockaddr *)&sa, len);
}


/* From which of our addresses does the system reach remote? Family 0: from
 * none. */
static const struct addr *route_find(const struct wire *wire,
				     const struct addr *remote)
{
	const int64_t now_us = ev_now_us(wire->base.ev);
	struct addr key = *remote;
	struct route_row *row;

	key.port = 0;
	row = &wire->routes[map_hash(&key, sizeof(key)) & (ROUTES - 1)];
	if (row->until_us > now_us && addr_equal(&row->remote, &key))
		return &row->local;

	row->remote = key;
	row->until_us = now_us + (int64_t)ROUTE_MS * 1000;
	if (route_ask(wire->route_fds[key.family == AF_INET6], &row->local,
		      &key))
		row->local = (struct addr){ .family = 0 };

	return &row->local;
}


static bool is_named(const struct wire_listener *l, struct text name)
{
	const bool is_port = name.l > 0 && name.p[0] >= '0' &&
			     name.p[0] <= '9';
	struct addr addr;
	uint32_t port;

	if (text_is_nocase(name, l->name) || text_is_nocase(name, l->host))
		return true;
	if (is_port && text_u32(&port, name, 1, 65535) == 0)
		return port == l->port;
	if (addr_parse(&addr, name) != 0 ||
	    (addr.port != 0 && addr.port != l->port))
		return false;

	return addr_same_ip(&addr, &l->bind) ||
	       addr_same_ip(&addr, &l->advertised);
}


bool wire_listener_fits(const struct wire_listener *l,
			enum transport transport, const struct addr *remote)
{
	return !l->is_gone && l->transport == transport &&
	       l->bind.family == remote->family;
}


static int find_named(const struct wire *wire, uint16_t *indexp,
		      enum transport transport, struct text name,
		      const struct addr *remote)
{
	for (size_t i = 0; i < wire->rowc; i++) {
		const struct wire_listener *l = &wire->rows[i]->pub;

		if (wire_listener_fits(l, transport, remote) &&
		    is_named(l, name)) {
			*indexp = (uint16_t)i;
			return 0;
		}
	}

	return ENOENT;
}


/* The one with the address the system would use; else one that listens on all;
 * else any: a machine behind a floating address may have no better. */
static int find_routed(const struct wire *wire, uint16_t *indexp,
		       enum transport transport, const struct addr *remote)
{
	const struct addr *local = route_find(wire, remote);
	size_t any = SIZE_MAX, first = SIZE_MAX;

	for (size_t i = 0; i < wire->rowc; i++) {
		const struct wire_listener *l = &wire->rows[i]->pub;

		if (!wire_listener_fits(l, transport, remote))
			continue;
		if (addr_same_ip(&l->bind, local)) {
			*indexp = (uint16_t)i;
			return 0;
		}
		if (any == SIZE_MAX && addr_is_any(&l->bind))
			any = i;
		if (first == SIZE_MAX)
			first = i;
	}
	if (any == SIZE_MAX)
		any = first;
	if (any == SIZE_MAX)
		return ENOENT;

	*indexp = (uint16_t)any;

	return 0;
}


int wire_listener_find(const struct wire *wire, uint16_t *indexp,
		       enum transport transport, const char *local_ip,
		       const struct addr *remote)
{
	const struct text name = text_of(local_ip ? local_ip : "");

	if (name.l == 0 || text_is_nocase(name, "auto"))
		return find_routed(wire, indexp, transport, remote);

	return find_named(wire, indexp, transport, name, remote);
}


bool wire_is_own(const struct wire *wire, const struct addr *addr)
{
	for (size_t i = 0; i < wire->rowc; i++) {
		const struct wire_listener *l = &wire->rows[i]->pub;

		if (l->is_gone || (addr->port != 0 && addr->port != l->port))
			continue;
		if (addr_same_ip(addr, &l->bind) ||
		    addr_same_ip(addr, &l->advertised))
			return true;
		/* What the system reaches from itself is the system. */
		if (addr_is_any(&l->bind) && l->bind.family == addr->family &&
		    addr_same_ip(route_find(wire, addr), addr))
			return true;
	}

	return false;
}
