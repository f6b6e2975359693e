/**
 * @file sipd/authenticate.h  A request, and who it proves to be from
 *
 * authn.h asked, for INVITE and REGISTER alike; what it means for metrics,
 * events and the guard is seen to here.
 */
#ifndef TANDEM_SIPD_AUTHENTICATE_H
#define TANDEM_SIPD_AUTHENTICATE_H

#include "shared/auth/authn.h"
#include "sipd/txn.h"

struct sipd;

/**
 * @param user    Whom it claims to be without credentials
 * @param lookuph Of the digests; NULL: nobody is known
 */
void authenticate(struct sipd *sipd, const struct catalog *c,
		  const struct message *m, const struct flow *from,
		  struct text user, authn_lookup_h *lookuph,
		  struct authn_answer *answer);

/** A challenge, 403, or nothing: whatever the verdict is but AUTHN_ACCEPT */
void authenticate_refuse(struct sipd *sipd, txn_id txn,
			 const struct authn_answer *answer);

/** The same, to a request that nothing is kept of */
void authenticate_answer(struct sipd *sipd, const struct message *m,
			 const struct flow *from,
			 const struct authn_answer *answer);

/** Event terminal_suspended, if this answer says so */
void authenticate_log(const struct sipd *sipd, const struct flow *from,
		      const struct authn_answer *answer);

#endif
