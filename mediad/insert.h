/**
 * @file mediad/insert.h  What the switch itself says into a stream
 *
 * Digits as events or as tones, and ring-back: a packet each 20 ms, in the
 * stream that goes to a side or, if there is none, in one of its own. Audio is
 * left out meanwhile. Sequence numbers stay continuous: what follows is
 * shifted. Pure but for random numbers.
 */
#ifndef TANDEM_MEDIAD_INSERT_H
#define TANDEM_MEDIAD_INSERT_H

#include "mediad/digit.h"
#include "mediad/pkt.h"

enum {
	INSERT_MS = 20, /**< Between two packets */
	INSERT_DIGITS = 16,
};

enum insert_kind {
	INSERT_NONE,
	INSERT_EVENT,
	INSERT_TONE,
	INSERT_GAP, /**< Silence between two digits */
	INSERT_RING,
};

/** All zero: nothing to say, nothing known */
struct insert {
	struct digit queue[INSERT_DIGITS];
	uint8_t head, count;
	uint8_t kind;   /**< enum insert_kind */
	bool is_known;  /**< The stream, and where it is */
	bool is_behind; /**< We have spoken: what follows is shifted anew */
	struct digit digit;
	uint32_t step;
	uint32_t begin; /**< Timestamp of the digit */
	uint32_t ssrc;
	uint16_t seq; /**< Sent last */
	uint16_t shift;
	uint32_t time;
	int64_t at_us;
};

/** How it is said to this side */
struct insert_form {
	bool is_event;
	uint8_t type;           /**< Payload type */
	enum media_codec codec; /**< Of a tone: PCMU or PCMA */
};

/** @return 0, ENOBUFS: too many wait */
int insert_digit(struct insert *insert, const struct digit *digit);
void insert_ring(struct insert *insert, bool on);
bool insert_is_busy(const struct insert *insert);

/** 20 ms have passed: the next packet, at most PKT_MAX bytes; 0: none now */
size_t insert_tick(struct insert *insert, const struct insert_form *form,
		   uint8_t *data, int64_t now_us);

/** A packet of RTP on its way to that side; it is changed in place.
 *  @return false: it is left out */
bool insert_pass(struct insert *insert, uint8_t *data, size_t len,
		 int64_t now_us);

/** What a successor must know to go on without a jump, as one word; and back
 */
uint64_t insert_save(const struct insert *insert);
void insert_restore(struct insert *insert, uint64_t word, int64_t now_us);

#endif
