/**
 * @file supervisor/start.c  A daemon's process, up to where it waits for its
 *                           Setup
 *
 * Descriptors are inherited under their own numbers, so a spare is good only
 * as long as each number means the same socket or memory: that is compared
 * when it is needed, and one that does not fit is thrown away.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/text.h"
#include "shared/ipc/fdpass.h"
#include "supervisor/program.h"
#include "supervisor/spawn.h"
#include "supervisor/start.h"
#include "supervisor/supervisor.h"

#define FNV_BASIS UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

/* What a process inherits, beside its standard descriptors and its sockets */
struct heritage {
	int fds[2 * SEGMENTS_PER_PEER + 1];
	size_t fdc;
};


static void close_if(int *fdp)
{
	if (*fdp >= 0)
		(void)close(*fdp);
	*fdp = -1;
}


void start_init(struct start *start)
{
	*start = (struct start){ .pidfd = -1,
				 .control_fd = -1,
				 .adopt_fd = -1 };
}


int start_adopt_path(char *dst, size_t size, const struct child *child)
{
	return text_print(dst, size, "%s/ctl/%s.sock",
			  child->sup->config.run_dir, child->name);
}


int start_log(const struct child *child)
{
	const struct config *config = &child->sup->config;
	char path[CONFIG_TEXT_MAX + 64];

	if (!config->log_dir[0] ||
	    text_print(path, sizeof(path), "%s/%s.log", config->log_dir,
		       child->def->program))
		return -1;

	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}


/* --- what it inherits
 * ------------------------------------------------------------------- */

/* Its segments, where it waits for adoption */
static void collect(struct heritage *h, const struct child *child,
		    int adopt_fd)
{
	Tandem__Segment rows[SEGMENTS_PER_PEER];
	const size_t rowc = segments_of(child->sup->segments, child->id, rows);

	h->fdc = 0;
	h->fds[h->fdc++] = adopt_fd;
	for (size_t i = 0; i < rowc; i++) {
		h->fds[h->fdc++] = rows[i].fd;
		if (rows[i].old_fd >= 0)
			h->fds[h->fdc++] = rows[i].old_fd;
	}
}


/* The same and its sockets. @return free(); NULL: no memory */
static int *collect_all(const struct heritage *h, const struct child *child,
			size_t *fdcp)
{
	Tandem__Socket *runs;
	size_t runc, most = h->fdc;
	int *fds;

	if (sockets_runs(child->sup->sockets, child->id, SOCKETS_HELD, &runs,
			 &runc) != 0)
		return NULL;

	for (size_t i = 0; i < runc; i++)
		most += runs[i].count;
	fds = malloc(most * sizeof(*fds));
	if (fds) {
		*fdcp = h->fdc;
		memcpy(fds, h->fds, h->fdc * sizeof(*fds));
		for (size_t i = 0; i < runc; i++)
			for (uint32_t j = 0; j < runs[i].count; j++)
				fds[(*fdcp)++] = runs[i].fd + (int)j;
	}
	free(runs);

	return fds;
}


static uint64_t print_add(uint64_t print, uint64_t value)
{
	return (print ^ value) * FNV_PRIME;
}


/* Segments have inodes of their own. So have sockets, but there are thousands,
 * and to look at each takes as long as a packet may: their table has a version.
 */
static uint64_t print_of(const struct heritage *h, const struct child *child,
			 const char *path)
{
	uint64_t print = FNV_BASIS;
	struct stat st;

	for (size_t i = 0; i < h->fdc; i++) {
		print = print_add(print, (uint64_t)h->fds[i]);
		if (fstat(h->fds[i], &st) == 0)
			print = print_add(print, (uint64_t)st.st_ino);
	}
	print = print_add(print, sockets_version(child->sup->sockets));
	if (stat(path, &st) == 0) {
		print = print_add(print, (uint64_t)st.st_ino);
		print = print_add(print, (uint64_t)st.st_mtim.tv_sec);
		print = print_add(print, (uint64_t)st.st_mtim.tv_nsec);
	}

	return print;
}


/* --- its process
 * ------------------------------------------------------------------------ */

/* A spare, too: then it wakes at once. */
static void make_prompt(const struct start *start, const struct child *child)
{
	int err;

	if (!child->def->is_prompt || !child->sup->config.media_realtime)
		return;
	err = spawn_prompt(start->pid);
	if (err)
		log_notice(&child->log, "not_realtime pid=%d why=%s",
			   (int)start->pid, strerror(err));
}


static int run(struct start *start, struct child *child, int control_fd,
	       bool is_spare)
{
	char path[PROGRAM_PATH_MAX], program[32], worker[8];
	char spare[] = "spare";
	char *argv[] = { program, worker, is_spare ? spare : NULL, NULL };
	struct spawn_args args = { .path = path,
				   .argv = argv,
				   .control_fd = control_fd };
	struct heritage h;
	int *fds, err;

	(void)text_print(program, sizeof(program), "%s", child->def->program);
	(void)text_print(worker, sizeof(worker), "%u", child->id.worker);
	program_exec_path(path, child->running);
	collect(&h, child, start->adopt_fd);
	fds = collect_all(&h, child, &args.fdc);
	if (!fds)
		return ENOMEM;

	args.fds = fds;
	args.log_fd = start_log(child);
	start->print = print_of(&h, child, path);
	err = spawn(&args, &start->pid, &start->pidfd);
	close_if(&args.log_fd);
	free(fds);
	if (err)
		(void)text_print(child->why, sizeof(child->why), "%s: %s",
				 path, strerror(err));
	else
		make_prompt(start, child);

	return err;
}


static int open_adopt(const struct child *child, int *fdp)
{
	char path[CONFIG_TEXT_MAX + 64];

	if (start_adopt_path(path, sizeof(path), child))
		return ENAMETOOLONG;

	return unix_listen(fdp, path, 0600);
}


int start_program(struct start *start, struct child *child, int adopt_fd)
{
	const bool is_spare = adopt_fd >= 0;
	int pair[2];
	int err = 0;

	start_init(start);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return errno;

	start->adopt_fd = adopt_fd;
	if (!is_spare)
		err = open_adopt(child, &start->adopt_fd);
	if (!err)
		err = run(start, child, pair[1], is_spare);
	close_if(&pair[1]);
	if (err) {
		close_if(&pair[0]);
		if (!is_spare)
			close_if(&start->adopt_fd);
		start_init(start);
		return err;
	}
	start->control_fd = pair[0];

	return 0;
}


bool start_fits(const struct start *start, const struct child *child)
{
	char path[PROGRAM_PATH_MAX];
	struct heritage h;
	int code;

	if (!start->pid || spawn_exit(start->pidfd, &code) != EAGAIN)
		return false;

	collect(&h, child, start->adopt_fd);
	program_exec_path(path, child->running);

	return print_of(&h, child, path) == start->print;
}


void start_end(struct start *start)
{
	siginfo_t info;

	/* The pidfd means this process and no other. It waits for a word and
	 * does nothing else, so it is gone at once. */
	if (start->pid) {
		(void)syscall(SYS_pidfd_send_signal, start->pidfd, SIGKILL,
			      NULL, 0);
		(void)waitid((idtype_t)P_PIDFD, (id_t)start->pidfd, &info,
			     WEXITED);
	}
	close_if(&start->pidfd);
	close_if(&start->control_fd);
	start_init(start);
}
