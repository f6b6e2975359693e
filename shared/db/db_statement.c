/**
 * @file shared/db/db_statement.c  Statements kept until they can be sent
 *
 * Who asks may forget its texts when db_query() returns. Mostly they are in
 * libpq's buffer by then; while a COPY runs they are copied, all into one
 * block: first the statements, then their parameters, then the texts.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/db/db_parts.h"


static int add(size_t *sump, size_t n)
{
	return __builtin_add_overflow(*sump, n, sump) ? EOVERFLOW : 0;
}


static int measure(size_t *bytesp, size_t *paramcp,
		   const struct db_statement *statements, size_t statementc)
{
	size_t bytes = 0, paramc = 0;
	int err = 0;

	for (size_t i = 0; i < statementc && !err; i++) {
		const struct db_statement *s = &statements[i];

		paramc += s->paramc;
		err = add(&bytes, strlen(s->sql) + 1);
		for (size_t p = 0; p < s->paramc && !err; p++) {
			if (s->params[p])
				err = add(&bytes, strlen(s->params[p]) + 1);
		}
	}
	if (err)
		return err;

	*bytesp = bytes;
	*paramcp = paramc;

	return 0;
}


static char *put(char **atp, const char *text)
{
	const size_t size = strlen(text) + 1;
	char *at = *atp;

	memcpy(at, text, size);
	*atp += size;

	return at;
}


static void fill(struct db_kept *kept, const struct db_statement *statements,
		 size_t paramc)
{
	const char **param = (const char **)(void *)(kept->statements +
						     kept->statementc);
	char *at = (char *)(param + paramc);

	for (size_t i = 0; i < kept->statementc; i++) {
		const struct db_statement *s = &statements[i];
		struct db_statement *copy = &kept->statements[i];

		copy->sql = put(&at, s->sql);
		copy->params = param;
		copy->paramc = s->paramc;
		for (size_t p = 0; p < s->paramc; p++)
			*param++ = s->params[p] ? put(&at, s->params[p])
						: NULL;
	}
}


int db_kept_alloc(struct db_kept **keptp,
		  const struct db_statement *statements, size_t statementc)
{
	struct db_kept *kept;
	size_t size, paramc, pointers;
	int err;

	err = measure(&size, &paramc, statements, statementc);
	if (err)
		return err;

	if (__builtin_mul_overflow(statementc, sizeof(*statements),
				   &pointers) ||
	    add(&pointers, paramc * sizeof(char *)) ||
	    add(&size, sizeof(*kept)) || add(&size, pointers))
		return EOVERFLOW;

	kept = malloc(size);
	if (!kept)
		return ENOMEM;

	kept->statementc = statementc;
	fill(kept, statements, paramc);
	*keptp = kept;

	return 0;
}
