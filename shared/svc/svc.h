/**
 * @file shared/svc/svc.h  The life of a daemon, written once
 *
 * svc_main() in the order a reader expects: arguments, log to stderr,
 * descriptor 3 is the control channel, its part of the node file, sockets and
 * segments, rights and limits (confine.c), state, bus, open() (which adopts
 * what a predecessor left), the system-call filter, ready, loop. A spare
 * (supervisor/start.h) has come as far as the channel and waits there.
 *
 * Two ways to stop. Drain: the switch goes down; take no new work, ask idle()
 * every second, stop at the deadline anyway. Hand over: a successor follows;
 * publish the slots, close nothing on the wire, exit 0. A crash is a hand-over
 * without notice and must lose no more.
 *
 * The control channel closed = the supervisor is gone: the daemon goes on with
 * everything, new work included, and listens at its path in the run directory
 * for the next supervisor, which adopts it.
 */
#ifndef TANDEM_SVC_SVC_H
#define TANDEM_SVC_SVC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/control.pb-c.h"
#include "shared/base/log.h"
#include "shared/base/metric.h"
#include "shared/ipc/bus.h"
#include "shared/ipc/peer.h"
#include "shared/shm/migrate.h"
#include "shared/svc/admin.h"

struct catalog_reader;
struct ev;
struct life;
struct svc;

/** A segment the daemon maps */
struct svc_segment {
	const char *name;
	uint32_t magic;
	uint16_t version;
	uint32_t slot_size;
	bool writable; /**< As topology.c says; refused if it does not */
};

/** Why a daemon would refuse what it is asked; for people */
enum {
	SVC_WHY_MAX = 256
};

/** What svc_main() needs to know about a daemon */
struct svc_def {
	const char *name;
	enum peer peer;
	size_t state_size; /**< Zeroed, then handed to every hook */

	const struct bus_route *routes; /**< Messages it accepts */
	size_t routec;
	const struct admin_command *commands; /**< What tandemctl may ask */
	size_t commandc;
	const struct metric_def *metrics; /**< Beside the common ones */
	size_t metricc;
	const struct svc_segment *segments;
	size_t segmentc;
	/** From layouts of the releases around this one, and back */
	const struct shm_migration *migrations;
	size_t migrationc;
	const char *const *syscalls; /**< Beside those every daemon needs */
	size_t syscallc;
	bool uses_re;  /**< libre is to run on the loop */
	bool connects; /**< Opens sockets towards others: TCP, DNS, libpq */

	/** Acquire everything, and adopt what the predecessor left in shared
	 *  memory; on error close() follows. */
	int (*open)(struct svc *svc, void *state);
	/** Before there is a bus (svc_bus() is NULL) or a page of metrics:
	 * what it does cannot wait for them */
	bool opens_first;

	/** May the new node file and sockets take effect? First phase: change
	 *  nothing; say why not. NULL: always. */
	int (*check)(struct svc *svc, void *state, const Tandem__Node *node,
		     char why[SVC_WHY_MAX]);

	/** A new node file or catalog is in force: take all of it, or stay as
	 *  before. */
	int (*reload)(struct svc *svc, void *state);

	/** Take no new work. */
	void (*drain)(void *state);

	/** Is all work done, so that stopping hurts nobody? */
	bool (*idle)(const void *state);

	/** Release memory and descriptors, also what a failed open() left
	 *  half-built. Shared memory stays as it is: a successor adopts it. */
	void (*close)(void *state);
};

/** What a daemon exits with; also in the manual pages */
enum svc_exit {
	SVC_EXIT_OK = 0,     /**< Orderly, or the supervisor wanted none */
	SVC_EXIT_FAILED = 1, /**< Could not start: the log says why */
	SVC_EXIT_USAGE = 2,  /**< Wrong command line */
};

int svc_main(const struct svc_def *def, int argc, char *argv[]);

/** A socket the supervisor holds for this daemon */
struct svc_socket {
	Tandem__SocketUse use;
	int fd;
	uint16_t port;
	const char *listener; /**< Its name in the node file */
	const char *bind;
	const char *advertised;  /**< Empty: bind */
	const char *certificate; /**< TLS: paths */
	const char *key;
};

struct ev *svc_ev(const struct svc *svc);
struct bus *svc_bus(const struct svc *svc);
const struct log *svc_log(const struct svc *svc);
const Tandem__Node *svc_node(const struct svc *svc);
struct peer_id svc_self(const struct svc *svc);
const struct segment *svc_segment(const struct svc *svc, const char *name);
/** The same segment of the previous layout, to be converted; NULL: none */
const struct segment *svc_segment_old(const struct svc *svc, const char *name);

/** Sockets of this daemon, in the order of the node file; index counts within
 *  the use. @return 0, or ENOENT behind the last */
int svc_socket(const struct svc *svc, Tandem__SocketUse use, size_t index,
	       struct svc_socket *socketp);

/** Did the last generation die of its own fault (SIGSEGV, SIGABRT ...)? For
 *  slots_args. */
bool svc_predecessor_crashed(const struct svc *svc);

/** The answer to a request whose handler said later; exactly once for each */
void svc_answer(struct svc *svc, struct admin_ticket ticket,
		struct admin_answer *answer);

/** What is configured: catalog_pin() it for as long as it is used. NULL for
 *  billingd, which publishes it. */
struct catalog_reader *svc_catalog(const struct svc *svc);

/** What status says of this daemon, whoever asks */
struct life *svc_life(const struct svc *svc);

/** Is the whole switch stopping, not this daemon alone? For drain(). */
bool svc_stops_all(const struct svc *svc);

/** Of mediad: ask the supervisor for other RTP ports than the node file's;
 *  0, 0: for those again. A reload follows if they can be had. */
void svc_rtp_range(struct svc *svc, uint32_t first, uint32_t last);

/** Ports one behind the other */
struct svc_ports {
	uint16_t first;
	uint32_t count;
};

enum {
	SVC_PORTS_MAX = 256
};

/** Nobody uses these inherited ports any more, and they are not to be used: at
 *  most SVC_PORTS_MAX of them. A reload takes them away, or nothing happens. */
void svc_rtp_unused(struct svc *svc, const struct svc_ports *ports,
		    size_t portc);

/** Say what was adopted; shown with ready and in status */
void svc_adopted(struct svc *svc, uint32_t adopted, uint32_t quarantined);

#endif
