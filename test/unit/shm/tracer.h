/**
 * @file test/unit/shm/tracer.h  Another process, one instruction at a time
 */
#ifndef TANDEM_TEST_UNIT_SHM_TRACER_H
#define TANDEM_TEST_UNIT_SHM_TRACER_H

#include <stdbool.h>
#include <sys/types.h>

typedef void(tracer_work_h)(void *arg);

/** Start work in a process that stands still before it; it dies with us
 *  @return its pid, 0 if tracing is forbidden here, -1 on error */
pid_t tracer_start(tracer_work_h *work, void *arg);

/** In the traced process: stand still until it is run again */
void tracer_pause(void);

enum tracer_end {
	TRACER_STEPPED, /**< One instruction, there are more */
	TRACER_PAUSED,  /**< It called tracer_pause() */
	TRACER_ENDED,   /**< work returned */
	TRACER_FAILED,  /**< Anything else */
};

/** One instruction */
enum tracer_end tracer_step(pid_t pid);

/** Up to the next pause, or the end */
enum tracer_end tracer_run(pid_t pid);

void tracer_kill(pid_t pid);

#endif
