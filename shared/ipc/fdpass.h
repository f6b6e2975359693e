/**
 * @file shared/ipc/fdpass.h  Descriptors over a Unix socket
 */
#ifndef TANDEM_IPC_FDPASS_H
#define TANDEM_IPC_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

/** Send bytes and descriptors in one message; as send(2), -1 and errno */
ssize_t fdpass_send(int fd, const void *data, size_t len, const int *fds,
		    size_t fdc);

/** Receive; *fdcp in: room, out: how many came, close-on-exec. More than there
 *  is room for are closed and reported as EMSGSIZE. As recv(2). */
ssize_t fdpass_recv(int fd, void *data, size_t len, int *fds, size_t *fdcp);

/** Who is at the other end: pid and uid, as the kernel says */
int fdpass_peer(int fd, pid_t *pidp, uid_t *uidp);

/** A listening Unix socket at path, non-blocking, close-on-exec; whatever
 *  lies there is replaced. The mode holds from the first moment.
 *  @return 0, ENAMETOOLONG if path does not fit into a socket address,
 *          otherwise errorcode */
int unix_listen(int *fdp, const char *path, mode_t mode);

/** Connect within the deadline (blocking)
 *  @return 0, ETIMEDOUT if the listener does not take us, ECONNREFUSED or
 *          ENOENT if there is none, otherwise errorcode */
int unix_connect(int *fdp, const char *path, unsigned timeout_ms);

/** Close them all */
void fds_close(const int *fds, size_t fdc);

#endif
