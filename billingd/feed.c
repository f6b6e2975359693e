/**
 * @file billingd/feed.c  The catalog keeps up with the database
 *
 * One reading at a time, as a chain of queries in one transaction: where does
 * the database stand, what has changed since, the rows of that, parameters.
 * What arrives while it runs is read when it is done.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/billingd.h"
#include "billingd/feed.h"
#include "billingd/record_sql.h"
#include "shared/base/clk.h"
#include "shared/base/log.h"
#include "shared/base/metric.h"
#include "shared/base/text.h"
#include "shared/db/db.h"
#include "shared/ev/ev.h"
#include "shared/shm/life.h"

enum {
	RETRY_MS = 1000,
	WAIT_MS = 10000, /**< Longest a waiter waits */
	COPY_MS = 20,    /**< Between two pieces of the copy on disk */
	/* So many changed rows of a kind are read by their ids; of more, all
	 * are read again. */
	IDS_MAX = 20000,
};

struct waiter {
	struct waiter *next;
	uint64_t version; /**< To be in force */
	uint64_t reading; /**< Or: to have ended; 0: it is the version */
	int64_t until_us;
	feed_wait_h *h;
	void *arg;
};

/** What of a kind is to be read */
struct changed {
	uint32_t *ids;
	size_t idc;
	bool all;
};

struct feed {
	struct ev *ev;
	struct db *db;
	struct publisher *publisher;
	struct life *life;
	const struct log *log;
	struct ev_timer retry, copy, tell;

	uint64_t readings; /**< That have ended */
	bool busy;         /**< A reading is under way */
	bool again;        /**< And another is wanted */
	int database;      /**< enum life_database */
	void (*changedh)(void *arg);
	void *arg;
	uint64_t version; /**< In force; of the database */
	char stamp[48];   /**< When it was made: tells databases apart */

	struct build *build;
	uint64_t target;
	char target_stamp[48];
	bool whole; /**< Nothing of the version before is kept */
	struct changed changed[RECORD_KINDC];
	enum record_kind kind; /**< Being read */
	int64_t began_us;

	uint64_t refused; /**< The version that was; 0: none */
	char why[BUILD_WHY_MAX];
	struct waiter *waiters;
};


static void look(struct feed *f);
static void read_kinds(struct feed *f);


/* --- those who wait ------------------------------------------------------- */

static void on_tell(void *arg);


static void waiters_look(struct feed *f)
{
	if (f->waiters)
		ev_timer_start(&f->tell, f->ev, 0, on_tell, f);
}


/* What is to be told to this one now; -1: nothing yet */
static int verdict(const struct feed *f, const struct waiter *w,
		   int64_t now_us)
{
	if (w->reading ? f->readings >= w->reading : f->version >= w->version)
		return 0;
	if (!w->reading && f->refused >= w->version)
		return EINVAL;
	if (!db_is_up(f->db))
		return ETIMEDOUT; /* nobody knows for how long */

	return now_us >= w->until_us ? ETIMEDOUT : -1;
}


static void on_tell(void *arg)
{
	struct feed *f = arg;
	const int64_t now_us = clk_mono_us();
	struct waiter **at = &f->waiters;

	while (*at) {
		struct waiter *w = *at;
		const int err = verdict(f, w, now_us);

		if (err < 0) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->h(err, w->arg);
		free(w);
		at = &f->waiters; /* the handler may have added one */
	}
	if (f->waiters)
		ev_timer_start(&f->tell, f->ev, 100, on_tell, f);
}


static int wait_for(struct feed *f, const struct waiter *what)
{
	struct waiter *w = malloc(sizeof(*w));

	if (!w)
		return ENOMEM;

	*w = *what;
	w->until_us = clk_mono_us() + (int64_t)WAIT_MS * 1000;
	w->next = f->waiters;
	f->waiters = w;
	waiters_look(f);

	return 0;
}


