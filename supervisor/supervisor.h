/**
 * @file supervisor/supervisor.h  What the supervisor owns
 */
#ifndef TANDEM_SUPERVISOR_SUPERVISOR_H
#define TANDEM_SUPERVISOR_SUPERVISOR_H

#include "shared/base/log.h"
#include "shared/base/metric.h"
#include "shared/ev/ev.h"
#include "shared/shm/slot.h"
#include "supervisor/child.h"
#include "supervisor/config.h"
#include "supervisor/processes.h"
#include "supervisor/segments.h"
#include "supervisor/sockets.h"
#include "supervisor/topology.h"

enum {
	CHILDREN_MAX = PEERC * WORKERS_MAX,
	JOBS_MAX = 16, /**< Commands that wait for children */
	BEAT_MS = 200, /**< What daemons are asked for */
};

enum supervisor_metric {
	SUPERVISOR_METRIC_BASE = M_COMMONC - 1,
#define METRIC(kind, id, name, labels, help) M_##id,
#include "supervisor/metrics.def"
#undef METRIC
};

/** What all children are to be */
enum supervisor_aim {
	AIM_ADOPT, /**< Nothing is opened or started: who lives? */
	AIM_UP,
	AIM_DOWN, /**< 'tandemctl stop': we stay */
	AIM_EXIT, /**< Down, and then we end */
};

/** A command that waits until children are where it wants them */
struct job {
	uint64_t request; /**< 0: free */
	enum peer peer;   /**< PEER_NONE: all */
	int worker;       /**< -1: all, one after the other */
	bool drain;
	enum child_event ev; /**< What each is told; CHILD_EVENTC: nothing */
	enum child_state until;
	struct child *at; /**< Being waited for; NULL: next */
	uint32_t told;    /**< Its generation when it was told */
	size_t next;      /**< Index of the child to come */
	bool joint;       /**< Their tables change: all go together */
	uint8_t phase;    /**< enum joint_phase */
	char why[CHILD_WHY_MAX + 64]; /**< Why they went back */
};

/** Children whose tables change */
enum joint_phase {
	JOINT_BEGIN,
	JOINT_YIELD, /**< They hand over */
	JOINT_START,
	JOINT_BACK_YIELD, /**< One did not come up: all again */
	JOINT_BACK_START
};

enum {
	SUPERVISOR_WHY_MAX = SEGMENTS_WHY_MAX
};

struct adminsock;
struct forwards;
struct notify;
struct web;

struct supervisor {
	struct ev *ev;
	const char *path;              /**< Of the node file */
	char program[CONFIG_TEXT_MAX]; /**< We, on disk */
	char *const *argv;
	struct config config;
	struct config coming;    /**< Of a reload in its first phase */
	uint64_t reload_request; /**< Who asked for it; 0: a signal */
	bool reloading;
	bool range_asked; /**< It is for mediad: RtpRange */
	struct ev_timer reload_timer;

	struct sockets *sockets;
	struct segments *segments;
	struct slots *processes;
	struct child *children[CHILDREN_MAX];
	size_t childc;
	enum supervisor_aim aim;
	bool exec_self; /**< Become the program on disk when all is quiet */
	int stops;      /**< Signals to stop so far */
	bool advancing; /**< In supervisor_advance() */
	bool again;     /**< Something changed in it */

	struct adminsock *adminsock;
	struct web *web;
	struct forwards *forwards;
	struct job jobs[JOBS_MAX];
	struct ev_timer watch; /**< Beats and gauges */
	struct ev_timer exec_timer;
	struct notify *notify;
	int64_t watched_us;
	int64_t started_us;
	int lock_fd;
	int previous_fd; /**< The program that became us; -1: none */
	struct log log;
};

extern const struct metric_def supervisor_metrics[];
extern const size_t supervisor_metricc;

/* supervisor.c */
/** Nobody else supervises this run_dir while fd is open */
int supervisor_lock(const struct config *config, int *fdp,
		    char why[SUPERVISOR_WHY_MAX]);
/** The service manager keeps what is new, and drops what goes; a reload's
 *  sockets are told before they are committed */
void supervisor_store(struct supervisor *sup, enum sockets_which which);
int supervisor_run(struct supervisor *sup);
/** Something about a child has changed: what follows from it? */
void supervisor_advance(struct supervisor *sup);
void supervisor_aim(struct supervisor *sup, enum supervisor_aim aim);
/** Become the program that is on disk now; the children are adopted */
void supervisor_exec(struct supervisor *sup);
struct child *supervisor_child(const struct supervisor *sup,
			       struct peer_id id);
/** One child object per worker the file asks for */
int supervisor_children(struct supervisor *sup, const struct config *config);

/* adopt.c */
/** A daemon of this run_dir that answers; 0, or ESRCH: there is none */
int adopt_anybody(const struct config *config, char name[PEER_ID_MAX]);
/** Find who is alive and ask them in; nothing waits in here */
void adopt_begin(struct supervisor *sup);
/** Have all that live answered, or died? */
bool adopt_done(const struct supervisor *sup);

/* setup.c */
int setup_send(struct supervisor *sup, struct child *child, int adopt_fd);
enum {
	SETUP_REALMS_MAX = 16
};

/** What a Node points to */
struct setup_realms {
	char names[SETUP_REALMS_MAX][64];
	char *ptrs[SETUP_REALMS_MAX];
	size_t count;
};

/** The names and addresses this node answers to */
void setup_realms(struct setup_realms *realms, const struct config *config);
/** The daemon's part of a node file */
void setup_node(Tandem__Node *node, struct setup_realms *realms,
		const struct config *config, struct peer_id who);
size_t setup_links(Tandem__Link *rows, Tandem__Link **links, size_t most,
		   const struct config *config, struct peer_id who);

/* control.c */
channel_h control_frame;
channel_close_h control_closed;

/* reload.c */
void reload_begin(struct supervisor *sup, uint64_t request);
void reload_rtp_range(struct supervisor *sup, const Tandem__RtpRange *range);
void reload_rtp_unused(struct child *child, const Tandem__RtpUnused *unused);
void reload_prepared(struct child *child, const Tandem__Prepared *prepared);
/** A child that was asked is gone, or has come too late to be asked */
void reload_advance(struct supervisor *sup);

/* command.c */
void command_line(uint64_t request, const char *operator_name,
		  const char *line, size_t len, void *arg);
/** It will be freed: no job waits for it any more */
void command_child_forget(struct supervisor *sup, const struct child *child);
void command_jobs_advance(struct supervisor *sup);
void command_answer_ok(struct supervisor *sup, uint64_t request);
void command_answer_error(struct supervisor *sup, uint64_t request,
			  const char *code, const char *error);

#endif
