/**
 * @file sipd/call_lines.c  Lines of a call: taken once, given back once
 */
#include "shared/ev/ev.h"
#include "sipd/call.h"
#include "sipd/lines.h"

/** A line to take, if id is not 0 */
struct want {
	enum lines_kind kind;
	uint32_t id;
};


static size_t wants_a(struct want wants[4], const struct call *call)
{
	wants[0] = (struct want){ LINES_ALL, 1 };
	wants[1] = call->i.mapping
			   ? (struct want){ LINES_MAPPING, call->i.mapping }
			   : (struct want){ LINES_PHONE, call->i.phone };
	wants[2] = (struct want){ LINES_GROUP, call->i.group_a };
	wants[3] = (struct want){ LINES_ACCOUNT, call->i.account };

	return 4;
}


static size_t wants_b(struct want wants[4], const struct call *call)
{
	wants[0] = call->i.gateway
			   ? (struct want){ LINES_ROUTING, call->i.gateway }
			   : (struct want){ LINES_PHONE, call->i.phone_b };
	wants[1] = (struct want){ LINES_GROUP, call->i.group_b };

	return 2;
}


static void give(struct lines *lines, const struct want *wants, size_t wantc)
{
	for (size_t i = 0; i < wantc; i++)
		if (wants[i].id)
			lines_give(lines, wants[i].kind, wants[i].id);
}


static int take(struct lines *lines, const struct want *wants, size_t wantc)
{
	for (size_t i = 0; i < wantc; i++) {
		int err = wants[i].id ? lines_take(lines, wants[i].kind,
						   wants[i].id)
				      : 0;

		if (err) {
			give(lines, wants, i);
			return err;
		}
	}

	return 0;
}


enum end_reason call_lines_take(struct call *call, const struct catalog *c)
{
	struct lines *lines = call->sipd->lines;
	const int64_t now_us = ev_now_us(call->sipd->ev);
	const struct cat_gateway *gw =
		call->i.mapping
			? catalog_by_id(c, RECORD_MAPPING, call->i.mapping)
			: NULL;
	struct want wants[4] = { { LINES_NONE, 0 } };
	const size_t wantc = wants_a(wants, call);

	/* The gateway's own limit first: what it refuses costs the switch no
	 * token. */
	if (gw && !lines_rate(lines, LINES_MAPPING, call->i.mapping,
			      (uint32_t)gw->cps_limit, now_us))
		return END_CAPACITY_LIMIT;
	if (!lines_rate(lines, LINES_ALL, 1,
			(uint32_t)catalog_int(c, SS_MAX_CPS), now_us))
		return END_CAPACITY_LIMIT;
	if (take(lines, wants, wantc))
		return END_CAPACITY_LIMIT;

	call->i.flags |= CALL_HAS_LINES;

	return END_NONE;
}


void call_lines_give(struct call *call)
{
	struct want wants[4] = { { LINES_NONE, 0 } };

	if (!(call->i.flags & CALL_HAS_LINES))
		return;

	give(call->sipd->lines, wants, wants_a(wants, call));
	call->i.flags &= ~(uint32_t)CALL_HAS_LINES;
}


enum end_reason call_b_lines_take(struct call *call,
				  const struct cat_routing *gateway)
{
	struct lines *lines = call->sipd->lines;
	const uint32_t gateway_before = call->i.gateway;
	const uint32_t group_before = call->i.group_b;
	struct want wants[4] = { { LINES_NONE, 0 } };

	if (!lines_rate(lines, LINES_ROUTING, gateway->gw.row.id,
			(uint32_t)gateway->gw.cps_limit,
			ev_now_us(call->sipd->ev)))
		return END_CAPACITY_LIMIT;

	call->i.gateway = gateway->gw.row.id;
	call->i.group_b = gateway->gw.group;
	if (take(lines, wants, wants_b(wants, call))) {
		call->i.gateway = gateway_before;
		call->i.group_b = group_before;
		return END_CAPACITY_LIMIT;
	}
	call->i.flags |= CALL_HAS_B_LINES;

	return END_NONE;
}


enum end_reason call_phone_lines_take(struct call *call)
{
	struct want wants[4] = { { LINES_NONE, 0 } };

	call->i.gateway = call->i.group_b = 0;
	if (take(call->sipd->lines, wants, wants_b(wants, call)))
		return END_CAPACITY_LIMIT;
	call->i.flags |= CALL_HAS_B_LINES;

	return END_NONE;
}


void call_b_lines_give(struct call *call)
{
	struct want wants[4] = { { LINES_NONE, 0 } };

	if (!(call->i.flags & CALL_HAS_B_LINES))
		return;

	give(call->sipd->lines, wants, wants_b(wants, call));
	call->i.flags &= ~(uint32_t)CALL_HAS_B_LINES;
}


int call_lines_adopt(struct call *call)
{
	struct lines *lines = call->sipd->lines;
	struct want wants[4] = { { LINES_NONE, 0 } };
	int err = 0;

	if (call->i.flags & CALL_HAS_LINES)
		err = take(lines, wants, wants_a(wants, call));
	if (!err && (call->i.flags & CALL_HAS_B_LINES)) {
		err = take(lines, wants, wants_b(wants, call));
		if (err) /* all or none: it is set aside */
			call_lines_give(call);
	}

	return err;
}