int feed_wait(struct feed *f, uint64_t version, feed_wait_h *h, void *arg)
{
	const struct waiter w = { .version = version, .h = h, .arg = arg };

	return wait_for(f, &w);
}


int feed_look(struct feed *f, feed_wait_h *h, void *arg)
{
	/* One that is under way has begun too early. */
	const struct waiter w = { .reading = f->readings + 1 + f->busy,
				  .h = h,
				  .arg = arg };
	const int err = wait_for(f, &w);

	if (!err)
		look(f);

	return err;
}


/* --- the end of a reading ------------------------------------------------- */

static void changed_clear(struct feed *f)
{
	for (size_t k = 0; k < RECORD_KINDC; k++) {
		free(f->changed[k].ids);
		f->changed[k] = (struct changed){ NULL, 0, false };
	}
}


static void on_retry(void *arg)
{
	look(arg);
}


static void end(struct feed *f)
{
	f->build = build_free(f->build);
	changed_clear(f);
	f->busy = false;
	f->readings++;
	waiters_look(f);
	if (f->again) {
		f->again = false;
		ev_timer_start(&f->retry, f->ev, 0, on_retry, f);
	}
}


static void on_nothing(int err, const struct db_result *r, const char *why,
		       void *arg)
{
	(void)err;
	(void)r;
	(void)why;
	(void)arg;
}


static void say(struct feed *f, const char *sql)
{
	const struct db_statement statement = { .sql = sql };

	(void)db_query(f->db, &statement, on_nothing, f);
}


/* A query failed, or memory is short: nothing has changed, and it is tried
 * again. */
static void fail(struct feed *f, int err, const char *why)
{
	if (err != ENOTCONN && err != ECANCELED)
		log_error(f->log, "catalog_read_failed why=%s",
			  why && why[0] ? why : strerror(err));
	if (db_is_up(f->db))
		say(f, "rollback");
	f->again = false; /* what came meanwhile is read then, too */
	end(f);
	if (err != ECANCELED)
		ev_timer_start(&f->retry, f->ev, RETRY_MS, on_retry, f);
}


/* The database holds what is no catalog. It is read again when it changes. */
static void refuse(struct feed *f)
{
	log_error(f->log, "catalog_refused version=%" PRIu64 " why=%s",
		  f->target, f->why);
	metric_inc(M_CATALOG_REFUSED);
	f->refused = f->target;
	say(f, "rollback");
	end(f);
}


static void on_copy(void *arg)
{
	struct feed *f = arg;
	const int err = publisher_save_copy(f->publisher);

	if (err == EAGAIN)
		ev_timer_start(&f->copy, f->ev, COPY_MS, on_copy, f);
	else if (err)
		log_error(f->log, "catalog_copy_failed why=%s", strerror(err));
	else
		metric_set(M_CATALOG_COPIED, (int64_t)f->version);
}


static void publish(struct feed *f)
{
	const int err = build_publish(f->build, f->publisher, f->target,
				      CATALOG_DATABASE, f->why);

	if (err == EINVAL) {
		refuse(f);
		return;
	}
	if (err) {
		fail(f, err, "publishing");
		return;
	}

	f->version = f->target;
	f->refused = 0;
	memcpy(f->stamp, f->target_stamp, sizeof(f->stamp));
	atomic_store(&f->life->catalog, CATALOG_DATABASE + 1);
	metric_set(M_CATALOG_VERSION, (int64_t)f->version);
	metric_inc(M_CATALOG_PUBLISHED);
	log_notice(f->log,
		   "catalog_published version=%" PRIu64 " whole=%d ms=%d",
		   f->version, f->whole,
		   (int)((clk_mono_us() - f->began_us) / 1000));
	ev_timer_start(&f->copy, f->ev, COPY_MS, on_copy, f);
	say(f, "commit");
	end(f);
}


/* --- parameters ----------------------------------------------------------- */

