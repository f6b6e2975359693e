/**
 * @file supervisor/spread.c  Which workers a daemon's command is for
 *
 * Workers share nothing but their segments: what they hold alone (calls,
 * traces, the dynamic blacklist, what was counted) an operator sees as one.
 * Rows are copied by reference, and changed where two become one.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "supervisor/spread.h"
#include "supervisor/topology.h"

enum {
	CURSOR_MAX = 24 * WORKERS_MAX,
	OFFSET_MAX = 5000 /**< Rows, from the first to the last of a page */
};

/* clang-format off */
static const struct spread spreads[] = {
	{ "call.list",        PEER_SIPD, .way = SPREAD_ALL, .limit = 100 },
	{ "call",             PEER_SIPD, .way = SPREAD_ALL },
	{ "gateway.status",   PEER_SIPD, .way = SPREAD_ALL, .keys = { "gateway", "kind" },
	  .columns = { { "state", SPREAD_WORD, "online" },
		       { "cps", SPREAD_SUM, NULL },
		       { "asr", SPREAD_MEAN, "attempts" },
		       { "acd", SPREAD_MEAN, "ended" },
		       { "pdd_ms", SPREAD_MEAN, "rung" },
		       { "attempts", SPREAD_SUM, NULL },
		       { "ended", SPREAD_SUM, NULL },
		       { "rung", SPREAD_SUM, NULL } } },
	{ "gateway.test",     PEER_SIPD, .way = SPREAD_ONE },
	{ "route",            PEER_SIPD, .way = SPREAD_ONE },
	{ "suspended.list",   PEER_SIPD, .way = SPREAD_ALL, .keys = { "user", "ip", "counter" } },
	{ "suspended.clear",  PEER_SIPD, .way = SPREAD_ALL, .keys = { "" },
	  .columns = { { "cleared", SPREAD_SUM, NULL } } },
	{ "trace.start",      PEER_SIPD, .way = SPREAD_LEAD, .keys = { "trace" } },
	{ "trace.export",     PEER_SIPD, .way = SPREAD_CHAIN },
	{ "trace.show",       PEER_SIPD, .way = SPREAD_ALL, .pages = SPREAD_POSITIONS,
	  .limit = 100, .order = "time",
	  .columns = { { "state", SPREAD_WORD, "running" } } },
	{ "trace",            PEER_SIPD, .way = SPREAD_ALL, .keys = { "trace" },
	  .columns = { { "state", SPREAD_WORD, "running" },
		       { "messages", SPREAD_SUM, NULL },
		       { "bytes", SPREAD_SUM, NULL } } },
	{ "blacklist.list",   PEER_SIPD, .way = SPREAD_ALL, .pages = SPREAD_OFFSET,
	  .limit = 100, .keys = { "entry" },
	  .columns = { { "hits", SPREAD_SUM, NULL }, { "left", SPREAD_MAX, NULL } } },
	{ "blacklist",        PEER_SIPD, .way = SPREAD_ALL },

	{ "registration.list", .peer = PEER_REGD }, { "registration.kick", .peer = PEER_REGD },
	{ "upstream",     .peer = PEER_REGD },

	{ "param",        .peer = PEER_BILLINGD }, { "profile",      .peer = PEER_BILLINGD },
	{ "mapping",      .peer = PEER_BILLINGD }, { "routing",      .peer = PEER_BILLINGD },
	{ "gateway",      .peer = PEER_BILLINGD }, { "group",        .peer = PEER_BILLINGD },
	{ "phone",        .peer = PEER_BILLINGD }, { "account",      .peer = PEER_BILLINGD },
	{ "rate-table",   .peer = PEER_BILLINGD }, { "rate",         .peer = PEER_BILLINGD },
	{ "list",         .peer = PEER_BILLINGD }, { "registration", .peer = PEER_BILLINGD },
	{ "check",        .peer = PEER_BILLINGD }, { "history",      .peer = PEER_BILLINGD },
	{ "revert",       .peer = PEER_BILLINGD }, { "db",           .peer = PEER_BILLINGD },
	{ "catalog",      .peer = PEER_BILLINGD }, { "import",       .peer = PEER_BILLINGD },
	{ "cdr",          .peer = PEER_BILLINGD }, { "ledger",       .peer = PEER_BILLINGD },
	{ "analyse",      .peer = PEER_BILLINGD }, { "report",       .peer = PEER_BILLINGD },
};
/* clang-format on */


