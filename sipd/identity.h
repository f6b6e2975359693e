/**
 * @file sipd/identity.h  Who the callee is told is calling
 *
 * The procedure of identity.md: From, To, Request-URI user, Privacy, asserted
 * identity, Contact user, Diversion for one attempt. Pure.
 */
#ifndef TANDEM_SIPD_IDENTITY_H
#define TANDEM_SIPD_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/catalog/catalog.h"
#include "shared/catalog/number.h"
#include "shared/base/text.h"
#include "sipd/compose.h"
#include "sipd/message.h"

/** What of the caller's INVITE identity needs, kept for the life of the set-up
 *  (texts as they came; empty: not there, or not to be used) */
struct identity_in {
	struct number caller; /**< After ingress rewriting */
	struct number called;
	struct number called_original;
	struct text display;          /**< Of the ingress From */
	struct text privacy;          /**< All values, by ';' */
	struct text pai_sip, pai_tel; /**< At most one of each kind */
	struct text ppi_sip, ppi_tel;
	struct text rpid;
	struct text diversion; /**< Number of the phone that forwarded
				*   the call; empty: none */
};

/** Takes the texts from the message; by section 1 some do not exist for this
 *  source. They lie in the message. The numbers are left empty: numbers_take()
 *  has them. */
void identity_take(struct identity_in *in, const struct catalog *c,
		   const struct message *m, enum record_kind kind,
		   uint32_t id);

/** Where it goes */
struct identity_to {
	const struct cat_routing *gateway; /**< NULL: a phone (section 2) */
	struct text local_host;   /**< Advertised host of the listener */
	struct text target_host;  /**< Of the address in use, as written */
	uint16_t target_port;     /**< 0: none in the URI */
	const char *contact_user; /**< Of the tied registration; NULL: none */
};

struct identity_out {
	struct number called_sent, caller_sent;
	bool is_hidden;
	/* these lie in buf: it is not copied */
	struct text from; /**< Without tag: "Anonymous" <sip:...> */
	struct text to;   /**< <sip:...> */
	struct text uri;  /**< Request-URI; empty for a phone: its Contact */
	struct text contact_user; /**< Not escaped yet */
	struct text heads; /**< Privacy, PAI, PPI, RPID, Diversion: lines */
	char buf[2048];
};

/** @return 0, or EMSGSIZE: a value too long to be sent */
int identity_make(struct identity_out *out, const struct catalog *c,
		  const struct identity_in *in, const struct identity_to *to);

#endif
