/**
 * @file shared/catalog/param_warn.c  Values that are allowed and look wrong
 *
 * A row per warning. Most say that a number lies in a range where it harms;
 * the others compare values, and write their own message.
 */
#include <inttypes.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/catalog/param.h"

enum {
	MESSAGE_MAX = 256,
	LOOKS_MAX = 4,
	TTLS_LEAST = 3,  /* A shorter cap ends calls that are alive */
	REQUEST_S = 3,   /* Round trips and a user agent that takes its time */
	WAITS_LEAST = 3, /* Of a list that could have grown */
	DIGITS_LEAST = 3, /* Fewer are a country, or all numbers */
	MICRO_DECIMALS = 6,
	PORTS_PER_CALL = 4, /* RTP and RTCP of two legs */
	EXPIRES_LEAST = 5,  /* Datagrams in a binding's life */
	MS_PER_S = 1000,
};

struct seen {
	const struct param_value *const *values;
	const struct param_facts *facts;
	char *message;
};

struct warning {
	enum param_level level;
	enum param param; /**< It is about this one */
	int64_t from, to; /**< It holds for numbers in this range, ... */
	const char *says; /**< ... and follows the value */
	bool (*holds)(const struct seen *seen); /**< Instead of the range */
	enum param looks[LOOKS_MAX];            /**< At these too */
	size_t lookc;
};


static int64_t number(const struct seen *seen, enum param param)
{
	return seen->values[param]->number;
}


static const char *shown(const struct seen *seen, enum param param)
{
	return seen->values[param]->text;
}


/* --- comparisons ---------------------------------------------------------- */

static bool cap_is_short(const struct seen *seen)
{
	const int64_t cap = number(seen, SS_SIP_NO_TIMER_REINVITE_INTERVAL);
	const int64_t least = TTLS_LEAST * number(seen, SS_SIP_SESSION_TTL);

	(void)text_print(seen->message, MESSAGE_MAX,
			 "%" PRId64 " is below %d x SS_SIP_SESSION_TTL "
			 "(%" PRId64 ")",
			 cap, TTLS_LEAST, least);

	return cap != 0 && cap < least;
}


static bool session_is_short(const struct seen *seen)
{
	const int64_t s = number(seen, SS_SIP_AUTHENTICATION_TIMEOUT);
	const int64_t least = REQUEST_S *
			      number(seen, SS_SIP_AUTHENTICATION_RETRY);

	(void)text_print(seen->message, MESSAGE_MAX,
			 "%" PRId64 " is below %d x "
			 "SS_SIP_AUTHENTICATION_RETRY (%" PRId64 ")",
			 s, REQUEST_S, least);

	return s < least;
}


static bool ttl_is_below_min_se(const struct seen *seen)
{
	const int64_t ttl = number(seen, SS_SIP_SESSION_TTL);
	const int64_t min_se = number(seen, SS_SESSION_TIMER_MIN_SE);

	(void)text_print(seen->message, MESSAGE_MAX,
			 "%" PRId64 " is below SS_SESSION_TIMER_MIN_SE "
			 "(%" PRId64 "): headers say that, probes follow the "
			 "TTL",
			 ttl, min_se);

	return ttl < min_se;
}


static bool waits_are_equal(const struct seen *seen)
{
	const struct param_value *list = seen->values[SS_SIP_RESEND_INTERVAL];

	(void)text_print(seen->message, MESSAGE_MAX,
			 "%s: equal waits do not give way to a network that "
			 "is full",
			 list->text);
	for (size_t i = 1; i < list->count; i++)
		if (list->numbers[i] != list->numbers[0])
			return false;

	return list->count >= WAITS_LEAST;
}


static bool keep_alive_is_rare(const struct seen *seen)
{
	const int64_t period = number(seen, SS_SIP_NAT_KEEP_ALIVE_PERIOD);
	const int64_t expire = number(seen, SS_ENDPOINT_NAT_EXPIRE);

	(void)text_print(seen->message, MESSAGE_MAX,
			 "%" PRId64 " is above SS_ENDPOINT_NAT_EXPIRE / %d "
			 "(%" PRId64 ")",
			 period, EXPIRES_LEAST, expire / EXPIRES_LEAST);

	return period * EXPIRES_LEAST > expire;
}


