/**
 * @file mediad/metrics.c  Metrics of mediad: rows and label sets
 */
#include "mediad/metrics.h"
#include "mediad/session.h"

/* clang-format off */
static const char *const label_side[] = { "a", "b" };

static const char *const label_rejected[SESSION_DROPS] = {
	[SESSION_FOREIGN] = "foreign_source",
	[SESSION_NOT_RTP] = "not_rtp",
	[SESSION_PAYLOAD] = "payload_type",
	[SESSION_NONE]    = "no_session",
};

static const char *const label_dtmf[METRICS_DTMFC] = {
	[METRICS_DTMF_CONVERTED]     = "converted",
	[METRICS_DTMF_UNDELIVERABLE] = "dtmf_undeliverable",
};

#define LABELS_SIDE     LABELS_ONE("side", label_side)
#define LABELS_REJECTED LABELS_ONE("reason", label_rejected)
#define LABELS_DTMF     LABELS_ONE("result", label_dtmf)
#define LABELS_GATEWAY  LABELS_DYNAMIC("gateway")
/* clang-format on */

const struct metric_def mediad_metrics[MEDIAD_METRICC] = {
#define METRIC(kind, id, name, labels, help) \
	{ METRIC_##kind, name, labels, help },
#include "mediad/metrics.def"
#undef METRIC
};
