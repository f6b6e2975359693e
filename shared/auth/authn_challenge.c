/**
 * @file shared/auth/authn_challenge.c  Lines WWW- and Proxy-Authenticate
 *
 * Authentication 2 and 3.1: by mode one header or both, by algorithm one line
 * or two, the stronger first (RFC 7616 3.7).
 */
#include <string.h>

#include "shared/auth/authn_int.h"
#include "shared/base/util.h"

enum {
	QUOTED_MAX = 2 * AUTHN_REALM_MAX + 1
};


/* Quotes and backslashes of a realm are escaped (RFC 3261 25.1). */
static void quote(char dst[QUOTED_MAX], const char *s)
{
	size_t l = 0;

	for (; *s && l + 2 < QUOTED_MAX; s++) {
		if (*s == '"' || *s == '\\')
			dst[l++] = '\\';
		dst[l++] = *s;
	}
	dst[l] = '\0';
}


/* A line that does not fit is left out whole: there is another, but for a
 * realm that is nothing but quotes. */
static void add_line(struct authn_answer *answer, const char *head,
		     const char *realm, const char *nonce,
		     enum digest_algorithm a)
{
	const char *const parts[] = {
		head,
		": Digest realm=\"",
		realm,
		"\", nonce=\"",
		nonce,
		"\", algorithm=",
		digest_algorithm_name(a),
		", qop=\"auth\"",
		answer->is_stale ? ", stale=true" : "",
		"\r\n",
	};
	size_t at = answer->headc;

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		const size_t l = strlen(parts[i]);

		if (l >= sizeof(answer->heads) - at)
			return;
		memcpy(answer->heads + at, parts[i], l);
		at += l;
	}
	answer->headc = at;
}


void authn_challenge_print(struct authn_answer *answer,
			   const struct authn_params *p, const char *realm,
			   const char *nonce)
{
	static const enum digest_algorithm order[] = { DIGEST_SHA256,
						       DIGEST_MD5 };
	static const struct {
		const char *head;
		uint16_t code;
	} heads[] = {
		{ "WWW-Authenticate", 401 },
		{ "Proxy-Authenticate", 407 },
	};
	char quoted[QUOTED_MAX];

	quote(quoted, realm);
	for (size_t h = 0; h < COUNT_OF(heads); h++)
		for (size_t i = 0; i < COUNT_OF(order); i++)
			if ((p->mode == 3 || p->code == heads[h].code) &&
			    p->offer & 1u << order[i])
				add_line(answer, heads[h].head, quoted, nonce,
					 order[i]);
	answer->heads[answer->headc] = '\0';
}
