/**
 * @file billingd/worker.h  A thread for what waits for a disk
 *
 * One job at a time. The job runs in the thread and touches only what it was
 * given; done is called from the loop.
 */
#ifndef TANDEM_BILLINGD_WORKER_H
#define TANDEM_BILLINGD_WORKER_H

#include <stdbool.h>

struct ev;
struct worker;

/** Before the filter of system calls: it keeps the thread, too */
int worker_alloc(struct worker **workerp, struct ev *ev,
		 void (*job)(void *arg), void (*done)(void *arg), void *arg);
/** Waits for the job that runs; done is not called any more */
struct worker *worker_free(struct worker *worker);

/** Only while it is not busy */
void worker_start(struct worker *worker);
bool worker_busy(const struct worker *worker);

#endif
