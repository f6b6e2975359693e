/**
 * @file sipd/wire_refuse.c  503 without a parser
 *
 * Via, From, To, Call-ID and CSeq are copied as they stand (RFC 3261 8.2.6.2),
 * folded lines included. To gets a tag if it has none (8.2.6.2), made from the
 * others so that it is the same each time (8.2.7). What holds a control
 * character is not copied anywhere.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "shared/base/map.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "sipd/wire_refuse.h"

enum {
	LINES_MAX = 128 /**< As many as a parser would take */
};

enum copied {
	COPIED_VIA,
	COPIED_FROM,
	COPIED_TO,
	COPIED_CALL_ID,
	COPIED_CSEQ,
	COPIEDC
};

static const char *const names[COPIEDC][2] = {
	[COPIED_VIA] = { "Via", "v" },
	[COPIED_FROM] = { "From", "f" },
	[COPIED_TO] = { "To", "t" },
	[COPIED_CALL_ID] = { "Call-ID", "i" },
	[COPIED_CSEQ] = { "CSeq", "CSeq" },
};

struct answer {
	char *p;
	size_t l;
	bool is_full;
};


static void put(struct answer *a, struct text t)
{
	if (t.l > WIRE_REFUSE_MAX - a->l) {
		a->is_full = true;
		return;
	}
	memcpy(a->p + a->l, t.p, t.l);
	a->l += t.l;
}


static void put_string(struct answer *a, const char *s)
{
	put(a, text_of(s));
}


/* The next line without its end; false: there is no end, so it is none */
static bool line_next(struct text *rest, struct text *linep)
{
	if (!text_cut(*rest, '\n', linep, rest))
		return false;
	if (linep->l > 0 && linep->p[linep->l - 1] == '\r')
		linep->l--;

	return true;
}


static bool is_clean(struct text line)
{
	for (size_t i = 0; i < line.l; i++) {
		const unsigned char c = (unsigned char)line.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}

	return true;
}


/* "INVITE sip:... SIP/2.0", and not an ACK, which has no answer */
static bool is_answered(struct text line)
{
	static const char version[] = " SIP/2.0";
	const size_t tail = sizeof(version) - 1;
	struct text method, rest;

	return line.l > tail && is_clean(line) &&
	       text_cut(line, ' ', &method, &rest) && method.l > 0 &&
	       rest.l > tail && !text_is(method, "ACK") &&
	       strncasecmp(line.p, "SIP/", 4) != 0 &&
	       strncasecmp(line.p + line.l - tail, version, tail) == 0;
}


static enum copied copied_find(struct text line)
{
	struct text name, value;

	if (!text_cut(line, ':', &name, &value))
		return COPIEDC;

	name = text_trim(name);
	for (int i = 0; i < COPIEDC; i++)
		if (text_is_nocase(name, names[i][0]) ||
		    text_is_nocase(name, names[i][1]))
			return (enum copied)i;

	return COPIEDC;
}


/* ;tag= outside of <> and "" */
static bool has_tag(struct text to)
{
	bool is_quoted = false, is_uri = false;

	for (size_t i = 0; i < to.l; i++) {
		const char c = to.p[i];
		struct text rest = { to.p + i + 1, to.l - i - 1 };

		if (is_quoted && c == '\\')
			i++;
		else if (c == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && (c == '<' || c == '>'))
			is_uri = c == '<';
		if (c != ';' || is_quoted || is_uri)
			continue;
		rest = text_trim(rest);
		if (rest.l > 4 && strncasecmp(rest.p, "tag", 3) == 0 &&
		    (rest.p[3] == '=' || rest.p[3] == ' '))
			return true;
	}

	return false;
}


static void put_tag(struct answer *a, struct text request)
{
	const uint64_t hash = map_hash(request.p, request.l);
	char hex[2 * sizeof(hash) + 1];

	text_hex(hex, &hash, sizeof(hash));
	put_string(a, ";tag=");
	put_string(a, hex);
}


/* A line and its continuations; true: it was one of those */
static bool line_take(struct text *rest, struct text *linep)
{
	struct text line, more, after;

	if (!line_next(rest, &line))
		return false;

	after = *rest;
	while (after.l > 0 && (*after.p == ' ' || *after.p == '\t')) {
		if (!line_next(&after, &more))
			return false;
		line.l = (size_t)(more.p + more.l - line.p);
		*rest = after;
	}
	*linep = line;

	return true;
}


/* Unfolded: the ends of lines within it are blanks (RFC 3261 7.3.1).
 * @return it as it now stands; empty: it cannot */
static struct text put_line(struct answer *a, struct text line)
{
	struct text copy = { a->p + a->l, line.l };

	put(a, line);
	if (a->is_full)
		return (struct text){ .l = 0 };
	for (char *c = a->p + a->l - line.l; c < a->p + a->l; c++)
		if (*c == '\r' || *c == '\n')
			*c = ' ';

	return is_clean(copy) ? copy : (struct text){ .l = 0 };
}


static bool put_lines(struct answer *a, struct text rest, struct text whole)
{
	unsigned counts[COPIEDC] = { 0 };
	struct text line;

	for (int i = 0;; i++) {
		enum copied copied;

		if (i == LINES_MAX || !line_take(&rest, &line))
			return false;
		if (line.l == 0)
			break;
		copied = copied_find(line);
		if (copied == COPIEDC)
			continue;
		counts[copied]++;
		line = put_line(a, line);
		if (line.l == 0)
			return false;
		if (copied == COPIED_TO && !has_tag(line))
			put_tag(a, whole);
		put_string(a, "\r\n");
	}

	for (int i = 0; i < COPIEDC; i++)
		if (counts[i] == 0 || (counts[i] > 1 && i != COPIED_VIA))
			return false;

	return true;
}


size_t wire_refuse_print(char dst[WIRE_REFUSE_MAX], const char *data,
			 size_t len, unsigned retry_s)
{
	struct answer a = { .p = dst };
	struct text rest = { data, len }, line;
	char end[64];

	dst[0] = '\0';
	if (!line_next(&rest, &line) || !is_answered(line))
		return 0;

	put_string(&a, "SIP/2.0 503 Service Unavailable\r\n");
	if (!put_lines(&a, rest, (struct text){ data, len }))
		return 0;
	(void)text_print(end, sizeof(end),
			 "Retry-After: %u\r\nContent-Length: 0\r\n\r\n",
			 retry_s);
	put_string(&a, end);

	return a.is_full ? 0 : a.l;
}