static int put_param(struct feed *f, const char *name, const char *value)
{
	enum param param;

	if (param_find(&param, text_of(name))) {
		(void)text_print(f->why, sizeof(f->why),
				 "%.64s: no such parameter", name);
		return EINVAL;
	}

	return build_param(f->build, param, value, f->why);
}


static void on_params(int err, const struct db_result *r, const char *why,
		      void *arg)
{
	struct feed *f = arg;

	for (int p = 0; p < PARAMC && !err; p++)
		err = build_param(f->build, (enum param)p, NULL, f->why);
	for (size_t i = 0; r && i < db_rows(r) && !err; i++) {
		err = put_param(f, db_text(r, i, 0), db_text(r, i, 1));
		if (err == EINVAL) {
			refuse(f);
			return;
		}
	}
	if (err)
		fail(f, err, why);
	else
		publish(f);
}


static void read_params(struct feed *f)
{
	static const struct db_statement statement = {
		.sql = "select name, value from parameter"
	};
	const int err = db_query(f->db, &statement, on_params, f);

	if (err)
		fail(f, err, NULL);
}


/* --- records -------------------------------------------------------------- */

static int put_row(struct feed *f, const struct db_result *r, size_t row)
{
	const struct record_def *def = &records[f->kind];
	char bufs[RECORD_FIELDS_MAX][RECORD_SQL_VALUE_MAX];
	const char *values[RECORD_FIELDS_MAX];
	uint32_t id;

	if (text_u32(&id, text_of(db_text(r, row, 0)), 1, INT32_MAX))
		return EBADMSG;

	for (size_t i = 0; i < def->fieldc; i++)
		values[i] = record_sql_read(&def->fields[i],
					    db_text(r, row, i + 1), bufs[i]);

	return build_row(f->build, f->kind, id, values, f->why);
}


static void on_rows(int err, const struct db_result *r, const char *why,
		    void *arg)
{
	struct feed *f = arg;
	int bad = 0;

	/* Refused by an earlier row: the rest of the stream is let go by. */
	if (!f->build)
		return;

	for (size_t i = 0; r && i < db_rows(r) && !bad; i++)
		bad = put_row(f, r, i);
	if (bad == EINVAL) {
		refuse(f);
		return;
	}
	if (bad || (err && err != EAGAIN)) {
		fail(f, bad ? bad : err, bad ? NULL : why);
		return;
	}
	if (!err) {
		f->kind++;
		read_kinds(f);
	}
}


/* "{1,2,3}" */
static char *ids_print(const struct changed *changed)
{
	char *text = malloc(changed->idc * 11 + 3), *p = text;

	if (!text)
		return NULL;

	*p++ = '{';
	for (size_t i = 0; i < changed->idc; i++)
		p += snprintf(p, 12, "%s%" PRIu32, i ? "," : "",
			      changed->ids[i]);
	*p++ = '}';
	*p = '\0';

	return text;
}


static int forget(struct feed *f, const struct changed *changed)
{
	int err = 0;

	if (f->whole)
		return 0;
	if (changed->all)
		return build_forget_all(f->build, f->kind);

	for (size_t i = 0; i < changed->idc && !err; i++)
		err = build_forget(f->build, f->kind, changed->ids[i]);

	return err;
}


static int read_kind(struct feed *f)
{
	const struct changed *changed = &f->changed[f->kind];
	const bool by_id = !f->whole && !changed->all;
	char *sql = NULL, *ids = NULL;
	const char *texts[1];
	int err;

	err = forget(f, changed);
	if (!err)
		err = record_sql_select(&sql, f->kind, by_id);
	if (!err && by_id) {
		ids = ids_print(changed);
		err = ids ? 0 : ENOMEM;
	}
	if (!err) {
		texts[0] = ids;
		err = db_stream(f->db,
				&(struct db_statement){ .sql = sql,
							.params = texts,
							.paramc = by_id },
				on_rows, f);
	}
	free(sql);
	free(ids);

	return err;
}


