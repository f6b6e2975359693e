/**
 * @file sipd/call_slot.h  A call as it lies in shared memory
 *
 * Fixed width, no pointers; texts are blobs (blob.h) that the image names. It
 * has what a successor needs to go on with the call, and billing to have its
 * record. Times: _us wall clock for records, _boot_us CLOCK_BOOTTIME for
 * deadlines.
 */
#ifndef TANDEM_SIPD_CALL_SLOT_H
#define TANDEM_SIPD_CALL_SLOT_H

#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/id.h"
#include "shared/base/util.h"
#include "shared/shm/slot.h"
#include "sipd/blob.h"
#include "sipd/timer_fsm.h"
#include "sipd/txn.h"

#define CALLS_MAGIC 0x4c4c4143 /* "CALL" */
#ifdef TANDEM_LAYOUT_NEXT      /* of the tests: test/component/next */
#define CALLS_VERSION   3
#define CALLS_NEXT_WORD 0x7478656e
#else
#define CALLS_VERSION 2
#endif

/** Texts of a leg, one behind the other in its blob */
enum leg_text {
	LEG_CALL_ID,
	LEG_LOCAL_TAG,
	LEG_REMOTE_TAG,
	LEG_LOCAL,   /**< Value of From in our requests, without tag */
	LEG_REMOTE,  /**< Value of To in our requests, as the peer wrote it */
	LEG_TARGET,  /**< Request-URI: Contact of the peer */
	LEG_ROUTES,  /**< Value of Route: the whole set; empty: none */
	LEG_CONTACT, /**< Ours, towards this peer: <sip:...> */
	LEG_TEXTC
};

/** Texts of a call, likewise: what its record and its INVITEs say */
enum call_fact {
	FACT_CALLER_ORIGINAL,
	FACT_CALLER,
	FACT_CALLER_SENT,
	FACT_CALLED_ORIGINAL,
	FACT_CALLED,
	FACT_CALLED_SENT,
	FACT_DISPLAY, /**< The rest is what identity.h takes */
	FACT_PRIVACY,
	FACT_PAI_SIP,
	FACT_PAI_TEL,
	FACT_PPI_SIP,
	FACT_PPI_TEL,
	FACT_RPID,
	FACT_DIVERSION,
	FACTC
};

enum leg_state {
	LEG_NONE,
	LEG_CALLED,    /**< INVITE is out, or in */
	LEG_EARLY,     /**< An early dialog */
	LEG_CONFIRMED, /**< 2xx */
	LEG_LEFT,      /**< Our BYE is on its way, if nobody killed us */
	LEG_ENDED
};

enum leg_flags {
	LEG_CAN_UPDATE = 1, /**< Allow lists it */
	LEG_HAS_TIMER = 2,  /**< Supported or Require: timer */
	LEG_HAS_100REL = 4,
	LEG_WANTS_100REL = 8, /**< Require: 100rel in its INVITE */
	LEG_ACKED = 16,       /**< The dialog's INVITE was ACKed */
	LEG_NO_UPDATE = 32,   /**< It refused one: probe with re-INVITE */
	LEG_ANSWERED_RELIABLY = 64, /**< An answer went in a reliable 18x */
};

struct leg_image {
	struct flow flow; /**< Where requests of the dialog go */
	struct blob texts;
	uint16_t textl[LEG_TEXTC];
	struct blob sdp;    /**< The last that we sent to this peer */
	uint64_t o_session; /**< Of what we send */
	uint64_t peer_session, peer_version; /**< Of what it sent last */
	uint32_t o_version;
	uint32_t local_cseq, remote_cseq;
	uint32_t invite_cseq; /**< Of the INVITE that made the dialog */
	uint32_t expires_s;   /**< Session-Expires in force; 0: none */
	uint32_t rseq;        /**< A: last sent; B: last acknowledged */
	struct timer_leg timer;
	uint8_t state;     /**< enum leg_state */
	uint8_t refresher; /**< enum timer_refresher, as seen by us as UAC */
	uint8_t flags;     /**< enum leg_flags */
	uint8_t request_address;
};

enum call_flags {
	CALL_IS_TIMER = 1, /**< Regime */
	CALL_IS_ILLEGAL = 2,
	CALL_HAS_LINES = 4,      /**< Lines of A's side are taken */
	CALL_HAS_B_LINES = 8,    /**< And of the gateway's */
	CALL_ALL_503 = 16,       /**< Every attempt so far ended in 503 */
	CALL_LATE_OFFER = 32,    /**< A's INVITE had no SDP */
	CALL_TOLD_SDP = 64,      /**< A has heard SDP of this call */
	CALL_HAS_EXCHANGE = 128, /**< Its setup is an exchange (exchange.h) */
};

