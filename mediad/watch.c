/**
 * @file mediad/watch.c  Looking after sessions, twice a second each
 */
#include "mediad/mediad.h"
#include "mediad/metrics.h"
#include "mediad/notice.h"
#include "mediad/voice.h"
#include "mediad/watch.h"

enum {
	TICK_MS = 50,
	PARTS = 10, /* each session comes up once in so many ticks */
};

#define REPEAT_US ((int64_t)1000000)
#define ASK_US    ((int64_t)60000000)

static const char *const side_words[] = { "none", "a", "b", "both" };


static void lost(struct mediad *mediad, struct session *s, unsigned sides)
{
	const struct media_session *i = &s->i;

	s->i.lost = (uint8_t)sides;
	sessions_publish(mediad->sessions, s);
	for (unsigned n = 0; n < MEDIA_SIDES; n++) {
		const char *gateway = i->sides[n].gateway;
		const bool is_meant = n == MEDIA_A
					      ? sides & 1
					      : n == i->active && sides & 2;

		if (is_meant && gateway[0])
			metric_inc_at(M_MEDIA_NO_MEDIA,
				      metric_series(M_MEDIA_NO_MEDIA,
						    gateway));
	}
	log_notice(mediad->log, "no_media session=%llx sides=%s after_s=%u",
		   (unsigned long long)i->session, side_words[sides],
		   (unsigned)i->nomedia_s);
}


/* What a predecessor heard first, but may not have said */
static void tell_started(struct mediad *mediad, struct session *s)
{
	if (s->i.answered_us)
		return;

	for (unsigned n = 0; n < MEDIA_SIDES; n++)
		if (s->flows[n].packets && !s->is_told[n])
			notice_started(mediad, s, n);
}


/* An event whose end was lost, and nothing else comes */
static void tell_digits(struct mediad *mediad, struct session *s,
			int64_t now_us)
{
	struct digit heard;

	for (unsigned n = 0; n < MEDIA_SIDES; n++) {
		if (s->convert[n] != SESSION_EVENTS)
			continue;
		digit_wait(&s->ears[n], &s->flows[n], TONE_HZ, now_us, &heard);
		if (heard.digit) {
			sessions_count_flow(mediad->sessions, s, n);
			voice_heard(mediad, s, n, &heard);
		}
	}
}


static void look_after(struct mediad *mediad, struct session *s,
		       int64_t now_us)
{
	const unsigned sides = session_silent(s, now_us);

	/* It fires once, whatever comes later. */
	if (sides && !s->i.lost)
		lost(mediad, s, sides);
	if (s->i.lost && now_us - s->lost_us >= REPEAT_US) {
		s->lost_us = now_us;
		notice_lost(mediad, s, s->i.lost);
	}
	if (!s->asked_us) {
		s->asked_us = now_us;
	}
	else if (now_us - s->asked_us >= ASK_US) {
		s->asked_us = now_us;
		notice_lost(mediad, s, 0);
	}
	tell_started(mediad, s);
	tell_digits(mediad, s, now_us);
}


static void on_tick(void *arg)
{
	struct mediad *mediad = arg;
	struct sessions *ss = mediad->sessions;
	const uint32_t slotc = sessions_slots(ss);
	const uint32_t part = (slotc + PARTS - 1) / PARTS;

	for (uint32_t n = 0; n < part; n++) {
		struct session *s;

		if (mediad->ticked >= slotc)
			mediad->ticked = 0;
		s = sessions_at(ss, mediad->ticked++);
		if (s)
			look_after(mediad, s, ev_now_us(mediad->ev));
	}
	metric_set(M_MEDIA_SESSIONS, sessions_count(ss));
	metric_set(M_MEDIA_PORTS_FREE, ports_left(mediad->ports));
	ev_timer_start(&mediad->tick, mediad->ev, TICK_MS, on_tick, mediad);
}


void watch_start(struct mediad *mediad)
{
	on_tick(mediad);
}


void watch_stop(struct mediad *mediad)
{
	ev_timer_stop(&mediad->tick);
}
