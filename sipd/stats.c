/**
 * @file sipd/stats.c  What is counted per gateway
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "sipd/metrics.h"
#include "sipd/stats.h"

enum {
	STEP_S = 10,
	STEPC = STATS_WINDOW_S / STEP_S,
	SECOND_US = 1000000,
};

/* Families, counters first: those are there again after a restart. */
enum family {
	ATTEMPTS,
	ANSWERED,
	ENDED,
	SWITCHES,
	SETUP,
	ANSWER,
	DURATION,
	COUNTERC,
	LINES = COUNTERC,
	UP,
	ASR,
	ACD,
	FAMILYC
};

/* clang-format off */
static const unsigned ids[FAMILYC] = {
	[ATTEMPTS] = M_CALL_ATTEMPTS,
	[ANSWERED] = M_CALLS_ANSWERED,
	[ENDED]    = M_CALLS_ENDED,
	[SWITCHES] = M_GATEWAY_SWITCHES,
	[SETUP]    = M_CALL_SETUP,
	[ANSWER]   = M_CALL_ANSWER,
	[DURATION] = M_CALL_DURATION,
	[LINES]    = M_GATEWAY_LINES_USED,
	[UP]       = M_GATEWAY_UP,
	[ASR]      = M_GATEWAY_ASR,
	[ACD]      = M_GATEWAY_ACD,
};

/* Label values of tandem_gateway_switches_total */
static const uint8_t causes[ATTEMPT_ENDC] = {
	[ATTEMPT_T1]        = METRICS_SWITCH_TIMEOUT,
	[ATTEMPT_T2]        = METRICS_SWITCH_TIMEOUT,
	[ATTEMPT_T3A]       = METRICS_SWITCH_TIMEOUT,
	[ATTEMPT_T3B]       = METRICS_SWITCH_TIMEOUT,
	[ATTEMPT_T4]        = METRICS_SWITCH_TIMEOUT,
	[ATTEMPT_RESENDS]   = METRICS_SWITCH_TIMEOUT,
	[ATTEMPT_TRANSPORT] = METRICS_SWITCH_TRANSPORT,
	[ATTEMPT_FINAL]     = METRICS_SWITCH_CODE,
	[ATTEMPT_AUTH]      = METRICS_SWITCH_CODE,
};
/* clang-format on */

struct gateway;

/** A name in the metrics. Two gateways, one of each side, may share it. */
struct label {
	char name[STATS_NAME_SIZE];
	size_t series[FAMILYC]; /**< SIZE_MAX: none yet */
	struct gateway *of[STATS_SIDEC];
};

struct step {
	uint32_t attempts, answered, talks, setups;
	uint64_t talk_ms, setup_ms;
};

struct gateway {
	struct map_link link;
	struct key {
		uint32_t side, id;
	} key;
	struct label *label;
	struct gateway *next;
	int64_t step; /**< Of the newest in steps[] */
	struct step steps[STEPC];
	int64_t second;
	uint32_t now,
		before; /**< Attempts of that second and the one before */
};

struct stats {
	struct stats_args args;
	struct map *gateways;
	struct gateway *all;
	int64_t now_us, told_us;
	struct label none, other;
	size_t labelc;
	struct label *labels[STATS_LABELS_MAX];
};


/* --- labels --------------------------------------------------------------- */

static size_t series(struct label *label, enum family f)
{
	if (label->series[f] == SIZE_MAX)
		label->series[f] = metric_series(ids[f], label->name);

	return label->series[f];
}


static void label_init(struct label *label, const char *name)
{
	(void)text_print(label->name, sizeof(label->name), "%s", name);
	for (size_t f = 0; f < FAMILYC; f++)
		label->series[f] = SIZE_MAX;
	for (size_t f = 0; f < COUNTERC; f++)
		(void)series(label, (enum family)f);
}


static void label_drop(struct stats *stats, size_t i)
{
	struct label *label = stats->labels[i];

	for (size_t f = 0; f < FAMILYC; f++)
		if (label->series[f] != SIZE_MAX)
			metric_series_drop(ids[f], label->series[f]);
	free(label);
	stats->labels[i] = stats->labels[--stats->labelc];
}


