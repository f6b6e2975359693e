/**
 * @file supervisor/control.c  What a daemon says
 *
 * A daemon is not trusted either: who it says it is must be who we think it
 * is, and a word that does not fit its state is counted and ignored by the
 * child's table.
 */
#include <string.h>

#include "shared/base/metric_labels.h"
#include "shared/base/text.h"
#include "shared/ipc/fdpass.h"
#include "supervisor/forward.h"
#include "supervisor/supervisor.h"


static void on_hello(struct child *child, const Tandem__Hello *hello)
{
	if (hello->peer != child->id.peer ||
	    hello->worker != child->id.worker || hello->pid != child->pid) {
		metric_inc_at(M_CONTROL_REFUSED, CONTROL_WRONG_PEER);
		log_error(&child->log, "wrong_peer says=%u.%u pid=%d",
			  hello->peer, hello->worker, hello->pid);
		child->channel = channel_free(child->channel);
		return;
	}

	child->introduced = true;
	(void)text_print(child->version, sizeof(child->version), "%s",
			 hello->version);
}


static void say_adopted(struct child *child)
{
	Tandem__ControlFrame frame;
	Tandem__Adopted adopted;

	tandem__control_frame__init(&frame);
	tandem__adopted__init(&adopted);
	adopted.beat_ms = BEAT_MS;
	frame.body_case = CTL_BODY(ADOPTED);
	frame.adopted = &adopted;
	(void)channel_send(child->channel, &frame, NULL, 0);
}


/* Where it waits for supervisors is no public socket: its spare inherits it. */
static void keep_adopt_fd(struct child *child, int fd)
{
	if (child->def->has_spare && child->adopt_fd < 0)
		child->adopt_fd = fd;
	else
		fds_close(&fd, 1);
}


/* Sockets that it gives back; the last frame ends the adoption. */
static void on_sockets(struct child *child, const Tandem__Sockets *sockets,
		       const int *fds, size_t fdc)
{
	size_t used = 0;

	for (size_t i = 0; i < sockets->n_sockets; i++) {
		const Tandem__Socket *run = sockets->sockets[i];

		if (!child->introduced || run->fd < 0 ||
		    (size_t)run->fd != used || run->count > fdc - used) {
			metric_inc_at(M_CONTROL_REFUSED, CONTROL_WRONG_STATE);
			break;
		}
		if (run->use == TANDEM__SOCKET_USE__SOCKET_USE_ADOPT &&
		    run->count == 1)
			keep_adopt_fd(child, fds[used]);
		else
			(void)sockets_offer(child->sup->sockets, run,
					    fds + used, run->count);
		used += run->count;
	}
	fds_close(fds + used, fdc - used);

	if (!sockets->last || child->given || !child->introduced)
		return;

	child->given = true;
	metric_inc(M_ADOPTIONS);
	log_notice(&child->log, "process_adopted pid=%d", (int)child->pid);
	say_adopted(child);
	child_event(child, CHILD_EV_READY);
}


void control_frame(const Tandem__ControlFrame *frame, const int *fds,
		   size_t fdc, void *arg)
{
	struct child *child = arg;

	switch ((int)frame->body_case) {

	case CTL_BODY(HELLO):
		on_hello(child, frame->hello);
		break;

	case CTL_BODY(READY):
		if (child->introduced)
			child_event(child, CHILD_EV_READY);
		break;

	case CTL_BODY(FAILED):
		(void)text_print(child->why, sizeof(child->why), "%s",
				 frame->failed->why);
		break;

	case CTL_BODY(SOCKETS):
		on_sockets(child, frame->sockets, fds, fdc);
		return;

	case CTL_BODY(PREPARED):
		reload_prepared(child, frame->prepared);
		break;

	case CTL_BODY(RTP_RANGE):
		if (child->introduced && child->id.peer == PEER_MEDIAD)
			reload_rtp_range(child->sup, frame->rtp_range);
		break;

	case CTL_BODY(RTP_UNUSED):
		if (child->introduced && child->id.peer == PEER_MEDIAD)
			reload_rtp_unused(child, frame->rtp_unused);
		break;

	case CTL_BODY(ADMIN_REPLY):
		forward_reply(child->sup, child, frame->admin_reply);
		break;

	default:
		metric_inc_at(M_CONTROL_REFUSED, CONTROL_UNKNOWN_BODY);
		break;
	}
	fds_close(fds, fdc);
}


/* It is dying, as its pidfd will say; or it is not, and cannot be talked to
 * any more: then it is of no use and is started anew. */
void control_closed(int err, void *arg)
{
	struct child *child = arg;

	log_debug(&child->log, "channel_closed why=%s",
		  err ? strerror(err) : "closed");
	child->channel = channel_free(child->channel);
}
