/**
 * @file sipd/wire.c  Listeners, which of them reaches whom, and sending
 *
 * The table of listeners only grows: what a call noted in shared memory must
 * mean the same after a new node file. A listener that comes back has its old
 * index. Sockets are duplicated, so that ours stays valid until we let go of
 * it, whoever closes the supervisor's.
 *
 * A flow may come out of shared memory that another generation wrote: its
 * listener and connection are hints that are checked, its remote address is
 * what counts.
 *
 * Diagnostics: listener_opened, listener_gone (info), listener_refused (error).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/map.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "sipd/wire_parts.h"

enum {
	ROUTES = 1024,   /**< Power of two: a slot each, the later one stays */
	ROUTE_MS = 5000, /**< A changed routing table is noticed after this */
};


/* --- what is done at the end of a turn ------------------------------------- */

void wire_flush(struct wire *wire)
{
	for (size_t i = 0; i < wire->rowc; i++)
		if (wire->rows[i]->head && !wire->rows[i]->is_full)
			wire_udp_flush(wire->rows[i]);
}


static void tell_failures(struct wire *wire)
{
	struct failure failures[WIRE_FAILURES_MAX];
	const size_t failurec = wire->failurec;

	memcpy(failures, wire->failures, failurec * sizeof(failures[0]));
	wire->failurec = 0; /* who is told may send, which may fail */
	for (size_t i = 0; i < failurec; i++)
		wire->args.failh(&failures[i].to, failures[i].err,
				 wire->args.arg);
}


static void on_late(void *arg)
{
	struct wire *wire = arg;

	wire_flush(wire);
	tell_failures(wire);
}


void wire_later(struct wire *wire)
{
	ev_late_start(&wire->late, wire->base.ev, on_late, wire);
}


void wire_failed(struct wire *wire, const struct flow *to, int err)
{
	if (!wire->args.failh || wire->failurec == WIRE_FAILURES_MAX)
		return;

	wire->failures[wire->failurec++] = (struct failure){ *to, err };
	wire_later(wire);
}


void wire_received(struct wire *wire, const struct flow *from, char *data,
		   size_t len, int64_t age_us)
{
	if (wire_gate_in(wire, from, data, len, age_us))
		wire->args.receiveh(from, data, len, age_us, wire->args.arg);
}


/* --- the table --------------------------------------------------------------
 */

static void listener_close(struct listener *l)
{
	if (l->fd < 0)
		return;

	wire_udp_close(l);
	l->watch = ev_unwatch(l->watch);
	(void)close(l->fd);
	l->fd = -1;
}


static struct listener *listener_free(struct listener *l)
{
	if (!l)
		return NULL;

	listener_close(l);
	free(l);

	return NULL;
}


static int listener_open(struct listener *l, const struct wire_socket *s,
			 ino_t inode)
{
	int err;

	l->fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	if (l->fd < 0)
		return errno;

	l->inode = inode;
	if (l->pub.transport == TRANSPORT_UDP)
		err = wire_udp_open(l);
	else
		err = EPROTONOSUPPORT;
	if (err)
		listener_close(l);

	return err;
}


/* What peers are told; the address, if it is one, is one of ours. */
static int listener_name(struct listener *l, const struct wire_socket *s)
{
	const bool is_other = s->advertised && s->advertised[0];
	const struct text host = text_of(is_other ? s->advertised : s->bind);
	struct wire_listener pub = l->pub;
	struct addr addr;
	int err;

	pub.advertised = (struct addr){ .family = 0 };
	if (addr_parse(&addr, host) == 0) {
		addr.port = s->port;
		pub.advertised = addr;
		addr.port = 0;
		addr.scope = 0;
		(void)addr_print(&addr, pub.host + 1);
		if (addr.family == AF_INET6) {
			pub.host[0] = '[';
			err = text_print(pub.host + strlen(pub.host),
					 sizeof(pub.host) - strlen(pub.host),
					 "]");
		}
		else {
			err = 0;
			memmove(pub.host, pub.host + 1,
				strlen(pub.host + 1) + 1);
		}
	}
	else {
		err = text_copy(pub.host, sizeof(pub.host), host);
	}
	if (!err)
		l->pub = pub;

	return err;
}


static struct listener *listener_like(const struct wire *wire,
				      const struct wire_listener *pub)
{
	for (size_t i = 0; i < wire->rowc; i++) {
		const struct wire_listener *have = &wire->rows[i]->pub;

		if (have->transport == pub->transport &&
		    addr_equal(&have->bind, &pub->bind) &&
		    strcmp(have->name, pub->name) == 0)
			return wire->rows[i];
	}

	return NULL;
}


static int listener_add(struct wire *wire, struct listener **lp,
			const struct wire_listener *pub)
{
	struct listener *l;

	if (wire->rowc == WIRE_LISTENERS_MAX)
		return ENOSPC;

	l = calloc(1, sizeof(*l));
	if (!l)
		return ENOMEM;

	l->pub = *pub;
	l->pub.is_gone = true;
	l->wire = wire;
	l->index = (uint16_t)wire->rowc;
	l->fd = -1;
	wire->rows[wire->rowc++] = l;
	*lp = l;

	return 0;
}


