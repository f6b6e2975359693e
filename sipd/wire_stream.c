/**
 * @file sipd/wire_stream.c  Connections: table, limits, deadlines
 *
 * Found by number, which flows carry, and by who is on the other side, so that
 * one is used again whoever opened it. A number out of another generation's
 * flow may be anybody's here: it counts only with the same remote.
 *
 * Every state has a deadline. A connection that dies stays as a corpse until
 * the end of the turn, since who killed it may be reading from it.
 *
 * Diagnostics: connection_opened, connection_lost, connection_refused,
 * tls_failed (debug: strangers cause them), accept_failed (warn),
 * certificate_refused (error).
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/util.h"
#include "sipd/wire_parts.h"

enum {
	CLOSING_MS = 2000,    /**< For the peer to read our last words */
	NAMES = 256,          /**< Power of two */
	NAME_MAX_BYTES = 256, /**< A domain name is no longer (RFC 1035) */
};

/* security 1; a connect that takes longer will not help the caller */
static const struct wire_limits standard = {
	.per_source = 64,
	.total = 10000,
	.half_ms = 10000,
	.idle_ms = 120000,
	.connect_ms = 5000,
	.queue_bytes = 512 << 10,
	.bytes = 128 << 20,
};

/** What a TLS server is called */
struct wire_name {
	struct addr remote;
	char name[NAME_MAX_BYTES];
};


/* --- one connection ---------------------------------------------------------
 */

struct flow conn_flow(const struct conn *c)
{
	return (struct flow){ .remote = c->key.remote,
			      .conn = c->number,
			      .listener = c->key.listener,
			      .transport = (uint8_t)c->key.transport };
}


static void conn_free(struct conn *c)
{
	c->wire->streams->bytes -= c->in_size + c->out_bytes;
	while (c->head) {
		struct conn_chunk *chunk = c->head;

		c->head = chunk->next;
		free(chunk);
	}
	c->session = wire_session_free(c->session);
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c->in);
	free(c);
}


void conn_lose(struct conn *c, int err)
{
	struct wire_streams *s = c->wire->streams;
	const struct flow flow = conn_flow(c);
	char text[ADDR_TEXT_MAX];

	if (c->state == CONN_DEAD)
		return;

	log_debug(c->wire->base.log, "connection_lost remote=%s why=%s",
		  addr_print(&c->key.remote, text),
		  err ? strerror(err) : "closed");
	map_remove(s->by_number, &c->by_number);
	if (c->has_key)
		map_remove(s->by_key, &c->by_key);
	conn_source_give(s, c->source);
	c->source = NULL;
	ev_timer_stop(&c->timer);
	c->watch = ev_unwatch(c->watch);
	if (c->session)
		wire_session_end(c->session);
	c->state = CONN_DEAD;
	c->next = s->dead;
	s->dead = c;
	if (err)
		wire_failed(c->wire, &flow, err);
	wire_later(c->wire);
}


void wire_stream_bury(struct wire_streams *s)
{
	while (s->dead) {
		struct conn *c = s->dead;

		s->dead = c->next;
		conn_free(c);
	}
}


/* When its state ends by itself; INT64_MAX: not at all */
static int64_t due_of(const struct conn *c)
{
	const struct wire_limits *limits = &c->wire->streams->limits;

	if (c->state == CONN_CONNECTING)
		return c->begun_us + limits->connect_ms * INT64_C(1000);
	if (c->state == CONN_SHAKING)
		return c->begun_us + limits->half_ms * INT64_C(1000);
	if (c->state == CONN_CLOSING)
		return c->begun_us + CLOSING_MS * INT64_C(1000);
	if (c->half_us)
		return c->half_us + limits->half_ms * INT64_C(1000);
	if (c->holdc == 0 && !c->is_kept)
		return c->said_us + limits->idle_ms * INT64_C(1000);

	return INT64_MAX;
}


static void on_due(void *arg)
{
	struct conn *c = arg;
	const bool is_quiet = c->state == CONN_CLOSING ||
			      (c->state == CONN_OPEN && !c->half_us &&
			       !c->head);

	if (due_of(c) > ev_now_us(c->wire->base.ev))
		conn_await(c);
	else
		conn_lose(c, is_quiet ? 0 : ETIMEDOUT);
}


static int flags_of(const struct conn *c)
{
	if (c->state == CONN_CONNECTING)
		return EV_WRITE;
	if (c->session && wire_session_wants_write(c->session))
		return EV_READ | EV_WRITE;

	/* While TLS waits for its peer, what is queued has to wait too. */
	return EV_READ | (c->head && c->state != CONN_SHAKING ? EV_WRITE : 0);
}


