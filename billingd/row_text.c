/**
 * @file billingd/row_text.c  Columns as COPY's text format has them
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "billingd/row_text.h"
#include "shared/base/addr.h"
#include "shared/base/text.h"

enum {
	ROOM_FIRST = 64 << 10,
	CHARACTERS_MAX = 128,
	MS_US = 1000,
	S_US = 1000000,
};


/* --- bytes ---------------------------------------------------------------- */

static bool room_for(struct row_text *out, size_t more)
{
	size_t room = out->room ? out->room : ROOM_FIRST;
	char *p;

	if (out->has_failed)
		return false;
	while (room - out->l < more)
		room *= 2;
	if (room == out->room)
		return true;
	p = realloc(out->p, room);
	out->has_failed = !p;
	if (!p)
		return false;
	out->p = p;
	out->room = room;

	return true;
}


void row_bytes(struct row_text *out, const char *p, size_t l)
{
	if (!room_for(out, l))
		return;
	memcpy(out->p + out->l, p, l);
	out->l += l;
}


void row_put(struct row_text *out, const char *s)
{
	row_bytes(out, s, strlen(s));
}


/* --- characters ----------------------------------------------------------- */

static bool is_printable(unsigned char c)
{
	return c >= 0x20 && c != 0x7f;
}


/* Within one column, or one JSON text within it: then quotes are escaped, and
 * backslashes twice. */
static void put_character(struct row_text *out, const char *p, size_t n,
			  bool is_json)
{
	if (n == 1 && *p == '\\')
		row_put(out, is_json ? "\\\\\\\\" : "\\\\");
	else if (n == 1 && *p == '"' && is_json)
		row_put(out, "\\\\\"");
	else
		row_bytes(out, p, n);
}


void row_clean(struct row_text *out, const char *value, bool is_json)
{
	struct text t = text_of(value);

	for (size_t i = 0; i < CHARACTERS_MAX && t.l > 0; i++) {
		const size_t n = text_character(t);
		const bool is_good =
			n > 1 || (n == 1 && is_printable((unsigned char)*t.p));

		if (is_good)
			put_character(out, t.p, n, is_json);
		else
			row_bytes(out, "_", 1);
		t.p += n ? n : 1;
		t.l -= n ? n : 1;
	}
}


const char *row_int_text(char text[ROW_NUMBER_SIZE], int64_t value)
{
	(void)text_print(text, ROW_NUMBER_SIZE, "%" PRId64, value);

	return text;
}


bool row_time_text(char text[ROW_TIME_SIZE], int64_t wall_us)
{
	const time_t s = (time_t)(wall_us / S_US);
	struct tm tm;

	if (wall_us <= 0 || !gmtime_r(&s, &tm) || tm.tm_year > 8099)
		return false;

	return text_print(text, ROW_TIME_SIZE,
			  "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
			  tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			  tm.tm_hour, tm.tm_min, tm.tm_sec,
			  (int)(wall_us % S_US / MS_US)) == 0;
}


bool row_ip_text(char text[ADDR_TEXT_MAX], const char *value, uint16_t *portp)
{
	struct addr addr;

	if (addr_parse(&addr, text_of(value)))
		return false;
	*portp = addr.port;
	addr.port = 0;
	(void)addr_print(&addr, text);

	return true;
}


/* --- columns -------------------------------------------------------------- */

void row_next(struct row_text *out)
{
	row_bytes(out, "\t", 1);
}


void row_null(struct row_text *out)
{
	row_put(out, "\\N");
	row_next(out);
}


void row_plain(struct row_text *out, const char *value)
{
	row_put(out, value ? value : "\\N");
	row_next(out);
}


void row_string(struct row_text *out, const char *value)
{
	if (!value || !value[0]) {
		row_null(out);
		return;
	}
	row_clean(out, value, false);
	row_next(out);
}


void row_int(struct row_text *out, int64_t value)
{
	char text[ROW_NUMBER_SIZE];

	row_plain(out, row_int_text(text, value));
}


void row_int_if(struct row_text *out, bool is_there, int64_t value)
{
	if (is_there)
		row_int(out, value);
	else
		row_null(out);
}


void row_time(struct row_text *out, int64_t wall_us)
{
	char text[ROW_TIME_SIZE];

	row_plain(out, row_time_text(text, wall_us) ? text : NULL);
}


void row_hundredths(struct row_text *out, bool is_there, uint64_t value)
{
	char text[ROW_NUMBER_SIZE];

	(void)text_print(text, sizeof(text), "%" PRIu64 ".%02u", value / 100,
			 (unsigned)(value % 100));
	row_plain(out, is_there ? text : NULL);
}


int row_end(struct row_text *out, size_t before)
{
	if (out->has_failed) {
		out->l = before;
		out->has_failed = false;
		return ENOMEM;
	}
	out->p[out->l - 1] = '\n';

	return 0;
}
