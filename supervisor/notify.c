/**
 * @file supervisor/notify.c  A word with the service manager
 *
 * Datagrams of "NAME=value" lines on a Unix socket, descriptors beside them.
 * A manager that does not listen is not our trouble: nothing here fails, and
 * nothing waits longer than PATIENCE_S in all until it listens again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "shared/ev/ev.h"
#include "shared/ipc/fdpass.h"
#include "supervisor/notify.h"

enum {
	FIRST_FD = 3,
	TAKEN_MAX = 65536,
	PATIENCE_S = 1, /**< Its queue is short, ours to it can be long */
};

struct notify {
	struct ev *ev;
	int fd;    /**< -1: nobody listens */
	bool deaf; /**< It did not take the last message in time */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uint64_t watchdog_usec; /**< How long it waits for a sign of life */
	struct ev_timer watchdog;
};


static void say(struct notify *n, const char *text, const int *fds, size_t fdc)
{
	bool deaf;

	if (n->fd < 0)
		return;

	deaf = fdpass_send(n->fd, text, strlen(text), fds, fdc) < 0 &&
	       errno == EAGAIN;
	if (deaf != n->deaf)
		(void)fcntl(n->fd, F_SETFL, deaf ? O_NONBLOCK : 0);
	n->deaf = deaf;
}


static void on_watchdog(void *arg)
{
	struct notify *n = arg;

	say(n, "WATCHDOG=1", NULL, 0);
	ev_timer_start(&n->watchdog, n->ev,
		       (uint32_t)(n->watchdog_usec / 2000), on_watchdog, n);
}


/* A path, or a name in the abstract space behind "@" */
static int connect_to(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const size_t l = strlen(path);
	socklen_t salen;
	int fd;

	if ((path[0] != '/' && path[0] != '@') || l >= sizeof(sa.sun_path))
		return -1;

	memcpy(sa.sun_path, path, l);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	salen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + l);

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, salen) != 0) {
		(void)close(fd);
		fd = -1;
	}

	return fd;
}


/* A number of the environment that is meant for this process */
static uint64_t ours(const char *name, const char *pid_name)
{
	const char *value = getenv(name), *pid = getenv(pid_name);
	uint64_t v = 0, p = 0;

	if (!value || text_u64(&v, text_of(value), 0, INT64_MAX))
		return 0;
	if (pid &&
	    (text_u64(&p, text_of(pid), 0, INT32_MAX) || (pid_t)p != getpid()))
		return 0;

	return v;
}


int notify_alloc(struct notify **np, struct ev *ev)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	const char *path = getenv("NOTIFY_SOCKET");
	struct notify *n = calloc(1, sizeof(*n));

	if (!n)
		return ENOMEM;

	n->ev = ev;
	n->fd = path ? connect_to(path) : -1;
	n->watchdog_usec = ours("WATCHDOG_USEC", "WATCHDOG_PID");
	if (n->fd >= 0) {
		(void)setsockopt(n->fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
				 sizeof(patience));
		(void)text_copy(n->path, sizeof(n->path), text_of(path));
	}
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	if (n->fd >= 0 && n->watchdog_usec > 0)
		on_watchdog(n);

	*np = n;

	return 0;
}


struct notify *notify_free(struct notify *n)
{
	if (!n)
		return NULL;

	ev_timer_stop(&n->watchdog);
	if (n->fd >= 0)
		(void)close(n->fd);
	free(n);

	return NULL;
}


void notify_pass_on(const struct notify *n)
{
	char usec[24], pid[16];

	if (n->fd < 0)
		return;

	(void)text_print(usec, sizeof(usec), "%llu",
			 (unsigned long long)n->watchdog_usec);
	(void)text_print(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("NOTIFY_SOCKET", n->path, 1);
	if (n->watchdog_usec > 0) {
		(void)setenv("WATCHDOG_USEC", usec, 1);
		(void)setenv("WATCHDOG_PID", pid, 1);
	}
}


void notify_ready(struct notify *n)
{
	say(n, "READY=1", NULL, 0);
}


void notify_reloading(struct notify *n)
{
	char text[80];

	(void)text_print(text, sizeof(text),
			 "RELOADING=1\nMONOTONIC_USEC=%lld",
			 (long long)clk_mono_us());
	say(n, text, NULL, 0);
}


void notify_stopping(struct notify *n)
{
	say(n, "STOPPING=1", NULL, 0);
}


/* FDPOLL=0: the manager would drop a descriptor that reports a hang-up. */
void notify_store(struct notify *n, const char *name, int fd)
{
	char text[300];

	if (text_print(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s",
		       name) == 0)
		say(n, text, &fd, 1);
}


void notify_unstore(struct notify *n, const char *name)
{
	char text[300];

	if (text_print(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s",
		       name) == 0)
		say(n, text, NULL, 0);
}


/* Descriptor 3 is where children get their channel: nothing may stay there. */
static int out_of_the_way(int fd)
{
	const int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD + 1);

	if (null_fd >= 0 && moved >= 0)
		(void)dup3(null_fd, fd, O_CLOEXEC);
	if (null_fd >= 0)
		(void)close(null_fd);

	return moved;
}


size_t notify_taken(notify_h *h, void *arg)
{
	const size_t count = (size_t)ours("LISTEN_FDS", "LISTEN_PID");
	const char *names = getenv("LISTEN_FDNAMES");
	struct text rest = text_of(names ? names : "");

	for (size_t i = 0; i < count && i < TAKEN_MAX; i++) {
		const int fd = FIRST_FD + (int)i;
		char name[256] = "";
		struct text head;

		(void)text_cut(rest, ':', &head, &rest);
		(void)text_copy(name, sizeof(name), head);
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		h(name, i == 0 ? out_of_the_way(fd) : fd, arg);
	}
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDNAMES");

	return count < TAKEN_MAX ? count : TAKEN_MAX;
}
