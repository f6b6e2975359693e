/**
 * @file supervisor/processes.c  The process table in shared memory
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/base/text.h"
#include "shared/ipc/peer.h"
#include "supervisor/processes.h"
#include "supervisor/topology.h"


const char *process_fault(const void *p)
{
	const struct process_image *image = p;

	if (image->peer <= PEER_SUPERVISOR || image->peer >= PEERC)
		return "peer";
	if (image->worker >= WORKERS_MAX)
		return "worker";
	/* 1 is never ours, and a negative one would be a group. */
	if (image->pid < 0 || image->pid == 1)
		return "pid";
	if (image->pid > 0 && image->start_time <= 0)
		return "start_time";

	return NULL;
}


/* proc(5): "pid (name) state ppid ...", the name may hold anything; the start
 * time is the 22nd field, the 20th behind the name. */
int64_t process_stat_start_time(const char *stat)
{
	const char *p = strrchr(stat, ')');
	struct text field = { "", 0 }, rest;
	uint64_t ticks;

	if (!p || p[1] != ' ')
		return 0;

	rest = text_of(p + 2);
	for (int i = 0; i < 20; i++)
		if (!text_cut(rest, ' ', &field, &rest))
			return 0;

	return text_u64(&ticks, field, 1, INT64_MAX) ? 0 : (int64_t)ticks;
}


int64_t process_start_time(pid_t pid)
{
	char path[40], stat[1024];
	ssize_t n;
	int fd;

	(void)text_print(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;

	n = read(fd, stat, sizeof(stat) - 1);
	(void)close(fd);
	if (n <= 0)
		return 0;
	stat[n] = '\0';

	return process_stat_start_time(stat);
}


/* The descriptor first: what is compared then cannot change any more. */
int process_pidfd(pid_t pid, int64_t start_time)
{
	const int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd >= 0 && process_start_time(pid) != start_time) {
		(void)close(fd);
		return -1;
	}

	return fd;
}
