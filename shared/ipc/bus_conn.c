/**
 * @file shared/ipc/bus_conn.c  A connection of the bus
 *
 * A Unix stream that speaks ZMTP in the loop: no thread, and what came with
 * one read is taken with one. Each side says its greeting, then READY with its
 * name, then messages.
 *
 * A connection that does not work is never closed where that is found out by
 * sending, since that may be in the midst of reading from it: its end is read.
 *
 * Bounds: a message as large as the largest of ours; 4 MB that the socket did
 * not take; 256 envelopes a turn.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ipc/bus_parts.h"
#include "shared/ipc/zmtp.h"

enum {
	BUDGET = 256, /* Envelopes of a connection and turn */
	UNSENT_MAX = 4 << 20,
	UNSENT_KEPT = 64 << 10, /* A larger buffer is not kept when empty */
};


/* --- out --------------------------------------------------------------------
 */

static void unsent_clear(struct bus_conn *conn)
{
	conn->out_len = 0;
	conn->out_at = 0;
	if (conn->out_room > UNSENT_KEPT) {
		free(conn->out);
		conn->out = NULL;
		conn->out_room = 0;
	}
}


/* It will be read to its end, which is near. */
static int conn_break(struct bus_conn *conn)
{
	conn->is_broken = true;
	(void)shutdown(conn->fd, SHUT_RDWR);

	return EPIPE;
}


/* Behind what waits already */
static int unsent_put(struct bus_conn *conn, const struct iovec *iov,
		      size_t iovc, size_t skip)
{
	if (conn->out_at > 0) {
		conn->out_len -= conn->out_at;
		memmove(conn->out, conn->out + conn->out_at, conn->out_len);
		conn->out_at = 0;
	}
	for (size_t i = 0; i < iovc; i++) {
		const size_t from = skip < iov[i].iov_len ? skip
							  : iov[i].iov_len;
		const size_t len = iov[i].iov_len - from;

		skip -= from;
		if (conn->out_len + len > conn->out_room) {
			const size_t room = 2 * (conn->out_len + len);
			uint8_t *out = realloc(conn->out, room);

			if (!out)
				return conn_break(conn);
			conn->out = out;
			conn->out_room = room;
		}
		if (len > 0)
			memcpy(conn->out + conn->out_len,
			       (const uint8_t *)iov[i].iov_base + from, len);
		conn->out_len += len;
	}

	return ev_watch_change(conn->watch, EV_READ | EV_WRITE);
}


