/**
 * @file billingd/cdr_cmd.c  Records of calls, looked for (cdr 4)
 *
 * A page at a time: the cursor is the last row's place in the order. Within
 * the days that are asked for; without them, the last 24 hours.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/args.h"
#include "billingd/asked.h"
#include "billingd/cdr_cmd.h"
#include "shared/base/text.h"
#include "shared/base/util.h"

enum {
	LIMIT_USUAL = 100,
	LIMIT_MOST = 10000,
};

/* Money and times as operations.md 1 has them */
#define MONEY(c) "trim_scale(c." #c "::numeric / 1000000)::text as " #c
#define AT(c)                                   \
	"to_char(c." #c " at time zone 'UTC', " \
	"'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') as " #c

static const char columns[] = "select c.cdr_id, c.parent_cdr_id, " AT(start_time) ", " AT(progress_time) ", " AT(answer_time) ", " AT(
	end_time) ", "
		  "c.setup_ms, c.ring_ms, c.duration_ms, c.duration, c.free_seconds, "
		  "c.silent_tail, c.billed_duration, c.caller_original, c.caller, "
		  "c.caller_sent, c.called_original, c.called, c.called_sent, "
		  "c.called_rated, c.called_rated_vendor, c.mapping_gateway, c.phone, "
		  "host(c.source_ip) as source_ip, c.source_port, c.transport, "
		  "c.routing_gateway, c.phone_b, host(c.dest_ip) as dest_ip, "
		  "c.attempts, c.account, c.agent, c.clearing_account, c.rate_table, "
		  "c.rate_prefix, " MONEY(rate) ", " MONEY(
			  connect_fee) ", "
				       "c.first_increment, c.next_increment, " MONEY(fee) ", " MONEY(commission) ", c.billing_mode, c.vendor_rate_prefix, " MONEY(
					       vendor_rate) ", " MONEY(vendor_cost) ", " MONEY(margin) ", "
												       "c.vendor_rate_missing, c.end_reason, c.end_detail, c.end_side, "
												       "c.sip_code, c.sip_code_b, c.q850, c.regime, c.media, c.codec, "
												       "c.a_packets, c.a_lost, c.b_packets, c.b_lost, c.a_loss_pct, "
												       "c.a_jitter_ms, c.b_loss_pct, c.b_jitter_ms, c.a_mos, c.b_mos, "
												       "c.call_id_a, c.call_id_b, c.config_version";

struct filter {
	const char *name, *sql;
};

/* As the indexes of the forms that are not the number itself */
#define ANY_FORM(base)                                                       \
	" and (" base " like ? or (" base "_original is distinct from " base \
	" and " base "_original like ?) or (" base                           \
	"_sent is distinct from " base " and " base "_sent like ?))"

/* clang-format off */
static const struct filter filters[] = {
	{ "to",              " and start_time < ?::timestamptz" },
	{ "account",         " and account = ?" },
	{ "mapping_gateway", " and mapping_gateway = ?" },
	{ "phone",           " and phone = ?" },
	{ "routing_gateway", " and exists (select from attempt a where a.gateway = ? and a.start_time = cdr.start_time and a.cdr_id = cdr.cdr_id)" },
	{ "end_reason",      " and end_reason = ?" },
	{ "end_side",        " and end_side = ?" },
	{ "sip_code",        " and sip_code = ?::integer" },
	{ "billing_mode",    " and billing_mode = ?" },
	{ "min_duration",    " and duration >= ?::integer" },
	{ "max_duration",    " and duration <= ?::integer" },
	{ "min_fee",         " and fee >= ?::numeric * 1000000" },
	{ "source_ip",       " and source_ip = ?::inet" },
	{ "call_id",         " and ? in (call_id_a, call_id_b)" },
	{ "cdr_id",          " and cdr_id = ?" },
};

/* By what can be sorted: "" is before everything. */
static const struct {
	const char *name, *key;
} sorts[] = {
	{ "start_time",    "extract(epoch from start_time)" },
	{ "progress_time", "coalesce(extract(epoch from progress_time), 0)" },
	{ "answer_time",   "coalesce(extract(epoch from answer_time), 0)" },
	{ "end_time",      "coalesce(extract(epoch from end_time), 0)" },
	{ "duration",      "coalesce(duration, 0)::numeric" },
	{ "fee",           "coalesce(fee, 0)::numeric" },
};
/* clang-format on */


