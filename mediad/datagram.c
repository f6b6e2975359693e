/**
 * @file mediad/datagram.c  The system calls of every packet
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mediad/datagram.h"
#include "mediad/pkt.h"


socklen_t datagram_sockaddr(union sockaddr_any *sa, const struct addr *addr)
{
	if (addr->family == AF_INET) {
		memset(&sa->in, 0, sizeof(sa->in));
		sa->in.sin_family = AF_INET;
		sa->in.sin_port = htons(addr->port);
		memcpy(&sa->in.sin_addr, addr->ip, 4);
		return sizeof(sa->in);
	}
	memset(&sa->in6, 0, sizeof(sa->in6));
	sa->in6.sin6_family = AF_INET6;
	sa->in6.sin6_port = htons(addr->port);
	memcpy(&sa->in6.sin6_addr, addr->ip, 16);
	sa->in6.sin6_scope_id = addr->scope;

	return sizeof(sa->in6);
}


static long send_one(int fd, const void *data, size_t len,
		     const union sockaddr_any *to, socklen_t size)
{
	return syscall(SYS_sendto, fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL,
		       &to->sa, size);
}


/* The supervisor opened the socket as one that cuts nothing. Its path does not
 * take all that it is given: it is one like others from now on. */
static bool may_cut(int fd, const union sockaddr_any *to)
{
	const int how = IP_PMTUDISC_WANT;

	return to->sa.sa_family == AF_INET &&
	       setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &how,
			  sizeof(how)) == 0;
}


void datagram_send(int fd, const void *data, size_t len,
		   const union sockaddr_any *to, socklen_t size)
{
	if (send_one(fd, data, len, to, size) < 0 && errno == EMSGSIZE &&
	    may_cut(fd, to))
		(void)send_one(fd, data, len, to, size);
}


void datagrams_send(int fd, struct mmsghdr *heads, unsigned count)
{
	int sent = sendmmsg(fd, heads, count, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0)
		sent = 0;
	for (unsigned i = (unsigned)sent; i < count; i++) {
		const struct msghdr *head = &heads[i].msg_hdr;

		datagram_send(fd, head->msg_iov->iov_base,
			      head->msg_iov->iov_len, head->msg_name,
			      head->msg_namelen);
	}
}


ssize_t datagram_receive(int fd, uint8_t *data, union sockaddr_any *from,
			 socklen_t *sizep)
{
	*sizep = sizeof(*from);

	return syscall(SYS_recvfrom, fd, data, PKT_MAX,
		       MSG_DONTWAIT | MSG_TRUNC, &from->sa, sizep);
}