const struct spread *spread_find(const char *cmd)
{
	struct text object, verb;

	(void)text_cut(text_of(cmd), '.', &object, &verb);
	for (size_t i = 0; i < COUNT_OF(spreads); i++)
		if (strcmp(cmd, spreads[i].cmd) == 0 ||
		    text_is(object, spreads[i].cmd))
			return &spreads[i];

	return NULL;
}


/* --- arguments ------------------------------------------------------------ */

static const char *word(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}


/* A number, or one as text; otherwise if it is none */
static uint64_t number(const json_t *object, const char *name,
		       uint64_t otherwise)
{
	const json_t *value = json_object_get(object, name);
	uint64_t n;

	if (json_is_integer(value) && json_integer_value(value) >= 0)
		return (uint64_t)json_integer_value(value);
	if (json_is_string(value) &&
	    text_u64(&n, text_of(json_string_value(value)), 0, INT64_MAX) == 0)
		return n;

	return otherwise;
}


static size_t limit_of(const struct spread *spread, const json_t *args)
{
	const uint64_t limit = number(args, "limit", spread->limit);

	return limit ? (size_t)limit : SIZE_MAX;
}


/* "3.0.17": what belongs to one worker; of one that was not there yet "0" */
static struct text part_of(const char *cursor, size_t worker)
{
	struct text part = { "", 0 }, rest = text_of(cursor);

	for (size_t i = 0; i <= worker; i++)
		(void)text_cut(rest, '.', &part, &rest);

	return part.l ? part : text_of("0");
}


/* "1:17" is page 17 of the second one. */
static struct text chain_part(const json_t *args, struct text *workerp)
{
	struct text part;

	(void)text_cut(text_of(word(args, "cursor")), ':', workerp, &part);

	return part;
}


size_t spread_chain(const json_t *args, size_t workerc)
{
	struct text worker;
	uint32_t n = 0;

	(void)chain_part(args, &worker);
	if (worker.l &&
	    text_u32(&n, worker, 0, workerc ? (uint32_t)workerc - 1 : 0))
		return SIZE_MAX;

	return n;
}


static void put_text(json_t *object, const char *name, struct text t)
{
	(void)json_object_set_new(object, name, json_stringn(t.p, t.l));
}


json_t *spread_args(const struct spread *spread, const json_t *args,
		    size_t worker, const json_t *lead)
{
	json_t *own = json_copy(unconst(args));
	const json_t *named = json_object_get(
		json_array_get(json_object_get(lead, "rows"), 0),
		spread->keys[0] ? spread->keys[0] : "");
	const uint64_t skip = number(args, "cursor", 0);
	const size_t limit = limit_of(spread, args);
	const uint64_t end = skip + limit;
	struct text who, part;

	if (spread->pages == SPREAD_OFFSET &&
	    (limit > OFFSET_MAX || skip > OFFSET_MAX - limit)) {
		json_decref(own);
		return NULL;
	}
	if (spread->way == SPREAD_CHAIN) {
		part = chain_part(args, &who);
		(void)json_object_del(own, "cursor");
		if (part.l)
			put_text(own, "cursor", part);
		if (worker > 0)
			(void)json_object_set_new(own, "plain", json_true());
	}
	if (spread->way == SPREAD_LEAD && named)
		(void)json_object_set(own, "name", unconst(named));
	if (spread->pages == SPREAD_POSITIONS)
		put_text(own, "cursor", part_of(word(args, "cursor"), worker));
	if (spread->pages == SPREAD_OFFSET) {
		(void)json_object_del(own, "cursor");
		(void)json_object_set_new(own, "limit",
					  json_integer((json_int_t)end));
	}

	return own;
}


