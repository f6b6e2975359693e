/**
 * @file sipd/trace_cmd.c  trace start, stop, list, show, export
 *
 * show and export go page by page: a cursor is the number of the message that
 * comes next. show has one in "position" also when there is no more, so that
 * a running trace can be followed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/svc/admin.h"
#include "sipd/trace_parts.h"

enum {
	LIMIT = 100,
	LIMIT_MAX = 1000,
	EXPORT_LIMIT_MAX = 10000,
	/* Of messages in one answer, which is a line of at most 1 MiB: of a
	 * byte shown three may become, of one exported 4/3 as base64, and two
	 * in a text that is clean already. */
	SHOW_BYTES = 200 << 10,
	ROW_BYTES = 400, /* Of a row's other columns, likewise */
	EXPORT_BYTES = 600 << 10,
	TEXT_BYTES = 400 << 10,
};


/* --- arguments ------------------------------------------------------------- */

static const char *word(const json_t *args, const char *name)
{
	return json_string_value(json_object_get(args, name));
}


/* A number, or a number as text: a word of the command line is either.
 * @return 0, ENOENT (absent), EINVAL */
static int number(const json_t *args, const char *name, uint64_t min,
		  uint64_t max, uint64_t *vp)
{
	const json_t *value = json_object_get(args, name);
	const json_int_t v = json_integer_value(value);

	if (!value || json_is_null(value))
		return ENOENT;
	if (json_is_string(value))
		return text_u64(vp, text_of(json_string_value(value)), min,
				max)
			       ? EINVAL
			       : 0;
	if (!json_is_integer(value) || v < 0 || (uint64_t)v < min ||
	    (uint64_t)v > max)
		return EINVAL;
	*vp = (uint64_t)v;

	return 0;
}


/* Like a word, of which the command line makes a number if it can */
static int take_word(char *dst, size_t size, const json_t *args,
		     const char *name, struct admin_answer *answer)
{
	const json_t *value = json_object_get(args, name);
	int err = 0;

	dst[0] = '\0';
	if (json_is_integer(value))
		err = text_print(dst, size, "%" JSON_INTEGER_FORMAT,
				 json_integer_value(value));
	else if (json_is_string(value))
		err = text_copy(dst, size, text_of(json_string_value(value)));
	else if (value && !json_is_null(value))
		err = EINVAL;
	if (err || (json_is_string(value) && !dst[0]))
		return admin_refuse(answer, "invalid_value",
				    "%s: 1 to %zu characters", name, size - 1);

	return 0;
}


static int take_type(struct trace_filter *f, const json_t *args,
		     struct admin_answer *answer)
{
	const char *type = word(args, "type");

	if (!json_object_get(args, "type"))
		return 0;
	if (type && strcmp(type, "registration") == 0)
		f->is_registration = true;
	else if (!type || strcmp(type, "sip") != 0)
		return admin_refuse(answer, "invalid_value",
				    "type: sip or registration");

	return 0;
}


static int take_ip(struct trace_filter *f, const json_t *args,
		   struct admin_answer *answer)
{
	const char *ip = word(args, "ip");

	if (!json_object_get(args, "ip"))
		return 0;
	if (!ip || prefix_parse(&f->ip, text_of(ip)))
		return admin_refuse(answer, "invalid_value",
				    "ip: an address or a network");

	return 0;
}


static size_t resolve(const struct trace *trace, bool is_phone,
		      const char *name, struct addr *addrs)
{
	size_t n;

	if (!name[0] || !trace->resolveh)
		return 0;
	n = trace->resolveh(is_phone, name, addrs, TRACE_ADDRS_MAX,
			    trace->resolve_arg);

	return n < TRACE_ADDRS_MAX ? n : TRACE_ADDRS_MAX;
}


static int take_ends(struct trace *trace, struct trace_filter *f,
		     struct admin_answer *answer)
{
	f->gateway_addrc = resolve(trace, false, f->gateway, f->gateway_addrs);
	f->phone_addrc = resolve(trace, true, f->phone, f->phone_addrs);
	if (f->gateway[0] && !f->gateway_addrc)
		return admin_refuse(answer, "not_found",
				    "gateway: there is none '%s', or it has "
				    "no address that is known",
				    f->gateway);

	return 0;
}


static int take_filter(struct trace *trace, struct trace_filter *f,
		       const json_t *args, struct admin_answer *answer)
{
	const struct {
		const char *name;
		char *dst;
		size_t size;
	} words[] = {
		{ "gateway", f->gateway, sizeof(f->gateway) },
		{ "phone", f->phone, sizeof(f->phone) },
		{ "number", f->number, sizeof(f->number) },
		{ "call_id", f->call_id, sizeof(f->call_id) },
		{ "method", f->method, sizeof(f->method) },
	};
	int err = take_type(f, args, answer);

	if (!err)
		err = take_ip(f, args, answer);
	for (size_t i = 0; i < COUNT_OF(words) && !err; i++)
		err = take_word(words[i].dst, words[i].size, args,
				words[i].name, answer);

	return err ? err : take_ends(trace, f, answer);
}