/* NULL: there is no room */
static struct label *label_take(struct stats *stats, const char *name)
{
	struct label *label;

	if (strcmp(name, stats->other.name) == 0)
		return NULL; /* it shares that one */
	for (size_t i = 0; i < stats->labelc; i++)
		if (strcmp(stats->labels[i]->name, name) == 0)
			return stats->labels[i];
	if (stats->labelc == STATS_LABELS_MAX)
		return NULL;

	label = calloc(1, sizeof(*label));
	if (!label)
		return NULL;
	label_init(label, name);
	stats->labels[stats->labelc++] = label;

	return label;
}


static void count(struct label *label, enum family f, size_t index)
{
	const size_t base = series(label, f);

	if (base != SIZE_MAX)
		metric_inc_at(ids[f], base + index);
}


static void observe(struct label *label, enum family f, int64_t us)
{
	metric_observe_us(ids[f], series(label, f), us > 0 ? (uint64_t)us : 0);
}


/* --- gateways ------------------------------------------------------------- */

static void label_gateway(struct stats *stats, struct gateway *gateway,
			  const char *name)
{
	struct label *label = label_take(stats, name);

	/* Two names may be told alike, or the one before is not gone yet. */
	if (!label || label->of[gateway->key.side]) {
		gateway->label = &stats->other;
		return;
	}
	gateway->label = label;
	label->of[gateway->key.side] = gateway;
}


static void unlabel(struct stats *stats, struct gateway *gateway)
{
	if (gateway->label != &stats->other)
		gateway->label->of[gateway->key.side] = NULL;
	gateway->label = &stats->other;
}


/* As it is told; an error: there is no such gateway any more */
static int name_of(const struct stats *stats, enum stats_side side,
		   uint32_t id, char name[STATS_NAME_SIZE])
{
	const int err = stats->args.nameh(side, id, name, stats->args.arg);

	if (!err)
		metric_label_clean(name);

	return err;
}


/* NULL: there is none by that id, or no memory for it */
static struct gateway *gateway_find(const struct stats *stats,
				    enum stats_side side, uint32_t id)
{
	const struct key key = { (uint32_t)side, id };
	struct map_link *link = map_find(stats->gateways, &key, sizeof(key));

	return link ? CONTAINER_OF(link, struct gateway, link) : NULL;
}


static struct gateway *gateway_get(struct stats *stats, enum stats_side side,
				   uint32_t id)
{
	struct gateway *gateway = gateway_find(stats, side, id);
	char name[STATS_NAME_SIZE];

	if (gateway)
		return gateway;
	if (name_of(stats, side, id, name))
		return NULL;
	gateway = calloc(1, sizeof(*gateway));
	if (!gateway)
		return NULL;
	gateway->key = (struct key){ (uint32_t)side, id };
	if (map_add(stats->gateways, &gateway->link, &gateway->key,
		    sizeof(gateway->key))) {
		free(gateway);
		return NULL;
	}
	gateway->next = stats->all;
	stats->all = gateway;
	label_gateway(stats, gateway, name);

	return gateway;
}


/* What it is counted as; *gatewayp: NULL if it has no window */
static struct label *label_of(struct stats *stats, enum stats_side side,
			      uint32_t id, struct gateway **gatewayp)
{
	*gatewayp = id ? gateway_get(stats, side, id) : NULL;
	if (*gatewayp)
		return (*gatewayp)->label;

	return id ? &stats->other : &stats->none;
}


/* --- the last minutes ----------------------------------------------------- */

static int64_t step_at(const struct stats *stats)
{
	return stats->now_us / SECOND_US / STEP_S;
}


/* The step of now; what lies between it and the newest was empty. */
static struct step *step_of(const struct stats *stats, struct gateway *gateway)
{
	const int64_t step = step_at(stats);

	if (step - gateway->step > STEPC)
		gateway->step = step - STEPC;
	while (gateway->step < step)
		gateway->steps[++gateway->step % STEPC] = (struct step){ 0 };

	return &gateway->steps[step % STEPC];
}


