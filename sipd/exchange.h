/**
 * @file sipd/exchange.h  An offer that is passed on, written down
 *
 * While a re-INVITE or UPDATE of one side waits for the other one's final, and
 * until the asker has ACKed what came of it, the slot of its call names one
 * blob more: both transactions, and what was said. A successor hears the final
 * in its place. What is answered here without the other side needs none: the
 * asker repeats it.
 */
#ifndef TANDEM_SIPD_EXCHANGE_H
#define TANDEM_SIPD_EXCHANGE_H

#include "sipd/call.h"
#include "sipd/leg.h"

/** The texts of the blob, behind its image */
enum exchange_text {
	EXCHANGE_HEAD,    /**< Of responses to the asker (txn_server_head) */
	EXCHANGE_REQUEST, /**< Ours, to the other side */
	EXCHANGE_OFFER,   /**< SDP of the asker; empty: a late offer */
	EXCHANGE_ANSWER,  /**< Of the other side, once it has accepted */
	EXCHANGE_REPLY,   /**< The final to the asker */
	EXCHANGE_TEXTC
};

enum exchange_flags {
	EXCHANGE_IS_B = 1,       /**< The asker */
	EXCHANGE_WAITS = 2,      /**< It has no final yet */
	EXCHANGE_ASKS = 4,       /**< Nor have we */
	EXCHANGE_HEARD = 8,      /**< But a provisional */
	EXCHANGE_CANCELLED = 16, /**< Ours */
	EXCHANGE_ACCEPTED = 32,
	EXCHANGE_REPLIED = 64, /**< The final waits for its ACK */
	EXCHANGE_OWES = 128,   /**< ACK to the other side, with the answer */
};

struct exchange_image {
	struct blob before; /**< Told to the other side until now; none once it
			     *   has accepted */
	uint32_t textl[EXCHANGE_TEXTC];
	struct flow reply_to, to;
	int64_t sent_boot_us, cancel_boot_us, reply_boot_us;
	uint32_t peer_cseq;
	uint32_t ours_cseq;
	uint32_t expires_s, interval_ms; /**< leg->asked of the asker */
	uint16_t code;                   /**< Of the final */
	uint8_t flags;                   /**< enum exchange_flags */
	uint8_t refresher;
	uint8_t peer_method, ours_method; /**< enum method */
	uint8_t pad[2];
};

/** What is asked, for exchange_begin() */
struct exchange_ask {
	struct leg *leg;
	txn_id txn;
	const struct message *m;
	struct text offer;
};
/** For leg_request: written down and published before it is sent */
void exchange_begin(struct leg *other, const struct txn_send *send,
		    uint32_t cseq, const void *ask);

/** Is there one, of this call? */
bool exchange_is_open(const struct call *call);

/** A provisional of the other side */
void exchange_heard(struct call *call);
/** The asker has cancelled: it has its final, and ours is cancelled, too */
void exchange_cancel(struct leg *leg, txn_id txn);
/** The other side has accepted, and its SDP before counts no more. Said before
 *  that is dropped; not published yet. */
void exchange_accept(struct call *call, const struct message *m,
		     struct text answer, bool owes_ack);
/** The final to the asker: written down, published, sent */
void exchange_reply(struct leg *leg, txn_id txn,
		    const struct txn_reply *reply);
/** The other side has had its final, though the asker does not wait for it any
 *  more. Not published yet. */
void exchange_over(struct call *call);
/** The asker has ACKed its final, or never will */
void exchange_acked(struct call *call);
/** There is none any more; not published yet */
void exchange_end(struct call *call);

/** Its image, and where its texts are; NULL: there is none, or they do not fit
 *  together */
const struct exchange_image *exchange_image_of(
	const struct call *call, struct text texts[EXCHANGE_TEXTC]);

/** A successor: both transactions, as they were; nothing fails behind it */
void exchange_adopt(struct call *call);
/** When the daemon is ready: what may not have been said is said again */
void exchange_resume(struct call *call);

#endif