static int take_limit(const json_t *args, uint64_t max, uint64_t *limitp,
		      struct admin_answer *answer)
{
	if (number(args, "limit", 1, max, limitp) == EINVAL)
		return admin_refuse(answer, "invalid_value",
				    "limit: 1 to %llu",
				    (unsigned long long)max);

	return 0;
}


static int take_cursor(const json_t *args, const struct trace_one *one,
		       struct trace_cursor *cursor,
		       struct admin_answer *answer)
{
	uint64_t at = 0;

	if (number(args, "cursor", 0, UINT64_MAX >> 1, &at) == EINVAL)
		return admin_refuse(answer, "invalid_value",
				    "cursor: not one of ours");
	trace_seek(cursor, one, at);

	return 0;
}


/* The trace that is meant; NULL: it was refused */
static struct trace_one *take_trace(struct trace *trace, const json_t *args,
				    struct admin_answer *answer)
{
	struct trace_one *one = NULL;
	uint64_t id = 0;

	trace_expire(trace);
	if (number(args, "name", 1, UINT32_MAX, &id) == 0)
		one = trace_find(trace, (uint32_t)id);
	if (!one)
		(void)admin_refuse(answer, "not_found",
				   "name: no such trace: see trace list");

	return one;
}


static int no_memory(struct admin_answer *answer)
{
	return admin_refuse(answer, "failed", "out of memory");
}


/* One row about a trace */
static int say(const struct trace_one *one, struct admin_answer *answer)
{
	answer->rows = json_array();
	if (json_array_append_new(answer->rows, trace_row_of(one)))
		return no_memory(answer);

	return 0;
}


/* --- start, stop, list ----------------------------------------------------- */

int trace_cmd_start(struct trace *trace, const json_t *args,
		    struct admin_answer *answer)
{
	struct trace_filter *f = calloc(1, sizeof(*f));
	struct trace_one *one = NULL;
	uint64_t seconds = TRACE_SECONDS, id = 0;
	int err;

	if (!f)
		return no_memory(answer);
	err = take_filter(trace, f, args, answer);
	if (!err &&
	    number(args, "seconds", 1, TRACE_SECONDS_MAX, &seconds) == EINVAL)
		err = admin_refuse(answer, "invalid_value", "seconds: 1 to %d",
				   TRACE_SECONDS_MAX);
	if (!err && number(args, "name", 1, UINT32_MAX, &id) == EINVAL)
		err = admin_refuse(answer, "invalid_value",
				   "name: a number of a trace");
	if (err)
		goto out;

	err = trace_add(trace, &one, f, (uint32_t)seconds, (uint32_t)id);
	if (err == ENOSPC)
		err = admin_refuse(answer, "busy",
				   "%d traces are running: stop one",
				   TRACES_MAX);
	else if (err)
		err = no_memory(answer);
	else if (answer->asker && answer->asker->name)
		(void)text_print(one->operator_name,
				 sizeof(one->operator_name), "%s",
				 answer->asker->name);
	if (one)
		err = say(one, answer);
out:
	free(f);

	return err;
}


int trace_cmd_stop(struct trace *trace, const json_t *args,
		   struct admin_answer *answer)
{
	struct trace_one *one = take_trace(trace, args, answer);
	int err;

	if (!one)
		return 0;

	trace_end(trace, one, TRACE_STOPPED);
	err = say(one, answer);
	if (json_is_true(json_object_get(args, "discard")))
		trace_remove(trace, one);

	return err;
}


int trace_cmd_list(struct trace *trace, const json_t *args,
		   struct admin_answer *answer)
{
	(void)args;
	trace_expire(trace);
	answer->rows = json_array();
	for (size_t i = 0; i < trace->onec; i++)
		if (json_array_append_new(answer->rows,
					  trace_row_of(trace->ones[i])))
			return no_memory(answer);

	return 0;
}


/* --- show ------------------------------------------------------------------ */

static json_t *position(const struct trace_cursor *cursor)
{
	char text[24];

	(void)text_print(text, sizeof(text), "%llu",
			 (unsigned long long)cursor->number);

	return json_string(text);
}


static bool has_more(const struct trace_cursor *cursor)
{
	return cursor->number < cursor->one->records;
}


static int end_page(const struct trace_cursor *cursor,
		    struct admin_answer *answer)
{
	answer->more = json_pack("{s:s,s:o}", "state",
				 trace_state_name(cursor->one->state),
				 "position", position(cursor));
	if (has_more(cursor))
		answer->next = position(cursor);

	return 0;
}


