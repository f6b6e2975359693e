/**
 * @file sipd/register_parse.c  What a REGISTER asks for
 */
#include <errno.h>

#include "sipd/compose.h"
#include "sipd/register_parse.h"

enum {
	PORT_DEFAULT = 5060,
	EXPIRES_DEFAULT_S = 3600, /**< registration 2, and RFC 3261 10.2.1.1 */
};


/* Unreadable is the default; more than fits is as much as fits. */
static uint32_t seconds_of(struct text value)
{
	const uint32_t max = REGISTER_NO_EXPIRES - 1;
	uint32_t seconds;
	int err = text_u32(&seconds, text_trim(value), 0, max);

	if (!err)
		return seconds;

	return err == ERANGE ? max : EXPIRES_DEFAULT_S;
}


static uint32_t expires_of(struct text params)
{
	struct text value;

	if (!head_param(params, "expires", &value))
		return REGISTER_NO_EXPIRES;

	return seconds_of(value);
}


static bool is_contact(const struct head_addr *addr)
{
	return (addr->uri.scheme == SCHEME_SIP ||
		addr->uri.scheme == SCHEME_SIPS) &&
	       addr->uri.host.l > 0 && addr->uri_text.l <= REGISTER_URI_MAX;
}


unsigned register_parse(struct register_ask *ask, const struct message *m)
{
	const struct text header = message_head(m, HEAD_EXPIRES);
	struct message_cursor cursor = { 0 };
	struct head_addr addr;
	struct text value;
	size_t stars = 0;

	ask->expires_s = header.p ? seconds_of(header) : REGISTER_NO_EXPIRES;
	ask->is_star = false;
	ask->contactc = 0;
	while (message_next(m, HEAD_CONTACT, &cursor, &value)) {
		if (head_addr_parse(&addr, value))
			return 400;
		if (addr.is_star) {
			stars++;
			continue;
		}
		if (!is_contact(&addr))
			return 400;
		if (ask->contactc == REGISTER_CONTACTS_MAX)
			return 403;
		ask->contacts[ask->contactc++] = (struct register_contact){
			.uri = addr.uri_text,
			.expires_s = expires_of(addr.params),
		};
	}
	ask->is_star = stars > 0;
	if (stars > 1 || (stars && ask->contactc) ||
	    (stars && ask->expires_s != 0))
		return 400;

	return 0;
}


int register_terminal(struct text *userp, const struct message *m)
{
	struct head_addr to;

	if (head_addr_parse(&to, message_head(m, HEAD_TO)) ||
	    (to.uri.scheme != SCHEME_SIP && to.uri.scheme != SCHEME_SIPS))
		return EBADMSG;

	*userp = to.uri.user;

	return 0;
}


int register_path(char *dst, size_t size, const struct message *m)
{
	struct message_cursor cursor = { 0 };
	struct compose c;
	struct text value;

	compose_init(&c, dst, size - 1);
	while (message_next(m, HEAD_PATH, &cursor, &value)) {
		if (c.len)
			compose_put(&c, ", ");
		compose_text(&c, value);
	}
	dst[c.is_full ? 0 : c.len] = '\0';

	return c.is_full ? EMSGSIZE : 0;
}


bool register_lacks(const struct message *m, struct text *namep)
{
	struct message_cursor cursor = { 0 };

	while (message_next(m, HEAD_REQUIRE, &cursor, namep))
		if (!text_is_nocase(*namep, "path"))
			return true;

	return false;
}


size_t register_places(struct register_place places[REGISTER_PLACES_MAX],
		       const struct message *m, const struct register_ask *ask)
{
	struct head_uri uri;
	size_t n = 0;

	places[n++] = (struct register_place){
		.host = m->via.host,
		.port = m->via.port ? m->via.port : PORT_DEFAULT,
	};
	if (ask->contactc && !head_uri_parse(&uri, ask->contacts[0].uri))
		places[n++] = (struct register_place){
			.host = uri.host,
			.port = uri.port ? uri.port : PORT_DEFAULT,
		};

	return n;
}


bool register_is_there(const struct addr *source, const struct addr *addrs,
		       size_t addrc, uint16_t port)
{
	if (source->port != port)
		return false;
	for (size_t i = 0; i < addrc; i++)
		if (addr_same_ip(source, &addrs[i]))
			return true;

	return false;
}
