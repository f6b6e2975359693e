/**
 * @file mediad/main.c  RTP relay
 *
 * What mediad owns, the order it is brought up in, and what it does when it is
 * asked to stop: ports, sessions, and the packets between them.
 *
 * Everything else a daemon does (options, log, rights, bus, readiness,
 * metrics, adoption) is the same for all: shared/svc/svc.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "mediad/ended.h"
#include "mediad/mediad.h"
#include "mediad/metrics.h"
#include "mediad/range.h"
#include "mediad/relay.h"
#include "mediad/voice.h"
#include "mediad/watch.h"
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"

#define IDLE_US ((int64_t)2000000)

/* clang-format off */
static const struct svc_segment segments[] = {
	{ "media", MEDIA_MAGIC, MEDIA_VERSION, MEDIA_SLOT_SIZE, true },
	{ "flows", FLOWS_MAGIC, FLOWS_VERSION, FLOWS_SLOT_SIZE, true },
	{ "rests", RESTS_MAGIC, RESTS_VERSION, RESTS_SLOT_SIZE, true },
	{ "held", HELD_MAGIC, HELD_VERSION, HELD_SLOT_SIZE, true },
};
/* clang-format on */


static int list_sockets(const struct svc *svc, struct port_socket **listp,
			size_t *countp)
{
	const Tandem__SocketUse use = TANDEM__SOCKET_USE__SOCKET_USE_RTP;
	struct port_socket *list;
	struct svc_socket socket;
	size_t n = 0;

	while (svc_socket(svc, use, n, &socket) == 0)
		n++;
	list = calloc(n ? n : 1, sizeof(*list));
	if (!list)
		return ENOMEM;

	for (size_t i = 0; i < n; i++) {
		(void)svc_socket(svc, use, i, &socket);
		list[i] = (struct port_socket){ socket.fd, socket.port };
	}
	*listp = list;
	*countp = n;

	return 0;
}


/* -1: of a supervisor that knows none */
static int find_set(const struct svc *svc)
{
	const Tandem__SocketUse use = TANDEM__SOCKET_USE__SOCKET_USE_RTP_SET;
	struct svc_socket set;

	return svc_socket(svc, use, 0, &set) == 0 ? set.fd : -1;
}


/* Sockets are the caller's to free(). */
static int list_ports(const struct mediad *mediad, struct ports_args *args,
		      struct port_socket **socketsp)
{
	const Tandem__Node *node = svc_node(mediad->svc);
	const int err = list_sockets(mediad->svc, socketsp, &args->socketc);

	args->sockets = err ? NULL : *socketsp;
	args->first = (uint16_t)node->rtp_own_first;
	args->last = (uint16_t)node->rtp_own_last;
	args->rests = svc_segment(mediad->svc, "rests");

	return err;
}


static int open_ports(struct mediad *mediad)
{
	struct port_socket *sockets;
	struct ports_args args;
	int err;

	mediad->rtp_set = find_set(mediad->svc);
	err = list_ports(mediad, &args, &sockets);
	if (err)
		return err;

	err = ports_alloc(&mediad->ports, &args);
	free(sockets);

	return err;
}


static int reload_ports(struct mediad *mediad)
{
	struct port_socket *sockets;
	struct ports_args args;
	int err;

	err = list_ports(mediad, &args, &sockets);
	if (err)
		return err;

	err = ports_reload(mediad->ports, &args, clk_mono_us());
	free(sockets);

	return err;
}


static int open_sessions(struct mediad *mediad)
{
	const struct segment *media = svc_segment(mediad->svc, "media");
	const uint32_t workers = svc_node(mediad->svc)->workers;
	struct sessions_args args = {
		.media = media,
		.flows = svc_segment(mediad->svc, "flows"),
		.worker = svc_self(mediad->svc).worker,
		.predecessor_crashed = svc_predecessor_crashed(mediad->svc),
		.ports = mediad->ports,
		.log = mediad->log,
	};
	int err;

	args.slotc = media->slotc / (workers ? workers : 1);
	args.first = args.slotc * args.worker;
	if (args.flows->slotc < media->slotc)
		return EINVAL;
	err = sessions_alloc(&mediad->sessions, &args, clk_mono_us());
	if (!err)
		svc_adopted(mediad->svc, sessions_count(mediad->sessions),
			    sessions_quarantined(mediad->sessions));

	return err;
}


static int open_relay(struct mediad *mediad)
{
	int err;

	err = held_open(&mediad->held, svc_segment(mediad->svc, "held"),
			svc_self(mediad->svc).worker);
	if (!err)
		err = open_ports(mediad);
	if (!err)
		err = open_sessions(mediad);
	if (!err)
		err = ended_alloc(&mediad->ended);
	if (!err)
		err = relay_alloc(&mediad->relay, mediad);
	if (!err)
		err = voice_alloc(&mediad->voice, mediad);
	if (!err)
		err = relay_start(mediad->relay);
	if (!err)
		watch_start(mediad);

	return err;
}


static int mediad_open(struct svc *svc, void *state)
{
	struct mediad *mediad = state;

	mediad->svc = svc;
	mediad->ev = svc_ev(svc);
	mediad->log = svc_log(svc);
	mediad->is_on = svc_node(svc)->media_relay;
	range_start(mediad);

	return open_relay(mediad);
}


/* Switched off, the sessions there are go on; no new one begins. */
static int mediad_reload(struct svc *svc, void *state)
{
	struct mediad *mediad = state;
	int err;

	mediad->is_on = svc_node(svc)->media_relay;
	mediad->rtp_set = find_set(svc);
	err = reload_ports(mediad);

	return err ? err : relay_reload(mediad->relay);
}


/* sipd ends before us, with its calls: what is left then is what nobody came
 * to release. A session through which media passes is somebody's, though. */
static bool mediad_idle(const void *state)
{
	const struct mediad *mediad = state;
	const struct sessions *ss = mediad->sessions;
	const int64_t now_us = ev_now_us(mediad->ev);

	for (uint32_t i = 0; i < sessions_slots(ss); i++) {
		const struct session *s = sessions_at(ss, i);

		for (unsigned n = 0; s && n < MEDIA_SIDES; n++)
			if (s->flows[n].last_us &&
			    now_us - s->flows[n].last_us < IDLE_US)
				return false;
	}

	return true;
}


static void mediad_close(void *state)
{
	struct mediad *mediad = state;

	range_stop(mediad);
	watch_stop(mediad);
	mediad->voice = voice_free(mediad->voice);
	mediad->relay = relay_free(mediad->relay);
	mediad->ended = ended_free(mediad->ended);
	mediad->sessions = sessions_free(mediad->sessions);
	mediad->ports = ports_free(mediad->ports);
}


int main(int argc, char *argv[])
{
	const struct svc_def def = {
		.name = "mediad",
		.peer = PEER_MEDIAD,
		.state_size = sizeof(struct mediad),
		.routes = mediad_routes,
		.routec = mediad_routec,
		.metrics = mediad_metrics,
		.metricc = MEDIAD_METRICC,
		.segments = segments,
		.segmentc = COUNT_OF(segments),
		.open = mediad_open,
		.opens_first = true,
		.reload = mediad_reload,
		.idle = mediad_idle,
		.close = mediad_close,
	};

	return svc_main(&def, argc, argv);
}
