/**
 * @file test/bench/bench_bus.c  Round trips on the bus
 *
 * Two processes: sipd asks, billingd answers with 100 bytes. As many requests
 * as the column says are always under way. CPU is that of the asker;
 * trust it more than the times, which another process on the
 * machine spoils. Bounds are far above what was measured and catch a change of
 * kind, not of degree.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/ipc/bus.h"

enum {
	RUN_MS = 2000,
	ROUND_TRIPS_MAX = 2000000,
	IN_FLIGHT_MAX = 256,
	ANSWER_BYTES = 100,
	P99_BOUND_US = 50000, /* At one in flight */
	RATE_BOUND = 2000,    /* At 256 in flight, per second */
};

static const struct peer_id sipd = { PEER_SIPD, 0 };
static const struct peer_id billingd = { PEER_BILLINGD, 0 };

/** One request under way */
struct asked {
	struct bench *bench;
	int64_t at_us;
};

struct bench {
	struct ev *ev;
	struct bus *bus;
	struct ev_timer end;
	struct asked asked[IN_FLIGHT_MAX];
	uint32_t *took_us;
	uint32_t count;
	bool is_over;
	int err;
};

struct figures {
	uint32_t p50_us, p99_us;
	double per_s, cpu_us;
};


/* The answering side */

static int on_request(void *state, const Tandem__Envelope *env, int tag)
{
	struct bus **busp = state;
	Tandem__Envelope reply = TANDEM__ENVELOPE__INIT;
	Tandem__Pong pong = TANDEM__PONG__INIT;
	uint8_t bytes[ANSWER_BYTES] = { 0 };
	(void)tag;

	pong.payload.data = bytes;
	pong.payload.len = sizeof(bytes);
	reply.body_case = BUS_BODY(PONG);
	reply.pong = &pong;

	return bus_reply(*busp, env->hdr, &reply);
}


static int answer_for_ever(const char *dir)
{
	const struct bus_route routes[] = {
		[BUS_BODY(REFUSED)] = { PEER_SIPD, on_request, 0 },
	};
	struct bus *bus = NULL;
	struct ev *ev = NULL;
	struct bus_args args = { .self = billingd,
				 .dir = dir,
				 .routes = routes,
				 .routec = COUNT_OF(routes),
				 .state = &bus };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ev_alloc(&ev))
		return 1;
	args.ev = ev;
	if (bus_alloc(&bus, &args))
		return 1;

	return ev_run(ev);
}


/* The asking side */

static void on_reply(int err, const Tandem__Envelope *reply, void *arg);


static void ask(struct asked *asked)
{
	const struct bus_request req = { .to = billingd,
					 .deadline_ms = 10000,
					 .retry_ms = 5000,
					 .h = on_reply,
					 .arg = asked };
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__Refused refused = TANDEM__REFUSED__INIT;
	int err;

	env.body_case = BUS_BODY(REFUSED);
	env.refused = &refused;
	asked->at_us = clk_mono_us();

	err = bus_send(asked->bench->bus, &req, &env, NULL);
	if (err)
		ev_stop(asked->bench->ev, err);
}


static void on_reply(int err, const Tandem__Envelope *reply, void *arg)
{
	struct asked *asked = arg;
	struct bench *b = asked->bench;

	if (err == ECANCELED)
		return;
	if (err || reply->body_case != BUS_BODY(PONG)) {
		ev_stop(b->ev, err ? err : EPROTO);
		return;
	}

	if (b->count < ROUND_TRIPS_MAX)
		b->took_us[b->count++] = (uint32_t)(clk_mono_us() -
						    asked->at_us);
	if (!b->is_over)
		ask(asked);
}


static void on_end(void *arg)
{
	struct bench *b = arg;

	b->is_over = true;
	ev_stop(b->ev, 0);
}


static int64_t cpu_us(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);

	return (int64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 +
	       ru.ru_utime.tv_usec + ru.ru_stime.tv_usec;
}


static int by_size(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}


static int run(struct figures *fig, const char *dir, uint32_t in_flight,
	       uint32_t ms)
{
	const struct bus_link link = { billingd };
	struct bus_args args = {
		.self = sipd, .dir = dir, .links = &link, .linkc = 1
	};
	struct bench *b = calloc(1, sizeof(*b));
	int64_t start_us = 0, cpu = 0;
	int err = ENOMEM;

	if (!b)
		return err;

	b->took_us = calloc(ROUND_TRIPS_MAX, sizeof(*b->took_us));
	if (!b->took_us)
		goto out;

	err = ev_alloc(&b->ev);
	if (err)
		goto out;

	args.ev = b->ev;
	err = bus_alloc(&b->bus, &args);
	if (err)
		goto out;

	ev_timer_start(&b->end, b->ev, ms, on_end, b);
	start_us = clk_mono_us();
	cpu = cpu_us();
	for (uint32_t i = 0; i < in_flight; i++) {
		b->asked[i].bench = b;
		ask(&b->asked[i]);
	}
	err = ev_run(b->ev);
	if (!err && b->count == 0)
		err = ETIMEDOUT;
	if (err)
		goto out;

	fig->per_s = b->count / ((double)(clk_mono_us() - start_us) / 1e6);
	fig->cpu_us = (double)(cpu_us() - cpu) / b->count;
	qsort(b->took_us, b->count, sizeof(*b->took_us), by_size);
	fig->p50_us = b->took_us[b->count / 2];
	fig->p99_us = b->took_us[(uint64_t)b->count * 99 / 100];

out:
	ev_timer_stop(&b->end);
	bus_free(b->bus);
	ev_free(b->ev);
	free(b->took_us);
	free(b);

	return err;
}


static int measure(const char *dir, struct figures fig[3])
{
	const uint32_t in_flight[] = { 1, 16, 256 };
	int err;

	/* Both sides up and warm; the first request waits for the link. */
	err = run(&fig[0], dir, 16, 500);
	if (err)
		return err;

	printf("%-10s %14s %10s %10s %16s\n", "in flight", "round trips/s",
	       "p50 us", "p99 us", "CPU us, asker");
	for (size_t i = 0; i < COUNT_OF(in_flight); i++) {
		err = run(&fig[i], dir, in_flight[i], RUN_MS);
		if (err)
			return err;
		printf("%-10u %14.0f %10u %10u %16.2f\n", in_flight[i],
		       fig[i].per_s, fig[i].p50_us, fig[i].p99_us,
		       fig[i].cpu_us);
	}

	return 0;
}


static void remove_all(const char *dir)
{
	const char *const names[] = { "sipd.0/bus", "sipd.0", "billingd.0/bus",
				      "billingd.0", "" };
	char path[128];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)remove(path);
	}
}


int main(void)
{
	char dir[] = "/tmp/tandem-bench.XXXXXX";
	struct figures fig[3] = { 0 };
	pid_t pid;
	int err;

	if (metric_setup(NULL, 0) || !mkdtemp(dir))
		return 1;

	pid = fork();
	if (pid < 0)
		return 1;
	if (pid == 0)
		_exit(answer_for_ever(dir));

	err = measure(dir, fig);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	remove_all(dir);

	if (err) {
		(void)fprintf(stderr, "bench_bus: %s\n", strerror(err));
		return 1;
	}

	printf("bus rtt_p50_us=%u rtt_p99_us=%u rt_per_s=%.0f\n",
	       fig[0].p50_us, fig[0].p99_us, fig[2].per_s);

	return fig[0].p99_us > P99_BOUND_US || fig[2].per_s < RATE_BOUND;
}
