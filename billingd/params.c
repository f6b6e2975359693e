/**
 * @file billingd/params.c  Commands on parameters and profiles
 *
 * Values are shown as they are in force; who changed them last is the
 * database's to say, and null while it is away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/args.h"
#include "billingd/billingd.h"
#include "billingd/change.h"
#include "billingd/values.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/catalog/build.h"

static const char sql_store[] =
	"insert into parameter (name, value) values ($1, $2) on conflict "
	"(name) do update set value = excluded.value";
static const char sql_remove[] = "delete from parameter where name = $1";

static const struct catalog *in_force(const struct billingd *b)
{
	return publisher_current(b->publisher);
}


static int unknown(struct admin_answer *answer, const char *name)
{
	const char *names[PARAMC], *near;

	for (int p = 0; p < PARAMC; p++)
		names[p] = params[p].name;
	near = text_nearest(text_of(name), names, PARAMC);

	return admin_refuse(answer, "not_found",
			    near ? "%.64s: unknown parameter; did you mean %s?"
				 : "%.64s: unknown parameter",
			    name, near);
}


/* --- list and get --------------------------------------------------------- */

static json_t *row_of(const struct catalog *c, enum param p)
{
	const struct param_def *def = &params[p];
	const char *value = catalog_text(c, p);

	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:n,s:n,s:n}", "name",
			 def->name, "value", value, "default", def->def,
			 "unit", def->unit, "range", def->allowed, "origin",
			 strcmp(value, def->def) == 0 ? "default" : "system",
			 "applies_from", param_from_text[def->from], "version",
			 "changed_by", "changed_at");
}


/** Rows that wait for what the database knows of them */
struct asking {
	struct billingd *b;
	struct admin_ticket ticket;
	json_t *rows;
};


static void add_change(json_t *row, const struct db_result *r, size_t i)
{
	const char *version = db_text(r, i, 1);
	int64_t v = 0;

	(void)text_i64(&v, text_of(version), 0, INT64_MAX);
	(void)json_object_set_new(row, "version", json_integer(v));
	(void)json_object_set_new(row, "changed_by",
				  json_string(db_text(r, i, 2)));
	(void)json_object_set_new(row, "changed_at",
				  json_string(db_text(r, i, 3)));
}


static void on_changes(int err, const struct db_result *r, const char *why,
		       void *arg)
{
	struct asking *asking = arg;
	struct admin_answer answer = { .rows = asking->rows };
	json_t *row;
	size_t n;

	(void)why;
	for (size_t i = 0; !err && i < db_rows(r); i++) {
		json_array_foreach(asking->rows, n, row)
		{
			if (strcmp(json_string_value(
					   json_object_get(row, "name")),
				   db_text(r, i, 0)) == 0)
				add_change(row, r, i);
		}
	}
	svc_answer(asking->b->svc, asking->ticket, &answer);
	free(asking);
}


static int answer_rows(struct billingd *b, json_t *rows,
		       struct admin_answer *answer)
{
	static const struct db_statement statement = {
		.sql = "select distinct on (c.name) c.name, c.version, "
		       "v.operator, to_char(v.at at time zone 'UTC', "
		       "'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') from "
		       "config_change c join config_version v using (version) "
		       "where c.kind = 'param' order by c.name, c.version desc"
	};
	struct asking *asking;

	asking = billingd_has_database(b) ? calloc(1, sizeof(*asking)) : NULL;
	if (!asking) {
		answer->rows = rows;
		return 0;
	}
	*asking = (struct asking){ b, answer->asker->ticket, rows };
	if (db_query(b->db, &statement, on_changes, asking)) {
		free(asking);
		answer->rows = rows;
		return 0;
	}
	answer->later = true;

	return 0;
}


int cmd_param_list(void *state, const json_t *args,
		   struct admin_answer *answer)
{
	struct billingd *b = state;
	const struct catalog *c = in_force(b);
	const char *name = json_string_value(json_object_get(args, "name"));
	const bool changed = json_is_true(json_object_get(args, "changed"));
	json_t *rows = json_array();
	enum param p;

	/* One by its whole name, or those that hold the text */
	if (name && answer->tag) {
		if (param_find(&p, text_of(name))) {
			json_decref(rows);
			return unknown(answer, name);
		}
		(void)json_array_append_new(rows, row_of(c, p));
		return answer_rows(b, rows, answer);
	}
	for (int i = 0; i < PARAMC; i++) {
		const struct param_def *def = &params[i];

		if ((name && !strstr(def->name, name)) ||
		    (changed &&
		     strcmp(catalog_text(c, (enum param)i), def->def) == 0))
			continue;
		(void)json_array_append_new(rows, row_of(c, (enum param)i));
	}

