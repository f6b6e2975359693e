/**
 * @file mediad/pace.c  How long mediad waits between two looks at its sockets
 */
#include <stddef.h>

#include "mediad/pace.h"
#include "shared/base/util.h"

/* What a look costs beside its packets is dear when they are few. When they
 * are many, the sockets hold them as well. Between the two, nobody waits for a
 * millisecond. */
static const struct {
	uint64_t below; /* packets per ms */
	int64_t us;
} paces[] = {
	{ 20, 2000 },
	{ 75, 700 },
	{ UINT64_MAX, 1100 },
};


static int64_t pace_of(uint64_t per_ms)
{
	size_t i = 0;

	while (i + 1 < COUNT_OF(paces) && per_ms >= paces[i].below)
		i++;

	return paces[i].us;
}


void pace_begin(struct pace *pace, int64_t now_us)
{
	*pace = (struct pace){ .us = pace_of(0), .since_us = now_us };
}


void pace_count(struct pace *pace, int64_t now_us, unsigned packets)
{
	const int64_t took_us = now_us - pace->since_us;

	pace->packets += packets;
	if (took_us < PACE_OVER_US)
		return;

	pace->us = pace_of(pace->packets * 1000 / (uint64_t)took_us);
	pace->since_us = now_us;
	pace->packets = 0;
}
