/**
 * @file billingd/charge_keep.c  Tariffs and charges to the journal and back
 *
 * What comes back may be of another release or of a damaged disk: texts that
 * do not fit and terms that cannot be are refused.
 */
#include <errno.h>
#include <string.h>

#include "billingd/charge.h"
#include "shared/base/util.h"

/* A text of a message into a fixed field. */
static int take_text(char *to, size_t size, const char *from)
{
	return text_copy(to, size, text_of(from)) ? EBADMSG : 0;
}


void tariff_put(Tandem__Tariff *to, const struct tariff *t)
{
	tandem__tariff__init(to);
	to->account = t->account;
	to->account_name = unconst(t->account_name);
	to->agent = t->agent;
	to->agent_name = unconst(t->agent_name);
	to->commission = t->commission;
	to->mode = t->mode;
	to->called_rated = unconst(t->called_rated);
	to->rate_table = unconst(t->rate_table);
	to->rate_prefix = unconst(t->rate_prefix);
	to->rate = t->terms.rate;
	to->connect_fee = t->terms.connect_fee;
	to->first_increment = t->terms.first;
	to->next_increment = t->terms.next;
	to->free_s = t->terms.free_s;
	to->unit = t->unit;
	to->step = t->terms.step;
	to->flags = t->flags;
	to->reserve_first_s = t->reserve_first_s;
	to->reserve_max_s = t->reserve_max_s;
}


static bool has_terms(const Tandem__Tariff *from)
{
	return from->rate >= 0 && from->connect_fee >= 0 && from->unit > 0 &&
	       from->step > 0 && from->first_increment > 0 &&
	       from->next_increment > 0 &&
	       from->first_increment <= RATE_SECONDS_MAX &&
	       from->next_increment <= RATE_SECONDS_MAX &&
	       from->mode < BILLING_MODEC && from->reserve_first_s > 0 &&
	       from->commission >= 0 && from->commission <= INT32_MAX;
}


int tariff_take(struct tariff *t, const Tandem__Tariff *from)
{
	memset(t, 0, sizeof(*t));
	if (!has_terms(from))
		return EBADMSG;

	t->account = from->account;
	t->agent = from->agent;
	t->commission = (int32_t)from->commission;
	t->flags = from->flags;
	t->mode = (enum billing_mode)from->mode;
	t->terms = (struct rate_terms){
		.rate = from->rate,
		.connect_fee = from->connect_fee,
		.step = from->step,
		.first = from->first_increment,
		.next = from->next_increment,
		.free_s = from->free_s,
	};
	t->unit = from->unit;
	t->reserve_first_s = from->reserve_first_s;
	t->reserve_max_s = from->reserve_max_s;

	return take_text(t->account_name, CHARGE_NAME_SIZE,
			 from->account_name) ||
			       take_text(t->agent_name, CHARGE_NAME_SIZE,
					 from->agent_name) ||
			       take_text(t->rate_table, CHARGE_NAME_SIZE,
					 from->rate_table) ||
			       take_text(t->rate_prefix, CHARGE_PREFIX_SIZE,
					 from->rate_prefix) ||
			       take_text(t->called_rated, CHARGE_NUMBER_SIZE,
					 from->called_rated)
		       ? EBADMSG
		       : 0;
}


void charge_put(Tandem__Charge *to, const struct charge *charge)
{
	tandem__charge__init(to);
	to->rule = charge->rule;
	to->why = charge->why;
	to->mode = charge->mode;
	to->duration_ms = charge->duration_ms;
	to->duration_s = charge->duration_s;
	to->free_seconds = charge->free_seconds;
	to->charged_s = charge->charged_s;
	to->billed_duration = charge->billed_duration;
	to->silent_tail_ms = charge->silent_tail_ms;
	to->fee = charge->fee;
	to->commission = charge->commission;
	to->vendor_cost = charge->vendor_cost;
	to->margin = charge->margin;
	to->account = charge->account;
	to->agent = charge->agent;
	to->clearing = charge->clearing;
	to->account_name = unconst(charge->account_name);
	to->agent_name = unconst(charge->agent_name);
	to->clearing_name = unconst(charge->clearing_name);
	to->called_rated = unconst(charge->called_rated);
	to->called_rated_vendor = unconst(charge->called_rated_vendor);
	to->has_rate = charge->has_rate;
	to->rate_table = unconst(charge->rate_table);
	to->rate_prefix = unconst(charge->rate_prefix);
	to->rate = charge->rate;
	to->connect_fee = charge->connect_fee;
	to->first_increment = charge->first;
	to->next_increment = charge->next;
	to->has_vendor_rate = charge->has_vendor_rate;
	to->vendor_rate_prefix = unconst(charge->vendor_rate_prefix);
	to->vendor_rate = charge->vendor_rate;
	to->vendor_rate_missing = charge->vendor_rate_missing;
	to->settled = charge->settled;
}


static void take_sums(struct charge *charge, const Tandem__Charge *from)
{
	charge->rule = (enum record_rule)from->rule;
	charge->why = (enum charge_why)from->why;
	charge->mode = (enum billing_mode)from->mode;
	charge->duration_ms = from->duration_ms;
	charge->duration_s = from->duration_s;
	charge->free_seconds = from->free_seconds;
	charge->charged_s = from->charged_s;
	charge->billed_duration = from->billed_duration;
	charge->silent_tail_ms = from->silent_tail_ms;
	charge->fee = from->fee;
	charge->commission = from->commission;
	charge->vendor_cost = from->vendor_cost;
	charge->margin = from->margin;
	charge->account = from->account;
	charge->agent = from->agent;
	charge->clearing = from->clearing;
	charge->settled = from->settled;
	charge->has_rate = from->has_rate;
	charge->rate = from->rate;
	charge->connect_fee = from->connect_fee;
	charge->first = from->first_increment;
	charge->next = from->next_increment;
	charge->has_vendor_rate = from->has_vendor_rate;
	charge->vendor_rate = from->vendor_rate;
	charge->vendor_rate_missing = from->vendor_rate_missing;
}


int charge_take(struct charge *charge, const Tandem__Charge *from)
{
	const struct {
		char *to;
		size_t size;
		const char *text;
	} texts[] = {
		{ charge->account_name, CHARGE_NAME_SIZE, from->account_name },
		{ charge->agent_name, CHARGE_NAME_SIZE, from->agent_name },
		{ charge->clearing_name, CHARGE_NAME_SIZE,
		  from->clearing_name },
		{ charge->rate_table, CHARGE_NAME_SIZE, from->rate_table },
		{ charge->rate_prefix, CHARGE_PREFIX_SIZE, from->rate_prefix },
		{ charge->vendor_rate_prefix, CHARGE_PREFIX_SIZE,
		  from->vendor_rate_prefix },
		{ charge->called_rated, CHARGE_NUMBER_SIZE,
		  from->called_rated },
		{ charge->called_rated_vendor, CHARGE_NUMBER_SIZE,
		  from->called_rated_vendor },
	};
	int err = 0;

	if (from->rule >= RECORD_RULEC || from->why >= CHARGE_WHYC ||
	    from->mode >= BILLING_MODEC || from->fee < 0 ||
	    from->commission < 0 || from->vendor_cost < 0)
		return EBADMSG;

	memset(charge, 0, sizeof(*charge));
	take_sums(charge, from);
	for (size_t i = 0; !err && i < sizeof(texts) / sizeof(texts[0]); i++)
		err = take_text(texts[i].to, texts[i].size, texts[i].text);

	return err;
}
