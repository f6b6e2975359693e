/**
 * @file shared/svc/svc.c  The life of a daemon, written once
 *
 * svc_main() is meant to be read from top to bottom: it is the order in which
 * every daemon comes up, and the reverse is how it ends.
 *
 * Diagnostics: notice when it starts, is ready, and ends; error when it cannot
 * start. Exit codes: enum svc_exit.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/log_thread.h"
#include "shared/base/option.h"
#include "shared/base/pages.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/svc/svc_parts.h"
#include "shared/web/web.h"

enum {
	SPARE_HEAP = 2 << 20, /**< More than mediad takes until it relays */
};

/* clang-format off */
enum { OPT_LAYOUTS, OPT_MIGRATE, OPT_HELP, OPT_VERSION, OPTC };
static const struct option_def options[OPTC] = {
	[OPT_LAYOUTS] = { "layouts", 0,   NULL,    "Say which layouts of shared memory it reads, writes and migrates" },
	[OPT_MIGRATE] = { "migrate", 0,   "ORDER", "Of the supervisor: fill a segment of another layout" },
	[OPT_HELP]    = { "help",    'h', NULL, "Say what the options are" },
	[OPT_VERSION] = { "version", 'V', NULL, "Say which release this is" },
};
/* clang-format on */


struct ev *svc_ev(const struct svc *svc)
{
	return svc->ev;
}


struct bus *svc_bus(const struct svc *svc)
{
	return svc->bus;
}


const struct log *svc_log(const struct svc *svc)
{
	return &svc->log;
}


const Tandem__Node *svc_node(const struct svc *svc)
{
	return svc->node;
}


struct peer_id svc_self(const struct svc *svc)
{
	return svc->self;
}


static const struct mapped *mapped_find(const struct svc *svc,
					const char *name)
{
	for (size_t i = 0; i < svc->segmentc; i++)
		if (strcmp(svc->segments[i].name, name) == 0)
			return &svc->segments[i];

	return NULL;
}


const struct segment *svc_segment(const struct svc *svc, const char *name)
{
	const struct mapped *mapped = mapped_find(svc, name);

	return mapped ? &mapped->now : NULL;
}


const struct segment *svc_segment_old(const struct svc *svc, const char *name)
{
	const struct mapped *mapped = mapped_find(svc, name);

	return mapped && mapped->old.size ? &mapped->old : NULL;
}


int svc_socket(const struct svc *svc, Tandem__SocketUse use, size_t index,
	       struct svc_socket *socketp)
{
	for (size_t i = 0; i < svc->sockets.rowc; i++) {
		const struct run *run = &svc->sockets.rows[i];

		if (run->use != use)
			continue;
		if (index >= run->count) {
			index -= run->count;
			continue;
		}
		*socketp = (struct svc_socket){
			.use = use,
			.fd = run->fd + (int)index,
			.port = (uint16_t)(run->port + index),
			.listener = run->listener,
			.bind = run->bind,
			.advertised = run->advertised,
			.certificate = run->certificate,
			.key = run->key,
		};
		return 0;
	}

	return ENOENT;
}


struct catalog_reader *svc_catalog(const struct svc *svc)
{
	return svc->catalog;
}


struct life *svc_life(const struct svc *svc)
{
	return svc->life;
}


bool svc_predecessor_crashed(const struct svc *svc)
{
	return svc->predecessor_crashed;
}


bool svc_stops_all(const struct svc *svc)
{
	return svc->stops_all;
}


void svc_adopted(struct svc *svc, uint32_t adopted, uint32_t quarantined)
{
	svc->adopted = adopted;
	svc->quarantined = quarantined;
}


/* Every daemon takes its worker's number, and nothing else from outside but
 * that it is a spare. */
