/**
 * @file supervisor/program.c  A program as it was when it was started
 *
 * Asking and migrating are waited for: while they last nobody is watched, and
 * the watch forgives a round. A program that does not end is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "supervisor/program.h"
#include "supervisor/spawn.h"

enum {
	ASK_MS = 3000
};


static bool is_same(const struct program *program, const struct stat *st)
{
	return program && program->dev == st->st_dev &&
	       program->ino == st->st_ino &&
	       program->changed.tv_sec == st->st_ctim.tv_sec &&
	       program->changed.tv_nsec == st->st_ctim.tv_nsec;
}


void program_exec_path(char path[PROGRAM_PATH_MAX],
		       const struct program *program)
{
	struct stat st;

	if (stat(program->path, &st) == 0 && is_same(program, &st))
		(void)text_print(path, PROGRAM_PATH_MAX, "%s", program->path);
	else
		(void)text_print(path, PROGRAM_PATH_MAX, "/proc/self/fd/%d",
				 program->fd);
}


/* All it says until it closes its end, or the time is over. */
static int read_all(int fd, int timeout_ms, char output[PROGRAM_OUTPUT_MAX])
{
	const int64_t end_us = clk_mono_us() + (int64_t)timeout_ms * 1000;
	size_t len = 0;
	ssize_t n = 1;

	while (n != 0) {
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };
		char rest[256];
		const int64_t left_ms = (end_us - clk_mono_us()) / 1000;

		if (left_ms <= 0)
			return ETIMEDOUT;
		if (poll(&pollfd, 1, (int)left_ms) <= 0)
			continue;
		/* What does not fit is read too: it must not wait for us. */
		n = len < PROGRAM_OUTPUT_MAX - 1
			    ? read(fd, output + len,
				   PROGRAM_OUTPUT_MAX - 1 - len)
			    : read(fd, rest, sizeof(rest));
		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0 && len < PROGRAM_OUTPUT_MAX - 1)
			len += (size_t)n;
		output[len] = '\0';
	}

	return 0;
}


static int wait_end(int pidfd, bool cut_short)
{
	siginfo_t info = { .si_pid = 0 };

	if (cut_short)
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED) != 0)
		if (errno != EINTR)
			return errno;

	return info.si_code == CLD_EXITED && info.si_status == 0 ? 0 : EIO;
}


int program_run(const struct program *program, char *const argv[],
		const int *fds, size_t fdc, int timeout_ms,
		char output[PROGRAM_OUTPUT_MAX])
{
	char path[PROGRAM_PATH_MAX];
	struct spawn_args args = {
		.path = path, .argv = argv, .fds = fds, .fdc = fdc
	};
	int pair[2], pidfd = -1, err, read_err, end_err;
	pid_t pid;

	output[0] = '\0';
	if (pipe2(pair, O_CLOEXEC) != 0)
		return errno;

	program_exec_path(path, program);
	args.log_fd = args.control_fd = pair[1];
	err = spawn(&args, &pid, &pidfd);
	(void)close(pair[1]);
	if (!err) {
		read_err = read_all(pair[0], timeout_ms, output);
		end_err = wait_end(pidfd, read_err != 0);
		err = read_err ? read_err : end_err;
		(void)close(pidfd);
	}
	(void)close(pair[0]);

	return err;
}


static int ask(struct program *program, char why[PROGRAM_WHY_MAX])
{
	char layouts[] = "--layouts";
	char *argv[] = { program->name, layouts, NULL };
	char output[PROGRAM_OUTPUT_MAX];
	int err;

	err = program_run(program, argv, NULL, 0, ASK_MS, output);
	if (!err)
		err = layouts_parse(&program->layouts, output, strlen(output));
	if (err) {
		output[strcspn(output, "\n")] = '\0';
		(void)text_print(why, PROGRAM_WHY_MAX,
				 "%s does not say which layouts of shared "
				 "memory it knows: %.80s",
				 program->path,
				 output[0] ? output : strerror(err));
	}

	return err;
}


int program_take(struct program **programp, int fd, const char *dir,
		 const char *name, const struct programs_known *known,
		 char why[PROGRAM_WHY_MAX])
{
	struct program *program;
	struct stat st;
	int err = 0;

	if (fstat(fd, &st) != 0)
		err = errno;
	for (size_t i = 0; i < known->rowc && !err; i++) {
		if (!is_same(known->rows[i], &st))
			continue;
		if (fd != known->rows[i]->fd)
			(void)close(fd);
		*programp = program_ref(known->rows[i]);
		return 0;
	}

	program = err ? NULL : calloc(1, sizeof(*program));
	if (!program) {
		(void)close(fd);
		return err ? err : ENOMEM;
	}
	program->refs = 1;
	program->fd = fd;
	program->dev = st.st_dev;
	program->ino = st.st_ino;
	program->changed = st.st_ctim;
	err = text_print(program->name, sizeof(program->name), "%s", name);
	if (!err)
		err = text_print(program->path, sizeof(program->path), "%s/%s",
				 dir, name);
	if (!err)
		err = ask(program, why);
	if (err)
		program_free(program);
	else
		*programp = program;

	return err;
}


int program_open(struct program **programp, const char *dir, const char *name,
		 const struct programs_known *known, char why[PROGRAM_WHY_MAX])
{
	char path[PROGRAM_PATH_MAX];
	int fd = -1, err;

	err = text_print(path, sizeof(path), "%s/%s", dir, name);
	if (!err) {
		fd = open(path, O_PATH | O_CLOEXEC);
		err = fd < 0 ? errno : 0;
	}
	if (err) {
		(void)text_print(why, PROGRAM_WHY_MAX, "%s: %s", path,
				 strerror(err));
		return err;
	}

	return program_take(programp, fd, dir, name, known, why);
}


static int copy_all(int to, int from)
{
	struct stat st;
	off_t left;

	if (fstat(from, &st) != 0)
		return errno;
	for (left = st.st_size; left > 0;) {
		const ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n <= 0)
			return n < 0 ? errno : EIO;
		left -= n;
	}

	return 0;
}


int program_save(struct program *program, const char *dir)
{
	char file[PROGRAM_PATH_MAX], new[PROGRAM_PATH_MAX], self[64];
	int from = -1, to = -1, err;

	(void)text_print(self, sizeof(self), "/proc/self/fd/%d", program->fd);
	err = text_print(file, sizeof(file), "%s/%s", dir, program->name);
	if (!err)
		err = text_print(new, sizeof(new), "%s/.%s", dir,
				 program->name);
	if (err)
		return err;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return errno;

	from = open(self, O_RDONLY | O_CLOEXEC);
	to = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	err = from < 0 || to < 0 ? errno : copy_all(to, from);
	if (from >= 0)
		(void)close(from);
	if (to >= 0)
		(void)close(to);
	if (!err && rename(new, file) != 0)
		err = errno;
	program->saved = !err;

	return err;
}


struct program *program_ref(struct program *program)
{
	if (program)
		program->refs++;

	return program;
}


struct program *program_free(struct program *program)
{
	if (program && --program->refs == 0) {
		(void)close(program->fd);
		free(program);
	}

	return NULL;
}