/* A timer that runs is left alone if it is not too late: it looks again. */
void conn_await(struct conn *c)
{
	const int64_t now_us = ev_now_us(c->wire->base.ev);
	const int64_t due_us = due_of(c);
	int64_t delay_ms;
	int flags;

	if (c->state == CONN_DEAD)
		return;

	flags = flags_of(c);
	if (flags != c->flags && ev_watch_change(c->watch, flags) == 0)
		c->flags = flags;
	if (due_us == INT64_MAX)
		return;

	delay_ms = due_us > now_us ? (due_us - now_us + 999) / 1000 : 0;
	if (!ev_timer_running(&c->timer) ||
	    delay_ms < wheel_left_ms(&c->timer.wheel))
		ev_timer_start(&c->timer, c->wire->base.ev, (uint32_t)delay_ms,
			       on_due, c);
}


static void conn_is(struct conn *c, enum conn_state state)
{
	c->state = state;
	c->begun_us = c->said_us = ev_now_us(c->wire->base.ev);
}


static void shake(struct conn *c)
{
	char text[ADDR_TEXT_MAX];
	int err;

	err = wire_session_shake(c->session);
	if (err == EAGAIN)
		return;
	if (err) {
		log_debug(c->wire->base.log, "tls_failed remote=%s why=%s",
			  addr_print(&c->key.remote, text), strerror(err));
		conn_lose(c, err == ESHUTDOWN ? ECONNRESET : err);
		return;
	}
	conn_is(c, CONN_OPEN);
	conn_flush(c);
}


static void connected(struct conn *c)
{
	const int err = wire_tcp_result(c->fd);

	if (err) {
		conn_lose(c, err);
		return;
	}
	conn_is(c, c->session ? CONN_SHAKING : CONN_OPEN);
	if (c->session)
		shake(c);
	else
		conn_flush(c);
}


static void on_ready(int flags, void *arg)
{
	struct conn *c = arg;

	if (c->state == CONN_CONNECTING)
		connected(c);
	else if (c->state == CONN_SHAKING)
		shake(c);
	else if ((flags & EV_WRITE) && c->head)
		conn_flush(c);

	if (c->state == CONN_OPEN && (flags & EV_READ || c->session))
		conn_receive(c);
	else if (c->state == CONN_CLOSING && (flags & EV_READ))
		conn_discard(c);
	conn_await(c);
}


/* --- the table --------------------------------------------------------------
 */

int conn_add(struct conn **cp, struct listener *l, const struct addr *remote,
	     int fd, enum conn_state state)
{
	struct wire_streams *s = l->wire->streams;
	struct conn *c = calloc(1, sizeof(*c));
	int err;

	if (!c) {
		(void)close(fd);
		return ENOMEM;
	}

	c->wire = l->wire;
	c->fd = fd;
	c->key = (struct conn_key){ .remote = *remote,
				    .listener = l->index,
				    .transport = l->pub.transport };
	conn_is(c, state);
	c->flags = flags_of(c);
	err = ev_watch(&c->watch, l->wire->base.ev, fd, c->flags, on_ready, c);
	if (err)
		goto out;

	do {
		c->number = ++s->number;
		err = c->number ? map_add(s->by_number, &c->by_number,
					  &c->number, sizeof(c->number))
				: EEXIST;
	} while (err == EEXIST); /* far fewer than there are numbers */
	if (err)
		goto out;

	/* A second one to there is found by its number alone. */
	c->has_key = map_add(s->by_key, &c->by_key, &c->key, sizeof(c->key)) ==
		     0;
	*cp = c;

out:
	if (err) {
		c->watch = ev_unwatch(c->watch);
		conn_free(c);
	}

	return err;
}


/* One of the table that can still be spoken on */
static struct conn *usable(struct conn *c)
{
	return c->state == CONN_CLOSING ? NULL : c;
}


struct conn *conn_find(const struct wire *wire, const struct flow *flow)
{
	const struct wire_streams *s = wire->streams;
	const struct conn_key key = { .remote = flow->remote,
				      .listener = flow->listener,
				      .transport = flow->transport };
	struct map_link *link;

	link = map_find(s->by_number, &flow->conn, sizeof(flow->conn));
	if (link) {
		struct conn *c = CONTAINER_OF(link, struct conn, by_number);

		if (c->key.transport == flow->transport &&
		    addr_equal(&c->key.remote, &flow->remote))
			return usable(c);
	}

	link = map_find(s->by_key, &key, sizeof(key));

