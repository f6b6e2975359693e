/**
 * @file billingd/report_cmd.c  What the records say together
 *
 * Sums are kept as records come (traffic.c, 0010_records_by_copy.sql): a report
 * reads rows of hours and days, not of calls. ledger.verify reads everything.
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
	ROWS_USUAL = 1000,
	ROWS_MOST = 10000,
};

#define MONEY(e) "trim_scale((" e ")::numeric / 1000000)::text"
#define AT(e)                                \
	"to_char(" e " at time zone 'UTC', " \
	"'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"


/* From and to of what a report reads; the last 24 hours */
static void add_times(struct asked *asked, const json_t *args,
		      const char *from, const char *to, const char *usual)
{
	char buf[ARGS_NUMBER_MAX];
	const char *value = args_get(args, "from", buf);

	if (value)
		asked_add(asked, from, value);
	else
		asked_add(asked, usual, NULL);
	asked_filter(asked, args, "to", to);
}


static void add_hours(struct asked *asked, const json_t *args)
{
	add_times(asked, args,
		  " hour >= date_trunc('hour', ?::timestamptz, 'UTC')",
		  " and hour < ?::timestamptz",
		  " hour >= date_trunc('hour', now() - interval '24 hours', "
		  "'UTC')");
}


/* --- a page at a time ----------------------------------------------------- */

/** The cursor is how many rows were before. */
struct page {
	size_t limit;
	char fetched[16]; /**< One more than the limit: is there more? */
	char from[16], next[16];
};


/** @return true if it is to be answered; false: it is refused */
static bool page_of(struct page *page, const json_t *args,
		    struct admin_answer *answer)
{
	const char *cursor = json_string_value(
		json_object_get(args, "cursor"));
	uint32_t from = 0;

	page->limit = args_limit(args, ROWS_USUAL, ROWS_MOST, answer);
	if (page->limit == 0)
		return false;
	if (cursor && text_u32(&from, text_of(cursor), 1, INT32_MAX)) {
		(void)admin_refuse(answer, "invalid_value",
				   "cursor: not one of ours");
		return false;
	}
	(void)text_print(page->fetched, sizeof(page->fetched), "%zu",
			 page->limit + 1);
	(void)text_print(page->from, sizeof(page->from), "%u", from);
	(void)text_print(page->next, sizeof(page->next), "%zu",
			 from + page->limit);

	return true;
}


/* Before a query in parentheses, whose order is the one of the rows */
static void add_rows(struct asked *asked, const struct page *page)
{
	asked_add(asked, " select row_to_json(r), ?::text from ", page->next);
}


static int finish(struct asked *asked, const struct page *page, void *state,
		  struct admin_answer *answer)
{
	asked_add(asked, " r limit ?::integer", page->fetched);
	asked_add(asked, " offset ?::integer", page->from);

	return asked_run(asked, state, page->limit, answer);
}


/* --- sums ----------------------------------------------------------------- */

static const struct {
	const char *by, *key;
} keys[] = {
	{ "gateway", "gateway" }, { "prefix", "prefix" },
	{ "account", "account" }, { "reason", "reason" },
	{ "hour", AT("hour") },
};

/* Not a fault of the network: counted as taken */
#define TAKEN                                         \
	"('CalleeBusy', 'NoAnswer', 'CallerCancel', " \
	"'NumberInvalid')"


static const char *key_of(const json_t *args, const char *usual,
			  struct admin_answer *answer)
{
	const char *by = json_string_value(json_object_get(args, "by"));

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (strcmp(by ? by : usual, keys[i].by) == 0)
			return keys[i].key;
	(void)admin_refuse(answer, "invalid_value",
			   "by: gateway, prefix, account, reason or hour");

	return NULL;
}