/* The row of a socket: the one it had, or a new one */
static int listener_find(struct wire *wire, struct listener **lp,
			 const struct wire_socket *s)
{
	struct wire_listener pub = { .transport = (uint8_t)s->transport,
				     .port = s->port };

	if (text_copy(pub.name, sizeof(pub.name), text_of(s->name)) ||
	    addr_parse(&pub.bind, text_of(s->bind)))
		return EINVAL;

	pub.bind.port = s->port;
	*lp = listener_like(wire, &pub);

	return *lp ? 0 : listener_add(wire, lp, &pub);
}


static int listener_take(struct wire *wire, const struct wire_socket *s)
{
	struct listener *l = NULL;
	struct stat st;
	int err;

	if (fstat(s->fd, &st) != 0)
		return errno;

	err = listener_find(wire, &l, s);
	if (!err)
		err = listener_name(l, s);
	if (err)
		return err;

	/* The supervisor made a new one: the old one hears nothing. */
	if (l->fd >= 0 && l->inode != st.st_ino)
		listener_close(l);
	if (l->fd < 0)
		err = listener_open(l, s, st.st_ino);
	if (err)
		return err;

	if (l->pub.is_gone)
		log_info(wire->base.log,
			 "listener_opened name=%s host=%s "
			 "port=%u",
			 l->pub.name, l->pub.host, l->pub.port);
	l->pub.is_gone = false;
	l->is_seen = true;

	return 0;
}


int wire_reload(struct wire *wire)
{
	int result = 0;

	for (size_t i = 0; i < wire->rowc; i++)
		wire->rows[i]->is_seen = false;

	/* One that cannot be had is no reason to do without the others. */
	for (size_t i = 0;; i++) {
		struct wire_socket s = { .fd = -1 };
		int err;

		if (wire->base.socketh(i, &s, wire->base.arg))
			break;
		err = listener_take(wire, &s);
		if (err) {
			log_error(wire->base.log,
				  "listener_refused name=%s why=%s", s.name,
				  strerror(err));
			result = result ? result : err;
		}
	}

	for (size_t i = 0; i < wire->rowc; i++) {
		struct listener *l = wire->rows[i];

		if (l->is_seen || l->pub.is_gone)
			continue;
		listener_close(l);
		l->pub.is_gone = true;
		log_info(wire->base.log, "listener_gone name=%s", l->pub.name);
	}
	memset(wire->routes, 0, ROUTES * sizeof(*wire->routes));

	return result;
}


const struct wire_listener *wire_listener(const struct wire *wire,
					  uint16_t index)
{
	return index < wire->rowc ? &wire->rows[index]->pub : NULL;
}


size_t wire_listenerc(const struct wire *wire)
{
	return wire->rowc;
}


/* --- which of them reaches whom ---------------------------------------------
 */

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


static bool is_fit(const struct wire_listener *l, enum transport transport,
		   const struct addr *remote)
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

		if (is_fit(l, transport, remote) && is_named(l, name)) {
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

		if (!is_fit(l, transport, remote))
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


/* --- sending ----------------------------------------------------------------
 */

/* The listener a flow names, if it still is one for it; else the one the
 * system would take. */
static struct listener *listener_of(const struct wire *wire,
				    const struct flow *to)
{
	uint16_t index = to->listener;

	if (index < wire->rowc &&
	    is_fit(&wire->rows[index]->pub, to->transport, &to->remote))
		return wire->rows[index];
	if (find_routed(wire, &index, to->transport, &to->remote))
		return NULL;

	return wire->rows[index];
}


int wire_send(struct wire *wire, const struct flow *to, const void *data,
	      size_t len)
{
	struct listener *l;
	struct flow flow = *to;

	if (len == 0 || len > WIRE_DATAGRAM_MAX - 1)
		return EMSGSIZE;
	if (flow.remote.family == 0 || flow.remote.port == 0)
		return EINVAL;

	l = listener_of(wire, to);
	if (!l)
		return ENOTCONN;

	flow.listener = l->index;
	wire_gate_out(wire, &flow, data, len);

	return flow.transport == TRANSPORT_UDP
		       ? wire_udp_send(l, &flow, data, len)
		       : ENOTCONN;
}


void wire_hold(struct wire *wire, const struct flow *flow, bool hold)
{
	(void)wire;
	(void)flow;
	(void)hold;
}


/* --- all of it ------------------------------------------------------------- */

static int route_open(struct wire *wire)
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


int wire_alloc_on(struct wire **wirep, const struct wire_args *args,
		  const struct wire_base *base)
{
	struct wire *wire;
	int err;

	if (!wirep || !args || !args->receiveh || !base || !base->socketh)
		return EINVAL;

	wire = calloc(1, sizeof(*wire));
	if (!wire)
		return ENOMEM;

	wire->args = *args;
	wire->base = *base;
	wire->route_fds[0] = wire->route_fds[1] = -1;
	err = route_open(wire);
	if (!err)
		err = wire_udp_alloc(&wire->udp);
	if (!err)
		err = wire_reload(wire);
	if (err)
		wire_free(wire);
	else
		*wirep = wire;

	return err;
}


struct wire *wire_free(struct wire *wire)
{
	if (!wire)
		return NULL;

	wire_flush(wire); /* the last words of a daemon that stops */
	ev_late_stop(&wire->late);
	for (size_t i = 0; i < wire->rowc; i++)
		(void)listener_free(wire->rows[i]);
	wire->udp = wire_udp_free(wire->udp);
	for (int i = 0; i < 2; i++)
		if (wire->route_fds[i] >= 0)
			(void)close(wire->route_fds[i]);
	free(wire->routes);
	free(wire);

	return NULL;
}
