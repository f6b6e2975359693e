/**
 * @file supervisor/adminsock.h  The control socket of operators
 *
 * A Unix socket, mode 0600; the kernel says who is at the other end. One
 * request and one answer per line; several on one connection are answered in
 * their order. Answers may come later: most are a daemon's.
 */
#ifndef TANDEM_SUPERVISOR_ADMINSOCK_H
#define TANDEM_SUPERVISOR_ADMINSOCK_H

#include <stddef.h>
#include <stdint.h>

struct adminsock;
struct ev;

enum {
	ADMINSOCK_LINE_MAX = 1 << 20,
	ADMINSOCK_CLIENTS_MAX = 32,
	ADMINSOCK_IDLE_MS = 60000, /**< Without a request */
	ADMINSOCK_HALF_MS = 10000, /**< With half a one */
};

/** A line of an operator: answer it with adminsock_reply(), now or later. Any
 *  number of a client that is gone is silently forgotten. */
typedef void(adminsock_h)(uint64_t request, const char *operator_name,
			  const char *line, size_t len, void *arg);

int adminsock_alloc(struct adminsock **asp, struct ev *ev, const char *path,
		    adminsock_h *h, void *arg);
struct adminsock *adminsock_free(struct adminsock *as);

/** json: one line, without its end */
void adminsock_reply(struct adminsock *as, uint64_t request, const char *json);

#endif