/* "with t as (...)": rows of the hours that are asked for, with their key */
static void add_keyed(struct asked *asked, const json_t *args, const char *key)
{
	asked_add(asked, "with t as (select ", NULL);
	asked_add(asked, key, NULL);
	asked_add(asked,
		  " as key, reason, attempts, answered, talk_ms, "
		  "setup_ms, setups, fee, cost, margin from "
		  "traffic_hour where",
		  NULL);
	add_hours(asked, args);
	asked_filter(asked, args, "gateway", " and gateway = ?");
	asked_filter(asked, args, "account", " and account = ?");
	asked_filter(asked, args, "reason", " and reason = ?");
	asked_filter(asked, args, "sip_code", " and sip_code = ?::integer");
	asked_add(asked, ")", NULL);
}


#define ATTEMPTS                                              \
	"sum(attempts)::bigint as attempts, "                 \
	"sum(answered)::bigint as answered, "                 \
	"(sum(attempts) - sum(answered))::bigint as failed, " \
	"round(sum(answered) / sum(attempts), 4) as asr"
#define TALK                                                        \
	"round(sum(talk_ms) / 1000 / nullif(sum(answered), 0), 1) " \
	"as acd, round(sum(talk_ms) / 60000, 2) as minutes"
#define SUMS                                               \
	MONEY("sum(fee)")                                  \
	" as fee, " MONEY("sum(cost)") " as cost, " MONEY( \
		"sum(margin)") " as margin"


/** A report of sums by a key */
struct keyed {
	const char *usual; /**< Key unless another is asked for */
	const char *with;  /**< What it needs beside "t" */
	const char *rows;
};


static int keyed_run(const struct keyed *keyed, void *state,
		     const json_t *args, struct admin_answer *answer)
{
	struct asked asked = { .sql = NULL };
	const char *key = key_of(args, keyed->usual, answer);
	struct page page;

	if (!key || !page_of(&page, args, answer))
		return 0;
	add_keyed(&asked, args, key);
	asked_add(&asked, keyed->with, NULL);
	add_rows(&asked, &page);
	asked_add(&asked, keyed->rows, NULL);

	return finish(&asked, &page, state, answer);
}


int cmd_analyse_calls(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	static const struct keyed calls = {
		"gateway",
		", tops as (select distinct on (key) key, reason from (select "
		"key, reason, sum(attempts) n from t group by 1, 2) x order by "
		"key, n desc, reason)",
		"(select key, " ATTEMPTS ", "
		"round(sum(case when t.reason in " TAKEN
		" then attempts else answered end) / sum(attempts), 4) as ner, " TALK
		", "
		"round(sum(setup_ms) / nullif(sum(setups), 0))::bigint as "
		"pdd_ms, min(tops.reason) as top_reason, " SUMS
		" from t join tops using (key) group by key order by attempts "
		"desc, key)",
	};

	return keyed_run(&calls, state, args, answer);
}


/* What came in and what it cost, who brings most first */
int cmd_report_profit(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	static const struct keyed profit = {
		"account",
		"",
		"(select key, "
		"sum(answered)::bigint as answered, " TALK ", " SUMS
		", round(sum(margin) / nullif(sum(fee), 0), 4) as share "
		"from t group by key order by sum(margin) desc, key)",
	};

	return keyed_run(&profit, state, args, answer);
}


int cmd_report_traffic(void *state, const json_t *args,
		       struct admin_answer *answer)
{
	static const struct keyed traffic = {
		"hour",
		"",
		"(select key, " ATTEMPTS ", " TALK
		" from t group by key order by key)",
	};

	return keyed_run(&traffic, state, args, answer);
}


int cmd_gateway_failures(void *state, const json_t *args,
			 struct admin_answer *answer)
{
	struct asked asked = { .sql = NULL };
	struct page page;

