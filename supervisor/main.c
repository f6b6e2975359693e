/**
 * @file supervisor/main.c  The supervisor's command line
 *
 * Exit codes: 0 orderly; 1 could not start, or the node file is wrong; 2 wrong
 * command line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/option.h"
#include "shared/base/util.h"
#include "supervisor/limits.h"
#include "supervisor/rtprange.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"

/* clang-format off */
enum { OPT_FILE, OPT_CHECK, OPT_VERBOSE, OPT_REMOVE, OPT_LAYOUTS, OPT_VERSION, OPT_HELP, OPTC };
static const struct option_def options[OPTC] = {
	[OPT_FILE]    = { "file",       'f', "FILE", "Node file; /etc/tandem/tandem.conf" },
	[OPT_CHECK]   = { "check",      'n', NULL,   "Check the node file and the limits of the machine, and end" },
	[OPT_VERBOSE] = { "verbose",    'v', NULL,   "With --check: print the effective node file" },
	[OPT_REMOVE]  = { "remove-shm", 0,   NULL,   "Remove this node's shared memory, and what lies in it; everything must be stopped" },
	[OPT_LAYOUTS] = { "layouts",    0,   NULL,   "Say which layouts of its own shared memory it knows, and end" },
	[OPT_VERSION] = { "version",    'V', NULL,   "Say which release this is" },
	[OPT_HELP]    = { "help",       'h', NULL,   "Say what the options are" },
};
/* clang-format on */


static int check(const struct config *config, bool verbose)
{
	char why[LIMITS_WHY_MAX];

	if (verbose)
		(void)config_print(config, stdout);
	limits_raise();
	if (limits_check(config, why)) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}

	return 0;
}


/* What lies in it is every call there is: not while anybody works on it. */
static int remove_shm(const struct config *config)
{
	char why[SUPERVISOR_WHY_MAX], name[PEER_ID_MAX];
	int fd;

	if (supervisor_lock(config, &fd, why)) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	if (adopt_anybody(config, name) == 0) {
		fprintf(stderr,
			"%s is still running without a supervisor: start the "
			"supervisor and stop it in order, which ends it\n",
			name);
		return 1;
	}
	printf("removed %zu segments\n", segments_remove(config));

	return 0;
}


/* Big, and one of it: not on the stack. */
static struct supervisor supervisor;


static int run(const char *path, const struct config *config, char *argv[])
{
	supervisor.path = path;
	supervisor.argv = argv;
	supervisor.config = *config;
	supervisor.config.version = 1;
	log_setup("supervisor", config->log_level, config->log_format);

	return supervisor_run(&supervisor) ? 1 : 0;
}


int main(int argc, char *argv[])
{
	const char *values[OPTC];
	char why[OPTION_WHY_MAX], error[CONFIG_ERROR_MAX];
	struct config config;
	const char *path;
	int rest;

	if (option_parse(options, OPTC, argc, argv, values, &rest, why) ||
	    rest != argc) {
		fprintf(stderr, "supervisor: %s\n",
			why[0] ? why : "no words but options: --help");
		return 2;
	}
	if (values[OPT_HELP]) {
		option_help(stdout, "tandem-supervisor [options]", options,
			    OPTC);
		return 0;
	}
	if (values[OPT_VERSION]) {
		printf("tandem-supervisor %s\n", TANDEM_VERSION);
		return 0;
	}

	if (values[OPT_LAYOUTS]) {
		printf("layouts 1\nrelease %s\nsegment processes 0x%08x %u "
		       "%zu write\n",
		       TANDEM_VERSION, PROCESSES_MAGIC, PROCESSES_VERSION,
		       PROCESSES_SLOT_SIZE);
		return 0;
	}

	path = values[OPT_FILE] ? values[OPT_FILE] : "/etc/tandem/tandem.conf";
	if (config_read(&config, path, error)) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	rtprange_apply(&config);
	if (values[OPT_CHECK])
		return check(&config, values[OPT_VERBOSE] != NULL);
	if (values[OPT_REMOVE])
		return remove_shm(&config);
	if (spawn_reserve())
		return 1;

	/* Daemons touch much memory in no order: in large pages the way to it
	 * is short. An operator's own setting stays. */
	(void)setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0);

	return run(path, &config, argv);
}
