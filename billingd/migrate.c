/**
 * @file billingd/migrate.c  The schema of the database, forwards and back
 *
 * Files NNNN_name.sql of the node's sql_dir, each applied once, in order, in a
 * transaction of its own with the note that it was; NNNN_name.undo.sql takes
 * it back. One that was applied and has changed since is an error: migrations
 * are only added.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "billingd/billingd.h"
#include "shared/base/text.h"
#include "shared/base/util.h"

enum {
	FILES_MAX = 512,
	FILE_MAX = 1 << 20,
	CHECKSUM_MAX = 65,
};

struct migration {
	uint32_t version;
	char name[96];
	char checksum[CHECKSUM_MAX];
	bool applied;
};

/** A command under way */
struct work {
	struct billingd *b;
	struct admin_ticket ticket;
	struct migration *files;
	size_t filec;
	size_t at;
	uint32_t to;
	bool show_only;
	json_t *rows;
};


static void work_free(struct work *w)
{
	json_decref(w->rows);
	free(w->files);
	free(w);
}


static void on_looked(int err, void *arg)
{
	struct work *w = arg;
	struct admin_answer answer = { .rows = w->rows };

	(void)err;
	w->rows = NULL;
	svc_answer(w->b->svc, w->ticket, &answer);
	work_free(w);
}


/* Answered when the feed knows: the next command may need the new schema. */
static void finish(struct work *w)
{
	if (feed_look(w->b->feed, on_looked, w))
		on_looked(ENOMEM, w);
}


static void fail(struct work *w, const char *what, const char *why)
{
	struct admin_answer answer = { .rows = NULL };

	(void)admin_refuse(&answer, "failed", "%s: %s", what, why);
	svc_answer(w->b->svc, w->ticket, &answer);
	work_free(w);
}


/* --- files ---------------------------------------------------------------- */

static int file_read(char **textp, const struct work *w,
		     const struct migration *m, bool undo)
{
	char path[512];
	char *text;
	FILE *f;
	size_t n;

	if (text_print(path, sizeof(path), "%s/%04" PRIu32 "_%s%s.sql",
		       svc_node(w->b->svc)->sql_dir, m->version, m->name,
		       undo ? ".undo" : ""))
		return ENAMETOOLONG;
	f = fopen(path, "re");
	if (!f)
		return errno;

	text = malloc(FILE_MAX + 1);
	n = text ? fread(text, 1, FILE_MAX + 1, f) : 0;
	(void)fclose(f);
	if (!text || n > FILE_MAX) {
		free(text);
		return text ? EFBIG : ENOMEM;
	}
	text[n] = '\0';
	*textp = text;

	return 0;
}


static int checksum(char dst[CHECKSUM_MAX], const char *text)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_Digest(text, strlen(text), sum, &len, EVP_sha256(), NULL) != 1)
		return EIO;
	text_hex(dst, sum, len);

	return 0;
}


/* "0002_config_version.sql"; an undo file is part of its migration. */
static bool name_parse(struct migration *m, const char *name)
{
	static const char end[] = ".sql", undo[] = ".undo.sql";
	const size_t l = strlen(name);
	struct text number = { name, 4 };

	if (l < 5 + sizeof(end) || l - 5 - 4 >= sizeof(m->name) ||
	    name[4] != '_' || strcmp(name + l - 4, end) != 0 ||
	    (l > 9 && strcmp(name + l - 9, undo) == 0) ||
	    text_u32(&m->version, number, 1, 9999))
		return false;

	return text_copy(m->name, sizeof(m->name),
			 (struct text){ name + 5, l - 9 }) == 0;
}


static int by_version(const void *a, const void *b)
{
	const struct migration *x = a, *y = b;

	return (x->version > y->version) - (x->version < y->version);
}


static int files_find(struct work *w)
{
	DIR *dir = opendir(svc_node(w->b->svc)->sql_dir);
	const struct dirent *entry;
	int err = 0;

	if (!dir)
		return errno;

	w->files = calloc(FILES_MAX, sizeof(*w->files));
	err = w->files ? 0 : ENOMEM;
	while (!err && (entry = readdir(dir)) != NULL) {
		struct migration *m = &w->files[w->filec];
		char *text = NULL;

		if (!name_parse(m, entry->d_name))
			continue;
		err = file_read(&text, w, m, false);
		if (err)
			break;
		err = text ? checksum(m->checksum, text) : ENOMEM;
		free(text);
		if (!err && ++w->filec == FILES_MAX)
			err = EFBIG;
	}
	(void)closedir(dir);
	if (!err)
		qsort(w->files, w->filec, sizeof(*w->files), by_version);

	return err;
}


/* --- one after the other -------------------------------------------------- */

static void step(struct work *w);

/* Several statements in one text: the server splits them. */
static const char sql_helper[] =
	"create or replace function pg_temp.migrate(text) returns void "
	"language plpgsql as 'begin execute $1; end'";
static const char sql_run[] = "select pg_temp.migrate($1)";
static const char sql_note[] = "insert into schema_migration (version, name, "
			       "checksum) values ($1, $2, $3)";
static const char sql_lock[] =
	"select pg_advisory_xact_lock(hashtext('tandem schema'))";


