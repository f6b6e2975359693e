/**
 * @file mediad/held.h  Packets that were received and not sent yet
 *
 * mediad receives a group of packets, judges them and sends them: each of the
 * three is cheaper done to several in a row. What a kill would take with it
 * lies in shared memory, so that the successor sends it. Twice, if the kill
 * comes between the sending and its note; RTP knows that.
 */
#ifndef TANDEM_MEDIAD_HELD_H
#define TANDEM_MEDIAD_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/media/media_slot.h"

struct segment;

enum held_state {
	HELD_NOTHING,
	HELD_IN,  /**< As it was received */
	HELD_OUT, /**< As it is to be sent, from out to to */
};

/** The group of a worker */
struct held {
	struct media_held *slots[HELD_PER_WORKER];
};

/** @return 0, EINVAL: there is no room for that worker */
int held_open(struct held *held, const struct segment *segment,
	      uint32_t worker);

/** Received: data is there already */
void held_in(struct media_held *slot, uint16_t port, const struct addr *from,
	     size_t len, int64_t now_us);
/** Judged: data may have been changed */
void held_out(struct media_held *slot, uint16_t port, const struct addr *to);
bool held_is_in(const struct media_held *slot);
/** Sent, or not to be sent */
void held_end(struct media_held *slot);

/** What a predecessor held, out of its slot: once, whatever comes of it.
 *  @return false: nothing that makes sense, or from too long ago */
bool held_take(struct media_held *slot, struct media_held *copy,
	       int64_t now_us);

#endif
