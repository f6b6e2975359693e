/**
 * @file shared/base/metric.h  Numbers that outlive the process
 *
 * A daemon's metrics are the rows of its metrics.def; the rows every process
 * has are in shared/base/metrics_common.def and come first. Values lie in a
 * page of shared memory that only this process writes: a list of series, each
 * with its own name and labels, so that a newer release with other rows finds
 * the old values again. Counters go on where they were; gauges begin at 0 and
 * do not lie in the page.
 *
 * The page in use is the process's one writable global (rule zero): a counter
 * is bumped from everywhere, must cost one add, and must never fail. Before
 * metric_attach() the values lie in private memory and are carried over.
 */
#ifndef TANDEM_BASE_METRIC_H
#define TANDEM_BASE_METRIC_H

#include <stddef.h>
#include <stdint.h>

enum metric_kind {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM,
	METRIC_GAUGE_MILLI /**< In thousandths, told with decimals */
};

/** Of a METRIC_GAUGE_MILLI: there is no value; told as NaN */
#define METRIC_NONE INT64_MIN

/** One label and the values it can have: a bounded set, never an id. A set
 *  that is not known before it runs has valuec 0: only the first label of a
 *  row may be so, and its values come from metric_series(). */
struct metric_label {
	const char *name; /**< NULL: no label */
	const char *const *values;
	size_t valuec;
};

enum {
	METRIC_LABELS_MAX = 3
};

struct metric_def {
	enum metric_kind kind;
	const char *name;
	struct metric_label label[METRIC_LABELS_MAX];
	const char *help;
};

/* Rows every process has: enum metric_common, first in every daemon's enum. A
 * daemon's own begin behind them:
 *
 *     enum sipd_metric {
 *             SIPD_METRIC_BASE = M_COMMONC - 1,
 *     #define METRIC(kind, id, name, labels, help) M_##id,
 *     #include "sipd/metrics.def"
 *     #undef METRIC
 *     };
 *
 * and the same list makes the table for metric_setup():
 *
 *     const struct metric_def sipd_metrics[] = {
 *     #define METRIC(kind, id, name, labels, help)                      \
 *             { METRIC_##kind, name, labels, help },
 *     #include "sipd/metrics.def"
 *     #undef METRIC
 *     };
 */
enum metric_common {
#define METRIC(kind, id, name, labels, help) M_##id,
#include "shared/base/metrics_common.def"
#undef METRIC
	M_COMMONC
};

/** Bytes of the page that holds this many series */
size_t metric_page_size(uint32_t seriesc);

/**
 * Say which rows this process has, beside the common ones
 *
 * @param defs Rows; defs[0] has the id M_COMMONC. Must stay.
 * @param defc Number of rows
 *
 * @return 0 if success, otherwise errorcode
 */
int metric_setup(const struct metric_def *defs, size_t defc);

/**
 * Put the values into shared memory, from what lies there onwards
 *
 * @param page Mapped page, zero-filled when new; written by nobody else
 * @param size Its size in bytes
 *
 * @return 0 if success, EBADMSG if the page does not make sense (the caller
 *         clears it and attaches again), otherwise errorcode
 */
int metric_attach(void *page, size_t size);

/**
 * Fill a page that is new with what the release before left in one of another
 * size; then attach it
 *
 * @return 0 if success, EEXIST: the page is not new, EBADMSG: the old one does
 *         not make sense
 */
int metric_page_copy(void *page, size_t size, const void *old, size_t oldsize);

/** Let go of page and rows; for tests and for exit */
void metric_detach(void);

void metric_inc(unsigned id);
void metric_add(unsigned id, uint64_t n);
void metric_set(unsigned id, int64_t value);

/* index: position in the label's values; for two and three labels row-major,
 * (i * valuec2 + j) * valuec3 + k. Out of range is counted as the last. */
void metric_inc_at(unsigned id, size_t index);
void metric_add_at(unsigned id, size_t index, uint64_t n);
void metric_set_at(unsigned id, size_t index, int64_t value);

/** A histogram's observation; buckets are fixed, 1 ms to 10 s in 1-2-5 steps,
 *  and the sum is exact to the microsecond */
void metric_observe_us(unsigned id, size_t index, uint64_t us);

/** Series of a metric whose first label is not known before it runs: found or
 *  made by that label's value. If it is the only label, it is there from now
 *  on; else, and of a histogram, each of its values when it is first counted.
 *  One that the page has no room for counts all the same, but not beyond the
 *  process.
 *  @return index for the functions above, to which that of the labels behind,
 *          row-major, is added; SIZE_MAX when the process has no room either,
 *          which they take and ignore */
size_t metric_series(unsigned id, const char *label_value);

/** What a label value is told as: it is part of a name, so what would need an
 *  escape is replaced, and what may be no UTF-8, at which a reader refuses the
 *  whole page */
void metric_label_clean(char *value);

/** Its series goes away (a gateway was removed); the index may be another's
 *  then */
void metric_series_drop(unsigned id, size_t index);

/** For tests and status: the value now */
uint64_t metric_get(unsigned id, size_t index);

/** Everything as Prometheus text format 0.0.4
 *  @return malloc()ed text with *lenp bytes, NULL if out of memory */
char *metric_print(size_t *lenp);

#endif
