/**
 * @file billingd/charge.c  What one call means in money
 */
#include <errno.h>
#include <string.h>

#include "billingd/charge.h"
#include "shared/catalog/end_reason.h"

enum {
	SECOND_US = 1000000,
	MS_US = 1000,
	PERCENT_WHOLE = 100 * 10000, /* Commissions are in 1/10000 percent */
};

const char *const charge_whys[CHARGE_WHYC] = {
	[CHARGE_WHY_NONE] = "",
	[CHARGE_FREE_NUMBER] = "free_number",
	[CHARGE_FREE_TIME] = "free_time",
	[CHARGE_SILENCE] = "silence",
	[CHARGE_ZERO_TALK] = "zero_talk",
	[CHARGE_ILLEGAL] = "illegal",
	[CHARGE_NOT_RECORDED] = "not_recorded",
	[CHARGE_NO_RATE] = "no_rate",
	[CHARGE_RATE_IS_ZERO] = "rate_is_zero",
};


/* --- the beginning -------------------------------------------------------- */

/* Names are no longer than this wherever they come from. */
static void copy_name(char name[CHARGE_NAME_SIZE], const struct catalog *c,
		      enum record_kind kind, uint32_t id)
{
	const struct cat_row *row = id ? catalog_by_id(c, kind, id) : NULL;

	name[0] = '\0';
	if (row)
		(void)text_copy(name, CHARGE_NAME_SIZE,
				text_of(catalog_str(c, kind, row->name)));
}


static void copy_prefix(char prefix[CHARGE_PREFIX_SIZE],
			const struct cat_rate *rate)
{
	memcpy(prefix, rate->prefix, CAT_PREFIX_MAX);
	prefix[CAT_PREFIX_MAX] = '\0';
}


static void copy_number(char number[CHARGE_NUMBER_SIZE], struct text t)
{
	if (t.l >= CHARGE_NUMBER_SIZE)
		t.l = CHARGE_NUMBER_SIZE - 1;
	(void)text_copy(number, CHARGE_NUMBER_SIZE, t);
}


static uint32_t flags_of(const struct catalog *c, struct text called)
{
	static const struct {
		enum param param;
		uint32_t flag;
	} rows[] = {
		{ SERVER_BILLING_RECORD_ILLEGAL_CALL, TARIFF_NO_ILLEGAL },
		{ SERVER_BILLING_RECORD_ZERO_HOLD_TIME, TARIFF_NO_ZERO },
		{ SERVER_BILLING_RECORD_SERVER_HANG_UP, TARIFF_NO_SERVER_END },
		{ SERVER_BILLING_NOMEDIA_TAIL, TARIFF_TAIL_IS_FREE },
	};
	uint32_t flags = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!catalog_int(c, rows[i].param))
			flags |= rows[i].flag;
	if (catalog_matches(c, SERVER_BILLING_NO_CDR_E164S, called))
		flags |= TARIFF_NO_CDR;

	return flags;
}


static void terms_of_row(struct rate_terms *terms, const struct cat_rate *row)
{
	terms->rate = row->rate;
	terms->connect_fee = row->connect_fee;
	terms->first = (uint32_t)row->first_increment;
	terms->next = (uint32_t)row->next_increment;
}


static int64_t step_of(const struct catalog *c)
{
	return rate_step(catalog_int(c, SERVER_BILLING_FEE_UNIT),
			 (unsigned)catalog_int(c,
					       SERVER_BILLING_FEE_PRECISTION));
}


void tariff_rate(struct tariff *tariff, const struct catalog *c,
		 uint32_t table, int64_t start_us)
{
	const struct cat_rate *row;

	copy_name(tariff->rate_table, c, RECORD_RATE_TABLE, table);
	row = table ? catalog_rate(c, table, text_of(tariff->called_rated),
				   start_us / SECOND_US)
		    : NULL;
	if (!row)
		return;
	tariff->flags |= TARIFF_HAS_RATE;
	terms_of_row(&tariff->terms, row);
	copy_prefix(tariff->rate_prefix, row);
}


static void take_account(struct tariff *tariff, const struct catalog *c,
			 const struct cat_account *account, int64_t start_us)
{
	const struct cat_account *agent =
		account->agent
			? catalog_by_id(c, RECORD_ACCOUNT, account->agent)
			: NULL;

	copy_name(tariff->account_name, c, RECORD_ACCOUNT, account->row.id);
	if (agent) {
		tariff->agent = agent->row.id;
		tariff->commission = agent->commission_percent;
		copy_name(tariff->agent_name, c, RECORD_ACCOUNT,
			  agent->row.id);
	}
	if (account->overdraft == CAT_NEVER)
		tariff->flags |= TARIFF_IS_UNLIMITED;
	if (account->daily_cap != CAT_NEVER)
		tariff->flags |= TARIFF_IS_CAPPED;
	if (tariff->mode == BILLING_RATED)
		tariff_rate(tariff, c, account->rate_table, start_us);
}


