/**
 * @file shared/ipc/bus_port.c  A ZeroMQ socket in the loop
 *
 * ZeroMQ's descriptor is an edge, and any call into a socket may swallow it.
 * So a socket is drained until it says that it is empty, after an edge as well
 * as after anything was sent; at most 256 messages a turn, so that no peer can
 * keep the loop from its other work.
 *
 * What is sent in a turn goes out at its end, in one message of ZeroMQ's: each
 * envelope behind its length, of four bytes, the lowest first. They are not
 * parts of one: libzmq ends the process when a socket is closed whose
 * connection breaks between two parts.
 *
 * A link queues nothing while its peer is away (ZMQ_IMMEDIATE): what waits,
 * waits in our own list, where it has a deadline.
 */
#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ipc/bus_parts.h"

enum {
	BUDGET = 256,         /* Envelopes per socket and turn */
	ZMQ_QUEUE_MAX = 1000, /* Messages, each with up to OUT_MAX of ours */
	RECONNECT_FIRST_MS = 50,
	RECONNECT_MOST_MS = 500,
	LENGTH_SIZE = 4,
};


static void port_look_again(struct port *port)
{
	port->is_dirty = true;
	bus_look_again(port->bus);
}


static int out_send(struct port *port)
{
	char name[PEER_ID_MAX];
	int n = 0;

	if (!port->dealer) {
		peer_id_print(port->out_to, name);
		n = zmq_send(port->sock, name, strlen(name),
			     ZMQ_SNDMORE | ZMQ_DONTWAIT);
	}
	if (n >= 0)
		n = zmq_send(port->sock, port->out, port->out_used,
			     ZMQ_DONTWAIT);

	return n < 0 ? errno : 0;
}


static void length_put(uint8_t *dst, size_t len)
{
	for (unsigned i = 0; i < LENGTH_SIZE; i++)
		dst[i] = (uint8_t)(len >> 8 * i);
}


/* The next envelope of a message; false: there is no whole one. */
static bool envelope_next(const uint8_t **atp, size_t *leftp, size_t *lenp)
{
	size_t len = 0;

	if (*leftp < LENGTH_SIZE)
		return false;
	for (unsigned i = 0; i < LENGTH_SIZE; i++)
		len |= (size_t)(*atp)[i] << 8 * i;
	if (len > *leftp - LENGTH_SIZE)
		return false;

	*atp += LENGTH_SIZE;
	*leftp -= LENGTH_SIZE;
	*lenp = len;

	return true;
}


static void out_clear(struct port *port)
{
	port->outc = 0;
	port->out_used = 0;
	port->is_stuck = false;
}


static bool out_fits(const struct port *port, struct peer_id to, size_t len)
{
	return port->outc == 0 ||
	       (port->outc < OUT_MAX && peer_id_equal(port->out_to, to) &&
		port->out_used + LENGTH_SIZE + len <= OUT_BYTES);
}


static void out_put(struct port *port, struct peer_id to, const uint8_t *data,
		    size_t len);


/* What could not be sent: of a link it waits, on the router it is gone. The
 * askers will repeat their requests, and find the answers kept. */
static int out_end(struct port *port, int err)
{
	if (err == EAGAIN && port->dealer) {
		port->is_stuck = true;
		return EAGAIN;
	}
	metric_add(err ? M_BUS_QUEUE_FULL : M_BUS_SENT, port->outc);
	out_clear(port);

	return err;
}


static int link_send(struct port *port, struct peer_id to, const uint8_t *data,
		     size_t len)
{
	if (port->is_stuck)
		return EAGAIN;
	if (!out_fits(port, to, len) &&
	    out_end(port, out_send(port)) == EAGAIN)
		return EAGAIN;
	out_put(port, to, data, len);

	return 0;
}


/* A peer that did not connect to us may be one that we connect to. */
static int out_by_link(struct port *port)
{
	struct dealer *dealer = bus_dealer(port->bus, port->out_to);
	const uint8_t *at = port->out;
	size_t left = port->out_used, len;
	int err = dealer ? 0 : EHOSTUNREACH;

	while (!err && envelope_next(&at, &left, &len)) {
		err = link_send(&dealer->port, port->out_to, at, len);
		at += len;
		left -= len;
	}

	return err;
}