static void count_second(const struct stats *stats, struct gateway *gateway)
{
	const int64_t second = stats->now_us / SECOND_US;

	if (second != gateway->second) {
		gateway->before = second == gateway->second + 1 ? gateway->now
								: 0;
		gateway->now = 0;
		gateway->second = second;
	}
	gateway->now++;
}


static uint32_t last_second(const struct stats *stats,
			    const struct gateway *gateway)
{
	const int64_t second = stats->now_us / SECOND_US;

	return second == gateway->second       ? gateway->before
	       : second == gateway->second + 1 ? gateway->now
					       : 0;
}


static void sum_up(struct stats_sum *sum, const struct stats *stats,
		   const struct gateway *gateway)
{
	const int64_t now = step_at(stats);

	for (int64_t i = gateway->step;
	     i > gateway->step - STEPC && i >= 0 && i > now - STEPC; i--) {
		const struct step *step = &gateway->steps[i % STEPC];

		sum->attempts += step->attempts;
		sum->answered += step->answered;
		sum->talks += step->talks;
		sum->setups += step->setups;
		sum->talk_ms += step->talk_ms;
		sum->setup_ms += step->setup_ms;
	}
	sum->cps += last_second(stats, gateway);
}


void stats_sum(struct stats_sum *sum, const struct stats *stats,
	       enum stats_side side, uint32_t id)
{
	const struct gateway *gateway = gateway_find(stats, side, id);

	*sum = (struct stats_sum){ 0 };
	if (gateway)
		sum_up(sum, stats, gateway);
}


/* --- counting ------------------------------------------------------------- */

void stats_attempt(struct stats *stats, enum stats_side side, uint32_t id)
{
	struct gateway *gateway;
	struct label *label = label_of(stats, side, id, &gateway);

	count(label, ATTEMPTS, side);
	if (gateway) {
		step_of(stats, gateway)->attempts++;
		count_second(stats, gateway);
	}
}


void stats_answered(struct stats *stats, enum stats_side side, uint32_t id)
{
	struct gateway *gateway;
	struct label *label = label_of(stats, side, id, &gateway);

	count(label, ANSWERED, side);
	if (gateway)
		step_of(stats, gateway)->answered++;
}


void stats_ended(struct stats *stats, enum stats_side side, uint32_t id,
		 enum end_reason reason)
{
	struct gateway *gateway;
	struct label *label = label_of(stats, side, id, &gateway);

	count(label, ENDED, (size_t)reason * STATS_SIDEC + side);
}


void stats_switched(struct stats *stats, uint32_t id, enum attempt_end cause)
{
	struct gateway *gateway;
	struct label *label = label_of(stats, STATS_OUT, id, &gateway);

	count(label, SWITCHES, causes[cause]);
}


void stats_setup(struct stats *stats, uint32_t in, uint32_t out, int64_t us)
{
	const uint32_t id[STATS_SIDEC] = { in, out };

	for (int side = 0; side < STATS_SIDEC; side++) {
		struct gateway *gateway;
		struct label *label = label_of(stats, (enum stats_side)side,
					       id[side], &gateway);

		observe(label, SETUP, us);
		if (gateway) {
			struct step *step = step_of(stats, gateway);

			step->setups++;
			step->setup_ms += us > 0 ? (uint64_t)us / 1000 : 0;
		}
	}
}


void stats_answer(struct stats *stats, uint32_t in, uint32_t out, int64_t us)
{
	const uint32_t id[STATS_SIDEC] = { in, out };

	for (int side = 0; side < STATS_SIDEC; side++) {
		struct gateway *gateway;
		struct label *label = label_of(stats, (enum stats_side)side,
					       id[side], &gateway);

		observe(label, ANSWER, us);
	}
}


void stats_talk(struct stats *stats, uint32_t in, uint32_t out, int64_t us)
{
	const uint32_t id[STATS_SIDEC] = { in, out };

	for (int side = 0; side < STATS_SIDEC; side++) {
		struct gateway *gateway;
		struct label *label = label_of(stats, (enum stats_side)side,
					       id[side], &gateway);

		observe(label, DURATION, us);
		if (gateway) {
			struct step *step = step_of(stats, gateway);

			step->talks++;
			step->talk_ms += us > 0 ? (uint64_t)us / 1000 : 0;
		}
	}
}


