/**
 * @file billingd/grant.h  Talk time for calls: asked, leased, durable, granted
 *
 * A question is answered from money this node has leased; if that is not
 * enough PostgreSQL is asked for more, and if it does not answer in time, with
 * what there is. What is granted is in the journal before it is said
 * (billing 8).
 */
#ifndef TANDEM_BILLINGD_GRANT_H
#define TANDEM_BILLINGD_GRANT_H

#include <stdint.h>

#include "billingd/account.h"
#include "billingd/journal.h"
#include "billingd/lease.h"
#include "proto/envelope.pb-c.h"

struct ev;
struct grants;

/** What is said to who asked */
struct grant_answer {
	Tandem__CreditWhy why; /**< NONE: it is granted */
	uint32_t granted_s, renew_s;
	bool is_part; /**< Money was not enough for all of a slice */
	enum billing_mode mode;
};

struct grants_args {
	struct ev *ev;
	struct accounts *accounts;
	struct journal *journal;
	/** More money: as lease_ask() */
	int (*raiseh)(uint32_t account, int64_t wanted, lease_h *h,
		      void *leased, void *arg);
	void (*answerh)(const Tandem__Header *hdr,
			const struct grant_answer *answer, void *arg);
	void *arg;
};

int grants_alloc(struct grants **grantsp, const struct grants_args *args);
/** Behind the database and the journal: nothing of theirs comes any more */
struct grants *grants_free(struct grants *grants);

/** May this call begin? It is answered, now or later. What its hold is not
 *  asked for (locked, no rate) was decided before. */
void grants_begin(struct grants *grants, const Tandem__Header *hdr,
		  const char *cdr_id, const struct tariff *tariff,
		  int64_t now_us);
/** More time for it */
void grants_renew(struct grants *grants, const Tandem__Header *hdr,
		  const Tandem__Renew *renew, int64_t now_us);
/** It ended: who still waits for its beginning is refused */
void grants_forget(struct grants *grants, struct hold *hold);

/** What PostgreSQL has of this node (lease_seen_h) */
void grants_seen(uint32_t account, int64_t granted, int64_t settled,
		 int64_t available, void *arg);
/** What calls that ended on that day cost, by PostgreSQL (lease_spent_h) */
void grants_spent(uint32_t account, int64_t amount, uint32_t day, void *arg);
/** More is free than is worth keeping: give it back */
void grants_trim(struct grants *grants, struct account *account);

/** Everything that lives and is written below, written again (carryh) */
int grants_carry(struct grants *grants, uint64_t below);

/** The record so far of an answered call; what it holds is marked
 *  @param h Called when it is durable. @return 0, ENOENT: it holds nothing,
 *           EMSGSIZE, ENOMEM, ENOBUFS: h is not called */
int grants_answered(struct grants *grants, const Tandem__Record *record,
		    journal_durable_h *h, void *arg);

#endif
