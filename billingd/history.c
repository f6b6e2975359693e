/**
 * @file billingd/history.c  Who changed what, and back
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/args.h"
#include "billingd/billingd.h"
#include "billingd/change.h"
#include "shared/base/text.h"
#include "shared/base/util.h"

enum {
	LIMIT_USUAL = 50,
	LIMIT_MOST = 10000,
};

/** Columns of a query that become those of the answer */
struct asking {
	struct billingd *b;
	struct admin_ticket ticket;
	const char *const *columns; /**< "version#": a number; "before{": JSON;
				     *   NULL ends them */
};


static json_t *cell(const char *column, const char *text)
{
	const char kind = column[strlen(column) - 1];
	int64_t number;
	json_t *value;

	if (!text)
		return json_null();
	if (kind == '#' &&
	    text_i64(&number, text_of(text), INT64_MIN, INT64_MAX) == 0)
		return json_integer(number);
	if (kind == '{') {
		value = json_loads(text, JSON_DECODE_ANY, NULL);
		return value ? value : json_string(text);
	}

	return json_string(text);
}


static void on_rows(int err, const struct db_result *r, const char *why,
		    void *arg)
{
	struct asking *asking = arg;
	struct admin_answer answer = { .rows = NULL };

	if (err) {
		(void)admin_refuse(&answer, "failed", "%s",
				   why && why[0] ? why : strerror(err));
	}
	else {
		answer.rows = json_array();
		for (size_t i = 0; i < db_rows(r); i++) {
			json_t *row = json_object();

			for (size_t c = 0; asking->columns[c]; c++) {
				const char *name = asking->columns[c];
				char key[32];

				(void)text_copy(key, sizeof(key),
						(struct text){
							name,
							strcspn(name, "#{") });
				(void)json_object_set_new(
					row, key,
					cell(name, db_text(r, i, c)));
			}
			(void)json_array_append_new(answer.rows, row);
		}
	}
	svc_answer(asking->b->svc, asking->ticket, &answer);
	free(asking);
}


static int ask(struct billingd *b, const struct db_statement *statement,
	       const char *const *columns, struct admin_answer *answer)
{
	struct asking *asking;
	int err;

	if (!billingd_has_database(b))
		return admin_refuse(answer, "unavailable",
				    "the database is not reachable, or is to "
				    "be migrated first");

	asking = calloc(1, sizeof(*asking));
	if (!asking)
		return ENOMEM;
	*asking = (struct asking){ b, answer->asker->ticket, columns };
	err = db_query(b->db, statement, on_rows, asking);
	if (err) {
		free(asking);
		return err;
	}
	answer->later = true;

	return 0;
}


static int limit_of(const json_t *args, char text[16],
		    struct admin_answer *answer)
{
	const json_t *wanted = json_object_get(args, "limit");
	const json_int_t limit = wanted ? json_integer_value(wanted)
					: LIMIT_USUAL;

	if (limit < 1 || limit > LIMIT_MOST)
		return admin_refuse(answer, "invalid_value",
				    "limit: not within 1-%d", LIMIT_MOST);
	(void)text_print(text, 16, "%d", (int)limit);

	return 0;
}


#define AT                                  \
	"to_char(v.at at time zone 'UTC', " \
	"'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

int cmd_history_list(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	static const char *const columns[] = { "version#", "at",   "operator",
					       "changes#", "what", "note",
					       NULL };
	char limit[16];
	const char *texts[] = { limit };
	const struct db_statement statement = {
		.sql = "select v.version, " AT ", v.operator, c.n, c.what, "
		       "v.note from (select * from config_version order by "
		       "version desc limit $1::integer) v left join lateral "
		       "(select count(*) n, string_agg(distinct kind, ', ') "
		       "what from config_change c where c.version = v.version) "
		       "c on true order by v.version desc",
		.params = texts,
		.paramc = 1,
	};

	return limit_of(args, limit, answer)
		       ? EINVAL
		       : ask(state, &statement, columns, answer);
}


int cmd_history_show(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	static const char *const columns[] = { "kind", "id#",     "name",
					       "op",   "before{", "after{",
					       NULL };
	char buf[ARGS_NUMBER_MAX];
	const char *version = args_get(args, "version", buf);
	const char *texts[] = { version };
	const struct db_statement statement = {
		.sql = "select kind, id, name, op, before, after from "
		       "config_change where version = $1::bigint order by seq "
		       "limit 10000",
		.params = texts,
		.paramc = 1,
	};

	return ask(state, &statement, columns, answer);
}


int cmd_param_history(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	static const char *const columns[] = { "version#", "at",  "changed_by",
					       "name",     "old", "new",
					       NULL };
	char limit[16];
	const char *texts[] = {
		json_string_value(json_object_get(args, "name")), limit
	};
	const struct db_statement statement = {
		.sql = "select c.version, " AT ", v.operator, c.name, "
		       "c.before ->> 'value', c.after ->> 'value' from "
		       "config_change c join config_version v using (version) "
		       "where c.kind = 'param' and ($1::text is null or c.name "
		       "= $1) order by c.version desc, c.seq limit $2::integer",
		.params = texts,
		.paramc = 2,
	};

	return limit_of(args, limit, answer)
		       ? EINVAL
		       : ask(state, &statement, columns, answer);
}


/* The value before the last change; an old NULL is: not set */
int cmd_param_rollback(void *state, const json_t *args,
		       struct admin_answer *answer)
{
	const char *name = json_string_value(json_object_get(args, "name"));
	struct change *change;
	enum param param;

	if (!name || param_find(&param, text_of(name)))
		return admin_refuse(answer, "not_found",
				    "%.64s: unknown parameter",
				    name ? name : "");

	change = change_begin(state, answer);
	if (!change)
		return EINVAL;
	change_about(change, "%s", name);
	change_add(change, "select config_param_rollback($1)",
		   (const char *[]){ name }, 1);

	return change_run(change, answer);
}


int cmd_revert(void *state, const json_t *args, struct admin_answer *answer)
{
	char buf[ARGS_NUMBER_MAX], note[64];
	const char *version = args_get(args, "version", buf);
	struct change *change;

	change = change_begin(state, answer);
	if (!change)
		return EINVAL;
	(void)text_print(note, sizeof(note), "revert to %s", version);
	change_about(change, "revert to version %s", version);
	change_add(change, "select set_config('tandem.note', $1, true)",
		   (const char *[]){ note }, 1);
	change_add(change, "select config_revert($1::bigint)",
		   (const char *[]){ version }, 1);

	return change_run(change, answer);
}
