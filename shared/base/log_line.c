/**
 * @file shared/base/log_line.c  From event and fields to one line of text
 *
 * The format is walked once. Where a field begins is read there alone, and
 * what its conversions print is escaped and stays within the field that is
 * open: so a caller's text is always a value, never a field, whatever it holds.
 *
 * A line has its bounds in stages, so that no event is so long that it leaves
 * no room for fields, and no field so long that it hides whose line it is.
 */
#include <string.h>
#include <time.h>

#include "shared/base/log_line.h"
#include "shared/base/log_value.h"

enum {
	TAIL = 32, /**< Kept free to end a line that was cut */
	/* Where the head, the fields and the context end at the latest */
	HEAD_END = 512,
	FIELDS_END = LOG_LINE_MAX - 512,
	CONTEXT_END = LOG_LINE_MAX - TAIL,
};

/** What there is to say, and of what was said */
struct line {
	struct log_out out;
	struct log_walk walk;
	struct text keys[LOG_FIELDS_MAX]; /**< Of its own fields so far */
	size_t keyc;
};

/** A field that is open: where it and its value begin */
struct field {
	size_t begin, value;
	bool is_number;
};


static bool put_text(struct log_out *out, const char *s)
{
	return log_put(out, s, strlen(s));
}


/* What closes something has its place in the tail of the line. */
static void put_close(struct log_out *out, const char *s)
{
	memcpy(out->p + out->l, s, strlen(s));
	out->l += strlen(s);
}


/* --- a field
 * -------------------------------------------------------------------- */

static bool field_open(struct field *field, struct log_out *out,
		       struct text key, bool is_number)
{
	const bool json = out->format == LOG_JSON;

	*field = (struct field){ .begin = out->l, .is_number = is_number };
	if (!put_text(out, json ? ",\"" : " ") ||
	    !log_put(out, key.p, key.l) ||
	    !put_text(out, json ? "\":" : "=") ||
	    !put_text(out, is_number ? "" : "\"")) {
		out->l = field->begin;
		return false;
	}
	field->value = out->l;
	out->is_plain = true;

	return true;
}


/* A number is there whole or not at all; text may be cut. */
static void field_close(const struct field *field, struct log_out *out)
{
	const size_t l = out->l - field->value;

	if (field->is_number) {
		if (l == 0)
			out->l = field->begin;
	}
	else if (out->format == LOG_TEXT && out->is_plain && l > 0) {
		memmove(out->p + field->value - 1, out->p + field->value, l);
		out->l--;
	}
	else {
		put_close(out, "\"");
	}
}


static void put_text_field(struct log_out *out, const char *key,
			   const char *value)
{
	struct field field;

	if (!field_open(&field, out, text_of(key), false))
		return;
	log_put_escaped(out, text_of(value));
	field_close(&field, out);
}


static void put_number_field(struct log_out *out, const char *key, uint64_t v)
{
	struct field field;

	if (!field_open(&field, out, text_of(key), true))
		return;
	log_put_unsigned(out, v);
	field_close(&field, out);
}


/* --- what the format says
 * ------------------------------------------------------- */

static bool is_key(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}


/* Of a field that begins here, with the blank before it: the length of its
 * key. Those that there is no room for are text of the last. */
static size_t key_at(const struct line *line, const char *p)
{
	size_t l = 0;

	if (*p != ' ' || line->keyc >= LOG_FIELDS_MAX)
		return 0;
	while (is_key(p[1 + l]))
		l++;

	return p[1 + l] == '=' ? l : 0;
}


/* Up to the next field, or the end */
static void put_pieces(struct line *line)
{
	struct log_walk *w = &line->walk;

	while (*w->at && !key_at(line, w->at)) {
		size_t l = 1;

		if (*w->at == '%') {
			log_put_conversion(&line->out, w);
			continue;
		}
		while (w->at[l] && w->at[l] != '%' && w->at[l] != ' ')
			l++;
		log_put_escaped(&line->out, (struct text){ w->at, l });
		w->at += l;
	}
}


