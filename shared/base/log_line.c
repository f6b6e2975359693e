/**
 * @file shared/base/log_line.c  From event and fields to one line of text
 *
 * Where a field begins is read from the format alone: there each blank before
 * a "key=" becomes a separator that no text should hold, and the whole is
 * formatted once. If a value holds that separator all the same, or is so long
 * that not all separators are there, the fields cannot be told apart any more,
 * and the line carries them as one escaped text. So a caller's text is always
 * a value, never a field.
 *
 * A line has its bounds in stages, so that no event is so long that it leaves
 * no room for fields, and no field so long that it hides whose line it is.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shared/base/log_line.h"
#include "shared/base/text.h"

#define SEPARATOR '\x1f'

enum {
	FMT_MAX = 512,
	RAW_MAX = 3072,
	TAIL = 32, /**< Kept free to end a line that was cut */
	/* Where the head, the fields and the context end at the latest */
	HEAD_END = 512,
	FIELDS_END = LOG_LINE_MAX - 512,
	CONTEXT_END = LOG_LINE_MAX - TAIL,
};

struct out {
	char *p;
	size_t l;
	size_t end; /**< Nothing is put beyond it but what closes a value */
	bool cut;   /**< Something did not fit */
	enum log_format format;
};

struct field {
	struct text key;
	bool is_number; /**< By its conversion: not text in quotes */
};


static bool put(struct out *out, const char *p, size_t l)
{
	if (out->l + l > out->end) {
		out->cut = true;
		return false;
	}
	memcpy(out->p + out->l, p, l);
	out->l += l;

	return true;
}


static bool put_text(struct out *out, const char *s)
{
	return put(out, s, strlen(s));
}


/* What closes something has its place in the tail of the line. */
static void put_close(struct out *out, const char *s)
{
	memcpy(out->p + out->l, s, strlen(s));
	out->l += strlen(s);
}


/* Of ASCII, and to be put as it is */
static size_t plain_run(struct text t)
{
	size_t n = 0;

	while (n < t.l && t.p[n] >= 0x20 && t.p[n] < 0x7f && t.p[n] != '"' &&
	       t.p[n] != '\\')
		n++;

	return n;
}


/* Text of anybody, or what of it fits: what is not printable becomes "_". */
static void put_escaped(struct out *out, struct text t)
{
	const size_t run = plain_run(t);
	bool fits = true;

	if (run <= out->end - out->l && put(out, t.p, run)) {
		t.p += run;
		t.l -= run;
	}
	while (t.l > 0 && fits) {
		const char c = t.p[0];
		size_t l = text_character(t);

		if (l == 0 || (l == 1 && ((uint8_t)c < 0x20 || c == 0x7f))) {
			fits = put(out, "_", 1);
			l = 1;
		}
		else if (c == '"' || c == '\\') {
			const char escaped[2] = { '\\', c };

			fits = put(out, escaped, 2);
		}
		else {
			fits = put(out, t.p, l);
		}
		t.p += l;
		t.l -= l;
	}
}


static bool is_plain(struct text t)
{
	for (size_t i = 0; i < t.l; i++)
		if ((uint8_t)t.p[i] <= ' ' || (uint8_t)t.p[i] >= 0x7f ||
		    strchr("\"\\=", t.p[i]))
			return false;

	return t.l > 0;
}


/* A number is there whole or not at all; text may be cut. */
static void put_field(struct out *out, struct text key, struct text value,
		      bool is_number)
{
	const bool json = out->format == LOG_JSON;
	const bool quoted = !is_number && (json || !is_plain(value));
	const size_t before = out->l;

	if (!put_text(out, json ? ",\"" : " ") || !put(out, key.p, key.l) ||
	    !put_text(out, json ? "\":" : "=") ||
	    !put_text(out, quoted ? "\"" : "") ||
	    (is_number && !put(out, value.p, value.l))) {
		out->l = before;
		return;
	}

	if (!is_number)
		put_escaped(out, value);
	if (quoted)
		put_close(out, "\"");
}


static bool is_key(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}


/* Does "key=" begin here? */
static size_t key_length(const char *p)
{
	size_t l = 0;

	while (is_key(p[l]))
		l++;

	return l > 0 && p[l] == '=' ? l : 0;
}


/* One conversion to a number and nothing else, up to the next field; with a
 * width or precision it may print what JSON does not take for a number. */
static bool converts_to_number(const char *p)
{
	static const char lengths[] = "lhzjt";

	if (*p != '%')
		return false;
	p++;
	while (*p && strchr(lengths, *p))
		p++;
	if (!*p || !strchr("diu", *p))
		return false;
	p++;

	return *p == '\0' || (*p == ' ' && key_length(p + 1) > 0);
}


/* fmt with a separator where fields begin, and those fields */
static size_t split(char dst[FMT_MAX], struct field *fields, const char *fmt)
{
	size_t fieldc = 0, l = 0;

	for (const char *p = fmt; *p && l < FMT_MAX - 1; p++) {
		const size_t keylen = *p == ' ' && fieldc < LOG_FIELDS_MAX
					      ? key_length(p + 1)
					      : 0;

		dst[l++] = (char)(keylen ? SEPARATOR : *p);
		if (keylen)
			fields[fieldc++] = (struct field){
				.key = { p + 1, keylen },
				.is_number = converts_to_number(p + keylen +
								2),
			};
	}
	dst[l] = '\0';

	return fieldc;
}


