/**
 * @file billingd/import.c  Many records at once, all or none
 *
 * begin, data, data ..., end. Each import has a connection of its own: lines
 * are checked as they come and copied into a table that is gone with the
 * connection; the end compares it with what there is and, unless it is a dry
 * run, makes all of it one version. A line that is wrong ends the import with
 * its number; nothing has changed then. One that is left alone for a minute
 * ends too.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/billingd.h"
#include "billingd/import.h"
#include "billingd/record_find.h"
#include "shared/base/secret.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/catalog/build.h"

enum {
	IMPORTS_MAX = 4,
	IDLE_MS = 60000,
	STATEMENT_MS = 600000,
	COPY_SIZE = 256 << 10,
};

struct imports {
	struct billingd *b;
	struct import *imports[IMPORTS_MAX];
	uint32_t last_id;
};


/** An import that waits until its version is in force; it may be gone before */
struct forced {
	struct import *im;
	uint64_t version;
};


/* --- its life ------------------------------------------------------------- */

static void import_free(struct import *im)
{
	for (size_t i = 0; i < IMPORTS_MAX; i++)
		if (im->all->imports[i] == im)
			im->all->imports[i] = NULL;
	/* What is told from here on is told to nobody who uses it. */
	if (im->forced)
		im->forced->im = NULL;
	import_fail(im, "the import has ended");
	im->db = db_free(im->db);
	ev_timer_stop(&im->idle);
	json_decref(im->shown);
	free(im->operator_name);
	free(im->out);
	free(im);
}


static void reply(struct import *im, struct admin_answer *answer)
{
	const struct admin_ticket ticket = im->ticket;

	im->ticket = (struct admin_ticket){ 0, 0 };
	svc_answer(im->b->svc, ticket, answer);
}


/* Connections are closed from the loop, not from their own handlers. */
static void on_over(void *arg)
{
	import_free(arg);
}


static void over(struct import *im)
{
	ev_timer_start(&im->idle, svc_ev(im->b->svc), 0, on_over, im);
}


