/**
 * @file sipd/media_show.c  What mediad has counted so far, for operators
 */
#include <stdlib.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/media/flow.h"
#include "shared/shm/segment.h"
#include "shared/svc/svc.h"
#include "sipd/call.h"
#include "sipd/media.h"
#include "sipd/media_show.h"


void media_show_begin(struct media_show *show, const struct sipd *sipd)
{
	*show = (struct media_show){
		.sipd = sipd,
		.media = svc_segment(sipd->svc, "media"),
		.flows = svc_segment(sipd->svc, "flows"),
	};
}


void media_show_end(struct media_show *show)
{
	free(show->slots);
	show->slots = NULL;
}


/* Which slot a session has is mediad's affair: they are gone through once for
 * all rows, when the first one wants it. */
static bool find_slots(struct media_show *show)
{
	const struct segment *calls = svc_segment(show->sipd->svc, "calls");
	struct media_session session;

	if (show->slots || !show->media || !show->flows || !calls)
		return show->slots != NULL;
	show->slotc = calls->slotc;
	show->slots = calloc(show->slotc + 1, sizeof(*show->slots));
	if (!show->slots)
		return false;
	for (uint32_t i = 0; i < show->media->slotc; i++)
		if (slot_read(show->media, i, &session, sizeof(session)) ==
			    0 &&
		    (uint32_t)session.session < show->slotc)
			show->slots[(uint32_t)session.session] = i + 1;

	return true;
}


static json_t *hundredths(uint64_t n)
{
	return json_real((double)n / 100.0);
}


static json_t *seconds(int64_t since_us)
{
	const int64_t us = clk_mono_us() - since_us;

	if (!since_us)
		return json_null();

	return hundredths(us > 0 ? (uint64_t)us / 10000 : 0);
}


static void put_address(json_t *row, const struct media_side *side)
{
	const struct media_latch *latch = &side->lines[0].rtp;
	const struct addr *addr = latch->learned.family ? &latch->learned
							: &latch->signalled;
	char text[ADDR_TEXT_MAX];

	(void)json_object_set_new(row, "rtp",
				  addr->family
					  ? json_string(addr_print(addr, text))
					  : json_null());
	(void)json_object_set_new(row, "port",
				  json_integer(side->lines[0].port));
}


static json_t *counters_of(const struct media_flow *flow,
			   const struct media_side *side)
{
	const uint64_t expected = flow_expected(flow);
	const uint64_t lost = flow_lost(flow);
	const uint32_t mos = flow_mos(flow);
	const struct {
		const char *name;
		uint64_t value;
	} values[] = {
		{ "packets", flow->packets },
		{ "bytes", flow->bytes },
		{ "expected", expected },
		{ "lost", lost },
		{ "out_of_order", flow->out_of_order },
		{ "duplicates", flow->duplicates },
		{ "ssrc_changes", flow->ssrc_changes },
		{ "foreign", flow->foreign },
		{ "rtt_ms", flow->rtt_us / 1000 },
		{ "jitter_ms", flow_jitter_us(flow) / 1000 },
		{ "jitter_max_ms", flow->jitter_max_us / 1000 },
	};
	json_t *row = json_object();

	for (size_t i = 0; i < COUNT_OF(values); i++)
		(void)json_object_set_new(
			row, values[i].name,
			json_integer((json_int_t)values[i].value));
	(void)json_object_set_new(row, "loss_pct",
				  expected
					  ? hundredths(lost * 10000 / expected)
					  : json_null());
	(void)json_object_set_new(row, "mos",
				  mos ? hundredths(mos) : json_null());
	put_address(row, side);

	return row;
}


void media_show_row(struct media_show *show, json_t *row,
		    const struct call *call, bool counters)
{
	static const char *const ages[] = { "a_rtp_age", "b_rtp_age" };
	static const char *const names[] = { "a_media", "b_media" };
	const uint32_t at = (uint32_t)call->id;
	struct media_session session = { .session = 0 };
	struct media_flow flow;
	bool is_known;

	is_known = media_has_relay(call) && find_slots(show) &&
		   at < show->slotc && show->slots[at] &&
		   slot_read(show->media, show->slots[at] - 1, &session,
			     sizeof(session)) == 0 &&
		   session.session == call->id && session.active < MEDIA_SIDES;
	for (size_t s = 0; s < COUNT_OF(ages); s++) {
		const uint8_t side = s ? session.active : MEDIA_A;

		if (!is_known || (s && !side)) {
			(void)json_object_set_new(row, ages[s], json_null());
			continue;
		}
		media_flow_read(&flow,
				segment_slot(show->flows, show->slots[at] - 1),
				side);
		(void)json_object_set_new(row, ages[s], seconds(flow.last_us));
		if (counters)
			(void)json_object_set_new(
				row, names[s],
				counters_of(&flow, &session.sides[side]));
	}
}
