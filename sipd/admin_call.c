/**
 * @file sipd/admin_call.c  call list, show, disconnect
 */
#include <stdlib.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/admin_call.h"
#include "sipd/admin_time.h"
#include "sipd/call.h"
#include "sipd/caps.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/media_show.h"
#include "sipd/session.h"

enum {
	LIMIT = 100,
	LIMIT_MAX = 10000,
};

/* As operators count states */
static const char *const states[CALL_STATEC] = {
	[CALL_NONE] = "setup",      [CALL_ADMITTING] = "setup",
	[CALL_ROUTING] = "setup",   [CALL_CALLING] = "setup",
	[CALL_RINGING] = "ringing", [CALL_ANSWERED] = "answered",
	[CALL_ENDED] = "ending",
};

static const char *const media_words[] = { "none", "bypass", "relay" };

/** What a list asks for; empty: any */
struct filter {
	const char *gateway, *account, *caller, *called, *state;
	int64_t min_duration_s;
};

struct listing {
	struct sipd *sipd;
	const struct catalog *c;
	struct filter filter;
	struct media_show media;
	json_t *rows;
};


/* --- columns
 * ------------------------------------------------------------------------ */

static const char *name_of(const struct catalog *c, enum record_kind kind,
			   uint32_t id)
{
	const struct cat_row *row = c && id ? catalog_by_id(c, kind, id)
					    : NULL;

	return row ? catalog_str(c, kind, row->name) : "";
}


static json_t *name_json(const struct catalog *c, enum record_kind kind,
			 uint32_t id)
{
	const char *name = name_of(c, kind, id);

	return name[0] ? json_string(name) : json_null();
}


static json_t *text_json(struct text t)
{
	json_t *text = json_stringn(t.p, t.l);

	return text ? text : json_null(); /* not UTF-8 */
}


static int64_t duration_s(const struct call *call)
{
	if (!call->i.answer_boot_us)
		return 0;

	return ((call->i.end_boot_us ? call->i.end_boot_us : clk_boot_us()) -
		call->i.answer_boot_us) /
	       1000000;
}


/* What fires next, and in how many seconds */
static void put_next(json_t *row, const struct call *call)
{
	const char *event = NULL;
	long left = -1;
	int reason;
	const struct leg *legs[] = { &call->a, &call->b };

	if (call->i.state == CALL_ANSWERED) {
		left = caps_left_s(call, &reason);
		event = left >= 0 ? end_defs[reason].token : NULL;
		for (size_t i = 0; i < COUNT_OF(legs); i++) {
			const long probe = session_left_s(legs[i]);

			if (probe >= 0 && (left < 0 || probe < left)) {
				left = probe;
				event = "probe";
			}
		}
	}
	(void)json_object_set_new(row, "next_event",
				  event ? json_string(event) : json_null());
	(void)json_object_set_new(row, "next_event_in",
				  event ? json_integer(left) : json_null());
}


static json_t *row_of(const struct call *call, const struct catalog *c,
		      struct media_show *media, bool counters)
{
	json_t *row = json_object();
	const struct call_image *i = &call->i;
	const int64_t granted = i->granted_s && i->answer_boot_us
					? (int64_t)i->granted_s -
						  duration_s(call)
					: 0;

