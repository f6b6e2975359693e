/**
 * @file sipd/txn_int.h  What the parts of the transaction layer share
 *
 * A transaction is a place in a slab and up to two buffers: its part (what
 * only its side needs, and the text it works with) and the message that may
 * have to be sent again. One timer serves both the list and the deadline.
 */
#ifndef TANDEM_SIPD_TXN_INT_H
#define TANDEM_SIPD_TXN_INT_H

#include "shared/base/map.h"
#include "shared/ev/ev.h"
#include "sipd/compose.h"
#include "sipd/txn.h"
#include "sipd/txn_buf.h"
#include "sipd/txn_fsm.h"

enum txn_side {
	TXN_FREE,
	TXN_SERVER,
	TXN_CLIENT
};

/** Those that wait for something from one place, so that a failure of it
 *  finds them */
struct txn_dest {
	struct map_link link;
	struct txn_dest *idle;
	struct txn *first;
	uint8_t key[sizeof(struct addr) + 1]; /**< Address, transport */
};

struct recent;

struct txn_server {
	struct map_link merge; /**< keylen 0: not in the map */
	struct txn *owner;
	struct txn_resend resend;
	char *head; /**< NULL: nothing will be said any more */
	uint32_t headl;
	uint32_t lines;         /**< Offset of its first header */
	uint32_t to_end;        /**< Offset behind the value of To */
	uint32_t routes;        /**< Offset of the first Record-Route */
	uint8_t reply;          /**< enum txn_reply_address */
	char tag[TXN_TAG_SIZE]; /**< Ours; empty: To had one */
				/* the keys stand behind it */
};

struct txn_client {
	struct txn_resend resend;
	int64_t start_ms;
	struct text heads; /**< For a CANCEL; a buffer of its own */
	char key[1 + TXN_BRANCH_SIZE];
	char *outline; /**< INVITE: what ACK and CANCEL are made of; NULL:
			* there will be none */
	uint32_t to;   /**< Offset in outline where To begins */
	uint32_t end;  /**< Of outline */
};

struct txn {
	struct txns *txns;
	struct map_link link; /**< In servers or clients */
	struct ev_timer timer;
	int64_t resend_ms;     /**< When the next copy is due; 0: none */
	int64_t deadline_ms;   /**< 0: none */
	void *part;            /**< struct txn_server, struct txn_client */
	char *message;         /**< What may be sent again */
	struct txn_dest *dest; /**< NULL: a failure does not matter */
	struct txn *dest_next;
	struct txn *dest_prev;
	union {
		txn_event_h *eventh;
		txn_response_h *responseh;
	};
	void *arg;
	uint64_t user;
	struct flow flow; /**< Where its messages go */
	uint32_t message_len;
	uint32_t incarnation;
	uint32_t index;
	uint32_t next_free;
	int fail_err;    /**< To be told in the next turn */
	uint8_t side;    /**< enum txn_side */
	uint8_t state;   /**< Of the side */
	uint8_t method;  /**< enum method */
	uint8_t resendc; /**< Copies sent by the list, the first aside */
	bool is_timeout; /**< deadline_ms is the request's own */
};
_Static_assert(sizeof(struct txn) <= 256, "there are many of them");

enum {
	TXN_CHUNK = 256,
	TXN_CHUNKS_MAX = 8192, /**< Two million transactions */
	TXN_SCRATCH_SIZE = 2 * MESSAGE_BYTES_MAX,

	/** What every response to a request says again: its Via lines, From,
	 *  To, Call-ID, CSeq, Record-Route. Beside it any response fits, with
	 *  SDP (SDP_BYTES_MAX) and all lines of ours: none is too long to be
	 *  sent. */
	TXN_HEAD_MAX = 32768,
};

struct txns {
	struct txns_args args;
	struct map *servers;
	struct map *merges;
	struct map *clients;
	struct map *dests;
	struct txn_dest *idle_dests;
	struct txn *chunks[TXN_CHUNKS_MAX];
	uint32_t chunkc;
	uint32_t free; /**< First free place; UINT32_MAX: none */
	size_t count;
	struct txn_bufs bufs;
	struct recent *answered; /**< NULL: nobody answers copies */
	char *keys;              /**< Scratch: keys of a request */
	char *out;               /**< Scratch: a message before it is sent */
};

static inline struct txn_server *txn_server_of(const struct txn *t)
{
	return t->part;
}

static inline struct txn_client *txn_client_of(const struct txn *t)
{
	return t->part;
}

/* --- txn.c ---------------------------------------------------------------- */

extern const struct txn_resend txn_resend_default;

