/**
 * @file shared/db/db_query.c  Jobs: taken, sent, their results read, answered
 *
 * What the pipeline holds for a job, and so what comes back:
 *
 *     query, stream   statement, sync
 *     transaction     BEGIN, statement ..., sync, COMMIT, sync
 *
 * A statement that fails makes the server skip everything up to the next
 * sync. So COMMIT has a sync of its own: it is reached either way, and in a
 * transaction that has failed it rolls back; the job behind it finds the
 * connection as it should be.
 *
 * A handler is called when its last sync has come, not before: the COMMIT of a
 * single statement is in the sync.
 */
#include <errno.h>
#include <stdlib.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/db/db_parts.h"


static void jobs_add(struct jobs *jobs, struct job *job)
{
	job->next = NULL;
	if (jobs->last)
		jobs->last->next = job;
	else
		jobs->first = job;
	jobs->last = job;
	jobs->count++;
}


static struct job *jobs_take(struct jobs *jobs)
{
	struct job *job = jobs->first;

	if (!job)
		return NULL;

	jobs->first = job->next;
	if (!jobs->first)
		jobs->last = NULL;
	jobs->count--;

	return job;
}


struct job *job_alloc(enum job_kind kind, db_done_h *h, void *arg)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;

	job->kind = kind;
	job->h = h;
	job->arg = arg;

	return job;
}


static struct job *job_free(struct job *job)
{
	if (!job)
		return NULL;

	free(job->kept);
	free(job);

	return NULL;
}


static void job_answer(struct job *job, int err, const struct db_result *r,
		       const char *why)
{
	if (job->h)
		job->h(err, r, why, job->arg);
	job_free(job);
}


/* Sending */

static bool statement_send(PGconn *conn, const struct db_statement *s)
{
	return PQsendQueryParams(conn, s->sql, (int)s->paramc, NULL, s->params,
				 NULL, NULL, 0) == 1;
}


static bool text_send(PGconn *conn, const char *sql)
{
	const struct db_statement s = { sql, NULL, 0 };

	return statement_send(conn, &s);
}


/* Each statement's result is asked for: the server would keep them all until
 * the sync, and be silent for as long as all together take. */
static bool transaction_send(PGconn *conn,
			     const struct db_statement *statements,
			     size_t statementc)
{
	bool ok = text_send(conn, "BEGIN");

	for (size_t i = 0; i < statementc && ok; i++)
		ok = statement_send(conn, &statements[i]) &&
		     PQsendFlushRequest(conn) == 1;

	return ok && PQpipelineSync(conn) == 1 && text_send(conn, "COMMIT") &&
	       PQpipelineSync(conn) == 1;
}


static bool job_send(struct db *db, const struct job *job,
		     const struct db_statement *statements, size_t statementc)
{
	if (job->kind == JOB_TRANSACTION)
		return transaction_send(db->conn, statements, statementc);
	if (job->kind == JOB_COPY)
		return copy_send(db, job);

	return statement_send(db->conn, statements) &&
	       PQpipelineSync(db->conn) == 1;
}


/* libpq wants to know that rows come singly when a query is the first, and
 * before it has looked at any answer. */
static void first_begins(struct db *db)
{
	bool ok = true;

	if (db->sent.first && db->sent.first->kind == JOB_STREAM)
		ok = PQsetSingleRowMode(db->conn) == 1;
	if (!ok)
		db_break(db, "rows cannot come singly");
}


static bool may_send(const struct db *db, const struct job *job)
{
	if (db->is_broken)
		return false;
	if (db->sent.first && db->sent.first->kind == JOB_COPY)
		return false;

	return job->kind != JOB_COPY || db->sent.count == 0;
}


static void send_now(struct db *db, struct job *job,
		     const struct db_statement *statements, size_t statementc)
{
	const bool is_first = db->sent.count == 0;

	jobs_add(&db->sent, job);
	if (!job_send(db, job, statements, statementc))
		db_break(db, PQerrorMessage(db->conn));
	else if (is_first)
		first_begins(db);
	if (is_first)
		db_moved(db);
}


