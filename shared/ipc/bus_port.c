/**
 * @file shared/ipc/bus_port.c  To whom there are connections
 *
 * A link has one, which is made again whenever it is lost; the router has
 * those that others made. Whoever comes under a name that is there already
 * takes it over from what is left of the former connection.
 *
 * What is sent in a turn goes out at its end, in one message of ZeroMQ's: each
 * envelope behind its length, of four bytes, the lowest first. They are not
 * parts of one: libzmq, which may be at the other end, ends the process when a
 * socket is closed whose connection breaks between two parts.
 *
 * A link queues nothing while its peer is away: what waits, waits in our own
 * list, where it has a deadline.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/metric.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/ipc/bus_parts.h"

enum {
	BUDGET = 256, /* Requests that waited, in one turn */
	RETRY_FIRST_MS = 50,
	RETRY_MOST_MS = 500,
	CONNS_MAX = 64, /* To the router: a cluster has fewer */
	BACKLOG = 64,
	LENGTH_SIZE = 4,
};


void port_look_again(struct port *port, struct bus_conn *conn)
{
	if (conn)
		conn->is_dirty = true;
	port->is_dirty = true;
	bus_look_again(port->bus);
}


/* The one to this peer; NULL: none that is open */
static struct bus_conn *conn_to(const struct port *port, struct peer_id id)
{
	for (struct bus_conn *c = port->conns; c; c = c->next)
		if (c->state == BUS_CONN_OPEN && c->has_id &&
		    peer_id_equal(c->id, id))
			return c;

	return NULL;
}


static int out_send(struct port *port)
{
	struct bus_conn *conn = conn_to(port, port->out_to);
	int err = EPIPE;

	if (conn)
		err = bus_conn_send(conn, port->out, port->out_used);
	if (err && err != EAGAIN)
		err = port->dealer ? EAGAIN : EHOSTUNREACH;

	return err;
}


static void length_put(uint8_t *dst, size_t len)
{
	for (unsigned i = 0; i < LENGTH_SIZE; i++)
		dst[i] = (uint8_t)(len >> 8 * i);
}


bool envelope_next(const uint8_t **atp, size_t *leftp, size_t *lenp)
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


