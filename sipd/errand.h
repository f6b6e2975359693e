/**
 * @file sipd/errand.h  What is still to be said of calls that are over
 *
 * A BYE without its answer, an INVITE that was given up, a refusal without its
 * ACK: they outlive their call, and so they have slots of their own, with the
 * text and when it was sent first. A successor goes on with their lists.
 */
#ifndef TANDEM_SIPD_ERRAND_H
#define TANDEM_SIPD_ERRAND_H

#include <stdbool.h>

#include "shared/base/util.h"
#include "shared/shm/slot.h"
#include "sipd/blob.h"
#include "sipd/txn.h"

#define ERRANDS_MAGIC   0x44525245 /* "ERRD" */
#define ERRANDS_VERSION 1

struct call;
struct sipd;

enum errand_kind {
	ERRAND_NONE,
	ERRAND_REQUEST, /**< BYE */
	ERRAND_INVITE,  /**< Ours, to be cancelled */
	ERRAND_LOST,    /**< The same, but its time is over: it is not sent
			 *   again */
	ERRAND_REFUSAL, /**< To A */
	ERRAND_KINDC
};

struct errand_image {
	uint64_t call; /**< Id; it may be gone */
	int64_t sent_boot_us;
	int64_t cancel_boot_us; /**< Of an INVITE: when CANCEL was sent; 0: it
				 *   waits for a provisional */
	int64_t until_boot_us;  /**< Then it is given up */
	struct flow to;
	struct txn_resend resend;
	struct blob text; /**< Head of A's INVITE, or the lines for CANCEL,
			   *   then the message */
	uint32_t headl;
	uint16_t code; /**< Of a refusal */
	uint8_t kind;  /**< enum errand_kind */
	uint8_t is_b;  /**< To B */
	char tag[TXN_TAG_SIZE];
};

#define ERRANDS_SLOT_SIZE SLOT_SIZE(sizeof(struct errand_image))

int errands_alloc(struct sipd *sipd);
void errands_free(struct sipd *sipd);

/** What a predecessor had not done: once, before the calls are adopted */
void errands_adopt(struct sipd *sipd);

/** Of calls_adopt(): the legs that have one know it */
void errands_tell(struct sipd *sipd);

/** txn_send(), remembered; for want of room it is that and no more */
int errand_send(struct sipd *sipd, const struct txn_send *send, uint64_t call,
		bool is_b, txn_id *txnp);

/** CANCEL an INVITE of ours, and forget it (txn_cancel(), txn_forget())
 *  @param invite Its text, sent to there so long ago; empty: it is not known
 *  @param heads  Lines for the CANCEL */
struct errand_invite {
	txn_id txn;
	struct text invite, heads;
	struct flow to;
	int64_t sent_boot_us;
	bool is_heard;
};
void errand_cancel(struct call *call, const struct errand_invite *e);

/** A final other than 2xx to A's INVITE. @return as txn_reply() */
int errand_refuse(struct call *call, const struct txn_reply *reply);

#endif
