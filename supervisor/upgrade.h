/**
 * @file supervisor/upgrade.h  Other programs, and the memory they find
 *
 * Planned before anything stops: which file each process will run, whether it
 * can live with what lies in shared memory or somebody can migrate that for
 * it, and who else has that memory mapped. Processes whose tables change
 * change together: all hand over, the tables are migrated, all start.
 */
#ifndef TANDEM_SUPERVISOR_UPGRADE_H
#define TANDEM_SUPERVISOR_UPGRADE_H

#include <stdbool.h>

struct child;
struct job;
struct supervisor;

enum {
	UPGRADE_WHY_MAX = 512
};

/** What is on disk for the children whose planned is set: into their next,
 *  and planned is set for those that have to go with them
 *  @param jointp Do tables change, so that all must go together?
 *  @return 0, or why they cannot be replaced; then no child's next is set */
int upgrade_plan(struct supervisor *sup, bool *jointp,
		 char why[UPGRADE_WHY_MAX]);

/** Give up what was planned and has not begun */
void upgrade_forget(struct supervisor *sup);

/** The next step of a job whose children go together
 *  @return true if it is over: why is empty if it went well */
bool upgrade_advance(struct supervisor *sup, struct job *job,
		     char why[UPGRADE_WHY_MAX]);

/** Which program the child is to run now, and shared memory as that needs it
 *  @return 0, or the child cannot be started; its why says it */
int upgrade_before_spawn(struct child *child);

/** It is ready, or it has failed: which program is its own from now on?
 *  @return did it fall back to the one before? */
void upgrade_ready(struct child *child);
bool upgrade_failed(struct child *child);

/** One that was started by a supervisor before us */
void upgrade_adopted(struct child *child);
/** No more of them will come */
void upgrade_adopted_all(void);

/** May we ourselves be replaced by what is on disk? */
int upgrade_check_self(struct supervisor *sup, char why[UPGRADE_WHY_MAX]);

/** Our own name on disk, where an upgrade puts another file; @return error
 *  code */
int upgrade_find_self(struct supervisor *sup);

/** Is what we run still what is on disk? */
bool upgrade_self_changed(const struct supervisor *sup);

/** To the program we become: the programs of the children, and our own */
void upgrade_pass_on(struct supervisor *sup);

/** From the one that became us: the way back to it, -1: none */
int upgrade_previous(void);

/** A release that cannot start becomes the one before again; returns if there
 *  is none */
void upgrade_go_back(struct supervisor *sup);

#endif
