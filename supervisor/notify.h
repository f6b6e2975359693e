/**
 * @file supervisor/notify.h  A word with the service manager
 *
 * systemd's protocol (sd_notify(3)): readiness, watchdog, and a store that
 * keeps our sockets while there is no supervisor. Without NOTIFY_SOCKET all of
 * it does nothing.
 */
#ifndef TANDEM_SUPERVISOR_NOTIFY_H
#define TANDEM_SUPERVISOR_NOTIFY_H

#include <stddef.h>

struct ev;
struct notify;

/** Reads the environment, and clears it: those we start are no part of it */
int notify_alloc(struct notify **np, struct ev *ev);
struct notify *notify_free(struct notify *n);

/** Into the environment again, for the program we become */
void notify_pass_on(const struct notify *n);

void notify_ready(struct notify *n);
void notify_reloading(struct notify *n);
void notify_stopping(struct notify *n);

/** Keep a copy of fd under this name; remove it */
void notify_store(struct notify *n, const char *name, int fd);
void notify_unstore(struct notify *n, const char *name);

/** Descriptors that were kept for us: h owns each
 *  @return how many there were */
typedef void(notify_h)(const char *name, int fd, void *arg);
size_t notify_taken(notify_h *h, void *arg);

#endif
