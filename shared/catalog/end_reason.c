/**
 * @file shared/catalog/end_reason.c  Why calls end
 */
#include "shared/catalog/end_reason.h"

const char *const end_sides[END_SIDEC] = { "", "caller", "callee", "server" };

/* clang-format off */

/* cdr 2. A code of 0 is decided by the situation, or the call was answered. */
const struct end_def end_defs[END_REASONC] = {
	[END_NONE]                       = { "",                        0,   0,   END_SIDE_NONE },
	[END_NORMAL_RELEASE]             = { "NormalRelease",           0,   16,  END_SIDE_NONE },
	[END_CALLER_CANCEL]              = { "CallerCancel",            487, 16,  END_SIDE_CALLER },
	[END_CALLEE_BUSY]                = { "CalleeBusy",              486, 17,  END_SIDE_CALLEE },
	[END_CALLEE_REJECTED]            = { "CalleeRejected",          0,   21,  END_SIDE_CALLEE },
	[END_NO_ANSWER]                  = { "NoAnswer",                480, 19,  END_SIDE_SERVER },
	[END_NO_AVAILABLE_ROUTER]        = { "NoAvailableRouter",       503, 3,   END_SIDE_SERVER },
	[END_ALL_GATEWAY_BUSY]           = { "AllGatewayBusy",          503, 34,  END_SIDE_SERVER },
	[END_GATEWAY_TIMEOUT]            = { "GatewayTimeout",          408, 102, END_SIDE_SERVER },
	[END_INVITE_TIMEOUT]             = { "InviteTimeout",           408, 102, END_SIDE_SERVER },
	[END_TRYING_TIMEOUT]             = { "TryingTimeout",           408, 102, END_SIDE_SERVER },
	[END_SESSION_PROGRESS_TIMEOUT]   = { "SessionProgressTimeout",  408, 102, END_SIDE_SERVER },
	[END_EARLY_MEDIA_TIMEOUT]        = { "EarlyMediaTimeout",       408, 102, END_SIDE_SERVER },
	[END_ACCOUNT_BALANCE_NOT_ENOUGH] = { "AccountBalanceNotEnough", 402, 21,  END_SIDE_SERVER },
	[END_VENDOR_BALANCE_NOT_ENOUGH]  = { "VendorBalanceNotEnough",  503, 34,  END_SIDE_SERVER },
	[END_ACCOUNT_LOCKED]             = { "AccountLocked",           403, 21,  END_SIDE_SERVER },
	[END_NO_RATE]                    = { "NoRate",                  403, 21,  END_SIDE_SERVER },
	[END_BALANCE_EXHAUSTED]          = { "BalanceExhausted",        0,   31,  END_SIDE_SERVER },
	[END_SESSION_TIMEOUT]            = { "SessionTimeout",          0,   102, END_SIDE_SERVER },
	[END_NO_TIMER_LIMIT]             = { "NoTimerLimit",            0,   31,  END_SIDE_SERVER },
	[END_MAX_DURATION]               = { "MaxDuration",             0,   31,  END_SIDE_SERVER },
	[END_NO_MEDIA_TIMEOUT]           = { "NoMediaTimeout",          0,   41,  END_SIDE_SERVER },
	[END_OPERATOR_DISCONNECT]        = { "OperatorDisconnect",      503, 31,  END_SIDE_SERVER },
	[END_UNAUTHORIZED_SOURCE]        = { "UnauthorizedSource",      403, 21,  END_SIDE_SERVER },
	[END_AUTHENTICATION_FAILED]      = { "AuthenticationFailed",    403, 21,  END_SIDE_SERVER },
	[END_BLACKLISTED]                = { "Blacklisted",             403, 21,  END_SIDE_SERVER },
	[END_CAPACITY_LIMIT]             = { "CapacityLimit",           503, 42,  END_SIDE_SERVER },
	[END_NUMBER_INVALID]             = { "NumberInvalid",           484, 28,  END_SIDE_SERVER },
	[END_NOT_REGISTERED]             = { "NotRegistered",           480, 20,  END_SIDE_SERVER },
	[END_MEDIA_FAILURE]              = { "MediaFailure",            488, 88,  END_SIDE_SERVER },
	[END_SYSTEM_RECOVERY]            = { "SystemRecovery",          503, 41,  END_SIDE_SERVER },
	[END_INTERNAL_ERROR]             = { "InternalError",           500, 41,  END_SIDE_SERVER },
};
/* clang-format on */
