/**
 * @file billingd/main.c  Database, catalog, rating and records
 *
 * What billingd owns, the order it is brought up in, and what it does when it
 * is asked to stop. The catalog comes first, from where it can be had: what a
 * predecessor published, the copy on disk, the defaults; so that the others
 * can start whether PostgreSQL is there or not. The feed follows the database
 * from then on. Calls are let in and recorded (dispatch.c); charging for them
 * comes with a later release.
 *
 * Everything else a daemon does (options, log, rights, bus, readiness,
 * metrics, adoption) is the same for all: shared/svc/svc.c.
 */
#include <errno.h>
#include <string.h>

#include "billingd/billingd.h"
#include "shared/base/secret.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/catalog/build.h"
#include "shared/shm/life.h"

/* By CreditWhy, and by enum record_rule from the first rule on */
static const char *const label_answer[] = { "granted", "balance", "locked",
					    "no_rate", "limit",   "error" };
static const char *const label_rule[] = { "no_cdr", "illegal", "zero",
					  "server_hangup" };
/* By enum billingd_grants and enum billingd_db_operation */
static const char *const label_result[] = { "full", "part", "refused" };
static const char *const label_operation[] = { "store", "lease", "command" };
#define LABELS_ANSWER    LABELS_ONE("answer", label_answer)
#define LABELS_RULE      LABELS_ONE("rule", label_rule)
#define LABELS_RESULT    LABELS_ONE("result", label_result)
#define LABELS_OPERATION LABELS_ONE("operation", label_operation)