struct txn *txn_alloc(struct txns *txns, enum txn_side side, txn_id *idp);
/** Gives up all it has; stale from now on */
void txn_free(struct txn *t);
/** NULL if the id is stale, or of the other side */
struct txn *txn_find(const struct txns *txns, txn_id id, enum txn_side side);
txn_id txn_id_of(const struct txn *t);

bool txn_is_stream(const struct txn *t);
int64_t txn_now_ms(const struct txn *t);
/** Its list; as it may lie in shared memory, with no more waits than fit */
const struct txn_resend *txn_list(const struct txn *t);

/** The state is this from now on: its deadline and all that it says */
void txn_enter(struct txn *t, uint8_t state);
/** Start the time the state may last again */
void txn_wait(struct txn *t);
/** Begin the list: the first copy is sent now */
void txn_list_start(struct txn *t);
/** Set the timer by what is due next */
void txn_arm(struct txn *t);

/** A failure is told in the next turn, never from here */
void txn_put(struct txn *t, const void *data, size_t len);
void txn_put_again(struct txn *t);
/** Keep what was sent; ENOMEM: as before */
int txn_keep(struct txn *t, const void *data, size_t len);
void txn_drop(struct txn *t);

/* --- txn_dest.c ----------------------------------------------------------- */

int txn_dest_join(struct txn *t);
void txn_dest_leave(struct txn *t);
void txn_dests_done(struct txns *txns);

/* --- txn_server.c --------------------------------------------------------- */

void txn_server_receive(struct txns *txns, const struct message *m,
			const struct flow *from);
void txn_server_handle(struct txn *t, enum txn_server_event event,
		       const struct message *m, const struct flow *from);

/* --- txn_head.c ----------------------------------------------------------- */

/** What two requests have to share to be the same, or merged */
struct txn_keys {
	struct text key;
	struct text merge; /**< Empty: To has a tag, or From has none */
	uint64_t hash, merge_hash;
};

/** Key of the transaction that this is a request (or ACK, CANCEL) of; in
 *  txns->keys. to_tag: RFC 2543's. @return false: too long */
bool txn_head_keys(struct txns *txns, struct txn_keys *keys,
		   const struct message *m, enum method method,
		   struct text to_tag);
bool txn_has_cookie(const struct message *m);
/** That of a response which nothing is kept of, and of one to a REGISTER: the
 *  worker's mark, and what the request's own branch makes of a secret */
void txn_tag_of(char tag[TXN_TAG_SIZE], const struct txns *txns,
		const struct message *m);

/** Give a new transaction its part: its keys, and the head of its responses,
 * in which the top Via says where the request came from; without from it stays
 *  as it is. @return 0, ENOMEM, EMSGSIZE, EEXIST */
int txn_head_make(struct txn *t, const struct message *m,
		  const struct flow *from, const struct txn_keys *keys);
/** Lines Via of a response; the top one says where the request came from */
void txn_head_vias(struct compose *c, const struct message *m,
		   const struct flow *from);
/** Where they go if the connection is gone: to where it came from, at the port
 *  of the top Via (18.2.2) */
void txn_head_reach(struct txn *t);
/** Where responses go by the top Via */
void txn_head_reply_to(struct txn *t, enum txn_reply_address how);

/* --- txn_answered.c ------------------------------------------------------- */

int txn_answered_alloc(struct txns *txns);
/** A row instead of this INVITE, whose 2xx was ACKed: it may be freed
 *  @return false: there is no room, or it is not one of those */
bool txn_answered_add(const struct txn *t);
/** It is looked for soon, and may become one */
void txn_answered_ahead(const struct txns *txns, const struct txn_keys *keys);
/** Is it a copy of one of those? */
bool txn_answered_knows(const struct txns *txns, const struct txn_keys *keys);
/** A copy of one is answered or swallowed, a merged one refused
 *  @return false: it is none of those */
bool txn_answered_receive(struct txns *txns, const struct message *m,
			  const struct flow *from,
			  const struct txn_keys *keys);

/* --- txn_client.c --------------------------------------------------------- */

void txn_client_receive(struct txns *txns, const struct message *m,
			const struct flow *from);
void txn_client_handle(struct txn *t, enum txn_client_event event,
		       const struct message *m, const struct flow *from);
/** In no state yet, and nothing is sent. @return 0, EINVAL, EMSGSIZE, ENOMEM,
 *          EEXIST */
int txn_client_make(struct txns *txns, const struct txn_send *send,
		    struct txn **tp);
/** Lines for its CANCEL */
void txn_client_heads(struct txn *t, struct text heads);
/** CANCEL it; past: a predecessor has, so long ago; NULL: now */
void txn_client_cancel(struct txn *t, const struct txn_past *past);
/** T1 counts only where the list does not end before; 0: there is none */
void txn_client_deadline(struct txn *t, uint32_t timeout_ms);

#endif
