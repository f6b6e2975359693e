/**
 * @file sipd/wire_parts.h  What the files of wire share
 *
 * Nobody else includes this, tests aside.
 *
 *     wire.c         listeners and sending
 *     wire_route.c   which listener reaches whom
 *     wire_svc.c     the sockets of the daemon
 *     wire_udp.c     datagrams in batches
 *     wire_gate.c    guard and trace
 *     wire_refuse.c  503 without a parser
 *     wire_stream.c  connections: table, states, deadlines
 *     wire_accept.c  connections: those that strangers open, bounded
 *     wire_io.c      connections: bytes to messages and back
 *     wire_tcp.c     sockets of connections
 *     wire_tls.c     TLS on them
 */
#ifndef TANDEM_SIPD_WIRE_PARTS_H
#define TANDEM_SIPD_WIRE_PARTS_H

#include <sys/types.h>

#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/ev/ev.h"
#include "sipd/wire.h"

struct catalog_reader;
struct map;
struct refused;
struct wire_session;
struct wire_streams;
struct wire_tls;
struct wire_udp;

enum {
	WIRE_BATCH = 64,           /**< Datagrams per system call */
	WIRE_DATAGRAM_MAX = 65536, /**< More than UDP can carry */
	WIRE_LISTENERS_MAX = 256,
	WIRE_WHY_MAX = 256,
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
	size_t bytes;        /**< Kept for all: unfinished and unsent */
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
	bool is_full;  /**< The kernel takes no more: EV_WRITE tells */
	bool may_cut;  /**< UDP: into fragments */
	bool has_runs; /**< UDP: the kernel takes many of one size as one */

	struct ev_timer again; /**< Streams: accepting, after it failed */
	struct wire_tls *tls;  /**< TLS: as server; NULL: no certificate */
};

enum conn_state {
	CONN_CONNECTING,
	CONN_SHAKING, /**< TLS is being agreed upon */
	CONN_OPEN,
	CONN_CLOSING, /**< The last words leave, nothing is listened to */
	CONN_DEAD     /**< In no table; freed at the end of the turn */
};

/** What of a stream waits to be sent */
struct conn_chunk {
	struct conn_chunk *next;
	size_t len, at;
	char data[];
};

/** Who is on the other side; no padding: bytes are compared */
struct conn_key {
	struct addr remote;
	uint16_t listener;
	uint16_t transport;
};
_Static_assert(sizeof(struct conn_key) == 28, "no padding");

struct conn_source;

struct conn {
	struct map_link by_number;
	struct map_link by_key;
	struct conn *next; /**< Of the dead */
	uint32_t number;
	struct conn_key key;
	bool has_key; /**< It is in by_key: the first one to there */
	struct wire *wire;
	struct conn_source *source; /**< NULL: we opened it */
	enum conn_state state;
	uint32_t holdc;
	bool is_kept; /**< Somebody is registered over it */

	int fd;
	struct ev_watch *watch;
	int flags; /**< Watched for */
	struct ev_timer timer;
	int64_t begun_us; /**< Its state */
	int64_t said_us;  /**< Something was sent or received */
	int64_t half_us; /**< The unfinished message began; 0: there is none */
	struct wire_session *session; /**< TLS */

	char *in; /**< The unfinished message; NULL: there is none */
	size_t in_len, in_size;
	size_t seen;    /**< Bytes of it that hold no end of the header */
	unsigned crlfc; /**< Of CRLFCRLF */

	struct conn_chunk *head, *tail;
	size_t out_bytes;
};

