/**
 * @file shared/base/thread.h  A thread for what waits for a disk
 */
#ifndef TANDEM_BASE_THREAD_H
#define TANDEM_BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>

/** One that no signal interrupts: those are the loop's. @return error code */
int thread_start(pthread_t *thread, size_t stack_size, void *(*run)(void *),
		 void *arg);

#endif
