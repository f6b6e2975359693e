/**
 * @file sipd/route_test.c  Route analysis: where a call would go, and why not
 *
 * A call that would not be admitted is analysed to its end all the same: who
 * asks wants to know what else is in its way. No rate is vendor_rate null,
 * and no margin; an amount is money per minute.
 */
#include <errno.h>
#include <stdlib.h>

#include "sipd/identify.h"
#include "sipd/identity.h"
#include "sipd/route_test.h"

enum {
	MICROS = 1000000,
	DECIMALS_SHOWN = 4, /* Of a rate; more if it has more */
	MONEY_TEXT_MAX = 32
};

/* Words of the field status, in their order */
enum {
	STATUS_NORMAL,
	STATUS_LOCKED
};

struct analysis {
	struct route_view v; /* At the time asked for */
	struct route_caller caller;
	const struct cat_mapping *mapping; /* NULL: a phone calls */
	const char *caller_name;
	const struct cat_account *payer;
	struct numbers n;
	bool is_free;
	const struct cat_rate *rate; /* The customer's; NULL: none */
	enum end_reason refused;
	enum route_token tokens[ROUTE_CANDIDATES_MAX];
	struct route_list list;
	size_t allowed;
};

/* --- arguments ------------------------------------------------------------ */

static struct text arg_of(const json_t *args, const char *name)
{
	const char *value = json_string_value(json_object_get(args, name));

	return text_of(value ? value : "");
}


static int take_time(struct analysis *a, struct text at,
		     struct admin_answer *answer)
{
	const struct record_field *field =
		record_field_find(RECORD_RATE, text_of("valid_from"));
	char why[RECORD_WHY_MAX];
	struct cat_rate row = { 0 };
	int err;

	if (at.l == 0)
		return 0;

	err = record_put(field, &row, NULL, at, NULL, NULL, why);
	if (err == EINVAL)
		return admin_refuse(answer, "invalid_value",
				    "at: %.*s is not a time "
				    "(2026-01-31T08:00:00Z)",
				    (int)(at.l < 64 ? at.l : 64), at.p);
	a->v.wall_us = row.valid_from * MICROS;

	return err;
}


/* A mapping gateway by its name, or a phone by its number */
static int take_from(struct analysis *a, struct text from,
		     struct admin_answer *answer)
{
	const struct catalog *c = a->v.c;
	const struct cat_phone *phone;
	uint32_t account;

	a->mapping = catalog_by_name(c, RECORD_MAPPING, from);
	phone = a->mapping ? NULL : catalog_phone(c, from);
	if (a->mapping) {
		a->caller.kind = RECORD_MAPPING;
		a->caller.id = a->mapping->gw.row.id;
		a->caller_name = catalog_str(c, RECORD_MAPPING,
					     a->mapping->gw.row.name);
		account = a->mapping->gw.account;
	}
	else if (phone) {
		a->caller.kind = RECORD_PHONE;
		a->caller.id = phone->row.id;
		a->caller_name = catalog_str(c, RECORD_PHONE, phone->row.name);
		account = phone->account;
	}
	else {
		return admin_refuse(answer, "not_found",
				    "from: no mapping gateway or phone %.*s",
				    (int)(from.l < 64 ? from.l : 64), from.p);
	}
	a->payer = catalog_by_id(c, RECORD_ACCOUNT, account);

	return 0;
}


static int take_account(struct analysis *a, struct text name,
			struct admin_answer *answer)
{
	if (name.l == 0)
		return 0;

	a->payer = catalog_by_name(a->v.c, RECORD_ACCOUNT, name);
	if (!a->payer)
		return admin_refuse(answer, "not_found",
				    "account: there is no %.*s",
				    (int)(name.l < 64 ? name.l : 64), name.p);

	return 0;
}


/* --- rates ---------------------------------------------------------------- */

/* 20000 is "0.0200" */
static json_t *money(int64_t micros)
{
	char text[MONEY_TEXT_MAX];
	const uint64_t size = micros < 0 ? 0 - (uint64_t)micros
					 : (uint64_t)micros;
	uint32_t rest = (uint32_t)(size % MICROS);
	int digits = 6;

	while (digits > DECIMALS_SHOWN && rest % 10 == 0) {
		rest /= 10;
		digits--;
	}
	if (text_print(text, sizeof(text), "%s%llu.%0*u",
		       micros < 0 ? "-" : "",
		       (unsigned long long)(size / MICROS), digits, rest))
		return NULL;

	return json_string(text);
}


/* billing 6: a number of so few characters stays whole */
static struct text rated(const struct analysis *a,
			 const struct cat_gateway *gw,
			 const struct number *number)
{
	struct text t = { number->text, number->len };
	int32_t digits;

	digits = catalog_effective(a->v.c,
				   gw ? gw->route_prefix_digits : CAT_INHERIT,
				   SERVER_BILLING_GATEWAY_ROUTE_PREFIX);
	if (digits > 0 && t.l > (size_t)digits) {
		t.p += digits;
		t.l -= (size_t)digits;
	}

	return t;
}


