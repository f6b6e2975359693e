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


/* proc(5): "pid (name) state ppid ...", the name may hold anything */
enum {
	STAT_STATE = 1, /**< Fields behind the name */
	STAT_FLAGS = 7,
	STAT_UTIME = 12,
	STAT_STIME = 13,
	STAT_START = 20,
	STAT_MAX = 1024,
	FLAG_EXITING = 4, /**< PF_EXITING, of the kernel */
};


static struct text stat_field(const char *stat, int which)
{
	const char *p = strrchr(stat, ')');
	struct text field = { "", 0 }, rest;

	if (!p || p[1] != ' ')
		return (struct text){ "", 0 };

	rest = text_of(p + 2);
	for (int i = 0; i < which; i++)
		if (!text_cut(rest, ' ', &field, &rest))
			return (struct text){ "", 0 };

	return field;
}


int64_t process_stat_start_time(const char *stat)
{
	uint64_t ticks;

	return text_u64(&ticks, stat_field(stat, STAT_START), 1, INT64_MAX)
		       ? 0
		       : (int64_t)ticks;
}


int process_stat_run(struct process_run *run, const char *stat, long ticks_s)
{
	const struct text state = stat_field(stat, STAT_STATE);
	uint64_t user, system;

	if (state.l != 1 || ticks_s <= 0 ||
	    text_u64(&user, stat_field(stat, STAT_UTIME), 0, UINT32_MAX) ||
	    text_u64(&system, stat_field(stat, STAT_STIME), 0, UINT32_MAX))
		return EBADMSG;
	run->state = state.p[0];
	run->cpu_us = (int64_t)(user + system) * 1000000 / ticks_s;

	return 0;
}


static bool read_all(const char *path, char stat[STAT_MAX])
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, stat, STAT_MAX - 1);
	(void)close(fd);
	if (n <= 0)
		return false;
	stat[n] = '\0';

	return true;
}


bool process_stat_is_ending(const char *stat)
{
	const struct text state = stat_field(stat, STAT_STATE);
	uint64_t flags;

	if (text_u64(&flags, stat_field(stat, STAT_FLAGS), 0, UINT32_MAX))
		return false;

	return (flags & FLAG_EXITING) || text_is(state, "Z") ||
	       text_is(state, "X");
}


static bool read_first(pid_t pid, char stat[STAT_MAX])
{
	char path[60];

	(void)text_print(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid,
			 (int)pid);

	return read_all(path, stat);
}


bool process_is_ending(pid_t pid)
{
	char stat[STAT_MAX];

	return !read_first(pid, stat) || process_stat_is_ending(stat);
}


int process_run(struct process_run *run, pid_t pid)
{
	char stat[STAT_MAX];

	if (!read_first(pid, stat))
		return ESRCH;

	return process_stat_run(run, stat, sysconf(_SC_CLK_TCK));
}


int64_t process_start_time(pid_t pid)
{
	char path[40], stat[STAT_MAX];

	(void)text_print(path, sizeof(path), "/proc/%d/stat", (int)pid);

	return read_all(path, stat) ? process_stat_start_time(stat) : 0;
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
