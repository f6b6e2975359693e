/**
 * @file sipd/admin_gateway.c  gateway status
 */
#include <string.h>
#include <time.h>

#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "shared/svc/svc.h"
#include "sipd/admin_gateway.h"
#include "sipd/health.h"
#include "sipd/lines.h"
#include "sipd/sipd.h"
#include "sipd/stats.h"

/* Words of the field lock */
enum {
	LOCK_NONE,
	LOCK_ALL
};

struct status {
	const struct sipd *sipd;
	const struct catalog *c;
	const char *gateway, *state;
	json_t *rows;
};


/* Of whole and part, null if there is no whole */
static json_t *mean(double part, uint32_t whole)
{
	return whole ? json_real(part / whole) : json_null();
}


static void add_stats(json_t *row, const struct sipd *sipd,
		      enum stats_side side, uint32_t id)
{
	struct stats_sum sum;

	stats_sum(&sum, sipd->stats, side, id);
	(void)json_object_set_new(row, "cps", json_integer(sum.cps));
	(void)json_object_set_new(row, "asr",
				  mean(sum.answered, sum.attempts));
	(void)json_object_set_new(row, "acd",
				  mean((double)sum.talk_ms / 1000, sum.talks));
	(void)json_object_set_new(
		row, "pdd_ms",
		sum.setups
			? json_integer((json_int_t)(sum.setup_ms / sum.setups))
			: json_null());
	/* Of these the means are: whoever joins workers weighs by them. */
	(void)json_object_set_new(row, "attempts", json_integer(sum.attempts));
	(void)json_object_set_new(row, "ended", json_integer(sum.talks));
	(void)json_object_set_new(row, "rung", json_integer(sum.setups));
}


static void add(struct status *s, const struct cat_gateway *gw,
		enum record_kind kind, const char *state, const char *address)
{
	const char *name = catalog_str(s->c, kind, gw->row.name);
	const bool is_routing = kind == RECORD_ROUTING;
	json_t *row;

	if ((s->gateway && strcmp(s->gateway, name) != 0) ||
	    (s->state && strcmp(s->state, state) != 0))
		return;

	row = json_object();
	(void)json_object_set_new(row, "gateway", json_string(name));
	(void)json_object_set_new(row, "kind",
				  json_string(is_routing ? "routing"
							 : "mapping"));
	(void)json_object_set_new(row, "state", json_string(state));
	(void)json_object_set_new(row, "address",
				  address ? json_string(address)
					  : json_null());
	(void)json_object_set_new(
		row, "lines_used",
		json_integer(
			lines_used(s->sipd->lines,
				   is_routing ? LINES_ROUTING : LINES_MAPPING,
				   gw->row.id)));
	(void)json_object_set_new(row, "line_limit",
				  json_integer(gw->line_limit));
	add_stats(row, s->sipd, is_routing ? STATS_OUT : STATS_IN, gw->row.id);
	(void)json_array_append_new(s->rows, row);
}


static const char *state_of(const struct status *s,
			    const struct cat_routing *gateway)
{
	if (gateway->gw.lock == LOCK_ALL)
		return "locked";
	switch (health_gateway(s->sipd->health, gateway->gw.row.id)) {
	case HEALTH_ONLINE:
		return "online";
	case HEALTH_OFFLINE:
		return "offline";
	case HEALTH_UNCHECKED:
	default:
		return "unchecked";
	}
}


static void add_routing(struct status *s)
{
	size_t n, targetc;
	const struct cat_routing *rows = catalog_rows(s->c, RECORD_ROUTING,
						      &n);

	for (size_t i = 0; i < n; i++) {
		const struct cat_target *targets =
			catalog_span(s->c, RECORD_ROUTING, rows[i].addresses,
				     sizeof(*targets), &targetc);
		char address[96] = "";

		if (targetc)
			(void)text_print(address, sizeof(address), "%s:%u",
					 catalog_str(s->c, RECORD_ROUTING,
						     targets[0].host),
					 targets[0].port ? targets[0].port
							 : 5060);
		add(s, &rows[i].gw, RECORD_ROUTING, state_of(s, &rows[i]),
		    address[0] ? address : NULL);
	}
}


static void add_mapping(struct status *s)
{
	size_t n;
	const struct cat_mapping *rows = catalog_rows(s->c, RECORD_MAPPING,
						      &n);

	for (size_t i = 0; i < n; i++)
		add(s, &rows[i].gw, RECORD_MAPPING,
		    rows[i].gw.lock == LOCK_ALL ? "locked" : "unchecked",
		    NULL);
}


int cmd_gateway_status(void *state, const json_t *args,
		       struct admin_answer *answer)
{
	struct sipd *sipd = state;
	struct status s = {
		.sipd = sipd,
		.c = catalog_pin(svc_catalog(sipd->svc)),
		.gateway = json_string_value(json_object_get(args, "gateway")),
		.state = json_string_value(json_object_get(args, "state")),
		.rows = json_array(),
	};

	if (!s.c)
		return admin_refuse(answer, "unavailable",
				    "there is no configuration yet");
	add_routing(&s);
	add_mapping(&s);
	catalog_unpin(svc_catalog(sipd->svc), s.c);
	answer->rows = s.rows;

	return 0;
}