static void on_late(void *arg)
{
	(void)port_flush(arg);
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


static bool dealer_waits(const struct dealer *dealer)
{
	return dealer &&
	       (dealer->ping_waits || dealer->first || dealer->port.is_stuck);
}


void port_writable(struct port *port)
{
	struct dealer *dealer = port->dealer;

	if (!dealer_waits(dealer) || !conn_to(port, dealer->id))
		return;

	port->is_stuck = false;
	if (dealer->ping_waits)
		dealer_ping(dealer);
	(void)dealer_flush(dealer, BUDGET);
	if (port_flush(port) == 0 && dealer->first)
		port_look_again(port, NULL);
}


/* One that is read may end others, so each time it is looked for anew. */
static struct bus_conn *conn_due(const struct port *port)
{
	struct bus_conn *c = port->conns;

	while (c && !c->is_due)
		c = c->next;

	return c;
}


void port_again(struct port *port)
{
	struct bus_conn *conn;

	port->is_dirty = false;
	for (struct bus_conn *c = port->conns; c; c = c->next) {
		c->is_due = c->is_dirty;
		c->is_dirty = false;
	}
	port_writable(port);
	while ((conn = conn_due(port)))
		bus_conn_read(conn);
}


/* --- connections ------------------------------------------------------------
 */

static void conn_drop(struct bus_conn *conn)
{
	struct port *port = conn->port;
	struct bus_conn **at = &port->conns;

	while (*at != conn)
		at = &(*at)->next;
	*at = conn->next;
	port->connc--;
	bus_conn_free(conn);
}


static int conn_enter(struct port *port, int fd)
{
	struct bus_conn *conn;
	const int err = bus_conn_alloc(&conn, port, fd);

	if (err) {
		(void)close(fd);
		return err;
	}
	conn->next = port->conns;
	port->conns = conn;
	port->connc++;

	return 0;
}


static void on_retry(void *arg);


static void retry_later(struct port *port)
{
	ev_timer_start(&port->retry, port->bus->ev, port->retry_ms, on_retry,
		       port);
	if (port->retry_ms < RETRY_MOST_MS)
		port->retry_ms *= 2;
}


void port_opened(struct bus_conn *conn)
{
	struct port *port = conn->port;

	port->retry_ms = RETRY_FIRST_MS;
	if (port->dealer) {
		port_look_again(port, NULL);
		return;
	}
	for (struct bus_conn *c = port->conns, *next; c; c = next) {
		next = c->next;
		if (c != conn && conn->has_id && c->has_id &&
		    peer_id_equal(c->id, conn->id))
			conn_drop(c);
	}
}


void port_lost(struct bus_conn *conn)
{
	struct port *port = conn->port;

	conn_drop(conn);
	if (port->dealer)
		retry_later(port);
}


static int link_connect(struct port *port)
{
	const struct sockaddr_un *sa = &port->at;
	const int fd = socket(AF_UNIX,
			      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0) {
		const int err = errno;

		(void)close(fd);
		return err;
	}

	return conn_enter(port, fd);
}


/* Of those that have not said who they are the oldest, where there are more
 * than there can be. @return false: there is none */
static bool room_make(struct port *port)
{
	struct bus_conn *oldest = NULL;

	if (port->connc < CONNS_MAX)
		return true;
	for (struct bus_conn *c = port->conns; c; c = c->next)
		if (!c->has_id)
			oldest = c;
	if (oldest)
		conn_drop(oldest);

	return oldest != NULL;
}


/* Without descriptors or memory the next one would be tried at once. */
static void on_incoming(int flags, void *arg)
{
	struct port *port = arg;
	const int fd = accept4(port->fd, NULL, NULL,
			       SOCK_NONBLOCK | SOCK_CLOEXEC);
	(void)flags;

	if (fd < 0 &&
	    (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
		return;
	if (fd >= 0 && !room_make(port)) {
		(void)close(fd);
		return;
	}
	if (fd < 0 || conn_enter(port, fd)) {
		(void)ev_watch_change(port->watch, 0);
		retry_later(port);
	}
}


static void on_retry(void *arg)
{
	struct port *port = arg;

	if (!port->dealer)
		(void)ev_watch_change(port->watch, EV_READ);
	else if (link_connect(port))
		retry_later(port);
}


static int router_listen(struct port *port)
{
	port->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			  0);
	if (port->fd < 0)
		return errno;

	/* What a predecessor left */
	(void)unlink(port->at.sun_path);
	if (bind(port->fd, (const struct sockaddr *)&port->at,
		 sizeof(port->at)) < 0 ||
	    listen(port->fd, BACKLOG) < 0)
		return errno;

	return ev_watch(&port->watch, port->bus->ev, port->fd, EV_READ,
			on_incoming, port);
}


int port_open(struct port *port, struct bus *bus, struct dealer *dealer,
	      const char *path)
{
	port->bus = bus;
	port->dealer = dealer;
	port->fd = -1;
	port->retry_ms = RETRY_FIRST_MS;
	port->at.sun_family = AF_UNIX;
	if (text_copy(port->at.sun_path, sizeof(port->at.sun_path),
		      text_of(path)))
		return ENAMETOOLONG;
	if (!dealer)
		return router_listen(port);

	port->out_to = dealer->id;
	if (link_connect(port))
		retry_later(port);

	return 0;
}


void port_close(struct port *port)
{
	if (!port->bus)
		return;

	ev_late_stop(&port->late);
	ev_timer_stop(&port->retry);
	if (port->outc)
		(void)out_send(port);
	while (port->conns)
		conn_drop(port->conns);
	port->watch = ev_unwatch(port->watch);
	if (port->fd >= 0)
		(void)close(port->fd);
	port->fd = -1;
}
