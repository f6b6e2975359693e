/**
 * @file billingd/draft.c  A record as it is to be: add and set
 *
 * What can be set follows from the field tables. A change is first tried on
 * the catalog in force, so that what is refused is refused before it is
 * stored; then it is stored, and the answer comes when it is in force.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/args.h"
#include "billingd/change.h"
#include "billingd/record_find.h"
#include "billingd/record_sql.h"
#include "shared/base/secret.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/catalog/build.h"

enum {
	SEALED_TEXT = SECRET_SEALED_MAX
};


static const struct catalog *in_force(const struct billingd *b)
{
	return publisher_current(b->publisher);
}


/* --- add, set, remove ----------------------------------------------------- */

/** A record as it is to be: canonical texts by field, lists of references as
 *  ids; NULL: as it was */
struct draft {
	struct billingd *b;
	const struct catalog *c;
	enum record_kind kind;
	const void *was; /**< NULL: it is new */
	char *texts[RECORD_FIELDS_MAX];
	char *password;
	struct admin_answer *answer;
};


static void draft_free(struct draft *d)
{
	for (size_t i = 0; i < RECORD_FIELDS_MAX; i++)
		free(d->texts[i]);
	if (d->password)
		secret_wipe(d->password, strlen(d->password));
	free(d->password);
}


static size_t index_of(const struct draft *d, const struct record_field *field)
{
	return (size_t)(field - records[d->kind].fields);
}


/* The names of a list become ids. */
static int ids_of_names(const struct draft *d,
			const struct record_field *field, char **textp)
{
	struct text missing;
	char *ids;
	int err;

	err = record_ids(&ids, d->c, field, *textp, &missing);
	if (err == ENOENT)
		return admin_refuse(d->answer, "invalid_value",
				    "%s: there is no %s '%.*s'", field->name,
				    records[field->ref].title,
				    (int)(missing.l < 64 ? missing.l : 64),
				    missing.p);
	if (err)
		return err;
	free(*textp);
	*textp = ids;

	return 0;
}


static int draft_set(struct draft *d, const struct record_field *field,
		     const char *value)
{
	char why[RECORD_WHY_MAX], *canonical;
	const size_t i = index_of(d, field);
	int err;

	err = record_check(field, text_of(value), &canonical, why);
	if (err == EINVAL)
		return admin_refuse(d->answer, "invalid_value", "%s", why);
	if (err)
		return err;

	if (field->type == RECORD_REF && strcmp(canonical, "none") != 0 &&
	    !record_id(d->c, field->ref, text_of(canonical))) {
		(void)admin_refuse(d->answer, "invalid_value",
				   "%s: there is no %s '%.64s'", field->name,
				   records[field->ref].title, canonical);
		free(canonical);
		return EINVAL;
	}
	err = field->type == RECORD_REFS
		      ? ids_of_names(d, field, &canonical)
		      : record_stored(d->c, d->kind, field, &canonical);
	if (err) {
		free(canonical);
		return err;
	}
	free(d->texts[i]);
	d->texts[i] = canonical;

	return 0;
}


static int draft_template(struct draft *d, const char *name)
{
	const struct record_template *t = NULL;

	for (size_t i = 0; i < record_templatec; i++)
		if (strcmp(record_templates[i].name, name) == 0)
			t = &record_templates[i];
	if (!t)
		return admin_refuse(d->answer, "not_found",
				    "no template '%.64s': see gateway "
				    "templates",
				    name);

	for (size_t i = 0; i < COUNT_OF(t->sets) && t->sets[i].field; i++) {
		const struct record_field *field =
			record_field_find(d->kind, text_of(t->sets[i].field));
		const int err = field ? draft_set(d, field, t->sets[i].value)
				      : 0;

		if (err)
			return err;
	}

	return 0;
}


/* Names the record itself: not a field to be set when it is there already */
static bool names_it(const struct draft *d, const char *key)
{
	return strcmp(key, "name") == 0 ||
	       (d->was && d->kind == RECORD_PHONE &&
		strcmp(key, "number") == 0);
}


/* The field that an argument sets; NULL: none, and err says why */
static const struct record_field *set_by(const struct draft *d,
					 const char *key, int *errp)
{
	const struct record_field *field = NULL;

	*errp = 0;
	if (strcmp(key, d->was ? "new_name" : "name") == 0)
		return &records[d->kind].fields[0];
	if (names_it(d, key) ||
	    (record_own_arg(key) && !record_field_find(d->kind, text_of(key))))
		return NULL;

	field = record_field_of(d->kind, key, d->answer);
	if (!field)
		*errp = EINVAL;

	return field;
}


static int take_one(struct draft *d, const char *key, const json_t *value)
{
	const struct record_field *field;
	char buf[ARGS_NUMBER_MAX];
	const char *text = args_text(value, buf);
	int err;

	if (!text)
		return admin_refuse(d->answer, "invalid_value",
				    "%s: not a text or a number", key);
	if (strcmp(key, "password") == 0) {
		free(d->password);
		d->password = strdup(text);
		return d->password ? 0 : ENOMEM;
	}
	field = set_by(d, key, &err);

	return field ? draft_set(d, field, text) : err;
}


