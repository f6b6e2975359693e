/**
 * @file shared/ipc/channel.c  The control channel in a loop
 *
 * The kernel hands over descriptors together with the first byte of what they
 * were sent with, and never those of two sends at once. So descriptors wait in
 * order of arrival; each frame takes as many as its head says, and when the
 * bytes at hand are used up none may be left over.
 *
 * Bounds: FRAME_BYTES_MAX to receive, twice FRAME_FDS_MAX descriptors
 * received, FRAME_QUEUE_MAX and FRAME_QUEUE_FDS_MAX to send. Whoever breaks
 * the protocol is cut off; what came with it is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/metric.h"
#include "shared/base/metric_labels.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/ipc/fdpass.h"
#include "shared/ipc/frame.h"

enum {
	IN_FIRST = 4096,     /* Most frames are smaller */
	IN_KEEP = 64 << 10,  /* A larger buffer is not kept when empty */
	READS_PER_TURN = 16, /* Then others in the loop have their turn */
	CROWDED_WAIT_MS = 20 /* Until the reader has taken descriptors */
};

/** A frame, or the rest of one, that the socket did not take */
struct unsent {
	struct unsent *next;
	uint8_t *data;
	size_t len;
	size_t sent;
	int *fds; /**< Our duplicates; go with the first byte */
	size_t fdc;
};

struct channel {
	struct ev *ev;
	struct ev_watch *watch;  /**< NULL: the channel has ended */
	struct ev_timer crowded; /**< Too many descriptors under way */
	int fd;

	channel_h *frameh;
	channel_close_h *closeh;
	void *arg;
	bool *freedp; /**< Tells who calls a handler that we are gone */

	uint8_t *in;
	size_t inlen;
	size_t insize;
	int fds[2 * FRAME_FDS_MAX]; /**< Came, but their frame has not */
	size_t fdc;

	struct unsent *head;
	struct unsent **tailp;
	size_t queued;     /**< Bytes in the list */
	size_t queued_fdc; /**< Descriptors in the list */
};


static struct unsent *unsent_free(struct unsent *un)
{
	if (!un)
		return NULL;

	fds_close(un->fds, un->fdc);
	free(un->fds);
	free(un->data);
	free(un);

	return NULL;
}


