/**
 * @file sipd/setup_slot.h  What a successor needs of a call without an answer
 *
 * A blob that the call's slot names until A has ACKed its answer. It names
 * others itself, and is one piece: struct setup_image, then copyc struct
 * copy_image, listc struct row_image, tokenc bytes, shortc uint32_t.
 */
#ifndef TANDEM_SIPD_SETUP_SLOT_H
#define TANDEM_SIPD_SETUP_SLOT_H

#include "shared/catalog/number.h"
#include "shared/reg/binding.h"
#include "sipd/blob.h"
#include "sipd/call_slot.h"
#include "sipd/wire.h"

/** Texts of their own */
struct setup_texts {
	struct blob head;  /**< Of responses to A's INVITE (txn_server_head) */
	struct blob reply; /**< The last of them; none: its code is all */
	struct blob invites; /**< To B: the copies, one behind the other */
	struct blob auth;    /**< struct authn_client; none: not challenged */
};

/** An INVITE to B */
struct copy_image {
	struct flow flow;
	int64_t sent_boot_us;
	uint32_t len; /**< Of its text */
	uint32_t t1_ms;
	uint8_t mark;     /**< enum fork_mark */
	uint8_t is_heard; /**< A provisional came */
	uint8_t pad[6];
};
BUILD_ASSERT(sizeof(struct copy_image) == 56);

struct row_image {
	uint32_t gateway;
	uint8_t length;
	uint8_t protect;
	uint8_t pad[2];
};

struct result_image {
	uint16_t code;
	uint8_t end; /**< enum attempt_end */
	uint8_t flags;
};

enum result_flags {
	RESULT_HAD_SDP = 1,
	RESULT_HAD_RTP = 2,
};

enum setup_flags {
	SETUP_HAS_TIMER = 1, /**< Terms */
	SETUP_A_REQUIRE = 2,
	SETUP_HAS_LIST = 4,
	SETUP_IS_LAST_FAILED = 8,
	SETUP_IS_FORWARDING = 16,
	SETUP_IS_PHONE = 32, /**< The copies are devices */
	SETUP_WAS_BUSY = 64,
	SETUP_B_HAS_SDP = 128,
	SETUP_IS_RELIABLE = 256, /**< The last reply, and it waits for PRACK */
	SETUP_HAS_WAITING = 512,
	SETUP_WAITING_SDP = 1024,
	SETUP_ANSWER_WAITS = 2048,
	SETUP_RINGS = 4096,
	SETUP_IS_TOLD = 8192, /**< A knows what B said last */
	SETUP_IS_SILENT = 16384,
	SETUP_CALLER_VALID = 32768, /**< Its number; likewise */
	SETUP_CALLED_VALID = 65536,
	SETUP_ORIGINAL_VALID = 131072,
};

struct setup_image {
	struct setup_texts texts;
	struct flow reply_to; /**< Where responses to A go */
	struct flow to;
	int64_t reply_boot_us; /**< When the last left */
	int64_t timer_boot_us; /**< When the timer of its class is due */
	int64_t attempt_boot_us;
	uint32_t flags; /**< enum setup_flags */
	uint32_t max_forwards, min_se_s, renew_s, retry_after_s;
	uint32_t a_expires_s, b_expires_s, b_min_se_s;
	struct result_image result, last;
	uint16_t reply_code, waiting_code, b_code, target_port;
	uint8_t a_refresher; /**< enum timer_refresher */
	uint8_t classes, timer_class, redirects, raises;
	uint8_t copyc, current; /**< 255: none */
	uint8_t listc, next_candidate, tokenc, shortc;
	uint8_t redirectl;
	char redirect[CAT_NUMBER_MAX + 1];
	char target_host[72];
};

/** Of these bytes; NULL: they cannot be one */
const struct setup_image *setup_image_of(struct text bytes);

#endif
