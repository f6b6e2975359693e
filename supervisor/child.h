/**
 * @file supervisor/child.h  One daemon and worker, as the supervisor sees it
 */
#ifndef TANDEM_SUPERVISOR_CHILD_H
#define TANDEM_SUPERVISOR_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/base/backoff.h"
#include "shared/base/bucket.h"
#include "shared/base/log.h"
#include "shared/ev/ev.h"
#include "shared/ipc/frame.h"
#include "shared/ipc/peer.h"
#include "supervisor/child_fsm.h"
#include "supervisor/start.h"
#include "supervisor/stuck.h"
#include "supervisor/topology.h"

struct program;
struct supervisor;

enum {
	CHILD_WHY_MAX = 256
};

struct child {
	struct supervisor *sup;
	struct peer_id id;
	const struct daemon_def *def;
	char name[PEER_ID_MAX];
	struct log log;

	enum child_state state;
	struct ev_timer timer; /**< The state's deadline */
	bool surplus;          /**< The file no longer asks for it */
	bool held_down;        /**< An operator has stopped this one */

	struct stuck stuck; /**< What its beats say */

	pid_t pid;          /**< 0: none */
	int64_t start_time; /**< Of pid */
	int pidfd;
	struct ev_watch *pidwatch;
	struct channel *channel;
	bool adopted;    /**< Not started by us */
	bool introduced; /**< Has said Hello on this channel */
	bool given;      /**< All its sockets have come (adoption) */

	bool crashed;       /**< Its last end was not asked for */
	struct start spare; /**< Of daemon_def.has_spare */
	int adopt_fd;       /**< What a spare inherits; -1: no spare */
	struct ev_timer spare_timer;
	struct ev_watch *spare_watch; /**< Until it says its hello */
	int dead_fd;       /**< Who died and is not reaped yet; -1: nobody */
	int32_t dead_exit; /**< How, as far as it was known */
	struct ev_timer reap_timer;

	struct bucket deaths; /**< Those answered at once */
	struct backoff backoff;
	uint32_t wait_ms; /**< In BACKOFF */
	bool was_ready;   /**< This generation */
	bool tried;       /**< Has left STARTING since the aim was set */

	struct program *program; /**< What it is; NULL: not looked up yet */
	struct program *next;    /**< What it is to become; NULL: the same */
	struct program *past; /**< What it was: it may know how to go back */
	const struct program *running; /**< One of them */
	bool planned;                  /**< A restart concerns it */
	bool joint;                    /**< It goes together with others */
	bool fresh;     /**< Was stopped: comes back as what is on disk */
	bool fell_back; /**< Its next did not come up */
	char back_why[CHILD_WHY_MAX];

	bool asked;    /**< A reload's Prepare is with it */
	bool prepared; /**< And it has accepted */

	uint32_t slot; /**< In the process table */
	uint32_t generation;
	uint32_t restarts;
	int32_t last_exit;       /**< Code, or minus a signal */
	int64_t ready_us;        /**< Monotonic; 0: not ready */
	char why[CHILD_WHY_MAX]; /**< Its own words when it could not start */
	char version[24];

	size_t m_up, m_restarts, m_beat, m_exit; /**< Series of its metrics */
};

int child_alloc(struct child **childp, struct supervisor *sup,
		struct peer_id id);
struct child *child_free(struct child *child);

/** Feed it an event */
void child_event(struct child *child, enum child_event ev);

/** It lives and was not started by us: watch it as if it were */
int child_adopt(struct child *child, pid_t pid, int64_t start_time, int pidfd);

/** Write what a successor of ours needs into the process table */
void child_publish(const struct child *child);

/** Its log file is opened anew: another folder, or after a rotation */
void child_log_anew(struct child *child);

/** What a spare inherited may be another by now: then there is another spare.
 *  It would be of no use, and keep open what is not ours any more. */
void child_spare_anew(struct child *child);

/** When its last beat was; -1: it has none */
int64_t child_beat_us(const struct child *child);
/** Milliseconds since then; -1: it has none */
int64_t child_beat_ms(const struct child *child, int64_t now_us);
/** Is it (stuck.h)? Asked every round, so long after the one before */
bool child_is_stuck(struct child *child, int64_t round_us);

#endif
