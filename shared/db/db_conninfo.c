/**
 * @file shared/db/db_conninfo.c  What is known about the text of a conninfo
 *
 * A conninfo may name several hosts. libpq tries one after the other when it
 * connects, but waits for one that is silent; without its blocking calls it
 * knows no deadline for each. So when ours is over, the next attempt begins
 * with the next host.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/db/db_parts.h"


/* As libpq decides it: else the whole text is the name of a database. */
static bool has_options(const char *conninfo)
{
	return strchr(conninfo, '=') || strstr(conninfo, "://");
}


static int parse(PQconninfoOption **optionsp, const char *conninfo)
{
	PQconninfoOption *options;
	char *why = NULL;

	options = PQconninfoParse(conninfo, &why);
	if (!options) {
		const int err = why ? EINVAL : ENOMEM;

		PQfreemem(why);
		return err;
	}
	*optionsp = options;

	return 0;
}


int db_conninfo_check(const char *conninfo)
{
	PQconninfoOption *options = NULL;
	int err = 0;

	if (has_options(conninfo))
		err = parse(&options, conninfo);
	PQconninfoFree(options);

	return err;
}


int db_list_turn(char *dst, size_t size, const char *list, uint32_t by)
{
	const char *from = list;
	uint32_t count = 1;

	for (const char *p = list; *p; p++)
		count += *p == ',';

	for (uint32_t i = by % count; i > 0; i--)
		from = strchr(from, ',') + 1;
	if (from == list)
		return text_print(dst, size, "%s", list);

	return text_print(dst, size, "%s,%.*s", from, (int)(from - list - 1),
			  list);
}


int db_conninfo_turned(char *dst, size_t size, const char *conninfo,
		       const char *option, uint32_t by)
{
	PQconninfoOption *options = NULL;
	int err;

	*dst = '\0';
	if (!has_options(conninfo))
		return 0;

	err = parse(&options, conninfo);
	if (err)
		return err;

	for (const PQconninfoOption *o = options; o->keyword; o++) {
		if (!strcmp(o->keyword, option) && o->val)
			err = db_list_turn(dst, size, o->val, by);
	}
	PQconninfoFree(options);

	return err;
}


int db_password_read(char *dst, size_t size, const char *path)
{
	FILE *f = fopen(path, "re");
	int err = 0;

	if (!f)
		return errno;

	/* No copy of it stays in the buffer of the stream. */
	setvbuf(f, NULL, _IONBF, 0);
	*dst = '\0';
	if (!fgets(dst, (int)size, f) && ferror(f))
		err = errno;
	else if (strlen(dst) + 1 == size && dst[size - 2] != '\n')
		err = EOVERFLOW;
	dst[strcspn(dst, "\r\n")] = '\0';
	(void)fclose(f);

	return err;
}
