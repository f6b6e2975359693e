/**
 * @file sipd/head_digest.c  Digest challenges and answers (RFC 7616, 3261 22)
 */
#include <errno.h>
#include <stddef.h>

#include "shared/base/util.h"
#include "sipd/head_parts.h"

static const struct field {
	const char *name;
	size_t at;
} fields[] = {
	{ "username", offsetof(struct head_digest, username) },
	{ "realm", offsetof(struct head_digest, realm) },
	{ "nonce", offsetof(struct head_digest, nonce) },
	{ "uri", offsetof(struct head_digest, uri) },
	{ "response", offsetof(struct head_digest, response) },
	{ "cnonce", offsetof(struct head_digest, cnonce) },
	{ "nc", offsetof(struct head_digest, nc) },
	{ "qop", offsetof(struct head_digest, qop) },
	{ "algorithm", offsetof(struct head_digest, algorithm) },
	{ "opaque", offsetof(struct head_digest, opaque) },
};


/* Of two that differ it could be either that was hashed: neither is taken.
 * The bit says that a field was there, be it empty. */
static int keep(struct head_digest *d, unsigned *seen, struct text name,
		struct text value)
{
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		if (!text_is_nocase(name, fields[i].name))
			continue;
		if (*seen & 1U << i)
			return EBADMSG;
		*seen |= 1U << i;
		*(struct text *)(void *)((char *)d + fields[i].at) = value;
		return 0;
	}
	if (text_is_nocase(name, "stale"))
		d->stale = text_is_nocase(value, "true");

	return 0;
}


/* One a="b", and the comma behind it */
static int take_field(struct head_digest *d, unsigned *seen, struct text *t)
{
	struct text name, value = { 0 };

	if (!head_take_run(t, CHAR_TOKEN, &name) || !head_take_char(t, '='))
		return EBADMSG;
	if (!head_take_quoted(t, &value))
		(void)head_take_run(t, CHAR_VALUE, &value);
	head_skip_blank(t);
	if (t->l > 0 && t->p[0] != ',')
		return EBADMSG;

	return keep(d, seen, name, value);
}


int head_digest_parse(struct head_digest *dp, struct text value)
{
	struct head_digest d = { 0 };
	struct text t = head_trim(value), scheme;
	unsigned seen = 0;

	if (!head_take_run(&t, CHAR_TOKEN, &scheme) ||
	    (t.l > 0 && !head_is_blank(t.p[0])))
		return EBADMSG;

	d.is_digest = text_is_nocase(scheme, "digest");
	head_skip_blank(&t);
	if (d.is_digest && t.l == 0)
		return EBADMSG;
	while (d.is_digest && t.l > 0) {
		if (head_take_char(&t, ','))
			continue;
		if (take_field(&d, &seen, &t))
			return EBADMSG;
	}
	*dp = d;

	return 0;
}