static const struct metric_def metrics[] = {
#define METRIC(kind, id, name, labels, help) \
	{ METRIC_##kind, name, labels, help },
#include "billingd/metrics.def"
#undef METRIC
};

/* clang-format off */
static const struct svc_segment segments[] = {
	{ "catalog", CATALOG_MAGIC, CATALOG_VERSION, CATALOG_SLOT_SIZE, true },
};
/* clang-format on */

/* What publishing, the copy on disk, the journal, OpenSSL and libpq need */
static const char *const syscalls[] = {
	"ftruncate",       "fchown", "fsync",       "fdatasync",
	"sync_file_range", "uname",  "getpeername", "geteuid",
	"getuid",          "getgid", "getegid",     "fallocate",
	"getrandom",       "mkdir",  "renameat",    "fstatfs",
	"statfs",
};


size_t billingd_realms(const struct billingd *b, const struct catalog *c,
		       const char *realms[], size_t max)
{
	const Tandem__Node *node = svc_node(b->svc);
	size_t n = 0;

	if (catalog_text(c, SS_SIP_REALM)[0]) {
		realms[0] = catalog_text(c, SS_SIP_REALM);
		return 1;
	}
	if (catalog_text(c, SS_LOCAL_IP_DOMAIN)[0]) {
		realms[0] = catalog_text(c, SS_LOCAL_IP_DOMAIN);
		return 1;
	}
	for (; n < node->n_realms && n < max; n++)
		realms[n] = node->realms[n];

	return n;
}


static int database_of(const struct billingd *b)
{
	if (!b->feed || !b->db || !db_is_up(b->db))
		return LIFE_DATABASE_DOWN;

	return feed_database(b->feed);
}


bool billingd_has_database(const struct billingd *b)
{
	return database_of(b) == LIFE_DATABASE_UP;
}


static void on_database(void *arg)
{
	struct billingd *b = arg;

	atomic_store(&svc_life(b->svc)->database, (uint32_t)database_of(b));
}


static void on_db(bool up, const char *why, void *arg)
{
	(void)up;
	(void)why;
	on_database(arg);
}


/* Nothing is published and nothing is on disk: a switch without records. */
static int publish_defaults(struct billingd *b)
{
	char why[BUILD_WHY_MAX] = "";
	struct build *build;
	int err;

	err = build_alloc(&build, NULL);
	if (!err) {
		err = build_publish(build, b->publisher, 0, CATALOG_DEFAULTS,
				    why);
		build_free(build);
	}
	if (err)
		log_error(svc_log(b->svc), "catalog_defaults_failed why=%s",
			  why[0] ? why : strerror(err));

	return err;
}


static int have_catalog(struct billingd *b)
{
	char why[BUILD_WHY_MAX] = "";
	int err;

	if (publisher_current(b->publisher))
		return 0;

	err = publisher_load_copy(b->publisher, why);
	if (err && err != ENOENT)
		log_warn(svc_log(b->svc), "catalog_copy_refused why=%s",
			 why[0] ? why : strerror(err));

	return err ? publish_defaults(b) : 0;
}


static void read_key(struct billingd *b)
{
	const char *path = svc_node(b->svc)->key_file;
	const int err = path[0] ? secret_key_read(b->key, path) : ENOENT;

	b->has_key = !err;
	if (err && path[0])
		log_warn(svc_log(b->svc), "no_key file=%s why=%s", path,
			 strerror(err));
}


static int open_databases(struct billingd *b)
{
	const Tandem__Node *node = svc_node(b->svc);
	const struct feed_args feed = {
		.ev = svc_ev(b->svc),
		.conninfo = node->database,
		.password_file = node->password_file,
		.publisher = b->publisher,
		.life = svc_life(b->svc),
		.log = svc_log(b->svc),
		.changedh = on_database,
		.arg = b,
	};
	const struct db_args db = {
		.ev = svc_ev(b->svc),
		.conninfo = node->database,
		.password_file = node->password_file,
		.application = "tandem commands",
		.stateh = on_db,
		.arg = b,
		.log = svc_log(b->svc),
	};
	int err;

	on_database(b);
	err = feed_alloc(&b->feed, &feed);
	if (!err)
		err = db_alloc(&b->db, &db);
	if (!err)
		err = imports_alloc(&b->imports, b);

	return err;
}


static int billingd_open(struct svc *svc, void *state)
{
	struct billingd *b = state;
	const Tandem__Node *node = svc_node(svc);
	char copy[512];
	const struct publisher_args args = {
		.control = svc_segment(svc, "catalog"),
		.prefix = node->shm_prefix,
		.group = node->group,
		.copy_path = copy,
		.log = svc_log(svc),
	};
	int err;

	b->svc = svc;
	if (text_print(copy, sizeof(copy), "%s/billingd/catalog",
		       node->state_dir))
		return ENAMETOOLONG;

	err = publisher_alloc(&b->publisher, &args);
	if (!err)
		err = have_catalog(b);
	if (err)
		return err;

	atomic_store(&svc_life(svc)->catalog,
		     catalog_control(publisher_current(b->publisher))->origin +
			     1);
	read_key(b);

	err = open_databases(b);

	return err ? err : billingd_calls_open(b);
}


static int billingd_reload(struct svc *svc, void *state)
{
	(void)svc;
	billingd_calls_reload(state);

	return 0;
}


static void billingd_close(void *state)
{
	struct billingd *b = state;

	b->imports = imports_free(b->imports);
	b->db = db_free(b->db);
	billingd_calls_close(b);
	b->feed = feed_free(b->feed);
	b->publisher = publisher_free(b->publisher);
	secret_wipe(b->key, sizeof(b->key));
}


int main(int argc, char *argv[])
{
	const struct svc_def def = {
		.name = "billingd",
		.peer = PEER_BILLINGD,
		.state_size = sizeof(struct billingd),
		.routes = billingd_routes,
		.routec = billingd_routec,
		.commands = billingd_commands,
		.commandc = billingd_commandc,
		.metrics = metrics,
		.metricc = COUNT_OF(metrics),
		.segments = segments,
		.segmentc = COUNT_OF(segments),
		.syscalls = syscalls,
		.syscallc = COUNT_OF(syscalls),
		.connects = true,
		.open = billingd_open,
		.reload = billingd_reload,
		.close = billingd_close,
	};

	return svc_main(&def, argc, argv);
}
