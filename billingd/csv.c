/**
 * @file billingd/csv.c  A line of comma-separated values (RFC 4180)
 */
#include <errno.h>

#include "billingd/csv.h"


/* From behind the opening quote to behind the closing one; what is in it
 * moves left over doubled quotes. NULL: it is not closed. */
static char *quoted(char *p)
{
	char *to = p;

	for (;;) {
		if (*p == '\0')
			return NULL;
		if (*p == '"' && p[1] != '"')
			break;
		if (*p == '"')
			p++;
		*to++ = *p++;
	}
	*to = '\0';

	return p + 1;
}


static char *plain(char *p)
{
	while (*p && *p != ',' && *p != '"')
		p++;

	return *p == '"' ? NULL : p;
}


int csv_cut(char *line, char *fields[], size_t max, size_t *countp)
{
	char *p = line;
	size_t n = 0;

	for (;;) {
		char *end;

		if (n == max)
			return E2BIG;
		if (*p == '"') {
			fields[n++] = p + 1;
			end = quoted(p + 1);
		}
		else {
			fields[n++] = p;
			end = plain(p);
		}
		if (!end || (*end && *end != ','))
			return EBADMSG;
		if (*end == '\0')
			break;
		*end = '\0';
		p = end + 1;
	}
	*countp = n;

	return 0;
}
