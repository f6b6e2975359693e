/**
 * @file shared/svc/sockets.c  The table of inherited sockets
 *
 * Kept as runs: the RTP range is thousands of sockets with consecutive
 * descriptors and ports. A run that arrives with scattered descriptors is kept
 * as several.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/text.h"
#include "shared/svc/svc_parts.h"

enum {
	RUN_MAX = 65536
};


static int run_push(struct runs *runs, const struct run *run)
{
	struct run *rows;

	rows = realloc(runs->rows, (runs->rowc + 1) * sizeof(*rows));
	if (!rows)
		return ENOMEM;

	rows[runs->rowc++] = *run;
	runs->rows = rows;

	return 0;
}


static int run_of(struct run *run, const Tandem__Socket *socket)
{
	*run = (struct run){
		.use = socket->use,
		.count = socket->count,
		.port = (uint16_t)socket->port,
		.owner = { (uint16_t)socket->peer, (uint16_t)socket->worker },
	};

	if (socket->count == 0 || socket->count > RUN_MAX ||
	    text_copy(run->listener, sizeof(run->listener),
		      text_of(socket->listener)) ||
	    text_copy(run->bind, sizeof(run->bind), text_of(socket->bind)) ||
	    text_copy(run->advertised, sizeof(run->advertised),
		      text_of(socket->advertised)) ||
	    text_copy(run->certificate, sizeof(run->certificate),
		      text_of(socket->certificate)) ||
	    text_copy(run->key, sizeof(run->key), text_of(socket->key)))
		return EPROTO;

	return 0;
}


/* One message becomes as many runs as its descriptors have gaps. */
static int split(struct runs *runs, struct run *run, const int *fds)
{
	const uint32_t count = run->count;
	const uint16_t port = run->port;
	int err = 0;

	for (uint32_t from = 0, to; from < count && !err; from = to) {
		for (to = from + 1; to < count && fds[to] == fds[to - 1] + 1;)
			to++;
		run->fd = fds[from];
		run->count = to - from;
		run->port = (uint16_t)(port ? port + from : 0);
		err = run_push(runs, run);
	}

	return err;
}


int runs_add(struct runs *runs, Tandem__Socket *const *sockets, size_t socketc,
	     const int *fds, size_t fdc)
{
	const size_t before = runs->rowc;
	int err = 0;

	for (size_t i = 0; i < socketc && !err; i++) {
		struct run run;

		err = run_of(&run, sockets[i]);
		if (err)
			break;
		if (!fds) {
			run.fd = sockets[i]->fd;
			err = run_push(runs, &run);
		}
		else if (sockets[i]->fd < 0 || (size_t)sockets[i]->fd > fdc ||
			 run.count > fdc - (size_t)sockets[i]->fd) {
			err = EPROTO;
		}
		else {
			err = split(runs, &run, fds + sockets[i]->fd);
		}
	}
	if (err)
		runs->rowc = before; /* the caller closes what came */

	return err;
}


/* Everything of more becomes part of runs. */
int runs_append(struct runs *runs, struct runs *more)
{
	const size_t rowc = runs->rowc + more->rowc;
	struct run *rows;

	if (more->rowc == 0)
		return 0;

	rows = realloc(runs->rows, rowc * sizeof(*rows));
	if (!rows)
		return ENOMEM;

	memcpy(rows + runs->rowc, more->rows, more->rowc * sizeof(*rows));
	runs->rows = rows;
	runs->rowc = rowc;
	free(more->rows);
	*more = (struct runs){ NULL, 0 };

	return 0;
}


static void run_close(const struct run *run)
{
	for (uint32_t i = 0; i < run->count; i++)
		(void)close(run->fd + (int)i);
}


static bool is_same_kind(const struct run *run, const Tandem__Socket *gone)
{
	return run->use == gone->use && run->owner.peer == gone->peer &&
	       run->owner.worker == gone->worker &&
	       strcmp(run->listener, gone->listener) == 0 &&
	       strcmp(run->bind, gone->bind) == 0;
}


/* Take from a run what of it is gone: what is before stays, and what is
 * behind becomes a run of its own. */
