/**
 * @file regd/events.c  What happens to bindings, for log and metrics
 */
#include "regd/metrics.h"
#include "regd/regd.h"
#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "shared/svc/svc.h"


const char *regd_terminal(const struct catalog *c, struct terminal terminal)
{
	static const enum record_kind kinds[TERMINAL_KINDC] = {
		[TERMINAL_PHONE] = RECORD_PHONE,
		[TERMINAL_MAPPING] = RECORD_MAPPING,
		[TERMINAL_ROUTING] = RECORD_ROUTING,
	};
	enum record_kind kind;
	const struct cat_row *row;

	if (!c || terminal.kind == TERMINAL_NONE ||
	    terminal.kind >= TERMINAL_KINDC)
		return "";
	kind = kinds[terminal.kind];
	row = catalog_by_id(c, kind, terminal.id);

	return row ? catalog_str(c, kind, row->name) : "";
}


static void say(const struct log *log, enum regd_change change, const char *ip,
		const char *transport, uint32_t granted_s)
{
	switch ((int)change) {

	case REGD_ADDED:
		log_info(log, "binding_added ip=%s transport=%s granted=%u",
			 ip, transport, granted_s);
		break;

	case REGD_REPLACED:
		log_info(log, "binding_replaced ip=%s transport=%s", ip,
			 transport);
		break;

	case REGD_EXPIRED:
		log_info(log, "binding_expired ip=%s transport=%s", ip,
			 transport);
		break;

	case REGD_REMOVED:
	case REGD_KICKED:
		log_info(log, "binding_removed ip=%s transport=%s why=%s", ip,
			 transport, change == REGD_KICKED ? "kick" : "phone");
		break;

	default: /* a refresh is what all of them do all the time */
		break;
	}
}


void regd_changed(struct regd *regd, enum regd_change change,
		  struct terminal terminal, const struct addr *source,
		  unsigned transport, uint32_t granted_s)
{
	const struct catalog *c;
	char ip[ADDR_TEXT_MAX];
	struct log log = { .up = regd->log, .key = "user" };

	metric_inc_at(M_BINDING_CHANGES, (size_t)change);
	if (change == REGD_REFRESHED ||
	    !log_enabled(regd->log, LOG_LEVEL_INFO))
		return;
	c = catalog_pin(svc_catalog(regd->svc));
	log.value = regd_terminal(c, terminal);
	say(&log, change, addr_print(source, ip), regd_transport(transport),
	    granted_s);
	if (c)
		catalog_unpin(svc_catalog(regd->svc), c);
}


const char *regd_transport(unsigned transport)
{
	static const char *const names[] = { "none", "udp", "tcp", "tls" };

	return names[transport < COUNT_OF(names) ? transport : 0];
}