/* --- rows that are one ---------------------------------------------------- */

static double real(const json_t *value)
{
	return json_is_number(value) ? json_number_value(value) : 0;
}


/* A whole number stays one. */
static json_t *number_like(const json_t *a, const json_t *b, double v)
{
	return json_is_integer(a) && json_is_integer(b)
		       ? json_integer((json_int_t)(v + 0.5))
		       : json_real(v);
}


static json_t *mean(const json_t *into, const json_t *row, const json_t *a,
		    const json_t *b, const char *by)
{
	const double wa = real(json_object_get(into, by));
	const double wb = real(json_object_get(row, by));

	if (wa + wb <= 0)
		return json_incref(unconst(a));

	return number_like(a, b, (real(a) * wa + real(b) * wb) / (wa + wb));
}


static json_t *joined(const json_t *into, const json_t *row, const char *name,
		      enum spread_op op, const char *by)
{
	const json_t *a = json_object_get(into, name);
	const json_t *b = json_object_get(row, name);

	if (op == SPREAD_WORD) {
		const char *said = json_string_value(b);

		return json_incref(
			unconst(said && strcmp(said, by) == 0 ? b : a));
	}
	if (!json_is_number(a) || !json_is_number(b))
		return json_incref(unconst(json_is_number(b) ? b : a));
	if (op == SPREAD_MEAN)
		return mean(into, row, a, b, by);
	if (op == SPREAD_SUM)
		return number_like(a, b, real(a) + real(b));

	return json_incref(unconst(real(b) > real(a) ? b : a));
}


/* Weights change only when what they weigh is done: a mean stands before its
 * weight in the row of the table. */
static void join(const struct spread *spread, json_t *into, const json_t *row)
{
	for (size_t i = 0; i < SPREAD_COLUMNS && spread->columns[i].name; i++)
		if (json_object_get(row, spread->columns[i].name))
			(void)json_object_set_new(
				into, spread->columns[i].name,
				joined(into, row, spread->columns[i].name,
				       spread->columns[i].op,
				       spread->columns[i].by));
}


/* All its keys, one behind the other; NULL: they are no text and no number */
static char *key_of(const struct spread *spread, const json_t *row)
{
	json_t *keys = json_array();
	char *text;

	for (size_t i = 0; i < SPREAD_KEYS && spread->keys[i]; i++)
		if (spread->keys[i][0])
			(void)json_array_append(
				keys, json_object_get(row, spread->keys[i]));
	text = json_dumps(keys, JSON_COMPACT);
	json_decref(keys);

	return text;
}


static void add_row(const struct spread *spread, json_t *rows, json_t *known,
		    json_t *row)
{
	char *key = spread->keys[0] ? key_of(spread, row) : NULL;
	json_t *into = key ? json_object_get(known, key) : NULL;

	if (into) {
		join(spread, into, row);
	}
	else {
		(void)json_array_append(rows, row);
		if (key)
			(void)json_object_set(known, key, row);
	}
	free(key);
}


/* --- order ---------------------------------------------------------------- */

struct line {
	json_t *row;
	size_t worker, index;
};

struct order {
	const char *column;
	int sign;
};


static int compare(const json_t *x, const json_t *y)
{
	if (json_is_number(x) && json_is_number(y))
		return (real(x) > real(y)) - (real(x) < real(y));
	if (json_is_string(x) && json_is_string(y))
		return strcmp(json_string_value(x), json_string_value(y));

	return json_is_null(y) - json_is_null(x);
}


static int by_order(const void *a, const void *b, void *arg)
{
	const struct line *x = a, *y = b;
	const struct order *order = arg;
	int diff = 0;

	if (order->column)
		diff = order->sign *
		       compare(json_object_get(x->row, order->column),
			       json_object_get(y->row, order->column));
	if (!diff)
		diff = (x->worker > y->worker) - (x->worker < y->worker);

	return diff ? diff : (x->index > y->index) - (x->index < y->index);
}


