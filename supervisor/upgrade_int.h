/**
 * @file supervisor/upgrade_int.h  What the files of upgrades share
 *
 * Not for users: upgrade.h is.
 */
#ifndef TANDEM_SUPERVISOR_UPGRADE_INT_H
#define TANDEM_SUPERVISOR_UPGRADE_INT_H

#include "supervisor/program.h"
#include "supervisor/upgrade.h"

/** Programs that any child has open */
void upgrade_gather(struct programs_known *known,
		    const struct supervisor *sup);

/** What is on disk, into the child's next if it is not what it runs */
int upgrade_open_next(struct child *child, char why[UPGRADE_WHY_MAX]);

/** Where copies of programs are kept */
void upgrade_saved_dir(char dir[PROGRAM_PATH_MAX],
		       const struct supervisor *sup);

/** Who knows the way from one layout to another: what comes, what runs, what
 *  ran before, or the copy of the last one that knew any; NULL: nobody. The
 *  caller's. */
struct program *upgrade_guide(const struct child *child,
			      struct program *program, const char *name,
			      struct layout from, struct layout to);

/** What it runs is its own from now on */
void upgrade_commit(struct child *child);

#endif
