/**
 * @file sipd/resolve_names.c  Names and what is known of them
 *
 * Records are kept as they came and put in order for each answer, so that
 * weights hold for every call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/id.h"
#include "shared/base/util.h"
#include "sipd/resolve_parts.h"

enum {
	LABEL_MAX = 63, /* RFC 1035 2.3.4 */
	PORT_SIP = 5060,
	PORT_SIPS = 5061,
};


/* --- names ---------------------------------------------------------------- */

static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c | 0x20);

	return c;
}


static bool is_of_label(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}


int host_copy(char dst[RESOLVE_HOST_SIZE], struct text host)
{
	size_t label = 0;

	if (host.l > 1 && host.p[host.l - 1] == '.')
		host.l--;
	if (host.l == 0 || host.l >= RESOLVE_HOST_SIZE)
		return EINVAL;

	for (size_t i = 0; i < host.l; i++) {
		dst[i] = lower(host.p[i]);
		if (dst[i] == '.' && label > 0)
			label = 0;
		else if (!is_of_label(dst[i]) || ++label > LABEL_MAX)
			return EINVAL;
	}
	dst[host.l] = '\0';

	return label > 0 ? 0 : EINVAL;
}


/* First the transport, as a digit; behind it the name. */
void names_key(char key[RESOLVE_KEY_SIZE], const char host[RESOLVE_HOST_SIZE],
	       uint16_t port, enum transport transport)
{
	if (transport == TRANSPORT_NONE)
		transport = TRANSPORT_UDP;
	key[0] = (char)('0' + (port ? TRANSPORT_NONE : transport));
	memcpy(key + 1, host, strlen(host) + 1);
}


enum transport entry_transport(const struct entry *e)
{
	return (enum transport)(e->key[0] - '0');
}


const char *entry_host(const struct entry *e)
{
	return e->key + 1;
}


static uint16_t port_of(uint16_t port, enum transport transport)
{
	if (port)
		return port;

	return transport == TRANSPORT_TLS ? PORT_SIPS : PORT_SIP;
}


bool answer_of_address(struct text host, uint16_t port,
		       enum transport transport, struct resolved *r)
{
	struct addr addr;

	if (addr_parse(&addr, host) != 0 || addr.port != 0)
		return false;

	memset(r, 0, sizeof(*r));
	addr.port = port_of(port, transport);
	r->addrs[r->addrc++] = addr;

	return true;
}


/* --- answers -------------------------------------------------------------- */

/* RFC 2782: of those with the lowest priority that are left, one at random by
 * weight; one without weight now and then, too. */
static size_t target_pick(const struct entry *e,
			  const bool used[RESOLVE_TARGETS_MAX])
{
	uint32_t priority = UINT32_MAX, total = 0, mark;
	size_t pick = 0;

	for (size_t i = 0; i < e->targetc; i++)
		if (!used[i] && e->targets[i].priority < priority)
			priority = e->targets[i].priority;
	for (size_t i = 0; i < e->targetc; i++)
		if (!used[i] && e->targets[i].priority == priority)
			total += e->targets[i].weight + 1u;

	mark = (uint32_t)(id_random_u64() % total);
	for (size_t i = 0; i < e->targetc; i++) {
		if (used[i] || e->targets[i].priority != priority)
			continue;
		pick = i;
		if (mark <= e->targets[i].weight)
			break;
		mark -= e->targets[i].weight + 1u;
	}

	return pick;
}


void answer_make(const struct entry *e, uint16_t port,
		 enum transport transport, struct resolved *r)
{
	bool used[RESOLVE_TARGETS_MAX] = { false };

	memset(r, 0, sizeof(*r));
	r->err = e->err;
	for (size_t n = 0; n < e->targetc; n++) {
		const size_t pick = target_pick(e, used);
		const struct target *t = &e->targets[pick];

		used[pick] = true;
		for (size_t i = 0;
		     i < t->addrc && r->addrc < RESOLVE_ADDRS_MAX; i++) {
			struct addr *addr = &r->addrs[r->addrc++];

			*addr = t->addrs[i];
			addr->port = port_of(t->port ? t->port : port,
					     transport);
		}
	}
}


/* --- entries -------------------------------------------------------------- */

struct entry *names_find(const struct names *names, const char *key)
{
	struct map_link *link = map_find(names->map, key, strlen(key));

	return link ? CONTAINER_OF(link, struct entry, link) : NULL;
}


void entry_known(struct names *names, struct entry *e)
{
	e->lookup = NULL;
	e->newer = NULL;
	e->older = names->newest;
	if (e->older)
		e->older->newer = e;
	else
		names->oldest = e;
	names->newest = e;
}


void entry_unknown(struct names *names, struct entry *e)
{
	if (e->older)
		e->older->newer = e->newer;
	else
		names->oldest = e->newer;
	if (e->newer)
		e->newer->older = e->older;
	else
		names->newest = e->older;
}


void names_remove(struct names *names, struct entry *e)
{
	map_remove(names->map, &e->link);
	free(e);
}


int names_add(struct names *names, struct entry **ep, const char *key)
{
	struct entry *e;
	int err;

	if (map_count(names->map) >= RESOLVE_NAMES_MAX) {
		e = names->oldest;
		if (!e)
			return ENOBUFS;
		entry_unknown(names, e);
		names_remove(names, e);
	}

	e = calloc(1, sizeof(*e));
	if (!e)
		return ENOMEM;
	memcpy(e->key, key, strlen(key) + 1);
	err = map_add(names->map, &e->link, e->key, strlen(key));
	if (err)
		free(e);
	else
		*ep = e;

	return err;
}
