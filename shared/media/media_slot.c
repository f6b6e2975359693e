/**
 * @file shared/media/media_slot.c  May a session in shared memory be trusted?
 */
#include <string.h>

#include "shared/media/media_slot.h"


static bool is_addr(const struct addr *addr)
{
	return addr->family == 0 || addr->family == AF_INET ||
	       addr->family == AF_INET6;
}


static bool is_latch(const struct media_latch *latch)
{
	return is_addr(&latch->signalled) && is_addr(&latch->learned) &&
	       is_addr(&latch->previous) && latch->is_fixed <= 1 &&
	       !(latch->is_fixed && latch->learned.family == 0);
}


static const char *line_fault(const struct media_line *line)
{
	if (!is_latch(&line->rtp) || !is_latch(&line->rtcp))
		return "latch";
	if (line->port < 2 || line->port % 2 != 0)
		return "port";

	return NULL;
}


static const char *side_fault(const struct media_side *side)
{
	const char *fault = NULL;

	if (side->linec == 0 || side->linec > MEDIA_LINES)
		return "lines";
	if (side->payloadc > MEDIA_PAYLOADS)
		return "payloads";
	for (unsigned i = 0; i < side->payloadc; i++)
		if (side->payloads[i].type >= MEDIA_TYPEC ||
		    side->payloads[i].codec >= MEDIA_CODECC ||
		    side->payloads[i].clock == 0)
			return "payload";
	if (!is_addr(&side->source))
		return "source";
	if (side->learning >= LEARNINGC || side->dtmf_mode >= DTMF_MODEC ||
	    side->event_payload >= MEDIA_TYPEC)
		return "mode";
	if (!memchr(side->gateway, '\0', sizeof(side->gateway)))
		return "gateway";
	for (unsigned i = 0; i < side->linec && !fault; i++)
		fault = line_fault(&side->lines[i]);

	return fault;
}


const char *media_slot_fault(const void *image)
{
	const struct media_session *i = image;
	const char *fault = NULL;

	if (i->session == 0)
		return "session";
	if (i->active >= MEDIA_SIDES ||
	    (i->active && !i->sides[i->active].is_used))
		return "active side";
	if (i->lost > 3)
		return "lost";
	for (unsigned s = 0; s < MEDIA_SIDES && !fault; s++) {
		const struct media_side *side = &i->sides[s];

		if (side->is_used && (s == MEDIA_A) != (side->number == 0))
			fault = "number of a side";
		else if (side->is_used)
			fault = side_fault(side);
	}

	return fault;
}


void media_flow_write(struct media_flows *flows, unsigned side,
		      const struct media_flow *flow)
{
	uint64_t words[MEDIA_FLOW_WORDS];

	memcpy(words, flow, sizeof(words));
	for (size_t i = 0; i < MEDIA_FLOW_WORDS; i++)
		atomic_store_explicit(&flows->words[side][i], words[i],
				      memory_order_relaxed);
}


void media_flow_read(struct media_flow *flow, const struct media_flows *flows,
		     unsigned side)
{
	uint64_t words[MEDIA_FLOW_WORDS] = { 0 };

	for (size_t i = 0; i < MEDIA_FLOW_WORDS; i++)
		words[i] = atomic_load_explicit(&flows->words[side][i],
						memory_order_relaxed);
	memcpy(flow, words, sizeof(words));
}
