/**
 * @file supervisor/supervisor.c  Up in order, watched, down in reverse
 *
 * supervisor_run() is the order of its own life: lock, limits, loop, segments,
 * children, adoption; and when all that live have answered, sockets, the
 * operators' socket, metrics, and the start of what is missing.
 *
 * supervisor_advance() is called whenever anything about a child has changed.
 * It compares what is with what is aimed at and tells the next child; it keeps
 * no place in a sequence, so a supervisor that adopted half a start goes on
 * with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/log_thread.h"
#include "shared/base/metric_labels.h"
#include "shared/base/secret.h"
#include "shared/base/text.h"
#include "shared/shm/counters.h"
#include "shared/shm/life.h"
#include "shared/web/web.h"
#include "supervisor/adminsock.h"
#include "supervisor/forward.h"
#include "supervisor/limits.h"
#include "supervisor/notify.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"
#include "supervisor/upgrade.h"

enum {
	WATCH_MS = 100,
	LOCK_TRIES = 25,
	LOCK_WAIT_MS = 20,
};

static const char *const label_cause[] = { "exit", "signal", "stuck",
					   "start" };
static const char *const label_reload[] = { "done", "refused" };
static const char *const label_child_state[CHILD_STATEC] = {
	"none",    "down",     "starting", "ready",  "handing", "yielding",
	"leaving", "draining", "killing",  "ending", "backoff",
};

const struct metric_def supervisor_metrics[] = {
#define METRIC(kind, id, name, labels, help) \
	{ METRIC_##kind, name, labels, help },
#include "supervisor/metrics.def"
#undef METRIC
};

const size_t supervisor_metricc = COUNT_OF(supervisor_metrics);


struct child *supervisor_child(const struct supervisor *sup, struct peer_id id)
{
	for (size_t i = 0; i < sup->childc; i++)
		if (peer_id_equal(sup->children[i]->id, id))
			return sup->children[i];

	return NULL;
}


/* --- the aim --------------------------------------------------------------- */

static bool is_rising(const struct child *child)
{
	return child->state == CHILD_STARTING && !child->tried;
}


/* Start those of the lowest order that are down; a higher order waits until
 * the lower ones are ready or have failed once. One that keeps failing must
 * not keep the others down. */
static void advance_up(struct supervisor *sup)
{
	for (int order = 0; order <= PEERC; order++) {
		bool rising = false;

		for (size_t i = 0; i < sup->childc; i++) {
			struct child *child = sup->children[i];

			if (child->def->order != order || child->surplus ||
			    child->held_down)
				continue;
			if (child->state == CHILD_DOWN) {
				child->tried = false;
				child_event(child, CHILD_EV_START);
			}
			rising = rising || is_rising(child);
		}
		if (rising)
			return;
	}
}


/* @return is one of them not down yet? */
static bool is_falling(struct supervisor *sup, int order, bool leaves_first)
{
	bool falling = false;

	for (size_t i = 0; i < sup->childc; i++) {
		struct child *child = sup->children[i];

		if ((leaves_first ? !child->def->leaves_first
				  : child->def->order != order) ||
		    child->state == CHILD_DOWN)
			continue;
		falling = true;
		if (child->state != CHILD_DRAINING &&
		    child->state != CHILD_ENDING)
			child_event(child, CHILD_EV_STOP);
	}

	return falling;
}


/* Who has to take leave first; then the reverse: a lower order waits until all
 * above it are down. */
static bool advance_down(struct supervisor *sup)
{
	if (is_falling(sup, 0, true))
		return false;
	for (int order = PEERC; order > 0; order--)
		if (is_falling(sup, order, false))
			return false;

	return true;
}


/* Those the node file no longer asks for go, and are forgotten. */
static void advance_surplus(struct supervisor *sup)
{
	for (size_t i = 0; i < sup->childc;) {
		struct child *child = sup->children[i];

		if (child->surplus && child->state == CHILD_DOWN) {
			slots_give(sup->processes, child->slot);
			command_child_forget(sup, child);
			child_free(child);
			sup->children[i] = sup->children[--sup->childc];
			continue;
		}
		if (child->surplus && child->state != CHILD_DRAINING &&
		    child->state != CHILD_ENDING)
			child_event(child, CHILD_EV_STOP);
		i++;
	}
}


static void go_up(struct supervisor *sup);


