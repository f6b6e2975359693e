/**
 * @file sipd/blacklist_cmd.h  blacklist list, add, remove
 *
 * Of the dynamic list, which guard keeps. The other lists are records of
 * billingd: who asks for them is told so.
 */
#ifndef TANDEM_SIPD_BLACKLIST_CMD_H
#define TANDEM_SIPD_BLACKLIST_CMD_H

#include <stdint.h>

#include <jansson.h>

struct admin_answer;
struct guard;

int blacklist_cmd_list(struct guard *guard, int64_t now_us, const json_t *args,
		       struct admin_answer *answer);

/** seconds: how long if args do not say */
int blacklist_cmd_add(struct guard *guard, uint32_t seconds, int64_t now_us,
		      const json_t *args, struct admin_answer *answer);

int blacklist_cmd_remove(struct guard *guard, int64_t now_us,
			 const json_t *args, struct admin_answer *answer);

#endif
