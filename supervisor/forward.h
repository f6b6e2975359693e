/**
 * @file supervisor/forward.h  Commands that are a daemon's
 *
 * Passed on to the worker that is named, or to those that spread.h says; what
 * they answer comes back as one answer, with "missed" naming those that gave
 * none.
 */
#ifndef TANDEM_SUPERVISOR_FORWARD_H
#define TANDEM_SUPERVISOR_FORWARD_H

#include <jansson.h>

#include "supervisor/supervisor.h"

struct spread;

struct forward_target {
	const struct spread *spread; /**< NULL: one was named */
	struct peer_id workers[WORKERS_MAX];
	size_t workerc;
};

/** Whose is this command? @return false: nobody's */
bool forward_find(const struct supervisor *sup, const char *cmd,
		  const json_t *args, struct forward_target *target);

/** request is the whole object that was asked */
void forward(struct supervisor *sup, uint64_t id, const char *operator_name,
	     const json_t *request, const struct forward_target *target);

void forward_reply(struct supervisor *sup, const struct child *child,
		   const Tandem__AdminReply *reply);
/** It will not answer any more */
void forward_child_gone(struct supervisor *sup, const struct child *child);

struct forwards *forwards_free(struct forwards *forwards);

#endif
