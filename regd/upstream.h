/**
 * @file regd/upstream.h  Registrations of the switch at others
 */
#ifndef TANDEM_REGD_UPSTREAM_H
#define TANDEM_REGD_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/reg/upstream.h"

struct regd;
struct text;
struct upstreams;

/** Adopts what a predecessor left: its registrations go on */
int upstreams_alloc(struct upstreams **up, struct regd *regd);
struct upstreams *upstreams_free(struct upstreams *u);

/** What is configured has changed, perhaps */
void upstreams_sync(struct upstreams *u);

/** The whole switch stops: all are unregistered, as their records say */
void upstreams_leave(struct upstreams *u);
/** Has everybody been told? */
bool upstreams_have_left(const struct upstreams *u);

/** How they are, as metrics */
void upstreams_tell(const struct upstreams *u);

/** Register again now, whatever it waits for. @return 0, ENOENT */
int upstreams_refresh(struct upstreams *u, uint32_t record);

/** name: of the record; "" if it is gone */
typedef void(upstream_h)(const struct upstream_image *image, const char *name,
			 void *arg);
void upstreams_walk(const struct upstreams *u, upstream_h *h, void *arg);

#endif