	if (!page_of(&page, args, answer))
		return 0;
	asked_add(&asked, "with t as (select * from traffic_hour where", NULL);
	add_hours(&asked, args);
	asked_filter(&asked, args, "name", " and gateway = ?");
	asked_add(&asked,
		  " and attempts > answered), tops as (select distinct on "
		  "(reason, sip_code) reason, sip_code, prefix from (select "
		  "reason, sip_code, prefix, sum(attempts - answered) n from t "
		  "group by 1, 2, 3) x order by reason, sip_code, n desc, "
		  "prefix)",
		  NULL);
	add_rows(&asked, &page);
	asked_add(
		&asked,
		"(select t.reason, "
		"nullif(t.sip_code, 0) as sip_code, "
		"sum(attempts - answered)::bigint as count, "
		"round(sum(attempts - answered) / sum(sum(attempts - "
		"answered)) over (), 4) as share, " AT("min(first)") " as first, " AT(
			"max(last)") " as last, min(tops.prefix) as top_prefix from t join tops on tops.reason = t.reason and tops.sip_code = t.sip_code group by t.reason, t.sip_code order by count desc, t.reason, t.sip_code)",
		NULL);

	return finish(&asked, &page, state, answer);
}


/* --- reports -------------------------------------------------------------- */

static void add_days(struct asked *asked, const json_t *args)
{
	add_times(asked, args,
		  " day >= (?::timestamptz at time zone 'UTC')::date",
		  " and day <= (?::timestamptz at time zone 'UTC')::date",
		  " day >= ((now() - interval '24 hours') at time zone "
		  "'UTC')::date");
}


static void add_starts(struct asked *asked, const json_t *args)
{
	add_times(asked, args, " start_time >= ?::timestamptz",
		  " and start_time < ?::timestamptz",
		  " start_time >= now() - interval '24 hours'");
}


/* The usual length of calls is summed in one pass over the hours before: once
 * for each gateway and prefix, of which there are thousands, would be minutes.
 */
int cmd_report_ghost(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	struct asked asked = { .sql = NULL };
	struct page page;

	if (!page_of(&page, args, answer))
		return 0;
	asked_add(
		&asked,
		"with silent as (select case when end_reason = "
		"'NoMediaTimeout' then 'no_media' else 'silent_tail' end as "
		"kind, coalesce(routing_gateway, mapping_gateway) as gateway, "
		"phone, min(called) as called, min(start_time) as start, "
		"duration, round(min(duration_ms - coalesce(silent_tail, "
		"0)) / 1000.0, 1) as talk, round(min(silent_tail) / 1000.0, "
		"1) as silent_tail, min(end_detail) as silent_side, "
		"sum(fee) as fee, count(*) as count from cdr where (end_reason "
		"= 'NoMediaTimeout' or silent_tail >= 30000) and",
		NULL);
	add_starts(&asked, args);
	asked_add(&asked,
		  " group by 1, 2, 3, 6), equal as (select "
		  "'equal_length' as kind, case when object = 'gateway' then "
		  "name end as gateway, case when object = 'phone' then name "
		  "end as phone, called, start, seconds as duration, "
		  "talk::numeric as talk, round(silent_tail / 1000.0, 1) as "
		  "silent_tail, null::text as silent_side, fee, count from "
		  "ghost_length g where count >= 3 and not exists (select from "
		  "silent s where s.duration = g.seconds and g.name in "
		  "(s.gateway, s.phone)) and",
		  NULL);
	add_days(&asked, args);
	asked_add(
		&asked,
		"), acd as (select 'long_calls' as kind, gateway, null::text "
		"as phone, prefix as called, min(first) as start, "
		"(sum(talk_ms) / sum(answered) / 1000)::integer as duration, "
		"round(sum(talk_ms) / 1000) as talk, null::numeric as "
		"silent_tail, null::text as silent_side, sum(fee) as fee, "
		"sum(answered)::bigint as count, sum(talk_ms) / sum(answered) "
		"as mean from traffic_hour where answered > 0 and gateway <> "
		"'' and",
		NULL);
	add_hours(&asked, args);
	asked_add(
		&asked,
		" group by gateway, prefix), usual as (select a.gateway, "
		"a.called, sum(t.talk_ms) / nullif(sum(t.answered), 0) as "
		"usual from acd a join traffic_hour t on t.gateway = a.gateway "
		"and t.prefix = a.called and t.hour >= a.start - interval '7 "
		"days' and t.hour < date_trunc('hour', a.start, 'UTC') where "
		"t.hour >= (select min(start) from acd) - interval '7 days' "
		"and t.hour < (select max(start) from acd) group by 1, 2), "
		"long as (select kind, gateway, phone, called, start, "
		"duration, talk, silent_tail, silent_side, fee, count from acd "
		"join usual using (gateway, called) where mean > 3 * usual)",
		NULL);
	add_rows(&asked, &page);
	asked_add(
		&asked,
		"(select kind, gateway, phone, called, " AT(
			"start") " as start, duration, talk, silent_tail, "
				 "silent_side, " MONEY(
					 "fee") " as fee, count::bigint as count from (select * from silent union all select * from equal union all select * from long) x order by x.start desc, x.kind, x.gateway, x.phone, x.duration, x.called)",
		NULL);

	return finish(&asked, &page, state, answer);
}


