/**
 * @file supervisor/spawn.h  Start a program with descriptors of ours
 */
#ifndef TANDEM_SUPERVISOR_SPAWN_H
#define TANDEM_SUPERVISOR_SPAWN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct spawn_args {
	const char *path;
	char *const *argv;
	int control_fd; /**< Becomes descriptor 3 */
	int log_fd;     /**< Becomes descriptor 2; -1: ours */
	const int *fds; /**< Stay open under their own numbers */
	size_t fdc;
};

/**
 * Start it, in a session of its own
 *
 * Everything of ours is close-on-exec; only what args names stays. None of fds
 * may be below 4: descriptor 3 is kept for this (spawn_reserve()).
 *
 * @param pidfdp A descriptor of the process
 *
 * @return 0 if it runs, what exec failed with, otherwise errorcode
 */
int spawn(const struct spawn_args *args, pid_t *pidp, int *pidfdp);

/** Once, first of all: descriptors 0 to 3 are taken, the rest is no child's */
int spawn_reserve(void);

/** From now on it runs before all that is not real-time; the kernel keeps a
 *  part for all others whatever it does, and its threads and children are like
 *  them. 0: ourselves. @return 0, EPERM */
int spawn_prompt(pid_t pid);

/** The exit status of a child of ours whose pidfd says it has ended
 *  @return 0 and code or minus signal, EAGAIN if it lives, ECHILD if it is not
 *          our child */
int spawn_exit(int pidfd, int *exitp);

/** Let go of one that has ended: it takes the kernel milliseconds if much
 *  belonged to it */
void spawn_reap(int pidfd);

#endif
