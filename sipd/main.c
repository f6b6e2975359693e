/**
 * @file sipd/main.c  SIP
 *
 * What sipd owns, the order it is brought up in, and what it does when it is
 * asked to stop: wire, transactions, texts and lines in shared memory, calls.
 *
 * Everything else a daemon does (options, log, rights, bus, readiness,
 * metrics, adoption) is the same for all: shared/svc/svc.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "shared/auth/authn.h"
#include "shared/auth/secret.h"
#include "shared/base/clk.h"
#include "shared/base/crc32c.h"
#include "shared/base/id.h"
#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "shared/ev/ev.h"
#include "shared/ev/re_on_uv.h"
#include "shared/media/media_slot.h"
#include "shared/reg/upstream.h"
#include "shared/svc/svc.h"
#include "sipd/admin.h"
#include "sipd/admin_trace.h"
#include "sipd/bindings.h"
#include "sipd/blob.h"
#include "sipd/call.h"
#include "sipd/dispatch.h"
#include "sipd/enrol.h"
#include "sipd/errand.h"
#include "sipd/farewell.h"
#include "sipd/gateway_test.h"
#include "sipd/guard.h"
#include "sipd/checkpoint.h"
#include "sipd/health.h"
#include "sipd/intake.h"
#include "sipd/lines.h"
#include "sipd/metrics.h"
#include "sipd/migrations.h"
#include "sipd/register.h"
#include "sipd/resolve.h"
#include "sipd/sipd.h"
#include "sipd/stats.h"
#include "sipd/stats_feed.h"
#include "sipd/trace.h"
#include "sipd/txn.h"
#include "sipd/wire.h"

enum {
	TICK_MS = 100, /**< Lag is looked at, and the catalog's version */
	BOOT_ID_SIZE = 36,
	PACE_US = 2000,      /**< Nothing in SIP minds two milliseconds */
	PACE_MOST_US = 8000, /**< Nor eight, of a worker that has much to do */
};

/* clang-format off */
static const struct svc_segment segments[] = {
	{ "calls",     CALLS_MAGIC,     CALLS_VERSION,     CALLS_SLOT_SIZE,          true },
	{ "texts",     TEXTS_MAGIC,     TEXTS_VERSION,     BLOB_SLOT_SIZE,           true },
	{ "lines",     LINES_MAGIC,     LINES_VERSION,     sizeof(struct lines_slot), true },
	{ "errands",   ERRANDS_MAGIC,   ERRANDS_VERSION,   ERRANDS_SLOT_SIZE,        true },
	{ "media",     MEDIA_MAGIC,     MEDIA_VERSION,     MEDIA_SLOT_SIZE,          false },
	{ "flows",     FLOWS_MAGIC,     FLOWS_VERSION,     FLOWS_SLOT_SIZE,          false },
	{ "bindings",  BINDINGS_MAGIC,  BINDINGS_VERSION,  BINDINGS_SLOT_SIZE,       false },
	{ "binding_index", BINDING_INDEX_MAGIC, BINDING_INDEX_VERSION, BINDING_INDEX_SLOT_SIZE, false },
	{ "upstream_bound", UPSTREAM_BOUND_MAGIC, UPSTREAM_BOUND_VERSION, UPSTREAM_BOUND_SLOT_SIZE, false },
	{ "suspended", SUSPENDED_MAGIC, SUSPENDED_VERSION, SUSPENDED_SLOT_SIZE,      true },
};
/* clang-format on */

/* What batches, routes, TLS and OpenSSL need */
static const char *const syscalls[] = {
	"recvmmsg",   "sendmmsg",   "getsockname", "getpeername",
	"getsockopt", "setsockopt", "getrandom",   "uname",
};


int sipd_password(const struct sipd *sipd, const struct catalog *c,
		  struct cat_span sealed, char *dst, size_t size)
{
	char password[SECRET_PASSWORD_MAX + 1];
	size_t n;
	const uint8_t *bytes = catalog_span(c, RECORD_ROUTING, sealed, 1, &n);
	int err;

	if (!n || !sipd->has_key)
		return ENOENT;
	err = secret_open(password, sipd->key, bytes, n);
	if (!err)
		err = text_copy(dst, size, text_of(password));
	explicit_bzero(password, sizeof(password));

	return err ? ENOENT : 0;
}


