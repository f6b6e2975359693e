/**
 * @file mediad/insert.c  What the switch itself says into a stream
 */
#include <errno.h>
#include <string.h>

#include "mediad/insert.h"
#include "mediad/tone.h"
#include "shared/base/id.h"

enum {
	SAMPLES = TONE_HZ * INSERT_MS / 1000,
	ENDS = 3,      /* copies of the last packet of an event */
	STEPS_MIN = 3, /* packets before it, media 7.3 */
	GAP_STEPS = 3, /* 60 ms between two digits */
	RING_ON = 1000 / INSERT_MS,
	RING_PERIOD = 5000 / INSERT_MS,
	SEQ_AT = 2, /* where the number is in a head */
};


int insert_digit(struct insert *insert, const struct digit *digit)
{
	if (insert->count == INSERT_DIGITS)
		return ENOBUFS;

	insert->queue[(insert->head + insert->count++) % INSERT_DIGITS] =
		*digit;

	return 0;
}


bool insert_is_busy(const struct insert *insert)
{
	return insert->count || insert->kind != INSERT_NONE;
}


void insert_ring(struct insert *insert, bool on)
{
	if (on && insert->kind == INSERT_NONE) {
		insert->kind = INSERT_RING;
		insert->step = 0;
	}
	else if (!on && insert->kind == INSERT_RING) {
		insert->kind = INSERT_NONE;
	}
}


/* --- the stream
 * ------------------------------------------------------------------------ */

static void stream_begin(struct insert *insert, int64_t now_us)
{
	if (insert->is_known)
		return;

	insert->is_known = true;
	insert->ssrc = (uint32_t)id_random_u64();
	insert->seq = (uint16_t)id_random_u64();
	insert->time = (uint32_t)id_random_u64();
	insert->at_us = now_us;
}


static uint32_t time_now(const struct insert *insert, int64_t now_us)
{
	return insert->time +
	       (uint32_t)((now_us - insert->at_us) * TONE_HZ / 1000000);
}


static void put_head(struct insert *insert, uint8_t *data, uint8_t type,
		     bool marker, uint32_t time, int64_t now_us)
{
	const struct pkt_head head = {
		.type = type,
		.marker = marker,
		.seq = ++insert->seq,
		.time = time,
		.ssrc = insert->ssrc,
	};

	pkt_print(data, &head);
	insert->time = time;
	insert->at_us = now_us;
	insert->is_behind = true;
}


bool insert_pass(struct insert *insert, uint8_t *data, size_t len,
		 int64_t now_us)
{
	struct pkt_head head;

	if (pkt_parse(&head, data, len) != 0)
		return false;
	insert_ring(insert, false);
	if (insert->kind != INSERT_NONE)
		return false;

	if (!insert->is_known || insert->ssrc != head.ssrc) {
		insert->is_known = true;
		insert->ssrc = head.ssrc;
		insert->shift = 0;
		insert->seq = (uint16_t)(head.seq - 1);
	}
	else if (insert->is_behind) {
		insert->shift = (uint16_t)(insert->seq + 1 - head.seq);
	}
	insert->is_behind = false;
	head.seq = (uint16_t)(head.seq + insert->shift);
	data[SEQ_AT] = (uint8_t)(head.seq >> 8);
	data[SEQ_AT + 1] = (uint8_t)head.seq;
	if ((int16_t)(head.seq - insert->seq) > 0) {
		insert->seq = head.seq;
		insert->time = head.time;
		insert->at_us = now_us;
	}

	return true;
}


uint64_t insert_save(const struct insert *insert)
{
	return insert->is_known
		       ? (uint64_t)insert->ssrc << 32 |
				 (uint64_t)insert->shift << 16 | insert->seq
		       : 0;
}


void insert_restore(struct insert *insert, uint64_t word, int64_t now_us)
{
	memset(insert, 0, sizeof(*insert));
	if (!word)
		return;

	insert->is_known = true;
	insert->ssrc = (uint32_t)(word >> 32);
	insert->shift = (uint16_t)(word >> 16);
	insert->seq = (uint16_t)word;
	insert->at_us = now_us;
}


