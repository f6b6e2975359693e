/**
 * @file shared/catalog/end_reason.h  Why calls end
 *
 * cdr 2 as a table: what sipd tells the peers and what billingd writes into
 * the record is said once.
 */
#ifndef TANDEM_CATALOG_END_REASON_H
#define TANDEM_CATALOG_END_REASON_H

#include <stdint.h>

/** Stable tokens of cdr 2; numbers lie in shared memory and on the bus: new
 *  ones at the end */
enum end_reason {
	END_NONE,
	END_NORMAL_RELEASE,
	END_CALLER_CANCEL,
	END_CALLEE_BUSY,
	END_CALLEE_REJECTED,
	END_NO_ANSWER,
	END_NO_AVAILABLE_ROUTER,
	END_ALL_GATEWAY_BUSY,
	END_GATEWAY_TIMEOUT,
	END_INVITE_TIMEOUT,
	END_TRYING_TIMEOUT,
	END_SESSION_PROGRESS_TIMEOUT,
	END_EARLY_MEDIA_TIMEOUT,
	END_ACCOUNT_BALANCE_NOT_ENOUGH,
	END_VENDOR_BALANCE_NOT_ENOUGH,
	END_ACCOUNT_LOCKED,
	END_NO_RATE,
	END_BALANCE_EXHAUSTED,
	END_SESSION_TIMEOUT,
	END_NO_TIMER_LIMIT,
	END_MAX_DURATION,
	END_NO_MEDIA_TIMEOUT,
	END_OPERATOR_DISCONNECT,
	END_UNAUTHORIZED_SOURCE,
	END_AUTHENTICATION_FAILED,
	END_BLACKLISTED,
	END_CAPACITY_LIMIT,
	END_NUMBER_INVALID,
	END_NOT_REGISTERED,
	END_MEDIA_FAILURE,
	END_SYSTEM_RECOVERY,
	END_INTERNAL_ERROR,
	END_REASONC
};

enum end_side {
	END_SIDE_NONE,
	END_SIDE_CALLER,
	END_SIDE_CALLEE,
	END_SIDE_SERVER,
	END_SIDEC
};
extern const char *const end_sides[END_SIDEC]; /**< "", "caller" ... */

struct end_def {
	const char *token;
	uint16_t code; /**< To A before the answer; 0: by the situation */
	uint16_t q850;
	uint8_t side; /**< enum end_side; NONE: by the situation */
};
extern const struct end_def end_defs[END_REASONC];

#endif