int trace_cmd_show(struct trace *trace, const json_t *args,
		   struct admin_answer *answer)
{
	const struct trace_one *one = take_trace(trace, args, answer);
	const struct trace_record *record;
	struct trace_cursor cursor = { .one = one };
	uint64_t limit = LIMIT;
	size_t bytes = 0;
	struct text data;

	if (!one || take_limit(args, LIMIT_MAX, &limit, answer) ||
	    take_cursor(args, one, &cursor, answer))
		return 0;

	answer->rows = json_array();
	while (limit-- > 0 && bytes < SHOW_BYTES &&
	       (record = trace_next(&cursor, &data))) {
		bytes += data.l + ROW_BYTES;
		if (json_array_append_new(answer->rows,
					  trace_row(record, data)))
			return no_memory(answer);
	}

	return end_page(&cursor, answer);
}


/* --- export ---------------------------------------------------------------- */

struct page {
	uint8_t *p;
	size_t len, size;
};


static bool put(struct page *page, const void *data, size_t len)
{
	if (len > page->size - page->len)
		return false;
	memcpy(page->p + page->len, data, len);
	page->len += len;

	return true;
}


/* @return false: it is full */
static bool put_pcap(struct page *page, const struct trace_record *record,
		     struct text data)
{
	if (TRACE_PCAP_RECORD + data.l > page->size - page->len)
		return false;
	page->len += trace_pcap_record(page->p + page->len, record, data);

	return true;
}


static bool put_text(struct page *page, const struct trace_record *record,
		     struct text data)
{
	size_t len = 0;
	char *text = trace_text(record, data, &len);
	const bool ok = text && put(page, text, len);

	free(text);

	return ok;
}


/* RFC 4648 4 */
static json_t *base64_json(const uint8_t *data, size_t len)
{
	enum {
		PAD = 64
	};
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/=";
	char *text = malloc((len + 2) / 3 * 4 + 1), *p = text;
	json_t *json;

	if (!text)
		return NULL;

	for (size_t i = 0; i < len; i += 3) {
		const uint32_t v = (uint32_t)data[i] << 16 |
				   (uint32_t)(i + 1 < len ? data[i + 1] : 0)
					   << 8 |
				   (uint32_t)(i + 2 < len ? data[i + 2] : 0);

		*p++ = digits[v >> 18];
		*p++ = digits[v >> 12 & 63];
		*p++ = digits[i + 1 < len ? v >> 6 & 63 : PAD];
		*p++ = digits[i + 2 < len ? v & 63 : PAD];
	}
	json = json_stringn(text, (size_t)(p - text));
	free(text);

	return json;
}


static void fill(struct page *page, struct trace_cursor *cursor, bool is_text,
		 uint64_t limit)
{
	const struct trace_record *record;
	struct trace_cursor before = *cursor;
	struct text data;

	while (limit-- > 0 && (record = trace_next(cursor, &data))) {
		if (!(is_text ? put_text : put_pcap)(page, record, data)) {
			*cursor = before;
			return;
		}
		before = *cursor;
	}
}


static int export(struct trace_cursor *cursor, bool is_text, bool is_plain,
		  uint64_t limit, struct admin_answer *answer)
{
	struct page page = { .size = is_text ? TEXT_BYTES : EXPORT_BYTES };
	const uint64_t from = cursor->number;
	uint8_t head[TRACE_PCAP_HEAD];
	json_t *data;

	page.p = malloc(page.size);
	if (!page.p)
		return no_memory(answer);

	trace_pcap_head(head);
	if (!is_text && !is_plain && from == 0)
		(void)put(&page, head, sizeof(head));
	fill(&page, cursor, is_text, limit);
	data = is_text ? json_stringn((const char *)page.p, page.len)
		       : base64_json(page.p, page.len);
	free(page.p);
	if (!data || (has_more(cursor) && cursor->number == from)) {
		json_decref(data);
		return no_memory(answer);
	}
	answer->rows = json_pack("[{s:s,s:I,s:o}]", "format",
				 is_text ? "text" : "pcap", "messages",
				 (json_int_t)(cursor->number - from), "data",
				 data);

	return end_page(cursor, answer);
}


int trace_cmd_export(struct trace *trace, const json_t *args,
		     struct admin_answer *answer)
{
	const struct trace_one *one = take_trace(trace, args, answer);
	const char *format = word(args, "format");
	uint64_t limit = EXPORT_LIMIT_MAX;
	struct trace_cursor cursor = { .one = one };

	if (!one || take_limit(args, EXPORT_LIMIT_MAX, &limit, answer) ||
	    take_cursor(args, one, &cursor, answer))
		return 0;
	if (json_object_get(args, "format") &&
	    (!format ||
	     (strcmp(format, "pcap") != 0 && strcmp(format, "text") != 0)))
		return admin_refuse(answer, "invalid_value",
				    "format: pcap or text");

	return export(&cursor, format && strcmp(format, "text") == 0,
		      json_is_true(json_object_get(args, "plain")), limit,
		      answer);
}
