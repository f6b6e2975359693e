/**
 * @file sipd/verdict.h  How calls end, and when the next gateway is tried
 *
 * call-setup 7 and 8, cdr 2: tables. Pure.
 */
#ifndef TANDEM_SIPD_VERDICT_H
#define TANDEM_SIPD_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/catalog/end_reason.h"
#include "shared/catalog/rows.h"

/** How an attempt on a gateway ended */
enum attempt_end {
	ATTEMPT_NONE, /**< Not yet */
	ATTEMPT_T1,
	ATTEMPT_T2,
	ATTEMPT_T3A,
	ATTEMPT_T3B,
	ATTEMPT_T4,
	ATTEMPT_RESENDS,   /**< The schedule ended before T1 */
	ATTEMPT_TRANSPORT, /**< Refused, unreachable */
	ATTEMPT_FINAL,     /**< A final response, with its code */
	ATTEMPT_AUTH,      /**< Our credentials failed or are missing */
	ATTEMPT_ANSWERED,
	ATTEMPT_ENDC
};

struct attempt_result {
	enum attempt_end end;
	uint16_t code; /**< Of ATTEMPT_FINAL and _AUTH */
	bool had_sdp;  /**< A provisional of it had SDP */
	bool had_rtp;  /**< RTP came from it through the relay */
};

/** Settings of one gateway, effective for the call */
struct switch_rules {
	bool is_off;        /**< Field switch = off */
	bool until_connect; /**< U */
	bool stop_after_invite_timeout;
	bool stop_after_sdp;
	bool stop_after_rtp;  /**< SS_GATEWAY_SWITCH_STOP_AFTER_RTP_START */
	bool stop_after_busy; /**< SS_GATEWAY_SWITCH_STOP_AFTER_USER_BUSY */
	int32_t limit;        /**< SS_GATEWAY_SWITCH_LIMIT; -1: none */
	const int32_t *stop_codes;
	size_t stop_codec;
};

/** Rules 1 to 9 of section 7 (1 and 10 are the call's): may the next
 *  candidate be tried after `switches` switches? */
bool switch_allowed(const struct switch_rules *rules,
		    const struct attempt_result *result, uint32_t switches);

/** Section 8: what the caller gets, and why it ended */
struct verdict {
	uint16_t code;
	enum end_reason reason;
	enum end_side side;
};
/** all_503: every attempt of the call ended in 503 */
struct verdict verdict_of(const struct attempt_result *last, bool all_503);

/** For a reason that is not an attempt's: its code and side of cdr 2 */
struct verdict verdict_plain(enum end_reason reason);

/** cause_map of the mapping gateway */
uint16_t cause_map(const struct cat_cause *map, size_t mapc, uint16_t code);

/** The cause of a call that ended so, with this code to the caller */
uint16_t verdict_q850(enum end_reason reason, uint16_t code);

/** Value of a Reason header: "Q.850;cause=16" */
const char *reason_q850(enum end_reason reason, char dst[32]);

#endif
