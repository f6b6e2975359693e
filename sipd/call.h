/**
 * @file sipd/call.h  Calls, their legs, and how events reach them
 *
 * A call lives in its slot of shared memory (call_slot.h) and, for this
 * process, in struct call. Everybody else knows it by its id: a stale id finds
 * nothing. Events are brought in by call_handle(), the one place where a state
 * changes: the row is looked up, the state is published, the action runs. An
 * event that comes up while an action runs waits until it is done.
 */
#ifndef TANDEM_SIPD_CALL_H
#define TANDEM_SIPD_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/ev/ev.h"
#include "sipd/call_fsm.h"
#include "sipd/call_slot.h"
#include "sipd/identify.h"
#include "sipd/identity.h"
#include "sipd/route.h"
#include "sipd/sdpedit.h"
#include "sipd/setup_slot.h"
#include "sipd/sipd.h"
#include "sipd/timer_fsm.h"

struct authn_client;
struct call;
struct forks;

/** Why a request of ours is under way in a dialog */
enum leg_ours {
	OURS_NONE,
	OURS_FORWARD, /**< What the peer of the other leg asked for */
	OURS_PROBE,   /**< Session timer */
	OURS_OFFER,   /**< An SDP that A was not told (call-setup 12.2) */
};

enum {
	SAID_PAYLOADS_MAX = 16
};

struct said_payload {
	uint32_t clock; /**< Hz */
	uint8_t number;
	uint8_t codec; /**< MEDIA_CODEC_... of Point */
};

/** What a side said of its media, for mediad (media_point.h) */
struct media_said {
	bool is_known;
	bool is_new; /**< mediad does not know it yet */
	bool is_nat;
	bool is_secure;
	uint8_t event; /**< Number it gave telephone-event; 0: none */
	uint8_t direction;
	uint8_t udptl; /**< Which pairs are T.38: bits */
	uint8_t payloadc;
	uint32_t told; /**< Version of our SDP to it that mediad knows of */
	struct said_payload payloads[SAID_PAYLOADS_MAX];
	struct addr remote[MEDIA_PAIRS_MAX];
	uint16_t rtcp[MEDIA_PAIRS_MAX];
};

/** What mediad counted of a side */
struct media_count {
	uint64_t packets, lost;
	uint32_t jitter_us, mos;
	int64_t age_us; /**< -1: nothing came */
};

enum {
	DIGITS_MAX = 16
};

/** Digits that wait to be sent as INFO, one after the other */
struct digit_queue {
	uint8_t first, count;
	char digits[DIGITS_MAX];
	uint16_t ms[DIGITS_MAX];
};

/** What is known of a call's media while it is relayed: most calls of a
 *  wholesale switch never are */
struct sound {
	struct sound *next; /**< While it is nobody's */
	struct media_said said[MEDIA_SIDEC];
	struct digit_queue digits[MEDIA_SIDEC];
	struct media_count counts[MEDIA_SIDEC];
	uint8_t pairs[SDP_MEDIAC_MAX]; /**< Of m= lines, counted from 1; 0: the
					*   line is not relayed */
};

/** A dialog with one of the two sides */
struct leg {
	struct call *call;
	struct leg_image *i; /**< In call->i */
	bool is_b;
	uint8_t ours_kind;   /**< enum leg_ours */
	uint8_t ours_method; /**< enum method */
	uint8_t peer_method;
	bool ours_late;    /**< Ours was an INVITE without SDP: its ACK
			    *   waits for the answer */
	bool probe_again;  /**< A probe waits until the leg is free */
	bool holds;        /**< The connection of its flow */
	bool offer_again;  /**< Its answer is not what B said: re-INVITE
			    *   once it has ACKed */
	bool prack_unsure; /**< A predecessor's last PRACK, or what it answered
			    *   to one, may not have left */
	bool waits_point;  /**< The answer to its offer: until mediad knows */
	bool was_repeated; /**< The probe was repeated with what was asked */
	bool peer_late;    /**< The peer's was one */
	bool has_errand;   /**< A predecessor left it (errand.h) */
	bool is_adopted;   /**< Ours is a predecessor's, which may have had its
			    *   final */
	bool is_offerer;   /**< Of the last offer */
	uint32_t peer_cseq;
	struct {
		uint32_t expires_s, interval_ms; /**< 0: nothing */
		uint8_t refresher;
	} asked;                /**< By a refresh that may be refused yet */
	struct blob sdp_before; /**< Told before the offer that is open; named
				 *   by nothing else */
	uint32_t ours_cseq;
	uint64_t ask_point; /**< Bus request; 0: none */
	txn_id info;        /**< That carries the first of them */
	txn_id invite;      /**< That makes the dialog; A: server, B: client */
	txn_id peer;        /**< Of the peer, not answered yet */
	txn_id ours;        /**< Ours, without final yet */
	uint32_t confirmed_cseq; /**< Of the last probe that was answered */
	uint32_t ack_cseq;     /**< Of the re-INVITE whose ACK we get, or (with
				*   ours_late) owe */
	txn_id peer_done;      /**< Re-INVITE of the peer, answered 2xx, not
				*   ACKed */
	struct ev_timer timer; /**< Session timer: boundary, probe, grace */
	struct ev_timer patience; /**< Our re-INVITE that only rings */
	struct map_link link;     /**< By local tag */
	char tag[TXN_TAG_SIZE];
	struct authn_client *auth; /**< What B asked for; NULL: nothing */
};

