/**
 * @file supervisor/stuck.c  Is a daemon stuck, or has it no time?
 */
#include "supervisor/stuck.h"

enum {
	SHARE = 4,     /**< Of its silence: less CPU time than one part in so
			*   many is none */
	PATIENCE = 10, /**< Times the limit: then it is replaced anyway */
};


bool stuck_heard(struct stuck *s, int64_t beat_us, int64_t round_us,
		 int64_t round_max_us, int64_t limit_us)
{
	if (beat_us != s->beat_us) {
		*s = (struct stuck){ .beat_us = beat_us };
		return false;
	}
	s->silent_us += round_us < round_max_us ? round_us : round_max_us;

	return s->silent_us > limit_us / 2;
}


/* A loop that does not end takes all the time it gets, and whoever waits for
 * something, or was stopped, is not in state R. */
static bool is_starved(const struct stuck *s, const struct process_run *run)
{
	return run->state == 'R' &&
	       (run->cpu_us - s->cpu_us) * SHARE < s->silent_us - s->from_us;
}


bool stuck_is(struct stuck *s, const struct process_run *run, int64_t limit_us)
{
	if (!s->was_looked_at) {
		s->was_looked_at = true;
		s->from_us = s->silent_us;
		s->cpu_us = run->cpu_us;
	}
	if (s->silent_us <= limit_us)
		return false;

	return !is_starved(s, run) || s->silent_us > limit_us * PATIENCE;
}
