/**
 * @file billingd/authorise.h  May this call begin?
 *
 * billing.md 3, 6 and 7 as far as billing { mode = "open" } goes: the account
 * is not locked and has a rate for the number, or the number is free. Nothing
 * is held back and no time is counted. Pure.
 */
#ifndef TANDEM_BILLINGD_AUTHORISE_H
#define TANDEM_BILLINGD_AUTHORISE_H

#include <stdint.h>

#include "proto/envelope.pb-c.h"
#include "shared/base/text.h"
#include "shared/catalog/catalog.h"

/** CreditGranted.billing_mode; the words are those of the record */
enum billing_mode {
	BILLING_RATED,
	BILLING_FREE,
	BILLING_ZERO,
	BILLING_ILLEGAL,
	BILLING_MODEC
};
extern const char *const billing_modes[BILLING_MODEC];

struct authorised {
	Tandem__CreditWhy why; /**< NONE: it may begin */
	enum billing_mode mode;
};

struct authorised authorise(const struct catalog *c,
			    const Tandem__Authorise *call);

/** The called number without the gateway's route prefix; mapping 0: a phone
 *  calls */
struct text authorise_rated(const struct catalog *c, uint32_t mapping,
			    struct text called);

#endif
