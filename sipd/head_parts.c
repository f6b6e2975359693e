/**
 * @file sipd/head_parts.c  What the readers of header values share
 */
#include <errno.h>
#include <string.h>

#include "sipd/head_parts.h"

#define MARK  (CHAR_TOKEN | CHAR_URI | CHAR_VALUE)
#define ALNUM (MARK | CHAR_HOST)
#define OTHER (CHAR_URI | CHAR_VALUE)

/* In URIs more than the grammar allows: what cannot be mistaken for the end
 * of the URI, since peers do not escape all they should. */
/* clang-format off */
const uint8_t head_chars[256] = {
	['!'] = MARK,
	['"'] = CHAR_NEVER,
	['#' ... '$'] = OTHER,
	['%'] = MARK,
	['&'] = OTHER,
	['\''] = MARK,
	['(' ... ')'] = OTHER,
	['*' ... '+'] = MARK,
	[','] = CHAR_URI | CHAR_NEVER,
	['-' ... '.'] = ALNUM,
	['/'] = OTHER,
	['0' ... '9'] = ALNUM,
	[':'] = OTHER,
	[';'] = CHAR_URI | CHAR_NEVER,
	['='] = OTHER,
	['>'] = CHAR_NEVER,
	['?' ... '@'] = OTHER,
	['A' ... 'Z'] = ALNUM,
	['['] = OTHER,
	['\\'] = CHAR_URI | CHAR_NEVER,
	[']' ... '^'] = OTHER,
	['_'] = ALNUM,
	['`'] = MARK,
	['a' ... 'z'] = ALNUM,
	['{' ... '}'] = OTHER,
	['~'] = MARK,
	[0x80 ... 0xff] = OTHER,
};
/* clang-format on */


bool head_take_char(struct text *t, char c)
{
	struct text rest = *t;

	if (rest.l == 0)
		return false;
	head_skip_blank(&rest);
	if (rest.l == 0 || rest.p[0] != c)
		return false;
	head_skip(&rest, 1);
	head_skip_blank(&rest);
	*t = rest;

	return true;
}


bool head_take_quoted(struct text *t, struct text *insidep)
{
	if (t->l == 0 || t->p[0] != '"')
		return false;

	for (size_t i = 1; i < t->l; i++) {
		if (t->p[i] == '\\') {
			i++;
			continue;
		}
		if (t->p[i] == '"') {
			*insidep = (struct text){ .p = t->p + 1, .l = i - 1 };
			head_skip(t, i + 1);
			return true;
		}
	}

	return false;
}


int head_take_number(struct text *t, uint32_t max, uint32_t *numberp)
{
	uint64_t number = 0;
	size_t len = 0;

	for (; len < t->l && t->p[len] >= '0' && t->p[len] <= '9'; len++)
		if (number <= max)
			number = number * 10 + (unsigned)(t->p[len] - '0');
	if (len == 0)
		return EBADMSG;

	head_skip(t, len);
	if (number > max)
		return ERANGE;
	*numberp = (uint32_t)number;

	return 0;
}


static bool is_ipv6_char(char c)
{
	return (c >= '0' && c <= ':') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F') || c == '.';
}


/* Whether it is an address is for head_host_addr() to say. */
static bool take_ipv6(struct text *t, struct text *hostp)
{
	size_t len = 1;

	while (len < t->l && is_ipv6_char(t->p[len]))
		len++;
	if (len == t->l || t->p[len] != ']' || !memchr(t->p + 1, ':', len - 1))
		return false;

	*hostp = (struct text){ .p = t->p + 1, .l = len - 1 };
	head_skip(t, len + 1);

	return true;
}


bool head_take_host(struct text *t, struct text *hostp)
{
	if (t->l > 0 && t->p[0] == '[')
		return take_ipv6(t, hostp);

	return head_take_run(t, CHAR_HOST, hostp);
}


int head_take_port(struct text *t, uint16_t *portp)
{
	uint32_t port;

	*portp = 0;
	if (!head_take_char(t, ':'))
		return 0;
	if (head_take_number(t, UINT16_MAX, &port) || port == 0)
		return EBADMSG;
	*portp = (uint16_t)port;

	return 0;
}


static void offer(const struct head_want *wants, size_t wantc, unsigned *found,
		  struct text name, struct text value)
{
	for (size_t i = 0; i < wantc; i++) {
		const struct head_want *want = &wants[i];

		if ((*found & 1U << i) ||
		    (name.p[0] | 0x20) != want->name[0] ||
		    !text_is_nocase(name, want->name))
			continue;
		*found |= 1U << i;
		*want->valuep = value;
		if (want->herep)
			*want->herep = true;
	}
}


/* The usual: c and at once what it introduces */
static bool follows(struct text t, char c, unsigned set)
{
	return t.l > 1 && t.p[0] == c && head_char_is(t.p[1], set);
}


int head_params_read(struct text params, const struct head_want *wants,
		     size_t wantc)
{
	unsigned found = 0;

	head_skip_blank(&params);
	while (params.l > 0) {
		struct text name, value = { 0 };

		if (!head_take_run(&params, CHAR_TOKEN, &name))
			return EBADMSG;
		if (follows(params, '=', CHAR_VALUE)) {
			head_skip(&params, 1);
			(void)head_take_run(&params, CHAR_VALUE, &value);
		}
		else if (head_take_char(&params, '=') &&
			 !head_take_quoted(&params, &value)) {
			(void)head_take_run(&params, CHAR_VALUE, &value);
		}
		offer(wants, wantc, &found, name, value);
		if (follows(params, ';', CHAR_TOKEN))
			head_skip(&params, 1);
		else if (!head_take_char(&params, ';'))
			break;
	}
	head_skip_blank(&params);

	return params.l == 0 ? 0 : EBADMSG;
}
