/**
 * @file test/component/dbtalk.c  A connection that does as it is told
 *
 *     dbtalk CONNINFO [OPTION=VALUE ...]
 *
 * Commands are lines of standard input, a word and then what it needs; what
 * happens is a line of standard output. Parameters are separated by "|", "\N"
 * is NULL.
 *
 *     query SQL|PARAM...      answer N ERR WHY|AFFECTED|VALUE|VALUE...
 *     many COUNT SQL          as many queries; refused COUNT
 *     transaction SQL;;SQL    answer
 *     stream SQL              piece N ROWS ...; answer
 *     copy ROWS SQL           "held back" when it must wait the first time,
 *                             "copied" when the data has ended; answer
 *     giveup ROWS SQL         the same, but not ended well
 *     again SQL               its handler asks it again; answer
 *     free SQL                its handler frees the connection
 *     quit
 *
 * N numbers the commands from 1. Unasked: up, down WHY, notify CHANNEL TEXT,
 * refused N ERR.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/db/db.h"
#include "shared/ev/ev.h"

enum {
	LINE_SIZE = 1 << 16,
	STATEMENTS_MAX = 64,
	LISTEN_MAX = 4,
};

struct talk {
	struct ev *ev;
	struct db *db;
	struct ev_watch *in;
	char line[LINE_SIZE];
	size_t len;
	unsigned asked;
	const char *listen[LISTEN_MAX + 1];
};

/** One command under way; forgotten when it is answered */
struct ask {
	struct talk *talk;
	unsigned number;
	uint64_t rows; /**< Seen, or to be copied */
	uint64_t done;
	uint64_t refused; /**< Pieces of a COPY */
	unsigned copies;  /**< More than one */
	bool is_given_up;
	bool does_free;
	char *again; /**< Asked again when answered */
};

static const struct {
	int err;
	const char *name;
} names[] = {
	{ 0, "ok" },
	{ EINVAL, "EINVAL" },
	{ EEXIST, "EEXIST" },
	{ ENOTCONN, "ENOTCONN" },
	{ ETIMEDOUT, "ETIMEDOUT" },
	{ ECANCELED, "ECANCELED" },
	{ ENOBUFS, "ENOBUFS" },
	{ EBUSY, "EBUSY" },
	{ EIO, "EIO" },
};


static const char *name_of(int err)
{
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (names[i].err == err)
			return names[i].name;
	}

	return "other";
}


static struct ask *ask_new(struct talk *talk)
{
	struct ask *ask = calloc(1, sizeof(*ask));

	if (!ask)
		abort();
	ask->talk = talk;
	ask->number = talk->asked;

	return ask;
}


static void ask_end(struct ask *ask)
{
	free(ask->again);
	free(ask);
}


static void ask_begun(struct ask *ask, int err)
{
	if (!err)
		return;

	printf("refused %u %s\n", ask->number, name_of(err));
	ask_end(ask);
}


static void values_print(const struct db_result *r)
{
	for (size_t row = 0; row < db_rows(r); row++) {
		for (size_t c = 0; c < db_columns(r); c++) {
			const char *text = db_text(r, row, c);

			printf("|%s", text ? text : "\\N");
		}
	}
}


static void on_done(int err, const struct db_result *r, const char *why,
		    void *arg);


static int query(struct ask *ask, char *text)
{
	const char *params[DB_PARAMS_MAX];
	struct db_statement s = { text, params, 0 };
	char *rest = text;

	(void)strsep(&rest, "|");
	while (rest && s.paramc < DB_PARAMS_MAX) {
		char *param = strsep(&rest, "|");

		params[s.paramc++] = strcmp(param, "\\N") ? param : NULL;
	}

	return db_query(ask->talk->db, &s, on_done, ask);
}


