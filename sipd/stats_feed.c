/**
 * @file sipd/stats_feed.c  What is counted per gateway: names, lines, health
 */
#include <errno.h>

#include "shared/base/text.h"
#include "shared/catalog/catalog.h"
#include "shared/svc/svc.h"
#include "sipd/health.h"
#include "sipd/lines.h"
#include "sipd/sipd.h"
#include "sipd/stats.h"
#include "sipd/stats_feed.h"

/* Words of the field lock */
enum {
	LOCK_ALL = 1
};

static const struct {
	enum record_kind record;
	enum lines_kind lines;
} kinds[STATS_SIDEC] = {
	[STATS_IN] = { RECORD_MAPPING, LINES_MAPPING },
	[STATS_OUT] = { RECORD_ROUTING, LINES_ROUTING },
};


static const struct cat_gateway *gateway_of(const struct catalog *c,
					    enum stats_side side, uint32_t id)
{
	const void *row = catalog_by_id(c, kinds[side].record, id);

	if (!row)
		return NULL;

	return side == STATS_IN ? &((const struct cat_mapping *)row)->gw
				: &((const struct cat_routing *)row)->gw;
}


static int on_name(enum stats_side side, uint32_t id,
		   char name[STATS_NAME_SIZE], void *arg)
{
	struct sipd *sipd = arg;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	const struct cat_gateway *gateway = c ? gateway_of(c, side, id) : NULL;
	int err = ENOENT;

	if (gateway)
		err = text_print(name, STATS_NAME_SIZE, "%s",
				 catalog_str(c, kinds[side].record,
					     gateway->row.name));
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);

	return err;
}


static uint32_t on_lines(enum stats_side side, uint32_t id, void *arg)
{
	const struct sipd *sipd = arg;

	return lines_used(sipd->lines, kinds[side].lines, id);
}


/* Not locked, and not known to be silent */
static bool on_up(uint32_t id, void *arg)
{
	struct sipd *sipd = arg;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	const struct cat_gateway *gateway = c ? gateway_of(c, STATS_OUT, id)
					      : NULL;
	const bool is_locked = !gateway || gateway->lock == LOCK_ALL;

	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);

	return !is_locked &&
	       health_gateway(sipd->health, id) != HEALTH_OFFLINE;
}


int stats_feed_open(struct sipd *sipd)
{
	const struct stats_args args = {
		.nameh = on_name,
		.linesh = on_lines,
		.uph = on_up,
		.arg = sipd,
	};

	return stats_alloc(&sipd->stats, &args);
}


/* All are told of if all have a place; else those that have calls. */
void stats_feed_catalog(struct sipd *sipd, const struct catalog *c)
{
	size_t mappingc, routingc;
	const struct cat_mapping *mappings = catalog_rows(c, RECORD_MAPPING,
							  &mappingc);
	const struct cat_routing *routings = catalog_rows(c, RECORD_ROUTING,
							  &routingc);

	stats_renew(sipd->stats);
	if (mappingc + routingc > STATS_LABELS_MAX)
		return;
	for (size_t i = 0; i < routingc; i++)
		stats_know(sipd->stats, STATS_OUT, routings[i].gw.row.id);
	for (size_t i = 0; i < mappingc; i++)
		stats_know(sipd->stats, STATS_IN, mappings[i].gw.row.id);
}
