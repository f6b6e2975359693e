/**
 * @file shared/base/log_thread.h  A slow disk delays the log, never a call
 *
 * A pipe without room says so; a file takes every line, and lets the writer
 * wait while its disk is busy. So what is logged goes into a ring in memory,
 * and a thread takes it from there to descriptor 2, many lines at once. What
 * the ring has no room for is dropped and counted, as is what the disk
 * refuses.
 *
 * A process that is killed loses the lines of the last moment.
 */
#ifndef TANDEM_BASE_LOG_THREAD_H
#define TANDEM_BASE_LOG_THREAD_H

/** From now on; @return error code, and then all is as it was. Once only:
 *  for a process, whose rights the thread has from here on. */
int log_thread_start(void);

/** Count what the disk has refused; now and then, by whoever logs */
void log_thread_count(void);

/** Write what waits, and log as before the start: the process ends. What a
 *  disk, or who reads a pipe, does not take within a second is lost. */
void log_thread_end(void);

/** What waits, written by the caller: for a signal handler, last words */
void log_thread_drain(void);

#endif
