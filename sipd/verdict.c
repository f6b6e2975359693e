/**
 * @file sipd/verdict.c  What the caller is told when no gateway answers
 *
 * call-setup 8 as a table: what the last attempt was decides.
 */
#include <assert.h>
#include <stdio.h>

#include "shared/base/util.h"
#include "sipd/verdict.h"

/* clang-format off */

/* call-setup 8, the rows without a final response. AUTH stands for both 401
 * and 407. */
static const struct verdict by_end[ATTEMPT_ENDC] = {
	[ATTEMPT_T1]        = { 408, END_INVITE_TIMEOUT,           END_SIDE_SERVER },
	[ATTEMPT_T2]        = { 408, END_TRYING_TIMEOUT,           END_SIDE_SERVER },
	[ATTEMPT_T3A]       = { 408, END_SESSION_PROGRESS_TIMEOUT, END_SIDE_SERVER },
	[ATTEMPT_T3B]       = { 408, END_EARLY_MEDIA_TIMEOUT,      END_SIDE_SERVER },
	[ATTEMPT_T4]        = { 480, END_NO_ANSWER,                END_SIDE_SERVER },
	[ATTEMPT_RESENDS]   = { 408, END_GATEWAY_TIMEOUT,          END_SIDE_SERVER },
	[ATTEMPT_TRANSPORT] = { 408, END_GATEWAY_TIMEOUT,          END_SIDE_SERVER },
	[ATTEMPT_AUTH]      = { 503, END_AUTHENTICATION_FAILED,    END_SIDE_SERVER },
	[ATTEMPT_ANSWERED]  = { 200, END_NONE,                     END_SIDE_NONE },
};

/* The rows of final responses; the first that has the code counts */
static const struct final_row {
	uint16_t from, to;
	struct verdict verdict; /* Code 0: the same */
} finals[] = {
	{ 486, 486, { 0,   END_CALLEE_BUSY,           END_SIDE_CALLEE } },
	{ 600, 600, { 0,   END_CALLEE_BUSY,           END_SIDE_CALLEE } },
	{ 480, 480, { 0,   END_NO_ANSWER,             END_SIDE_CALLEE } },
	{ 404, 404, { 0,   END_NUMBER_INVALID,        END_SIDE_CALLEE } },
	{ 410, 410, { 0,   END_NUMBER_INVALID,        END_SIDE_CALLEE } },
	{ 484, 485, { 0,   END_NUMBER_INVALID,        END_SIDE_CALLEE } },
	{ 604, 604, { 0,   END_NUMBER_INVALID,        END_SIDE_CALLEE } },
	{ 408, 408, { 0,   END_GATEWAY_TIMEOUT,       END_SIDE_CALLEE } },
	{ 504, 504, { 0,   END_GATEWAY_TIMEOUT,       END_SIDE_CALLEE } },
	{ 488, 488, { 0,   END_MEDIA_FAILURE,         END_SIDE_CALLEE } },
	{ 606, 606, { 0,   END_MEDIA_FAILURE,         END_SIDE_CALLEE } },
	{ 401, 401, { 503, END_AUTHENTICATION_FAILED, END_SIDE_SERVER } },
	{ 407, 407, { 503, END_AUTHENTICATION_FAILED, END_SIDE_SERVER } },
	{ 402, 402, { 503, END_CALLEE_REJECTED,       END_SIDE_CALLEE } },
	{ 420, 423, { 503, END_CALLEE_REJECTED,       END_SIDE_CALLEE } },
	{ 481, 482, { 503, END_CALLEE_REJECTED,       END_SIDE_CALLEE } },
	{ 491, 491, { 503, END_CALLEE_REJECTED,       END_SIDE_CALLEE } },
	{ 300, 399, { 480, END_CALLEE_REJECTED,       END_SIDE_CALLEE } },
	{ 400, 699, { 0,   END_CALLEE_REJECTED,       END_SIDE_CALLEE } },
};
/* clang-format on */


struct verdict verdict_plain(enum end_reason reason)
{
	assert(reason < END_REASONC);

	return (struct verdict){
		.code = end_defs[reason].code,
		.reason = reason,
		.side = (enum end_side)end_defs[reason].side,
	};
}


static struct verdict of_final(uint16_t code)
{
	for (size_t i = 0; i < COUNT_OF(finals); i++) {
		struct verdict verdict = finals[i].verdict;

		if (code < finals[i].from || code > finals[i].to)
			continue;
		if (verdict.code == 0)
			verdict.code = code;

		return verdict;
	}

	return verdict_plain(END_INTERNAL_ERROR);
}


struct verdict verdict_of(const struct attempt_result *last, bool all_503)
{
	assert(last->end < ATTEMPT_ENDC);

	if (last->end == ATTEMPT_NONE)
		return verdict_plain(END_INTERNAL_ERROR);
	if (last->end != ATTEMPT_FINAL)
		return by_end[last->end];
	if (last->code == 503 && all_503)
		return verdict_plain(END_ALL_GATEWAY_BUSY);

	return of_final(last->code);
}


uint16_t cause_map(const struct cat_cause *map, size_t mapc, uint16_t code)
{
	for (size_t i = 0; i < mapc; i++) {
		if (map[i].from == code && map[i].to >= 300 &&
		    map[i].to <= 699)
			return (uint16_t)map[i].to;
	}

	return code;
}


uint16_t verdict_q850(enum end_reason reason, uint16_t code)
{
	assert(reason < END_REASONC);

	/* 503: there was no port for its media */
	if (reason == END_MEDIA_FAILURE && code == 503)
		return 47;

	return end_defs[reason].q850;
}


const char *reason_q850(enum end_reason reason, char dst[32])
{
	(void)snprintf(dst, 32, "Q.850;cause=%u",
		       (unsigned)verdict_q850(reason, 0));

	return dst;
}
