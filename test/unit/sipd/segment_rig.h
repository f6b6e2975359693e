/**
 * @file test/unit/sipd/segment_rig.h  A segment to try a module on
 */
#ifndef TANDEM_TEST_UNIT_SIPD_SEGMENT_RIG_H
#define TANDEM_TEST_UNIT_SIPD_SEGMENT_RIG_H

#include <stdint.h>

#include "shared/shm/segment.h"

struct segment_rig {
	char name[SEGMENT_NAME_MAX];
	struct segment segment; /**< The writer's mapping */
	struct segment view;    /**< What other processes see */
};

/** All zero, and named so that no other test has it */
void segment_rig_open(struct segment_rig *rig, const char *what,
		      const struct segment_layout *layout);
void segment_rig_close(struct segment_rig *rig);

#endif