static void on_done(int err, const struct db_result *r, const char *why,
		    void *arg)
{
	struct ask *ask = arg;

	printf("answer %u %s %s|%llu", ask->number, name_of(err),
	       err ? why : "", (unsigned long long)db_affected(r));
	values_print(r);
	printf("\n");

	if (ask->again) {
		struct ask *next = ask_new(ask->talk);

		ask_begun(next, query(next, ask->again));
	}
	if (ask->does_free)
		ask->talk->db = db_free(ask->talk->db);
	ask_end(ask);
}


static void command_query(struct ask *ask, char *text)
{
	ask_begun(ask, query(ask, text));
}


static void command_again(struct ask *ask, char *text)
{
	ask->again = strdup(text);
	ask_begun(ask, query(ask, text));
}


static void command_free(struct ask *ask, char *text)
{
	ask->does_free = true;
	ask_begun(ask, query(ask, text));
}


static void command_many(struct ask *ask, char *text)
{
	const struct db_statement s = { strchr(text, ' ') + 1, NULL, 0 };
	unsigned long left = strtoul(text, NULL, 10);
	unsigned refused = 0;

	for (; left > 0; left--) {
		struct ask *one = ask_new(ask->talk);

		if (db_query(ask->talk->db, &s, on_done, one)) {
			refused++;
			ask_end(one);
		}
	}
	printf("refused %u\n", refused);
	ask_end(ask);
}


static void command_transaction(struct ask *ask, char *text)
{
	struct db_statement statements[STATEMENTS_MAX];
	size_t count = 0;

	while (text && count < STATEMENTS_MAX) {
		char *next = strstr(text, ";;");

		if (next) {
			*next = '\0';
			next += 2;
		}
		statements[count++] = (struct db_statement){ text, NULL, 0 };
		text = next;
	}
	ask_begun(ask, db_transaction(ask->talk->db, statements, count,
				      on_done, ask));
}


/* Rows are numbered: that none is lost or doubled is seen here. */
static void on_piece(int err, const struct db_result *r, const char *why,
		     void *arg)
{
	struct ask *ask = arg;
	struct talk *talk = ask->talk;

	if (err != EAGAIN) {
		struct rusage usage;

		getrusage(RUSAGE_SELF, &usage);
		printf("streamed %llu rss %ld\n",
		       (unsigned long long)ask->rows, usage.ru_maxrss);
		on_done(err, r, why, arg);
		return;
	}

	printf("piece %zu\n", db_rows(r));
	for (size_t row = 0; row < db_rows(r); row++) {
		if (strtoull(db_text(r, row, 0), NULL, 10) != ++ask->rows)
			printf("out of order\n");
	}
	if (ask->does_free)
		talk->db = db_free(talk->db); /* and ask */
}


static void command_stream(struct ask *ask, char *text)
{
	const struct db_statement s = { text, NULL, 0 };

	ask_begun(ask, db_stream(ask->talk->db, &s, on_piece, ask));
}


static void command_freestream(struct ask *ask, char *text)
{
	ask->does_free = true;
	command_stream(ask, text);
}


static void on_room(void *arg)
{
	struct ask *ask = arg;

	while (ask->done < ask->rows) {
		char row[64];
		int err;

		(void)text_print(row, sizeof(row), "%llu\trow\n",
				 (unsigned long long)ask->done + 1);
		err = db_copy_data(ask->talk->db, row, strlen(row));
		if (err == EAGAIN) {
			if (ask->refused++ == 0)
				printf("held back\n");
			return;
		}
		if (err)
			return;
		ask->done++;
	}
	printf("copied %llu refused %llu\n", (unsigned long long)ask->done,
	       (unsigned long long)ask->refused);
	if (ask->copies > 0)
		ask->done = 0; /* Of the next one */
	(void)db_copy_end(ask->talk->db,
			  ask->is_given_up ? "changed my mind" : NULL);
}


static void command_copy(struct ask *ask, char *text)
{
	char *sql;

	ask->rows = strtoull(text, &sql, 10);
	ask_begun(ask,
		  db_copy_begin(ask->talk->db, sql, on_room, on_done, ask));
}


