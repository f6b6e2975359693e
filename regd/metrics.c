/**
 * @file regd/metrics.c  Metrics of regd: rows and label sets
 */
#include "regd/metrics.h"
#include "regd/regd.h"
#include "shared/base/util.h"
#include "shared/reg/upstream.h"

/* clang-format off */
static const char *const label_nat[] = { "no", "yes" };

static const char *const label_change[REGD_CHANGEC] = {
	[REGD_ADDED]     = "added",
	[REGD_REFRESHED] = "refreshed",
	[REGD_REMOVED]   = "removed",
	[REGD_REPLACED]  = "replaced",
	[REGD_EXPIRED]   = "expired",
	[REGD_KICKED]    = "kicked",
};

static const char *const label_state[UPSTREAM_STATEC] = {
	[UPSTREAM_OFF]           = "off",
	[UPSTREAM_TRYING]        = "trying",
	[UPSTREAM_WAITING]       = "waiting",
	[UPSTREAM_REGISTERED]    = "registered",
	[UPSTREAM_UNREGISTERING] = "unregistering",
};

#define LABELS_UPSTREAM                                               \
	{                                                             \
		{ "record", NULL, 0 },                                \
		{ "state", label_state, COUNT_OF(label_state) },      \
	}
#define LABELS_NAT    LABELS_ONE("nat", label_nat)
#define LABELS_CHANGE LABELS_ONE("change", label_change)
/* clang-format on */

const struct metric_def regd_metrics[REGD_METRICC] = {
#define METRIC(kind, id, name, labels, help) \
	{ METRIC_##kind, name, labels, help },
#include "regd/metrics.def"
#undef METRIC
};