/* --- gauges --------------------------------------------------------------- */

static int64_t milli(uint64_t part, uint64_t whole)
{
	return whole ? (int64_t)((part * 1000 + whole / 2) / whole)
		     : METRIC_NONE;
}


static void tell(const struct stats *stats, struct label *label)
{
	const struct gateway *out = label->of[STATS_OUT];
	struct stats_sum sum = { 0 };
	uint32_t lines = 0;

	for (int side = 0; side < STATS_SIDEC; side++) {
		const struct gateway *gateway = label->of[side];

		if (!gateway)
			continue;
		sum_up(&sum, stats, gateway);
		lines += stats->args.linesh((enum stats_side)side,
					    gateway->key.id, stats->args.arg);
	}
	metric_set_at(ids[LINES], series(label, LINES), lines);
	metric_set_at(ids[ASR], series(label, ASR),
		      milli(sum.answered, sum.attempts));
	metric_set_at(ids[ACD], series(label, ACD),
		      sum.talks ? (int64_t)(sum.talk_ms / sum.talks)
				: METRIC_NONE);
	if (out)
		metric_set_at(ids[UP], series(label, UP),
			      stats->args.uph(out->key.id, stats->args.arg));
}


void stats_tick(struct stats *stats, int64_t now_us)
{
	stats->now_us = now_us;
	if (now_us - stats->told_us < SECOND_US)
		return;

	stats->told_us = now_us;
	for (size_t i = 0; i < stats->labelc; i++)
		tell(stats, stats->labels[i]);
}


/* --- the catalog ---------------------------------------------------------- */

/* Gone, or called otherwise: then its label is given up. */
static void renew_gateways(struct stats *stats)
{
	struct gateway **nextp = &stats->all;

	while (*nextp) {
		struct gateway *gateway = *nextp;
		char name[STATS_NAME_SIZE];
		const bool is_gone =
			name_of(stats, (enum stats_side)gateway->key.side,
				gateway->key.id, name) != 0;

		if (is_gone || strcmp(gateway->label->name, name) != 0)
			unlabel(stats, gateway);
		if (is_gone) {
			*nextp = gateway->next;
			map_remove(stats->gateways, &gateway->link);
			free(gateway);
		}
		else {
			nextp = &gateway->next;
		}
	}
}


void stats_renew(struct stats *stats)
{
	char name[STATS_NAME_SIZE];

	renew_gateways(stats);
	for (size_t i = stats->labelc; i-- > 0;)
		if (!stats->labels[i]->of[STATS_IN] &&
		    !stats->labels[i]->of[STATS_OUT])
			label_drop(stats, i);
	/* Who waits for a label may find room now. */
	for (struct gateway *gw = stats->all; gw; gw = gw->next)
		if (gw->label == &stats->other &&
		    !name_of(stats, (enum stats_side)gw->key.side, gw->key.id,
			     name))
			label_gateway(stats, gw, name);
	stats->told_us = 0; /* with the next tick */
}


void stats_know(struct stats *stats, enum stats_side side, uint32_t id)
{
	if (stats->labelc < STATS_LABELS_MAX)
		(void)gateway_get(stats, side, id);
}


/* --- life ----------------------------------------------------------------- */

int stats_alloc(struct stats **statsp, const struct stats_args *args)
{
	struct stats *stats = calloc(1, sizeof(*stats));
	int err;

	if (!stats)
		return ENOMEM;

	stats->args = *args;
	err = map_alloc(&stats->gateways, 64);
	if (err) {
		stats_free(stats);
		return err;
	}
	label_init(&stats->none, "none");
	label_init(&stats->other, "other");
	*statsp = stats;

	return 0;
}


/* What was counted is the successor's: no series is dropped. */
struct stats *stats_free(struct stats *stats)
{
	if (!stats)
		return NULL;

	while (stats->all) {
		struct gateway *gateway = stats->all;

		stats->all = gateway->next;
		map_remove(stats->gateways, &gateway->link);
		free(gateway);
	}
	map_free(stats->gateways);
	while (stats->labelc)
		free(stats->labels[--stats->labelc]);
	free(stats);

	return NULL;
}
