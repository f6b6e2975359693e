/**
 * @file billingd/quote.c  What a call would cost: rate quote, rate explain
 *
 * Nothing is sent, nothing is booked. The tariff is made and used by the same
 * functions as a call's.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "billingd/args.h"
#include "billingd/billingd.h"
#include "billingd/charge.h"
#include "billingd/money.h"
#include "billingd/record_find.h"
#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "shared/catalog/build.h"

/** What was asked, and what comes of it */
struct quote {
	const struct catalog *c;
	struct tariff tariff;
	const struct cat_account *account; /* NULL: a table was named */
	int64_t at_us, duration_us;
	char called[CHARGE_NUMBER_SIZE];
	int64_t seconds, charged;
	unsigned decimals;
};

static const int64_t second_us = 1000000;


static int take_time(struct quote *q, const json_t *args,
		     struct admin_answer *answer)
{
	const char *at = json_string_value(json_object_get(args, "at"));
	struct tm tm;
	const char *end;

	q->at_us = clk_wall_us();
	if (!at)
		return 0;
	memset(&tm, 0, sizeof(tm));
	end = strptime(at, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!end || (strcmp(end, "Z") != 0 && *end))
		return admin_refuse(answer, "invalid_value",
				    "at: not a time like "
				    "2026-01-31T12:00:00Z");
	q->at_us = (int64_t)timegm(&tm) * second_us;

	return 0;
}


static int take_seconds(struct quote *q, const json_t *args,
			struct admin_answer *answer)
{
	char buf[ARGS_NUMBER_MAX];
	const char *seconds = args_get(args, "seconds", buf);

	if (!seconds || text_fixed(&q->duration_us, text_of(seconds), 6, 0,
				   RATE_SECONDS_MAX * second_us))
		return admin_refuse(answer, "invalid_value",
				    "seconds: a number from 0 to %d",
				    RATE_SECONDS_MAX);
	q->seconds = rate_seconds(q->duration_us);

	return 0;
}


static int take_number(struct quote *q, const json_t *args,
		       struct admin_answer *answer)
{
	char buf[ARGS_NUMBER_MAX];
	const char *number = args_get(args, "number", buf);

	if (!number || !number[0] ||
	    text_copy(q->called, sizeof(q->called), text_of(number)))
		return admin_refuse(answer, "invalid_value",
				    "number: 1 to %d characters",
				    CAT_NUMBER_MAX);

	return 0;
}


static const struct cat_row *row_named(const struct catalog *c,
				       enum record_kind kind, const char *what,
				       const char *name,
				       struct admin_answer *answer)
{
	const struct cat_row *row = catalog_by_name(c, kind, text_of(name));

	if (!row)
		(void)admin_refuse(answer, "not_found", "no %s '%.64s'", what,
				   name);

	return row;
}


/* By account, or by table alone: then nobody's number is stripped but by the
 * gateway that is named. */
static int take_tariff(struct quote *q, const json_t *args,
		       struct admin_answer *answer)
{
	const char *account = json_string_value(
		json_object_get(args, "account"));
	const char *table = json_string_value(json_object_get(args, "table"));
	const char *gateway = json_string_value(
		json_object_get(args, "gateway"));
	struct tariff_call call = { 0, 0, text_of(q->called), q->at_us };
	const struct cat_row *row;

	if (!account == !table)
		return admin_refuse(answer, "invalid_value",
				    "an account or a rate table is wanted");
	row = account ? row_named(q->c, RECORD_ACCOUNT, "account", account,
				  answer)
		      : row_named(q->c, RECORD_RATE_TABLE, "rate table", table,
				  answer);
	if (!row)
		return EINVAL;
	if (account)
		q->account = (const void *)row;
	if (gateway) {
		const struct cat_row *gw = row_named(q->c, RECORD_MAPPING,
						     "mapping gateway",
						     gateway, answer);
		if (!gw)
			return EINVAL;
		call.mapping = gw->id;
	}
	call.account = account ? row->id : 0;
	tariff_of(&q->tariff, q->c, &call);
	if (table && q->tariff.mode == BILLING_RATED)
		tariff_rate(&q->tariff, q->c, row->id, q->at_us);

	return 0;
}


static int quote_take(struct quote *q, const struct catalog *c,
		      const json_t *args, struct admin_answer *answer)
{
	memset(q, 0, sizeof(*q));
	q->c = c;
	q->decimals = (unsigned)catalog_int(c, SERVER_BILLING_FEE_PRECISTION);
	if (take_time(q, args, answer) || take_seconds(q, args, answer) ||
	    take_number(q, args, answer) || take_tariff(q, args, answer))
		return EINVAL;
	q->charged = rate_charged(&q->tariff.terms, q->seconds);

	return 0;
}


static bool is_free(const struct quote *q)
{
	return q->tariff.mode == BILLING_FREE;
}


static bool has_rate(const struct quote *q)
{
	return q->tariff.flags & TARIFF_HAS_RATE;
}


static int64_t fee_of(const struct quote *q)
{
	return is_free(q) ? 0 : rate_fee(&q->tariff.terms, q->seconds);
}


