/**
 * @file test/unit/mediad/test_datagram.c  What is too large for its path
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mediad/datagram.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	PATH_MAX_BYTES = 1400, /* Loopback itself takes everything */
	COUNT = 4,
};

static int g_refused;

long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);
int __wrap_sendmmsg(int fd, struct mmsghdr *heads, unsigned count, int flags);
int __real_sendmmsg(int fd, struct mmsghdr *heads, unsigned count, int flags);


static int cutting_of(int fd)
{
	int how = -1;
	socklen_t len = sizeof(how);

	assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &how,
				    &len),
			 0);

	return how;
}


static bool path_refuses(int fd, size_t len)
{
	if (len <= PATH_MAX_BYTES || cutting_of(fd) != IP_PMTUDISC_DO)
		return false;
	g_refused++;
	errno = EMSGSIZE;

	return true;
}


long __wrap_syscall(long number, ...)
{
	va_list ap;
	long args[6];

	va_start(ap, number);
	for (size_t i = 0; i < COUNT_OF(args); i++)
		args[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_sendto &&
	    path_refuses((int)args[0], (size_t)args[2]))
		return -1;

	return __real_syscall(number, args[0], args[1], args[2], args[3],
			      args[4], args[5]);
}


int __wrap_sendmmsg(int fd, struct mmsghdr *heads, unsigned count, int flags)
{
	unsigned fit = 0;

	while (fit < count &&
	       !path_refuses(fd, heads[fit].msg_hdr.msg_iov->iov_len))
		fit++;

	return fit ? __real_sendmmsg(fd, heads, fit, flags) : -1;
}


static int peer_open(union sockaddr_any *to, socklen_t *sizep)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memset(to, 0, sizeof(*to));
	to->in.sin_family = AF_INET;
	to->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*sizep = sizeof(to->in);
	assert_int_equal(bind(fd, &to->sa, *sizep), 0);
	assert_int_equal(getsockname(fd, &to->sa, sizep), 0);

	return fd;
}


static int whole_open(void)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	const int how = IP_PMTUDISC_DO;

	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &how,
				    sizeof(how)),
			 0);
	g_refused = 0;

	return fd;
}


static void one_that_is_too_large_is_cut(void **state)
{
	static uint8_t data[1500];
	union sockaddr_any to;
	socklen_t size;
	const int peer = peer_open(&to, &size), fd = whole_open();
	(void)state;

	datagram_send(fd, data, 172, &to, size);
	assert_int_equal(recv(peer, data, sizeof(data), 0), 172);
	assert_int_equal(cutting_of(fd), IP_PMTUDISC_DO);

	datagram_send(fd, data, sizeof(data), &to, size);
	assert_int_equal(recv(peer, data, sizeof(data), 0), sizeof(data));
	assert_int_equal(cutting_of(fd), IP_PMTUDISC_WANT);
	assert_int_equal(g_refused, 1);
	close(fd);
	close(peer);
}


static void one_of_many_that_is_too_large_costs_none(void **state)
{
	static uint8_t data[1500];
	static const size_t sizes[COUNT] = { 172, 160, 1500, 100 };
	struct mmsghdr heads[COUNT] = { 0 };
	struct iovec iovs[COUNT];
	union sockaddr_any to;
	socklen_t size;
	const int peer = peer_open(&to, &size), fd = whole_open();
	(void)state;

	for (size_t i = 0; i < COUNT; i++) {
		iovs[i] = (struct iovec){ data, sizes[i] };
		heads[i].msg_hdr = (struct msghdr){ .msg_name = &to,
						    .msg_namelen = size,
						    .msg_iov = &iovs[i],
						    .msg_iovlen = 1 };
	}
	datagrams_send(fd, heads, COUNT);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(recv(peer, data, sizeof(data), 0), sizes[i]);
	assert_int_equal(cutting_of(fd), IP_PMTUDISC_WANT);
	close(fd);
	close(peer);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_is_too_large_is_cut),
		cmocka_unit_test(one_of_many_that_is_too_large_costs_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
