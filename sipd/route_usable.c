/**
 * @file sipd/route_usable.c  Why a gateway is skipped when its turn comes
 *
 * call-setup 4.3, 4.4 and 4.6. Nothing is taken here.
 */
#include <assert.h>
#include <time.h>

#include "shared/base/util.h"
#include "sipd/route.h"

enum {
	CODECS_MAX = 32 /* As many as a record may name */
};

/* Words of fields, in their order */
enum {
	LOCK_NONE,
	LOCK_ALL
};
enum {
	TYPE_STATIC,
	TYPE_DYNAMIC
};
enum {
	STATUS_NORMAL,
	STATUS_LOCKED
};

const char *const route_tokens[ROUTE_TOKENC] = {
	[ROUTE_USABLE] = "usable",
	[ROUTE_LOCKED] = "locked",
	[ROUTE_OFFLINE] = "offline",
	[ROUTE_UNREGISTERED] = "unregistered",
	[ROUTE_VENDOR_LOCKED] = "vendor_locked",
	[ROUTE_VENDOR_BALANCE] = "vendor_balance",
	[ROUTE_LINES_FULL] = "lines_full",
	[ROUTE_GROUP_FULL] = "group_full",
	[ROUTE_CPS_FULL] = "cps_full",
	[ROUTE_CODEC] = "codec",
	[ROUTE_FORBIDDEN] = "forbidden",
	[ROUTE_UNRESOLVED] = "unresolved",
};

/* --- groups --------------------------------------------------------------- */

/* Lines of a group at that time; 0: no total */
static uint32_t group_total(const struct catalog *c,
			    const struct cat_group *group, int64_t wall_us)
{
	const time_t at = (time_t)(wall_us / 1000000);
	const struct cat_hours *hours;
	struct tm tm;
	size_t count;
	int day, minute;

	hours = catalog_span(c, RECORD_GROUP, group->calendar, sizeof(*hours),
			     &count);
	if (count > 0 && localtime_r(&at, &tm)) {
		day = 1 << (tm.tm_wday + 6) % 7;
		minute = tm.tm_hour * 60 + tm.tm_min;
		for (size_t i = 0; i < count; i++) {
			if ((hours[i].days & day) != 0 &&
			    minute >= hours[i].from && minute < hours[i].to)
				return hours[i].lines;
		}
	}

	return group->line_limit > 0 ? (uint32_t)group->line_limit : 0;
}


/* What members hold beyond their reserve, and all that is reserved */
struct group_sum {
	uint64_t beyond;
	uint64_t reserved;
};


static void add_member(struct group_sum *sum, const struct route_view *v,
		       enum lines_kind kind, const struct cat_gateway *gw)
{
	const uint32_t used = v->lines(kind, gw->row.id, v->arg);
	const uint32_t reserved = gw->reserved_lines > 0
					  ? (uint32_t)gw->reserved_lines
					  : 0;

	sum->reserved += reserved;
	if (used > reserved)
		sum->beyond += used - reserved;
}


static struct group_sum sum_members(const struct route_view *v, uint32_t group)
{
	const struct cat_mapping *mappings;
	const struct cat_routing *routings;
	struct group_sum sum = { 0 };
	size_t count;

	mappings = catalog_rows(v->c, RECORD_MAPPING, &count);
	for (size_t i = 0; i < count; i++) {
		if (mappings[i].gw.group == group)
			add_member(&sum, v, LINES_MAPPING, &mappings[i].gw);
	}
	routings = catalog_rows(v->c, RECORD_ROUTING, &count);
	for (size_t i = 0; i < count; i++) {
		if (routings[i].gw.group == group)
			add_member(&sum, v, LINES_ROUTING, &routings[i].gw);
	}

	return sum;
}


static const struct cat_gateway *gateway_of(const struct catalog *c,
					    enum lines_kind kind, uint32_t id)
{
	const struct cat_mapping *mapping;
	const struct cat_routing *routing;

	if (kind == LINES_MAPPING) {
		mapping = catalog_by_id(c, RECORD_MAPPING, id);
		return mapping ? &mapping->gw : NULL;
	}
	routing = catalog_by_id(c, RECORD_ROUTING, id);

	return routing ? &routing->gw : NULL;
}


bool route_group_has_line(const struct route_view *v, uint32_t group,
			  enum lines_kind kind, uint32_t id)
{
	const struct cat_group *g = catalog_by_id(v->c, RECORD_GROUP, group);
	const struct cat_gateway *gw = gateway_of(v->c, kind, id);
	struct group_sum sum;
	uint32_t total;

	if (!g)
		return true;
	total = group_total(v->c, g, v->wall_us);
	if (total == 0)
		return true;
	if (gw && gw->reserved_lines > 0 &&
	    v->lines(kind, id, v->arg) < (uint32_t)gw->reserved_lines)
		return true;

	sum = sum_members(v, group);

	return sum.beyond + sum.reserved < total;
}


/* --- one gateway ---------------------------------------------------------- */

const struct cat_registration *route_registration(const struct catalog *c,
						  const struct cat_routing *gw)
{
	const struct cat_registration *all;
	size_t count;

	if (gw->registration)
		return catalog_by_id(c, RECORD_REGISTRATION, gw->registration);

	all = catalog_rows(c, RECORD_REGISTRATION, &count);
	for (size_t i = 0; i < count; i++) {
		if (all[i].gateway == gw->gw.row.id)
			return &all[i];
	}

	return NULL;
}


