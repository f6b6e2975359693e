/**
 * @file sipd/media.h  A call's media: by the relay, or directly
 *
 * Decided before each attempt (media 1). With a relay, ports are asked of
 * mediad, who is told where each side is (media_point.h), and what was counted
 * comes back when they are given up: only then is the record complete. Without
 * one, nothing here costs a call anything.
 */
#ifndef TANDEM_SIPD_MEDIA_H
#define TANDEM_SIPD_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

struct bus_request;
struct call;
struct catalog;
struct sdp;
struct sipd;

/** For the candidate that was chosen (gateway or phone_b, and setup->to):
 *  EV_CANDIDATE follows, now or when there are ports, or EV_EXHAUSTED with
 *  the verdict. offer: NULL: none */
void media_prepare(struct call *call, const struct catalog *c,
		   const struct sdp *offer);

/** The B side is given up, the call goes on */
void media_leave(struct call *call);

/** The call has ended: its record follows, with what the relay counted */
int media_end(struct call *call);

/** Nothing that was asked for comes back */
void media_cancel(struct call *call);

/** Ports of a session that nobody knows here */
void media_disown(struct sipd *sipd, uint64_t session, uint16_t worker);

/** Time since the last packet of the call that counts, when it ended (media
 *  9.6); in microseconds */
int64_t media_tail_us(const struct call *call);

/** A request to the mediad of this call, filled but for deadline and h */
void media_request(struct bus_request *request, struct call *call);

bool media_has_relay(const struct call *call);

#endif
