/**
 * @file sipd/trace_mask.c  Secrets of a message, unreadable
 *
 * One pass and no parser: what is malformed is masked too. Line ends and
 * blanks stay, so that the message has the same lines; quotes stay, so that
 * it has the same parameters. Masked are, of credentials and challenges, the
 * parameters below; credentials of another scheme than Digest, which are the
 * password itself; and the keys of SDP.
 */
#include <string.h>
#include <strings.h>

#include "shared/base/util.h"
#include "sipd/trace.h"

struct mask {
	char *data;
	size_t len, at;
	bool is_auth; /**< Within the value of one of heads[] */
};

static const struct {
	const char *name;
	bool is_credentials; /**< May be of another scheme */
} heads[] = {
	{ "Authorization", true },        { "Proxy-Authorization", true },
	{ "WWW-Authenticate", false },    { "Proxy-Authenticate", false },
	{ "Authentication-Info", false },
};

static const char *const secrets[] = { "response", "cnonce", "nonce",
				       "nextnonce", "rspauth" };

static const char *const keys[] = { "a=crypto:", "k=" };


static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}


static bool is_token(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || (c && strchr("-.!%*_+`'~", c));
}


static bool stands_here(const struct mask *m, const char *word)
{
	const size_t l = strlen(word);

	return m->len - m->at >= l &&
	       strncasecmp(m->data + m->at, word, l) == 0;
}


/* At a line end that no continuation follows, or behind the last byte */
static bool at_end(const struct mask *m)
{
	return m->at >= m->len ||
	       (m->data[m->at] == '\n' &&
		(m->at + 1 == m->len || !is_blank(m->data[m->at + 1])));
}


static void skip_blank(struct mask *m)
{
	while (!at_end(m) && strchr(" \t\r\n", m->data[m->at]) &&
	       m->data[m->at])
		m->at++;
}


static void hide(struct mask *m)
{
	char *c = &m->data[m->at];

	if (!is_blank(*c) && *c != '\r' && *c != '\n')
		*c = '*';
}


/* To the next comma that is not in quotes */
static void hide_value(struct mask *m)
{
	bool is_quoted = false;

	for (; !at_end(m); m->at++) {
		const char c = m->data[m->at];

		if (c == ',' && !is_quoted)
			return;
		if (c == '"') {
			is_quoted = !is_quoted;
			continue;
		}
		hide(m);
		if (c != '\\' || !is_quoted || m->at + 1 == m->len)
			continue;
		if (strchr("\r\n", m->data[m->at + 1]) == NULL ||
		    !m->data[m->at + 1]) {
			m->at++;
			hide(m);
		}
	}
}


static void hide_rest(struct mask *m)
{
	for (; !at_end(m); m->at++)
		hide(m);
}


static void hide_line(struct mask *m)
{
	for (; m->at < m->len && m->data[m->at] != '\n'; m->at++)
		if (m->data[m->at] != '\r')
			m->data[m->at] = '*';
}


/* Behind the colon of credentials. Without a scheme, parameters begin. */
static void look_at_scheme(struct mask *m)
{
	const size_t from = m->at;
	size_t l = 0;

	skip_blank(m);
	while (m->at + l < m->len && is_token(m->data[m->at + l]))
		l++;
	if (l == 0 || (l == 6 && stands_here(m, "Digest"))) {
		m->at += l;
		return;
	}
	m->at += l;
	skip_blank(m);
	if (m->at < m->len && m->data[m->at] == '=')
		m->at = from;
	else
		hide_rest(m);
}


static bool begin_head(struct mask *m)
{
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		struct mask at = *m;

		if (!stands_here(m, heads[i].name))
			continue;
		at.at += strlen(heads[i].name);
		skip_blank(&at);
		if (at.at == at.len || at.data[at.at] != ':')
			continue;
		m->at = at.at + 1;
		m->is_auth = true;
		if (heads[i].is_credentials)
			look_at_scheme(m);
		return true;
	}

	return false;
}


/* @return true: something was passed over */
static bool begin_line(struct mask *m)
{
	if (m->at == 0 || m->data[m->at - 1] == '\n')
		m->is_auth = m->is_auth && m->at > 0 &&
			     is_blank(m->data[m->at]);
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		if (!stands_here(m, keys[i]))
			continue;
		m->at += strlen(keys[i]);
		hide_line(m);
		return true;
	}

	return begin_head(m);
}


/* A parameter's name and '=' */
static bool begin_parameter(struct mask *m)
{
	if (m->at > 0 && is_token(m->data[m->at - 1]))
		return false;

	for (size_t i = 0; i < COUNT_OF(secrets); i++) {
		const size_t l = strlen(secrets[i]);

		if (!stands_here(m, secrets[i]) ||
		    (m->at + l < m->len && is_token(m->data[m->at + l])))
			continue;
		m->at += l;
		skip_blank(m);
		if (m->at < m->len && m->data[m->at] == '=') {
			m->at++;
			hide_value(m);
		}
		return true;
	}

	return false;
}


void trace_mask(char *data, size_t len)
{
	struct mask m = { .len = len };

	m.data = data;
	while (m.at < m.len) {
		const bool is_start = m.at == 0 || m.data[m.at - 1] == '\n' ||
				      m.data[m.at - 1] == '\r';

		if (is_start && begin_line(&m))
			continue;
		if (m.is_auth && begin_parameter(&m))
			continue;
		m.at++;
	}
}
