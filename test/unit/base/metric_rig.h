/**
 * @file test/unit/base/metric_rig.h  Rows and a page for tests of metrics
 */
#ifndef TANDEM_TEST_UNIT_BASE_METRIC_RIG_H
#define TANDEM_TEST_UNIT_BASE_METRIC_RIG_H

#include "shared/base/metric.h"
#include "shared/base/metric_labels.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	RECORDC = 200,
	PAGE_BYTES = 64 + RECORDC * 192,
	HEAD_BYTES = 64,
	RECORD_BYTES = 192,
	CRC_AT = 8, /* of a record: see struct record */
	KEY_AT = 16,
};

enum {
	M_CALLS = M_COMMONC,
	M_ACTIVE,
	M_ANSWERS,
	M_GATEWAY_CALLS,
	M_SETUP,
	M_GATEWAY_SETUP,
	M_GATEWAY_ENDS,
	M_RATIO,
	M_GATEWAY_LINES,
	RIG_END,
	RIG_DEFC = RIG_END - M_COMMONC
};

extern const struct metric_def rig_defs[RIG_DEFC];
extern uint8_t rig_page[PAGE_BYTES];

int rig_setup(void **state);
int rig_teardown(void **state);

/** A process ends and its successor attaches the page. */
void rig_restart_with(const struct metric_def *rows, size_t rowc);
void rig_restart(void);

/** Everything, with a NUL; freed with the next */
const char *rig_printed(void);
/** Is this a line of it? */
bool rig_says(const char *line);
/** How often this is in it */
size_t rig_lines_of(const char *what);

/** In the page; NULL if there is none */
uint8_t *rig_record_of(const char *key);
size_t rig_records_used(void);

#endif
