/**
 * @file mediad/notice.c  What mediad says unasked
 */
#include "mediad/mediad.h"
#include "mediad/notice.h"
#include "shared/base/text.h"
#include "shared/svc/svc.h"

enum {
	NOTICE_MS = 2000,
};

static const char *const leg_words[MEDIA_SIDES] = { "a", "b", "b" };


/* One that is away hears it when it is asked the next time, or not at all: no
 * notice is the only word on anything. */
static void send_notice(const struct mediad *mediad, const struct session *s,
			Tandem__Envelope *env)
{
	const struct bus_request request = {
		.to = { PEER_SIPD, s->i.sipd },
		.call = s->i.session,
		.deadline_ms = NOTICE_MS,
	};

	struct bus *bus = svc_bus(mediad->svc);

	if (bus) /* there is none yet at the first turn of the relay */
		(void)bus_send(bus, &request, env, NULL);
}


void notice_started(struct mediad *mediad, struct session *s, unsigned side)
{
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__MediaStarted started;

	tandem__media_started__init(&started);
	s->is_told[side] = true;
	started.session = s->i.session;
	started.side = s->i.sides[side].number;
	env.body_case = BUS_BODY(MEDIA_STARTED);
	env.media_started = &started;
	send_notice(mediad, s, &env);
}


void notice_digit(const struct mediad *mediad, const struct session *s,
		  unsigned side, const struct digit *digit)
{
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__DigitHeard heard;
	char text[2] = { digit->digit, '\0' };

	tandem__digit_heard__init(&heard);
	heard.session = s->i.session;
	heard.side = s->i.sides[side].number;
	heard.digit = text;
	heard.ms = digit->ms;
	env.body_case = BUS_BODY(DIGIT_HEARD);
	env.digit_heard = &heard;
	send_notice(mediad, s, &env);
}


void notice_lost(const struct mediad *mediad, const struct session *s,
		 unsigned sides)
{
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__MediaLost lost;

	tandem__media_lost__init(&lost);
	lost.session = s->i.session;
	lost.sides = sides;
	env.body_case = BUS_BODY(MEDIA_LOST);
	env.media_lost = &lost;
	send_notice(mediad, s, &env);
}


void notice_flood(const struct mediad *mediad, const struct session *s,
		  unsigned side)
{
	log_warn(mediad->log,
		 "warning about=foreign_media session=%llx leg=%s gateway=%s",
		 (unsigned long long)s->i.session, leg_words[side],
		 s->i.sides[side].gateway);
}
