/**
 * @file shared/auth/authn_client.c  Answers to those who ask us
 *
 * Authentication 7, towards routing gateways and upstream registrars. What a
 * peer sends is kept only if it fits; a realm that a proxy asks for and one
 * that the server asks for are two, even by one name.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shared/auth/authn.h"
#include "shared/auth/digest_parse.h"
#include "shared/base/id.h"
#include "shared/base/secret.h"
#include "shared/base/util.h"

enum {
	CNONCE_SIZE = 8,
	NC_SIZE = 9,
	USER_QUOTED_MAX = 2 * 256 + 1,
};


/* --- challenges ----------------------------------------------------------- */

static struct authn_client_realm *find_realm(struct authn_client *client,
					     struct text realm, bool is_proxy)
{
	for (size_t i = 0; i < client->realmc; i++)
		if (client->realms[i].is_proxy == is_proxy &&
		    text_is(realm, client->realms[i].realm))
			return &client->realms[i];

	return NULL;
}


/* One we could answer; others of the list may follow */
static bool is_usable(const struct digest_fields *d)
{
	struct authn_client_realm r;

	return d->is_digest && d->nonce.l > 0 &&
	       digest_algorithm_find(d->algorithm) != DIGEST_NONE &&
	       (!d->has_qop || digest_qop_has(d->qop, "auth")) &&
	       d->realm.l < sizeof(r.realm) && d->nonce.l < sizeof(r.nonce) &&
	       d->opaque.l < sizeof(r.opaque);
}


/* @param before Realms there were before this response: a second challenge
 *               of one of these is a refusal, unless the nonce is too old */
static int take_challenge(struct authn_client *client,
			  const struct digest_fields *d, bool is_proxy,
			  size_t before, bool taken[AUTHN_REALMS_MAX])
{
	struct authn_client_realm *r = find_realm(client, d->realm, is_proxy);
	size_t i;

	if (!r && client->realmc >= AUTHN_REALMS_MAX)
		return EACCES;
	if (!r)
		r = &client->realms[client->realmc++];
	i = (size_t)(r - client->realms);
	if (taken[i])
		return 0; /* the first we know (RFC 7616 3.7) */
	if (i < before && !d->is_stale)
		return EACCES;

	taken[i] = true;
	memset(r, 0, sizeof(*r));
	(void)text_copy(r->realm, sizeof(r->realm), d->realm);
	(void)text_copy(r->nonce, sizeof(r->nonce), d->nonce);
	(void)text_copy(r->opaque, sizeof(r->opaque), d->opaque);
	r->algorithm = (uint8_t)digest_algorithm_find(d->algorithm);
	r->has_qop = d->has_qop;
	r->is_proxy = is_proxy;

	return 0;
}


static int take_list(struct authn_client *client, const struct text *values,
		     size_t valuec, bool is_proxy, size_t before,
		     bool taken[AUTHN_REALMS_MAX])
{
	int err = 0;

	for (size_t i = 0; i < valuec && !err; i++) {
		struct digest_fields d;

		if (!digest_parse(&d, values[i]) && is_usable(&d))
			err = take_challenge(client, &d, is_proxy, before,
					     taken);
	}

	return err;
}


int authn_client_challenge(struct authn_client *client, const struct text *www,
			   size_t wwwc, const struct text *proxy,
			   size_t proxyc, uint32_t max_repeats)
{
	bool taken[AUTHN_REALMS_MAX] = { false };
	struct authn_client next = *client;
	int err;

	if (client->repeats >= max_repeats || client->repeats == UINT8_MAX)
		return EACCES;

	err = take_list(&next, www, wwwc, false, client->realmc, taken);
	if (!err)
		err = take_list(&next, proxy, proxyc, true, client->realmc,
				taken);
	if (err)
		return err;
	if (!memchr(taken, 1, sizeof(taken)))
		return EACCES; /* nothing that we could answer */

	next.repeats++;
	*client = next;

	return 0;
}


/* --- answers -------------------------------------------------------------- */

/* For a quoted string (RFC 3261 25.1)
 * @return false if it cannot be in one, or does not fit */
