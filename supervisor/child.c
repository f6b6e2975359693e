/**
 * @file supervisor/child.c  One daemon and worker, as the supervisor sees it
 *
 * The engine of child_fsm.c's table, and its actions. The state changes first;
 * what an action sets in motion comes back as an event of the loop: the end of
 * the process by its pidfd, its words by the channel, deadlines by the timer.
 *
 * Diagnostics: notice for each start and orderly end; error process_exit for a
 * death; error process_alarm when starts are being slowed down.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/id.h"
#include "shared/base/text.h"
#include "shared/ipc/fdpass.h"
#include "supervisor/forward.h"
#include "supervisor/program.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"
#include "supervisor/upgrade.h"

enum {
	ROUND_MAX_US = 200000, /**< More of a round is our own lateness */
	HEALTHY_MS = 60000,
	HAND_OVER_MS = 5000,
	KILL_MS = 1000,        /**< SIGABRT has this long, and SIGKILL */
	DRAIN_GRACE_MS = 2000, /**< Beyond what the daemon was given */
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MOST_MS = 5000,
	SPARE_MS = 300,   /**< After it is ready: first it catches up */
	REAP_MS = 100,    /**< After it died: first its successor is at work */
	FALL_BACK_MS = 1, /**< The program before is known to come up */
};

enum cause {
	CAUSE_EXIT,
	CAUSE_SIGNAL,
	CAUSE_STUCK,
	CAUSE_START
};


static uint32_t deadline_ms(const struct child *child)
{
	switch (child->state) {

	case CHILD_STARTING:
		return child->def->ready_ms;

	case CHILD_READY:
		return HEALTHY_MS;

	case CHILD_HANDING:
	case CHILD_YIELDING:
		return HAND_OVER_MS;

	case CHILD_LEAVING:
	case CHILD_DRAINING:
		return child->def->drain_ms + DRAIN_GRACE_MS;

	case CHILD_KILLING:
	case CHILD_ENDING:
		return KILL_MS;

	case CHILD_BACKOFF:
		return child->wait_ms;

	case CHILD_NONE:
	case CHILD_DOWN:
	case CHILD_STATEC:
		break;
	}

	return 0;
}


static void on_deadline(void *arg)
{
	child_event(arg, CHILD_EV_DEADLINE);
}


static void arm(struct child *child)
{
	const uint32_t ms = deadline_ms(child);

	if (ms)
		ev_timer_start(&child->timer, child->sup->ev, ms, on_deadline,
			       child);
	else
		ev_timer_stop(&child->timer);
}


void child_event(struct child *child, enum child_event ev)
{
	struct supervisor *sup = child->sup;
	int err;

	do {
		const enum child_state from = child->state;
		child_act_h *act;
		const enum child_state next = child_fsm_next(from, ev, &act);

		if (next == CHILD_NONE) {
			metric_inc(M_FSM_IGNORED);
			log_debug(&child->log, "fsm_ignored on=%s state=%s",
				  child_event_name(ev),
				  child_state_name(from));
			return;
		}

		child->state = next;
		if (from == CHILD_STARTING && next != CHILD_STARTING)
			child->tried = true;
		log_debug(&child->log, "fsm_step on=%s from=%s to=%s",
			  child_event_name(ev), child_state_name(from),
			  child_state_name(next));
		err = act ? act(child) : 0;
		if (next != from || ev == CHILD_EV_DEADLINE)
			arm(child);
		ev = CHILD_EV_SPAWN_FAILED;
	} while (err);

	supervisor_advance(sup);
}


void child_publish(const struct child *child)
{
	const struct process_image image = {
		.start_time = child->start_time,
		.pid = child->pid,
		.peer = child->id.peer,
		.worker = child->id.worker,
		.generation = child->generation,
		.restarts = child->restarts,
		.last_exit = child->last_exit,
	};

	slots_publish(child->sup->processes, child->slot, &image);
}


int64_t child_beat_us(const struct child *child)
{
	const struct life *life = segments_life(child->sup->segments,
						child->id);

	if (!life || !child->pid || atomic_load(&life->pid) != child->pid)
		return -1;

	return atomic_load(&life->beat_us);
}


