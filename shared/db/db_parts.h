/**
 * @file shared/db/db_parts.h  What the files of the database share
 *
 * Nobody else includes this, tests aside.
 *
 *     db.c            the connection: opened, lost, opened again; the loop
 *     db_session.c    how a connection begins: parameters, set-up
 *     db_conninfo.c   what is known about the text of a conninfo
 *     db_query.c      jobs: taken, sent, their results read, answered
 *     db_copy.c       the job that is a COPY
 *     db_statement.c  statements kept until they can be sent
 *     db_result.c     what the server answered, in our terms
 *
 * What is asked is a job. Jobs are sent as they come, in libpq's pipeline
 * mode, and read in the same order: only the first of those sent has results.
 * A COPY is alone on the connection, outside pipeline mode: it waits until
 * what was sent is answered, and what comes later waits for it.
 */
#ifndef TANDEM_DB_DB_PARTS_H
#define TANDEM_DB_DB_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "shared/base/backoff.h"
#include "shared/db/db.h"
#include "shared/ev/ev.h"

enum {
	DB_CONNECT_MS = 5000, /**< From the first byte to a session set up */
	DB_SILENCE_MS = 5000, /**< Longer than statement_ms: it is dead */
	DB_BACKOFF_FIRST_MS = 100,
	DB_BACKOFF_MOST_MS = 5000,
	DB_PIECE_ROWS = 256,      /**< Of a stream, in one call */
	DB_COPY_ROOM = 256 << 10, /**< Bytes of a COPY that wait to be sent */
	DB_PASSWORD_SIZE = 1024,
	DB_HOSTS_SIZE = 1024,
};

/* Statements kept */

/** One block of memory, with what the statements point to */
struct db_kept {
	size_t statementc;
	struct db_statement statements[];
};

/** Their texts are bounded by memory alone. @return 0, ENOMEM, EOVERFLOW */
int db_kept_alloc(struct db_kept **keptp,
		  const struct db_statement *statements, size_t statementc);

/* The text of a conninfo */

/** Can libpq read it? What it would say if not may quote a password, so only
 *  that it cannot is told. @return 0, EINVAL, ENOMEM */
int db_conninfo_check(const char *conninfo);

/** The value of an option, turned as db_list_turn() does; "" if it has none
 *  @return 0, EOVERFLOW, ENOMEM */
int db_conninfo_turned(char *dst, size_t size, const char *conninfo,
		       const char *option, uint32_t by);

/** "a,b,c" turned by 1 is "b,c,a" @return 0, EOVERFLOW */
int db_list_turn(char *dst, size_t size, const char *list, uint32_t by);

/** The first line of a file; dst is to be wiped
 *  @return 0, EOVERFLOW, otherwise errorcode of reading it */
int db_password_read(char *dst, size_t size, const char *path);

/* Results */

struct db_result {
	PGresult *const *parts; /**< One, or of a stream one a row */
	size_t partc;
	bool is_piece;
};

/** What a SQLSTATE (or NULL) means to us */
int db_sqlstate_errno(const char *sqlstate);

/** Errno and words of a result that is an error */
int db_result_error(char *why, size_t size, const PGresult *res);

/** The first line, cut where a character ends; never empty */
void db_why_copy(char *why, size_t size, const char *text);

/* Jobs */

enum job_kind {
	JOB_QUERY,
	JOB_TRANSACTION,
	JOB_STREAM,
	JOB_COPY,
};

struct job {
	struct job *next;
	enum job_kind kind;
	size_t statementc;
	struct db_kept *kept; /**< While it is not sent */
	db_done_h *h;
	void *arg;
};

struct jobs {
	struct job *first;
	struct job *last;
	size_t count;
};

/** How far the first of those sent is read */
struct reading {
	size_t statement; /**< Whose results come now */
	uint32_t syncc;   /**< That have come */
	bool is_gap;      /**< The last was the NULL between two statements */
	int err;          /**< What failed first */
	char why[DB_WHY_MAX];
	PGresult *answer;
	PGresult *rows[DB_PIECE_ROWS];
	size_t rowc;
};

/* The connection */