static int take_key(struct sipd *sipd)
{
	const char *path = svc_node(sipd->svc)->key_file;
	const int err = secret_key_read(sipd->key, path);

	sipd->has_key = !err;
	if (err)
		log_warn(sipd->log, "key_not_read file=%s why=%s", path,
			 strerror(err));

	return 0; /* passwords towards carriers wait for it; calls go on */
}


/* Which boot this is, for nonces. Unknown: those of a predecessor are over. */
static uint32_t boot_mark(void)
{
	char id[BOOT_ID_SIZE];
	const int fd = open("/proc/sys/kernel/random/boot_id",
			    O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, id, sizeof(id));

	if (fd >= 0)
		(void)close(fd);

	return n > 0 ? crc32c(0, id, (size_t)n) : (uint32_t)id_random_u64();
}


/* Nonces of all daemons are one family: what one made, another accepts. */
static int open_authn(struct sipd *sipd)
{
	const struct segment *own = svc_segment(sipd->svc, "suspended");
	const uint32_t workers = svc_node(sipd->svc)->workers;
	struct authn_args args = {
		.own = own,
		.slotc = own->slotc / (workers ? workers : 1),
		.boot = boot_mark(),
	};
	int err;

	args.first = args.slotc * svc_self(sipd->svc).worker;
	err = secret_derive(args.nonce_key, svc_node(sipd->svc)->key_file,
			    "nonce");
	if (err)
		id_random(args.nonce_key, sizeof(args.nonce_key));

	return authn_alloc(&sipd->authn, &args);
}


static int txns_send(const struct flow *to, const void *data, size_t len,
		     void *arg)
{
	const struct sipd *sipd = arg;

	return wire_send(sipd->wire, to, data, len);
}


static void on_wire_fail(const struct flow *to, int err, void *arg)
{
	const struct sipd *sipd = arg;

	txn_fail(sipd->txns, to, err);
}


static int open_txns(struct sipd *sipd)
{
	struct txns_args args = {
		.ev = sipd->ev,
		.sendh = txns_send,
		.requesth = intake_request,
		.ackh = intake_ack,
		.againh = intake_again,
		.strayh = intake_stray,
		.arg = sipd,
	};

	(void)text_print(sipd->mark, sizeof(sipd->mark), "Td%u",
			 (unsigned)svc_self(sipd->svc).worker % 100);
	memcpy(args.mark, sipd->mark, sizeof(args.mark));

	return txns_alloc(&sipd->txns, &args);
}


static int open_wire(struct sipd *sipd)
{
	const struct wire_args args = {
		.svc = sipd->svc,
		.guard = sipd->guard,
		.trace = sipd->trace,
		.receiveh = intake_bytes,
		.copyh = intake_is_copy,
		.failh = on_wire_fail,
		.arg = sipd,
	};

	return wire_alloc(&sipd->wire, &args);
}


static int open_trace(struct sipd *sipd)
{
	const int err = trace_alloc(&sipd->trace);

	if (!err)
		admin_trace_open(sipd);

	return err;
}


static int open_shared(struct sipd *sipd)
{
	const struct segment *texts = svc_segment(sipd->svc, "texts");
	const uint32_t workers = svc_node(sipd->svc)->workers;
	const uint32_t worker = svc_self(sipd->svc).worker;
	const uint32_t part = texts->slotc / (workers ? workers : 1);
	int err;

	err = blobs_alloc(&sipd->blobs, texts, part * worker, part);
	if (!err)
		err = lines_alloc(&sipd->lines,
				  svc_segment(sipd->svc, "lines"), worker,
				  workers ? workers : 1);

	return err;
}


static void on_tick(void *arg)
{
	struct sipd *sipd = arg;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));

	guard_lag(sipd->guard, ev_lag_take_us(sipd->ev));
	if (c && catalog_control(c)->version != sipd->catalog_version) {
		sipd->catalog_version = catalog_control(c)->version;
		health_reload(sipd->health);
		stats_feed_catalog(sipd, c);
	}
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);
	stats_tick(sipd->stats, ev_now_us(sipd->ev));
	metric_set(M_SIP_TRANSACTIONS, (int64_t)txn_count(sipd->txns));
	metric_set(M_LINES_USED, lines_used(sipd->lines, LINES_ALL, 1));
	metric_set(M_TEXTS_USED, (int64_t)blobs_used(sipd->blobs));
	ev_timer_start(&sipd->tick, sipd->ev, TICK_MS, on_tick, sipd);
}


