/**
 * @file supervisor/ctl_wire.c  One request, one answer
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "supervisor/ctl_wire.h"

#define GROWTH ((size_t)4 * CHUNK)

enum {
	ANSWER_MAX = 64 << 20,
	CHUNK = 64 << 10
};


static int connect_to(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (text_copy(sa.sun_path, sizeof(sa.sun_path), text_of(path))) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		const int err = errno;

		(void)close(fd);
		errno = err;
		return -1;
	}

	return fd;
}


static int send_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		const ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}

	return 0;
}


/* Up to the end of the line */
static int receive_line(int fd, char **linep, int64_t until_us)
{
	char *line = NULL;
	size_t l = 0, size = 0;
	int err = 0;

	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		const int64_t left_ms = (until_us - clk_mono_us()) / 1000;
		ssize_t n;

		if (l + CHUNK + 1 > size) {
			char *more = size < ANSWER_MAX
					     ? realloc(line, size + GROWTH)
					     : NULL;

			if (!more) {
				err = ENOMEM;
				break;
			}
			line = more;
			size += GROWTH;
		}
		if (left_ms <= 0 || poll(&pfd, 1, (int)left_ms) == 0) {
			err = ETIMEDOUT;
			break;
		}
		n = recv(fd, line + l, CHUNK, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err = n < 0 ? errno : ECONNRESET;
			break;
		}
		l += (size_t)n;
		line[l] = '\0';
		if (line[l - 1] == '\n')
			break;
	}
	if (err)
		free(line);
	else
		*linep = line;

	return err;
}


int ctl_exchange(char **linep, const struct ctl_wire *wire,
		 const json_t *request)
{
	const int64_t until_us = clk_mono_us() +
				 (int64_t)wire->timeout_s * 1000000;
	char *text = json_dumps(request, JSON_COMPACT);
	int fd, err;

	if (!text)
		return ENOMEM;
	fd = connect_to(wire->path);
	if (fd < 0) {
		err = errno;
		free(text);
		return err;
	}

	err = send_all(fd, text, strlen(text));
	if (!err)
		err = send_all(fd, "\n", 1);
	if (!err)
		err = receive_line(fd, linep, until_us);
	(void)close(fd);
	free(text);

	return err;
}


enum ctl_exit ctl_call(json_t **answerp, const struct ctl_wire *wire,
		       const json_t *request)
{
	json_t *answer;
	const char *error;
	char *line = NULL;
	int err;

	err = ctl_exchange(&line, wire, request);
	if (err) {
		fprintf(stderr, "tandemctl: %s: %s\n", wire->path,
			strerror(err));
		return EXIT_UNREACHABLE;
	}
	answer = json_loads(line, 0, NULL);
	free(line);
	if (!json_is_true(json_object_get(answer, "ok"))) {
		error = json_string_value(json_object_get(answer, "error"));
		fprintf(stderr, "error: %s\n",
			error ? error : "the answer is not JSON");
		json_decref(answer);
		return EXIT_REFUSED;
	}
	*answerp = answer;

	return EXIT_DONE;
}