	(void)json_object_set_new(row, "call", json_string(i->cdr_id));
	(void)json_object_set_new(row, "state", json_string(states[i->state]));
	(void)json_object_set_new(row, "caller",
				  text_json(call_fact(call, FACT_CALLER)));
	(void)json_object_set_new(row, "called",
				  text_json(call_fact(call, FACT_CALLED)));
	(void)json_object_set_new(row, "mapping_gateway",
				  name_json(c, RECORD_MAPPING, i->mapping));
	(void)json_object_set_new(row, "phone",
				  name_json(c, RECORD_PHONE, i->phone));
	(void)json_object_set_new(row, "routing_gateway",
				  name_json(c, RECORD_ROUTING, i->gateway));
	(void)json_object_set_new(row, "account",
				  name_json(c, RECORD_ACCOUNT, i->account));
	(void)json_object_set_new(row, "start", admin_time(i->start_us));
	(void)json_object_set_new(row, "answer", admin_time(i->answer_us));
	(void)json_object_set_new(row, "duration",
				  json_integer(duration_s(call)));
	(void)json_object_set_new(row, "regime",
				  json_string(i->flags & CALL_IS_TIMER
						      ? "timer"
						      : "no_timer"));
	put_next(row, call);
	(void)json_object_set_new(row, "granted_left",
				  granted ? json_integer(granted)
					  : json_null());
	(void)json_object_set_new(row, "media",
				  json_string(media_words[i->media % 3]));
	media_show_row(media, row, call, counters);
	(void)json_object_set_new(row, "codec",
				  i->codec[0] ? json_string(i->codec)
					      : json_null());
	(void)json_object_set_new(row, "attempts", json_integer(i->attemptc));

	return row;
}


/* --- filters
 * ------------------------------------------------------------------------- */

static bool number_fits(const char *pattern, struct text number)
{
	return !pattern || number_pattern_fits(text_of(pattern), number);
}


static bool is_name(const char *wanted, const char *a, const char *b)
{
	return !wanted || strcmp(wanted, a) == 0 || strcmp(wanted, b) == 0;
}


static bool fits(const struct filter *f, const struct call *call,
		 const struct catalog *c)
{
	return is_name(f->gateway, name_of(c, RECORD_MAPPING, call->i.mapping),
		       name_of(c, RECORD_ROUTING, call->i.gateway)) &&
	       is_name(f->account, name_of(c, RECORD_ACCOUNT, call->i.account),
		       "") &&
	       (!f->state || strcmp(f->state, states[call->i.state]) == 0) &&
	       duration_s(call) >= f->min_duration_s &&
	       number_fits(f->caller, call_fact(call, FACT_CALLER)) &&
	       number_fits(f->called, call_fact(call, FACT_CALLED));
}


static const char *word(const json_t *args, const char *name)
{
	return json_string_value(json_object_get(args, name));
}


static int64_t number(const json_t *args, const char *name, int64_t otherwise)
{
	const json_t *value = json_object_get(args, name);
	int64_t n = otherwise;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (json_is_string(value) &&
	    text_i64(&n, text_of(json_string_value(value)), 0, INT32_MAX))
		n = otherwise;

	return n;
}


static void on_call(struct call *call, void *arg)
{
	struct listing *l = arg;

	if (fits(&l->filter, call, l->c))
		(void)json_array_append_new(l->rows, row_of(call, l->c,
							    &l->media, false));
}


/* --- order
 * ------------------------------------------------------------------------------
 */

struct order {
	const char *column;
	int sign;
};


static int compare(const json_t *a, const json_t *b, const char *column)
{
	const json_t *x = json_object_get(a, column);
	const json_t *y = json_object_get(b, column);

	if (json_is_integer(x) && json_is_integer(y))
		return json_integer_value(x) < json_integer_value(y)
			       ? -1
			       : json_integer_value(x) > json_integer_value(y);
	if (json_is_string(x) && json_is_string(y))
		return strcmp(json_string_value(x), json_string_value(y));

	return json_is_null(y) - json_is_null(x);
}


static int by_order(const void *a, const void *b, void *arg)
{
	const struct order *order = arg;

	return order->sign * compare(*(json_t *const *)a, *(json_t *const *)b,
				     order->column);
}


static json_t *ordered(json_t *rows, const char *sort, size_t limit)
{
	const size_t n = json_array_size(rows);
	struct order order = { sort, 1 };
	json_t **all = calloc(n + 1, sizeof(void *));
	json_t *out = json_array();

	for (size_t i = 0; all && i < n; i++)
		all[i] = json_array_get(rows, i);
	if (sort && sort[0] == '-')
		order = (struct order){ sort + 1, -1 };
	if (all && sort)
		qsort_r(all, n, sizeof(void *), by_order, &order);
	for (size_t i = 0; all && i < n && i < limit; i++)
		(void)json_array_append(out, all[i]);
	free(all);
	json_decref(rows);

	return out;
}