/* The next kind of which anything is to be read; parameters last. */
static void read_kinds(struct feed *f)
{
	int err;

	while (f->kind < RECORD_KINDC && !f->whole &&
	       !f->changed[f->kind].all && f->changed[f->kind].idc == 0)
		f->kind++;
	if (f->kind == RECORD_KINDC) {
		read_params(f);
		return;
	}

	err = read_kind(f);
	if (err)
		fail(f, err, NULL);
}


/* --- what has changed ----------------------------------------------------- */

static int note_change(struct feed *f, const char *table, const char *id_text)
{
	for (size_t k = 0; k < RECORD_KINDC; k++) {
		struct changed *changed = &f->changed[k];
		uint32_t *ids, id;

		if (strcmp(records[k].table, table) != 0)
			continue;
		if (changed->all)
			return 0;
		if (changed->idc == IDS_MAX) {
			changed->all = true;
			return 0;
		}
		if (text_u32(&id, text_of(id_text), 1, INT32_MAX))
			return EBADMSG;
		if (changed->idc % 1024 == 0) {
			ids = realloc(changed->ids,
				      (changed->idc + 1024) * sizeof(*ids));
			if (!ids)
				return ENOMEM;
			changed->ids = ids;
		}
		changed->ids[changed->idc++] = id;
		return 0;
	}

	return 0; /* a parameter: all of them are read anyway */
}


static void on_changes(int err, const struct db_result *r, const char *why,
		       void *arg)
{
	struct feed *f = arg;

	if (!f->build)
		return;

	for (size_t i = 0; r && i < db_rows(r); i++) {
		const int bad = note_change(f, db_text(r, i, 0),
					    db_text(r, i, 1));

		if (bad) {
			fail(f, bad, NULL);
			return;
		}
	}
	if (err == EAGAIN)
		return;
	if (err)
		fail(f, err, why);
	else
		read_kinds(f);
}


static void read_changes(struct feed *f)
{
	char version[24];
	const char *texts[] = { version };
	const struct db_statement statement = {
		.sql = "select distinct kind, id from config_change "
		       "where version > $1",
		.params = texts,
		.paramc = 1,
	};
	int err;

	(void)text_print(version, sizeof(version), "%" PRIu64, f->version);
	err = db_stream(f->db, &statement, on_changes, f);
	if (err)
		fail(f, err, NULL);
}


/* --- where the database stands -------------------------------------------- */

static void database_is(struct feed *f, int database)
{
	f->database = database;
	f->changedh(f->arg);
}


static void schema_is(struct feed *f, bool ok)
{
	database_is(f, ok ? LIFE_DATABASE_UP : LIFE_DATABASE_OLD);
	if (!ok)
		log_warn(f->log, "schema_old why=%s",
			 "run 'tandemctl db migrate'");
}


/* schema, newest version, its time, time of the one we have */
static void on_state(int err, const struct db_result *r, const char *why,
		     void *arg)
{
	struct feed *f = arg;
	const char *ours;
	bool same;
	uint32_t schema = 0;

	if (err) {
		fail(f, err, why);
		return;
	}
	if (text_u32(&schema, text_of(db_text(r, 0, 0)), 0, INT32_MAX) ||
	    text_u64(&f->target, text_of(db_text(r, 0, 1)), 0, INT64_MAX) ||
	    text_copy(f->target_stamp, sizeof(f->target_stamp),
		      text_of(db_text(r, 0, 2)))) {
		fail(f, EBADMSG, NULL);
		return;
	}
	schema_is(f, schema >= BILLINGD_SCHEMA);
	if (f->database != LIFE_DATABASE_UP) {
		say(f, "commit");
		end(f);
		return;
	}

	ours = db_text(r, 0, 3);
	same = f->stamp[0] && ours && strcmp(ours, f->stamp) == 0;
	if (same && f->target == f->version) {
		f->refused = 0;
		say(f, "commit");
		end(f);
		return;
	}

	f->whole = !same;
	err = build_alloc(&f->build,
			  same ? publisher_current(f->publisher) : NULL);
	f->kind = (enum record_kind)0;
	if (err)
		fail(f, err, NULL);
	else if (f->whole)
		read_kinds(f);
	else
		read_changes(f);
}