static void advance_once(struct supervisor *sup)
{
	switch (sup->aim) {

	case AIM_ADOPT:
		if (adopt_done(sup))
			go_up(sup);
		break;

	case AIM_UP:
		advance_surplus(sup);
		advance_up(sup);
		break;

	case AIM_DOWN:
		(void)advance_down(sup);
		break;

	case AIM_EXIT:
		if (advance_down(sup))
			ev_stop(sup->ev, 0);
		break;
	}

	if (sup->adminsock)
		command_jobs_advance(sup);
}


/* What is told to a child changes it, and that is told to us: not deeper but
 * once more. */
void supervisor_advance(struct supervisor *sup)
{
	if (sup->advancing) {
		sup->again = true;
		return;
	}

	sup->advancing = true;
	do {
		sup->again = false;
		advance_once(sup);
	} while (sup->again);
	sup->advancing = false;
}


void supervisor_aim(struct supervisor *sup, enum supervisor_aim aim)
{
	sup->aim = aim;
	for (size_t i = 0; i < sup->childc; i++)
		sup->children[i]->held_down = false;
	supervisor_advance(sup);
}


int supervisor_children(struct supervisor *sup, const struct config *config)
{
	for (size_t i = 0; i < sup->childc; i++)
		sup->children[i]->surplus =
			sup->children[i]->id.worker >=
			config->workers[sup->children[i]->id.peer];

	for (int peer = PEER_SUPERVISOR + 1; peer < PEERC; peer++) {
		if (!daemons[peer].program)
			continue;
		for (uint16_t w = 0;
		     w < config->workers[peer] && w < daemons[peer].workers;
		     w++) {
			const struct peer_id id = { (uint16_t)peer, w };
			int err;

			if (supervisor_child(sup, id))
				continue;
			if (sup->childc == CHILDREN_MAX)
				return ENOSPC;
			err = child_alloc(&sup->children[sup->childc], sup,
					  id);
			if (err)
				return err;
			sup->childc++;
		}
	}

	return 0;
}


/* --- watching
 * ----------------------------------------------------------------- */

static void look_at(struct child *child, int64_t now_us, int64_t round_us)
{
	const int64_t beat = child_beat_ms(child, now_us);

	if (beat < 0)
		return;
	metric_set_at(M_BEAT_AGE, child->m_beat, beat);
	if (child_is_stuck(child, round_us) &&
	    (child->state == CHILD_READY || child->state == CHILD_HANDING ||
	     child->state == CHILD_YIELDING || child->state == CHILD_LEAVING ||
	     child->state == CHILD_DRAINING))
		child_event(child, CHILD_EV_BEAT_MISSED);
}


static void on_watch(void *arg)
{
	struct supervisor *sup = arg;
	const int64_t now_us = clk_mono_us();
	const int64_t round_us = now_us - sup->watched_us;
	int64_t states[CHILD_STATEC] = { 0 };

	for (size_t i = 0; i < sup->childc; i++) {
		look_at(sup->children[i], now_us, round_us);
		states[sup->children[i]->state]++;
	}
	for (size_t s = 0; s < CHILD_STATEC; s++)
		metric_set_at(M_CHILDREN, s, states[s]);
	metric_set(M_DESCRIPTORS, (int64_t)sockets_count(sup->sockets));
	log_thread_count();
	sup->watched_us = now_us;
	ev_timer_start(&sup->watch, sup->ev, WATCH_MS, on_watch, sup);
}


/* --- signals
 * ------------------------------------------------------------------- */

static void on_stop_signal(int signo, void *arg)
{
	struct supervisor *sup = arg;

	log_notice(&sup->log, "signal_taken signo=%d", signo);
	notify_stopping(sup->notify);
	sup->stops++;
	if (sup->stops > 1) {
		/* Asked twice: no more draining. */
		for (size_t i = 0; i < sup->childc; i++)
			if (sup->children[i]->state == CHILD_DRAINING)
				child_event(sup->children[i], CHILD_EV_STOP);
	}
	supervisor_aim(sup, AIM_EXIT);
}


static void on_reload_signal(int signo, void *arg)
{
	(void)signo;
	reload_begin(arg, 0);
}


/* --- its own life
 * ----------------------------------------------------------------- */

