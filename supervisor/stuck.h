/**
 * @file supervisor/stuck.h  Is a daemon stuck, or has it no time?
 *
 * A beat that does not come has three reasons: the daemon is stuck, the whole
 * machine stands still, or others have all of it. Only the first is mended by
 * another process. So silence counts while we are awake ourselves, and a
 * daemon that could run and is not let to is waited for.
 */
#ifndef TANDEM_SUPERVISOR_STUCK_H
#define TANDEM_SUPERVISOR_STUCK_H

#include <stdbool.h>
#include <stdint.h>

/** What the kernel says of a process's first thread */
struct process_run {
	char state;     /**< 'R': it runs, or could */
	int64_t cpu_us; /**< That it has had */
};

/** All zero: nothing was heard yet */
struct stuck {
	int64_t beat_us;   /**< The last that was seen */
	int64_t silent_us; /**< Since then, as we were awake */
	int64_t from_us;   /**< Of that, before it was looked at first */
	int64_t cpu_us;    /**< That it had had then */
	bool was_looked_at;
};

/** In each round
 *  @param round_us    Since the one before
 *  @param round_max_us What of it counts: more means that we were late
 *  @return true: silent for so long that it has to be looked at */
bool stuck_heard(struct stuck *s, int64_t beat_us, int64_t round_us,
		 int64_t round_max_us, int64_t limit_us);

/** It was looked at: is it stuck? */
bool stuck_is(struct stuck *s, const struct process_run *run,
	      int64_t limit_us);

#endif
