/**
 * @file shared/ipc/bus.h  Messages between the daemons
 *
 * ZeroMQ's protocol on Unix sockets in the run directory, spoken by the loop
 * itself (zmtp.h): every daemon binds one ROUTER and connects one DEALER to
 * each peer that topology.c links it to. A peer that is away is no error:
 * requests wait within their deadline and are sent again (same id) until they
 * are answered or given up. Every request may be repeated; the receiver
 * answers a repeat as it answered the first.
 *
 * Both sides of a link may ask: a daemon reaches those it links to, and those
 * that have linked to it. Who a message is from its connection has said, and
 * the header must agree; so the rights on the socket, 0660, are what keeps
 * others from taking a peer's name.
 *
 * bus_dispatch() is the one door: it refuses what has no header, no body, an
 * unknown body, a body without a row, a wrong sender, too many bytes or a
 * deadline that has passed, and counts each apart. No handler checks these
 * again. A request that is refused for want of a row, its sender or by its
 * handler is answered with Refused, which the asker gets as its reply.
 *
 * Bounds: one message 64 KB, unpacked 256 KB; 65,536 requests wait, with 64 MB
 * of what may have to be sent (again), and 10,000 per link that could not be
 * sent yet; 4 MB per connection that its socket did not take, 64 connections
 * to one process; 4,096 answers and 4 MB kept for repeats; 256 messages per
 * connection and turn.
 */
#ifndef TANDEM_IPC_BUS_H
#define TANDEM_IPC_BUS_H

#include <stddef.h>
#include <stdint.h>

#include "proto/envelope.pb-c.h"
#include "shared/ipc/peer.h"

#define BUS_BODY(x) TANDEM__ENVELOPE__BODY_##x

enum {
	BUS_BYTES_MAX = 64 << 10, /**< One message */
	BUS_PENDING_MAX = 65536,  /**< Requests that wait for an answer */
	BUS_QUEUE_MAX = 10000,    /**< Messages that wait for a peer, beside
				   *   what its connection has taken */
	BUS_BODYC = 64,           /**< Body numbers lie below */
};

struct bus;
struct ev;
struct log;

/** A row of a daemon's dispatch.c: a message it accepts, and from whom.
 *  Replies need no row: they go to whoever asked. */
struct bus_route {
	enum peer from; /**< PEER_NONE: no row */
	int (*handler)(void *state, const Tandem__Envelope *env, int tag);
	int tag; /**< Handed to the handler, e.g. an event */
};

/** A process this one may connect to */
struct bus_link {
	struct peer_id id;
};

struct bus_args {
	struct ev *ev;
	struct peer_id self;
	const char *dir; /**< Endpoints are DIR/<peer>.<worker>/bus */
	const struct bus_link *links; /**< To whom this one connects */
	size_t linkc;
	const struct bus_route *routes; /**< By body number; may be shorter */
	size_t routec;
	void *state; /**< Of the handlers */
	const struct log *log;
};

/** Bind and connect. What args points to may go, the routes, state and log
 * aside. */
int bus_alloc(struct bus **busp, const struct bus_args *args);

/** Requests that wait are given up with ECANCELED. Not from a handler. */
struct bus *bus_free(struct bus *bus);

/** The links changed (another number of workers). What waits for a peer that
 *  is no longer linked is given up with EHOSTUNREACH. Not from a handler.
 *  @return 0, EINVAL for a link twice or to ourselves, otherwise errorcode;
 *          on error nothing has changed */
int bus_links_set(struct bus *bus, const struct bus_link *links, size_t linkc);

/** The answer to a request, a Refused among them, or NULL with ETIMEDOUT,
 *  EHOSTUNREACH (no such link any more) or ECANCELED (the bus is freed).
 *  Called exactly once per request; the reply is gone when it returns. */
typedef void(bus_reply_h)(int err, const Tandem__Envelope *reply, void *arg);

struct bus_request {
	struct peer_id to;
	uint64_t call;        /**< 0: no call's business */
	uint32_t deadline_ms; /**< From now, not 0; later it is dropped */
	uint32_t retry_ms;    /**< Send again after so long; 0: once */
	bus_reply_h *h;       /**< NULL: a notice, nothing comes back */
	void *arg;
};

/**
 * Send a request or a notice
 *
 * @param env Body filled in; the header is the bus's to write
 * @param idp Id of the request, for bus_cancel(); may be NULL
 *
 * @return 0 if success; then h is called, and never from in here. ENOBUFS if
 *         too many wait, EMSGSIZE, EHOSTUNREACH if there is no such link,
 *         otherwise errorcode
 */
int bus_send(struct bus *bus, const struct bus_request *req,
	     Tandem__Envelope *env, uint64_t *idp);

/** Forget a request; its h is not called any more */
void bus_cancel(struct bus *bus, uint64_t id);

/** Answer the request being handled, or one whose header was copied
 *  @return 0, EINVAL for a notice, EALREADY if it was answered, EHOSTUNREACH
 *          or ENOBUFS if the asker is away (it will repeat the request and
 *          then get this answer), EMSGSIZE, otherwise errorcode */
int bus_reply(struct bus *bus, const Tandem__Header *hdr,
	      Tandem__Envelope *env);

/** For tests: so many of 100 messages, either way, are lost on the way. */
void bus_loss_set(struct bus *bus, uint32_t percent);

/** Why a message was refused; label values of tandem_bus_refused_total */
enum bus_refusal {
	BUS_OK,
	BUS_TOO_LARGE,
	BUS_MALFORMED,
	BUS_NO_HEADER,
	BUS_NO_BODY,
	BUS_NO_ROUTE,
	BUS_WRONG_SENDER,
	BUS_TOO_LATE,
	BUS_HANDLER, /**< The handler failed */
	BUS_REFUSALC
};

/** The door: decode, check, and call the row's handler. Pure but for the
 *  handler and the counters: fuzzed as it is. The message is gone when the
 *  handler returns; it needs 256 KB of stack. */
enum bus_refusal bus_dispatch(const struct bus_route *routes, size_t routec,
			      void *state, struct peer_id sender,
			      int64_t now_us, const uint8_t *data, size_t len);

struct bus_peer_status {
	struct peer_id id;
	uint32_t up;      /**< Answered one of its last 3 pings */
	uint32_t pending; /**< Requests that wait for it */
	int64_t rtt_us;   /**< Of the last ping; -1: none yet */
};
size_t bus_status(const struct bus *bus, struct bus_peer_status *rows,
		  size_t rowc);

#endif
