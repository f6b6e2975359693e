/**
 * @file test/unit/sipd/call_rig.h  The calls of sipd alone, on a frozen clock
 *
 * Transactions, texts, lines and slots are real, over private memory. Fakes
 * stand at the headers of svc, bus, wire and resolve: what is sent is kept as
 * text, what is asked of billingd and mediad is answered as the test says.
 */
#ifndef TANDEM_TEST_UNIT_SIPD_CALL_RIG_H
#define TANDEM_TEST_UNIT_SIPD_CALL_RIG_H

#include "shared/catalog/catalog.h"
#include "shared/ipc/bus.h"
#include "sipd/bindings.h"
#include "sipd/call.h"
#include "sipd/resolve.h"

enum {
	CALL_RIG_SENT_MAX = 64, /**< The last of them are kept */
	CALL_RIG_BYTES_MAX = 6000,
	CALL_RIG_ASKS_MAX = 64,
	CALL_RIG_CALLS = 8,
	CALL_RIG_TEXTS = 64,
	CALL_RIG_LINES = 64,
	CALL_RIG_DEVICES = 4,
};

/** The two sides: mapping gateway CUST, routing gateways B1 and B2 */
#define CALL_RIG_A  "192.0.2.1:5060"
#define CALL_RIG_B1 "192.0.2.11:5060"
#define CALL_RIG_B2 "192.0.2.12:5060"

struct call_sent {
	uint32_t at_ms;
	struct flow to;
	size_t len;
	char data[CALL_RIG_BYTES_MAX]; /**< With a NUL */
};

/** What billingd and mediad answer from now on */
enum call_rig_word {
	CALL_RIG_YES,
	CALL_RIG_NO,
	CALL_RIG_SILENCE,
	CALL_RIG_RELAY,   /**< mediad: here are ports */
	CALL_RIG_UNKNOWN, /**< mediad: ports, but no session to release */
};

struct call_ask {
	struct call_rig *rig;
	uint64_t id; /**< 0: not in use */
	int body;
	uint32_t lines; /**< Of Reserve */
	bool wants_a;
	bus_reply_h *h;
	void *arg;
	struct ev_timer timer;
};

/** What mediad was told last of a side */
struct call_point {
	unsigned count;
	uint32_t side, sdp, event, dtmf_mode, nomedia_s, payload;
	bool is_answered, is_nat, ring_back, is_t38;
	char remote[64];
};

struct call_rig {
	struct sipd *sipd;
	struct ev *ev;
	struct catalog_reader *reader;
	int64_t begin_us;
	struct call_sent sent[CALL_RIG_SENT_MAX];
	size_t sentc;
	struct call_ask asks[CALL_RIG_ASKS_MAX];
	uint64_t ask_next;
	enum call_rig_word credit, record, media;
	unsigned records;    /**< Kept by billingd */
	unsigned answereds;  /**< Told to it */
	unsigned end_reason; /**< Of the last record */
	unsigned end_code, end_media;
	uint64_t end_packets;
	int64_t end_tail_us;
	struct call_point points[2]; /**< A, B */
	unsigned releases;
	char digit;   /**< Of the last SendDigit */
	int send_err; /**< What wire_send() returns */
	/** Registers, which its test answers itself */
	void (*registersh)(struct call_rig *rig,
			   const struct bus_request *request,
			   const Tandem__Envelope *env);
	bool has_crashed;    /**< The one that is replaced died by itself */
	resolve_h *resolveh; /**< A name that is looked up */
	void *resolve_arg;
	uint64_t resolve_user;
	struct segment calls, texts, lines, errands;
	size_t devicec; /**< Every phone has these */
	struct device devices[CALL_RIG_DEVICES];
};

/** Without a catalog there is none */
int call_rig_open(struct call_rig *rig, struct catalog_reader *reader);
void call_rig_close(struct call_rig *rig);
/** Killed, and a successor has what lies in shared memory */
int call_rig_replace(struct call_rig *rig);

/** Bytes from a side; a message that is none is refused as sipd does */
void call_rig_bytes(struct call_rig *rig, const char *from, const char *data,
		    size_t len);
void call_rig_receive(struct call_rig *rig, const char *from, const char *fmt,
		      ...) __attribute__((format(printf, 3, 4)));
struct call_rig *call_rig_of(const struct sipd *sipd);

/** A device of every phone; contact is not copied */
void call_rig_register(struct call_rig *rig, const char *addr,
		       const char *contact);
/** A name that was asked for is this address; NULL: there is none */
void call_rig_resolved(struct call_rig *rig, const char *addr);
/** What was sent to there did not arrive */
void call_rig_fail(struct call_rig *rig, const char *to, int err);

/** Let time pass: turns of so many ms */
void call_rig_run(struct call_rig *rig, uint32_t ms, uint32_t step_ms);

/** Is nothing left: no call, transaction, line, text, nor timer? NULL, or
 *  what is */
const char *call_rig_left(const struct call_rig *rig);

#endif
