/**
 * @file shared/svc/control.c  The supervisor's words; adoption; stopping
 *
 * The channel may end at any moment: then the supervisor is gone, and the
 * daemon goes on with everything. It listens at its own path all the time; the
 * next supervisor comes there, is told who this is, and is given copies of the
 * sockets. The newest connection holds: an older one is of a supervisor that
 * is no more.
 *
 * Diagnostics: notice when the supervisor goes and when one comes; warn for a
 * stranger at the door.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/log_thread.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ipc/fdpass.h"
#include "shared/svc/svc_parts.h"

enum {
	IDLE_LOOK_MS = 1000,
	GIVE_AGAIN_MS = 2,
	LAG_WINDOW_MS = 10000,
};


void life_state_set(struct svc *svc, enum life_state state)
{
	svc->life_state = state;
	if (svc->life)
		atomic_store(&svc->life->state, state);
}


void control_hello(const struct svc *svc, Tandem__ControlFrame *frame,
		   Tandem__Hello *hello, bool adopt)
{
	static char version[] = TANDEM_VERSION;

	hello->peer = svc->self.peer;
	hello->worker = svc->self.worker;
	hello->pid = getpid();
	hello->protocol = CONTROL_PROTOCOL;
	hello->version = version;
	hello->adopt = adopt;
	hello->state = svc->life_state;
	hello->config_version = svc->node ? svc->node->config_version : 0;
	frame->body_case = CTL_BODY(HELLO);
	frame->hello = hello;
}


void svc_rtp_range(struct svc *svc, uint32_t first, uint32_t last)
{
	Tandem__ControlFrame frame;
	Tandem__RtpRange range;

	tandem__control_frame__init(&frame);
	tandem__rtp_range__init(&range);
	range.first = first;
	range.last = last;
	frame.body_case = CTL_BODY(RTP_RANGE);
	frame.rtp_range = &range;
	if (svc->channel)
		(void)channel_send(svc->channel, &frame, NULL, 0);
}


void svc_rtp_unused(struct svc *svc, const struct svc_ports *ports,
		    size_t portc)
{
	Tandem__PortRun rows[SVC_PORTS_MAX], *ptrs[SVC_PORTS_MAX];
	Tandem__ControlFrame frame;
	Tandem__RtpUnused unused;

	tandem__control_frame__init(&frame);
	tandem__rtp_unused__init(&unused);
	for (size_t i = 0; i < portc && i < SVC_PORTS_MAX; i++) {
		tandem__port_run__init(&rows[i]);
		rows[i].first = ports[i].first;
		rows[i].count = ports[i].count;
		ptrs[i] = &rows[i];
		unused.n_runs++;
	}
	unused.runs = ptrs;
	frame.body_case = CTL_BODY(RTP_UNUSED);
	frame.rtp_unused = &unused;
	if (svc->channel)
		(void)channel_send(svc->channel, &frame, NULL, 0);
}


static void on_beat(void *arg)
{
	struct svc *svc = arg;

	atomic_store(&svc->life->beat_us, clk_mono_us());
	log_thread_count();
	ev_timer_start(&svc->beat, svc->ev, svc->beat_ms, on_beat, svc);
}


static void on_lag(void *arg)
{
	struct svc *svc = arg;

	metric_set(M_LOOP_LAG_MAX, ev_lag_take_us(svc->ev));
	ev_timer_start(&svc->lag, svc->ev, LAG_WINDOW_MS, on_lag, svc);
}


/* Draining: is it over yet? */
static void on_drain(void *arg)
{
	struct svc *svc = arg;
	const bool idle = !svc->def->idle || svc->def->idle(svc->state);

	if (idle || clk_mono_us() >= svc->drain_until_us) {
		if (!idle)
			log_notice(&svc->log, "drain_deadline");
		ev_stop(svc->ev, 0);
		return;
	}
	ev_timer_start(&svc->drain, svc->ev, IDLE_LOOK_MS, on_drain, svc);
}


static void drain(struct svc *svc, uint32_t deadline_ms)
{
	if (svc->life_state == LIFE_DRAINING)
		return;

	life_state_set(svc, LIFE_DRAINING);
	svc->drain_until_us = clk_mono_us() + (int64_t)deadline_ms * 1000;
	if (svc->def->drain)
		svc->def->drain(svc->state);
	on_drain(svc);
}


