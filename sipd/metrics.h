/**
 * @file sipd/metrics.h  Metrics of sipd: rows and label sets
 *
 * Label values stand in the order of the enum that they are indexed with.
 */
#ifndef TANDEM_SIPD_METRICS_H
#define TANDEM_SIPD_METRICS_H

#include <stddef.h>

#include "shared/base/metric.h"
#include "shared/base/metric_labels.h"

enum sipd_metric {
	SIPD_METRIC_BASE = M_COMMONC - 1,
#define METRIC(kind, id, name, labels, help) M_##id,
#include "sipd/metrics.def"
#undef METRIC
	SIPD_METRIC_END
};

enum {
	SIPD_METRICC = SIPD_METRIC_END - M_COMMONC
};

/** For metric_setup() */
extern const struct metric_def sipd_metrics[SIPD_METRICC];

enum sip_direction {
	SIP_IN,
	SIP_OUT,
	SIP_DIRECTIONC
};

enum sipd_auth {
	METRICS_AUTH_CHALLENGE,
	METRICS_AUTH_OK,
	METRICS_AUTH_FAILED,
	METRICS_AUTH_STALE,
	METRICS_AUTH_SUSPENDED,
	METRICS_AUTHC
};

enum sipd_register {
	METRICS_REGISTER_OK,
	METRICS_REGISTER_CHALLENGED,
	METRICS_REGISTER_REFUSED,
	METRICS_REGISTERC
};

enum sipd_switch {
	METRICS_SWITCH_TIMEOUT,
	METRICS_SWITCH_CODE,
	METRICS_SWITCH_TRANSPORT,
	METRICS_SWITCHC
};

/** Index into tandem_sip_messages_total; method: enum method; code 0: a
 *  request */
size_t sipd_metric_message(enum sip_direction direction, unsigned method,
			   unsigned code);

#endif
