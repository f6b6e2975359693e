/**
 * @file supervisor/reload.c  A new node file, in two phases
 *
 * First everything that is new is opened and every ready daemon is asked
 * whether it can live with the file. Only when all have agreed are they told
 * that it holds; until then nothing has changed, whatever goes wrong or dies.
 * A daemon that dies later starts with the new file anyway.
 *
 * What cannot change while shared memory and processes are as they are (name,
 * directories, prefix) is refused with a word on how to change it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "supervisor/limits.h"
#include "supervisor/notify.h"
#include "supervisor/rtprange.h"
#include "supervisor/supervisor.h"

enum {
	ANSWER_MS = 5000,
	SETTLE_MS = 500,
	AGAIN_MS = 10000,
	LINKS_MAX = 64,
	WHY_MAX = CONFIG_ERROR_MAX,
};

enum result {
	RELOAD_DONE,
	RELOAD_REFUSED
};


static void finish(struct supervisor *sup, const char *error)
{
	const uint64_t request = sup->reload_request;

	sup->reloading = false;
	sup->reload_request = 0;
	if (error && sup->range_asked)
		(void)rtprange_keep(&sup->config, sup->config.rtp_asked_first,
				    sup->config.rtp_asked_last);
	sup->range_asked = false;
	ev_timer_stop(&sup->reload_timer);
	for (size_t i = 0; i < sup->childc; i++)
		sup->children[i]->asked = false;

	metric_inc_at(M_RELOADS, error ? RELOAD_REFUSED : RELOAD_DONE);
	if (error)
		log_error(&sup->log, "reload_refused why=%s", error);
	else
		log_notice(&sup->log, "reloaded version=%lu",
			   (unsigned long)sup->config.version);
	notify_ready(sup->notify);
	if (request && error)
		command_answer_error(sup, request, "refused", error);
	else if (request)
		command_answer_ok(sup, request);
}


static void tell(struct child *child, int body)
{
	Tandem__ControlFrame frame;
	Tandem__Commit commit;
	Tandem__Abort abort_word;

	tandem__control_frame__init(&frame);
	tandem__commit__init(&commit);
	tandem__abort__init(&abort_word);
	commit.config_version = child->sup->coming.version;
	abort_word.config_version = child->sup->coming.version;
	frame.body_case = (Tandem__ControlFrame__BodyCase)body;
	if (body == CTL_BODY(COMMIT))
		frame.commit = &commit;
	else
		frame.abort = &abort_word;
	if (child->channel)
		(void)channel_send(child->channel, &frame, NULL, 0);
}


static void give_up(struct supervisor *sup, const char *error)
{
	for (size_t i = 0; i < sup->childc; i++)
		if (sup->children[i]->asked)
			tell(sup->children[i], CTL_BODY(ABORT));
	sockets_rollback(sup->sockets);
	finish(sup, error);
}


/* Ports that were given up are closed everywhere by now, or soon. */
static void on_more(void *arg)
{
	struct supervisor *sup = arg;

	reload_begin(sup, 0);
	if (!sup->reloading)
		ev_timer_start(&sup->reload_timer, sup->ev, AGAIN_MS, on_more,
			       sup);
}


/* All have agreed: it holds. */
static void put_in_force(struct supervisor *sup)
{
	const struct log_settings {
		enum log_level level;
		enum log_format format;
	} was = { sup->config.log_level, sup->config.log_format };

	for (size_t i = 0; i < sup->childc; i++)
		if (sup->children[i]->asked)
			tell(sup->children[i], CTL_BODY(COMMIT));
	supervisor_store(sup, SOCKETS_GONE);
	supervisor_store(sup, SOCKETS_NEW);
	sockets_commit(sup->sockets);
	sup->config = sup->coming;
	for (size_t i = 0; i < sup->childc; i++) {
		child_log_anew(sup->children[i]);
		child_spare_anew(sup->children[i]);
	}
	metric_set(M_CONFIG_VERSION, (int64_t)sup->config.version);
	if (sup->config.log_level != was.level ||
	    sup->config.log_format != was.format)
		log_setup("supervisor", sup->config.log_level,
			  sup->config.log_format);
	if (supervisor_children(sup, &sup->config))
		log_error(&sup->log, "reload_incomplete why=%s",
			  "out of memory for more workers");
	finish(sup, NULL);
	supervisor_advance(sup);
	if (sockets_wants_more(sup->sockets))
		ev_timer_start(&sup->reload_timer, sup->ev, SETTLE_MS, on_more,
			       sup);
}


