/**
 * @file mediad/voice.c  What the switch itself says to the sides of calls
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "mediad/mediad.h"
#include "mediad/metrics.h"
#include "mediad/notice.h"
#include "mediad/relay.h"
#include "mediad/voice.h"
#include "shared/base/clk.h"

struct voice {
	struct mediad *mediad;
	struct session **list;
	uint32_t count, most;
	struct ev_timer timer;
	int64_t due_us; /* of the next tick: they are counted, not spaced */
};


static void say(struct voice *voice, struct session *s, int64_t now_us)
{
	uint8_t data[PKT_MAX];

	for (unsigned side = 0; side < MEDIA_SIDES; side++) {
		const struct session_at at = { (uint8_t)side, 0, SESSION_RTP };
		const size_t len = session_voice(s, side, data, now_us);

		if (!len)
			continue;
		sessions_count_flow(voice->mediad->sessions, s, side);
		relay_say(voice->mediad->relay, s, at, data, len);
	}
}


static void on_tick(void *arg)
{
	struct voice *voice = arg;
	const int64_t now_us = clk_mono_us();
	int64_t left_ms;

	for (uint32_t i = voice->count; i-- > 0;) {
		struct session *s = voice->list[i];

		say(voice, s, now_us);
		if (!session_is_busy(s))
			voice_stop(voice, s);
	}
	if (!voice->count)
		return;

	voice->due_us += (int64_t)INSERT_MS * 1000;
	if (voice->due_us <= now_us) /* we were not there: from now on */
		voice->due_us = now_us + (int64_t)INSERT_MS * 1000;
	left_ms = (voice->due_us - now_us + 999) / 1000;
	ev_timer_start(&voice->timer, voice->mediad->ev, (uint32_t)left_ms,
		       on_tick, voice);
}


void voice_start(struct voice *voice, struct session *s)
{
	if (s->voice || !session_is_busy(s))
		return;

	assert(voice->count < voice->most);
	voice->list[voice->count++] = s;
	s->voice = voice->count;
	if (!ev_timer_running(&voice->timer)) {
		voice->due_us = clk_mono_us();
		ev_timer_start(&voice->timer, voice->mediad->ev, 0, on_tick,
			       voice);
	}
}


void voice_stop(struct voice *voice, struct session *s)
{
	struct session *last;

	if (!s->voice)
		return;

	last = voice->list[--voice->count];
	voice->list[s->voice - 1] = last;
	last->voice = s->voice;
	s->voice = 0;
}


void voice_say(struct mediad *mediad, struct session *s, unsigned side,
	       const struct digit *digit)
{
	if (session_say(s, side, digit) != 0) {
		metric_inc_at(M_MEDIA_DTMF, METRICS_DTMF_UNDELIVERABLE);
		return;
	}
	metric_inc_at(M_MEDIA_DTMF, METRICS_DTMF_CONVERTED);
	voice_start(mediad->voice, s);
}


void voice_heard(struct mediad *mediad, struct session *s, unsigned side,
		 const struct digit *digit)
{
	const int peer = session_peer(s, side);

	if (peer < 0)
		return;
	if (s->i.sides[peer].dtmf_mode != DTMF_INFO) {
		voice_say(mediad, s, (unsigned)peer, digit);
		return;
	}
	metric_inc_at(M_MEDIA_DTMF, METRICS_DTMF_CONVERTED);
	notice_digit(mediad, s, side, digit);
}


int voice_alloc(struct voice **voicep, struct mediad *mediad)
{
	const uint32_t most = sessions_slots(mediad->sessions);
	struct voice *voice = calloc(1, sizeof(*voice));

	if (!voice)
		return ENOMEM;

	voice->mediad = mediad;
	voice->most = most;
	voice->list = calloc(most ? most : 1, sizeof(struct session *));
	if (!voice->list) {
		free(voice);
		return ENOMEM;
	}
	for (uint32_t i = 0; i < most; i++) {
		struct session *s = sessions_at(mediad->sessions, i);

		if (s)
			voice_start(voice, s);
	}
	*voicep = voice;

	return 0;
}


struct voice *voice_free(struct voice *voice)
{
	if (!voice)
		return NULL;

	ev_timer_stop(&voice->timer);
	free(voice->list);
	free(voice);

	return NULL;
}
