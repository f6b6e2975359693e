/**
 * @file shared/web/web.h  HTTP in our loop: libmicrohttpd without threads
 */
#ifndef TANDEM_WEB_WEB_H
#define TANDEM_WEB_WEB_H

#include <stddef.h>

struct ev;
struct web;

struct web_answer {
	unsigned code;
	const char *type; /**< Static text */
	char *body;       /**< malloc()ed; becomes the server's */
	size_t len;
};

/** A path and what it answers to GET and HEAD */
struct web_route {
	const char *path;
	void (*h)(struct web_answer *answer, void *arg);
};

/**
 * Serve on a listening socket that somebody else has opened
 *
 * @param listenfd Duplicated; the caller's stays open
 * @param routes   Must stay; anything else is 404, other methods 405
 */
int web_alloc(struct web **webp, struct ev *ev, int listenfd,
	      const struct web_route *routes, size_t routec, void *arg);
struct web *web_free(struct web *web);

/** The same, with this process's metrics at /metrics and nothing else */
int web_metrics(struct web **webp, struct ev *ev, int listenfd);

#endif