/* All of it, now or when there is room */
static int conn_put(struct bus_conn *conn, struct iovec *iov, size_t iovc)
{
	const struct msghdr msg = { .msg_iov = iov, .msg_iovlen = iovc };
	size_t whole = 0;
	ssize_t n = 0;

	if (conn->is_broken)
		return EPIPE;
	for (size_t i = 0; i < iovc; i++)
		whole += iov[i].iov_len;
	if (conn->out_len == 0)
		n = sendmsg(conn->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return conn_break(conn);
	if (n < 0)
		n = 0;

	return (size_t)n < whole ? unsent_put(conn, iov, iovc, (size_t)n) : 0;
}


static int conn_say(struct bus_conn *conn, const void *data, size_t len)
{
	struct iovec iov = { unconst(data), len };

	return conn_put(conn, &iov, 1);
}


int bus_conn_send(struct bus_conn *conn, const uint8_t *data, size_t len)
{
	uint8_t head[ZMTP_HEAD_MAX];
	struct iovec iov[2] = { { head, zmtp_head(head, len) },
				{ unconst(data), len } };

	if (conn->out_len - conn->out_at + len > UNSENT_MAX)
		return EAGAIN;

	return conn_put(conn, iov, COUNT_OF(iov));
}


static void conn_flush(struct bus_conn *conn)
{
	while (conn->out_at < conn->out_len && !conn->is_broken) {
		const ssize_t n = send(conn->fd, conn->out + conn->out_at,
				       conn->out_len - conn->out_at,
				       MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			(void)conn_break(conn);
		else
			conn->out_at += (size_t)n;
	}
	unsent_clear(conn);
	(void)ev_watch_change(conn->watch, EV_READ);
}


/* --- in ---------------------------------------------------------------------
 */

/* Who we are, behind a greeting of a peer's */
static int ready_say(struct bus_conn *conn)
{
	uint8_t ready[ZMTP_READY_MAX];
	const struct port *port = conn->port;
	char name[PEER_ID_MAX];
	size_t len;

	len = port->dealer ? zmtp_ready(ready, "DEALER",
					peer_id_print(port->bus->self, name))
			   : zmtp_ready(ready, "ROUTER", "");

	return conn_say(conn, ready, len);
}


static int greeting_take(struct bus_conn *conn, size_t *usedp)
{
	const int err = zmtp_greeting_check(conn->in + *usedp,
					    conn->in_len - *usedp);

	if (err)
		return err;
	*usedp += ZMTP_GREETING;
	conn->state = BUS_CONN_GREETED;

	return ready_say(conn);
}


static int ready_take(struct bus_conn *conn, const struct zmtp_frame *frame)
{
	const struct port *port = conn->port;
	struct text identity;
	int err;

	err = zmtp_ready_parse(&identity, frame);
	if (err)
		return err;

	if (port->dealer)
		conn->id = port->dealer->id;
	conn->has_id = port->dealer ||
		       peer_id_parse(&conn->id, identity.p, identity.l) == 0;
	conn->state = BUS_CONN_OPEN;
	port_opened(conn);

	return 0;
}


/* Each envelope for itself; what is left over is none. */
static void envelopes_take(struct bus_conn *conn, const uint8_t *at,
			   size_t left)
{
	const bool is_empty = left == 0;
	size_t len;

	while (envelope_next(&at, &left, &len)) {
		metric_inc(M_BUS_RECEIVED);
		conn->left -= conn->left > 0;
		message_take(conn->port->bus, conn->id, at, len);
		at += len;
		left -= len;
	}
	if (left > 0 || is_empty) {
		conn->left -= conn->left > 0;
		metric_inc_at(M_BUS_REFUSED, BUS_MALFORMED);
	}
}


/* Of a message of more frames, which none of ours has, all but the first are
 * malformed; commands say nothing that matters here. */
static int message_frame(struct bus_conn *conn, const struct zmtp_frame *frame)
{
	const bool is_first = !conn->has_more;

	if (frame->is_command)
		return 0;
	conn->has_more = frame->has_more;
	if (is_first && conn->has_id) {
		envelopes_take(conn, frame->data, frame->len);
		return 0;
	}
	conn->left -= conn->left > 0;
	metric_inc_at(M_BUS_REFUSED,
		      conn->has_id ? BUS_MALFORMED : BUS_WRONG_SENDER);

	return 0;
}


/* @return EAGAIN when no more is whole, or the budget is used up */
static int frames_take(struct bus_conn *conn, size_t *usedp)
{
	struct zmtp_frame frame;
	int err = 0;

	while (!err && conn->left > 0) {
		err = zmtp_frame(&frame, conn->in + *usedp,
				 conn->in_len - *usedp, OUT_BYTES);
		if (err)
			return err;
		*usedp += frame.whole;
		err = conn->state == BUS_CONN_OPEN
			      ? message_frame(conn, &frame)
			      : ready_take(conn, &frame);
	}

	return err ? err : EAGAIN;
}


static int bytes_take(struct bus_conn *conn)
{
	size_t used = 0;
	int err = 0;

	if (conn->state == BUS_CONN_NEW)
		err = greeting_take(conn, &used);
	if (!err)
		err = frames_take(conn, &used);
	if (used > 0) {
		memmove(conn->in, conn->in + used, conn->in_len - used);
		conn->in_len -= used;
	}

	return err;
}


/* What has come, as far as the budget goes
 * @return EAGAIN, otherwise why the connection is at its end */
static int take_all(struct bus_conn *conn)
{
	int err = bytes_take(conn);

	while (err == EAGAIN && conn->left > 0) {
		const size_t room = sizeof(conn->in) - conn->in_len;
		const ssize_t n = recv(conn->fd, conn->in + conn->in_len, room,
				       MSG_DONTWAIT);

		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR)
				       ? EAGAIN
				       : ECONNRESET;
		conn->in_len += (size_t)n;
		err = bytes_take(conn);
		if ((size_t)n < room)
			break; /* that was all */
	}

	return err;
}


void bus_conn_read(struct bus_conn *conn)
{
	struct bus *bus = conn->port->bus;
	int err;

	conn->is_due = false;
	conn->left = BUDGET;
	bus->is_busy = true;
	err = take_all(conn);
	bus->is_busy = false;

	if (err != EAGAIN)
		port_lost(conn);
	else if (conn->left == 0)
		port_look_again(conn->port, conn);
}


static void on_ready(int flags, void *arg)
{
	struct bus_conn *conn = arg;

	if (flags & EV_WRITE) {
		conn_flush(conn);
		if (conn->out_len == 0)
			port_writable(conn->port);
	}
	if (flags & (EV_READ | EV_HANGUP))
		bus_conn_read(conn);
}


/* --- life
 * -------------------------------------------------------------------- */

struct bus_conn *bus_conn_free(struct bus_conn *conn)
{
	if (!conn)
		return NULL;

	conn->watch = ev_unwatch(conn->watch);
	(void)close(conn->fd);
	free(conn->out);
	free(conn);

	return NULL;
}


int bus_conn_alloc(struct bus_conn **connp, struct port *port, int fd)
{
	uint8_t greeting[ZMTP_GREETING];
	struct bus_conn *conn;
	int err;

	conn = malloc(sizeof(*conn));
	if (!conn)
		return ENOMEM;

	/* But for in, of which only what is needed is ever touched */
	memset(conn, 0, offsetof(struct bus_conn, in));
	conn->port = port;
	conn->fd = fd;
	err = ev_watch(&conn->watch, port->bus->ev, fd, EV_READ, on_ready,
		       conn);
	if (err) {
		free(conn);
		return err;
	}

	zmtp_greeting(greeting);
	(void)conn_say(conn, greeting, sizeof(greeting));
	*connp = conn;

	return 0;
}
