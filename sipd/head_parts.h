/**
 * @file sipd/head_parts.h  What the readers of header values share
 *
 * Each take... moves t behind what it took, and leaves t alone if there was
 * none.
 */
#ifndef TANDEM_SIPD_HEAD_PARTS_H
#define TANDEM_SIPD_HEAD_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sipd/head.h"

enum {
	CHAR_TOKEN = 1,  /**< RFC 3261 25.1 */
	CHAR_HOST = 2,   /**< Of a name or an IPv4 address */
	CHAR_URI = 4,    /**< Anywhere in a URI */
	CHAR_VALUE = 8,  /**< Of a parameter without quotes */
	CHAR_NEVER = 16, /**< In a display name without quotes */
};

extern const uint8_t head_chars[256];

static inline bool head_char_is(char c, unsigned set)
{
	return (head_chars[(uint8_t)c] & set) != 0;
}


static inline bool head_is_blank(char c)
{
	return c == ' ' || c == '\t';
}


static inline void head_skip(struct text *t, size_t len)
{
	t->p += len;
	t->l -= len;
}


static inline void head_skip_blank(struct text *t)
{
	while (t->l > 0 && head_is_blank(t->p[0]))
		head_skip(t, 1);
}


static inline struct text head_trim(struct text t)
{
	head_skip_blank(&t);
	while (t.l > 0 && head_is_blank(t.p[t.l - 1]))
		t.l--;

	return t;
}

/** The character, with blanks around it */
bool head_take_char(struct text *t, char c);

/** As many characters of the set as there are; false: none */
static inline bool head_take_run(struct text *t, unsigned set,
				 struct text *runp)
{
	const char *const start = t->p, *end, *p = start;

	if (t->l == 0)
		return false;
	end = start + t->l;
	while (p < end && head_char_is(*p, set))
		p++;
	if (p == start)
		return false;

	*runp = (struct text){ .p = start, .l = (size_t)(p - start) };
	*t = (struct text){ .p = p, .l = (size_t)(end - p) };

	return true;
}

/** "...": what stands between the quotes */
bool head_take_quoted(struct text *t, struct text *insidep);

/** Digits, as many as there are
 *  @return 0, EBADMSG: none; ERANGE: above max */
int head_take_number(struct text *t, uint32_t max, uint32_t *numberp);

/** Name, IPv4 address or [IPv6 address] */
bool head_take_host(struct text *t, struct text *hostp);

/** ":5060", or nothing
 *  @return 0, or EBADMSG */
int head_take_port(struct text *t, uint16_t *portp);

/** A parameter that is looked for: name in lower case */
struct head_want {
	const char *name;
	struct text *valuep; /**< Of the first of this name, without quotes */
	bool *herep;         /**< May be NULL */
};

/** All of it is a=b;c="d", which is read in one go: names are tokens, one ';'
 *  too much at the end is passed over. @return 0, or EBADMSG */
int head_params_read(struct text params, const struct head_want *wants,
		     size_t wantc);

/** As head_addr_parse(), but its URI is not looked into, and a parameter may
 *  be looked for */
int head_addr_cut(struct head_addr *a, struct text value,
		  const struct head_want *want);

#endif
