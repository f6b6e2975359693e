/**
 * @file sipd/message_sdp.c  The SDP of a body, be it one part of several
 *
 * Multipart is RFC 2046 5.1. A part that is itself one of several is not
 * looked into: nobody sends SDP so.
 */
#include <errno.h>
#include <string.h>

#include "sipd/message_parts.h"

enum {
	BOUNDARY_MAX = 70 /**< RFC 2046 5.1.1 */
};

struct type {
	struct text main, sub, params;
};

struct part {
	struct text type;
	bool is_encoded; /**< Base64 or quoted-printable */
	struct text body;
};


static int type_parse(struct type *type, struct text value)
{
	struct text t = head_trim(value);

	*type = (struct type){ 0 };
	if (!head_take_run(&t, CHAR_TOKEN, &type->main) ||
	    !head_take_char(&t, '/') ||
	    !head_take_run(&t, CHAR_TOKEN, &type->sub))
		return EBADMSG;
	if (head_take_char(&t, ';'))
		type->params = t;
	else if (t.l > 0)
		return EBADMSG;

	return 0;
}


static bool type_is_sdp(const struct type *type)
{
	return text_is_nocase(type->main, "application") &&
	       text_is_nocase(type->sub, "sdp");
}


/* A line with its end; false: none is left */
static bool next_line(struct text *rest, struct text *linep)
{
	const char *end;

	if (rest->l == 0)
		return false;
	end = memchr(rest->p, '\n', rest->l);
	linep->p = rest->p;
	linep->l = end ? (size_t)(end - rest->p) + 1 : rest->l;
	head_skip(rest, linep->l);

	return true;
}


/* Escapes in a quoted boundary: \x is x */
static size_t unescape(char dst[BOUNDARY_MAX], struct text t)
{
	size_t len = 0;

	for (size_t i = 0; i < t.l; i++) {
		if (t.p[i] == '\\' && i + 1 < t.l)
			i++;
		if (len == BOUNDARY_MAX)
			return 0;
		dst[len++] = t.p[i];
	}

	return len;
}


/* --boundary or --boundary--, maybe blanks */
static bool is_delimiter(struct text line, struct text boundary)
{
	struct text rest = line;

	if (line.l < 2 + boundary.l || line.p[0] != '-' || line.p[1] != '-' ||
	    memcmp(line.p + 2, boundary.p, boundary.l) != 0)
		return false;
	head_skip(&rest, 2 + boundary.l);
	if (rest.l >= 2 && rest.p[0] == '-' && rest.p[1] == '-')
		return true;

	return text_trim(rest).l == 0;
}


static void part_head(struct part *part, struct text line)
{
	struct text name, value;

	if (message_row_cut(line, &name, &value))
		return;
	value = text_trim(value);
	if (text_is_nocase(name, "content-type"))
		part->type = value;
	if (text_is_nocase(name, "content-transfer-encoding"))
		part->is_encoded = text_is_nocase(value, "base64") ||
				   text_is_nocase(value, "quoted-printable");
}


/* Up to the next delimiter, whose line end before it belongs to it
 * @return false: there is none */
static bool part_next(struct text *rest, struct text boundary,
		      struct part *part)
{
	struct text line;
	bool in_heads = true;

	*part = (struct part){ 0 };
	while (next_line(rest, &line)) {
		if (is_delimiter(line, boundary)) {
			if (part->body.l > 0)
				part->body.l--;
			if (part->body.l > 0 &&
			    part->body.p[part->body.l - 1] == '\r')
				part->body.l--;
			return true;
		}
		if (!in_heads) {
			part->body.l += line.l;
		}
		else if (text_trim(line).l == 0) {
			in_heads = false;
			part->body.p = line.p + line.l;
		}
		else {
			part_head(part, line);
		}
	}

	return false;
}


static int find_part(struct text body, struct text params, struct text *sdpp)
{
	char buf[BOUNDARY_MAX];
	struct text value, boundary = { .p = buf };
	struct part part;
	struct type type;

	if (!head_param(params, "boundary", &value))
		return ENOTSUP;
	boundary.l = unescape(buf, value);
	if (boundary.l == 0)
		return ENOTSUP;

	/* What stands before the first delimiter is for nobody. */
	if (!part_next(&body, boundary, &part))
		return ENOTSUP;
	while (part_next(&body, boundary, &part)) {
		if (part.is_encoded || type_parse(&type, part.type) ||
		    !type_is_sdp(&type))
			continue;
		*sdpp = part.body;
		return 0;
	}

	return ENOTSUP;
}


static bool is_plain(const struct message *m)
{
	const struct text encoding = message_head(m, HEAD_CONTENT_ENCODING);

	return encoding.l == 0 || text_is_nocase(encoding, "identity");
}


int message_sdp(const struct message *m, struct text *sdpp)
{
	struct type type;

	if (m->body.l == 0) {
		*sdpp = (struct text){ 0 };
		return 0;
	}
	if (!is_plain(m) ||
	    type_parse(&type, message_head(m, HEAD_CONTENT_TYPE)))
		return ENOTSUP;
	if (text_is_nocase(type.main, "multipart"))
		return find_part(m->body, type.params, sdpp);
	if (!type_is_sdp(&type))
		return ENOTSUP;
	*sdpp = m->body;

	return 0;
}
