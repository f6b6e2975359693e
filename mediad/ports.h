/**
 * @file mediad/ports.h  The inherited RTP sockets
 *
 * Pairs of sockets, by number; which of them are free (portpool.h), whose the
 * others are, and when each was given back, which outlives the process.
 */
#ifndef TANDEM_MEDIAD_PORTS_H
#define TANDEM_MEDIAD_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mediad/session.h"
#include "shared/svc/svc.h"

struct ports;
struct segment;

enum {
	PORTS_NOBODY = -1
};

/** Whose a pair is */
struct port_owner {
	int32_t session; /**< Index; PORTS_NOBODY: free */
	uint8_t side, line;
};

/** Of two ports, the first one even; four of them in a line of the cache */
struct port_pair {
	int fds[SESSION_STREAMS]; /**< -1: not ours */
	int32_t session;          /**< Whose it is, as in struct port_owner */
	uint8_t side, line;
	bool is_retired; /**< Not for new sessions */
};
_Static_assert(sizeof(struct port_pair) == 16, "looked up for each packet");

struct port_socket {
	int fd;
	uint16_t port;
};

struct ports_args {
	const struct port_socket *sockets;
	size_t socketc;
	uint16_t first, last; /**< Of new sessions; 0, 0: there are none */
	const struct segment *rests; /**< Of struct media_rests, writable; it
				      *   stays as long */
};

int ports_alloc(struct ports **portsp, const struct ports_args *args);
struct ports *ports_free(struct ports *ports);

/** The sockets are others: pairs in use stay their sessions', also those that
 *  are not for new ones any more.
 *  @return 0, or errorcode with everything as before */
int ports_reload(struct ports *ports, const struct ports_args *args,
		 int64_t now_us);

uint32_t ports_count(const struct ports *ports); /**< Pairs */
/** Pairs that nobody has and nobody is to get. @return how many runs, most at
 *  most */
size_t ports_unused(const struct ports *ports, struct svc_ports *runs,
		    size_t most);
/** The pair of a port, ours or not */
const struct port_pair *ports_pair(const struct ports *ports, uint16_t port);
/** It is looked at soon */
void ports_fetch(const struct ports *ports, uint16_t port);
/** Call h for each socket of ours until it fails; @return what it returned */
typedef int(ports_h)(int fd, uint16_t port, void *arg);
int ports_each(const struct ports *ports, ports_h *h, void *arg);

/** An adopted session has it. Before ports_open(). @return 0, ENOENT: not
 *  ours, EEXIST: somebody has it already */
int ports_claim(struct ports *ports, uint16_t port, struct port_owner owner);
/** Whatever nobody has claimed is free */
void ports_open(struct ports *ports, int64_t now_us);

/** @return 0, EADDRNOTAVAIL */
int ports_take(struct ports *ports, struct port_owner owner, uint16_t *portp,
	       int64_t now_us);

/** Before whoever has it lets go of it: it rests from now on, for a successor
 *  too */
void ports_rest(struct ports *ports, uint16_t port, int64_t now_us);
void ports_give(struct ports *ports, uint16_t port, int64_t now_us);

uint32_t ports_left(const struct ports *ports);

#endif
