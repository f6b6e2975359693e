/**
 * @file mediad/flow_count.h  Counting what comes from one side
 *
 * Media 10: packets, sequence numbers, order, duplicates, jitter by RFC 3550,
 * 6.4.1 and appendix A. Pure.
 */
#ifndef TANDEM_MEDIAD_FLOW_COUNT_H
#define TANDEM_MEDIAD_FLOW_COUNT_H

#include "mediad/pkt.h"
#include "shared/media/flow.h"

/** A packet was accepted; bytes: of the datagram */
void flow_count(struct media_flow *flow, size_t bytes, int64_t now_us);

/** It was RTP. payload: its row; NULL: none is known, 8000 Hz */
void flow_rtp(struct media_flow *flow, const struct pkt_head *head,
	      const struct media_payload *payload, int64_t now_us);

#endif