enum db_phase {
	DB_DOWN, /**< The timer opens it again */
	DB_CONNECTING,
	DB_SETTING_UP, /**< The session */
	DB_UP,
};

enum db_told {
	DB_TOLD_NONE,
	DB_TOLD_DOWN,
	DB_TOLD_UP,
};

enum copy_state {
	COPY_NONE,
	COPY_WAITING,  /**< For what was sent before */
	COPY_STARTING, /**< Sent, not answered */
	COPY_OPEN,     /**< Takes data */
	COPY_ENDING,   /**< Only its result is missing */
};

struct copy {
	enum copy_state state;
	unsigned left; /**< Of several, that have not begun */
	db_ready_h *readyh;
	void *arg;
	bool is_refused;  /**< Somebody waits for room */
	bool is_ended;    /**< By its owner, maybe before it began */
	bool is_given_up; /**< And not well */
	size_t bytes;     /**< Since all was sent last */
	char why[DB_WHY_MAX];
};

struct db {
	struct ev *ev;
	const struct log *log;
	char *conninfo;
	char *password_file; /**< NULL: none */
	char *application;
	const char *const *listen; /**< NULL: none */
	uint32_t statement_ms;
	db_state_h *stateh;
	db_notify_h *notifyh;
	void *arg;

	enum db_phase phase;
	enum db_told told;
	struct backoff backoff;
	uint32_t turn;          /**< Hosts are tried from this one on */
	PGconn *conn;           /**< NULL: none */
	struct ev_watch *watch; /**< Of its socket */
	bool is_full;           /**< Something waits to be written */
	bool is_broken;         /**< Lost, but who noticed may not say so */
	char broken_why[DB_WHY_MAX];
	struct ev_timer timer; /**< Until it is set up; or until opened again */
	struct ev_timer silence; /**< Nothing moves */
	struct ev_timer again;   /**< Look in the next turn */

	struct jobs sent;
	struct jobs waiting;
	struct reading reading;
	struct copy copy;

	uint32_t depth; /**< Calls from the loop that are under way */
	bool is_gone;   /**< Freed when the last of them returns */
};

/* db.c */

/** The connection is of no use any more, found where no handler may be called:
 *  in the next turn it is given up */
void db_break(struct db *db, const char *why);

/** Write what can be written, watch for the rest */
void db_flush(struct db *db);

/** Something moved: it is not dead yet, and need not be looked at if nothing
 *  is expected */
void db_moved(struct db *db);

/** libpq closes the socket itself when it fails: then nobody may watch it, its
 *  number may soon be another's */
void db_mind_socket(struct db *db);

/** The session is set up, or cannot be */
void db_session_ready(struct db *db);
void db_lost(struct db *db, const char *why);

/* db_session.c */

/** Begin to connect; the first db->conn is made. @return 0, or errorcode with
 *  why */
int db_session_open(struct db *db, char *why, size_t size);

/** It is connected: set it up, db_session_ready() or db_lost() follows */
void db_session_begin(struct db *db);

/* db_query.c */

struct job *job_alloc(enum job_kind kind, db_done_h *h, void *arg);

/** Take a job that is whole; it is sent as soon as may be. Its statements are
 *  kept only if they must wait. @return 0, ENOMEM */
int db_take(struct db *db, struct job *job,
	    const struct db_statement *statements, size_t statementc);

/** May it be taken? @return 0, ENOTCONN, ENOBUFS */
int db_takes(const struct db *db);

/** Send what waits, if it may */
void db_pump(struct db *db);

/** Read all that has come */
void db_read(struct db *db);

/** The first of those sent is over: answer it with what was read */
void db_finish(struct db *db);

/** Note the first failure */
void reading_fail(struct reading *reading, int err, const char *why);
void reading_fail_as(struct reading *reading, const PGresult *res);

/** Forget all results */
void reading_clear(struct reading *reading);

/** Answer all that wait */
void db_answer_all(struct db *db, int err, const char *why);

/* db_copy.c */

/** false: the connection is of no use any more */
bool copy_send(struct db *db, const struct job *job);

/** One result of a COPY, or the NULL at the end */
void copy_read(struct db *db, PGresult *res);

/** There is room, maybe */
void copy_go_on(struct db *db);

#endif
