/**
 * @file test/fuzz/fuzz_shm.h  The segment that fuzz_segment.c expects
 */
#ifndef TANDEM_TEST_FUZZ_FUZZ_SHM_H
#define TANDEM_TEST_FUZZ_FUZZ_SHM_H

#include "shared/shm/segment.h"
#include "shared/shm/slot.h"

enum {
	FUZZ_SLOTC = 8,
	FUZZ_IMAGE_SIZE = 20
};

static const struct segment_layout fuzz_layout = {
	.magic = 0x5a5a5546,
	.version = 3,
	.slot_size = SLOT_SIZE(FUZZ_IMAGE_SIZE),
	.slotc = FUZZ_SLOTC,
};

#endif
