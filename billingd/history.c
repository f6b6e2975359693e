/**
 * @file billingd/history.c  Who changed what, and back
 */
#include <errno.h>
#include <string.h>

#include "billingd/args.h"
#include "billingd/asked.h"
#include "billingd/billingd.h"
#include "billingd/change.h"
#include "shared/base/text.h"
#include "shared/base/util.h"

enum {
	LIMIT_USUAL = 50,
	LIMIT_MOST = 10000,
	LIMIT_TEXT = 16,
};

/* Of the versions or changes that are asked for. @return as args_limit() */
static size_t limit_of(char text[LIMIT_TEXT], const json_t *args,
		       struct admin_answer *answer)
{
	const size_t limit = args_limit(args, LIMIT_USUAL, LIMIT_MOST, answer);

	(void)text_print(text, LIMIT_TEXT, "%zu", limit);

	return limit;
}


#define AT                                  \
	"to_char(v.at at time zone 'UTC', " \
	"'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') as at"

int cmd_history_list(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	struct asked asked = { .sql = NULL };
	char text[LIMIT_TEXT];
	const size_t limit = limit_of(text, args, answer);

	if (!limit)
		return EINVAL;
	asked_add(&asked,
		  "select row_to_json(r) from (select v.version, " AT
		  ", v.operator, c.n as changes, c.what, v.note from (select "
		  "* from config_version order by version desc limit "
		  "?::integer) v left join lateral (select count(*) n, "
		  "string_agg(distinct kind, ', ') what from config_change c "
		  "where c.version = v.version) c on true order by v.version "
		  "desc) r",
		  text);

	return asked_run(&asked, state, limit, answer);
}


int cmd_history_show(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	struct asked asked = { .sql = NULL };
	char buf[ARGS_NUMBER_MAX];
	const char *version = args_get(args, "version", buf);

	if (!version)
		return admin_refuse(answer, "invalid_value",
				    "version: which one?");
	asked_add(&asked,
		  "select row_to_json(r) from (select kind, id, name, op, "
		  "before, after from config_change where version = ?::bigint "
		  "order by seq limit 10000) r",
		  version);

	return asked_run(&asked, state, LIMIT_MOST, answer);
}


int cmd_param_history(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	struct asked asked = { .sql = NULL };
	char text[LIMIT_TEXT];
	const size_t limit = limit_of(text, args, answer);

	if (!limit)
		return EINVAL;
	asked_add(&asked,
		  "select row_to_json(r) from (select c.version, " AT
		  ", v.operator as changed_by, c.name, c.before ->> 'value' as "
		  "old, c.after ->> 'value' as new from config_change c join "
		  "config_version v using (version) where c.kind = 'param'",
		  NULL);
	asked_filter(&asked, args, "name", " and c.name = ?");
	asked_add(&asked,
		  " order by c.version desc, c.seq limit ?::integer) r", text);

	return asked_run(&asked, state, limit, answer);
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
