/**
 * @file shared/db/db_copy.c  COPY ... FROM STDIN
 *
 * libpq knows no COPY in pipeline mode. So the connection leaves it while it
 * has nothing to do, and enters it again when the COPY is over.
 *
 * The text is sent as one simple query, so its statements are one transaction.
 * A COPY lasts as long as its data: statement_timeout is off in it. What
 * bounds it is that something must move within our own deadline.
 *
 * libpq takes whatever it is given, so what it has not written yet is counted
 * here. It also looks at an error only when the data has ended.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/db/db_parts.h"

static const char no_timeout[] = "SET LOCAL statement_timeout = 0; ";


/* The statement that is kept is the whole text. */
static int take(struct db *db, const char *sql, db_done_h *done, void *arg)
{
	const size_t size = sizeof(no_timeout) + strlen(sql);
	struct db_statement statement = { NULL, NULL, 0 };
	struct job *job = NULL;
	char *text;
	int err;

	text = malloc(size);
	if (!text)
		return ENOMEM;

	err = text_print(text, size, "%s%s", no_timeout, sql);
	assert(!err);

	job = job_alloc(JOB_COPY, done, arg);
	if (!job) {
		err = ENOMEM;
		goto out;
	}
	statement.sql = text;
	err = db_take(db, job, &statement, 1);

out:
	free(text);

	return err;
}


int db_copies_begin(struct db *db, const char *sql, unsigned copies,
		    db_ready_h *ready, db_done_h *done, void *arg)
{
	int err = db_takes(db);

	if (err)
		return err;
	if (db->copy.state != COPY_NONE)
		return EBUSY;

	db->copy = (struct copy){
		.state = COPY_WAITING,
		.left = copies,
		.readyh = ready,
		.arg = arg,
	};
	err = take(db, sql, done, arg);
	if (err)
		db->copy.state = COPY_NONE;

	return err;
}


int db_copy_begin(struct db *db, const char *sql, db_ready_h *ready,
		  db_done_h *done, void *arg)
{
	return db_copies_begin(db, sql, 1, ready, done, arg);
}


bool copy_send(struct db *db, const struct job *job)
{
	db->copy.state = COPY_STARTING;

	return PQexitPipelineMode(db->conn) == 1 &&
	       PQsendQuery(db->conn, job->kept->statements[0].sql) == 1;
}


static void end(struct db *db)
{
	const struct copy *copy = &db->copy;

	if (PQputCopyEnd(db->conn, copy->is_given_up ? copy->why : NULL) != 1)
		db_break(db, PQerrorMessage(db->conn));
	db->copy.state = COPY_ENDING;
	db_flush(db);
}


int db_copy_data(struct db *db, const void *data, size_t len)
{
	struct copy *copy = &db->copy;

	if (len > DB_COPY_MAX)
		return EINVAL;
	if (copy->state == COPY_NONE || copy->is_ended || db->is_broken)
		return ECANCELED;

	if (copy->state == COPY_OPEN && copy->bytes >= DB_COPY_ROOM) {
		db_flush(db);
		if (!db->is_full)
			copy->bytes = 0;
	}
	if (copy->state != COPY_OPEN || copy->bytes >= DB_COPY_ROOM) {
		copy->is_refused = true;
		return EAGAIN;
	}

	if (PQputCopyData(db->conn, data, (int)len) != 1) {
		db_break(db, PQerrorMessage(db->conn));
		return ECANCELED;
	}
	copy->bytes += len;
	db_moved(db);

	return 0;
}


int db_copy_end(struct db *db, const char *why)
{
	struct copy *copy = &db->copy;

	if (copy->state == COPY_NONE || copy->is_ended)
		return ECANCELED;

	copy->is_ended = true;
	if (why) {
		copy->is_given_up = true;
		db_why_copy(copy->why, sizeof(copy->why), why);
	}
	if (copy->state == COPY_OPEN && !db->is_broken)
		end(db);

	return 0;
}


void copy_go_on(struct db *db)
{
	struct copy *copy = &db->copy;

	if (copy->state != COPY_OPEN || !copy->is_refused || db->is_full ||
	    db->is_broken)
		return;

	copy->bytes = 0;
	copy->is_refused = false;
	copy->readyh(copy->arg);
}


static void in_read(struct db *db)
{
	struct copy *copy = &db->copy;

	if (copy->left == 0) {
		reading_fail(&db->reading, EINVAL, "a COPY too many");
		copy->is_given_up = true;
		copy->is_ended = true;
	}
	else {
		copy->left--;
		copy->is_ended = copy->is_given_up;
	}
	copy->state = COPY_OPEN;
	if (copy->is_ended) {
		end(db);
		return;
	}
	copy->is_refused = true;
	copy_go_on(db);
}


/* Back to the pipeline: what waited is sent by db_finish(). */
static void over(struct db *db)
{
	struct copy *copy = &db->copy;
	struct reading *reading = &db->reading;

	if (copy->state == COPY_STARTING)
		reading_fail(reading, EINVAL, "that was no COPY FROM STDIN");
	if (copy->is_given_up && reading->err) {
		reading->err = 0;
		reading_fail(reading, ECANCELED, copy->why);
	}
	copy->state = COPY_NONE;
	if (!PQenterPipelineMode(db->conn))
		db_break(db, PQerrorMessage(db->conn));
	db_finish(db);
}


static void good_read(struct db *db, PGresult *res)
{
	PQclear(db->reading.answer);
	db->reading.answer = res;
}


static void in_come(struct db *db, PGresult *res)
{
	PQclear(res);
	in_read(db);
}


static void out_come(struct db *db, PGresult *res)
{
	PQclear(res);
	db_break(db, "a COPY in the wrong direction");
}


static void failed(struct db *db, PGresult *res)
{
	reading_fail_as(&db->reading, res);
	PQclear(res);
}


typedef void(result_h)(struct db *db, PGresult *res);

static result_h *const results[] = {
	[PGRES_EMPTY_QUERY] = good_read, [PGRES_COMMAND_OK] = good_read,
	[PGRES_TUPLES_OK] = good_read,   [PGRES_COPY_IN] = in_come,
	[PGRES_COPY_OUT] = out_come,     [PGRES_COPY_BOTH] = out_come,
};


void copy_read(struct db *db, PGresult *res)
{
	const size_t status = (size_t)PQresultStatus(res);
	result_h *h;

	if (!res) {
		over(db);
		return;
	}

	h = status < COUNT_OF(results) ? results[status] : NULL;
	(h ? h : failed)(db, res);
}