void reload_advance(struct supervisor *sup)
{
	if (!sup->reloading)
		return;

	for (size_t i = 0; i < sup->childc; i++)
		if (sup->children[i]->asked && !sup->children[i]->prepared)
			return;
	put_in_force(sup);
}


void reload_prepared(struct child *child, const Tandem__Prepared *prepared)
{
	struct supervisor *sup = child->sup;
	char error[WHY_MAX];

	if (!sup->reloading || !child->asked ||
	    prepared->config_version != sup->coming.version)
		return;

	if (prepared->err) {
		(void)text_print(error, sizeof(error), "%s: %s", child->name,
				 prepared->why);
		give_up(sup, error);
		return;
	}
	child->prepared = true;
	reload_advance(sup);
}


static void on_silence(void *arg)
{
	struct supervisor *sup = arg;

	for (size_t i = 0; i < sup->childc; i++) {
		if (sup->children[i]->asked && !sup->children[i]->prepared) {
			char error[128];

			(void)text_print(error, sizeof(error),
					 "%s did not answer in time",
					 sup->children[i]->name);
			give_up(sup, error);
			return;
		}
	}
}


/* New sockets travel in as many frames as they need. */
static int send_new(struct child *child, Tandem__Socket *runs, size_t runc)
{
	Tandem__ControlFrame frame;
	Tandem__Sockets sockets;
	int err = 0;

	tandem__control_frame__init(&frame);
	frame.body_case = CTL_BODY(SOCKETS);
	frame.sockets = &sockets;

	for (size_t i = 0; i < runc && !err; i++) {
		const Tandem__Socket whole = runs[i];

		for (uint32_t from = 0; from < whole.count && !err;) {
			Tandem__Socket part = whole, *parts[] = { &part };
			int fds[FRAME_FDS_MAX];
			uint32_t n = 0;

			for (; n < FRAME_FDS_MAX && from + n < whole.count;
			     n++)
				fds[n] = whole.fd + (int)(from + n);
			tandem__sockets__init(&sockets);
			sockets.n_sockets = 1;
			sockets.sockets = parts;
			part.port = whole.port + from;
			part.fd = 0;
			part.count = n;
			err = channel_send(child->channel, &frame, fds, n);
			from += n;
		}
	}
	if (err)
		return err;

	tandem__sockets__init(&sockets);
	sockets.last = true;

	return channel_send(child->channel, &frame, NULL, 0);
}


static int send_prepare(struct child *child, const struct config *config,
			Tandem__Socket *gone, size_t gonec, bool follow)
{
	Tandem__Link link_rows[LINKS_MAX], *link_ptrs[LINKS_MAX];
	Tandem__Socket **gone_ptrs;
	Tandem__ControlFrame frame;
	struct setup_realms realms;
	Tandem__Prepare prepare;
	Tandem__Node node;
	int err;

	gone_ptrs = malloc((gonec + 1) * sizeof(Tandem__Socket *));
	if (!gone_ptrs)
		return ENOMEM;

	for (size_t i = 0; i < gonec; i++)
		gone_ptrs[i] = &gone[i];
	setup_node(&node, &realms, config, child->id);
	tandem__prepare__init(&prepare);
	prepare.config_version = config->version;
	prepare.node = &node;
	prepare.n_gone = gonec;
	prepare.gone = gone_ptrs;
	prepare.n_links = setup_links(link_rows, link_ptrs, LINKS_MAX, config,
				      child->id);
	prepare.links = link_ptrs;
	prepare.sockets_follow = follow;
	tandem__control_frame__init(&frame);
	frame.body_case = CTL_BODY(PREPARE);
	frame.prepare = &prepare;
	err = channel_send(child->channel, &frame, NULL, 0);
	free(gone_ptrs);

	return err;
}


