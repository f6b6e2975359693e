/**
 * @file sipd/message.c  A SIP message, indexed in one pass
 *
 * Each byte of the headers is looked at once for what ends the line or must
 * not be there, and once more by who decodes it.
 */
#include <errno.h>
#include <string.h>

#include "sipd/message_parts.h"

enum {
	HOPS_MAX = 255 /**< Max-Forwards: RFC 3261 20.22 */
};

const struct message_fault_def message_faults[MESSAGE_FAULTC] = {
	[MESSAGE_OK] = { 0, "ok" },
	[MESSAGE_EMPTY] = { 0, "empty" },
	[MESSAGE_NOT_SIP] = { 0, "not_sip" },
	[MESSAGE_NO_VIA] = { 0, "no_via" },
	[MESSAGE_NO_FROM] = { 0, "no_from" },
	[MESSAGE_NO_TO] = { 0, "no_to" },
	[MESSAGE_NO_CALL_ID] = { 0, "no_call_id" },
	[MESSAGE_NO_CSEQ] = { 0, "no_cseq" },
	[MESSAGE_BAD_VIA] = { 0, "bad_via" },
	[MESSAGE_SYNTAX] = { 400, "syntax" },
	[MESSAGE_CONTROL] = { 400, "control" },
	[MESSAGE_TWICE] = { 400, "twice" },
	[MESSAGE_CSEQ_METHOD] = { 400, "cseq_method" },
	[MESSAGE_TRUNCATED] = { 400, "truncated" },
	[MESSAGE_NO_LENGTH] = { 400, "no_length" },
	[MESSAGE_HEADS] = { 513, "heads" },
	[MESSAGE_VERSION] = { 505, "version" },
	[MESSAGE_SCHEME] = { 416, "scheme" },
	[MESSAGE_METHOD] = { 501, "method" },
};

/** What is not parsed yet */
struct reader {
	char *p;
	char *end;
};


/* The first of the enum's order decides. */
static void note(struct message *m, enum message_fault fault)
{
	if (m->fault == MESSAGE_OK || fault < m->fault)
		m->fault = fault;
}


/* --- lines ---------------------------------------------------------------- */

static void take_line(struct message *m, struct reader *r, bool can_fold,
		      struct text *linep)
{
	char *const start = r->p;
	char *p = start, *line_end = r->end;
	const size_t n = text_plain((struct text){ p, (size_t)(r->end - p) });

	/* Most end here, with CRLF and another line behind it. */
	if ((size_t)(r->end - p) > n + 2 && p[n] == '\r' && p[n + 1] == '\n' &&
	    !head_is_blank(p[n + 2]) && n <= MESSAGE_HEAD_BYTES_MAX) {
		*linep = (struct text){ .p = start, .l = n };
		r->p = p + n + 2;
		return;
	}
	for (;;) {
		p += text_plain((struct text){ p, (size_t)(r->end - p) });
		if (p == r->end) {
			/* No empty line, maybe not even this one's end */
			note(m, MESSAGE_SYNTAX);
			break;
		}
		if (*p == '\r' && p + 1 < r->end && p[1] == '\n')
			p++;
		if (*p == '\n') {
			const bool has_cr = p > start && p[-1] == '\r';

			line_end = has_cr ? p - 1 : p;
			p++;
			if (!can_fold || line_end == start || p == r->end ||
			    !head_is_blank(*p))
				break;
			memset(line_end, ' ', (size_t)(p - line_end));
			line_end = r->end;
			continue;
		}
		if (*p != '\t')
			note(m, MESSAGE_CONTROL);
		p++;
	}

	r->p = p;
	*linep = (struct text){ .p = start, .l = (size_t)(line_end - start) };
	if (linep->l > MESSAGE_HEAD_BYTES_MAX)
		note(m, MESSAGE_HEADS);
}


size_t message_skip(const char *data, size_t len)
{
	size_t i = 0;

	while (i < len && (data[i] == '\r' || data[i] == '\n'))
		i++;

	return i;
}


/* --- the first line ------------------------------------------------------- */

/* SIP/2.0, or another version. @return 0, EPROTO: another; EBADMSG */
static int version_check(struct text t)
{
	if (t.l < 5 || !text_is_nocase((struct text){ t.p, 4 }, "SIP/"))
		return EBADMSG;

	return text_is(((struct text){ t.p + 4, t.l - 4 }), "2.0") ? 0
								   : EPROTO;
}


static void parse_status(struct message *m, struct text line)
{
	struct text version, rest;
	uint32_t code;

	(void)text_cut(line, ' ', &version, &rest);
	if (version_check(version))
		note(m, MESSAGE_VERSION);

	head_skip_blank(&rest);
	if (rest.l < 3 ||
	    text_u32(&code, (struct text){ rest.p, 3 }, 100, 699) ||
	    (rest.l > 3 && !head_is_blank(rest.p[3]))) {
		note(m, MESSAGE_NOT_SIP);
		return;
	}
	head_skip(&rest, 3);
	m->code = (uint16_t)code;
	m->reason = head_trim(rest);
}