static const struct cat_rate *rate_of(const struct analysis *a,
				      const struct cat_account *account,
				      struct text number)
{
	return account && account->rate_table
		       ? catalog_rate(a->v.c, account->rate_table, number,
				      a->v.wall_us / MICROS)
		       : NULL;
}


static void take_rate(struct analysis *a)
{
	const struct text called = { a->n.called.text, a->n.called.len };

	a->is_free =
		catalog_matches(a->v.c, SERVER_BILLING_FREE_E164S, called) ||
		catalog_matches(a->v.c, SERVER_BILLING_NO_CDR_E164S, called);
	if (!a->is_free)
		a->rate = rate_of(a, a->payer,
				  rated(a, a->mapping ? &a->mapping->gw : NULL,
					&a->n.called));
}


/* --- the answer ----------------------------------------------------------- */

static int put_rates(const struct analysis *a, json_t *row,
		     const struct cat_routing *gw, const struct number *sent)
{
	const struct cat_account *vendor =
		catalog_by_id(a->v.c, RECORD_ACCOUNT, gw->gw.account);
	const struct cat_rate *cost = rate_of(a, vendor,
					      rated(a, &gw->gw, sent));
	const bool is_rated = a->is_free || a->rate;
	const int64_t fee = a->rate ? a->rate->rate : 0;

	if (json_object_set_new(row, "rate",
				is_rated ? money(fee) : json_null()) ||
	    json_object_set_new(row, "vendor_rate",
				cost ? money(cost->rate) : json_null()) ||
	    json_object_set_new(row, "margin",
				is_rated && cost ? money(fee - cost->rate)
						 : json_null()))
		return ENOMEM;

	return 0;
}


/* The From of its INVITE, if the listener is known; without display name and
 * Privacy, which come with a call */
static int put_from(const struct analysis *a, json_t *row,
		    const struct cat_routing *gw)
{
	const struct identity_in in = {
		.caller = a->n.caller,
		.called = a->n.called,
		.called_original = a->n.called_original,
	};
	struct identity_to to = { .gateway = gw };
	struct identity_out out;

	if (!a->v.local_host)
		return 0;
	to.local_host = a->v.local_host(gw, a->v.arg);
	to.target_host = to.local_host; /* Not in From */
	if (identity_make(&out, a->v.c, &in, &to))
		return json_object_set_new(row, "from_header", json_null())
			       ? ENOMEM
			       : 0;

	return json_object_set_new(row, "from_header",
				   json_stringn(out.from.p, out.from.l))
		       ? ENOMEM
		       : 0;
}


/* What a gateway that may be used would be sent */
static int put_sent(const struct analysis *a, json_t *row,
		    const struct cat_routing *gw)
{
	struct number called, caller;

	numbers_rewrite(&called, a->v.c, RECORD_ROUTING, gw->gw.callee_rules,
			&a->n.called);
	numbers_rewrite(&caller, a->v.c, RECORD_ROUTING, gw->gw.caller_rules,
			&a->n.caller);
	if (json_object_set_new(row, "called_sent",
				json_string(called.text)) ||
	    json_object_set_new(row, "caller_sent",
				json_string(caller.text)) ||
	    put_from(a, row, gw))
		return ENOMEM;

	return put_rates(a, row, gw, &called);
}


static int put_row(struct analysis *a, json_t *rows, size_t at)
{
	const struct route_candidate *candidate = &a->list.rows[at];
	const struct cat_routing *gw = catalog_by_id(a->v.c, RECORD_ROUTING,
						     candidate->gateway);
	const enum route_token token = a->tokens[at];
	json_t *row;

	row = json_pack("{s:I,s:s,s:s%,s:s,s:i,s:b,s:I,s:i,s:b}", "order",
			(json_int_t)at + 1, "gateway",
			catalog_str(a->v.c, RECORD_ROUTING, gw->gw.row.name),
			"prefix", a->n.called.text, (size_t)candidate->length,
			"mode", gw->prefix_mode ? "expiration" : "extension",
			"priority", (int)gw->priority, "protect",
			(int)candidate->protect, "lines_used",
			(json_int_t)a->v.lines(LINES_ROUTING,
					       candidate->gateway, a->v.arg),
			"line_limit", (int)gw->gw.line_limit, "usable",
			(int)(token == ROUTE_USABLE));
	if (json_array_append_new(rows, row))
		return ENOMEM;
	if (token == ROUTE_USABLE)
		return put_sent(a, row, gw);

	return json_object_set_new(row, "token",
				   json_string(route_tokens[token]))
		       ? ENOMEM
		       : 0;
}


