/**
 * @file supervisor/ctl_trace.c  A trace into a file, or as it goes on
 *
 * Both ask page by page. A trace that runs is followed by asking again from
 * where the last page ended.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "supervisor/ctl_table.h"
#include "supervisor/ctl_trace.h"

enum {
	FOLLOW_MS = 500
};


static bool is_follow(int argc, char *const argv[])
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], "--follow") == 0)
			return true;

	return false;
}


bool ctl_is_trace(int argc, char *const argv[])
{
	return argc >= 2 && strcmp(argv[0], "trace") == 0 &&
	       (strcmp(argv[1], "export") == 0 ||
		(strcmp(argv[1], "show") == 0 && is_follow(argc, argv)));
}


/* --- a file ---------------------------------------------------------------- */

static int base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}


/* @return false: it is none, or it cannot be written */
static bool write_base64(FILE *f, const char *s)
{
	uint32_t v = 0;
	unsigned bits = 0;

	for (; base64_value(*s) >= 0; s++) {
		v = v << 6 | (uint32_t)base64_value(*s);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			(void)fputc((int)(v >> bits & 0xff), f);
		}
	}

	return s[strspn(s, "=")] == '\0' && !ferror(f);
}


static bool write_page(FILE *f, const json_t *answer)
{
	const json_t *row = json_array_get(json_object_get(answer, "rows"), 0);
	const json_t *data = json_object_get(row, "data");
	const char *format = json_string_value(json_object_get(row, "format"));

	if (!row) /* a worker that has nothing of it */
		return json_is_array(json_object_get(answer, "rows"));
	if (!json_is_string(data) || !format)
		return false;
	if (strcmp(format, "pcap") == 0)
		return write_base64(f, json_string_value(data));

	return fwrite(json_string_value(data), 1, json_string_length(data),
		      f) == json_string_length(data);
}


static bool write_message(FILE *f, const json_t *row)
{
	const char *keys[] = { "time",  "direction", "transport",
			       "local", "remote",    "message" };
	const char *words[COUNT_OF(keys)];

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		words[i] = json_string_value(json_object_get(row, keys[i]));
		if (!words[i])
			return false;
	}
	fprintf(f, "%s %s %s %s %s %s\n%s\n", words[0], words[1], words[2],
		words[3], strcmp(words[1], "in") == 0 ? "<-" : "->", words[4],
		words[5]);

	return !ferror(f);
}


static bool write_rows(FILE *f, const json_t *answer)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(answer, "rows"), i,
			   row) if (!write_message(f, row)) return false;

	return fflush(f) == 0;
}


/* --- page by page ---------------------------------------------------------- */

/* The next page's cursor into the request; false: there is none */
static bool go_on(json_t *request, const json_t *answer, bool follows)
{
	const char *state = json_string_value(
		json_object_get(answer, "state"));
	const struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000000L };
	json_t *next = json_object_get(answer, "next");

	if (!json_is_string(next)) {
		if (!follows || !state || strcmp(state, "running") != 0)
			return false;
		next = json_object_get(answer, "position");
		(void)nanosleep(&pause, NULL);
	}

	return json_object_set(json_object_get(request, "args"), "cursor",
			       next) == 0;
}


static enum ctl_exit write_all(const struct ctl_wire *wire, json_t *request,
			       FILE *f, bool follows)
{
	enum ctl_exit code;
	bool more = true;

	do {
		json_t *answer = NULL;

		code = ctl_call(&answer, wire, request);
		if (code != EXIT_DONE)
			return code;
		if (!(follows ? write_rows : write_page)(f, answer)) {
			fprintf(stderr, "error: the trace cannot be "
					"written\n");
			code = EXIT_REFUSED;
		}
		more = code == EXIT_DONE && go_on(request, answer, follows);
		json_decref(answer);
	} while (more);

	return code;
}


static enum ctl_exit write_file(const struct ctl_wire *wire, json_t *request,
				const char *path)
{
	FILE *f = path && strcmp(path, "-") != 0 ? fopen(path, "we") : stdout;
	enum ctl_exit code;

	if (!f) {
		fprintf(stderr, "error: %s: %s\n", path, strerror(errno));
		return EXIT_USAGE;
	}
	code = write_all(wire, request, f, false);
	if ((f == stdout ? fflush(f) : fclose(f)) != 0 && code == EXIT_DONE) {
		fprintf(stderr, "error: %s\n", strerror(errno));
		code = EXIT_REFUSED;
	}

	return code;
}


enum ctl_exit ctl_trace(const struct ctl_wire *wire, int argc,
			char *const argv[])
{
	enum ctl_exit code;
	char why[CTL_WHY_MAX], path[4096] = "";
	json_t *request, *args;
	int err;

	err = ctl_request(&request, argc, argv, why);
	if (err) {
		fprintf(stderr, "tandemctl: %s\n",
			why[0] ? why : strerror(err));
		return EXIT_USAGE;
	}

	args = json_object_get(request, "args");
	if (json_object_get(args, "follow")) {
		(void)json_object_del(args, "follow");
		code = write_all(wire, request, stdout, true);
	}
	else {
		const json_t *file = json_object_get(args, "file");

		if (text_copy(path, sizeof(path),
			      text_of(json_is_string(file)
					      ? json_string_value(file)
					      : "-")))
			path[0] = '\0';
		(void)json_object_del(args, "file");
		code = write_file(wire, request, path);
	}
	json_decref(request);

	return code;
}