static void parse_uri(struct message *m)
{
	struct head_uri uri;

	if (head_uri_parse(&uri, m->uri))
		note(m, MESSAGE_SYNTAX);
	else if (uri.scheme == SCHEME_OTHER)
		note(m, MESSAGE_SCHEME);
}


/* Method and version frame the URI; blanks too many are a fault, but one that
 * can be answered. */
static void parse_request(struct message *m, struct text line)
{
	struct text rest = line, version = { 0 };
	int err;

	m->is_request = true;
	while (rest.l > 0 && head_is_blank(rest.p[rest.l - 1]))
		rest.l--;
	if (rest.l < line.l || (line.l > 0 && memchr(line.p, '\t', line.l)))
		note(m, MESSAGE_SYNTAX);

	if (!head_take_run(&rest, CHAR_TOKEN, &m->method_text) ||
	    rest.l == 0 || !head_is_blank(rest.p[0])) {
		note(m, MESSAGE_NOT_SIP);
		return;
	}
	m->method = method_find(m->method_text);
	if (m->method == METHOD_OTHER)
		note(m, MESSAGE_METHOD);

	head_skip(&rest, 1);
	while (version.l < rest.l &&
	       !head_is_blank(rest.p[rest.l - version.l - 1]))
		version.l++;
	version.p = rest.p + rest.l - version.l;
	err = version_check(version);
	if (err == EBADMSG || version.l == rest.l) {
		note(m, MESSAGE_NOT_SIP);
		return;
	}
	if (err)
		note(m, MESSAGE_VERSION);

	m->uri = (struct text){ .p = rest.p, .l = rest.l - version.l - 1 };
	parse_uri(m);
}


static void parse_first(struct message *m, struct reader *r)
{
	struct text line;

	take_line(m, r, false, &line);
	if (line.l >= 4 && text_is_nocase((struct text){ line.p, 4 }, "SIP/"))
		parse_status(m, line);
	else
		parse_request(m, line);
}


/* --- headers -------------------------------------------------------------- */

int message_row_cut(struct text line, struct text *namep, struct text *valuep)
{
	struct text rest = line;

	if (!head_take_run(&rest, CHAR_TOKEN, namep))
		return EBADMSG;
	while (rest.l > 0 && (head_is_blank(rest.p[0]) || rest.p[0] == '\r' ||
			      rest.p[0] == '\n'))
		head_skip(&rest, 1);
	if (rest.l == 0 || rest.p[0] != ':')
		return EBADMSG;
	head_skip(&rest, 1);
	*valuep = head_trim(rest);

	return 0;
}


static bool is_single(enum head head)
{
	static const bool single[HEADC] = {
		[HEAD_FROM] = true,         [HEAD_TO] = true,
		[HEAD_CALL_ID] = true,      [HEAD_CSEQ] = true,
		[HEAD_MAX_FORWARDS] = true, [HEAD_CONTENT_LENGTH] = true,
	};

	return single[head];
}


static bool is_equal(struct text a, struct text b)
{
	return a.l == b.l && (a.l == 0 || memcmp(a.p, b.p, a.l) == 0);
}


/* A name that is known is a token: most need not be read as one. */
static int cut_row(struct message_row *row, enum head *headp, struct text line)
{
	(void)text_cut(line, ':', &row->name, &row->value);
	*headp = row->name.l > 0 ? message_head_find(row->name) : HEAD_OTHER;
	if (*headp != HEAD_OTHER && row->name.l < line.l) {
		row->value = head_trim(row->value);
		return 0;
	}
	if (message_row_cut(line, &row->name, &row->value))
		return EBADMSG;
	*headp = message_head_find(row->name);

	return 0;
}


/* A row behind the last one of its head. last[] holds where first[] has a
 * row. */
static void add_row(struct message *m, uint8_t last[HEADC], struct text line)
{
	struct message_row *row = &m->rows[m->rowc];
	enum head head;

	if (cut_row(row, &head, line)) {
		note(m, MESSAGE_SYNTAX);
		return;
	}
	row->head = (uint8_t)head;
	row->next = ROW_NONE;

	if (m->first[head] == ROW_NONE) {
		m->first[head] = m->rowc;
	}
	else {
		m->rows[last[head]].next = m->rowc;
		if (is_single(head) &&
		    !is_equal(row->value, m->rows[m->first[head]].value))
			note(m, MESSAGE_TWICE);
	}
	last[head] = m->rowc++;
}