struct wire_streams {
	struct map *by_number;
	struct map *by_key;
	struct map *sources;
	struct conn *dead;
	struct wire_limits limits;
	uint32_t number; /**< The last one given out */
	struct wire_tls *client;
	struct wire_name *names; /**< Of servers; NULL: none known */
	char *buffer;            /**< WIRE_DATAGRAM_MAX */
	size_t bytes;            /**< Kept for all of them */
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
	struct refused *refused;
	int route_fds[2]; /**< IPv4, IPv6; -1: none */
	struct route_row *routes;
	struct failure failures[WIRE_FAILURES_MAX];
	size_t failurec;
	struct ev_timer loop;
	struct wire_looped *loop_head, *loop_tail;
	size_t loopc;
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

/* wire_loop.c */
int wire_loop_put(struct wire *wire, const struct flow *to, const void *data,
		  size_t len);
void wire_loop_drop(struct wire *wire);

/* wire_route.c */
int wire_routes_open(struct wire *wire);
void wire_routes_close(struct wire *wire);
void wire_routes_forget(struct wire *wire);
/** Can it reach remote at all? */
bool wire_listener_fits(const struct wire_listener *l,
			enum transport transport, const struct addr *remote);

/* wire_udp.c */
int wire_udp_alloc(struct wire_udp **udpp);
struct wire_udp *wire_udp_free(struct wire_udp *udp);
int wire_udp_open(struct listener *l);
void wire_udp_close(struct listener *l);
int wire_udp_send(struct listener *l, const struct flow *to, const void *data,
		  size_t len);
void wire_udp_flush(struct listener *l);

/* wire_stream.c */
int wire_streams_alloc(struct wire_streams **sp,
		       const struct wire_limits *limits);
struct wire_streams *wire_streams_free(struct wire_streams *s);
/** A descriptor becomes a connection, which owns it even if this fails */
int conn_add(struct conn **cp, struct listener *l, const struct addr *remote,
	     int fd, enum conn_state state);
/** tls NULL: ENOTSUP */
int conn_begin_session(struct conn *c, const struct wire_tls *tls,
		       const char *name);
/** Those that died in this turn */
void wire_stream_bury(struct wire_streams *s);
/** The connection of a flow, by number or else by remote; NULL: none */
struct conn *conn_find(const struct wire *wire, const struct flow *flow);
int conn_open(struct wire *wire, struct conn **cp, struct listener *l,
	      const struct addr *remote);
/** Watch for what its state needs, and until when */
void conn_await(struct conn *c);
/** It is over, and whoever sent over it is told err; 0: nobody */
void conn_lose(struct conn *c, int err);
struct flow conn_flow(const struct conn *c);

/* wire_accept.c */
int wire_stream_open(struct listener *l);
void wire_stream_close(struct listener *l);
/** source may be NULL */
void conn_source_give(struct wire_streams *s, struct conn_source *source);

/* wire_io.c */
/** Everything of what fits is taken: 0, or ENOBUFS */
int conn_send(struct conn *c, const void *data, size_t len);
void conn_flush(struct conn *c);
void conn_receive(struct conn *c);
void conn_discard(struct conn *c);

/* wire_tcp.c: 0 or errno; EAGAIN: not now; ESHUTDOWN: its end */
int wire_tcp_accept(int listener, int *fdp, struct addr *remotep);
/** @return also EINPROGRESS, with a descriptor */
int wire_tcp_connect(int *fdp, const struct addr *local,
		     const struct addr *remote);
int wire_tcp_result(int fd);
int wire_tcp_read(int fd, void *data, size_t size, size_t *lenp);
int wire_tcp_write(int fd, const void *data, size_t len, size_t *lenp);

/* wire_tls.c: likewise */
/** As a server, with certificate chain and key in files (PEM) */
int wire_tls_server(struct wire_tls **tlsp, const char *certificate,
		    const char *key, char why[WIRE_WHY_MAX]);
int wire_tls_client(struct wire_tls **tlsp);
struct wire_tls *wire_tls_free(struct wire_tls *tls);
/** name: for SNI; NULL: none. The session outlives tls. */
int wire_session_alloc(struct wire_session **sp, const struct wire_tls *tls,
		       int fd, const char *name);
struct wire_session *wire_session_free(struct wire_session *s);
int wire_session_shake(struct wire_session *s);
int wire_session_read(struct wire_session *s, void *data, size_t size,
		      size_t *lenp);
int wire_session_write(struct wire_session *s, const void *data, size_t len,
		       size_t *lenp);
/** Must it be called again when the socket can be written? */
bool wire_session_wants_write(const struct wire_session *s);
/** Is there more that the socket does not tell of? */
bool wire_session_has_more(const struct wire_session *s);
void wire_session_end(struct wire_session *s);

/* wire_gate.c */
/** Trace it, and ask guard; what is refused is answered from in here
 *  @return shall it be parsed? */
bool wire_gate_in(struct wire *wire, const struct flow *from, char *data,
		  size_t len, int64_t age_us);
void wire_gate_out(struct wire *wire, const struct flow *to, const void *data,
		   size_t len);

#endif