static int sipd_open(struct svc *svc, void *state)
{
	struct sipd *sipd = state;
	const char *dns = svc_node(svc)->dns_server;
	int err;

	sipd->svc = svc;
	sipd->ev = svc_ev(svc);
	ev_pace_set(sipd->ev, PACE_US, PACE_MOST_US);
	sipd->log = svc_log(svc);
	sipd->catalog_version = UINT64_MAX;
	bindings_open(sipd);
	err = re_on_uv(sipd->ev);
	if (!err)
		err = take_key(sipd);
	if (!err)
		err = guard_alloc(&sipd->guard, sipd->log);
	if (!err)
		err = open_trace(sipd);
	if (!err)
		err = open_shared(sipd);
	if (!err)
		err = open_authn(sipd);
	if (!err)
		err = resolver_alloc(&sipd->resolver, svc, dns ? dns : "");
	if (!err)
		err = registrar_alloc(&sipd->registrar, sipd);
	if (!err)
		err = health_alloc(&sipd->health, sipd);
	if (!err)
		err = gateway_tests_alloc(&sipd->gateway_tests, sipd);
	if (!err)
		err = stats_feed_open(sipd);
	if (!err)
		err = open_txns(sipd);
	if (!err)
		err = calls_alloc(&sipd->calls, sipd);
	if (!err)
		err = errands_alloc(sipd);
	if (!err) {
		errands_adopt(sipd);
		calls_adopt(sipd->calls);
	}
	if (!err)
		err = open_wire(sipd);
	if (!err) {
		guard_began(sipd->guard, clk_mono_us());
		on_tick(sipd);
		checkpoint_start(sipd);
	}

	return err;
}


static int sipd_reload(struct svc *svc, void *state)
{
	struct sipd *sipd = state;

	(void)svc;

	return wire_reload(sipd->wire);
}


static void sipd_drain(void *state)
{
	struct sipd *sipd = state;

	sipd->is_draining = true;
}


static bool sipd_idle(const void *state)
{
	const struct sipd *sipd = state;

	return calls_count(sipd) == 0;
}


static void sipd_close(void *state)
{
	struct sipd *sipd = state;

	ev_timer_stop(&sipd->tick);
	checkpoint_stop(sipd);
	if (sipd->wire)
		wire_flush(sipd->wire);
	enrols_free(sipd);
	farewells_free(sipd);
	sipd->calls = calls_free(sipd->calls);
	errands_free(sipd);
	sipd->txns = txns_free(sipd->txns);
	sipd->stats = stats_free(sipd->stats);
	sipd->health = health_free(sipd->health);
	sipd->resolver = resolver_free(sipd->resolver);
	sipd->registrar = registrar_free(sipd->registrar);
	sipd->gateway_tests = gateway_tests_free(sipd->gateway_tests);
	sipd->wire = wire_free(sipd->wire);
	sipd->authn = authn_free(sipd->authn);
	sipd->lines = lines_free(sipd->lines);
	sipd->blobs = blobs_free(sipd->blobs);
	sipd->trace = trace_free(sipd->trace);
	sipd->guard = guard_free(sipd->guard);
	explicit_bzero(sipd->key, sizeof(sipd->key));
	(void)re_on_uv(NULL);
}


int main(int argc, char *argv[])
{
	const struct svc_def def = {
		.name = "sipd",
		.peer = PEER_SIPD,
		.state_size = sizeof(struct sipd),
		.routes = sipd_routes,
		.routec = sipd_routec,
		.commands = sipd_commands,
		.commandc = sipd_commandc,
		.metrics = sipd_metrics,
		.metricc = SIPD_METRICC,
		.segments = segments,
		.segmentc = COUNT_OF(segments),
		.migrations = sipd_migrations,
		.migrationc = sipd_migrationc,
		.syscalls = syscalls,
		.syscallc = COUNT_OF(syscalls),
		.uses_re = true,
		.connects = true,
		.open = sipd_open,
		.reload = sipd_reload,
		.drain = sipd_drain,
		.idle = sipd_idle,
		.close = sipd_close,
	};

	return svc_main(&def, argc, argv);
}