/* "*" at the end: numbers that begin so. Other signs of LIKE are themselves. */
static void add_number(struct asked *asked, const json_t *args,
		       const char *name, const char *sql)
{
	char buf[ARGS_NUMBER_MAX], like[ASKED_TEXT];
	const char *value = args_get(args, name, buf);
	size_t l = 0;

	if (!value)
		return;
	for (; *value && l + 3 < sizeof(like); value++) {
		if (*value == '*' && value[1] == '\0') {
			like[l++] = '%';
			continue;
		}
		if (strchr("%_\\", *value))
			like[l++] = '\\';
		like[l++] = *value;
	}
	like[l] = '\0';
	asked_add(asked, sql, like);
}


static const char *sort_key(const json_t *args, bool *is_downp)
{
	const char *sort = json_string_value(json_object_get(args, "sort"));

	*is_downp = !sort || sort[0] == '-';
	if (!sort)
		return sorts[0].key;
	for (size_t i = 0; i < COUNT_OF(sorts); i++)
		if (strcmp(sorts[i].name, sort + *is_downp) == 0)
			return sorts[i].key;

	return NULL;
}


/* "123.456|01M7..." */
static int add_cursor(struct asked *asked, const json_t *args, const char *key,
		      bool is_down)
{
	const char *cursor = json_string_value(
		json_object_get(args, "cursor"));
	char value[ASKED_TEXT];
	struct text before, id;

	if (!cursor)
		return 0;
	if (!text_cut(text_of(cursor), '|', &before, &id) ||
	    text_copy(value, sizeof(value), before))
		return EINVAL;
	asked_add(asked, " and (", NULL);
	asked_add(asked, key, NULL);
	asked_add(asked,
		  is_down ? ", cdr_id) < (?::numeric"
			  : ", cdr_id) > (?::numeric",
		  value);
	asked_add(asked, ", ?)", id.p);

	return 0;
}


static void add_filters(struct asked *asked, const json_t *args)
{
	char buf[ARGS_NUMBER_MAX];
	const char *from = args_get(args, "from", buf);
	const bool is_named = json_object_get(args, "cdr_id") ||
			      json_object_get(args, "call_id");

	if (from)
		asked_add(asked, " start_time >= ?::timestamptz", from);
	else
		asked_add(asked,
			  is_named ? " true"
				   : " start_time >= now() - interval "
				     "'24 hours'",
			  NULL);
	for (size_t i = 0; i < COUNT_OF(filters); i++)
		asked_filter(asked, args, filters[i].name, filters[i].sql);
	add_number(asked, args, "caller", ANY_FORM("caller"));
	add_number(asked, args, "called", ANY_FORM("called"));
}


int cmd_cdr_query(void *state, const json_t *args, struct admin_answer *answer)
{
	struct asked asked = { .sql = NULL };
	char number[ARGS_NUMBER_MAX];
	size_t limit;
	const char *key;
	bool is_down;

	key = sort_key(args, &is_down);
	if (!key)
		return admin_refuse(answer, "invalid_value",
				    "sort: a time, duration or fee");
	limit = args_limit(args, LIMIT_USUAL, LIMIT_MOST, answer);
	if (limit == 0)
		return EINVAL;

	/* The page first, by key alone; then its columns. */
	asked_add(&asked, "with page as (select *, ", NULL);
	asked_add(&asked, key, NULL);
	asked_add(&asked, " as k from cdr where", NULL);
	add_filters(&asked, args);
	if (add_cursor(&asked, args, key, is_down)) {
		free(asked.sql);
		return admin_refuse(answer, "invalid_value",
				    "cursor: not one of ours");
	}
	(void)text_print(number, sizeof(number), "%zu", limit + 1);
	asked_add(&asked, " order by k", NULL);
	asked_add(&asked, is_down ? " desc, cdr_id desc" : ", cdr_id", NULL);
	asked_add(&asked,
		  " limit ?::integer) select (select row_to_json(r) "
		  "from (",
		  number);
	asked_add(&asked, columns, NULL);
	asked_add(&asked,
		  ") r), c.k || '|' || c.cdr_id from page c order by "
		  "k",
		  NULL);
	asked_add(&asked, is_down ? " desc, cdr_id desc" : ", cdr_id", NULL);

	return asked_run(&asked, state, limit, answer);
}


int cmd_cdr_show(void *state, const json_t *args, struct admin_answer *answer)
{
	struct asked asked = { .sql = NULL };

	asked_add(&asked, "select (select row_to_json(r) from (", NULL);
	asked_add(&asked, columns, NULL);
	asked_filter(&asked, args, "cdr_id",
		     ") r) from cdr c where cdr_id = ? limit 1");

	return asked_run(&asked, state, 1, answer);
}
