/**
 * @file supervisor/tandemctl.c  The operator's command
 *
 * One request and one answer over the control socket. Exit codes: 0 done, 1
 * refused, 2 wrong usage, 3 nobody answers.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/option.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "supervisor/ctl_print.h"
#include "supervisor/ctl_table.h"

enum {
	EXIT_DONE,
	EXIT_REFUSED,
	EXIT_USAGE,
	EXIT_UNREACHABLE
};

#define GROWTH ((size_t)4 * CHUNK)

enum {
	ANSWER_MAX = 64 << 20,
	CHUNK = 64 << 10
};

/* clang-format off */
enum { OPT_SOCKET, OPT_JSON, OPT_TIMEOUT, OPT_VERSION, OPT_HELP, OPTC };
static const struct option_def options[OPTC] = {
	[OPT_SOCKET]  = { "socket",  's', "PATH",    "Control socket; TANDEM_SOCKET, or /run/tandem/control.sock" },
	[OPT_JSON]    = { "json",    'j', NULL,      "Print the answer as it came" },
	[OPT_TIMEOUT] = { "timeout", 't', "SECONDS", "Wait so long for an answer; 600" },
	[OPT_VERSION] = { "version", 'V', NULL,      "Say which release this is" },
	[OPT_HELP]    = { "help",    'h', NULL,      "Say what the options and commands are" },
};
/* clang-format on */


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


static int exchange(char **linep, const char *path, const json_t *request,
		    uint32_t timeout_s)
{
	const int64_t until_us = clk_mono_us() + (int64_t)timeout_s * 1000000;
	char *text = json_dumps(request, JSON_COMPACT);
	int fd, err;

	if (!text)
		return ENOMEM;
	fd = connect_to(path);
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


static int show(const char *line, bool as_json)
{
	json_t *answer = json_loads(line, 0, NULL);
	const bool ok = json_is_true(json_object_get(answer, "ok"));
	const char *error = json_string_value(
		json_object_get(answer, "error"));

	if (!answer) {
		fprintf(stderr, "tandemctl: the answer is not JSON\n");
		return EXIT_UNREACHABLE;
	}
	if (as_json)
		fputs(line, stdout);
	else if (ok)
		ctl_print(stdout, json_object_get(answer, "rows"));
	else
		fprintf(stderr, "error: %s\n", error ? error : "unknown");
	json_decref(answer);

	return ok ? EXIT_DONE : EXIT_REFUSED;
}


static void help(void)
{
	option_help(stdout, "tandemctl [options] COMMAND", options, OPTC);
	printf("\nCommands:\n");
	ctl_help(stdout);
	printf("\nExit codes: 0 done, 1 refused, 2 wrong usage, 3 nobody "
	       "answers.\n");
}


static int ask(const char *values[], int argc, char *argv[])
{
	const char *path = values[OPT_SOCKET] ? values[OPT_SOCKET]
					      : getenv("TANDEM_SOCKET");
	char why[CTL_WHY_MAX];
	json_t *request;
	uint32_t timeout_s = 600;
	char *line;
	int err;

	if (!path)
		path = "/run/tandem/control.sock";
	if (values[OPT_TIMEOUT] &&
	    text_u32(&timeout_s, text_of(values[OPT_TIMEOUT]), 1, 86400)) {
		fprintf(stderr, "tandemctl: --timeout is 1 to 86400 s\n");
		return EXIT_USAGE;
	}

	err = ctl_request(&request, argc, argv, why);
	if (err) {
		fprintf(stderr, "tandemctl: %s\n",
			why[0] ? why : strerror(err));
		return EXIT_USAGE;
	}
	err = exchange(&line, path, request, timeout_s);
	json_decref(request);
	if (err) {
		fprintf(stderr, "tandemctl: %s: %s\n", path, strerror(err));
		return EXIT_UNREACHABLE;
	}

	err = show(line, values[OPT_JSON] != NULL);
	free(line);

	return err;
}


int main(int argc, char *argv[])
{
	const char *values[OPTC];
	char why[OPTION_WHY_MAX];
	int rest;

	(void)signal(SIGPIPE, SIG_IGN);
	if (option_parse(options, OPTC, argc, argv, values, &rest, why)) {
		fprintf(stderr, "tandemctl: %s\n", why);
		return EXIT_USAGE;
	}
	if (values[OPT_HELP]) {
		help();
		return EXIT_DONE;
	}
	if (values[OPT_VERSION]) {
		printf("tandemctl %s\n", TANDEM_VERSION);
		return EXIT_DONE;
	}

	return ask(values, argc - rest, argv + rest);
}