int cmd_report_near_cap(void *state, const json_t *args,
			struct admin_answer *answer)
{
	struct asked asked = { .sql = NULL };
	struct page page;

	if (!page_of(&page, args, answer))
		return 0;
	add_rows(&asked, &page);
	asked_add(&asked,
		  "(select gateway, nullif(phone, "
		  "'') as phone, called, duration, cap, cap_name, regime, "
		  "count(*) over (partition by gateway) as count, " AT(
			  "start_time") " as start from near_cap where",
		  NULL);
	add_starts(&asked, args);
	asked_add(&asked, " order by start_time desc, cdr_id)", NULL);

	return finish(&asked, &page, state, answer);
}


int cmd_report_illegal(void *state, const json_t *args,
		       struct admin_answer *answer)
{
	struct asked asked = { .sql = NULL };
	struct page page;

	if (!page_of(&page, args, answer))
		return 0;
	add_rows(&asked, &page);
	asked_add(
		&asked,
		"(select host(source_ip) as "
		"source_ip, sum(i.count)::bigint as count, " AT("min(first)") " as first, " AT(
			"max(last)") " as last, (select (array_agg(distinct n))[1:10] from illegal_source j, unnest(j.numbers) n where j.source_ip = i.source_ip) as numbers, (array_agg(reason order by last desc))[1] as reason, exists (select from list l where case l.list when 'source_black' then l.entry::inet >>= i.source_ip end) as blacklisted from illegal_source i where",
		NULL);
	add_days(&asked, args);
	asked_add(&asked,
		  " group by source_ip order by count desc, source_ip)", NULL);

	return finish(&asked, &page, state, answer);
}


/* --- the books ------------------------------------------------------------ */