/* @return false: what follows them is not known */
static bool parse_rows(struct message *m, struct reader *r)
{
	uint8_t last[HEADC];

	while (r->p < r->end) {
		struct text line;

		take_line(m, r, true, &line);
		if (line.l == 0)
			return true;
		if (m->rowc == MESSAGE_HEADS_MAX) {
			note(m, MESSAGE_HEADS);
			return false;
		}
		add_row(m, last, line);
	}
	note(m, MESSAGE_SYNTAX);

	return false;
}


/* --- what must be there --------------------------------------------------- */

static void decode_via(struct message *m)
{
	struct text rest = message_head(m, HEAD_VIA), top;

	if (!rest.p)
		note(m, MESSAGE_NO_VIA);
	else if (!head_list_next(&rest, &top) || head_via_parse(&m->via, top))
		note(m, MESSAGE_BAD_VIA);
}


/* Who can be told its tag can be answered, whatever its URI is. In a response
 * they are what was sent, and nobody looks at them. */
static void decode_party(struct message *m, enum head head,
			 enum message_fault missing, struct text *tagp)
{
	const struct text value = message_head(m, head);
	const struct head_want want = { "tag", tagp, NULL };
	struct head_addr *a = head == HEAD_FROM ? &m->from : &m->to;

	if (!value.p || head_addr_cut(a, value, &want) || a->is_star)
		note(m, missing);
	else if (m->is_request && head_uri_parse(&a->uri, a->uri_text))
		note(m, MESSAGE_SYNTAX);
}


static void decode_call_id(struct message *m)
{
	m->call_id = message_head(m, HEAD_CALL_ID);
	if (m->call_id.l == 0)
		note(m, MESSAGE_NO_CALL_ID);
	for (size_t i = 0; i < m->call_id.l; i++)
		if (head_is_blank(m->call_id.p[i]))
			note(m, MESSAGE_SYNTAX);
}


static void decode_cseq(struct message *m)
{
	struct text method;
	int err;

	err = head_cseq_parse(&m->cseq, &method, message_head(m, HEAD_CSEQ));
	if (err) {
		note(m, err == ERANGE ? MESSAGE_SYNTAX : MESSAGE_NO_CSEQ);
		return;
	}
	if (m->is_request && is_equal(method, m->method_text)) {
		m->cseq_method = m->method;
		return;
	}
	m->cseq_method = method_find(method);
	if (m->is_request) {
		note(m, MESSAGE_CSEQ_METHOD);
		return;
	}
	m->method = m->cseq_method;
	m->method_text = method;
}


static void check_hops(struct message *m)
{
	struct text value = message_head(m, HEAD_MAX_FORWARDS);
	uint32_t hops;

	if (value.p && (head_take_number(&value, HOPS_MAX, &hops) || value.l))
		note(m, MESSAGE_SYNTAX);
}


int message_length(struct text value, size_t *lengthp)
{
	const struct text t = text_trim(value);
	uint32_t length;

	if (t.l > LENGTH_DIGITS || text_u32(&length, t, 0, UINT32_MAX))
		return EBADMSG;
	*lengthp = length;

	return 0;
}


/* What a datagram has beyond its length is ignored. */
static void cut_body(struct message *m, const struct reader *r, bool is_stream)
{
	const struct text value = message_head(m, HEAD_CONTENT_LENGTH);
	const size_t there = (size_t)(r->end - r->p);
	size_t length = there;

	if (!value.p && is_stream)
		note(m, MESSAGE_NO_LENGTH);
	if (value.p && message_length(value, &length))
		note(m, MESSAGE_SYNTAX);
	if (length > there) {
		note(m, MESSAGE_TRUNCATED);
		length = there;
	}
	m->body = (struct text){ .p = r->p, .l = length };
}


enum message_fault message_parse(struct message *m, char *data, size_t len,
				 bool is_stream)
{
	struct reader r = { .p = data, .end = data + len };
	char *start;

	memset(m, 0, offsetof(struct message, first));
	memset(m->first, ROW_NONE, sizeof(m->first));
	m->rowc = 0;

	r.p += message_skip(data, len);
	start = r.p;
	if (r.p == r.end) {
		note(m, MESSAGE_EMPTY);
		return m->fault;
	}

	if (len > MESSAGE_BYTES_MAX)
		note(m, MESSAGE_HEADS);
	parse_first(m, &r);
	if (m->fault == MESSAGE_NOT_SIP)
		return m->fault;

	if (parse_rows(m, &r))
		cut_body(m, &r, is_stream);
	m->whole = (struct text){ .p = start };
	m->whole.l = m->body.p ? (size_t)(m->body.p - start) + m->body.l
			       : (size_t)(r.p - start);

	decode_via(m);
	decode_party(m, HEAD_FROM, MESSAGE_NO_FROM, &m->from_tag);
	decode_party(m, HEAD_TO, MESSAGE_NO_TO, &m->to_tag);
	decode_call_id(m);
	decode_cseq(m);
	check_hops(m);

	return m->fault;
}