/* --- commands
 * --------------------------------------------------------------------------- */

static void listing_begin(struct listing *l, struct sipd *sipd,
			  const json_t *args)
{
	*l = (struct listing){
		.sipd = sipd,
		.c = catalog_pin(svc_catalog(sipd->svc)),
		.filter = {
			.gateway = word(args, "gateway"),
			.account = word(args, "account"),
			.caller = word(args, "caller"),
			.called = word(args, "called"),
			.state = word(args, "state"),
			.min_duration_s = number(args, "min_duration", 0),
		},
		.rows = json_array(),
	};
	media_show_begin(&l->media, sipd);
}


static void listing_end(struct listing *l)
{
	media_show_end(&l->media);
	if (l->c)
		catalog_unpin(svc_catalog(l->sipd->svc), l->c);
}


int cmd_call_list(void *state, const json_t *args, struct admin_answer *answer)
{
	const int64_t limit = number(args, "limit", LIMIT);
	struct listing l;

	if (limit < 1 || limit > LIMIT_MAX)
		return admin_refuse(answer, "invalid_value",
				    "limit: %lld is not allowed (1-%d)",
				    (long long)limit, LIMIT_MAX);
	listing_begin(&l, state, args);
	calls_walk(l.sipd, on_call, &l);
	listing_end(&l);
	answer->rows = ordered(l.rows, word(args, "sort"), (size_t)limit);

	return 0;
}


struct search {
	const char *cdr_id;
	struct call *found;
};


static void on_search(struct call *call, void *arg)
{
	struct search *search = arg;

	if (strcmp(call->i.cdr_id, search->cdr_id) == 0)
		search->found = call;
}


static struct call *find_named(struct sipd *sipd, const char *cdr_id)
{
	struct search search = { cdr_id, NULL };

	calls_walk(sipd, on_search, &search);

	return search.found;
}


static json_t *leg_json(const struct leg *leg)
{
	static const char *const leg_states[] = { "none", "called", "early",
						  "confirmed", "ended" };
	json_t *row = json_object();
	char remote[ADDR_TEXT_MAX];

	(void)json_object_set_new(row, "state",
				  json_string(leg_states[leg->i->state % 5]));
	(void)json_object_set_new(row, "remote",
				  json_string(addr_print(&leg->i->flow.remote,
							 remote)));
	(void)json_object_set_new(row, "call_id",
				  text_json(leg_text(leg, LEG_CALL_ID)));
	(void)json_object_set_new(row, "target",
				  text_json(leg_text(leg, LEG_TARGET)));
	(void)json_object_set_new(row, "sdp_sent", text_json(leg_sdp(leg)));
	(void)json_object_set_new(row, "session_expires",
				  json_integer(leg->i->expires_s));
	(void)json_object_set_new(row, "probe_in",
				  session_left_s(leg) < 0
					  ? json_null()
					  : json_integer(session_left_s(leg)));

	return row;
}


static json_t *params_json(const struct call *call)
{
	const struct call_params *p = &call->i.params;
	json_t *row = json_object();
	/* clang-format off */
	const struct {
		const char *name;
		int64_t value;
	} values[] = {
		{ "SS_SIP_TIMEOUT_INVITE",                   p->t1_s },
		{ "SS_SIP_TIMEOUT_TRYING",                   p->t2_s },
		{ "SS_SIP_TIMEOUT_SESSION_PROGRESS",         p->t3a_s },
		{ "SS_SIP_TIMEOUT_SESSION_PROGRESS_SDP",     p->t3b_s },
		{ "SS_SIP_TIMEOUT_RINGING",                  p->t4_s },
		{ "SS_SIP_SESSION_TTL",                      p->ttl_s },
		{ "SS_SIP_SESSION_UPDATE_SEGMENT",           p->segments },
		{ "SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP",     p->early_hangup_s },
		{ "SS_SIP_NO_TIMER_REINVITE_INTERVAL",       p->no_timer_s },
		{ "SS_MAX_CALL_DURATION",                    p->max_duration_s },
		{ "SS_SESSION_TIMER_MIN_SE",                 p->min_se_s },
	};
	/* clang-format on */

	for (size_t i = 0; i < COUNT_OF(values); i++)
		(void)json_object_set_new(row, values[i].name,
					  json_integer(values[i].value));

	return row;
}


