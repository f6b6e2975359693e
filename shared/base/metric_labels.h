/**
 * @file shared/base/metric_labels.h  Label sets of the metrics every process
 * has
 *
 * A set is the initializer of struct metric_def.label. Values stand in the
 * order of the enum they are indexed with.
 */
#ifndef TANDEM_BASE_METRIC_LABELS_H
#define TANDEM_BASE_METRIC_LABELS_H

#include "shared/base/util.h"

#define LABELS_NONE                   \
	{                             \
		{                     \
			NULL, NULL, 0 \
		}                     \
	}

/** One label with the values of an array of text */
#define LABELS_ONE(name, values)                       \
	{                                              \
		{                                      \
			name, values, COUNT_OF(values) \
		}                                      \
	}

/** One label whose values are not known before it runs: metric_series() */
#define LABELS_DYNAMIC(name)          \
	{                             \
		{                     \
			name, NULL, 0 \
		}                     \
	}

extern const char *const label_version[1];
extern const char *const label_bus_refusal[9];     /**< enum bus_refusal */
extern const char *const label_control_refusal[5]; /**< enum control_refusal */

#define LABELS_VERSION         LABELS_ONE("version", label_version)
#define LABELS_SEGMENT         LABELS_DYNAMIC("segment")
#define LABELS_PEER            LABELS_DYNAMIC("peer")
#define LABELS_BUS_REFUSAL     LABELS_ONE("reason", label_bus_refusal)
#define LABELS_CONTROL_REFUSAL LABELS_ONE("reason", label_control_refusal)

/** Why a frame of the control channel was refused */
enum control_refusal {
	CONTROL_TOO_LARGE,
	CONTROL_MALFORMED,
	CONTROL_UNKNOWN_BODY,
	CONTROL_WRONG_STATE,
	CONTROL_WRONG_PEER,
};

#endif