static int fail(struct supervisor *sup, int err, const char *what,
		const char *why)
{
	log_error(&sup->log, "start_failed what=%s why=%s", what,
		  why && why[0] ? why : strerror(err));

	return err;
}


static int make_dir(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return errno;
	if (chmod(path, mode) != 0)
		return errno;
	if (geteuid() == 0 && chown(path, uid, gid) != 0)
		return errno;

	return 0;
}


static const struct passwd *user_of(const struct config *config,
				    struct peer_id id)
{
	return config->user[id.peer][0] ? getpwnam(config->user[id.peer])
					: NULL;
}


/* Where a daemon keeps what survives a machine: its own, and nobody else's */
static int make_state_dir(const struct config *config, struct peer_id id)
{
	const struct passwd *user = user_of(config, id);
	char path[CONFIG_TEXT_MAX + 64];

	(void)text_print(path, sizeof(path), "%s/%s", config->state_dir,
			 daemons[id.peer].program);

	return make_dir(path, 0750, user ? user->pw_uid : 0,
			user ? user->pw_gid : 0);
}


/* What seals passwords in the database is made once, and never written over:
 * without it they are lost. */
static int make_key(const struct config *config)
{
	const struct group *group = getgrnam(config->group);
	uint8_t key[32];
	char text[2 * sizeof(key) + 2];
	int fd, err = 0;

	if (!config->key_file[0])
		return 0;
	fd = open(config->key_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		  0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : errno;

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		err = EIO;
	text_hex(text, key, sizeof(key));
	text[2 * sizeof(key)] = '\n';
	if (!err && write(fd, text, 2 * sizeof(key) + 1) !=
			    (ssize_t)(2 * sizeof(key) + 1))
		err = EIO;
	if (!err && (fchmod(fd, 0640) != 0 || fsync(fd) != 0 ||
		     (geteuid() == 0 &&
		      fchown(fd, 0, group ? group->gr_gid : 0) != 0)))
		err = errno;
	secret_wipe(key, sizeof(key));
	secret_wipe(text, sizeof(text));
	(void)close(fd);
	if (err)
		(void)unlink(config->key_file);

	return err;
}


/* Each daemon's part of the bus is its own to write in, and its group's to
 * knock at. */
static int make_bus_dir(const struct config *config, struct peer_id id,
			gid_t gid)
{
	const struct passwd *user = user_of(config, id);
	char path[CONFIG_TEXT_MAX + 64], name[PEER_ID_MAX];

	(void)text_print(path, sizeof(path), "%s/bus/%s", config->run_dir,
			 peer_id_print(id, name));

	return make_dir(path, 0750, user ? user->pw_uid : 0, gid);
}


static int make_dirs(struct supervisor *sup)
{
	const struct config *config = &sup->config;
	const struct group *group = getgrnam(config->group);
	const gid_t gid = group ? group->gr_gid : getegid();
	char path[CONFIG_TEXT_MAX + 64];
	int err;

	err = make_dir(config->run_dir, 0751, 0, 0);
	(void)text_print(path, sizeof(path), "%s/ctl", config->run_dir);
	if (!err)
		err = make_dir(path, 0700, 0, 0);
	(void)text_print(path, sizeof(path), "%s/bus", config->run_dir);
	if (!err)
		err = make_dir(path, 0750, 0, gid);
	if (!err && mkdir(config->state_dir, 0755) != 0 && errno != EEXIST)
		err = errno;
	for (size_t i = 0; i < sup->childc && !err; i++) {
		err = make_bus_dir(config, sup->children[i]->id, gid);
		if (!err)
			err = make_state_dir(config, sup->children[i]->id);
	}

	return err;
}


/* A supervisor that was killed just when it started a child leaves the lock to
 * that child until it has executed its program. */
static bool take_lock(int fd)
{
	const struct timespec ts = { .tv_nsec = LOCK_WAIT_MS * 1000000L };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		(void)nanosleep(&ts, NULL);
	}

	return false;
}


/* Two supervisors of one run directory would each kill the other's work. */
int supervisor_lock(const struct config *config, int *fdp,
		    char why[SUPERVISOR_WHY_MAX])
{
	char path[CONFIG_TEXT_MAX + 64];
	int fd;

	(void)text_print(path, sizeof(path), "%s/supervisor.lock",
			 config->run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		const int err = errno;

		(void)text_print(why, SUPERVISOR_WHY_MAX, "%s: %s", path,
				 strerror(err));
		return err;
	}
	if (!take_lock(fd)) {
		(void)close(fd);
		(void)text_print(why, SUPERVISOR_WHY_MAX,
				 "another supervisor runs in %s: ask it with "
				 "'tandemctl status'",
				 config->run_dir);
		return EBUSY;
	}
	*fdp = fd;

	return 0;
}


