/**
 * @file mediad/session_packet.c  The relay of one call: its packets
 */
#include <string.h>

#include "mediad/flow_count.h"
#include "mediad/latch.h"
#include "mediad/pkt.h"
#include "mediad/session.h"

enum {
	FLOOD = 1000, /* foreign packets, security 6 */
};

#define MINUTE_US ((int64_t)60000000)


static void foreign(struct session *s, unsigned side, int64_t now_us,
		    struct session_verdict *verdict)
{
	s->flows[side].foreign++;
	if (now_us - s->foreign_us[side] >= MINUTE_US ||
	    s->foreignc[side] == 0) {
		s->foreign_us[side] = now_us;
		s->foreignc[side] = 0;
	}
	verdict->is_flood = ++s->foreignc[side] == FLOOD;
	verdict->fate = SESSION_FOREIGN;
}


/* --- round trip
 * ------------------------------------------------------------------------- */

static void report_passed(struct session *s, unsigned to, uint32_t sent,
			  int64_t now_us)
{
	const unsigned at = s->reportc[to]++ % SESSION_REPORTS;

	s->reports[to][at].sent = sent;
	s->reports[to][at].at_us = now_us;
}


/* What it echoes has passed here on its way: from then until now, less what
 * the side held it. RFC 3550, 6.4.1. */
static void round_trip(struct session *s, unsigned side,
		       const struct pkt_reports *r, int64_t now_us)
{
	const unsigned n = s->reportc[side] < SESSION_REPORTS
				   ? s->reportc[side]
				   : SESSION_REPORTS;

	for (unsigned i = 0; i < n; i++) {
		const int64_t held = (int64_t)r->held * 1000000 / 65536;
		int64_t rtt;

		if (s->reports[side][i].sent != r->echoed)
			continue;
		rtt = now_us - s->reports[side][i].at_us - held;
		if (rtt >= 0 && rtt < MINUTE_US)
			s->flows[side].rtt_us = rtt ? (uint64_t)rtt : 1;
	}
}


/* --- what came
 * -------------------------------------------------------------------------- */

/* @return SESSION_FORWARD, or why it is no such packet */
static enum session_fate take_rtcp(struct session *s, struct session_at at,
				   const struct session_packet *p)
{
	const int peer = session_peer(s, at.side);
	struct pkt_reports reports;

	if (s->i.sides[at.side].lines[at.line].is_udptl ||
	    pkt_rtcp_parse(&reports, p->data, p->len) != 0)
		return SESSION_NOT_RTP;
	if (at.line != 0 || s->i.sides[at.side].is_secure)
		return SESSION_FORWARD;

	if (reports.has_sender && peer >= 0)
		report_passed(s, (unsigned)peer, reports.sent, p->now_us);
	if (reports.has_echo)
		round_trip(s, at.side, &reports, p->now_us);

	return SESSION_FORWARD;
}


static bool is_g711(const struct media_payload *payload)
{
	return payload &&
	       (payload->codec == MEDIA_PCMU || payload->codec == MEDIA_PCMA);
}


/* @return SESSION_FORWARD, or SESSION_ABSORB: the peer does not hear it */
static enum session_fate hear_event(struct session *s, unsigned side,
				    const struct pkt_head *head,
				    const struct media_payload *payload,
				    const struct session_packet *p,
				    struct digit *heard)
{
	struct digit_event event;
	const uint8_t *data;
	size_t len;

	if (!payload || payload->codec != MEDIA_EVENT) {
		digit_wait(&s->ears[side], &s->flows[side], TONE_HZ, p->now_us,
			   heard);
		return SESSION_FORWARD;
	}
	if (pkt_payload(p->data, p->len, &data, &len) == 0 &&
	    digit_parse(&event, data, len) == 0 && digit_of(event.code))
		digit_hear(&s->ears[side], &s->flows[side], head, &event,
			   payload->clock, p->now_us, heard);

	return SESSION_ABSORB;
}


static void hear_tone(struct session *s, unsigned side,
		      const struct media_payload *payload,
		      const struct session_packet *p, struct digit *heard)
{
	const enum media_codec codec = (enum media_codec)payload->codec;
	const uint8_t *data;
	size_t len;

	if (pkt_payload(p->data, p->len, &data, &len) == 0 &&
	    tone_hear(&s->tones[side], codec, data, len, heard))
		memset(p->data + (data - p->data), tone_silence(codec), len);
}


