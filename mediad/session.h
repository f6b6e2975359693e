/**
 * @file mediad/session.h  The relay of one call
 *
 * What sipd said of its sides, what was learned and counted, and what becomes
 * of each packet. Pure: no socket, no clock, no shared memory; sessions.c
 * keeps them, relay.c moves the packets.
 */
#ifndef TANDEM_MEDIAD_SESSION_H
#define TANDEM_MEDIAD_SESSION_H

#include "mediad/digit.h"
#include "mediad/insert.h"
#include "mediad/tone.h"
#include "shared/media/media_slot.h"

enum {
	SESSION_RTP,
	SESSION_RTCP,
	SESSION_STREAMS,
	SESSION_REPORTS = 2, /**< Sender reports remembered per side */
};

/** What becomes of a packet; those that are dropped are labels of
 *  tandem_media_rejected_total */
enum session_fate {
	SESSION_FOREIGN,
	SESSION_NOT_RTP,
	SESSION_PAYLOAD,
	SESSION_NONE, /**< Nobody expects media there (yet) */
	SESSION_DROPS,
	SESSION_ABSORB = SESSION_DROPS, /**< Accepted; there is nobody to send
					 *   it to */
	SESSION_FORWARD,
};

/** What is done to the digits of a side, for the sake of its peer */
enum session_convert {
	SESSION_AS_IS,
	SESSION_EVENTS, /**< Events are taken out, and told */
	SESSION_TONES,  /**< Tones are cut, and told */
};

struct session {
	struct media_session i;
	struct media_flow flows[MEDIA_SIDES];

	/* Derived from the image: session_derive() */
	struct addr to[MEDIA_SIDES][MEDIA_LINES][SESSION_STREAMS];
	uint8_t row[MEDIA_SIDES][MEDIA_TYPEC]; /**< 1 + of payloads; 0: none */
	uint8_t convert[MEDIA_SIDES];          /**< enum session_convert */
	/** What goes to that side passes insert_pass() */
	bool is_shaped[MEDIA_SIDES];
	struct insert inserts[MEDIA_SIDES];

	/* Of this process; begins anew with its successor */
	int64_t last_us[MEDIA_SIDES][MEDIA_LINES][SESSION_STREAMS];
	struct {
		uint32_t sent;
		int64_t at_us;
	} reports[MEDIA_SIDES][SESSION_REPORTS]; /**< Passed to that side */
	uint8_t reportc[MEDIA_SIDES];
	uint32_t foreignc[MEDIA_SIDES]; /**< In the minute since ... */
	int64_t foreign_us[MEDIA_SIDES];
	bool is_told[MEDIA_SIDES]; /**< MediaStarted was sent */
	struct digit_ear ears[MEDIA_SIDES];
	struct tone_ear tones[MEDIA_SIDES];
	uint32_t voice;   /**< 1 + place in voice.c's list; 0: not there */
	int64_t lost_us;  /**< MediaLost was said ... */
	int64_t asked_us; /**< ... and asked, by watch.c; 0: not yet */
};

/** What was adopted: image and flows are filled in */
void session_derive(struct session *s, int64_t now_us);

/** Index of a side by its number; -1: none */
int session_side(const struct session *s, uint32_t number);

/** Where a new side goes: a free one, or the oldest B that is not heard,
 *  whose ports are then to be given back first */
unsigned session_side_free(const struct session *s, uint32_t number);

/** As Point says it: lines hold what was signalled, and what is learned is
 *  ignored */
struct session_point {
	struct media_side side;
	uint32_t nomedia_s;
	bool is_nomedia_any;
	bool is_active;
	bool is_answered;
};
void session_point(struct session *s, unsigned side,
		   const struct session_point *point, int64_t now_us);

/** The side's ports are given back */
void session_side_end(struct session *s, unsigned side);

/** Where a packet came in */
struct session_at {
	uint8_t side, line, stream;
};

struct session_packet {
	uint8_t *data; /**< May be changed on its way */
	size_t len;
	struct addr from;
	int64_t now_us;
};

struct session_verdict {
	enum session_fate fate;
	struct session_at out; /**< SESSION_FORWARD: from this socket ... */
	const struct addr *to; /**< ... to this address */
	bool is_learned;       /**< The image has changed: publish it first */
	bool is_first;         /**< The first media of this side */
	bool is_flood;         /**< 1000 foreign ones within a minute */
	bool is_shaped;     /**< The flow of the side it goes to has changed */
	struct digit heard; /**< Its side has said a digit to be converted */
};

void session_packet(struct session *s, struct session_at at,
		    const struct session_packet *packet,
		    struct session_verdict *verdict);

/** Who is silent for longer than allowed: 1 a, 2 b, 3 both; 0: nobody, or
 *  nobody watches (media 9) */
unsigned session_silent(const struct session *s, int64_t now_us);

/** Say a digit to this side, as its mode wants it
 *  @return 0, ENOTSUP: it has no way to hear it, ENOBUFS: too many wait */
int session_say(struct session *s, unsigned side, const struct digit *digit);

/** 20 ms have passed: what is said to this side next, at most PKT_MAX bytes;
 *  0: nothing now */
size_t session_voice(struct session *s, unsigned side, uint8_t *data,
		     int64_t now_us);
/** Is there anything to be said to any side? */
bool session_is_busy(const struct session *s);

/** What is converted, and is there a ring-back tone? After a change of sides;
 *  for session.c */
void session_derive_voice(struct session *s);

/** The side that hears this one, and is heard by it; -1: none */
int session_peer(const struct session *s, unsigned side);

#endif