static int open_counters(struct supervisor *sup)
{
	const struct segment *segment = segments_own(sup->segments,
						     "counters");
	const struct peer_id self = { PEER_SUPERVISOR, 0 };
	int err;

	if (!segment)
		return 0;

	err = counters_attach(segment,
			      segments_own_old(sup->segments, "counters"));
	if (err == EBADMSG) /* cleared */
		err = 0;
	if (!err)
		segments_old_done(sup->segments, self);
	metric_set(M_BUILD_INFO, 1);
	metric_set(M_CONFIG_VERSION, (int64_t)sup->config.version);

	return err;
}


static int open_processes(struct supervisor *sup)
{
	const struct segment *segment = segments_own(sup->segments,
						     "processes");
	const struct slots_args args = {
		.segment = segment,
		.name = "processes",
		.image_size = sizeof(struct process_image),
		.slotc = PROCESSES_SLOTS,
		.faulth = process_fault,
		.log = &sup->log,
	};

	return segment ? slots_alloc(&sup->processes, &args) : EPROTO;
}


static int serve_metrics(struct supervisor *sup)
{
	Tandem__Socket *runs;
	size_t runc;
	int err;

	err = sockets_runs(sup->sockets,
			   (struct peer_id){ PEER_SUPERVISOR, 0 },
			   SOCKETS_HELD, &runs, &runc);
	if (err)
		return err;

	if (runc > 0)
		err = web_metrics(&sup->web, sup->ev, runs[0].fd);
	free(runs);

	return err;
}


static int serve_operators(struct supervisor *sup)
{
	char path[CONFIG_TEXT_MAX + 64];

	(void)text_print(path, sizeof(path), "%s/control.sock",
			 sup->config.run_dir);

	return adminsock_alloc(&sup->adminsock, sup->ev, path, command_line,
			       sup);
}


/* --- the service manager
 * --------------------------------------------------------- */

static void store_one(const char *name, int fd, void *arg)
{
	const struct supervisor *sup = arg;

	notify_store(sup->notify, name, fd);
}


static void unstore_one(const char *name, int fd, void *arg)
{
	const struct supervisor *sup = arg;

	(void)fd;
	notify_unstore(sup->notify, name);
}


void supervisor_store(struct supervisor *sup, enum sockets_which which)
{
	sockets_each(sup->sockets, which,
		     which == SOCKETS_GONE ? unstore_one : store_one, sup);
}


/* What it kept for us while there was no supervisor */
static void take_one(const char *name, int fd, void *arg)
{
	const struct supervisor *sup = arg;
	char text[64];
	Tandem__Socket run;

	if (sockets_name_parse(&run, text, sizeof(text), name) == 0)
		(void)sockets_offer(sup->sockets, &run, &fd, 1);
	else
		(void)close(fd);
}


/* Everybody who lives has answered: what is missing is opened and started. */
static void go_up(struct supervisor *sup)
{
	char why[SOCKETS_WHY_MAX] = "";
	int err;

	err = sockets_prepare(sup->sockets, &sup->config, why);
	if (err) {
		ev_stop(sup->ev, fail(sup, err, "sockets", why));
		return;
	}
	sockets_commit(sup->sockets);

	err = serve_operators(sup);
	if (!err)
		err = serve_metrics(sup);
	if (err) {
		ev_stop(sup->ev,
			fail(sup, err, "control socket or metrics", NULL));
		return;
	}

	if (sup->previous_fd >= 0)
		(void)close(sup->previous_fd);
	sup->previous_fd = -1; /* we are up */
	supervisor_store(sup, SOCKETS_HELD);
	notify_ready(sup->notify);
	log_notice(&sup->log, "supervisor_ready sockets=%zu children=%zu",
		   sockets_count(sup->sockets), sup->childc);
	sup->aim = AIM_UP;
	sup->again = true;
}