	return answer_rows(b, rows, answer);
}


/* --- set and unset -------------------------------------------------------- */

/** A command that changes parameters */
struct setting {
	struct billingd *b;
	struct change *change;
	struct values *values;
	const struct catalog *c;
	json_t *rows, *warnings;
	struct admin_answer *answer;
};


static int setting_begin(struct setting *s, struct billingd *b,
			 struct admin_answer *answer)
{
	*s = (struct setting){ .b = b, .c = in_force(b), .answer = answer };
	s->change = change_begin(b, answer);
	if (!s->change)
		return EINVAL;

	s->rows = json_array();
	s->warnings = json_array();

	return values_alloc(&s->values, s->c);
}


/* Whatever happened so far: nothing is changed. */
static int setting_drop(struct setting *s, int err)
{
	if (s->change)
		change_drop(s->change);
	json_decref(s->rows);
	json_decref(s->warnings);
	values_free(s->values);

	return err;
}


static void store(struct setting *s, enum param param, const char *text)
{
	const struct param_value *value = s->values->of[param];
	const char *args[] = { params[param].name, value->text };

	change_add(s->change, text ? sql_store : sql_remove, args,
		   text ? 2 : 1);
	(void)json_array_append_new(
		s->rows,
		json_pack("{s:s,s:s,s:s,s:s}", "parameter", params[param].name,
			  "now", catalog_text(s->c, param), "new", value->text,
			  "applies_from",
			  param_from_text[params[param].from]));
}


/* NULL text: unset */
static int setting_put(struct setting *s, enum param param, const char *text)
{
	enum param stores[2];
	const size_t n = param_stores(stores, param, text,
				      s->values->of[SS_SESSION_TIMER]);
	char why[PARAM_WHY_MAX];

	for (size_t i = 0; i < n; i++) {
		const int err = values_set(s->values, stores[i], text, why);

		if (err)
			return err == EINVAL ? admin_refuse(s->answer,
							    "invalid_value",
							    "%s", why)
					     : err;
		store(s, stores[i], text);
	}

	return 0;
}


static int setting_run(struct setting *s)
{
	char why[PARAM_WHY_MAX];
	size_t n;
	json_t *row;

	if (values_agree(s->values, why)) {
		(void)admin_refuse(s->answer, "invalid_value", "%s", why);
		return setting_drop(s, EINVAL);
	}
	json_array_foreach(s->rows, n, row)
	{
		enum param p;

		if (param_find(&p, text_of(json_string_value(json_object_get(
					   row, "parameter")))) == 0)
			values_warn(s->values, s->c, p, s->warnings);
	}
	values_free(s->values);
	change_answer(s->change, s->rows,
		      json_pack("{s:o}", "warnings", s->warnings));

	return change_run(s->change, s->answer);
}


int cmd_param_set(void *state, const json_t *args, struct admin_answer *answer)
{
	struct setting s;
	const char *name;
	json_t *value;
	int err;

	if (json_object_size(args) == 0)
		return admin_refuse(answer, "invalid_value",
				    "param set: NAME=VALUE is missing");

	err = setting_begin(&s, state, answer);
	if (err)
		return setting_drop(&s, err);

	json_object_foreach(unconst(args), name, value)
	{
		char buf[ARGS_NUMBER_MAX];
		const char *text = args_text(value, buf);
		enum param param;

		if (param_find(&param, text_of(name)))
			err = unknown(answer, name);
		else if (!text)
			err = admin_refuse(answer, "invalid_value",
					   "%s: not a text or a number", name);
		else
			err = setting_put(&s, param, text);
		if (err)
			return setting_drop(&s, err);
	}

	return setting_run(&s);
}


int cmd_param_unset(void *state, const json_t *args,
		    struct admin_answer *answer)
{
	const char *name = json_string_value(json_object_get(args, "name"));
	struct setting s;
	enum param param;
	int err;

	if (!name || param_find(&param, text_of(name)))
		return unknown(answer, name ? name : "");

	err = setting_begin(&s, state, answer);
	if (!err)
		err = setting_put(&s, param, NULL);

	return err ? setting_drop(&s, err) : setting_run(&s);
}


/* --- explain -------------------------------------------------------------- */

static const struct record_field *override_of(enum record_kind kind,
					      enum param param)
{
	for (size_t i = 0; i < records[kind].fieldc; i++)
		if (records[kind].fields[i].inherits &&
		    records[kind].fields[i].param == param)
			return &records[kind].fields[i];

	return NULL;
}


/* Which record decides, and what it says: a row of the explanation */
static int explain_record(const struct catalog *c, enum record_kind kind,
			  const char *name, enum param param, json_t *row,
			  struct admin_answer *answer)
{
	const void *record = catalog_by_name(c, kind, text_of(name));
	const struct record_field *field = override_of(kind, param);
	const uint8_t *heap;
	size_t heap_size;
	char *text, origin[160];
	int err;

