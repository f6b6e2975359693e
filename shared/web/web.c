/**
 * @file shared/web/web.c  HTTP in our loop: libmicrohttpd without threads
 *
 * Its epoll descriptor is one more of our loop's; MHD_run() does what is due.
 * The listening socket is inherited and shared with the supervisor and with
 * our successor: libmicrohttpd gets a duplicate, and lets go of it before it
 * stops, so that it cannot shut the socket down for everybody.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "shared/ev/ev.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/web/web.h"

enum {
	CLIENTS_MAX = 64,
	CLIENTS_PER_IP_MAX = 32,
	IDLE_S = 10,
	IDLE_MS = 1000 * IDLE_S,
	MEMORY_MAX =
		16 << 10, /**< Bytes of a connection: bounds its headers */
};

struct web {
	struct MHD_Daemon *mhd;
	struct ev *ev;
	struct ev_watch *watch;
	struct ev_timer timer; /**< Armed while libmicrohttpd waits */
	const struct web_route *routes;
	size_t routec;
	void *arg;
};


static void on_due(void *arg)
{
	struct web *web = arg;
	MHD_UNSIGNED_LONG_LONG ms;

	(void)MHD_run(web->mhd);

	ev_timer_stop(&web->timer);
	if (MHD_get_timeout(web->mhd, &ms) == MHD_YES)
		ev_timer_start(&web->timer, web->ev,
			       ms < IDLE_MS ? (uint32_t)ms : IDLE_MS, on_due,
			       web);
}


static void on_ready(int flags, void *arg)
{
	(void)flags;
	on_due(arg);
}


static enum MHD_Result answer_with(struct MHD_Connection *connection,
				   const struct web_answer *answer)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	/* The body is freed with the response, by our own free(). */
	response = MHD_create_response_from_buffer_with_free_callback(
		answer->len, answer->body, free);
	if (!response) {
		free(answer->body);
		return MHD_NO;
	}

	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				      answer->type);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
				      "no-store");
	if (answer->code == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
					      "GET, HEAD");
	result = MHD_queue_response(connection, answer->code, response);
	MHD_destroy_response(response);

	return result;
}


static void answer_text(struct web_answer *answer, unsigned code,
			const char *text)
{
	answer->code = code;
	answer->type = "text/plain; charset=utf-8";
	answer->body = strdup(text);
	answer->len = answer->body ? strlen(text) : 0;
}


static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *data,
				  size_t *data_size, void **request)
{
	static int seen;
	const struct web *web = arg;
	struct web_answer answer = { .code = 0 };

	(void)version;
	(void)data;

	/* First with the headers alone; a body is nobody's business here. */
	if (!*request) {
		*request = &seen;
		return MHD_YES;
	}
	if (*data_size > 0) {
		*data_size = 0;
		return MHD_YES;
	}

	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		answer_text(&answer, MHD_HTTP_METHOD_NOT_ALLOWED,
			    "only GET and HEAD\n");

	for (size_t i = 0; i < web->routec && !answer.code; i++)
		if (strcmp(url, web->routes[i].path) == 0)
			web->routes[i].h(&answer, web->arg);
	if (!answer.code)
		answer_text(&answer, MHD_HTTP_NOT_FOUND, "not found\n");

	return answer.body ? answer_with(connection, &answer) : MHD_NO;
}


/* libmicrohttpd speaks to nobody but through what we answer. */
static void on_mhd_log(void *arg, const char *fmt, va_list ap)
{
	(void)arg;
	(void)fmt;
	(void)ap;
}


/* Paths are compared as they came: with escapes resolved, one that holds a NUL
 * would be taken for the route before it. */
static size_t on_unescape(void *arg, struct MHD_Connection *connection,
			  char *s)
{
	(void)arg;
	(void)connection;

	return strlen(s);
}


int web_alloc(struct web **webp, struct ev *ev, int listenfd,
	      const struct web_route *routes, size_t routec, void *arg)
{
	const union MHD_DaemonInfo *info;
	struct web *web;
	int fd, err = 0;

	web = calloc(1, sizeof(*web));
	if (!web)
		return ENOMEM;

	web->ev = ev;
	web->routes = routes;
	web->routec = routec;
	web->arg = arg;

	fd = fcntl(listenfd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		err = errno;
		goto out;
	}

	web->mhd = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, web,
		MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL,
		MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CLIENTS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned)CLIENTS_PER_IP_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)MEMORY_MAX, MHD_OPTION_END);
	if (!web->mhd) {
		(void)close(fd);
		err = ENOTSUP;
		goto out;
	}

	info = MHD_get_daemon_info(web->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info) {
		err = ENOTSUP;
		goto out;
	}
	err = ev_watch(&web->watch, ev, info->epoll_fd, EV_READ, on_ready,
		       web);

out:
	if (err)
		web_free(web);
	else
		*webp = web;

	return err;
}


struct web *web_free(struct web *web)
{
	if (!web)
		return NULL;

	ev_timer_stop(&web->timer);
	web->watch = ev_unwatch(web->watch);
	if (web->mhd) {
		const int fd = MHD_quiesce_daemon(web->mhd);

		MHD_stop_daemon(web->mhd);
		if (fd >= 0)
			(void)close(fd);
	}
	free(web);

	return NULL;
}


static void on_metrics(struct web_answer *answer, void *arg)
{
	(void)arg;
	answer->body = metric_print(&answer->len);
	answer->code = answer->body ? 200 : 500;
	answer->type = "text/plain; version=0.0.4; charset=utf-8";
}


int web_metrics(struct web **webp, struct ev *ev, int listenfd)
{
	static const struct web_route routes[] = {
		{ "/metrics", on_metrics },
	};

	return web_alloc(webp, ev, listenfd, routes, COUNT_OF(routes), NULL);
}