static int ask(struct child *child, const struct config *config)
{
	struct supervisor *sup = child->sup;
	Tandem__Socket *fresh = NULL, *gone = NULL;
	size_t freshc = 0, gonec = 0;
	int err;

	err = sockets_runs(sup->sockets, child->id, SOCKETS_NEW, &fresh,
			   &freshc);
	/* A worker that is to go works with what it has until then. */
	if (!err && child->id.worker < config->workers[child->id.peer])
		err = sockets_runs(sup->sockets, child->id, SOCKETS_GONE,
				   &gone, &gonec);
	if (!err)
		err = send_prepare(child, config, gone, gonec, freshc > 0);
	if (!err && freshc > 0)
		err = send_new(child, fresh, freshc);
	free(fresh);
	free(gone);
	if (!err) {
		child->asked = true;
		child->prepared = false;
	}

	return err;
}


/* A change of these needs a stop: what lives is built on them. */
static int same_ground(const struct config *now, const struct config *coming,
		       char *error, size_t size)
{
	const struct {
		const char *name, *now, *coming;
	} rows[] = {
		{ "node", now->node, coming->node },
		{ "run_dir", now->run_dir, coming->run_dir },
		{ "state_dir", now->state_dir, coming->state_dir },
		{ "shm_prefix", now->shm_prefix, coming->shm_prefix },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strcmp(rows[i].now, rows[i].coming) == 0)
			continue;
		(void)text_print(error, size,
				 "%s: \"%s\" cannot become \"%s\" while the "
				 "cluster runs: stop the supervisor first",
				 rows[i].name, rows[i].now, rows[i].coming);
		return EINVAL;
	}
	if (now->calls != coming->calls || now->bindings != coming->bindings) {
		(void)text_print(error, size,
				 "limits.calls and limits.bindings cannot "
				 "change while the cluster runs: shared memory "
				 "is laid out for them; stop the supervisor "
				 "first");
		return EINVAL;
	}

	return 0;
}


static int read_coming(struct supervisor *sup, char error[WHY_MAX])
{
	int err;

	err = config_read(&sup->coming, sup->path, error);
	if (!err)
		rtprange_apply(&sup->coming);
	if (!err)
		err = same_ground(&sup->config, &sup->coming, error, WHY_MAX);
	if (!err)
		err = limits_check(&sup->coming, error);
	sup->coming.version = sup->config.version + 1;
	if (!err)
		err = segments_reach(sup->segments, &sup->coming, error);
	if (!err)
		err = sockets_prepare(sup->sockets, &sup->coming, error);

	return err;
}


/* One that cannot be had is not kept: the next reload would fail for it too. */
void reload_rtp_range(struct supervisor *sup, const Tandem__RtpRange *range)
{
	const struct config *now = &sup->config;
	int err;

	if (sup->reloading || sup->aim == AIM_ADOPT ||
	    (range->first == now->rtp_asked_first &&
	     range->last == now->rtp_asked_last))
		return;

	err = rtprange_keep(now, range->first, range->last);
	if (err) {
		log_error(&sup->log, "rtp_range_refused why=%s",
			  strerror(err));
		return;
	}
	sup->range_asked = true;
	reload_begin(sup, 0);
}


/* What comes while another reload is under way is said again. */
void reload_rtp_unused(struct child *child, const Tandem__RtpUnused *unused)
{
	struct supervisor *sup = child->sup;
	size_t n = 0;

	if (sup->reloading || sup->aim == AIM_ADOPT)
		return;

	for (size_t i = 0; i < unused->n_runs; i++)
		n += sockets_unused(sup->sockets, child->id,
				    unused->runs[i]->first,
				    unused->runs[i]->count);
	if (n > 0)
		reload_begin(sup, 0);
}


void reload_begin(struct supervisor *sup, uint64_t request)
{
	char error[WHY_MAX] = "";
	int err;

	if (sup->reloading || sup->aim == AIM_ADOPT) {
		if (request)
			command_answer_error(sup, request, "busy",
					     "another reload is under way");
		return;
	}

	sup->reload_request = request;
	notify_reloading(sup->notify);
	err = read_coming(sup, error);
	if (err) {
		finish(sup, error[0] ? error : strerror(err));
		return;
	}

	sup->reloading = true;
	for (size_t i = 0; i < sup->childc && !err; i++)
		if (sup->children[i]->state == CHILD_READY)
			err = ask(sup->children[i], &sup->coming);
	if (err) {
		give_up(sup, strerror(err));
		return;
	}
	ev_timer_start(&sup->reload_timer, sup->ev, ANSWER_MS, on_silence,
		       sup);
	reload_advance(sup);
}
