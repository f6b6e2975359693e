/**
 * @file sipd/txn.h  Transactions (RFC 3261 17, RFC 6026)
 *
 * Client and server, INVITE and not, over any transport. The resend list is
 * the spec's, per transaction (call-setup 6). Who uses a transaction knows it
 * by an id; a stale id does nothing. Handlers are never called from within a
 * function of this header, except those that txn_receive() leads to.
 *
 * Server: a request that is new comes to requesth, once; resent copies, merged
 * requests (482), ACK to a failure and CANCEL of something known are dealt
 * with here. Responses are made from the request's own head, kept as text:
 * Via (with received and rport), From, To, Call-ID, CSeq, Record-Route. That
 * text is all a successor needs to go on (txn_server_adopt()).
 *
 * A 2xx to INVITE is resent until txn_acked(), a reliable 1xx until
 * txn_pracked(), any other final to INVITE until its ACK.
 *
 * Client: the request is resent by the list; a final other than 2xx to INVITE
 * is ACKed here; every 2xx to INVITE (resent, forked, late) comes to the
 * user, who ACKs it. txn_cancel() waits for a provisional by itself.
 */
#ifndef TANDEM_SIPD_TXN_H
#define TANDEM_SIPD_TXN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sipd/message.h"
#include "sipd/wire.h"

struct ev;
struct txns;

typedef uint64_t txn_id; /**< 0: none */

enum {
	TXN_WAITS_MAX = 10,
	TXN_BRANCH_SIZE = 32,
	TXN_TAG_SIZE = 16,
};

/** Waits before each resend; behind the last copy the wait used last comes
 *  once more (waits[0] if count is 0). Fit for shared memory. */
struct txn_resend {
	uint16_t waits_ms[TXN_WAITS_MAX]; /**< [0] is set also if count is 0 */
	uint16_t count;
	uint16_t pad;
};
/** Sum of the list and its last wait: the request timeout */
uint32_t txn_resend_total_ms(const struct txn_resend *resend);

enum txn_event {
	TXN_CANCELLED, /**< Server INVITE without final: CANCEL came, and was
			*   answered 200 */
	TXN_ACKED,     /**< Its final other than 2xx was ACKed */
	TXN_UNACKED,   /**< Its final was not ACKed in the request timeout:
			*   for a 2xx the call has to end */
	TXN_UNPRACKED, /**< Nor its reliable provisional */
	TXN_BROKEN,    /**< A response could not be sent: transport */
};

/** Of server transactions: what happens to the one that user owns */
typedef void(txn_event_h)(txn_id txn, enum txn_event event, void *arg,
			  uint64_t user);

/** Of client transactions: a response, or m NULL and err: ETIMEDOUT the
 *  request had its timeout_ms without any response, EHOSTDOWN the list is
 *  over (and, after a cancel or for an answered request, the wait for the
 *  final), ECONNREFUSED, EHOSTUNREACH ... the transport failed.
 *
 *  After err, and after a final other than 2xx to INVITE, nothing else comes,
 *  but for an INVITE: provisionals that come late are answered with CANCEL
 *  here, and a late 2xx still comes to the user, for the request timeout. */
typedef void(txn_response_h)(txn_id txn, int err, const struct message *m,
			     const struct flow *from, void *arg,
			     uint64_t user);

struct txns_args {
	struct ev *ev;
	char mark[8]; /**< Worker's mark, in every branch and tag; NUL-ended */
	int (*sendh)(const struct flow *to, const void *data, size_t len,
		     void *arg);

	/** A new request, ACK and matched CANCEL aside: has to be answered,
	 *  now or later, or txn_ignore()d */
	void (*requesth)(txn_id txn, const struct message *m,
			 const struct flow *from, void *arg);
	/** An ACK that belongs to a 2xx */
	void (*ackh)(const struct message *m, const struct flow *from,
		     void *arg);
	/** A copy of what txn_reply_anew() has answered; may be NULL: then
	 *  that is txn_reply() */
	void (*againh)(const struct message *m, const struct flow *from,
		       uint64_t user, void *arg);
	/** A response that matches no transaction */
	void (*strayh)(const struct message *m, const struct flow *from,
		       void *arg);
	void *arg;
};

int txns_alloc(struct txns **txnsp, const struct txns_args *args);
struct txns *txns_free(struct txns *txns);

/** A message without fault */
void txn_receive(struct txns *txns, const struct message *m,
		 const struct flow *from);
/** What was sent to there did not arrive (wire_fail_h) */
void txn_fail(struct txns *txns, const struct flow *to, int err);

/** Answer a request that has a fault (message_fault), without a transaction */
void txn_refuse(struct txns *txns, const struct message *m,
		const struct flow *from, unsigned code);

/**
 * Answer a new request without a transaction (RFC 3261 8.2.7): nothing of it
 * is kept, and each copy of it is answered by itself, with the same tag
 *
 * @param heads Whole lines with CRLF
 *
 * @return 0, EMSGSIZE, otherwise the transport's errorcode
 */
int txn_answer(struct txns *txns, const struct message *m,
	       const struct flow *from, unsigned code, struct text heads);

/** Is this request, which was not received, a copy of one that was? */
bool txn_knows(struct txns *txns, const struct message *m);

size_t txn_count(const struct txns *txns);

/* --- server --------------------------------------------------------------- */

enum txn_reply_address {
	TXN_REPLY_SOCKET,
	TXN_REPLY_VIA_PORT,
	TXN_REPLY_VIA
};

/** Said before the first reply; all three may be left out */
void txn_own(struct txns *txns, txn_id txn, txn_event_h *h, void *arg,
	     uint64_t user);
