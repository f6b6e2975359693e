/**
 * @file sipd/head_uri.c  SIP and tel URIs (RFC 3261 19.1, RFC 3966)
 */
#include <errno.h>
#include <string.h>

#include "sipd/head_parts.h"


static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}


static bool is_scheme_char(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '+' ||
	       c == '-' || c == '.';
}


static enum scheme scheme_find(struct text name)
{
	if (name.l == 3 && memcmp(name.p, "sip", 3) == 0)
		return SCHEME_SIP;
	if (text_is_nocase(name, "sip"))
		return SCHEME_SIP;
	if (text_is_nocase(name, "sips"))
		return SCHEME_SIPS;
	if (text_is_nocase(name, "tel"))
		return SCHEME_TEL;

	return SCHEME_OTHER;
}


static bool take_scheme(struct text *t, struct text *schemep)
{
	size_t len = 0;

	while (len < t->l && is_scheme_char(t->p[len]))
		len++;
	if (len == 0 || len == t->l || t->p[len] != ':' || !is_letter(t->p[0]))
		return false;

	*schemep = (struct text){ .p = t->p, .l = len };
	head_skip(t, len + 1);

	return true;
}


/* An empty user is one that some send for a number withheld. */
static int take_user(struct head_uri *u, struct text *t)
{
	struct text user, rest;

	if (!text_cut(*t, '@', &user, &rest))
		return 0;

	*t = rest;
	if (user.l == 0)
		return 0;
	(void)text_cut(user, ':', &u->user, &u->password);

	return u->user.l > 0 ? 0 : EBADMSG;
}


static int sip_parse(struct head_uri *u, struct text t)
{
	struct text rest;

	if (take_user(u, &t) || !head_take_host(&t, &u->host) ||
	    head_take_port(&t, &u->port))
		return EBADMSG;
	if (t.l == 0)
		return 0;
	/* Others would take what stands before a second one for the user. */
	if ((t.p[0] != ';' && t.p[0] != '?') || memchr(t.p, '@', t.l))
		return EBADMSG;

	(void)text_cut(t, '?', &rest, &u->heads);
	if (rest.l > 0)
		head_skip(&rest, 1);
	u->params = rest;

	return 0;
}


static int tel_parse(struct head_uri *u, struct text t)
{
	(void)text_cut(t, ';', &u->user, &u->params);

	return u->user.l > 0 ? 0 : EBADMSG;
}


static size_t run_len(struct text t, size_t at, unsigned set)
{
	const size_t start = at;

	while (at < t.l && head_char_is(t.p[at], set))
		at++;

	return at - start;
}


/* sip:user@host:port and nothing else, the user without anything that means
 * something: nearly all of them, read in one go. @return false: not so */
static bool plain_parse(struct head_uri *u, struct text t)
{
	const size_t user = run_len(t, 4, CHAR_TOKEN);
	struct text host = { .p = t.p + 5 + user }, port;

	if (user == 0 || 4 + user == t.l || t.p[4 + user] != '@')
		return false;
	host.l = run_len(t, 5 + user, CHAR_HOST);
	port = (struct text){ host.p + host.l, t.l - 5 - user - host.l };
	if (host.l == 0 || (port.l > 0 && head_take_port(&port, &u->port)) ||
	    port.l > 0)
		return false;
	u->scheme = SCHEME_SIP;
	u->scheme_text = (struct text){ t.p, 3 };
	u->user = (struct text){ t.p + 4, user };
	u->host = host;

	return true;
}


int head_uri_parse(struct head_uri *up, struct text value)
{
	struct head_uri u = { 0 };
	struct text t = value;
	uint8_t all = CHAR_URI;
	int err = 0;

	if (t.l > 4 && memcmp(t.p, "sip:", 4) == 0 && plain_parse(&u, t)) {
		*up = u;
		return 0;
	}
	u.port = 0;
	for (size_t i = 0; i < t.l; i++)
		all &= head_chars[(uint8_t)t.p[i]];
	if (!all || !take_scheme(&t, &u.scheme_text) || t.l == 0)
		return EBADMSG;

	u.scheme = scheme_find(u.scheme_text);
	if (u.scheme == SCHEME_TEL)
		err = tel_parse(&u, t);
	else if (u.scheme != SCHEME_OTHER)
		err = sip_parse(&u, t);
	if (err)
		return err;
	*up = u;

	return 0;
}


int head_host_addr(struct addr *addrp, struct text host, uint16_t port)
{
	struct addr addr;

	/* A host, not one with a port of its own */
	if (host.l == 0 || host.p[0] == '[' || addr_parse(&addr, host) ||
	    addr.port != 0)
		return EBADMSG;

	addr.port = port;
	*addrp = addr;

	return 0;
}
