/**
 * @file regd/main.c  Registrations
 *
 * What regd owns, the order it is brought up in, and what it does when it is
 * asked to stop: phones' bindings, NAT keep-alive and registrations upstream.
 *
 * Everything else a daemon does (options, log, rights, bus, readiness,
 * metrics, adoption) is the same for all: shared/svc/svc.c.
 */
#include "regd/bindings.h"
#include "regd/keepalive.h"
#include "regd/metrics.h"
#include "regd/regd.h"
#include "regd/upstream.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"

enum {
	TICK_MS = 1000,
};

/* clang-format off */
static const struct svc_segment segments[] = {
	{ "bindings",      BINDINGS_MAGIC,      BINDINGS_VERSION,      BINDINGS_SLOT_SIZE,      true },
	{ "binding_index", BINDING_INDEX_MAGIC, BINDING_INDEX_VERSION, BINDING_INDEX_SLOT_SIZE, true },
	{ "upstream",       UPSTREAM_MAGIC,       UPSTREAM_VERSION,       UPSTREAM_SLOT_SIZE,       true },
	{ "upstream_bound", UPSTREAM_BOUND_MAGIC, UPSTREAM_BOUND_VERSION, UPSTREAM_BOUND_SLOT_SIZE, true },
};
/* clang-format on */


static void on_expired(const struct binding *binding, void *arg)
{
	regd_changed(arg, REGD_EXPIRED, binding->terminal, &binding->source,
		     binding->transport, 0);
}


static void on_tick(void *arg)
{
	struct regd *regd = arg;

	bindings_expire(regd->bindings);
	upstreams_sync(regd->upstreams);
	upstreams_tell(regd->upstreams);
	for (size_t nat = 0; nat < 2; nat++)
		metric_set_at(M_BINDINGS, nat,
			      bindings_count(regd->bindings, nat != 0));
	ev_timer_start(&regd->tick, regd->ev, TICK_MS, on_tick, regd);
}


static int open_bindings(struct regd *regd)
{
	const struct bindings_args args = {
		.bindings = svc_segment(regd->svc, "bindings"),
		.index = svc_segment(regd->svc, "binding_index"),
		.predecessor_crashed = svc_predecessor_crashed(regd->svc),
		.log = regd->log,
		.expiredh = on_expired,
		.arg = regd,
	};
	const int err = bindings_alloc(&regd->bindings, &args);

	if (!err)
		svc_adopted(regd->svc, bindings_adopted(regd->bindings),
			    bindings_quarantined(regd->bindings));

	return err;
}


static int regd_open(struct svc *svc, void *state)
{
	struct regd *regd = state;
	int err;

	regd->svc = svc;
	regd->ev = svc_ev(svc);
	regd->log = svc_log(svc);
	err = open_bindings(regd);
	if (!err)
		err = keepalive_alloc(&regd->keepalive, svc, regd->bindings);
	if (!err)
		err = upstreams_alloc(&regd->upstreams, regd);
	if (!err)
		on_tick(regd);

	return err;
}


static int regd_reload(struct svc *svc, void *state)
{
	struct regd *regd = state;

	(void)svc;

	return keepalive_reload(regd->keepalive);
}


/* One daemon that stops is not the switch: its registrations go on. */
static void regd_drain(void *state)
{
	struct regd *regd = state;

	if (svc_stops_all(regd->svc))
		upstreams_leave(regd->upstreams);
}


static bool regd_idle(const void *state)
{
	const struct regd *regd = state;

	return !svc_stops_all(regd->svc) ||
	       upstreams_have_left(regd->upstreams);
}


static void regd_close(void *state)
{
	struct regd *regd = state;

	ev_timer_stop(&regd->tick);
	regd->upstreams = upstreams_free(regd->upstreams);
	regd->keepalive = keepalive_free(regd->keepalive);
	regd->bindings = bindings_free(regd->bindings);
}


int main(int argc, char *argv[])
{
	const struct svc_def def = {
		.name = "regd",
		.peer = PEER_REGD,
		.state_size = sizeof(struct regd),
		.routes = regd_routes,
		.routec = regd_routec,
		.commands = regd_commands,
		.commandc = regd_commandc,
		.metrics = regd_metrics,
		.metricc = REGD_METRICC,
		.segments = segments,
		.segmentc = COUNT_OF(segments),
		.open = regd_open,
		.reload = regd_reload,
		.drain = regd_drain,
		.idle = regd_idle,
		.close = regd_close,
	};

	return svc_main(&def, argc, argv);
}
