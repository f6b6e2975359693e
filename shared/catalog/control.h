/**
 * @file shared/catalog/control.h  Which version of the catalog is in force
 *
 * One slot, written by billingd and read by everybody: one look tells of all
 * parts of a version, so none can be taken for another's.
 */
#ifndef TANDEM_CATALOG_CONTROL_H
#define TANDEM_CATALOG_CONTROL_H

#include <stdint.h>

#include "shared/base/util.h"
#include "shared/shm/slot.h"

/** The control page: one slot of this image in the segment "catalog" */
#define CATALOG_MAGIC 0x746c6143u /* "Calt" */

enum {
	CATALOG_VERSION = 1,
	CATALOG_PARTC = 3,
};

enum catalog_part {
	CATALOG_CORE,
	CATALOG_PHONES,
	CATALOG_RATES
};

enum catalog_origin {
	CATALOG_DEFAULTS, /**< Nothing but the defaults of the parameters */
	CATALOG_DATABASE,
	CATALOG_DISK /**< The copy of an earlier version */
};

struct catalog_control {
	uint64_t publication; /**< Counts up; names a version among readers */
	uint64_t version;     /**< Of the configuration; the database's */
	int64_t published_us; /**< Wall clock */
	uint32_t origin;      /**< enum catalog_origin */
	uint32_t pad;
	struct {
		uint64_t generation; /**< Part of its name */
		uint64_t size;
		uint32_t crc;
		uint32_t pad;
	} parts[CATALOG_PARTC];
};
BUILD_ASSERT(sizeof(struct catalog_control) == 104);

#define CATALOG_SLOT_SIZE SLOT_SIZE(sizeof(struct catalog_control))

#endif
