/**
 * @file sipd/wire_io.c  Connections: bytes to messages and back
 *
 * What is read lies in one buffer for all connections; only an unfinished
 * message is kept with its connection, so that ten thousand that are silent
 * cost nothing. A message that cannot be one is handed up as far as it came,
 * for the parser to find the fault and the answer; then the connection closes
 * (RFC 3261 18.3: nobody knows where the next one would begin).
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sipd/message.h"
#include "sipd/wire_parts.h"

enum {
	READS_MAX = 4, /**< In one wake-up: others have their turn */
	IN_MIN = 4096,
};


/* --- out --------------------------------------------------------------------
 */

static int write_some(struct conn *c, const void *data, size_t len,
		      size_t *lenp)
{
	int err;

	if (c->session)
		err = wire_session_write(c->session, data, len, lenp);
	else
		err = wire_tcp_write(c->fd, data, len, lenp);
	if (!err)
		c->said_us = ev_now_us(c->wire->base.ev);

	return err;
}


void conn_flush(struct conn *c)
{
	while (c->head) {
		struct conn_chunk *chunk = c->head;
		size_t sent = 0;
		int err;

		err = write_some(c, chunk->data + chunk->at,
				 chunk->len - chunk->at, &sent);
		if (err == EAGAIN)
			break;
		if (err) {
			conn_lose(c, err);
			return;
		}
		chunk->at += sent;
		c->out_bytes -= sent;
		c->wire->streams->bytes -= sent;
		if (chunk->at < chunk->len)
			continue;
		c->head = chunk->next;
		if (!c->head)
			c->tail = NULL;
		free(chunk);
	}
	if (!c->head && c->state == CONN_CLOSING) {
		if (c->session)
			wire_session_end(c->session);
		(void)shutdown(c->fd, SHUT_WR);
	}
}


static int queue(struct conn *c, const char *data, size_t len)
{
	struct wire_streams *s = c->wire->streams;
	struct conn_chunk *chunk;

	if (c->out_bytes + len > s->limits.queue_bytes ||
	    s->bytes + len > s->limits.bytes)
		return ENOBUFS;

	chunk = malloc(sizeof(*chunk) + len);
	if (!chunk)
		return ENOBUFS;

	chunk->next = NULL;
	chunk->len = len;
	chunk->at = 0;
	memcpy(chunk->data, data, len);
	if (c->tail)
		c->tail->next = chunk;
	else
		c->head = chunk;
	c->tail = chunk;
	c->out_bytes += len;
	s->bytes += len;

	return 0;
}


int conn_send(struct conn *c, const void *data, size_t len)
{
	size_t sent = 0;
	int err;

	/* Mostly it goes out as it is, and nothing is allocated. */
	if (c->state == CONN_OPEN && !c->head) {
		err = write_some(c, data, len, &sent);
		if (err && err != EAGAIN) {
			conn_lose(c, err);
			return 0; /* by failh, like those before it */
		}
		if (sent == len)
			return 0;
	}

	err = queue(c, (const char *)data + sent, len - sent);
	if (err && sent) {
		/* Half a message is out: nothing can follow it. */
		conn_lose(c, err);
		return 0;
	}
	conn_await(c);

	return err;
}


/* --- in ---------------------------------------------------------------------
 */

/* CRLFCRLF is a question, CRLF its answer (RFC 5626 4.4.1); fewer between
 * messages mean nothing (RFC 3261 7.5). @return is the byte one of those? */
static bool is_between(struct conn *c, char byte)
{
	static const char ping[] = "\r\n\r\n";

	if (byte != '\r' && byte != '\n') {
		c->crlfc = 0;
		return false;
	}

	c->crlfc = byte == ping[c->crlfc] ? c->crlfc + 1 : byte == '\r';
	if (c->crlfc == sizeof(ping) - 1) {
		c->crlfc = 0;
		(void)conn_send(c, "\r\n", 2);
	}

	return true;
}


/* An empty line is the end of a header. It is looked for in what is new, so
 * that a message that comes byte by byte is not framed byte by byte. */
static bool may_be_whole(struct conn *c, const char *data, size_t len)
{
	const bool is_first = c->seen == 0;
	size_t at = c->seen > 2 ? c->seen - 2 : 0;

	if (c->seen == SIZE_MAX)
		return true;

	while (at < len) {
		const char *lf = memchr(data + at, '\n', len - at);
		size_t left;

		if (!lf)
			break;
		left = (size_t)(data + len - lf);
		if ((left > 1 && lf[1] == '\n') ||
		    (left > 2 && lf[1] == '\r' && lf[2] == '\n')) {
			c->seen = SIZE_MAX;
			return true;
		}
		at = (size_t)(lf - data) + 1;
	}
	c->seen = len;

	/* What is no SIP shows at once. */
	return is_first || len >= WIRE_DATAGRAM_MAX;
}


