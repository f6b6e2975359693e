/**
 * @file supervisor/adminsock.c  The control socket of operators
 *
 * One request of a client at a time: the next line is looked at when the last
 * is answered, so answers are in order and a client cannot queue work.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/text.h"
#include "shared/ev/ev.h"
#include "shared/ipc/fdpass.h"
#include "supervisor/adminsock.h"

enum {
	READ_MAX = 64 << 10,
	NAME_MAX_BYTES = 32
};

struct client {
	struct adminsock *as;
	struct ev_watch *watch;
	struct ev_timer timer;
	struct ev_timer next; /**< The line behind an answer */
	int fd;
	uint32_t turn; /**< Counts its requests: part of their id */
	bool waits;    /**< For an answer */
	char name[NAME_MAX_BYTES];
	char *in;
	size_t inlen, insize;
	char *out;
	size_t outlen, outsent;
};

struct adminsock {
	struct ev *ev;
	int fd;
	struct ev_watch *watch;
	adminsock_h *h;
	void *arg;
	struct client *clients[ADMINSOCK_CLIENTS_MAX];
	uint32_t turn;
};


static void client_free(struct client *client)
{
	struct adminsock *as = client->as;

	for (size_t i = 0; i < ADMINSOCK_CLIENTS_MAX; i++)
		if (as->clients[i] == client)
			as->clients[i] = NULL;
	ev_timer_stop(&client->timer);
	ev_timer_stop(&client->next);
	ev_unwatch(client->watch);
	(void)close(client->fd);
	free(client->in);
	free(client->out);
	free(client);
}


static void on_timeout(void *arg)
{
	client_free(arg);
}


static void client_clock(struct client *client)
{
	if (client->waits)
		ev_timer_stop(&client->timer);
	else
		ev_timer_start(&client->timer, client->as->ev,
			       client->inlen ? ADMINSOCK_HALF_MS
					     : ADMINSOCK_IDLE_MS,
			       on_timeout, client);
}


static uint64_t request_id(const struct client *client)
{
	for (size_t i = 0; i < ADMINSOCK_CLIENTS_MAX; i++)
		if (client->as->clients[i] == client)
			return (uint64_t)client->turn << 8 | i;

	return 0;
}


/* Give the first whole line away, if nobody works for this client. */
static void client_next(struct client *client)
{
	struct adminsock *as = client->as;
	const char *end = client->inlen
				  ? memchr(client->in, '\n', client->inlen)
				  : NULL;
	char *line;
	size_t len;

	if (client->waits || client->out || !end)
		return;

	len = (size_t)(end - client->in);
	line = malloc(len + 1);
	if (!line) {
		client_free(client);
		return;
	}
	memcpy(line, client->in, len);
	line[len] = '\0';
	client->inlen -= len + 1;
	memmove(client->in, end + 1, client->inlen);

	client->waits = true;
	client->turn = ++as->turn;
	client_clock(client);
	/* May answer at once, and then the client may be gone. */
	as->h(request_id(client), client->name, line, len, as->arg);
	free(line);
}


/* @return false if the client is gone */
static bool client_write(struct client *client)
{
	while (client->out) {
		const ssize_t n = send(client->fd,
				       client->out + client->outsent,
				       client->outlen - client->outsent,
				       MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			(void)ev_watch_change(client->watch,
					      EV_READ | EV_WRITE);
			return true;
		}
		if (n < 0) {
			client_free(client);
			return false;
		}
		client->outsent += (size_t)n;
		if (client->outsent == client->outlen) {
			free(client->out);
			client->out = NULL;
			(void)ev_watch_change(client->watch, EV_READ);
		}
	}

	return true;
}


static int client_reach(struct client *client, size_t more)
{
	size_t size = client->insize ? client->insize : 4096;
	char *in;

	while (size < client->inlen + more)
		size *= 2;
	if (size == client->insize)
		return 0;

	in = realloc(client->in, size);
	if (!in)
		return ENOMEM;
	client->in = in;
	client->insize = size;

	return 0;
}


/* @return false if the client is gone */
static bool client_read(struct client *client)
{
	ssize_t n;

	if (client->inlen > ADMINSOCK_LINE_MAX) {
		client_free(client);
		return false;
	}
	if (client_reach(client, READ_MAX)) {
		client_free(client);
		return false;
	}

	n = recv(client->fd, client->in + client->inlen, READ_MAX,
		 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0) {
		client_free(client);
		return false;
	}
	client->inlen += (size_t)n;

	return true;
}


