/**
 * @file sipd/admin_time.h  Times as operators read them
 */
#ifndef TANDEM_SIPD_ADMIN_TIME_H
#define TANDEM_SIPD_ADMIN_TIME_H

#include <stdint.h>

#include <jansson.h>

enum {
	ADMIN_TIME_SIZE = 40
};

/** Wall clock as RFC 3339 with milliseconds, UTC. @return dst */
const char *admin_time_print(char dst[ADMIN_TIME_SIZE], int64_t wall_us);

/** The same; 0: null */
json_t *admin_time(int64_t wall_us);

#endif