static int run_cut(struct runs *runs, size_t row, const Tandem__Socket *gone,
		   struct runs *removed)
{
	struct run *run = &runs->rows[row];
	struct run behind = *run, cut = *run;
	const uint32_t end = run->port + run->count;
	const uint32_t gone_end = gone->port + gone->count;
	const uint32_t from = gone->port > run->port ? gone->port : run->port;
	const uint32_t to = gone_end < end ? gone_end : end;

	if (!is_same_kind(run, gone) || from >= to)
		return 0;

	cut.fd = run->fd + (int)(from - run->port);
	cut.count = to - from;
	behind.fd = run->fd + (int)(to - run->port);
	behind.port = (uint16_t)to;
	behind.count = end - to;
	run->count = from - run->port;
	if (!removed || run_push(removed, &cut))
		run_close(&cut);

	return behind.count ? run_push(runs, &behind) : 0;
}


void runs_remove(struct runs *runs, Tandem__Socket *const *gone, size_t gonec,
		 struct runs *removed)
{
	size_t kept = 0;

	/* Without memory for a rest the rest is lost to us, not to the
	 * supervisor: it holds them all. */
	for (size_t j = 0; j < gonec; j++)
		for (size_t i = 0; i < runs->rowc; i++)
			(void)run_cut(runs, i, gone[j], removed);

	for (size_t i = 0; i < runs->rowc; i++)
		if (runs->rows[i].count > 0)
			runs->rows[kept++] = runs->rows[i];
	runs->rowc = kept;
}


void runs_close(struct runs *runs)
{
	for (size_t i = 0; i < runs->rowc; i++)
		run_close(&runs->rows[i]);
	free(runs->rows);
	*runs = (struct runs){ NULL, 0 };
}


size_t runs_count(const struct runs *runs)
{
	size_t count = 0;

	for (size_t i = 0; i < runs->rowc; i++)
		count += runs->rows[i].count;

	return count;
}


/* At most FRAME_FDS_MAX descriptors, from the from-th of this run */
static int send_part(const struct run *run, uint32_t from, uint32_t count,
		     struct channel *channel)
{
	Tandem__ControlFrame frame;
	Tandem__Sockets sockets;
	Tandem__Socket socket;
	Tandem__Socket *rows[1] = { &socket };
	struct run copy = *run;
	int fds[FRAME_FDS_MAX];

	tandem__control_frame__init(&frame);
	tandem__sockets__init(&sockets);
	tandem__socket__init(&socket);
	for (uint32_t i = 0; i < count; i++)
		fds[i] = run->fd + (int)(from + i);

	socket.use = copy.use;
	socket.listener = copy.listener;
	socket.bind = copy.bind;
	socket.port = run->port ? run->port + from : 0;
	socket.advertised = copy.advertised;
	socket.certificate = copy.certificate;
	socket.key = copy.key;
	socket.fd = 0;
	socket.count = count;
	socket.peer = copy.owner.peer;
	socket.worker = copy.owner.worker;
	sockets.n_sockets = 1;
	sockets.sockets = rows;
	frame.body_case = CTL_BODY(SOCKETS);
	frame.sockets = &sockets;

	return channel_send(channel, &frame, fds, count);
}


/* A channel's queue is bounded and the RTP range is not small: what does not
 * fit now is sent later, from where this stopped (ENOBUFS). */
int runs_send(const struct runs *runs, struct channel *channel,
	      struct runs_cursor *at)
{
	Tandem__ControlFrame frame;
	Tandem__Sockets last;

	tandem__control_frame__init(&frame);
	tandem__sockets__init(&last);
	while (at->row < runs->rowc) {
		const struct run *run = &runs->rows[at->row];
		const uint32_t left = run->count - at->from;
		const uint32_t part = left < FRAME_FDS_MAX ? left
							   : FRAME_FDS_MAX;
		const int err = send_part(run, at->from, part, channel);

		if (err)
			return err;
		at->from += part;
		if (at->from == run->count) {
			at->row++;
			at->from = 0;
		}
	}

	last.last = true;
	frame.body_case = CTL_BODY(SOCKETS);
	frame.sockets = &last;

	return channel_send(channel, &frame, NULL, 0);
}