/* --- one answer ----------------------------------------------------------- */

struct merge {
	const struct spread *spread;
	const json_t *args;
	json_t *const *answers;
	size_t answerc;
	struct line *lines;
	size_t linec;
	size_t taken[WORKERS_MAX]; /**< Of its rows */
};


static bool is_ok(const json_t *answer)
{
	return json_is_true(json_object_get(answer, "ok"));
}


/* The answer that stands for all: an error, if it is not only that somebody
 * has not what is meant; else the first that has it */
static const json_t *base_of(const struct merge *m)
{
	const json_t *ok = NULL, *lacks = NULL;

	for (size_t i = 0; i < m->answerc; i++) {
		const json_t *answer = m->answers[i];

		if (!answer)
			continue;
		if (is_ok(answer))
			ok = ok ? ok : answer;
		else if (strcmp(word(answer, "code"), "not_found") != 0)
			return answer;
		else
			lacks = lacks ? lacks : answer;
	}

	return ok ? ok : lacks;
}


static const json_t *rows_of(const json_t *answer)
{
	return is_ok(answer) ? json_object_get(answer, "rows") : NULL;
}


static int collect(struct merge *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->answerc; i++)
		n += json_array_size(rows_of(m->answers[i]));
	m->lines = calloc(n + 1, sizeof(*m->lines));
	if (!m->lines)
		return -1;

	for (size_t i = 0; i < m->answerc; i++) {
		const json_t *rows = rows_of(m->answers[i]);

		for (size_t k = 0; k < json_array_size(rows); k++)
			m->lines[m->linec++] =
				(struct line){ json_array_get(rows, k), i, k };
	}

	return 0;
}


static void sort(struct merge *m)
{
	const char *asked = word(m->args, "sort");
	struct order order = { m->spread->order, 1 };

	if (asked[0] == '-')
		order = (struct order){ asked + 1, -1 };
	else if (asked[0])
		order.column = asked;
	if (m->linec)
		qsort_r(m->lines, m->linec, sizeof(*m->lines), by_order,
			&order);
}


static bool has_more(const json_t *answer)
{
	return json_is_string(json_object_get(answer, "next"));
}


/* Who has more behind his page may have some that belongs before the others'
 * last: nothing behind the end of such a page. */
static const json_t *page_end(const struct merge *m)
{
	const json_t *end = NULL;

	for (size_t i = 0; i < m->answerc; i++) {
		const json_t *rows = rows_of(m->answers[i]);
		const size_t n = json_array_size(rows);
		const json_t *last;

		if (!n || !has_more(m->answers[i]))
			continue;
		last = json_object_get(json_array_get(rows, n - 1),
				       m->spread->order);
		if (!end || compare(last, end) < 0)
			end = last;
	}

	return end;
}


static json_t *positions(const struct merge *m, bool *morep)
{
	char text[CURSOR_MAX] = "", one[24];

	for (size_t i = 0; i < m->answerc; i++) {
		const json_t *answer = m->answers[i];
		const size_t rowc = json_array_size(rows_of(answer));
		const size_t left = rowc - m->taken[i];
		uint64_t at;

		if (text_u64(&at, part_of(word(m->args, "cursor"), i), 0,
			     INT64_MAX))
			at = 0;
		if (is_ok(answer))
			at = number(answer, "position", left) - left;
		*morep = *morep || left || has_more(answer);
		(void)text_print(one, sizeof(one), "%s%llu", i ? "." : "",
				 (unsigned long long)at);
		(void)strncat(text, one, sizeof(text) - strlen(text) - 1);
	}

	return json_string(text);
}


static void put_positions(struct merge *m, json_t *result)
{
	bool more = false;
	json_t *at = positions(m, &more);

	if (more)
		(void)json_object_set(result, "next", at);
	(void)json_object_set_new(result, "position", at);
}


