/**
 * @file test/unit/sipd/call_plot.h  Whole calls, with a successor at each step
 *
 * Each plot is a whole call. It is played once by one sipd, and then again for
 * each of its steps, with a successor behind that step: both sides have to see
 * the same messages in the same order, with the same tags and branches, and
 * the record has to be the same. And once more for each, with what the step
 * sent lost in the process: then the other side repeats itself, as it does on
 * a bad line, and nothing may be missing in the end but a provisional.
 */
#ifndef TANDEM_TEST_UNIT_SIPD_CALL_PLOT_H
#define TANDEM_TEST_UNIT_SIPD_CALL_PLOT_H

#include <stdbool.h>

#include "shared/catalog/end_reason.h"
#include "test/unit/sipd/call_play.h"

#define ONE "192.0.2.21:5062"
#define TWO "192.0.2.22:40002"

#define RELIABLE "Require: 100rel\r\nRSeq: 5\r\n"

enum {
	STEPS_MAX = 24
};

enum op {
	OP_END,
	OP_RUN,     /**< Time, in ms */
	OP_INVITE,  /**< Of A, with these heads */
	OP_A,       /**< Another request of it; ms: its CSeq */
	OP_ACK_NO,  /**< ACK to a refusal */
	OP_PRACK,   /**< To the last 18x that A got */
	OP_B,       /**< A response of the gateway */
	OP_B_ASKS,  /**< A request of it */
	OP_A_NO,    /**< ACK to the refusal of A's re-INVITE, likewise */
	OP_A_SAYS,  /**< A response of A */
	OP_A_QUITS, /**< CANCEL of the re-INVITE */
	OP_B_ACKS,  /**< To the 200 of its own */
};

struct step {
	enum op op;
	unsigned ms; /**< Or code, or CSeq */
	const char *to, *method, *heads, *sdp;
};

struct plot {
	const char *number; /**< NULL: 1212 */
	size_t devices;
	enum call_rig_word media;
	unsigned reason;
	bool is_timed; /**< What is lost would shift it */
	struct step steps[STEPS_MAX];
};

#define RUN(x)                          \
	{                               \
		.op = OP_RUN, .ms = (x) \
	}
#define INVITE(h)                                              \
	{                                                      \
		.op = OP_INVITE, .heads = (h), .sdp = PLAY_SDP \
	}
#define A(m, c)                                                              \
	{                                                                    \
		.op = OP_A, .method = (m), .ms = (c), .heads = "", .sdp = "" \
	}
#define ACK_NO                  \
	{                       \
		.op = OP_ACK_NO \
	}
#define PRACK                  \
	{                      \
		.op = OP_PRACK \
	}
#define B_SAYS(w, m, c, h, s)                                    \
	{                                                        \
		.op = OP_B, .to = (w), .method = (m), .ms = (c), \
		.heads = (h), .sdp = (s)                         \
	}
#define B(m, c)     B_SAYS(CALL_RIG_B1, m, c, "", "")
#define B_SDP(m, c) B_SAYS(CALL_RIG_B1, m, c, "", PLAY_SDPB)
#define A_OFFERS(m, s)                                                      \
	{                                                                   \
		.op = OP_A, .method = (m), .ms = 0, .heads = "", .sdp = (s) \
	}
#define A_SAYS(m, c, s)                                                 \
	{                                                               \
		.op = OP_A_SAYS, .method = (m), .ms = (c), .heads = "", \
		.sdp = (s)                                              \
	}
#define B_ASKS(m, s)                                                    \
	{                                                               \
		.op = OP_B_ASKS, .method = (m), .heads = "", .sdp = (s) \
	}
#define A_NO                  \
	{                     \
		.op = OP_A_NO \
	}
#define ANSWERED                                                \
	INVITE(""), RUN(100),                                   \
		B_SAYS(CALL_RIG_B1, "INVITE", 200,              \
		       "Allow: INVITE, UPDATE\r\n", PLAY_SDPB), \
		A("ACK", 1), RUN(100)
#define BYE_OF_A A("BYE", 0), B("BYE", 200)

/** All of that */
void plot_check(const struct plot *plot);

#endif
