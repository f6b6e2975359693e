/**
 * @file test/unit/catalog/rig.h  A control page, a publisher and a reader
 */
#ifndef TANDEM_TEST_UNIT_CATALOG_RIG_H
#define TANDEM_TEST_UNIT_CATALOG_RIG_H

#include "shared/catalog/build.h"

struct rig {
	char name[SEGMENT_NAME_MAX]; /**< Of the control segment */
	char prefix[SEGMENT_NAME_MAX];
	char copy[256];
	struct segment control; /**< As billingd maps it */
	struct segment view;    /**< As the others do */
	struct publisher *publisher;
	struct catalog_reader *reader;
	char why[BUILD_WHY_MAX]; /**< Of the last refusal */
};

/** Names in shared memory are the process's and what's */
int rig_open(struct rig *rig, const char *what);
void rig_close(struct rig *rig);

/** Another publisher on the same page: the first was killed, or gave way */
int rig_restart(struct rig *rig);

/** A row by names of fields and values: rig_row(rig, b, RECORD_PHONE, 7,
 *  "number", "100", NULL). Others have their default.
 *  @return what build_row() does; rig->why is set */
int rig_row(struct rig *rig, struct build *b, enum record_kind kind,
	    uint32_t id, ...) __attribute__((sentinel));

/** Build on what is published, or from nothing */
int rig_begin(struct rig *rig, struct build **bp);

/** Publish as version and free the build */
int rig_publish(struct rig *rig, struct build *b, uint64_t version);

/** Does a part with this generation exist? */
bool rig_has_part(const struct rig *rig, const char *part,
		  uint64_t generation);

#endif
