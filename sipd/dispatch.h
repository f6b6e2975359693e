/**
 * @file sipd/dispatch.h  Messages of the bus that sipd accepts
 */
#ifndef TANDEM_SIPD_DISPATCH_H
#define TANDEM_SIPD_DISPATCH_H

#include <stddef.h>

#include "shared/ipc/bus.h"

extern const struct bus_route sipd_routes[];
extern const size_t sipd_routec;

/* media_notice.c */
int media_on_lost(void *state, const Tandem__Envelope *env, int tag);
int media_on_started(void *state, const Tandem__Envelope *env, int tag);
int media_on_digit(void *state, const Tandem__Envelope *env, int tag);

/* enrol.c */
int enrol_on_enrol(void *state, const Tandem__Envelope *env, int tag);

#endif