int cmd_call_show(void *state, const json_t *args, struct admin_answer *answer)
{
	struct sipd *sipd = state;
	const char *name = word(args, "name");
	struct call *call = name ? find_named(sipd, name) : NULL;
	const struct catalog *c;
	struct media_show media;
	json_t *row;

	if (!call)
		return admin_refuse(answer, "not_found", "%.40s: no such call",
				    name ? name : "");

	c = catalog_pin(svc_catalog(sipd->svc));
	media_show_begin(&media, sipd);
	row = row_of(call, c, &media, true);
	media_show_end(&media);
	(void)json_object_set_new(row, "a", leg_json(&call->a));
	(void)json_object_set_new(row, "b", leg_json(&call->b));
	(void)json_object_set_new(row, "values", params_json(call));
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);
	answer->rows = json_array();
	(void)json_array_append_new(answer->rows, row);

	return 0;
}


static void cut(struct call *call, const char *operator, json_t * rows)
{
	json_t *row = json_object();

	(void)json_object_set_new(row, "call", json_string(call->i.cdr_id));
	(void)json_object_set_new(row, "result",
				  json_string(call->i.state == CALL_ENDED
						      ? "ending already"
						      : "disconnected"));
	(void)json_array_append_new(rows, row);
	if (call->i.state == CALL_ENDED)
		return;
	(void)text_copy(call->i.detail, sizeof(call->i.detail),
			(struct text){ operator,
				       strnlen(operator,
					       sizeof(call->i.detail) - 1) });
	call_end_with(call, END_OPERATOR_DISCONNECT);
	call_handle(call, EV_CUT);
}


struct cutting {
	struct listing listing;
	uint64_t *ids;
	size_t idc, max;
};


static void on_cut(struct call *call, void *arg)
{
	struct cutting *cutting = arg;

	if (cutting->idc < cutting->max &&
	    fits(&cutting->listing.filter, call, cutting->listing.c))
		cutting->ids[cutting->idc++] = call->id;
}


int cmd_call_disconnect(void *state, const json_t *args,
			struct admin_answer *answer)
{
	struct sipd *sipd = state;
	const char *name = word(args, "name");
	struct cutting cutting = { .max = calls_count(sipd) };
	struct call *call;

	if (!name && !word(args, "gateway") && !word(args, "account"))
		return admin_refuse(answer, "usage",
				    "a call, --gateway or --account is "
				    "needed");
	answer->rows = json_array();
	if (name) {
		call = find_named(sipd, name);
		if (!call)
			return admin_refuse(answer, "not_found",
					    "%.40s: no such call", name);
		cut(call, answer->asker->name, answer->rows);
		return 0;
	}

	/* Ids first: what is cut may be gone at once. */
	cutting.ids = calloc(cutting.max + 1, sizeof(*cutting.ids));
	if (!cutting.ids)
		return admin_refuse(answer, "failed", "out of memory");
	listing_begin(&cutting.listing, sipd, args);
	calls_walk(sipd, on_cut, &cutting);
	listing_end(&cutting.listing);
	json_decref(cutting.listing.rows);
	for (size_t i = 0; i < cutting.idc; i++) {
		call = call_find(sipd, cutting.ids[i]);
		if (call)
			cut(call, answer->asker->name, answer->rows);
	}
	free(cutting.ids);

	return 0;
}
