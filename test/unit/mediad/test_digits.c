/**
 * @file test/unit/mediad/test_digits.c  Media 7: digits of one side for the
 * other
 */
#include "mediad/session.h"
#include "test/support/t.h"
#include "test/unit/mediad/rig.h"

enum {
	EVENT = 101,
	B = 1,
};

static const char at_a[] = "192.0.2.1:4000";
static const char at_b[] = "192.0.2.2:5000";


struct call {
	struct session s;
	int64_t now_us;
	uint16_t seq;        /* of A */
	struct pkt_head out; /* sent last to B */
	unsigned outc;
	struct digit heard;
	unsigned heardc;
};


static void point(struct session *s, unsigned side, const char *at,
		  enum media_dtmf mode)
{
	struct session_point p = rig_point(at);

	p.side.dtmf_mode = (uint8_t)mode;
	p.side.event_payload = mode == DTMF_RFC2833 ? EVENT : 0;
	p.side.payloads[p.side.payloadc++] = (struct media_payload){
		.clock = 8000, .type = EVENT, .codec = MEDIA_EVENT
	};
	session_point(s, side, &p, RIG_NOW);
}


static void call_begin(struct call *call, enum media_dtmf a, enum media_dtmf b)
{
	memset(call, 0, sizeof(*call));
	call->now_us = RIG_NOW;
	for (unsigned i = 0; i <= B; i++) {
		call->s.i.sides[i].is_used = true;
		call->s.i.sides[i].number = i;
		call->s.i.sides[i].linec = 1;
	}
	point(&call->s, 0, at_a, a);
	point(&call->s, B, at_b, b);
}


/* What goes to B must be one stream without a gap. */
static void check_out(struct call *call, const uint8_t *data, size_t len)
{
	struct pkt_head head;

	assert_int_equal(pkt_parse(&head, data, len), 0);
	if (call->outc++) {
		assert_int_equal(head.seq, (uint16_t)(call->out.seq + 1));
		assert_int_equal(head.ssrc, call->out.ssrc);
	}
	call->out = head;
}


static enum session_fate from_a(struct call *call, uint8_t *data, size_t len)
{
	const struct session_packet p = { data, len, rig_addr(at_a),
					  call->now_us };
	struct session_verdict v;

	session_packet(&call->s, (struct session_at){ 0, 0, SESSION_RTP }, &p,
		       &v);
	if (v.fate == SESSION_FORWARD)
		check_out(call, data, len);
	if (v.heard.digit) {
		call->heard = v.heard;
		call->heardc++;
	}

	return v.fate;
}


static enum session_fate audio(struct call *call)
{
	uint8_t data[PKT_MAX];
	const size_t len = rig_rtp(data, 0, call->seq++);

	return from_a(call, data, len);
}


static enum session_fate event(struct call *call, uint32_t time, uint8_t code,
			       uint16_t duration, bool is_end)
{
	const struct pkt_head head = {
		.type = EVENT, .seq = call->seq++, .time = time, .ssrc = 4711
	};
	const struct digit_event e = { code, is_end, duration };
	uint8_t data[PKT_HEAD + DIGIT_EVENT];

	pkt_print(data, &head);
	digit_print(data + PKT_HEAD, &e);

	return from_a(call, data, sizeof(data));
}


/* As GW1 of media 12.7 sends one: five packets, three copies of the end */
static void say_digit(struct call *call, uint32_t time, uint8_t code)
{
	for (uint16_t i = 1; i <= 5; i++)
		assert_int_equal(event(call, time, code, (uint16_t)(160 * i),
				       false),
				 SESSION_ABSORB);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(event(call, time, code, 960, true),
				 SESSION_ABSORB);
}


static void an_event_is_told_once_at_its_end(void **state)
{
	struct call call;

	(void)state;
	call_begin(&call, DTMF_RFC2833, DTMF_INFO);
	assert_int_equal(audio(&call), SESSION_FORWARD);
	say_digit(&call, 1000, 1);
	assert_int_equal(call.heardc, 1);
	assert_int_equal(call.heard.digit, '1');
	assert_int_equal(call.heard.ms, 120);
	say_digit(&call, 3000, 2);
	say_digit(&call, 5000, 11);
	assert_int_equal(call.heardc, 3);
	assert_int_equal(call.heard.digit, '#');
}


static void the_same_digit_again_is_another_one(void **state)
{
	struct call call;

	(void)state;
	call_begin(&call, DTMF_RFC2833, DTMF_INFO);
	say_digit(&call, 1000, 5);
	say_digit(&call, 3000, 5);
	assert_int_equal(call.heardc, 2);
}