static int arguments(const struct svc_def *def, int argc, char *argv[],
		     uint16_t *workerp, bool *is_sparep)
{
	const char *values[OPTC];
	char why[OPTION_WHY_MAX], usage[96];
	uint32_t worker;
	int rest, err;

	*is_sparep = argc == 3 && strcmp(argv[2], "spare") == 0;
	argc -= *is_sparep;
	(void)text_print(usage, sizeof(usage), "%s [options] WORKER",
			 def->name);
	err = option_parse(options, OPTC, argc, argv, values, &rest, why);
	if (!err && values[OPT_HELP]) {
		option_help(stdout, usage, options, OPTC);
		exit(SVC_EXIT_OK);
	}
	if (!err && values[OPT_VERSION]) {
		printf("%s %s\n", def->name, TANDEM_VERSION);
		exit(SVC_EXIT_OK);
	}
	if (!err && values[OPT_LAYOUTS]) {
		layouts_print(stdout, def);
		exit(SVC_EXIT_OK);
	}
	if (!err && values[OPT_MIGRATE])
		exit(layouts_migrate(def, values[OPT_MIGRATE]));
	if (!err && (rest != argc - 1 ||
		     text_u32(&worker, text_of(argv[rest]), 0, UINT16_MAX))) {
		(void)text_print(why, sizeof(why), "one number is wanted");
		err = EINVAL;
	}
	if (err)
		fprintf(stderr, "%s: %s\n", def->name, why);
	else
		*workerp = (uint16_t)worker;

	return err;
}


static bool is_control_channel(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       domain == AF_UNIX;
}


/* A spare is there until whom it replaces has died. What can be done before
 * that is. */
static void await_end(void)
{
	pages_heap(SPARE_HEAP);
	setup_await_end(CONTROL_FD);
}


/* Its hello is how the supervisor hears of a death. It has no deadline: what
 * it replaces may live, and be of a release that is not watched. */
static void await_need(void)
{
	struct pollfd channel = { .fd = CONTROL_FD, .events = POLLIN };

	while (poll(&channel, 1, -1) < 0 && errno == EINTR)
		;
}


/* Say hello and get what is needed to live. A channel that ends before that
 * means that the supervisor died before it had noted our pid: its successor
 * does not know of us, so we must not be. */
static int receive_setup(struct svc *svc, bool is_spare,
			 Tandem__ControlFrame **framep)
{
	Tandem__ControlFrame hello_frame;
	Tandem__Hello hello;
	size_t fdc = 0;
	int err;

	tandem__control_frame__init(&hello_frame);
	tandem__hello__init(&hello);
	control_hello(svc, &hello_frame, &hello, false);
	if (is_spare)
		await_end();
	err = frame_write(CONTROL_FD, &hello_frame, NULL, 0);
	if (err)
		return err;

	if (is_spare)
		await_need();
	err = frame_read(CONTROL_FD, framep, NULL, &fdc, SETUP_TIMEOUT_MS);
	if (!err && (*framep)->body_case != CTL_BODY(SETUP)) {
		tandem__control_frame__free_unpacked(*framep, NULL);
		*framep = NULL;
		err = EPROTO;
	}

	return err;
}


static int serve_metrics(struct svc *svc)
{
	struct svc_socket socket;

	if (svc_socket(svc, TANDEM__SOCKET_USE__SOCKET_USE_METRICS, 0,
		       &socket) != 0)
		return 0; /* the node file has it off */

	return web_metrics(&svc->web, svc->ev, socket.fd);
}


static int open_bus(struct svc *svc)
{
	char dir[300];
	const struct bus_args args = {
		.ev = svc->ev,
		.self = svc->self,
		.dir = dir,
		.links = svc->links,
		.linkc = svc->linkc,
		.routes = svc->def->routes,
		.routec = svc->def->routec,
		.state = svc->state,
		.log = &svc->log,
	};

	if (text_print(dir, sizeof(dir), "%s/bus", svc->node->run_dir))
		return ENAMETOOLONG;

	return bus_alloc(&svc->bus, &args);
}


static int open_daemon(struct svc *svc, char why[SVC_WHY_MAX])
{
	int err;

	svc->opened = true;
	err = svc->def->open ? svc->def->open(svc, svc->state) : 0;
	if (err && !why[0])
		(void)text_print(why, SVC_WHY_MAX, "open: %s", strerror(err));

	return err;
}


/* What others reach it by */
static int open_ways(struct svc *svc, char why[SVC_WHY_MAX])
{
	int err;

	err = open_bus(svc);
	if (err) {
		(void)text_print(why, SVC_WHY_MAX, "bus in %s/bus: %s",
				 svc->node->run_dir, strerror(err));
		return err;
	}

	err = serve_metrics(svc);
	if (err)
		(void)text_print(why, SVC_WHY_MAX, "metrics: %s",
				 strerror(err));

	return err;
}


/* It has the rights that we have now, and the calls that remain later. */
static void log_behind(const struct svc *svc)
{
	const int err = log_thread_start();

	if (err)
		log_warn(&svc->log, "log_without_thread why=%s",
			 strerror(err));
}


