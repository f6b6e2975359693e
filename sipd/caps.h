/**
 * @file sipd/caps.h  The latest end of an answered call (call-lifetime 3, 4)
 */
#ifndef TANDEM_SIPD_CAPS_H
#define TANDEM_SIPD_CAPS_H

struct call;

/** From the answer on, or after a restart: the earliest of max duration,
 *  no-timer cap and granted time */
void caps_start(struct call *call);
/** Seconds until it fires; -1: never. reasonp: enum end_reason */
long caps_left_s(const struct call *call, int *reasonp);

#endif
