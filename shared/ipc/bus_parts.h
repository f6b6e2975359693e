/**
 * @file shared/ipc/bus_parts.h  What the files of the bus share
 *
 * Nobody else includes this, tests aside.
 *
 *     bus.c           the bus and its links, pings
 *     bus_port.c      to whom there are connections, and what goes out on them
 *     bus_conn.c      a connection
 *     bus_receive.c   what is done with a message that has come
 *     bus_request.c   requests: sent, repeated, answered, given up
 *     bus_pending.c   the table of those that wait
 *     bus_dispatch.c  the door
 *     bus_replay.c    answers kept for repeats
 */
#ifndef TANDEM_IPC_BUS_PARTS_H
#define TANDEM_IPC_BUS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include "shared/base/map.h"
#include "shared/ev/ev.h"
#include "shared/ipc/bus.h"

/* The door */

enum {
	ARENA_BYTES = 256 << 10
};

/** Where one message is unpacked. A message of 64 KB whose every two bytes
 *  are an element would take megabytes; here it does not decode. */
struct arena {
	size_t used;
	_Alignas(16) uint8_t bytes[ARENA_BYTES];
};

/** First half: is this a message, from whom it says, and in time?
 *  *envp lies in the arena; NULL if it does not decode, else set also when
 *  the message is refused. */
enum bus_refusal envelope_open(struct arena *arena, Tandem__Envelope **envp,
			       struct peer_id sender, int64_t now_us,
			       const uint8_t *data, size_t len);

/** Second half: which row is it? */
enum bus_refusal envelope_route(const struct bus_route **routep,
				const struct bus_route *routes, size_t routec,
				const Tandem__Envelope *env);

/** "ping", for the trace */
const char *envelope_body_name(const Tandem__Envelope *env);

/* Answers kept for repeats */

enum {
	REPLAY_MAX = 4096,          /**< Requests remembered */
	REPLAY_BYTES_MAX = 4 << 20, /**< Of all their answers */
};

enum replay_found {
	REPLAY_NEW,      /**< From now on remembered */
	REPLAY_WORKING,  /**< Its first is being worked on */
	REPLAY_ANSWERED, /**< The answer is given */
};

struct replay;

int replay_alloc(struct replay **replayp);
struct replay *replay_free(struct replay *replay);

/** A request has come; datap and lenp are the answer if there is one */
enum replay_found replay_begin(struct replay *replay,
			       const Tandem__Header *hdr,
			       const uint8_t **datap, size_t *lenp);

/** It is answered. @return 0, EALREADY if it was before; a request that is not
 *  remembered any more is no error */
int replay_answer(struct replay *replay, const Tandem__Header *hdr,
		  const uint8_t *data, size_t len);

/* Requests that wait */

enum {
	PENDING_BYTES_MAX = 64 << 20, /**< Kept to be sent (again) */
};

struct dealer;

struct pending {
	uint64_t id;    /**< 0: not in use */
	uint32_t place; /**< In the table */
	struct bus *bus;
	struct dealer *dealer; /**< NULL: to a peer that connects to us */
	struct peer_id to;
	bool is_waiting; /**< In its dealer's list: not sent yet */
	struct pending *next;
	struct pending *prev;

	struct ev_timer timer; /**< For what comes first of the next two */
	int64_t deadline_us;
	int64_t retry_us;
	uint32_t retry_ms; /**< 0: sent once */

	bus_reply_h *h; /**< NULL: a notice that could not be sent yet */
	void *arg;

	uint8_t *data; /**< Encoded; kept if it may be sent (again) */
	size_t len;
	size_t room;
};

struct pendings;

/** random: any number; ids ascend from it, so that an answer meant for our
 *  predecessor finds nothing */
int pendings_alloc(struct pendings **tablep, uint64_t random);

/** Timers must not run any more */
struct pendings *pendings_free(struct pendings *table);

/** @return 0, ENOBUFS if BUS_PENDING_MAX wait, ENOMEM */
int pendings_take(struct pendings *table, struct pending **pp);
void pendings_give(struct pendings *table, struct pending *p);

/** NULL if it does not wait any more */
struct pending *pendings_find(const struct pendings *table, uint64_t id);

/** Keep a copy. @return 0, ENOBUFS beyond PENDING_BYTES_MAX, ENOMEM */
int pending_keep(struct pendings *table, struct pending *p,
		 const uint8_t *data, size_t len);

/** The next one in use, from index *ip onwards; NULL at the end */
struct pending *pendings_next(const struct pendings *table, uint32_t *ip);

uint32_t pendings_count(const struct pendings *table);

/* The bus */

enum {
	OUT_MAX = 64,                  /**< Messages that go out together */
	OUT_BYTES = 2 * BUS_BYTES_MAX, /**< One always fits */
};

enum bus_conn_state {
	BUS_CONN_NEW,     /**< Nothing has come, or half a greeting */
	BUS_CONN_GREETED, /**< Not yet who it is */
	BUS_CONN_OPEN
};

/** A connection, of a link or to our router */
struct bus_conn {
	struct bus_conn *next;
	struct port *port;
	struct ev_watch *watch;
	int fd;
	enum bus_conn_state state;
	struct peer_id id; /**< Whose it is */
	bool has_id;       /**< Else it said another name than a peer's */
	bool has_more;     /**< The message goes on in the next frame */
	bool is_broken;    /**< Nothing is sent any more */
	bool is_dirty;     /**< To be read on in the next turn */
	bool is_due;       /**< In this one */
	uint32_t left;     /**< Of the budget of this turn */

	uint8_t *out; /**< What the socket did not take */
	size_t out_at, out_len, out_room;

