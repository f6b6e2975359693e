/**
 * @file shared/db/db.c  PostgreSQL without waiting
 *
 * The connection: DOWN, CONNECTING, SETTING_UP, UP, and from each back to
 * DOWN, from where a timer opens it again, for ever.
 *
 * Handlers are only called from the loop, and when nothing of libpq is under
 * way. Any of them may free the connection: what is left of it then is `struct
 * db` itself, until the call from the loop returns.
 *
 * Diagnostics: db_up (notice), db_down (warn), once each time it changes;
 * attempts that fail in between and the server's notices at debug.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/id.h"
#include "shared/base/log.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/db/db_parts.h"

enum {
	TLS_LOOK_MS = 20,
	TLS_READS = 3, /* a record of 16 KB into a buffer with 8 KB of room */
};

static void on_reopen(void *arg);


static void enter(struct db *db)
{
	db->depth++;
}


static void leave(struct db *db)
{
	db->depth--;
	if (db->depth > 0 || !db->is_gone)
		return;

	free(db->conninfo);
	free(db->password_file);
	free(db->application);
	free(db);
}


/* The socket is not watched any more when libpq closes it. */
static void hang_up(struct db *db)
{
	db->watch = ev_unwatch(db->watch);
	ev_timer_stop(&db->timer);
	ev_timer_stop(&db->silence);
	ev_timer_stop(&db->again);
	PQfinish(db->conn);
	db->conn = NULL;
	db->phase = DB_DOWN;
	db->is_full = false;
	db->is_broken = false;
	db->copy.state = COPY_NONE;
	reading_clear(&db->reading);
}


static void tell_down(struct db *db, const char *why)
{
	if (db->told == DB_TOLD_DOWN) {
		log_debug(db->log, "db_still_down why=%s", why);
		return;
	}

	db->told = DB_TOLD_DOWN;
	log_warn(db->log, "db_down why=%s", why);
	if (db->stateh)
		db->stateh(false, why, db->arg);
}


void db_lost(struct db *db, const char *words)
{
	char why[DB_WHY_MAX];

	db_why_copy(why, sizeof(why), words);
	hang_up(db);
	ev_timer_start(&db->timer, db->ev,
		       backoff_next_ms(&db->backoff, id_random_u64()),
		       on_reopen, db);
	db_answer_all(db, ENOTCONN, why);
	if (!db->is_gone)
		tell_down(db, why);
}


void db_session_ready(struct db *db)
{
	db->phase = DB_UP;
	db->told = DB_TOLD_UP;
	ev_timer_stop(&db->timer);
	backoff_reset(&db->backoff);
	db_moved(db);
	log_notice(db->log, "db_up server=%s",
		   PQparameterStatus(db->conn, "server_version"));
	if (db->stateh)
		db->stateh(true, "", db->arg);
}


void db_mind_socket(struct db *db)
{
	if (db->watch && PQsocket(db->conn) < 0)
		db->watch = ev_unwatch(db->watch);
}


static void notify(struct db *db)
{
	PGnotify *n;

	while (db->conn && (n = PQnotifies(db->conn))) {
		if (db->notifyh)
			db->notifyh(n->relname, n->extra, db->arg);
		PQfreemem(n);
	}
}


/* Each of these may end the connection, or db as a whole. */
static void work(struct db *db)
{
	copy_go_on(db);
	db_read(db);
	notify(db);
	if (db->conn)
		db_mind_socket(db);
	if (db->conn && db->is_broken)
		db_lost(db, db->broken_why);
	else if (db->conn && PQstatus(db->conn) != CONNECTION_OK)
		db_lost(db, PQerrorMessage(db->conn));
}


static void on_again(void *arg);


/* What TLS has decrypted but libpq had no room for lies in no socket that the
 * loop could watch: while something is expected it is looked for. PostgreSQL
 * 15 sends records of 8 KB, which fit; later ones and proxies 16 KB. */
static bool consume(struct db *db)
{
	const bool is_tls = PQsslInUse(db->conn);
	bool ok = true;

	for (int i = 0; i < (is_tls ? TLS_READS : 1) && ok; i++)
		ok = PQconsumeInput(db->conn) == 1;
	if (is_tls && db->sent.first && !ev_timer_running(&db->again))
		ev_timer_start(&db->again, db->ev, TLS_LOOK_MS, on_again, db);

	return ok;
}


static void on_again(void *arg)
{
	struct db *db = arg;

	enter(db);
	if (PQsslInUse(db->conn) && !db->is_broken)
		(void)consume(db);
	work(db);
	leave(db);
}


void db_break(struct db *db, const char *why)
{
	if (!db->is_broken)
		db_why_copy(db->broken_why, sizeof(db->broken_why), why);
	db->is_broken = true;
	ev_timer_start(&db->again, db->ev, 0, on_again, db);
}


static void on_silence(void *arg)
{
	struct db *db = arg;

	enter(db);
	db_lost(db, "the server is silent");
	leave(db);
}


void db_moved(struct db *db)
{
	if (db->phase == DB_UP && db->sent.first)
		ev_timer_start(&db->silence, db->ev,
			       db->statement_ms + DB_SILENCE_MS, on_silence,
			       db);
	else
		ev_timer_stop(&db->silence);
}


/* While libpq writes it may also read, and then the socket says nothing any
 * more about what has come. */
