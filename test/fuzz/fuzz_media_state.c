/**
 * @file test/fuzz/fuzz_media_state.c  Any packets, words of sipd and time in
 * any order, through one session
 *
 * What holds after each step: a packet goes only to an address that the SDP of
 * that leg named or that sent accepted media to it; nothing of a third IP is
 * passed on or answered; the image is one that a successor believes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mediad/session.h"
#include "shared/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	SIDES = 3,
};

/* Who is there: each side's own IP, its SIP source, and a stranger */
enum who {
	OWN,
	SIP,
	STRANGER,
	WHOC
};

struct world {
	struct session s;
	int64_t now_us;
	const uint8_t *data;
	size_t left;
};


static uint8_t next(struct world *w)
{
	if (!w->left)
		return 0;
	w->left--;

	return *w->data++;
}


static struct addr addr_of(unsigned side, enum who who, uint16_t port)
{
	struct addr addr = { .family = AF_INET, .port = port };

	addr.ip[0] = who == OWN ? 10 : who == SIP ? 198 : 203;
	addr.ip[1] = 51;
	addr.ip[2] = 100;
	addr.ip[3] = (uint8_t)(who == STRANGER ? 9 : side + 1);

	return addr;
}


static bool is_of(const struct addr *addr, unsigned side)
{
	for (unsigned who = OWN; who < STRANGER; who++) {
		const struct addr own = addr_of(side, who, 0);

		if (addr_same_ip(addr, &own))
			return true;
	}

	return false;
}


static void point(struct world *w, unsigned side)
{
	struct session_point p = { .nomedia_s = 5 };
	const uint8_t flags = next(w), modes = next(w);

	memset(&p.side, 0, sizeof(p.side));
	p.side.source = addr_of(side, SIP, 5060);
	for (unsigned l = 0; l < MEDIA_LINES && flags & (1u << l); l++) {
		p.side.lines[l].rtp.signalled = addr_of(side, OWN, 4000);
		p.side.lines[l].rtcp.signalled = addr_of(side, OWN, 4001);
		p.side.lines[l].is_udptl = flags >> 2 & 1;
	}
	p.side.is_nat = flags >> 3 & 1;
	p.side.is_sdp_first = flags >> 4 & 1;
	p.side.ring_back = flags >> 5 & 1;
	p.side.is_secure = flags >> 6 & 1;
	p.is_active = flags >> 7;
	/* any: a stranger may be the first; it is not looked at here */
	p.side.learning = modes & 1 ? LEARNING_SDP : LEARNING_AUTO;
	p.side.dtmf_mode = modes >> 1 & 3;
	p.side.sdp = modes >> 3 & 1;
	p.is_answered = modes >> 4 & 1;
	p.side.event_payload = modes >> 5 & 1 ? 101 : 0;
	if (modes >> 6 & 1) {
		p.side.payloads[0] = (struct media_payload){
			.clock = 8000, .type = 0, .codec = MEDIA_PCMU
		};
		p.side.payloads[1] = (struct media_payload){
			.clock = 8000, .type = 101, .codec = MEDIA_EVENT
		};
		p.side.payloadc = 2;
	}
	session_point(&w->s, side, &p, w->now_us);
}


static size_t make(struct world *w, uint8_t *data)
{
	const uint8_t kind = next(w);
	const struct pkt_head head = {
		.type = kind & 1 ? 101 : 0,
		.marker = kind >> 1 & 1,
		.seq = (uint16_t)(next(w) << (kind & 8 ? 8 : 0)),
		.time = (uint32_t)next(w) << (kind & 16 ? 24 : 4),
		.ssrc = kind >> 2 & 1,
	};
	size_t len = PKT_HEAD;

	pkt_print(data, &head);
	if (kind >> 7) /* bytes as they come, maybe no RTP at all */
		for (len = 0; len < 40 && w->left; len++)
			data[len] = next(w);
	else
		for (; len < PKT_HEAD + 4u + (kind >> 5 & 3) * 50; len++)
			data[len] = next(w);

	return len;
}


static void packet(struct world *w, unsigned side)
{
	uint8_t data[PKT_MAX];
	const uint8_t how = next(w);
	const struct session_at at = { (uint8_t)side, how & 1, how >> 1 & 1 };
	const enum who who = (how >> 2 & 3) % WHOC;
	const size_t len = make(w, data);
	const struct session_packet p = {
		.data = data,
		.len = len,
		.from = addr_of(side, who, how & 16 ? 4000 : 777),
		.now_us = w->now_us,
	};
	struct session_verdict v;

	if (at.line >= w->s.i.sides[side].linec)
		return;
	session_packet(&w->s, at, &p, &v);
	if (who == STRANGER)
		assert(v.fate < SESSION_DROPS && !v.is_learned &&
		       !v.heard.digit);
	if (v.fate != SESSION_FORWARD)
		return;

	assert(v.out.side != side && v.out.line == at.line &&
	       v.out.stream == at.stream);
	assert(v.to->port != 0 && is_of(v.to, v.out.side));
	assert(w->s.i.sides[v.out.side].is_pointed);
}


static void voice(struct world *w)
{
	const struct digit digit = { "0123456789*#ABCDx"[next(w) % 17],
				     next(w) * 30u };
	uint8_t data[PKT_MAX];
	const unsigned side = next(w) % SIDES;

	if (w->s.i.sides[side].is_used)
		(void)session_say(&w->s, side, &digit);
	for (unsigned n = 0; n < SIDES; n++)
		assert(session_voice(&w->s, n, data, w->now_us) <= PKT_MAX);
}


/* A successor finds the image and the flows. */
static void kill_it(struct world *w)
{
	static struct session now;

	memset(&now, 0, sizeof(now));
	now.i = w->s.i;
	memcpy(now.flows, w->s.flows, sizeof(now.flows));
	session_derive(&now, w->now_us);
	w->s = now;
}


static void end_side(struct world *w, unsigned side)
{
	session_side_end(&w->s, side);
	w->s.i.sides[side].is_used = true;
	w->s.i.sides[side].number = side;
	w->s.i.sides[side].linec = 1 + side % 2;
	for (unsigned l = 0; l < w->s.i.sides[side].linec; l++)
		w->s.i.sides[side].lines[l].port =
			(uint16_t)(10000 + 4 * side + 2 * l);
}


static void check(const struct world *w)
{
	assert(media_slot_fault(&w->s.i) == NULL);
	for (unsigned n = 0; n < SIDES; n++) {
		const struct media_flow *flow = &w->s.flows[n];

		assert(flow->last_seq >= flow->first_seq);
		assert(flow->packets >= flow->received);
	}
	assert(session_silent(&w->s, w->now_us) <= 3);
}


static void step(struct world *w)
{
	const uint8_t op = next(w);
	const unsigned side = (op >> 4) % SIDES;

	switch (op % 8) {

	case 0:
		point(w, side);
		break;

	case 1:
		voice(w);
		break;

	case 2:
		w->now_us += (int64_t)next(w) * 50000;
		break;

	case 3:
		kill_it(w);
		break;

	case 4:
		if (op >> 7)
			end_side(w, side);
		break;

	default:
		w->now_us += 20000;
		packet(w, side);
		break;
	}
	check(w);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	w.data = data;
	w.left = size;
	w.now_us = 100000000;
	w.s.i.session = 1;
	for (unsigned side = 0; side < SIDES; side++)
		end_side(&w, side);
	while (w.left)
		step(&w);

	return 0;
}
