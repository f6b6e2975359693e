/**
 * @file sipd/enrol_parse.c  What a registrar has granted
 */
#include <string.h>
#include <strings.h>

#include "sipd/enrol_parse.h"

enum {
	PORT_DEFAULT = 5060
};


static bool is_same(const struct head_uri *a, const struct head_uri *b)
{
	return a->user.l == b->user.l && a->host.l == b->host.l &&
	       memcmp(a->user.p, b->user.p, a->user.l) == 0 &&
	       strncasecmp(a->host.p, b->host.p, a->host.l) == 0 &&
	       (a->port ? a->port : PORT_DEFAULT) ==
		       (b->port ? b->port : PORT_DEFAULT);
}


uint32_t enrol_granted(const struct message *m, struct text contact_uri)
{
	struct message_cursor cursor = { 0 };
	struct head_addr addr;
	struct head_uri ours;
	struct text value;
	uint32_t seconds;

	if (head_uri_parse(&ours, contact_uri))
		return ENROL_NO_EXPIRES;
	while (message_next(m, HEAD_CONTACT, &cursor, &value)) {
		if (head_addr_parse(&addr, value) || addr.is_star ||
		    !is_same(&addr.uri, &ours))
			continue;
		if (head_param(addr.params, "expires", &value) &&
		    !text_u32(&seconds, value, 0, ENROL_NO_EXPIRES - 1))
			return seconds;
	}
	if (!message_seconds(m, HEAD_EXPIRES, &seconds))
		return seconds;

	return ENROL_NO_EXPIRES;
}