static int fds_dup(int *dst, const int *fds, size_t fdc)
{
	for (size_t i = 0; i < fdc; i++) {
		dst[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
		if (dst[i] < 0) {
			const int err = errno;

			fds_close(dst, i);
			return err;
		}
	}

	return 0;
}


/* Takes over data if it succeeds. */
static int unsent_alloc(struct unsent **unp, uint8_t *data, size_t len,
			size_t sent, const int *fds, size_t fdc)
{
	struct unsent *un;
	int err = 0;

	un = calloc(1, sizeof(*un));
	if (!un)
		return ENOMEM;

	if (fdc > 0) {
		un->fds = calloc(fdc, sizeof(*un->fds));
		if (!un->fds) {
			err = ENOMEM;
			goto out;
		}

		err = fds_dup(un->fds, fds, fdc);
		if (err)
			goto out;
		un->fdc = fdc;
	}

	un->data = data;
	un->len = len;
	un->sent = sent;

out:
	if (err)
		unsent_free(un);
	else
		*unp = un;

	return err;
}


/* Everything but the memory: nothing comes in and goes out any more. */
static void channel_end(struct channel *ch)
{
	ev_timer_stop(&ch->crowded);
	ch->watch = ev_unwatch(ch->watch);
	if (ch->fd >= 0)
		close(ch->fd);
	ch->fd = -1;

	fds_close(ch->fds, ch->fdc);
	ch->fdc = 0;

	while (ch->head) {
		struct unsent *un = ch->head;

		ch->head = un->next;
		unsent_free(un);
	}
	ch->tailp = &ch->head;
	ch->queued = 0;
	ch->queued_fdc = 0;
}


static void channel_ended(struct channel *ch, int err)
{
	channel_end(ch);
	ch->closeh(err, ch->arg);
}


/* The handler may free the channel.
 * @return false if it has, or if the channel has ended */
static bool frame_deliver(struct channel *ch, Tandem__ControlFrame *frame,
			  size_t fdc)
{
	int fds[FRAME_FDS_MAX];
	bool is_freed = false;

	memcpy(fds, ch->fds, fdc * sizeof(*fds));
	ch->fdc -= fdc;
	memmove(ch->fds, ch->fds + fdc, ch->fdc * sizeof(*ch->fds));

	ch->freedp = &is_freed;
	ch->frameh(frame, fds, fdc, ch->arg);
	frame_free(frame);
	if (is_freed)
		return false;

	ch->freedp = NULL;

	return ch->watch;
}


/* Are the descriptors at hand possible for the bytes that are left? */
static int fds_check(const struct channel *ch)
{
	size_t size, most = 0;

	if (ch->inlen > 0) {
		const int err = frame_head_parse(&size, &most, ch->in,
						 ch->inlen);

		if (err == EAGAIN)
			most = FRAME_FDS_MAX;
		else if (err)
			return err;
	}

	if (ch->fdc > most) {
		metric_inc_at(M_CONTROL_REFUSED, CONTROL_MALFORMED);
		return EPROTO;
	}

	return 0;
}


/* Deliver what is whole.
 * @return 0, ECANCELED if the channel is gone, EPROTO */
static int frames_take(struct channel *ch)
{
	size_t used = 0;
	int err = 0;

	while (!err) {
		Tandem__ControlFrame *frame;
		size_t size, fdc;

		err = frame_parse(&frame, &size, &fdc, ch->in + used,
				  ch->inlen - used);
		if (err)
			break;

		if (fdc > ch->fdc) {
			frame_free(frame);
			metric_inc_at(M_CONTROL_REFUSED, CONTROL_MALFORMED);
			return EPROTO;
		}

		used += size;
		if (!frame_deliver(ch, frame, fdc))
			return ECANCELED;
	}

	ch->inlen -= used;
	if (used > 0 && ch->inlen > 0)
		memmove(ch->in, ch->in + used, ch->inlen);

	return err == EAGAIN ? fds_check(ch) : err;
}


/* Memory follows what has come, not what a head promises. */
static int in_reserve(struct channel *ch)
{
	size_t size;
	uint8_t *in;

	if (ch->inlen == 0 && ch->insize > IN_KEEP) {
		free(ch->in);
		ch->in = NULL;
		ch->insize = 0;
	}

	if (ch->inlen < ch->insize)
		return 0;

	size = ch->insize > 0 ? 2 * ch->insize : IN_FIRST;
	in = realloc(ch->in, size);
	if (!in)
		return ENOMEM;

	ch->in = in;
	ch->insize = size;

	return 0;
}


/* @return 0 if all is well, EAGAIN if nothing is left to read, ECANCELED if
 *         the channel is gone, otherwise why it ends */
static int channel_read(struct channel *ch)
{
	size_t fdc = COUNT_OF(ch->fds) - ch->fdc;
	ssize_t n;
	int err;

	err = in_reserve(ch);
	if (err)
		return err;

	n = fdpass_recv(ch->fd, ch->in + ch->inlen, ch->insize - ch->inlen,
			ch->fds + ch->fdc, &fdc);
	if (n < 0 && errno == EMSGSIZE) {
		metric_inc_at(M_CONTROL_REFUSED, CONTROL_MALFORMED);
		return EPROTO;
	}
	if (n < 0)
		return errno;
	if (n == 0)
		return ch->inlen > 0 ? ECONNRESET : ESHUTDOWN;

	ch->inlen += (size_t)n;
	ch->fdc += fdc;

	return frames_take(ch);
}


static void unsent_pop(struct channel *ch)
{
	struct unsent *un = ch->head;

	ch->head = un->next;
	if (!ch->head)
		ch->tailp = &ch->head;
	ch->queued -= un->len;
	unsent_free(un);
}


/* @return 0 if all is sent, EAGAIN if the socket is full, ETOOMANYREFS if the
 *         kernel carries too many descriptors, otherwise errorcode */
static int channel_flush(struct channel *ch)
{
	while (ch->head) {
		struct unsent *un = ch->head;
		const ssize_t n = fdpass_send(ch->fd, un->data + un->sent,
					      un->len - un->sent, un->fds,
					      un->fdc);

		if (n < 0)
			return errno;

		un->sent += (size_t)n;
		fds_close(un->fds, un->fdc);
		ch->queued_fdc -= un->fdc;
		un->fdc = 0;
		if (un->sent == un->len)
			unsent_pop(ch);
	}

	return 0;
}


static void on_crowded(void *arg);


/* Send what waits and watch for what is to come.
 * @return 0 if success, otherwise why the channel ends */
static int channel_go_on(struct channel *ch)
{
	int err;

	err = channel_flush(ch);
	if (err == ETOOMANYREFS) {
		/* The socket is writable all the same: ask again later. */
		ev_timer_start(&ch->crowded, ch->ev, CROWDED_WAIT_MS,
			       on_crowded, ch);
		return ev_watch_change(ch->watch, EV_READ);
	}
	if (err && err != EAGAIN)
		return err;

	return ev_watch_change(ch->watch, err ? EV_READ | EV_WRITE : EV_READ);
}


static void on_crowded(void *arg)
{
	struct channel *ch = arg;
	const int err = channel_go_on(ch);

	if (err)
		channel_ended(ch, err);
}


static void on_ready(int flags, void *arg)
{
	struct channel *ch = arg;
	int err = 0;

	for (int i = 0; i < READS_PER_TURN && !err; i++)
		err = channel_read(ch);

	if (err == ECANCELED)
		return;
	if (err == ESHUTDOWN) {
		channel_ended(ch, 0);
		return;
	}
	if (err == EAGAIN)
		err = 0;

	if (!err && (flags & EV_WRITE))
		err = channel_go_on(ch);

	if (err)
		channel_ended(ch, err);
}


int channel_alloc(struct channel **chp, struct ev *ev, int fd,
		  channel_h *frameh, channel_close_h *closeh, void *arg)
{
	struct channel *ch;
	int flags;
	int err = 0;

	if (!chp || !ev || fd < 0 || !frameh || !closeh) {
		if (fd >= 0)
			close(fd);
		return EINVAL;
	}

	ch = calloc(1, sizeof(*ch));
	if (!ch) {
		close(fd);
		return ENOMEM;
	}

	ch->ev = ev;
	ch->fd = fd;
	ch->frameh = frameh;
	ch->closeh = closeh;
	ch->arg = arg;
	ch->tailp = &ch->head;

	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		err = errno;
		goto out;
	}

	err = ev_watch(&ch->watch, ev, fd, EV_READ, on_ready, ch);

out:
	if (err)
		channel_free(ch);
	else
		*chp = ch;

	return err;
}


