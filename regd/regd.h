/**
 * @file regd/regd.h  Everything regd owns
 */
#ifndef TANDEM_REGD_REGD_H
#define TANDEM_REGD_REGD_H

#include <stddef.h>

#include "shared/base/log.h"
#include "shared/ev/ev.h"
#include "shared/ipc/bus.h"
#include "shared/reg/binding.h"
#include "shared/svc/admin.h"

struct bindings;
struct catalog;
struct keepalive;
struct svc;
struct upstreams;

/** What happens to a binding; label values */
enum regd_change {
	REGD_ADDED,
	REGD_REFRESHED,
	REGD_REMOVED,
	REGD_REPLACED,
	REGD_EXPIRED,
	REGD_KICKED,
	REGD_CHANGEC
};

struct regd {
	struct svc *svc;
	struct ev *ev;
	const struct log *log;
	struct bindings *bindings;
	struct keepalive *keepalive;
	struct upstreams *upstreams;
	struct ev_timer tick;
};

/** Name of a terminal for operators; "" if its record is gone */
const char *regd_terminal(const struct catalog *c, struct terminal terminal);

const char *regd_transport(unsigned transport);

/** Count it, and log it as operations 6 has it */
void regd_changed(struct regd *regd, enum regd_change change,
		  struct terminal terminal, const struct addr *source,
		  unsigned transport, uint32_t granted_s);

/* dispatch.c */
extern const struct bus_route regd_routes[];
extern const size_t regd_routec;

/* admin.c */
extern const struct admin_command regd_commands[];
extern const size_t regd_commandc;

#endif
