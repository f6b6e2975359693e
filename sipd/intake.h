/**
 * @file sipd/intake.h  From a request to who answers it
 */
#ifndef TANDEM_SIPD_INTAKE_H
#define TANDEM_SIPD_INTAKE_H

#include "sipd/message.h"
#include "sipd/txn.h"
#include "sipd/wire.h"

struct catalog;
struct identified;
struct sipd;

/* handlers of wire and transactions */
void intake_bytes(const struct flow *from, char *data, size_t len,
		  int64_t age_us, void *arg);
bool intake_is_copy(const struct flow *from, char *data, size_t len,
		    void *arg);
void intake_request(txn_id txn, const struct message *m,
		    const struct flow *from, void *arg);
void intake_again(const struct message *m, const struct flow *from,
		  uint64_t user, void *arg);
void intake_ack(const struct message *m, const struct flow *from, void *arg);
void intake_stray(const struct message *m, const struct flow *from, void *arg);

/** An INVITE without dialog (invite.c) */
void invite_receive(struct sipd *sipd, txn_id txn, const struct message *m,
		    const struct flow *from);

/** A request in a dialog (indialog.c) */
struct leg;
void indialog_receive(struct leg *leg, txn_id txn, const struct message *m,
		      const struct flow *from);
void indialog_ack(struct leg *leg, const struct message *m,
		  const struct flow *from);

/** Refuse it, or say nothing, as SS_REPLY_UNAUTHORIZED wants of an unknown
 *  source */
void intake_unknown(struct sipd *sipd, txn_id txn, const struct catalog *c,
		    unsigned code);

/** Whose request is this? */
void intake_identify(struct identified *who, struct sipd *sipd,
		     const struct catalog *c, const struct message *m,
		     const struct flow *from);

/** One header line into the reply: for 420, 405, 422 ... */
void intake_reply_head(struct sipd *sipd, txn_id txn, unsigned code,
		       const char *name, const char *value);

#endif
