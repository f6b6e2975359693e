/**
 * @file test/unit/catalog/record_rig.h  A row that is being made
 */
#ifndef TANDEM_TEST_UNIT_CATALOG_RECORD_RIG_H
#define TANDEM_TEST_UNIT_CATALOG_RECORD_RIG_H

#include "shared/catalog/heap.h"
#include "shared/catalog/record.h"

enum {
	ROW_MAX = 512
};

#define A32 "0123456789abcdef0123456789abcdef"
#define A64 A32 A32

/* A row of any kind, with a heap of its own */
struct made {
	union {
		uint64_t align;
		uint8_t bytes[ROW_MAX];
	} row;
	struct heap *heap;
};

int made_setup(void **state);
int made_teardown(void **state);

/** The test fails if there is none */
const struct record_field *field_of(enum record_kind kind, const char *name);

/** Records are named alpha (7), beta (8) and gamma (9) here. */
int made_put(struct made *made, const struct record_field *field,
	     const char *text, char why[RECORD_WHY_MAX]);
int made_print(struct made *made, const struct record_field *field,
	       char **textp);

extern const char *const record_type_names[RECORD_TYPEC];

#endif
