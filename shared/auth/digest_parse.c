/**
 * @file shared/auth/digest_parse.c  The values of Authorization and of its kin
 *
 * RFC 7616 3.3 and 3.4, RFC 3261 25.1: a scheme, then name=value with commas,
 * where a value is a token or a quoted string. Values without quotes that
 * should have them are taken: phones send them.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "shared/auth/digest_parse.h"
#include "shared/base/util.h"

enum {
	PORT_MAX = 65535,
	SIP_PORT = 5060,
	SIPS_PORT = 5061,
};

/* clang-format off */
#define FIELD(x) { #x, sizeof(#x) - 1, offsetof(struct digest_fields, x) }
static const struct {
	const char *name;
	size_t len; /* most others are told by it alone */
	size_t offset;
} names[] = {
	FIELD(username), FIELD(realm), FIELD(nonce), FIELD(uri),
	FIELD(response), FIELD(cnonce), FIELD(nc), FIELD(qop),
	FIELD(algorithm), FIELD(opaque),
};

/** What a byte ends: not even a value that should have been quoted goes on
 *  with some. */
enum { ENDS_TOKEN = 1, ENDS_VALUE };
static const uint8_t ends[UINT8_MAX + 1] = {
	['='] = ENDS_TOKEN,
	[' '] = ENDS_VALUE, ['\t'] = ENDS_VALUE, [','] = ENDS_VALUE,
	['"'] = ENDS_VALUE, ['\\'] = ENDS_VALUE,
};
/* clang-format on */


static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}


static void skip(struct text *t, size_t n)
{
	t->p += n;
	t->l -= n;
}


static void skip_blanks(struct text *t)
{
	while (t->l > 0 && is_blank(t->p[0]))
		skip(t, 1);
}


static bool has_control(struct text t)
{
	for (;;) {
		skip(&t, text_plain(t));
		if (t.l == 0)
			return false;
		if (t.p[0] != '\t')
			return true;
		skip(&t, 1);
	}
}


/* Up to one of those that end it */
static struct text take_until(struct text *t, uint8_t end)
{
	struct text value = { t->p, 0 };

	while (value.l < t->l && ends[(uint8_t)t->p[value.l]] < end)
		value.l++;
	skip(t, value.l);

	return value;
}


static struct text take_token(struct text *t)
{
	return take_until(t, ENDS_TOKEN);
}


/* Where it ends, the quote itself; NULL: nowhere */
static const char *quote_end(const char *p, size_t len)
{
	const char *quote = memchr(p, '"', len);
	size_t i = 0;

	if (!quote || !memchr(p, '\\', (size_t)(quote - p)))
		return quote;
	while (i < len && p[i] != '"')
		i += p[i] == '\\' ? 2 : 1;

	return i < len ? p + i : NULL;
}


static int take_quoted(struct text *valuep, struct text *t)
{
	const char *const p = t->p + 1;
	const char *const end = quote_end(p, t->l - 1);

	if (!end)
		return EBADMSG;
	*valuep = (struct text){ p, (size_t)(end - p) };
	skip(t, valuep->l + 2);

	return 0;
}


static int take_value(struct text *valuep, struct text *t)
{
	if (t->l > 0 && t->p[0] == '"')
		return take_quoted(valuep, t);

	*valuep = take_until(t, ENDS_VALUE);

	return valuep->l > 0 ? 0 : EBADMSG;
}


static int put_field(struct digest_fields *d, struct text name,
		     struct text value)
{
	if (text_is_nocase(name, "stale"))
		d->is_stale = text_is_nocase(value, "true");

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct text *field = (void *)((char *)d + names[i].offset);

		if (name.l != names[i].len ||
		    !text_same_nocase(name.p, names[i].name, name.l))
			continue;
		if (field->p)
			return EBADMSG; /* which one did they mean? */
		*field = value;
	}

	return 0;
}


static int take_field(struct digest_fields *d, struct text *t)
{
	const struct text name = take_token(t);
	struct text value;
	int err;

	skip_blanks(t);
	if (name.l == 0 || t->l == 0 || t->p[0] != '=')
		return EBADMSG;
	skip(t, 1);
	skip_blanks(t);
	err = take_value(&value, t);
	if (err)
		return err;
	skip_blanks(t);
	if (t->l > 0 && t->p[0] != ',')
		return EBADMSG;

	return put_field(d, name, value);
}