void db_flush(struct db *db)
{
	const int left = db->is_broken ? 0 : PQflush(db->conn);
	const bool is_full = left == 1;

	db_mind_socket(db);
	if (left < 0 || !db->watch) {
		db_break(db, PQerrorMessage(db->conn));
		return;
	}
	if (is_full != db->is_full &&
	    ev_watch_change(db->watch, EV_READ | (is_full ? EV_WRITE : 0)))
		db_break(db, "the socket cannot be watched");
	db->is_full = is_full;

	if (db->sent.first && db->copy.state != COPY_OPEN &&
	    !PQisBusy(db->conn))
		ev_timer_start(&db->again, db->ev, 0, on_again, db);
}


static void on_ready(int flags, void *arg)
{
	struct db *db = arg;
	bool ok = true;

	enter(db);
	if (flags & (EV_READ | EV_HANGUP))
		ok = consume(db);
	db_mind_socket(db);
	if (ok && db->is_full)
		db_flush(db);
	if (!ok)
		db_break(db, PQerrorMessage(db->conn));
	work(db);
	if (db->conn)
		db_moved(db);
	leave(db);
}


/* Connecting */

static void on_connecting(int flags, void *arg);


/* Each step may go on with another socket, even if its number is the same. */
static void connect_step(struct db *db)
{
	PostgresPollingStatusType status;
	int flags, err;

	db->watch = ev_unwatch(db->watch);
	status = PQconnectPoll(db->conn);
	if (status == PGRES_POLLING_FAILED) {
		db_lost(db, PQerrorMessage(db->conn));
		return;
	}

	flags = status == PGRES_POLLING_WRITING ? EV_WRITE : EV_READ;
	err = ev_watch(&db->watch, db->ev, PQsocket(db->conn), flags,
		       status == PGRES_POLLING_OK ? on_ready : on_connecting,
		       db);
	if (err)
		db_lost(db, strerror(err));
	else if (status == PGRES_POLLING_OK)
		db_session_begin(db);
}


static void on_connecting(int flags, void *arg)
{
	struct db *db = arg;
	(void)flags;

	enter(db);
	connect_step(db);
	leave(db);
}


static void on_late(void *arg)
{
	struct db *db = arg;

	enter(db);
	db->turn++;
	db_lost(db, "no session within 5 s");
	leave(db);
}
BUILD_ASSERT(DB_CONNECT_MS == 5000);


/* libpq's first step comes when its socket can be written. */
static void on_reopen(void *arg)
{
	struct db *db = arg;
	char why[DB_WHY_MAX];
	int err;

	enter(db);
	db->phase = DB_CONNECTING;
	ev_timer_start(&db->timer, db->ev, DB_CONNECT_MS, on_late, db);

	err = db_session_open(db, why, sizeof(why));
	if (!err && PQstatus(db->conn) == CONNECTION_BAD) {
		err = ENOTCONN;
		db_why_copy(why, sizeof(why), PQerrorMessage(db->conn));
	}
	if (!err) {
		err = ev_watch(&db->watch, db->ev, PQsocket(db->conn),
			       EV_WRITE, on_connecting, db);
		(void)text_print(why, sizeof(why), "%s", strerror(err));
	}
	if (err)
		db_lost(db, why);
	leave(db);
}


/* Life */

static int copy_text(char **textp, const char *text)
{
	if (!text || !*text)
		return 0;

	*textp = strdup(text);

	return *textp ? 0 : ENOMEM;
}


static bool can_listen(const char *const *listen)
{
	size_t count = 0;

	/* Quotes may double it. */
	for (; listen && listen[count]; count++) {
		if (2 * strlen(listen[count]) + sizeof("LISTEN \"\"") >
		    DB_CHANNEL_SIZE)
			return false;
	}

	return count <= DB_LISTEN_MAX;
}


int db_alloc(struct db **dbp, const struct db_args *args)
{
	struct db *db;
	int err;

	if (!can_listen(args->listen))
		return EINVAL;
	err = db_conninfo_check(args->conninfo);
	if (err)
		return err;

	db = calloc(1, sizeof(*db));
	if (!db)
		return ENOMEM;

	db->ev = args->ev;
	db->log = args->log;
	db->listen = args->listen;
	db->statement_ms = args->statement_ms ? args->statement_ms
					      : DB_STATEMENT_MS;
	db->stateh = args->stateh;
	db->notifyh = args->notifyh;
	db->arg = args->arg;
	db->backoff.first_ms = DB_BACKOFF_FIRST_MS;
	db->backoff.most_ms = DB_BACKOFF_MOST_MS;

	db->conninfo = strdup(args->conninfo);
	err = db->conninfo ? 0 : ENOMEM;
	if (!err)
		err = copy_text(&db->password_file, args->password_file);
	if (!err)
		err = copy_text(&db->application, args->application);
	if (err) {
		db_free(db);
		return err;
	}

	ev_timer_start(&db->timer, db->ev, 0, on_reopen, db);
	*dbp = db;

	return 0;
}


struct db *db_free(struct db *db)
{
	if (!db || db->is_gone)
		return NULL;

	enter(db);
	db->is_gone = true;
	hang_up(db);
	db_answer_all(db, ECANCELED, "the connection is closed");
	leave(db);

	return NULL;
}


bool db_is_up(const struct db *db)
{
	return db->phase == DB_UP && !db->is_broken;
}