static void a_lost_end_is_told_when_something_else_comes(void **state)
{
	struct call call;

	(void)state;
	call_begin(&call, DTMF_RFC2833, DTMF_INFO);
	assert_int_equal(event(&call, 1000, 7, 320, false), SESSION_ABSORB);
	call.now_us += 20000;
	(void)audio(&call);
	assert_int_equal(call.heardc, 0);
	call.now_us += 100000;
	(void)audio(&call);
	assert_int_equal(call.heardc, 1);
	assert_int_equal(call.heard.digit, '7');
	/* and its end, late after all, is not told again */
	(void)event(&call, 1000, 7, 960, true);
	assert_int_equal(call.heardc, 1);
}


static void a_digit_is_not_told_again_by_a_successor(void **state)
{
	struct call call;
	struct session next;

	(void)state;
	call_begin(&call, DTMF_RFC2833, DTMF_INFO);
	say_digit(&call, 1000, 5);
	memset(&next, 0, sizeof(next));
	next.i = call.s.i;
	memcpy(next.flows, call.s.flows, sizeof(next.flows));
	session_derive(&next, call.now_us);
	call.s = next;
	(void)event(&call, 1000, 5, 960, true);
	assert_int_equal(call.heardc, 1);
}


static void alike_or_transparent_nothing_is_touched(void **state)
{
	static const enum media_dtmf pairs[][2] = {
		{ DTMF_RFC2833, DTMF_RFC2833 },
		{ DTMF_TRANSPARENT, DTMF_INFO },
		{ DTMF_RFC2833, DTMF_TRANSPARENT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		struct call call;

		call_begin(&call, pairs[i][0], pairs[i][1]);
		assert_int_equal(event(&call, 1000, 5, 160, true),
				 SESSION_FORWARD);
		assert_int_equal(call.heardc, 0);
	}
}


static void a_tone_is_cut_and_told(void **state)
{
	struct call call;
	unsigned loud = 0;

	(void)state;
	call_begin(&call, DTMF_INBAND, DTMF_RFC2833);
	for (unsigned i = 0; i < 20; i++) {
		uint8_t data[PKT_MAX];
		const size_t len = rig_rtp(data, 0, call.seq++);

		if (i >= 5 && i < 10)
			tone_make(data + PKT_HEAD, 160, MEDIA_PCMU, '9',
				  (i - 5) * 160);
		assert_int_equal(from_a(&call, data, len), SESSION_FORWARD);
		for (size_t n = PKT_HEAD; n < len; n++)
			loud += data[n] != 0xff;
	}
	assert_int_equal(call.heardc, 1);
	assert_int_equal(call.heard.digit, '9');
	assert_int_equal(loud, 0);
}


/* --- said to B
 * ------------------------------------------------------------------------ */

static size_t tick(struct call *call, uint8_t *data)
{
	const size_t len = session_voice(&call->s, B, data, call->now_us);

	if (len)
		check_out(call, data, len);
	call->now_us += 20000;

	return len;
}


static void a_digit_of_info_becomes_an_event(void **state)
{
	const struct digit digit = { '5', 0 };
	uint8_t data[PKT_MAX];
	struct digit_event e;
	unsigned ends = 0, others = 0;
	uint32_t time = 0;
	struct call call;

	(void)state;
	call_begin(&call, DTMF_INFO, DTMF_RFC2833);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(audio(&call), SESSION_FORWARD);
	assert_int_equal(session_say(&call.s, B, &digit), 0);
	while (session_is_busy(&call.s)) {
		if (!tick(&call, data))
			continue;
		assert_int_equal(call.out.type, EVENT);
		assert_int_equal(call.out.marker, ends + others == 0);
		if (ends + others)
			assert_int_equal(call.out.time, time);
		time = call.out.time;
		assert_int_equal(digit_parse(&e, data + PKT_HEAD, 4), 0);
		assert_int_equal(e.code, 5);
		ends += e.is_end;
		others += !e.is_end;
		assert_int_equal(audio(&call), SESSION_ABSORB);
	}
	assert_int_equal(ends, 3);
	assert_int_equal(others, 8);
	assert_int_equal(e.duration, 1280);
	/* and audio goes on behind it, without a gap: check_out() */
	assert_int_equal(audio(&call), SESSION_FORWARD);
	assert_int_equal(audio(&call), SESSION_FORWARD);
}


static void a_digit_needs_no_audio(void **state)
{
	const struct digit digit = { '#', 40 };
	uint8_t data[PKT_MAX];
	struct call call;

	(void)state;
	call_begin(&call, DTMF_INFO, DTMF_RFC2833);
	assert_int_equal(session_say(&call.s, B, &digit), 0);
	while (session_is_busy(&call.s))
		(void)tick(&call, data);
	assert_int_equal(call.outc, 6);
}


static void a_shift_is_kept_by_a_successor(void **state)
{
	const struct digit digit = { '1', 100 };
	uint8_t data[PKT_MAX];
	struct session next;
	struct call call;

	(void)state;
	call_begin(&call, DTMF_INFO, DTMF_RFC2833);
	(void)audio(&call);
	assert_int_equal(session_say(&call.s, B, &digit), 0);
	while (session_is_busy(&call.s))
		(void)tick(&call, data);
	assert_int_equal(audio(&call), SESSION_FORWARD);

	memset(&next, 0, sizeof(next));
	next.i = call.s.i;
	memcpy(next.flows, call.s.flows, sizeof(next.flows));
	session_derive(&next, call.now_us);
	call.s = next;
	assert_int_equal(audio(&call), SESSION_FORWARD); /* check_out() */
}


static void a_digit_becomes_a_tone(void **state)
{
	const struct digit digit = { 'D', 100 };
	struct tone_ear ear = { .samples = 0 };
	uint8_t data[PKT_MAX];
	unsigned heardc = 0;
	struct digit heard;
	struct call call;

	(void)state;
	call_begin(&call, DTMF_INFO, DTMF_INBAND);
	(void)audio(&call);
	assert_int_equal(session_say(&call.s, B, &digit), 0);
	while (session_is_busy(&call.s)) {
		const size_t len = tick(&call, data);

		if (!len)
			continue;
		(void)tone_hear(&ear, MEDIA_PCMU, data + PKT_HEAD, 160,
				&heard);
		heardc += heard.digit != '\0';
	}
	tone_make(data, 320, MEDIA_PCMU, '\0', 0);
	(void)tone_hear(&ear, MEDIA_PCMU, data, 320, &heard);
	heardc += heard.digit == 'D';
	assert_int_equal(heardc, 1);
	assert_int_equal(audio(&call), SESSION_FORWARD);
}


static void who_cannot_hear_it_is_not_told(void **state)
{
	const struct digit digit = { '1', 100 }, none = { 'x', 100 };
	struct call call;

	(void)state;
	call_begin(&call, DTMF_INFO, DTMF_RFC2833);
	assert_int_equal(session_say(&call.s, B, &none), ENOTSUP);
	call.s.i.sides[B].event_payload = 0;
	assert_int_equal(session_say(&call.s, B, &digit), ENOTSUP);
	assert_false(session_is_busy(&call.s));
}


static void the_ring_stops_when_the_other_side_is_heard(void **state)
{
	struct session_point p = rig_point(at_b);
	uint8_t data[PKT_MAX];
	struct call call;
	unsigned loud = 0, n = 0;

	(void)state;
	call_begin(&call, DTMF_TRANSPARENT, DTMF_TRANSPARENT);
	p.side.ring_back = true;
	session_point(&call.s, B, &p, RIG_NOW);
	for (unsigned i = 0; i < 500; i++) {
		const size_t len = tick(&call, data);

		assert_int_equal(len, PKT_HEAD + 160);
		n++;
		loud += data[PKT_HEAD + 5] != 0xff;
	}
	assert_in_range(loud, 98, 100); /* 1 s of 5, twice */
	call.outc = 0;                  /* another stream */
	assert_int_equal(audio(&call), SESSION_FORWARD);
	assert_int_equal(tick(&call, data), 0);
	assert_false(session_is_busy(&call.s));
	session_point(&call.s, B, &p, RIG_NOW);
	assert_false(session_is_busy(&call.s));
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_told_once_at_its_end),
		cmocka_unit_test(the_same_digit_again_is_another_one),
		cmocka_unit_test(a_lost_end_is_told_when_something_else_comes),
		cmocka_unit_test(a_digit_is_not_told_again_by_a_successor),
		cmocka_unit_test(alike_or_transparent_nothing_is_touched),
		cmocka_unit_test(a_tone_is_cut_and_told),
		cmocka_unit_test(a_digit_of_info_becomes_an_event),
		cmocka_unit_test(a_digit_needs_no_audio),
		cmocka_unit_test(a_shift_is_kept_by_a_successor),
		cmocka_unit_test(a_digit_becomes_a_tone),
		cmocka_unit_test(who_cannot_hear_it_is_not_told),
		cmocka_unit_test(the_ring_stops_when_the_other_side_is_heard),
	};

	return T_MAIN_ONLY(tests);
}