void tariff_of(struct tariff *tariff, const struct catalog *c,
	       const struct tariff_call *call)
{
	const struct cat_account *account =
		call->account ? catalog_by_id(c, RECORD_ACCOUNT, call->account)
			      : NULL;

	memset(tariff, 0, sizeof(*tariff));
	tariff->account = call->account;
	tariff->flags = flags_of(c, call->called);
	tariff->mode =
		tariff->flags & TARIFF_NO_CDR ||
				catalog_matches(c, SERVER_BILLING_FREE_E164S,
						call->called)
			? BILLING_FREE
			: BILLING_RATED;
	tariff->unit = catalog_int(c, SERVER_BILLING_FEE_UNIT);
	tariff->terms = (struct rate_terms){
		.step = step_of(c),
		.first = 1,
		.next = 1,
		.free_s = (uint32_t)catalog_int(c, SERVER_BILLING_FREE_TIME),
	};
	tariff->reserve_first_s =
		(uint32_t)catalog_int(c, SERVER_BILLING_RESERVE_FIRST);
	tariff->reserve_max_s =
		(uint32_t)catalog_int(c, SERVER_BILLING_RESERVE_MAX);
	copy_number(tariff->called_rated,
		    authorise_rated(c, call->mapping, call->called));
	if (account)
		take_account(tariff, c, account, call->start_us);
}


/* --- the end -------------------------------------------------------------- */

/* billing 10: the first that fits */
static enum record_rule rule_of(const struct tariff *tariff,
				const Tandem__Record *r, uint32_t seconds)
{
	const uint32_t flags = tariff->flags;

	if (flags & TARIFF_NO_CDR)
		return RECORD_NO_CDR;
	if (r->is_illegal)
		return flags & TARIFF_NO_ILLEGAL ? RECORD_ILLEGAL
						 : RECORD_IS_KEPT;
	if (seconds == 0)
		return flags & TARIFF_NO_ZERO ? RECORD_ZERO_HOLD_TIME
					      : RECORD_IS_KEPT;
	if (r->end_side == END_SIDE_SERVER && flags & TARIFF_NO_SERVER_END)
		return RECORD_SERVER_HANG_UP;

	return RECORD_IS_KEPT;
}


static enum billing_mode mode_of(const struct tariff *tariff,
				 const Tandem__Record *r, uint32_t seconds)
{
	if (r->is_illegal)
		return BILLING_ILLEGAL;

	return seconds == 0 ? BILLING_ZERO : tariff->mode;
}


/* Talk time that may be charged: the tail, and what was not granted, not. */
static uint32_t seconds_of(const struct tariff *tariff,
			   const Tandem__Record *r, uint32_t granted_s)
{
	const bool has_free_tail = tariff->flags & TARIFF_TAIL_IS_FREE &&
				   r->end_reason == END_NO_MEDIA_TIMEOUT &&
				   r->silent_tail_us > 0;
	const uint32_t s = (uint32_t)rate_seconds(
		has_free_tail ? r->duration_us - r->silent_tail_us
			      : r->duration_us);

	return granted_s && s > granted_s ? granted_s : s;
}


static void take_times(struct charge *charge, const struct tariff *tariff,
		       const Tandem__Record *r, uint32_t granted_s)
{
	const uint32_t seconds = seconds_of(tariff, r, granted_s);
	const uint32_t free_s = tariff->terms.free_s;

	charge->duration_ms = r->duration_us > 0 ? r->duration_us / MS_US : 0;
	charge->duration_s = (uint32_t)rate_seconds(r->duration_us);
	charge->silent_tail_ms = r->silent_tail_us > 0
					 ? r->silent_tail_us / MS_US
					 : 0;
	if (charge->mode != BILLING_RATED && charge->mode != BILLING_FREE)
		return;

	charge->charged_s = (uint32_t)rate_charged(&tariff->terms, seconds);
	charge->free_seconds = seconds < free_s ? seconds : free_s;
	if (charge->has_rate)
		charge->billed_duration = (uint32_t)
			rate_billed(&tariff->terms, charge->charged_s);
}


static void take_fee(struct charge *charge, const struct tariff *tariff,
		     const Tandem__Record *r, uint32_t granted_s)
{
	if (charge->mode != BILLING_RATED || !charge->has_rate)
		return;

	charge->fee = rate_fee(&tariff->terms,
			       seconds_of(tariff, r, granted_s));
	if (tariff->agent)
		charge->commission = rate_part(charge->fee, tariff->commission,
					       PERCENT_WHOLE, tariff->unit);
}


static struct text vendor_rated(const struct catalog *c,
				const struct cat_routing *gw, struct text sent)
{
	const int32_t digits =
		catalog_effective(c, gw->gw.route_prefix_digits,
				  SERVER_BILLING_GATEWAY_ROUTE_PREFIX);

	if (digits > 0 && sent.l > (size_t)digits) {
		sent.p += digits;
		sent.l -= (size_t)digits;
	}

	return sent;
}


