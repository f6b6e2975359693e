/**
 * @file sipd/trace_row.c  Traces and messages as operators see them
 *
 * What a peer sent is made fit for JSON and for a terminal: what is no UTF-8,
 * or for control and no end of a line, becomes U+FFFD.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "sipd/admin_time.h"
#include "sipd/trace_parts.h"

enum {
	WORD_MAX = 256 /**< Of a column; it is whole in the message */
};

static const char *const transports[TRANSPORTC] = {
	[TRANSPORT_NONE] = "none",
	[TRANSPORT_UDP] = "udp",
	[TRANSPORT_TCP] = "tcp",
	[TRANSPORT_TLS] = "tls",
};

static const char *const directions[] = {
	[TRACE_IN] = "in",
	[TRACE_OUT] = "out",
};

static const char *const states[] = {
	[TRACE_NONE] = "none",       [TRACE_RUNNING] = "running",
	[TRACE_STOPPED] = "stopped", [TRACE_OVER] = "over",
	[TRACE_FULL] = "full",       [TRACE_NO_MEMORY] = "no_memory",
};


const char *trace_state_name(enum trace_state state)
{
	return states[state];
}


static bool is_control(char c)
{
	return ((uint8_t)c < ' ' && c != '\r' && c != '\n' && c != '\t') ||
	       c == 0x7f;
}


/* A byte becomes three at most; dst has room for them. */
static size_t put_clean(char *dst, struct text t)
{
	static const char unknown[] = { '\xef', '\xbf', '\xbd' };
	char *p = dst;

	while (t.l > 0) {
		const size_t l = text_character(t);

		if (l == 0 || is_control(t.p[0])) {
			memcpy(p, unknown, sizeof(unknown));
			p += sizeof(unknown);
		}
		else {
			memcpy(p, t.p, l);
			p += l;
		}
		t.p += l ? l : 1;
		t.l -= l ? l : 1;
	}

	return (size_t)(p - dst);
}


static json_t *clean_json(struct text t)
{
	char *copy = malloc(3 * t.l + 1);
	json_t *json = NULL;

	if (copy)
		json = json_stringn(copy, put_clean(copy, t));
	free(copy);

	return json;
}


static json_t *clean_or_null(struct text t)
{
	if (t.l > WORD_MAX)
		t.l = WORD_MAX;

	return t.l ? clean_json(t) : json_null();
}


static json_t *word_or_null(const char *word)
{
	return word[0] ? json_string(word) : json_null();
}


json_t *trace_row(const struct trace_record *record, struct text data)
{
	char when[ADMIN_TIME_SIZE], local[ADDR_TEXT_MAX],
		remote[ADDR_TEXT_MAX];
	struct peek peek;

	peek_message(&peek, data);

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o,s:o}", "time",
			 admin_time_print(when, record->wall_us), "direction",
			 directions[record->direction], "transport",
			 transports[record->transport], "local",
			 addr_print(&record->local, local), "remote",
			 addr_print(&record->remote, remote), "method",
			 clean_or_null(peek.method), "code",
			 peek.code ? json_integer(peek.code) : json_null(),
			 "call_id", clean_or_null(peek.call_id), "message",
			 clean_json(data));
}


char *trace_text(const struct trace_record *record, struct text data,
		 size_t *lenp)
{
	enum {
		HEAD = ADMIN_TIME_SIZE + 2 * ADDR_TEXT_MAX + 64
	};
	char when[ADMIN_TIME_SIZE], local[ADDR_TEXT_MAX],
		remote[ADDR_TEXT_MAX];
	char *text = malloc(HEAD + 3 * data.l + 2);
	size_t l;

	if (!text)
		return NULL;

	(void)text_print(text, HEAD, "%s %s %s %s %s %s (%u bytes)\n",
			 admin_time_print(when, record->wall_us),
			 directions[record->direction],
			 transports[record->transport],
			 addr_print(&record->local, local),
			 record->direction == TRACE_IN ? "<-" : "->",
			 addr_print(&record->remote, remote), record->len);
	l = strlen(text);
	l += put_clean(text + l, data);
	if (text[l - 1] != '\n')
		text[l++] = '\n';
	text[l++] = '\n';
	*lenp = l;

	return text;
}


json_t *trace_row_of(const struct trace_one *one)
{
	const struct trace_filter *f = &one->filter;
	const int64_t left_us = one->until_us - clk_mono_us();
	const bool is_running = one->state == TRACE_RUNNING;
	char since[ADMIN_TIME_SIZE], ip[ADDR_TEXT_MAX];

	return json_pack(
		"{s:I,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:I,s:I,s:I,s:s}",
		"trace", (json_int_t)one->id, "state", states[one->state],
		"type", f->is_registration ? "registration" : "sip", "ip",
		f->ip.addr.family ? json_string(prefix_print(&f->ip, ip))
				  : json_null(),
		"gateway", word_or_null(f->gateway), "phone",
		word_or_null(f->phone), "number", word_or_null(f->number),
		"call_id", word_or_null(f->call_id), "method",
		word_or_null(f->method), "since",
		admin_time_print(since, one->since_us), "left",
		(json_int_t)(is_running && left_us > 0 ? left_us / 1000000
						       : 0),
		"messages", (json_int_t)one->records, "bytes",
		(json_int_t)one->bytes, "operator", one->operator_name);
}
