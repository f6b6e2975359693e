/**
 * @file billingd/authorise.c  May this call begin?
 */
#include "billingd/authorise.h"

enum {
	STATUS_LOCKED = 1, /* records.def: normal locked */
	SECOND_US = 1000000,
};

const char *const billing_modes[BILLING_MODEC] = {
	[BILLING_RATED] = "rated",
	[BILLING_FREE] = "free",
	[BILLING_ZERO] = "zero",
	[BILLING_ILLEGAL] = "illegal",
};


struct text authorise_rated(const struct catalog *c, uint32_t mapping,
			    struct text called)
{
	const struct cat_mapping *gw = catalog_by_id(c, RECORD_MAPPING,
						     mapping);
	const int32_t digits = catalog_effective(
		c, gw ? gw->gw.route_prefix_digits : CAT_INHERIT,
		SERVER_BILLING_GATEWAY_ROUTE_PREFIX);

	/* A number of so many characters or fewer stays whole. */
	if (digits > 0 && called.l > (size_t)digits) {
		called.p += digits;
		called.l -= (size_t)digits;
	}

	return called;
}


static bool is_free(const struct catalog *c, struct text called)
{
	return catalog_matches(c, SERVER_BILLING_NO_CDR_E164S, called) ||
	       catalog_matches(c, SERVER_BILLING_FREE_E164S, called);
}


static bool has_rate(const struct catalog *c,
		     const struct cat_account *account,
		     const Tandem__Authorise *call)
{
	const struct text rated = authorise_rated(c, call->mapping,
						  text_of(call->called));

	return account->rate_table != 0 &&
	       catalog_rate(c, account->rate_table, rated,
			    call->start_us / SECOND_US);
}


struct authorised authorise(const struct catalog *c,
			    const Tandem__Authorise *call)
{
	const struct cat_account *account = catalog_by_id(c, RECORD_ACCOUNT,
							  call->account);
	struct authorised a = { TANDEM__CREDIT_WHY__CREDIT_WHY_NONE,
				BILLING_RATED };

	/* A call keeps the configuration it began with; its account may be
	 * gone from ours. */
	if (!account)
		a.why = TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR;
	else if (account->status == STATUS_LOCKED)
		a.why = TANDEM__CREDIT_WHY__CREDIT_WHY_LOCKED;
	else if (is_free(c, text_of(call->called)))
		a.mode = BILLING_FREE;
	else if (!has_rate(c, account, call))
		a.why = TANDEM__CREDIT_WHY__CREDIT_WHY_NO_RATE;

	return a;
}