int digest_parse(struct digest_fields *d, struct text value)
{
	struct text scheme;
	int err = 0;

	memset(d, 0, sizeof(*d));
	if (value.l > DIGEST_VALUE_MAX)
		return ERANGE;
	if (has_control(value))
		return EBADMSG;

	skip_blanks(&value);
	scheme = take_token(&value);
	d->is_digest = text_is_nocase(scheme, "Digest");
	if (!d->is_digest)
		return scheme.l > 0 ? 0 : EBADMSG;
	if (value.l > 0 && !is_blank(value.p[0]))
		return EBADMSG;

	for (;;) {
		while (value.l > 0 &&
		       (is_blank(value.p[0]) || value.p[0] == ','))
			skip(&value, 1);
		if (value.l == 0 || err)
			break;
		err = take_field(d, &value);
	}
	d->has_qop = d->qop.p != NULL;

	return err;
}


/* --- what the texts say --------------------------------------------------- */

/* The next character of a quoted string (RFC 3261 25.1: quoted-pair) */
static char take_char(struct text *t)
{
	char c;

	if (t->p[0] == '\\' && t->l > 1)
		skip(t, 1);
	c = t->p[0];
	skip(t, 1);

	return c;
}


bool digest_text_is(struct text quoted, struct text plain)
{
	while (quoted.l > 0) {
		if (plain.l == 0 || take_char(&quoted) != plain.p[0])
			return false;
		skip(&plain, 1);
	}

	return plain.l == 0;
}


int digest_text_copy(char *dst, size_t size, struct text quoted)
{
	size_t l = 0;

	while (quoted.l > 0 && l + 1 < size)
		dst[l++] = take_char(&quoted);
	dst[l] = '\0';
	if (quoted.l == 0)
		return 0;
	dst[0] = '\0';

	return EOVERFLOW;
}


bool digest_qop_has(struct text qop, const char *one)
{
	struct text head;

	while (qop.l > 0) {
		(void)text_cut(qop, ',', &head, &qop);
		if (text_is_nocase(text_trim(head), one))
			return true;
	}

	return false;
}


/* --- URIs ----------------------------------------------------------------- */

struct uri {
	struct text user, host;
	uint32_t port;
};


/* host, [IPv6] and port, up to parameters or headers */
static bool take_hostport(struct uri *uri, struct text t)
{
	size_t end = 0;
	struct text port;

	while (end < t.l && t.p[end] != ';' && t.p[end] != '?')
		end++;
	t.l = end;

	end = 0;
	if (t.l > 0 && t.p[0] == '[')
		while (end < t.l && t.p[end] != ']')
			end++;
	while (end < t.l && t.p[end] != ':')
		end++;
	uri->host = (struct text){ t.p, end };
	if (end == t.l)
		return true;
	port = (struct text){ t.p + end + 1, t.l - end - 1 };

	return text_u32(&uri->port, port, 1, PORT_MAX) == 0;
}


static bool uri_take(struct uri *uri, struct text t)
{
	struct text scheme, userinfo, rest;

	*uri = (struct uri){ .port = SIP_PORT };
	if (!text_cut(t, ':', &scheme, &rest))
		return false;
	if (text_is_nocase(scheme, "tel")) {
		(void)text_cut(rest, ';', &uri->user, &rest);
		return true;
	}
	if (text_is_nocase(scheme, "sips"))
		uri->port = SIPS_PORT;
	else if (!text_is_nocase(scheme, "sip"))
		return false;

	if (!text_cut(rest, '@', &userinfo, &t))
		return take_hostport(uri, rest);
	(void)text_cut(userinfo, ':', &uri->user, &rest);

	return take_hostport(uri, t);
}


/* The next byte, decoded (RFC 3986 2.1) */
static char take_byte(struct text *t)
{
	char c = t->p[0];
	size_t l;

	if (c == '%' && t->l >= 3 &&
	    text_unhex(&c, 1, &l, (struct text){ t->p + 1, 2 }) == 0) {
		skip(t, 3);
		return c;
	}
	skip(t, 1);

	return t->p[-1];
}


static bool user_same(struct text a, struct text b)
{
	while (a.l > 0 && b.l > 0)
		if (take_byte(&a) != take_byte(&b))
			return false;

	return a.l == 0 && b.l == 0;
}


bool digest_uri_same(struct text a, struct text b)
{
	struct uri x, y;

	if (a.l == b.l && (a.l == 0 || memcmp(a.p, b.p, a.l) == 0))
		return true;
	if (!uri_take(&x, a) || !uri_take(&y, b))
		return false;

	return x.port == y.port && user_same(x.user, y.user) &&
	       x.host.l == y.host.l &&
	       (x.host.l == 0 ||
		strncasecmp(x.host.p, y.host.p, x.host.l) == 0);
}
