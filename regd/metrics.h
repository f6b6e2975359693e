/**
 * @file regd/metrics.h  Metrics of regd: rows and label sets
 */
#ifndef TANDEM_REGD_METRICS_H
#define TANDEM_REGD_METRICS_H

#include "shared/base/metric.h"
#include "shared/base/metric_labels.h"

enum regd_metric {
	REGD_METRIC_BASE = M_COMMONC - 1,
#define METRIC(kind, id, name, labels, help) M_##id,
#include "regd/metrics.def"
#undef METRIC
	REGD_METRIC_END
};

enum {
	REGD_METRICC = REGD_METRIC_END - M_COMMONC
};

/** For metric_setup() */
extern const struct metric_def regd_metrics[REGD_METRICC];

#endif
