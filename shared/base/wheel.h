/**
 * @file shared/base/wheel.h  Timing wheel: O(1) start and stop, any number
 *
 * Hierarchical wheel with a tick of 1 ms and a reach of 49 days. The timer is
 * embedded in what it belongs to; nothing is allocated. No clock in here: the
 * owner says what time it is.
 */
#ifndef TANDEM_BASE_WHEEL_H
#define TANDEM_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

struct wheel;

typedef void(wheel_h)(void *arg);

/** All zero: not running; h is NULL whenever it does not run */
struct wheel_timer {
	struct wheel_timer *next; /**< NULL: not running */
	struct wheel_timer *prev;
	struct wheel *wheel;
	int64_t due_ms;
	wheel_h *h;
	void *arg;
};

int wheel_alloc(struct wheel **wheelp, int64_t now_ms);

/** Timers still running are stopped without being called */
struct wheel *wheel_free(struct wheel *wheel);

/** Start, or start again, a timer, counted from what the last turn said it
 *  was; h is called once, never from in here */
void wheel_start(struct wheel *wheel, struct wheel_timer *timer,
		 uint32_t delay_ms, wheel_h *h, void *arg);

/** Also of a timer that does not run */
void wheel_stop(struct wheel_timer *timer);

bool wheel_running(const struct wheel_timer *timer);

/** Milliseconds until it is due; 0 if due or not running */
uint32_t wheel_left_ms(const struct wheel_timer *timer);

/** It is now_ms: call what is due, in order of time. A handler may start and
 *  stop any timer; one started with delay 0 is called in the next turn.
 *  @return number of timers called */
uint32_t wheel_turn(struct wheel *wheel, int64_t now_ms);

/** Milliseconds from the last turn until the wheel must turn again: never
 *  later than the next timer, maybe earlier; UINT32_MAX if none runs */
uint32_t wheel_next_ms(const struct wheel *wheel);

/** What the last turn, or the one that goes on, said it was */
int64_t wheel_now_ms(const struct wheel *wheel);

uint32_t wheel_count(const struct wheel *wheel);

#endif
