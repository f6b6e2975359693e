/**
 * @file test/unit/shm/tracer.c  Another process, one instruction at a time
 */
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/unit/shm/tracer.h"

enum {
	EXIT_FORBIDDEN = 77
};


void tracer_pause(void)
{
	(void)raise(SIGSTOP);
}


pid_t tracer_start(tracer_work_h *work, void *arg)
{
	int status = 0;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -1;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(EXIT_FORBIDDEN);
		tracer_pause();
		work(arg);
		_exit(0);
	}

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FORBIDDEN)
		return 0;
	if (!WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL)) {
		tracer_kill(pid);
		return -1;
	}

	return pid;
}


static enum tracer_end outcome(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid)
		return TRACER_FAILED;

	if (WIFEXITED(status))
		return WEXITSTATUS(status) ? TRACER_FAILED : TRACER_ENDED;
	if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP)
		return TRACER_STEPPED;
	if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP)
		return TRACER_PAUSED;

	return TRACER_FAILED;
}


enum tracer_end tracer_step(pid_t pid)
{
	if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL))
		return TRACER_FAILED;

	return outcome(pid);
}


enum tracer_end tracer_run(pid_t pid)
{
	if (ptrace(PTRACE_CONT, pid, NULL, NULL))
		return TRACER_FAILED;

	return outcome(pid);
}


void tracer_kill(pid_t pid)
{
	if (pid <= 0)
		return;

	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}
