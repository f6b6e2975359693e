/**
 * @file shared/svc/reload.c  A new node file, in two phases
 *
 * Prepare (with the sockets that are new) changes nothing: the daemon says
 * whether it could live with it. Commit makes it hold, Abort forgets it, and
 * so does the end of the channel. One at a time: a second Prepare takes the
 * place of the first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/base/metric.h"
#include "shared/base/text.h"
#include "shared/ipc/fdpass.h"
#include "shared/svc/svc_parts.h"


static void say_prepared(struct svc *svc, int err, const char *why)
{
	Tandem__ControlFrame frame;
	Tandem__Prepared prepared;

	tandem__control_frame__init(&frame);
	tandem__prepared__init(&prepared);
	prepared.config_version = svc->prepare ? svc->prepare->config_version
					       : 0;
	prepared.err = (uint32_t)err;
	prepared.why = unconst(why);
	frame.body_case = CTL_BODY(PREPARED);
	frame.prepared = &prepared;
	if (svc->channel)
		(void)channel_send(svc->channel, &frame, NULL, 0);
}


void reload_abort(struct svc *svc)
{
	runs_close(&svc->coming);
	if (svc->prepare)
		tandem__prepare__free_unpacked(svc->prepare, NULL);
	svc->prepare = NULL;
}


static Tandem__Prepare *prepare_copy(const Tandem__Prepare *prepare)
{
	const size_t size = tandem__prepare__get_packed_size(prepare);
	uint8_t *data = malloc(size ? size : 1);
	Tandem__Prepare *copy;

	if (!data)
		return NULL;

	(void)tandem__prepare__pack(prepare, data);
	copy = tandem__prepare__unpack(NULL, size, data);
	free(data);

	return copy;
}


static void judge(struct svc *svc)
{
	char why[SVC_WHY_MAX] = "";
	int err = 0;

	if (svc->def->check)
		err = svc->def->check(svc, svc->state, svc->prepare->node,
				      why);
	if (err && !why[0])
		(void)text_print(why, sizeof(why), "%s", strerror(err));
	say_prepared(svc, err, why);
}


void reload_prepare(struct svc *svc, const Tandem__Prepare *prepare)
{
	static const char drains[] = "it is draining";

	reload_abort(svc);
	svc->prepare = prepare_copy(prepare);
	if (!svc->prepare || !svc->prepare->node) {
		say_prepared(svc, ENOMEM, "out of memory");
		reload_abort(svc);
		return;
	}
	if (svc->life_state == LIFE_DRAINING)
		say_prepared(svc, EBUSY, drains);
	else if (!svc->prepare->sockets_follow)
		judge(svc);
}


void reload_sockets(struct svc *svc, const Tandem__Sockets *sockets,
		    const int *fds, size_t fdc)
{
	int err = EPROTO;

	if (svc->prepare)
		err = runs_add(&svc->coming, sockets->sockets,
			       sockets->n_sockets, fds, fdc);
	if (err) {
		fds_close(fds, fdc);
		log_warn(&svc->log, "sockets_refused why=%s", strerror(err));
		if (svc->prepare)
			say_prepared(svc, err, "sockets that make no sense");
		reload_abort(svc);
		return;
	}
	if (sockets->last)
		judge(svc);
}


void reload_commit(struct svc *svc, const Tandem__Commit *commit)
{
	Tandem__Prepare *prepare = svc->prepare;
	Tandem__Node *old = svc->node;
	struct runs removed = { NULL, 0 };
	int err;

	if (!prepare || prepare->config_version != commit->config_version) {
		log_warn(&svc->log, "commit_refused why=%s", "not prepared");
		return;
	}

	/* From here on it holds; what fails is said, not undone. */
	svc->node = prepare->node;
	prepare->node = old; /* freed with the Prepare */
	svc->linkc = links_copy(svc->links, prepare->links, prepare->n_links);
	err = runs_append(&svc->sockets, &svc->coming);
	if (!err && svc->bus)
		err = bus_links_set(svc->bus, svc->links, svc->linkc);
	/* The daemon sees that they are gone, and lets go of them open. */
	runs_remove(&svc->sockets, prepare->gone, prepare->n_gone, &removed);
	if (!err && svc->def->reload)
		err = svc->def->reload(svc, svc->state);
	runs_close(&removed);

	metric_set(M_CONFIG_VERSION, (int64_t)svc->node->config_version);
	if (err)
		log_error(&svc->log, "reload_failed why=%s", strerror(err));
	else
		log_notice(&svc->log, "reloaded version=%lu",
			   (unsigned long)svc->node->config_version);
	reload_abort(svc);
}
