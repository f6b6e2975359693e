/**
 * @file supervisor/limits.c  Is the machine large enough for the node file?
 *
 * Asked before anything is opened, so that it is one sentence at the start and
 * not a failure at call 9,500.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/text.h"
#include "supervisor/limits.h"
#include "supervisor/segments.h"
#include "supervisor/sockets.h"
#include "supervisor/topology.h"

enum {
	PER_CHILD = 24, /**< Channel, pidfd, log, segments, and some room */
	SPARE = 128,    /**< Clients of the control socket and of metrics */

	/* A call of three minutes is a dozen datagrams: a thousand calls are
	 * 70 of them in the second a daemon is away, of 2 KB with the kernel's
	 * own; six times that at the busiest. */
	BUFFER_PER_CALL = 800,
	BUFFER_LEAST = 65536,
	BUFFER_MOST = 4 << 20, /**< What is asked for where it may be had */

	LOCKED_PER_CHILD = 64 << 20, /**< A daemon without its segments */
};


void limits_raise(void)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) == 0 &&
	    now.rlim_cur < now.rlim_max) {
		now.rlim_cur = now.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &now);
	}
}


static size_t rtp_ports(const struct config *config)
{
	return config->rtp_last
		       ? (size_t)config->rtp_last + 1 - config->rtp_first
		       : 0;
}


size_t limits_descriptors(const struct config *config)
{
	size_t children = 0;

	for (int peer = 0; peer < PEERC; peer++)
		if (daemons[peer].program)
			children += config->workers[peer];

	return rtp_ports(config) +
	       config->listenerc * config->workers[PEER_SIPD] +
	       children * PER_CHILD + SPARE;
}


int limits_judge_descriptors(const struct config *config, size_t hard,
			     char why[LIMITS_WHY_MAX])
{
	const size_t needed = limits_descriptors(config);

	if (needed <= hard)
		return 0;

	(void)text_print(
		why, LIMITS_WHY_MAX,
		"%zu descriptors are needed (%zu of them for rtp %u-%u), the "
		"hard limit is %zu: run 'ulimit -Hn %zu' as root before the "
		"start, set LimitNOFILE=%zu in the unit, or make the rtp range "
		"smaller",
		needed, rtp_ports(config), config->rtp_first, config->rtp_last,
		hard, needed, needed);

	return EMFILE;
}


int limits_judge_memory(size_t needed, size_t free_bytes,
			char why[LIMITS_WHY_MAX])
{
	if (needed <= free_bytes)
		return 0;

	(void)text_print(
		why, LIMITS_WHY_MAX,
		"%zu MB of shared memory are needed, /dev/shm has %zu MB free: "
		"run 'mount -o remount,size=%zuM /dev/shm', or lower "
		"limits.calls and limits.bindings",
		needed / 1000000 + 1, free_bytes / 1000000,
		needed / 1000000 * 2 + 64);

	return ENOSPC;
}


int limits_judge_locked(size_t needed, size_t hard, char why[LIMITS_WHY_MAX])
{
	if (needed <= hard)
		return 0;

	(void)text_print(
		why, LIMITS_WHY_MAX,
		"limits.lock_memory needs %zu KB per process, the hard limit "
		"is %zu KB: run 'ulimit -Hl %zu' as root before the start, set "
		"LimitMEMLOCK=infinity in the unit, or leave lock_memory off",
		needed / 1024, hard / 1024, needed / 1024);

	return EPERM;
}


int limits_judge_buffer(size_t needed, size_t possible, uint32_t calls,
			char why[LIMITS_WHY_MAX])
{
	if (needed <= possible)
		return 0;

	(void)text_print(
		why, LIMITS_WHY_MAX,
		"receive buffers of %zu bytes are needed for %u calls while a "
		"daemon is replaced, the system allows %zu: run 'sysctl -w "
		"net.core.rmem_max=%d' as root, start with CAP_NET_ADMIN, or "
		"lower limits.calls",
		needed, calls, possible, (int)BUFFER_MOST);

	return ENOBUFS;
}


size_t limits_buffer(const struct config *config)
{
	const size_t bytes = (size_t)config->calls * BUFFER_PER_CALL;

	if (bytes < BUFFER_LEAST)
		return BUFFER_LEAST;

	return bytes < BUFFER_MOST ? bytes : BUFFER_MOST;
}


/* Asked of a socket that is then closed: rights and limits in one. */
static size_t possible_buffer(size_t wanted)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int bytes = (int)wanted, got = 0;
	socklen_t len = sizeof(got);

	if (fd < 0)
		return wanted; /* not the matter here */

	sockets_set_buffer(fd, bytes);
	(void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len);
	(void)close(fd);

	return (size_t)got / 2; /* the kernel doubles what it was asked for */
}


static int judge_buffer(const struct config *config, char why[LIMITS_WHY_MAX])
{
	const size_t needed = limits_buffer(config);

	return limits_judge_buffer(needed, possible_buffer(needed),
				   config->calls, why);
}


/* Root's limit can be raised. */
static int judge_locked(const struct config *config, char why[LIMITS_WHY_MAX])
{
	struct rlimit now;

	if (!config->lock_memory || geteuid() == 0 ||
	    getrlimit(RLIMIT_MEMLOCK, &now) != 0)
		return 0;

	return limits_judge_locked(segments_bytes(config) + LOCKED_PER_CHILD,
				   now.rlim_max, why);
}


/* The longest socket path under run_dir; the kernel takes 107 bytes. */
static int judge_paths(const struct config *config, char why[LIMITS_WHY_MAX])
{
	static const char longest[] = "/ctl/billingd.15.sock.new";
	const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	const size_t l = strlen(config->run_dir) + sizeof(longest) - 1;

	if (l <= most)
		return 0;

	(void)text_print(why, LIMITS_WHY_MAX,
			 "run_dir is too long for the paths of Unix sockets: "
			 "at most %zu characters, for example "
			 "run_dir = \"/run/tandem\"",
			 most - (sizeof(longest) - 1));

	return ENAMETOOLONG;
}


int limits_check(const struct config *config, char why[LIMITS_WHY_MAX])
{
	struct statvfs shm;
	struct rlimit now;
	int err;

	err = judge_paths(config, why);
	if (!err && getrlimit(RLIMIT_NOFILE, &now) == 0)
		err = limits_judge_descriptors(config, now.rlim_max, why);
	/* What is there already is not needed once more. */
	if (!err && statvfs("/dev/shm", &shm) == 0)
		err = limits_judge_memory(segments_missing_bytes(config),
					  (size_t)shm.f_bavail * shm.f_frsize,
					  why);
	if (!err)
		err = judge_locked(config, why);
	if (!err)
		err = judge_buffer(config, why);

	return err;
}
