/**
 * @file billingd/account_cmd.c  account show, recharge, lock, unlock, ledger,
 *                               and others' words for them
 *
 * A payment is an entry of the ledger: it counts when that is committed, and
 * with it is answered. It names its operator; with request_id it may be asked
 * again when nobody knows whether it was booked, and is booked once.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/args.h"
#include "billingd/billingd.h"
#include "billingd/charging.h"
#include "billingd/money.h"
#include "billingd/record_find.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/catalog/build.h"

enum {
	LIMIT_USUAL = 100,
	LIMIT_MOST = 10000,
	NUMBER_SIZE = 24,
};

static const int64_t most_money = INT64_C(1000000000) * 1000000;

/** A command that waits for PostgreSQL */
struct asking {
	struct billingd *b;
	struct admin_ticket ticket;
	json_t *row; /* Of account show: filled in; else NULL */
	uint32_t account;
	int64_t overdraft;
	unsigned decimals;
};


static const struct catalog *in_force(const struct billingd *b)
{
	return publisher_current(b->publisher);
}


static const struct cat_account *account_named(const struct billingd *b,
					       const json_t *args,
					       struct admin_answer *answer)
{
	const char *name = json_string_value(json_object_get(args, "name"));
	const struct cat_account *account =
		name ? catalog_by_name(in_force(b), RECORD_ACCOUNT,
				       text_of(name))
		     : NULL;

	if (!account)
		(void)admin_refuse(answer, "not_found", "no account '%.64s'",
				   name ? name : "");

	return account;
}


static int ask(struct billingd *b, const struct db_statement *statement,
	       const struct cat_account *account, json_t *row, db_done_h *h,
	       struct admin_answer *answer)
{
	struct asking *asking = calloc(1, sizeof(*asking));
	int err;

	if (!asking)
		return ENOMEM;
	*asking = (struct asking){
		.b = b,
		.ticket = answer->asker->ticket,
		.row = row,
		.account = account->row.id,
		.overdraft = account->overdraft,
		.decimals = (unsigned)catalog_int(
			in_force(b), SERVER_BILLING_FEE_PRECISTION),
	};
	err = db_query(b->db, statement, h, asking);
	if (err) {
		free(asking);
		return err;
	}
	answer->later = true;

	return 0;
}


static int need_database(const struct billingd *b, struct admin_answer *answer)
{
	if (billingd_has_database(b))
		return 0;

	return admin_refuse(answer, "unavailable",
			    "the database is not reachable, or is to be "
			    "migrated first");
}


/* --- show ----------------------------------------------------------------- */

static int64_t column(const struct db_result *r, size_t at)
{
	const char *text = db_text(r, 0, at);
	int64_t v = 0;

	if (text)
		(void)text_i64(&v, text_of(text), INT64_MIN, INT64_MAX);

	return v;
}


/* What this node holds in truth, in place of all it has leased */
static int64_t reserved_of(const struct asking *asking, int64_t reserved,
			   int64_t granted, int64_t settled)
{
	struct charging_money money;

	if (!asking->b->charging)
		return reserved;
	money = charging_money(asking->b->charging, asking->account);

	/* Settled and not booked yet is spent, too. */
	return reserved - (granted - settled) + money.held +
	       (money.settled > settled ? money.settled - settled : 0);
}


static void fill_money(const struct asking *asking, int64_t balance,
		       int64_t reserved)
{
	const unsigned d = asking->decimals;
	json_t *available = asking->overdraft == CAT_NEVER
				    ? json_string("unlimited")
				    : money_json(balance + asking->overdraft -
							 reserved,
						 d);

	(void)json_object_set_new(asking->row, "balance",
				  money_json(balance, d));
	(void)json_object_set_new(asking->row, "reserved",
				  money_json(reserved, d));
	(void)json_object_set_new(asking->row, "available", available);
}


static void on_shown(int err, const struct db_result *r, const char *why,
		     void *arg)
{
	struct asking *asking = arg;
	struct admin_answer answer = { .rows = NULL };

	(void)why;
	if (!err && db_rows(r) == 1)
		fill_money(asking, column(r, 0),
			   reserved_of(asking, column(r, 1), column(r, 2),
				       column(r, 3)));
	answer.rows = json_array();
	(void)json_array_append_new(answer.rows, asking->row);
	svc_answer(asking->b->svc, asking->ticket, &answer);
	free(asking);
}


