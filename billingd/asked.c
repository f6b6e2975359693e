/**
 * @file billingd/asked.c  A question whose answer PostgreSQL writes as JSON
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/args.h"
#include "billingd/asked.h"
#include "billingd/billingd.h"
#include "shared/base/clk.h"
#include "shared/base/text.h"

enum {
	SQL_FIRST = 4096,
};

struct asking {
	struct billingd *b;
	struct admin_ticket ticket;
	size_t limit;
	int64_t begun_us;
};


/* --- the question --------------------------------------------------------- */

static void put(struct asked *asked, const char *p, size_t l)
{
	size_t room = asked->room ? asked->room : SQL_FIRST;
	char *sql;

	if (asked->has_failed)
		return;
	while (room - asked->l <= l)
		room *= 2;
	if (room != asked->room) {
		sql = realloc(asked->sql, room);
		asked->has_failed = !sql;
		if (!sql)
			return;
		asked->sql = sql;
		asked->room = room;
	}
	memcpy(asked->sql + asked->l, p, l);
	asked->l += l;
	asked->sql[asked->l] = '\0';
}


void asked_add(struct asked *asked, const char *sql, const char *value)
{
	char number[16];

	if (value) {
		if (asked->paramc == ASKED_PARAMS ||
		    text_print(asked->texts[asked->paramc], ASKED_TEXT, "%s",
			       value)) {
			asked->has_failed = true;
			return;
		}
		asked->paramc++;
	}
	(void)text_print(number, sizeof(number), "$%zu", asked->paramc);
	for (;;) {
		const size_t l = value ? strcspn(sql, "?") : strlen(sql);

		put(asked, sql, l);
		sql += l;
		if (*sql == '\0')
			return;
		put(asked, number, strlen(number));
		sql++;
	}
}


void asked_filter(struct asked *asked, const json_t *args, const char *name,
		  const char *sql)
{
	char buf[ARGS_NUMBER_MAX];
	const char *value = args_get(args, name, buf);

	if (value)
		asked_add(asked, sql, value);
}


/* --- the answer ----------------------------------------------------------- */

static void on_rows(int err, const struct db_result *r, const char *why,
		    void *arg)
{
	struct asking *asking = arg;
	struct admin_answer answer = { .rows = NULL };
	size_t n;

	metric_observe_us(M_DB_SECONDS, DB_OPERATION_COMMAND,
			  (uint64_t)(clk_mono_us() - asking->begun_us));
	if (err) {
		(void)admin_refuse(&answer,
				   err == EINVAL ? "invalid_value" : "failed",
				   "%s", why && why[0] ? why : strerror(err));
	}
	else {
		n = db_rows(r) < asking->limit ? db_rows(r) : asking->limit;
		answer.rows = json_array();
		for (size_t i = 0; i < n; i++)
			(void)json_array_append_new(
				answer.rows,
				json_loads(db_text(r, i, 0), JSON_DECODE_ANY,
					   NULL));
		if (db_rows(r) > n && n > 0 && db_columns(r) > 1 &&
		    db_text(r, n - 1, 1))
			answer.next = json_string(db_text(r, n - 1, 1));
	}
	svc_answer(asking->b->svc, asking->ticket, &answer);
	free(asking);
}


int asked_run(struct asked *asked, struct billingd *b, size_t limit,
	      struct admin_answer *answer)
{
	const char *texts[ASKED_PARAMS];
	const struct db_statement statement = { asked->sql, texts,
						asked->paramc };
	struct asking *asking = NULL;
	int err = 0;

	for (size_t i = 0; i < asked->paramc; i++)
		texts[i] = asked->texts[i];
	if (asked->has_failed)
		err = admin_refuse(answer, "invalid_value",
				   "an argument is too long");
	else if (!billingd_has_database(b))
		err = admin_refuse(answer, "unavailable",
				   "the database is not reachable, or is to "
				   "be migrated first");
	if (!err)
		asking = calloc(1, sizeof(*asking));
	if (!err && !asking)
		err = ENOMEM;
	if (!err) {
		*asking = (struct asking){ b, answer->asker->ticket, limit,
					   clk_mono_us() };
		err = db_query(b->db, &statement, on_rows, asking);
		if (err)
			free(asking);
	}
	answer->later = !err;
	free(asked->sql);

	return err;
}
