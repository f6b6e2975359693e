/**
 * @file test/unit/sipd/txn_rig.h  A transaction layer alone with a frozen
 * clock
 *
 * What it sends and what it tells is kept with the millisecond; both are
 * compared as text.
 */
#ifndef TANDEM_TEST_UNIT_SIPD_TXN_RIG_H
#define TANDEM_TEST_UNIT_SIPD_TXN_RIG_H

#include "shared/ev/ev.h"
#include "sipd/txn.h"

enum {
	RIG_SENT_MAX = 64,
	RIG_BYTES_MAX = 4096,
	RIG_LOG_MAX = 4096,
};

/* A caller's requests; of RIG_OLD the branch has no cookie. */
#define RIG_PEER "192.0.2.7:5062"

#define RIG_LINES                         \
	"Max-Forwards: 70\r\n"            \
	"From: \"A\" <sip:1@a>;tag=f\r\n" \
	"Call-ID: c1\r\n"                 \
	"Contact: <sip:1@192.0.2.7>\r\n"  \
	"Content-Length: 0\r\n"

#define RIG_REQUEST(method, branch, to)                                 \
	method " sip:2@b SIP/2.0\r\n"                                   \
	       "Via: SIP/2.0/UDP pc.a:5061;branch=" branch ";rport\r\n" \
	       "To: <sip:2@b>" to "\r\n"                                \
	       "CSeq: 5 " method "\r\n" RIG_LINES "\r\n"

#define RIG_INVITE RIG_REQUEST("INVITE", "z9hG4bKx1", "")

#define RIG_OLD(method, uri, to)                    \
	method " " uri " SIP/2.0\r\n"               \
	       "Via: SIP/2.0/UDP pc.a;branch=1\r\n" \
	       "To: <sip:2@b>" to "\r\n"            \
	       "CSeq: 5 " method "\r\n" RIG_LINES "\r\n"

struct rig_sent {
	uint32_t at_ms;
	struct flow to;
	size_t len;
	char data[RIG_BYTES_MAX]; /**< With a NUL */
};

struct rig {
	struct ev *ev;
	struct txns *txns;
	int64_t begin_us;
	struct rig_sent sent[RIG_SENT_MAX];
	size_t sentc;
	char log[RIG_LOG_MAX]; /**< "ms what;" of all that was told */
	txn_id request;        /**< Last one of requesth */
	txn_id told;           /**< Last one that something was told of */
	int send_err;          /**< What sending returns */
	bool is_cut;           /**< Long ones are expected: kept in part */
	void (*hook)(struct rig *rig, txn_id txn); /**< Called back from h */
};

int rig_open(struct rig *rig);
void rig_close(struct rig *rig);

/** Of each test, for cmocka: *state is its rig */
int rig_setup(void **state);
int rig_teardown(void **state);

/** Where requests come from and go to */
struct flow rig_flow(const char *addr, enum transport transport);

/** Give the layer a message; it has to be one without fault */
void rig_receive(struct rig *rig, const struct flow *from, const char *text);
/** As printf() */
void rig_receivef(struct rig *rig, const struct flow *from, const char *fmt,
		  ...) __attribute__((format(printf, 3, 4)));

/** From RIG_PEER, over UDP */
void rig_peer(struct rig *rig, const char *text);
/** An INVITE came, and is owned by 42 */
txn_id rig_invited(struct rig *rig);
/** A code that can be sent */
void rig_reply(struct rig *rig, txn_id txn, unsigned code);

/** Let time pass, a millisecond each turn */
void rig_run(struct rig *rig, uint32_t ms);

/** Times of what was sent with this first word: "0 500 1500"; forgets it all
 */
const char *rig_times(struct rig *rig, const char *word);
/** What was told since it was last asked for */
const char *rig_told(struct rig *rig);
/** The last that was sent; its text */
const char *rig_last(const struct rig *rig);

/** For txn_own() and txn_send() */
txn_event_h rig_on_event;
txn_response_h rig_on_response;

#endif