enum {
	ROUTE_SHORT_MAX = 32,
	ATTEMPTS_MAX = 64,
	QUEUE_MAX = 8,
	DOOMED_MAX = 8,
};

/** What of a set-up is written down, but for what struct setup has anyway */
struct setup_kept {
	struct setup_texts texts;
	struct flow reply_to;
	int64_t reply_boot_us, timer_boot_us, attempt_boot_us;
	uint16_t reply_code;
	bool is_reliable;
	bool is_told; /**< A knows what B said last */
	uint8_t copyc;
	struct copy_image copies[BINDINGS_PER_TERMINAL];
};

/** What a call needs only until it is answered or refused */
struct setup {
	struct setup *next; /**< In the pool */
	struct setup_kept kept;
	struct blob spare; /**< What the slot named before it was written anew:
			    *   the next one goes there */

	/* of A's INVITE */
	struct number caller, called, called_original;
	uint32_t max_forwards;
	struct timer_terms terms;

	/* waiting for billing and media */
	uint64_t ask_credit, ask_media; /**< Bus requests; 0: none */
	size_t shortc;

	/* routing */
	bool has_list;
	size_t next_candidate;
	size_t tokenc;
	size_t attemptc;
	int64_t attempt_began_us; /**< Monotonic */

	/* the attempt under way */
	struct attempt_result result;
	uint8_t classes; /**< Provisional classes seen: bits */
	uint8_t redirects, raises;
	bool is_last_failed;    /**< There was an attempt at all */
	uint32_t min_se_s;      /**< Raised by 422 */
	struct number redirect; /**< Called number by a 3xx; len 0: none */
	char target_host[72];
	uint16_t target_port;
	struct flow to;
	bool is_forwarding;  /**< The B leg is a call of the phone (10) */
	struct forks *forks; /**< Devices of a phone; NULL: a gateway */
	unsigned b_code;     /**< Of its last provisional */
	bool b_has_sdp;      /**< That had SDP */
	bool is_sdp_new;     /**< Which A was not told yet */
	struct attempt_result last; /**< Of the attempt that failed last */

	/* towards A */
	bool a_reliable_pending; /**< A 18x waits for its PRACK */
	bool has_waiting;        /**< And this one comes behind it */
	unsigned waiting_code;
	bool answer_waits; /**< A's 200, too */
	bool waiting_sdp;  /**< With what B said last */
	bool is_pointing;  /**< A's 200 waits until mediad knows both sides */
	bool has_offer;    /**< The offer was read, into offer */

	/* Large, and not cleared: who takes a set-up finds what was there,
	 * beyond what the counts say. */
	struct sdp offer; /**< Of its texts none lives on */
	struct attempt_image attempts[ATTEMPTS_MAX];
	enum route_token tokens[ROUTE_CANDIDATES_MAX];
	uint32_t shorts[ROUTE_SHORT_MAX]; /**< Vendors without money */
	struct route_list list;
};

