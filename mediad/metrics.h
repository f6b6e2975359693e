/**
 * @file mediad/metrics.h  Metrics of mediad: rows and label sets
 *
 * Label values stand in the order of the enum that they are indexed with.
 */
#ifndef TANDEM_MEDIAD_METRICS_H
#define TANDEM_MEDIAD_METRICS_H

#include "shared/base/metric.h"
#include "shared/base/metric_labels.h"

enum mediad_metric {
	MEDIAD_METRIC_BASE = M_COMMONC - 1,
#define METRIC(kind, id, name, labels, help) M_##id,
#include "mediad/metrics.def"
#undef METRIC
	MEDIAD_METRIC_END
};

enum {
	MEDIAD_METRICC = MEDIAD_METRIC_END - M_COMMONC
};

enum metrics_dtmf {
	METRICS_DTMF_CONVERTED,
	METRICS_DTMF_UNDELIVERABLE,
	METRICS_DTMFC
};

/** For metric_setup() */
extern const struct metric_def mediad_metrics[MEDIAD_METRICC];

#endif
