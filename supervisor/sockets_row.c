/**
 * @file supervisor/sockets_row.c  One public socket: opened, and looked at
 *
 * SIP sockets exist once per worker, with SO_REUSEPORT; a port that somebody
 * else has must be an error all the same, and not be shared with them, so each
 * such address is first bound once without (row_check_free()).
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/text.h"
#include "supervisor/rtpset.h"
#include "supervisor/sockets_int.h"

enum {
	SIP_BUFFER = 4 << 20,   /**< Waits while sipd is being replaced */
	RTP_BUFFER = 256 << 10, /**< More would be heard as delay */
	BACKLOG = 1024,
};


static bool is_stream(Tandem__SocketUse use)
{
	return use == TANDEM__SOCKET_USE__SOCKET_USE_SIP_TCP ||
	       use == TANDEM__SOCKET_USE__SOCKET_USE_SIP_TLS ||
	       use == TANDEM__SOCKET_USE__SOCKET_USE_METRICS;
}


bool row_is_grouped(Tandem__SocketUse use)
{
	return use == TANDEM__SOCKET_USE__SOCKET_USE_SIP_UDP ||
	       use == TANDEM__SOCKET_USE__SOCKET_USE_SIP_TCP ||
	       use == TANDEM__SOCKET_USE__SOCKET_USE_SIP_TLS;
}


static void set_option(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}


void sockets_set_buffer(int fd, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
		       sizeof(bytes)) != 0)
		set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes);
}


static int bound_socket(int *fdp, const struct row *row, bool grouped)
{
	struct sockaddr_storage sa;
	const socklen_t salen = addr_to_sockaddr(&row->addr, &sa);
	const int type = is_stream(row->use) ? SOCK_STREAM : SOCK_DGRAM;
	const int fd = socket(row->addr.family,
			      type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = 0;

	if (fd < 0)
		return errno;

	if (row->addr.family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (type == SOCK_STREAM)
		set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (grouped)
		set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (bind(fd, (const struct sockaddr *)&sa, salen) != 0)
		err = errno;

	if (err)
		(void)close(fd);
	else
		*fdp = fd;

	return err;
}


int row_check_free(const struct row *row)
{
	int fd = -1, err;

	err = bound_socket(&fd, row, false);
	if (!err)
		(void)close(fd);

	return err;
}


/* What will never be cut into fragments needs no number to put them together
 * by, which the kernel draws from a table that all share. mediad takes that
 * back for a socket whose path is too narrow. */
static void set_whole(const struct row *row, int fd)
{
	if (row->addr.family == AF_INET)
		set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
}


int row_open(struct row *row)
{
	int fd = -1, err;

	if (row->use == TANDEM__SOCKET_USE__SOCKET_USE_RTP_SET)
		return rtpset_open(&row->fd);

	err = bound_socket(&fd, row, row_is_grouped(row->use));
	if (err)
		return err;

	if (is_stream(row->use)) {
		if (listen(fd, BACKLOG) != 0)
			err = errno;
	}
	else {
		sockets_set_buffer(
			fd, row->use == TANDEM__SOCKET_USE__SOCKET_USE_RTP
				    ? RTP_BUFFER
				    : SIP_BUFFER);
		if (row->use == TANDEM__SOCKET_USE__SOCKET_USE_SIP_UDP)
			set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
		if (row->use == TANDEM__SOCKET_USE__SOCKET_USE_RTP)
			set_whole(row, fd);
	}

	if (err)
		(void)close(fd);
	else
		row->fd = fd;

	return err;
}


static const char *kind_of(Tandem__SocketUse use)
{
	return is_stream(use) ? "tcp" : "udp";
}


void row_explain(const struct row *row, int err, char why[SOCKETS_WHY_MAX])
{
	char addr[ADDR_TEXT_MAX];
	const char *what = strerror(err);
	const char *hint = "";

	if (err == EADDRINUSE) {
		what = "is already in use";
		hint = is_stream(row->use) ? ": 'ss -tlnp' says by whom"
					   : ": 'ss -ulnp' says by whom";
	}
	else if (err == EACCES) {
		what = "needs rights";
		hint = ": start as root, with CAP_NET_BIND_SERVICE, or take a "
		       "port above 1023";
	}
	else if (err == EADDRNOTAVAIL) {
		what = "is not an address of this machine";
		hint = ": 'ip address' lists them";
	}

	(void)text_print(why, SOCKETS_WHY_MAX, "%s: %s %s %s%s", row->listener,
			 kind_of(row->use), addr_print(&row->addr, addr), what,
			 hint);
}


bool row_is_real(const struct row *row)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addr addr;
	int type = 0, listens = 0;
	socklen_t intlen = sizeof(type);

	if (row->use == TANDEM__SOCKET_USE__SOCKET_USE_RTP_SET)
		return rtpset_is(row->fd);
	if (getsockname(row->fd, (struct sockaddr *)&sa, &len) != 0 ||
	    addr_from_sockaddr(&addr, (struct sockaddr *)&sa, len) != 0 ||
	    getsockopt(row->fd, SOL_SOCKET, SO_TYPE, &type, &intlen) != 0)
		return false;
	intlen = sizeof(listens);
	(void)getsockopt(row->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens,
			 &intlen);

	return addr_equal(&addr, &row->addr) &&
	       type == (is_stream(row->use) ? SOCK_STREAM : SOCK_DGRAM) &&
	       listens == is_stream(row->use);
}
