/**
 * @file billingd/charge.h  What one call means in money
 *
 * tariff_of() says at its beginning what a call pays by; charge_of() at its
 * end what is booked and written (billing.md 3 to 10), and if nothing is, why.
 * Both are pure: the same call and tariff are always the same charge. The
 * journal has both (proto/billing.proto), so that whoever writes the record
 * and the ledger needs nothing else:
 *
 *     account  -fee           kind call         if fee
 *     agent    +commission    kind commission   if commission
 *     clearing -vendor_cost   kind call         if vendor_cost
 *
 * account and clearing may be the same one: they are one entry then.
 */
#ifndef TANDEM_BILLINGD_CHARGE_H
#define TANDEM_BILLINGD_CHARGE_H

#include <stdbool.h>
#include <stdint.h>

#include "billingd/authorise.h"
#include "billingd/rate.h"
#include "billingd/record_line.h"
#include "proto/billing.pb-c.h"
#include "shared/catalog/catalog.h"

enum {
	CHARGE_NAME_SIZE = CAT_NAME_MAX + 1,
	CHARGE_NUMBER_SIZE = CAT_NUMBER_MAX + 1,
	CHARGE_PREFIX_SIZE = CAT_PREFIX_MAX + 1,
};

/** Tariff.flags: kept in the journal */
enum tariff_flags {
	TARIFF_NO_CDR = 1,        /**< The number is of NO_CDR_E164S */
	TARIFF_NO_ILLEGAL = 2,    /**< RECORD_ILLEGAL_CALL is 0 */
	TARIFF_NO_ZERO = 4,       /**< RECORD_ZERO_HOLD_TIME is 0 */
	TARIFF_NO_SERVER_END = 8, /**< RECORD_SERVER_HANG_UP is 0 */
	TARIFF_TAIL_IS_FREE = 16, /**< NOMEDIA_TAIL is 0 */
	TARIFF_HAS_RATE = 32,
	TARIFF_IS_UNLIMITED = 64, /**< No money of a lease is held back */
	TARIFF_IS_CAPPED = 128,   /**< The account has a daily cap */
};

/** What a call pays by, as it was when its INVITE arrived */
struct tariff {
	uint32_t account, agent; /**< 0: none */
	int32_t commission;      /**< In 1/10000 percent */
	uint32_t flags;
	enum billing_mode mode;
	struct rate_terms terms;
	int64_t unit;
	uint32_t reserve_first_s, reserve_max_s;
	char account_name[CHARGE_NAME_SIZE];
	char agent_name[CHARGE_NAME_SIZE];
	char rate_table[CHARGE_NAME_SIZE];
	char rate_prefix[CHARGE_PREFIX_SIZE];
	char called_rated[CHARGE_NUMBER_SIZE];
};

/** Why an answered call costs its account nothing */
enum charge_why {
	CHARGE_WHY_NONE,     /**< It does cost, or was not answered */
	CHARGE_FREE_NUMBER,  /**< FREE_E164S or NO_CDR_E164S */
	CHARGE_FREE_TIME,    /**< Not longer than FREE_TIME */
	CHARGE_SILENCE,      /**< Nothing but the silent tail */
	CHARGE_ZERO_TALK,    /**< 50 ms or less */
	CHARGE_ILLEGAL,      /**< A source that may not call */
	CHARGE_NOT_RECORDED, /**< No record means no fee (billing 10) */
	CHARGE_NO_RATE,      /**< Without a rate; open mode, or a loss */
	CHARGE_RATE_IS_ZERO,
	CHARGE_WHYC
};
extern const char *const charge_whys[CHARGE_WHYC];

struct charge {
	enum record_rule rule; /**< Not RECORD_IS_KEPT: no record, no entries */
	enum charge_why why;
	enum billing_mode mode;
	int64_t duration_ms, silent_tail_ms;
	uint32_t duration_s, free_seconds, charged_s, billed_duration;

	int64_t fee, commission, vendor_cost, margin;
	uint32_t account, agent, clearing; /**< 0: none */
	int64_t settled; /**< See Charge.settled; set by who settles */

	bool has_rate;
	int64_t rate, connect_fee;
	uint32_t first, next;
	bool has_vendor_rate, vendor_rate_missing;
	int64_t vendor_rate;

	char account_name[CHARGE_NAME_SIZE];
	char agent_name[CHARGE_NAME_SIZE];
	char clearing_name[CHARGE_NAME_SIZE];
	char rate_table[CHARGE_NAME_SIZE];
	char rate_prefix[CHARGE_PREFIX_SIZE];
	char vendor_rate_prefix[CHARGE_PREFIX_SIZE];
	char called_rated[CHARGE_NUMBER_SIZE];
	char called_rated_vendor[CHARGE_NUMBER_SIZE];
};

/** Of whom a call is, and when it began */
struct tariff_call {
	uint32_t account; /**< 0: nobody's (an illegal one) */
	uint32_t mapping; /**< 0: a phone calls */
	struct text called;
	int64_t start_us; /**< Wall clock of the INVITE */
};

/** Any call has one, also that of nobody: it says what is recorded */
void tariff_of(struct tariff *tariff, const struct catalog *c,
	       const struct tariff_call *call);

/** The row of a table that it pays by, if there is one */
void tariff_rate(struct tariff *tariff, const struct catalog *c,
		 uint32_t table, int64_t start_us);

/** What the gateway that answered is paid by, as it is now, of the rows that
 *  were valid when the call began. @return false: nobody is paid */
bool vendor_of(struct tariff *vendor, const struct catalog *c,
	       const Tandem__Record *record);

/**
 * The charge of a call that ended
 *
 * @param vendor    What was found when it was answered; NULL: nobody is paid
 * @param granted_s Talk time that was granted: what is beyond it costs
 *                  nothing (billing 8.5); 0: no limit
 */
void charge_of(struct charge *charge, const struct tariff *tariff,
	       const struct tariff *vendor, const Tandem__Record *record,
	       uint32_t granted_s);

/* To and from the journal. What is put points into what it is put from. */
void tariff_put(Tandem__Tariff *to, const struct tariff *tariff);
/** @return 0, or EBADMSG if it is none of ours */
int tariff_take(struct tariff *tariff, const Tandem__Tariff *from);
void charge_put(Tandem__Charge *to, const struct charge *charge);
int charge_take(struct charge *charge, const Tandem__Charge *from);

#endif
