/**
 * @file shared/base/thread.c  A thread for what waits for a disk
 */
#include <signal.h>

#include "shared/base/thread.h"


int thread_start(pthread_t *thread, size_t stack_size, void *(*run)(void *),
		 void *arg)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int err;

	err = pthread_attr_init(&attr);
	if (err)
		return err;
	(void)pthread_attr_setstacksize(&attr, stack_size);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	err = pthread_create(thread, &attr, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);

	return err;
}