static void on_next(void *arg)
{
	client_next(arg);
}


static void on_client(int flags, void *arg)
{
	struct client *client = arg;

	if ((flags & EV_WRITE) && !client_write(client))
		return;
	if ((flags & (EV_READ | EV_HANGUP)) && !client_read(client))
		return;
	if (!client->waits)
		client_clock(client);
	client_next(client);
}


void adminsock_reply(struct adminsock *as, uint64_t request, const char *json)
{
	const size_t len = strlen(json);
	struct client *client =
		as->clients[request % 256 % ADMINSOCK_CLIENTS_MAX];

	if (!client || !client->waits || request_id(client) != request)
		return;

	client->waits = false;
	client->out = malloc(len + 1);
	if (!client->out) {
		client_free(client);
		return;
	}
	memcpy(client->out, json, len);
	client->out[len] = '\n';
	client->outlen = len + 1;
	client->outsent = 0;
	if (client_write(client)) {
		client_clock(client);
		/* Not from in here: a thousand lines would be a thousand
		 * calls deep. */
		ev_timer_start(&client->next, as->ev, 0, on_next, client);
	}
}


/* The name that changes are logged with */
static void name_of(uid_t uid, char name[NAME_MAX_BYTES])
{
	const struct passwd *user = getpwuid(uid);

	if (!user || text_copy(name, NAME_MAX_BYTES, text_of(user->pw_name)))
		(void)text_print(name, NAME_MAX_BYTES, "uid %d", (int)uid);
}


static void refuse(int fd, const char *error)
{
	char line[160];

	(void)text_print(line, sizeof(line),
			 "{\"ok\":false,\"error\":\"%s\","
			 "\"code\":\"forbidden\"}\n",
			 error);
	(void)send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
}


static int client_alloc(struct adminsock *as, size_t place, int fd, uid_t uid)
{
	struct client *client = calloc(1, sizeof(*client));
	int err;

	if (!client)
		return ENOMEM;

	client->as = as;
	client->fd = fd;
	name_of(uid, client->name);
	err = ev_watch(&client->watch, as->ev, fd, EV_READ, on_client, client);
	if (err) {
		free(client);
		return err;
	}
	as->clients[place] = client;
	client_clock(client);

	return 0;
}


static void on_connection(int flags, void *arg)
{
	struct adminsock *as = arg;
	const int fd = accept4(as->fd, NULL, NULL,
			       SOCK_CLOEXEC | SOCK_NONBLOCK);
	size_t place = 0;
	uid_t uid;
	pid_t pid;

	(void)flags;
	if (fd < 0)
		return;

	if (fdpass_peer(fd, &pid, &uid) != 0 ||
	    (uid != 0 && uid != geteuid())) {
		log_warn(NULL, "operator_refused uid=%d", (int)uid);
		refuse(fd, "only root and the supervisor's own user may ask");
		return;
	}
	while (place < ADMINSOCK_CLIENTS_MAX && as->clients[place])
		place++;
	if (place == ADMINSOCK_CLIENTS_MAX) {
		refuse(fd, "too many operators at once");
		return;
	}
	if (client_alloc(as, place, fd, uid))
		(void)close(fd);
}


int adminsock_alloc(struct adminsock **asp, struct ev *ev, const char *path,
		    adminsock_h *h, void *arg)
{
	struct adminsock *as = calloc(1, sizeof(*as));
	int err;

	if (!as)
		return ENOMEM;

	as->ev = ev;
	as->h = h;
	as->arg = arg;
	as->fd = -1;
	err = unix_listen(&as->fd, path, 0600);
	if (!err)
		err = ev_watch(&as->watch, ev, as->fd, EV_READ, on_connection,
			       as);
	if (err)
		adminsock_free(as);
	else
		*asp = as;

	return err;
}


struct adminsock *adminsock_free(struct adminsock *as)
{
	if (!as)
		return NULL;

	for (size_t i = 0; i < ADMINSOCK_CLIENTS_MAX; i++)
		if (as->clients[i])
			client_free(as->clients[i]);
	as->watch = ev_unwatch(as->watch);
	if (as->fd >= 0)
		(void)close(as->fd);
	free(as);

	return NULL;
}
