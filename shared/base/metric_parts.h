/**
 * @file shared/base/metric_parts.h  Inside of the metrics: rows, cells, page
 *
 * For metric*.c only.
 */
#ifndef TANDEM_BASE_METRIC_PARTS_H
#define TANDEM_BASE_METRIC_PARTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/metric.h"

enum {
	METRIC_DEFS_MAX = 256,
	METRIC_CELLS_MAX = 65536,
	METRIC_SERIES_MAX = 8192,
	METRIC_KEY_MAX = 176,
	METRIC_LABEL_SIZE = 72,            /**< A record's name fits */
	METRIC_BUCKETC = 14,               /**< With +Inf */
	METRIC_PARTC = METRIC_BUCKETC + 1, /**< And the sum */
};

/** A value of a row, and where it lies */
struct metric_cell {
	_Atomic uint64_t *value; /**< NULL: nothing was counted yet */
	uint16_t def;
	uint16_t series; /**< Of a dynamic row; else 0 */
};

/** The cells of one label value of a dynamic row */
struct metric_series {
	uint32_t first; /**< Cell of index 0 */
	uint16_t next;  /**< Of the same row; 0: none */
	bool dropped;
	char label[METRIC_LABEL_SIZE];
};

struct metrics {
	const struct metric_def *defs[METRIC_DEFS_MAX];
	uint32_t first[METRIC_DEFS_MAX];  /**< Cell of index 0, if static */
	uint32_t indexc[METRIC_DEFS_MAX]; /**< Of known labels, see below */
	bool dynamic[METRIC_DEFS_MAX];
	uint16_t series_first[METRIC_DEFS_MAX]; /**< If dynamic; 0: none */
	uint16_t series_last[METRIC_DEFS_MAX];
	size_t defc;

	struct metric_cell cells[METRIC_CELLS_MAX];
	size_t cellc;

	struct metric_series series[METRIC_SERIES_MAX]; /**< [0]: nobody's */
	size_t seriesc;

	_Atomic uint64_t values[METRIC_CELLS_MAX]; /**< What is in no page */
	_Atomic uint64_t overflow; /**< What has no place is counted here */
};

static inline bool metric_is_dynamic(const struct metric_def *def)
{
	return def->label[0].name && def->label[0].valuec == 0;
}

static inline bool metric_is_gauge(const struct metric_def *def)
{
	return def->kind == METRIC_GAUGE || def->kind == METRIC_GAUGE_MILLI;
}

/** Cells of an index */
static inline size_t metric_partc(const struct metric_def *def)
{
	return def->kind == METRIC_HISTOGRAM ? METRIC_PARTC : 1;
}

/** Combinations of the labels whose values are known */
size_t metric_indexc(const struct metric_def *def);

/** name="value",... of an index; "" if the row has no label */
int metric_labels_print(char dst[METRIC_KEY_MAX], const struct metric_def *def,
			size_t index, const char *label_value);
/** Upper edge of a bucket, as text */
const char *metric_bucket_le(size_t bucket);

/** The rows and cells of this process */
const struct metrics *metric_all(void);

/* --- the page ------------------------------------------------------------- */

/** Is a row with this key still wanted? */
typedef bool(metric_wanted_h)(const char *key, enum metric_kind kind);

int metric_page_open(void *page, size_t size, metric_wanted_h *wantedh);
void metric_page_close(void);
bool metric_page_is_open(void);

/** Value of the record with this key; NULL if there is none. It is claimed:
 *  nobody takes its place any more. */
_Atomic uint64_t *metric_page_find(const char *key, enum metric_kind kind);
/** A new one, 0. What no row has claimed makes room for it. NULL: full */
_Atomic uint64_t *metric_page_make(const char *key, enum metric_kind kind);
/** The record of a value is free again; nothing happens to values that do not
 *  lie in the page */
void metric_page_clear(_Atomic uint64_t *value);

#endif
