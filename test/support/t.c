/**
 * @file test/support/t.c  Running tests, and allocations that fail in turn
 */
#include <ftw.h>
#include <time.h>
#include <unistd.h>

#include "test/support/failmalloc.h"
#include "test/support/t.h"

static char dir[64];


static int run_scenario(const struct t_scenario *scenario)
{
	int err;

	for (unsigned nth = 1;; nth++) {
		failmalloc_begin(nth);
		err = scenario->h();
		if (failmalloc_live() != 0) {
			printf("%s: allocation %u failing left %zu behind\n",
			       scenario->name, nth, failmalloc_live());
			return 1;
		}
		if (!failmalloc_end()) {
			if (err)
				printf("%s: error %d without a failure\n",
				       scenario->name, err);
			else
				printf("%s: %u allocations failed in turn\n",
				       scenario->name, nth - 1);
			return err != 0 || nth == 1;
		}
		if (err != 0 && err != ENOMEM) {
			printf("%s: error %d when allocation %u failed\n",
			       scenario->name, err, nth);
			return 1;
		}
	}
}


int t_main(const char *name, const struct CMUnitTest *tests, size_t testc,
	   const struct t_scenario *scenarios, size_t scenarioc)
{
	int bad = 0;

	if (getenv("TANDEM_FAILMALLOC")) {
		if (scenarioc == 0) {
			printf("no scenario: see test/support/t.h\n");
			return 1;
		}
		for (size_t i = 0; i < scenarioc; i++)
			bad += run_scenario(&scenarios[i]);
		return bad != 0;
	}

	for (size_t i = 0; i < scenarioc; i++) {
		const int err = scenarios[i].h();

		if (err) {
			printf("%s: error %d\n", scenarios[i].name, err);
			bad++;
		}
	}

	bad += _cmocka_run_group_tests(name, tests, testc, NULL, NULL);

	return bad != 0;
}


int64_t t_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


void t_pause(void)
{
	const struct timespec ts = { .tv_nsec = 1000000 };

	nanosleep(&ts, NULL);
}


static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;

	return remove(path);
}


static pid_t owner;


static void remove_dir(void)
{
	if (getpid() == owner)
		(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}


const char *t_dir(void)
{
	if (!dir[0]) {
		(void)snprintf(dir, sizeof(dir), "/tmp/tandem-unit.XXXXXX");
		if (!mkdtemp(dir)) {
			perror("mkdtemp");
			exit(1);
		}
		owner = getpid();
		(void)atexit(remove_dir);
	}

	return dir;
}
