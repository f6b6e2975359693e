/**
 * @file sipd/admin_trace.h  trace start, stop, list, show, export
 */
#ifndef TANDEM_SIPD_ADMIN_TRACE_H
#define TANDEM_SIPD_ADMIN_TRACE_H

#include "shared/svc/admin.h"

struct sipd;

/** Which of them: the tag of a row */
enum admin_trace {
	ADMIN_TRACE_START,
	ADMIN_TRACE_STOP,
	ADMIN_TRACE_LIST,
	ADMIN_TRACE_SHOW,
	ADMIN_TRACE_EXPORT,
	ADMIN_TRACEC
};

int cmd_trace(void *state, const json_t *args, struct admin_answer *answer);

/** Gateways by name, for filters */
void admin_trace_open(struct sipd *sipd);

#endif
