/**
 * @file sipd/wire_parts.h  What the files of wire share
 *
 * Nobody else includes this, tests aside.
 *
 *     wire.c         listeners, which of them reaches whom, sending
 *     wire_svc.c     the sockets of the daemon
 *     wire_udp.c     datagrams in batches
 *     wire_gate.c    guard and trace
 *     wire_refuse.c  503 without a parser
 *     wire_stream.c  connections: table, limits, deadlines
 *     wire_io.c      connections: bytes to messages and back
 *     wire_tcp.c     sockets of connections
 *     wire_tls.c     TLS on them
 */
#ifndef TANDEM_SIPD_WIRE_PARTS_H
#define TANDEM_SIPD_WIRE_PARTS_H

#include <sys/types.h>

#include "shared/base/log.h"
#include "shared/ev/ev.h"
#include "sipd/wire.h"

struct catalog_reader;
struct wire_streams;
struct wire_tls;
struct wire_udp;

enum {
	WIRE_BATCH = 64,           /**< Datagrams per system call */
	WIRE_DATAGRAM_MAX = 65536, /**< More than UDP can carry */
	WIRE_LISTENERS_MAX = 256,
	WIRE_FAILURES_MAX = 64, /**< In one turn; those beyond time out */
};

/** A socket that is there: of the supervisor, or of a test */
struct wire_socket {
	enum transport transport;
	int fd; /**< Stays its owner's: wire has a duplicate */
	uint16_t port;
	const char *name;
	const char *bind;
	const char *advertised;  /**< "": bind */
	const char *certificate; /**< TLS: paths */
	const char *key;
};

/** @return 0, or ENOENT behind the last */
typedef int(wire_socket_h)(size_t index, struct wire_socket *socketp,
			   void *arg);

/** Bounds of connections; all zero: those of the specification */
struct wire_limits {
	uint32_t per_source;
	uint32_t total;
	uint32_t half_ms; /**< Half a message, or half a handshake */
	uint32_t idle_ms; /**< Neither dialog nor binding, and nothing said */
	uint32_t connect_ms; /**< Until the peer has accepted */
	size_t queue_bytes;  /**< Waiting to be sent on one */
};

/** What wire stands on */
struct wire_base {
	struct ev *ev;
	const struct log *log;
	struct catalog_reader *catalog; /**< For guard; may be NULL */
	wire_socket_h *socketh;
	void *arg;
	struct wire_limits limits;
};

/** A datagram that waits to be sent */
struct packet;

struct listener {
	struct wire_listener pub;
	struct wire *wire;
	uint16_t index;
	bool is_seen; /**< While the table is read anew */
	int fd;       /**< Duplicate; -1: gone */
	ino_t inode;  /**< Of the socket, whatever its number is */
	struct ev_watch *watch;

	struct packet *head, *tail; /**< UDP: what waits, oldest first */
	uint32_t packetc;
	size_t packet_bytes;
	bool is_full; /**< The kernel takes no more: EV_WRITE tells */

	struct wire_tls *tls; /**< TLS: as server; NULL: no certificate */
};

/** How the system would reach an address */
struct route_row {
	struct addr remote; /**< Without port; family 0: free */
	struct addr local;  /**< Family 0: not at all */
	int64_t until_us;
};

struct failure {
	struct flow to;
	int err;
};

struct wire {
	struct wire_args args;
	struct wire_base base;
	struct ev_late late;
	struct listener *rows[WIRE_LISTENERS_MAX];
	size_t rowc;
	struct wire_udp *udp;
	struct wire_streams *streams;
	int route_fds[2]; /**< IPv4, IPv6; -1: none */
	struct route_row *routes;
	struct failure failures[WIRE_FAILURES_MAX];
	size_t failurec;
};

/* wire.c */
int wire_alloc_on(struct wire **wirep, const struct wire_args *args,
		  const struct wire_base *base);
/** Whatever waits is done at the end of this turn */
void wire_later(struct wire *wire);
/** Tell failh at the end of the turn, never from within a call of its owner */
void wire_failed(struct wire *wire, const struct flow *to, int err);
/** A message has come in */
void wire_received(struct wire *wire, const struct flow *from, char *data,
		   size_t len, int64_t age_us);

/* wire_udp.c */
int wire_udp_alloc(struct wire_udp **udpp);
struct wire_udp *wire_udp_free(struct wire_udp *udp);
int wire_udp_open(struct listener *l);
void wire_udp_close(struct listener *l);
int wire_udp_send(struct listener *l, const struct flow *to, const void *data,
		  size_t len);
void wire_udp_flush(struct listener *l);

/* wire_gate.c */
/** Trace it, and ask guard; what is refused is answered from in here
 *  @return shall it be parsed? */
bool wire_gate_in(struct wire *wire, const struct flow *from, char *data,
		  size_t len, int64_t age_us);
void wire_gate_out(struct wire *wire, const struct flow *to, const void *data,
		   size_t len);

#endif