int64_t child_beat_ms(const struct child *child, int64_t now_us)
{
	const int64_t beat_us = child_beat_us(child);

	if (beat_us < 0)
		return -1;

	return now_us > beat_us ? (now_us - beat_us) / 1000 : 0;
}


bool child_is_stuck(struct child *child, int64_t round_us)
{
	const int64_t limit_us = child->def->stuck_ms * INT64_C(1000);
	struct process_run run = { .state = '?' };

	if (!stuck_heard(&child->stuck, child_beat_us(child), round_us,
			 ROUND_MAX_US, limit_us))
		return false;
	(void)process_run(&run, child->pid);

	return stuck_is(&child->stuck, &run, limit_us);
}


/* --- its end
 * ----------------------------------------------------------------- */

/* Ours tell the kernel; those of a supervisor before us have left a note. */
static int exit_of(const struct child *child)
{
	const struct life *life = segments_life(child->sup->segments,
						child->id);
	int code = 0;

	if (spawn_exit(child->pidfd, &code) == 0)
		return code;
	if (!life || atomic_load(&life->pid) != child->pid)
		return -SIGKILL;
	if (atomic_load(&life->exit_signal))
		return -atomic_load(&life->exit_signal);
	if (atomic_load(&life->state) == LIFE_ENDED)
		return atomic_load(&life->exit_code);

	/* It could not say: nothing but SIGKILL does that. */
	return -SIGKILL;
}


static bool is_asked(enum child_state state)
{
	return state == CHILD_HANDING || state == CHILD_YIELDING ||
	       state == CHILD_LEAVING || state == CHILD_DRAINING ||
	       state == CHILD_ENDING;
}


static enum cause cause_of(const struct child *child)
{
	if (child->state == CHILD_KILLING)
		return CAUSE_STUCK;
	if (!child->was_ready)
		return CAUSE_START;

	return child->last_exit < 0 ? CAUSE_SIGNAL : CAUSE_EXIT;
}


static void close_if(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}


static void release(struct child *child)
{
	child->pidwatch = ev_unwatch(child->pidwatch);
	close_if(child->pidfd);
	child->pidfd = -1;
	child->channel = channel_free(child->channel);
	child->pid = 0;
	child->start_time = 0;
	child->ready_us = 0;
	child->introduced = false;
	child->adopted = false;
	child->asked = false;
	metric_set_at(M_PROCESS_UP, child->m_up, 0);
}


static void tell_exit(const struct child *child, pid_t pid, bool asked)
{
	if (asked && child->last_exit == 0)
		log_notice(&child->log, "process_exit pid=%d code=%d",
			   (int)pid, 0);
	else if (child->last_exit < 0)
		log_error(&child->log, "process_exit pid=%d signal=%d why=%s",
			  (int)pid, -child->last_exit,
			  strsignal(-child->last_exit));
	else
		log_error(&child->log, "process_exit pid=%d code=%d why=%s",
			  (int)pid, child->last_exit,
			  child->why[0] ? child->why : "unknown");
}


static void reap(struct child *child)
{
	ev_timer_stop(&child->reap_timer);
	if (child->dead_fd >= 0)
		spawn_reap(child->dead_fd);
	close_if(child->dead_fd);
	child->dead_fd = -1;
}


/* Of one whose last thread was still there it is known only now how it died:
 * of what no process hears itself. */
static void on_reap(void *arg)
{
	struct child *child = arg;
	int code = child->dead_exit;

	if (spawn_exit(child->dead_fd, &code) == EAGAIN) {
		ev_timer_start(&child->reap_timer, child->sup->ev, REAP_MS,
			       on_reap, child);
		return;
	}
	if (code != child->dead_exit)
		log_error(&child->log, "process_exit_was code=%d told=%d",
			  code, child->dead_exit);
	reap(child);
}


/* The kernel takes from /proc what anybody has looked at there, such as each
 * of six thousand descriptors: milliseconds, in which the successor does not
 * get the processor. */