	return link ? usable(CONTAINER_OF(link, struct conn, by_key)) : NULL;
}


static struct wire_name *name_row(const struct wire_streams *s,
				  const struct addr *remote)
{
	struct addr key = *remote;

	key.port = 0;

	return &s->names[map_hash(&key, sizeof(key)) & (NAMES - 1)];
}


void wire_server_name(struct wire *wire, const struct addr *remote,
		      struct text name)
{
	struct wire_streams *s = wire->streams;
	struct wire_name *row;
	struct addr addr;

	/* RFC 6066 3: an address is no name */
	if (name.l == 0 || addr_parse(&addr, name) == 0)
		return;

	if (!s->names)
		s->names = calloc(NAMES, sizeof(*s->names));
	if (!s->names)
		return; /* without a name it is asked for none */

	row = name_row(s, remote);
	row->remote = *remote;
	if (text_copy(row->name, sizeof(row->name), name))
		row->remote.family = 0;
}


static const char *name_of(const struct wire_streams *s,
			   const struct addr *remote)
{
	const struct wire_name *row;

	if (!s->names)
		return NULL;

	row = name_row(s, remote);

	return addr_same_ip(&row->remote, remote) ? row->name : NULL;
}


int conn_begin_session(struct conn *c, const struct wire_tls *tls,
		       const char *name)
{
	if (!tls)
		return ENOTSUP;

	return wire_session_alloc(&c->session, tls, c->fd, name);
}


static int client_tls(struct wire_streams *s)
{
	return s->client ? 0 : wire_tls_client(&s->client);
}


int conn_open(struct wire *wire, struct conn **cp, struct listener *l,
	      const struct addr *remote)
{
	struct wire_streams *s = wire->streams;
	const bool is_tls = l->pub.transport == TRANSPORT_TLS;
	struct conn *c = NULL;
	char text[ADDR_TEXT_MAX];
	int fd = -1, err;

	if (map_count(s->by_number) >= s->limits.total)
		return ENOTCONN;
	if (is_tls && client_tls(s))
		return ENOTCONN;

	err = wire_tcp_connect(&fd, &l->pub.bind, remote);
	if (err && err != EINPROGRESS)
		return ENOTCONN;

	/* Also if it is there already: the loop says so at once. */
	err = conn_add(&c, l, remote, fd, CONN_CONNECTING);
	if (err)
		return ENOTCONN;

	err = is_tls ? conn_begin_session(c, s->client, name_of(s, remote))
		     : 0;
	if (err) {
		conn_lose(c, 0);
		return ENOTCONN;
	}
	log_debug(wire->base.log, "connection_opened remote=%s side=%s",
		  addr_print(remote, text), "client");
	conn_await(c);
	*cp = c;

	return 0;
}


/* --- all of it --------------------------------------------------------------
 */

static void limits_set(struct wire_limits *limits,
		       const struct wire_limits *wanted)
{
	*limits = standard;
#define TAKE(field)            \
	if (wanted->field > 0) \
	limits->field = wanted->field
	TAKE(per_source);
	TAKE(total);
	TAKE(half_ms);
	TAKE(idle_ms);
	TAKE(connect_ms);
	TAKE(queue_bytes);
	TAKE(bytes);
#undef TAKE
}


int wire_streams_alloc(struct wire_streams **sp,
		       const struct wire_limits *limits)
{
	struct wire_streams *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return ENOMEM;

	limits_set(&s->limits, limits);
	err = map_alloc(&s->by_number, 64);
	if (!err)
		err = map_alloc(&s->by_key, 64);
	if (!err)
		err = map_alloc(&s->sources, 64);
	if (!err) {
		/* Not the numbers of the generation before */
		s->number = (uint32_t)map_hash("", 0);
		s->buffer = malloc(WIRE_DATAGRAM_MAX);
		err = s->buffer ? 0 : ENOMEM;
	}
	if (err)
		(void)wire_streams_free(s);
	else
		*sp = s;

	return err;
}


static int on_end(struct map_link *link, void *arg)
{
	struct conn *c = CONTAINER_OF(link, struct conn, by_number);

	(void)arg;
	conn_lose(c, 0);

	return 0;
}


struct wire_streams *wire_streams_free(struct wire_streams *s)
{
	if (!s)
		return NULL;

	if (s->by_number)
		(void)map_walk(s->by_number, on_end, NULL);
	wire_stream_bury(s);
	(void)map_free(s->by_number);
	(void)map_free(s->by_key);
	(void)map_free(s->sources);
	(void)wire_tls_free(s->client);
	free(s->names);
	free(s->buffer);
	free(s);

	return NULL;
}
