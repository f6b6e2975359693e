/**
 * @file sipd/peek.c  What a message is, without a parser
 */
#include <string.h>
#include <strings.h>

#include "shared/base/util.h"
#include "sipd/message_parts.h"
#include "sipd/peek.h"


bool peek_line(struct text *rest, struct text *linep)
{
	const char *p = rest->p, *const end = rest->p + rest->l;

	if (rest->l == 0 || *p == '\n' ||
	    (rest->l > 1 && *p == '\r' && p[1] == '\n'))
		return false;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		p++;
		if (p == end || !head_is_blank(*p))
			break;
	}
	*linep = (struct text){ rest->p, (size_t)((p ? p : end) - rest->p) };
	head_skip(rest, linep->l);

	return true;
}


static struct text trim(struct text t)
{
	while (t.l > 0 && (uint8_t)t.p[t.l - 1] <= ' ')
		t.l--;
	while (t.l > 0 && (uint8_t)t.p[0] <= ' ')
		head_skip(&t, 1);

	return t;
}


enum head peek_head(struct text line, struct text *valuep)
{
	struct text name, value;

	if (!text_cut(line, ':', &name, &value))
		return HEAD_OTHER;

	name = trim(name);
	*valuep = trim(value);

	return name.l ? message_head_find(name) : HEAD_OTHER;
}


/* The next word of a line; blanks part words. */
static struct text word(struct text *line)
{
	struct text t;

	*line = trim(*line);
	t = *line;
	for (t.l = 0; t.l < line->l && (uint8_t)t.p[t.l] > ' ';)
		t.l++;
	head_skip(line, t.l);

	return t;
}


struct text peek_cseq_method(struct text value)
{
	(void)word(&value);

	return word(&value);
}


void peek_first(struct peek *peek, struct text message)
{
	struct text line, first, second;
	uint32_t code;

	*peek = (struct peek){ .code = 0 };
	head_skip(&message, message_skip(message.p, message.l));
	if (!peek_line(&message, &line))
		return;

	first = word(&line);
	second = word(&line);
	if (first.l >= 4 && strncasecmp(first.p, "SIP/", 4) == 0) {
		if (text_u32(&code, second, 100, 699) == 0)
			peek->code = (uint16_t)code;
		return;
	}
	peek->method = first;
	peek->uri = second;
}


enum method peek_kind(struct text message, unsigned *codep)
{
	struct text line, value;
	struct peek peek;
	unsigned i = 0;

	peek_first(&peek, message);
	*codep = peek.code;
	if (!peek.code)
		return method_find(peek.method);

	head_skip(&message, message_skip(message.p, message.l));
	while (i++ <= MESSAGE_HEADS_MAX && peek_line(&message, &line))
		if (i > 1 && (line.p[0] | ' ') == 'c' &&
		    peek_head(line, &value) == HEAD_CSEQ)
			return method_find(peek_cseq_method(value));

	return METHOD_OTHER;
}


void peek_message(struct peek *peek, struct text message)
{
	struct text line, value;
	unsigned i = 0;

	peek_first(peek, message);
	head_skip(&message, message_skip(message.p, message.l));
	while (i++ <= MESSAGE_HEADS_MAX && peek_line(&message, &line)) {
		if (i == 1)
			continue;
		switch ((int)peek_head(line, &value)) {

		case HEAD_CALL_ID:
			peek->call_id = value;
			break;

		case HEAD_FROM:
			peek->from = value;
			break;

		case HEAD_TO:
			peek->to = value;
			break;

		case HEAD_CSEQ:
			if (peek->code)
				peek->method = peek_cseq_method(value);
			break;

		default:
			break;
		}
	}
}


static bool ends_user(char c)
{
	return (uint8_t)c <= ' ' || strchr("@:;>?,\"", c);
}


struct text peek_user(struct text t)
{
	static const char *const schemes[] = { "sip:", "sips:", "tel:" };

	for (; t.l > 0; head_skip(&t, 1)) {
		for (size_t i = 0; i < COUNT_OF(schemes); i++) {
			const size_t l = strlen(schemes[i]);
			struct text user;

			if (t.l < l || strncasecmp(t.p, schemes[i], l) != 0)
				continue;
			user = (struct text){ t.p + l, 0 };
			while (user.l < t.l - l && !ends_user(user.p[user.l]))
				user.l++;
			return user;
		}
	}

	return (struct text){ "", 0 };
}
