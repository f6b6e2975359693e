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
#include "sipd/refused.h"
#include "sipd/wire_parts.h"

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
	wire_stream_bury(wire->streams);
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
	wire_stream_close(l);
	l->watch = ev_unwatch(l->watch);
	(void)close(l->fd);
	l->fd = -1;
}


static struct listener *listener_free(struct listener *l)
{
	if (!l)
		return NULL;

	listener_close(l);
	(void)wire_tls_free(l->tls);
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
		err = wire_stream_open(l);
	if (err)
		listener_close(l);

	return err;
}


/* A new certificate holds for new connections. One that cannot be used leaves
 * what there was: nobody is cut off for a slip in a file. */
static void listener_certify(struct listener *l, const struct wire_socket *s)
{
	struct wire_tls *tls = NULL;
	char why[WIRE_WHY_MAX] = "";

	if (l->pub.transport != TRANSPORT_TLS)
		return;

	if (wire_tls_server(&tls, s->certificate ? s->certificate : "",
			    s->key ? s->key : "", why)) {
		log_error(l->wire->base.log,
			  "certificate_refused name=%s why=%s", l->pub.name,
			  why);
		return;
	}
	(void)wire_tls_free(l->tls);
	l->tls = tls;
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
	listener_certify(l, s);
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
	wire_routes_forget(wire);

	return result;
}


const struct wire_listener *wire_listener(const struct wire *wire,
					  uint16_t index)
{
	static const struct wire_listener nobody = { .host = "invalid",
						     .is_gone = true };

	return index < wire->rowc ? &wire->rows[index]->pub : &nobody;
}


size_t wire_listenerc(const struct wire *wire)
{
	return wire->rowc;
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
	    wire_listener_fits(&wire->rows[index]->pub, to->transport,
			       &to->remote))
		return wire->rows[index];
	if (wire_listener_find(wire, &index, to->transport, "", &to->remote))
		return NULL;

	return wire->rows[index];
}


static int send_stream(struct wire *wire, struct flow *to, const void *data,
		       size_t len)
{
	struct conn *c = conn_find(wire, to);
	struct listener *l;
	int err;

	if (!c) {
		l = listener_of(wire, to);
		if (!l)
			return ENOTCONN;
		to->listener = l->index;
		c = conn_find(wire, to);
	}
	if (!c) {
		err = conn_open(wire, &c, l, &to->remote);
		if (err)
			return err;
	}
	*to = conn_flow(c);
	wire_gate_out(wire, to, data, len);

	return conn_send(c, data, len);
}


static int send_datagram(struct wire *wire, struct flow *to, const void *data,
			 size_t len)
{
	struct listener *l = listener_of(wire, to);

	if (!l)
		return ENOTCONN;

	to->listener = l->index;
	wire_gate_out(wire, to, data, len);

	return wire_udp_send(l, to, data, len);
}


int wire_send(struct wire *wire, const struct flow *to, const void *data,
	      size_t len)
{
	struct flow flow = *to;

	if (len == 0 || len > WIRE_DATAGRAM_MAX - 1)
		return EMSGSIZE;
	if (flow.remote.family == 0 || flow.remote.port == 0)
		return EINVAL;

	if (flow.is_loop)
		return wire_loop_put(wire, &flow, data, len);

	return flow.transport == TRANSPORT_UDP
		       ? send_datagram(wire, &flow, data, len)
		       : send_stream(wire, &flow, data, len);
}


void wire_hold(struct wire *wire, const struct flow *flow, bool hold)
{
	struct conn *c;

	if (flow->transport == TRANSPORT_UDP)
		return;

	c = conn_find(wire, flow);
	if (!c || (!hold && c->holdc == 0))
		return; /* it is another one than was held */

	c->holdc += hold ? 1 : UINT32_MAX;
	c->said_us = ev_now_us(wire->base.ev);
	conn_await(c);
}


static struct conn *numbered(const struct wire *wire, const struct flow *flow)
{
	struct conn *c = flow->conn ? conn_find(wire, flow) : NULL;

	return c && c->number == flow->conn ? c : NULL;
}


bool wire_lives(const struct wire *wire, const struct flow *flow)
{
	return flow->transport == TRANSPORT_UDP || numbered(wire, flow);
}


void wire_keep(struct wire *wire, const struct flow *flow, bool keep)
{
	struct conn *c = flow->transport == TRANSPORT_UDP
				 ? NULL
				 : numbered(wire, flow);

	if (!c || c->is_kept == keep)
		return;
	c->is_kept = keep;
	c->said_us = ev_now_us(wire->base.ev);
	conn_await(c);
}


void wire_end(struct wire *wire, const struct flow *flow)
{
	struct conn *c;

	if (flow->transport == TRANSPORT_UDP)
		return;

	c = conn_find(wire, flow);
	if (!c || c->state != CONN_OPEN)
		return;

	c->state = CONN_CLOSING;
	c->begun_us = ev_now_us(wire->base.ev);
	conn_flush(c);
}


/* --- all of it ------------------------------------------------------------- */

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
	err = wire_routes_open(wire);
	if (!err)
		err = wire_udp_alloc(&wire->udp);
	if (!err)
		err = wire_streams_alloc(&wire->streams, &base->limits);
	if (!err)
		err = refused_alloc(&wire->refused);
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
	for (size_t i = 0; i < wire->rowc; i++)
		(void)listener_free(wire->rows[i]);
	wire->udp = wire_udp_free(wire->udp);
	wire->streams = wire_streams_free(wire->streams);
	wire->refused = refused_free(wire->refused);
	ev_late_stop(&wire->late);
	wire_loop_drop(wire);
	wire_routes_close(wire);
	free(wire);

	return NULL;
}
