/**
 * @file mediad/relay.h  The packets' way through
 *
 * The sockets lie in an epoll set of their own, which the loop watches as one
 * descriptor: a packet costs no handle and no callback of the loop. No
 * allocation, no log but of a flood, no lock.
 */
#ifndef TANDEM_MEDIAD_RELAY_H
#define TANDEM_MEDIAD_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "mediad/session.h"

struct mediad;
struct relay;

int relay_alloc(struct relay **relayp, struct mediad *mediad);
/** Pass on what waits, and then whatever comes */
int relay_start(struct relay *relay);
struct relay *relay_free(struct relay *relay);

/** Ports are others: ports_reload() */
int relay_reload(struct relay *relay);

/** A packet of our own, from this socket to where the side is */
void relay_say(struct relay *relay, const struct session *s,
	       struct session_at at, const uint8_t *data, size_t len);

#endif