static void reap_later(struct child *child)
{
	reap(child);
	child->dead_fd = child->pidfd;
	child->dead_exit = child->last_exit;
	child->pidfd = -1;
	ev_timer_start(&child->reap_timer, child->sup->ev, REAP_MS, on_reap,
		       child);
}


static void on_exit_seen(int flags, void *arg)
{
	struct child *child = arg;
	struct supervisor *sup = child->sup;
	const bool asked = is_asked(child->state);
	const int64_t now_us = clk_mono_us();
	const pid_t pid = child->pid;
	bool at_once;

	(void)flags;
	child->last_exit = exit_of(child);
	child->crashed = !asked;
	metric_set_at(M_LAST_EXIT, child->m_exit, child->last_exit);
	tell_exit(child, pid, asked);
	if (!asked) {
		child->restarts++;
		metric_inc_at(M_PROCESS_RESTARTS, child->m_restarts);
		metric_inc_at(M_RESTART_CAUSE, cause_of(child));
	}
	reap_later(child);
	release(child);
	child_publish(child);
	forward_child_gone(child->sup, child);

	/* burst per period, as rate and burst of a bucket: in microtokens, so
	 * that one in six seconds is a rate of its own */
	at_once = child->was_ready &&
		  bucket_take(&child->deaths, now_us,
			      child->def->burst * 1000000 /
				      (child->def->period_ms / 1000),
			      child->def->burst * 1000000, 1000000);
	child_event(child,
		    at_once ? CHILD_EV_EXITED_AGAIN : CHILD_EV_EXITED_WAIT);
	/* One too many is freed by now. */
	reload_advance(sup);
}


/* A spare shares where it would be adopted with who it is for. */
static void drop_spare(struct child *child)
{
	ev_timer_stop(&child->spare_timer);
	child->spare_watch = ev_unwatch(child->spare_watch);
	start_end(&child->spare);
	close_if(child->adopt_fd);
	child->adopt_fd = -1;
}


/* --- actions
 * ------------------------------------------------------------------- */

void child_log_anew(struct child *child)
{
	Tandem__ControlFrame frame;
	Tandem__LogTo to;
	const int fd = start_log(child);

	if (!child->channel) {
		close_if(fd);
		return;
	}

	tandem__control_frame__init(&frame);
	tandem__log_to__init(&to);
	to.format = child->sup->config.log_format;
	frame.body_case = CTL_BODY(LOG_TO);
	frame.log_to = &to;
	(void)channel_send(child->channel, &frame, &fd, fd >= 0);
	close_if(fd);
}


/* Spawned; it waits for its Setup. First the table, then the word: a child
 * that was never noted never lives. */
static int note_and_watch(struct child *child, int *control_fdp, int adopt_fd)
{
	const int fd = *control_fdp;
	int err;

	child->start_time = process_start_time(child->pid);
	child_publish(child);

	err = ev_watch(&child->pidwatch, child->sup->ev, child->pidfd, EV_READ,
		       on_exit_seen, child);
	if (err)
		return err;

	*control_fdp = -1; /* the channel's from here on */
	err = channel_alloc(&child->channel, child->sup->ev, fd, control_frame,
			    control_closed, child);
	if (!err)
		err = setup_send(child->sup, child, adopt_fd);

	return err;
}


/* The spare, when it died and nobody had asked it to; else another program may
 * be wanted. */
static int begin(struct child *child, struct start *start, bool *is_sparep)
{
	int err;

	*is_sparep = child->crashed && start_fits(&child->spare, child);
	if (*is_sparep) {
		child->spare_watch = ev_unwatch(child->spare_watch);
		*start = child->spare;
		start_init(&child->spare);
		return 0;
	}

	drop_spare(child);
	err = start_program(start, child, -1);
	if (!err)
		child->adopt_fd = start->adopt_fd;

	return err;
}


