/**
 * @file supervisor/rtpset.h  Which RTP sockets have something to read
 *
 * An epoll set per worker of mediad, made here and inherited like the sockets:
 * it outlives the process that reads it. Thousands of entries need not be
 * taken apart when that one dies, nor put together by its successor, and
 * together this was longer than sound may be away.
 *
 * An entry's data is the port, which means the same in every process. It ends
 * with its socket: when the last process has closed it.
 */
#ifndef TANDEM_SUPERVISOR_RTPSET_H
#define TANDEM_SUPERVISOR_RTPSET_H

#include <stdbool.h>
#include <stdint.h>

int rtpset_open(int *fdp);
/** Is this descriptor such a set? */
bool rtpset_is(int fd);
/** Ready to read: the socket of that port */
int rtpset_add(int set_fd, int fd, uint16_t port);

#endif
