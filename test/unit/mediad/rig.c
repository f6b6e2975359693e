/**
 * @file test/unit/mediad/rig.c  What tests of mediad share
 */
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "test/support/t.h"
#include "test/unit/mediad/rig.h"


void rig_open(struct rig *rig)
{
	const struct segment_layout media = { MEDIA_MAGIC, MEDIA_VERSION,
					      MEDIA_SLOT_SIZE, RIG_SLOTS };
	const struct segment_layout flows = { FLOWS_MAGIC, FLOWS_VERSION,
					      FLOWS_SLOT_SIZE, RIG_SLOTS };
	const struct segment_layout rests = { RESTS_MAGIC, RESTS_VERSION,
					      RESTS_SLOT_SIZE, RESTS_SLOTS };
	const struct segment_layout held = { HELD_MAGIC, HELD_VERSION,
					     HELD_SLOT_SIZE, HELD_SLOTS };

	memset(rig, 0, sizeof(*rig));
	segment_rig_open(&rig->media, "media", &media);
	segment_rig_open(&rig->flows, "flows", &flows);
	segment_rig_open(&rig->rests, "rests", &rests);
	segment_rig_open(&rig->held, "held", &held);
}


void rig_close(struct rig *rig)
{
	rig_stop(rig);
	segment_rig_close(&rig->media);
	segment_rig_close(&rig->flows);
	segment_rig_close(&rig->rests);
	segment_rig_close(&rig->held);
}


int rig_start(struct rig *rig, unsigned pairs, const int *fds, int64_t now_us)
{
	const struct sessions_args args = {
		.media = &rig->media.segment,
		.flows = &rig->flows.segment,
		.slotc = RIG_SLOTS,
	};
	struct sessions_args with = args;
	struct port_socket sockets[64];
	struct ports_args of = { .sockets = sockets,
				 .first = RIG_PORT,
				 .last = UINT16_MAX,
				 .rests = &rig->rests.segment };
	int err;

	for (unsigned i = 0; i < 2 * pairs; i++)
		sockets[i] = (struct port_socket){ fds ? fds[i] : 1000,
						   (uint16_t)(RIG_PORT + i) };
	of.socketc = 2ul * pairs;
	err = ports_alloc(&rig->ports, &of);
	with.ports = rig->ports;
	if (!err)
		err = sessions_alloc(&rig->sessions, &with, now_us);

	return err;
}


void rig_stop(struct rig *rig)
{
	rig->sessions = sessions_free(rig->sessions);
	rig->ports = ports_free(rig->ports);
}


struct addr rig_addr(const char *text)
{
	struct addr addr;

	if (addr_parse(&addr, text_of(text)) != 0)
		abort();

	return addr;
}


struct session_point rig_point(const char *text)
{
	struct session_point point = { .is_active = true };
	struct media_line *line = &point.side.lines[0];

	line->rtp.signalled = rig_addr(text);
	line->rtcp.signalled = rig_addr(text);
	line->rtcp.signalled.port++;
	point.side.payloads[0] = (struct media_payload){ .clock = 8000,
							 .type = 0,
							 .codec = MEDIA_PCMU };
	point.side.payloadc = 1;

	return point;
}


size_t rig_rtp(uint8_t data[PKT_MAX], uint8_t type, uint16_t seq)
{
	const struct pkt_head head = {
		.type = type, .seq = seq, .time = 160u * seq, .ssrc = 4711
	};

	memset(data, 0xff, PKT_HEAD + 160);
	pkt_print(data, &head);

	return PKT_HEAD + 160;
}
