/**
 * @file billingd/ended.h  Calls that have ended lately
 *
 * A call may be told to have ended twice; the ids of the last ENDED_MAX are
 * known, so that it counts once. Those beyond are sorted out by PostgreSQL.
 */
#ifndef TANDEM_BILLINGD_ENDED_H
#define TANDEM_BILLINGD_ENDED_H

#include <stdbool.h>

struct ended;

enum {
	ENDED_MAX = 65536
};

int ended_alloc(struct ended **endedp);
struct ended *ended_free(struct ended *ended);

bool ended_has(const struct ended *ended, const char *cdr_id);
/** The oldest gives way. @return 0, also if it is known; EMSGSIZE, ENOMEM */
int ended_add(struct ended *ended, const char *cdr_id);

#endif
