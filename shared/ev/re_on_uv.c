/**
 * @file shared/ev/re_on_uv.c  libre's descriptors on our loop
 *
 * Stands in for libre's main.o. libre knows one loop per process, so the loop
 * and the table of its descriptors are process-wide here (rule zero): its
 * functions have no place for a context.
 *
 * tmrl_get(), which main.o exports for tmr.o alone, is left out on purpose: a
 * caller of it would be a part of libre we do not know, and fails to link.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include <re.h>

#include "shared/ev/ev.h"
#include "shared/ev/re_on_uv.h"

enum {
	FDS_MAX = 1 << 20
};

struct listener {
	struct ev_watch *watch;
	fd_h *h;
	void *arg;
	int flags;
};

static struct {
	struct ev *ev;
	struct listener *fds; /**< By descriptor */
	size_t fdc;
	re_signal_h *signalh;
} on;


struct ev *re_ev(void)
{
	return on.ev;
}


int re_on_uv(struct ev *ev)
{
	if (!ev) {
		for (size_t fd = 0; fd < on.fdc; fd++)
			on.fds[fd].watch = ev_unwatch(on.fds[fd].watch);
		free(on.fds);
		on.fds = NULL;
		on.fdc = 0;
	}
	on.ev = ev;

	return 0;
}


static void on_ready(int flags, void *arg)
{
	const size_t fd = (size_t)(uintptr_t)arg;
	const struct listener *listener = &on.fds[fd];
	int re_flags = (flags & EV_READ ? FD_READ : 0) |
		       (flags & EV_WRITE ? FD_WRITE : 0) |
		       (flags & EV_HANGUP ? FD_EXCEPT : 0);

	/* What went wrong is found by whoever reads or writes. */
	if (flags & EV_HANGUP)
		re_flags |= listener->flags & (FD_READ | FD_WRITE);

	if (listener->h)
		listener->h(re_flags, listener->arg);
}


static int table_reach(size_t fd)
{
	size_t fdc = on.fdc ? on.fdc : 64;
	struct listener *fds;

	if (fd < on.fdc)
		return 0;

	while (fdc <= fd)
		fdc *= 2;
	fds = realloc(on.fds, fdc * sizeof(*fds));
	if (!fds)
		return ENOMEM;

	for (size_t i = on.fdc; i < fdc; i++)
		fds[i] = (struct listener){ .watch = NULL };
	on.fds = fds;
	on.fdc = fdc;

	return 0;
}


int fd_listen(int fd, int flags, fd_h *fh, void *arg)
{
	const int ours = (flags & FD_READ ? EV_READ : 0) |
			 (flags & FD_WRITE ? EV_WRITE : 0) |
			 (flags & FD_EXCEPT ? EV_HANGUP : 0);
	struct listener *listener;
	int err;

	if (fd < 0 || fd >= FDS_MAX || !on.ev)
		return EBADF;

	err = table_reach((size_t)fd);
	if (err)
		return err;

	listener = &on.fds[fd];
	if (!flags) {
		listener->watch = ev_unwatch(listener->watch);
		listener->h = NULL;
		return 0;
	}

	if (listener->watch)
		err = ev_watch_change(listener->watch, ours);
	else
		err = ev_watch(&listener->watch, on.ev, fd, ours, on_ready,
			       /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
			       (void *)(uintptr_t)fd);
	if (err)
		return err;

	listener->h = fh;
	listener->arg = arg;
	listener->flags = flags;

	return 0;
}


void fd_close(int fd)
{
	if (fd >= 0 && (size_t)fd < on.fdc)
		(void)fd_listen(fd, 0, NULL, NULL);
}


/* The table grows by itself; the process's limit is not libre's business. */
int fd_setsize(int maxfds)
{
	return maxfds > FDS_MAX ? EINVAL : 0;
}


void fd_debug(void)
{
	for (size_t fd = 0; fd < on.fdc; fd++)
		if (on.fds[fd].watch)
			(void)re_fprintf(stderr, "fd %zu: flags=%d\n", fd,
					 on.fds[fd].flags);
}


static void on_re_signal(int signo, void *arg)
{
	(void)arg;
	if (on.signalh)
		on.signalh(signo);
}


/* libre's own main loop: ours, with the signals it would have taken */
int re_main(re_signal_h *signalh)
{
	int err;

	if (!on.ev)
		return EINVAL;

	if (signalh && !on.signalh) {
		err = ev_signal(on.ev, SIGINT, on_re_signal, NULL);
		err |= ev_signal(on.ev, SIGTERM, on_re_signal, NULL);
		if (err)
			return err;
	}
	on.signalh = signalh;

	return ev_run(on.ev);
}


void re_cancel(void)
{
	if (on.ev)
		ev_stop(on.ev, 0);
}


int re_debug(struct re_printf *pf, void *unused)
{
	size_t watched = 0;

	(void)unused;
	for (size_t fd = 0; fd < on.fdc; fd++)
		watched += on.fds[fd].watch != NULL;

	return re_hprintf(pf, "re on libuv: %zu descriptors\n", watched);
}


/* One loop, one thread: nothing to keep apart. libre calls these around what
 * other threads might do at the same time; there are none. */
int re_thread_init(void)
{
	return 0;
}


void re_thread_close(void)
{
}


void re_thread_enter(void)
{
}


void re_thread_leave(void)
{
}


void re_set_mutex(void *mutexp)
{
	(void)mutexp;
}


/* libuv polls with epoll here, whatever else is asked for. */
int poll_method_set(enum poll_method method)
{
	return method == METHOD_EPOLL ? 0 : EINVAL;
}
