/**
 * @file billingd/change.c  A change of the configuration, from command to force
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/change.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/shm/life.h"

enum {
	STATEMENTS_MAX = 256
};

struct change {
	struct billingd *b;
	struct admin_ticket ticket;
	struct db_statement statements[STATEMENTS_MAX];
	size_t statementc;
	bool short_of_memory;
	bool too_many;
	json_t *rows;
	json_t *more;
	char about[160];
};

static const char sql_operator[] =
	"select set_config('tandem.operator', $1, true)";
static const char sql_version[] =
	"select split_part(coalesce(current_setting('tandem.config_version', "
	"true), ''), ':', 2)";


static void statement_free(struct db_statement *s)
{
	free(unconst(s->sql));
	for (size_t i = 0; i < s->paramc; i++)
		free(unconst(s->params[i]));
	free((void *)unconst((const char *)(const void *)s->params));
}


void change_drop(struct change *c)
{
	for (size_t i = 0; i < c->statementc; i++)
		statement_free(&c->statements[i]);
	json_decref(c->rows);
	json_decref(c->more);
	free(c);
}


struct change *change_begin(struct billingd *b, struct admin_answer *answer)
{
	struct change *c;

	if (!billingd_has_database(b)) {
		(void)admin_refuse(
			answer, "unavailable",
			feed_database(b->feed) == LIFE_DATABASE_OLD
				? "the database is to be migrated first: run "
				  "'tandemctl db migrate'"
				: "the database is not reachable: the "
				  "configuration cannot be changed now");
		return NULL;
	}

	c = calloc(1, sizeof(*c));
	if (!c) {
		(void)admin_refuse(answer, "failed", "out of memory");
		return NULL;
	}
	c->b = b;
	c->ticket = answer->asker->ticket;
	change_add(c, sql_operator, (const char *[]){ answer->asker->name },
		   1);

	return c;
}


static int statement_copy(struct db_statement *s, const char *sql,
			  const char *const *texts, size_t paramc)
{
	char **copies = calloc(paramc + 1, sizeof(*copies));

	if (!copies)
		return ENOMEM;

	s->params = (const char *const *)copies;
	s->paramc = paramc;
	s->sql = strdup(sql);
	if (!s->sql)
		return ENOMEM;
	for (size_t i = 0; i < paramc; i++) {
		if (!texts[i])
			continue;
		copies[i] = strdup(texts[i]);
		if (!copies[i])
			return ENOMEM;
	}

	return 0;
}


void change_add(struct change *c, const char *sql, const char *const *texts,
		size_t paramc)
{
	if (c->statementc == STATEMENTS_MAX - 1) {
		c->too_many = true;
		return;
	}
	if (statement_copy(&c->statements[c->statementc++], sql, texts,
			   paramc))
		c->short_of_memory = true;
}


void change_answer(struct change *c, json_t *rows, json_t *more)
{
	json_decref(c->rows);
	json_decref(c->more);
	c->rows = rows;
	c->more = more;
}


void change_about(struct change *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->about, sizeof(c->about), fmt, ap);
	va_end(ap);
}


/* Ends it: the answer is sent. */
static void answer_now(struct change *c, struct admin_answer *answer)
{
	answer->rows = c->rows;
	answer->more = c->more;
	c->rows = c->more = NULL;
	svc_answer(c->b->svc, c->ticket, answer);
	change_drop(c);
}


static void on_force(int err, void *arg)
{
	struct change *c = arg;
	struct admin_answer answer = { .rows = NULL };
	const char *why;

	if (err == EINVAL) {
		why = feed_refusal(c->b->feed);
		(void)admin_refuse(&answer, "refused",
				   "it is stored but not in force: %s; "
				   "'tandemctl revert' undoes it",
				   why ? why : "the catalog refuses it");
	}
	else if (err == ETIMEDOUT && c->more) {
		(void)json_object_set_new(
			c->more, "note",
			json_string("stored; it is not in force yet"));
	}
	answer_now(c, &answer);
}


/* The words of the database where it has some; what is wrong first */
static void refuse(struct change *c, struct admin_answer *answer, int err,
		   const char *why)
{
	const char *code = err == EEXIST   ? "exists"
			   : err == EINVAL ? "invalid_value"
			   : err == ENOTCONN || err == ETIMEDOUT
				   ? "unavailable"
				   : "failed";

	(void)admin_refuse(answer, code, "%s%s%s", c->about,
			   c->about[0] ? ": " : "",
			   why && why[0] ? why : strerror(err));
}


static void on_done(int err, const struct db_result *r, const char *why,
		    void *arg)
{
	struct change *c = arg;
	struct admin_answer answer = { .rows = NULL };
	uint64_t version = 0;

	if (err) {
		refuse(c, &answer, err, why);
		answer_now(c, &answer);
		return;
	}

	/* Empty: what was asked for was so already. */
	if (db_text(r, 0, 0)[0])
		(void)text_u64(&version, text_of(db_text(r, 0, 0)), 0,
			       INT64_MAX);
	if (!c->more)
		c->more = json_object();
	(void)json_object_set_new(
		c->more, "version",
		json_integer(
			(json_int_t)(version ? version
					     : feed_version(c->b->feed))));
	if (version == 0 || feed_wait(c->b->feed, version, on_force, c))
		answer_now(c, &answer);
}


int change_run(struct change *c, struct admin_answer *answer)
{
	int err = c->short_of_memory ? ENOMEM : 0;

	if (c->too_many) {
		change_drop(c);
		return admin_refuse(answer, "too_large",
				    "more than %d changes in one command: use "
				    "import",
				    STATEMENTS_MAX);
	}
	if (!err) {
		change_add(c, sql_version, NULL, 0);
		err = c->short_of_memory
			      ? ENOMEM
			      : db_transaction(c->b->db, c->statements,
					       c->statementc, on_done, c);
	}
	if (err) {
		refuse(c, answer, err, NULL);
		change_drop(c);
		return err;
	}
	answer->later = true;

	return 0;
}
