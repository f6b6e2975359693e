/**
 * @file test/unit/sipd/call_play.h  A caller and its gateways, as lines
 *
 * What A and the gateways say is made of what was sent to them: a test names
 * the method and what is special about it.
 */
#ifndef TANDEM_TEST_UNIT_SIPD_CALL_PLAY_H
#define TANDEM_TEST_UNIT_SIPD_CALL_PLAY_H

#include "test/unit/sipd/call_rig.h"
#include "test/unit/sipd/route_rig.h"

#define PLAY_SDP_OF(session, version, port)                        \
	"v=0\r\no=- " session " " version " IN IP4 192.0.2.50\r\n" \
	"s=-\r\nc=IN IP4 192.0.2.50\r\nt=0 0\r\nm=audio " port     \
	" RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
#define PLAY_SDP  PLAY_SDP_OF("7", "1", "4000")
#define PLAY_SDP2 PLAY_SDP_OF("7", "2", "4002")
#define PLAY_SDPB PLAY_SDP_OF("9", "1", "6000")

struct play {
	struct route_rig catalog;
	struct call_rig rig;
	unsigned a_cseq, b_cseq; /**< Of their own requests */
	const char *number;      /**< That A calls; NULL: 1212 */
};

/** A gateway CUST at CALL_RIG_A (digits by INFO), B1 before B2 for numbers
 * with 1, one that is a name for those with 2, one that follows a redirect for
 *  those with 3, digits as events with 4, a tone of ours with 5, no T.38 and
 *  calls end after 5 s of silence with 6; T1 3 s, resends 0.5 and 1 s, session
 * timer 20 s in two segments, cap 30 s; no relay. Phones 7001 (T4
 *  3 s) and 7002 (one line). more: further parameters */
int play_open(struct play *p, const char *what, const struct route_param *more,
	      size_t morec);
void play_close(struct play *p);

/** A's INVITE; heads: further lines with CRLF */
void play_invite(struct play *p, const char *heads, const char *sdp);

/** What was sent to there last that begins so; NULL: nothing */
const struct call_sent *play_sent(const struct play *p, const char *to,
				  const char *begin);
/** How often */
unsigned play_count(const struct play *p, const char *to, const char *begin);
/** Forget what was sent; nothing said later is made of it */
void play_clear(struct play *p);

/** Value of a header of a message; "" if there is none */
const char *play_head(const char *message, const char *name);

/** The gateway at b answers the last request of that method */
void play_reply(struct play *p, const char *b, const char *method,
		unsigned code, const char *heads, const char *sdp);

/** In the dialog: A, or the gateway at b, asks. cseq 0: its next one */
void play_a(struct play *p, const char *method, unsigned cseq,
	    const char *heads, const char *sdp);
void play_b(struct play *p, const char *b, const char *method,
	    const char *heads, const char *sdp);

/** A call that A and B1 have answered and ACKed; heads of A's INVITE */
void play_answered(struct play *p, const char *heads);

/** The call; NULL: none, or many */
struct call *play_call(struct play *p);

#endif
