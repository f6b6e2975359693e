/**
 * @file test/fuzz/fuzz_catalog.h  Good parts of a catalog, to be damaged
 */
#ifndef TANDEM_TEST_FUZZ_FUZZ_CATALOG_H
#define TANDEM_TEST_FUZZ_FUZZ_CATALOG_H

#include "shared/catalog/build_int.h"

/** The parts of a small version as bytes, aligned, malloc()ed. Aborts if they
 *  cannot be made. */
struct good_part {
	uint8_t *bytes;
	size_t size;
};
void good_parts(struct good_part parts[CATALOG_PARTC]);

#endif