	if (!record)
		return admin_refuse(answer, "not_found", "no %s '%.64s'",
				    records[kind].title, name);
	if (!field)
		return 0;

	heap = catalog_heap(c, kind, &heap_size);
	err = record_print(field, record, heap, heap_size, NULL, NULL, &text);
	if (err)
		return err;
	if (strcmp(text, "inherit") != 0) {
		(void)text_print(origin, sizeof(origin), "%s %s, field %s",
				 records[kind].title, name, field->name);
		(void)json_object_set_new(row, "value", json_string(text));
		(void)json_object_set_new(row, "origin", json_string(origin));
	}
	free(text);

	return 0;
}


static int explain_gateway(const struct catalog *c, const char *name,
			   enum param param, json_t *row,
			   struct admin_answer *answer)
{
	const enum record_kind kind = catalog_by_name(c, RECORD_ROUTING,
						      text_of(name))
					      ? RECORD_ROUTING
					      : RECORD_MAPPING;

	return explain_record(c, kind, name, param, row, answer);
}


int cmd_param_explain(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	struct billingd *b = state;
	const struct catalog *c = in_force(b);
	const char *name = json_string_value(json_object_get(args, "name"));
	const char *gateway = json_string_value(
		json_object_get(args, "gateway"));
	const char *phone = json_string_value(json_object_get(args, "phone"));
	json_t *row, *rows;
	enum param param;
	int err = 0;

	if (!name || param_find(&param, text_of(name)))
		return unknown(answer, name ? name : "");

	row = row_of(c, param);
	if (gateway)
		err = explain_gateway(c, gateway, param, row, answer);
	else if (phone)
		err = explain_record(c, RECORD_PHONE, phone, param, row,
				     answer);
	if (err) {
		json_decref(row);
		return err;
	}
	(void)json_object_set_new(row, "override",
				  params[param].override
					  ? json_string(params[param].override)
					  : json_null());
	(void)json_object_set_new(row, "help",
				  json_string(params[param].help));
	rows = json_array();
	(void)json_array_append_new(rows, row);

	return answer_rows(b, rows, answer);
}


/* --- profiles ------------------------------------------------------------- */

int cmd_profile_list(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	(void)state;
	(void)args;
	answer->rows = json_array();
	for (size_t i = 0; i < param_profilec; i++)
		(void)json_array_append_new(
			answer->rows,
			json_pack("{s:s,s:I,s:s}", "name",
				  param_profiles[i].name, "parameters",
				  (json_int_t)param_profiles[i].setc, "help",
				  param_profiles[i].help));

	return 0;
}


static const struct param_profile *profile_of(const json_t *args,
					      struct admin_answer *answer)
{
	const char *name = json_string_value(json_object_get(args, "name"));
	const struct param_profile *profile =
		name ? param_profile_find(text_of(name)) : NULL;

	if (!profile)
		(void)admin_refuse(answer, "not_found",
				   "no profile '%.64s': see profile list",
				   name ? name : "");

	return profile;
}


/* What it would change; and the warnings that would follow */
int cmd_profile_diff(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	const struct catalog *c = in_force(state);
	const struct param_profile *profile = profile_of(args, answer);
	json_t *warnings = json_array();
	struct values *values = NULL;
	char why[PARAM_WHY_MAX];
	int err;

	if (!profile) {
		json_decref(warnings);
		return EINVAL;
	}
	answer->rows = json_array();
	err = values_alloc(&values, c);
	for (size_t i = 0; i < profile->setc && !err; i++) {
		const enum param p = profile->sets[i].param;
		const char *now = catalog_text(c, p);

		err = values_set(values, p, profile->sets[i].value, why);
		if (err || strcmp(now, values->of[p]->text) == 0)
			continue;
		(void)json_array_append_new(
			answer->rows,
			json_pack("{s:s,s:s,s:s}", "parameter", params[p].name,
				  "now", now, "new", values->of[p]->text));
	}
	if (!err)
		values_warn(values, c, PARAMC, warnings);
	values_free(values);
	answer->more = json_pack("{s:o}", "warnings", warnings);

	return err;
}


int cmd_profile_apply(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	const struct param_profile *profile = profile_of(args, answer);
	struct setting s;
	int err;

	if (!profile)
		return EINVAL;

	err = setting_begin(&s, state, answer);
	for (size_t i = 0; i < profile->setc && !err; i++)
		err = setting_put(&s, profile->sets[i].param,
				  profile->sets[i].value);

	return err ? setting_drop(&s, err) : setting_run(&s);
}