void db_pump(struct db *db)
{
	bool is_sent = false;

	while (db->waiting.first && may_send(db, db->waiting.first)) {
		struct job *job = jobs_take(&db->waiting);

		send_now(db, job, job->kept->statements,
			 job->kept->statementc);
		free(job->kept);
		job->kept = NULL;
		is_sent = true;
	}
	if (is_sent)
		db_flush(db);
}


int db_take(struct db *db, struct job *job,
	    const struct db_statement *statements, size_t statementc)
{
	int err;

	job->statementc = statementc;
	if (!db->waiting.first && may_send(db, job) && job->kind != JOB_COPY) {
		send_now(db, job, statements, statementc);
		db_flush(db);
		return 0;
	}

	err = db_kept_alloc(&job->kept, statements, statementc);
	if (err) {
		job_free(job);
		return err;
	}
	jobs_add(&db->waiting, job);
	db_pump(db);

	return 0;
}


int db_takes(const struct db *db)
{
	if (!db_is_up(db))
		return ENOTCONN;
	if (db->sent.count + db->waiting.count >= DB_WAITING_MAX)
		return ENOBUFS;

	return 0;
}


static int take(struct db *db, enum job_kind kind,
		const struct db_statement *statements, size_t statementc,
		db_done_h *h, void *arg)
{
	struct job *job;
	int err = db_takes(db);

	if (err)
		return err;

	for (size_t i = 0; i < statementc; i++) {
		if (statements[i].paramc > DB_PARAMS_MAX)
			return EINVAL;
	}

	job = job_alloc(kind, h, arg);
	if (!job)
		return ENOMEM;

	return db_take(db, job, statements, statementc);
}


int db_query(struct db *db, const struct db_statement *statement, db_done_h *h,
	     void *arg)
{
	return take(db, JOB_QUERY, statement, 1, h, arg);
}


int db_transaction(struct db *db, const struct db_statement *statements,
		   size_t statementc, db_done_h *h, void *arg)
{
	if (statementc == 0)
		return EINVAL;

	return take(db, JOB_TRANSACTION, statements, statementc, h, arg);
}


int db_stream(struct db *db, const struct db_statement *statement,
	      db_done_h *h, void *arg)
{
	return take(db, JOB_STREAM, statement, 1, h, arg);
}


/* Reading */

void reading_fail(struct reading *reading, int err, const char *why)
{
	if (reading->err)
		return; /* what comes later only follows from it */

	reading->err = err;
	db_why_copy(reading->why, sizeof(reading->why), why);
}


void reading_fail_as(struct reading *reading, const PGresult *res)
{
	char why[DB_WHY_MAX];
	const int err = db_result_error(why, sizeof(why), res);

	reading_fail(reading, err, why);
}


void reading_clear(struct reading *reading)
{
	PQclear(reading->answer);
	for (size_t i = 0; i < reading->rowc; i++)
		PQclear(reading->rows[i]);
	reading->answer = NULL;
	reading->rowc = 0;
	reading->statement = 0;
	reading->syncc = 0;
	reading->is_gap = false;
	reading->err = 0;
	reading->why[0] = '\0';
}


/* The rows are taken off first: the handler may free the connection. */
static void piece_give(struct db *db, const struct job *job)
{
	PGresult *rows[DB_PIECE_ROWS];
	const size_t rowc = db->reading.rowc;
	const struct db_result r = { rows, rowc, true };

	if (rowc == 0)
		return;

	for (size_t i = 0; i < rowc; i++)
		rows[i] = db->reading.rows[i];
	db->reading.rowc = 0;
	if (job->h)
		job->h(EAGAIN, &r, "", job->arg);
	for (size_t i = 0; i < rowc; i++)
		PQclear(rows[i]);
}


/* The job is still in the list while a piece is given: db_free() from the
 * handler answers it. */
static void row_read(struct db *db, const struct job *job, PGresult *res)
{
	struct reading *reading = &db->reading;

	reading->rows[reading->rowc++] = res;
	if (reading->rowc == DB_PIECE_ROWS)
		piece_give(db, job);
}


