/**
 * @file sipd/admin_time.c  Times as operators read them
 */
#include <time.h>

#include "shared/base/text.h"
#include "sipd/admin_time.h"


json_t *admin_time(int64_t wall_us)
{
	const time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;
	char text[40];
	size_t n;

	if (!wall_us || !gmtime_r(&seconds, &tm))
		return json_null();
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)text_print(text + n, sizeof(text) - n, ".%03dZ",
			 (int)(wall_us / 1000 % 1000));

	return json_string(text);
}