void txn_reply_to(struct txns *txns, txn_id txn, enum txn_reply_address how);
void txn_resend_set(struct txns *txns, txn_id txn,
		    const struct txn_resend *resend);

/** The tag that goes into To of its responses, if the request had none */
const char *txn_local_tag(const struct txns *txns, txn_id txn);

struct txn_reply {
	unsigned code;
	struct text heads; /**< Whole lines with CRLF; Contact, Allow ... */
	const char *type;  /**< Content-Type; NULL: application/sdp */
	struct text body;
	bool is_reliable; /**< 1xx: resent until txn_pracked(); Require and
			   *   RSeq are the user's, in heads */
};
/** @return 0, ENOENT (stale, or it has had its final), EMSGSIZE, ENOMEM (a
 *          provisional: a final is sent all the same, once) */
int txn_reply(struct txns *txns, txn_id txn, const struct txn_reply *reply);
/** The same in two steps, for who writes down what is sent before it is: the
 *  text lies in a scratch that the next call here may overwrite */
int txn_reply_make(struct txns *txns, txn_id txn,
		   const struct txn_reply *reply, struct text *textp);
int txn_reply_put(struct txns *txns, txn_id txn, const struct txn_reply *reply,
		  struct text message);
/** A final response to what is no INVITE, which can be made anew from a copy
 *  of the request: the transaction is over, and againh gets each copy of the
 *  request with user, to txn_answer() it. For a REGISTER: its tag is the one
 *  that txn_answer() uses. */
int txn_reply_anew(struct txns *txns, txn_id txn,
		   const struct txn_reply *reply, uint64_t user);
/** That comes soon: have its place brought into the cache */
void txn_reply_ahead(const struct txns *txns, txn_id txn);
/** The usual: code and nothing else */
int txn_reply_code(struct txns *txns, txn_id txn, unsigned code);

void txn_acked(struct txns *txns, txn_id txn);
void txn_pracked(struct txns *txns, txn_id txn);

/** Nothing is ever sent for it; resent copies are absorbed silently, too */
void txn_ignore(struct txns *txns, txn_id txn);

/* What a successor needs of a server INVITE transaction: the head of its
 * responses, and where they go. */
struct text txn_server_head(const struct txns *txns, txn_id txn,
			    struct flow *flowp);
int txn_server_adopt(struct txns *txns, txn_id *txnp, struct text head,
		     const struct flow *flow, const char *local_tag);

/** How far a predecessor's transaction had come */
struct txn_past {
	struct text message; /**< Server: what was sent last; empty: its code
			      *   and nothing else */
	unsigned code;       /**< Server: of that; 0: nothing was sent */
	bool is_reliable;    /**< Server: a 1xx that waits for its PRACK */
	bool is_heard;       /**< Client: a provisional has come */
	int64_t age_ms;      /**< Since it was sent first */

	/* client INVITE */
	bool is_given_up; /**< To be cancelled; is_heard: CANCEL was sent */
	bool is_lost;     /**< Its time was over then: no more copies of it */
	int64_t cancel_age_ms;
	struct text heads; /**< For the CANCEL */
};
/** One that was adopted goes on: what was sent last is repeated for copies of
 *  the request, and by the list at the times it would have been. Nothing is
 *  sent now.
 *  @return 0, ENOENT, EMSGSIZE, ENOMEM */
int txn_server_resume(struct txns *txns, txn_id txn,
		      const struct txn_past *past);

/* --- client --------------------------------------------------------------- */

/** A branch or tag of ours: random, with the mark; NUL-ended */
void txn_branch(const struct txns *txns, char branch[TXN_BRANCH_SIZE]);
void txn_tag(const struct txns *txns, char tag[TXN_TAG_SIZE]);

struct txn_send {
	enum method method;
	const char *branch;  /**< As in the request's top Via */
	struct text request; /**< Whole message; copied */
	struct flow to;
	const struct txn_resend *resend;
	uint32_t timeout_ms; /**< INVITE: T1; 0: the request timeout */
	txn_response_h *h;
	void *arg;
	uint64_t user;
};
/** @return 0, ENOMEM, EMSGSIZE. A transport that fails at once is told
 *          through h. */
int txn_send(struct txns *txns, const struct txn_send *send, txn_id *txnp);

/** A predecessor's request goes on: as if it had been sent past->age_ms ago.
 *  Nothing is sent now. @return as txn_send(); EEXIST: it is known already */
int txn_client_adopt(struct txns *txns, const struct txn_send *send,
		     const struct txn_past *past, txn_id *txnp);

/** CANCEL an INVITE: now if a provisional came, else when one comes. heads:
 *  lines for it (Reason), may be empty. If neither 487 nor another final
 *  comes in the request timeout, h gets EHOSTDOWN. */
void txn_cancel(struct txns *txns, txn_id txn, struct text heads);

/** Of an INVITE whose 2xx was taken nothing is awaited any more: it is over,
 *  and each 2xx that still comes, a copy or another one, goes to strayh */
void txn_leave(struct txns *txns, txn_id txn);

/** Another user from now on. @return 0, ENOENT: it has ended */
int txn_hand_over(struct txns *txns, txn_id txn, txn_response_h *h, void *arg,
		  uint64_t user);
/** Has its time been over, so that only a late response counts? */
bool txn_is_lost(const struct txns *txns, txn_id txn);

/** The h of a request whose answer changes nothing: the transaction ends by
 *  itself, and a 2xx to an INVITE is no stray */
txn_response_h txn_nobody;

/** h is not called any more, but for a late 2xx to an INVITE: those go to
 *  strayh. The transaction ends by itself. */
void txn_forget(struct txns *txns, txn_id txn);

#endif