/* Which of its statements' results a job is answered with: the only one, or
 * the last before COMMIT */
static bool is_answer(const struct job *job, size_t statement)
{
	return statement ==
	       (job->kind == JOB_TRANSACTION ? job->statementc : 0);
}


static void good_read(struct db *db, const struct job *job, PGresult *res)
{
	struct reading *reading = &db->reading;

	if (!is_answer(job, reading->statement)) {
		PQclear(res);
		return;
	}

	PQclear(reading->answer);
	reading->answer = res;
	if (job->kind == JOB_STREAM)
		piece_give(db, job);
}


/* One NULL follows each statement; more than that are none of ours. */
static void gap_read(struct db *db)
{
	if (db->reading.is_gap)
		db_break(db, "the server's answers are out of step");
	db->reading.is_gap = true;
	db->reading.statement++;
}


static void sync_come(struct db *db, const struct job *job, PGresult *res)
{
	const uint32_t syncc = job->kind == JOB_TRANSACTION ? 2 : 1;

	PQclear(res);
	db->reading.syncc++;
	if (db->reading.syncc == syncc)
		db_finish(db);
}


static void skipped(struct db *db, const struct job *job, PGresult *res)
{
	(void)db;
	(void)job;
	PQclear(res);
}


static void copy_come(struct db *db, const struct job *job, PGresult *res)
{
	(void)job;
	PQclear(res);
	reading_fail(&db->reading, EINVAL, "a COPY is not a query");
	db_break(db, "a COPY as a query");
}


static void failed(struct db *db, const struct job *job, PGresult *res)
{
	(void)job;
	reading_fail_as(&db->reading, res);
	PQclear(res);
}


typedef void(result_h)(struct db *db, const struct job *job, PGresult *res);

static result_h *const results[] = {
	[PGRES_EMPTY_QUERY] = good_read,    [PGRES_COMMAND_OK] = good_read,
	[PGRES_TUPLES_OK] = good_read,      [PGRES_SINGLE_TUPLE] = row_read,
	[PGRES_COPY_IN] = copy_come,        [PGRES_COPY_OUT] = copy_come,
	[PGRES_COPY_BOTH] = copy_come,      [PGRES_PIPELINE_SYNC] = sync_come,
	[PGRES_PIPELINE_ABORTED] = skipped,
};


static void result_read(struct db *db, const struct job *job, PGresult *res)
{
	const size_t status = (size_t)PQresultStatus(res);
	result_h *const h = status < COUNT_OF(results) ? results[status]
						       : NULL;

	db->reading.is_gap = false;
	(h ? h : failed)(db, job, res);
}


void db_read(struct db *db)
{
	while (db->sent.first && !db->is_broken &&
	       db->copy.state != COPY_OPEN && !PQisBusy(db->conn)) {
		struct job *job = db->sent.first;
		PGresult *res = PQgetResult(db->conn);

		db_mind_socket(db);
		if (job->kind == JOB_COPY)
			copy_read(db, res);
		else if (res)
			result_read(db, job, res);
		else
			gap_read(db);
	}
}


/* The next job begins before the handler can ask for another one, and what was
 * read is taken off: the handler may free the connection. */
void db_finish(struct db *db)
{
	struct job *job = jobs_take(&db->sent);
	PGresult *answer = db->reading.answer;
	const struct db_result r = { &answer, 1, false };
	const int err = db->reading.err;
	char why[DB_WHY_MAX];

	(void)text_print(why, sizeof(why), "%s", db->reading.why);
	db->reading.answer = NULL;
	reading_clear(&db->reading);
	first_begins(db);

	if (!err && !answer)
		job_answer(job, EIO, NULL, "the server gave no result");
	else
		job_answer(job, err, err ? NULL : &r, why);
	PQclear(answer);

	if (db->conn)
		db_pump(db);
}


void db_answer_all(struct db *db, int err, const char *why)
{
	struct job *job;

	while ((job = jobs_take(&db->sent)) || (job = jobs_take(&db->waiting)))
		job_answer(job, err, NULL, why);
}
