/**
 * @file sipd/wire_accept.c  Connections that strangers open, bounded
 *
 * In all, and per source; IPv6 counts by /64, since that is what one customer
 * has. What is too much is closed before anything is read from it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/util.h"
#include "sipd/wire_parts.h"

enum {
	ACCEPTS_MAX = 32,      /**< In one wake-up */
	ACCEPT_AGAIN_MS = 500, /**< After the system had no descriptor left */
};

/** How many connections a source has */
struct conn_source {
	struct map_link link;
	struct addr addr;
	uint32_t count;
};


static struct addr source_of(const struct addr *remote)
{
	struct addr source = *remote;

	source.port = 0;
	source.scope = 0;
	if (source.family == AF_INET6)
		memset(source.ip + 8, 0, 8);

	return source;
}


static int source_take(struct wire_streams *s, struct conn_source **sourcep,
		       const struct addr *remote)
{
	const struct addr addr = source_of(remote);
	struct map_link *link = map_find(s->sources, &addr, sizeof(addr));
	struct conn_source *source;
	int err;

	if (link) {
		source = CONTAINER_OF(link, struct conn_source, link);
		if (source->count >= s->limits.per_source)
			return EDQUOT;
		source->count++;
		*sourcep = source;
		return 0;
	}

	source = calloc(1, sizeof(*source));
	if (!source)
		return ENOMEM;

	source->addr = addr;
	source->count = 1;
	err = map_add(s->sources, &source->link, &source->addr,
		      sizeof(source->addr));
	if (err)
		free(source);
	else
		*sourcep = source;

	return err;
}


void conn_source_give(struct wire_streams *s, struct conn_source *source)
{
	if (!source || --source->count > 0)
		return;

	map_remove(s->sources, &source->link);
	free(source);
}


static void accepted(struct listener *l, const struct addr *remote, int fd)
{
	struct wire_streams *s = l->wire->streams;
	const bool is_tls = l->pub.transport == TRANSPORT_TLS;
	struct conn_source *source = NULL;
	struct conn *c = NULL;
	char text[ADDR_TEXT_MAX];
	int err;

	err = map_count(s->by_number) >= s->limits.total
		      ? EDQUOT
		      : source_take(s, &source, remote);
	if (err) {
		(void)close(fd);
	}
	else {
		err = conn_add(&c, l, remote, fd,
			       is_tls ? CONN_SHAKING : CONN_OPEN);
		if (err)
			conn_source_give(s, source);
	}
	if (err) {
		log_debug(l->wire->base.log,
			  "connection_refused remote=%s why=%s",
			  addr_print(remote, text), strerror(err));
		return;
	}

	c->source = source;
	if (is_tls && conn_begin_session(c, l->tls, NULL)) {
		conn_lose(c, 0);
		return;
	}
	log_debug(l->wire->base.log, "connection_opened remote=%s side=%s",
		  addr_print(remote, text), "server");
	conn_await(c);
}


static void on_again(void *arg)
{
	struct listener *l = arg;

	(void)ev_watch_change(l->watch, EV_READ);
}


static void on_connection(int flags, void *arg)
{
	struct listener *l = arg;
	struct addr remote;
	int fd, err = 0;

	(void)flags;
	for (int i = 0; i < ACCEPTS_MAX && !err; i++) {
		err = wire_tcp_accept(l->fd, &fd, &remote);
		if (!err)
			accepted(l, &remote, fd);
		else if (err == ECONNABORTED || err == EINTR || err == EPROTO)
			err = 0; /* that one; the next may be well */
	}
	if (!err || err == EAGAIN)
		return;

	/* Out of descriptors: the queue would wake us again and again. */
	log_warn(l->wire->base.log, "accept_failed name=%s why=%s",
		 l->pub.name, strerror(err));
	(void)ev_watch_change(l->watch, 0);
	ev_timer_start(&l->again, l->wire->base.ev, ACCEPT_AGAIN_MS, on_again,
		       l);
}


int wire_stream_open(struct listener *l)
{
	return ev_watch(&l->watch, l->wire->base.ev, l->fd, EV_READ,
			on_connection, l);
}


void wire_stream_close(struct listener *l)
{
	ev_timer_stop(&l->again);
}