/* 10^5 x 86400 x 1000 at most: far from overflow */
static bool keep_alive_cannot_reach_all(const struct seen *seen)
{
	const int64_t reached =
		number(seen, SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME) *
		number(seen, SS_SIP_NAT_KEEP_ALIVE_PERIOD) * MS_PER_S /
		number(seen, SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL);

	(void)text_print(seen->message, MESSAGE_MAX,
			 "%s reaches %" PRId64 " devices in "
			 "SS_SIP_NAT_KEEP_ALIVE_PERIOD, and %" PRIu32
			 " are behind NAT",
			 shown(seen, SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME),
			 reached, seen->facts->nat_devices);

	return seen->facts->nat_devices > reached;
}


static bool unit_is_finer_than_rates(const struct seen *seen)
{
	const int64_t decimals = number(seen, SERVER_BILLING_FEE_PRECISTION);
	int64_t step = 1;

	(void)text_print(seen->message, MESSAGE_MAX,
			 "%s is finer than the decimals of "
			 "SERVER_BILLING_FEE_PRECISTION (%" PRId64 ")",
			 shown(seen, SERVER_BILLING_FEE_UNIT), decimals);
	for (int64_t i = decimals; i < MICRO_DECIMALS; i++)
		step *= 10;

	return number(seen, SERVER_BILLING_FEE_UNIT) % step != 0;
}


static bool is_prefix(const char *pattern)
{
	return pattern[strlen(pattern) - 1] == '*';
}


static bool a_pattern_is_short(const struct seen *seen)
{
	const struct param_value *list =
		seen->values[SERVER_BILLING_NO_CDR_E164S];

	for (size_t i = 0; i < list->count; i++) {
		const char *pattern = list->texts[i];

		if (!is_prefix(pattern) || strlen(pattern) > DIGITS_LEAST)
			continue;
		(void)text_print(seen->message, MESSAGE_MAX,
				 "%s has fewer than %d digits: so many numbers "
				 "without a record",
				 pattern, DIGITS_LEAST);
		return true;
	}

	return false;
}


/* Is there a number that both fit? */
static bool overlap(const char *a, const char *b)
{
	const size_t la = strlen(a) - is_prefix(a);
	const size_t lb = strlen(b) - is_prefix(b);

	if (strncmp(a, b, la < lb ? la : lb) != 0)
		return false;

	return la == lb || (la < lb ? is_prefix(a) : is_prefix(b));
}


static bool lists_overlap(const struct seen *seen)
{
	const struct param_value *unrecorded =
		seen->values[SERVER_BILLING_NO_CDR_E164S];
	const struct param_value *unpaid =
		seen->values[SERVER_BILLING_FREE_E164S];

	for (size_t i = 0; i < unrecorded->count; i++) {
		for (size_t j = 0; j < unpaid->count; j++) {
			if (!overlap(unrecorded->texts[i], unpaid->texts[j]))
				continue;
			(void)text_print(seen->message, MESSAGE_MAX,
					 "%s and %s of "
					 "SERVER_BILLING_FREE_E164S cover the "
					 "same numbers: they have no record",
					 unrecorded->texts[i],
					 unpaid->texts[j]);
			return true;
		}
	}

	return false;
}


static bool ports_are_few(const struct seen *seen)
{
	const struct param_value *range = seen->values[SS_RTP_PORT_RANGE];
	const int64_t ports = range->second - range->number + 1;
	const int64_t least = PORTS_PER_CALL * number(seen, SS_MAX_CALLS);

	(void)text_print(seen->message, MESSAGE_MAX,
			 "%s has %" PRId64 " ports, below %d x SS_MAX_CALLS "
			 "(%" PRId64 ")",
			 range->text, ports, PORTS_PER_CALL, least);

	return ports < least;
}


static bool silence_is_not_heard(const struct seen *seen)
{
	const int64_t s = number(seen, SS_NOMEDIAHANGUPTIME);

	(void)text_print(seen->message, MESSAGE_MAX,
			 "%" PRId64 " does not hold for gateways with "
			 "media_proxy off: their media is not seen",
			 s);

	return s > 0 && seen->facts->gateway_without_proxy;
}


/* --- the table ------------------------------------------------------------ */

/* clang-format off */
#define IN(from_, to_, says_) .from = (from_), .to = (to_), .says = (says_)
#define IF(holds_, ...) \
	.holds = (holds_), .looks = { __VA_ARGS__ }, \
	.lookc = sizeof((enum param[]){ __VA_ARGS__ }) / sizeof(enum param)