bool vendor_of(struct tariff *vendor, const struct catalog *c,
	       const Tandem__Record *r)
{
	const struct cat_routing *gw =
		r->routing_gateway
			? catalog_by_id(c, RECORD_ROUTING, r->routing_gateway)
			: NULL;
	const struct cat_account *clearing;

	memset(vendor, 0, sizeof(*vendor));
	if (r->answer_us <= 0 || !gw || gw->gw.account == 0)
		return false;
	clearing = catalog_by_id(c, RECORD_ACCOUNT, gw->gw.account);
	vendor->account = gw->gw.account;
	copy_name(vendor->account_name, c, RECORD_ACCOUNT, gw->gw.account);
	copy_number(vendor->called_rated,
		    vendor_rated(c, gw, text_of(r->called_sent)));
	vendor->terms =
		(struct rate_terms){ .step = 1, .first = 1, .next = 1 };
	vendor->unit = 1;
	vendor->reserve_first_s = 1;
	tariff_rate(vendor, c, clearing ? clearing->rate_table : 0,
		    r->start_us);

	return true;
}


/* billing 9: who answered is paid, whatever the caller pays */
static void take_vendor(struct charge *charge, const struct tariff *tariff,
			const struct tariff *vendor)
{
	struct rate_terms terms = vendor->terms;

	charge->clearing = vendor->account;
	memcpy(charge->clearing_name, vendor->account_name, CHARGE_NAME_SIZE);
	memcpy(charge->called_rated_vendor, vendor->called_rated,
	       CHARGE_NUMBER_SIZE);
	charge->has_vendor_rate = vendor->flags & TARIFF_HAS_RATE;
	charge->vendor_rate_missing = !charge->has_vendor_rate;
	if (!charge->has_vendor_rate)
		return;
	terms.step = tariff->terms.step;
	memcpy(charge->vendor_rate_prefix, vendor->rate_prefix,
	       CHARGE_PREFIX_SIZE);
	charge->vendor_rate = terms.rate;
	charge->vendor_cost = rate_fee(&terms, charge->duration_s);
}


/* Why the fee of an answered call is 0; the first that fits */
static enum charge_why why_of(const struct charge *charge,
			      const struct tariff *tariff,
			      const Tandem__Record *r)
{
	const bool is_silent = tariff->flags & TARIFF_TAIL_IS_FREE &&
			       r->silent_tail_us > 0;

	if (charge->fee > 0 || r->answer_us <= 0)
		return CHARGE_WHY_NONE;
	if (charge->mode == BILLING_ILLEGAL)
		return CHARGE_ILLEGAL;
	if (charge->mode == BILLING_FREE)
		return CHARGE_FREE_NUMBER;
	if (charge->rule != RECORD_IS_KEPT)
		return CHARGE_NOT_RECORDED;
	if (charge->mode == BILLING_ZERO)
		return CHARGE_ZERO_TALK;
	if (!charge->has_rate)
		return CHARGE_NO_RATE;
	if (charge->charged_s > 0)
		return CHARGE_RATE_IS_ZERO;

	return is_silent && charge->free_seconds < tariff->terms.free_s
		       ? CHARGE_SILENCE
	       : tariff->terms.free_s ? CHARGE_FREE_TIME
				      : CHARGE_SILENCE;
}


static void take_tariff(struct charge *charge, const struct tariff *tariff)
{
	charge->account = tariff->account;
	charge->agent = tariff->agent;
	memcpy(charge->account_name, tariff->account_name, CHARGE_NAME_SIZE);
	memcpy(charge->agent_name, tariff->agent_name, CHARGE_NAME_SIZE);
	memcpy(charge->called_rated, tariff->called_rated, CHARGE_NUMBER_SIZE);
	if (!(tariff->flags & TARIFF_HAS_RATE))
		return;

	charge->has_rate = true;
	charge->rate = tariff->terms.rate;
	charge->connect_fee = tariff->terms.connect_fee;
	charge->first = tariff->terms.first;
	charge->next = tariff->terms.next;
	memcpy(charge->rate_table, tariff->rate_table, CHARGE_NAME_SIZE);
	memcpy(charge->rate_prefix, tariff->rate_prefix, CHARGE_PREFIX_SIZE);
}


void charge_of(struct charge *charge, const struct tariff *tariff,
	       const struct tariff *vendor, const Tandem__Record *r,
	       uint32_t granted_s)
{
	const uint32_t seconds = (uint32_t)rate_seconds(r->duration_us);

	memset(charge, 0, sizeof(*charge));
	charge->rule = rule_of(tariff, r, seconds);
	charge->mode = mode_of(tariff, r, seconds);
	take_tariff(charge, tariff);
	take_times(charge, tariff, r, granted_s);
	if (charge->rule == RECORD_IS_KEPT) {
		take_fee(charge, tariff, r, granted_s);
		if (vendor)
			take_vendor(charge, tariff, vendor);
	}
	charge->margin = charge->fee - charge->vendor_cost;
	charge->why = why_of(charge, tariff, r);
}