static json_t *row_json(const struct quote *q)
{
	const struct rate_terms *terms = &q->tariff.terms;
	char rate[MONEY_TEXT_SIZE], fee[MONEY_TEXT_SIZE];

	if (!has_rate(q))
		return json_null();

	return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I}", "table",
			 q->tariff.rate_table, "prefix", q->tariff.rate_prefix,
			 "rate", money_print(rate, terms->rate, q->decimals),
			 "connect_fee",
			 money_print(fee, terms->connect_fee, q->decimals),
			 "first_increment", (json_int_t)terms->first,
			 "next_increment", (json_int_t)terms->next);
}


int cmd_rate_quote(void *state, const json_t *args,
		   struct admin_answer *answer)
{
	const struct billingd *b = state;
	char exact[RATE_EXACT_SIZE];
	struct quote q;

	if (quote_take(&q, publisher_current(b->publisher), args, answer))
		return EINVAL;
	if (!has_rate(&q) && !is_free(&q))
		return admin_refuse(answer, "no_rate",
				    "no rate for %s: NoRate, 403",
				    q.tariff.called_rated);

	answer->rows = json_pack(
		"[{s:s,s:o,s:s,s:I,s:I,s:s,s:o}]", "rated",
		q.tariff.called_rated, "row", row_json(&q), "mode",
		billing_modes[q.tariff.mode], "charged", (json_int_t)q.charged,
		"billed",
		(json_int_t)(is_free(&q) ? 0
					 : rate_billed(&q.tariff.terms,
						       q.charged)),
		"exact",
		is_free(&q) ? "0"
			    : rate_exact(exact, &q.tariff.terms, q.seconds),
		"fee", money_json(fee_of(&q), q.decimals));

	return answer->rows ? 0 : ENOMEM;
}


/* --- step by step --------------------------------------------------------- */

static void step(json_t *rows, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void step(json_t *rows, const char *name, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)json_array_append_new(rows, json_pack("{s:s,s:s}", "step", name,
						    "result", text));
}


static void explain_number(json_t *rows, const struct quote *q)
{
	step(rows, "called", "%s", q->called);
	if (q->tariff.flags & TARIFF_NO_CDR)
		step(rows, "free",
		     "SERVER_BILLING_NO_CDR_E164S has it: no "
		     "fee, no record, no vendor cost");
	else if (is_free(q))
		step(rows, "free", "SERVER_BILLING_FREE_E164S has it: fee 0");
	step(rows, "rated", "%s", q->tariff.called_rated);
}


static void explain_row(json_t *rows, const struct quote *q)
{
	const struct rate_terms *terms = &q->tariff.terms;
	char rate[MONEY_TEXT_SIZE], fee[MONEY_TEXT_SIZE];

	if (!has_rate(q)) {
		step(rows, "rate", "none in table '%s': refused with NoRate",
		     q->tariff.rate_table);
		return;
	}
	step(rows, "rate",
	     "table %s, prefix '%s': %s a minute, %u/%u, connect fee %s",
	     q->tariff.rate_table, q->tariff.rate_prefix,
	     money_print(rate, terms->rate, q->decimals), terms->first,
	     terms->next, money_print(fee, terms->connect_fee, q->decimals));
}


static void explain_fee(json_t *rows, const struct quote *q)
{
	const struct rate_terms *terms = &q->tariff.terms;
	char exact[RATE_EXACT_SIZE], step_text[MONEY_TEXT_SIZE];
	char fee[MONEY_TEXT_SIZE];

	step(rows, "duration",
	     "%lld ms are %lld s: a rest of 50 ms or less "
	     "is dropped",
	     (long long)(q->duration_us / 1000), (long long)q->seconds);
	step(rows, "free_time", "%u s free: %lld s charged", terms->free_s,
	     (long long)q->charged);
	if (q->charged > 0)
		step(rows, "increments", "%u/%u: %lld s billed", terms->first,
		     terms->next, (long long)rate_billed(terms, q->charged));
	step(rows, "exact", "%s", rate_exact(exact, terms, q->seconds));
	step(rows, "fee", "%s: nearest multiple of %s, half up",
	     money_print(fee, fee_of(q), q->decimals),
	     money_print(step_text, terms->step, q->decimals));
}


static void explain_agent(json_t *rows, const struct quote *q)
{
	char text[MONEY_TEXT_SIZE], percent[MONEY_TEXT_SIZE];

	if (!q->tariff.agent)
		return;
	(void)text_print_fixed(percent, sizeof(percent), q->tariff.commission,
			       4);
	step(rows, "commission", "%s: %s %% for %s",
	     money_print(text,
			 rate_part(fee_of(q), q->tariff.commission,
				   INT64_C(1000000), q->tariff.unit),
			 q->decimals),
	     percent, q->tariff.agent_name);
}


int cmd_rate_explain(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	const struct billingd *b = state;
	struct quote q;

	if (quote_take(&q, publisher_current(b->publisher), args, answer))
		return EINVAL;

	answer->rows = json_array();
	if (!answer->rows)
		return ENOMEM;
	explain_number(answer->rows, &q);
	if (is_free(&q))
		return 0;
	explain_row(answer->rows, &q);
	if (!has_rate(&q))
		return 0;
	explain_fee(answer->rows, &q);
	explain_agent(answer->rows, &q);

	return 0;
}
