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
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"

enum {
	HEALTHY_MS = 60000,
	HAND_OVER_MS = 5000,
	KILL_MS = 1000,        /**< SIGABRT has this long, and SIGKILL */
	DRAIN_GRACE_MS = 2000, /**< Beyond what the daemon was given */
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MOST_MS = 5000,
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


int64_t child_beat_ms(const struct child *child, int64_t now_us)
{
	const struct life *life = segments_life(child->sup->segments,
						child->id);
	int64_t beat_us;

	if (!life || !child->pid || atomic_load(&life->pid) != child->pid)
		return -1;
	beat_us = atomic_load(&life->beat_us);

	return now_us > beat_us ? (now_us - beat_us) / 1000 : 0;
}


/* --- its end
 * ----------------------------------------------------------------- */

/* Ours tell the kernel; those of a supervisor before us have left a note. */
static int exit_of(const struct child *child)
{
	const struct life *life = segments_life(child->sup->segments,
						child->id);
	int code = 0;

	if (spawn_reap(child->pidfd, &code) == 0)
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
	return state == CHILD_HANDING || state == CHILD_LEAVING ||
	       state == CHILD_DRAINING || state == CHILD_ENDING;
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
	metric_set_at(M_LAST_EXIT, child->m_exit, child->last_exit);
	tell_exit(child, pid, asked);
	if (!asked) {
		child->restarts++;
		metric_inc_at(M_PROCESS_RESTARTS, child->m_restarts);
		metric_inc_at(M_RESTART_CAUSE, cause_of(child));
	}
	release(child);
	child_publish(child);
	command_child_gone(child->sup, child);

	/* burst per period, as rate and burst of a bucket: in microtokens, so
	 * that one in six seconds is a rate of its own */
	at_once = child->was_ready &&
		  bucket_take(&child->deaths, now_us,
			      child->def->burst * 1000000 /
				      (child->def->period_ms / 1000),
			      child->def->burst * 1000000, 1000000);
	child_event(child,
		    at_once ? CHILD_EV_EXITED_AGAIN : CHILD_EV_EXITED_WAIT);
	reload_advance(sup);
}


/* --- actions
 * ------------------------------------------------------------------- */

static int open_log(const struct config *config, const struct child *child)
{
	char path[CONFIG_TEXT_MAX + 64];

	if (!config->log_dir[0] ||
	    text_print(path, sizeof(path), "%s/%s.log", config->log_dir,
		       child->def->program))
		return -1;

	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}


void child_log_anew(struct child *child)
{
	Tandem__ControlFrame frame;
	Tandem__LogTo to;
	const int fd = open_log(&child->sup->config, child);

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


/* What it inherits: its sockets, its segments, where it waits for adoption */
static int collect_fds(struct supervisor *sup, const struct child *child,
		       int adopt_fd, int **fdsp, size_t *fdcp)
{
	Tandem__Segment rows[SEGMENTS_PER_PEER];
	const size_t segmentsc = segments_of(sup->segments, child->id, rows);
	Tandem__Socket *runs;
	size_t runc, n = 0, most = 2 * segmentsc + 1;
	int *fds, err;

	err = sockets_runs(sup->sockets, child->id, SOCKETS_HELD, &runs,
			   &runc);
	if (err)
		return err;

	for (size_t i = 0; i < runc; i++)
		most += runs[i].count;
	fds = malloc(most * sizeof(*fds));
	if (fds) {
		fds[n++] = adopt_fd;
		for (size_t i = 0; i < segmentsc; i++) {
			fds[n++] = rows[i].fd;
			if (rows[i].old_fd >= 0)
				fds[n++] = rows[i].old_fd;
		}
		for (size_t i = 0; i < runc; i++)
			for (uint32_t j = 0; j < runs[i].count; j++)
				fds[n++] = runs[i].fd + (int)j;
		*fdsp = fds;
		*fdcp = n;
	}
	free(runs);

	return fds ? 0 : ENOMEM;
}


static int make_path(char *dst, size_t size, const struct child *child)
{
	return text_print(dst, size, "%s/ctl/%s.sock",
			  child->sup->config.run_dir, child->name);
}


/* Only the daemon itself holds it: when it is gone, nobody answers there. */
static int open_adopt(const struct child *child, int *fdp)
{
	char path[CONFIG_TEXT_MAX + 64];

	if (make_path(path, sizeof(path), child))
		return ENAMETOOLONG;

	return unix_listen(fdp, path, 0600);
}


static int run_program(struct child *child, int control_fd, int adopt_fd)
{
	struct supervisor *sup = child->sup;
	char path[CONFIG_TEXT_MAX + 64], program[32], worker[8];
	char *argv[] = { program, worker, NULL };
	struct spawn_args args = { .path = path,
				   .argv = argv,
				   .control_fd = control_fd };
	int *fds = NULL;
	int err;

	(void)text_print(program, sizeof(program), "%s", child->def->program);
	(void)text_print(worker, sizeof(worker), "%u", child->id.worker);
	if (text_print(path, sizeof(path), "%s/%s", sup->config.program_dir,
		       program))
		return ENAMETOOLONG;

	err = collect_fds(sup, child, adopt_fd, &fds, &args.fdc);
	if (err)
		return err;

	args.fds = fds;
	args.log_fd = open_log(&sup->config, child);
	err = spawn(&args, &child->pid, &child->pidfd);
	close_if(args.log_fd);
	free(fds);
	if (err)
		(void)text_print(child->why, sizeof(child->why), "%s: %s",
				 path, strerror(err));

	return err;
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


int act_spawn(struct child *child)
{
	int pair[2] = { -1, -1 }, adopt_fd = -1;
	int err;

	/* What it would inherit is not known yet. */
	if (child->sup->aim == AIM_ADOPT)
		return EAGAIN;

	child->generation++;
	child->was_ready = false;
	child->given = true;
	child->why[0] = '\0';
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return errno;

	err = open_adopt(child, &adopt_fd);
	if (!err)
		err = run_program(child, pair[1], adopt_fd);
	if (!err) {
		err = note_and_watch(child, &pair[0], adopt_fd);
		if (err) {
			(void)kill(child->pid, SIGKILL);
			(void)waitpid(child->pid, NULL, 0);
			release(child);
			child_publish(child);
		}
	}
	close_if(pair[0]);
	close_if(pair[1]);
	close_if(adopt_fd);

	if (err)
		log_error(&child->log, "spawn_failed why=%s",
			  child->why[0] ? child->why : strerror(err));
	else
		log_notice(&child->log, "process_started pid=%d generation=%u",
			   (int)child->pid, child->generation);

	return err;
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
	metric_set_at(M_PROCESS_UP, child->m_up, 1);

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
	release(child);
	metric_series_drop(M_PROCESS_UP, child->m_up);
	metric_series_drop(M_BEAT_AGE, child->m_beat);
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
	arm(child);
	err = ev_watch(&child->pidwatch, child->sup->ev, pidfd, EV_READ,
		       on_exit_seen, child);
	if (err)
		return err;

	/* Nobody there: it is ending, or never got its Setup and ends. The
	 * pidfd tells, or its deadline does. */
	if (make_path(path, sizeof(path), child) ||
	    unix_connect(&fd, path, 200) != 0)
		return 0;

	return channel_alloc(&child->channel, child->sup->ev, fd,
			     control_frame, control_closed, child);
}
