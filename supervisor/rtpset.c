/**
 * @file supervisor/rtpset.c  Which RTP sockets have something to read
 */
#include <errno.h>
#include <sys/epoll.h>

#include "supervisor/rtpset.h"


int rtpset_open(int *fdp)
{
	const int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return errno;

	*fdp = fd;

	return 0;
}


/* Of another file the question is an error; of a set it takes nothing out. */
bool rtpset_is(int fd)
{
	struct epoll_event event;

	return epoll_wait(fd, &event, 1, 0) >= 0;
}


int rtpset_add(int set_fd, int fd, uint16_t port)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = port };

	return epoll_ctl(set_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}
