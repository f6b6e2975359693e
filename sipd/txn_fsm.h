/**
 * @file sipd/txn_fsm.h  The states of transactions, as tables
 *
 * RFC 3261 17.1 and 17.2 with RFC 6026's Accepted, and what the switch adds:
 * reliable provisionals, a CANCEL that waits, and an INVITE that was given up.
 * Pure: what is done with a row is txn_server.c's and txn_client.c's.
 */
#ifndef TANDEM_SIPD_TXN_FSM_H
#define TANDEM_SIPD_TXN_FSM_H

#include <stdbool.h>
#include <stdint.h>

/** How long a state may last */
enum txn_wait {
	TXN_WAIT_NONE,  /**< Its user ends it */
	TXN_WAIT_KEEP,  /**< As the state before */
	TXN_WAIT_LIST,  /**< The request timeout, since the request was sent */
	TXN_WAIT_TOTAL, /**< The request timeout, from now */
	TXN_WAIT_LINGER, /**< The same; not over streams (Timer D, I, J) */
	TXN_WAIT_SHORT,  /**< T4; not over streams (Timer K) */
};

struct txn_state_def {
	const char *name;
	uint8_t wait;       /**< enum txn_wait */
	bool resends;       /**< By the list, over datagrams */
	bool keeps_message; /**< What was sent last may be sent again */
	bool keeps_text;    /**< Something else may have to be made of it */
};

struct txn_row {
	uint8_t action;
	uint8_t next; /**< State; 0: no such row */
};

/* --- server --------------------------------------------------------------- */

enum txn_server_state {
	TXN_S_NONE,
	TXN_S_PROCEEDING, /**< INVITE */
	TXN_S_RELIABLE,   /**< The same; a reliable 1xx waits for PRACK */
	TXN_S_ACCEPTED,   /**< 2xx, waits for ACK (RFC 6026) */
	TXN_S_ACKED,      /**< Its ACK came; INVITEs are absorbed */
	TXN_S_COMPLETED,  /**< 300-699, waits for ACK */
	TXN_S_CONFIRMED,
	TXN_S_TRYING, /**< Not INVITE */
	TXN_S_PROGRESSING,
	TXN_S_ANSWERED,
	TXN_S_IGNORED, /**< Of either: all is absorbed */
	TXN_S_ENDED,
	TXN_S_STATEC
};

enum txn_server_event {
	TXN_S_EV_REQUEST, /**< A resent copy */
	TXN_S_EV_ACK,     /**< That matches the INVITE itself */
	TXN_S_EV_CANCEL,  /**< Of this INVITE */
	TXN_S_EV_PROVISIONAL,
	TXN_S_EV_RELIABLE,
	TXN_S_EV_OK,     /**< 2xx from the user */
	TXN_S_EV_REFUSE, /**< 300-699 */
	TXN_S_EV_ACKED,  /**< The user saw the ACK of its 2xx */
	TXN_S_EV_PRACKED,
	TXN_S_EV_IGNORE,
	TXN_S_EV_RESEND, /**< A wait of the list is over */
	TXN_S_EV_DEADLINE,
	TXN_S_EV_FAIL, /**< What was sent did not arrive */
	TXN_S_EVENTC
};

enum txn_server_action {
	TXN_S_ACT_NONE,
	TXN_S_ACT_AGAIN,     /**< Send what was sent last, if anything was */
	TXN_S_ACT_STORE,     /**< Send, and keep for copies of the request */
	TXN_S_ACT_PASS,      /**< Send, and keep what was sent before */
	TXN_S_ACT_START,     /**< Send, keep, and begin the list */
	TXN_S_ACT_DROP,      /**< What was sent is no longer needed */
	TXN_S_ACT_ACK,       /**< Hand the ACK to the user: of a 2xx */
	TXN_S_ACT_CANCELLED, /**< 200 to the CANCEL, and tell */
	TXN_S_ACT_CANCEL_OK, /**< 200 to the CANCEL, to no effect */
	TXN_S_ACT_ACKED,     /**< Tell, as the rest */
	TXN_S_ACT_UNACKED,
	TXN_S_ACT_UNPRACKED,
	TXN_S_ACT_BROKEN,
	TXN_S_ACTIONC
};

extern const struct txn_row txn_server_rows[TXN_S_STATEC][TXN_S_EVENTC];
extern const struct txn_state_def txn_server_states[TXN_S_STATEC];

/* --- client --------------------------------------------------------------- */

enum txn_client_state {
	TXN_C_NONE,
	TXN_C_CALLING,      /**< INVITE */
	TXN_C_CANCEL_WAITS, /**< The same, and to be cancelled */
	TXN_C_PROCEEDING,
	TXN_C_CANCELLING, /**< CANCEL was sent; the final is waited for */
	TXN_C_ACCEPTED,   /**< 2xx; others may come (RFC 6026) */
	TXN_C_COMPLETED,  /**< 300-699, ACKed */
	TXN_C_LOST, /**< Given up, in case that it answers all the same */
	TXN_C_LOST_CANCELLED,
	TXN_C_TRYING, /**< Not INVITE */
	TXN_C_PROGRESSING,
	TXN_C_ANSWERED,
	TXN_C_ENDED,
	TXN_C_STATEC
};

enum txn_client_event {
	TXN_C_EV_PROVISIONAL,
	TXN_C_EV_OK,      /**< 2xx */
	TXN_C_EV_REFUSED, /**< 300-699 */
	TXN_C_EV_CANCEL,  /**< The user wants it cancelled */
	TXN_C_EV_FORGET,  /**< The user is gone */
	TXN_C_EV_RESEND,
	TXN_C_EV_TIMEOUT, /**< The request's own time is over */
	TXN_C_EV_DEADLINE,
	TXN_C_EV_FAIL,
	TXN_C_EVENTC
};

enum txn_client_action {
	TXN_C_ACT_NONE,
	TXN_C_ACT_AGAIN, /**< Send the request again */
	TXN_C_ACT_TELL,  /**< Hand the response to the user */
	TXN_C_ACT_ACK,   /**< ACK a final */
	TXN_C_ACT_ACK_TELL,
	TXN_C_ACT_CANCEL, /**< Send a CANCEL */
	TXN_C_ACT_CANCEL_TELL,
	TXN_C_ACT_TIMED_OUT, /**< Tell ETIMEDOUT */
	TXN_C_ACT_GONE,      /**< Tell EHOSTDOWN */
	TXN_C_ACT_FAILED,    /**< Tell what the transport said */
	TXN_C_ACTIONC
};

extern const struct txn_row txn_client_rows[TXN_C_STATEC][TXN_C_EVENTC];
extern const struct txn_state_def txn_client_states[TXN_C_STATEC];

#endif