/* Each says how many are wrong, and which is the first. */
static const char verify[] =
	"with books as (select cdr_id, sum(amount) filter (where kind = "
	"'call') as paid, sum(amount) filter (where kind = 'commission') as "
	"earned, count(*) as n from ledger where cdr_id is not null group by "
	"cdr_id), "
	"records as (select cdr_id, min(start_time) as start_time, count(*) "
	"as n, min(coalesce(fee, 0)) as fee, min(coalesce(vendor_cost, 0)) as "
	"vendor_cost, min(coalesce(commission, 0)) as commission from cdr "
	"group by cdr_id), "
	"oldest as (select min(start_time) as at from cdr), "
	"wrong as ("
	"select 1 as o, 'balance is the sum of its entries' as \"check\", "
	"a.name || ': ' || b.balance || ', entries ' || coalesce(s.sum, 0) "
	"as what from balance b join account a on a.id = b.account_id left "
	"join (select account_id, sum(amount) from ledger group by 1) s on "
	"s.account_id = b.account_id where b.balance <> coalesce(s.sum, 0) "
	"union all "
	"select 2, 'reserved is the sum of holds and leases', a.name || ': ' "
	"|| b.reserved from balance b join account a on a.id = b.account_id "
	"where b.reserved <> coalesce((select sum(amount) from hold h where "
	"h.account_id = b.account_id), 0) + coalesce((select sum(amount) from "
	"lease l where l.account_id = b.account_id), 0) "
	"union all "
	"select 3, 'each entry follows the one before', 'entry ' || id from "
	"(select id, balance_after - amount - lag(balance_after, 1, "
	"0::bigint) over (partition by account_id order by id) as step from "
	"ledger) e where step <> 0 "
	"union all "
	"select 4, 'a record is there once', cdr_id from records where n > 1 "
	"union all "
	"select 5, 'a record is booked as it says', r.cdr_id || ': ' || "
	"coalesce(b.paid, 0) || ', record ' || -(fee + vendor_cost) from "
	"records r left join books b using (cdr_id) where coalesce(b.paid, 0) "
	"<> -(fee + vendor_cost) or coalesce(b.earned, 0) <> commission "
	"union all "
	"select 6, 'an entry of a call has its record', b.cdr_id from books b "
	"left join records r using (cdr_id) where r.cdr_id is null and exists "
	"(select from ledger l, oldest where l.cdr_id = b.cdr_id and l.time > "
	"oldest.at + interval '1 day') "
	"union all "
	"select 7, 'a fee is rate times time', cdr_id || ': ' || fee from cdr "
	"where billing_mode = 'rated' and fee > 0 and abs(fee - connect_fee - "
	"rate::numeric * billed_duration / 60) > 50000 "
	"union all "
	"select 8, 'accounts and the house are zero together', total::text "
	"from (select (select coalesce(sum(balance), 0) from balance) + "
	"(select sum(balance) from house) as total) t where total <> 0 "
	"union all "
	"select 9, 'nobody owes more than allowed', name || ': ' || available "
	"from account_money where kind = 'customer' and available < 0 "
	"union all "
	"select 10, 'the house has what accounts gave', name || ': ' || "
	"balance || ', entries ' || -coalesce(sum, 0) from house left join "
	"(select house, sum(amount) from ledger group by 1) s on house = name "
	"where balance <> -coalesce(sum, 0) "
	"union all "
	"select 11, 'sums of hours are those of records', "
	"coalesce(r.hour, t.hour)::text from (select date_trunc('hour', "
	"start_time, 'UTC') as hour, sum(coalesce(fee, 0)) as fee, "
	"sum(coalesce(vendor_cost, 0)) as cost, count(answer_time) as n from "
	"cdr group by 1) r full join (select hour, sum(fee) as fee, "
	"sum(cost) as cost, sum(answered) as n from traffic_hour, oldest "
	"where hour >= date_trunc('day', oldest.at, 'UTC') group by 1) t "
	"using (hour) where (r.fee, r.cost, r.n) is distinct from (t.fee, "
	"t.cost, t.n)) "
	"select row_to_json(r) from (select c.\"check\", count(w.what) as wrong, "
	"min(w.what) as first from (values "
	"(1, 'balance is the sum of its entries'), "
	"(2, 'reserved is the sum of holds and leases'), "
	"(3, 'each entry follows the one before'), "
	"(4, 'a record is there once'), "
	"(5, 'a record is booked as it says'), "
	"(6, 'an entry of a call has its record'), "
	"(7, 'a fee is rate times time'), "
	"(8, 'accounts and the house are zero together'), "
	"(9, 'nobody owes more than allowed'), "
	"(10, 'the house has what accounts gave'), "
	"(11, 'sums of hours are those of records')) c (o, \"check\") left join wrong w "
	"on w.o = c.o group by c.o, c.\"check\" order by c.o) r";


int cmd_ledger_verify(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	struct asked asked = { .sql = NULL };

	(void)args;
	asked_add(&asked, verify, NULL);

	return asked_run(&asked, state, ROWS_MOST, answer);
}
