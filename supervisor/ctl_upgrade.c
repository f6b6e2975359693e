/**
 * @file supervisor/ctl_upgrade.c  To what is installed, one after the other
 *
 * Every step asks anew what is left to do: an upgrade that was broken off goes
 * on where it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/clk.h"
#include "supervisor/ctl_upgrade.h"

enum {
	SETTLE_MS = 1000,
	BACK_MS = 30000, /**< For a supervisor to adopt all */
	LOOK_MS = 50,
	PROCESSES_MAX = 128
};


bool ctl_is_upgrade(int argc, char *const argv[])
{
	return argc == 1 && strcmp(argv[0], "upgrade") == 0;
}


static enum ctl_exit call(json_t **answerp, const struct ctl_wire *wire,
			  const char *cmd, const char *process)
{
	json_t *request = json_pack("{s:s,s:{s:s*}}", "cmd", cmd, "args",
				    "process", process);
	enum ctl_exit exit;

	if (!request)
		return EXIT_UNREACHABLE;
	exit = ctl_call(answerp, wire, request);
	json_decref(request);

	return exit;
}


/* Without a word if nobody answers: somebody may be about to. */
static json_t *try_call(const struct ctl_wire *wire, const char *cmd,
			const char *process)
{
	json_t *request = json_pack("{s:s,s:{s:s*}}", "cmd", cmd, "args",
				    "process", process);
	json_t *answer = NULL;
	char *line = NULL;

	if (request && ctl_exchange(&line, wire, request) == 0)
		answer = json_loads(line, 0, NULL);
	free(line);
	json_decref(request);
	if (!json_is_true(json_object_get(answer, "ok"))) {
		json_decref(answer);
		answer = NULL;
	}

	return answer;
}


static void look_again(void)
{
	const struct timespec ts = { .tv_nsec = LOOK_MS * 1000000L };

	(void)nanosleep(&ts, NULL);
}


static bool is_changed(const json_t *row)
{
	return json_is_true(json_object_get(row, "changed"));
}


static const char *name_of(const json_t *row)
{
	const char *name = json_string_value(json_object_get(row, "process"));

	return name ? name : "?";
}


/* Every process is ready; those of before, if there was a before, with the
 * same pid. */
static bool all_well(const json_t *answer, const json_t *before)
{
	const json_t *rows = json_object_get(answer, "rows");
	const json_t *row, *was;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *state = json_string_value(
			json_object_get(row, "state"));

		was = json_array_get(json_object_get(before, "rows"), i);
		if (!state || (strcmp(state, "ready") != 0 &&
			       strcmp(state, "down") != 0))
			return false;
		if (was && !json_equal(json_object_get(row, "pid"),
				       json_object_get(was, "pid")))
			return false;
	}

	return json_array_size(rows) > 0;
}


/* All stay what they are for a while, after they have become ready. */
static bool settles(const struct ctl_wire *wire, int64_t within_ms)
{
	const int64_t until_us = clk_mono_us() + within_ms * 1000;
	int64_t since_us = 0;
	json_t *before = NULL;

	for (;;) {
		json_t *now = try_call(wire, "status", NULL);
		const int64_t now_us = clk_mono_us();

		if (!now || !all_well(now, before))
			since_us = 0;
		else if (!since_us)
			since_us = now_us;
		json_decref(before);
		before = now;
		if ((since_us &&
		     now_us - since_us >= (int64_t)SETTLE_MS * 1000) ||
		    now_us > until_us)
			break;
		look_again();
	}
	json_decref(before);

	return since_us != 0;
}


/* The one that comes runs what is on disk, or the one before is back. */
static bool became_other(const struct ctl_wire *wire)
{
	const int64_t until_us = clk_mono_us() + (int64_t)BACK_MS * 1000;
	bool changed = true, away = false;
	int answers = 0;

	while (changed && clk_mono_us() < until_us && answers < 100) {
		json_t *answer = try_call(wire, "upgrade.check", "supervisor");

		changed = !answer ||
			  is_changed(json_array_get(json_object_get(answer,
								    "rows"),
						    0));
		away = away || !answer;
		/* That many times, and still the one of before */
		answers += away && answer ? 1 : 0;
		json_decref(answer);
		look_again();
	}

	return !changed;
}


static enum ctl_exit upgrade_supervisor(const struct ctl_wire *wire,
					bool *anyp)
{
	json_t *answer = NULL;
	enum ctl_exit exit;
	bool changed;

	exit = call(&answer, wire, "upgrade.check", "supervisor");
	if (exit)
		return exit;
	changed = is_changed(
		json_array_get(json_object_get(answer, "rows"), 0));
	json_decref(answer);
	if (!changed)
		return EXIT_DONE;

	*anyp = true;
	printf("supervisor ...\n");
	(void)fflush(stdout);
	exit = call(&answer, wire, "restart", "supervisor");
	if (exit)
		return exit;
	json_decref(answer);
	if (!became_other(wire) || !settles(wire, BACK_MS)) {
		fprintf(stderr, "error: the supervisor did not become what is "
				"installed: see its log; nothing else was "
				"touched\n");
		return EXIT_REFUSED;
	}

	return EXIT_DONE;
}


/* The daemon of the first process that is not what is installed; "" if none */
static enum ctl_exit next_one(char name[64], const struct ctl_wire *wire)
{
	json_t *answer = NULL;
	const json_t *row;
	enum ctl_exit exit;
	size_t i;

	name[0] = '\0';
	exit = call(&answer, wire, "upgrade.check", NULL);
	if (exit)
		return exit;

	json_array_foreach(json_object_get(answer, "rows"), i, row)
	{
		if (!is_changed(row))
			continue;
		(void)snprintf(name, 64, "%s", name_of(row));
		name[strcspn(name, ".")] = '\0';
		printf("%s %s -> %s ...\n", name,
		       json_string_value(json_object_get(row, "running")),
		       json_string_value(json_object_get(row, "on_disk")));
		(void)fflush(stdout);
		break;
	}
	json_decref(answer);

	return EXIT_DONE;
}


static enum ctl_exit upgrade_daemons(const struct ctl_wire *wire, bool *anyp)
{
	char name[64];
	json_t *answer = NULL;
	enum ctl_exit exit;

	/* Each round changes one at least, or ends. */
	for (int round = 0; round < PROCESSES_MAX; round++) {
		exit = next_one(name, wire);
		if (exit || !name[0])
			return exit;

		*anyp = true;
		exit = call(&answer, wire, "restart", name);
		if (exit)
			return exit;
		json_decref(answer);
		if (!settles(wire, BACK_MS)) {
			fprintf(stderr,
				"error: not all processes are well since %s "
				"was replaced: see status; to go back, install "
				"its program of before and restart it\n",
				name);
			return EXIT_REFUSED;
		}
	}

	return EXIT_DONE;
}


enum ctl_exit ctl_upgrade(const struct ctl_wire *wire)
{
	bool any = false;
	enum ctl_exit exit;

	exit = upgrade_supervisor(wire, &any);
	if (!exit)
		exit = upgrade_daemons(wire, &any);
	if (!exit)
		printf(any ? "done: every process runs what is installed\n"
			   : "nothing to do: every process runs what is "
			     "installed\n");

	return exit;
}
