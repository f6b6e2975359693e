/**
 * @file supervisor/processes.h  The process table in shared memory
 *
 * What a supervisor that did not start them needs to know of the daemons: pid
 * and start time (a pid alone may have been used again), and what is counted
 * about them.
 */
#ifndef TANDEM_SUPERVISOR_PROCESSES_H
#define TANDEM_SUPERVISOR_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/shm/slot.h"
#include "supervisor/stuck.h"

#define PROCESSES_MAGIC   0x434f5250 /* "PROC" */
#define PROCESSES_VERSION 1

enum {
	/** Twice the children there can be: an adopter writes them anew before
	 *  it gives the old ones back */
	PROCESSES_SLOTS = 256
};

struct process_image {
	int64_t start_time; /**< Clock ticks since boot, of this pid */
	int32_t pid;        /**< 0: none lives */
	uint16_t peer;
	uint16_t worker;
	uint32_t generation; /**< Starts since the machine's */
	uint32_t restarts;   /**< Of those, not asked for */
	int32_t last_exit;   /**< Code, or minus a signal */
	uint8_t pad[4];
};
BUILD_ASSERT(sizeof(struct process_image) == 32);

#define PROCESSES_SLOT_SIZE SLOT_SIZE(sizeof(struct process_image))

/** Why an image is no process of ours; NULL if it is one */
const char *process_fault(const void *image);

/** When the kernel started this pid; 0 if there is none */
int64_t process_start_time(pid_t pid);

/** The same from the text of /proc/PID/stat; 0 if it makes no sense. A name
 *  with blanks and brackets in it does not confuse it. */
int64_t process_stat_start_time(const char *stat);

/** What its first thread, which beats, does. @return 0, ESRCH, EBADMSG */
int process_run(struct process_run *run, pid_t pid);
/** The same from the text of /proc/PID/task/PID/stat; ticks_s: its unit */
int process_stat_run(struct process_run *run, const char *stat, long ticks_s);

/** Will its first thread not run again, whatever the kernel has still to do? */
bool process_is_ending(pid_t pid);
/** The same from the text of /proc/PID/task/PID/stat */
bool process_stat_is_ending(const char *stat);

/** A descriptor of the process that this pid and start time mean; -1: gone */
int process_pidfd(pid_t pid, int64_t start_time);

#endif