static void take_page(struct merge *m, json_t *rows)
{
	const size_t limit = limit_of(m->spread, m->args);
	const json_t *end = page_end(m);

	for (size_t i = 0; i < m->linec && i < limit; i++) {
		const struct line *line = &m->lines[i];

		if (end &&
		    compare(json_object_get(line->row, m->spread->order),
			    end) > 0)
			break;
		(void)json_array_append(rows, line->row);
		m->taken[line->worker]++;
	}
}


static void take_rows(struct merge *m, json_t *rows)
{
	json_t *known = json_object();

	for (size_t i = 0; i < m->linec; i++)
		add_row(m->spread, rows, known, m->lines[i].row);
	json_decref(known);
}


/* From skip on, so many; the cursor is the row behind them. */
static void cut(struct merge *m, json_t *result, json_t *rows)
{
	const size_t limit = limit_of(m->spread, m->args);
	const size_t skip = m->spread->pages == SPREAD_OFFSET
				    ? (size_t)number(m->args, "cursor", 0)
				    : 0;
	bool more = false;
	char next[24];

	for (size_t i = 0; i < m->answerc; i++)
		more = more || has_more(m->answers[i]);
	for (size_t i = 0; i < skip && json_array_size(rows); i++)
		(void)json_array_remove(rows, 0);
	if (json_array_size(rows) > limit)
		more = true;
	while (json_array_size(rows) > limit)
		(void)json_array_remove(rows, json_array_size(rows) - 1);
	if (m->spread->pages != SPREAD_OFFSET || !more ||
	    json_array_size(rows) < limit)
		return;
	(void)text_print(next, sizeof(next), "%zu", skip + limit);
	(void)json_object_set_new(result, "next", json_string(next));
}


static void put_more(const struct merge *m, json_t *result)
{
	for (size_t i = 0; i < m->answerc; i++)
		if (is_ok(m->answers[i]))
			join(m->spread, result, m->answers[i]);
}


static json_t *merged(struct merge *m, const json_t *base)
{
	json_t *result = json_copy(unconst(base)), *rows = json_array();

	if (!is_ok(base) || collect(m)) {
		json_decref(rows);
		return result;
	}
	(void)json_object_set_new(result, "next", json_null());
	(void)json_object_set(result, "rows", rows);
	put_more(m, result);
	sort(m);
	if (m->spread->pages == SPREAD_POSITIONS) {
		take_page(m, rows);
		put_positions(m, result);
	}
	else {
		take_rows(m, rows);
		cut(m, result, rows);
	}
	free(m->lines);
	json_decref(rows);

	return result;
}


/* The only one that was asked, and who comes behind it. A trace that a later
 * one has not is over there. */
static json_t *chained(const struct merge *m)
{
	size_t worker = 0;
	const json_t *answer, *next;
	json_t *result;
	char cursor[48];

	while (!m->answers[worker])
		worker++;
	answer = m->answers[worker];
	if (!is_ok(answer) &&
	    (worker == 0 || strcmp(word(answer, "code"), "not_found") != 0))
		return json_copy(unconst(answer));

	result = is_ok(answer) ? json_copy(unconst(answer))
			       : json_pack("{s:b,s:[],s:n}", "ok", 1, "rows",
					   "next");
	next = json_object_get(result, "next");
	if (json_is_string(next))
		(void)text_print(cursor, sizeof(cursor), "%zu:%.20s", worker,
				 json_string_value(next));
	else if (worker + 1 < m->answerc)
		(void)text_print(cursor, sizeof(cursor), "%zu:", worker + 1);
	else
		return result;
	(void)json_object_set_new(result, "next", json_string(cursor));

	return result;
}


json_t *spread_merge(const struct spread *spread, const json_t *args,
		     json_t *const answers[], size_t answerc)
{
	struct merge m = { .spread = spread,
			   .args = args,
			   .answers = answers,
			   .answerc = answerc };
	const json_t *base;

	if (spread->way == SPREAD_CHAIN)
		return chained(&m);
	base = base_of(&m);

	return base ? merged(&m, base) : NULL;
}