void route_codecs(struct sdp_codecs *codecs, const char **names, size_t max,
		  const struct catalog *c, enum record_kind kind,
		  struct cat_span span)
{
	const cat_str *strs;
	size_t count;

	strs = catalog_span(c, kind, span, sizeof(*strs), &count);
	codecs->names = names;
	codecs->namec = count < max ? count : max;
	for (size_t i = 0; i < codecs->namec; i++)
		names[i] = catalog_str(c, kind, strs[i]);
}


struct candidate {
	const struct route_view *v;
	const struct cat_routing *gw;
	uint32_t id;
	const struct sdp *offer;
	const struct sdp_codecs *caller_codecs;
};


static bool is_locked(const struct candidate *c)
{
	return c->gw->gw.lock == LOCK_ALL;
}


static bool is_offline(const struct candidate *c)
{
	return !c->v->is_online(c->id, c->v->arg);
}


static bool is_unregistered(const struct candidate *c)
{
	const struct route_view *v = c->v;
	const struct cat_registration *reg;

	if (c->gw->gw.type == TYPE_DYNAMIC && !v->is_bound(c->id, v->arg))
		return true;
	reg = route_registration(v->c, c->gw);

	return reg && reg->enabled && !v->is_registered(reg->row.id, v->arg);
}


static bool is_vendor_locked(const struct candidate *c)
{
	const struct cat_account *account;

	account = catalog_by_id(c->v->c, RECORD_ACCOUNT, c->gw->gw.account);

	return account && account->status == STATUS_LOCKED;
}


static bool is_vendor_short(const struct candidate *c)
{
	const struct route_view *v = c->v;

	return c->gw->gw.account != 0 &&
	       catalog_is_set(
		       v->c,
		       SERVER_VERIFY_CLEARING_CUSTOMER_REMAIN_MONEY_LIMIT) &&
	       v->is_short(c->gw->gw.account, v->arg);
}


static bool is_line_full(const struct candidate *c)
{
	const int32_t limit = c->gw->gw.line_limit;

	return limit > 0 &&
	       c->v->lines(LINES_ROUTING, c->id, c->v->arg) >= (uint32_t)limit;
}


static bool is_group_full(const struct candidate *c)
{
	return c->gw->gw.group != 0 &&
	       !route_group_has_line(c->v, c->gw->gw.group, LINES_ROUTING,
				     c->id);
}


static bool is_cps_full(const struct candidate *c)
{
	const int32_t limit = c->gw->gw.cps_limit;

	return limit > 0 && !c->v->rate_left(LINES_ROUTING, c->id,
					     (uint32_t)limit, c->v->arg);
}


static bool has_no_codec(const struct candidate *c)
{
	const char *names[CODECS_MAX];
	struct sdp_codecs codecs;

	if (!c->offer)
		return false;
	route_codecs(&codecs, names, COUNT_OF(names), c->v->c, RECORD_ROUTING,
		     c->gw->gw.codecs);

	return !sdp_has_codec(c->offer, c->caller_codecs, &codecs);
}


enum route_token route_usable(const struct route_view *v, uint32_t gateway,
			      const struct sdp *offer,
			      const struct sdp_codecs *caller_codecs)
{
	static const struct {
		bool (*h)(const struct candidate *c);
		enum route_token token;
	} rows[] = {
		{ is_locked, ROUTE_LOCKED },
		{ is_offline, ROUTE_OFFLINE },
		{ is_unregistered, ROUTE_UNREGISTERED },
		{ is_vendor_locked, ROUTE_VENDOR_LOCKED },
		{ is_vendor_short, ROUTE_VENDOR_BALANCE },
		{ is_line_full, ROUTE_LINES_FULL },
		{ is_group_full, ROUTE_GROUP_FULL },
		{ is_cps_full, ROUTE_CPS_FULL },
		{ has_no_codec, ROUTE_CODEC },
	};
	const struct candidate c = {
		.v = v,
		.gw = catalog_by_id(v->c, RECORD_ROUTING, gateway),
		.id = gateway,
		.offer = offer,
		.caller_codecs = caller_codecs,
	};

	/* Removed since the list was made: as good as locked */
	if (!c.gw)
		return ROUTE_LOCKED;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (rows[i].h(&c))
			return rows[i].token;
	}

	return ROUTE_USABLE;
}


/* --- nobody left ---------------------------------------------------------- */

enum end_reason route_none(const enum route_token *tokens, size_t tokenc)
{
	size_t seen = 0, vendor = 0, codec = 0;

	for (size_t i = 0; i < tokenc; i++) {
		if (tokens[i] == ROUTE_FORBIDDEN)
			continue;
		seen++;
		if (tokens[i] == ROUTE_VENDOR_LOCKED ||
		    tokens[i] == ROUTE_VENDOR_BALANCE)
			vendor++;
		if (tokens[i] == ROUTE_CODEC)
			codec++;
	}

	if (seen == 0)
		return END_NO_AVAILABLE_ROUTER;
	if (vendor == seen)
		return END_VENDOR_BALANCE_NOT_ENOUGH;
	if (codec == seen)
		return END_MEDIA_FAILURE;

	return END_ALL_GATEWAY_BUSY;
}
