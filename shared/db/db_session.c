/**
 * @file shared/db/db_session.c  How a connection begins
 *
 * Opened without waiting, names of hosts aside (db.h); then one transaction
 * sets the session up, so that it is either as we need it or not used at all.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/log.h"
#include "shared/base/secret.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/db/db_parts.h"

enum {
	PAIRS_MAX = 16,
};

struct pairs {
	const char *keys[PAIRS_MAX + 1];
	const char *values[PAIRS_MAX + 1];
	size_t count;
};

/* A connection nobody answers on is found within some 10 s even if nothing is
 * asked, only listened for; the system's defaults take hours. The conninfo
 * decides otherwise if it likes. */
static const char *const defaults[][2] = {
	{ "keepalives_idle", "5" },
	{ "keepalives_interval", "2" },
	{ "keepalives_count", "3" },
	{ "tcp_user_timeout", "10000" },
};

static const char *const turned[] = { "host", "hostaddr", "port" };


static void pair_add(struct pairs *pairs, const char *key, const char *value)
{
	assert(pairs->count < PAIRS_MAX);
	pairs->keys[pairs->count] = key;
	pairs->values[pairs->count] = value;
	pairs->count++;
}


/* The server's notices go to the log, for those who look for them: libpq
 * would write them to descriptor 2. */
static void on_notice(void *arg, const PGresult *res)
{
	const struct db *db = arg;
	char why[DB_WHY_MAX];

	(void)db_result_error(why, sizeof(why), res);
	log_debug(db->log, "db_notice words=%s", why);
}


/* Later pairs win over earlier ones, dbname is a whole conninfo and so stands
 * between what it may change and what it may not. */
static int start(struct db *db, const char *password,
		 char hosts[][DB_HOSTS_SIZE])
{
	struct pairs pairs = { .count = 0 };

	for (size_t i = 0; i < COUNT_OF(defaults); i++)
		pair_add(&pairs, defaults[i][0], defaults[i][1]);
	pair_add(&pairs, "dbname", db->conninfo);
	for (size_t i = 0; i < COUNT_OF(turned); i++) {
		if (*hosts[i])
			pair_add(&pairs, turned[i], hosts[i]);
	}
	pair_add(&pairs, "client_encoding", "UTF8");
	if (db->application)
		pair_add(&pairs, "application_name", db->application);
	if (*password)
		pair_add(&pairs, "password", password);

	db->conn = PQconnectStartParams(pairs.keys, pairs.values, 1);

	return db->conn ? 0 : ENOMEM;
}


int db_session_open(struct db *db, char *why, size_t size)
{
	char password[DB_PASSWORD_SIZE] = "";
	char hosts[COUNT_OF(turned)][DB_HOSTS_SIZE];
	int err = 0;

	for (size_t i = 0; i < COUNT_OF(turned) && !err; i++)
		err = db_conninfo_turned(hosts[i], sizeof(hosts[i]),
					 db->conninfo, turned[i], db->turn);
	if (err) {
		(void)text_print(why, size, "conninfo: %s", strerror(err));
		return err;
	}

	if (db->password_file) {
		err = db_password_read(password, sizeof(password),
				       db->password_file);
		if (err) {
			(void)text_print(why, size, "%s: %s",
					 db->password_file, strerror(err));
			goto out;
		}
	}

	err = start(db, password, hosts);
	if (err) {
		(void)text_print(why, size, "%s", strerror(err));
		goto out;
	}
	(void)PQsetNoticeReceiver(db->conn, on_notice, db);

out:
	secret_wipe(password, sizeof(password));

	return err;
}


static void on_set_up(int err, const struct db_result *r, const char *why,
		      void *arg)
{
	struct db *db = arg;
	(void)r;

	if (db->phase != DB_SETTING_UP)
		return; /* lost meanwhile, which is known */

	if (err)
		db_lost(db, why);
	else
		db_session_ready(db);
}


/* A transaction that its process cannot end, stopped in the middle, must not
 * hold its locks for ever. Dates are read by programs. */
static const char settings[] =
	"SELECT set_config('statement_timeout', $1, false), "
	"set_config('idle_in_transaction_session_timeout', $1, false), "
	"set_config('TimeZone', 'UTC', false), "
	"set_config('DateStyle', 'ISO, YMD', false), "
	"set_config('standard_conforming_strings', 'on', false)";


static int listen_print(struct db *db, char *dst, size_t size,
			const char *channel)
{
	char *name = PQescapeIdentifier(db->conn, channel, strlen(channel));
	int err;

	if (!name)
		return ENOMEM;

	err = text_print(dst, size, "LISTEN %s", name);
	PQfreemem(name);

	return err;
}


static int set_up(struct db *db)
{
	struct db_statement statements[1 + DB_LISTEN_MAX];
	char listens[DB_LISTEN_MAX][DB_CHANNEL_SIZE];
	char timeout_ms[16];
	const char *const params[] = { timeout_ms };
	size_t count = 0;
	struct job *job;
	int err = 0;

	(void)text_print(timeout_ms, sizeof(timeout_ms), "%u",
			 db->statement_ms);
	statements[count++] = (struct db_statement){ settings, params, 1 };
	for (size_t i = 0; db->listen && db->listen[i] && !err; i++) {
		err = listen_print(db, listens[i], sizeof(listens[i]),
				   db->listen[i]);
		statements[count++] = (struct db_statement){ listens[i], NULL,
							     0 };
	}
	if (err)
		return err;

	job = job_alloc(JOB_TRANSACTION, on_set_up, db);
	if (!job)
		return ENOMEM;

	return db_take(db, job, statements, count);
}


void db_session_begin(struct db *db)
{
	int err;

	db->phase = DB_SETTING_UP;
	if (PQsetnonblocking(db->conn, 1) || !PQenterPipelineMode(db->conn)) {
		db_lost(db, PQerrorMessage(db->conn));
		return;
	}

	err = set_up(db);
	if (err)
		db_lost(db, strerror(err));
}