/* What there is no room for takes its arguments all the same. */
static void put_field(struct line *line)
{
	struct log_out *out = &line->out;
	struct log_walk *w = &line->walk;
	const struct text key = { w->at + 1, key_at(line, w->at) };
	const size_t end = out->end;
	const char *number_end;
	struct field field;
	bool is_open;

	line->keys[line->keyc++] = key;
	w->at = key.p + key.l + 1;
	number_end = log_number_end(w->at);
	is_open = field_open(&field, out, key,
			     number_end && (!*number_end ||
					    key_at(line, number_end)));
	if (!is_open)
		out->end = out->l;
	put_pieces(line);
	out->end = end;
	if (is_open)
		field_close(&field, out);
}


/* --- the line
 * ------------------------------------------------------------------- */

/* As many digits as there is room for */
static void digits_put(char *at, size_t digits, int v)
{
	for (size_t i = digits; i-- > 0; v /= 10)
		at[i] = (char)('0' + v % 10);
}


static void second_print(struct log_second *second, int64_t s)
{
	const time_t time = (time_t)s;
	struct tm tm;

	*second = (struct log_second){ s, "0000-00-00T00:00:00" };
	if (!gmtime_r(&time, &tm))
		return;
	digits_put(second->text, 4, tm.tm_year + 1900);
	digits_put(second->text + 5, 2, tm.tm_mon + 1);
	digits_put(second->text + 8, 2, tm.tm_mday);
	digits_put(second->text + 11, 2, tm.tm_hour);
	digits_put(second->text + 14, 2, tm.tm_min);
	digits_put(second->text + 17, 2, tm.tm_sec);
}


static void put_time(struct log_out *out, struct log_second *second,
		     int64_t wall_us)
{
	char part[] = ".000Z";

	if (!second->text[0] || second->s != wall_us / 1000000)
		second_print(second, wall_us / 1000000);
	digits_put(part + 1, 3, (int)(wall_us % 1000000 / 1000));
	put_text(out, second->text);
	put_text(out, part);
}


static void put_head(struct line *line, const struct log_line *of)
{
	struct log_out *out = &line->out;
	const bool json = out->format == LOG_JSON;

	out->end = HEAD_END;
	put_text(out, json ? "{\"ts\":\"" : "");
	put_time(out, of->second, of->wall_us);
	put_text(out, json ? "\",\"process\":\"" : " ");
	log_put_escaped(out, text_of(of->process));
	put_text(out, json ? "\",\"level\":\"" : " ");
	put_text(out, log_level_name(of->level));
	put_text(out, json ? "\",\"event\":\"" : " ");
	put_pieces(line);
	put_close(out, json ? "\"" : "");
}


static bool has_key(const struct line *line, const char *key)
{
	for (size_t i = 0; i < line->keyc; i++)
		if (text_is(line->keys[i], key))
			return true;

	return false;
}


/* From the innermost outwards; what the line itself or an inner one says an
 * outer does not. */
static void put_context(struct line *line, const struct log *log)
{
	for (const struct log *at = log; at; at = at->up) {
		bool said = !at->key || !at->value || has_key(line, at->key);

		for (const struct log *in = log; in != at && !said;
		     in = in->up)
			said = in->key && strcmp(in->key, at->key) == 0;
		if (!said)
			put_text_field(&line->out, at->key, at->value);
	}
}


/* dst is written through out. NOLINTNEXTLINE(readability-non-const-parameter) */
size_t log_line_print(char dst[LOG_LINE_MAX], const struct log_line *of,
		      const char *fmt, va_list ap)
{
	struct line line;
	struct log_out *out = &line.out;
	const bool json = of->format == LOG_JSON;

	line.out = (struct log_out){ .p = dst, .format = of->format };
	line.keyc = 0;
	line.walk.at = fmt;
	va_copy(line.walk.ap, ap);

	put_head(&line, of);
	out->end = FIELDS_END;
	while (*line.walk.at)
		put_field(&line);
	va_end(line.walk.ap);

	out->end = CONTEXT_END;
	put_context(&line, of->log);
	if (of->repeated)
		put_number_field(out, "repeated", of->repeated);
	if (out->cut)
		put_close(out, json ? ",\"cut\":true" : " cut=true");
	put_close(out, json ? "}\n" : "\n");

	return out->l;
}
