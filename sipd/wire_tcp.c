/**
 * @file sipd/wire_tcp.c  Sockets of connections
 *
 * Plain system calls rather than libre's TCP: the listening socket is the
 * supervisor's, a whole backlog is accepted in one wake-up, the local address
 * is chosen, and a peer that silently went away is found.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/util.h"
#include "sipd/wire_parts.h"

enum {
	/* Timer F of RFC 3261: nobody waits longer for an answer */
	UNACKED_MS = 32000,
	KEEPALIVE_S = 60,
	KEEPALIVE_AGAIN_S = 10,
};


struct option {
	int level, name, value;
};

static const struct option options[] = {
	{ IPPROTO_TCP, TCP_NODELAY, 1 }, /* a message is a whole */
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKED_MS },
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S },
	{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_AGAIN_S },
};


/* Each is an improvement; without it a connection still works. */
static void options_set(int fd)
{
	for (size_t i = 0; i < COUNT_OF(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name,
				 &options[i].value, sizeof(int));
}


int wire_tcp_accept(int listener, int *fdp, struct addr *remotep)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	const int fd = accept4(listener, (struct sockaddr *)&sa, &len,
			       SOCK_CLOEXEC | SOCK_NONBLOCK);
	int err;

	if (fd < 0)
		return errno;

	err = addr_from_sockaddr(remotep, (struct sockaddr *)&sa, len);
	if (err) {
		(void)close(fd);
		return ECONNABORTED;
	}
	options_set(fd);
	*fdp = fd;

	return 0;
}


static int bind_to(int fd, const struct addr *local)
{
	struct sockaddr_storage sa;
	struct addr addr = *local;
	socklen_t len;
	const int on = 1;

	if (addr_is_any(local))
		return 0;

	addr.port = 0; /* which one, the kernel says when it connects */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
			 sizeof(on));
	len = addr_to_sockaddr(&addr, &sa);

	return bind(fd, (struct sockaddr *)&sa, len) == 0 ? 0 : errno;
}


int wire_tcp_connect(int *fdp, const struct addr *local,
		     const struct addr *remote)
{
	struct sockaddr_storage sa;
	const socklen_t len = addr_to_sockaddr(remote, &sa);
	const int fd = socket(remote->family,
			      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return errno;

	options_set(fd);
	err = bind_to(fd, local);
	if (!err && connect(fd, (struct sockaddr *)&sa, len) != 0)
		err = errno;
	if (err && err != EINPROGRESS)
		(void)close(fd);
	else
		*fdp = fd;

	return err;
}


int wire_tcp_result(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 ? err
								     : errno;
}


int wire_tcp_read(int fd, void *data, size_t size, size_t *lenp)
{
	const ssize_t n = recv(fd, data, size, 0);

	if (n < 0)
		return errno == EINTR ? EAGAIN : errno;
	if (n == 0)
		return ESHUTDOWN;

	*lenp = (size_t)n;

	return 0;
}


int wire_tcp_write(int fd, const void *data, size_t len, size_t *lenp)
{
	const ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EINTR ? EAGAIN : errno;

	*lenp = (size_t)n;

	return 0;
}
