/**
 * @file shared/svc/svc_parts.h  What the files of svc share
 *
 * Nobody else includes this, tests aside.
 *
 *     svc.c      svc_main(): the order of a daemon's life; accessors
 *     layouts.c  what it can read and write in shared memory, and migrate
 *     setup.c    from the Setup frame to sockets, segments and metrics
 *     sockets.c  the table of inherited sockets
 *     control.c  the supervisor's words; adoption; stopping
 *     reload.c   a new node file, in two phases
 *     status.c   the commands every daemon has
 *     admin.c    commands: one line of JSON each way
 *     confine.c  rights, limits, system calls
 *     fatal.c    last words
 *     fault.c    faults on purpose, for tests
 */
#ifndef TANDEM_SVC_SVC_PARTS_H
#define TANDEM_SVC_SVC_PARTS_H

#include <stdio.h>
#include <sys/types.h>

#include "shared/ev/ev.h"
#include "shared/ipc/frame.h"
#include "shared/shm/life.h"
#include "shared/svc/heir.h"
#include "shared/svc/svc.h"

struct catalog_reader;
struct web;

enum {
	SEGMENTS_MAX = 16,
	LINKS_MAX = 64,
	CONTROL_FD = 3, /**< Where the supervisor puts the channel */
	CONTROL_PROTOCOL = 1,
	SETUP_TIMEOUT_MS = 10000,
};

/** Sockets of one use with consecutive descriptors and ports */
struct run {
	Tandem__SocketUse use;
	int fd;
	uint32_t count;
	uint16_t port;
	struct peer_id owner;
	char listener[64];
	char bind[64];
	char advertised[64];
	char certificate[256];
	char key[256];
};

struct runs {
	struct run *rows;
	size_t rowc;
};

/** How far runs_send() has come */
struct runs_cursor {
	size_t row;
	uint32_t from;
};

struct mapped {
	char name[32];
	struct segment now;
	struct segment old; /**< Of the previous layout; size 0: none */
};

struct svc {
	const struct svc_def *def;
	void *state;
	bool opened;
	struct log log;
	struct peer_id self;
	uid_t started_as; /**< Who may adopt us, beside root */

	struct ev *ev;
	struct ev_late late_log; /**< What was gathered is written */
	struct bus *bus;
	struct web *web;

	Tandem__Node *node;
	struct bus_link links[LINKS_MAX];
	size_t linkc;
	struct runs sockets;
	struct mapped segments[SEGMENTS_MAX];
	size_t segmentc;
	struct segment life_segment;
	struct heir heir;               /**< Of life->owner */
	struct segment catalog_segment; /**< Size 0: the writer has its own */
	struct catalog_reader *catalog;
	struct segment counters_segment;
	struct life *life;
	bool predecessor_crashed;

	struct channel *channel; /**< NULL: no supervisor */
	uint32_t channel_no;     /**< Which, since the start */
	struct ev_watch *adopt_watch;
	int adopt_fd;
	struct ev_timer give; /**< Sockets under way to a new supervisor */
	struct runs_cursor given;
	struct ev_timer beat;
	struct ev_timer lag;
	struct ev_timer drain;
	uint32_t beat_ms;
	int64_t drain_until_us;
	bool stops_all; /**< As the supervisor said */
	enum life_state life_state;

	Tandem__Prepare *prepare; /**< First phase of a reload; NULL: none */
	struct runs coming;       /**< Sockets that came with it */

	uint32_t generation;
	uint32_t adopted;
	uint32_t quarantined;
};

/* layouts.c */
/** One line each: see there */
void layouts_print(FILE *f, const struct svc_def *def);
/** Fill a new segment from an old one, as the supervisor asks by
 *  --migrate SEGMENT,FROM,TO,FD,FD,USER @return what to exit with */
int layouts_migrate(const struct svc_def *def, const char *order);

/* setup.c */
/** Of a spare: until nobody works whose place it is to take, as far as that is
 *  known, or there is something on the channel */
void setup_await_end(int channel_fd);
int setup_apply(struct svc *svc, const Tandem__Setup *setup,
		char why[SVC_WHY_MAX]);
void setup_undo(struct svc *svc);
Tandem__Node *node_copy(const Tandem__Node *node);
size_t links_copy(struct bus_link *dst, Tandem__Link *const *links,
		  size_t linkc);

/* sockets.c */
/** fds: descriptors that fd of the messages counts in; NULL: they are the
 *  numbers themselves. On success the table owns them. */
int runs_add(struct runs *runs, Tandem__Socket *const *sockets, size_t socketc,
	     const int *fds, size_t fdc);
int runs_append(struct runs *runs, struct runs *more);
/** removed: gets what is taken out, still open; NULL: it is closed */
void runs_remove(struct runs *runs, Tandem__Socket *const *gone, size_t gonec,
		 struct runs *removed);
void runs_close(struct runs *runs);
size_t runs_count(const struct runs *runs);
/** Give copies of all to a supervisor; ENOBUFS: go on later with the same at */
int runs_send(const struct runs *runs, struct channel *channel,
	      struct runs_cursor *at);

/* control.c */
void control_hello(const struct svc *svc, Tandem__ControlFrame *frame,
		   Tandem__Hello *hello, bool adopt);
int control_open(struct svc *svc, int fd);
void control_close(struct svc *svc);
void life_state_set(struct svc *svc, enum life_state state);

/* reload.c */
void reload_prepare(struct svc *svc, const Tandem__Prepare *prepare);
void reload_sockets(struct svc *svc, const Tandem__Sockets *sockets,
		    const int *fds, size_t fdc);
void reload_commit(struct svc *svc, const Tandem__Commit *commit);
void reload_abort(struct svc *svc);

/* status.c */
extern const struct admin_command svc_commands[];
extern const size_t svc_commandc;

/* fault.c */
int cmd_fault(void *state, const json_t *args, struct admin_answer *answer);

/* confine.c */
/** First of all, before anything is opened: what a daemon makes is its own,
 *  and what it cannot do later it cannot do now */
int confine_rights(const Tandem__Node *node, char why[SVC_WHY_MAX]);
/** Last of all: what opening takes is not needed any more */
int confine_calls(const struct svc_def *def, const Tandem__Node *node,
		  const struct log *log, char why[SVC_WHY_MAX]);

/* fatal.c */
void fatal_setup(const char *process);
/** Where a fatal signal is noted for the supervisor; NULL: nowhere */
void fatal_life(struct life *life);

#endif