static bool quote(char *dst, size_t size, struct text t)
{
	size_t l = 0;

	for (size_t i = 0; i < t.l; i++) {
		const unsigned char c = (unsigned char)t.p[i];

		if (c < 0x20 || c == 0x7f || l + 3 > size)
			return false;
		if (c == '"' || c == '\\')
			dst[l++] = '\\';
		dst[l++] = (char)c;
	}
	dst[l] = '\0';

	return true;
}


static bool is_plain(struct text t)
{
	for (size_t i = 0; i < t.l; i++)
		if ((unsigned char)t.p[i] <= 0x20 || t.p[i] == 0x7f ||
		    t.p[i] == '"' || t.p[i] == '\\')
			return false;

	return t.l > 0 && t.l <= DIGEST_VALUE_MAX;
}


/* What belongs to qop=auth; without it both are empty */
static void print_qop(const struct authn_client_realm *r, char nc[NC_SIZE],
		      char cnonce[2 * CNONCE_SIZE + 1])
{
	uint8_t bytes[CNONCE_SIZE];

	nc[0] = cnonce[0] = '\0';
	if (!r->has_qop)
		return;
	id_random(bytes, sizeof(bytes));
	text_hex(cnonce, bytes, sizeof(bytes));
	(void)text_print(nc, NC_SIZE, "%08x", r->nc);
}


/* Append, or leave what is there as it is
 * @return false if it did not fit */
static bool append(char *dst, size_t size, const char *s)
{
	const size_t l = strlen(dst);

	return text_copy(dst + l, size - l, text_of(s)) == 0;
}


static bool print_extras(char *dst, size_t size,
			 const struct authn_client_realm *r, const char *nc,
			 const char *cnonce)
{
	char text[sizeof(r->opaque) + 64];
	bool ok = true;

	if (r->has_qop) {
		(void)text_print(text, sizeof(text),
				 ", qop=auth, nc=%s, cnonce=\"%s\"", nc,
				 cnonce);
		ok = append(dst, size, text);
	}
	if (ok && r->opaque[0]) {
		(void)text_print(text, sizeof(text), ", opaque=\"%s\"",
				 r->opaque);
		ok = append(dst, size, text);
	}

	return ok && append(dst, size, "\r\n");
}


/* @return bytes, 0 if it does not fit */
static size_t print_line(char *dst, size_t size,
			 const struct authn_client_realm *r,
			 const struct authn_credentials *credentials,
			 const char *user, struct text method, struct text uri)
{
	const enum digest_algorithm a = (enum digest_algorithm)r->algorithm;
	char response[DIGEST_HEX_SIZE], nc[NC_SIZE];
	char cnonce[2 * CNONCE_SIZE + 1];
	uint8_t ha1[DIGEST_HA1_MAX];

	print_qop(r, nc, cnonce);
	digest_ha1(ha1, a, credentials->user, text_of(r->realm),
		   credentials->password);
	digest_response(response, a, ha1, text_of(r->nonce), text_of(nc),
			text_of(cnonce), text_of(r->has_qop ? "auth" : ""),
			method, uri);
	secret_wipe(ha1, sizeof(ha1));

	if (text_print(dst, size,
		       "%s: Digest username=\"%s\", realm=\"%s\", "
		       "nonce=\"%s\", uri=\"%.*s\", response=\"%s\", "
		       "algorithm=%s",
		       r->is_proxy ? "Proxy-Authorization" : "Authorization",
		       user, r->realm, r->nonce, (int)uri.l, uri.p, response,
		       digest_algorithm_name(a)) ||
	    !print_extras(dst, size, r, nc, cnonce))
		return 0;

	return strlen(dst);
}


size_t authn_client_heads(struct authn_client *client,
			  const struct authn_credentials *credentials,
			  struct text method, struct text uri, char *dst,
			  size_t size)
{
	char user[USER_QUOTED_MAX];
	size_t l = 0;

	if (size == 0)
		return 0;
	dst[0] = '\0';
	if (credentials->user.l == 0 || !is_plain(uri) ||
	    !quote(user, sizeof(user), credentials->user))
		return 0;

	for (size_t i = 0; i < client->realmc; i++) {
		size_t n;

		client->realms[i].nc++;
		n = print_line(dst + l, size - l, &client->realms[i],
			       credentials, user, method, uri);
		if (n == 0) {
			dst[0] = '\0';
			return 0;
		}
		l += n;
	}

	return l;
}
