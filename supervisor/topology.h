/**
 * @file supervisor/topology.h  The cluster on one page: its form
 *
 * The content is in topology.c; a test may link another one.
 */
#ifndef TANDEM_SUPERVISOR_TOPOLOGY_H
#define TANDEM_SUPERVISOR_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/control.pb-c.h"
#include "shared/ipc/peer.h"

enum {
	WORKERS_MAX = 16
};

/** A program the supervisor keeps running */
struct daemon_def {
	const char *program; /**< NULL: not in this cluster */
	const char *user;    /**< Default; the node file may say otherwise */
	uint16_t workers;    /**< Most workers; the node file says how many */
	uint32_t ready_ms;   /**< To report ready, or it is killed */
	uint32_t drain_ms;   /**< To become idle, or it is stopped */
	uint32_t stuck_ms;   /**< Without a beat, or it is killed */
	uint32_t burst;      /**< Restarts answered at once ... */
	uint32_t period_ms;  /**< ... within this time; then it slows down */
	uint16_t order;      /**< Of start; stop is the reverse */
	bool leaves_first;   /**< ... but for this one: it takes leave of
			      *   others by way of those that still run */
	bool has_spare; /**< A second process waits for its death (start.h) */
	bool is_prompt; /**< Runs before all that can wait, if the node file
			 *   and our rights allow it (start.c) */
};

struct link_def {
	enum peer from; /**< Connects */
	enum peer to;   /**< Listens */
};

/** How many slots: what of the node file decides */
enum slot_rule {
	SLOTS_ONE,
	SLOTS_FIXED,
	SLOTS_PER_CALL,
	SLOTS_PER_BINDING,
	SLOTS_PER_16_BINDINGS /**< For so many, and as many more */
};

/** Created and held by the supervisor; mapped read-only by all but one. One
 *  segment per worker if per_worker is set: it is named NAME.PEER.WORKER. */
struct segment_def {
	const char *name;
	enum peer writer; /**< PEER_NONE: every daemon its own */
	bool per_worker;
	uint32_t magic;
	uint16_t version;
	uint32_t slot_size;
	enum slot_rule rule;
	uint32_t slotc; /**< With SLOTS_FIXED, or slots per unit */
	bool shared;    /**< The others may read it */
};

/** Whose the sockets of a use are */
struct socket_def {
	Tandem__SocketUse use;
	enum peer owner;
	enum peer keeper; /**< Gets copies too; PEER_NONE */
};

extern const struct daemon_def daemons[PEERC];
extern const struct link_def links[];
extern const struct segment_def segments[];
extern const struct socket_def socket_uses[];
extern const size_t linkc;
extern const size_t segmentc;
extern const size_t socket_usec;

#endif