static void deliver(struct conn *c, char *data, size_t len)
{
	const struct flow from = conn_flow(c);

	wire_received(c->wire, &from, data, len, 0);
}


/* Not a message, or a larger one than we take: the parser says why. */
static void refuse(struct conn *c, char *data, size_t len)
{
	deliver(c, data, len < MESSAGE_BYTES_MAX ? len : MESSAGE_BYTES_MAX);
	if (c->state != CONN_OPEN)
		return;

	c->state = CONN_CLOSING;
	c->begun_us = ev_now_us(c->wire->base.ev);
	conn_flush(c);
}


/* All messages in it. @return bytes that are done with */
static size_t take(struct conn *c, char *data, size_t len)
{
	size_t at = 0;

	while (at < len && c->state == CONN_OPEN) {
		size_t skipped = 0, message;

		if (c->seen == 0 && is_between(c, data[at])) {
			at++;
			continue;
		}
		if (!may_be_whole(c, data + at, len - at))
			break;
		message = message_frame(data + at, len - at, &skipped);
		if (message == 0 && len - at < WIRE_DATAGRAM_MAX)
			break;
		if (message == 0 || message > len - at - skipped) {
			refuse(c, data + at, len - at);
			break;
		}
		c->seen = 0;
		at += skipped;
		deliver(c, data + at, message);
		at += message;
	}

	return at;
}


static void in_free(struct conn *c)
{
	c->wire->streams->bytes -= c->in_size;
	free(c->in);
	c->in = NULL;
	c->in_len = c->in_size = 0;
}


/* Room for size bytes of an unfinished message */
static int in_resize(struct conn *c, size_t size)
{
	struct wire_streams *s = c->wire->streams;
	char *in;

	if (size < IN_MIN)
		size = IN_MIN;
	if (size > WIRE_DATAGRAM_MAX)
		size = WIRE_DATAGRAM_MAX;
	if (s->bytes + size - c->in_size > s->limits.bytes)
		return ENOBUFS;

	in = realloc(c->in, size);
	if (!in)
		return ENOMEM;

	s->bytes += size - c->in_size;
	c->in = in;
	c->in_size = size;

	return 0;
}


/* What is left of it begins a message that is not there yet. */
static int keep(struct conn *c, const char *rest, size_t len)
{
	if (len == 0) {
		in_free(c);
		c->half_us = 0;
		c->seen = 0;
		return 0;
	}

	if (!c->in) {
		const int err = in_resize(c, len * 2);

		if (err)
			return err;
	}
	memmove(c->in, rest, len);
	c->in_len = len;

	return 0;
}


static int in_grow(struct conn *c)
{
	if (c->in_len < c->in_size)
		return 0;

	assert(c->in_size < WIRE_DATAGRAM_MAX); /* else it was refused */

	return in_resize(c, c->in_size * 2);
}


static int read_some(struct conn *c, char *data, size_t size, size_t *lenp)
{
	int err;

	if (c->session)
		err = wire_session_read(c->session, data, size, lenp);
	else
		err = wire_tcp_read(c->fd, data, size, lenp);
	if (!err)
		c->said_us = ev_now_us(c->wire->base.ev);

	return err;
}


/* Read once, and take what has become whole. */
static int receive(struct conn *c)
{
	char *data = c->in ? c->in : c->wire->streams->buffer;
	size_t len = 0, done;
	int err;

	if (c->in) {
		err = in_grow(c);
		if (err)
			return err;
		data = c->in;
		err = read_some(c, data + c->in_len, c->in_size - c->in_len,
				&len);
	}
	else {
		err = read_some(c, data, WIRE_DATAGRAM_MAX, &len);
	}
	if (err)
		return err;

	len += c->in_len;
	done = take(c, data, len);
	if (c->state != CONN_OPEN)
		return EAGAIN;
	if (done > 0 || !c->half_us)
		c->half_us = c->said_us;

	return keep(c, data + done, len - done);
}


void conn_receive(struct conn *c)
{
	int err = 0;

	for (int i = 0; i < READS_MAX && !err; i++)
		err = receive(c);
	/* What TLS has decrypted the socket will not tell of. */
	while (!err && c->session && wire_session_has_more(c->session))
		err = receive(c);

	if (err && err != EAGAIN)
		conn_lose(c, err == ESHUTDOWN ? ECONNRESET : err);
}


void conn_discard(struct conn *c)
{
	size_t len = 0;
	int err = 0;

	for (int i = 0; i < READS_MAX && !err; i++)
		err = wire_tcp_read(c->fd, c->wire->streams->buffer,
				    WIRE_DATAGRAM_MAX, &len);
	if (err && err != EAGAIN)
		conn_lose(c, 0);
}
