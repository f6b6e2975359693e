/**
 * @file sipd/compose.h  A message, put together in a buffer
 *
 * No allocation; what does not fit sets is_full and the message is not sent.
 * Values that come from a peer are put by compose_text(), which drops CR, LF
 * and NUL: no header can be forged by a value.
 */
#ifndef TANDEM_SIPD_COMPOSE_H
#define TANDEM_SIPD_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "shared/base/text.h"

struct compose {
	char *p;
	size_t size;
	size_t len;
	bool is_full;
};

void compose_init(struct compose *c, char *buf, size_t size);
/** Bytes of ours: literals, tokens */
static inline void compose_put(struct compose *c, const char *s);
void compose_bytes(struct compose *c, const void *p, size_t len);
/** Text of a peer */
void compose_text(struct compose *c, struct text t);
/** The inside of a quoted string: " and \ are escaped */
void compose_quoted(struct compose *c, struct text t);
/** The user part of a URI: what RFC 3261 wants escaped is */
void compose_user(struct compose *c, struct text t);
void compose_number(struct compose *c, uint64_t n);
/** "Name: " value CRLF; nothing if value is empty */
void compose_head(struct compose *c, const char *name, struct text value);
/** Content-Type (if there is a body), Content-Length, empty line, body */
void compose_body(struct compose *c, const char *type, struct text body);
/** What there is so far */
struct text compose_result(const struct compose *c);

/* Inline: most are literals, whose length is known. */
static inline void compose_put(struct compose *c, const char *s)
{
	compose_bytes(c, s, strlen(s));
}

/** The phrase of a code, ours: a peer's is never passed on */
const char *reason_phrase(unsigned code);

#endif
