/**
 * @file shared/ev/ev.h  The event loop
 *
 * libuv underneath; all timers lie in one wheel behind one uv timer. A daemon
 * has one loop and one thread. Deadlines of a millisecond and more belong
 * here; nothing in a loop blocks.
 */
#ifndef TANDEM_EV_EV_H
#define TANDEM_EV_EV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/wheel.h"

struct ev;
struct ev_watch;

enum ev_flags {
	EV_READ = 1,
	EV_WRITE = 2,
	EV_HANGUP = 4, /**< Reported, and may be asked for alone */
};

typedef void(ev_h)(void *arg);
typedef void(ev_watch_h)(int flags, void *arg);
typedef void(ev_signal_h)(int signo, void *arg);

/** Embedded; all zero: not running */
struct ev_timer {
	struct wheel_timer wheel;
};

/** Embedded; all zero: not waiting */
struct ev_late {
	struct ev_late *next;
	struct ev *ev; /**< NULL: not waiting */
	ev_h *h;
	void *arg;
};

int ev_alloc(struct ev **evp);

/** Runs what is still closing; everything must be unwatched. Timers that still
 *  run and posts that still wait are not called. */
struct ev *ev_free(struct ev *ev);

/** Call h whenever fd is ready; one watch per descriptor. flags: enum
 *  ev_flags. An error is EV_HANGUP and what was asked for, again and again
 *  until it is taken off the socket or the watch ends. The descriptor stays
 * the caller's, open until ev_unwatch(). */
int ev_watch(struct ev_watch **watchp, struct ev *ev, int fd, int flags,
	     ev_watch_h *h, void *arg);

/** Watch for something else from now on */
int ev_watch_change(struct ev_watch *watch, int flags);

/** Accepts NULL, returns NULL; h is not called any more */
struct ev_watch *ev_unwatch(struct ev_watch *watch);

/** Call h once, delay_ms from now; starts anew if it runs */
void ev_timer_start(struct ev_timer *timer, struct ev *ev, uint32_t delay_ms,
		    ev_h *h, void *arg);
void ev_timer_stop(struct ev_timer *timer);
bool ev_timer_running(const struct ev_timer *timer);

/** Call h once, when all handlers of this turn have been called and before the
 *  loop waits again: what they gathered is done in one go. What h itself asks
 *  for is called too. */
void ev_late_start(struct ev_late *late, struct ev *ev, ev_h *h, void *arg);
void ev_late_stop(struct ev_late *late);

/** Call h when the process gets the signal; until ev_free() */
int ev_signal(struct ev *ev, int signo, ev_signal_h *h, void *arg);

/** Call h in this loop's next turn; the only call allowed from another
 *  thread. Bounded: EAGAIN when 1024 wait. */
int ev_post(struct ev *ev, ev_h *h, void *arg);

/** Run until ev_stop(), which may have been before; @return what it was given
 */
int ev_run(struct ev *ev);
void ev_stop(struct ev *ev, int result);

/** Start of this turn, monotonic: cheap, and the same all through it; while
 *  the loop does not turn, the time as it is */
int64_t ev_now_us(const struct ev *ev);

/** The same by the clock of what is kept in shared memory (clk_boot_us) */
int64_t ev_boot_us(const struct ev *ev);

/**
 * While there is much to do, begin a turn at most every so many microseconds
 *
 * What comes meanwhile is taken in one go: a turn costs the same for one
 * message as for ten. A loop with little to do never waits. One that works for
 * more than a sixteenth of its time waits longer, up to most_us; below a
 * sixty-fourth it returns to least_us. Where less is done then, by what
 * ev_pace_done() is told, it goes back, and does not try again for two
 * seconds. 0: never. Less than a second.
 */
void ev_pace_set(struct ev *ev, uint32_t least_us, uint32_t most_us);

/** So many things of those that come from elsewhere were done in this turn */
void ev_pace_done(struct ev *ev, size_t count);

/** What it is now */
uint32_t ev_pace_us(const struct ev *ev);

/** Longest turn since it was last asked for, in microseconds */
int64_t ev_lag_take_us(struct ev *ev);

/** For tests: one turn without waiting; true if anything is still active */
bool ev_turn(struct ev *ev);

#endif