void import_fail(struct import *im, const char *fmt, ...)
{
	struct admin_answer answer = { .rows = NULL };
	va_list ap;

	if (im->why[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(im->why, sizeof(im->why), fmt, ap);
	va_end(ap);
	if (!im->ticket.id)
		return; /* whoever comes next is told */
	(void)admin_refuse(&answer, "invalid_value", "%s", im->why);
	reply(im, &answer);
	over(im);
}


static void on_idle(void *arg)
{
	struct import *im = arg;

	if (im->ticket.id)
		import_fail(im, "the database did not answer in time");
	else
		import_free(im);
}


static void busy(struct import *im, struct admin_answer *answer)
{
	im->ticket = answer->asker->ticket;
	answer->later = true;
	ev_timer_start(&im->idle, svc_ev(im->b->svc), STATEMENT_MS, on_idle,
		       im);
}


static void idle(struct import *im)
{
	struct admin_answer answer = { .rows = NULL };

	answer.rows = json_pack("[{s:I,s:I}]", "import", (json_int_t)im->id,
				"lines", (json_int_t)im->line);
	ev_timer_start(&im->idle, svc_ev(im->b->svc), IDLE_MS, on_idle, im);
	reply(im, &answer);
}


int imports_alloc(struct imports **ip, struct billingd *b)
{
	struct imports *imports = calloc(1, sizeof(*imports));

	if (!imports)
		return ENOMEM;

	imports->b = b;
	*ip = imports;

	return 0;
}


struct imports *imports_free(struct imports *imports)
{
	if (!imports)
		return NULL;

	for (size_t i = 0; i < IMPORTS_MAX; i++)
		if (imports->imports[i])
			import_free(imports->imports[i]);
	free(imports);

	return NULL;
}


/* --- the table for the lines ---------------------------------------------- */

static void flush(struct import *im);


static void on_room(void *arg)
{
	flush(arg);
}


static void on_copied(int err, const struct db_result *r, const char *why,
		      void *arg);


static void on_table(int err, const struct db_result *r, const char *why,
		     void *arg)
{
	struct import *im = arg;
	char *sql;

	(void)r;
	if (err) {
		import_fail(im, "%s", why && why[0] ? why : strerror(err));
		return;
	}
	sql = import_sql_copy(im);
	err = sql ? db_copy_begin(im->db, sql, on_room, on_copied, im)
		  : ENOMEM;
	free(sql);
	if (err) {
		import_fail(im, "%s", strerror(err));
		return;
	}
	im->phase = PHASE_LINES;
	flush(im);
}


/* Once the first line has said which columns there are */
static void make_table(struct import *im)
{
	char *sql = import_sql_table(im);
	const int err = sql ? db_query(im->db,
				       &(struct db_statement){ .sql = sql },
				       on_table, im)
			    : ENOMEM;

	free(sql);
	if (err)
		import_fail(im, "%s", strerror(err));
	else
		im->phase = PHASE_TABLE;
}


static void ended(struct import *im);


/* What the connection takes is gone; who waits is answered when all is. */
static void flush(struct import *im)
{
	if (im->phase < PHASE_LINES || im->why[0])
		return;
	while (im->outsent < im->outlen) {
		const size_t left = im->outlen - im->outsent;
		const size_t n = left < COPY_SIZE ? left : COPY_SIZE;
		const int err = db_copy_data(im->db, im->out + im->outsent, n);

		if (err == EAGAIN)
			return;
		if (err) {
			import_fail(im, "%s", strerror(err));
			return;
		}
		im->outsent += n;
	}
	im->outlen = im->outsent = 0;
	if (im->phase == PHASE_ENDING)
		ended(im);
	else if (im->ticket.id)
		idle(im);
}


/* --- the end -------------------------------------------------------------- */

static void done(struct import *im, uint64_t version, const char *note)
{
	struct admin_answer answer = { .rows = NULL };

	answer.rows = im->shown;
	im->shown = NULL;
	answer.more = json_pack("{s:I,s:I,s:I,s:I,s:b}", "added",
				(json_int_t)im->added, "changed",
				(json_int_t)im->changed, "removed",
				(json_int_t)im->removed, "version",
				(json_int_t)version, "dry_run", im->dry_run);
	if (note)
		(void)json_object_set_new(answer.more, "note",
					  json_string(note));
	reply(im, &answer);
	over(im);
}


static void on_force(int err, void *arg)
{
	struct forced *forced = arg;
	struct import *im = forced->im;
	const uint64_t version = forced->version;
	const char *why;

	free(forced);
	if (!im)
		return;
	im->forced = NULL;
	why = err == EINVAL ? feed_refusal(im->b->feed) : NULL;
	if (err == ECANCELED)
		import_fail(im, "billingd is stopping");
	else if (err == EINVAL)
		import_fail(im,
			    "it is stored but not in force: %s; 'tandemctl "
			    "revert' undoes it",
			    why ? why : "the catalog refuses it");
	else
		done(im, version,
		     err ? "stored; it is not in force yet" : NULL);
}


static void on_stored(int err, const struct db_result *r, const char *why,
		      void *arg)
{
	struct import *im = arg;
	struct forced *forced;
	uint64_t version = 0;

	if (err) {
		import_fail(im, "%s", why && why[0] ? why : strerror(err));
		return;
	}
	(void)text_u64(&version, text_of(db_text(r, 0, 0)), 0, INT64_MAX);
	forced = version ? calloc(1, sizeof(*forced)) : NULL;
	if (!forced) {
		done(im, feed_version(im->b->feed), NULL);
		return;
	}
	*forced = (struct forced){ im, version };
	if (feed_wait(im->b->feed, version, on_force, forced)) {
		free(forced);
		done(im, version, NULL);
		return;
	}
	im->forced = forced;
}


static void store(struct import *im)
{
	char note[96];
	const char *operator_params[] = { im->operator_name };
	const char *note_params[] = { note };
	char *remove = im->replace ? import_sql_remove(im) : NULL;
	char *update = import_has_values(im) ? import_sql_update(im) : NULL;
	char *insert = import_sql_insert(im);
	struct db_statement statements[6];
	size_t n = 0;
	int err = ENOMEM;

	(void)text_print(note, sizeof(note), "import of %s",
			 records[im->kind].title);
	statements[n++] = (struct db_statement){
		"select set_config('tandem.operator', $1, true)",
		operator_params, 1
	};
	statements[n++] = (struct db_statement){
		"select set_config('tandem.note', $1, true)", note_params, 1
	};
	if (remove)
		statements[n++] = (struct db_statement){ remove, NULL, 0 };
	if (update)
		statements[n++] = (struct db_statement){ update, NULL, 0 };
	statements[n++] = (struct db_statement){ insert, NULL, 0 };
	statements[n++] = (struct db_statement){
		"select split_part(coalesce(current_setting("
		"'tandem.config_version', true), ''), ':', 2)",
		NULL, 0
	};
	if (insert && (!im->replace || remove) &&
	    (!import_has_values(im) || update))
		err = db_transaction(im->db, statements, n, on_stored, im);
	free(remove);
	free(update);
	free(insert);
	if (err)
		import_fail(im, "%s", strerror(err));
}


static void on_compared(int err, const struct db_result *r, const char *why,
			void *arg)
{
	struct import *im = arg;

	if (err) {
		import_fail(im, "%s", why && why[0] ? why : strerror(err));
		return;
	}

	(void)text_i64(&im->added, text_of(db_text(r, 0, 0)), 0, INT64_MAX);
	(void)text_i64(&im->changed, text_of(db_text(r, 0, 1)), 0, INT64_MAX);
	(void)text_i64(&im->removed, text_of(db_text(r, 0, 2)), 0, INT64_MAX);
	im->shown = json_array();
	for (size_t i = 0; i < db_rows(r) && im->dry_run; i++) {
		const char *line = db_text(r, i, 4);
		int64_t number = 0;

		if (!db_text(r, i, 3))
			break;
		if (line)
			(void)text_i64(&number, text_of(line), 0, INT64_MAX);
		(void)json_array_append_new(
			im->shown,
			json_pack("{s:s,s:o,s:s}", "change", db_text(r, i, 3),
				  "line",
				  line ? json_integer(number) : json_null(),
				  "record", db_text(r, i, 5)));
	}
	if (im->dry_run)
		done(im, feed_version(im->b->feed), NULL);
	else
		store(im);
}


/* Two lines for one record: the first such pair, or none */
static void on_unique(int err, const struct db_result *r, const char *why,
		      void *arg)
{
	struct import *im = arg;
	char *sql;

	if (err) {
		import_fail(im, "%s", why && why[0] ? why : strerror(err));
		return;
	}
	if (db_rows(r) > 0) {
		import_fail(im, "lines %s and %s are for the same record",
			    db_text(r, 0, 0), db_text(r, 0, 1));
		return;
	}
	sql = import_sql_compare(im);
	err = sql ? db_query(im->db, &(struct db_statement){ .sql = sql },
			     on_compared, im)
		  : ENOMEM;
	free(sql);
	if (err)
		import_fail(im, "%s", strerror(err));
}


static void on_copied(int err, const struct db_result *r, const char *why,
		      void *arg)
{
	struct import *im = arg;
	char *sql;

	(void)r;
	if (err) {
		import_fail(im, "%s", why && why[0] ? why : strerror(err));
		return;
	}
	sql = import_sql_twice(im);
	err = sql ? db_query(im->db, &(struct db_statement){ .sql = sql },
			     on_unique, im)
		  : ENOMEM;
	free(sql);
	if (err)
		import_fail(im, "%s", strerror(err));
}


/* All lines are with the connection. */
static void ended(struct import *im)
{
	const int err = db_copy_end(im->db, NULL);

	if (err)
		import_fail(im, "%s", strerror(err));
}


/* --- commands ------------------------------------------------------------- */

static void on_db(bool up, const char *why, void *arg)
{
	struct import *im = arg;

	if (up && im->phase == PHASE_CONNECTING) {
		if (im->ticket.id)
			idle(im);
	}
	else if (!up) {
		import_fail(im, "the connection to the database was lost: %s",
			    why ? why : "closed");
	}
}


static struct import **place_of(struct imports *imports)
{
	for (size_t i = 0; i < IMPORTS_MAX; i++)
		if (!imports->imports[i])
			return &imports->imports[i];

	return NULL;
}


static struct import *import_of(struct billingd *b, const json_t *args,
				struct admin_answer *answer)
{
	const json_int_t id = json_integer_value(
		json_object_get(args, "import"));

	for (size_t i = 0; i < IMPORTS_MAX; i++) {
		struct import *im = b->imports->imports[i];

		if (!im || im->id != id)
			continue;
		if (im->ticket.id) {
			(void)admin_refuse(answer, "busy",
					   "the import is at work");
			return NULL;
		}
		if (im->why[0]) {
			(void)admin_refuse(answer, "invalid_value", "%s",
					   im->why);
			over(im);
			return NULL;
		}
		return im;
	}
	(void)admin_refuse(answer, "not_found", "there is no such import");

	return NULL;
}


static int rates_of(struct import *im, const json_t *args,
		    struct admin_answer *answer)
{
	const struct catalog *c = publisher_current(im->b->publisher);
	const char *table = json_string_value(json_object_get(args, "table"));

	if (im->kind != RECORD_RATE)
		return 0;
	if (!table) {
		if (!im->replace)
			return 0;
		return admin_refuse(answer, "invalid_value",
				    "table is missing: which one is replaced?");
	}
	im->table = record_id(c, RECORD_RATE_TABLE, text_of(table));

	return im->table
		       ? 0
		       : admin_refuse(answer, "not_found",
				      "there is no rate table '%.64s'", table);
}


int cmd_import_begin(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	struct billingd *b = state;
	const char *kind = json_string_value(json_object_get(args, "kind"));
	struct import **place = place_of(b->imports), *im;
	struct db_args db = {
		.ev = svc_ev(b->svc),
		.conninfo = svc_node(b->svc)->database,
		.password_file = svc_node(b->svc)->password_file,
		.application = "tandem import",
		.statement_ms = STATEMENT_MS,
		.stateh = on_db,
		.log = svc_log(b->svc),
	};
	int err;

	if (!billingd_has_database(b))
		return admin_refuse(answer, "unavailable",
				    "the database is not reachable, or is to "
				    "be migrated first");
	if (!place)
		return admin_refuse(answer, "busy", "%d imports are running",
				    IMPORTS_MAX);
	im = calloc(1, sizeof(*im));
	if (!im)
		return ENOMEM;

	im->all = b->imports;
	im->b = b;
	im->replace = json_is_true(json_object_get(args, "replace"));
	im->operator_name = strdup(answer->asker->name);
	db.arg = im;
	err = im->operator_name ? 0 : ENOMEM;
	if (!err && (!kind || record_kind_find(&im->kind, text_of(kind))))
		err = admin_refuse(answer, "not_found",
				   "there is no kind '%.64s'",
				   kind ? kind : "");
	if (!err)
		err = rates_of(im, args, answer);
	if (!err)
		err = db_alloc(&im->db, &db);
	if (err) {
		import_free(im);
		return err;
	}
	im->id = ++b->imports->last_id;
	*place = im;
	busy(im, answer);

	return 0;
}


int cmd_import_data(void *state, const json_t *args,
		    struct admin_answer *answer)
{
	struct import *im = import_of(state, args, answer);
	const char *data = json_string_value(json_object_get(args, "data"));
	char *lines, *line, *rest;
	int err = 0;

	if (!im)
		return EINVAL;
	lines = strdup(data ? data : "");
	if (!lines)
		return ENOMEM;

	busy(im, answer);
	for (line = lines; line && !err; line = rest) {
		rest = strchr(line, '\n');
		if (rest)
			*rest++ = '\0';
		else if (!line[0])
			break;
		line[strcspn(line, "\r")] = '\0';
		err = import_line(im, line);
		if (err && !im->why[0])
			import_fail(im, "line %" PRIu64 ": %s", im->line,
				    strerror(err));
	}
	secret_wipe(lines, strlen(data ? data : ""));
	free(lines);
	if (err)
		return 0; /* told already */

	if (im->phase == PHASE_CONNECTING && im->columnc > 0)
		make_table(im);
	else
		flush(im);

	return 0;
}


int cmd_import_end(void *state, const json_t *args,
		   struct admin_answer *answer)
{
	struct import *im = import_of(state, args, answer);

	if (!im)
		return EINVAL;
	if (im->phase != PHASE_LINES) {
		over(im);
		return admin_refuse(answer, "invalid_value",
				    "there was no line");
	}
	im->dry_run = json_is_true(json_object_get(args, "dry_run"));
	im->phase = PHASE_ENDING;
	busy(im, answer);
	flush(im);

	return 0;
}
