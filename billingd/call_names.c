/**
 * @file billingd/call_names.c  Names of a call that ended, as they are now
 */
#include "billingd/call_names.h"
#include "billingd/record_line.h"
#include "shared/base/text.h"
#include "shared/base/util.h"

enum {
	NEAR_LEAST_S = 2,
	NEAR_PART = 100, /* 1 % */
};


static char *name_of(struct call_names *names, const struct catalog *c,
		     enum record_kind kind, uint32_t id)
{
	const struct cat_row *row = id ? catalog_by_id(c, kind, id) : NULL;
	char *number;

	if (row)
		return unconst(catalog_str(c, kind, row->name));
	number = names->numbers[names->numberc++];
	number[0] = '\0';
	if (id)
		(void)text_print(number, CALL_NAME_SIZE, "#%u", id);

	return number;
}


static void put_attempts(Tandem__CallEnded *call, struct call_names *names,
			 const struct catalog *c)
{
	const Tandem__Record *r = call->record;
	size_t n = r->n_attempts;

	if (n > CALL_NAMES_ATTEMPTS)
		n = CALL_NAMES_ATTEMPTS;
	for (size_t i = 0; i < n; i++)
		names->attempts[i] = name_of(names, c, RECORD_ROUTING,
					     r->attempts[i]->gateway);
	call->attempt_name = names->attempts;
	call->n_attempt_name = n;
}


/* --- the limit at which it ended ------------------------------------------ */

static int64_t limit_of(const struct catalog *c, enum param param)
{
	const int64_t value = catalog_is_set(c, param) ? catalog_int(c, param)
						       : 0;

	return value > 0 && value <= UINT32_MAX ? value : 0;
}


static bool is_near(int64_t talk_s, int64_t cap_s)
{
	const int64_t part = cap_s / NEAR_PART;
	const int64_t most = part > NEAR_LEAST_S ? part : NEAR_LEAST_S;
	const int64_t off = talk_s > cap_s ? talk_s - cap_s : cap_s - talk_s;

	return cap_s > 0 && off <= most;
}


static void put_cap(Tandem__CallEnded *call, const struct catalog *c,
		    uint32_t granted_s)
{
	const Tandem__Record *r = call->record;
	const struct {
		int64_t cap_s;
		const char *name;
	} caps[] = {
		{ r->is_timer ? 0
			      : limit_of(c, SS_SIP_NO_TIMER_REINVITE_INTERVAL),
		  "SS_SIP_NO_TIMER_REINVITE_INTERVAL" },
		{ limit_of(c, SS_MAX_CALL_DURATION), "SS_MAX_CALL_DURATION" },
		{ granted_s, "granted" },
	};
	const int64_t talk_s = record_seconds(r->duration_us);

	for (size_t i = 0; talk_s > 0 && i < COUNT_OF(caps); i++) {
		if (!is_near(talk_s, caps[i].cap_s))
			continue;
		call->cap_s = (uint32_t)caps[i].cap_s;
		call->cap_name = unconst(caps[i].name);
		return;
	}
}


void call_names_put(Tandem__CallEnded *call, struct call_names *names,
		    const struct catalog *c, uint32_t granted_s)
{
	const Tandem__Record *r = call->record;

	names->numberc = 0;
	call->mapping_name = name_of(names, c, RECORD_MAPPING,
				     r->mapping_gateway);
	call->phone_name = name_of(names, c, RECORD_PHONE, r->phone);
	call->gateway_name = name_of(names, c, RECORD_ROUTING,
				     r->routing_gateway);
	call->phone_b_name = name_of(names, c, RECORD_PHONE, r->phone_b);
	put_attempts(call, names, c);
	put_cap(call, c, granted_s);
}