int act_spawn(struct child *child)
{
	struct start start;
	bool is_spare = false;
	int err;

	/* What it would inherit is not known yet. */
	if (child->sup->aim == AIM_ADOPT)
		return EAGAIN;

	child->generation++;
	child->was_ready = false;
	child->given = true;
	child->why[0] = '\0';
	start_init(&start);
	err = upgrade_before_spawn(child);
	if (!err)
		err = begin(child, &start, &is_spare);
	if (!err) {
		child->pid = start.pid;
		child->pidfd = start.pidfd;
		err = note_and_watch(child, &start.control_fd, start.adopt_fd);
		if (err) {
			(void)kill(child->pid, SIGKILL);
			(void)waitpid(child->pid, NULL, 0);
			release(child);
			child_publish(child);
		}
	}
	close_if(start.control_fd);
	if (!child->def->has_spare)
		drop_spare(child);

	if (err)
		log_error(&child->log, "spawn_failed why=%s",
			  child->why[0] ? child->why : strerror(err));
	else
		log_notice(&child->log,
			   "process_started pid=%d generation=%u spare=%d",
			   (int)child->pid, child->generation, is_spare);
	if (!err && is_spare)
		child_log_anew(child); /* it may have been a while */

	return err;
}


/* The spare is woken when nobody works any more, before the kernel has taken
 * apart who did (shared/svc/heir.c); or it has ended, or is of a release that
 * speaks at once. */
static void on_spare_heard(int flags, void *arg)
{
	struct child *child = arg;

	child->spare_watch = ev_unwatch(child->spare_watch);
	if (child->pid && process_is_ending(child->pid))
		on_exit_seen(flags, child);
}


static void on_spare(void *arg)
{
	struct child *child = arg;
	int err;

	if (child->state != CHILD_READY || child->spare.pid ||
	    child->adopt_fd < 0)
		return;

	err = start_program(&child->spare, child, child->adopt_fd);
	if (!err)
		err = ev_watch(&child->spare_watch, child->sup->ev,
			       child->spare.control_fd, EV_READ,
			       on_spare_heard, child);
	if (err)
		log_warn(&child->log, "no_spare why=%s", strerror(err));
}


void child_spare_anew(struct child *child)
{
	if (!child->spare.pid || start_fits(&child->spare, child))
		return;

	child->spare_watch = ev_unwatch(child->spare_watch);
	start_end(&child->spare);
	ev_timer_start(&child->spare_timer, child->sup->ev, SPARE_MS, on_spare,
		       child);
}


int act_ready(struct child *child)
{
	const struct life *life = segments_life(child->sup->segments,
						child->id);

	child->was_ready = true;
	/* One that was adopted is as old as it says. */
	child->ready_us = life && child->adopted
				  ? atomic_load(&life->started_us)
				  : clk_mono_us();
	segments_old_done(child->sup->segments, child->id);
	upgrade_ready(child);
	metric_set_at(M_PROCESS_UP, child->m_up, 1);
	if (child->def->has_spare)
		ev_timer_start(&child->spare_timer, child->sup->ev, SPARE_MS,
			       on_spare, child);

	return 0;
}


/* A minute without trouble: what was is forgotten. */
int act_healthy(struct child *child)
{
	backoff_reset(&child->backoff);

	return 0;
}


static void say_stop(struct child *child, Tandem__StopMode mode)
{
	Tandem__ControlFrame frame;
	Tandem__Stop stop;

	tandem__control_frame__init(&frame);
	tandem__stop__init(&stop);
	stop.mode = mode;
	stop.deadline_ms = child->def->drain_ms;
	stop.all = child->sup->aim == AIM_DOWN || child->sup->aim == AIM_EXIT;
	frame.body_case = CTL_BODY(STOP);
	frame.stop = &stop;
	/* One that cannot be told meets its deadline. */
	if (child->channel)
		(void)channel_send(child->channel, &frame, NULL, 0);
	metric_set_at(M_PROCESS_UP, child->m_up, 0);
}


int act_hand_over(struct child *child)
{
	say_stop(child, TANDEM__STOP_MODE__STOP_MODE_HAND_OVER);

	return 0;
}


int act_drain(struct child *child)
{
	say_stop(child, TANDEM__STOP_MODE__STOP_MODE_DRAIN);

	return 0;
}