static void on_stop(struct svc *svc, const Tandem__Stop *stop)
{
	svc->stops_all = stop->all != 0;
	if (stop->mode == TANDEM__STOP_MODE__STOP_MODE_DRAIN)
		drain(svc, stop->deadline_ms);
	else
		ev_stop(svc->ev, 0);
}


static void on_log_level(const Tandem__LogLevel *level)
{
	log_level_set((enum log_level)level->level);
}


/* Another file, or the same one after a rotation */
static void on_log_to(const struct svc *svc, const Tandem__LogTo *to,
		      const int *fds, size_t fdc)
{
	char process[PEER_ID_MAX];

	if (fdc == 1 && dup2(fds[0], STDERR_FILENO) < 0)
		log_warn(&svc->log, "log_to_failed why=%s", strerror(errno));
	log_setup(peer_id_print(svc->self, process), log_level_get(),
		  to->format == LOG_TEXT ? LOG_TEXT : LOG_JSON);
}


/* The daemon's own commands first, then those every daemon has. */
static char *answer(struct svc *svc, const Tandem__AdminRequest *request)
{
	const struct admin_asker asker = {
		.ticket = { request->id, svc->channel_no },
		.role = (enum admin_role)request->role,
		.name = request->operator_,
	};
	const size_t len = strlen(request->json);
	char cmd[ADMIN_CMD_MAX];

	if (admin_cmd(cmd, request->json, len) == 0)
		for (size_t i = 0; i < svc_commandc; i++)
			if (strcmp(svc_commands[i].cmd, cmd) == 0)
				return admin_dispatch(svc_commands,
						      svc_commandc, svc,
						      &asker, request->json,
						      len);

	return admin_dispatch(svc->def->commands, svc->def->commandc,
			      svc->state, &asker, request->json, len);
}


static void reply_to(struct svc *svc, uint64_t id, char *json)
{
	Tandem__ControlFrame frame;
	Tandem__AdminReply reply;

	tandem__control_frame__init(&frame);
	tandem__admin_reply__init(&reply);
	reply.id = id;
	if (json)
		reply.json = json;
	frame.body_case = CTL_BODY(ADMIN_REPLY);
	frame.admin_reply = &reply;
	if (svc->channel &&
	    channel_send(svc->channel, &frame, NULL, 0) == EMSGSIZE) {
		static char large[] =
			"{\"ok\":false,\"error\":\"the answer is "
			"too large: use --limit\",\"code\":"
			"\"too_large\"}";

		reply.json = large;
		(void)channel_send(svc->channel, &frame, NULL, 0);
	}
}


static void on_admin(struct svc *svc, const Tandem__AdminRequest *request)
{
	char *json = answer(svc, request);

	/* Empty: the handler has kept the ticket. */
	if (!json || json[0])
		reply_to(svc, request->id, json);
	free(json);
}


void svc_answer(struct svc *svc, struct admin_ticket ticket,
		struct admin_answer *answer)
{
	char *json = admin_print(answer);

	/* Another supervisor knows nothing of the request. */
	if (ticket.channel == svc->channel_no)
		reply_to(svc, ticket.id, json);
	free(json);
}


static void on_frame(const Tandem__ControlFrame *frame, const int *fds,
		     size_t fdc, void *arg)
{
	struct svc *svc = arg;

	switch ((int)frame->body_case) {

	case CTL_BODY(STOP):
		on_stop(svc, frame->stop);
		break;

	case CTL_BODY(PREPARE):
		reload_prepare(svc, frame->prepare);
		break;

	case CTL_BODY(SOCKETS):
		reload_sockets(svc, frame->sockets, fds, fdc);
		return; /* it keeps the descriptors */

	case CTL_BODY(COMMIT):
		reload_commit(svc, frame->commit);
		break;

	case CTL_BODY(ABORT):
		reload_abort(svc);
		break;

	case CTL_BODY(LOG_LEVEL):
		on_log_level(frame->log_level);
		break;

	case CTL_BODY(LOG_TO):
		on_log_to(svc, frame->log_to, fds, fdc);
		break;

	case CTL_BODY(ADMIN_REQUEST):
		on_admin(svc, frame->admin_request);
		break;

	case CTL_BODY(ADOPTED):
		log_notice(&svc->log, "supervisor_adopted_us");
		break;

	default:
		/* A newer supervisor's word: it copes with our silence. */
		log_debug(&svc->log, "control_ignored body=%d",
			  (int)frame->body_case);
		break;
	}
	fds_close(fds, fdc);
}