static json_t *spent_today(const struct billingd *b, uint32_t account)
{
	const int64_t decimals = catalog_int(in_force(b),
					     SERVER_BILLING_FEE_PRECISTION);

	return b->charging ? money_json(charging_money(b->charging, account)
						.spent_today,
					(unsigned)decimals)
			   : json_null();
}


/* Without the database its balance is not known, and null. */
static json_t *row_of(const struct billingd *b,
		      const struct cat_account *account)
{
	json_t *row = record_row(in_force(b), RECORD_ACCOUNT, account);

	if (row) {
		(void)json_object_set_new(row, "balance", json_null());
		(void)json_object_set_new(row, "reserved", json_null());
		(void)json_object_set_new(row, "available", json_null());
		(void)json_object_set_new(row, "spent_today",
					  spent_today(b, account->row.id));
	}

	return row;
}


int cmd_account_show(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	static const char sql[] =
		"select b.balance, b.reserved, coalesce(l.granted, 0), "
		"coalesce(l.settled, 0) from balance b left join lease l "
		"on l.account_id = b.account_id and l.node = $2 "
		"where b.account_id = $1::integer";
	struct billingd *b = state;
	const struct cat_account *account = account_named(b, args, answer);
	char id[NUMBER_SIZE];
	const char *texts[] = { id, svc_node(b->svc)->node };
	const struct db_statement statement = { sql, texts, 2 };
	json_t *row;

	if (!account)
		return EINVAL;
	row = row_of(b, account);
	if (!row)
		return ENOMEM;
	(void)text_print(id, sizeof(id), "%" PRIu32, account->row.id);
	if (billingd_has_database(b) &&
	    ask(b, &statement, account, row, on_shown, answer) == 0)
		return 0;

	answer->rows = json_array();
	(void)json_array_append_new(answer->rows, row);

	return 0;
}


/* --- recharge ------------------------------------------------------------- */

static void on_booked(int err, const struct db_result *r, const char *why,
		      void *arg)
{
	struct asking *asking = arg;
	struct admin_answer answer = { .rows = NULL };

	if (err)
		(void)admin_refuse(&answer, "failed", "%s",
				   why && why[0] ? why : strerror(err));
	else if (db_rows(r) == 0)
		(void)admin_refuse(&answer, "exists",
				   "that request_id was booked before, for "
				   "another account or amount");
	else
		answer.rows = json_pack(
			"[{s:s,s:o,s:o}]", "entry", db_text(r, 0, 0), "amount",
			money_json(column(r, 1), asking->decimals), "balance",
			money_json(column(r, 2), asking->decimals));
	svc_answer(asking->b->svc, asking->ticket, &answer);
	free(asking);
}


static int take_amount(char text[NUMBER_SIZE], const json_t *args,
		       const char *kind, struct admin_answer *answer)
{
	const bool is_debit = answer->tag == ACCOUNT_DEBIT;
	const bool is_correction = !is_debit && strcmp(kind, "payment") != 0;
	char buf[ARGS_NUMBER_MAX];
	const char *given = args_get(args, "amount", buf);
	int64_t amount;

	if (!given ||
	    text_fixed(&amount, text_of(given), MONEY_DECIMALS,
		       is_correction ? -most_money : 1, most_money) ||
	    amount == 0)
		return admin_refuse(answer, "invalid_value",
				    "amount: not an amount of money%s",
				    is_correction ? "" : " above 0");
	(void)text_print(text, NUMBER_SIZE, "%" PRId64,
			 is_debit ? -amount : amount);

	return 0;
}


/* account credit and debit are of one kind each. */
static int take_kind(const char **kindp, const json_t *args,
		     struct admin_answer *answer)
{
	static const char *const fixed[] = {
		[ACCOUNT_RECHARGE] = NULL,
		[ACCOUNT_CREDIT] = "payment",
		[ACCOUNT_DEBIT] = "correction",
	};
	const char *kind = json_string_value(json_object_get(args, "kind"));

	if (fixed[answer->tag])
		kind = fixed[answer->tag];
	*kindp = kind ? kind : "payment";
	if (strcmp(*kindp, "payment") == 0 ||
	    strcmp(*kindp, "correction") == 0)
		return 0;

	return admin_refuse(answer, "invalid_value",
			    "kind: payment or correction");
}


/* What was booked under that request_id before is answered again. Not "on
 * conflict do nothing": its trigger would have changed the balance. */