/* The pidfd means this process and no other, whatever became of its pid. */
static void signal_child(const struct child *child, int signo)
{
	if (child->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, child->pidfd, signo, NULL,
			      0);
}


int act_abort(struct child *child)
{
	log_error(&child->log, "process_stuck pid=%d beat_ms=%ld",
		  (int)child->pid, (long)child_beat_ms(child, clk_mono_us()));
	metric_set_at(M_PROCESS_UP, child->m_up, 0);
	signal_child(child, SIGABRT);
	signal_child(child, SIGCONT); /* one that was stopped dies, too */

	return 0;
}


int act_kill(struct child *child)
{
	metric_set_at(M_PROCESS_UP, child->m_up, 0);
	signal_child(child, SIGKILL);

	return 0;
}


int act_back_off(struct child *child)
{
	if (upgrade_failed(child)) {
		child->wait_ms = FALL_BACK_MS;
		return 0;
	}

	child->fell_back = false;
	child->wait_ms = backoff_next_ms(&child->backoff, id_random_u64());
	log_error(&child->log, "process_alarm wait_ms=%u restarts=%u why=%s",
		  child->wait_ms, child->restarts,
		  child->why[0] ? child->why
				: "it died too early or too "
				  "often");

	return 0;
}


int act_down(struct child *child)
{
	drop_spare(child);
	child->crashed = false;
	child->fresh = !child->joint;
	backoff_reset(&child->backoff);

	return 0;
}


/* --- itself
 * --------------------------------------------------------------------- */

int child_alloc(struct child **childp, struct supervisor *sup,
		struct peer_id id)
{
	struct child *child = calloc(1, sizeof(*child));
	int err;

	if (!child)
		return ENOMEM;

	child->sup = sup;
	child->id = id;
	child->def = &daemons[id.peer];
	child->state = CHILD_DOWN;
	child->pidfd = -1;
	child->adopt_fd = -1;
	child->dead_fd = -1;
	start_init(&child->spare);
	child->given = true;
	child->backoff = (struct backoff){ .first_ms = BACKOFF_FIRST_MS,
					   .most_ms = BACKOFF_MOST_MS };
	(void)peer_id_print(id, child->name);
	child->log = (struct log){ .up = &sup->log,
				   .key = "child",
				   .value = child->name };
	child->m_up = metric_series(M_PROCESS_UP, child->name);
	child->m_restarts = metric_series(M_PROCESS_RESTARTS, child->name);
	child->m_beat = metric_series(M_BEAT_AGE, child->name);
	child->m_exit = metric_series(M_LAST_EXIT, child->name);

	err = slots_take(sup->processes, &child->slot);
	if (err) {
		free(child);
		return err;
	}

	*childp = child;

	return 0;
}


struct child *child_free(struct child *child)
{
	if (!child)
		return NULL;

	ev_timer_stop(&child->timer);
	drop_spare(child);
	reap(child);
	release(child);
	metric_series_drop(M_PROCESS_UP, child->m_up);
	metric_series_drop(M_BEAT_AGE, child->m_beat);
	program_free(child->program);
	program_free(child->next);
	program_free(child->past);
	free(child);

	return NULL;
}


int child_adopt(struct child *child, pid_t pid, int64_t start_time, int pidfd)
{
	char path[CONFIG_TEXT_MAX + 64];
	int fd, err;

	child->pid = pid;
	child->start_time = start_time;
	child->pidfd = pidfd;
	child->adopted = true;
	child->given = false;
	child->state = CHILD_STARTING;
	upgrade_adopted(child);
	arm(child);
	err = ev_watch(&child->pidwatch, child->sup->ev, pidfd, EV_READ,
		       on_exit_seen, child);
	if (err)
		return err;

	/* Nobody there: it is ending, or never got its Setup and ends. The
	 * pidfd tells, or its deadline does. */
	if (start_adopt_path(path, sizeof(path), child) ||
	    unix_connect(&fd, path, 200) != 0)
		return 0;

	return channel_alloc(&child->channel, child->sup->ev, fd,
			     control_frame, control_closed, child);
}
