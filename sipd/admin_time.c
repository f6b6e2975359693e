/**
 * @file sipd/admin_time.c  Times as operators read them
 */
#include <string.h>
#include <time.h>

#include "shared/base/text.h"
#include "sipd/admin_time.h"


const char *admin_time_print(char dst[ADMIN_TIME_SIZE], int64_t wall_us)
{
	const time_t s = (time_t)(wall_us / 1000000);
	struct tm tm;

	if (!gmtime_r(&s, &tm))
		memset(&tm, 0, sizeof(tm));
	(void)text_print(dst, ADMIN_TIME_SIZE,
			 "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
			 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, tm.tm_sec,
			 (int)(wall_us / 1000 % 1000));

	return dst;
}


json_t *admin_time(int64_t wall_us)
{
	char text[ADMIN_TIME_SIZE];

	return wall_us ? json_string(admin_time_print(text, wall_us))
		       : json_null();
}