/* From the Setup to a daemon that works but has not said so */
static int bring_up(struct svc *svc, const Tandem__Setup *setup,
		    char why[SVC_WHY_MAX])
{
	int err;

	err = setup_apply(svc, setup, why);
	if (!err)
		err = confine_rights(svc->node, why);
	if (err)
		return err;

	log_behind(svc);
	svc->state = calloc(1,
			    svc->def->state_size ? svc->def->state_size : 1);
	if (!svc->state)
		return ENOMEM;

	if (svc->def->opens_first)
		err = open_daemon(svc, why);
	if (!err)
		err = open_ways(svc, why);
	if (!err && !svc->def->opens_first)
		err = open_daemon(svc, why);

	return err ? err : confine_calls(svc->def, svc->node, &svc->log, why);
}


static void tear_down(struct svc *svc)
{
	if (svc->opened && svc->def->close)
		svc->def->close(svc->state);
	svc->web = web_free(svc->web);
	svc->bus = bus_free(svc->bus);
	control_close(svc);
	free(svc->state);
	svc->state = NULL;
	setup_undo(svc);
	svc->ev = ev_free(svc->ev);
}


static void say_failed(int err, const char *why)
{
	Tandem__ControlFrame frame;
	Tandem__Failed failed;

	tandem__control_frame__init(&frame);
	tandem__failed__init(&failed);
	failed.err = (uint32_t)err;
	failed.why = unconst(why);
	frame.body_case = CTL_BODY(FAILED);
	frame.failed = &failed;
	(void)frame_write(CONTROL_FD, &frame, NULL, 0);
}


static void on_late_log(void *arg)
{
	(void)arg;
	log_flush();
}


/* Lines of a turn are written at its end. */
static void on_gathered(void *arg)
{
	struct svc *svc = arg;

	ev_late_start(&svc->late_log, svc->ev, on_late_log, NULL);
}


static int live(struct svc *svc, const Tandem__Setup *setup)
{
	char why[SVC_WHY_MAX] = "";
	int err;

	err = ev_alloc(&svc->ev);
	if (!err)
		err = bring_up(svc, setup, why);
	if (err) {
		if (!why[0])
			(void)text_print(why, sizeof(why), "%s",
					 strerror(err));
		log_error(&svc->log, "start_failed err=%d why=%s", err, why);
		say_failed(err, why);
	}
	else {
		err = control_open(svc, CONTROL_FD);
	}

	if (!err) {
		log_notice(&svc->log,
			   "process_ready generation=%u adopted=%u "
			   "quarantined=%u",
			   svc->generation, svc->adopted, svc->quarantined);
		log_gather(on_gathered, svc);
		err = ev_run(svc->ev);
		ev_late_stop(&svc->late_log);
		log_gather(NULL, NULL);
		log_notice(&svc->log, "process_ends");
	}
	log_thread_end();
	tear_down(svc);

	return err;
}


int svc_main(const struct svc_def *def, int argc, char *argv[])
{
	struct svc svc = { .def = def, .adopt_fd = -1 };
	Tandem__ControlFrame *frame = NULL;
	char process[PEER_ID_MAX];
	bool is_spare;
	int err;

	if (arguments(def, argc, argv, &svc.self.worker, &is_spare))
		return SVC_EXIT_USAGE;
	svc.self.peer = (uint16_t)def->peer;
	svc.started_as = geteuid();
	/* One that was started by a descriptor has its number for a name. */
	(void)prctl(PR_SET_NAME, def->name, 0, 0, 0);

	log_setup(peer_id_print(svc.self, process), LOG_LEVEL_INFO, LOG_JSON);
	fatal_setup(process);

	if (!is_control_channel(CONTROL_FD)) {
		fprintf(stderr,
			"%s: is started by the supervisor, not by hand: "
			"descriptor %d is no control channel\n",
			def->name, CONTROL_FD);
		return SVC_EXIT_USAGE;
	}

	err = receive_setup(&svc, is_spare, &frame);
	if (is_spare)
		memset(argv[2], 0, strlen(argv[2])); /* for who lists us */
	if (err == ECONNRESET || err == EPIPE)
		return SVC_EXIT_OK;
	if (err) {
		log_error(NULL, "no_setup why=%s", strerror(err));
		return SVC_EXIT_FAILED;
	}

	err = live(&svc, frame->setup);
	tandem__control_frame__free_unpacked(frame, NULL);

	return err ? SVC_EXIT_FAILED : SVC_EXIT_OK;
}
