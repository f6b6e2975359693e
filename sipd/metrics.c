/**
 * @file sipd/metrics.c  Metrics of sipd: rows and label sets
 */
#include "shared/base/util.h"
#include "shared/catalog/end_reason.h"
#include "sipd/guard.h"
#include "sipd/message.h"
#include "sipd/metrics.h"
#include "sipd/stats.h"

/* clang-format off */
static const char *const label_direction[SIP_DIRECTIONC] = {
	[SIP_IN]  = "in",
	[SIP_OUT] = "out",
};

static const char *const label_class[] = {
	"request", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx",
};

static const char *const label_fault[MESSAGE_FAULTC] = {
	[MESSAGE_OK]          = "none",
	[MESSAGE_EMPTY]       = "empty",
	[MESSAGE_NOT_SIP]     = "not_sip",
	[MESSAGE_NO_VIA]      = "no_via",
	[MESSAGE_NO_FROM]     = "no_from",
	[MESSAGE_NO_TO]       = "no_to",
	[MESSAGE_NO_CALL_ID]  = "no_call_id",
	[MESSAGE_NO_CSEQ]     = "no_cseq",
	[MESSAGE_BAD_VIA]     = "bad_via",
	[MESSAGE_SYNTAX]      = "syntax",
	[MESSAGE_CONTROL]     = "control",
	[MESSAGE_TWICE]       = "twice",
	[MESSAGE_CSEQ_METHOD] = "cseq_method",
	[MESSAGE_TRUNCATED]   = "truncated",
	[MESSAGE_NO_LENGTH]   = "no_length",
	[MESSAGE_HEADS]       = "heads",
	[MESSAGE_VERSION]     = "version",
	[MESSAGE_SCHEME]      = "scheme",
	[MESSAGE_METHOD]      = "method",
};

static const char *const label_drop[GUARD_DROPC] = {
	[GUARD_DROP_UNKNOWN]   = "unknown",
	[GUARD_DROP_RATE]      = "rate",
	[GUARD_DROP_BLACKLIST] = "blacklist",
	[GUARD_DROP_SCANNER]   = "scanner",
	[GUARD_DROP_MALFORMED] = "malformed",
	[GUARD_DROP_SUSPENDED] = "suspended",
};

static const char *const label_call_state[] = {
	"setup", "ringing", "answered", "ending",
};

static const char *const label_side[STATS_SIDEC] = {
	[STATS_IN]  = "in",
	[STATS_OUT] = "out",
};

static const char *const label_cause[METRICS_SWITCHC] = {
	[METRICS_SWITCH_TIMEOUT]   = "timeout",
	[METRICS_SWITCH_CODE]      = "code",
	[METRICS_SWITCH_TRANSPORT] = "transport",
};

static const char *const label_leg[] = { "a", "b" };

static const char *const label_probe[] = { "confirmed", "failed", "dead" };

static const char *const label_auth[METRICS_AUTHC] = {
	[METRICS_AUTH_CHALLENGE] = "challenge",
	[METRICS_AUTH_OK]        = "ok",
	[METRICS_AUTH_FAILED]    = "failed",
	[METRICS_AUTH_STALE]     = "stale",
	[METRICS_AUTH_SUSPENDED] = "suspended",
};

static const char *const label_register[METRICS_REGISTERC] = {
	[METRICS_REGISTER_OK]         = "ok",
	[METRICS_REGISTER_CHALLENGED] = "challenged",
	[METRICS_REGISTER_REFUSED]    = "refused",
};

#define LABELS_CALL_STATE LABELS_ONE("state", label_call_state)
#define LABELS_AUTH       LABELS_ONE("result", label_auth)
#define LABELS_REGISTER   LABELS_ONE("result", label_register)
#define LABELS_PROBE                                                  \
	{                                                             \
		{ "leg", label_leg, COUNT_OF(label_leg) },            \
		{ "result", label_probe, COUNT_OF(label_probe) },     \
	}
#define LABELS_GATEWAY LABELS_DYNAMIC("gateway")
#define LABELS_GATEWAY_SIDE                                           \
	{                                                             \
		{ "gateway", NULL, 0 },                               \
		{ "side", label_side, COUNT_OF(label_side) },         \
	}
#define LABELS_GATEWAY_END                                            \
	{                                                             \
		{ "gateway", NULL, 0 },                               \
		{ "reason", end_tokens, END_REASONC },                \
		{ "side", label_side, COUNT_OF(label_side) },         \
	}
#define LABELS_GATEWAY_SWITCH                                         \
	{                                                             \
		{ "gateway", NULL, 0 },                               \
		{ "cause", label_cause, COUNT_OF(label_cause) },      \
	}
#define LABELS_SIP_METHOD LABELS_ONE("method", method_names)
#define LABELS_SIP_FAULT  LABELS_ONE("reason", label_fault)
#define LABELS_SIP_DROP   LABELS_ONE("reason", label_drop)
#define LABELS_SIP_MESSAGES                                           \
	{                                                             \
		{ "direction", label_direction, SIP_DIRECTIONC },     \
		{ "method", method_names, METHODC },                  \
		{ "code_class", label_class, COUNT_OF(label_class) }, \
	}
/* clang-format on */

const struct metric_def sipd_metrics[SIPD_METRICC] = {
#define METRIC(kind, id, name, labels, help) \
	{ METRIC_##kind, name, labels, help },
#include "sipd/metrics.def"
#undef METRIC
};


size_t sipd_metric_message(enum sip_direction direction, unsigned method,
			   unsigned code)
{
	const size_t class = code / 100;

	return ((size_t)direction * METHODC +
		(method < METHODC ? method : METHOD_OTHER)) *
		       COUNT_OF(label_class) +
	       (class < COUNT_OF(label_class) ? class : 0);
}
