/**
 * @file sipd/trace.h  Messages as they were on the wire, for an operator
 *
 * At most 16 traces at once, 64 MB each, each with filters and an end. No cost
 * when none runs. Secrets are masked when a message is kept, so that they are
 * nowhere: response, cnonce and nonce of credentials, all of a=crypto.
 */
#ifndef TANDEM_SIPD_TRACE_H
#define TANDEM_SIPD_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "sipd/wire.h"

struct admin_answer;
struct trace;

enum trace_direction {
	TRACE_IN,
	TRACE_OUT
};

int trace_alloc(struct trace **tracep);
struct trace *trace_free(struct trace *trace);

/** Is any trace running? Asked before trace_keep(): one load */
bool trace_is_on(const struct trace *trace);

/** Keep a message in every trace it fits. local: of the listener. */
void trace_keep(struct trace *trace, enum trace_direction direction,
		enum transport transport, const struct addr *local,
		const struct addr *remote, const char *data, size_t len);

/** Mask secrets in place; same length. For log and trace. */
void trace_mask(char *data, size_t len);

/* Commands trace.start, stop, list, show, export (operations 2). The handlers
 * are rows of admin.c; state is the struct trace. Filters gateway and phone
 * are turned into addresses by resolveh. */
int trace_cmd_start(struct trace *trace, const json_t *args,
		    struct admin_answer *answer);
int trace_cmd_stop(struct trace *trace, const json_t *args,
		   struct admin_answer *answer);
int trace_cmd_list(struct trace *trace, const json_t *args,
		   struct admin_answer *answer);
int trace_cmd_show(struct trace *trace, const json_t *args,
		   struct admin_answer *answer);
int trace_cmd_export(struct trace *trace, const json_t *args,
		     struct admin_answer *answer);

/** Addresses behind a gateway's or phone's name; @return how many, at most
 *  max */
typedef size_t(trace_resolve_h)(bool is_phone, const char *name,
				struct addr *addrs, size_t max, void *arg);
void trace_resolver(struct trace *trace, trace_resolve_h *h, void *arg);

#endif