/* A reload whose second word will never come has not happened. */
static void on_closed(int err, void *arg)
{
	struct svc *svc = arg;

	svc->channel = channel_free(svc->channel);
	ev_timer_stop(&svc->give);
	reload_abort(svc);
	log_notice(&svc->log, "supervisor_gone why=%s",
		   err ? strerror(err) : "closed");
}


static void on_give(void *arg)
{
	struct svc *svc = arg;
	const int err = runs_send(&svc->sockets, svc->channel, &svc->given);

	if (err == ENOBUFS)
		ev_timer_start(&svc->give, svc->ev, GIVE_AGAIN_MS, on_give,
			       svc);
	else if (err)
		log_warn(&svc->log, "give_sockets_failed why=%s",
			 strerror(err));
}


static void meet(struct svc *svc)
{
	Tandem__ControlFrame frame;
	Tandem__Hello hello;
	int err;

	tandem__control_frame__init(&frame);
	tandem__hello__init(&hello);
	control_hello(svc, &frame, &hello, true);
	err = channel_send(svc->channel, &frame, NULL, 0);
	if (err) {
		log_warn(&svc->log, "hello_failed why=%s", strerror(err));
		return;
	}
	svc->given = (struct runs_cursor){ 0, 0 };
	on_give(svc);
}


static void on_knock(int flags, void *arg)
{
	struct svc *svc = arg;
	const int fd = accept4(svc->adopt_fd, NULL, NULL,
			       SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct channel *channel;
	uid_t uid;
	pid_t pid;
	int err;

	(void)flags;
	if (fd < 0)
		return;

	err = fdpass_peer(fd, &pid, &uid);
	if (err || (uid != 0 && uid != svc->started_as)) {
		log_warn(&svc->log, "stranger_refused uid=%d", (int)uid);
		(void)close(fd);
		return;
	}

	err = channel_alloc(&channel, svc->ev, fd, on_frame, on_closed, svc);
	if (err) {
		log_warn(&svc->log, "adoption_failed why=%s", strerror(err));
		return;
	}
	log_notice(&svc->log, "supervisor_came pid=%d", (int)pid);
	ev_timer_stop(&svc->give);
	reload_abort(svc);
	channel_free(svc->channel);
	svc->channel = channel;
	svc->channel_no++;
	meet(svc);
}


static void on_signal(int signo, void *arg)
{
	struct svc *svc = arg;

	log_notice(&svc->log, "signal_taken signo=%d", signo);
	drain(svc, 0);
}


static int say_ready(struct svc *svc)
{
	Tandem__ControlFrame frame;
	Tandem__Ready ready;

	tandem__control_frame__init(&frame);
	tandem__ready__init(&ready);
	ready.adopted = svc->adopted;
	ready.quarantined = svc->quarantined;
	frame.body_case = CTL_BODY(READY);
	frame.ready = &ready;

	return channel_send(svc->channel, &frame, NULL, 0);
}


int control_open(struct svc *svc, int fd)
{
	int err;

	if (svc->adopt_fd >= 0) {
		err = ev_watch(&svc->adopt_watch, svc->ev, svc->adopt_fd,
			       EV_READ, on_knock, svc);
		if (err)
			return err;
	}
	err = ev_signal(svc->ev, SIGTERM, on_signal, svc);
	if (err)
		return err;

	err = channel_alloc(&svc->channel, svc->ev, fd, on_frame, on_closed,
			    svc);
	if (err)
		return err;

	life_state_set(svc, LIFE_READY);
	on_beat(svc);
	ev_timer_start(&svc->lag, svc->ev, LAG_WINDOW_MS, on_lag, svc);

	/* A supervisor that is gone by now is no reason not to live: the next
	 * one finds us by our pid. The loop reports its end. */
	(void)say_ready(svc);

	return 0;
}


void control_close(struct svc *svc)
{
	reload_abort(svc);
	ev_timer_stop(&svc->give);
	ev_timer_stop(&svc->beat);
	ev_timer_stop(&svc->lag);
	ev_timer_stop(&svc->drain);
	svc->adopt_watch = ev_unwatch(svc->adopt_watch);
	svc->channel = channel_free(svc->channel);
}
