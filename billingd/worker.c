/**
 * @file billingd/worker.c  A thread for what waits for a disk
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "billingd/worker.h"
#include "shared/base/thread.h"
#include "shared/ev/ev.h"

enum {
	STACK_SIZE = 256 << 10,
};

struct worker {
	void (*job)(void *arg);
	void (*done)(void *arg);
	void *arg;
	struct ev_watch *watch;
	int fd;
	bool is_busy; /* The loop's view */

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool is_asked, is_ending; /* Under the mutex */
};


static void tell(const struct worker *worker)
{
	const uint64_t one = 1;
	ssize_t n;

	do
		n = write(worker->fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}


static void *run(void *arg)
{
	struct worker *worker = arg;

	(void)pthread_mutex_lock(&worker->mutex);
	for (;;) {
		while (!worker->is_asked && !worker->is_ending)
			(void)pthread_cond_wait(&worker->wake, &worker->mutex);
		if (!worker->is_asked)
			break;
		worker->is_asked = false;
		(void)pthread_mutex_unlock(&worker->mutex);
		worker->job(worker->arg);
		tell(worker);
		(void)pthread_mutex_lock(&worker->mutex);
	}
	(void)pthread_mutex_unlock(&worker->mutex);

	return NULL;
}


static void on_done(int flags, void *arg)
{
	struct worker *worker = arg;
	uint64_t n;

	(void)flags;
	if (read(worker->fd, &n, sizeof(n)) != sizeof(n))
		return;
	worker->is_busy = false;
	worker->done(worker->arg);
}


int worker_alloc(struct worker **workerp, struct ev *ev,
		 void (*job)(void *arg), void (*done)(void *arg), void *arg)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int err;

	if (!worker)
		return ENOMEM;
	worker->job = job;
	worker->done = done;
	worker->arg = arg;
	(void)pthread_mutex_init(&worker->mutex, NULL);
	(void)pthread_cond_init(&worker->wake, NULL);
	worker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = worker->fd < 0 ? errno
			     : ev_watch(&worker->watch, ev, worker->fd,
					EV_READ, on_done, worker);
	if (!err)
		err = thread_start(&worker->thread, STACK_SIZE, run, worker);
	worker->has_thread = !err;
	if (err)
		worker_free(worker);
	else
		*workerp = worker;

	return err;
}


struct worker *worker_free(struct worker *worker)
{
	if (!worker)
		return NULL;

	if (worker->has_thread) {
		(void)pthread_mutex_lock(&worker->mutex);
		worker->is_ending = true;
		(void)pthread_cond_signal(&worker->wake);
		(void)pthread_mutex_unlock(&worker->mutex);
		(void)pthread_join(worker->thread, NULL);
	}
	ev_unwatch(worker->watch);
	if (worker->fd >= 0)
		(void)close(worker->fd);
	(void)pthread_cond_destroy(&worker->wake);
	(void)pthread_mutex_destroy(&worker->mutex);
	free(worker);

	return NULL;
}


void worker_start(struct worker *worker)
{
	assert(!worker->is_busy);

	worker->is_busy = true;
	(void)pthread_mutex_lock(&worker->mutex);
	worker->is_asked = true;
	(void)pthread_cond_signal(&worker->wake);
	(void)pthread_mutex_unlock(&worker->mutex);
}


bool worker_busy(const struct worker *worker)
{
	return worker->is_busy;
}