struct call {
	struct call_image i;
	struct sipd *sipd;
	uint64_t id;
	struct leg a, b;
	struct setup *setup;      /**< NULL once it is answered or refused */
	struct ev_timer timer;    /**< Set-up timers, then the cap */
	struct ev_timer deadline; /**< Of the state */
	struct log log;
	struct call *next_free;
	uint64_t ask_record; /**< Bus request; 0: none */
	uint64_t ask_open;
	bool is_open_kept; /**< billingd has the open record */
	uint64_t ask_renew;
	struct ev_timer renew; /**< When more talk time is asked for */
	uint64_t ask_release;
	struct sound *sound;      /**< NULL: never relayed */
	int64_t released_boot_us; /**< When it was counted; 0: it was not */
	uint32_t index;           /**< Of its slot */
	uint32_t renew_s;         /**< With so much left; 0: not */
	uint32_t retry_after_s;   /**< With a refusal; 0: none */
	struct blob doomed[DOOMED_MAX]; /**< Named by the slot until the next
					 *   call_publish() */
	bool is_renew_unheard; /**< The last question was not answered */
	bool is_counted;       /**< mediad has said all it will say */
	bool rings;            /**< A hears a tone of ours */
	bool is_busy;          /**< In an action */
	bool is_silent;        /**< Nothing is answered */
	uint8_t timer_class;   /**< What the timer stands for */
	uint8_t bye_of;        /**< 1: A sent BYE, 2: B did */
	uint8_t doomedc;
	uint8_t queued;
	uint8_t queue[QUEUE_MAX]; /**< enum call_event */
	char reason_text[24]; /**< Reason to be passed on with BYE: protocol
			       *   and cause */
};

int calls_alloc(struct calls **callsp, struct sipd *sipd);
struct calls *calls_free(struct calls *calls);

/** What a predecessor left: once, before any call is made */
void calls_adopt(struct calls *calls);

/** A slot, a struct and an id
 *  @return 0, ENOSPC, ENOMEM */
int call_alloc(struct call **callp, struct sipd *sipd);
/** Its slot is free, its timers stop, its texts are given back */
void call_free(struct call *call);

/** NULL if there is none by that id any more */
struct call *call_find(struct sipd *sipd, uint64_t id);
/** By the tag that we gave the dialog */
struct leg *leg_find(struct sipd *sipd, struct text local_tag,
		     struct text call_id);
int leg_add(struct leg *leg);   /**< To the map, by leg->tag */
void leg_drop(struct leg *leg); /**< Out of it; its timer stops */

typedef void(call_h)(struct call *call, void *arg);
void calls_walk(struct sipd *sipd, call_h *h, void *arg);
size_t calls_count(const struct sipd *sipd);
size_t calls_in(const struct sipd *sipd, enum call_state state);

/** What a message asks of the session timer */
void timer_asked_of(struct timer_asked *asked, const struct message *m);

/** EV_DEADLINE (ev_h) */
void call_on_deadline(void *arg);

/** An event: now, or when the action that runs is done */
void call_handle(struct call *call, enum call_event event);

/** For a successor: an action of the state that the call is in, again. What
 *  cannot be done ends it as SystemRecovery. */
void call_redo(struct call *call, int (*action)(struct call *call));

/** The verdict that EV_DENIED, EV_CUT ... end with; the first one stays */
void call_verdict(struct call *call, const struct verdict *verdict);
void call_end_with(struct call *call, enum end_reason reason);

/** Give a text back once the slot does not name it any more; zeroes it */
void call_blob_drop(struct call *call, struct blob *blob);

struct text call_fact(const struct call *call, enum call_fact which);
/** All anew; those with p NULL stay as they are. @return 0, ENOSPC .. */
int call_facts_set(struct call *call, const struct text facts[FACTC]);

/** Around what a stranger's bytes, or the call's own state, decide: who dies
 * in it twice in a row is set aside by the successor (slot.h). Within another
 * one it is that one's. */
bool call_work_begin(struct call *call);
void call_work_end(struct sipd *sipd, bool has_begun);

/** Write it down: what a successor needs, before the world can know of it */
void call_publish(struct call *call);

/** Of A's INVITE transaction */
void call_heard_a(struct call *call, enum txn_event event);
/** It is call->a.invite, and tells the call */
void call_own_a(struct call *call);

/** Of an INVITE to B (txn_response_h); arg: struct sipd, user: the call's id */
void call_heard_b(txn_id txn, int err, const struct message *m,
		  const struct flow *from, void *arg, uint64_t user);

/** Lines and rates of the caller's side, and of the switch
 *  @return END_NONE, or END_CAPACITY_LIMIT: none are taken */
enum end_reason call_lines_take(struct call *call, const struct catalog *c);
void call_lines_give(struct call *call);
/** Those that it had, counted again after a restart */
int call_lines_adopt(struct call *call);
/** And those of a gateway */
enum end_reason call_b_lines_take(struct call *call,
				  const struct cat_routing *gateway);
/** And of phone_b */
enum end_reason call_phone_lines_take(struct call *call);
void call_b_lines_give(struct call *call);

/** Give the B leg up: CANCEL if its INVITE is not over, lines back, and its
 *  tag names nothing any more. Its texts stay for the record. */
void call_leave_b(struct call *call, const char *reason);

struct setup *setup_take(struct sipd *sipd);
void setup_give(struct sipd *sipd, struct setup *setup);
#endif