/* As many digits as there is room for */
static void digits_put(char *at, size_t digits, int v)
{
	for (size_t i = digits; i-- > 0; v /= 10)
		at[i] = (char)('0' + v % 10);
}


/* By hand: it stands in every line. */
static void put_time(struct out *out, int64_t wall_us)
{
	const time_t s = (time_t)(wall_us / 1000000);
	char text[] = "0000-00-00T00:00:00.000Z";
	struct tm tm;

	if (gmtime_r(&s, &tm)) {
		digits_put(text, 4, tm.tm_year + 1900);
		digits_put(text + 5, 2, tm.tm_mon + 1);
		digits_put(text + 8, 2, tm.tm_mday);
		digits_put(text + 11, 2, tm.tm_hour);
		digits_put(text + 14, 2, tm.tm_min);
		digits_put(text + 17, 2, tm.tm_sec);
		digits_put(text + 20, 3, (int)(wall_us % 1000000 / 1000));
	}
	put_text(out, text);
}


static void put_head(struct out *out, const struct log_line *line,
		     struct text event)
{
	const bool json = out->format == LOG_JSON;

	out->end = HEAD_END;
	put_text(out, json ? "{\"ts\":\"" : "");
	put_time(out, line->wall_us);
	put_text(out, json ? "\",\"process\":\"" : " ");
	put_escaped(out, text_of(line->process));
	put_text(out, json ? "\",\"level\":\"" : " ");
	put_text(out, log_level_name(line->level));
	put_text(out, json ? "\",\"event\":\"" : " ");
	put_escaped(out, event);
	put_close(out, json ? "\"" : "");
}


static bool is_integer(struct text t)
{
	int64_t negative;
	uint64_t v;

	return text_u64(&v, t, 0, UINT64_MAX) == 0 ||
	       text_i64(&negative, t, INT64_MIN, INT64_MAX) == 0;
}


/* "key=value" pieces of the formatted text, in the order of the format */
static void put_fields(struct out *out, struct text rest,
		       const struct field *fields, size_t fieldc)
{
	for (size_t i = 0; i < fieldc; i++) {
		struct text piece;

		(void)text_cut(rest, SEPARATOR, &piece, &rest);
		/* "key=" stands in the format, so it stands here. */
		assert(piece.l > fields[i].key.l);
		piece.p += fields[i].key.l + 1;
		piece.l -= fields[i].key.l + 1;
		/* With more fields than fit, the last holds the rest. */
		put_field(out, fields[i].key, piece,
			  fields[i].is_number && is_integer(piece));
	}
}


static bool has_key(const struct field *fields, size_t fieldc, const char *key)
{
	for (size_t i = 0; i < fieldc; i++)
		if (key && text_is(fields[i].key, key))
			return true;

	return false;
}


/* From the innermost outwards; what the line itself or an inner one says an
 * outer does not. */
static void put_context(struct out *out, const struct log *log,
			const struct field *fields, size_t fieldc)
{
	for (const struct log *at = log; at; at = at->up) {
		bool said = has_key(fields, fieldc, at->key);

		for (const struct log *in = log; in != at; in = in->up)
			said = said || (in->key && at->key &&
					strcmp(in->key, at->key) == 0);
		if (!said && at->key && at->value)
			put_field(out, text_of(at->key), text_of(at->value),
				  false);
	}
}


/* dst is written through out. NOLINTNEXTLINE(readability-non-const-parameter) */
size_t log_line_print(char dst[LOG_LINE_MAX], const struct log_line *line,
		      const char *fmt, va_list ap)
{
	struct out out = { .p = dst, .format = line->format };
	struct field fields[LOG_FIELDS_MAX];
	char split_fmt[FMT_MAX], raw[RAW_MAX];
	struct text event, rest;
	size_t fieldc, separators = 0;
	bool whole = true;
	int n;

	fieldc = split(split_fmt, fields, fmt);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	/* The same conversions as fmt, which the compiler has checked. */
	n = vsnprintf(raw, sizeof(raw), split_fmt, ap);
#pragma GCC diagnostic pop
	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof(raw)) {
		n = sizeof(raw) - 1;
		whole = false;
		out.cut = true;
	}

	for (int i = 0; i < n; i++)
		separators += raw[i] == SEPARATOR;

	(void)text_cut((struct text){ raw, (size_t)n }, SEPARATOR, &event,
		       &rest);
	put_head(&out, line, event);

	out.end = FIELDS_END;
	if (separators != fieldc || !whole) {
		put_field(&out, text_of("fields"), rest, false);
		fieldc = 0;
	}
	else {
		put_fields(&out, rest, fields, fieldc);
	}
	out.end = CONTEXT_END;
	put_context(&out, line->log, fields, fieldc);
	if (line->repeated) {
		char count[24];

		(void)text_print(count, sizeof(count), "%llu",
				 (unsigned long long)line->repeated);
		put_field(&out, text_of("repeated"), text_of(count), true);
	}

	if (out.cut) {
		put_close(&out, out.format == LOG_JSON ? ",\"cut\":true"
						       : " cut=true");
	}
	put_close(&out, out.format == LOG_JSON ? "}\n" : "\n");

	return out.l;
}
