/**
 * @file billingd/charging.h  Calls that are paid: billing { mode = "accounts" }
 *
 * What a call is granted and what it costs is in the journal before it is
 * answered for; here are the journal, the accounts and the leases put
 * together, and what came of them is read again at the start.
 */
#ifndef TANDEM_BILLINGD_CHARGING_H
#define TANDEM_BILLINGD_CHARGING_H

#include "proto/envelope.pb-c.h"
#include "shared/base/text.h"

struct billingd;
struct charging;
struct journal;
struct store;

int charging_alloc(struct charging **chargingp, struct billingd *b);
struct charging *charging_free(struct charging *charging);

/* Messages of sipd; each is answered, now or when it is durable. */
void charging_authorise(struct charging *charging,
			const Tandem__Envelope *env);
void charging_renew(struct charging *charging, const Tandem__Envelope *env);
int charging_answered(struct charging *charging, const Tandem__Envelope *env);
/** @return 0, or why it was not taken: it is offered again */
int charging_ended(struct charging *charging, const Tandem__Envelope *env);

/** These calls live */
void charging_checkpoint(struct charging *charging,
			 const Tandem__Checkpoint *alive);

/** For who looks at them */
struct journal *charging_journal(struct charging *charging);
struct store *charging_store(struct charging *charging);

/** What runs now holds of an account on this node, and what of its lease is
 *  settled but may not be known to PostgreSQL yet; what calls cost it that
 *  ended today */
struct charging_money {
	int64_t granted, settled, held, spent_today;
};
struct charging_money charging_money(const struct charging *charging,
				     uint32_t account);

#endif