static const struct warning warnings[] = {
	{ PARAM_WARNING, SS_SIP_NO_TIMER_REINVITE_INTERVAL,
	  IF(cap_is_short, SS_SIP_SESSION_TTL) },
	{ PARAM_WARNING, SS_SIP_NO_TIMER_REINVITE_INTERVAL,
	  IN(0, 0, ": a call without session timer can stay for ever") },
	{ PARAM_WARNING, SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP,
	  IN(30, INT64_MAX, " is 30 or more: dead calls stay, and are charged") },
	{ PARAM_WARNING, SS_SIP_AUTHENTICATION_RETRY,
	  IN(11, INT64_MAX, " is above 10: so many guesses in one session") },
	{ PARAM_INFO, SS_SIP_AUTHENTICATION_TIMEOUT,
	  IF(session_is_short, SS_SIP_AUTHENTICATION_RETRY) },
	{ PARAM_INFO, SS_SIP_SESSION_TTL,
	  IF(ttl_is_below_min_se, SS_SESSION_TIMER_MIN_SE) },
	{ PARAM_WARNING, SS_SIP_RESEND_INTERVAL,
	  IF(waits_are_equal, SS_SIP_RESEND_INTERVAL) },
	{ PARAM_WARNING, SS_SIP_NAT_KEEP_ALIVE_PERIOD,
	  IF(keep_alive_is_rare, SS_ENDPOINT_NAT_EXPIRE) },
	{ PARAM_WARNING, SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME,
	  IF(keep_alive_cannot_reach_all, SS_SIP_NAT_KEEP_ALIVE_PERIOD,
	     SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL) },
	{ PARAM_INFO, SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL,
	  IN(0, 99, " is below 100: bursts follow each other closely") },
	{ PARAM_WARNING, SERVER_BILLING_FREE_TIME,
	  IN(10, INT64_MAX, " is 10 or more: short calls cost nothing") },
	{ PARAM_WARNING, SERVER_BILLING_FEE_UNIT,
	  IF(unit_is_finer_than_rates, SERVER_BILLING_FEE_PRECISTION) },
	{ PARAM_WARNING, SERVER_BILLING_NO_CDR_E164S,
	  IF(a_pattern_is_short, SERVER_BILLING_NO_CDR_E164S) },
	{ PARAM_WARNING, SERVER_BILLING_NO_CDR_E164S,
	  IF(lists_overlap, SERVER_BILLING_FREE_E164S) },
	{ PARAM_WARNING, SERVER_BILLING_RECORD_SERVER_HANG_UP,
	  IN(0, 0, ": answered calls that the switch ends are neither recorded "
		   "nor charged, prepaid ones included") },
	{ PARAM_INFO, SERVER_BILLING_RECORD_ZERO_HOLD_TIME,
	  IN(0, 0, ": calls without talk time leave no record") },
	{ PARAM_INFO, SERVER_BILLING_RECORD_ILLEGAL_CALL,
	  IN(0, 0, ": calls of sources that may not call leave no record") },
	{ PARAM_WARNING, SS_NOMEDIAHANGUPTIME,
	  IN(1, 29, " is below 30: a pause in a conversation can end it") },
	{ PARAM_INFO, SS_NOMEDIAHANGUPTIME,
	  IF(silence_is_not_heard, SS_NOMEDIAHANGUPTIME) },
	{ PARAM_WARNING, SS_RTP_PORT_RANGE,
	  IF(ports_are_few, SS_MAX_CALLS) },
	{ PARAM_INFO, SS_GATEWAY_SWITCH_UNTIL_CONNECT,
	  IN(1, 1, ": the caller may hear one gateway stop and another start") },
};
/* clang-format on */


static bool looks_at(const struct warning *w, enum param param)
{
	if (w->param == param)
		return true;
	for (size_t i = 0; i < w->lookc; i++)
		if (w->looks[i] == param)
			return true;

	return false;
}


static bool does_hold(const struct warning *w, const struct seen *seen)
{
	const int64_t n = number(seen, w->param);

	if (w->holds)
		return w->holds(seen);
	if (n < w->from || n > w->to)
		return false;

	(void)text_print(seen->message, MESSAGE_MAX, "%s%s",
			 shown(seen, w->param), w->says);

	return true;
}


void param_warn(const struct param_value *const values[PARAMC],
		const struct param_facts *facts, enum param changed,
		param_warn_h *h, void *arg)
{
	char message[MESSAGE_MAX];
	const struct seen seen = { values, facts, message };

	for (size_t i = 0; i < COUNT_OF(warnings); i++) {
		const struct warning *w = &warnings[i];

		if ((changed == PARAMC || looks_at(w, changed)) &&
		    does_hold(w, &seen))
			h(w->level, w->param, message, arg);
	}
}
