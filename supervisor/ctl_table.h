/**
 * @file supervisor/ctl_table.h  From words to a command
 */
#ifndef TANDEM_SUPERVISOR_CTL_TABLE_H
#define TANDEM_SUPERVISOR_CTL_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

enum {
	CTL_WHY_MAX = 160
};

/**
 * The request that these words mean
 *
 * Words of the table, its positional arguments, and --name value or --name.
 * An object and verb that are not in the table are sent as they stand: a
 * newer daemon may know them.
 *
 * @return 0, EINVAL (why says what is wrong), ENOMEM
 */
int ctl_request(json_t **requestp, int argc, char *const argv[],
		char why[CTL_WHY_MAX]);

/** A line per command */
void ctl_help(FILE *f);

#endif