enum call_media {
	CALL_MEDIA_NONE,
	CALL_MEDIA_BYPASS,
	CALL_MEDIA_RELAY
};

enum {
	MEDIA_PAIRS_MAX = 2, /**< Pairs of ports on each side */
	MEDIA_SIDEC = 2,     /**< A, B */
};

enum media_flags {
	MEDIA_HAS_A = 1,    /**< Ports of A are reserved */
	MEDIA_CONVERTS = 2, /**< Digits (media 7) */
	MEDIA_NO_T38 = 4,   /**< One of the sides does not want it */
	MEDIA_NOMEDIA_ANY = 8,
};

/** What was agreed for the call's media; [0] A, [1] B */
struct media_image {
	struct addr host[MEDIA_SIDEC]; /**< That a side is told; none: that of
					*   the listener */
	uint16_t ports[MEDIA_SIDEC][MEDIA_PAIRS_MAX];
	uint16_t sdpc[MEDIA_SIDEC]; /**< How many SDP a side has sent */
	uint16_t nomedia_s;
	uint8_t worker;             /**< Of mediad */
	uint8_t attempt;            /**< Number of side B there */
	uint8_t dtmf[MEDIA_SIDEC];  /**< enum media_dtmf */
	uint8_t event[MEDIA_SIDEC]; /**< Payload number it has for digits */
	uint8_t learning[MEDIA_SIDEC];
	uint8_t sdp_first[MEDIA_SIDEC];
	uint8_t flags; /**< enum media_flags */
	uint8_t pad[7];
};

/** Parameters as they were when the INVITE arrived */
struct call_params {
	struct txn_resend resend;
	int32_t switch_limit; /**< -1: none */
	uint32_t ttl_s, min_se_s, early_hangup_s, no_timer_s, max_duration_s;
	uint32_t t1_s, t2_s, t3a_s, t3b_s, t4_s;
	uint16_t segments;
	uint8_t stop_after_rtp, stop_after_busy, until_connect;
	uint8_t stop_after_sdp, stop_after_invite_timeout;
	uint8_t refresher; /**< Offered to B */
	uint8_t timer_off;
	uint8_t auth_retry;
	uint8_t pad[6];
};

struct call_image {
	char cdr_id[ID_ULID_SIZE];
	char parent_cdr_id[ID_ULID_SIZE]; /**< Forwarded: its call */
	uint8_t state;                    /**< enum call_state */
	uint8_t forwards;                 /**< How often it was forwarded */
	uint32_t flags;

	/* times of the record */
	int64_t start_us, progress_us, answer_us, end_us;
	int64_t answer_boot_us, end_boot_us;
	int64_t cap_boot_us;   /**< Earliest of the caps; 0: none */
	int64_t state_boot_us; /**< Since when in this state */

	/* who */
	struct addr source;
	uint32_t mapping, phone, account, gateway, phone_b;
	uint32_t group_a, group_b;
	uint32_t granted_s; /**< 0: no limit */
	uint64_t config_version;

	/* end */
	uint16_t code, code_b;
	uint8_t reason; /**< enum end_reason */
	uint8_t side;   /**< enum end_side */
	uint8_t cap_reason;
	uint8_t media; /**< enum call_media */
	uint8_t billing_mode;
	uint8_t transport;
	uint8_t switches;
	uint8_t attemptc;
	char detail[24];
	char codec[16];

#ifdef TANDEM_LAYOUT_NEXT
	uint32_t next_word[2]; /* moves what follows by 8 bytes */
#endif
	struct media_image relay;
	struct call_params params;
	struct blob facts;
	uint16_t factl[FACTC];
	struct blob offer;    /**< A's SDP; none: a late offer */
	struct blob b_sdp;    /**< What B said last before its answer */
	struct blob attempts; /**< struct attempt_image, attemptc of them */
	struct blob setup; /**< setup_slot.h until A has ACKed; then none, or
			    *   what is open (exchange.h) */
	struct leg_image a, b;
};

/** An attempt as it lies in its blob */
struct attempt_image {
	int64_t start_us;
	uint32_t gateway;
	uint32_t ms;
	uint16_t code;
	uint8_t reason;
	uint8_t token; /**< enum route_token; 0: it was tried */
	uint32_t pad;
	struct addr addr;
};
BUILD_ASSERT(sizeof(struct attempt_image) == 48);

#define CALLS_SLOT_SIZE SLOT_SIZE(sizeof(struct call_image))

/** Why an image cannot be trusted; NULL: it can */
const char *call_slot_fault(const void *image);

#endif
