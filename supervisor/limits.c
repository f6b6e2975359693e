/**
 * @file supervisor/limits.c  Is the machine large enough for the node file?
 *
 * Asked before anything is opened, so that it is one sentence at the start and
 * not a failure at call 9,500.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/un.h>

#include "shared/base/text.h"
#include "supervisor/limits.h"
#include "supervisor/segments.h"
#include "supervisor/topology.h"

enum {
	PER_CHILD = 24, /**< Channel, pidfd, log, segments, and some room */
	SPARE = 128,    /**< Clients of the control socket and of metrics */
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

	return err;
}
