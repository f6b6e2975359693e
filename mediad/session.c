/**
 * @file mediad/session.c  The relay of one call: its sides
 */
#include <string.h>

#include "mediad/latch.h"
#include "mediad/session.h"

#define SECOND_US ((int64_t)1000000)


/* --- derived
 * ------------------------------------------------------------------------ */

static void derive_to(struct session *s, unsigned side)
{
	const struct media_side *m = &s->i.sides[side];

	memset(s->to[side], 0, sizeof(s->to[side]));
	if (!m->is_used || !m->is_pointed)
		return;

	for (unsigned l = 0; l < m->linec; l++) {
		const struct media_latch *latches[SESSION_STREAMS] = {
			[SESSION_RTP] = &m->lines[l].rtp,
			[SESSION_RTCP] = &m->lines[l].rtcp,
		};

		for (unsigned n = 0; n < SESSION_STREAMS; n++)
			if (!latch_target(latches[n], m, &s->to[side][l][n]))
				s->to[side][l][n].port = 0;
	}
}


static void derive_rows(struct session *s, unsigned side)
{
	const struct media_side *m = &s->i.sides[side];

	memset(s->row[side], 0, sizeof(s->row[side]));
	for (unsigned i = m->payloadc; i-- > 0;)
		s->row[side][m->payloads[i].type] = (uint8_t)(i + 1);
}


void session_derive(struct session *s, int64_t now_us)
{
	for (unsigned side = 0; side < MEDIA_SIDES; side++) {
		derive_to(s, side);
		derive_rows(s, side);
		for (unsigned l = 0; l < MEDIA_LINES; l++)
			for (unsigned n = 0; n < SESSION_STREAMS; n++)
				s->last_us[side][l][n] = now_us;
		insert_restore(&s->inserts[side], s->flows[side].out, now_us);
	}
	session_derive_voice(s);
}


/* --- sides
 * -------------------------------------------------------------------------- */

int session_side(const struct session *s, uint32_t number)
{
	for (unsigned i = 0; i < MEDIA_SIDES; i++)
		if (s->i.sides[i].is_used && s->i.sides[i].number == number)
			return (int)i;

	return -1;
}


unsigned session_side_free(const struct session *s, uint32_t number)
{
	unsigned oldest = 0;

	if (number == 0)
		return MEDIA_A;

	for (unsigned i = 1; i < MEDIA_SIDES; i++) {
		if (!s->i.sides[i].is_used)
			return i;
		if (i != s->i.active &&
		    (!oldest ||
		     s->i.sides[i].number < s->i.sides[oldest].number))
			oldest = i;
	}

	return oldest;
}


void session_side_end(struct session *s, unsigned side)
{
	if (s->i.active == side)
		s->i.active = 0;
	memset(&s->i.sides[side], 0, sizeof(s->i.sides[side]));
	memset(&s->flows[side], 0, sizeof(s->flows[side]));
	memset(s->last_us[side], 0, sizeof(s->last_us[side]));
	s->reportc[side] = 0;
	s->foreignc[side] = 0;
	s->is_told[side] = false;
	memset(&s->inserts[side], 0, sizeof(s->inserts[side]));
	memset(&s->ears[side], 0, sizeof(s->ears[side]));
	memset(&s->tones[side], 0, sizeof(s->tones[side]));
	derive_to(s, side);
	derive_rows(s, side);
	session_derive_voice(s);
}


int session_peer(const struct session *s, unsigned side)
{
	if (side == MEDIA_A)
		return s->i.active ? s->i.active : -1;

	return side == s->i.active ? MEDIA_A : -1;
}


/* --- what sipd says
 * -------------------------------------------------------------------------- */

/* Do other rules say who may send? */
static bool is_other_rule(const struct media_side *old,
			  const struct media_side *new)
{
	return old->is_nat != new->is_nat || old->learning != new->learning ||
	       !addr_same_ip(&old->source, &new->source);
}


static void point_latch(struct media_latch *latch, const struct addr *said,
			bool is_new, bool is_other, int64_t now_us)
{
	const struct addr none = { .family = 0 };

	latch_point(latch, addr_is_any(said) ? &none : said, is_new, now_us);
	if (is_other)
		latch_open(latch, now_us);
}


static void point_side(struct media_side *m, const struct media_side *said,
		       int64_t now_us)
{
	const bool is_other = m->is_pointed && is_other_rule(m, said);
	const bool is_new = m->is_pointed && m->sdp != said->sdp;

	for (unsigned l = 0; l < m->linec; l++) {
		struct media_line *line = &m->lines[l];

		point_latch(&line->rtp, &said->lines[l].rtp.signalled, is_new,
			    is_other, now_us);
		point_latch(&line->rtcp, &said->lines[l].rtcp.signalled,
			    is_new, is_other, now_us);
		line->is_udptl = said->lines[l].is_udptl;
	}
	memcpy(m->payloads, said->payloads, sizeof(m->payloads));
	memcpy(m->gateway, said->gateway, sizeof(m->gateway));
	m->payloadc = said->payloadc;
	m->source = said->source;
	m->sdp = said->sdp;
	m->direction = said->direction;
	m->is_nat = said->is_nat;
	m->learning = said->learning;
	m->is_sdp_first = said->is_sdp_first;
	m->dtmf_mode = said->dtmf_mode;
	m->event_payload = said->event_payload;
	m->is_secure = said->is_secure;
	m->ring_back = said->ring_back;
	m->is_pointed = true;
}


void session_point(struct session *s, unsigned side,
		   const struct session_point *point, int64_t now_us)
{
	point_side(&s->i.sides[side], &point->side, now_us);
	if (side != MEDIA_A && point->is_active)
		s->i.active = (uint8_t)side;
	else if (side != MEDIA_A && s->i.active == side)
		s->i.active = 0;
	s->i.nomedia_s = point->nomedia_s;
	s->i.is_nomedia_any = point->is_nomedia_any;
	if (point->is_answered && !s->i.answered_us)
		s->i.answered_us = now_us;
	derive_to(s, side);
	derive_rows(s, side);
	session_derive_voice(s);
}


/* --- silence
 * -------------------------------------------------------------------------- */

static bool is_silent(const struct session *s, unsigned side, int64_t now_us)
{
	const int64_t last = s->flows[side].last_us;
	const int64_t since = last > s->i.answered_us ? last
						      : s->i.answered_us;

	return now_us - since >= (int64_t)s->i.nomedia_s * SECOND_US;
}


unsigned session_silent(const struct session *s, int64_t now_us)
{
	unsigned sides;

	if (!s->i.answered_us || !s->i.nomedia_s)
		return 0;

	sides = is_silent(s, MEDIA_A, now_us) ? 1 : 0;
	if (!s->i.active || is_silent(s, s->i.active, now_us))
		sides |= 2;

	return s->i.is_nomedia_any || sides == 3 ? sides : 0;
}