/* --- what is said
 * ------------------------------------------------------------------------ */

static uint32_t steps_of(const struct digit *digit)
{
	const uint32_t steps = (digit->ms + INSERT_MS - 1) / INSERT_MS;

	return steps < STEPS_MIN ? STEPS_MIN : steps;
}


static void next(struct insert *insert, const struct insert_form *form,
		 int64_t now_us)
{
	insert->digit = insert->queue[insert->head];
	insert->head = (uint8_t)((insert->head + 1) % INSERT_DIGITS);
	insert->count--;
	insert->kind = form->is_event ? INSERT_EVENT : INSERT_TONE;
	insert->step = 0;
	stream_begin(insert, now_us);
	insert->begin = time_now(insert, now_us);
}


static void gap(struct insert *insert)
{
	insert->kind = INSERT_GAP;
	insert->step = 0;
}


static size_t say_event(struct insert *insert, const struct insert_form *form,
			uint8_t *data, int64_t now_us)
{
	const uint32_t steps = steps_of(&insert->digit);
	const uint32_t step = insert->step++;
	const uint32_t said_ms = (step + 1) * INSERT_MS;
	const uint32_t ms = step >= steps || said_ms > insert->digit.ms
				    ? insert->digit.ms
				    : said_ms;
	const struct digit_event event = {
		.code = (uint8_t)digit_code(insert->digit.digit),
		.is_end = step >= steps,
		.duration = (uint16_t)(ms * TONE_HZ / 1000),
	};
	const uint32_t time = time_now(insert, now_us);

	put_head(insert, data, form->type, step == 0, insert->begin, now_us);
	insert->time = time; /* goes on, although the event's stands still */
	digit_print(data + PKT_HEAD, &event);
	if (insert->step == steps + ENDS)
		gap(insert);

	return PKT_HEAD + DIGIT_EVENT;
}


static size_t say_tone(struct insert *insert, const struct insert_form *form,
		       uint8_t *data, char digit, int64_t now_us)
{
	const uint32_t step = insert->step++;
	const uint32_t time = insert->begin + step * SAMPLES;

	tone_make(data + PKT_HEAD, SAMPLES, form->codec, digit,
		  step * SAMPLES);
	put_head(insert, data, form->type, step == 0, time, now_us);

	return PKT_HEAD + SAMPLES;
}


static size_t say_ring(struct insert *insert, const struct insert_form *form,
		       uint8_t *data, int64_t now_us)
{
	const bool is_on = insert->step % RING_PERIOD < RING_ON;

	if (insert->step == 0) {
		stream_begin(insert, now_us);
		insert->begin = time_now(insert, now_us);
	}

	return say_tone(insert, form, data, is_on ? 'r' : '\0', now_us);
}


size_t insert_tick(struct insert *insert, const struct insert_form *form,
		   uint8_t *data, int64_t now_us)
{
	size_t len = 0;

	/* A digit is more than a tone that waits for somebody. */
	if (insert->kind == INSERT_RING && insert->count)
		insert->kind = INSERT_NONE;
	if (insert->kind == INSERT_NONE && insert->count)
		next(insert, form, now_us);

	switch (insert->kind) {

	case INSERT_EVENT:
		len = say_event(insert, form, data, now_us);
		break;

	case INSERT_TONE:
		len = say_tone(insert, form, data, insert->digit.digit,
			       now_us);
		if (insert->step >= steps_of(&insert->digit))
			gap(insert);
		break;

	case INSERT_GAP:
		if (++insert->step >= GAP_STEPS)
			insert->kind = INSERT_NONE;
		break;

	case INSERT_RING:
		len = say_ring(insert, form, data, now_us);
		break;

	case INSERT_NONE:
	default:
		break;
	}

	return len;
}