int port_flush(struct port *port)
{
	int err;

	if (port->outc == 0)
		return 0;

	err = out_send(port);
	if (err == EHOSTUNREACH && !port->dealer) {
		err = out_by_link(port);
		if (!err) { /* counted there */
			out_clear(port);
			return 0;
		}
	}

	return out_end(port, err);
}


/* What is sent may swallow the edge of what has come. */
static void on_late(void *arg)
{
	struct port *port = arg;

	(void)port_flush(port);
	if (!port->is_draining)
		port_drain(port);
}


static void out_put(struct port *port, struct peer_id to, const uint8_t *data,
		    size_t len)
{
	length_put(port->out + port->out_used, len);
	memcpy(port->out + port->out_used + LENGTH_SIZE, data, len);
	port->out_used += (uint32_t)(LENGTH_SIZE + len);
	port->outc++;
	port->out_to = to;
	ev_late_start(&port->late, port->bus->ev, on_late, port);
}


int port_send(struct port *port, struct peer_id to, const uint8_t *data,
	      size_t len)
{
	if (bus_loses(port->bus))
		return 0;
	if (port->dealer)
		return link_send(port, to, data, len);

	if (!out_fits(port, to, len))
		(void)port_flush(port);
	out_put(port, to, data, len);

	return 0;
}


/* Of a message: on the router the sender's identity first, which ZeroMQ puts
 * there. @return 0, EAGAIN if there is none, EBADMSG if it is no peer's */
static int sender_recv(struct port *port, struct peer_id *senderp, bool *morep)
{
	zmq_msg_t identity;
	int err = 0;

	*morep = true;
	if (port->dealer) {
		*senderp = port->dealer->id;
		return 0;
	}

	zmq_msg_init(&identity);
	if (zmq_msg_recv(&identity, port->sock, ZMQ_DONTWAIT) < 0)
		err = errno;
	else if (peer_id_parse(senderp, zmq_msg_data(&identity),
			       zmq_msg_size(&identity)))
		err = EBADMSG;
	*morep = zmq_msg_more(&identity);
	zmq_msg_close(&identity);

	return err;
}


/* Each envelope for itself; what is left over is none. */
static void envelopes_take(struct port *port, struct peer_id sender,
			   const uint8_t *at, size_t left, uint32_t *budgetp)
{
	const bool is_empty = left == 0;
	size_t len;

	while (envelope_next(&at, &left, &len)) {
		metric_inc(M_BUS_RECEIVED);
		*budgetp -= *budgetp > 0;
		message_take(port->bus, sender, at, len);
		at += len;
		left -= len;
	}
	if (left > 0 || is_empty) {
		*budgetp -= *budgetp > 0;
		metric_inc_at(M_BUS_REFUSED, BUS_MALFORMED);
	}
}


/* A message. Of one of more parts, which none of ours has, all but the first
 * are malformed.
 * @return 0, EAGAIN if there is none, otherwise errorcode */
static int port_recv(struct port *port, uint32_t *leftp)
{
	struct peer_id sender = { 0 };
	bool more;
	int err;

	err = sender_recv(port, &sender, &more);
	if (err && err != EBADMSG)
		return err;
	if (err)
		metric_inc_at(M_BUS_REFUSED, BUS_WRONG_SENDER);
	else if (!more)
		metric_inc_at(M_BUS_REFUSED, BUS_MALFORMED);

	for (bool is_first = true; more; is_first = false) {
		zmq_msg_t part;

		zmq_msg_init(&part);
		if (zmq_msg_recv(&part, port->sock, ZMQ_DONTWAIT) < 0)
			return errno;
		more = zmq_msg_more(&part);
		if (!err && is_first)
			envelopes_take(port, sender, zmq_msg_data(&part),
				       zmq_msg_size(&part), leftp);
		else if (!err)
			metric_inc_at(M_BUS_REFUSED, BUS_MALFORMED);
		zmq_msg_close(&part);
	}

	return 0;
}


static bool dealer_waits(const struct dealer *dealer)
{
	return dealer &&
	       (dealer->ping_waits || dealer->first || dealer->port.is_stuck);
}


