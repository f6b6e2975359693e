/**
 * @file sipd/setup_keep.h  A call without an answer is written down
 *
 * call_publish() writes all of it whenever something of it has changed. What
 * is sent is put into a text before: the INVITEs to B, and what A is told.
 */
#ifndef TANDEM_SIPD_SETUP_KEEP_H
#define TANDEM_SIPD_SETUP_KEEP_H

#include "sipd/call.h"
#include "sipd/errand.h"
#include "sipd/txn.h"

/** Where A's INVITE came from, once it is known how it is answered */
void setup_keep_a(struct call *call);

/** Tell A: written down, published, sent. @return as txn_reply() */
int setup_reply(struct call *call, const struct txn_reply *reply);

/** An INVITE to B is about to be sent: of this device (0: the gateway) */
void setup_keep_copy(struct call *call, size_t index, struct text invite,
		     const struct flow *to, uint32_t t1_ms);
/** What is known of one of them */
void setup_copy_of(struct call *call, txn_id txn, struct errand_invite *e);
/** One of them has had a provisional */
void setup_heard(struct call *call, txn_id txn);
/** It had its final, or was given up; txn 0: all of them */
void setup_over(struct call *call, txn_id txn);

/** What B asked for at its INVITE */
void setup_keep_auth(struct call *call);

/** Before the slot is published: if anything has changed the slot names
 *  another blob now */
void setup_write(struct call *call);

/** Nothing of it is needed any more: given back with the next call_publish(),
 *  struct setup at once */
void setup_end(struct call *call);

/** All its texts but the slot's own, from struct setup or, without, from
 *  what the slot names */
void setup_texts_of(const struct call *call, struct setup_texts *texts);

/** A successor: struct setup of what is written down. For ANSWERED calls there
 *  is none. @return 0, ENOMEM, EBADMSG */
int setup_read(struct call *call);

/** A's INVITE transaction, as it was. @return 0 or errno: it is lost */
int setup_adopt_a(struct call *call);

#endif
