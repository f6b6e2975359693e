/**
 * @file shared/base/option.h  Command lines as tables
 *
 * One row per option; from the rows come parsing, --help and the manual page.
 * Nothing here exits or prints by itself.
 */
#ifndef TANDEM_BASE_OPTION_H
#define TANDEM_BASE_OPTION_H

#include <stddef.h>
#include <stdio.h>

struct option_def {
	const char *name; /**< Long form, without the dashes */
	char letter;      /**< Short form; 0: none */
	const char *arg;  /**< What its argument is called; NULL: a switch */
	const char *help;
};

enum {
	OPTION_WHY_MAX = 160
};

/**
 * Read a command line
 *
 * @param values One per row: the argument, "1" for a switch, NULL if absent
 * @param restp  Index of the first word that is no option
 * @param why    What is wrong, for people
 *
 * @return 0 if success, EINVAL if the line is wrong
 */
int option_parse(const struct option_def *defs, size_t defc, int argc,
		 char *const argv[], const char **values, int *restp,
		 char why[OPTION_WHY_MAX]);

/** "Usage: ..." and a line per row */
void option_help(FILE *f, const char *usage, const struct option_def *defs,
		 size_t defc);

#endif
