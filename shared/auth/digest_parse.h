/**
 * @file shared/auth/digest_parse.h  The values of Authorization and of its kin
 *
 * Pure: text in, texts within it out. Linear; a value is taken whole or
 * refused.
 */
#ifndef TANDEM_AUTH_DIGEST_PARSE_H
#define TANDEM_AUTH_DIGEST_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/text.h"

enum {
	DIGEST_VALUE_MAX = 1024 /**< Bytes of a header's value */
};

/** A challenge or its answer. What is absent is empty; quotes are taken off,
 *  escapes stay. */
struct digest_fields {
	bool is_digest; /**< Scheme is Digest; else nothing more is read */
	struct text username, realm, nonce, uri, response, cnonce, nc, qop,
		algorithm, opaque;
	bool has_qop;
	bool is_stale;
};

/** @return 0, EBADMSG (malformed, a field given twice, a control character),
 *          ERANGE (too long) */
int digest_parse(struct digest_fields *d, struct text value);

/** Is the text of a quoted string this one? Escapes are undone. */
bool digest_text_is(struct text quoted, struct text plain);

/** The text of a quoted string without its escapes
 *  @return 0, or EOVERFLOW */
int digest_text_copy(char *dst, size_t size, struct text quoted);

/** Is it one of the list? */
bool digest_qop_has(struct text qop, const char *one);

/** Do two URIs name the same user, host and port? No port is the scheme's. */
bool digest_uri_same(struct text a, struct text b);

#endif
