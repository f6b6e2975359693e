/**
 * @file mediad/digit.c  Digits as events of RTP: RFC 4733
 */
#include <ctype.h>
#include <errno.h>

#include "mediad/digit.h"

static const char names[] = "0123456789*#ABCD";

enum {
	END = 0x80,
	VOLUME = 10, /* -10 dBm0, as everybody sends */
};

#define OVER_US ((int64_t)100000) /* five packets late */


int digit_parse(struct digit_event *event, const uint8_t *data, size_t len)
{
	if (len < DIGIT_EVENT)
		return EBADMSG;

	event->code = data[0];
	event->is_end = data[1] & END;
	event->duration = (uint16_t)(data[2] << 8 | data[3]);

	return 0;
}


void digit_print(uint8_t *data, const struct digit_event *event)
{
	data[0] = event->code;
	data[1] = (uint8_t)((event->is_end ? END : 0) | VOLUME);
	data[2] = (uint8_t)(event->duration >> 8);
	data[3] = (uint8_t)event->duration;
}


char digit_of(uint8_t code)
{
	if (code >= sizeof(names) - 1)
		return '\0';

	return names[code];
}


int digit_code(char digit)
{
	for (int code = 0; names[code]; code++)
		if (names[code] == toupper((unsigned char)digit))
			return code;

	return -1;
}


uint32_t digit_ms(uint32_t ms)
{
	if (ms == 0)
		return DIGIT_MS;
	if (ms < DIGIT_MS_MIN)
		return DIGIT_MS_MIN;

	return ms < DIGIT_MS_MAX ? ms : DIGIT_MS_MAX;
}


static void tell(struct digit_ear *ear, struct media_flow *flow,
		 uint32_t clock, struct digit *heard)
{
	heard->digit = digit_of(ear->last.code);
	heard->ms = digit_ms((uint32_t)ear->last.duration * 1000 / clock);
	flow->event_told = 1;
}


void digit_hear(struct digit_ear *ear, struct media_flow *flow,
		const struct pkt_head *head, const struct digit_event *event,
		uint32_t clock, int64_t now_us, struct digit *heard)
{
	const uint32_t time = (uint32_t)(flow->event_time - 1);
	const bool is_other = !flow->event_time || time != head->time;

	heard->digit = '\0';
	if (is_other) {
		/* A late copy of the one before */
		if (flow->event_time && (int32_t)(head->time - time) < 0 &&
		    now_us - ear->at_us < 10 * OVER_US)
			return;
		if (flow->event_time && !flow->event_told && ear->at_us)
			tell(ear, flow, clock, heard);
		flow->event_time = (uint64_t)head->time + 1;
		flow->event_told = 0;
		ear->last = *event;
	}
	ear->last.code = event->code;
	if (event->duration > ear->last.duration)
		ear->last.duration = event->duration;
	ear->at_us = now_us;
	/* With another one told in this packet, this one's copies come. */
	if (event->is_end && !flow->event_told && !heard->digit)
		tell(ear, flow, clock, heard);
}


void digit_wait(struct digit_ear *ear, struct media_flow *flow, uint32_t clock,
		int64_t now_us, struct digit *heard)
{
	heard->digit = '\0';
	if (flow->event_time && !flow->event_told && ear->at_us &&
	    now_us - ear->at_us >= OVER_US)
		tell(ear, flow, clock, heard);
}
