/**
 * @file billingd/lease.h  Money of accounts, leased from PostgreSQL
 *
 * Totals are absolute: who does not know how a request ended asks again for
 * the same total, and what was granted meanwhile is not granted twice. When
 * the connection comes up, and once a second from then on, what PostgreSQL
 * has of this node is read: money that an account no longer has is given back
 * as far as it is free. Once in its life it also reads what calls of this day
 * have cost the accounts that have a daily cap: the journal knows that, but a
 * node may be new.
 */
#ifndef TANDEM_BILLINGD_LEASE_H
#define TANDEM_BILLINGD_LEASE_H

#include <stdint.h>

struct billingd;
struct leases;

/** err: 0, or it is not known whether anything was granted; granted: all that
 *  this node ever was, of which so much is settled */
typedef void(lease_h)(int err, int64_t granted, int64_t settled, void *arg);
/** What PostgreSQL has of this node. available: what the account has left for
 *  anybody, below 0 if more was leased than there is now; INT64_MAX if it is
 *  without limit */
typedef void(lease_seen_h)(uint32_t account, int64_t granted, int64_t settled,
			   int64_t available, void *arg);

/** So much is in the ledger for calls that ended on that day (spend_day()) */
typedef void(lease_spent_h)(uint32_t account, int64_t amount, uint32_t day,
			    void *arg);

int leases_alloc(struct leases **leasesp, struct billingd *b,
		 lease_seen_h *seenh, lease_spent_h *spenth, void *arg);
/** Who still waits is told ECANCELED */
struct leases *leases_free(struct leases *leases);

/** Make the total this much, or as near to it as there is money.
 *  @return 0: h will be called; otherwise errorcode, and it will not */
int lease_ask(struct leases *leases, uint32_t account, int64_t wanted,
	      lease_h *h, void *arg);

#endif