	size_t in_len;
	uint8_t in[OUT_BYTES + 16]; /**< The largest message, with its head */
};

/** Connections of one kind, and what was said to one peer in this turn: it
 *  goes out as one message, since what it costs to wake the other side is the
 *  same for one as for many */
struct port {
	struct bus *bus;
	struct dealer *dealer;  /**< NULL: the router */
	struct bus_conn *conns; /**< The newest first; of a link one at most */
	uint32_t connc;
	struct sockaddr_un at; /**< Of whom it connects to, or our own */
	int fd;                /**< The router's, to accept from; -1: none */
	struct ev_watch *watch;
	struct ev_timer retry; /**< To connect, or to accept, again */
	uint32_t retry_ms;
	struct ev_late late; /**< Send */
	bool is_dirty;       /**< To be looked at in the next turn */
	bool is_stuck;       /**< What is to go out was not taken */

	struct peer_id out_to;
	uint32_t outc;
	uint32_t out_used;
	uint8_t out[OUT_BYTES];
};

/** A link: our connection to a peer */
struct dealer {
	struct port port;
	struct peer_id id;
	size_t series; /**< Of its metric */

	struct pending *first; /**< Could not be sent yet, in order */
	struct pending *last;
	uint32_t waitingc;
	uint32_t pendingc;

	bool ping_waits;   /**< To be sent when the peer is there */
	uint32_t answered; /**< Bit n: the ping n seconds ago */
	uint64_t ping_seq;
	int64_t ping_us;
	int64_t rtt_us;
};

struct bus {
	struct ev *ev;
	const struct log *log;
	struct peer_id self;
	uint64_t epoch; /**< Of this process: ids are unique in it */
	char *dir;

	const struct bus_route *routes;
	size_t routec;
	void *state;

	struct port router;
	struct dealer **dealers;
	size_t dealerc;

	struct ev_timer again; /**< 0 ms: the ports that are dirty */
	struct ev_timer tick;  /**< Pings */
	bool is_busy;          /**< A handler may be running */
	bool is_closing;       /**< Nothing is sent any more */
	uint32_t loss_percent; /**< A fault: see bus_loss_set() */
	uint64_t loss_state;   /**< Of its dice */

	struct pendings *pendings;
	struct replay *replay;
	struct arena arena;
	uint8_t scratch[BUS_BYTES_MAX]; /**< The message being encoded */
};

/** Encode with this header; good until the next one; EMSGSIZE if it does not
 *  fit */
int bus_encode(struct bus *bus, Tandem__Envelope *env, Tandem__Header *hdr,
	       const uint8_t **datap, size_t *lenp);

/** Is this message lost? By bus_loss_set(); counted */
bool bus_loses(struct bus *bus);

/** Look at the dirty ports in the next turn */
void bus_look_again(struct bus *bus);

/** Of a link: connect to path now, and again whenever it is lost; of the
 *  router (dealer NULL): listen there */
int port_open(struct port *port, struct bus *bus, struct dealer *dealer,
	      const char *path);
void port_close(struct port *port);

/** What was left of the last turn */
void port_again(struct port *port);

/** conn: to be read on in the next turn; NULL: something is to be sent */
void port_look_again(struct port *port, struct bus_conn *conn);

/** A connection has said who it is */
void port_opened(struct bus_conn *conn);

/** It is at its end, and freed */
void port_lost(struct bus_conn *conn);

/** What had to wait has left */
void port_writable(struct port *port);

/** A connection that was made; fd becomes its own if this succeeds */
int bus_conn_alloc(struct bus_conn **connp, struct port *port, int fd);
struct bus_conn *bus_conn_free(struct bus_conn *conn);

/** @return 0 if it is under way; EAGAIN if there is no room, EPIPE */
int bus_conn_send(struct bus_conn *conn, const uint8_t *data, size_t len);

/** Take what has come; conn may be gone then */
void bus_conn_read(struct bus_conn *conn);

/** The next envelope of a message; false: there is no whole one */
bool envelope_next(const uint8_t **atp, size_t *leftp, size_t *lenp);

/** Send to a connected peer, at the end of this turn. @return 0; EAGAIN if it
 *  is away or its queue is full, EHOSTUNREACH if it has not connected to us,
 *  otherwise errorcode: it was found out with what was sent before */
int port_send(struct port *port, struct peer_id to, const uint8_t *data,
	      size_t len);

/** Now. @return as above; EAGAIN: it stays, to be sent later */
int port_flush(struct port *port);

/** The link to this peer, or NULL */
struct dealer *bus_dealer(const struct bus *bus, struct peer_id id);

/** Ask whether it is there */
void dealer_ping(struct dealer *dealer);
void dealer_publish(const struct dealer *dealer);

/** Something may be sendable again: send what waits, at most budget */
uint32_t dealer_flush(struct dealer *dealer, uint32_t budget);

/** A message has come from this peer, as the connection says */
void message_take(struct bus *bus, struct peer_id sender, const uint8_t *data,
		  size_t len);

/** An answer has come. @return false if nobody waits for it */
bool bus_answered(struct bus *bus, struct peer_id sender,
		  const Tandem__Envelope *env);

/** Refuse a request, so that the asker need not wait for its deadline */
void bus_refuse(struct bus *bus, struct peer_id to, const Tandem__Header *hdr,
		Tandem__RefusedWhy why);

/** Send a whole answer to whoever asked */
int bus_answer(struct bus *bus, struct peer_id to, const uint8_t *data,
	       size_t len);

/** Give up the requests of a link, or all (NULL) */
void bus_give_up(struct bus *bus, const struct dealer *dealer, int err);

#endif