static int open_all(struct supervisor *sup)
{
	char why[SEGMENTS_WHY_MAX] = "";
	int err;

	limits_raise();
	err = limits_check(&sup->config, why);
	if (err)
		return fail(sup, err, "limits", why);

	err = make_dir(sup->config.run_dir, 0751, 0, 0);
	if (err)
		return fail(sup, err, sup->config.run_dir, NULL);

	err = supervisor_lock(&sup->config, &sup->lock_fd, why);
	if (err)
		return fail(sup, err, "lock", why);

	err = metric_setup(supervisor_metrics, supervisor_metricc);
	if (!err)
		err = segments_open(&sup->segments, &sup->config, why);
	if (!err)
		err = open_counters(sup);
	if (!err)
		err = open_processes(sup);
	if (err)
		return fail(sup, err, "shared memory", why);

	err = make_key(&sup->config);
	if (err)
		return fail(sup, err, sup->config.key_file, NULL);

	err = supervisor_children(sup, &sup->config);
	if (!err)
		err = make_dirs(sup);
	if (!err)
		err = sockets_alloc(&sup->sockets);
	if (!err)
		err = ev_signal(sup->ev, SIGTERM, on_stop_signal, sup);
	if (!err)
		err = ev_signal(sup->ev, SIGINT, on_stop_signal, sup);
	if (!err)
		err = ev_signal(sup->ev, SIGHUP, on_reload_signal, sup);
	if (err)
		return fail(sup, err, "start", NULL);

	return 0;
}


static void close_all(struct supervisor *sup)
{
	ev_timer_stop(&sup->watch);
	ev_timer_stop(&sup->reload_timer);
	ev_timer_stop(&sup->exec_timer);
	sup->adminsock = adminsock_free(sup->adminsock);
	sup->forwards = forwards_free(sup->forwards);
	sup->web = web_free(sup->web);
	if (sup->exec_self)
		upgrade_pass_on(sup);
	for (size_t i = 0; i < sup->childc; i++)
		child_free(sup->children[i]);
	sup->childc = 0;
	sup->processes = slots_free(sup->processes);
	sup->sockets = sockets_free(sup->sockets);
	metric_detach();
	sup->segments = segments_free(sup->segments);
	if (sup->exec_self)
		notify_pass_on(sup->notify);
	sup->notify = notify_free(sup->notify);
	sup->ev = ev_free(sup->ev);
	if (sup->lock_fd >= 0)
		(void)close(sup->lock_fd);
}


static void on_exec(void *arg)
{
	struct supervisor *sup = arg;

	ev_stop(sup->ev, 0);
}


/* Not at once: the operator's answer is still to be written. */
void supervisor_exec(struct supervisor *sup)
{
	log_notice(&sup->log, "supervisor_restarts");
	sup->exec_self = true;
	ev_timer_start(&sup->exec_timer, sup->ev, 50, on_exec, sup);
}


/* While mediad is dead we are what its packets wait for. */
static void be_prompt(const struct supervisor *sup)
{
	const int err = sup->config.media_realtime ? spawn_prompt(0) : 0;

	if (err)
		log_notice(&sup->log, "not_realtime pid=%d why=%s",
			   (int)getpid(), strerror(err));
}


int supervisor_run(struct supervisor *sup)
{
	int err;

	be_prompt(sup);
	sup->started_us = sup->watched_us = clk_mono_us();
	sup->lock_fd = -1;
	sup->previous_fd = upgrade_previous();
	(void)signal(SIGPIPE, SIG_IGN);

	err = upgrade_find_self(sup);
	if (!err)
		err = ev_alloc(&sup->ev);
	if (!err)
		err = notify_alloc(&sup->notify, sup->ev);
	if (err)
		return fail(sup, err, "loop", NULL);

	err = open_all(sup);
	if (!err) {
		(void)log_thread_start(); /* else it waits for the disk */
		sup->aim = AIM_ADOPT;
		adopt_begin(sup);
		upgrade_adopted_all();
		(void)notify_taken(take_one, sup);
		on_watch(sup);
		supervisor_advance(sup);
		err = ev_run(sup->ev);
	}
	log_notice(&sup->log, "supervisor_ends");
	log_thread_end();
	close_all(sup);
	if (err)
		upgrade_go_back(sup);
	if (!sup->exec_self || err)
		return err;

	/* Everything of ours is closed with it; the daemons live on. */
	(void)execv(sup->program, sup->argv);

	return fail(sup, errno, sup->program, NULL);
}