static void look_at_gateways(struct analysis *a)
{
	route_list_all(&a->list, &a->allowed, &a->v, &a->caller,
		       (struct text){ a->n.called.text, a->n.called.len });
	for (size_t i = 0; i < a->list.count; i++)
		a->tokens[i] = i < a->allowed
				       ? route_usable(&a->v,
						      a->list.rows[i].gateway,
						      NULL, NULL)
				       : ROUTE_FORBIDDEN;
}


/* Rows 1 to 7 of admission; the money itself is billingd's to look at. The
 * account that was asked for may be another than the caller's. */
static void admit(struct analysis *a)
{
	a->refused = route_admit(&a->v, &a->caller, &a->n.caller, &a->n.called,
				 false);
	if (a->refused == END_NONE && a->payer &&
	    a->payer->status == STATUS_LOCKED)
		a->refused = END_ACCOUNT_LOCKED;
	if (a->refused == END_NONE && !a->is_free && !a->rate)
		a->refused = END_NO_RATE;
}


static json_t *steps_of(const struct analysis *a, bool has_caller,
			const char *phone)
{
	const char *admission = a->refused ? end_defs[a->refused].token : "ok";
	json_t *numbers, *steps;

	numbers = json_pack("{s:s,s:s}", "step", "numbers", "called",
			    a->n.called.text);
	if (has_caller && json_object_set_new(numbers, "caller",
					      json_string(a->n.caller.text))) {
		json_decref(numbers);
		return NULL;
	}

	steps = json_pack("[{s:s,s:s},o,{s:s,s:s}]", "step", "identify",
			  "result", a->caller_name, numbers, "step",
			  "admission", "result", admission);
	if (phone &&
	    json_array_append_new(steps, json_pack("{s:s,s:s,s:s}", "step",
						   "routing", "result",
						   "phone", "phone", phone))) {
		json_decref(steps);
		return NULL;
	}

	return steps;
}


/* How the call would end without an INVITE; null: one would go out */
static json_t *final_of(const struct analysis *a, bool is_local)
{
	enum end_reason reason = a->refused;
	const struct cat_cause *map = NULL;
	uint16_t code;
	size_t count = 0;

	for (size_t i = 0; i < a->list.count && reason == END_NONE; i++) {
		if (a->tokens[i] == ROUTE_USABLE)
			return json_null();
	}
	if (reason == END_NONE && is_local)
		return json_null();
	if (reason == END_NONE)
		reason = route_none(a->tokens, a->list.count);

	if (a->mapping)
		map = catalog_span(a->v.c, RECORD_MAPPING,
				   a->mapping->cause_map, sizeof(*map),
				   &count);
	code = cause_map(map, count, verdict_plain(reason).code);

	return json_pack("{s:i,s:s}", "code", (int)code, "end_reason",
			 end_defs[reason].token);
}


static int answer_make(struct analysis *a, bool has_caller,
		       struct admin_answer *answer)
{
	const struct cat_phone *phone = catalog_phone(
		a->v.c, (struct text){ a->n.called.text, a->n.called.len });
	json_t *rows = json_array(), *steps;
	int err = rows ? 0 : ENOMEM;

	if (!phone)
		look_at_gateways(a);
	for (size_t i = 0; i < a->list.count && !err; i++)
		err = put_row(a, rows, i);
	steps = err ? NULL
		    : steps_of(a, has_caller,
			       phone ? catalog_str(a->v.c, RECORD_PHONE,
						   phone->row.name)
				     : NULL);
	if (steps)
		answer->more = json_pack("{s:o,s:o}", "steps", steps, "final",
					 final_of(a, phone != NULL));
	if (!answer->more) {
		json_decref(rows);
		return ENOMEM;
	}
	answer->rows = rows;

	return 0;
}


static int take_args(struct analysis *a, const json_t *args,
		     struct admin_answer *answer)
{
	int err;

	if (arg_of(args, "called").l == 0)
		return admin_refuse(answer, "invalid_value",
				    "called: a number is needed");
	err = take_from(a, arg_of(args, "from"), answer);
	if (!err && !answer->code)
		err = take_time(a, arg_of(args, "at"), answer);
	if (!err && !answer->code)
		err = take_account(a, arg_of(args, "account"), answer);

	return err;
}


int route_test(const struct route_view *v, const json_t *args,
	       struct admin_answer *answer)
{
	const bool has_caller = arg_of(args, "caller").l > 0;
	struct analysis *a;
	struct text caller;
	int err;

	a = calloc(1, sizeof(*a));
	if (!a)
		return ENOMEM;

	a->v = *v;
	err = take_args(a, args, answer);
	if (!err && !answer->code) {
		caller = a->mapping ? arg_of(args, "caller")
				    : text_of(a->caller_name);
		(void)numbers_of(&a->n, v->c, a->caller.kind, a->caller.id,
				 arg_of(args, "called"), caller);
		take_rate(a);
		admit(a);
		err = answer_make(a, has_caller, answer);
	}
	free(a);

	return err;
}
