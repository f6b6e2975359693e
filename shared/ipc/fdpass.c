/**
 * @file shared/ipc/fdpass.c  Descriptors over a Unix socket
 *
 * Whatever comes, no descriptor is lost in here: what there is no room for is
 * closed before the caller hears of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/id.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/ipc/fdpass.h"

enum {
	FDS_MAX = 253,       /* The kernel's SCM_MAX_FD: none sends more */
	LISTEN_BACKLOG = 64, /* Connections not yet accepted */
	NEW_CHARS = 6,       /* Of the name a socket is made under */
};

/* Room for the descriptors of one message, aligned as cmsg(3) wants it. */
union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
};


void fds_close(const int *fds, size_t fdc)
{
	for (size_t i = 0; i < fdc; i++)
		close(fds[i]);
}


ssize_t fdpass_send(int fd, const void *data, size_t len, const int *fds,
		    size_t fdc)
{
	struct iovec iov = { .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	ssize_t n;

	if (fdc > FDS_MAX) {
		errno = EINVAL;
		return -1;
	}

	/* sendmsg() only reads, but its struct serves both directions. */
	memcpy(&iov.iov_base, &data, sizeof(data));

	if (fdc > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fdc * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(fdc * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, fdc * sizeof(int));
	}

	do {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);

	return n;
}


/* Move the descriptors of one control message to fds while there is room, and
 * close the rest. Returns how many there was no room for. */
static size_t fds_take(const struct cmsghdr *cmsg, int *fds, size_t room,
		       size_t *fdcp)
{
	const size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	size_t lost = 0;

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
		if (*fdcp < room) {
			fds[(*fdcp)++] = fd;
		}
		else {
			close(fd);
			lost++;
		}
	}

	return lost;
}


ssize_t fdpass_recv(int fd, void *data, size_t len, int *fds, size_t *fdcp)
{
	struct iovec iov = { .iov_base = data, .iov_len = len };
	union control control;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	const size_t room = *fdcp;
	size_t count = 0, lost = 0;
	ssize_t n;

	*fdcp = 0;

	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return n;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c;
	     c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			lost += fds_take(c, fds, room, &count);
	}

	/* MSG_CTRUNC: the kernel could not install them all (our descriptor
	 * limit); it has dropped the rest. */
	if (lost > 0 || (msg.msg_flags & MSG_CTRUNC)) {
		fds_close(fds, count);
		errno = EMSGSIZE;
		return -1;
	}

	*fdcp = count;

	return n;
}


int fdpass_peer(int fd, pid_t *pidp, uid_t *uidp)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return errno;

	/* A socket that is not connected answers with nobody. */
	if (len != sizeof(cred) || cred.pid <= 0)
		return ENOTCONN;

	if (pidp)
		*pidp = cred.pid;
	if (uidp)
		*uidp = cred.uid;

	return 0;
}


static int address_of(struct sockaddr_un *sun, const char *path)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;

	if (path[0] == '\0')
		return EINVAL;

	if (text_copy(sun->sun_path, sizeof(sun->sun_path), text_of(path)))
		return ENAMETOOLONG;

	return 0;
}


/* A name in the same directory that nobody knows: DIR/.k3Xp9w */
static int new_name(struct sockaddr_un *sun, const char *path)
{
	const char *slash = strrchr(path, '/');
	const int dirlen = slash ? (int)(slash + 1 - path) : 0;
	char token[NEW_CHARS + 1];

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	id_token(token, NEW_CHARS);

	if (text_print(sun->sun_path, sizeof(sun->sun_path), "%.*s.%s", dirlen,
		       path, token))
		return ENAMETOOLONG;

	return 0;
}


/* Nobody can connect before listen(), and nobody finds the socket before
 * rename(): whoever reaches it meets its final mode, and a path that was there
 * is replaced without a moment in which it is missing. */
int unix_listen(int *fdp, const char *path, mode_t mode)
{
	struct sockaddr_un sun, checked;
	bool is_bound = false;
	int fd = -1;
	int err;

	if (!fdp || !path)
		return EINVAL;

	err = address_of(&checked, path);
	if (!err)
		err = new_name(&sun, path);
	if (err)
		return err;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;

	if (bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0) {
		err = errno;
		goto out;
	}
	is_bound = true;

	if (chmod(sun.sun_path, mode) < 0 || listen(fd, LISTEN_BACKLOG) < 0 ||
	    rename(sun.sun_path, path) < 0) {
		err = errno;
		goto out;
	}

	*fdp = fd;

out:
	if (err) {
		if (is_bound)
			(void)unlink(sun.sun_path);
		close(fd);
	}

	return err;
}


int unix_connect(int *fdp, const char *path, unsigned timeout_ms)
{
	const struct timeval timeout = {
		.tv_sec = timeout_ms / 1000,
		.tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000
	};
	const struct timeval none = { 0 };
	struct sockaddr_un sun;
	int fd;
	int err;

	if (!fdp || !path || timeout_ms == 0)
		return EINVAL;

	err = address_of(&sun, path);
	if (err)
		return err;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;

	/* A Unix socket waits for room in the listener's queue for as long as
	 * it may for sending: unix(7). */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout,
		       sizeof(timeout)) < 0 ||
	    connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none)) < 0) {
		err = errno == EAGAIN ? ETIMEDOUT : errno;
		goto out;
	}

	*fdp = fd;

out:
	if (err)
		close(fd);

	return err;
}