struct channel *channel_free(struct channel *ch)
{
	if (!ch)
		return NULL;

	if (ch->freedp)
		*ch->freedp = true;

	channel_end(ch);
	free(ch->in);
	free(ch);

	return NULL;
}


/* Keep what the socket did not take. Takes over data if it succeeds. */
static int channel_queue(struct channel *ch, uint8_t *data, size_t len,
			 size_t sent, const int *fds, size_t fdc)
{
	struct unsent *un;
	int err;

	err = unsent_alloc(&un, data, len, sent, fds, fdc);
	if (err)
		return err;

	*ch->tailp = un;
	ch->tailp = &un->next;
	ch->queued += len;
	ch->queued_fdc += fdc;

	return 0;
}


/* A frame of which a part has gone must be followed by its rest: when that
 * cannot be kept, the channel is of no use any more. */
int channel_send(struct channel *ch, const Tandem__ControlFrame *frame,
		 const int *fds, size_t fdc)
{
	uint8_t *data;
	size_t len, sent = 0;
	int err;

	if (!ch || !frame || (fdc > 0 && !fds))
		return EINVAL;
	if (!ch->watch)
		return ENOTCONN;

	err = frame_print(&data, &len, frame, fdc);
	if (err)
		return err;

	if (ch->queued + len > FRAME_QUEUE_MAX ||
	    ch->queued_fdc + fdc > FRAME_QUEUE_FDS_MAX) {
		err = ENOBUFS;
		goto out;
	}

	if (!ch->head) {
		const ssize_t n = fdpass_send(ch->fd, data, len, fds, fdc);

		if (n < 0 && errno != EAGAIN && errno != ETOOMANYREFS) {
			err = errno == EPIPE ? ECONNRESET : errno;
			goto out;
		}
		sent = n > 0 ? (size_t)n : 0;
		if (sent == len)
			goto out;
	}

	err = channel_queue(ch, data, len, sent, fds, sent > 0 ? 0 : fdc);
	if (err) {
		if (sent > 0)
			(void)shutdown(ch->fd, SHUT_RDWR);
		goto out;
	}
	data = NULL;

	err = ev_watch_change(ch->watch, EV_READ | EV_WRITE);

out:
	free(data);

	return err;
}
