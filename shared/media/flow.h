/**
 * @file shared/media/flow.h  What the counters of one side come to
 *
 * Media 10: loss and jitter, and what it sounds like: the E-model of ITU-T
 * G.107 in the form given there. Pure. mediad counts (mediad/flow_count.h);
 * whoever shows a call reads.
 */
#ifndef TANDEM_MEDIA_FLOW_H
#define TANDEM_MEDIA_FLOW_H

#include "shared/media/media_slot.h"

uint64_t flow_expected(const struct media_flow *flow);
uint64_t flow_lost(const struct media_flow *flow);
/** Mean, microseconds */
uint64_t flow_jitter_us(const struct media_flow *flow);

/** Hundredths, 100 to 450; 0: too few packets */
uint32_t flow_mos(const struct media_flow *flow);

#endif
