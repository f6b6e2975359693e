/**
 * @file sipd/wire.h  Sockets: bytes in, bytes out
 *
 * UDP on the sockets the supervisor holds, in batches both ways; TCP and TLS
 * connections (wire_tcp.c, wire_tls.c), framed and bounded. What comes in
 * passes guard and trace before anything is parsed. Datagrams that go out are
 * queued and leave at the end of the turn, or when 64 wait; on a connection
 * they leave at once, or when it is open. Handlers are called by the loop,
 * never from within a call of wire.
 */
#ifndef TANDEM_SIPD_WIRE_H
#define TANDEM_SIPD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "sipd/head.h"

struct guard;
struct svc;
struct trace;
struct wire;

/** Between which ends a message travels; lies in shared memory. Of a stream
 *  conn names the connection, and one that is gone is opened anew to
 *  remote. */
struct flow {
	struct addr remote;
	uint32_t conn;     /**< Streams: number of the connection; 0: none */
	uint16_t listener; /**< Index for wire_listener() */
	uint8_t transport; /**< enum transport */
	uint8_t is_loop;   /**< The switch itself: it takes no socket */
};
_Static_assert(sizeof(struct flow) == 32, "lies in shared memory");

/** One of ours, as peers know it */
struct wire_listener {
	char name[64];          /**< In the node file */
	struct addr bind;       /**< With its port */
	char host[72];          /**< Advertised; IPv6 in brackets */
	struct addr advertised; /**< Its address, if host is one; else none */
	uint16_t port;
	uint8_t transport; /**< enum transport */
	bool is_gone;      /**< No longer in the node file */
};

/** A whole message has come, or a datagram that may be one. data may be
 *  written to, is NUL-free no more than the peer made it, and is gone when
 *  this returns. age_us: how long it lay in the socket. */
typedef void(wire_receive_h)(const struct flow *from, char *data, size_t len,
			     int64_t age_us, void *arg);
/** Is this INVITE, which load would refuse, a copy of one that was let in? It
 *  is not handled yet; data may be written to. */
typedef bool(wire_copy_h)(const struct flow *from, char *data, size_t len,
			  void *arg);
/** What was sent to there did not arrive: refused, unreachable, connection
 *  failed or lost. err: errno. */
typedef void(wire_fail_h)(const struct flow *to, int err, void *arg);

struct wire_args {
	struct svc *svc; /**< Its sockets, loop and log */
	struct guard *guard;
	struct trace *trace;
	wire_receive_h *receiveh;
	wire_copy_h *copyh; /**< NULL: nothing is */
	wire_fail_h *failh;
	void *arg;
};

int wire_alloc(struct wire **wirep, const struct wire_args *args);
struct wire *wire_free(struct wire *wire);

/** Sockets came or went with a new node file, or certificates changed */
int wire_reload(struct wire *wire);

/** Never NULL: one that is gone keeps its number, and is skipped by
 *  wire_listener_find(); a number that was never given out is one that is gone
 *  too */
const struct wire_listener *wire_listener(const struct wire *wire,
					  uint16_t index);
size_t wire_listenerc(const struct wire *wire);

/** The listener from which remote is to be reached
 *
 * @param local_ip "auto" or "": by the system's routing table; else the
 *                 listener with that bind or advertised address, name or
 *                 port
 *
 * @return 0, or ENOENT: none of that transport and address family
 */
int wire_listener_find(const struct wire *wire, uint16_t *indexp,
		       enum transport transport, const char *local_ip,
		       const struct addr *remote);

/** Is this one of our own addresses (with its port, if it has one)? */
bool wire_is_own(const struct wire *wire, const struct addr *addr);

/** Queue a message; it is copied. Errors come by failh.
 *  @return 0, EMSGSIZE, ENOBUFS, ENOTCONN (a stream that cannot be opened) */
int wire_send(struct wire *wire, const struct flow *to, const void *data,
	      size_t len);

/** The name under which remote was found: what a TLS server there is asked
 *  for. The last of a bounded number of them are remembered. */
void wire_server_name(struct wire *wire, const struct addr *remote,
		      struct text name);

/** The way to ourselves. @return 0, ENOENT: there is no UDP listener */
int wire_own_flow(const struct wire *wire, struct flow *flow);

/** Send what is queued now */
void wire_flush(struct wire *wire);

/** A connection belongs to a dialog or binding: it is not closed as idle.
 *  Counted; let go with false. */
void wire_hold(struct wire *wire, const struct flow *flow, bool hold);

/** Is there still the connection of this number? A datagram needs none. */
bool wire_lives(const struct wire *wire, const struct flow *flow);

/** Somebody is registered over a connection, or not any more: it is not closed
 *  as idle. Not counted. */
void wire_keep(struct wire *wire, const struct flow *flow, bool keep);

/** Nothing more is read from a connection: it is closed when what is queued
 *  for it has left. Datagrams: nothing. */
void wire_end(struct wire *wire, const struct flow *flow);

#endif