static void on_step(int err, const struct db_result *r, const char *why,
		    void *arg)
{
	struct work *w = arg;
	struct migration *m = &w->files[w->at];
	char what[128];

	(void)r;
	if (err) {
		(void)text_print(what, sizeof(what), "%04" PRIu32 "_%s",
				 m->version, m->name);
		fail(w, what, why && why[0] ? why : strerror(err));
		return;
	}

	m->applied = !m->applied;
	(void)json_array_append_new(
		w->rows, json_pack("{s:I,s:s,s:s}", "version",
				   (json_int_t)m->version, "name", m->name,
				   "done", m->applied ? "applied" : "undone"));
	step(w);
}


static void run(struct work *w, bool undo)
{
	struct migration *m = &w->files[w->at];
	char version[16], *text = NULL;
	const char *run_params[1];
	const char *note_params[] = { version, m->name, m->checksum };
	const struct db_statement statements[] = {
		{ .sql = sql_lock },
		{ .sql = sql_helper },
		{ .sql = sql_run, .params = run_params, .paramc = 1 },
		{ .sql = sql_note, .params = note_params, .paramc = 3 },
	};
	int err;

	(void)text_print(version, sizeof(version), "%" PRIu32, m->version);
	err = file_read(&text, w, m, undo);
	run_params[0] = text;
	/* An undo takes its note back itself. */
	if (!err)
		err = db_transaction(w->b->db, statements, undo ? 3 : 4,
				     on_step, w);
	free(text);
	if (err)
		fail(w, m->name, strerror(err));
}


/* Backwards what is above the target, then forwards what is missing. */
static void step(struct work *w)
{
	for (size_t i = w->filec; i-- > 0;) {
		if (w->files[i].applied && w->files[i].version > w->to) {
			w->at = i;
			run(w, true);
			return;
		}
	}
	for (size_t i = 0; i < w->filec; i++) {
		if (!w->files[i].applied && w->files[i].version <= w->to) {
			w->at = i;
			run(w, false);
			return;
		}
	}
	finish(w);
}


static void show(struct work *w)
{
	for (size_t i = 0; i < w->filec; i++)
		(void)json_array_append_new(
			w->rows, json_pack("{s:I,s:s,s:b}", "version",
					   (json_int_t)w->files[i].version,
					   "name", w->files[i].name, "applied",
					   w->files[i].applied));
	finish(w);
}


static bool note_applied(struct work *w, const struct db_result *r, size_t row)
{
	uint32_t version;

	if (text_u32(&version, text_of(db_text(r, row, 0)), 1, INT32_MAX))
		return true;
	for (size_t i = 0; i < w->filec; i++) {
		if (w->files[i].version != version)
			continue;
		w->files[i].applied = true;
		return strcmp(db_text(r, row, 1), w->files[i].checksum) == 0;
	}

	return true; /* a newer release's: left alone */
}


static void on_applied(int err, const struct db_result *r, const char *why,
		       void *arg)
{
	struct work *w = arg;

	if (err) {
		fail(w, "schema_migration", why);
		return;
	}
	for (size_t i = 0; i < db_rows(r); i++) {
		if (note_applied(w, r, i))
			continue;
		fail(w, db_text(r, i, 0),
		     "this migration was applied to the database and its file "
		     "has changed since");
		return;
	}
	if (w->show_only)
		show(w);
	else
		step(w);
}


static void on_table(int err, const struct db_result *r, const char *why,
		     void *arg)
{
	static const struct db_statement applied = {
		.sql = "select version, checksum from schema_migration"
	};
	struct work *w = arg;

	if (err) {
		fail(w, "the database", why);
		return;
	}
	if (!db_text(r, 0, 0)) {
		if (w->show_only)
			show(w);
		else
			step(w);
		return;
	}
	err = db_query(w->b->db, &applied, on_applied, w);
	if (err)
		fail(w, "the database", strerror(err));
}


static int begin(struct billingd *b, const json_t *args, bool show_only,
		 struct admin_answer *answer)
{
	static const struct db_statement table = {
		.sql = "select to_regclass('schema_migration')::text"
	};
	const json_t *to = json_object_get(args, "to");
	struct work *w;
	int err;

	if (!db_is_up(b->db))
		return admin_refuse(answer, "unavailable",
				    "the database is not reachable");

	w = calloc(1, sizeof(*w));
	if (!w)
		return ENOMEM;
	w->b = b;
	w->ticket = answer->asker->ticket;
	w->show_only = show_only;
	w->to = to ? (uint32_t)json_integer_value(to) : 9999;
	w->rows = json_array();
	err = files_find(w);
	if (err)
		(void)admin_refuse(answer, "failed", "%s: %s",
				   svc_node(b->svc)->sql_dir, strerror(err));
	if (!err)
		err = db_query(b->db, &table, on_table, w);
	if (err) {
		work_free(w);
		return err;
	}
	answer->later = true;

	return 0;
}


int cmd_db_migrate(void *state, const json_t *args,
		   struct admin_answer *answer)
{
	return begin(state, args, false, answer);
}


int cmd_db_status(void *state, const json_t *args, struct admin_answer *answer)
{
	return begin(state, args, true, answer);
}
