/**
 * @file sipd/identify.h  Whose request is this, and what are its numbers?
 *
 * call-setup 1 and 2. Pure: catalog and message in, decision out.
 */
#ifndef TANDEM_SIPD_IDENTIFY_H
#define TANDEM_SIPD_IDENTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/catalog/catalog.h"
#include "shared/catalog/number.h"
#include "sipd/message.h"

/** Row of call-setup 1 that matched */
enum identify_row {
	IDENTIFY_NONE,
	IDENTIFY_IP_PORT,      /**< 1: mapping gateway, no challenge */
	IDENTIFY_BINDING,      /**< 2: phone or dynamic gateway, challenged */
	IDENTIFY_IP,           /**< 3: mapping gateway, no challenge */
	IDENTIFY_CREDENTIALS,  /**< 4: challenged; the credentials name whom */
	IDENTIFY_ROUTING_ONLY, /**< 5: 403 */
	IDENTIFY_UNKNOWN,      /**< 6 */
};

/** The terminal whose live binding has this source; kind 0: none */
struct identify_bound {
	enum record_kind kind; /**< RECORD_PHONE, RECORD_MAPPING, ..ROUTING */
	uint32_t id;           /**< 0: none */
};

struct identified {
	enum identify_row row;
	bool is_challenged;
	enum record_kind kind; /**< RECORD_PHONE, RECORD_MAPPING, or
				*   RECORD_ROUTING (a dynamic one) */
	uint32_t id;           /**< 0: not known (yet): row 4 by address only,
				*   5, 6 */
	struct text username;  /**< Row 4: whom the digest is to be checked as,
				*   of the credentials or From; in the
				*   message. Row 2: the terminal's; in the
				*   message or the catalog */
};

/**
 * @param auth The credentials' user name; empty: none
 * @param is_own_host Is a host name of a routing gateway at that address
 *                    (row 5)? May be NULL.
 */
void identify(struct identified *out, const struct catalog *c,
	      const struct message *m, const struct addr *source,
	      const struct identify_bound *bound, struct text auth,
	      bool (*resolves)(const struct addr *source, void *arg),
	      void *arg);

/** The numbers of a call, call-setup 2.1-2.4 */
struct numbers {
	struct number called_original, called;
	struct number caller_original, caller;
	struct text display; /**< Of From, unescaped no more than it came; in
			      *   the message */
};

/** by: who calls, from identify(). @return 0, or EBADMSG: callee unusable
 *  (2.3); numbers are filled all the same */
int numbers_take(struct numbers *n, const struct catalog *c,
		 const struct message *m, enum record_kind kind, uint32_t id);

/** The same from user parts, without a message; display is not touched */
int numbers_of(struct numbers *n, const struct catalog *c,
	       enum record_kind kind, uint32_t id, struct text called,
	       struct text caller);

/** A dial plan of a gateway applied: callee_rules, caller_rules, pai_rules.
 *  A result that is too long is not taken: out is in, and not valid. One '+'
 *  before a number is valid here. */
void numbers_rewrite(struct number *out, const struct catalog *c,
		     enum record_kind kind, struct cat_span plan,
		     const struct number *in);

#endif
