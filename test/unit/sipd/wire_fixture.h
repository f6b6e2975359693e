/**
 * @file test/unit/sipd/wire_fixture.h  wire on sockets of the test's own
 */
#ifndef TANDEM_TEST_UNIT_SIPD_WIRE_FIXTURE_H
#define TANDEM_TEST_UNIT_SIPD_WIRE_FIXTURE_H

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sipd/wire_parts.h"
#include "test/support/t.h"

enum {
	SOCKETS_MAX = 8,
	GOT_MAX = 256
};

struct got {
	struct flow from;
	size_t len;
	int64_t age_us;
	char head[32]; /**< How it begins */
	bool is_even;  /**< Every byte from the 32nd on is 'x' */
};

struct fixture {
	struct ev *ev;
	struct wire *wire;
	struct log log;
	struct wire_socket sockets[SOCKETS_MAX];
	size_t socketc;
	struct wire_limits limits;

	struct got got[GOT_MAX];
	size_t gotc;
	struct flow failed;
	int failure;
	size_t failurec;

	bool echoes;
};


static inline struct text t_text(const void *p, size_t l)
{
	return (struct text){ p, l };
}


/* A socket of loopback; its address in addrp. @return -1: there is none */
static inline int t_socket(int type, int family, struct addr *addrp)
{
	struct sockaddr_storage sa;
	struct addr addr = { .family = (uint8_t)family };
	socklen_t len;
	int fd;

	(void)addr_parse(&addr,
			 text_of(family == AF_INET6 ? "::1" : "127.0.0.1"));
	len = addr_to_sockaddr(&addr, &sa);
	fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&sa, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) != 0 ||
	    addr_from_sockaddr(addrp, (struct sockaddr *)&sa, len) != 0) {
		(void)close(fd);
		return -1;
	}

	return fd;
}


static inline int t_on_socket(size_t index, struct wire_socket *socketp,
			      void *arg)
{
	const struct fixture *fx = arg;

	if (index >= fx->socketc)
		return ENOENT;

	*socketp = fx->sockets[index];

	return 0;
}


static inline void t_on_receive(const struct flow *from, char *data,
				size_t len, int64_t age_us, void *arg)
{
	struct fixture *fx = arg;
	struct got *got = &fx->got[fx->gotc % GOT_MAX];

	fx->gotc++;
	*got = (struct got){
		.from = *from, .len = len, .age_us = age_us, .is_even = true
	};
	memcpy(got->head, data, len < 31 ? len : 31);
	for (size_t i = 32; i < len; i++)
		if (data[i] != 'x')
			got->is_even = false;
	if (fx->echoes)
		(void)wire_send(fx->wire, from, data, len);
}


static inline void t_on_fail(const struct flow *to, int err, void *arg)
{
	struct fixture *fx = arg;

	fx->failed = *to;
	fx->failure = err;
	fx->failurec++;
}


/* One more listener; @return its row */
static inline struct wire_socket *t_listen(struct fixture *fx,
					   enum transport transport,
					   int family, const char *name)
{
	const int type = transport == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
	struct wire_socket *s = &fx->sockets[fx->socketc];
	struct addr addr;

	*s = (struct wire_socket){
		.transport = transport,
		.fd = t_socket(type, family, &addr),
		.name = name,
		.bind = family == AF_INET6 ? "::1" : "127.0.0.1",
		.advertised = "",
	};
	if (s->fd < 0 || (type == SOCK_STREAM && listen(s->fd, 64) != 0))
		return NULL;
	s->port = addr.port;
	fx->socketc++;

	return s;
}


static inline int t_start(struct fixture *fx)
{
	const struct wire_args args = { .receiveh = t_on_receive,
					.failh = t_on_fail,
					.arg = fx };
	struct wire_base base;
	int err;

	err = ev_alloc(&fx->ev);
	if (err)
		return err;

	base = (struct wire_base){ .ev = fx->ev,
				   .log = &fx->log,
				   .socketh = t_on_socket,
				   .arg = fx,
				   .limits = fx->limits };

	return wire_alloc_on(&fx->wire, &args, &base);
}


static inline void t_stop(struct fixture *fx)
{
	fx->wire = wire_free(fx->wire);
	fx->ev = ev_free(fx->ev);
	for (size_t i = 0; i < fx->socketc; i++)
		(void)close(fx->sockets[i].fd);
}


/* Let the loop turn, then look */
static inline bool t_turned(struct fixture *fx)
{
	(void)ev_turn(fx->ev);

	return true;
}

#define TURN_UNTIL(fx, cond) WAIT_FOR(10, t_turned(fx) && (cond))

#endif