static enum session_fate take_audio(struct session *s, unsigned side,
				    const struct pkt_head *head,
				    const struct media_payload *payload,
				    const struct session_packet *p,
				    struct digit *heard)
{
	flow_rtp(&s->flows[side], head, payload, p->now_us);
	if (s->convert[side] == SESSION_EVENTS)
		return hear_event(s, side, head, payload, p, heard);
	if (s->convert[side] == SESSION_TONES && is_g711(payload))
		hear_tone(s, side, payload, p, heard);

	return SESSION_FORWARD;
}


static enum session_fate take_rtp(struct session *s, struct session_at at,
				  const struct session_packet *p,
				  struct digit *heard)
{
	const struct media_side *side = &s->i.sides[at.side];
	const struct media_payload *payload = NULL;
	struct media_flow *flow = &s->flows[at.side];
	struct pkt_head head;
	unsigned row;

	if (side->lines[at.line].is_udptl) {
		flow_count(flow, p->len, p->now_us);
		return SESSION_FORWARD;
	}
	if (pkt_parse(&head, p->data, p->len) != 0)
		return SESSION_NOT_RTP;

	row = s->row[at.side][head.type];
	if (row)
		payload = &side->payloads[row - 1];
	else if (side->payloadc)
		return SESSION_PAYLOAD;
	flow_count(flow, p->len, p->now_us);

	return at.line == 0 ? take_audio(s, at.side, &head, payload, p, heard)
			    : SESSION_FORWARD;
}


/* @return false: it is left out */
static bool shape(struct session *s, unsigned peer,
		  const struct session_packet *p,
		  struct session_verdict *verdict)
{
	verdict->is_shaped = true;
	if (!insert_pass(&s->inserts[peer], p->data, p->len, p->now_us))
		return false;

	s->flows[peer].out = insert_save(&s->inserts[peer]);

	return true;
}


static void forward(struct session *s, struct session_at at,
		    const struct session_packet *p,
		    struct session_verdict *verdict)
{
	const int peer = session_peer(s, at.side);

	verdict->fate = SESSION_ABSORB;
	if (peer < 0 || at.line >= s->i.sides[peer].linec ||
	    s->to[peer][at.line][at.stream].port == 0)
		return;
	if (at.stream == SESSION_RTP && at.line == 0 && s->is_shaped[peer] &&
	    !s->i.sides[at.side].lines[0].is_udptl &&
	    !shape(s, (unsigned)peer, p, verdict))
		return;

	verdict->fate = SESSION_FORWARD;
	verdict->out = (struct session_at){ (uint8_t)peer, at.line,
					    at.stream };
	verdict->to = &s->to[peer][at.line][at.stream];
}


static void learn(struct session *s, struct session_at at,
		  struct media_latch *latch, const struct addr *from)
{
	struct addr *to = &s->to[at.side][at.line][at.stream];

	latch_learn(latch, from);
	if (!latch_target(latch, &s->i.sides[at.side], to))
		to->port = 0;
}


void session_packet(struct session *s, struct session_at at,
		    const struct session_packet *p,
		    struct session_verdict *verdict)
{
	struct media_side *side = &s->i.sides[at.side];
	struct media_line *line = &side->lines[at.line];
	struct media_latch *latch = at.stream == SESSION_RTCP ? &line->rtcp
							      : &line->rtp;
	int64_t *last = &s->last_us[at.side][at.line][at.stream];
	const bool had_media = s->flows[at.side].packets > 0;
	enum latch_verdict judged;

	*verdict = (struct session_verdict){ .fate = SESSION_NONE };
	if (!side->is_pointed)
		return;
	judged = latch_judge(latch, side, &p->from, *last, p->now_us);
	if (judged == LATCH_UNKNOWN)
		return;
	if (judged == LATCH_FOREIGN) {
		foreign(s, at.side, p->now_us, verdict);
		return;
	}
	verdict->fate = at.stream == SESSION_RTCP
				? take_rtcp(s, at, p)
				: take_rtp(s, at, p, &verdict->heard);
	if (verdict->fate < SESSION_DROPS)
		return;

	*last = p->now_us;
	if (judged == LATCH_LEARN) {
		learn(s, at, latch, &p->from);
		verdict->is_learned = true;
	}
	verdict->is_first = !had_media && s->flows[at.side].packets > 0;
	if (verdict->fate == SESSION_FORWARD)
		forward(s, at, p, verdict);
}