static int draft_take(struct draft *d, const json_t *args)
{
	const char *template = json_string_value(
		json_object_get(args, "template"));
	const char *key;
	json_t *value;
	int err = 0;

	if (template)
		err = draft_template(d, template);
	json_object_foreach(unconst((const char *)args), key, value)
	{
		if (!err)
			err = take_one(d, key, value);
	}

	return err;
}


/* What the record will hold in this field */
static char *text_to_be(const struct draft *d,
			const struct record_field *field)
{
	const size_t i = index_of(d, field);
	size_t heap_size;
	const uint8_t *heap = catalog_heap(d->c, d->kind, &heap_size);
	char *text = NULL;

	if (d->texts[i])
		return strdup(d->texts[i]);
	if (!d->was)
		return field->def ? strdup(field->def) : NULL;

	return record_print(field, d->was, heap, heap_size, NULL, NULL, &text)
		       ? NULL
		       : text;
}


/* The user name its password goes with */
static char *user_to_be(const struct draft *d)
{
	const struct record_field *field =
		record_field_find(d->kind, text_of("username"));

	return text_to_be(d, d->kind == RECORD_PHONE || !field
				     ? &records[d->kind].fields[0]
				     : field);
}


static bool is_dynamic(const struct draft *d)
{
	const struct record_field *field = record_field_find(d->kind,
							     text_of("type"));
	char *type = field ? text_to_be(d, field) : NULL;
	const bool is = type && strcmp(type, "dynamic") == 0;

	free(type);

	return is;
}


static int put_secret(struct draft *d, const char *name, char *text)
{
	const struct record_field *field = record_field_find(d->kind,
							     text_of(name));
	const size_t i = field ? index_of(d, field) : 0;

	if (!field || !text) {
		free(text);
		return field ? ENOMEM : EINVAL;
	}
	free(d->texts[i]);
	d->texts[i] = text;

	return 0;
}


/* Digests where we check it, sealed where we answer with it. */
static int draft_password(struct draft *d)
{
	const bool answers = d->kind == RECORD_REGISTRATION ||
			     (d->kind == RECORD_ROUTING && !is_dynamic(d));
	const char *realms[BILLINGD_REALMS_MAX];
	char *user, *text = NULL, sealed[SEALED_TEXT];
	int err;

	if (!d->password)
		return 0;
	if (answers) {
		if (!d->b->has_key)
			return admin_refuse(d->answer, "failed",
					    "password: there is no key to seal "
					    "it with: key_file in the node "
					    "file");
		err = secret_seal(sealed, d->b->key, d->password);
		return err ? admin_refuse(d->answer, "invalid_value",
					  "password: longer than %d bytes",
					  SECRET_PASSWORD_MAX)
			   : put_secret(d, "sealed", strdup(sealed));
	}
	if (!record_field_find(d->kind, text_of("ha1")))
		return admin_refuse(d->answer, "invalid_value",
				    "%s has no password",
				    records[d->kind].title);

	user = user_to_be(d);
	err = secret_ha1(&text, user ? user : "", d->password, realms,
			 billingd_realms(d->b, d->c, realms,
					 BILLINGD_REALMS_MAX));
	free(user);
	if (err)
		return admin_refuse(d->answer, "invalid_value",
				    "password: not allowed (1-%d printable "
				    "characters, and no colon in the user "
				    "name)",
				    SECRET_PASSWORD_MAX);

	return put_secret(d, "ha1", text);
}


/** A parameter for the database */
struct column {
	const struct record_field *field;
	char buf[RECORD_SQL_VALUE_MAX];
	const char *value;
};


static size_t columns_of(struct draft *d, struct column *columns)
{
	size_t n = 0;

	for (size_t i = 0; i < records[d->kind].fieldc; i++) {
		struct column *column = &columns[n];
		const char *text = d->texts[i];

		if (!text)
			continue;
		column->field = &records[d->kind].fields[i];
		column->value = record_sql_write(
			column->field, text,
			column->field->type == RECORD_REF
				? record_id(d->c, column->field->ref,
					    text_of(text))
				: 0,
			column->buf);
		n++;
	}

	return n;
}


static int draft_store(struct draft *d, struct change *change)
{
	const struct cat_row *was = d->was;
	struct column columns[RECORD_FIELDS_MAX];
	const struct record_field *fields[RECORD_FIELDS_MAX];
	const char *values[RECORD_FIELDS_MAX + 1];
	const size_t n = columns_of(d, columns);
	char id[16], *sql = NULL;
	int err;

	if (n == 0)
		return admin_refuse(d->answer, "invalid_value",
				    "nothing to set: field=value is missing");

	(void)text_print(id, sizeof(id), "%" PRIu32, was ? was->id : 0);
	values[0] = id;
	for (size_t i = 0; i < n; i++) {
		fields[i] = columns[i].field;
		values[i + 1] = columns[i].value;
	}
	err = was ? record_sql_update(&sql, d->kind, fields, n)
		  : record_sql_insert(&sql, d->kind, fields, n);
	if (!err)
		change_add(change, sql, was ? values : values + 1,
			   was ? n + 1 : n);
	free(sql);

	return err;
}


