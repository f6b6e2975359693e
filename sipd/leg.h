/**
 * @file sipd/leg.h  Dialogs: what is said in them, and to whom
 *
 * Request-URI and Route by RFC 3261; where the packet goes is the field
 * request_address (identity 7). Texts of a dialog lie in one blob; they are
 * written anew when one changes.
 */
#ifndef TANDEM_SIPD_LEG_H
#define TANDEM_SIPD_LEG_H

#include "sipd/call.h"
#include "sipd/compose.h"

struct text leg_text(const struct leg *leg, enum leg_text which);

/** All texts anew; those with p NULL stay as they are
 *  @return 0, ENOSPC, EMSGSIZE */
int leg_texts_set(struct leg *leg, const struct text texts[LEG_TEXTC]);

/** A: the dialog that its INVITE begins; tag is ours, called is the user of
 *  the Contact that A sees
 *  @return 0, EBADMSG, ENOSPC, EMSGSIZE */
int leg_take_invite(struct leg *leg, const struct message *m,
		    const struct flow *from, struct text called);

/** B: what a response to our INVITE says of the dialog: tag, target, routes.
 *  The latest one counts until the answer. */
int leg_take_response(struct leg *leg, const struct message *m,
		      const struct flow *from);

/** Target refresh by a re-INVITE or UPDATE, or its response; facts (Allow,
 *  Supported) too */
void leg_refresh(struct leg *leg, const struct message *m);

/** Where the last packet came from, for request_address */
void leg_heard(struct leg *leg, const struct flow *from);
/** The target or the field has changed: where requests go from now on */
void leg_aim(struct leg *leg);

/** A stream that is gone: the next request opens one to Route or Contact */
void leg_reach(struct leg *leg);

/** Its connection, if it has one, is kept for it, or is not any more */
void leg_hold(struct leg *leg, bool hold);

struct leg_request {
	enum method method;
	uint32_t cseq;     /**< 0: the next one */
	struct text heads; /**< Lines with CRLF */
	const char *type;  /**< NULL: application/sdp */
	struct text body;
	uint32_t timeout_ms; /**< 0: the request timeout */
	txn_response_h *h;   /**< NULL: whatever comes of it */
	void *arg;           /**< Handed to h; NULL: struct sipd */
	uint64_t user;       /**< Likewise */

	/** Before it is sent, to write it down; NULL: nobody does */
	void (*keeph)(struct leg *leg, const struct txn_send *send,
		      uint32_t cseq, const void *keep);
	const void *keep; /**< Handed to it */
};
/** A request within the dialog; its CSeq is in leg->ours_cseq, if h */
int leg_send(struct leg *leg, const struct leg_request *request, txn_id *txnp);

/** ACK to a 2xx; body may be empty */
void leg_ack(struct leg *leg, uint32_t cseq, struct text body);

/** Has its gateway a user name and a password, so that a challenge may be
 *  answered? */
bool leg_has_credentials(const struct leg *leg);

/** Take in the challenges of a 401 or 407
 *  @return 0: repeat the request; EACCES: it has failed */
struct authn_client;
int leg_challenged(struct authn_client *client, const struct message *m,
		   uint32_t max_repeats);

/** BYE; the call does not wait for what comes of it */
void leg_bye(struct leg *leg, enum end_reason reason, const char *passed_on);

/** Lines every INVITE, UPDATE and 2xx of ours has: Contact, Allow, Supported,
 *  User-Agent (Server in a response) */
void leg_heads(struct compose *c, const struct leg *leg, bool is_response,
	       bool with_timer);

/** Via of a listener: a line */
void leg_via(struct compose *c, const struct sipd *sipd,
	     const struct flow *flow, const char *branch);

/** "<sip:user@host:port;transport=tcp>" */
void leg_contact(struct compose *c, const struct sipd *sipd,
		 const struct flow *flow, struct text user);

/** Record-Route as one list, in sipd->body; the URI of Contact, p NULL: none */
struct text leg_routes_of(struct sipd *sipd, const struct message *m,
			  bool reverse);
struct text leg_contact_of(const struct message *m);

/** A 2xx to an INVITE that nobody waits for: ACK, and BYE, back to where it
 *  came from */
void leg_reject_answer(struct sipd *sipd, const struct message *m,
		       const struct flow *from);

/** A refusal of an INVITE that nobody knows: ACK, likewise. A predecessor may
 *  have died before its own one left. */
void leg_ack_refusal(struct sipd *sipd, const struct message *m,
		     const struct flow *from);

/** The methods of README 5 */
#define LEG_ALLOW \
	"INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO"
extern const char leg_allow[];

#endif
