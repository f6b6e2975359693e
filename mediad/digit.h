/**
 * @file mediad/digit.h  Digits as events of RTP: RFC 4733
 *
 * A digit is one event by its timestamp, however many packets and copies of
 * the last one come. Pure.
 */
#ifndef TANDEM_MEDIAD_DIGIT_H
#define TANDEM_MEDIAD_DIGIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mediad/pkt.h"
#include "shared/media/media_slot.h"

enum {
	DIGIT_EVENT = 4, /**< Bytes of an event */
	DIGIT_MS = 160,  /**< Of one whose length nobody said */
	DIGIT_MS_MIN = 40,
	DIGIT_MS_MAX = 6000,
};

struct digit_event {
	uint8_t code;
	bool is_end;
	uint16_t duration; /**< In ticks of its clock */
};

/** @return 0, EBADMSG */
int digit_parse(struct digit_event *event, const uint8_t *data, size_t len);
/** DIGIT_EVENT bytes */
void digit_print(uint8_t *data, const struct digit_event *event);

/** '0' to '9', '*', '#', 'A' to 'D'; NUL: no digit */
char digit_of(uint8_t code);
/** The reverse, small letters too; -1: no digit */
int digit_code(char digit);

/** As long as a digit may be */
uint32_t digit_ms(uint32_t ms);

/** A digit that was heard */
struct digit {
	char digit; /**< NUL: none */
	uint32_t ms;
};

/** What of an event is not in the flow: begins anew with a successor, which
 *  hears the packets that are still to come */
struct digit_ear {
	struct digit_event last;
	int64_t at_us;
};

/** A packet of telephone-event. What is over is put into heard, once. */
void digit_hear(struct digit_ear *ear, struct media_flow *flow,
		const struct pkt_head *head, const struct digit_event *event,
		uint32_t clock, int64_t now_us, struct digit *heard);

/** Something else came, or time passed: an event whose end was lost is over
 *  after a while */
void digit_wait(struct digit_ear *ear, struct media_flow *flow, uint32_t clock,
		int64_t now_us, struct digit *heard);

#endif