/* --- trying it first ------------------------------------------------------ */

/* A field as build_row() takes it: references as ids */
static int trial_value(const struct draft *d, const struct record_field *field,
		       char **textp)
{
	const size_t i = index_of(d, field);
	size_t heap_size;
	const uint8_t *heap = catalog_heap(d->c, d->kind, &heap_size);
	char id[16];

	*textp = NULL;
	if (!d->texts[i])
		return d->was ? record_print(field, d->was, heap, heap_size,
					     NULL, NULL, textp)
			      : 0;
	if (field->type == RECORD_REF) {
		(void)text_print(id, sizeof(id), "%" PRIu32,
				 record_id(d->c, field->ref,
					   text_of(d->texts[i])));
		*textp = strdup(id);
		return *textp ? 0 : ENOMEM;
	}
	*textp = strdup(d->texts[i]);

	return *textp ? 0 : ENOMEM;
}


/* Would it be a catalog? Rates and list entries stand for themselves: the
 * database's own checks are enough for them. */
static int draft_try(struct draft *d)
{
	const struct record_def *def = &records[d->kind];
	const struct cat_row *was = d->was;
	const size_t fieldc = def->fieldc;
	char *texts[RECORD_FIELDS_MAX] = { NULL };
	const char *values[RECORD_FIELDS_MAX];
	char why[BUILD_WHY_MAX] = "";
	struct build *build = NULL;
	int err = 0;

	if (d->kind == RECORD_RATE || d->kind == RECORD_LIST)
		return 0;

	for (size_t i = 0; i < fieldc && !err; i++) {
		const struct record_field *field = &def->fields[i];

		/* Secrets are not printed: they stay out of the trial. */
		if (field->type != RECORD_HA1 && field->type != RECORD_SEALED)
			err = trial_value(d, field, &texts[i]);
		values[i] = texts[i];
	}
	if (!err)
		err = build_alloc(&build, d->c);
	if (!err && was)
		err = build_forget(build, d->kind, was->id);
	if (!err)
		err = build_row(build, d->kind, was ? was->id : INT32_MAX,
				values, why);
	if (!err)
		err = build_try(build, why);
	build_free(build);
	for (size_t i = 0; i < fieldc; i++)
		free(texts[i]);
	if (err == EINVAL && !d->answer->code)
		(void)admin_refuse(d->answer, "invalid_value", "%s", why);

	return err;
}


static int draft_run(struct draft *d, const json_t *args)
{
	struct change *change;
	char *name;
	int err;

	err = draft_take(d, args);
	if (!err)
		err = draft_password(d);
	if (!err)
		err = draft_try(d);
	if (err) {
		draft_free(d);
		return err;
	}

	change = change_begin(d->b, d->answer);
	if (!change) {
		draft_free(d);
		return EINVAL;
	}
	name = text_to_be(d, &records[d->kind].fields[0]);
	change_about(change, "%s %s", records[d->kind].title,
		     name ? name : "");
	free(name);
	err = draft_store(d, change);
	if (err)
		change_drop(change);
	else
		err = change_run(change, d->answer);
	draft_free(d);

	return err;
}


int cmd_record_add(void *state, const json_t *args,
		   struct admin_answer *answer)
{
	struct draft d = { .b = state,
			   .c = in_force(state),
			   .kind = (enum record_kind)answer->tag,
			   .answer = answer };

	for (size_t i = 0; i < records[d.kind].fieldc; i++) {
		const struct record_field *field = &records[d.kind].fields[i];

		if (!field->def && !json_object_get(args, field->name) &&
		    !(i == 0 && json_object_get(args, "name")))
			return admin_refuse(answer, "invalid_value",
					    "%s is missing (%s)", field->name,
					    field->help);
	}

	return draft_run(&d, args);
}


static int set(struct billingd *b, enum record_kind kind, const json_t *args,
	       struct admin_answer *answer)
{
	struct draft d = {
		.b = b, .c = in_force(b), .kind = kind, .answer = answer
	};

	/* What tells a rate or an entry apart comes with what is to be set:
	 * key fields name it, the others are new values. */
	if (kind == RECORD_RATE || kind == RECORD_LIST) {
		json_t *keys = json_object();
		static const char *const key_names[] = { "table", "prefix",
							 "valid_from", "list",
							 "entry" };

		for (size_t i = 0; i < COUNT_OF(key_names); i++)
			if (json_object_get(args, key_names[i]))
				(void)json_object_set(
					keys, key_names[i],
					json_object_get(args, key_names[i]));
		d.was = record_one(d.c, kind, keys, answer);
		json_decref(keys);
	}
	else {
		d.was = record_one(d.c, kind, args, answer);
	}

	return d.was ? draft_run(&d, args) : EINVAL;
}


int cmd_record_set(void *state, const json_t *args,
		   struct admin_answer *answer)
{
	return set(state, (enum record_kind)answer->tag, args, answer);
}


int cmd_gateway_set(void *state, const json_t *args,
		    struct admin_answer *answer)
{
	return set(state, record_gateway_kind(in_force(state), args), args,
		   answer);
}
