/**
 * @file supervisor/spawn.c  Start a program with descriptors of ours
 *
 * vfork: the supervisor's memory is not copied, however many descriptors and
 * pages it holds. The child shares our memory until it executes, so it calls
 * nothing but system calls and touches nothing but its own variables; its
 * table of descriptors is its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/spawn.h"

enum {
	CONTROL_FD = 3
};


int spawn_reserve(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return errno;
	} while (fd <= CONTROL_FD);
	(void)close(fd);

	/* What we were started with, whoever left it open, is no child's. */
	return close_range(CONTROL_FD, ~0U, CLOSE_RANGE_CLOEXEC) ? errno : 0;
}


/* In the child, sharing our memory. */
static int become(const struct spawn_args *args, int null_fd)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)setsid();
	for (int signo = 1; signo < NSIG; signo++)
		(void)sigaction(signo, &action, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);

	if ((args->log_fd >= 0 && dup2(args->log_fd, STDERR_FILENO) < 0) ||
	    dup2(null_fd, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
	    fcntl(STDERR_FILENO, F_SETFD, 0) != 0 ||
	    dup2(args->control_fd, CONTROL_FD) < 0)
		return errno;

	for (size_t i = 0; i < args->fdc; i++)
		if (fcntl(args->fds[i], F_SETFD, 0) != 0)
			return errno;

	(void)execve(args->path, args->argv, environ);

	return errno;
}


int spawn(const struct spawn_args *args, pid_t *pidp, int *pidfdp)
{
	const int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	volatile int failed = 0; /* the child tells us through it */
	int pidfd, err = 0;
	pid_t pid;

	if (null_fd < 0)
		return errno;

	/* As said above, become() does what a child of vfork may. */
	/* NOLINTBEGIN(clang-analyzer-security.*,clang-analyzer-unix.Vfork) */
	pid = vfork();
	if (pid == 0) {
		failed = become(args, null_fd);
		_exit(127);
	}
	/* NOLINTEND(clang-analyzer-security.*,clang-analyzer-unix.Vfork) */
	if (pid < 0)
		err = errno;
	(void)close(null_fd);
	if (err)
		return err;

	if (failed) {
		(void)waitpid(pid, NULL, 0);
		return failed;
	}

	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		err = errno;
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return err;
	}

	*pidp = pid;
	*pidfdp = pidfd;

	return 0;
}


int spawn_prompt(pid_t pid)
{
	const struct sched_param least = { .sched_priority = 1 };

	return sched_setscheduler(pid, SCHED_RR | SCHED_RESET_ON_FORK,
				  &least) == 0
		       ? 0
		       : errno;
}


int spawn_exit(int pidfd, int *exitp)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info,
		   WEXITED | WNOHANG | WNOWAIT) != 0)
		return errno;
	if (info.si_pid == 0)
		return EAGAIN;

	*exitp = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;

	return 0;
}


void spawn_reap(int pidfd)
{
	siginfo_t info;

	(void)waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG);
}