/* Of ZMQ_POLLIN and ZMQ_POLLOUT, what the socket has now */
static int port_events(const struct port *port)
{
	size_t size = sizeof(int);
	int events = 0;

	if (zmq_getsockopt(port->sock, ZMQ_EVENTS, &events, &size) < 0)
		return 0;

	return events & (ZMQ_POLLIN | ZMQ_POLLOUT);
}


static void waiting_send(struct port *port, uint32_t *leftp)
{
	struct dealer *dealer = port->dealer;

	*leftp -= *leftp > 0;
	port->is_stuck = false;
	if (dealer->ping_waits)
		dealer_ping(dealer);
	*leftp = dealer_flush(dealer, *leftp);
	(void)port_flush(port);
}


/* ZeroMQ arms the edge when it is asked and has nothing; whatever it is asked
 * may swallow the edge of the rest. So the last question of a drain is for all
 * that is of use: for a message where only messages are, else for both. */
void port_drain(struct port *port)
{
	uint32_t left = BUDGET;

	port->is_dirty = false;
	port->is_draining = true;
	port->bus->is_busy = true;

	do {
		if (dealer_waits(port->dealer) &&
		    (port_events(port) & ZMQ_POLLOUT))
			waiting_send(port, &left);
		while (left > 0 && port_recv(port, &left) == 0)
			;
	} while (left > 0 && dealer_waits(port->dealer) && port_events(port));

	port->is_draining = false;
	port->bus->is_busy = false;

	if (left == 0)
		port_look_again(port);
}


static void on_readable(int flags, void *arg)
{
	(void)flags;

	port_drain(arg);
}


static int options_set(void *sock, const char *name, bool is_router)
{
	const int64_t bytes_max = OUT_BYTES;
	const struct {
		int option;
		int value;
	} options[] = {
		{ ZMQ_LINGER, 0 },
		{ ZMQ_SNDHWM, ZMQ_QUEUE_MAX },
		{ ZMQ_RCVHWM, ZMQ_QUEUE_MAX },
		{ ZMQ_RECONNECT_IVL, RECONNECT_FIRST_MS },
		{ ZMQ_RECONNECT_IVL_MAX, RECONNECT_MOST_MS },
		{ is_router ? ZMQ_ROUTER_MANDATORY : ZMQ_IMMEDIATE, 1 },
	};
	const int one = 1;

	for (size_t i = 0; i < COUNT_OF(options); i++) {
		if (zmq_setsockopt(sock, options[i].option, &options[i].value,
				   sizeof(options[i].value)) < 0)
			return errno;
	}

	if (zmq_setsockopt(sock, ZMQ_MAXMSGSIZE, &bytes_max,
			   sizeof(bytes_max)) < 0)
		return errno;

	/* A peer that is back takes its name over from what is left of its
	 * former connection. */
	if (is_router &&
	    zmq_setsockopt(sock, ZMQ_ROUTER_HANDOVER, &one, sizeof(one)) < 0)
		return errno;

	if (!is_router &&
	    zmq_setsockopt(sock, ZMQ_ROUTING_ID, name, strlen(name)) < 0)
		return errno;

	return 0;
}


int port_open(struct port *port, struct bus *bus, struct dealer *dealer)
{
	char name[PEER_ID_MAX];

	port->bus = bus;
	port->dealer = dealer;
	port->sock = zmq_socket(bus->ctx, dealer ? ZMQ_DEALER : ZMQ_ROUTER);
	if (!port->sock)
		return errno;

	return options_set(port->sock, peer_id_print(bus->self, name),
			   !dealer);
}


int port_watch(struct port *port)
{
	size_t size = sizeof(int);
	int fd = -1;
	int err;

	if (zmq_getsockopt(port->sock, ZMQ_FD, &fd, &size) < 0)
		return errno;

	err = ev_watch(&port->watch, port->bus->ev, fd, EV_READ, on_readable,
		       port);
	if (!err)
		port_look_again(port);

	return err;
}


void port_close(struct port *port)
{
	port->watch = ev_unwatch(port->watch);
	ev_late_stop(&port->late);
	if (port->sock && port->outc)
		(void)out_send(port);
	if (port->sock)
		zmq_close(port->sock);
	port->sock = NULL;
}
