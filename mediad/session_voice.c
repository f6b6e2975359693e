/**
 * @file mediad/session_voice.c  The relay of one call: digits and tones
 *
 * Media 7: two sides with a mode each, and different ones, are converted; a
 * side that is transparent, or both alike, and nothing is touched.
 */
#include <errno.h>

#include "mediad/session.h"

/* What is done to the digits of a side in this mode */
static const uint8_t converts[DTMF_MODEC] = {
	[DTMF_TRANSPARENT] = SESSION_AS_IS,
	[DTMF_RFC2833] = SESSION_EVENTS,
	[DTMF_INFO] = SESSION_AS_IS, /* sipd reads them */
	[DTMF_INBAND] = SESSION_TONES,
};


static bool is_converted(const struct media_side *a,
			 const struct media_side *b)
{
	return a->dtmf_mode != DTMF_TRANSPARENT &&
	       b->dtmf_mode != DTMF_TRANSPARENT &&
	       a->dtmf_mode != b->dtmf_mode && !a->is_secure && !b->is_secure;
}


void session_derive_voice(struct session *s)
{
	for (unsigned side = 0; side < MEDIA_SIDES; side++) {
		const struct media_side *m = &s->i.sides[side];
		const int peer = session_peer(s, side);
		const bool is_pair = peer >= 0 &&
				     is_converted(m, &s->i.sides[peer]);
		const bool was_heard = peer >= 0 && s->flows[peer].packets;

		s->convert[side] = is_pair ? converts[m->dtmf_mode]
					   : SESSION_AS_IS;
		insert_ring(&s->inserts[side],
			    m->is_used && m->ring_back && !was_heard);
		s->is_shaped[side] = m->is_used &&
				     (is_pair ||
				      s->inserts[side].kind == INSERT_RING ||
				      s->inserts[side].is_known);
	}
}


/* A tone goes out in what the peer speaks; before it has spoken, in the first
 * that the side speaks itself. */
static bool tone_form(const struct session *s, unsigned side,
		      struct insert_form *form)
{
	const struct media_side *m = &s->i.sides[side];
	const int peer = session_peer(s, side);
	const uint64_t codec = peer >= 0 && s->flows[peer].packets
				       ? s->flows[peer].codec
				       : MEDIA_OTHER;

	form->is_event = false;
	for (unsigned i = 0; i < m->payloadc; i++) {
		const struct media_payload *row = &m->payloads[i];

		if ((row->codec != MEDIA_PCMU && row->codec != MEDIA_PCMA) ||
		    (codec != MEDIA_OTHER && row->codec != codec))
			continue;
		form->codec = (enum media_codec)row->codec;
		form->type = row->type;
		return true;
	}

	return false;
}


static bool form_of(const struct session *s, unsigned side,
		    struct insert_form *form)
{
	const struct media_side *m = &s->i.sides[side];

	if (s->inserts[side].kind == INSERT_RING && !s->inserts[side].count)
		return tone_form(s, side, form);
	if (m->dtmf_mode == DTMF_INBAND)
		return tone_form(s, side, form);

	form->is_event = true;
	form->type = m->event_payload;

	return m->event_payload != 0;
}


int session_say(struct session *s, unsigned side, const struct digit *digit)
{
	struct insert_form form;
	const struct digit said = { digit->digit, digit_ms(digit->ms) };
	const struct media_side *m = &s->i.sides[side];
	const bool can = m->dtmf_mode == DTMF_INBAND
				 ? tone_form(s, side, &form)
				 : m->event_payload != 0;

	if (!can || m->is_secure || !s->to[side][0][SESSION_RTP].port ||
	    digit_code(digit->digit) < 0)
		return ENOTSUP;

	s->is_shaped[side] = true;

	return insert_digit(&s->inserts[side], &said);
}


bool session_is_busy(const struct session *s)
{
	for (unsigned side = 0; side < MEDIA_SIDES; side++)
		if (insert_is_busy(&s->inserts[side]))
			return true;

	return false;
}


size_t session_voice(struct session *s, unsigned side, uint8_t *data,
		     int64_t now_us)
{
	struct insert_form form;
	size_t len;

	if (!insert_is_busy(&s->inserts[side]))
		return 0;
	if (!form_of(s, side, &form)) { /* another SDP took it away */
		insert_restore(&s->inserts[side], s->flows[side].out, now_us);
		return 0;
	}

	len = insert_tick(&s->inserts[side], &form, data, now_us);
	s->flows[side].out = insert_save(&s->inserts[side]);

	return s->to[side][0][SESSION_RTP].port ? len : 0;
}
