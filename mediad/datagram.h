/**
 * @file mediad/datagram.h  The system calls of every packet
 *
 * Without what the C library's do in a process of several threads: be ready to
 * be cancelled.
 */
#ifndef TANDEM_MEDIAD_DATAGRAM_H
#define TANDEM_MEDIAD_DATAGRAM_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "shared/base/addr.h"

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/** @return Its length */
socklen_t datagram_sockaddr(union sockaddr_any *sa, const struct addr *addr);

/** What the kernel does not take is lost, as on any wire */
void datagram_send(int fd, const void *data, size_t len,
		   const union sockaddr_any *to, socklen_t size);

/** Many from one socket, of one piece each. What stops the kernel at one of
 * them is no reason to lose the rest. */
void datagrams_send(int fd, struct mmsghdr *heads, unsigned count);

/** @return How long it was, room for it (PKT_MAX) or not; -1: there is none */
ssize_t datagram_receive(int fd, uint8_t *data, union sockaddr_any *from,
			 socklen_t *sizep);

#endif
