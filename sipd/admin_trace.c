/**
 * @file sipd/admin_trace.c  trace start, stop, list, show, export
 *
 * What a gateway's name stands for: the addresses it may call from that are
 * no networks, and those it is called at that are no host names.
 */
#include <string.h>

#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "shared/svc/svc.h"
#include "sipd/admin_trace.h"
#include "sipd/sipd.h"
#include "sipd/trace.h"

typedef int(trace_cmd_h)(struct trace *trace, const json_t *args,
			 struct admin_answer *answer);

static trace_cmd_h *const commands[ADMIN_TRACEC] = {
	[ADMIN_TRACE_START] = trace_cmd_start,
	[ADMIN_TRACE_STOP] = trace_cmd_stop,
	[ADMIN_TRACE_LIST] = trace_cmd_list,
	[ADMIN_TRACE_SHOW] = trace_cmd_show,
	[ADMIN_TRACE_EXPORT] = trace_cmd_export,
};


int cmd_trace(void *state, const json_t *args, struct admin_answer *answer)
{
	struct sipd *sipd = state;
	const int err = commands[answer->tag](sipd->trace, args, answer);

	if (!answer->code && (answer->tag == ADMIN_TRACE_START ||
			      answer->tag == ADMIN_TRACE_STOP))
		log_notice(sipd->log, "command cmd=trace.%s operator=%s",
			   answer->tag == ADMIN_TRACE_START ? "start" : "stop",
			   answer->asker->name);

	return err;
}


struct found {
	struct addr *addrs;
	size_t count, max;
};


static void put(struct found *found, struct addr addr)
{
	if (found->count < found->max)
		found->addrs[found->count++] = addr;
}


static void find_mapping(struct found *found, const struct catalog *c,
			 const char *name)
{
	const struct cat_mapping *m = catalog_by_name(c, RECORD_MAPPING,
						      text_of(name));
	const struct cat_source *sources;
	size_t n;

	if (!m)
		return;
	sources = catalog_span(c, RECORD_MAPPING, m->addresses,
			       sizeof(*sources), &n);
	for (size_t i = 0; i < n; i++)
		if (sources[i].len ==
		    (sources[i].addr.family == AF_INET6 ? 128 : 32))
			put(found, sources[i].addr);
}


/* Its port is where it is called, not only where it calls from. */
static void find_routing(struct found *found, const struct catalog *c,
			 const char *name)
{
	const struct cat_routing *r = catalog_by_name(c, RECORD_ROUTING,
						      text_of(name));
	const struct cat_target *targets;
	size_t n;

	if (!r)
		return;
	targets = catalog_span(c, RECORD_ROUTING, r->addresses,
			       sizeof(*targets), &n);
	for (size_t i = 0; i < n; i++) {
		struct addr addr;

		if (addr_parse(&addr, text_of(catalog_str(c, RECORD_ROUTING,
							  targets[i].host))))
			continue;
		addr.port = targets[i].port;
		put(found, addr);
	}
}


static size_t find_addrs(bool is_phone, const char *name, struct addr *addrs,
			 size_t max, void *arg)
{
	const struct sipd *sipd = arg;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	struct found found = { .addrs = addrs, .max = max };

	if (!c)
		return 0;

	if (!is_phone) {
		find_mapping(&found, c, name);
		find_routing(&found, c, name);
	}
	catalog_unpin(svc_catalog(sipd->svc), c);

	return found.count;
}


void admin_trace_open(struct sipd *sipd)
{
	trace_resolver(sipd->trace, find_addrs, sipd);
}
