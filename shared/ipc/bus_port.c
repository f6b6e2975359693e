/**
 * @file shared/ipc/bus_port.c  A ZeroMQ socket in the loop
 *
 * ZeroMQ's descriptor is an edge, and any call into a socket may swallow it.
 * So a socket is drained until it says that it is empty, after an edge as well
 * as in the turn after anything was sent; at most 256 messages a turn, so that
 * no peer can keep the loop from its other work.
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
	BUDGET = 256, /* Messages per socket and turn */
	RECONNECT_FIRST_MS = 50,
	RECONNECT_MOST_MS = 500,
};


static void port_look_again(struct port *port)
{
	port->is_dirty = true;
	bus_look_again(port->bus);
}


int port_send(struct port *port, struct peer_id to, const uint8_t *data,
	      size_t len)
{
	char name[PEER_ID_MAX];
	int n = 0;

	/* What is sent may swallow the edge of what has come. */
	if (!port->is_draining)
		port_look_again(port);

	if (!port->dealer) {
		peer_id_print(to, name);
		n = zmq_send(port->sock, name, strlen(name),
			     ZMQ_SNDMORE | ZMQ_DONTWAIT);
	}
	if (n >= 0)
		n = zmq_send(port->sock, data, len, ZMQ_DONTWAIT);
	if (n < 0)
		return errno;

	metric_inc(M_BUS_SENT);

	return 0;
}


/* The frames of one message: on the router the sender's identity, which
 * ZeroMQ puts there, and the envelope; on a dealer the envelope alone.
 * @return 0, EAGAIN if there is none */
static int frames_recv(struct port *port, zmq_msg_t *identity,
		       zmq_msg_t *content, bool *is_wholep)
{
	int more = 0;

	if (!port->dealer) {
		if (zmq_msg_recv(identity, port->sock, ZMQ_DONTWAIT) < 0)
			return errno;
		if (!zmq_msg_more(identity)) {
			*is_wholep = false;
			return 0;
		}
	}

	if (zmq_msg_recv(content, port->sock, ZMQ_DONTWAIT) < 0)
		return errno;

	*is_wholep = !zmq_msg_more(content);
	more = zmq_msg_more(content);
	while (more) {
		if (zmq_msg_recv(content, port->sock, ZMQ_DONTWAIT) < 0)
			return errno;
		more = zmq_msg_more(content);
	}

	return 0;
}


static int port_recv(struct port *port)
{
	struct bus *bus = port->bus;
	struct peer_id sender = { 0 };
	zmq_msg_t identity, content;
	bool is_whole = false;
	int err;

	zmq_msg_init(&identity);
	zmq_msg_init(&content);

	err = frames_recv(port, &identity, &content, &is_whole);
	if (err)
		goto out;

	metric_inc(M_BUS_RECEIVED);

	if (port->dealer)
		sender = port->dealer->id;
	else if (peer_id_parse(&sender, zmq_msg_data(&identity),
			       zmq_msg_size(&identity))) {
		metric_inc_at(M_BUS_REFUSED, BUS_WRONG_SENDER);
		goto out;
	}

	if (is_whole)
		message_take(bus, sender, zmq_msg_data(&content),
			     zmq_msg_size(&content));
	else
		metric_inc_at(M_BUS_REFUSED, BUS_MALFORMED);

out:
	zmq_msg_close(&content);
	zmq_msg_close(&identity);

	return err;
}


static bool dealer_waits(const struct dealer *dealer)
{
	return dealer && (dealer->ping_waits || dealer->first);
}


/* Asking also arms the edge: nothing to do now means to be woken later. */
static bool port_has_work(const struct port *port)
{
	size_t size = sizeof(int);
	int events = 0;

	if (zmq_getsockopt(port->sock, ZMQ_EVENTS, &events, &size) < 0)
		return false;

	return (events & ZMQ_POLLIN) ||
	       ((events & ZMQ_POLLOUT) && dealer_waits(port->dealer));
}


void port_drain(struct port *port)
{
	struct dealer *dealer = port->dealer;
	uint32_t left = BUDGET;

	port->is_dirty = false;
	port->is_draining = true;
	port->bus->is_busy = true;

	while (left > 0 && port_has_work(port)) {
		left--;
		if (dealer && dealer->ping_waits)
			dealer_ping(dealer);
		if (dealer)
			left = dealer_flush(dealer, left);
		while (left > 0 && port_recv(port) == 0)
			left--;
	}

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
	const int64_t bytes_max = BUS_BYTES_MAX;
	const struct {
		int option;
		int value;
	} options[] = {
		{ ZMQ_LINGER, 0 },
		{ ZMQ_SNDHWM, BUS_QUEUE_MAX },
		{ ZMQ_RCVHWM, BUS_QUEUE_MAX },
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
	if (port->sock)
		zmq_close(port->sock);
	port->sock = NULL;
}
