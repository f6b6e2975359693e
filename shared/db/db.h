/**
 * @file shared/db/db.h  PostgreSQL without waiting
 *
 * One connection in the loop: opened, kept and opened again with backoff by
 * itself; libpq in pipeline mode, so that many queries are under way at once.
 * Queries are numbered, parameters travel apart from the text, results are
 * text. Each query has a deadline. When the connection is lost every query
 * that waits is answered with ENOTCONN: whether it took effect is not known,
 * so what must happen exactly once is made so that it may be repeated.
 *
 * Several statements that must hold together are one db_transaction(): BEGIN
 * and COMMIT go around them in the pipeline, and one that fails undoes all.
 *
 * Every handler is called from the loop and may call anything here, db_free()
 * too. The conninfo should name addresses or a Unix socket: the name of a host
 * is looked up while the loop stands.
 */
#ifndef TANDEM_DB_DB_H
#define TANDEM_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct ev;
struct log;

enum {
	DB_WHY_MAX = 512,
	DB_PARAMS_MAX = 64,
	DB_STATEMENT_MS = 30000, /**< statement_timeout unless args say else */
	DB_WAITING_MAX = 4096, /**< Queries that may wait for their answers */
	DB_LISTEN_MAX = 8,
	DB_CHANNEL_SIZE =
		160, /**< More than "LISTEN " and a name's 63 bytes */
	DB_COPY_MAX = 1 << 20, /**< Bytes of one db_copy_data() */
};

/** Once each time it changes. Up: usable, the session is set up. Down: why. */
typedef void(db_state_h)(bool up, const char *why, void *arg);
/** NOTIFY on a channel that args name */
typedef void(db_notify_h)(const char *channel, const char *payload, void *arg);

struct db_args {
	struct ev *ev;
	const char *conninfo;
	const char *password_file; /**< NULL or "": none */
	const char *application;   /**< application_name: "tandem billingd" */
	const char *const *listen; /**< Channels; NULL-terminated; NULL: none;
				      it stays the caller's and alive */
	uint32_t statement_ms;     /**< 0: DB_STATEMENT_MS */
	db_state_h *stateh;
	db_notify_h *notifyh;
	void *arg;
	const struct log *log;
};

/** The password file is read whenever the connection is opened.
 *  @return 0, ENOMEM, EINVAL: libpq cannot read the conninfo, or channels are
 *          too many or too long */
int db_alloc(struct db **dbp, const struct db_args *args);
/** What waits is answered with ECANCELED */
struct db *db_free(struct db *db);

bool db_is_up(const struct db *db);

/** A result while its handler runs */
struct db_result;

size_t db_rows(const struct db_result *r);
size_t db_columns(const struct db_result *r);
/** NULL if the value is NULL */
const char *db_text(const struct db_result *r, size_t row, size_t column);
/** Rows an INSERT, UPDATE or DELETE changed */
uint64_t db_affected(const struct db_result *r);

/** How a query ended. err: 0, or ENOTCONN, ETIMEDOUT, ECANCELED, EEXIST
 *  (unique), EINVAL (check, foreign key, syntax of a value: why is the
 *  server's words), EIO. r is NULL if err. */
typedef void(db_done_h)(int err, const struct db_result *r, const char *why,
			void *arg);

struct db_statement {
	const char *sql;
	const char *const *params; /**< Texts; a NULL entry is NULL */
	size_t paramc;
};

/** h may be NULL: nobody wants to know.
 *  @return 0: h will be called, exactly once, not from in here; ENOTCONN,
 *          ENOMEM, ENOBUFS (too many wait), EINVAL (more than DB_PARAMS_MAX):
 *          it will not */
int db_query(struct db *db, const struct db_statement *statement, db_done_h *h,
	     void *arg);

/** h is called once: with the last statement's result, or what failed first */
int db_transaction(struct db *db, const struct db_statement *statements,
		   size_t statementc, db_done_h *h, void *arg);

/** As db_query(), rows in pieces as they arrive: each calls h with err EAGAIN
 *  and up to some hundred rows; the last with 0 and none, or with what failed.
 *  Nothing more is gathered. */
int db_stream(struct db *db, const struct db_statement *statement,
	      db_done_h *h, void *arg);

/**
 * COPY ... FROM STDIN, on a connection that does nothing else meanwhile:
 * begin, then data as often as wanted, then end. Queries that come meanwhile
 * wait; one COPY at a time.
 *
 * sql may be several statements, one of them the COPY, without parameters:
 * they are one transaction, and done gets the last one's result. ready is
 * called when the first data can be taken. done is called once, with ECANCELED
 * if it was given up. statement_ms is not for the whole of it: it ends when
 * nothing moves for as long, as a silent server does.
 *
 * @return of db_copy_begin(): as db_query(), and EBUSY: there is one;
 *         of db_copy_data(): 0, or EAGAIN: not taken, ready is called when
 *         there is room; ECANCELED: there is no COPY any more, done was or
 *         will be called; EINVAL: more than DB_COPY_MAX;
 *         of db_copy_end(): 0 or ECANCELED
 */
typedef void(db_ready_h)(void *arg);
int db_copy_begin(struct db *db, const char *sql, db_ready_h *ready,
		  db_done_h *done, void *arg);
/** As db_copy_begin(); sql has this many COPY streams: ready is called when
 * each of them can take its first data, and each is ended. */
int db_copies_begin(struct db *db, const char *sql, unsigned copies,
		    db_ready_h *ready, db_done_h *done, void *arg);
int db_copy_data(struct db *db, const void *data, size_t len);
/** why: NULL to end it well, else it is given up */
int db_copy_end(struct db *db, const char *why);

#endif
