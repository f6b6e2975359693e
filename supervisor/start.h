/**
 * @file supervisor/start.h  A daemon's process, up to where it waits for its
 *                           Setup
 *
 * A spare is one that is started before it is needed and waits there: when the
 * daemon dies, what remains to be done is to say the Setup. Loading a program
 * and its libraries takes longer than everything after it.
 */
#ifndef TANDEM_SUPERVISOR_START_H
#define TANDEM_SUPERVISOR_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child;

struct start {
	pid_t pid; /**< 0: none */
	int pidfd;
	int control_fd; /**< Our end */
	int adopt_fd;   /**< It has inherited this: shared by a daemon and its
			 *   spare, and open as long as we keep spares */
	uint64_t print; /**< Of what it has inherited, and of its program */
};

/** Nothing is running */
void start_init(struct start *start);

/** Where a daemon waits for the next supervisor @return 0, ENAMETOOLONG */
int start_adopt_path(char *dst, size_t size, const struct child *child);

/** File of its standard error; -1: ours */
int start_log(const struct child *child);

/** @param adopt_fd Of the daemon whose spare it is; -1: it is no spare
 *  @return 0, or errorcode, with child->why if there is more to say */
int start_program(struct start *start, struct child *child, int adopt_fd);

/** Does it live, and would one that is started now be the same? */
bool start_fits(const struct start *start, const struct child *child);

/** It is not needed after all */
void start_end(struct start *start);

#endif
