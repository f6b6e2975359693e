/**
 * @file supervisor/program.h  A program as it was when it was started
 *
 * An upgrade puts another file under the same name. The file that runs stays
 * open here: one that dies comes back as what it was, a new release is taken
 * when an operator says so, and when it does not come up the one before is
 * still there to go on.
 */
#ifndef TANDEM_SUPERVISOR_PROGRAM_H
#define TANDEM_SUPERVISOR_PROGRAM_H

#include <sys/types.h>
#include <time.h>

#include "supervisor/layouts.h"

enum {
	PROGRAM_WHY_MAX = 256,
	PROGRAM_PATH_MAX = 512,
	PROGRAM_OUTPUT_MAX = 8192
};

struct program {
	unsigned refs;
	int fd;
	dev_t dev;
	ino_t ino;
	struct timespec changed;
	bool saved; /**< A copy is kept: program_save() */
	char name[32];
	char path[PROGRAM_PATH_MAX]; /**< Where it was found */
	struct layouts layouts;
};

/** Those that are open already: none is asked twice */
struct programs_known {
	struct program *rows[64];
	size_t rowc;
};

/** The program of that name on disk; asks it for its layouts, which takes
 *  some milliseconds, unless it is known
 *  @return 0 if success; why says it in words */
int program_open(struct program **programp, const char *dir, const char *name,
		 const struct programs_known *known,
		 char why[PROGRAM_WHY_MAX]);

/** The one whose file is open as fd (taken over), under that name */
int program_take(struct program **programp, int fd, const char *dir,
		 const char *name, const struct programs_known *known,
		 char why[PROGRAM_WHY_MAX]);
struct program *program_ref(struct program *program);
/** @return NULL */
struct program *program_free(struct program *program);

/** What to execute: its path while that is still this file, otherwise the
 *  file itself */
void program_exec_path(char path[PROGRAM_PATH_MAX],
		       const struct program *program);

/** Keep a copy of its file in dir, in place of the one before: for whoever
 *  needs it when its own file is gone and nobody has it open any more */
int program_save(struct program *program, const char *dir);

/**
 * Run it and wait: it ends soon, or is ended
 *
 * @param fds    Beside 0 to 3, what it inherits
 * @param output What it says, with a NUL
 *
 * @return 0 if it ended with 0, ETIMEDOUT, EIO if it ended otherwise
 */
int program_run(const struct program *program, char *const argv[],
		const int *fds, size_t fdc, int timeout_ms,
		char output[PROGRAM_OUTPUT_MAX]);

#endif
