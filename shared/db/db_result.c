/**
 * @file shared/db/db_result.c  What the server answered, in our terms
 *
 * The server's words go to whoever asked, and from there to people. So a
 * detail is added only where it names no more than a key: that of a failed
 * check is the whole row, with all that is secret in it.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/db/db_parts.h"

struct meaning {
	const char
		*sqlstate; /**< Or how it begins; the first that fits holds */
	int err;
	bool has_detail; /**< That may be shown */
};

static const struct meaning meanings[] = {
	{ "08", ENOTCONN, false },     /* connection */
	{ "22", EINVAL, false },       /* data */
	{ "23503", EINVAL, true },     /* foreign key */
	{ "23505", EEXIST, true },     /* unique */
	{ "23", EINVAL, false },       /* other constraints */
	{ "57014", ETIMEDOUT, false }, /* canceled: statement_timeout */
	{ "57P0", ENOTCONN, false },   /* the server shuts down or starts */
	{ "P0001", EINVAL, true },     /* RAISE, in our own triggers */
};


static const struct meaning *meaning_of(const char *sqlstate)
{
	static const struct meaning unknown = { "", EIO, false };

	for (size_t i = 0; sqlstate && i < COUNT_OF(meanings); i++) {
		const struct meaning *m = &meanings[i];

		if (!strncmp(sqlstate, m->sqlstate, strlen(m->sqlstate)))
			return m;
	}

	return &unknown;
}


int db_sqlstate_errno(const char *sqlstate)
{
	return meaning_of(sqlstate)->err;
}


void db_why_copy(char *why, size_t size, const char *text)
{
	size_t len = text ? strcspn(text, "\r\n") : 0;

	if (len == 0) {
		(void)text_print(why, size, "no reason given");
		return;
	}
	if (len >= size) {
		len = size - 1;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(why, text, len);
	why[len] = '\0';
}


int db_result_error(char *why, size_t size, const PGresult *res)
{
	const struct meaning *m = meaning_of(
		PQresultErrorField(res, PG_DIAG_SQLSTATE));
	const char *words = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
	char all[2 * DB_WHY_MAX];

	if (!words)
		words = PQresultErrorMessage(res);
	if (m->has_detail && detail)
		(void)text_print(all, sizeof(all), "%s: %s", words, detail);
	else
		(void)text_print(all, sizeof(all), "%s", words);
	db_why_copy(why, size, all);

	return m->err;
}


size_t db_rows(const struct db_result *r)
{
	if (!r)
		return 0;

	return r->is_piece ? r->partc : (size_t)PQntuples(r->parts[0]);
}


size_t db_columns(const struct db_result *r)
{
	return r ? (size_t)PQnfields(r->parts[0]) : 0;
}


const char *db_text(const struct db_result *r, size_t row, size_t column)
{
	const PGresult *res;
	int at;

	assert(row < db_rows(r) && column < db_columns(r));
	res = r->parts[r->is_piece ? row : 0];
	at = r->is_piece ? 0 : (int)row;

	return PQgetisnull(res, at, (int)column)
		       ? NULL
		       : PQgetvalue(res, at, (int)column);
}


uint64_t db_affected(const struct db_result *r)
{
	uint64_t count = 0;

	if (r)
		(void)text_u64(&count,
			       text_of(PQcmdTuples(unconst(r->parts[0]))), 0,
			       UINT64_MAX);

	return count;
}