static void on_schema(int err, const struct db_result *r, const char *why,
		      void *arg)
{
	struct feed *f = arg;
	char version[24];
	const char *texts[] = { version };
	const struct db_statement statement = {
		.sql = "select m.version, coalesce(v.version, 0), "
		       "coalesce(v.at::text, 'never'), coalesce((select "
		       "w.at::text from config_version w where w.version = "
		       "$1::bigint), 'never') from (select max(version) as "
		       "version from schema_migration) m left join (select "
		       "version, at from config_version order by version desc "
		       "limit 1) v on true",
		.params = texts,
		.paramc = 1,
	};

	if (err) {
		fail(f, err, why);
		return;
	}
	if (!db_text(r, 0, 0)) {
		schema_is(f, false);
		say(f, "commit");
		end(f);
		return;
	}

	(void)text_print(version, sizeof(version), "%" PRIu64, f->version);
	err = db_query(f->db, &statement, on_state, f);
	if (err)
		fail(f, err, NULL);
}


static void look(struct feed *f)
{
	static const struct db_statement schema = {
		.sql = "select to_regclass('config_version')::text"
	};
	int err;

	if (f->busy) {
		f->again = true;
		return;
	}
	if (!db_is_up(f->db))
		return;

	f->busy = true;
	f->began_us = clk_mono_us();
	ev_timer_stop(&f->retry);
	say(f, "begin isolation level repeatable read read only");
	err = db_query(f->db, &schema, on_schema, f);
	if (err)
		fail(f, err, NULL);
}


static void on_db(bool up, const char *why, void *arg)
{
	struct feed *f = arg;

	(void)why;
	metric_set(M_DB_UP, up);
	if (up) {
		look(f);
		return;
	}
	database_is(f, LIFE_DATABASE_DOWN);
	waiters_look(f);
}


static void on_notify(const char *channel, const char *payload, void *arg)
{
	(void)channel;
	(void)payload;
	look(arg);
}


/* --- its life ------------------------------------------------------------- */

int feed_alloc(struct feed **fp, const struct feed_args *args)
{
	static const char *const channels[] = { "tandem_config", NULL };
	struct feed *f = calloc(1, sizeof(*f));
	struct db_args db = {
		.ev = args->ev,
		.conninfo = args->conninfo,
		.password_file = args->password_file,
		.application = "tandem catalog",
		.listen = channels,
		.stateh = on_db,
		.notifyh = on_notify,
		.arg = f,
		.log = args->log,
	};
	int err;

	if (!f)
		return ENOMEM;

	f->ev = args->ev;
	f->publisher = args->publisher;
	f->life = args->life;
	f->log = args->log;
	f->changedh = args->changedh;
	f->arg = args->arg;
	f->database = LIFE_DATABASE_DOWN;
	err = db_alloc(&f->db, &db);
	if (err)
		feed_free(f);
	else
		*fp = f;

	return err;
}


struct feed *feed_free(struct feed *f)
{
	if (!f)
		return NULL;

	f->db = db_free(f->db);
	ev_timer_stop(&f->retry);
	ev_timer_stop(&f->copy);
	ev_timer_stop(&f->tell);
	f->build = build_free(f->build);
	changed_clear(f);
	while (f->waiters) {
		struct waiter *w = f->waiters;

		f->waiters = w->next;
		w->h(ECANCELED, w->arg);
		free(w);
	}
	free(f);

	return NULL;
}


uint64_t feed_version(const struct feed *f)
{
	return f->version;
}


const char *feed_refusal(const struct feed *f)
{
	return f->refused ? f->why : NULL;
}


int feed_database(const struct feed *f)
{
	return f->database;
}
