/**
 * @file supervisor/tandemctl.c  The operator's command
 *
 * One request and one answer over the control socket. Exit codes: 0 done, 1
 * refused, 2 wrong usage, 3 nobody answers.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/option.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "supervisor/ctl_print.h"
#include "supervisor/ctl_table.h"
#include "supervisor/ctl_trace.h"
#include "supervisor/ctl_transfer.h"
#include "supervisor/ctl_upgrade.h"
#include "supervisor/ctl_wire.h"

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


/* Workers whose part is not in the answer */
static void show_missed(const json_t *names)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		fprintf(stderr, "note: %s gave no answer\n",
			json_string_value(name));
	}
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
	show_missed(json_object_get(answer, "missed"));
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


/* One question, and its answer printed */
static int exchange(const struct ctl_wire *wire, const json_t *request)
{
	char *line;
	int err;

	err = ctl_exchange(&line, wire, request);
	if (err) {
		fprintf(stderr, "tandemctl: %s: %s\n", wire->path,
			strerror(err));
		return EXIT_UNREACHABLE;
	}
	err = show(line, wire->as_json);
	free(line);

	return err;
}


/* "account lock --disconnect" is of two daemons: no new calls, then the end of
 * those that run. NULL: that is not what was asked */
static json_t *take_second(json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	json_t *args = json_object_get(request, "args");

	if (!cmd || strcmp(cmd, "account.lock") != 0 ||
	    !json_object_get(args, "disconnect"))
		return NULL;
	(void)json_object_del(args, "disconnect");

	return json_pack("{s:s,s:{s:O}}", "cmd", "call.disconnect", "args",
			 "account", json_object_get(args, "name"));
}


/* Said behind the command it means the same as before it. */
static bool take_json(int *argcp, char *argv[])
{
	int kept = 0;

	for (int i = 0; i < *argcp; i++) {
		if (strcmp(argv[i], "--json") != 0)
			argv[kept++] = argv[i];
	}
	if (kept == *argcp)
		return false;
	argv[kept] = NULL;
	*argcp = kept;

	return true;
}


static int ask(const char *values[], int argc, char *argv[])
{
	const bool as_json = take_json(&argc, argv) || values[OPT_JSON];
	const char *path = values[OPT_SOCKET] ? values[OPT_SOCKET]
					      : getenv("TANDEM_SOCKET");
	char why[CTL_WHY_MAX];
	struct ctl_wire wire;
	json_t *request, *second;
	uint32_t timeout_s = 600;
	int err;

	if (!path)
		path = "/run/tandem/control.sock";
	if (values[OPT_TIMEOUT] &&
	    text_u32(&timeout_s, text_of(values[OPT_TIMEOUT]), 1, 86400)) {
		fprintf(stderr, "tandemctl: --timeout is 1 to 86400 s\n");
		return EXIT_USAGE;
	}

	wire = (struct ctl_wire){ path, timeout_s, as_json };
	if (ctl_is_trace(argc, argv))
		return ctl_trace(&wire, argc, argv);
	if (ctl_is_upgrade(argc, argv))
		return ctl_upgrade(&wire);
	if (ctl_is_transfer(argc, argv))
		return ctl_transfer(&wire, argc, argv);

	err = ctl_request(&request, argc, argv, why);
	if (err) {
		fprintf(stderr, "tandemctl: %s\n",
			why[0] ? why : strerror(err));
		return EXIT_USAGE;
	}
	second = take_second(request);
	err = exchange(&wire, request);
	if (!err && second)
		err = exchange(&wire, second);
	json_decref(request);
	json_decref(second);

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