/* How many, rows of each, statements */
static void command_copies(struct ask *ask, char *text)
{
	char *rest;

	ask->copies = (unsigned)strtoul(text, &rest, 10);
	ask->rows = strtoull(rest, &rest, 10);
	ask_begun(ask, db_copies_begin(ask->talk->db, rest, ask->copies,
				       on_room, on_done, ask));
}


static void command_giveup(struct ask *ask, char *text)
{
	ask->is_given_up = true;
	command_copy(ask, text);
}


static void command_quit(struct ask *ask, char *text)
{
	(void)text;
	ev_stop(ask->talk->ev, 0);
	ask_end(ask);
}

static const struct {
	const char *name;
	void (*h)(struct ask *ask, char *text);
} commands[] = {
	{ "query", command_query },
	{ "again", command_again },
	{ "free", command_free },
	{ "many", command_many },
	{ "transaction", command_transaction },
	{ "stream", command_stream },
	{ "freestream", command_freestream },
	{ "copy", command_copy },
	{ "copies", command_copies },
	{ "giveup", command_giveup },
	{ "quit", command_quit },
};


static void command(struct talk *talk, char *line)
{
	char *text = line;
	const char *word = strsep(&text, " ");

	talk->asked++;
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		if (!strcmp(commands[i].name, word))
			commands[i].h(ask_new(talk), text);
	}
}


static void on_input(int flags, void *arg)
{
	struct talk *talk = arg;
	char *begin = talk->line, *end;
	ssize_t n;
	(void)flags;

	n = read(0, talk->line + talk->len,
		 sizeof(talk->line) - 1 - talk->len);
	if (n <= 0) {
		ev_stop(talk->ev, 0);
		return;
	}
	talk->len += (size_t)n;
	talk->line[talk->len] = '\0';

	while ((end = strchr(begin, '\n'))) {
		*end = '\0';
		command(talk, begin);
		begin = end + 1;
	}
	talk->len -= (size_t)(begin - talk->line);
	memmove(talk->line, begin, talk->len);
}


static void on_state(bool up, const char *why, void *arg)
{
	(void)arg;
	printf(up ? "up\n" : "down %s\n", why);
}


static void on_notify(const char *channel, const char *payload, void *arg)
{
	(void)arg;
	printf("notify %s %s\n", channel, payload);
}


static void option_take(struct talk *talk, struct db_args *args,
			const char *option)
{
	const char *value = strchr(option, '=') + 1;

	if (!strncmp(option, "statement_ms=", 13))
		args->statement_ms = (uint32_t)strtoul(value, NULL, 10);
	else if (!strncmp(option, "password_file=", 14))
		args->password_file = value;
	else if (!strncmp(option, "application=", 12))
		args->application = value;
	else if (!strncmp(option, "listen=", 7)) {
		size_t i = 0;

		while (talk->listen[i])
			i++;
		if (i < LISTEN_MAX)
			talk->listen[i] = value;
	}
}


int main(int argc, char *argv[])
{
	static struct talk talk;
	struct db_args args = {
		.conninfo = argc > 1 ? argv[1] : "",
		.listen = talk.listen,
		.stateh = on_state,
		.notifyh = on_notify,
		.arg = &talk,
	};
	int err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_setup("dbtalk", LOG_LEVEL_DEBUG, LOG_TEXT);
	for (int i = 2; i < argc; i++)
		option_take(&talk, &args, argv[i]);

	err = ev_alloc(&talk.ev);
	if (err)
		return 1;
	args.ev = talk.ev;
	err = db_alloc(&talk.db, &args);
	if (err) {
		printf("refused 0 %s\n", name_of(err));
		ev_free(talk.ev);
		return 0;
	}
	err = ev_watch(&talk.in, talk.ev, 0, EV_READ, on_input, &talk);
	if (!err)
		err = ev_run(talk.ev);

	ev_unwatch(talk.in);
	db_free(talk.db);
	ev_free(talk.ev);
	printf("end\n");

	return err ? 1 : 0;
}