int cmd_account_recharge(void *state, const json_t *args,
			 struct admin_answer *answer)
{
	static const char sql[] =
		"with made as (insert into ledger (account_id, amount, kind, "
		"operator, note, request_id) select $1::integer, $2::bigint, "
		"$3::text, $4::text, $5::text, $6::text where not exists "
		"(select from ledger where request_id = $6) "
		"returning id, amount, balance_after) select * from made "
		"union all select id, amount, balance_after from ledger "
		"where request_id = $6 and account_id = $1::integer and "
		"amount = $2::bigint and kind = $3";
	struct billingd *b = state;
	const struct cat_account *account = account_named(b, args, answer);
	char id[NUMBER_SIZE], amount[NUMBER_SIZE];
	const char *texts[6] = { id, amount };
	const struct db_statement statement = { sql, texts, 6 };

	if (!account || need_database(b, answer) ||
	    take_kind(&texts[2], args, answer) ||
	    take_amount(amount, args, texts[2], answer))
		return EINVAL;

	(void)text_print(id, sizeof(id), "%" PRIu32, account->row.id);
	texts[3] = answer->asker->name;
	texts[4] = json_string_value(json_object_get(args, "note"));
	texts[5] = json_string_value(json_object_get(args, "request_id"));

	return ask(b, &statement, account, NULL, on_booked, answer);
}


/* --- ledger --------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}


static json_t *entry_of(const struct asking *asking, const struct db_result *r,
			size_t row)
{
	int64_t amount = 0, after = 0;

	(void)text_i64(&amount, text_of(db_text(r, row, 2)), INT64_MIN,
		       INT64_MAX);
	(void)text_i64(&after, text_of(db_text(r, row, 3)), INT64_MIN,
		       INT64_MAX);

	return json_pack("{s:s,s:s,s:o,s:o,s:s,s:o,s:o,s:o}", "entry",
			 db_text(r, row, 0), "time", db_text(r, row, 1),
			 "amount", money_json(amount, asking->decimals),
			 "balance", money_json(after, asking->decimals),
			 "kind", db_text(r, row, 4), "cdr_id",
			 text_or_null(db_text(r, row, 5)), "operator",
			 text_or_null(db_text(r, row, 6)), "note",
			 text_or_null(db_text(r, row, 7)));
}


static void on_entries(int err, const struct db_result *r, const char *why,
		       void *arg)
{
	struct asking *asking = arg;
	struct admin_answer answer = { .rows = NULL };

	if (err) {
		(void)admin_refuse(&answer, "failed", "%s",
				   why && why[0] ? why : strerror(err));
	}
	else {
		answer.rows = json_array();
		for (size_t i = 0; i < db_rows(r); i++)
			(void)json_array_append_new(answer.rows,
						    entry_of(asking, r, i));
	}
	svc_answer(asking->b->svc, asking->ticket, &answer);
	free(asking);
}


int cmd_account_ledger(void *state, const json_t *args,
		       struct admin_answer *answer)
{
	static const char sql[] =
		"select id, to_char(time at time zone 'UTC', "
		"'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), amount, balance_after, "
		"kind, cdr_id, operator, note from ledger "
		"where account_id = $1::integer "
		"and ($2::timestamptz is null or time >= $2::timestamptz) "
		"and ($3::timestamptz is null or time < $3::timestamptz) "
		"order by id desc limit $4::integer";
	struct billingd *b = state;
	const struct cat_account *account = account_named(b, args, answer);
	size_t limit;
	char id[NUMBER_SIZE], count[NUMBER_SIZE];
	const char *texts[4] = { id };
	const struct db_statement statement = { sql, texts, 4 };

	if (!account || need_database(b, answer))
		return EINVAL;
	limit = args_limit(args, LIMIT_USUAL, LIMIT_MOST, answer);
	if (!limit)
		return EINVAL;

	(void)text_print(id, sizeof(id), "%" PRIu32, account->row.id);
	(void)text_print(count, sizeof(count), "%zu", limit);
	texts[1] = json_string_value(json_object_get(args, "from"));
	texts[2] = json_string_value(json_object_get(args, "to"));
	texts[3] = count;

	return ask(b, &statement, account, NULL, on_entries, answer);
}


/* --- lock, unlock --------------------------------------------------------- */

/* answer->tag: is it to be locked? It is a change of the record. */
int cmd_account_lock(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	const struct cat_account *account = account_named(state, args, answer);
	json_t *set;
	int err;

	if (!account)
		return EINVAL;
	set = json_pack("{s:s,s:s}", "name",
			json_string_value(json_object_get(args, "name")),
			"status", answer->tag ? "locked" : "normal");
	if (!set)
		return ENOMEM;
	answer->tag = RECORD_ACCOUNT;
	err = cmd_record_set(state, set, answer);
	json_decref(set);

	return err;
}
